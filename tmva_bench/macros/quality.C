// Quality against time: the lowest validation loss so far against the time trained, repetitions over each other. The fair
// comparison of methods that stop at different epochs.
//   root -l -b -q 'macros/quality.C("results/quick/results.root", "figures")'
// A third argument selects runs by a formula on the tree benchmark: "neurons==100 && repetition==1". Without it the
// last point of a scan is drawn: the largest value of each scanned parameter. The fourth is the clock, a column of the
// tree history: "real_time" or "cpu_time".
#include "style/axes.h"
#include "style/figures.h"
#include "style/legend.h"

#include "TGraph.h"

namespace {

// A marker at every epoch; of a long history at a dozen of them.
void DrawEpochs(const TGraph &progress, const bench::Mark &series)
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

void DrawQuality(const bench::Figure &figure, const std::string &folder)
{
   const auto series = figure.Of("series");
   bench::Extent times, losses;
   for (const bench::Mark &mark : figure.Of("progress")) {
      times.Add(mark.x);
      losses.Add(mark.y);
   }
   std::vector<std::string> texts;
   for (const bench::Mark &one : series)
      texts.push_back((std::isfinite(one.y) ? bench::Text(one) : "") + one.text);
   const bool logarithmic = times.low > 0 && times.high > bench::kFromLog * times.low;
   const double margin = std::max(0.06 * (losses.high - losses.low), 1e-3 * std::abs(losses.high) + 1e-9);
   const double xLow = logarithmic ? times.low / 1.2 : 0, xHigh = times.high * (logarithmic ? 1.2 : 1.05);
   const double yLow = losses.low - margin, yHigh = losses.high + margin;

   const double left = 90, right = 840;
   const double width = right + 144 + std::max(220., bench::LabelWidth(series, texts));
   const double top = bench::kHeader, bottom = top + 600;
   TCanvas *canvas =
      bench::Canvas(figure.name, width, bottom + 70, figure.Text("title"), bench::Caption(figure));
   bench::Frame(*canvas, left, top, right, bottom)->SetLogx(logarithmic);
   bench::Axes(xLow, yLow, xHigh, yHigh, 510, 510);
   const double perX = (right - left) / (logarithmic ? std::log10(xHigh / xLow) : xHigh - xLow);
   for (const bench::Mark &one : series) {
      const auto points = figure.Of("progress", "", one.label);
      for (const std::string &run : bench::RunsOf(points)) {
         TGraph progress;
         for (const bench::Mark &point : points)
            if (point.run == run)
               progress.AddPoint(point.x, point.y);
         bench::DrawDashed(progress, one.colour, perX, (bottom - top) / (yHigh - yLow));
         DrawEpochs(progress, one);
      }
   }
   bench::Write(*canvas, left - 62, (top + bottom) / 2, "lowest validation loss so far", bench::kText, 21, kBlack,
                bench::kFont, 90);
   bench::Write(*canvas, right, bottom + 44, figure.Text("x_title"), bench::kText, 31);
   bench::DrawLegend(*canvas, right + 40, top, bottom, series, texts);
   bench::Save(*canvas, folder);
}

} // namespace

int quality(const char *resultsFile = "results/quick/results.root", const char *figures = "figures",
            const char *selection = "", const char *clock = "real_time", bool caption = false)
{
   const std::string name = clock;
   if (name != "real_time" && name != "cpu_time")
      return bench::Run("quality.C", [&] { bench::Fail("clock " + name + ": unknown; known are real_time, cpu_time"); });
   const bench::Call call{"quality",    resultsFile, figures, selection, caption,
                          {name == "real_time" ? "quality" : "quality_cpu"}, {name}};
   return bench::DrawFigures(call, DrawQuality);
}
