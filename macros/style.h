// What the macros share: reading the results tree, the look of a series, and laying out a figure in pixels.
// To draw again and again in one ROOT session load a macro once (.L macros/roc.C) and call it (roc("...")): cling
// does not always take the same macro twice with .x.
#ifndef TMVA_BENCH_STYLE_H
#define TMVA_BENCH_STYLE_H

#include <algorithm>
#include <cmath>
#include <exception>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "TAttMarker.h"
#include "TBranch.h"
#include "TCanvas.h"
#include "TColor.h"
#include "TError.h"
#include "TFile.h"
#include "TGaxis.h"
#include "TGraph.h"
#include "TH1.h"
#include "TLatex.h"
#include "TLeaf.h"
#include "TPad.h"
#include "TROOT.h"
#include "TStyle.h"
#include "TSystem.h"
#include "TTree.h"
#include "TTreeReader.h"
#include "TTreeReaderValue.h"

namespace bench {

// ---------------------------------------------------------------------------------------------- failing

// Runs the body of a macro. What it throws becomes one line on stderr and the macro's value 1, which
// `root -b -q` gives on as its exit code.
template <typename Body>
int Run(const char *macro, Body body)
{
   try {
      body();
      return 0;
   } catch (const std::exception &error) {
      std::cerr << macro << ": " << error.what() << std::endl;
      return 1;
   }
}

[[noreturn]] inline void Fail(const std::string &line)
{
   throw std::runtime_error(line);
}

// ---------------------------------------------------------------------------------------------- reading

inline std::unique_ptr<TFile> Open(const std::string &path)
{
   if (gSystem->AccessPathName(path.c_str()))
      Fail(path + ": no such file");
   const int level = gErrorIgnoreLevel;
   gErrorIgnoreLevel = kFatal; // ROOT's own lines on a broken file say less than ours
   std::unique_ptr<TFile> file(TFile::Open(path.c_str()));
   gErrorIgnoreLevel = level;
   if (!file || file->IsZombie() || file->TestBit(TFile::kRecovered))
      Fail(path + ": not a ROOT file, or a truncated one; write it again");
   return file;
}

inline TTree &Tree(TFile &file, const char *name)
{
   auto tree = dynamic_cast<TTree *>(file.Get(name));
   if (!tree)
      Fail(std::string(file.GetName()) + ": no tree " + name);
   return *tree;
}

inline TBranch &Branch(TTree &tree, const char *name)
{
   TBranch *branch = tree.GetBranch(name);
   if (!branch)
      Fail(std::string(tree.GetCurrentFile()->GetName()) + ": tree " + tree.GetName() + " has no branch " + name);
   return *branch;
}

// One column of a results tree; T is std::string, Long64_t or double.
template <typename T>
std::vector<T> Column(TTree &tree, const char *name)
{
   Branch(tree, name);
   TTreeReader reader(&tree);
   TTreeReaderValue<T> value(reader, name);
   std::vector<T> column;
   while (reader.Next())
      column.push_back(*value);
   return column;
}

// Any column as text, numbers in %g.
inline std::vector<std::string> Texts(TTree &tree, const char *name)
{
   TBranch &branch = Branch(tree, name);
   if (std::string(branch.GetClassName()) == "string")
      return Column<std::string>(tree, name);
   std::vector<std::string> texts;
   auto leaf = static_cast<TLeaf *>(branch.GetListOfLeaves()->First());
   for (Long64_t row = 0; row < tree.GetEntries(); ++row) {
      branch.GetEntry(row);
      texts.push_back(Form("%.12g", leaf->GetValue()));
   }
   return texts;
}

// ---------------------------------------------------------------------------------------------- results

struct RunRow {
   std::string id;
   int series; // index into Results::series
   Long64_t repetition;
   double area, areaError, bestPossible, cpuTime, realTime; // times of the training [s]
   Long64_t bestEpoch;
};

struct Series {
   std::string label;
   std::string status; // "ok" if one of its runs finished
};

// Pixels that hold the longest label, about 9 a character.
inline double LabelWidth(const std::vector<Series> &series)
{
   size_t longest = 0;
   for (const Series &one : series)
      longest = std::max(longest, one.label.size());
   return 9. * longest;
}

struct Results {
   std::unique_ptr<TFile> file;
   std::vector<Series> series;         // the finished ones first
   std::vector<RunRow> runs;           // the finished ones, sorted by series and repetition
   std::string parameters;             // the values that all finished runs share
   double bestPossible = std::nan(""); // the same for all finished runs, else NaN

   int Finished() const
   {
      return std::count_if(series.begin(), series.end(), [](const Series &s) { return s.status == "ok"; });
   }
   std::vector<RunRow> RunsOf(int index) const
   {
      std::vector<RunRow> found;
      std::copy_if(runs.begin(), runs.end(), std::back_inserter(found),
                   [=](const RunRow &run) { return run.series == index; });
      return found;
   }
};

// Columns that make runs comparable: named in a figure's second line where all runs agree, and in the
// label where runs of one method, backend and optimizer do not.
inline const std::vector<std::pair<std::string, std::string>> &Conditions()
{
   static const std::vector<std::pair<std::string, std::string>> conditions = {
      {"sample", "sample"},
      {"variables", "variables"},
      {"train_signal", "training signal"},
      {"train_background", "training background"},
      {"test_signal", "test signal"},
      {"test_background", "test background"},
      {"neurons", "neurons"},
      {"layers", "layers"},
      {"activation", "activation"},
      {"last_activation", "output"},
      {"initializer", "initializer"},
      {"loss", "loss"},
      {"learning_rate", "learning rate"},
      {"momentum", "momentum"},
      {"batch_size", "batch"},
      {"max_epochs", "epochs at most"},
      {"convergence_steps", "convergence steps"},
      {"validation_fraction", "validation fraction"},
      {"dropout", "dropout"},
      {"regularization", "regularization"},
      {"weight_decay", "weight decay"},
      {"transformations", "transformations"},
      {"threads", "threads"},
      {"environment", "environment"},
   };
   return conditions;
}

namespace detail {

inline std::string Shown(const std::string &name)
{
   static const std::map<std::string, std::string> names = {
      {"tmva-dnn", "TMVA DNN"}, {"pykeras", "PyKeras"}, {"keras", "Keras"},     {"sgd", "SGD"},
      {"adam", "Adam"},         {"rmsprop", "RMSprop"}, {"adagrad", "Adagrad"}, {"adadelta", "Adadelta"}};
   const auto found = names.find(name);
   return found == names.end() ? name : found->second;
}

inline int Rank(const std::string &name)
{
   static const std::vector<std::string> order = {"tmva-dnn", "pykeras", "keras", "sgd", "adam"};
   return std::find(order.begin(), order.end(), name) - order.begin();
}

} // namespace detail

inline Results ReadResults(const std::string &path)
{
   Results results;
   results.file = Open(path);
   TTree &tree = Tree(*results.file, "benchmark");
   const auto status = Column<std::string>(tree, "status");
   const auto method = Column<std::string>(tree, "method");
   const auto backend = Column<std::string>(tree, "backend");
   const auto architecture = Column<std::string>(tree, "architecture");
   const auto optimizer = Column<std::string>(tree, "optimizer");
   const size_t rows = status.size();
   const auto finished = [&](size_t row) { return status[row] == "ok"; };

   std::vector<std::string> base(rows);
   for (size_t row = 0; row < rows; ++row) {
      base[row] = detail::Shown(method[row]);
      if (backend[row] != "tmva")
         base[row] += ", " + backend[row];
      base[row] += ", " + detail::Shown(optimizer[row]);
      if (architecture[row] == "gpu")
         base[row] += ", GPU";
   }
   std::vector<std::string> label = base;
   for (const auto &condition : Conditions()) {
      const auto values = Texts(tree, condition.first.c_str());
      std::set<std::string> shared;                        // by the finished runs
      std::map<std::string, std::set<std::string>> within; // the runs of one method, backend and optimizer
      for (size_t row = 0; row < rows; ++row) {
         within[base[row]].insert(values[row]);
         if (finished(row))
            shared.insert(values[row]);
      }
      for (size_t row = 0; row < rows; ++row)
         if (within[base[row]].size() > 1)
            label[row] += ", " + condition.second + " " + values[row];
      const std::string value = shared.size() == 1 ? *shared.begin() : "";
      if (!value.empty() && value != "0" && value != "none")
         results.parameters += (results.parameters.empty() ? "" : ", ") + condition.second + " " + value;
   }

   std::vector<size_t> order(rows);
   for (size_t row = 0; row < rows; ++row)
      order[row] = row;
   const auto key = [&](size_t row) {
      return std::make_tuple(detail::Rank(method[row]), backend[row], architecture[row], detail::Rank(optimizer[row]),
                             optimizer[row]);
   };
   std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return key(a) < key(b); });
   std::map<std::string, int> known;
   for (const bool ok : {true, false})
      for (const size_t row : order)
         if (finished(row) == ok && known.emplace(label[row], results.series.size()).second)
            results.series.push_back({label[row], status[row]});
   if (results.Finished() == 0)
      Fail(path + ": no finished run among the " + std::to_string(rows) + " of the benchmark tree");

   const auto id = Column<std::string>(tree, "run_id");
   const auto repetition = Column<Long64_t>(tree, "repetition");
   const auto area = Column<double>(tree, "roc_auc");
   const auto areaError = Column<double>(tree, "roc_auc_error");
   const auto bestPossible = Column<double>(tree, "roc_auc_best_possible");
   const auto cpuTime = Column<double>(tree, "cpu_time_train");
   const auto realTime = Column<double>(tree, "real_time_train");
   const auto bestEpoch = Column<Long64_t>(tree, "best_epoch");
   for (const size_t row : order)
      if (finished(row))
         results.runs.push_back({id[row], known[label[row]], repetition[row], area[row], areaError[row],
                                 bestPossible[row], cpuTime[row], realTime[row], bestEpoch[row]});
   std::stable_sort(results.runs.begin(), results.runs.end(), [](const RunRow &a, const RunRow &b) {
      return std::make_pair(a.series, a.repetition) < std::make_pair(b.series, b.repetition);
   });
   results.bestPossible = results.runs.front().bestPossible;
   for (const RunRow &run : results.runs)
      if (run.bestPossible != results.bestPossible)
         results.bestPossible = std::nan("");
   return results;
}

// ---------------------------------------------------------------------------------------------- numbers

struct Measured {
   double value, error; // NaN where there is none
};

// The mean and its error; a single value has the error `single`.
inline Measured Mean(const std::vector<double> &values, double single)
{
   double sum = 0, squares = 0;
   for (const double value : values)
      sum += value;
   const double mean = sum / values.size();
   for (const double value : values)
      squares += (value - mean) * (value - mean);
   const double n = values.size();
   return {mean, n > 1 ? std::sqrt(squares / (n - 1) / n) : single};
}

inline Measured MeanOf(const std::vector<RunRow> &runs, double RunRow::*member, double single = std::nan(""))
{
   std::vector<double> values;
   for (const RunRow &run : runs)
      values.push_back(run.*member);
   return Mean(values, single);
}

inline Measured Area(const std::vector<RunRow> &runs)
{
   return MeanOf(runs, &RunRow::area, runs.front().areaError);
}

// "0.9123 #pm 0.0011": the error with two significant digits, a value without error with three, but never
// more than five decimals.
inline std::string Text(const Measured &m)
{
   if (!std::isfinite(m.value))
      return "not measured";
   const bool hasError = std::isfinite(m.error) && m.error > 0;
   const double scale = hasError ? m.error : std::max(std::abs(m.value), 1e-3);
   const int decimals = std::min(5, std::max(0, (hasError ? 1 : 2) - int(std::floor(std::log10(scale)))));
   return hasError ? Form("%.*f  #pm  %.*f", decimals, m.value, decimals, m.error) : Form("%.*f", decimals, m.value);
}

// ----------------------------------------------------------------------------------------------- looks

const int kText = 17; // text sizes, pixels
const int kSmall = 15;
const int kTitle = 24;
const int kFont = 43; // Helvetica, size in pixels
const int kBold = 63;

// The colours of Okabe and Ito (all but yellow, too light for lines on white).
inline int Colour(int index)
{
   static const std::vector<const char *> codes = {"#000000", "#0072B2", "#D55E00", "#009E73",
                                                   "#CC79A7", "#E69F00", "#56B4E9"};
   return TColor::GetColor(codes[index % codes.size()]);
}

// The same, halfway to white, for areas.
inline int Light(int index)
{
   const TColor &colour = *gROOT->GetColor(Colour(index));
   return TColor::GetColor((1 + colour.GetRed()) / 2, (1 + colour.GetGreen()) / 2, (1 + colour.GetBlue()) / 2);
}

inline int Grey()
{
   return TColor::GetColor("#595959");
}

inline int SignalColour()
{
   return TColor::GetColor("#0072B2");
}

inline int SignalFill()
{
   return TColor::GetColor("#A9D3EC");
}

inline int BackgroundColour()
{
   return TColor::GetColor("#B34700"); // vermilion, darker than Okabe and Ito's: told from the signal in grey
}

// In grey print a series is known by its marker (and, where it is one long curve, by its dashes).
inline void SetMarker(TAttMarker &marker, int series)
{
   static const std::vector<int> styles = {20, 25, 22, 27, 34, 24, 21, 26, 33, 28, 23, 30};
   marker.SetMarkerColor(Colour(series));
   marker.SetMarkerStyle(styles[series % styles.size()]);
   marker.SetMarkerSize(1.3);
}

// Areas of signal are filled, those of background hatched.
inline void SetArea(TGraph &area, bool signal)
{
   area.SetLineColor(signal ? SignalColour() : BackgroundColour());
   area.SetLineWidth(2);
   area.SetFillColor(signal ? SignalFill() : BackgroundColour());
   area.SetFillStyle(signal ? 1001 : 3354);
}

struct Bin {
   double low, high, density, error;
};

inline void DrawArea(const std::vector<Bin> &bins, bool signal)
{
   auto area = new TGraph;
   area->AddPoint(bins.front().low, 0);
   for (const Bin &bin : bins) {
      area->AddPoint(bin.low, bin.density);
      area->AddPoint(bin.high, bin.density);
   }
   area->AddPoint(bins.back().high, 0);
   SetArea(*area, signal);
   area->SetBit(kCanDelete);
   area->Draw("F");
   area->Draw("L");
}

inline void SetStyle()
{
   gStyle->SetOptStat(0);
   gStyle->SetOptTitle(0);
   gStyle->SetCanvasColor(0);
   gStyle->SetPadTickX(1);
   gStyle->SetPadTickY(1);
   gStyle->SetEndErrorSize(3);
   gStyle->SetHatchesSpacing(0.8);
   gStyle->SetHatchesLineWidth(1);
   gStyle->SetNumberContours(100);
   TGaxis::SetMaxDigits(5); // as TAxis::SetMaxDigits, the number of divisions would shrink with the pad
}

// ---------------------------------------------------------------------------------------------- layout

// Text in the current canvas, `x` from its left and `y` from its top edge, pixels; alignment as in TAttText.
inline TLatex *Write(TCanvas &canvas, double x, double y, const std::string &text, int size = kText, int align = 11,
                     int colour = kBlack, int font = kFont, double angle = 0)
{
   canvas.cd();
   auto latex = new TLatex(x / canvas.GetWw(), 1 - y / canvas.GetWh(), text.c_str());
   latex->SetNDC();
   latex->SetTextFont(font);
   latex->SetTextSize(size);
   latex->SetTextAlign(align);
   latex->SetTextColor(colour);
   latex->SetTextAngle(angle);
   latex->SetBit(kCanDelete);
   latex->Draw();
   return latex;
}

// The text size, at most kText, that keeps a text within so many pixels.
inline int FittingSize(const std::string &text, double width)
{
   return std::min<double>(kText, width / (0.53 * text.size()));
}

// The parameters cut into lines for a canvas of so many pixels, at about 6.6 pixels a character.
inline std::vector<std::string> Lines(const std::string &parameters, double width)
{
   std::vector<std::string> lines(1);
   for (size_t begin = 0; begin < parameters.size();) {
      const size_t comma = parameters.find(", ", begin);
      const size_t end = comma == std::string::npos ? parameters.size() : comma + 2;
      if (!lines.back().empty() && 6.6 * (lines.back().size() + end - begin) > width - 40)
         lines.emplace_back();
      lines.back() += parameters.substr(begin, end - begin);
      begin = end;
   }
   return lines;
}

// Height of the title and the parameters of a canvas, pixels.
inline double HeaderHeight(const std::string &parameters, double width)
{
   return 64 + 21 * Lines(parameters, width).size();
}

// A canvas with its title and, under it, the parameters.
inline TCanvas *Canvas(const std::string &name, int width, int height, const std::string &title,
                       const std::string &parameters)
{
   SetStyle();
   delete gROOT->GetListOfCanvases()->FindObject(name.c_str()); // of an earlier call in an interactive session
   auto canvas = new TCanvas(name.c_str(), title.c_str(), width, height);
   canvas->SetCanvasSize(width, height);
   Write(*canvas, 20, 34, title, kTitle, 11, kBlack, kBold);
   double y = 60;
   for (const std::string &line : Lines(parameters, width)) {
      Write(*canvas, 20, y, line, kSmall, 11, Grey());
      y += 21;
   }
   return canvas;
}

// Cells of equal size for so many frames, in a canvas of 1000 to 1940 pixels.
struct Grid {
   int columns, rows;
   double width, height; // of a cell, pixels

   explicit Grid(int cells)
   {
      columns = cells < 4 ? cells : cells == 4 ? 2 : cells < 7 ? 3 : cells < 13 ? 4 : 5;
      rows = (cells + columns - 1) / columns;
      width = columns == 1 ? 960 : columns == 2 ? 560 : columns == 5 ? 380 : 420;
      height = columns == 1 ? 600 : columns == 2 ? 440 : columns == 5 ? 290 : 340;
   }
   double CanvasWidth() const { return columns * width + 40; }
   // The pad of a cell, with its title, a line under it and the titles of its axes; `top` is that of the first row.
   TPad *Cell(TCanvas &canvas, int cell, double top, const std::string &title, const std::string &line,
              const std::string &x, const std::string &y) const;
};

// A legend's sample of an area, 44 pixels wide, and its text.
inline void WriteArea(TCanvas &canvas, double x, double y, bool signal, const std::string &text)
{
   Write(canvas, x + 54, y, text);
   auto area = new TGraph;
   for (const auto &corner : {std::make_pair(0, 2), {0, -14}, {44, -14}, {44, 2}, {0, 2}})
      area->AddPoint((x + corner.first) / canvas.GetWw(), 1 - (y + corner.second) / canvas.GetWh());
   SetArea(*area, signal);
   area->SetBit(kCanDelete);
   area->Draw("F");
   area->Draw("L");
}

// A pad whose frame has the given edges, pixels from the canvas' left and top; drawing goes there.
inline TPad *Frame(TCanvas &canvas, double left, double top, double right, double bottom)
{
   const double margin[] = {std::min(left, 70.), std::min(top, 10.), 12., 40.}; // left, top, right, bottom
   const double x1 = left - margin[0], y1 = top - margin[1], x2 = right + margin[2], y2 = bottom + margin[3];
   canvas.cd();
   auto pad = new TPad(Form("%s_%d", canvas.GetName(), canvas.GetListOfPrimitives()->GetSize()), "",
                       x1 / canvas.GetWw(), 1 - y2 / canvas.GetWh(), x2 / canvas.GetWw(), 1 - y1 / canvas.GetWh());
   pad->SetMargin(margin[0] / (x2 - x1), margin[2] / (x2 - x1), margin[3] / (y2 - y1), margin[1] / (y2 - y1));
   pad->SetFillStyle(0); // pads may lie over each other's margins
   pad->SetBit(kCanDelete);
   pad->Draw();
   pad->cd();
   return pad;
}

inline TPad *Grid::Cell(TCanvas &canvas, int cell, double top, const std::string &title, const std::string &line,
                        const std::string &x, const std::string &y) const
{
   const double left = 20 + cell % columns * width + 62, right = left + width - 80;
   const double begin = top + cell / columns * height, up = begin + (line.empty() ? 30 : 50);
   const double down = begin + height - 60;
   Write(canvas, left, begin + 20, title, FittingSize(title, width - 80), 11, kBlack, kBold);
   Write(canvas, left, begin + 40, line, kSmall, 11, Grey());
   Write(canvas, right, down + 44, x, kText, 31);
   Write(canvas, left - 56, (up + down) / 2, y, kText, 23, kBlack, kFont, 90);
   return Frame(canvas, left, up, right, down);
}

// The axes of the current pad, numbers in the common size; the first thing to draw in a frame.
inline TH1 *Axes(double xLow, double yLow, double xHigh, double yHigh, int xDivisions = 505, int yDivisions = 505)
{
   TH1 *axes = gPad->DrawFrame(xLow, yLow, xHigh, yHigh);
   for (TAxis *axis : {axes->GetXaxis(), axes->GetYaxis()}) {
      axis->SetLabelFont(kFont);
      axis->SetLabelSize(kSmall);
   }
   axes->GetXaxis()->SetNdivisions(xDivisions);
   axes->GetYaxis()->SetNdivisions(yDivisions);
   const double xPixel = 1 / (gPad->GetWw() * gPad->GetAbsWNDC()), yPixel = 1 / (gPad->GetWh() * gPad->GetAbsHNDC());
   axes->GetXaxis()->SetTickLength(8 * yPixel);
   axes->GetYaxis()->SetTickLength(8 * xPixel);
   axes->GetXaxis()->SetLabelOffset(8 * yPixel); // clear of a number at the lower end of the y axis
   axes->GetYaxis()->SetLabelOffset(6 * xPixel);
   return axes;
}

inline void Save(TCanvas &canvas, const std::string &figures)
{
   if (gSystem->AccessPathName(figures.c_str()) && gSystem->mkdir(figures.c_str(), true) != 0)
      Fail(figures + ": folder cannot be made");
   gStyle->SetLineScalePS(3 * 800. / canvas.GetWw()); // the PDF's page has one width: lines as thick as in the PNG
   for (const char *kind : {"png", "pdf"}) {
      const std::string path = figures + "/" + canvas.GetName() + "." + kind;
      gSystem->Unlink(path.c_str()); // an old figure must not pass for this one
      canvas.SaveAs(path.c_str());
      if (gSystem->AccessPathName(path.c_str()))
         Fail(path + ": cannot be written");
   }
}

} // namespace bench

#endif
