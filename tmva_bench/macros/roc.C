// ROC curves of all finished runs in one frame: background rejection against signal efficiency. A second figure is cut
// out at high rejection.
//   root -l -b -q 'macros/roc.C("results/quick/results.root", "figures")'
// A third argument selects runs by a formula on the tree benchmark: "neurons==100 && repetition==1". Without it the
// last point of a scan is drawn: the largest value of each scanned parameter.
#include "style.h"

#include "TGraph.h"

namespace {

const double highRejection = 0.9;

std::map<std::string, TGraph> ReadCurves(TFile &file)
{
   TTree &tree = bench::Tree(file, "roc");
   const auto id = bench::Column<std::string>(tree, "run_id");
   const auto efficiency = bench::Column<double>(tree, "signal_efficiency");
   const auto rejection = bench::Column<double>(tree, "background_rejection");
   std::map<std::string, std::vector<std::pair<double, double>>> points;
   for (size_t row = 0; row < id.size(); ++row)
      points[id[row]].emplace_back(efficiency[row], -rejection[row]);
   std::map<std::string, TGraph> curves;
   for (auto &entry : points) {
      std::sort(entry.second.begin(), entry.second.end()); // down a vertical step, where efficiencies are equal
      for (const auto &point : entry.second)
         curves[entry.first].AddPoint(point.first, -point.second);
   }
   return curves;
}

// A part of the plane that is drawn.
struct View {
   const char *name, *title;
   double xHigh, yLow, yHigh;
};

// The part of a curve at high rejection.
TGraph Above(const TGraph &curve, double rejection)
{
   TGraph above;
   for (int i = 0; i < curve.GetN(); ++i) {
      const double x = curve.GetX()[i], y = curve.GetY()[i];
      if (y >= rejection) {
         above.AddPoint(x, y);
         continue;
      }
      if (i > 0) { // where it leaves the view
         const double x0 = curve.GetX()[i - 1], y0 = curve.GetY()[i - 1];
         above.AddPoint(x0 + (x - x0) * (y0 - rejection) / (y0 - y), rejection);
      }
      break;
   }
   return above;
}

// The curves' mean at equally spaced efficiencies.
TGraph MeanCurve(const std::vector<const TGraph *> &curves, double xHigh)
{
   const int steps = 200;
   TGraph mean;
   for (int step = 0; step <= steps; ++step) {
      const double efficiency = xHigh * step / steps;
      double sum = 0;
      for (const TGraph *curve : curves)
         sum += curve->Eval(efficiency);
      mean.AddPoint(efficiency, sum / curves.size());
   }
   return mean;
}

// A few markers at places of the series' own, so that markers of close curves lie side by side.
void DrawMarkers(const TGraph &curve, int series, int colour, int nSeries, int each, double xHigh, double yLow)
{
   auto points = new TGraph;
   bench::SetMarker(*points, colour);
   for (int k = 0; k < each; ++k) {
      const double x = xHigh * (k + (series + 0.5) / nSeries) / each, y = curve.Eval(x);
      if (y >= yLow)
         points->AddPoint(x, y);
   }
   points->SetBit(kCanDelete);
   if (points->GetN() > 0) // a curve below the view has none
      points->Draw("P");
}

// One figure: the curves, and below them their differences to the mean of all series.
void Draw(const bench::Results &results, const std::map<std::string, TGraph> &curves, const View &view,
          const std::string &figures)
{
   const int nSeries = results.series.size();
   const bool compared = nSeries > 1;
   std::vector<std::string> areas;
   for (int series = 0; series < nSeries; ++series) {
      const auto runs = results.RunsOf(series);
      const std::string of = runs.size() > 1 ? Form(" (%zu runs)", runs.size()) : "";
      areas.push_back("ROC area " + bench::Text(bench::Area(runs)) + of);
   }
   const double left = 90, right = 840;
   const double width = right + 144 + std::max(220., bench::LabelWidth(results.series, areas));
   const double top = bench::kHeader, bottom = top + 680;
   TCanvas *canvas = bench::Canvas(view.name, width, bottom + (compared ? 290 : 70), view.title, results.Caption());
   bench::Frame(*canvas, left, top, right, bottom);
   bench::Axes(0, view.yLow, view.xHigh, view.yHigh, 510, 510);
   const double perX = (right - left) / view.xHigh, perY = (bottom - top) / (view.yHigh - view.yLow);
   std::vector<TGraph> means;
   std::vector<const TGraph *> all;
   for (int series = 0; series < nSeries; ++series) {
      std::vector<const TGraph *> ofSeries;
      const int colour = results.series[series].colour;
      for (const bench::RunRow &run : results.RunsOf(series)) {
         const TGraph &curve = curves.at(run.id);
         bench::DrawDashed(Above(curve, view.yLow), colour, perX, perY);
         if (ofSeries.empty())
            DrawMarkers(curve, series, colour, nSeries, nSeries > 6 ? 3 : 5, view.xHigh, view.yLow);
         ofSeries.push_back(&curve);
      }
      means.push_back(MeanCurve(ofSeries, view.xHigh));
   }
   for (const TGraph &mean : means)
      all.push_back(&mean);
   bench::Write(*canvas, left - 62, (top + bottom) / 2, "background rejection", bench::kText, 21, kBlack, bench::kFont,
                90);
   double xTitle = bottom + 44;

   if (compared) {
      const TGraph reference = MeanCurve(all, view.xHigh);
      double largest = 1e-6;
      for (TGraph &mean : means)
         for (int i = 0; i < mean.GetN(); ++i) {
            mean.SetPoint(i, mean.GetX()[i], mean.GetY()[i] - reference.GetY()[i]);
            largest = std::max(largest, std::abs(mean.GetY()[i]));
         }
      const bool small = largest < 0.01; // ROOT's own power of ten would lie on the frame above
      if (small) {
         largest *= 1000;
         for (TGraph &mean : means)
            mean.Scale(1000);
      }
      const double upper = bottom + 40, lower = upper + 180;
      bench::Frame(*canvas, left, upper, right, lower);
      bench::Axes(0, -1.15 * largest, view.xHigh, 1.15 * largest, 510, 505);
      for (int series = 0; series < nSeries; ++series) {
         const int colour = results.series[series].colour;
         bench::DrawDashed(means[series], colour, perX, (lower - upper) / (2.3 * largest));
         DrawMarkers(means[series], series, colour, nSeries, nSeries > 6 ? 5 : 8, view.xHigh, -1.15 * largest);
      }
      bench::Write(*canvas, left - 62, (upper + lower) / 2, small ? "diff. to mean [per mille]" : "difference to mean",
                   bench::kText, 21, kBlack, bench::kFont, 90);
      xTitle = lower + 44;
   }
   bench::Write(*canvas, right, xTitle, "signal efficiency", bench::kText, 31);
   const double end = bench::DrawLegend(*canvas, right + 40, top, xTitle, results, areas);
   if (std::isfinite(results.bestPossible))
      bench::Write(*canvas, right + 40, end + 10, Form("best possible ROC area %.4f", results.bestPossible));
   bench::Save(*canvas, figures);
}

} // namespace

int roc(const char *resultsFile = "results/quick/results.root", const char *figures = "figures",
        const char *selection = "", bool caption = false)
{
   return bench::RunBySample("roc.C", resultsFile, figures, selection, caption,
                             [&](const auto &chosen, const auto &folder) {
      const bench::Results results = bench::ReadResults(resultsFile, chosen);
      const auto curves = ReadCurves(*results.file);
      double last = 0; // the largest efficiency at high rejection
      for (const bench::RunRow &run : results.runs) {
         const auto curve = curves.find(run.id);
         if (curve == curves.end())
            bench::Fail(std::string(resultsFile) + ": tree roc has no points of run " + run.id);
         const TGraph above = Above(curve->second, highRejection);
         last = std::max(last, above.GetX()[above.GetN() - 1]);
      }
      Draw(results, curves, {"roc", "ROC curves, test events", 1, 0, 1.02}, folder);
      const double xHigh = std::min(1., 0.05 * std::ceil(last / 0.05 + 0.2));
      Draw(results, curves, {"roc_high_rejection", "ROC curves at high rejection, test events", xHigh, highRejection,
                             1.002}, folder);
   });
}
