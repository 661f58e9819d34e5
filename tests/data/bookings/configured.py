"""Bookings out of a dictionary, f-strings, an argument that no text tells."""

import argparse
import os

import ROOT

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=1)
args = parser.parse_args()

DIRECTORY = "/data/samples"
WIDTHS = (100, 50)
NETWORKS = {
    "wide": {"units": 128, "optimizer": "ADAM", "dropout": 0.25},
    "small": {"units": 16, "optimizer": "sgd", "dropout": 0},
}


class Training:
    def __init__(self, year=2018):
        self.year = year
        self.loader = ROOT.TMVA.DataLoader(f"dataset_{year}")
        self.factory = ROOT.TMVA.Factory("TMVA", ROOT.TFile(f"out_{year}.root", "RECREATE"), "!V")

    def load(self):
        for kind in ["sig", "bkg"]:
            file = ROOT.TFile.Open(os.path.join(DIRECTORY, str(self.year), "{}.root".format(kind)))
            tree = file.Get("t")
            if kind == "sig":
                self.loader.AddSignalTree(tree, 1.0)
            else:
                self.loader.AddBackgroundTree(tree, 1.0)
        for name, expression in zip(["mt", "ht"], ["sqrt(2*pt*met)", "Sum$(jet_pt)"]):
            self.loader.AddVariable(f"{name} := {expression}", "F")
        self.loader.SetWeightExpression("weight")
        self.loader.PrepareTrainingAndTestTree(ROOT.TCut("met>30"), "SplitMode=Random:NormMode=EqualNumEvents")

    def book(self):
        for title, network in NETWORKS.items():
            layout = ",".join([f"DENSE|{network['units']}|RELU"] * 2 + ["DENSE|1|LINEAR"])
            strategy = (
                f"LearningRate={1e-3:.0e},Optimizer={network['optimizer']},BatchSize={2**6},"
                f"MaxEpochs=30,ConvergenceSteps=30,TestRepetitions=1,"
                f"DropConfig=0.0+{network['dropout']}+{network['dropout']}"
            )
            self.factory.BookMethod(
                self.loader,
                ROOT.TMVA.Types.kDL,
                title,
                "!H:V:VarTransform=N,D_Signal:ErrorStrategy=CROSSENTROPY:WeightInitialization=XAVIER:"
                "Layout=" + layout + ":TrainingStrategy=" + strategy + f":RandomSeed={args.seed}:ValidationSize=20%",
            )


if __name__ == "__main__":
    training = Training()
    training.load()
    training.book()
    training.factory.BookMethod(training.loader, "BDT", "boosted", "NTrees=%d:MaxDepth=%d" % WIDTHS)
