// Trees and their columns as they stand in a file.
#ifndef TMVA_BENCH_READING_H
#define TMVA_BENCH_READING_H

#include "failing.h"

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "TBranch.h"
#include "TError.h"
#include "TFile.h"
#include "TLeaf.h"
#include "TSystem.h"
#include "TTree.h"
#include "TTreeReader.h"
#include "TTreeReaderValue.h"

namespace bench {

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

} // namespace bench

#endif
