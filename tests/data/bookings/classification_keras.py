#!/usr/bin/env python
# All branches of a tree as variables, and a model that the script itself builds.
from os.path import isfile
from subprocess import call

from keras.layers import Activation, Dense
from keras.models import Sequential
from keras.optimizers import SGD
from keras.regularizers import l2
from ROOT import TMVA, TCut, TFile

TMVA.Tools.Instance()
TMVA.PyMethodBase.PyInitialize()

output = TFile.Open("TMVA.root", "RECREATE")
factory = TMVA.Factory(
    "TMVAClassification", output, "!V:!Silent:Color:DrawProgressBar:Transformations=D,G:AnalysisType=Classification"
)

if not isfile("example.root"):
    call(["curl", "-L", "-O", "http://example.org/example.root"])

data = TFile.Open("example.root")
signal = data.Get("TreeS")
background = data.Get("TreeB")

dataloader = TMVA.DataLoader("dataset")
for branch in signal.GetListOfBranches():
    dataloader.AddVariable(branch.GetName())

dataloader.AddSignalTree(signal, 1.0)
dataloader.AddBackgroundTree(background, 1.0)
dataloader.PrepareTrainingAndTestTree(
    TCut(""), "nTrain_Signal=4000:nTrain_Background=4000:SplitMode=Random:NormMode=NumEvents:!V"
)

model = Sequential()
model.add(Dense(64, activation="relu", kernel_regularizer=l2(1e-5), input_dim=4))
model.add(Dense(2))
model.add(Activation("softmax"))
model.compile(
    loss="categorical_crossentropy",
    optimizer=SGD(lr=0.01),
    metrics=[
        "accuracy",
    ],
)
model.save("model.h5")
model.summary()

factory.BookMethod(dataloader, TMVA.Types.kFisher, "Fisher", "!H:!V:Fisher:VarTransform=D,G")
factory.BookMethod(
    dataloader,
    TMVA.Types.kPyKeras,
    "PyKeras",
    "H:!V:VarTransform=D,G:FilenameModel=model.h5:NumEpochs=20:BatchSize=32:TriesEarlyStopping=5",
)
factory.TrainAllMethods()
