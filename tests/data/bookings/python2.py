#!/usr/bin/env python
# Python 2: print is a statement; options are joined; a function books.
import sys, ROOT
from array import array

print "training", sys.argv
ROOT.gROOT.SetBatch(True)

def book(factory, name, trees = 800, depth = 3):
    options = [ "!H", "!V", "NTrees=%d" % trees, "MaxDepth=%i" % depth ]
    options.append("BoostType=Grad")
    options += [ "Shrinkage=%.2f" % 0.1, "nCuts=20" ]
    factory.BookMethod( ROOT.TMVA.Types.kBDT, name, ":".join(options) )

fout = ROOT.TFile("test.root","RECREATE")
factory = ROOT.TMVA.Factory("TMVAClassification", fout, ":".join([
                                "!V",
                                "!Silent",
                                "Color",
                                "AnalysisType=Classification"]
                                 ))
for var, kind in [ ("pt1", "F"), ("pt2", "F"), ("njet", "I") ]:
    factory.AddVariable(var, kind)
factory.AddSpectator("run")
sig = ROOT.TChain("Events"); sig.Add("signal.root")
bkg = ROOT.TChain("Events")
for f in ("bkg_a.root", 'bkg_b.root'): bkg.Add(f)
factory.AddSignalTree(sig)
factory.AddBackgroundTree(bkg)
sigCut = ROOT.TCut("pt1>20"); sigCut += ROOT.TCut("njet>1")
factory.PrepareTrainingAndTestTree(sigCut, ROOT.TCut(""), ":".join(["nTrain_Signal=0", "nTrain_Background=0", "SplitMode=Random", "NormMode=None", "!V"]))
book(factory, "BDTG")
book(factory, "BDTG_deep", depth = 5)
factory.BookMethod(ROOT.TMVA.Types.kMLP, "MLP", "H:!V:NeuronType=tanh:NCycles=600:HiddenLayers=" + str(10) + ",5:TestRate=5")
print "done"
