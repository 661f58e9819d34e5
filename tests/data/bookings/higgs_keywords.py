# Options as keywords, which PyROOT takes since 6.26.
import ROOT
from ROOT import TMVA, TFile

useMLP = False
outputFile = TFile.Open("Higgs.root", "RECREATE")
factory = TMVA.Factory("Higgs", outputFile, V=False, ROC=True, Silent=False, AnalysisType="Classification")
inputFile = TFile.Open("Higgs_data.root")
loader = TMVA.DataLoader("dataset")
for name in ["m_jj", "m_jjj", "m_lv"]:
    loader.AddVariable(name)
loader.AddSignalTree(inputFile.Get("sig_tree"), 1.0)
loader.AddBackgroundTree(inputFile["bkg_tree"], 1.0)
loader.PrepareTrainingAndTestTree(
    ROOT.TCut("m_jj > 0"),
    ROOT.TCut("m_jj > 0"),
    nTrain_Signal=7000,
    nTrain_Background=7000,
    SplitMode="Random",
    NormMode="NumEvents",
    V=False,
)
if useMLP:
    factory.BookMethod(loader, TMVA.Types.kMLP, "MLP", H=False, NeuronType="tanh", NCycles=100, HiddenLayers="N+5")
factory.BookMethod(
    loader,
    TMVA.Types.kBDT,
    "BDT",
    V=False,
    NTrees=200,
    MinNodeSize="2.5%",
    BoostType="AdaBoost",
    AdaBoostBeta=0.5,
    UseBaggedBoost=True,
)
training1 = ROOT.TString(
    "LearningRate=1e-3,Momentum=0.9,ConvergenceSteps=10,BatchSize=128,TestRepetitions=1,MaxEpochs=20,Optimizer=ADAM"
)
arch = "GPU" if ROOT.gSystem.GetFromPipe("root-config --has-tmva-gpu") == "yes" else "CPU"
factory.BookMethod(
    loader,
    TMVA.Types.kDL,
    "DNN",
    H=False,
    ErrorStrategy="CROSSENTROPY",
    VarTransform=None,
    Layout="DENSE|64|TANH,DENSE|64|TANH,DENSE|1|LINEAR",
    TrainingStrategy=training1,
    Architecture=arch,
    RandomSeed=7,
)
