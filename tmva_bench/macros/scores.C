// Overtraining check: scores of the test events (areas) and of the training events (points), one frame a run.
// The chi2 compares the two, bin by bin.
//   root -l -b -q 'macros/scores.C("results/quick/results.root", "figures")'
// A third argument selects runs by a formula on the tree benchmark: "neurons==100 && repetition==1". Without it the
// last point of a scan is drawn: the largest value of each scanned parameter.
#include "style/axes.h"
#include "style/figures.h"
#include "style/legend.h"

#include "TGraphErrors.h"

namespace {

void SetPoints(TAttLine &line, TAttMarker &marker, bool signal)
{
   line.SetLineColor(signal ? bench::SignalColour() : bench::BackgroundColour());
   line.SetLineWidth(1);
   marker.SetMarkerColor(line.GetLineColor());
   marker.SetMarkerStyle(signal ? 20 : 25);
   marker.SetMarkerSize(0.8);
}

void DrawTraining(const std::vector<bench::Mark> &bins, bool signal)
{
   auto points = new TGraphErrors;
   points->SetNameTitle(signal ? "train_signal" : "train_background", bins.empty() ? "" : bins.front().label.c_str());
   for (const bench::Mark &bin : bins) {
      points->AddPoint(bin.x, bin.y);
      points->SetPointError(points->GetN() - 1, 0, bin.high - bin.y);
   }
   SetPoints(*points, *points, signal);
   points->SetBit(kCanDelete);
   points->Draw("PZ");
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

void DrawRun(TCanvas &canvas, const bench::Grid &grid, int cell, double top, const bench::Figure &figure,
             const std::string &run)
{
   const auto of = [&](const char *kind) { return figure.Of(kind, run); };
   const auto signal = of("test_signal"), background = of("test_background");
   const auto trainingSignal = of("train_signal"), trainingBackground = of("train_background");
   double highest = 0;
   bench::Extent scores;
   for (const auto *part : {&signal, &background, &trainingSignal, &trainingBackground})
      for (const bench::Mark &bin : *part) {
         scores.Add(bin.x);
         highest = std::max(highest, std::isfinite(bin.high) ? bin.high : bin.y);
      }
   grid.Cell(canvas, cell, top, figure.Text("title", run), figure.Text("agreement", run), "score", "density");
   bench::Axes(scores.low, 0, scores.high, 1.08 * highest);
   bench::DrawArea(signal, true);
   bench::DrawArea(background, false);
   DrawTraining(trainingSignal, true);
   DrawTraining(trainingBackground, false);
   gPad->RedrawAxis();
}

void DrawScores(const bench::Figure &figure, const std::string &folder)
{
   const auto names = bench::RunsOf(figure.Of("agreement"));
   const int perPage = 12, runs = names.size();
   for (int first = 0; first < runs; first += perPage) {
      const int page = first / perPage + 1, last = std::min(first + perPage, runs);
      const bench::Grid grid(last - first);
      const double top = bench::kHeader + 34;
      TCanvas *canvas =
         bench::Canvas(figure.name + (page == 1 ? "" : Form("_%d", page)), grid.CanvasWidth(),
                       top + grid.rows * grid.height + 10, figure.Text("title"), bench::Caption(figure));
      DrawScoreLegend(*canvas, top - 20);
      for (int i = first; i < last; ++i)
         DrawRun(*canvas, grid, i - first, top, figure, names[i]);
      bench::Save(*canvas, folder);
   }
}

} // namespace

int scores(const char *resultsFile = "results/quick/results.root", const char *figures = "figures",
           const char *selection = "", bool caption = false)
{
   return bench::DrawFigures({"scores", resultsFile, figures, selection, caption, {"scores"}, {}}, DrawScores);
}
