// Conditions that no text tells: both sides are read.
void choices(int mode, const char *layout = "Layout=RELU|10,LINEAR")
{
   auto loader = new TMVA::DataLoader("dataset");
   loader->AddVariable("a");
   if (mode > 1) loader->AddVariable("b");
   auto factory = new TMVA::Factory("choices", TFile::Open("o.root", "RECREATE"), "!V");
   TString file = mode == 2 ? "two.root" : "one.root";
   TFile *in = TFile::Open(file);
   loader->SetInputTrees((TTree*)in->Get("s"), (TTree*)in->Get("b"), 1.0, 1.0);
   TString options = "!H:ErrorStrategy=SUMOFSQUARES:WeightInitialization=XAVIER:RandomSeed=1:";
   options += layout;
   TString strategy = "BatchSize=50,MaxEpochs=10";
   if (mode) strategy += ",Optimizer=SGD,Momentum=0.5";
   options += ":TrainingStrategy=" + strategy;
   factory->BookMethod(loader, TMVA::Types::kDL, mode ? "sgd" : "adam", options);
   TString trees = getenv("TREES");
   factory->BookMethod(loader, TMVA::Types::kBDT, "BDT", "BoostType=Grad:NTrees=" + trees + ":MaxDepth=3");
}
