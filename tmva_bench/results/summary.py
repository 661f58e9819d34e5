"""Means over repetitions, with their errors: what tables and scans show."""

import functools
import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy

from tmva_bench.results import naming
from tmva_bench.results.rows import Mean, Means, RunRow
from tmva_bench.results.schema import DERIVED, POINT, QUANTITIES, SERIES, SUMMARY

# The share of repetitions within the error that is quoted: one sigma of a normal.
_LEVEL = 0.6827
# A spread above this share of the mean is too wide for a few repetitions (pyperf and asv draw the same line).
_WIDE = 0.1
_FEW = 3
# What a table says of times that others disturbed.
BUSY = "timed on a busy machine, at least in part"


class Group(NamedTuple):
    """The repetitions of one series at one point.

    Attributes:
        series: values of :data:`tmva_bench.results.schema.SERIES`.
        point: values of :data:`tmva_bench.results.schema.POINT`.
        rows: the finished runs.
        missing: the runs without a result.
        means: over the finished runs.
    """

    series: tuple[Any, ...]
    point: tuple[Any, ...]
    rows: list[RunRow]
    missing: list[RunRow]
    means: Means

    @property
    def row(self) -> RunRow:
        """The first run, finished ones before others: series and point are those of all."""
        return (self.rows or self.missing)[0]


def mean(values: Iterable[float]) -> Mean:
    """Mean and error of repeated measurements; values that are NaN were not measured.

    The error is s / sqrt(n) times the quantile of Student's t with n - 1 degrees of freedom.
    """
    (only,) = means([value] for value in values) or [Mean(math.nan, math.nan, math.nan, 0)]
    return only


def means(runs: Iterable[Sequence[float]]) -> list[Mean]:
    """Mean and error of each of several quantities, see :func:`mean`; none of no runs.

    Args:
        runs: the quantities of each run.
    """
    table = numpy.array(list(runs), dtype=float)
    if not len(table):
        return []
    measured = ~numpy.isnan(table)
    counts = measured.sum(axis=0)
    # An infinite time has no spread, and one measurement none, either.
    with numpy.errstate(invalid="ignore", divide="ignore"):
        values = table.sum(axis=0, where=measured) / counts
        variances = numpy.square(table - values).sum(axis=0, where=measured) / (counts - 1)
        spreads = numpy.where(counts > 1, numpy.sqrt(variances), math.nan)
        errors = [_quantile(count) for count in counts.tolist()] * spreads / numpy.sqrt(counts)
    columns = (column.tolist() for column in (values, errors, spreads, counts))
    return [Mean(*of_quantity) for of_quantity in zip(*columns, strict=True)]


@functools.cache
def _quantile(count: int) -> float:
    """Student's t of the error of a mean of so many."""
    from scipy import special

    return float(special.stdtrit(count - 1, 0.5 + _LEVEL / 2)) if count > 1 else math.nan


def groups(rows: Iterable[RunRow]) -> list[Group]:
    """The runs of each series at each point together, in the order in which they first appear.

    Args:
        rows: rows of the tree ``benchmark``.
    """
    together: dict[tuple[tuple[Any, ...], tuple[Any, ...]], list[RunRow]] = {}
    for row in rows:
        together.setdefault(key(row), []).append(row)
    return [_group(*of_group, repetitions) for of_group, repetitions in together.items()]


def key(row: RunRow) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """What the repetitions of a series at a point share: the values of ``SERIES``, and those of ``POINT``.

    Args:
        row: a row of the tree ``benchmark``.
    """
    columns = vars(row)
    return tuple(columns[name] for name in SERIES), tuple(columns[name] for name in POINT)


def varied(groups: Iterable[Group]) -> list[str]:
    """Parameters that differ between groups of the same series: the axes of a scan.

    Numbers of events are such parameters, though each number has an input file of its own.
    """
    by_series: dict[tuple[Any, ...], list[Group]] = {}
    for group in groups:
        by_series.setdefault(series_whatever_the_events(group), []).append(group)
    points = [list(zip(*(group.point for group in some), strict=True)) for some in by_series.values()]
    follows = naming.of_folds(vars(group.row) for some in by_series.values() for group in some)
    names = [(n, name) for n, name in enumerate(POINT) if name not in follows]
    return [name for n, name in names if any(len(set(point[n])) > 1 for point in points)]


def series_whatever_the_events(group: Group) -> tuple[Any, ...]:
    """The series of a group without its input file."""
    return tuple(value for name, value in zip(SERIES, group.series, strict=True) if name != "input_digest")


def warnings(group: Group) -> list[str]:
    """Why the repetitions of a group cannot carry the precision that a table shows.

    Args:
        group: the repetitions of one series at one point.
    """
    lines = []
    if 0 < len(group.rows) < _FEW:
        lines.append(f"fewer than {_FEW} repetitions, too few to judge an error")
    wide = [
        name
        for name in ("cpu_time_train", "real_time_train")
        if (mean := group.means.value(name)).runs > 1 and mean.spread > _WIDE * mean.value
    ]
    if wide:
        lines.append(f"{' and '.join(wide)} spread by more than {100 * _WIDE:.0f} %")
    if busy(group):
        lines.append(BUSY)
    return lines


def tree(groups: Iterable[Group]) -> dict[str, list[Any]]:
    """The columns of the tree ``summary``; see :data:`tmva_bench.results.schema.SUMMARY`.

    Args:
        groups: of rows that were :func:`tmva_bench.results.naming.identified`.
    """
    columns: dict[str, list[Any]] = {column.name: [] for column in SUMMARY}
    for group in groups:
        row = {
            **{column.name: group.row.value(column.name) for column in DERIVED},
            **dict(zip(SERIES, group.series, strict=True)),
            **dict(zip(POINT, group.point, strict=True)),
            "runs": len(group.rows),
            "without_result": len(group.missing),
            "busy": busy(group),
            "compilations_kept": sum(row.compilation == "kept" for row in group.rows),
            "roc_auc_best_possible": best_possible(group),
            "roc_auc_test_error": test_error(group),
        }
        for name, value in group.means.columns().items():
            row.update({name: value.value, f"{name}_error": value.error, f"{name}_spread": value.spread})
        for name, values in columns.items():
            values.append(row[name])
    return columns


def busy(group: Group) -> int:
    """Repetitions that were timed on a busy machine."""
    return sum(row.busy for row in group.rows)


def test_error(group: Group) -> float:
    """Error of a repetition's ROC area from the number of test events, their mean; NaN without a repetition.

    All repetitions have the same test events: more of them do not make it smaller.
    """
    return mean(row.roc_auc_error for row in group.rows).value


def best_possible(group: Group) -> float:
    """The best ROC area that any classifier can reach on the group's test events, NaN where it is not known."""
    return group.row.roc_auc_best_possible


def _group(series: tuple[Any, ...], point: tuple[Any, ...], rows: list[RunRow]) -> Group:
    finished = [row for row in rows if row.status == "ok"]
    quantities = means([columns[name] for name in QUANTITIES] for columns in map(vars, finished))
    quantities = quantities or [mean([])] * len(QUANTITIES)
    return Group(
        series=series,
        point=point,
        rows=finished,
        missing=[row for row in rows if row.status != "ok"],
        means=Means(**dict(zip(QUANTITIES, quantities, strict=True))),
    )
