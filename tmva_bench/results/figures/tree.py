"""The tree ``figures`` of a results file: what ``tmva-bench plot`` draws, and any other figure of the same trees."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from tmva_bench.results.figures import curves, marks, means
from tmva_bench.results.figures import runs as figure_runs
from tmva_bench.results.figures.marks import Mark, NotDrawn
from tmva_bench.results.figures.runs import Chosen, Row

Table = Mapping[str, Sequence[Any]]


class Trees(NamedTuple):
    """What figures are made of.

    Attributes:
        rows: of the tree ``benchmark``, all of the file.
        curves: the other trees by name and run.
    """

    rows: Sequence[Row]
    curves: dict[str, curves.Curves]


# By name, the figures of a macro; each made of the runs of one sample.
Figures = dict[str, Callable[[Chosen, Trees], list[Mark]]]


def trees(rows: Sequence[Row], tables: Mapping[str, Table]) -> Trees:
    """The rows of the tree ``benchmark`` and the trees of curves, as figures read them."""
    return Trees(rows, {name: curves.by_run(columns) for name, columns in tables.items()})


# The trees of curves that a macro draws from.
CURVES: dict[str, tuple[str, ...]] = {
    "bars": (),
    "roc": ("roc",),
    "history": ("history",),
    "quality": ("history",),
    "scores": ("scores",),
    "errors": (),
    "scan": (),
}


def figures(macro: str, arguments: Sequence[str], runs: Chosen) -> Figures:
    """The figures that a macro draws of some runs.

    Args:
        macro: its name.
        arguments: of ``scan`` parameter and quantity, "" for all and the usual ones; of ``quality`` the clock.
        runs: of one sample.
    """
    if macro == "scan":
        parameter, quantity = arguments
        names = [parameter] if parameter else [one.column for one in figure_runs.scanned(runs.runs)]
        quantities = [quantity] if quantity else means.measured(runs)
        return {f"scan_{what}_{name}": functools.partial(_scan, name, what) for name in names for what in quantities}
    if macro == "quality":
        clock = arguments[0]
        name = "quality" if clock == "real_time" else "quality_cpu"
        return {name: lambda chosen, of: curves.quality(chosen, of.curves["history"], clock)}
    return {
        "bars": {"bars": lambda chosen, _: means.bars(chosen)},
        "errors": {"errors": lambda chosen, _: means.errors(chosen)},
        "roc": {
            "roc": lambda chosen, of: curves.roc(chosen, of.curves["roc"]),
            "roc_high_rejection": lambda chosen, of: curves.roc_high_rejection(chosen, of.curves["roc"]),
        },
        "history": {"history": lambda chosen, of: curves.history(chosen, of.curves["history"])},
        "scores": {"scores": lambda chosen, of: curves.scores(chosen, of.curves["scores"])},
    }[macro]


def _scan(parameter: str, quantity: str, chosen: Chosen, _: Trees) -> list[Mark]:
    return means.scan(chosen, parameter, quantity)


def of_macro(macro: str, arguments: Sequence[str], of: Trees, selected: Sequence[Row], selection: str) -> list[Mark]:
    """The marks of a macro's figures, sample by sample: what was run on other events is not drawn together.

    Args:
        macro: its name.
        arguments: see :func:`figures`.
        of: the trees of the file.
        selected: the rows that the selection leaves.
        selection: a formula, "" for none.

    Returns:
        The marks; what cannot be drawn has one of kind ``failed`` in its place, with the reason.

    Raises:
        NotDrawn: nothing is selected.
    """
    figure_runs.check(selected, selection)
    marks = []
    for sample in sorted({row["sample"] for row in selected}):
        rows = [row for row in selected if row["sample"] == sample]
        try:
            chosen = figure_runs.choose(of.rows, rows, selection)
        except NotDrawn:  # others finished
            marks.append(Mark("unfinished", figure=macro, sample=sample))
            continue
        for name, make in figures(macro, arguments, chosen).items():
            try:
                drawn = make(chosen, of)
            except NotDrawn as error:
                drawn = [Mark("failed", text=str(error))]
            marks += [mark._replace(figure=name, sample=sample) for mark in drawn]
    return marks


def table(tables: Mapping[str, Table]) -> dict[str, list[Any]]:
    """The tree ``figures``: those of all macros without a selection.

    Args:
        tables: the other trees, see :mod:`tmva_bench.results.tree_writer`.
    """
    benchmark = tables["benchmark"]
    rows: list[Row] = [dict(zip(benchmark, row, strict=True)) for row in zip(*benchmark.values(), strict=True)]
    if not any(row["status"] == "ok" for row in rows):
        return marks.table([])
    of = trees(rows, {name: tables[name] for name in ("roc", "history", "scores")})
    calls = [("scan", ("", "")), *((name, ()) for name in ("bars", "roc", "history", "scores", "errors"))]
    calls += [("quality", (clock,)) for clock in curves.CLOCKS]
    return marks.table(mark for macro, arguments in calls for mark in of_macro(macro, arguments, of, of.rows, ""))
