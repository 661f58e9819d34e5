// Real time of each epoch, mean over the runs of a series: the first one holds what TensorFlow and JAX compile.
//   root -l -b -q 'examples/epoch_time.C("results.root")'     draws epoch_time.png
#include <cmath>
#include <map>
#include <memory>
#include <string>

#include "TCanvas.h"
#include "TColor.h"
#include "TFile.h"
#include "THStack.h"
#include "TLegend.h"
#include "TProfile.h"
#include "TTree.h"
#include "TTreeReader.h"
#include "TTreeReaderValue.h"

int epoch_time(const char *results = "results/quick/results.root")
{
   const std::unique_ptr<TFile> file(TFile::Open(results));
   if (!file)
      return 1;
   // The trees are joined by run_id.
   std::map<std::string, Long64_t> seriesOf;
   std::map<Long64_t, std::string> labels;
   TTreeReader runs("benchmark", file.get());
   TTreeReaderValue<std::string> id(runs, "run_id"), label(runs, "label");
   TTreeReaderValue<Long64_t> order(runs, "series_order");
   while (runs.Next()) {
      seriesOf[*id] = *order;
      labels[*order] = *label;
   }

   const int last = file->Get<TTree>("history")->GetMaximum("epoch");
   std::map<Long64_t, TProfile *> times;
   TTreeReader epochs("history", file.get());
   TTreeReaderValue<std::string> run(epochs, "run_id");
   TTreeReaderValue<Long64_t> epoch(epochs, "epoch");
   TTreeReaderValue<double> seconds(epochs, "real_time");
   while (epochs.Next()) {
      if (std::isnan(*seconds)) // PyKeras does not time its epochs
         continue;
      TProfile *&profile = times[seriesOf[*run]];
      if (!profile)
         profile = new TProfile(labels[seriesOf[*run]].c_str(), "", last, 0.5, last + 0.5);
      profile->Fill(*epoch, *seconds);
   }

   const char *colours[] = {"#0072b2", "#d55e00", "#009e73", "#000000", "#cc79a7", "#56b4e9", "#e69f00"}; // by series_order
   TCanvas canvas("epoch_time", "", 900, 600);
   canvas.SetLogy();
   canvas.SetMargin(0.1, 0.3, 0.12, 0.05);
   THStack together("together", ";epoch;real time of the epoch [s]");
   TLegend legend(0.72, 0.95 - 0.05 * times.size(), 0.99, 0.95);
   for (const auto &[number, profile] : times) {
      profile->SetMarkerStyle(20 + number);
      profile->SetMarkerColor(TColor::GetColor(colours[number % 7]));
      profile->SetLineColor(profile->GetMarkerColor());
      together.Add(profile);
      legend.AddEntry(profile, profile->GetName(), "pe");
   }
   together.Draw("nostack E1");
   legend.Draw();
   canvas.SaveAs("epoch_time.png");
   return 0;
}
