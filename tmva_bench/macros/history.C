// Training and validation loss against the epoch, one frame a series, repetitions over each other.
//   root -l -b -q 'macros/history.C("results/quick/results.root", "figures")'
// A third argument selects runs by a formula on the tree benchmark: "neurons==100 && repetition==1". Without it the
// last point of a scan is drawn: the largest value of each scanned parameter.
#include "style.h"

#include "TGraph.h"
#include "TMarker.h"

namespace {

struct History {
   TGraph training, validation;
};

const int trainingMarker = 24, validationMarker = 21, bestMarker = 29;

std::map<std::string, History> ReadHistories(TFile &file)
{
   TTree &tree = bench::Tree(file, "history");
   const auto id = bench::Column<std::string>(tree, "run_id");
   const auto epoch = bench::Column<Long64_t>(tree, "epoch");
   const auto training = bench::Column<double>(tree, "training_loss");
   const auto validation = bench::Column<double>(tree, "validation_loss");
   std::map<std::string, History> histories;
   for (size_t row = 0; row < id.size(); ++row) {
      if (std::isfinite(training[row]))
         histories[id[row]].training.AddPoint(epoch[row], training[row]);
      if (std::isfinite(validation[row]))
         histories[id[row]].validation.AddPoint(epoch[row], validation[row]);
   }
   return histories;
}

void SetLoss(TAttLine &line, TAttMarker &marker, bool training)
{
   const int colour = training ? bench::SignalColour() : bench::BackgroundColour();
   line.SetLineColor(colour);
   line.SetLineWidth(2);
   line.SetLineStyle(training ? 7 : 1);
   marker.SetMarkerColor(colour);
   marker.SetMarkerStyle(training ? trainingMarker : validationMarker);
   marker.SetMarkerSize(0.9);
}

// A line, and some dozen markers: in a long history its dashes do not show.
void DrawLoss(const TGraph &loss, bool training)
{
   if (loss.GetN() == 0)
      return;
   auto line = new TGraph(loss);
   auto points = new TGraph;
   const int step = 1 + loss.GetN() / 16;
   for (int i = training ? 0 : step / 2; i < loss.GetN(); i += step)
      points->AddPoint(loss.GetX()[i], loss.GetY()[i]);
   for (TGraph *graph : {line, points}) {
      SetLoss(*graph, *graph, training);
      graph->SetBit(kCanDelete);
      graph->Draw(graph == line ? "L" : "P");
   }
}

void DrawBest(double epoch, double loss)
{
   auto best = new TMarker(epoch, loss, bestMarker);
   best->SetMarkerSize(2.2);
   best->SetBit(kCanDelete);
   best->Draw();
}

// The legend, on a line of its own above the frames.
void DrawLossLegend(TCanvas &canvas, double top)
{
   const double height = canvas.GetWh(), middle = 1 - (top - 5) / height;
   double x = 82;
   for (const bool training : {true, false}) {
      canvas.cd();
      auto sample = new TGraph;
      for (const double pixels : {0., 30., 60.})
         sample->AddPoint((x + pixels) / canvas.GetWw(), middle);
      SetLoss(*sample, *sample, training);
      sample->SetBit(kCanDelete);
      sample->Draw("LP");
      bench::Write(canvas, x + 72, top, training ? "training" : "validation");
      x += 190;
   }
   canvas.cd();
   DrawBest((x + 10) / canvas.GetWw(), middle);
   bench::Write(canvas, x + 28, top, "weights kept");
}

} // namespace

int history(const char *resultsFile = "results/quick/results.root", const char *figures = "figures",
            const char *selection = "", bool caption = false)
{
   return bench::RunBySample("history.C", resultsFile, figures, selection, caption,
                             [&](const auto &chosen, const auto &folder) {
      const bench::Results results = bench::ReadResults(resultsFile, chosen);
      const auto histories = ReadHistories(*results.file);
      double low = 1e99, high = -1e99, last = 1;
      for (const bench::RunRow &run : results.runs) {
         const auto found = histories.find(run.id);
         if (found == histories.end())
            bench::Fail(std::string(resultsFile) + ": tree history has no epochs of run " + run.id);
         for (const TGraph *graph : {&found->second.training, &found->second.validation})
            for (int i = 0; i < graph->GetN(); ++i) {
               low = std::min(low, graph->GetY()[i]);
               high = std::max(high, graph->GetY()[i]);
               last = std::max(last, graph->GetX()[i]);
            }
      }
      if (low > high)
         bench::Fail(std::string(resultsFile) + ": tree history has no finite loss");
      const bool logarithmic = low > 0 && high > 10 * low;
      const double margin = logarithmic ? 0 : std::max(0.06 * (high - low), 1e-3 * std::abs(high) + 1e-9);

      const bench::Grid grid(results.series.size());
      const double top = bench::kHeader + 34;
      TCanvas *canvas = bench::Canvas("history", grid.CanvasWidth(), top + grid.rows * grid.height + 10,
                                      "Loss during training", results.Caption());
      DrawLossLegend(*canvas, top - 20);
      for (int series = 0; series < int(results.series.size()); ++series) {
         TPad *pad = grid.Cell(*canvas, series, top, results.series[series].label, "", "epoch", "loss");
         pad->SetLogy(logarithmic);
         bench::Axes(last > 1 ? 1 - 0.03 * (last - 1) : 0.5, logarithmic ? low / 1.2 : low - margin,
                     last > 1 ? last + 0.03 * (last - 1) : 1.5, logarithmic ? high * 1.2 : high + margin);
         for (const bench::RunRow &run : results.RunsOf(series)) {
            const History &losses = histories.at(run.id);
            DrawLoss(losses.training, true);
            DrawLoss(losses.validation, false);
            for (int i = 0; i < losses.validation.GetN(); ++i)
               if (losses.validation.GetX()[i] == run.bestEpoch)
                  DrawBest(run.bestEpoch, losses.validation.GetY()[i]);
         }
      }
      bench::Save(*canvas, folder);
   });
}
