// The reconstruction error of autoencoders against the number of encoded variables, beside that of as many principal
// components of the same events.
//   root -l -b -q 'macros/errors.C("results/autoencoder/results.root", "figures")'
// A third argument selects runs by a formula on the tree benchmark: "method==\"dae\"".
#include "style/axes.h"
#include "style/figures.h"

#include "TGraph.h"

namespace {

// The mean at each number of encoded variables; of the autoencoder solid with full markers, of principal components
// dashed with open ones.
void DrawErrors(const TGraph &means, int colour, bool linear)
{
   auto graph = new TGraph(means);
   graph->SetName(linear ? "pca" : "autoencoder");
   graph->SetLineColor(bench::Colour(colour));
   graph->SetLineWidth(2);
   graph->SetLineStyle(linear ? 7 : 1);
   graph->SetMarkerColor(bench::Colour(colour));
   graph->SetMarkerStyle(linear ? 24 : 20);
   graph->SetMarkerSize(1.3);
   graph->SetBit(kCanDelete);
   graph->Draw("LP");
}

// A line of the legend: samples of both curves and the series.
void WriteEntry(TCanvas &canvas, double y, const bench::Mark &series, int size)
{
   for (const bool linear : {false, true}) {
      TGraph sample;
      for (const double x : {82., 107., 132.})
         sample.AddPoint((x + 260 * linear) / canvas.GetWw(), 1 - (y - 5) / canvas.GetWh());
      canvas.cd();
      DrawErrors(sample, series.colour, linear);
      bench::Write(canvas, 142 + 260 * linear, y, linear ? "principal components" : "autoencoder");
   }
   bench::Write(canvas, 592, y, series.label, size);
}

void DrawAllErrors(const bench::Figure &figure, const std::string &folder)
{
   const auto series = figure.Of("series");
   const bench::Grid grid(1);
   const double header = bench::kHeader, top = header + 24 * series.size();
   TCanvas *canvas = bench::Canvas(figure.name, grid.CanvasWidth(), top + grid.height + 10, figure.Text("title"),
                                   bench::Caption(figure));
   int number = 0, size = bench::kText;
   for (const bench::Mark &one : series)
      size = std::min(size, bench::FittingSize(one.label, canvas->GetWw() - 612.));
   for (const bench::Mark &one : series)
      WriteEntry(*canvas, header + 14 + 24 * number++, one, size);
   grid.Cell(*canvas, 0, top, "", "", "encoded variables", "mean square error");
   bench::Extent x;
   for (const bench::Mark &mark : figure.Of("autoencoder"))
      x.Add(mark.x);
   const double margin = std::max(0.5, 0.03 * (x.high - x.low));
   bench::Axes(x.low - margin, 0, x.high + margin, 1.08 * figure.Of("measured").front().high, 510, 510);
   for (const bench::Mark &one : series)
      for (const bool linear : {true, false}) {
         TGraph means;
         means.SetTitle(one.label.c_str());
         for (const bench::Mark &mark : figure.Of(linear ? "pca" : "autoencoder", "", one.label))
            means.AddPoint(mark.x, mark.y);
         DrawErrors(means, one.colour, linear);
      }
   gPad->RedrawAxis();
   bench::Save(*canvas, folder);
}

} // namespace

int errors(const char *resultsFile, const char *figures = "figures", const char *selection = "", bool caption = false)
{
   return bench::DrawFigures({"errors", resultsFile, figures, selection, caption, {"errors"}, {}}, DrawAllErrors);
}
