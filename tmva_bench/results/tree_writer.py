"""Writes the results trees through ROOT: ``python -m tmva_bench.results.tree_writer TABLES.json OUT.root [NOTE]``.

``TABLES.json`` holds ``{tree: {column: [values]}}`` with every tree and column of ``TREES`` or of ``LATENCY_TREES`` of
:mod:`tmva_bench.results.schema` but ``figures``; a float that was not measured is ``null``.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy

from tmva_bench.errors import UserError
from tmva_bench.events import output
from tmva_bench.results import naming, schema
from tmva_bench.results.figures import latency, tree
from tmva_bench.results.rows import RunRow

Table = dict[str, list[Any]]

# The loop over rows is compiled: 500000 rows of ROC points take a fraction of a second.
_FILLER = r"""
#include <deque>
#include <string>
#include <vector>
#include "TBranch.h"
#include "TTree.h"

namespace tmva_bench {
class TreeFiller {
public:
   explicit TreeFiller(TTree &tree) : fTree(tree) {}
   void Add(const char *name, const char *title, const double *values)
   {
      fDoubles.push_back({values, 0.});
      fTree.Branch(name, &fDoubles.back().fValue)->SetTitle(title);
   }
   void Add(const char *name, const char *title, const Long64_t *values)
   {
      fIntegers.push_back({values, 0});
      fTree.Branch(name, &fIntegers.back().fValue)->SetTitle(title);
   }
   void AddTexts(const char *name, const char *title, const std::vector<std::string> &texts, const int *codes)
   {
      fTexts.push_back({texts, codes, ""});
      fTree.Branch(name, &fTexts.back().fValue)->SetTitle(title);
   }
   void Fill(Long64_t rows)
   {
      for (Long64_t row = 0; row < rows; ++row) {
         for (auto &column : fDoubles)
            column.fValue = column.fValues[row];
         for (auto &column : fIntegers)
            column.fValue = column.fValues[row];
         for (auto &column : fTexts)
            column.fValue = column.fTexts[column.fCodes[row]];
         fTree.Fill();
      }
      fTree.ResetBranchAddresses();
   }

private:
   template <typename T>
   struct Numbers {
      const T *fValues;
      T fValue;
   };
   struct Texts {
      std::vector<std::string> fTexts;
      const int *fCodes;
      std::string fValue;
   };
   TTree &fTree;
   // The tree keeps the addresses of the values, and a deque never moves them.
   std::deque<Numbers<double>> fDoubles;
   std::deque<Numbers<Long64_t>> fIntegers;
   std::deque<Texts> fTexts;
};
}
"""


def write_trees(tables: dict[str, Table], out: Path, note: str = "") -> None:
    """Writes the trees of :data:`tmva_bench.results.schema.TREES`, or ``LATENCY_TREES`` there, complete or not at all.

    The tree ``figures`` is made of the others here.

    Besides the trees the file holds two ``TNamed``: the title of ``schema_version`` is
    :data:`tmva_bench.results.schema.VERSION`, that of ``clocks`` says what the times hold; and
    a third, ``note``, where the results have one.

    Args:
        tables: ``{tree: {column: values}}``, all columns of a tree equally long; ``None`` in a float
            column stands for NaN.
        out: the ROOT file; replaced if it exists.
        note: what a reader of the results must know.

    Raises:
        UserError: ``out`` cannot be written.
        ValueError: ``tables`` does not agree with the schema.
    """
    of_runs = "latency" not in tables
    trees = schema.TREES if of_runs else schema.LATENCY_TREES
    for name, columns in trees.items():
        if name != "figures":
            _check(name, columns, tables.get(name, {}))
    tables = {**tables, "figures": tree.table(tables) if of_runs else latency.table(tables["latency"])}
    _check("figures", schema.FIGURES, tables["figures"])
    with output.beside(out) as partial:
        _write_file(trees, tables, partial, note)


def _check(name: str, wanted: list[schema.Column], table: Table) -> None:
    columns = [column.name for column in wanted]
    if sorted(table) != sorted(columns):
        raise ValueError(f"tree {name}: columns differ from the schema: {sorted(set(table) ^ set(columns))}")
    if len({len(values) for values in table.values()}) > 1:
        raise ValueError(f"tree {name}: columns of different lengths")
    for column in wanted:
        allowed = (int, float, type(None)) if column.type is float else column.type
        wrong = [value for value in table[column.name] if not isinstance(value, allowed)]
        if wrong:
            raise ValueError(f"tree {name}: {column.name} = {wrong[0]!r} is no {column.type.__name__}")


def _write_file(trees: dict[str, list[schema.Column]], tables: dict[str, Table], path: Path, note: str) -> None:
    import ROOT

    _declare(ROOT)
    path.touch()  # raises the system's reason, where TFile has none
    of_runs = "results of tmva_bench: summary has the means, benchmark every run"
    file = ROOT.TFile.Open(str(path), "RECREATE", of_runs if "benchmark" in trees else schema.TITLES["latency"])
    for name, columns in trees.items():
        _fill(ROOT, ROOT.TTree(name, schema.TITLES[name]), columns, tables[name])
    ROOT.TNamed("schema_version", str(schema.VERSION)).Write()
    if "benchmark" in trees:
        ROOT.TNamed("clocks", _clocks(tables["benchmark"])).Write()
    if note:
        ROOT.TNamed("note", note).Write()
    file.Write()
    torn = file.TestBit(ROOT.TFile.kWriteError)
    file.Close()
    if torn:
        raise OSError("write error")


def _clocks(benchmark: Table) -> str:
    """What figures of times say about them."""
    columns = zip(*(benchmark[name] for name in naming.CLOCKS), strict=True)
    return "; ".join(naming.clocks(RunRow(**dict(zip(naming.CLOCKS, values, strict=True))) for values in columns))


def write_tree(name: str, title: str, columns: Sequence[schema.Column], table: Table, out: Path) -> None:
    """Writes a file of one tree that is no results tree, such as that of ``make perf``.

    Args:
        name: of the tree.
        title: likewise.
        columns: its branches.
        table: values by column, all equally long.
        out: the ROOT file; replaced if it exists.
    """
    import ROOT

    _declare(ROOT)
    file = ROOT.TFile.Open(str(out), "RECREATE")
    _fill(ROOT, ROOT.TTree(name, title), columns, table)
    file.Write()
    file.Close()


def _declare(ROOT: Any) -> None:
    if not hasattr(getattr(ROOT, "tmva_bench", None), "TreeFiller"):
        ROOT.gInterpreter.Declare(_FILLER)


def _fill(ROOT: Any, tree: Any, columns: Sequence[schema.Column], table: Table) -> None:
    ROOT.SetOwnership(tree, False)  # the file owns it
    filler = ROOT.tmva_bench.TreeFiller(tree)
    rows = 0
    arrays = []  # read by the filler through bare pointers: kept until it has filled
    for column in columns:
        values = table[column.name]
        rows = len(values)
        if column.type is str:
            known: dict[str, int] = {}
            codes = [known.setdefault(value, len(known)) for value in values]
            arrays.append(_buffer(codes, numpy.intc))
            filler.AddTexts(column.name, column.title, ROOT.std.vector["std::string"](list(known)), arrays[-1])
        else:
            # numpy turns None into NaN, and keeps long long, which Long64_t is, apart from int64
            arrays.append(_buffer(values, numpy.double if column.type is float else numpy.longlong))
            filler.Add(column.name, column.title, arrays[-1])
    filler.Fill(rows)


def _buffer(values: list[Any], dtype: Any) -> Any:
    return numpy.array(values or [0], dtype=dtype)  # PyROOT takes no empty buffer


def main() -> None:
    """Reads ``TABLES.json`` and writes ``OUT.root`` with ``NOTE``, the arguments of the command line."""
    tables, out, *note = sys.argv[1:]
    try:
        write_trees(json.loads(Path(tables).read_text(encoding="utf-8")), Path(out), *note)
    except UserError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
