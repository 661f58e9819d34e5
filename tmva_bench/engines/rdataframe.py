"""A scoring function as a new column of an ``RDataFrame``, in C++ and in Python."""

import runpy
import uuid
from pathlib import Path
from typing import Any, Callable, List

import numpy

from tmva_bench.engines import cpp_header
from tmva_bench.engines.scoring import Scores, Scoring
from tmva_bench.errors import UserError

_DEFINE = """
/// The score of branches of any type of number, in their order.
template <typename... Branches> inline float of(const Branches &... branches)
{{
   static_assert(sizeof...(Branches) == kBranches, "as many branches as the network takes");
   const float values[] = {{static_cast<float>(branches)...}};
   return score(values);
}}

/// A node of RDataFrame with the score as a column more; its own branches may be of any type of number.
template <typename Node> auto define(Node node, const std::string &column = "score")
{{
   // One column at a time: in an expression of several, RDataFrame mixes up columns called var1, var2, ...
   return node
{floats}
      .Define(column, []({parameters}) {{ return of({names}); }},
              {{{columns}}});
}}
"""
_PYTHON = '''"""The score of an event by a trained network as a column of an RDataFrame, written by tmva_bench.

    import ROOT, {name}
    frame = {name}.define(ROOT.RDataFrame("tree", "file.root"))

Made of {source}
"""

import ROOT

BRANCHES = {branches!r}
_CODE = r"""{code}"""


def define(frame, column="score"):
    """The frame with the score as a column more; its branches may be of any type of number."""
    if not hasattr(ROOT, "{name}"):
        ROOT.gInterpreter.Declare(_CODE)
    # One column at a time: in an expression of several, RDataFrame mixes up columns called var1, var2, ...
    columns = [f"{{column}}_of_{{number}}" for number in range(len(BRANCHES))]
    for name, branch in zip(columns, BRANCHES):
        frame = frame.Define(name, f"static_cast<float>({{branch}})")
    return frame.Define(column, f"{name}::of({{', '.join(columns)}})")
'''


def cpp(scored: Scoring, stem: str) -> str:
    """A C++ header with ``define``, which adds the column.

    Args:
        scored: the scoring function.
        stem: that of the file's name.
    """
    _check(scored)
    numbers = range(len(scored.branches))
    more = _DEFINE.format(
        floats="\n".join(
            f'      .Define(column + "_of_{number}", "static_cast<float>({branch})")'
            for number, branch in enumerate(scored.branches)
        ),
        parameters=", ".join(f"float b{number}" for number in numbers),
        names=", ".join(f"b{number}" for number in numbers),
        columns=", ".join(f'column + "_of_{number}"' for number in numbers),
    )
    text = cpp_header.text(scored, stem, more)
    return text.replace("#include <cstring>\n", "#include <cstring>\n#include <string>\n", 1)


def python(scored: Scoring, stem: str) -> str:
    """A Python module with ``define``, which adds the column.

    Args:
        scored: the scoring function.
        stem: that of the file's name.
    """
    _check(scored)
    name = cpp_header.namespace(stem)
    source = scored.source.replace("\\", "/").replace('"""', "'''")
    return _PYTHON.format(
        name=name,
        source="".join(letter if letter.isprintable() else "?" for letter in source),
        branches=scored.branches,
        code=cpp_header.text(scored, stem, _DEFINE.split("\n/// A node")[0].replace("{{", "{").replace("}}", "}")),
    )


def scores(path: Path, branches: List[str], stem: str) -> Scores:
    """What evaluates a file that was written, by RDataFrame itself.

    Args:
        path: the file.
        branches: what it takes.
        stem: that of the name it was written for.
    """
    import ROOT
    import uproot

    define: Callable[[Any], Any]
    if path.suffix == ".py":
        define = runpy.run_path(str(path))["define"]  # written a moment ago
    else:
        function = f"tmva_bench_{uuid.uuid4().hex}"
        declared = (
            f'#include <ROOT/RDataFrame.hxx>\n#include "{path.resolve()}"\n'
            f"ROOT::RDF::RNode {function}(ROOT::RDF::RNode node)"
            f" {{ return {cpp_header.namespace(stem)}::define(node); }}"
        )
        if not ROOT.gInterpreter.Declare(declared):
            raise UserError("cling does not compile the file; its reasons stand in the log")
        define = getattr(ROOT, function)

    def of_events(events: numpy.ndarray) -> numpy.ndarray:
        columns = {name: numpy.ascontiguousarray(values) for name, values in zip(branches, events.T)}
        events_file = path.with_suffix(".check.root")
        with uproot.recreate(str(events_file)) as file:
            file.mktree("events", dict.fromkeys(branches, "float32")).extend(columns)
        frame = define(ROOT.RDF.AsRNode(ROOT.RDataFrame("events", str(events_file))))
        return numpy.asarray(frame.AsNumpy(["score"])["score"])

    return of_events


def _check(scored: Scoring) -> None:
    """Refuses branches whose names are no columns that an expression can have."""
    for branch in scored.branches:
        if not all(part.isidentifier() and part.isascii() for part in branch.split(".")):
            raise UserError(f"{scored.source}: {branch!r} is no name that RDataFrame takes in an expression; rename it")
