// Area under the ROC curve, CPU and real time of the training, one row a series, with errors: of the mean over
// repetitions; of a single run, the area's error from the number of test events and none for times.
//   root -l -b -q 'macros/bars.C("results/quick/results.root", "figures")'
// A third argument selects runs by a formula on the tree benchmark: "neurons==100 && repetition==1". Without it the
// last point of a scan is drawn: the largest value of each scanned parameter.
#include "style.h"

#include "TBox.h"
#include "TGraphErrors.h"
#include "TLine.h"

namespace {

const double rowHeight = 46, plotWidth = 250, valuesWidth = 190; // pixels; numbers stand beside the plot

struct Bar {
   int row, colour;
   bench::Measured measured;
};

// The frame of one column of the figure, one unit of y a row from the top, with its numbers at the right.
void DrawColumn(TCanvas &canvas, double left, double top, int rows, const std::string &title,
                const std::vector<Bar> &bars, double low, double high)
{
   const double right = left + plotWidth, bottom = top + rows * rowHeight;
   bench::Write(canvas, left, top - 14, title, bench::kText, 11, kBlack, bench::kBold);
   for (const Bar &bar : bars)
      bench::Write(canvas, right + 14, top + (bar.row + 0.5) * rowHeight, bench::Text(bar.measured), bench::kSmall, 12);
   bench::Frame(canvas, left, top, right, bottom);
   bench::Axes(low, 0, high, rows, 505, 0);
}

// The upper end of a value's error bar.
double Top(const bench::Measured &measured)
{
   return measured.value + (std::isfinite(measured.error) ? measured.error : 0);
}

void DrawPoints(const std::vector<Bar> &bars, int rows)
{
   for (const Bar &bar : bars) {
      if (!std::isfinite(bar.measured.value))
         continue;
      auto point = new TGraphErrors;
      point->SetPoint(0, bar.measured.value, rows - bar.row - 0.5);
      point->SetPointError(0, std::isfinite(bar.measured.error) ? bar.measured.error : 0, 0);
      bench::SetMarker(*point, bar.colour);
      point->SetLineColor(bench::Colour(bar.colour));
      point->SetLineWidth(2);
      point->SetBit(kCanDelete);
      point->Draw("P");
   }
}

void DrawBars(const std::vector<Bar> &bars, int rows)
{
   for (const Bar &bar : bars) {
      if (!std::isfinite(bar.measured.value))
         continue;
      const double y = rows - bar.row - 0.5;
      auto box = new TBox(0, y - 0.3, bar.measured.value, y + 0.3);
      box->SetFillColor(bench::Light(bar.colour));
      box->SetLineColor(bench::Colour(bar.colour));
      box->SetLineWidth(2);
      box->SetBit(kCanDelete);
      box->Draw("L");
      if (!std::isfinite(bar.measured.error))
         continue;
      auto error = new TGraphErrors;
      error->SetPoint(0, bar.measured.value, y);
      error->SetPointError(0, bar.measured.error, 0);
      error->SetLineWidth(2);
      error->SetMarkerStyle(1);
      error->SetBit(kCanDelete);
      error->Draw("P");
   }
}

} // namespace

int bars(const char *resultsFile = "results/quick/results.root", const char *figures = "figures",
         const char *selection = "", bool caption = false)
{
   return bench::RunBySample("bars.C", resultsFile, figures, selection, caption,
                             [&](const auto &chosen, const auto &folder) {
      const bench::Results results = bench::ReadResults(resultsFile, chosen);
      const int rows = results.series.size();
      std::vector<Bar> area, cpu, real;
      double low = 1e9, high = -1e9, cpuHigh = 1e-3, realHigh = 1e-3;
      bool repeated = false, single = false;
      for (int row = 0; row < rows; ++row) {
         const auto runs = results.RunsOf(row);
         const int colour = results.series[row].colour;
         (runs.size() > 1 ? repeated : single) = true;
         area.push_back({row, colour, bench::Area(runs)});
         cpu.push_back({row, colour, bench::MeanOf(runs, &bench::RunRow::cpuTime)});
         real.push_back({row, colour, bench::MeanOf(runs, &bench::RunRow::realTime)});
         const double error = std::isfinite(area.back().measured.error) ? area.back().measured.error : 0;
         low = std::min(low, area.back().measured.value - error);
         high = std::max(high, area.back().measured.value + error);
         cpuHigh = std::max(cpuHigh, Top(cpu.back().measured));
         realHigh = std::max(realHigh, Top(real.back().measured));
      }
      if (std::isfinite(results.bestPossible))
         high = std::max(high, results.bestPossible);
      const double margin = std::max(0.1 * (high - low), 1e-4);

      const double first = std::max(180., 40 + bench::LabelWidth(results.series)), step = plotWidth + valuesWidth;
      const double width = first + 3 * step - 20;
      const double top = bench::kHeader + 36, bottom = top + rows * rowHeight;
      TCanvas *canvas = bench::Canvas("bars", width, bottom + 64, "ROC area and training time",
                                      results.Caption(true));
      for (int row = 0; row < rows; ++row) {
         const double y = top + (row + 0.5) * rowHeight;
         bench::Write(*canvas, first - 14, y, results.series[row].label, bench::kText, 32);
      }
      DrawColumn(*canvas, first, top, rows, "ROC area", area, low - margin, high + margin);
      if (std::isfinite(results.bestPossible)) {
         auto best = new TLine(results.bestPossible, 0, results.bestPossible, rows);
         best->SetLineStyle(7);
         best->SetLineWidth(2);
         best->SetBit(kCanDelete);
         best->Draw();
      }
      DrawPoints(area, rows);
      DrawColumn(*canvas, first + step, top, rows, "CPU time, training [s]", cpu, 0, 1.1 * cpuHigh);
      DrawBars(cpu, rows);
      DrawColumn(*canvas, first + 2 * step, top, rows, "real time, training [s]", real, 0, 1.1 * realHigh);
      DrawBars(real, rows);
      std::string note = repeated ? "errors: of the mean over repetitions" : "";
      if (single)
         note += (repeated ? "; " : "error: ") + std::string("of a single run's area, from the number of test events");
      if (std::isfinite(results.bestPossible))
         note = Form("dashed: best possible ROC area %.4f; ", results.bestPossible) + note;
      bench::Write(*canvas, first, bottom + 48, note, bench::kSmall);
      bench::Save(*canvas, folder);
   });
}
