// What the macros share: reading the results tree, the look of a series, and laying out a figure in pixels.
// To draw again and again in one ROOT session load a macro once (.L macros/roc.C) and call it (roc("...")): cling
// does not always take the same macro twice with .x.
#ifndef TMVA_BENCH_STYLE_H
#define TMVA_BENCH_STYLE_H

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
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
#include "TMarker.h"
#include "TMath.h"
#include "TNamed.h"
#include "TPad.h"
#include "TROOT.h"
#include "TStyle.h"
#include "TSystem.h"
#include "TText.h"
#include "TTree.h"
#include "TTreeFormula.h"
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

// Any numeric column as double.
inline std::vector<double> Numbers(TTree &tree, const std::string &name)
{
   TBranch &branch = Branch(tree, name.c_str());
   auto leaf = static_cast<TLeaf *>(branch.GetListOfLeaves()->First());
   std::vector<double> numbers;
   for (Long64_t row = 0; row < tree.GetEntries(); ++row) {
      branch.GetEntry(row);
      numbers.push_back(leaf->GetValue());
   }
   return numbers;
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

// What stands under the figures of one call: every value that the runs share or, for a talk, few; and the file's note.
struct Footer {
   bool whole = false;
   std::string note;
};

inline Footer &TheFooter()
{
   static Footer footer;
   return footer;
}

struct Series {
   std::string label;
   std::string status; // "ok" if one of its runs finished, else how they ended
   int colour = 0;     // of Colour, and marker and dashes
   Long64_t place = 0; // among all of the file, from 0: the reference of ratios
};

// Pixels that hold the longest label, about 9 a character, and the small text under it, about 7.5.
inline double LabelWidth(const std::vector<Series> &series, const std::vector<std::string> &texts = {})
{
   double longest = 0;
   for (const Series &one : series)
      longest = std::max(longest, 9. * one.label.size());
   for (const std::string &text : texts)
      longest = std::max(longest, 7.5 * text.size());
   return longest;
}

// A column that makes runs comparable: named in a figure's second line where all runs agree, and in the label
// where runs of one method, backend and optimizer do not.
struct Condition {
   std::string column, name;
   bool parameter;        // of the training: may be an axis of a scan
   std::string usual = ""; // a default that needs no mention
   bool ofKeras = false;   // Keras alone has it

   // Whether a caption for a talk has it, too.
   bool Brief() const { return column == "sample" || column == "neurons" || column == "layers"; }
};

inline const std::vector<Condition> &Conditions()
{
   static const std::vector<Condition> conditions = {
      {"sample", "sample", false},
      {"variables", "variables", false},
      {"train_signal", "training signal", true},
      {"train_background", "training background", true},
      {"test_signal", "test signal", true},
      {"test_background", "test background", true},
      {"neurons", "neurons", true},
      {"layers", "layers", true},
      {"activation", "activation", true},
      {"last_activation", "output", true},
      {"initializer", "initializer", true},
      {"loss", "loss", true},
      {"learning_rate", "learning rate", true},
      {"momentum", "momentum", true},
      {"batch_size", "batch", true},
      {"max_epochs", "epochs at most", true},
      {"convergence_steps", "convergence steps", true},
      {"validation_fraction", "validation fraction", true},
      {"split_seed", "split seed", true, "100"},
      {"dropout", "dropout", true},
      {"regularization", "regularization", true},
      {"weight_decay", "weight decay", true},
      {"encoded_variables", "encoded variables", true},
      {"transformations", "transformations", true},
      {"norm_mode", "norm mode", true, "equal_num_events"},
      {"factory_string", "Factory", true},
      {"start", "start", true, "tmva", true},
      {"dropout_rule", "dropout rule", true, "keras", true},
      {"threads", "threads", false},
      {"environment", "environment", false},
   };
   return conditions;
}

// What chooses the runs of a figure: a formula on the benchmark tree, and one of several samples.
struct Selection {
   std::string formula, sample;
};

// The rows of the benchmark tree that a figure draws.
struct Rows {
   std::unique_ptr<TFile> file;
   TTree *tree;
   std::vector<size_t> kept;              // row numbers, in the order of their series
   std::vector<Series> series;            // the finished ones first
   std::map<size_t, int> seriesOf;        // row to series
   std::string parameters;                // the values that all finished runs share, and what chose the runs
   std::vector<std::string> status, base; // by row; base: the series, which parameters may divide
   std::vector<Long64_t> place;           // by row: of the base among all of the file
   std::map<std::string, std::vector<std::string>> values; // of the conditions, by column and row

   bool Finished(size_t row) const { return status[row] == "ok"; }
   double Value(const std::string &column, size_t row) const { return std::atof(values.at(column)[row].c_str()); }
};

namespace detail {

// "N,A(k=3:Layout=...)_Background" as "N,A(k)_Background": k is a condition of its own, and the options go where they are
// the same in all runs that are drawn.
inline void ShortenEncodings(std::vector<std::string> &chains, const std::vector<size_t> &kept)
{
   const std::string start = "A(k=";
   const auto optionsOf = [&](const std::string &chain) {
      const size_t end = chain.rfind(')'), colon = chain.find(':', chain.find(start));
      return colon < end ? chain.substr(colon, end - colon) : "";
   };
   std::set<std::string> options;
   for (const size_t row : kept)
      if (chains[row].find(start) != std::string::npos)
         options.insert(optionsOf(chains[row]));
   for (std::string &chain : chains) {
      const size_t begin = chain.find(start);
      if (begin != std::string::npos)
         chain = chain.substr(0, begin) + "A(k" + (options.size() > 1 ? optionsOf(chain) : "") +
                 chain.substr(chain.rfind(')'));
   }
}

inline void Add(std::string &list, const std::string &text)
{
   list += (list.empty() ? "" : ", ") + text;
}

// "5 to 250", of the kept rows; one value alone.
inline std::string RangeOf(const Rows &rows, const std::string &column)
{
   const auto less = [&](size_t a, size_t b) { return rows.Value(column, a) < rows.Value(column, b); };
   const auto ends = std::minmax_element(rows.kept.begin(), rows.kept.end(), less);
   const std::string &low = rows.values.at(column)[*ends.first], &high = rows.values.at(column)[*ends.second];
   return low == high ? low : low + " to " + high;
}

inline std::string Statuses(const Rows &rows, const std::vector<size_t> &some)
{
   std::set<std::string> known;
   for (const size_t row : some)
      known.insert(rows.status[row]);
   if (known.count("ok"))
      return "ok";
   std::string list;
   for (const std::string &status : known)
      Add(list, status);
   return list;
}

// Whether a formula on the tree is true, by row.
inline std::vector<bool> Selected(TTree &tree, const std::string &selection)
{
   const int level = gErrorIgnoreLevel;
   gErrorIgnoreLevel = kFatal; // ours is the one line on a wrong formula
   TTreeFormula formula("selection", selection.c_str(), &tree);
   gErrorIgnoreLevel = level;
   if (formula.GetNdim() == 0 || formula.IsString())
      Fail("selection " + selection + ": no condition on branches of the tree " + tree.GetName() +
           ", as neurons==100 && optimizer==\"adam\" is");
   std::vector<bool> selected;
   for (Long64_t row = 0; row < tree.GetEntries(); ++row) {
      tree.LoadTree(row);
      formula.GetNdata(); // loads the branches
      selected.push_back(formula.EvalInstance() != 0);
   }
   return selected;
}

} // namespace detail

inline bool Numeric(TBranch &branch)
{
   return std::string(branch.GetClassName()).empty();
}

// The rows that pass a selection, a formula on the benchmark tree; all without one.
inline Rows ReadRows(const std::string &path, const Selection &selection)
{
   Rows rows;
   rows.file = Open(path);
   rows.tree = &Tree(*rows.file, "benchmark");
   const auto *note = rows.file->Get<TNamed>("note");
   TheFooter().note = note ? note->GetTitle() : "";
   TTree &tree = *rows.tree;
   rows.status = Column<std::string>(tree, "status");
   rows.base = Column<std::string>(tree, "label");
   rows.place = Column<Long64_t>(tree, "series_order");
   for (const Condition &condition : Conditions())
      rows.values[condition.column] = Texts(tree, condition.column.c_str());
   const size_t all = rows.status.size();
   const std::string &formula = selection.formula;
   const auto selected = formula.empty() ? std::vector<bool>(all, true) : detail::Selected(tree, formula);
   for (size_t row = 0; row < all; ++row) {
      if (selected[row] && (selection.sample.empty() || rows.values["sample"][row] == selection.sample))
         rows.kept.push_back(row);
   }
   detail::ShortenEncodings(rows.values["transformations"], rows.kept);
   if (std::none_of(rows.kept.begin(), rows.kept.end(), [&](size_t row) { return rows.Finished(row); }))
      Fail(path + ": no finished run among the " + std::to_string(rows.kept.size()) +
           (formula.empty() ? " of the benchmark tree" : " with " + formula));
   const auto key = [&](size_t row) {
      std::vector<std::pair<double, std::string>> conditions;
      for (const Condition &condition : Conditions())
         conditions.emplace_back(rows.Value(condition.column, row), rows.values[condition.column][row]);
      return std::make_pair(rows.place[row], conditions);
   };
   std::stable_sort(rows.kept.begin(), rows.kept.end(), [&](size_t a, size_t b) { return key(a) < key(b); });
   if (!formula.empty())
      rows.parameters = "only " + formula;
   return rows;
}

// The numeric parameters with several values within a series.
inline std::vector<Condition> Scanned(const Rows &rows)
{
   std::vector<Condition> scanned;
   for (const Condition &condition : Conditions()) {
      if (!condition.parameter || !Numeric(Branch(*rows.tree, condition.column.c_str())))
         continue;
      std::map<std::vector<std::string>, std::set<std::string>> within;
      for (const size_t row : rows.kept)
         within[{rows.base[row], rows.values.at("environment")[row], rows.values.at("sample")[row]}].insert(
            rows.values.at(condition.column)[row]);
      if (std::any_of(within.begin(), within.end(), [](const auto &entry) { return entry.second.size() > 1; }))
         scanned.push_back(condition);
   }
   return scanned;
}

// Of a scan a figure without axis for it draws one point: the largest value of each scanned parameter, among the
// finished runs. A series without any run there is kept as absent.
inline std::vector<Series> KeepLastPoint(Rows &rows)
{
   std::map<std::string, std::vector<size_t>> lost;
   for (const size_t row : rows.kept)
      lost[rows.base[row]].push_back(row);
   std::string scan;
   for (const Condition &condition : Scanned(rows)) {
      const std::string range = detail::RangeOf(rows, condition.column);
      scan += (scan.empty() ? "" : "; ") + condition.name + " " + range;
      double last = -1;
      for (const size_t row : rows.kept)
         if (rows.Finished(row))
            last = std::max(last, rows.Value(condition.column, row));
      rows.kept.erase(std::remove_if(rows.kept.begin(), rows.kept.end(),
                                     [&](size_t row) { return rows.Value(condition.column, row) != last; }),
                      rows.kept.end());
   }
   if (!scan.empty())
      detail::Add(rows.parameters, "last finished point of the scan (" + scan + ")");
   for (const size_t row : rows.kept)
      lost.erase(rows.base[row]);
   std::vector<Series> absent;
   for (const auto &entry : lost) {
      const std::string status = detail::Statuses(rows, entry.second);
      absent.push_back({entry.first, status == "ok" ? "no run at this point" : status});
   }
   return absent;
}

// A text from a file as the name of a file or folder: no separator, no dot at its start, whatever the text is.
inline std::string FileName(const std::string &text)
{
   std::string name = text.substr(0, 100);
   for (char &c : name)
      if (!std::isalnum(static_cast<unsigned char>(c)) && (c == '\0' || !std::strchr("_-.+", c)))
         c = '_';
   return name.empty() || name[0] == '.' ? "_" + name : name;
}

// Runs a macro's body, once for each sample: what was run on other events is not drawn together. Of several samples the
// figures of each lie in a folder of its own, and one that cannot be drawn does not stop the others.
template <typename Body>
int RunBySample(const char *macro, const std::string &path, const std::string &figures, const std::string &formula,
                bool caption, Body body)
{
   TheFooter().whole = caption;
   std::map<std::string, bool> samples; // and whether any of its runs finished
   int result = Run(macro, [&] {
      const Rows rows = ReadRows(path, {formula, ""});
      for (const size_t row : rows.kept)
         samples[rows.values.at("sample")[row]] |= rows.Finished(row);
   });
   if (samples.size() == 1)
      return Run(macro, [&] { body(Selection{formula, ""}, figures); });
   for (const auto &entry : samples) {
      const std::string &sample = entry.first;
      const std::string folder = FileName(sample);
      if (entry.second)
         result |= Run((macro + (": sample " + sample)).c_str(),
                       [&] { body(Selection{formula, sample}, figures + "/" + folder); });
      else
         std::cout << macro << ": sample " << sample << ": no finished run" << std::endl;
   }
   return result;
}

// Fills in the series: runs that differ in a condition are of different series, so that they are never averaged.
// A parameter that is the axis tells none apart, nor one that has one value at each point of the axis.
inline void MakeSeries(Rows &rows, const std::string &axis = "")
{
   std::map<size_t, std::string> label;
   for (const size_t row : rows.kept)
      label[row] = rows.base[row];
   std::string shared, moving;
   for (const Condition &condition : Conditions()) {
      if (condition.column == axis)
         continue;
      const auto &values = rows.values[condition.column];
      std::set<std::string> all, differing; // values of the finished runs; bases to tell apart
      std::map<std::string, std::set<std::string>> ofBase;
      std::map<std::pair<std::string, std::string>, std::set<std::string>> atPoint;
      for (const size_t row : rows.kept) {
         const std::string at = axis.empty() || !condition.parameter ? "" : rows.values[axis][row];
         ofBase[rows.base[row]].insert(values[row]);
         auto &here = atPoint[{rows.base[row], at}];
         here.insert(values[row]);
         if (here.size() > 1)
            differing.insert(rows.base[row]);
         if (rows.Finished(row))
            all.insert(values[row]);
      }
      bool moves = false;
      for (const size_t row : rows.kept) {
         if (differing.count(rows.base[row]))
            label[row] += ", " + condition.name + " " + values[row];
         else
            moves |= ofBase[rows.base[row]].size() > 1;
      }
      if (moves)
         moving += ", " + condition.name + " moves with " + axis;
      const std::string value = all.size() == 1 ? *all.begin() : "";
      if (!condition.usual.empty()) {
         for (const std::string &other : all)
            if (other != condition.usual)
               detail::Add(shared, condition.name + " " + other + (condition.ofKeras ? " (Keras only)" : ""));
      } else if (!TheFooter().whole && !condition.Brief()) {
         continue;
      } else if (!value.empty() && value != "0" && value != "none" && condition.column != "factory_string") // too long
         detail::Add(shared, condition.name + " " + value);
   }
   rows.parameters = shared + moving + (rows.parameters.empty() ? "" : ", " + rows.parameters);

   std::map<std::string, std::vector<size_t>> together;
   for (const size_t row : rows.kept)
      together[label[row]].push_back(row);
   // As naming.colours: of several series with one place, told apart by a parameter, the later ones have the next colours.
   std::set<int> taken;
   int next = *std::max_element(rows.place.begin(), rows.place.end()) + 1;
   for (const bool ok : {true, false})
      for (const size_t row : rows.kept) {
         const std::vector<size_t> &same = together[label[row]];
         const std::string status = detail::Statuses(rows, same);
         if (row != same.front() || (status == "ok") != ok)
            continue;
         for (const size_t one : same)
            rows.seriesOf[one] = rows.series.size();
         const bool free = taken.insert(rows.place[row]).second;
         rows.series.push_back({label[row], status, free ? int(rows.place[row]) : next++, rows.place[row]});
      }
}

// A line on the series that are not drawn, by what became of them; "" where all are.
inline std::string Absent(const std::vector<Series> &all)
{
   std::vector<std::string> kinds;
   std::map<std::string, std::string> labels;
   for (const Series &series : all) {
      if (series.status == "ok")
         continue;
      std::string &list = labels[series.status];
      if (list.empty())
         kinds.push_back(series.status);
      list += (list.empty() ? "" : "; ") + series.label;
   }
   std::string line;
   for (const std::string &kind : kinds)
      line += (line.empty() ? "\nnot drawn: " : "; ") + labels[kind] + " (" + kind + ")";
   return line;
}

// What a figure of times says about them: ", 3 of 8 runs timed on a busy machine" of the finished runs that are drawn,
// and what the times hold, as the file has it.
inline std::string Clocks(const Rows &rows)
{
   const auto busy = Numbers(*rows.tree, "busy");
   int runs = 0, timed = 0;
   for (const size_t row : rows.kept)
      if (rows.Finished(row)) {
         ++runs;
         timed += busy[row] != 0;
      }
   std::string text = timed > 0 ? Form(", %d of %d runs timed on a busy machine", timed, runs) : "";
   if (const auto *clocks = rows.file->Get<TNamed>("clocks"))
      text += std::string(", ") + clocks->GetTitle();
   return text;
}

struct RunRow {
   std::string id;
   int series; // index into Results::series
   Long64_t repetition;
   double area, areaError, bestPossible, cpuTime, realTime; // times of the training [s]
   Long64_t bestEpoch;
};

struct Results {
   std::unique_ptr<TFile> file;
   std::vector<Series> series;         // the finished ones
   std::vector<RunRow> runs;           // the finished ones, sorted by series and repetition
   std::string parameters;             // the values that all finished runs share
   std::string clocks, absent;         // see Clocks, Absent
   double bestPossible = std::nan(""); // the same for all finished runs, else NaN

   // What stands under a figure, of times or not.
   std::string Caption(bool ofTimes = false) const { return parameters + (ofTimes ? clocks : "") + absent; }
   std::vector<RunRow> RunsOf(int index) const
   {
      std::vector<RunRow> found;
      std::copy_if(runs.begin(), runs.end(), std::back_inserter(found),
                   [=](const RunRow &run) { return run.series == index; });
      return found;
   }
};

// The runs that pass a selection; without one, those at the last point of a scan.
inline Results ReadResults(const std::string &path, const Selection &selection)
{
   Rows rows = ReadRows(path, selection);
   const std::vector<Series> absent = selection.formula.empty() ? KeepLastPoint(rows) : std::vector<Series>();
   MakeSeries(rows);
   Results results;
   results.series = rows.series;
   results.series.insert(results.series.end(), absent.begin(), absent.end());
   results.parameters = rows.parameters;
   results.clocks = Clocks(rows);
   results.absent = Absent(results.series);
   results.series.erase(std::remove_if(results.series.begin(), results.series.end(),
                                       [](const Series &one) { return one.status != "ok"; }),
                        results.series.end());

   TTree &tree = *rows.tree;
   const auto id = Column<std::string>(tree, "run_id");
   const auto repetition = Column<Long64_t>(tree, "repetition");
   const auto area = Column<double>(tree, "roc_auc");
   const auto areaError = Column<double>(tree, "roc_auc_error");
   const auto bestPossible = Column<double>(tree, "roc_auc_best_possible");
   const auto cpuTime = Column<double>(tree, "cpu_time_train");
   const auto realTime = Column<double>(tree, "real_time_train");
   const auto bestEpoch = Column<Long64_t>(tree, "best_epoch");
   for (const size_t row : rows.kept)
      if (rows.Finished(row))
         results.runs.push_back({id[row], rows.seriesOf[row], repetition[row], area[row], areaError[row],
                                 bestPossible[row], cpuTime[row], realTime[row], bestEpoch[row]});
   std::stable_sort(results.runs.begin(), results.runs.end(), [](const RunRow &a, const RunRow &b) {
      return std::make_pair(a.series, a.repetition) < std::make_pair(b.series, b.repetition);
   });
   results.bestPossible = results.runs.front().bestPossible;
   for (const RunRow &run : results.runs)
      if (run.bestPossible != results.bestPossible)
         results.bestPossible = std::nan("");
   results.file = std::move(rows.file);
   return results;
}

// ---------------------------------------------------------------------------------------------- numbers

struct Measured {
   double value, error; // NaN where there is none
};

// The mean and half the width of its 68 % interval by Student's t, as in the tables; a single value has the error
// `single`.
inline Measured Mean(const std::vector<double> &values, double single = std::nan(""))
{
   double sum = 0, squares = 0;
   for (const double value : values)
      sum += value;
   const double mean = sum / values.size();
   for (const double value : values)
      squares += (value - mean) * (value - mean);
   const double n = values.size();
   if (n < 2)
      return {mean, single};
   return {mean, TMath::StudentQuantile(0.5 + 0.6827 / 2, n - 1) * std::sqrt(squares / (n - 1) / n)};
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

// What values and their errors span.
struct Extent {
   double low = 1e99, high = -1e99;

   void Add(double value)
   {
      if (std::isfinite(value)) {
         low = std::min(low, value);
         high = std::max(high, value);
      }
   }
   void Add(const Measured &m)
   {
      Add(m.value);
      Add(m.value - m.error);
      Add(m.value + m.error);
   }
};

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
const double kFromLog = 30; // values that span a larger factor get a logarithmic axis
const int kTitle = 24;
const int kFont = 43; // Helvetica, size in pixels
const int kBold = 63;

// The colours of naming.COLOURS.
inline int Colour(int index)
{
   static const std::vector<const char *> codes = {"#0072b2", "#d55e00", "#009e73", "#000000",
                                                   "#cc79a7", "#56b4e9", "#e69f00"};
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

// Draws a curve in the dashes of a series; `perX` and `perY` are the pixels of a unit of its axes (of a decade of a
// logarithmic one). We cut the dashes ourselves: ROOT's restart at every point, so in a PNG a curve of many points
// comes out solid. Cut by length, the dashes of repetitions lie on each other.
inline void DrawDashed(const TGraph &curve, int series, double perX, double perY)
{
   static const std::vector<std::vector<double>> patterns = {
      {1e9}, {13, 8}, {3, 5}, {13, 6, 3, 6}, {30, 10}, {13, 6, 3, 6, 3, 6}}; // pixels on, off, on, ...
   const std::vector<double> &pattern = patterns[series % patterns.size()];
   size_t element = 0;
   double left = pattern[0]; // pixels to the end of the element
   TGraph *dash = nullptr;
   for (int i = 1; i < curve.GetN(); ++i) {
      const double x = gPad->XtoPad(curve.GetX()[i - 1]), y = gPad->YtoPad(curve.GetY()[i - 1]);
      const double dx = gPad->XtoPad(curve.GetX()[i]) - x, dy = gPad->YtoPad(curve.GetY()[i]) - y;
      const double length = std::hypot(dx * perX, dy * perY);
      const auto add = [&](double part) { dash->AddPoint(gPad->PadtoX(x + part * dx), gPad->PadtoY(y + part * dy)); };
      for (double done = 0; done < length;) {
         const double step = std::min(left, length - done);
         if (element % 2 == 0) {
            if (!dash) {
               dash = new TGraph;
               dash->SetNameTitle("line", curve.GetTitle());
               dash->SetLineColor(Colour(series));
               dash->SetLineWidth(2);
               dash->SetBit(kCanDelete);
               dash->Draw("L");
               add(done / length);
            }
            add((done + step) / length);
         }
         done += step;
         left -= step;
         if (left <= 0) {
            element = (element + 1) % pattern.size();
            left = pattern[element];
            dash = nullptr;
         }
      }
   }
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

// What stands under a figure cut into lines for a canvas of so many pixels, at about 6.6 pixels a character: after a
// comma or, where there is none, at a space.
inline std::vector<std::string> Lines(std::string text, double width)
{
   const size_t longest = std::max(20., (width - 40) / 6.6);
   std::vector<std::string> lines;
   while (!text.empty()) {
      size_t end = std::min(text.find('\n'), text.size());
      if (end > longest) {
         const size_t comma = text.rfind(", ", longest - 2), space = text.rfind(' ', longest - 1);
         end = comma != std::string::npos && comma > longest / 2 ? comma + 1 : space;
         if (end == std::string::npos || end == 0)
            end = longest;
      }
      if (end > 0)
         lines.push_back(text.substr(0, end));
      text.erase(0, end < text.size() && (text[end] == ' ' || text[end] == '\n') ? end + 1 : end);
   }
   return lines;
}

const double kHeader = 56; // height of the title, pixels

// A canvas with its title and, under its `height` pixels, the caption and the file's note in lines of their own.
inline TCanvas *Canvas(const std::string &name, int width, double height, const std::string &title,
                       const std::string &caption)
{
   SetStyle();
   delete gROOT->GetListOfCanvases()->FindObject(name.c_str()); // of an earlier call in an interactive session
   auto lines = Lines(caption, width);
   const auto note = Lines(TheFooter().note, width);
   lines.insert(lines.end(), note.begin(), note.end());
   const int whole = height + 21 * lines.size() + 14;
   auto canvas = new TCanvas(name.c_str(), title.c_str(), width, whole);
   canvas->SetCanvasSize(width, whole);
   Write(*canvas, 20, 34, title, kTitle, 11, kBlack, kBold);
   double y = height + 14;
   for (const std::string &line : lines) {
      auto text = new TText(20. / width, 1 - y / whole, line.c_str()); // as it stands, whatever the file says
      text->SetNDC();
      text->SetTextFont(kFont);
      text->SetTextSize(kSmall);
      text->SetTextColor(Grey());
      text->SetBit(kCanDelete);
      text->Draw();
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
   Write(canvas, right, down + 44, x, FittingSize(x, width - 90), 31);
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

// Beside a frame, where it hides nothing: each finished series with a line of its own text under its name. Returns where
// the legend ends, pixels from the top.
inline double DrawLegend(TCanvas &canvas, double left, double top, double bottom, const Results &results,
                         const std::vector<std::string> &texts)
{
   const double step = std::min(50., (bottom - top) / (results.series.size() + 1));
   double y = top + 10;
   for (size_t series = 0; series < results.series.size(); ++series, y += step) {
      const auto x = [&](double pixels) { return (left + pixels) / canvas.GetWw(); };
      const double middle = 1 - y / canvas.GetWh();
      canvas.cd();
      const double xs[] = {x(0), x(70)}, ys[] = {middle, middle};
      DrawDashed(TGraph(2, xs, ys), results.series[series].colour, canvas.GetWw(), canvas.GetWh());
      auto marker = new TMarker(x(35), middle, 20);
      SetMarker(*marker, results.series[series].colour);
      marker->SetBit(kCanDelete);
      marker->Draw();
      Write(canvas, left + 84, y + 6, results.series[series].label);
      Write(canvas, left + 84, y + 26, texts[series], kSmall, 11, Grey());
   }
   return y;
}

// ROOT's page is a sheet of A4 of which a part is shown: that part becomes the page, in as many bytes.
inline void CutPage(const std::string &path)
{
   std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
   const std::string all{std::istreambuf_iterator<char>(file), {}}, name = "/CropBox";
   file.clear();
   const size_t page = all.rfind("/MediaBox"), part = all.find(name, page);
   const size_t end = part == std::string::npos ? part : all.find(']', part);
   if (page == std::string::npos || end == std::string::npos || end - page > 100)
      return;
   std::string box = "/MediaBox" + all.substr(part + name.size(), end + 1 - part - name.size());
   box.resize(end + 1 - page, ' ');
   file.seekp(page);
   file << box;
}

inline void Save(TCanvas &canvas, const std::string &figures)
{
   if (gSystem->AccessPathName(figures.c_str()) && gSystem->mkdir(figures.c_str(), true) != 0)
      Fail(figures + ": folder cannot be made");
   gStyle->SetLineScalePS(3 * 800. / canvas.GetWw()); // the PDF's page has one width: lines as thick as in the PNG
   for (const std::string kind : {"png", "pdf"}) {
      const std::string path = figures + "/" + canvas.GetName() + "." + kind;
      gSystem->Unlink(path.c_str()); // an old figure must not pass for this one
      canvas.Print(path.c_str(), kind == "pdf" ? "pdfPortrait" : "png");
      if (gSystem->AccessPathName(path.c_str()))
         Fail(path + ": cannot be written");
      if (kind == "pdf")
         CutPage(path);
   }
}

} // namespace bench

#endif
