// What TMVA takes otherwise than it is written.
void by_hand()
{
   TMVA::DataLoader loader("dataset");
   TMVA::Factory factory("by_hand", TFile::Open("o.root", "RECREATE"), "!V:!ModelPersistence");
   loader.AddVariable("a"); loader.AddVariable("b");
   factory.BookMethod(&loader, TMVA::Types::kDL, "sigmoid", "Layout=TANH|10,SIGMOID:TrainingStrategy=BatchSize=10:RandomSeed=1:VarTransform=N_Signal");
   factory.BookMethod(&loader, TMVA::Types::kDL, "phases", "Layout=TANH|10,LINEAR:TrainingStrategy=BatchSize=10,MaxEpochs=5|BatchSize=20,MaxEpochs=5:RandomSeed=1");
   factory.BookMethod(&loader, TMVA::Types::kDL, "comma", "Layout=TANH|10,LINEAR:TrainingStrategy=BatchSize=10,MaxEpochs=20DropConfig=0.1:RandomSeed=1");
   factory.BookMethod(&loader, TMVA::Types::kDL, "lower", "Layout=tanh|10,LINEAR:TrainingStrategy=BatchSize=10:RandomSeed=1");
   factory.BookMethod(&loader, TMVA::Types::kDL, "option", "Layout=TANH|10,LINEAR:TrainingStrategy=BatchSize=10:RandomSeed=1:Dropout=0.5");
   factory.BookMethod(&loader, TMVA::Types::kDL, "pipes", "Layout=RELU|225|RELU|100|LINEAR:TrainingStrategy=BatchSize=10:RandomSeed=1");
   factory.BookMethod(&loader, TMVA::Types::kDL, "conv", "Layout=CONV|10|3|3|1|1|1|1|RELU,RESHAPE|FLAT,DENSE|1|LINEAR:TrainingStrategy=BatchSize=10:RandomSeed=1");
}
