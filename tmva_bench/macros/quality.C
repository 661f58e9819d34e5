// Quality against time: the lowest validation loss so far against the time trained, repetitions over each other. The fair
// comparison of methods that stop at different epochs.
//   root -l -b -q 'macros/quality.C("results/quick/results.root", "figures")'
// A third argument selects runs by a formula on the tree benchmark: "neurons==100 && repetition==1". Without it the
// last point of a scan is drawn: the largest value of each scanned parameter. The fourth is the clock, a column of the
// tree history: "real_time" or "cpu_time".
#include "style.h"

#include "TGraph.h"

namespace {

// Lowest loss so far against the time at the end of the epoch; epochs that were not timed leave it empty.
std::map<std::string, TGraph> ReadProgress(TFile &file, const std::string &clock)
{
   TTree &tree = bench::Tree(file, "history");
   const auto id = bench::Column<std::string>(tree, "run_id");
   const auto loss = bench::Column<double>(tree, "validation_loss");
   const auto seconds = bench::Column<double>(tree, clock.c_str());
   std::map<std::string, double> time, lowest;
   std::map<std::string, TGraph> progress;
   for (size_t row = 0; row < id.size(); ++row) {
      double &now = time[id[row]];
      now += seconds[row];
      auto best = lowest.try_emplace(id[row], loss[row]).first;
      best->second = std::fmin(best->second, loss[row]);
      if (std::isfinite(now) && std::isfinite(best->second))
         progress[id[row]].AddPoint(now, best->second);
   }
   return progress;
}

// A marker at every epoch; of a long history at a dozen of them.
void DrawEpochs(const TGraph &progress, const bench::Series &series)
{
   auto points = new TGraph;
   points->SetNameTitle("progress", series.label.c_str());
   bench::SetMarker(*points, series.colour);
   const int step = 1 + progress.GetN() / 12;
   for (int i = 0; i < progress.GetN(); i += step)
      points->AddPoint(progress.GetX()[i], progress.GetY()[i]);
   points->SetBit(kCanDelete);
   points->Draw("P");
}

} // namespace

int quality(const char *resultsFile = "results/quick/results.root", const char *figures = "figures",
            const char *selection = "", const char *clock = "real_time", bool caption = false)
{
   return bench::RunBySample("quality.C", resultsFile, figures, selection, caption,
                             [&](const auto &chosen, const auto &folder) {
      if (std::string(clock) != "real_time" && std::string(clock) != "cpu_time")
         bench::Fail(std::string("clock ") + clock + ": unknown; known are real_time, cpu_time");
      const bool real = std::string(clock) == "real_time";
      const bench::Results results = bench::ReadResults(resultsFile, chosen);
      const auto progress = ReadProgress(*results.file, clock);
      bench::Extent times, losses;
      std::vector<std::string> texts;
      for (int series = 0; series < int(results.series.size()); ++series) {
         std::vector<double> ends;
         for (const bench::RunRow &run : results.RunsOf(series)) {
            const auto found = progress.find(run.id);
            if (found == progress.end())
               continue;
            const TGraph &graph = found->second;
            for (int i = 0; i < graph.GetN(); ++i) {
               times.Add(graph.GetX()[i]);
               losses.Add(graph.GetY()[i]);
            }
            ends.push_back(graph.GetX()[graph.GetN() - 1]);
         }
         texts.push_back(ends.empty() ? "epochs not timed" : bench::Text(bench::Mean(ends)) + " s in all");
      }
      if (losses.low > losses.high)
         bench::Fail(std::string(resultsFile) + ": tree history has no epoch with a finite loss and a " + clock);
      const bool logarithmic = times.low > 0 && times.high > bench::kFromLog * times.low;
      const double margin = std::max(0.06 * (losses.high - losses.low), 1e-3 * std::abs(losses.high) + 1e-9);
      const double xLow = logarithmic ? times.low / 1.2 : 0, xHigh = times.high * (logarithmic ? 1.2 : 1.05);
      const double yLow = losses.low - margin, yHigh = losses.high + margin;

      const double left = 90, right = 840;
      const double width = right + 144 + std::max(220., bench::LabelWidth(results.series, texts));
      const double top = bench::kHeader, bottom = top + 600;
      const std::string name = std::string("quality") + (real ? "" : "_cpu");
      TCanvas *canvas = bench::Canvas(name, width, bottom + 70, "Quality against time", results.Caption(true));
      bench::Frame(*canvas, left, top, right, bottom)->SetLogx(logarithmic);
      bench::Axes(xLow, yLow, xHigh, yHigh, 510, 510);
      const double perX = (right - left) / (logarithmic ? std::log10(xHigh / xLow) : xHigh - xLow);
      for (int series = 0; series < int(results.series.size()); ++series)
         for (const bench::RunRow &run : results.RunsOf(series)) {
            const auto found = progress.find(run.id);
            if (found == progress.end())
               continue;
            bench::DrawDashed(found->second, results.series[series].colour, perX, (bottom - top) / (yHigh - yLow));
            DrawEpochs(found->second, results.series[series]);
         }
      bench::Write(*canvas, left - 62, (top + bottom) / 2, "lowest validation loss so far", bench::kText, 21, kBlack,
                   bench::kFont, 90);
      bench::Write(*canvas, right, bottom + 44, std::string(real ? "real" : "CPU") + " time of training [s]",
                   bench::kText, 31);
      bench::DrawLegend(*canvas, right + 40, top, bottom, results, texts);
      bench::Save(*canvas, folder);
   });
}
