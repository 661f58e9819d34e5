"""TMVA's variable transformations N, D, P, G and U on arrays, for the direct Keras method.

Prepared on all training events, as TMVA does without a class suffix, and chained from left to right. Values
pass from one to the next as float32, as TMVA's events hold them.
"""

import math
from typing import Callable, Dict, List, cast

import numpy
from scipy.special import erfinv

Transformation = Callable[[numpy.ndarray], numpy.ndarray]

# The cumulative distribution is tabulated in this many bins (TMVA::PDF::fgNbin_PdfHist) and clipped.
_PDF_BINS = 10000
_CLIP = 1e-9
_ERF_CLIP = 0.99999999
# VariableGaussTransform aims at so many bins, with at least so many events in each.
_TARGET_BINS = 2000
_EVENTS_PER_BIN = 10


class Chain:
    """A prepared chain of transformations.

    Attributes:
        steps: the transformations in the order in which they apply.
    """

    def __init__(self, names: List[str], events: numpy.ndarray, weights: numpy.ndarray) -> None:
        """Prepares each transformation on the output of the one before.

        Args:
            names: e.g. ``["N", "D"]``.
            events: all training events, shape (events, variables).
            weights: their weights, shape (events,).
        """
        self.steps: List[Transformation] = []
        weights = weights.astype(float)
        values = events.astype(numpy.float32)
        for name in names:
            step = _PREPARE[name](values, weights)
            values = step(values).astype(numpy.float32)
            self.steps.append(step)

    def __call__(self, events: numpy.ndarray) -> numpy.ndarray:
        """The transformed events, float32, of the shape of ``events``."""
        values = events.astype(numpy.float32)
        for step in self.steps:
            values = step(values).astype(numpy.float32)
        return values


def _normalise(events: numpy.ndarray, weights: numpy.ndarray) -> Transformation:
    """``VariableNormalizeTransform``: each variable to [-1, 1]."""
    low = events.min(axis=0).astype(float)
    high = events.max(axis=0).astype(float)
    return lambda values: 2 * (values - low) / (high - low) - 1


def _decorrelate(events: numpy.ndarray, weights: numpy.ndarray) -> Transformation:
    """``VariableDecorrTransform``: times the symmetric inverse square root of the weighted covariance."""
    centred = events - numpy.average(events, axis=0, weights=weights)
    covariance = (centred.T * weights) @ centred / weights.sum()
    eigenvalues, eigenvectors = numpy.linalg.eigh(covariance)
    matrix = eigenvectors @ numpy.diag(1 / numpy.sqrt(eigenvalues)) @ eigenvectors.T
    return lambda values: values @ matrix


def _principal_components(events: numpy.ndarray, weights: numpy.ndarray) -> Transformation:
    """``VariablePCATransform``: unweighted, largest eigenvalue first; the signs of the axes are free."""
    mean = events.mean(axis=0, dtype=float)
    _, eigenvectors = numpy.linalg.eigh(numpy.cov(events.T).reshape(events.shape[1], -1))
    axes = eigenvectors[:, ::-1]
    return lambda values: (values - mean) @ axes


def _uniform(events: numpy.ndarray, weights: numpy.ndarray) -> Transformation:
    """``VariableGaussTransform`` with the flat option: each variable to a flat distribution in [0, 1]."""
    tables = [_Cumulative(events[:, i].astype(float), weights) for i in range(events.shape[1])]
    return lambda values: numpy.stack([table(values[:, i]) for i, table in enumerate(tables)], axis=1)


def _gauss(events: numpy.ndarray, weights: numpy.ndarray) -> Transformation:
    """``VariableGaussTransform``: each variable to a unit normal."""
    flat = _uniform(events, weights)
    return lambda values: math.sqrt(2) * erfinv(numpy.clip(2 * flat(values) - 1, -_ERF_CLIP, _ERF_CLIP))


_PREPARE: Dict[str, Callable[[numpy.ndarray, numpy.ndarray], Transformation]] = {
    "N": _normalise,
    "D": _decorrelate,
    "P": _principal_components,
    "G": _gauss,
    "U": _uniform,
}


class _Cumulative:
    """The cumulative distribution of one variable as ``VariableGaussTransform`` and ``TMVA::PDF`` tabulate it."""

    def __init__(self, values: numpy.ndarray, weights: numpy.ndarray) -> None:
        edges = _edges(values, weights).astype(numpy.float32).astype(float)
        contents = numpy.zeros(len(edges), numpy.float32)
        # Side "right" puts the largest value, which is the last edge, into the overflow, as ROOT does.
        numpy.add.at(contents, numpy.searchsorted(edges, values, side="right") - 1, weights.astype(numpy.float32))
        contents = _smooth(contents[:-1])
        cumulated = numpy.cumsum(numpy.maximum(contents, 0), dtype=float)
        cumulated = (cumulated / cumulated[-1]).astype(numpy.float32)
        self._low, self._high = edges[0], edges[-1]
        self._width = (self._high - self._low) / _PDF_BINS
        centres = self._low + (numpy.arange(_PDF_BINS) + 0.5) * self._width
        self._table = _lines(0.5 * (edges[1:] + edges[:-1]), cumulated.astype(float), centres).astype(numpy.float32)

    def __call__(self, values: numpy.ndarray) -> numpy.ndarray:
        centres = self._low + (numpy.arange(_PDF_BINS) + 0.5) * self._width
        lines = _lines(centres, self._table.astype(float), values.astype(float))
        return cast(numpy.ndarray, numpy.clip(lines, _CLIP, 1 - _CLIP))


def _edges(values: numpy.ndarray, weights: numpy.ndarray) -> numpy.ndarray:
    order = numpy.argsort(values, kind="stable")
    wanted = max(_EVENTS_PER_BIN * weights.min(), weights.sum() / _TARGET_BINS)
    edges = [values[order[0]] - 1e-4, values[order[0]]]
    since = 0.0
    for value, weight in zip(values[order].tolist(), weights[order].tolist()):
        since += weight
        if since >= wanted and value > edges[-1]:
            edges.append(value)
            since = 0.0
    if edges[-1] < values[order[-1]]:
        edges.append(values[order[-1]])
    return numpy.array(edges)


def _smooth(contents: numpy.ndarray) -> numpy.ndarray:
    """``TH1::Smooth`` once, by ROOT itself."""
    import ROOT

    smoothed = contents.astype(float)
    ROOT.TH1.SmoothArray(len(smoothed), smoothed, 1)
    return smoothed.astype(numpy.float32)


def _lines(x: numpy.ndarray, y: numpy.ndarray, at: numpy.ndarray) -> numpy.ndarray:
    """Straight lines between the points (x, y), the first and last continued outside."""
    right = numpy.clip(numpy.searchsorted(x, at), 1, len(x) - 1)
    slope = (y[right] - y[right - 1]) / (x[right] - x[right - 1])
    return cast(numpy.ndarray, y[right - 1] + slope * (at - x[right - 1]))
