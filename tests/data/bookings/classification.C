// As ROOT's own classification macro: a map of switches, an old-style list of methods on the command line.
#include "TMVA/Factory.h"
#include "TMVA/DataLoader.h"

int classification( TString myMethodList = "" )
{
   std::map<std::string,int> Use;
   Use["Cuts"]    = 0;
   Use["Fisher"]  = 1;
   Use["MLPBNN"]  = 1; // with a regulator
#ifdef R__HAS_TMVAGPU
   Use["DNN_GPU"] = 1;
#else
   Use["DNN_GPU"] = 0;
#endif
   Use["DNN_CPU"] = 1;
   Use["BDTG"]    = 1;
   if (myMethodList != "") {
      for (std::map<std::string,int>::iterator it = Use.begin(); it != Use.end(); it++) it->second = 0;
      std::vector<TString> mlist = TMVA::gTools().SplitString( myMethodList, ',' );
      for (UInt_t i=0; i<mlist.size(); i++) {
         std::string regMethod(mlist[i]);
         if (Use.find(regMethod) == Use.end()) { std::cout << "no " << regMethod << std::endl; return 1; }
         Use[regMethod] = 1;
      }
   }

   TFile *input(0);
   TString fname = "./toys.root";
   if (!gSystem->AccessPathName( fname )) input = TFile::Open( fname );
   else input = TFile::Open("http://example.org/toys.root", "CACHEREAD");
   if (!input) exit(1);
   TTree *signal     = (TTree*)input->Get("TreeS");
   TTree *background = (TTree*)input->Get("TreeB");

   TString outfileName( "TMVA.root" );
   TFile* outputFile = TFile::Open( outfileName, "RECREATE" );
   TMVA::Factory *factory = new TMVA::Factory( "Toys", outputFile,
                              "!V:!Silent:Color:DrawProgressBar:Transformations=I;D;P;G,D:AnalysisType=Classification" );
   TMVA::DataLoader *dataloader = new TMVA::DataLoader("toys");

   dataloader->AddVariable( "sum := var1+var2", 'F' );
   dataloader->AddVariable( "diff := var1-var2", "Difference", "", 'F' );
   /* dataloader->AddVariable( "gone", 'F' ); */
   dataloader->AddVariable( "var3", "Variable 3", "GeV", 'F' );
   dataloader->AddVariable( "njets", "Jets", "", 'I' );
   dataloader->AddSpectator( "spec1 := var1*2", "Spectator 1", "units", 'F' );

   Double_t signalWeight = 1.0, backgroundWeight = 0.5;
   dataloader->AddSignalTree    ( signal,     signalWeight );
   dataloader->AddBackgroundTree( background, backgroundWeight );
   dataloader->SetBackgroundWeightExpression( "weight" );
   TCut mycuts = "abs(var1)<5", mycutb = "";
   dataloader->PrepareTrainingAndTestTree( mycuts, mycutb,
        "nTrain_Signal=1000:nTrain_Background=1500:SplitMode=Random:NormMode=NumEvents:!V" );

   if (Use["Cuts"])
      factory->BookMethod( dataloader, TMVA::Types::kCuts, "Cuts", "!H:!V:FitMethod=MC:EffSel" );
   if (Use["Fisher"]) factory->BookMethod( dataloader, TMVA::Types::kFisher, "Fisher", "H:!V:Fisher" );
   if (Use["MLPBNN"])
      factory->BookMethod( dataloader, TMVA::Types::kMLP, "MLPBNN", "H:!V:NeuronType=tanh:VarTransform=N:NCycles=60:HiddenLayers=N+5,N:TestRate=5:TrainingMethod=BFGS:UseRegulator" );

   if (Use["DNN_CPU"] or Use["DNN_GPU"]) {
      // General layout.
      TString layoutString ("Layout=TANH|128,TANH|128,TANH|128,LINEAR");

      TString trainingStrategyString = ("TrainingStrategy=LearningRate=1e-2,Momentum=0.9,"
                                        "ConvergenceSteps=20,BatchSize=100,TestRepetitions=1,"
                                        "WeightDecay=1e-4,Regularization=None,"
                                        "DropConfig=0.0+0.5+0.5+0.5");
      TString dnnOptions ("!H:V:ErrorStrategy=CROSSENTROPY:VarTransform=N:"
                          "WeightInitialization=XAVIERUNIFORM");
      dnnOptions.Append (":"); dnnOptions.Append (layoutString);
      dnnOptions.Append (":"); dnnOptions.Append (trainingStrategyString);

      if (Use["DNN_GPU"]) {
         TString gpuOptions = dnnOptions + ":Architecture=GPU";
         factory->BookMethod(dataloader, TMVA::Types::kDL, "DNN_GPU", gpuOptions);
      }
      if (Use["DNN_CPU"]) {
         TString cpuOptions = dnnOptions + ":Architecture=CPU";
         factory->BookMethod(dataloader, TMVA::Types::kDL, "DNN_CPU", cpuOptions);
      }
   }
   if (Use["BDTG"]) // gradient boost
      factory->BookMethod( dataloader, TMVA::Types::kBDT, "BDTG",
         "!H:!V:NTrees=1000:MinNodeSize=2.5%:BoostType=Grad:Shrinkage=0.10:UseBaggedBoost:BaggedSampleFraction=0.5:nCuts=20:MaxDepth=2" );

   factory->TrainAllMethods(); factory->TestAllMethods(); factory->EvaluateAllMethods();
   outputFile->Close();
   return 0;
}

int main( int argc, char** argv )
{
   TString methodList;
   for (int i=1; i<argc; i++) {
      TString regMethod(argv[i]);
      if (!methodList.IsNull()) methodList += TString(",");
      methodList += regMethod;
   }
   return classification(methodList);
}
