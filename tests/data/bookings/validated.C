// Cross-validation books by itself; the loader stands in its constructor.
int validated()
{
   TFile * input = new TFile("events.root", "READ");
   TMVA::DataLoader *dataloader{new TMVA::DataLoader{"dataset"}};
   dataloader->AddVariable("x", 'D');
   dataloader->AddVariablesArray("vars", 3, 'F');
   dataloader->AddSpectator("eventID", 'I');
   dataloader->AddSignalTree(input->Get<TTree>("sig"), 1.0);
   dataloader->AddBackgroundTree(input->Get<TTree>("bkg"), 1.0);
   dataloader->PrepareTrainingAndTestTree("", "SplitMode=Random:NormMode=NumEvents:!V");
   TMVA::CrossValidation cv{"cross", dataloader, TFile::Open("cv.root", "RECREATE"), "!V:!Silent:NumFolds=2:SplitExpr=int(fabs([eventID]))%int([NumFolds])"};
   cv.BookMethod(TMVA::Types::kBDT, "BDTG", "!H:!V:NTrees=100:BoostType=Grad:Shrinkage=0.10:nCuts=20:MaxDepth=2");
   cv.Evaluate();
   return 0;
}
