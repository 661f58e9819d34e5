// A class with helpers; texts are std::string and put together by + and +=.
#include "Trainer.h"
namespace ml {
Trainer::Trainer(const std::string &out) : m_out(out) {
   m_factory = std::make_unique<TMVA::Factory>("trainer", TFile::Open("trainer.root", "RECREATE"), "!V:!Silent");
   m_loader = std::make_unique<TMVA::DataLoader>("trained");
}
void Trainer::Events() {
   TChain *sig = new TChain("tree"), *bkg = new TChain("tree");
   sig->Add("sig_1.root");
   sig->Add("sig_2.root");
   const std::vector<std::string> files{"qcd.root", "ttbar.root"};
   for (const auto &file : files) bkg->AddFile(("bkg/" + file).c_str());
   m_loader->AddTree(sig, "Signal", 1.0, "", "train");
   m_loader->AddTree((TTree*)TFile::Open("sig_test.root")->Get("tree"), "Signal", 1.0, "", TMVA::Types::kTesting);
   m_loader->AddTree(bkg, "Background", 2.5);
   std::map<std::string, char> variables = {{"pt", 'F'}, {"ntrk", 'I'}};
   for (auto const &[name, type] : variables) m_loader->AddVariable(name, type);
   m_loader->SetSignalWeightExpression("gen*" + std::string("pu"));
   m_loader->AddCut("pt > 5", "Background");
   m_loader->PrepareTrainingAndTestTree(TCut("pt<1e3"), "nTrain_Signal=0:SplitMode=Random:SplitSeed=42");
}
void Trainer::Book(const std::string &title, int units, double rate) {
   std::string options = "!H:!V";
   options += ":ErrorStrategy=CROSSENTROPY";
   options += ":Layout=RELU|" + std::to_string(units) + ",RELU|" + std::to_string(units / 2) + ",LINEAR";
   options += std::string(":TrainingStrategy=") + Form("LearningRate=%g,BatchSize=%d", rate, 64) +
              ",MaxEpochs=50,ConvergenceSteps=5,TestRepetitions=5,Optimizer=adam,Regularisation=L2";
   options.append(":RandomSeed=3:WeightInitialization=GAUSS:ValidationSize=0.3");
   m_factory->BookMethod(m_loader.get(), TMVA::Types::EMVA::kDL, title, options);
}
void Trainer::Run() {
   Events();
   Book("small", 16, 1e-3);
   Book("large", 64, 5e-4);
   TMVA::Reader reader("!Color");
   reader.AddVariable("not_a_variable", &m_x);
}
}
