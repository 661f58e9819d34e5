// Training and validation loss against the epoch, one frame a series, repetitions over each other.
//   root -l -b -q 'macros/history.C("results/quick/results.root", "figures")'
// A third argument selects runs by a formula on the tree benchmark: "neurons==100 && repetition==1". Without it the
// last point of a scan is drawn: the largest value of each scanned parameter.
#include "style/axes.h"
#include "style/figures.h"

#include "TGraph.h"
#include "TMarker.h"

namespace {

const int trainingMarker = 24, validationMarker = 21, bestMarker = 29;

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
void DrawLoss(const std::vector<bench::Mark> &marks, bool training)
{
   TGraph loss;
   for (const bench::Mark &mark : marks)
      loss.AddPoint(mark.x, mark.y);
   if (loss.GetN() == 0)
      return;
   auto line = new TGraph(loss);
   auto points = new TGraph;
   const int step = 1 + loss.GetN() / 16;
   for (int i = training ? 0 : step / 2; i < loss.GetN(); i += step)
      points->AddPoint(loss.GetX()[i], loss.GetY()[i]);
   for (TGraph *graph : {line, points}) {
      graph->SetNameTitle(training ? "training" : "validation", marks.front().label.c_str());
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

void DrawHistory(const bench::Figure &figure, const std::string &folder)
{
   const auto series = figure.Of("series");
   double low = 1e99, high = -1e99, last = 1;
   for (const char *kind : {"training", "validation"})
      for (const bench::Mark &mark : figure.Of(kind)) {
         low = std::min(low, mark.y);
         high = std::max(high, mark.y);
         last = std::max(last, mark.x);
      }
   const bool logarithmic = low > 0 && high > 10 * low;
   const double margin = logarithmic ? 0 : std::max(0.06 * (high - low), 1e-3 * std::abs(high) + 1e-9);

   const bench::Grid grid(series.size());
   const double top = bench::kHeader + 34;
   TCanvas *canvas = bench::Canvas(figure.name, grid.CanvasWidth(), top + grid.rows * grid.height + 10,
                                   figure.Text("title"), bench::Caption(figure));
   DrawLossLegend(*canvas, top - 20);
   for (size_t i = 0; i < series.size(); ++i) {
      const std::string &label = series[i].label;
      TPad *pad = grid.Cell(*canvas, i, top, label, "", "epoch", "loss");
      pad->SetLogy(logarithmic);
      bench::Axes(last > 1 ? 1 - 0.03 * (last - 1) : 0.5, logarithmic ? low / 1.2 : low - margin,
                  last > 1 ? last + 0.03 * (last - 1) : 1.5, logarithmic ? high * 1.2 : high + margin);
      for (const std::string &run : bench::RunsOf(figure.Of("validation", label))) {
         DrawLoss(figure.Of("training", label, "", run), true);
         DrawLoss(figure.Of("validation", label, "", run), false);
         for (const bench::Mark &best : figure.Of("best", label, "", run))
            DrawBest(best.x, best.y);
      }
   }
   bench::Save(*canvas, folder);
}

} // namespace

int history(const char *resultsFile = "results/quick/results.root", const char *figures = "figures",
            const char *selection = "", bool caption = false)
{
   return bench::DrawFigures({"history", resultsFile, figures, selection, caption, {"history"}, {}}, DrawHistory);
}
