# A regression, and more than two classes.
import ROOT
from ROOT import TMVA

out = ROOT.TFile("o.root", "RECREATE")
regression = TMVA.Factory("r", out, "!V:AnalysisType=Regression")
loader = TMVA.DataLoader("regression")
loader.AddVariable("x")
loader.AddTarget("y")
regression.BookMethod(
    loader, TMVA.Types.kDL, "reg", "Layout=TANH|10,LINEAR:TrainingStrategy=BatchSize=10:ErrorStrategy=SUMOFSQUARES"
)
multi = TMVA.Factory("m", out, "!V:AnalysisType=Multiclass")
classes = TMVA.DataLoader("classes")
classes.AddVariable("x")
file = ROOT.TFile.Open("m.root")
for i, name in enumerate(["Signal", "bg0", "bg1"]):
    classes.AddTree(file.Get("Tree%d" % i), name)
multi.BookMethod(classes, TMVA.Types.kBDT, "multi", "NTrees=100")
