// Area under the ROC curve, CPU and real time of the training, one row a series, with errors: of the mean over
// repetitions; of a single run, the area's error from the number of test events and none for times.
//   root -l -b -q 'macros/bars.C("results/quick/results.root", "figures")'
// A third argument selects runs by a formula on the tree benchmark: "neurons==100 && repetition==1". Without it the
// last point of a scan is drawn: the largest value of each scanned parameter.
#include "style/axes.h"
#include "style/figures.h"
#include "style/legend.h"

#include "TBox.h"
#include "TGraphErrors.h"
#include "TLine.h"

namespace {

const double rowHeight = 46, plotWidth = 250, valuesWidth = 190; // pixels; numbers stand beside the plot

// The frame of one column of the figure, one unit of y a row from the top, with its numbers at the right.
void DrawColumn(TCanvas &canvas, double left, double top, int rows, const std::string &title,
                const std::vector<bench::Mark> &bars, double low, double high)
{
   const double right = left + plotWidth, bottom = top + rows * rowHeight;
   bench::Write(canvas, left, top - 14, title, bench::kText, 11, kBlack, bench::kBold);
   for (const bench::Mark &bar : bars)
      bench::Write(canvas, right + 14, top + (bar.x + 0.5) * rowHeight, bench::Text(bar), bench::kSmall, 12);
   bench::Frame(canvas, left, top, right, bottom);
   bench::Axes(low, 0, high, rows, 505, 0);
}

// A value with its error, if it has one.
TGraphErrors *BarPoint(const bench::Mark &bar, double y)
{
   auto point = new TGraphErrors;
   point->SetNameTitle("mean", bar.label.c_str());
   point->SetPoint(0, bar.y, y);
   point->SetPointError(0, std::isfinite(bar.high) ? bar.high - bar.y : 0, 0);
   point->SetLineWidth(2);
   point->SetBit(kCanDelete);
   return point;
}

void DrawPoints(const std::vector<bench::Mark> &bars, int rows)
{
   for (const bench::Mark &bar : bars) {
      if (!std::isfinite(bar.y))
         continue;
      TGraphErrors *point = BarPoint(bar, rows - bar.x - 0.5);
      bench::SetMarker(*point, bar.colour);
      point->SetLineColor(bench::Colour(bar.colour));
      point->Draw("P");
   }
}

void DrawBars(const std::vector<bench::Mark> &bars, int rows)
{
   for (const bench::Mark &bar : bars) {
      if (!std::isfinite(bar.y))
         continue;
      const double y = rows - bar.x - 0.5;
      auto box = new TBox(0, y - 0.3, bar.y, y + 0.3);
      box->SetFillColor(bench::Light(bar.colour));
      box->SetLineColor(bench::Colour(bar.colour));
      box->SetLineWidth(2);
      box->SetBit(kCanDelete);
      box->Draw("L");
      TGraphErrors *error = BarPoint(bar, y);
      error->SetMarkerStyle(1);
      error->Draw("P");
   }
}

void DrawAllBars(const bench::Figure &figure, const std::string &folder)
{
   const auto series = figure.Of("series");
   const int rows = series.size();
   const auto area = figure.Of("mean", "roc_auc"), best = figure.Of("best");
   bench::Extent areas;
   for (const auto *marks : {&area, &best})
      for (const bench::Mark &mark : *marks)
         areas.Add(mark);
   const double margin = std::max(0.1 * (areas.high - areas.low), 1e-4);

   const double first = std::max(180., 40 + bench::LabelWidth(series)), step = plotWidth + valuesWidth;
   const double width = first + 3 * step - 20;
   const double top = bench::kHeader + 36, bottom = top + rows * rowHeight;
   TCanvas *canvas =
      bench::Canvas(figure.name, width, bottom + 64, figure.Text("title"), bench::Caption(figure));
   for (const bench::Mark &one : series)
      bench::Write(*canvas, first - 14, top + (one.x + 0.5) * rowHeight, one.label, bench::kText, 32);
   DrawColumn(*canvas, first, top, rows, figure.Text("title", "roc_auc"), area, areas.low - margin, areas.high + margin);
   for (const bench::Mark &mark : best) {
      auto line = new TLine(mark.y, 0, mark.y, rows);
      line->SetLineStyle(7);
      line->SetLineWidth(2);
      line->SetBit(kCanDelete);
      line->Draw();
   }
   DrawPoints(area, rows);
   double left = first;
   for (const char *quantity : {"cpu_time_train", "real_time_train"}) {
      const auto times = figure.Of("mean", quantity);
      bench::Extent extent{0, 1e-3};
      for (const bench::Mark &mark : times)
         extent.Add(mark);
      left += step;
      DrawColumn(*canvas, left, top, rows, figure.Text("title", quantity), times, 0, 1.1 * extent.high);
      DrawBars(times, rows);
   }
   bench::Write(*canvas, first, bottom + 48, figure.Text("note"), bench::kSmall);
   bench::Save(*canvas, folder);
}

} // namespace

int bars(const char *resultsFile = "results/quick/results.root", const char *figures = "figures",
         const char *selection = "", bool caption = false)
{
   return bench::DrawFigures({"bars", resultsFile, figures, selection, caption, {"bars"}, {}}, DrawAllBars);
}
