// Overtraining check: scores of the test events (areas) and of the training events (points), one frame a run.
// The chi2 compares the two, bin by bin.
//   root -l -b -q 'macros/scores.C("results/quick/results.root", "figures")'
// A third argument selects runs by a formula on the tree benchmark: "neurons==100 && repetition==1". Without it the
// last point of a scan is drawn: the largest value of each scanned parameter.
#include "style.h"

#include "TGraphErrors.h"

namespace {

using bench::Bin;

// Sorted by score; keyed by run, sample (train, test) and class (signal, background).
using ScoreBins = std::map<std::tuple<std::string, std::string, std::string>, std::vector<Bin>>;

ScoreBins ReadScores(TFile &file)
{
   TTree &tree = bench::Tree(file, "scores");
   const auto id = bench::Column<std::string>(tree, "run_id");
   const auto sample = bench::Column<std::string>(tree, "sample");
   const auto eventClass = bench::Column<std::string>(tree, "event_class");
   const auto low = bench::Column<double>(tree, "low");
   const auto high = bench::Column<double>(tree, "high");
   const auto density = bench::Column<double>(tree, "density");
   const auto error = bench::Column<double>(tree, "density_error");
   ScoreBins bins;
   for (size_t row = 0; row < id.size(); ++row)
      bins[std::make_tuple(id[row], sample[row], eventClass[row])].push_back(
         {low[row], high[row], density[row], error[row]});
   for (auto &entry : bins)
      std::sort(entry.second.begin(), entry.second.end(), [](const Bin &a, const Bin &b) { return a.low < b.low; });
   return bins;
}

void SetPoints(TAttLine &line, TAttMarker &marker, bool signal)
{
   line.SetLineColor(signal ? bench::SignalColour() : bench::BackgroundColour());
   line.SetLineWidth(1);
   marker.SetMarkerColor(line.GetLineColor());
   marker.SetMarkerStyle(signal ? 20 : 25);
   marker.SetMarkerSize(0.8);
}

void DrawTraining(const std::vector<Bin> &bins, bool signal)
{
   auto points = new TGraphErrors;
   for (const Bin &bin : bins)
      if (bin.density != 0) {
         points->AddPoint((bin.low + bin.high) / 2, bin.density);
         points->SetPointError(points->GetN() - 1, 0, bin.error);
      }
   SetPoints(*points, *points, signal);
   points->SetBit(kCanDelete);
   points->Draw("PZ");
}

// chi2 of training against test events and the number of bins where both hold events, "31/38".
std::string Agreement(const std::vector<Bin> &training, const std::vector<Bin> &test)
{
   double chi2 = 0;
   int used = 0;
   for (size_t i = 0; i < std::min(training.size(), test.size()); ++i) {
      if (training[i].density == 0 || test[i].density == 0)
         continue;
      chi2 += std::pow(training[i].density - test[i].density, 2) /
              (training[i].error * training[i].error + test[i].error * test[i].error);
      ++used;
   }
   return Form("%.0f/%d", chi2, used);
}

// The legend, on a line of its own above the frames.
void DrawScoreLegend(TCanvas &canvas, double y)
{
   bench::WriteArea(canvas, 82, y, true, "signal, test");
   bench::WriteArea(canvas, 272, y, false, "background, test");
   for (const bool signal : {true, false}) {
      const double x = signal ? 510 : 700;
      bench::Write(canvas, x + 24, y, signal ? "signal, training" : "background, training");
      auto point = new TGraphErrors;
      point->AddPoint(x / canvas.GetWw(), 1 - (y - 6) / canvas.GetWh());
      point->SetPointError(0, 0, 8. / canvas.GetWh());
      SetPoints(*point, *point, signal);
      point->SetBit(kCanDelete);
      point->Draw("PZ");
   }
}

void DrawRun(TCanvas &canvas, const bench::Grid &grid, int cell, double top, const std::string &title,
             const std::string &file, const ScoreBins &bins, const std::string &id)
{
   const auto of = [&](const char *sample, const char *eventClass) {
      const auto found = bins.find(std::make_tuple(id, std::string(sample), std::string(eventClass)));
      if (found == bins.end())
         bench::Fail(file + ": tree scores has no bins of run " + id + ", " + sample + " " + eventClass);
      return found->second;
   };
   const auto signal = of("test", "signal"), background = of("test", "background");
   const auto trainingSignal = of("train", "signal"), trainingBackground = of("train", "background");
   double low = 1e99, high = -1e99, highest = 0;
   for (const auto *part : {&signal, &background, &trainingSignal, &trainingBackground})
      for (const Bin &bin : *part) {
         low = std::min(low, bin.low);
         high = std::max(high, bin.high);
         highest = std::max(highest, bin.density + bin.error);
      }
   const std::string agreement = "#chi^{2}/bins: signal " + Agreement(trainingSignal, signal) +
                                 ", background " + Agreement(trainingBackground, background);
   grid.Cell(canvas, cell, top, title, agreement, "score", "density");
   bench::Axes(low, 0, high, 1.08 * highest);
   bench::DrawArea(signal, true);
   bench::DrawArea(background, false);
   DrawTraining(trainingSignal, true);
   DrawTraining(trainingBackground, false);
   gPad->RedrawAxis();
}

} // namespace

int scores(const char *resultsFile = "results/quick/results.root", const char *figures = "figures",
           const char *selection = "", bool caption = false)
{
   return bench::RunBySample("scores.C", resultsFile, figures, selection, caption,
                             [&](const auto &chosen, const auto &folder) {
      const bench::Results results = bench::ReadResults(resultsFile, chosen);
      const ScoreBins bins = ReadScores(*results.file);
      const int perPage = 12, runs = results.runs.size();
      for (int first = 0; first < runs; first += perPage) {
         const int page = first / perPage + 1, last = std::min(first + perPage, runs);
         const bench::Grid grid(last - first);
         const double top = bench::kHeader + 34;
         TCanvas *canvas =
            bench::Canvas(page == 1 ? "scores" : Form("scores_%d", page), grid.CanvasWidth(),
                          top + grid.rows * grid.height + 10, "Scores of test and training events", results.Caption());
         DrawScoreLegend(*canvas, top - 20);
         for (int i = first; i < last; ++i) {
            const bench::RunRow &run = results.runs[i];
            std::string title = results.series[run.series].label;
            if (results.RunsOf(run.series).size() > 1)
               title += Form(", run %lld", run.repetition);
            DrawRun(*canvas, grid, i - first, top, title, resultsFile, bins, run.id);
         }
         bench::Save(*canvas, folder);
      }
   });
}
