"""Figures of means over repetitions: bars, scans, and the errors of autoencoders."""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tmva_bench.results import schema
from tmva_bench.results.figures import runs as figure_runs
from tmva_bench.results.figures.marks import Mark, NotDrawn, texts
from tmva_bench.results.figures.runs import Chosen, Run, Series

# What is drawn against each scanned parameter where no quantity is named.
QUANTITIES = ("roc_auc", "cpu_time_train", "real_time_train")
_COLUMNS = {column.name: column for column in schema.BENCHMARK}
_NAMES = {
    "roc_auc": "ROC area",
    "roc_integral": "ROC integral by TMVA",
    "roc_auc_error": "error of the ROC area",
}
# An axis has no room for a sentence.
_LONG = 30
# Autoencoders of which all errors agree so well are the same, trained twice.
_EQUAL = 1e-6


def bars(chosen: Chosen) -> list[Mark]:
    """ROC area, CPU and real time of the training, a row a series; x is the row."""
    at, absent = figure_runs.at_one_point(chosen)
    divided = figure_runs.divide(at)
    marks = texts(title="ROC area and training time")
    marks += figure_runs.captions(divided, absent, figure_runs.clocks(at))
    marks += [one.mark("series", x=row) for row, one in enumerate(divided.finished)]
    for quantity in QUANTITIES:
        marks.append(Mark("title", quantity, text=title(quantity)))
        marks += [
            one.mark("mean", panel=quantity, x=row, **_mean(one, quantity)) for row, one in enumerate(divided.finished)
        ]
    best = figure_runs.best_possible(divided.runs)
    known = not math.isnan(best)
    marks += [Mark("best", "roc_auc", y=best)] if known else []
    single, repeated = (any(fits(len(one.runs)) for one in divided.finished) for fits in ((1).__eq__, (1).__lt__))
    notes = [f"dashed: best possible ROC area {best:.4f}"] if known else []
    notes += ["errors: of the mean over repetitions"] if repeated else []
    if single:
        start = "" if repeated else "error: "
        notes.append(f"{start}of a single run's area, from the number of test events")
    return marks + texts(note="; ".join(notes))


def measured(chosen: Chosen) -> list[str]:
    """What is drawn where no quantity is named: the usual ones that a finished run has."""
    finished = [run for run in chosen.runs if run.finished]
    return [name for name in QUANTITIES if any(math.isfinite(run.number(name)) for run in finished)]


def area(series: Series) -> dict[str, float]:
    """The mean ROC area of a series; that of a single run has the error from the number of test events."""
    return _mean(series, "roc_auc")


class _Curve(NamedTuple):
    """A series of a scan.

    Attributes:
        series: it.
        values: what its finished runs measured, at each point.
        level: whether it has no place on the axis: one mean for every point.
        lacking: the parameter of the axis in words, where its method does not have it; else "".
    """

    series: Series
    values: list[list[Run]]
    level: bool
    lacking: str = ""

    def mean(self, point: int, quantity: str) -> dict[str, float]:
        return figure_runs.mean(run.number(quantity) for run in self.values[point])

    @property
    def points(self) -> list[int]:
        """Those with a mean."""
        return [point for point, some in enumerate(self.values) if some]


def scan(chosen: Chosen, parameter: str, quantity: str) -> list[Mark]:
    """A quantity against a scanned parameter, and the ratios to the reference.

    Args:
        chosen: the runs.
        parameter: column of the axis.
        quantity: a number of the tree ``benchmark``.

    Raises:
        NotDrawn: no such parameter or quantity, or nothing was measured.
    """
    _check_names(chosen, parameter, quantity)
    # Runs without an autoencoder stand at no number of encoded variables, and those of a method that does not have the
    # parameter at none of its values: a level to hold the others against.
    levelled = [_levelled(run, parameter) for run in chosen.runs]
    divided = figure_runs.divide(chosen._replace(runs=levelled), parameter)
    places = {run.number(parameter) for run in levelled if not _is_level(run, parameter)}
    grid = sorted(place for place in places if math.isfinite(place))
    curves, absent = _curves(divided.series, grid, parameter, quantity)
    if not curves:
        raise NotDrawn(f"{quantity} was not measured in any finished run")
    words = {"x_title": _axis_title(parameter), "y_title": title(quantity)}
    what = words["y_title"].rpartition(" [")[0] or words["y_title"]
    heading = f"{what}{', against' if ',' in what else ' against'} {words['x_title']}"
    times = figure_runs.clocks(chosen) if " [s]" in words["y_title"] else ""
    unmeasured = divided._replace(series=[*(curve.series for curve in curves), *absent])
    marks = texts(title=heading[0].upper() + heading[1:], **words) + figure_runs.captions(unmeasured, times=times)
    marks += [Mark("grid", x=value) for value in grid]
    measured = [run.number(quantity) for curve in curves for some in curve.values for run in some]
    marks.append(Mark("measured", low=min(measured), high=max(measured)))
    marks += [mark for curve in curves for mark in _curve_marks(curve, grid, quantity)]
    marks += _ratios(curves, grid, quantity)
    if quantity in ("roc_auc", "roc_integral"):
        marks += _best(levelled, grid, parameter)
    if any(len(some) > 1 for curve in curves for some in curve.values):
        marks += [Mark("note", text=text) for text in ("small markers: single runs", "lines: mean, with its 68 % band")]
    return marks


def errors(chosen: Chosen) -> list[Mark]:
    """The reconstruction error of autoencoders, and that of principal components, against the encoded variables."""
    divided = figure_runs.divide(chosen, "encoded_variables")
    series = [one._replace(runs=_encoded(one)) for one in divided.finished if _encoded(one)]
    means = [_means(one, "reconstruction_error") for one in series]
    # A method on encoded events and the autoencoder as a method may have the same one: one line, named by the latter.
    kept = [number for number, mine in enumerate(means) if not any(_same(mine, other) for other in means[number + 1 :])]
    if not kept:
        raise NotDrawn("no finished run has an autoencoder in its transformations")
    values = [run.number(name) for one in series for run in one.runs for name in ("reconstruction_error", "pca_error")]
    marks = texts(title="Reconstruction error, test events, in units of the variance")
    marks += figure_runs.captions(divided)
    marks.append(Mark("measured", low=0.0, high=max(value for value in values if not math.isnan(value))))
    for number in kept:
        one = series[number]
        marks.append(one.mark("series"))
        for kind, name in (("autoencoder", "reconstruction_error"), ("pca", "pca_error")):
            marks += [one.mark(kind, x=k, **numbers) for k, numbers in _means(one, name).items()]
    return marks


def title(column: str) -> str:
    """The title of a column without its explanations, with its unit."""
    if column in _NAMES:
        return _NAMES[column]
    whole = _COLUMNS[column].title
    head, bracket, unit = whole.rpartition(" [")
    ends = [whole.find(mark) for mark in (": ", " (") if mark in whole]
    return whole[: min([*ends, len(head) if bracket else len(whole)])] + bracket + unit * bool(bracket)


def _mean(series: Series, quantity: str) -> dict[str, float]:
    single = series.runs[0].number("roc_auc_error") if quantity == "roc_auc" else math.nan
    return figure_runs.mean((run.number(quantity) for run in series.runs), single)


def _means(series: Series, quantity: str) -> dict[float, dict[str, float]]:
    """By the number of encoded variables."""
    by_number: dict[float, list[float]] = {}
    for run in series.runs:
        by_number.setdefault(run.number("encoded_variables"), []).append(run.number(quantity))
    return {k: figure_runs.mean(by_number[k]) for k in sorted(by_number)}


def _encoded(series: Series) -> list[Run]:
    return [run for run in series.runs if not math.isnan(run.number("reconstruction_error"))]


def _same(one: dict[float, dict[str, float]], other: dict[float, dict[str, float]]) -> bool:
    """Whether two curves are equal to rounding wherever both have points."""
    both = one.keys() & other.keys()
    return bool(both) and all(abs(one[k]["y"] - other[k]["y"]) <= _EQUAL * one[k]["y"] for k in both)


def _axis_title(parameter: str) -> str:
    whole = title(parameter)
    return whole if len(whole) <= _LONG else _condition_name(parameter)


def _condition_name(parameter: str) -> str:
    return next((one.name for one in figure_runs.CONDITIONS if one.column == parameter), title(parameter))


def _not_encoded(run: Run, parameter: str) -> bool:
    return parameter == "encoded_variables" and run.number(parameter) == 0


def _is_level(run: Run, parameter: str) -> bool:
    return run.lacks(parameter) or _not_encoded(run, parameter)


def _levelled(run: Run, parameter: str) -> Run:
    return run._replace(base=f"{run.base}, not encoded") if _not_encoded(run, parameter) else run


def _check_names(chosen: Chosen, parameter: str, quantity: str) -> None:
    known = {one.column for one in figure_runs.CONDITIONS} | {"repetition", "seed", "together", "bundle_size"}
    numbers = ", ".join(name for name, one in _COLUMNS.items() if one.type is not str and name not in known)
    if quantity not in _COLUMNS:
        raise NotDrawn(f"no quantity {quantity} in the tree benchmark; it has {numbers}")
    if _COLUMNS[quantity].type is str:
        raise NotDrawn(f"quantity {quantity} is a text; numbers are {numbers}")
    names = ", ".join(one.column for one in figure_runs.scanned(chosen.runs)) or "none"
    if parameter not in {one.column for one in figure_runs.CONDITIONS}:
        raise NotDrawn(f"no common parameter {parameter}; scanned parameters: {names}")
    if _COLUMNS[parameter].type is str:
        raise NotDrawn(f"parameter {parameter} is a text and no axis; scanned parameters: {names}")
    values = figure_runs.spanned(chosen.runs, parameter)
    if " to " not in values:
        raise NotDrawn(f"parameter {parameter} has one value only, {values}; scanned parameters: {names}")


def _curves(
    series: Sequence[Series], grid: list[float], parameter: str, quantity: str
) -> tuple[list[_Curve], list[Series]]:
    """The series with results, and those without."""
    curves, absent = [], []
    for one in series:
        there = [run for run in one.runs if math.isfinite(run.number(quantity))]
        if not there:
            absent.append(one._replace(status="not measured" if one.status == "ok" else one.status))
        elif any(_is_level(run, parameter) for run in there):
            lacking = _condition_name(parameter) if there[0].lacks(parameter) else ""
            curves.append(_Curve(one, [there] * len(grid), True, lacking))
        else:
            at = [[run for run in there if run.number(parameter) == value] for value in grid]
            curves.append(_Curve(one, at, False))
    return curves, absent


def _curve_marks(curve: _Curve, grid: list[float], quantity: str) -> list[Mark]:
    one = curve.series
    marks = [one.mark("series", text=_counts(curve))]
    marks += [one.mark("mean", panel=quantity, x=grid[point], **curve.mean(point, quantity)) for point in curve.points]
    for value, some in zip(grid, curve.values, strict=True):
        if len(some) > 1 and not curve.level:
            marks += [
                one.mark("run", panel=quantity, run_id=run.row["run_id"], x=value, y=run.number(quantity))
                for run in some
            ]
    return marks


def _counts(curve: _Curve) -> str:
    """How many runs, e.g. ``3 runs a point, 5 of 6 points``."""
    counts = [len(curve.values[point]) for point in curve.points]
    if curve.level:
        without = f", has no {curve.lacking}" if curve.lacking else ""
        return f"{counts[0]} run{'s' if counts[0] > 1 else ''}{without}"
    low, high = min(counts), max(counts)
    text = f"{low if low == high else f'{low} to {high}'} run{'s' if high > 1 else ''} a point"
    return text + (f", {len(counts)} of {len(curve.values)} points" if len(counts) < len(curve.values) else "")


def _ratios(curves: Sequence[_Curve], grid: list[float], quantity: str) -> list[Mark]:
    """The means over those of the reference, without its error: that is the band around 1.

    The reference is that of ``tmva-bench differences``: the first series of the file that is drawn. Where a parameter
    divides it, the first part of those with the most points.
    """
    if len(curves) < 2:
        return []
    reference = min(curves, key=lambda curve: (curve.series.place, -len(curve.points)))
    marks = [reference.series.mark("reference", panel="ratio", text=f"reference: {reference.series.label}")]
    for curve in curves:
        for point in curve.points:
            divisor = reference.mean(point, quantity)["y"]
            if not math.isfinite(divisor) or divisor == 0:
                continue
            mean = curve.mean(point, quantity)
            error = (mean["high"] - mean["y"]) / abs(divisor)
            ratio = mean["y"] / divisor
            ends = {"low": ratio - error, "high": ratio + error}
            marks.append(curve.series.mark("mean", panel="ratio", x=grid[point], y=ratio, **ends))
    return marks


def _best(runs: Iterable[Run], grid: list[float], parameter: str) -> list[Mark]:
    """The best possible area at each point, where all of a point's runs share it; else none."""
    at: dict[float, set[float]] = {value: set() for value in grid}
    for run in runs:
        if run.finished and run.number(parameter) in at:
            at[run.number(parameter)].add(run.number("roc_auc_best_possible"))
    if any(len(areas) > 1 or any(map(math.isnan, areas)) for areas in at.values()):
        return []
    return [Mark("best", "roc_auc", x=value, y=next(iter(areas))) for value, areas in at.items() if areas]
