"""Figures of events: the input variables, their correlations, and an autoencoder's error as a score."""

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy

from tmva_bench.events import reading, roc
from tmva_bench.events.correlations import correlations
from tmva_bench.results.figures.marks import Mark, NotDrawn, texts

_WEIGHT = "weight"
_CLASSES = {"signal": "S", "background": "B"}
_BINS = 50
# Left out at each end of a range: one event in so many.
_OUTERMOST = 200


def inputs(path: str) -> list[Mark]:
    """The input variables of the training events as shares of the weights a bin, and their linear correlations.

    Args:
        path: a common input file.

    Raises:
        NotDrawn: a value is not finite, or no weight is positive.
        UserError: the file cannot be read.
    """
    with reading.opened(path) as file:
        names = [name for name in file["TrainS"].keys(recursive=False) if name != _WEIGHT]
        events = {kind: _columns(file[f"Train{letter}"], names) for kind, letter in _CLASSES.items()}
        weights = {kind: reading.numbers(file[f"Train{letter}"], _WEIGHT) for kind, letter in _CLASSES.items()}
        originals = _originals(str(file["metadata"])) if "metadata" in file else {}
    if not names:
        raise NotDrawn("tree TrainS has no variables")
    for kind, some in weights.items():
        if not some.sum(dtype=float) > 0:
            raise NotDrawn(f"tree Train{_CLASSES[kind]}: the sum of the weights is not positive")
    counts = "training events: " + ", ".join(f"{kind} {len(some)}" for kind, some in weights.items())
    marks = texts(
        title="Input variables",
        caption=f"{counts}, share of the class's weights in each of {_BINS} bins, without the outermost 0.5 % of the "
        "events at each end",
    )
    for number, name in enumerate(names):
        original = originals.get(name, name)
        shown = f"{name} ({original})" if original != name else name
        marks.append(Mark("variable", panel=name, text=shown))
        marks += _shares(name, {kind: some[:, number] for kind, some in events.items()}, weights)
    marks = [mark._replace(figure="inputs") for mark in marks]
    matrix = texts(
        title="Correlations of the input variables",
        caption=f"{counts}, linear correlation coefficients, weighted, in %",
    )
    for kind in _CLASSES:
        of_kind = correlations(events[kind], weights[kind])
        for row, name in enumerate(names):
            matrix += [
                Mark("correlation", kind, label=name, x=n, y=float(value)) for n, value in enumerate(of_kind[row])
            ]
    return marks + [mark._replace(figure="correlations") for mark in matrix]


def anomaly(path: str) -> list[Mark]:
    """The ROC curve of the reconstruction error as a score of signal, and that of principal components.

    Args:
        path: a file of encoded events.

    Raises:
        UserError: the file cannot be read.
    """
    with reading.opened(path) as file:
        weights = [reading.numbers(file[f"Test{letter}"], _WEIGHT) for letter in "SB"]
        scores = {
            name: [reading.numbers(file[f"Reconstruction{letter}"], name) for letter in "SB"]
            for name in ("error", "pca_error")
        }
    marks = texts(title="The reconstruction error as a score")
    labels = {"error": "autoencoder", "pca_error": "principal components (dashed)"}
    for colour, (name, label) in enumerate(labels.items()):
        marks.append(Mark("series", label=label, colour=colour, y=roc.auc(*scores[name], *weights)))
        points = zip(*(side.tolist() for side in roc.curve(*scores[name], *weights)), strict=True)
        marks += [Mark("curve", label=label, colour=colour, x=x, y=y) for x, y in points]
    return [mark._replace(figure="anomaly") for mark in marks]


def _columns(tree: Any, names: Sequence[str]) -> numpy.ndarray:
    columns = []
    for name in names:
        values = reading.numbers(tree, name)
        if not numpy.isfinite(values).all():
            entry = int(numpy.argmin(numpy.isfinite(values)))
            raise NotDrawn(f"tree {tree.name}, branch {name}: NaN or infinite at entry {entry}")
        columns.append(values.astype(float))
    return numpy.column_stack(columns) if columns else numpy.empty((0, 0))


def _originals(metadata: str) -> dict[str, str]:
    """The names that the variables had before TMVA could read them."""
    try:
        names = json.loads(metadata)["original_names"]
    except (ValueError, KeyError, TypeError):
        return {}
    return {name: str(original) for name, original in names.items()} if isinstance(names, dict) else {}


def _shares(panel: str, values: dict[str, numpy.ndarray], weights: dict[str, numpy.ndarray]) -> list[Mark]:
    """Of each class the shares of its weights, each at the lower edge of its bin and the last at the upper one, too."""
    low, high = math.inf, -math.inf
    for some in values.values():
        ordered = numpy.sort(some)
        cut = len(ordered) // _OUTERMOST
        low, high = min(low, float(ordered[cut])), max(high, float(ordered[-1 - cut]))
    margin = 0.03 * (high - low) if high > low else 0.5
    edges = numpy.linspace(low - margin, high + margin, _BINS + 1)
    marks = []
    for kind, some in values.items():
        shares, _ = numpy.histogram(some, bins=edges, weights=weights[kind] / weights[kind].sum(dtype=float))
        heights = numpy.append(shares, shares[-1:])
        marks += [Mark(kind, panel, x=x, y=y) for x, y in zip(edges.tolist(), heights.tolist(), strict=True)]
    return marks
