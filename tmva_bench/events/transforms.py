"""TMVA's variable transformations N, D, P, G and U on arrays, for the direct Keras method.

Prepared on all training events, as TMVA does without a class suffix, and chained from left to right. Values
pass from one to the next as float32, as TMVA's events hold them.
"""

import math
from typing import Callable, Dict, List, Optional, Sequence, Tuple, cast

import numpy

from tmva_bench.errors import UserError

Transformation = Callable[[numpy.ndarray], numpy.ndarray]

# The cumulative distribution is tabulated in this many bins (TMVA::PDF::fgNbin_PdfHist) and clipped.
_PDF_BINS = 10000
_PDF_LOWEST = 1e-12
CLIP = 1e-9
ERF_CLIP = 0.99999999
# VariableGaussTransform aims at so many bins, with at least so many events in each.
_TARGET_BINS = 2000
_EVENTS_PER_BIN = numpy.float32(10)
# What D and P take apart must vary by itself, in units of the variance: by more than float32 rounds, and by enough that
# the rounding of the others does not fill it.
_LEAST_SHARE, _MOST_OF_ROUNDING = 1e-10, 1e-6
# Sums of squares beyond are not finite in float32, and no network trains on them.
_BEYOND = 1e18


class Chain:
    """A prepared chain of transformations.

    Attributes:
        steps: the transformations in the order in which they apply.
    """

    def __init__(
        self,
        names: List[str],
        events: numpy.ndarray,
        weights: numpy.ndarray,
        signal: Optional[numpy.ndarray] = None,
        axes: Optional[List[numpy.ndarray]] = None,
        variables: Optional[Sequence[str]] = None,
    ) -> None:
        """Prepares each transformation on the output of the one before.

        Args:
            names: e.g. ``["N", "D"]``; with a class suffix of TMVA (``N_Signal``) prepared on that class alone.
            events: all training events, shape (events, variables).
            weights: their weights, shape (events,).
            signal: which of them are signal, for names with a suffix.
            axes: for each ``P`` the eigenvectors that TMVA wrote, as columns, whose signs are taken: both signs of an
                eigenvector are right, and a training depends on them.
            variables: their names. Where they are given, variables that ``D`` or ``P`` cannot take apart are refused;
                they are left out where TMVA's own training is repeated.

        Raises:
            UserError: a transformation cannot be computed, or gives values that no network trains on; with the
                variables that are to blame, and the cure.
        """
        self._where = f"transformations = {','.join(names) or 'I'}"
        self._variables = list(variables or (f"variable {number + 1}" for number in range(events.shape[1])))
        self._names = list(names)
        left = list(axes or [])
        self.steps: List[Transformation] = []
        weights = weights.astype(float)
        values = events.astype(numpy.float32)
        self._rounding = _rounding(values)
        for name in names:
            letter, _, suffix = name.partition("_")
            taken = numpy.ones(len(values), bool)
            if suffix in ("Signal", "Background") and signal is not None:
                taken = signal if suffix == "Signal" else ~signal
            if variables and letter in _UNWEIGHTED:
                ones = numpy.ones(int(taken.sum())) if _UNWEIGHTED[letter] else weights[taken]
                self._check_independent(name, values[taken], ones)
            with numpy.errstate(all="ignore"):  # what comes of it is refused
                step = _PREPARE[letter](values[taken], weights[taken])
            if letter == "P" and left:
                step = _aligned(step, left.pop(0))
            values = self._applied(step, values, name)
            self.steps.append(step)
        if not self.steps:
            self._check_scale(values, "without a transformation")

    def __call__(self, events: numpy.ndarray) -> numpy.ndarray:
        """The transformed events, float32, of the shape of ``events``."""
        values = events.astype(numpy.float32)
        for step, name in zip(self.steps, self._names):
            values = self._applied(step, values, name)
        return values

    def _applied(self, step: Transformation, values: numpy.ndarray, name: str) -> numpy.ndarray:
        with numpy.errstate(all="ignore"):
            after = step(values).astype(numpy.float32)
        self._check_scale(after, f"after {name}")
        return after

    def _check_scale(self, values: numpy.ndarray, when: str) -> None:
        bad = ~(numpy.abs(values) < _BEYOND).all(axis=0)
        if bad.any():
            variable, value = self._variables[int(bad.argmax())], float(numpy.abs(values[:, bad.argmax()]).max())
            size = "NaN" if math.isnan(value) else f"as large as {value:g}"
            raise UserError(
                f"{self._where}: {when} values of {variable} are {size}, which no network trains on; look at that "
                "variable, or use transformations = N"
            )

    def _check_independent(self, name: str, values: numpy.ndarray, weights: numpy.ndarray) -> None:
        """Refuses variables that are a sum of others (``D`` divides by what is left, ``P`` makes a variable of it)."""
        groups = dependent_groups(values, weights, self._rounding)
        if not groups:
            return
        by_themselves = groups
        if (weights < 0).any():
            by_themselves = dependent_groups(values, numpy.ones(len(values)), self._rounding)
        named = [[self._variables[number] for number in group] for group in by_themselves]
        if named:
            what = _named(named)
        else:
            what = f"negative weights leave no variance to {', '.join(self._variables[number] for number in groups[0])}"
        raise UserError(f"{self._where}: {name} cannot be computed, {what}, or use transformations = N")


def _named(groups: List[List[str]]) -> str:
    """What is to be said of variables that are the same in all events, each by itself, and of those that depend."""
    same = [group[0] for group in groups if len(group) == 1]
    parts = (
        [f"{_listed(same)} {'is' if len(same) == 1 else 'are'} the same in all training events there"] if same else []
    )
    others = [_listed(group) for group in groups if len(group) > 1]
    if others:
        parts.append(f"{others[0]} depend on each other in the training events, each follows from the others")
    parts += [f"{group} do so, too" for group in others[1:]]
    out = "one of them" if len(others) == len(groups) == 1 else _listed([group[-1] for group in groups])
    return f"{'; '.join(parts)}: leave {out} out"


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def dependent_groups(values: numpy.ndarray, weights: numpy.ndarray, rounding: float = 0.0) -> List[List[int]]:
    """Variables of which each is a sum of multiples of the others in its group, and a constant.

    That is so where the smallest eigenvalue of the weighted correlation matrix is zero but for rounding; its
    eigenvector tells which. The last of a group is left out before the next is looked for: without the last ones no
    variable depends on others.

    Args:
        values: events, shape (events, variables).
        weights: shape (events,).
        rounding: how far float32 rounded what the values were made of, in units of the standard deviation.

    Returns:
        Their indices; those that do not vary are first, in a group each.
    """
    values = values.astype(float)
    centred = values - numpy.average(values, axis=0, weights=weights)
    covariance = (centred.T * weights) @ centred / weights.sum()
    variances = covariance.diagonal()
    still = ~(variances > 0) | (values.min(axis=0) == values.max(axis=0))
    groups = [[int(number)] for number in numpy.flatnonzero(still)]
    left = numpy.flatnonzero(~still)
    scale = numpy.sqrt(variances[left])
    correlation = covariance[numpy.ix_(left, left)] / numpy.outer(scale, scale)
    least = max(_LEAST_SHARE, min(_MOST_OF_ROUNDING, 4 * max(rounding, _rounding(values[:, left])) ** 2))
    while len(left):
        group = _first_group(correlation, least)
        if not len(group):
            break
        groups.append(left[group].tolist())
        left, correlation = (numpy.delete(one, group[-1], 0) for one in (left, correlation))
        correlation = numpy.delete(correlation, group[-1], 1)
    return groups


def _first_group(correlation: numpy.ndarray, least: float) -> numpy.ndarray:
    """The group whose last variable comes first, as indices in order; empty where there is none."""

    def smallest(size: int) -> float:
        return float(numpy.linalg.eigvalsh(correlation[:size, :size])[0])

    none, some = 1, len(correlation)
    if smallest(some) >= least:
        return numpy.array([], int)
    # With every variable more the smallest eigenvalue can only fall (Cauchy's interlacing).
    while some - none > 1:
        size = (none + some) // 2
        none, some = (none, size) if smallest(size) < least else (size, some)
    shares = numpy.abs(numpy.linalg.eigh(correlation[:some, :some])[1][:, 0])
    return numpy.flatnonzero(shares > 0.01 * shares.max())


def _rounding(values: numpy.ndarray) -> float:
    """How far float32 rounds, in units of the standard deviation, for the variable where that is farthest."""
    spread = values.std(axis=0, dtype=float)
    largest = numpy.abs(values).max(axis=0).astype(float)[spread > 0] / spread[spread > 0]
    return float(numpy.finfo(numpy.float32).eps * largest.max(initial=0.0))


def transformed(steps: Sequence[Transformation], events: numpy.ndarray) -> numpy.ndarray:
    """Events after transformations that are prepared already, whatever comes of them; float32.

    Args:
        steps: in the order in which they apply.
        events: shape (events, variables).
    """
    values = events.astype(numpy.float32)
    with numpy.errstate(all="ignore"):  # NaN is what a score will be
        for step in steps:
            values = step(values).astype(numpy.float32)
    return values


def normalised(low: numpy.ndarray, high: numpy.ndarray) -> Transformation:
    """``VariableNormalizeTransform``: from [low, high] to [-1, 1].

    Args:
        low: smallest value of each variable.
        high: largest value.
    """
    return lambda values: 2 * (values - low) / (high - low) - 1


class Flat:
    """``VariableGaussTransform`` with the flat option, each variable to [0, 1].

    Attributes:
        cumulative: the distribution of each variable.
    """

    def __init__(self, tables: List[Tuple[numpy.ndarray, numpy.ndarray]]) -> None:
        """Tabulates the distributions.

        Args:
            tables: for each variable the edges of the bins of its cumulative histogram (n + 1), and their contents (n).
        """
        self.cumulative = [Cumulative(edges, contents) for edges, contents in tables]

    def __call__(self, values: numpy.ndarray) -> numpy.ndarray:
        """The transformed events, float64."""
        return numpy.stack([table(values[:, i]) for i, table in enumerate(self.cumulative)], axis=1)


class Normal:
    """``VariableGaussTransform``: what :class:`Flat` gives to a unit normal.

    Attributes:
        uniform: what gives it.
    """

    def __init__(self, uniform: Flat) -> None:
        self.uniform = uniform

    def __call__(self, values: numpy.ndarray) -> numpy.ndarray:
        """The transformed events, float64."""
        return quantile(self.uniform(values))


def quantile(share: numpy.ndarray) -> numpy.ndarray:
    """The value below which a unit normal has a share of its events, as ``VariableGaussTransform`` clips it."""
    from scipy.special import erfinv

    return numpy.asarray(math.sqrt(2) * erfinv(numpy.clip(2 * share - 1, -ERF_CLIP, ERF_CLIP)))


def affine(step: Transformation, variables: int) -> Tuple[numpy.ndarray, numpy.ndarray]:
    """Matrix (inputs x outputs) and shift of a transformation that is no more than these: N, D or P."""
    shift = step(numpy.zeros((1, variables)))[0]
    return step(numpy.eye(variables)) - shift, shift


def _aligned(step: Transformation, axes: numpy.ndarray) -> Transformation:
    """A linear transformation whose outputs have the signs that make its rows point along the columns of ``axes``."""
    signs = numpy.sign((affine(step, len(axes))[0] * axes).sum(axis=0))
    return lambda values: step(values) * signs


def _normalise(events: numpy.ndarray, weights: numpy.ndarray) -> Transformation:
    """``VariableNormalizeTransform``: each variable to [-1, 1]."""
    return normalised(events.min(axis=0).astype(float), events.max(axis=0).astype(float))


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


def _uniform(events: numpy.ndarray, weights: numpy.ndarray) -> Flat:
    """``VariableGaussTransform`` with the flat option: each variable to a flat distribution in [0, 1]."""
    return Flat([_cumulated(events[:, i], weights.astype(numpy.float32)) for i in range(events.shape[1])])


def _gauss(events: numpy.ndarray, weights: numpy.ndarray) -> Transformation:
    """``VariableGaussTransform``: each variable to a unit normal."""
    return Normal(_uniform(events, weights))


# The transformations that take variables apart, and whether they do so without weights.
_UNWEIGHTED = {"D": False, "P": True}
_PREPARE: Dict[str, Callable[[numpy.ndarray, numpy.ndarray], Transformation]] = {
    "N": _normalise,
    "D": _decorrelate,
    "P": _principal_components,
    "G": _gauss,
    "U": _uniform,
}


def _cumulated(values: numpy.ndarray, weights: numpy.ndarray) -> Tuple[numpy.ndarray, numpy.ndarray]:
    """Edges and contents of the cumulative histogram of one variable."""
    edges = _edges(values, weights)
    contents = numpy.maximum(_smooth(_fill(edges, values, weights)), 0)
    cumulated = numpy.cumsum(contents, dtype=float)
    # Smoothing empties the one full bin of a variable with two values, and TMVA's transformation is constant.
    return edges, cumulated / (cumulated[-1] or 1)


class Cumulative:
    """The cumulative distribution of one variable as ``TMVA::PDF`` tabulates it.

    Attributes:
        low: where the bins begin.
        width: of each.
        table: the distribution at their centres; straight lines between, the first and last continued.
    """

    def __init__(self, edges: numpy.ndarray, cumulated: numpy.ndarray) -> None:
        cumulated = cumulated.astype(numpy.float32).astype(float)
        edges = edges.astype(numpy.float32).astype(float)
        self.low = edges[0]
        self.width = (edges[-1] - edges[0]) / _PDF_BINS
        table = _lines(0.5 * (edges[1:] + edges[:-1]), cumulated, self._centres())
        # Where a line falls below zero, TMVA takes the bin's own content.
        in_bin = cumulated[numpy.searchsorted(edges, self._centres(), side="right") - 1]
        table = numpy.maximum(numpy.where(table > _PDF_LOWEST, table, in_bin), _PDF_LOWEST)
        self.table = table.astype(numpy.float32).astype(float)

    def __call__(self, values: numpy.ndarray) -> numpy.ndarray:
        """The share of events below each value, clipped."""
        lines = _lines(self._centres(), self.table, values.astype(float))
        return cast(numpy.ndarray, numpy.clip(lines, CLIP, 1 - CLIP))

    def _centres(self) -> numpy.ndarray:
        return cast(numpy.ndarray, self.low + (numpy.arange(_PDF_BINS) + 0.5) * self.width)


def _edges(values: numpy.ndarray, weights: numpy.ndarray) -> numpy.ndarray:
    """Bin edges, in float32 as TMVA adds up: with equal weights the last bit of a sum decides where a bin ends."""
    order = numpy.argsort(values, kind="stable")
    total = numpy.cumsum(weights, dtype=numpy.float32)[-1]
    wanted = max(_EVENTS_PER_BIN * weights.min(), total / numpy.float32(_TARGET_BINS))
    first, last = values[order[0]], values[order[-1]]
    edges = [first - numpy.float32(1e-4), first]
    since = numpy.float32(0)
    for value, weight in zip(values[order], weights[order]):
        since += weight
        if since >= wanted and value > edges[-1]:
            edges.append(value)
            since = numpy.float32(0)
    # Events as large as the last edge give one more, of no width.
    if since != 0:
        edges.append(last)
    return numpy.array(edges, numpy.float32)


def _fill(edges: numpy.ndarray, values: numpy.ndarray, weights: numpy.ndarray) -> numpy.ndarray:
    """``TH1F::Fill``: the last edge and above is overflow; of equal edges the first decides."""
    inside = values < edges[-1]
    values = values[inside]
    bins = numpy.searchsorted(edges, values)
    bins -= edges[bins] != values
    contents = numpy.zeros(len(edges) - 1, numpy.float32)
    numpy.add.at(contents, bins, weights[inside])
    return contents


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
