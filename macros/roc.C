// ROC curves of all finished runs in one frame: background rejection against signal efficiency.
//   root -l -b -q 'macros/roc.C("results/quick/results.root", "figures")'
// A third argument selects runs by a formula on the tree benchmark: "neurons==100 && repetition==1". Without it the
// last point of a scan is drawn: the largest value of each scanned parameter.
#include "style.h"

#include "TGraph.h"
#include "TMarker.h"

namespace {

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

// The curves' mean at equally spaced efficiencies.
TGraph MeanCurve(const std::vector<const TGraph *> &curves)
{
   const int steps = 200;
   TGraph mean;
   for (int step = 0; step <= steps; ++step) {
      const double efficiency = double(step) / steps;
      double sum = 0;
      for (const TGraph *curve : curves)
         sum += curve->Eval(efficiency);
      mean.AddPoint(efficiency, sum / curves.size());
   }
   return mean;
}

// A few markers at places of the series' own, so that markers of close curves lie side by side.
void DrawMarkers(const TGraph &curve, int series, int nSeries, int each)
{
   auto points = new TGraph;
   bench::SetMarker(*points, series);
   for (int k = 0; k < each; ++k) {
      const double x = (k + (series + 0.5) / nSeries) / each;
      points->AddPoint(x, curve.Eval(x));
   }
   points->SetBit(kCanDelete);
   points->Draw("P");
}

// Beside the frames, where it hides nothing: each series with its area, and the best possible one.
void DrawLegend(TCanvas &canvas, double left, double top, const bench::Results &results)
{
   const int nSeries = results.Finished();
   const double step = std::min(50., (canvas.GetWh() - top - 60.) / (nSeries + 1));
   double y = top + 10;
   for (int series = 0; series < nSeries; ++series, y += step) {
      const auto x = [&](double pixels) { return (left + pixels) / canvas.GetWw(); };
      const double middle = 1 - y / canvas.GetWh();
      canvas.cd();
      const double xs[] = {x(0), x(70)}, ys[] = {middle, middle};
      bench::DrawDashed(TGraph(2, xs, ys), series, canvas.GetWw(), canvas.GetWh());
      auto marker = new TMarker(x(35), middle, 20);
      bench::SetMarker(*marker, series);
      marker->SetBit(kCanDelete);
      marker->Draw();
      const auto runs = results.RunsOf(series);
      const std::string of = runs.size() > 1 ? Form(" (%zu runs)", runs.size()) : "";
      bench::Write(canvas, left + 84, y + 6, results.series[series].label);
      bench::Write(canvas, left + 84, y + 26, "area " + bench::Text(bench::Area(runs)) + of, bench::kSmall, 11,
                   bench::Grey());
   }
   if (std::isfinite(results.bestPossible))
      bench::Write(canvas, left, y + 10, Form("best possible area %.4f", results.bestPossible));
}

} // namespace

int roc(const char *resultsFile = "results/quick/results.root", const char *figures = "figures",
        const char *selection = "")
{
   return bench::Run("roc.C", [&] {
      const bench::Results results = bench::ReadResults(resultsFile, selection);
      const auto curves = ReadCurves(*results.file);
      const int nSeries = results.Finished();
      const bool compared = nSeries > 1;

      const double left = 90, right = 840;
      const double width = right + 144 + std::max(220., bench::LabelWidth(results.series));
      const double top = bench::HeaderHeight(results.parameters, width), bottom = top + 680;
      TCanvas *canvas = bench::Canvas("roc", width, bottom + (compared ? 290 : 70), "ROC curves, test events",
                                      results.parameters);
      bench::Frame(*canvas, left, top, right, bottom);
      const double yHigh = 1.02;
      bench::Axes(0, 0, 1, yHigh, 510, 510);
      std::vector<TGraph> means;
      std::vector<const TGraph *> all;
      for (int series = 0; series < nSeries; ++series) {
         std::vector<const TGraph *> ofSeries;
         for (const bench::RunRow &run : results.RunsOf(series)) {
            const auto curve = curves.find(run.id);
            if (curve == curves.end())
               bench::Fail(std::string(resultsFile) + ": tree roc has no points of run " + run.id);
            bench::DrawDashed(curve->second, series, right - left, (bottom - top) / yHigh);
            if (ofSeries.empty())
               DrawMarkers(curve->second, series, nSeries, nSeries > 6 ? 3 : 5);
            ofSeries.push_back(&curve->second);
         }
         means.push_back(MeanCurve(ofSeries));
      }
      for (const TGraph &mean : means)
         all.push_back(&mean);
      bench::Write(*canvas, left - 62, (top + bottom) / 2, "background rejection", bench::kText, 21, kBlack,
                   bench::kFont, 90);
      double xTitle = bottom + 44;

      if (compared) {
         const TGraph reference = MeanCurve(all);
         double largest = 1e-6;
         for (TGraph &mean : means)
            for (int i = 0; i < mean.GetN(); ++i) {
               mean.SetPoint(i, mean.GetX()[i], mean.GetY()[i] - reference.GetY()[i]);
               largest = std::max(largest, std::abs(mean.GetY()[i]));
            }
         const double upper = bottom + 40, lower = upper + 180;
         bench::Frame(*canvas, left, upper, right, lower);
         bench::Axes(0, -1.15 * largest, 1, 1.15 * largest, 510, 204);
         for (int series = 0; series < nSeries; ++series) {
            bench::DrawDashed(means[series], series, right - left, (lower - upper) / (2.3 * largest));
            DrawMarkers(means[series], series, nSeries, nSeries > 6 ? 5 : 8);
         }
         bench::Write(*canvas, left - 62, (upper + lower) / 2, "difference to mean", bench::kText, 21, kBlack,
                      bench::kFont, 90);
         xTitle = lower + 44;
      }
      bench::Write(*canvas, right, xTitle, "signal efficiency", bench::kText, 31);
      DrawLegend(*canvas, right + 40, top, results);
      bench::Save(*canvas, figures);
   });
}
