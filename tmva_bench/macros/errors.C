// The reconstruction error of autoencoders against the number of encoded variables, beside that of as many principal
// components of the same events.
//   root -l -b -q 'macros/errors.C("results/autoencoder/results.root", "figures")'
// A third argument selects runs by a formula on the tree benchmark: "method==\"dae\"".
#include "style.h"

namespace {

struct Errors {
   bench::Series series;
   std::map<double, std::vector<double>> mine, linear; // by number of encoded variables
};

// Whether two curves are those of the same autoencoders, trained twice: equal to rounding wherever both have points.
bool Same(const Errors &a, const Errors &b)
{
   bool any = false;
   for (const auto &entry : a.mine) {
      const auto other = b.mine.find(entry.first);
      if (other == b.mine.end())
         continue;
      any = true;
      const double mean = bench::Mean(entry.second).value;
      if (std::abs(mean - bench::Mean(other->second).value) > 1e-6 * mean)
         return false;
   }
   return any;
}

TGraph Means(const std::map<double, std::vector<double>> &values)
{
   TGraph graph;
   for (const auto &entry : values)
      graph.AddPoint(entry.first, bench::Mean(entry.second).value);
   return graph;
}

// The mean at each number of encoded variables; of the autoencoder solid with full markers, of principal components
// dashed with open ones.
void Draw(const TGraph &means, int colour, bool linear)
{
   auto graph = new TGraph(means);
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
void WriteEntry(TCanvas &canvas, double y, const bench::Series &series, int size)
{
   for (const bool linear : {false, true}) {
      TGraph sample;
      for (const double x : {82., 107., 132.})
         sample.AddPoint((x + 260 * linear) / canvas.GetWw(), 1 - (y - 5) / canvas.GetWh());
      canvas.cd();
      Draw(sample, series.colour, linear);
      bench::Write(canvas, 142 + 260 * linear, y, linear ? "principal components" : "autoencoder");
   }
   bench::Write(canvas, 592, y, series.label, size);
}

} // namespace

int errors(const char *resultsFile, const char *figures = "figures", const char *selection = "", bool caption = false)
{
   return bench::RunBySample("errors.C", resultsFile, figures, selection, caption,
                             [&](const auto &chosen, const auto &folder) {
      bench::Rows rows = bench::ReadRows(resultsFile, chosen);
      bench::MakeSeries(rows, "encoded_variables");
      const auto mine = bench::Column<double>(*rows.tree, "reconstruction_error");
      const auto linear = bench::Column<double>(*rows.tree, "pca_error");
      std::map<int, Errors> curves;
      bench::Extent x, y;
      y.Add(0);
      for (const size_t row : rows.kept) {
         if (!rows.Finished(row) || !std::isfinite(mine[row]))
            continue;
         const int series = rows.seriesOf[row];
         Errors &curve = curves[series];
         curve.series = rows.series[series];
         const double k = rows.Value("encoded_variables", row);
         curve.mine[k].push_back(mine[row]);
         curve.linear[k].push_back(linear[row]);
         x.Add(k);
         y.Add(mine[row]);
         y.Add(linear[row]);
      }
      // A method on encoded events and the autoencoder as a method may have the same one: one line, named by the latter.
      for (auto curve = curves.begin(); curve != curves.end();)
         curve = std::any_of(std::next(curve), curves.end(),
                             [&](const auto &other) { return Same(other.second, curve->second); })
                    ? curves.erase(curve)
                    : std::next(curve);
      if (curves.empty())
         bench::Fail(std::string(resultsFile) + ": no finished run has an autoencoder in its transformations");
      const bench::Grid grid(1);
      const double header = bench::kHeader, top = header + 24 * curves.size();
      TCanvas *canvas = bench::Canvas("errors", grid.CanvasWidth(), top + grid.height + 10,
                                      "Reconstruction error, test events, in units of the variance",
                                      rows.parameters + bench::Absent(rows.series));
      int number = 0, size = bench::kText;
      for (const auto &entry : curves)
         size = std::min(size, bench::FittingSize(entry.second.series.label, canvas->GetWw() - 612.));
      for (const auto &entry : curves)
         WriteEntry(*canvas, header + 14 + 24 * number++, entry.second.series, size);
      grid.Cell(*canvas, 0, top, "", "", "encoded variables", "mean square error");
      const double margin = std::max(0.5, 0.03 * (x.high - x.low));
      bench::Axes(x.low - margin, 0, x.high + margin, 1.08 * y.high, 510, 510);
      for (const auto &entry : curves) {
         Draw(Means(entry.second.linear), entry.second.series.colour, true);
         Draw(Means(entry.second.mine), entry.second.series.colour, false);
      }
      gPad->RedrawAxis();
      bench::Save(*canvas, folder);
   });
}
