// What a figure is drawn from: rows of the tree figures, whose numbers and words are made in Python.
#ifndef TMVA_BENCH_MARKS_H
#define TMVA_BENCH_MARKS_H

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace bench {

// A row; see tmva_bench/results/schema.py.
struct Mark {
   std::string figure, sample, panel, kind, label, run, text;
   int colour = 0;
   double x = std::nan(""), y = x, low = x, high = x;
};

struct Figure {
   std::string name, sample;
   std::vector<Mark> marks;

   // The marks of a kind, in their order; of one panel, run or series where that is named.
   std::vector<Mark> Of(const std::string &kind, const std::string &panel = "", const std::string &label = "",
                        const std::string &run = "") const
   {
      std::vector<Mark> some;
      for (const Mark &mark : marks)
         if (mark.kind == kind && (panel.empty() || mark.panel == panel) && (label.empty() || mark.label == label) &&
             (run.empty() || mark.run == run))
            some.push_back(mark);
      return some;
   }
   // A text, "" where there is none.
   std::string Text(const std::string &kind, const std::string &panel = "") const
   {
      const auto some = Of(kind, panel);
      return some.empty() ? "" : some.front().text;
   }
};

// The runs of marks, each once, in their order.
inline std::vector<std::string> RunsOf(const std::vector<Mark> &marks)
{
   std::vector<std::string> runs;
   for (const Mark &mark : marks)
      if (std::find(runs.begin(), runs.end(), mark.run) == runs.end())
         runs.push_back(mark.run);
   return runs;
}

} // namespace bench

#endif
