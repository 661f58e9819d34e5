"""The columns of the results trees: name, type, and the title with its unit that people read in ROOT.

Those of a run are the attributes of the classes in :mod:`tmva_bench.results.rows`.
"""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple, get_args

from tmva_bench.basis.config import OF_SERIES, PARAMETERS
from tmva_bench.events import roc
from tmva_bench.results.rows import History, LatencyRow, Means, Reconstruction, RocCurve, RunRow, Scores

VERSION = 11


class Column(NamedTuple):
    """One branch of a results tree.

    Attributes:
        name: branch name.
        type: ``str`` (``std::string``), ``int`` (64 bits) or ``float`` (double; NaN where not measured).
        title: what it is, with the unit in square brackets.
    """

    name: str
    type: type
    title: str


def _working_points(quantity: str, at: Sequence[float]) -> dict[float, str]:
    """Names of columns by the other class's efficiency, e.g. ``signal_efficiency_at_0_1_percent``."""
    return {share: f"{quantity}_at_{100 * share:g}_percent".replace(".", "_") for share in at}


# Columns by background efficiency, and by signal efficiency; each has its interval in two more, _low and _high.
EFFICIENCIES = _working_points("signal_efficiency", roc.BACKGROUND_EFFICIENCIES)
REJECTIONS = _working_points("background_rejection", roc.SIGNAL_EFFICIENCIES)


def _unit(column: Column) -> str:
    """The unit in a column's title, with a space before it, "" for none."""
    _, bracket, unit = column.title.partition("[")
    return f" {bracket}{unit.partition(']')[0]}]" if bracket else ""


def _columns(of: type) -> list[Column]:
    """The columns of a class of :mod:`tmva_bench.results.rows`, those of its lists by what they hold."""
    columns = []
    for field in dataclasses.fields(of):
        kind, *title = get_args(field.type) or (field.type, PARAMETERS[field.name].help)
        (kind,) = get_args(kind) or (kind,)
        columns.append(Column(field.name, kind, *title))
    return columns


_RUN = Column("run_id", str, "run, as in the tree benchmark")
BENCHMARK: list[Column] = _columns(RunRow)
# What follows from a file's other columns: made when the trees are.
DERIVED: list[Column] = [column for column in BENCHMARK if column.name in ("series", "label", "series_order")]
ROC: list[Column] = [_RUN, *_columns(RocCurve)]
HISTORY: list[Column] = [_RUN, *_columns(History)]
SCORES: list[Column] = [_RUN, *_columns(Scores)]
RECONSTRUCTION: list[Column] = [Column("run_id", str, "run"), *_columns(Reconstruction)]

# What is averaged over repetitions.
QUANTITIES = tuple(field.name for field in dataclasses.fields(Means))
# What tells series apart, beside the point: runs that differ here are never averaged together.
SERIES = (
    "method",
    "backend",
    "architecture",
    "environment",
    "installation",
    "optimizer",
    *OF_SERIES,
    "together",
    "threads",
    "cpu_model",
    "sample",
    "input_digest",
)
# A fold has an input file of its own, and is scanned like the numbers of events.
POINT = (*(name for name in PARAMETERS if name not in ("optimizer", *OF_SERIES, "seed")), "fold")
_TITLE = {column.name: column for column in BENCHMARK}

SUMMARY: list[Column] = [
    *DERIVED,
    *[_TITLE[name] for name in (*SERIES, *POINT)],
    Column("runs", int, "finished repetitions"),
    Column("without_result", int, "repetitions without a result"),
    Column("busy", int, "repetitions timed on a busy machine"),
    Column("compilations_kept", int, "repetitions whose compilation before the training an earlier run had kept"),
    Column("roc_auc_best_possible", float, _TITLE["roc_auc_best_possible"].title),
    Column("roc_auc_test_error", float, f"mean over repetitions: {_TITLE['roc_auc_error'].title}"),
    *[
        column
        for name in QUANTITIES
        for column in (
            Column(name, float, f"mean over repetitions: {_TITLE[name].title}"),
            Column(
                f"{name}_error",
                float,
                f"error of the mean {name}: half the 68.27 % interval, Student's t{_unit(_TITLE[name])}",
            ),
            Column(f"{name}_spread", float, f"standard deviation of {name} over repetitions{_unit(_TITLE[name])}"),
        )
    ],
]

FIGURES: list[Column] = [
    Column("figure", str, "name of the figure, e.g. scan_roc_auc_neurons"),
    Column("sample", str, "sample of its runs"),
    Column(
        "panel", str, "frame of the figure: a quantity, ratio, difference, a series or run (empty: the whole figure)"
    ),
    Column("kind", str, "mean | run | best | curve | caption | ...: what the row is"),
    Column("series", str, "name of its series in tables, as in the tree benchmark (empty: of none)"),
    Column("label", str, "name of its series in the figure"),
    Column("colour", int, "colour, marker and dashes of the series, from 0"),
    Column("run_id", str, "its run (empty: of several or none)"),
    Column("text", str, "words that stand in the figure"),
    Column("x", float, "where it stands: the scanned value, epoch, time in s, efficiency, score or row"),
    Column("y", float, "its value (NaN: none), in the unit of the quantity"),
    Column("low", float, "lower end of its error or 68 % band (NaN: none)"),
    Column("high", float, "upper end of its error or 68 % band (NaN: none)"),
]

LATENCY: list[Column] = _columns(LatencyRow)

TREES: dict[str, list[Column]] = {
    "benchmark": BENCHMARK,
    "roc": ROC,
    "history": HISTORY,
    "scores": SCORES,
    "reconstruction": RECONSTRUCTION,
    "summary": SUMMARY,
    "figures": FIGURES,
}
# Of a file of `tmva-bench latency`.
LATENCY_TREES: dict[str, list[Column]] = {"latency": LATENCY, "figures": FIGURES}
# The trees that a run fills with rows of its own beside the one in "benchmark".
CURVES = ("roc", "history", "scores", "reconstruction")
TITLES = {
    "benchmark": "one row a run: parameters, ROC area, times, where it ran",
    "roc": "ROC curves of the test events, at most 500 points a run",
    "history": "losses and time, one row an epoch of a run",
    "reconstruction": "errors of autoencoders, one row a variable and the total of a run",
    "scores": "binned scores of training and test events, one row a bin of a run",
    "summary": "means over repetitions with errors and spreads, one row a series and point",
    "latency": "one row an engine and number of events a call: time of an event",
    "figures": "what tmva-bench plot draws, one row a point, step of a curve or text of a figure",
}
