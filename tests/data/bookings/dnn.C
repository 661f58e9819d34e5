// The forerunner kDNN, ROOT 6.08: several phases, blanks after commas, a layout in N.
#include <string>
using namespace std;
void dnn()
{
   TFile* outputFile = TFile::Open("dnn.root", "RECREATE");
   auto factory = new TMVA::Factory("dnn", outputFile, "!V:!Silent:Color:AnalysisType=Classification");
   auto loader = new TMVA::DataLoader("data");
   const char *vars[] = {"x", "y", "z"};
   for (int i = 0; i < 3; ++i) loader->AddVariable(vars[i], 'F');
   TFile in("in.root");
   TTree *s, *b;
   in.GetObject("sig", s);
   in.GetObject("bkg", b);
   loader->AddSignalTree(s);
   loader->AddBackgroundTree(b);
   loader->PrepareTrainingAndTestTree("", "SplitMode=Block:NormMode=EqualNumEvents");
   TString layoutString ("Layout=TANH|(N+100)*2,TANH|(N+30),LINEAR");
   TString training0 ("LearningRate=1e-1,Momentum=0.0,Repetitions=1,ConvergenceSteps=300,BatchSize=20,TestRepetitions=15,WeightDecay=0.001,Regularization=NONE,DropConfig=0.0+0.5+0.5,DropRepetitions=1,Multithreading=True");
   TString training1 ("LearningRate=1e-2, Momentum=0.5, ConvergenceSteps=300, BatchSize=30");
   TString trainingStrategyString ("TrainingStrategy=");
   trainingStrategyString += training0 + "|" + training1;
   TString nnOptions ("!H:V:ErrorStrategy=CROSSENTROPY:VarTransform=N:WeightInitialization=XAVIERUNIFORM");
   nnOptions.Append (":"); nnOptions.Append (layoutString);
   nnOptions.Append (":"); nnOptions.Append (trainingStrategyString);
   factory->BookMethod(loader, TMVA::Types::kDNN, "DNN", nnOptions );
   factory->BookMethod(loader, TMVA::Types::kBDT, "BDTold", (string)
                       "!H:!V:NTrees=100:MinNodeSize=1.0%:BoostType=Grad:"+
                       "nCuts=20:PruneMethod=NoPruning");
}
