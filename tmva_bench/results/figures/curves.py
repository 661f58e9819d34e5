"""Figures of the curves of single runs: ROC curves, losses, quality against time, and scores."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy

from tmva_bench.results.figures import means
from tmva_bench.results.figures import runs as figure_runs
from tmva_bench.results.figures.marks import Mark, NotDrawn, texts
from tmva_bench.results.figures.runs import Chosen, Divided, Run, Series

# The columns of a tree of curves, of one run.
Columns = Mapping[str, numpy.ndarray]
# A tree of curves by run.
Curves = Mapping[str, Columns]
CLOCKS = {"real_time": "real", "cpu_time": "CPU"}
_HIGH_REJECTION = 0.9
# Places at which ROC curves are averaged.
_STEPS = 200
_CLASSES = ("signal", "background")


def progress(history: Mapping[str, Any], clock: str = "real_time") -> tuple[numpy.ndarray, numpy.ndarray]:
    """Quality against time: the best validation loss so far after each epoch.

    Args:
        history: columns of the run.
        clock: the column with the time of each epoch [s].

    Returns:
        Time trained [s], NaN where epochs were not timed, and the lowest validation loss up to then; both of
        shape ``(epochs,)``.
    """
    losses = numpy.asarray(history["validation_loss"], dtype=float)
    if clock not in history:
        return numpy.full(len(losses), math.nan), numpy.fmin.accumulate(losses)
    return numpy.cumsum(numpy.asarray(history[clock], dtype=float)), numpy.fmin.accumulate(losses)


class _View(NamedTuple):
    """A part of the plane of ROC curves: signal efficiencies up to ``end``, rejections from ``low`` on."""

    end: float
    low: float
    high: float


def roc(chosen: Chosen, curves: Curves) -> list[Mark]:
    """ROC curves of all runs, and the differences of the series to the mean of all.

    Raises:
        NotDrawn: a run has none.
    """
    return _roc(chosen, curves, _View(1.0, 0.0, 1.02), "ROC curves, test events")


def roc_high_rejection(chosen: Chosen, curves: Curves) -> list[Mark]:
    """The same, cut out at high rejection."""
    at, _ = figure_runs.at_one_point(chosen)
    parts = [_above(_points(curves, run), _HIGH_REJECTION)[0] for run in at.runs if run.finished]
    last = max((float(part[-1]) for part in parts if len(part)), default=1.0)
    end = min(1.0, 0.05 * math.ceil(last / 0.05 + 0.2))
    view = _View(end, _HIGH_REJECTION, 1.002)
    return _roc(chosen, curves, view, "ROC curves at high rejection, test events")


def history(chosen: Chosen, curves: Curves) -> list[Mark]:
    """Training and validation loss against the epoch, a panel a series.

    Raises:
        NotDrawn: a run has none, or no loss is finite.
    """
    at, absent, divided = _divided(chosen)
    marks = texts(title="Loss during training") + figure_runs.captions(divided, absent)
    for one in divided.finished:
        marks.append(one.mark("series", panel=one.label))
        for run in one.runs:
            marks += _losses(one, run, _of(curves, run, "history", "epochs"))
    if not any(mark.kind in ("training", "validation") for mark in marks):
        raise NotDrawn("tree history has no finite loss")
    return marks


def quality(chosen: Chosen, curves: Curves, clock: str = "real_time") -> list[Mark]:
    """The lowest validation loss so far against the time trained; epochs that were not timed leave it empty.

    Raises:
        NotDrawn: no epoch has both.
    """
    at, absent, divided = _divided(chosen)
    marks = texts(title="Quality against time", x_title=f"{CLOCKS[clock]} time of training [s]")
    marks += figure_runs.captions(divided, absent, figure_runs.clocks(at))
    for one in divided.finished:
        points: list[Mark] = []
        ends = []
        for run in one.runs:
            times, losses = progress(curves.get(run.row["run_id"], {"validation_loss": numpy.empty(0)}), clock)
            there = [(x, y) for x, y in zip(times.tolist(), losses.tolist(), strict=True) if math.isfinite(x + y)]
            points += [one.mark("progress", run_id=run.row["run_id"], x=x, y=y) for x, y in there]
            ends += [there[-1][0]] if there else []
        told = {"text": " s in all", **figure_runs.mean(ends)} if ends else {"text": "epochs not timed"}
        marks += [one.mark("series", **told), *points]
    if not any(mark.kind == "progress" for mark in marks):
        raise NotDrawn(f"tree history has no epoch with a finite loss and a {clock}")
    return marks


def scores(chosen: Chosen, curves: Curves) -> list[Mark]:
    """Scores of test and training events, a panel a run; of areas x is an edge of a bin, of points its centre.

    Raises:
        NotDrawn: a run has none.
    """
    at, absent, divided = _divided(chosen)
    marks = texts(title="Scores of test and training events") + figure_runs.captions(divided, absent)
    for one in divided.finished:
        for run in one.runs:
            number = f", run {run.row['repetition']}" if len(one.runs) > 1 else ""
            marks += _scores(one, run, f"{one.label}{number}", curves)
    return marks


def by_run(table: Mapping[str, Sequence[object]]) -> Curves:
    """The rows of a tree of curves by run, numbers as arrays of shape ``(rows,)``."""
    ids = numpy.asarray(table["run_id"], dtype=str)
    columns = {
        name: numpy.asarray(values, dtype=str if len(values) and isinstance(values[0], str) else float)
        for name, values in table.items()
        if name != "run_id"
    }
    order = numpy.argsort(ids, kind="stable")
    names, starts = numpy.unique(ids[order], return_index=True)
    parts = numpy.split(order, starts[1:])
    return {
        str(name): {column: values[part] for column, values in columns.items()}
        for name, part in zip(names, parts, strict=False)
    }


def _divided(chosen: Chosen) -> tuple[Chosen, list[Series], Divided]:
    at, absent = figure_runs.at_one_point(chosen)
    return at, absent, figure_runs.divide(at)


def _of(curves: Curves, run: Run, tree: str, what: str) -> Columns:
    name = run.row["run_id"]
    if name not in curves:
        raise NotDrawn(f"tree {tree} has no {what} of run {name}")
    return curves[name]


def _points(curves: Curves, run: Run) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Signal efficiency and background rejection, down a vertical step where efficiencies are equal."""
    columns = _of(curves, run, "roc", "points")
    order = numpy.lexsort((-columns["background_rejection"], columns["signal_efficiency"]))
    return columns["signal_efficiency"][order], columns["background_rejection"][order]


def _above(points: tuple[numpy.ndarray, numpy.ndarray], low: float) -> tuple[numpy.ndarray, numpy.ndarray]:
    """The part of a curve at high rejection, up to where it leaves the view."""
    x, y = points
    below = numpy.flatnonzero(y < low)
    if not len(below):
        return x, y
    n = int(below[0])
    if n == 0:
        return x[:0], y[:0]
    end = x[n - 1] + (x[n] - x[n - 1]) * (y[n - 1] - low) / (y[n - 1] - y[n])
    return numpy.append(x[:n], end), numpy.append(y[:n], low)


def _roc(chosen: Chosen, curves: Curves, view: _View, title: str) -> list[Mark]:
    at, absent, divided = _divided(chosen)
    marks = texts(title=title) + figure_runs.captions(divided, absent)
    marks.append(Mark("view", x=view.end, low=view.low, high=view.high))
    efficiency = numpy.linspace(0, view.end, _STEPS + 1)
    of_series = []
    for one in divided.finished:
        number = f" ({len(one.runs)} runs)" if len(one.runs) > 1 else ""
        marks.append(one.mark("series", text=number, **means.area(one)))
        there = [_points(curves, run) for run in one.runs]
        for run, points in zip(one.runs, there, strict=True):
            x, y = _above(points, view.low)
            marks += _line(one, "curve", x, y, run_id=run.row["run_id"])
        of_series.append(numpy.mean([numpy.interp(efficiency, *points) for points in there], axis=0))
    if len(of_series) > 1:
        for one, curve in zip(divided.finished, of_series - numpy.mean(of_series, axis=0), strict=True):
            marks += _line(one, "difference", efficiency, curve, panel="difference")
    best = figure_runs.best_possible(divided.runs)
    return marks if math.isnan(best) else [*marks, Mark("best", y=best)]


def _line(series: Series, kind: str, x: numpy.ndarray, y: numpy.ndarray, **more: str) -> list[Mark]:
    return [series.mark(kind, x=a, y=b, **more) for a, b in zip(x.tolist(), y.tolist(), strict=True)]


def _losses(series: Series, run: Run, columns: Columns) -> list[Mark]:
    marks = []
    for kind in ("training", "validation"):
        losses = columns[f"{kind}_loss"]
        there = numpy.isfinite(losses)
        more = {"panel": series.label, "run_id": run.row["run_id"]}
        marks += _line(series, kind, columns["epoch"][there], losses[there], **more)
    kept = [mark for mark in marks if mark.kind == "validation" and mark.x == run.row["best_epoch"]]
    return marks + [mark._replace(kind="best") for mark in kept]


def _scores(series: Series, run: Run, title: str, curves: Curves) -> list[Mark]:
    more = {"panel": run.row["run_id"], "run_id": run.row["run_id"]}
    agreement = []
    marks = []
    for event_class in _CLASSES:
        test, training = (_bins(curves, run, sample, event_class) for sample in ("test", "train"))
        agreement.append(f"{event_class} {_chi2(training, test)}")
        edges = numpy.append(test["low"], test["high"][-1:])
        marks += _line(
            series, f"test_{event_class}", edges, numpy.append(test["density"], test["density"][-1:]), **more
        )
        for low, high, density, error in zip(
            *(training[name].tolist() for name in ("low", "high", "density", "density_error")), strict=True
        ):
            if density:
                ends = {"x": (low + high) / 2, "y": density, "low": density - error, "high": density + error}
                marks.append(series.mark(f"train_{event_class}", **ends, **more))
    heading = series.mark("title", **more)._replace(text=title)
    return [heading, series.mark("agreement", text=f"#chi^{{2}}/bins: {', '.join(agreement)}", **more), *marks]


def _bins(curves: Curves, run: Run, sample: str, event_class: str) -> Columns:
    name = run.row["run_id"]
    columns = curves.get(name)
    there = (columns["sample"] == sample) & (columns["event_class"] == event_class) if columns else numpy.zeros(0, bool)
    if columns is None or not there.any():
        raise NotDrawn(f"tree scores has no bins of run {name}, {sample} {event_class}")
    part = {key: values[there] for key, values in columns.items()}
    order = numpy.argsort(part["low"], kind="stable")
    return {key: values[order] for key, values in part.items()}


def _chi2(training: Columns, test: Columns) -> str:
    """chi2 of training against test events and the number of bins where both hold events, e.g. ``31/38``."""
    both = (training["density"] != 0) & (test["density"] != 0)
    one, other = ({key: columns[key][both] for key in ("density", "density_error")} for columns in (training, test))
    variance = one["density_error"] ** 2 + other["density_error"] ** 2
    return f"{((one['density'] - other['density']) ** 2 / variance).sum():.0f}/{both.sum()}"
