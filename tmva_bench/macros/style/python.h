// Asks Python for a figure that the tree figures has not: of a selection, another quantity, or a file of events.
#ifndef TMVA_BENCH_PYTHON_H
#define TMVA_BENCH_PYTHON_H

#include "failing.h"
#include "marks.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "TROOT.h"
#include "TString.h"
#include "TSystem.h"

namespace bench {

// The folder of the package's macros, wherever this file is reached through a link.
inline std::string MacroFolder()
{
   char *real = realpath(gSystem->GetDirName(__FILE__), nullptr);
   const std::string folder = real ? real : ".";
   std::free(real);
   return gSystem->GetDirName(folder.c_str()).Data();
}

// The root of a checkout, "" where the macros are those of an installed package.
inline std::string Checkout()
{
   const std::string root = gSystem->GetDirName(gSystem->GetDirName(MacroFolder().c_str())).Data();
   return gSystem->AccessPathName((root + "/pyproject.toml").c_str()) ? "" : root;
}

// Python executables that may have tmva_bench: of ROOT's own environment, of the checkout's, beside tmva-bench, on PATH.
inline std::vector<std::string> Pythons()
{
   std::vector<std::string> places;
   for (std::string folder = TROOT::GetBinDir().Data(); folder.size() > 1; folder = gSystem->GetDirName(folder.c_str()))
      places.push_back(folder + "/bin");
   places.push_back(Checkout() + "/.route/bin");
   for (const char *command : {"tmva-bench", "python3"}) {
      char *there = gSystem->Which(gSystem->Getenv("PATH"), command);
      if (there)
         places.push_back(gSystem->GetDirName(there).Data());
      delete[] there;
   }
   std::vector<std::string> pythons;
   for (const std::string &place : places) {
      const std::string python = place + "/python3";
      if (!gSystem->AccessPathName(python.c_str(), kExecutePermission) &&
          std::find(pythons.begin(), pythons.end(), python) == pythons.end())
         pythons.push_back(python);
   }
   return pythons;
}

inline std::string Quoted(const std::string &text)
{
   std::string quoted = "'";
   for (const char c : text)
      quoted += c == '\'' ? "'\\''" : std::string(1, c);
   return quoted + "'";
}

// The cells of a line of an answer; see tmva_bench/results/figures/answer.py.
inline std::vector<std::string> Cells(const std::string &line)
{
   std::vector<std::string> cells(1);
   for (size_t i = 0; i < line.size(); ++i) {
      if (line[i] == '\t')
         cells.emplace_back();
      else if (line[i] == '\\' && i + 1 < line.size())
         cells.back() += line[++i] == 'n' ? '\n' : line[i];
      else
         cells.back() += line[i];
   }
   return cells;
}

inline std::vector<Mark> ReadAnswer(const std::string &path)
{
   std::vector<Mark> marks;
   std::ifstream answer(path);
   for (std::string line; std::getline(answer, line);) {
      const auto cells = Cells(line);
      const auto number = [&](size_t i) { return std::atof(cells.at(i).c_str()); };
      Mark mark{cells.at(0), cells[1], cells.at(2), cells.at(3), cells.at(5), cells.at(7), cells.at(8)};
      mark.colour = std::atoi(cells[6].c_str());
      mark.x = number(9), mark.y = number(10), mark.low = number(11), mark.high = number(12);
      marks.push_back(mark);
   }
   return marks;
}

// The answer to a question of so many lines.
inline std::vector<Mark> Ask(const std::string &file, const std::vector<std::string> &question)
{
   TString name = "tmva_bench_figure_";
   FILE *open = gSystem->TempFileName(name);
   if (!open)
      Fail(std::string(gSystem->TempDirectory()) + ": no file can be made there; free some space");
   std::fclose(open);
   const std::string path = name.Data(), log = path + ".log";
   std::string reason = "there is none";
   std::vector<Mark> marks;
   bool answered = false;
   for (const std::string &python : Pythons()) {
      std::ofstream lines(path, std::ios::trunc);
      for (const std::string &line : question)
         lines << line << '\n';
      lines.close();
      const std::string checkout = Checkout(), before = gSystem->Getenv("PYTHONPATH") ? gSystem->Getenv("PYTHONPATH") : "";
      const std::string where = checkout.empty() ? before : checkout + (before.empty() ? "" : ":" + before);
      const std::string command = "cd / && PYTHONSAFEPATH=1 PYTHONPATH=" + Quoted(where) + " " + Quoted(python) +
                                  " -m tmva_bench.results.figures.answer " + Quoted(path) + " 2>" + Quoted(log);
      answered = gSystem->Exec(command.c_str()) == 0;
      if (answered) {
         marks = ReadAnswer(path);
         break;
      }
      std::ifstream said(log);
      for (std::string line; std::getline(said, line);)
         reason = line;
      reason = python + ": " + reason;
   }
   gSystem->Unlink(path.c_str());
   gSystem->Unlink(log.c_str());
   if (!answered)
      Fail(file + ": the tree figures has not this figure, and no Python made it (" + reason +
           "); put the Python of tmva-bench first on PATH");
   return marks;
}

} // namespace bench

#endif
