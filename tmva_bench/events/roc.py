"""ROC curve, its area, differences of areas, working points and overtraining, with errors, from weighted scores."""

from __future__ import annotations

import math
from typing import NamedTuple, Sequence

import numpy

from tmva_bench.errors import UserError

# Where TMVA's ranking of methods reads the signal efficiency, and a tenth of the first.
BACKGROUND_EFFICIENCIES = (0.001, 0.01, 0.1, 0.3)
SIGNAL_EFFICIENCIES = (0.3, 0.5, 0.7, 0.9)

# Fewer events than these beyond a threshold do not place it.
_FEWEST_BEYOND = 10
# Share of a curve's points that goes to equal steps in log10 of the background efficiency.
_LOGARITHMIC_SHARE = 0.2


class Placements(NamedTuple):
    """How each event lies among the events of the other class.

    Attributes:
        signal: share of the background's weights that scores lower, ties counted half, shape ``(m,)``.
        background: share of the signal's weights that scores higher, ties counted half, shape ``(n,)``.
    """

    signal: numpy.ndarray
    background: numpy.ndarray


class Area(NamedTuple):
    """An area under the ROC curve, or a difference of areas.

    Attributes:
        value: the area.
        error: one standard deviation from the number of events; NaN where a class has no more than one
            effective event.
    """

    value: float
    error: float


class Difference(NamedTuple):
    """Two areas on the same events.

    Attributes:
        value: the area less that of the reference.
        error: one standard deviation from the number of events.
        p_value: how often equal classifiers would differ at least so much; NaN where the error is.
    """

    value: float
    error: float
    p_value: float


class Interval(NamedTuple):
    """A value and its 68 % interval; NaN where the sample does not allow one."""

    value: float
    low: float
    high: float


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
    signal_weights = _checked("signal", signal, signal_weights)[1]
    placed = placements(signal, background, signal_weights, background_weights)
    return value_of(placed, signal_weights)


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
    placed = placements(signal, background, signal_weights, background_weights)
    return area_of(placed, signal_weights, background_weights).error


def placements(
    signal: numpy.ndarray,
    background: numpy.ndarray,
    signal_weights: numpy.ndarray | None = None,
    background_weights: numpy.ndarray | None = None,
) -> Placements:
    """The placement of each event, see :func:`auc_error`; arguments and errors are those of :func:`auc`."""
    signal, signal_weights = _checked("signal", signal, signal_weights)
    background, background_weights = _checked("background", background, background_weights)
    signal_group, background_group, groups = _groups(signal, background)
    return Placements(
        _share_below(background_group, background_weights, groups)[signal_group],
        1.0 - _share_below(signal_group, signal_weights, groups)[background_group],
    )


def area_of(
    placed: Placements,
    signal_weights: numpy.ndarray | None = None,
    background_weights: numpy.ndarray | None = None,
) -> Area:
    """Area and error from placements, or from sums and differences of placements on the same events.

    The area is linear in the placements, so the mean over trainings and the difference of two series have an
    error of their own here: all the covariances of DeLong's matrix are in it.

    Args:
        placed: placements of one training, or a linear combination of those of several.
        signal_weights: event weights, shape ``(m,)``; none means 1 for every event.
        background_weights: event weights, shape ``(n,)``.

    Raises:
        UserError: a placement is NaN, or a class has no positive sum of weights.
    """
    of_signal, signal_weights = _checked("signal", placed.signal, signal_weights)
    of_background, background_weights = _checked("background", placed.background, background_weights)
    variance = _variance_of_mean(of_signal, signal_weights) + _variance_of_mean(of_background, background_weights)
    return Area(value_of(placed, signal_weights), math.sqrt(variance))


def value_of(placed: Placements, signal_weights: numpy.ndarray) -> float:
    """The area alone, as :func:`area_of` has it: the weighted mean of the signal's placements.

    Args:
        placed: placements of one training.
        signal_weights: event weights, shape ``(m,)``, of a positive sum.
    """
    weights = numpy.asarray(signal_weights, dtype=numpy.float64)
    return float(numpy.sum(weights * placed.signal) / numpy.sum(weights))


def auc_difference(
    signal: numpy.ndarray,
    background: numpy.ndarray,
    reference_signal: numpy.ndarray,
    reference_background: numpy.ndarray,
    signal_weights: numpy.ndarray | None = None,
    background_weights: numpy.ndarray | None = None,
) -> Difference:
    """Paired test of two areas on the same events, after DeLong, DeLong and Clarke-Pearson (1988).

    Each event's placement by one classifier less that by the other has the difference of the areas as its
    mean; the variance is that of :func:`auc_error`, taken of these differences, so that what both
    classifiers share drops out. The p-value is that of a normal, both sides. Negative weights count as they
    stand. Scores that order the events alike differ by exactly 0 with error 0, and the p-value is 1.

    The test knows the number of events only. That another training of the same network gives another area
    is not in it: see :func:`tmva_bench.compare.verdict.compare_areas`.

    Args:
        signal: scores of the signal events, shape ``(m,)``.
        background: scores of the background events, shape ``(n,)``.
        reference_signal: scores of the same signal events, in the same order, by the other classifier.
        reference_background: scores of the same background events by the other classifier.
        signal_weights: event weights, shape ``(m,)``; none means 1 for every event.
        background_weights: event weights, shape ``(n,)``.

    Raises:
        UserError: a score is NaN, or a class has no positive sum of weights.
    """
    ours = placements(signal, background, signal_weights, background_weights)
    theirs = placements(reference_signal, reference_background, signal_weights, background_weights)
    value, error = area_of(difference(ours, theirs), signal_weights, background_weights)
    if error == 0:
        return Difference(value, error, float(value == 0))
    return Difference(value, error, math.erfc(abs(value) / error / math.sqrt(2)))


def difference(first: Placements, second: Placements) -> Placements:
    """Placements less others of the same events."""
    if first.signal.shape != second.signal.shape or first.background.shape != second.background.shape:
        raise ValueError(
            f"{len(first.signal)} signal and {len(first.background)} background events are not the same as "
            f"{len(second.signal)} and {len(second.background)}"
        )
    return Placements(first.signal - second.signal, first.background - second.background)


def signal_efficiencies(
    signal: numpy.ndarray,
    background: numpy.ndarray,
    signal_weights: numpy.ndarray | None = None,
    background_weights: numpy.ndarray | None = None,
    at: Sequence[float] = BACKGROUND_EFFICIENCIES,
) -> list[Interval]:
    """Signal efficiency at given background efficiencies, with its 68 % interval.

    The interval joins, in quadrature, the signal's binomial error and the error of where the threshold lies:
    the curve is read at both ends of the background efficiency's own interval. Both are score intervals
    (Wilson 1927) for the effective number of events at that efficiency, which for weights of 1 is the number
    of events; a library's binomial interval takes whole numbers only.

    Args:
        signal: scores of the signal events, shape ``(m,)``.
        background: scores of the background events, shape ``(n,)``.
        signal_weights: event weights, shape ``(m,)``; none means 1 for every event. Where negative weights
            make an efficiency fall with a falling threshold, the highest value so far is held.
        background_weights: event weights, shape ``(n,)``.
        at: background efficiencies, between 0 and 1.

    Returns:
        One interval for each; NaN where fewer than 10 effective background events lie beyond the threshold.

    Raises:
        UserError: a score is NaN, or a class has no positive sum of weights.
    """
    passing = _passing(signal, background, signal_weights, background_weights)
    return [_read_at(efficiency, *passing) for efficiency in at]


def background_rejections(
    signal: numpy.ndarray,
    background: numpy.ndarray,
    signal_weights: numpy.ndarray | None = None,
    background_weights: numpy.ndarray | None = None,
    at: Sequence[float] = SIGNAL_EFFICIENCIES,
) -> list[Interval]:
    """Background rejection, 1 - background efficiency, at given signal efficiencies, with its 68 % interval.

    As :func:`signal_efficiencies`, the classes' parts exchanged: NaN where fewer than 10 effective signal
    events lie beyond the threshold.
    """
    of_signal, of_background = _passing(signal, background, signal_weights, background_weights)
    passing = [_read_at(efficiency, of_background, of_signal) for efficiency in at]
    return [Interval(1.0 - value, 1.0 - high, 1.0 - low) for value, low, high in passing]


def kolmogorov_probability(
    train: numpy.ndarray,
    test: numpy.ndarray,
    train_weights: numpy.ndarray | None = None,
    test_weights: numpy.ndarray | None = None,
) -> float:
    """Overtraining check: the probability that training and test scores of one class differ as much by chance.

    The largest distance d between the two cumulative distributions, ties taken together, gives
    ``KolmogorovProb(d sqrt(n m / (n + m)))``: ``TMath::KolmogorovTest`` of ROOT, not binned. With event
    weights n and m are the effective numbers of events, sum(w)^2 / sum(w^2), as in ``TH1::KolmogorovTest``;
    that holds where weight and score have little to do with each other. TMVA's own check compares
    histograms by pseudo-experiments (option X), which binning makes coarser.

    Args:
        train: scores of the training events of one class, shape ``(n,)``.
        test: scores of the test events of the same class, shape ``(m,)``.
        train_weights: event weights, shape ``(n,)``; none means 1 for every event. Negative weights count as
            they stand.
        test_weights: event weights, shape ``(m,)``.

    Returns:
        The probability; NaN for fewer than 3 events, as ROOT refuses them.

    Raises:
        UserError: a score is NaN, or the weights of a sample have no positive sum.
    """
    # Not above: what reads an input file does without scipy.
    from scipy.special import kolmogorov

    train, train_weights = _checked("training", train, train_weights)
    test, test_weights = _checked("test", test, test_weights)
    if min(len(train), len(test)) < 3:
        return math.nan
    train_group, test_group, groups = _groups(train, test)
    distance = numpy.max(
        numpy.abs(
            _cumulated(train_group, train_weights, groups) / numpy.sum(train_weights)
            - _cumulated(test_group, test_weights, groups) / numpy.sum(test_weights)
        )
    )
    n, m = _effective(train_weights), _effective(test_weights)
    return float(kolmogorov(distance * math.sqrt(n * m / (n + m))))


def fall(
    signal: numpy.ndarray,
    background: numpy.ndarray,
    signal_weights: numpy.ndarray | None = None,
    background_weights: numpy.ndarray | None = None,
) -> float:
    """How far an efficiency falls, at most, below its highest value so far while the threshold falls.

    0 for weights that are not negative; arguments and errors are those of :func:`auc`.
    """
    signal, signal_weights = _checked("signal", signal, signal_weights)
    background, background_weights = _checked("background", background, background_weights)
    signal_group, background_group, groups = _groups(-signal, -background)
    falls = []
    for group, weights in ((signal_group, signal_weights), (background_group, background_weights)):
        if (weights < 0).any():
            passed = numpy.concatenate([[0.0], _cumulated(group, weights, groups)])
            falls.append(float((numpy.maximum.accumulate(passed) - passed).max() / passed[-1]))
    return max(falls, default=0.0)


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
    signal_group, background_group, groups = _groups(-signal, -background)
    signal_efficiency = _efficiency(signal_group, signal_weights, groups)
    background_efficiency = _efficiency(background_group, background_weights, groups)
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


def _groups(first: numpy.ndarray, second: numpy.ndarray) -> tuple[numpy.ndarray, numpy.ndarray, int]:
    """The rank of each score among the different values of both, and how many those are."""
    values, group = numpy.unique(numpy.concatenate([first, second]), return_inverse=True)
    group = group.reshape(-1)
    return group[: len(first)], group[len(first) :], len(values)


def _cumulated(group: numpy.ndarray, weights: numpy.ndarray, groups: int) -> numpy.ndarray:
    """Sum of the weights up to and with each rank."""
    return numpy.cumsum(numpy.bincount(group, weights=weights, minlength=groups))


def _share_below(group: numpy.ndarray, weights: numpy.ndarray, groups: int) -> numpy.ndarray:
    """Share of the weights below each rank, those at the rank counted half."""
    below = numpy.concatenate([[0.0], _cumulated(group, weights, groups)])
    share: numpy.ndarray = (below[:-1] + below[1:]) / (2.0 * below[-1])
    return share


def _effective(weights: numpy.ndarray) -> float:
    return float(numpy.sum(weights) ** 2 / numpy.sum(weights**2))


def _variance_of_mean(values: numpy.ndarray, weights: numpy.ndarray) -> float:
    total, effective = numpy.sum(weights), _effective(weights)
    if effective <= 1.0:
        return float("nan")
    mean = numpy.sum(weights * values) / total
    return float(numpy.sum((weights * (values - mean)) ** 2) / total**2 * effective / (effective - 1.0))


def _efficiency(group: numpy.ndarray, weights: numpy.ndarray, groups: int) -> numpy.ndarray:
    """Efficiency above each threshold, from 0 to 1."""
    passed = _cumulated(group, weights, groups)
    efficiency = numpy.concatenate([[0.0], passed / passed[-1]])
    return numpy.clip(numpy.maximum.accumulate(efficiency), 0.0, 1.0)


class _Passing(NamedTuple):
    """One class at every threshold, falling: efficiency, its variance; and the effective number of events."""

    efficiency: numpy.ndarray
    variance: numpy.ndarray
    effective: float


def _passing(
    signal: numpy.ndarray,
    background: numpy.ndarray,
    signal_weights: numpy.ndarray | None,
    background_weights: numpy.ndarray | None,
) -> tuple[_Passing, _Passing]:
    signal, signal_weights = _checked("signal", signal, signal_weights)
    background, background_weights = _checked("background", background, background_weights)
    signal_group, background_group, groups = _groups(-signal, -background)
    return (
        _passing_class(signal_group, signal_weights, groups),
        _passing_class(background_group, background_weights, groups),
    )


def _passing_class(group: numpy.ndarray, weights: numpy.ndarray, groups: int) -> _Passing:
    efficiency = _efficiency(group, weights, groups)
    squares = numpy.concatenate([[0.0], _cumulated(group, weights**2, groups)])
    variance = (1.0 - efficiency) ** 2 * squares + efficiency**2 * (squares[-1] - squares)
    return _Passing(efficiency, variance / numpy.sum(weights) ** 2, _effective(weights))


def _read_at(efficiency: float, read: _Passing, fixed: _Passing) -> Interval:
    """One class's efficiency where the other's is as given."""
    if efficiency * fixed.effective < _FEWEST_BEYOND:
        return Interval(math.nan, math.nan, math.nan)
    value = float(numpy.interp(efficiency, fixed.efficiency, read.efficiency))
    low, high = _score_interval(value, efficiency, read, fixed)
    threshold = _score_interval(efficiency, efficiency, fixed, fixed)
    down, up = (value - low, high - value)
    moved_down, moved_up = numpy.abs(numpy.interp(threshold, fixed.efficiency, read.efficiency) - value)
    return Interval(value, max(0.0, value - math.hypot(down, moved_down)), min(1.0, value + math.hypot(up, moved_up)))


def _score_interval(value: float, at: float, read: _Passing, fixed: _Passing) -> tuple[float, float]:
    """Where a binomial efficiency is one standard deviation from the one seen."""
    variance = float(numpy.interp(at, fixed.efficiency, read.variance))
    events = value * (1.0 - value) / variance if variance > 0 and 0 < value < 1 else read.effective
    centre = (value + 0.5 / events) / (1.0 + 1.0 / events)
    half = math.sqrt(value * (1.0 - value) / events + 0.25 / events**2) / (1.0 + 1.0 / events)
    return centre - half, centre + half


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
