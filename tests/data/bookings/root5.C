{
   // ROOT 5 and 6.04: everything hangs on the Factory, and a macro may have no name.
   gROOT->ProcessLine(".L TMVAGui.C");
   TFile *f = new TFile("ntuple.root");
   TTree *all = (TTree*) f->Get("events");
   TFile *out = new TFile("out.root", "recreate");
   TMVA::Factory factory("old", out, "!V:Color");
   factory.AddVariable("pt", 'F');
   factory.AddVariable("log(mass)", "log of the mass", "", 'F');
   char name[20];
   for (Int_t i = 0; i < 3; i++) factory.AddVariable(Form("eta%d", i + 1), 'F');
   TCut base = "pt > 20";
   TCut sig = base && "type == 1", bkg = base && "type == 0";
   factory.SetInputTrees(all, sig, bkg);
   factory.SetWeightExpression("w*lumi");
   factory.PrepareTrainingAndTestTree("", 3000, 4000, 3000, 4000, "SplitMode=Alternate:!V");
   factory.BookMethod(TMVA::Types::kMLP, "MLP", "!H:!V:NCycles=200:HiddenLayers=N+1,N:EstimatorType=CE");
   factory.BookMethod("BDT", "BDTD", "NTrees=400:nEventsMin=400:BoostType=AdaBoost:VarTransform=Decorrelate");
   factory.TrainAllMethods();
}
