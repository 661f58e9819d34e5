// A quantity of the results against a scanned parameter: each repetition as a small marker, their mean as a line with
// its 68 % band, and below it the ratio to the reference, the first series.
//   root -l 'macros/scan.C("results/quick/results.root", "neurons", "roc_auc")'
// A missing point is a gap: no line crosses a value of the parameter at which other runs were planned.
// The quantity is a number in the tree benchmark, the parameter a common one that the study scans. Either may be "":
// all scanned parameters; ROC area, CPU and real time. Options are a list of logx, linx, logy, liny, in place of
// the automatic choice; the last argument selects runs by a formula on the tree: "optimizer==\"adam\"".
#include "style.h"

#include <cctype>
#include <cstring>

#include "TGraphErrors.h"
#include "TLine.h"
#include "TMarker.h"

namespace {

const double none = std::nan("");

struct Axis {
   std::string title; // with the unit
   bool logarithmic;
   double low, high; // of the frame

   double PerPixel(double pixels) const { return (logarithmic ? std::log10(high / low) : high - low) / pixels; }
};

struct Curve {
   int colour;
   Long64_t place; // of the series
   std::string label;
   std::vector<std::vector<double>> values; // at each point of the scan, the finished runs that measured it
   std::vector<bench::Measured> means;      // NaN where there is none
   bool level = false;                      // one mean for every point
};

struct Scan {
   std::string quantity, parameter;
   Axis x, y;
   std::vector<double> grid;          // the scanned values, of any run
   std::vector<Curve> curves;         // the series with results
   std::vector<bench::Series> absent; // and those without
   std::vector<double> best;          // best possible area at each point, where it is to be drawn
   std::string parameters;
};

// The title of a branch without its explanations, with its unit.
std::string Title(TBranch &branch)
{
   static const std::map<std::string, std::string> others = {
      {"roc_auc", "ROC area"},
      {"roc_integral", "ROC integral by TMVA"},
      {"roc_auc_error", "error of the ROC area"}};
   const auto found = others.find(branch.GetName());
   if (found != others.end())
      return found->second;
   const std::string title = branch.GetTitle();
   const size_t unit = title.rfind(" [");
   const size_t end = std::min({title.find(": "), title.find(" ("), unit});
   return title.substr(0, end) + (unit == std::string::npos ? "" : title.substr(unit));
}

std::string WithoutUnit(const std::string &title)
{
   return title.substr(0, title.rfind(" ["));
}

// The numeric branches that are no parameters.
std::string Quantities(TTree &tree)
{
   std::set<std::string> parameters = {"repetition", "seed"};
   for (const bench::Condition &condition : bench::Conditions())
      parameters.insert(condition.column);
   std::string names;
   for (TObject *branch : *tree.GetListOfBranches())
      if (bench::Numeric(static_cast<TBranch &>(*branch)) && !parameters.count(branch->GetName()))
         bench::detail::Add(names, branch->GetName());
   return names;
}

std::string Names(const std::vector<bench::Condition> &conditions)
{
   std::string names;
   for (const bench::Condition &condition : conditions)
      bench::detail::Add(names, condition.column);
   return names.empty() ? "none" : names;
}

void CheckNames(const std::string &path, const bench::Rows &rows, const std::string &parameter,
                const std::string &quantity)
{
   TBranch *branch = rows.tree->GetBranch(quantity.c_str());
   if (!branch)
      bench::Fail(path + ": no quantity " + quantity + " in the tree benchmark; it has " + Quantities(*rows.tree));
   if (!bench::Numeric(*branch))
      bench::Fail(path + ": quantity " + quantity + " is a text; numbers are " + Quantities(*rows.tree));
   const std::string scanned = "; scanned parameters: " + Names(bench::Scanned(rows));
   const auto &all = bench::Conditions();
   const auto condition =
      std::find_if(all.begin(), all.end(), [&](const bench::Condition &one) { return one.column == parameter; });
   if (condition == all.end())
      bench::Fail(path + ": no common parameter " + parameter + scanned);
   if (!bench::Numeric(bench::Branch(*rows.tree, parameter.c_str())))
      bench::Fail(path + ": parameter " + parameter + " is a text and no axis" + scanned);
   const std::string range = bench::detail::RangeOf(rows, parameter);
   if (range.find(" to ") == std::string::npos)
      bench::Fail(path + ": parameter " + parameter + " has one value only, " + range + scanned);
}

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

// The best possible area at each point, where all of a point's runs share it; else none.
std::vector<double> BestPossible(const bench::Rows &rows, const std::vector<double> &grid,
                                 const std::vector<double> &xs)
{
   const auto best = bench::Numbers(*rows.tree, "roc_auc_best_possible");
   std::vector<double> found(grid.size(), none);
   for (const size_t row : rows.kept) {
      if (!rows.Finished(row) || xs[row] < grid.front())
         continue;
      double &here = found[std::lower_bound(grid.begin(), grid.end(), xs[row]) - grid.begin()];
      if (!std::isfinite(best[row]) || (std::isfinite(here) && here != best[row]))
         return {};
      here = best[row];
   }
   return found;
}

Scan ReadScan(const std::string &path, const std::string &parameter, const std::string &quantity,
              const std::set<std::string> &options, const bench::Selection &selection)
{
   bench::Rows rows = bench::ReadRows(path, selection);
   CheckNames(path, rows, parameter, quantity);
   // Runs without an autoencoder stand at no number of encoded variables: a level to hold the others against.
   const auto isLevel = [&](size_t row) { return parameter == "encoded_variables" && rows.Value(parameter, row) == 0; };
   for (const size_t row : rows.kept)
      if (isLevel(row))
         rows.base[row] += ", not encoded";
   bench::MakeSeries(rows, parameter);
   Scan scan;
   scan.quantity = quantity;
   scan.parameter = parameter;
   scan.parameters = rows.parameters;
   scan.y.title = Title(bench::Branch(*rows.tree, quantity.c_str()));
   scan.x.title = Title(bench::Branch(*rows.tree, parameter.c_str()));
   if (scan.x.title.size() > 30) // a sentence
      for (const bench::Condition &condition : bench::Conditions())
         if (condition.column == parameter)
            scan.x.title = condition.name;
   const auto xs = bench::Numbers(*rows.tree, parameter), ys = bench::Numbers(*rows.tree, quantity);
   std::set<double> grid;
   for (const size_t row : rows.kept)
      if (!isLevel(row))
         grid.insert(xs[row]);
   scan.grid.assign(grid.begin(), grid.end());

   std::vector<Curve> curves;
   for (size_t i = 0; i < rows.series.size(); ++i)
      curves.push_back({rows.series[i].colour, rows.series[i].place, rows.series[i].label,
                        std::vector<std::vector<double>>(grid.size()), {}});
   bench::Extent measured, drawn;
   for (const size_t row : rows.kept)
      if (rows.Finished(row) && std::isfinite(ys[row])) {
         Curve &curve = curves[rows.seriesOf[row]];
         curve.level = isLevel(row);
         const size_t point = curve.level ? 0 : std::distance(grid.begin(), grid.find(xs[row]));
         curve.values[point].push_back(ys[row]);
         measured.Add(ys[row]);
      }
   for (size_t i = 0; i < curves.size(); ++i) {
      Curve &curve = curves[i];
      bool any = false;
      if (curve.level)
         curve.values.assign(grid.size(), curve.values.front());
      for (const auto &values : curve.values) {
         curve.means.push_back(values.empty() ? bench::Measured{none, none} : bench::Mean(values));
         drawn.Add(curve.means.back());
         any |= !values.empty();
      }
      const bench::Series &series = rows.series[i];
      if (any)
         scan.curves.push_back(curve);
      else
         scan.absent.push_back({series.label, series.status == "ok" ? "not measured" : series.status});
   }
   if (scan.curves.empty())
      bench::Fail(path + ": " + quantity + " was not measured in any finished run");
   const bool area = quantity == "roc_auc" || quantity == "roc_integral";
   if (area)
      scan.best = BestPossible(rows, scan.grid, xs);
   for (const double best : scan.best)
      drawn.Add(best);

   drawn.Add(measured.low);
   drawn.Add(measured.high);
   const double first = scan.grid.front(), last = scan.grid.back();
   const bool time = scan.y.title.find(" [s]") != std::string::npos;
   if (time)
      scan.parameters += bench::Clocks(rows);
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

// That of `tmva-bench differences`: the first series of the file that is drawn. Where a parameter divides it, the first
// part of those with the most points.
const Curve &Reference(const std::vector<Curve> &curves)
{
   const auto rank = [](const Curve &curve) {
      const auto points = std::count_if(curve.means.begin(), curve.means.end(),
                                        [](const bench::Measured &mean) { return std::isfinite(mean.value); });
      return std::make_pair(curve.place, -points);
   };
   return *std::min_element(curves.begin(), curves.end(),
                            [&](const Curve &a, const Curve &b) { return rank(a) < rank(b); });
}

// The means over those of the reference, without its error: that is the band around 1.
std::vector<Curve> Ratios(const std::vector<Curve> &curves)
{
   const Curve &divisor = Reference(curves);
   std::vector<Curve> ratios = curves;
   for (Curve &curve : ratios)
      for (size_t i = 0; i < curve.means.size(); ++i) {
         const double reference = divisor.means[i].value;
         curve.values[i].clear();
         curve.means[i].value = reference != 0 ? curve.means[i].value / reference : none;
         curve.means[i].error /= std::abs(reference);
      }
   return ratios;
}

// The runs of points without a gap, as first and last index.
std::vector<std::pair<size_t, size_t>> Stretches(const std::vector<bool> &there)
{
   std::vector<std::pair<size_t, size_t>> stretches;
   for (size_t i = 0; i < there.size(); ++i) {
      if (!there[i])
         continue;
      if (i > 0 && there[i - 1])
         stretches.back().second = i;
      else
         stretches.emplace_back(i, i);
   }
   return stretches;
}

template <typename Graph>
Graph *Named(const char *name, const Curve &curve)
{
   auto graph = new Graph;
   graph->SetNameTitle(name, curve.label.c_str());
   graph->SetBit(kCanDelete);
   return graph;
}

void DrawBand(const std::vector<double> &grid, const Curve &curve, double low)
{
   std::vector<bool> there;
   for (const bench::Measured &mean : curve.means)
      there.push_back(std::isfinite(mean.value) && std::isfinite(mean.error));
   for (const auto &stretch : Stretches(there)) {
      if (stretch.first == stretch.second) { // no neighbour: a bar
         auto bar = Named<TGraphErrors>("bar", curve);
         bar->AddPoint(grid[stretch.first], curve.means[stretch.first].value);
         bar->SetPointError(0, 0, curve.means[stretch.first].error);
         bar->SetLineColor(bench::Colour(curve.colour));
         bar->SetLineWidth(2);
         bar->SetMarkerStyle(1);
         bar->Draw("P");
         continue;
      }
      auto band = Named<TGraph>("band", curve);
      for (size_t i = stretch.first; i <= stretch.second; ++i)
         band->AddPoint(grid[i], curve.means[i].value + curve.means[i].error);
      for (size_t i = stretch.second + 1; i-- > stretch.first;)
         band->AddPoint(grid[i], std::max(low, curve.means[i].value - curve.means[i].error));
      band->SetFillColorAlpha(bench::Colour(curve.colour), 0.2);
      band->Draw("F");
   }
}

void DrawRepetitions(const std::vector<double> &grid, const Curve &curve)
{
   auto points = Named<TGraph>("runs", curve);
   for (size_t i = 0; i < grid.size(); ++i)
      if (curve.values[i].size() > 1)
         for (const double value : curve.values[i])
            points->AddPoint(grid[i], value);
   bench::SetMarker(*points, curve.colour);
   points->SetMarkerColor(bench::Light(curve.colour));
   points->SetMarkerSize(0.6);
   if (points->GetN() > 0)
      points->Draw("P");
}

void DrawMeans(const std::vector<double> &grid, const Curve &curve, double perX, double perY)
{
   std::vector<bool> there;
   auto points = Named<TGraph>("mean", curve);
   for (size_t i = 0; i < grid.size(); ++i) {
      there.push_back(std::isfinite(curve.means[i].value));
      if (there[i])
         points->AddPoint(grid[i], curve.means[i].value);
   }
   for (const auto &stretch : Stretches(there)) {
      TGraph line;
      line.SetTitle(curve.label.c_str());
      for (size_t i = stretch.first; i <= stretch.second; ++i)
         line.AddPoint(grid[i], curve.means[i].value);
      bench::DrawDashed(line, curve.colour, perX, perY);
   }
   bench::SetMarker(*points, curve.colour);
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
      if (!curve.level)
         DrawRepetitions(scan.grid, curve);
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
   const std::set<double> different(scan.best.begin(), scan.best.end());
   if (different.size() == 1) {
      line->AddPoint(scan.x.low, scan.best.front());
      line->AddPoint(scan.x.high, scan.best.front());
   } else
      for (size_t i = 0; i < scan.grid.size(); ++i)
         line->AddPoint(scan.grid[i], scan.best[i]);
   SetBest(*line);
   line->SetBit(kCanDelete);
   line->Draw("L");
}

// "3 runs a point, 5 of 6 points".
std::string Counts(const Curve &curve)
{
   if (curve.level)
      return Form("%zu run%s", curve.values.front().size(), curve.values.front().size() > 1 ? "s" : "");
   std::set<size_t> runs;
   size_t points = 0;
   for (const auto &values : curve.values)
      if (!values.empty()) {
         runs.insert(values.size());
         ++points;
      }
   std::string text = *runs.begin() == *runs.rbegin() ? Form("%zu", *runs.begin())
                                                      : Form("%zu to %zu", *runs.begin(), *runs.rbegin());
   text += *runs.rbegin() == 1 ? " run a point" : " runs a point";
   if (points < curve.values.size())
      text += Form(", %zu of %zu points", points, curve.values.size());
   return text;
}

const double entryHeight = 46, noteHeight = 22; // pixels of the legend

double LegendHeight(const Scan &scan)
{
   return entryHeight * scan.curves.size() + 6 * noteHeight;
}

// Beside the frames, where it hides nothing.
void DrawLegend(TCanvas &canvas, const Scan &scan, double left, double top)
{
   double y = top + 10;
   const auto across = [&](double pixels) { return (left + pixels) / canvas.GetWw(); };
   for (const Curve &curve : scan.curves) {
      canvas.cd();
      const double middle = 1 - y / canvas.GetWh();
      const double xs[] = {across(0), across(70)}, ys[] = {middle, middle};
      bench::DrawDashed(TGraph(2, xs, ys), curve.colour, canvas.GetWw(), canvas.GetWh());
      auto marker = new TMarker(across(35), middle, 20);
      bench::SetMarker(*marker, curve.colour);
      marker->SetBit(kCanDelete);
      marker->Draw();
      bench::Write(canvas, left + 84, y + 6, curve.label);
      bench::Write(canvas, left + 84, y + 25, Counts(curve), bench::kSmall, 11, bench::Grey());
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
   bool repeated = false;
   for (const Curve &curve : scan.curves)
      for (const auto &values : curve.values)
         repeated |= values.size() > 1;
   if (repeated) {
      y += 6;
      for (const char *note : {"small markers: single runs", "lines: mean, with its 68 % band"}) {
         bench::Write(canvas, left, y + 6, note, bench::kSmall, 11, bench::Grey());
         y += noteHeight;
      }
   }
}

void Draw(const Scan &scan, const std::string &figures)
{
   const bool compared = scan.curves.size() > 1;
   std::vector<bench::Series> labels;
   for (const Curve &curve : scan.curves)
      labels.push_back({curve.label, ""});
   const double left = 90, right = 840, gap = 40, ratioHeight = 160;
   const double width = right + 144 + std::max(240., bench::LabelWidth(labels));
   const double top = bench::kHeader;
   const double bottom = top + std::max(480., LegendHeight(scan) - (compared ? gap + ratioHeight : 0));
   const double end = compared ? bottom + gap + ratioHeight : bottom;
   const std::string quantity = WithoutUnit(scan.y.title);
   std::string title = quantity + (quantity.find(',') == std::string::npos ? " against " : ", against ") + scan.x.title;
   title[0] = std::toupper(title[0]);
   TCanvas *canvas =
      bench::Canvas("scan_" + scan.quantity + "_" + scan.parameter, width, end + 70, title,
                                   scan.parameters + bench::Absent(scan.absent));

   DrawFrame(*canvas, scan, scan.y, left, top, right, bottom);
   TVirtualPad *frame = gPad;
   if (!scan.best.empty())
      DrawBest(scan);
   DrawCurves(scan, scan.curves, scan.y, right - left, bottom - top);
   frame->RedrawAxis();
   if (compared) {
      const auto ratios = Ratios(scan.curves);
      bench::Extent means, range;
      for (const Curve &curve : ratios)
         for (const bench::Measured &mean : curve.means) {
            means.Add(mean.value);
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
      DrawFrame(*canvas, scan, y, left, bottom + gap, right, end);
      DrawCurves(scan, ratios, y, right - left, ratioHeight);
      gPad->RedrawAxis();
      const std::string note = "reference: " + Reference(scan.curves).label;
      bench::Write(*canvas, left, end + 46, note, bench::FittingSize(note, 420));
   }
   bench::Write(*canvas, right, end + 46, scan.x.title, bench::kText, 31);
   DrawLegend(*canvas, scan, right + 40, top);
   bench::Save(*canvas, figures);
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
   return bench::RunBySample("scan.C", resultsFile, figures, selection, caption,
                             [&](const auto &runs, const auto &folder) {
      const std::set<std::string> chosen = Options(options);
      std::vector<std::string> parameters = {parameter}, quantities = {quantity};
      if (parameters.front().empty()) {
         parameters.clear();
         for (const bench::Condition &scanned : bench::Scanned(bench::ReadRows(resultsFile, runs)))
            parameters.push_back(scanned.column);
         if (parameters.empty())
            std::cout << "scan.C: " << resultsFile << ": no parameter is scanned" << std::endl;
      }
      if (quantities.front().empty())
         quantities = {"roc_auc", "cpu_time_train", "real_time_train"};
      for (const std::string &name : parameters)
         for (const std::string &what : quantities)
            Draw(ReadScan(resultsFile, name, what, chosen, runs), folder);
   });
}
