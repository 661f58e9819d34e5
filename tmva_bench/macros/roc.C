// ROC curves of all finished runs in one frame: background rejection against signal efficiency. A second figure is cut
// out at high rejection.
//   root -l -b -q 'macros/roc.C("results/quick/results.root", "figures")'
// A third argument selects runs by a formula on the tree benchmark: "neurons==100 && repetition==1". Without it the
// last point of a scan is drawn: the largest value of each scanned parameter.
#include "style/axes.h"
#include "style/figures.h"
#include "style/legend.h"

#include "TGraph.h"

namespace {

TGraph RocGraph(const std::vector<bench::Mark> &points, double scale = 1)
{
   TGraph curve;
   curve.SetTitle(points.empty() ? "" : points.front().label.c_str());
   for (const bench::Mark &point : points)
      curve.AddPoint(point.x, scale * point.y);
   return curve;
}

// A few markers at places of the series' own, so that markers of close curves lie side by side.
void DrawMarkers(const TGraph &curve, int series, int colour, int nSeries, int each, double xHigh)
{
   auto points = new TGraph;
   bench::SetMarker(*points, colour);
   const double last = curve.GetN() > 0 ? curve.GetX()[curve.GetN() - 1] : 0; // a curve may leave the view
   for (int k = 0; k < each; ++k) {
      const double x = xHigh * (k + (series + 0.5) / nSeries) / each;
      if (x <= last)
         points->AddPoint(x, curve.Eval(x));
   }
   points->SetBit(kCanDelete);
   if (points->GetN() > 0) // a curve below the view has none
      points->Draw("P");
}

// The differences of the series to the mean of all, below the curves; returns where the title of the x axis stands.
double DrawDifferences(TCanvas &canvas, const bench::Figure &figure, const std::vector<bench::Mark> &series,
                       double left, double right, double upper, double xHigh)
{
   const int nSeries = series.size();
   double largest = 1e-6;
   for (const bench::Mark &mark : figure.Of("difference"))
      largest = std::max(largest, std::abs(mark.y));
   const bool small = largest < 0.01; // ROOT's own power of ten would lie on the frame above
   const double scale = small ? 1000 : 1, height = largest * scale, lower = upper + 180;
   bench::Frame(canvas, left, upper, right, lower);
   bench::Axes(0, -1.15 * height, xHigh, 1.15 * height, 510, 505);
   for (int i = 0; i < nSeries; ++i) {
      const TGraph curve = RocGraph(figure.Of("difference", "", series[i].label), scale);
      bench::DrawDashed(curve, series[i].colour, (right - left) / xHigh, (lower - upper) / (2.3 * height));
      DrawMarkers(curve, i, series[i].colour, nSeries, nSeries > 6 ? 5 : 8, xHigh);
   }
   bench::Write(canvas, left - 62, (upper + lower) / 2, small ? "diff. to mean [per mille]" : "difference to mean",
                bench::kText, 21, kBlack, bench::kFont, 90);
   return lower + 44;
}

// One figure: the curves, and below them their differences to the mean of all series.
void DrawRoc(const bench::Figure &figure, const std::string &folder)
{
   const auto series = figure.Of("series");
   const int nSeries = series.size();
   const bool compared = nSeries > 1;
   const bench::Mark view = figure.Of("view").front();
   std::vector<std::string> areas;
   for (const bench::Mark &one : series)
      areas.push_back("ROC area " + bench::Text(one) + one.text);
   const double left = 90, right = 840;
   const double width = right + 144 + std::max(220., bench::LabelWidth(series, areas));
   const double top = bench::kHeader, bottom = top + 680;
   TCanvas *canvas = bench::Canvas(figure.name, width, bottom + (compared ? 290 : 70), figure.Text("title"),
                                   bench::Caption(figure));
   bench::Frame(*canvas, left, top, right, bottom);
   bench::Axes(0, view.low, view.x, view.high, 510, 510);
   for (int i = 0; i < nSeries; ++i) {
      const int colour = series[i].colour;
      bool first = true;
      const auto curves = figure.Of("curve", "", series[i].label);
      for (const std::string &run : bench::RunsOf(curves)) {
         const TGraph curve = RocGraph(figure.Of("curve", "", series[i].label, run));
         bench::DrawDashed(curve, colour, (right - left) / view.x, (bottom - top) / (view.high - view.low));
         if (first)
            DrawMarkers(curve, i, colour, nSeries, nSeries > 6 ? 3 : 5, view.x);
         first = false;
      }
   }
   bench::Write(*canvas, left - 62, (top + bottom) / 2, "background rejection", bench::kText, 21, kBlack, bench::kFont,
                90);
   const double xTitle =
      compared ? DrawDifferences(*canvas, figure, series, left, right, bottom + 40, view.x) : bottom + 44;
   bench::Write(*canvas, right, xTitle, "signal efficiency", bench::kText, 31);
   const double end = bench::DrawLegend(*canvas, right + 40, top, xTitle, series, areas);
   for (const bench::Mark &best : figure.Of("best"))
      bench::Write(*canvas, right + 40, end + 10, Form("best possible ROC area %.4f", best.y));
   bench::Save(*canvas, folder);
}

} // namespace

int roc(const char *resultsFile = "results/quick/results.root", const char *figures = "figures",
        const char *selection = "", bool caption = false)
{
   const bench::Call call{"roc", resultsFile, figures, selection, caption, {"roc", "roc_high_rejection"}, {}};
   return bench::DrawFigures(call, DrawRoc);
}
