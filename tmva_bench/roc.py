"""ROC curve, its area and the error of the area, from weighted scores."""

from __future__ import annotations

import numpy

from tmva_bench.errors import UserError

# Share of a curve's points that goes to equal steps in log10 of the background efficiency.
_LOGARITHMIC_SHARE = 0.2


def auc(
    signal: numpy.ndarray,
    background: numpy.ndarray,
    signal_weights: numpy.ndarray | None = None,
    background_weights: numpy.ndarray | None = None,
) -> float:
    """Exact weighted area under the ROC curve: the probability that signal scores higher, ties counted half.

    Args:
        signal: scores of the signal events, shape ``(m,)``; infinite ones are ordered like any other.
        background: scores of the background events, shape ``(n,)``.
        signal_weights: event weights, shape ``(m,)``; none means 1 for every event. Negative weights are
            allowed and count as they stand, so the area may then leave [0, 1].
        background_weights: event weights, shape ``(n,)``.

    Raises:
        UserError: a score is NaN, or a class has no positive sum of weights.
    """
    signal, signal_weights = _checked("signal", signal, signal_weights)
    background, background_weights = _checked("background", background, background_weights)
    placements = _placements(signal, background, background_weights)
    return float(numpy.sum(signal_weights * placements) / numpy.sum(signal_weights))


def auc_error(
    signal: numpy.ndarray,
    background: numpy.ndarray,
    signal_weights: numpy.ndarray | None = None,
    background_weights: numpy.ndarray | None = None,
) -> float:
    """Error of :func:`auc` from the number of events, after DeLong, DeLong and Clarke-Pearson (1988).

    The placement of a signal event is the share of the background that scores lower, that of a background
    event the share of the signal that scores higher; the area is the mean of either. Its variance is the sum
    of the variances of both means. With event weights w these are weighted means, and the variance of one is
    ``sum(w^2 (placement - area)^2) / sum(w)^2 * k / (k - 1)``, with ``k = sum(w)^2 / sum(w^2)`` the effective
    number of events. For weights of 1 this is DeLong's own formula.

    Args:
        signal: scores of the signal events, shape ``(m,)``.
        background: scores of the background events, shape ``(n,)``.
        signal_weights: event weights, shape ``(m,)``; none means 1 for every event.
        background_weights: event weights, shape ``(n,)``.

    Returns:
        One standard deviation; NaN where a class has no more than one effective event.

    Raises:
        UserError: a score is NaN, or a class has no positive sum of weights.
    """
    signal, signal_weights = _checked("signal", signal, signal_weights)
    background, background_weights = _checked("background", background, background_weights)
    signal_part = _variance_of_mean(_placements(signal, background, background_weights), signal_weights)
    background_part = _variance_of_mean(_placements(background, signal, signal_weights), background_weights)
    return float(numpy.sqrt(signal_part + background_part))


def curve(
    signal: numpy.ndarray,
    background: numpy.ndarray,
    signal_weights: numpy.ndarray | None = None,
    background_weights: numpy.ndarray | None = None,
    points: int = 500,
) -> tuple[numpy.ndarray, numpy.ndarray]:
    """The ROC curve in few points, from (0, 1) to (1, 0); straight lines between them keep the area to 1e-3.

    Four fifths of the points lie at equal distances along the curve, the others at equal steps of the
    logarithm of the background efficiency, so that high rejections are drawn well too. A curve that has no
    more corners than ``points`` comes back whole. Where negative weights make an efficiency fall with a
    falling threshold, the highest value so far is held, and the area is no longer promised.

    Args:
        signal: scores of the signal events, shape ``(m,)``.
        background: scores of the background events, shape ``(n,)``.
        signal_weights: event weights, shape ``(m,)``; none means 1 for every event.
        background_weights: event weights, shape ``(n,)``.
        points: largest number of points, at least 2.

    Returns:
        Signal efficiency, rising, and background rejection, falling; at most ``points`` values each.

    Raises:
        UserError: a score is NaN, or a class has no positive sum of weights.
    """
    signal, signal_weights = _checked("signal", signal, signal_weights)
    background, background_weights = _checked("background", background, background_weights)
    thresholds, group = numpy.unique(-numpy.concatenate([signal, background]), return_inverse=True)
    group = group.reshape(-1)
    signal_efficiency = _efficiency(group[: len(signal)], signal_weights, len(thresholds))
    background_efficiency = _efficiency(group[len(signal) :], background_weights, len(thresholds))
    corner = _corners(signal_efficiency, background_efficiency)
    signal_efficiency, background_efficiency = signal_efficiency[corner], background_efficiency[corner]
    if len(signal_efficiency) > points:
        along = signal_efficiency + background_efficiency
        chosen = _chosen(along, background_efficiency, points)
        signal_efficiency = numpy.interp(chosen, along, signal_efficiency)
        background_efficiency = numpy.interp(chosen, along, background_efficiency)
    return signal_efficiency, 1.0 - background_efficiency


def score_histogram(
    scores: numpy.ndarray, weights: numpy.ndarray, edges: numpy.ndarray
) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Density of the scores of one class and its statistical error, bin by bin.

    Args:
        scores: scores, shape ``(n,)``.
        weights: event weights, shape ``(n,)``.
        edges: rising bin edges, shape ``(k + 1,)``; the last bin holds its upper edge.

    Returns:
        The share of all weights (of events outside the edges too) per unit of score, and the square root of
        the sum of squared weights in the same unit, shape ``(k,)`` each.

    Raises:
        UserError: a score is NaN, or the sum of weights is not positive.
    """
    scores, weights = _checked("these", scores, weights)
    unit = numpy.sum(weights) * numpy.diff(edges)
    content, _ = numpy.histogram(scores, bins=edges, weights=weights)
    squares, _ = numpy.histogram(scores, bins=edges, weights=weights**2)
    return content / unit, numpy.sqrt(squares) / unit


def _checked(kind: str, scores: numpy.ndarray, weights: numpy.ndarray | None) -> tuple[numpy.ndarray, numpy.ndarray]:
    scores = numpy.asarray(scores, dtype=numpy.float64)
    weights = numpy.ones(len(scores)) if weights is None else numpy.asarray(weights, dtype=numpy.float64)
    if scores.ndim != 1 or scores.shape != weights.shape:
        raise ValueError(f"scores of shape {scores.shape} with weights of shape {weights.shape}")
    if numpy.isnan(scores).any():
        raise UserError(f"the scores of {kind} events hold NaN; there is no ROC curve of such a training")
    if not numpy.sum(weights) > 0:
        raise UserError(f"the weights of {kind} events sum to {numpy.sum(weights):g}; a ROC curve needs a positive sum")
    return scores, weights


def _placements(scores: numpy.ndarray, others: numpy.ndarray, weights: numpy.ndarray) -> numpy.ndarray:
    """Share of the other class's weights below each score, ties counted half."""
    order = numpy.argsort(others, kind="stable")
    below = numpy.concatenate([[0.0], numpy.cumsum(weights[order])])
    # Searching rising values walks through memory in order, many times faster than at random.
    rising = numpy.argsort(scores, kind="stable")
    placements = numpy.empty(len(scores))
    low = numpy.searchsorted(others[order], scores[rising], side="left")
    high = numpy.searchsorted(others[order], scores[rising], side="right")
    placements[rising] = (below[low] + below[high]) / (2.0 * below[-1])
    return placements


def _variance_of_mean(values: numpy.ndarray, weights: numpy.ndarray) -> float:
    total = numpy.sum(weights)
    effective = total**2 / numpy.sum(weights**2)
    if effective <= 1.0:
        return float("nan")
    mean = numpy.sum(weights * values) / total
    return float(numpy.sum((weights * (values - mean)) ** 2) / total**2 * effective / (effective - 1.0))


def _efficiency(group: numpy.ndarray, weights: numpy.ndarray, groups: int) -> numpy.ndarray:
    """Efficiency above each threshold, from 0 to 1."""
    passed = numpy.cumsum(numpy.bincount(group, weights=weights, minlength=groups))
    efficiency = numpy.concatenate([[0.0], passed / passed[-1]])
    return numpy.clip(numpy.maximum.accumulate(efficiency), 0.0, 1.0)


def _corners(x: numpy.ndarray, y: numpy.ndarray) -> numpy.ndarray:
    """Which points are ends or lie off the straight line along an axis through their neighbours."""
    dx, dy = numpy.diff(x), numpy.diff(y)
    straight = ((dx[:-1] == 0) & (dx[1:] == 0)) | ((dy[:-1] == 0) & (dy[1:] == 0))
    return numpy.concatenate([[True], ~straight, [True]])


def _chosen(along: numpy.ndarray, background_efficiency: numpy.ndarray, points: int) -> numpy.ndarray:
    """Where along the curve (the sum of both efficiencies) its points are taken."""
    logarithmic = int(points * _LOGARITHMIC_SHARE)
    even = numpy.linspace(0.0, 2.0, points - logarithmic)
    smallest = background_efficiency[background_efficiency > 0][0]
    wanted = numpy.geomspace(smallest, 1.0, logarithmic)
    return numpy.unique(numpy.concatenate([even, along[numpy.searchsorted(background_efficiency, wanted)]]))
