// The figures that a macro was called for: those of the results file, or what Python makes of it.
#ifndef TMVA_BENCH_FIGURES_H
#define TMVA_BENCH_FIGURES_H

#include "canvas.h"
#include "marks.h"
#include "python.h"
#include "reading.h"

#include <cctype>
#include <cstring>
#include <iostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "TNamed.h"
#include "TTreeFormula.h"

namespace bench {

// How a macro was called.
struct Call {
   std::string macro, file, folder, selection;
   bool whole;                         // the caption
   std::vector<std::string> names;     // of the figures; without one, all of the macro
   std::vector<std::string> arguments; // that choose them, two
};

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

// The figures of the tree, where it is there and has them.
inline std::vector<Mark> Stored(TFile &file, const Call &call)
{
   auto tree = dynamic_cast<TTree *>(file.Get("figures"));
   std::vector<Mark> marks;
   if (!tree)
      return marks;
   TTreeReader reader(tree);
   using Text = TTreeReaderValue<std::string>;
   using Number = TTreeReaderValue<double>;
   Text figure(reader, "figure"), sample(reader, "sample"), panel(reader, "panel"), kind(reader, "kind");
   Text label(reader, "label"), run(reader, "run_id"), text(reader, "text");
   TTreeReaderValue<Long64_t> colour(reader, "colour");
   Number x(reader, "x"), y(reader, "y"), low(reader, "low"), high(reader, "high");
   const std::set<std::string> names(call.names.begin(), call.names.end());
   bool any = false;
   while (reader.Next()) {
      const bool wanted = names.empty() ? figure->find(call.macro + "_") == 0 : names.count(*figure) > 0;
      any |= wanted;
      if (!wanted && !(*kind == "unfinished" && *figure == call.macro))
         continue;
      marks.push_back({*figure, *sample, *panel, *kind, *label, *run, *text, int(*colour), *x, *y, *low, *high});
   }
   return any ? marks : std::vector<Mark>();
}

inline std::string AbsolutePath(const std::string &path)
{
   return gSystem->IsAbsoluteFileName(path.c_str()) ? path : std::string(gSystem->WorkingDirectory()) + "/" + path;
}

// The marks of a call, of the tree figures or, for a selection and whatever else is not there, of Python.
inline std::vector<Mark> ReadMarks(const Call &call)
{
   const auto file = Open(call.file);
   TTree &tree = Tree(*file, "benchmark");
   const auto *note = file->Get<TNamed>("note");
   TheFooter().note = note ? note->GetTitle() : "";
   std::vector<std::string> question = {call.macro, AbsolutePath(call.file), call.selection};
   question.insert(question.end(), call.arguments.begin(), call.arguments.end());
   question.resize(5);
   if (call.selection.empty()) {
      const auto stored = Stored(*file, call);
      if (!stored.empty())
         return stored;
   } else {
      const auto selected = Selected(tree, call.selection);
      const auto runs = Column<std::string>(tree, "run_id");
      for (size_t row = 0; row < runs.size(); ++row)
         if (selected[row])
            question.push_back(runs[row]);
   }
   return Ask(call.file, question);
}

// By sample and name, in their order.
inline std::vector<Figure> Sorted(const std::vector<Mark> &marks)
{
   std::vector<Figure> figures;
   for (const Mark &mark : marks) {
      if (figures.empty() || figures.back().name != mark.figure || figures.back().sample != mark.sample)
         figures.push_back({mark.figure, mark.sample, {}});
      figures.back().marks.push_back(mark);
   }
   return figures;
}

// Ends a macro that has nothing to draw.
inline void Check(const std::string &file, const std::vector<Mark> &marks)
{
   for (const Mark &mark : marks)
      if (mark.kind == "error" || mark.kind == "failed")
         Fail((mark.kind == "failed" ? file + ": " : "") + mark.text);
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

// Draws the figures of a call, each by `body`. Of several samples the figures of each lie in a folder of its own, and one
// that cannot be drawn does not stop the others.
template <typename Body>
int DrawFigures(const Call &call, Body body)
{
   const std::string macro = call.macro + ".C";
   TheFooter().whole = call.whole;
   std::vector<Figure> figures;
   int result = Run(macro, [&] {
      figures = Sorted(ReadMarks(call));
      if (figures.size() == 1 && figures.front().name.empty())
         Check(call.file, figures.front().marks);
   });
   if (result != 0)
      return result;
   std::set<std::string> samples;
   for (const Figure &figure : figures)
      samples.insert(figure.sample);
   if (figures.empty())
      std::cout << macro << ": " << call.file << ": no parameter is scanned" << std::endl;
   for (const std::string &sample : samples) {
      const bool alone = samples.size() == 1;
      const std::string folder = alone ? call.folder : call.folder + "/" + FileName(sample);
      result |= Run(alone ? macro : macro + ": sample " + sample, [&] {
         for (const Figure &figure : figures) {
            if (figure.sample != sample)
               continue;
            if (figure.marks.front().kind == "unfinished") {
               std::cout << macro << ": sample " << sample << ": no finished run" << std::endl;
               return;
            }
            Check(call.file, figure.marks);
            body(figure, folder);
         }
      });
   }
   return result;
}

// What stands under a figure.
inline std::string Caption(const Figure &figure)
{
   return figure.Text(TheFooter().whole ? "whole_caption" : "caption");
}

} // namespace bench

#endif
