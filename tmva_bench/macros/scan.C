// A quantity of the results against a scanned parameter: each repetition as a small marker, their mean as a line with
// its 68 % band, and below it the ratio to the reference, the first series.
//   root -l 'macros/scan.C("results/quick/results.root", "neurons", "roc_auc")'
// A missing point is a gap: no line crosses a value of the parameter at which other runs were planned.
// The quantity is a number in the tree benchmark, the parameter a common one that the study scans. Either may be "":
// all scanned parameters; ROC area, CPU and real time. Options are a list of logx, linx, logy, liny, in place of
// the automatic choice; the last argument selects runs by a formula on the tree: "optimizer==\"adam\"".
#include "style/axes.h"
#include "style/figures.h"
#include "style/legend.h"

#include "TGraphErrors.h"
#include "TLine.h"
#include "TMarker.h"

namespace {

struct Axis {
   std::string title; // with the unit
   bool logarithmic;
   double low, high; // of the frame

   double PerPixel(double pixels) const { return (logarithmic ? std::log10(high / low) : high - low) / pixels; }
};

// The points of a series in one frame.
struct Curve {
   bench::Mark series;
   std::vector<bench::Mark> means, runs;
};

struct Scan {
   Axis x, y;
   std::vector<double> grid; // the scanned values, of any run
   std::vector<Curve> curves, ratios;
   std::vector<bench::Mark> best; // possible area
};

// Whether an axis is logarithmic; `log` and `lin` are the options that say so.
bool Logarithmic(const std::set<std::string> &options, const char *log, const char *lin, bool automatic, double low)
{
   if (options.count(log) && low <= 0)
      bench::Fail(std::string("option ") + log + ": the axis holds " + Form("%g", low) + ", not above 0");
   return options.count(log) || (automatic && low > 0 && !options.count(lin));
}

// The frame's ends, some of its width beyond the values.
void SetRange(Axis &axis, double low, double high, double part)
{
   if (axis.logarithmic) {
      const double margin = std::max(std::pow(high / low, part), 1.02);
      axis.low = low / margin;
      axis.high = high * margin;
   } else {
      const double margin = high > low ? part * (high - low) : std::max(0.05 * std::abs(high), 1e-3);
      axis.low = low - margin;
      axis.high = high + margin;
   }
}

std::vector<Curve> Curves(const bench::Figure &figure, const std::string &panel)
{
   std::vector<Curve> curves;
   for (const bench::Mark &series : figure.Of("series"))
      curves.push_back({series, figure.Of("mean", panel, series.label), figure.Of("run", panel, series.label)});
   return curves;
}

Scan ReadScan(const bench::Figure &figure, const std::set<std::string> &options)
{
   Scan scan;
   const std::string quantity = figure.Of("mean").front().panel;
   for (const bench::Mark &mark : figure.Of("grid"))
      scan.grid.push_back(mark.x);
   scan.curves = Curves(figure, quantity);
   if (!figure.Of("reference").empty())
      scan.ratios = Curves(figure, "ratio");
   scan.best = figure.Of("best");
   scan.x.title = figure.Text("x_title");
   scan.y.title = figure.Text("y_title");

   const bench::Mark measured = figure.Of("measured").front();
   bench::Extent drawn;
   drawn.Add(measured);
   for (const bench::Mark &mark : figure.Of("mean", quantity))
      drawn.Add(mark);
   for (const bench::Mark &mark : scan.best)
      drawn.Add(mark);
   const double first = scan.grid.front(), last = scan.grid.back();
   const bool area = quantity == "roc_auc" || quantity == "roc_integral";
   const bool time = scan.y.title.find(" [s]") != std::string::npos;
   if (time && measured.low >= 0 && drawn.low < 0) // a wide band
      drawn.low = 0;
   scan.x.logarithmic = Logarithmic(options, "logx", "linx", last > bench::kFromLog * first, first);
   scan.y.logarithmic =
      Logarithmic(options, "logy", "liny", time && measured.high > bench::kFromLog * measured.low, measured.low);
   SetRange(scan.x, first, last, 0.04);
   if (scan.y.logarithmic && drawn.low <= 0)
      drawn.low = measured.low / 2;
   SetRange(scan.y, drawn.low, drawn.high, 0.06);
   if (!area && !scan.y.logarithmic && drawn.low >= 0 && (drawn.low < 0.5 * drawn.high || scan.y.low < 0))
      scan.y.low = 0;
   return scan;
}

// The axis of the ratios.
Axis RatioAxis(const std::vector<Curve> &ratios)
{
   bench::Extent means, range;
   for (const Curve &curve : ratios)
      for (const bench::Mark &mean : curve.means) {
         means.Add(mean.y);
         range.Add(mean);
      }
   if (means.low > means.high) // all means of the reference are 0
      means.low = means.high = range.low = range.high = 1;
   Axis y = {"ratio, series / reference", means.low > 0 && means.high > bench::kFromLog / 3 * means.low, 0, 0};
   if (y.logarithmic)
      range.low = std::max(range.low, means.low / 2);
   // Engines that agree to rounding: a part in a thousand is shown, labels of more digits do not fit.
   if (range.high - range.low < 0.002) {
      const double middle = (range.low + range.high) / 2;
      range = {middle - 0.001, middle + 0.001};
   }
   SetRange(y, range.low, range.high, 0.08);
   if (!y.logarithmic && means.low > 0)
      y.low = std::max(y.low, 0.);
   return y;
}

// The points of neighbours of the grid together: no line crosses a gap.
std::vector<std::vector<bench::Mark>> Stretches(const std::vector<double> &grid, const std::vector<bench::Mark> &marks)
{
   std::vector<std::vector<bench::Mark>> stretches;
   size_t next = grid.size();
   for (const bench::Mark &mark : marks) {
      const size_t place = std::find(grid.begin(), grid.end(), mark.x) - grid.begin();
      if (place != next)
         stretches.emplace_back();
      stretches.back().push_back(mark);
      next = place + 1;
   }
   return stretches;
}

template <typename Graph>
Graph *Named(const char *name, const Curve &curve)
{
   auto graph = new Graph;
   graph->SetNameTitle(name, curve.series.label.c_str());
   graph->SetBit(kCanDelete);
   return graph;
}

void DrawBand(const std::vector<double> &grid, const Curve &curve, double low)
{
   std::vector<bench::Mark> marks;
   std::copy_if(curve.means.begin(), curve.means.end(), std::back_inserter(marks),
                [](const bench::Mark &mean) { return std::isfinite(mean.low) && std::isfinite(mean.high); });
   for (const auto &stretch : Stretches(grid, marks)) {
      if (stretch.size() == 1) { // no neighbour: a bar
         auto bar = Named<TGraphErrors>("bar", curve);
         bar->AddPoint(stretch.front().x, stretch.front().y);
         bar->SetPointError(0, 0, stretch.front().high - stretch.front().y);
         bar->SetLineColor(bench::Colour(curve.series.colour));
         bar->SetLineWidth(2);
         bar->SetMarkerStyle(1);
         bar->Draw("P");
         continue;
      }
      auto band = Named<TGraph>("band", curve);
      for (const bench::Mark &mean : stretch)
         band->AddPoint(mean.x, mean.high);
      for (auto mean = stretch.rbegin(); mean != stretch.rend(); ++mean)
         band->AddPoint(mean->x, std::max(low, mean->low));
      band->SetFillColorAlpha(bench::Colour(curve.series.colour), 0.2);
      band->Draw("F");
   }
}

void DrawRepetitions(const Curve &curve)
{
   auto points = Named<TGraph>("runs", curve);
   for (const bench::Mark &run : curve.runs)
      points->AddPoint(run.x, run.y);
   bench::SetMarker(*points, curve.series.colour);
   points->SetMarkerColor(bench::Light(curve.series.colour));
   points->SetMarkerSize(0.6);
   if (points->GetN() > 0)
      points->Draw("P");
}

void DrawMeans(const std::vector<double> &grid, const Curve &curve, double perX, double perY)
{
   auto points = Named<TGraph>("mean", curve);
   for (const bench::Mark &mean : curve.means)
      points->AddPoint(mean.x, mean.y);
   for (const auto &stretch : Stretches(grid, curve.means)) {
      TGraph line;
      line.SetTitle(curve.series.label.c_str());
      for (const bench::Mark &mean : stretch)
         line.AddPoint(mean.x, mean.y);
      bench::DrawDashed(line, curve.series.colour, perX, perY);
   }
   bench::SetMarker(*points, curve.series.colour);
   points->SetMarkerSize(grid.size() > 25 ? 0.9 : 1.3);
   if (points->GetN() > 0)
      points->Draw("P");
}

// The numbers at a logarithmic axis, those of `values` that keep apart (ROOT's own lie over each other); `size` is
// the pixels that a number fills along the axis.
template <typename Size>
std::vector<double> Labels(const Axis &axis, const std::vector<double> &values, double pixels, Size size)
{
   std::vector<double> labels;
   for (const double value : values)
      if (value >= axis.low && value <= axis.high &&
          (labels.empty() ||
           std::log10(value / labels.back()) / axis.PerPixel(pixels) > (size(value) + size(labels.back())) / 2))
         labels.push_back(value);
   return labels;
}

// A frame with its axes, one for the values and one for the ratios.
void DrawFrame(TCanvas &canvas, const Scan &scan, const Axis &y, double left, double top, double right, double bottom)
{
   bench::Write(canvas, left - 62, (top + bottom) / 2, y.title, bench::FittingSize(y.title, bottom - top + 40), 21,
                kBlack, bench::kFont, 90);
   const double width = right - left, height = bottom - top;
   if (scan.x.logarithmic)
      for (const double value :
           Labels(scan.x, scan.grid, width, [](double x) { return 10 + 8.5 * std::strlen(Form("%.3g", x)); }))
         bench::Write(canvas, left + std::log10(value / scan.x.low) / scan.x.PerPixel(width), bottom + 9,
                      Form("%.3g", value), bench::kSmall, 23);
   if (y.logarithmic) {
      std::vector<double> steps;
      for (int decade = std::floor(std::log10(y.low)); decade <= std::log10(y.high); ++decade)
         for (const double step : {1, 2, 5})
            steps.push_back(step * std::pow(10, decade));
      for (const double value : Labels(y, steps, height, [](double) { return 16; }))
         bench::Write(canvas, left - 8, bottom - std::log10(value / y.low) / y.PerPixel(height), Form("%g", value),
                      bench::kSmall, 32);
   }
   TPad *pad = bench::Frame(canvas, left, top, right, bottom);
   pad->SetLogx(scan.x.logarithmic);
   pad->SetLogy(y.logarithmic);
   TH1 *axes = bench::Axes(scan.x.low, y.low, scan.x.high, y.high, 510, height > 300 ? 510 : 504);
   if (scan.x.logarithmic)
      axes->GetXaxis()->SetLabelSize(0);
   if (y.logarithmic)
      axes->GetYaxis()->SetLabelSize(0);
}

void DrawCurves(const Scan &scan, const std::vector<Curve> &curves, const Axis &y, double width, double height)
{
   for (const Curve &curve : curves)
      DrawBand(scan.grid, curve, y.logarithmic || y.low == 0 ? y.low : -1e99);
   for (const Curve &curve : curves)
      DrawRepetitions(curve);
   for (const Curve &curve : curves)
      DrawMeans(scan.grid, curve, 1 / scan.x.PerPixel(width), 1 / y.PerPixel(height));
}

void SetBest(TAttLine &line)
{
   line.SetLineStyle(7);
   line.SetLineWidth(2);
   line.SetLineColor(bench::Grey());
}

void DrawBest(const Scan &scan)
{
   auto line = new TGraph;
   line->SetNameTitle("best", "best possible");
   std::set<double> different;
   for (const bench::Mark &mark : scan.best)
      different.insert(mark.y);
   if (different.size() == 1) {
      line->AddPoint(scan.x.low, scan.best.front().y);
      line->AddPoint(scan.x.high, scan.best.front().y);
   } else
      for (const bench::Mark &mark : scan.best)
         line->AddPoint(mark.x, mark.y);
   SetBest(*line);
   line->SetBit(kCanDelete);
   line->Draw("L");
}

const double entryHeight = 46, noteHeight = 22; // pixels of the legend

double LegendHeight(const Scan &scan)
{
   return entryHeight * scan.curves.size() + 6 * noteHeight;
}

// Beside the frames, where it hides nothing.
void DrawLegend(TCanvas &canvas, const bench::Figure &figure, const Scan &scan, double left, double top)
{
   double y = top + 10;
   const auto across = [&](double pixels) { return (left + pixels) / canvas.GetWw(); };
   for (const Curve &curve : scan.curves) {
      canvas.cd();
      const double middle = 1 - y / canvas.GetWh();
      const double xs[] = {across(0), across(70)}, ys[] = {middle, middle};
      bench::DrawDashed(TGraph(2, xs, ys), curve.series.colour, canvas.GetWw(), canvas.GetWh());
      auto marker = new TMarker(across(35), middle, 20);
      bench::SetMarker(*marker, curve.series.colour);
      marker->SetBit(kCanDelete);
      marker->Draw();
      bench::Write(canvas, left + 84, y + 6, curve.series.label);
      bench::Write(canvas, left + 84, y + 25, curve.series.text, bench::kSmall, 11, bench::Grey());
      y += entryHeight;
   }
   if (!scan.best.empty()) {
      canvas.cd();
      const double middle = 1 - y / canvas.GetWh();
      auto line = new TLine(across(0), middle, across(70), middle);
      SetBest(*line);
      line->SetBit(kCanDelete);
      line->Draw();
      bench::Write(canvas, left + 84, y + 6, "best possible");
      y += noteHeight + 6;
   }
   const auto notes = figure.Of("note");
   y += notes.empty() ? 0 : 6;
   for (const bench::Mark &note : notes) {
      bench::Write(canvas, left, y + 6, note.text, bench::kSmall, 11, bench::Grey());
      y += noteHeight;
   }
}

void DrawScan(const bench::Figure &figure, const std::string &folder, const std::set<std::string> &options)
{
   const Scan scan = ReadScan(figure, options);
   const bool compared = scan.curves.size() > 1;
   const double left = 90, right = 840, gap = 40, ratioHeight = 160;
   const double width = right + 144 + std::max(240., bench::LabelWidth(figure.Of("series")));
   const double top = bench::kHeader;
   const double bottom = top + std::max(480., LegendHeight(scan) - (compared ? gap + ratioHeight : 0));
   const double end = compared ? bottom + gap + ratioHeight : bottom;
   TCanvas *canvas =
      bench::Canvas(figure.name, width, end + 70, figure.Text("title"), bench::Caption(figure));

   DrawFrame(*canvas, scan, scan.y, left, top, right, bottom);
   TVirtualPad *frame = gPad;
   if (!scan.best.empty())
      DrawBest(scan);
   DrawCurves(scan, scan.curves, scan.y, right - left, bottom - top);
   frame->RedrawAxis();
   if (compared) {
      const Axis y = RatioAxis(scan.ratios);
      DrawFrame(*canvas, scan, y, left, bottom + gap, right, end);
      DrawCurves(scan, scan.ratios, y, right - left, ratioHeight);
      gPad->RedrawAxis();
      const std::string note = figure.Text("reference");
      bench::Write(*canvas, left, end + 46, note, bench::FittingSize(note, 420));
   }
   bench::Write(*canvas, right, end + 46, scan.x.title, bench::kText, 31);
   DrawLegend(*canvas, figure, scan, right + 40, top);
   bench::Save(*canvas, folder);
}

std::set<std::string> Options(const std::string &text)
{
   const std::set<std::string> known = {"logx", "linx", "logy", "liny"};
   std::set<std::string> options;
   for (size_t begin = 0; begin < text.size();) {
      const size_t end = std::min(text.find(',', begin), text.size());
      const std::string option = text.substr(begin, end - begin);
      if (!known.count(option))
         bench::Fail("option " + option + ": unknown; known are logx, linx, logy, liny");
      options.insert(option);
      begin = end + 1;
   }
   for (const char *axis : {"x", "y"})
      if (options.count(std::string("log") + axis) && options.count(std::string("lin") + axis))
         bench::Fail("options " + text + ": one of log" + axis + " and lin" + axis);
   return options;
}

} // namespace

int scan(const char *resultsFile, const char *parameter = "", const char *quantity = "",
         const char *figures = "figures", const char *options = "", const char *selection = "",
         bool caption = false)
{
   std::set<std::string> chosen;
   const int wrong = bench::Run("scan.C", [&] { chosen = Options(options); });
   if (wrong)
      return wrong;
   const std::string name = parameter, what = quantity;
   bench::Call call{"scan", resultsFile, figures, selection, caption, {}, {name, what}};
   if (!name.empty() || !what.empty())
      call.names = {"scan_" + what + "_" + name};
   return bench::DrawFigures(
      call, [&](const auto &figure, const auto &folder) { DrawScan(figure, folder, chosen); });
}
