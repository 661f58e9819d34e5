/// A deep network and a model of Keras made by a TMacro, as in ROOT's Higgs tutorial.
void higgs(bool useGPU = false)
{
   bool useDL = true;
   bool useKeras = true;
#ifdef R__HAS_PYMVA
   gSystem->Setenv("KERAS_BACKEND", "tensorflow");
   TMVA::PyMethodBase::PyInitialize();
#else
   useKeras = false;
#endif
   auto outputFile = TFile::Open("HiggsOutput.root", "RECREATE");
   TMVA::Factory factory("Higgs", outputFile, "!V:ROC:!Silent:Color:AnalysisType=Classification");
   TString inputFileName = "Higgs_data.root";
   auto inputFile = TFile::Open(inputFileName);
   TTree *signalTree = (TTree *)inputFile->Get("sig_tree");
   TTree *backgroundTree = (TTree *)inputFile->Get("bkg_tree");
   TMVA::DataLoader *loader = new TMVA::DataLoader("dataset");
   for (auto name : {"m_jj", "m_jjj", "m_lv"}) loader->AddVariable(name);
   std::vector<TString> others = {"m_jlv", "m_bb"};
   for (auto &name : others)
      loader->AddVariable(name);
   loader->AddSignalTree(signalTree, 1.0);
   loader->AddBackgroundTree(backgroundTree, 1.0);
   TString prepare = TString::Format("nTrain_Signal=%d:nTrain_Background=%d:SplitMode=Random:NormMode=NumEvents:!V", 7000, 6500);
   loader->PrepareTrainingAndTestTree("", prepare);

   if (useDL) {
      int nvar = 5;
      TString inputLayoutString = TString::Format("InputLayout=1|1|%d", nvar);
      TString batchLayoutString = TString::Format("BatchLayout=1|%d|%d", 128, nvar);
      TString layoutString("Layout=DENSE|64|TANH,BNORM|0.99|0.0001,DENSE|64|TANH,DENSE|1|LINEAR");
      TString training1("LearningRate=1e-3,Momentum=0.9,"
                        "ConvergenceSteps=10,BatchSize=128,TestRepetitions=1,"
                        "MaxEpochs=30,WeightDecay=1e-4,Regularization=None,"
                        "Optimizer=ADAM,ADAM_beta1=0.9,ADAM_beta2=0.999,ADAM_eps=1.E-7,"
                        "DropConfig=0.0+0.0+0.0+0.");
      TString trainingStrategyString("TrainingStrategy=");
      trainingStrategyString += training1; // + "|" + training2;
      TString dnnOptions("!H:V:ErrorStrategy=CROSSENTROPY:VarTransform=G:WeightInitialization=XAVIER");
      dnnOptions.Append(":"); dnnOptions.Append(inputLayoutString);
      dnnOptions.Append(":"); dnnOptions.Append(batchLayoutString);
      dnnOptions.Append(":"); dnnOptions.Append(layoutString);
      dnnOptions.Append(":"); dnnOptions.Append(trainingStrategyString);
      TString dnnMethodName = "DNN_CPU";
      if (useGPU) {
         dnnOptions += ":Architecture=GPU";
         dnnMethodName = "DNN_GPU";
      } else {
         dnnOptions += ":Architecture=CPU";
      }
      factory.BookMethod(loader, TMVA::Types::kDL, dnnMethodName, dnnOptions);
   }
   if (useKeras) {
      TMacro m;
      m.AddLine("from tensorflow.keras.models import Sequential");
      m.AddLine("from tensorflow.keras.layers import Dense, Dropout");
      m.AddLine("model = Sequential()");
      m.AddLine("model.add(Dense(32, activation='relu', input_dim=5))");
      m.AddLine("model.add(Dropout(0.2))");
      m.AddLine("model.add(Dense(32, activation='relu'))");
      m.AddLine("model.add(Dense(2, activation='sigmoid'))");
      m.AddLine("model.compile(loss = 'binary_crossentropy', optimizer = Adam(learning_rate = 0.002), metrics = ['accuracy'])");
      m.AddLine("model.save('model_higgs.h5')");
      m.SaveSource("make_model.py");
      gSystem->Exec("python make_model.py");
      factory.BookMethod(
         loader, TMVA::Types::kPyKeras, "PyKeras",
         "H:!V:VarTransform=None:FilenameModel=model_higgs.h5:"
         "FilenameTrainedModel=trained_model_higgs.h5:NumEpochs=20:BatchSize=100:SaveBestOnly=true");
   }
   factory.TrainAllMethods();
}
