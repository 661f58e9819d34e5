// The time of an event against the events of a call, a curve each engine that evaluates a trained network.
//   root -l -b -q 'macros/latency.C("latency.root", "figures")'
// The file is one of tmva-bench latency. Bars are the 68 % intervals of medians, mostly smaller than a marker.
#include "style/axes.h"
#include "style/figures.h"
#include "style/legend.h"

#include "TGraphAsymmErrors.h"

namespace {

void DrawTimes(const std::vector<bench::Mark> &times, const bench::Mark &series, double perX, double perY)
{
   TGraph curve;
   curve.SetTitle(series.label.c_str());
   auto points = new TGraphAsymmErrors;
   points->SetNameTitle("time", series.label.c_str());
   for (const bench::Mark &time : times) {
      const int point = points->GetN();
      curve.AddPoint(time.x, time.y);
      points->SetPoint(point, time.x, time.y);
      if (std::isfinite(time.low) && std::isfinite(time.high))
         points->SetPointError(point, 0, 0, time.y - time.low, time.high - time.y);
   }
   bench::DrawDashed(curve, series.colour, perX, perY);
   bench::SetMarker(*points, series.colour);
   points->SetLineColor(bench::Colour(series.colour));
   points->SetLineWidth(2);
   points->SetBit(kCanDelete);
   points->Draw("PZ");
}

void DrawLatency(const bench::Figure &figure, const std::string &folder)
{
   const auto series = figure.Of("series");
   bench::Extent batches, times;
   for (const bench::Mark &mark : figure.Of("mean")) {
      batches.Add(mark.x);
      times.Add(mark);
   }
   std::vector<std::string> texts;
   for (const bench::Mark &one : series)
      texts.push_back(one.text);
   const double xLow = batches.low / 1.4, xHigh = batches.high * 1.4, yLow = times.low / 1.6, yHigh = times.high * 1.6;
   const double left = 110, right = 860, top = bench::kHeader, bottom = top + 640;
   const double width = right + 144 + std::max(220., bench::LabelWidth(series, texts));
   TCanvas *canvas = bench::Canvas(figure.name, width, bottom + 70, figure.Text("title"), figure.Text("caption"));
   TPad *pad = bench::Frame(*canvas, left, top, right, bottom);
   pad->SetLogx();
   pad->SetLogy();
   bench::Axes(xLow, yLow, xHigh, yHigh, 510, 510);
   for (const bench::Mark &one : series)
      DrawTimes(figure.Of("mean", "", one.label), one, (right - left) / std::log10(xHigh / xLow),
                (bottom - top) / std::log10(yHigh / yLow));
   bench::Write(*canvas, left - 72, (top + bottom) / 2, "time of an event [us]", bench::kText, 21, kBlack,
                bench::kFont, 90);
   bench::Write(*canvas, right, bottom + 44, "events a call", bench::kText, 31);
   bench::DrawLegend(*canvas, right + 40, top, bottom, series, texts);
   bench::Save(*canvas, folder);
}

} // namespace

int latency(const char *latencyFile = "latency.root", const char *figures = "figures")
{
   return bench::Run("latency.C", [&] {
      bench::TheFooter() = {};
      const auto file = bench::Open(latencyFile);
      bench::Tree(*file, "latency");
      const auto marks = bench::Stored(*file, {"latency", latencyFile, figures, "", false, {"latency"}, {}});
      if (marks.empty())
         bench::Fail(std::string(latencyFile) + ": no engine was timed");
      DrawLatency(bench::Sorted(marks).front(), figures);
   });
}
