"""Whether two series differ in ROC area or in time, from their repetitions, with both parts of the error apart."""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy

from tmva_bench.errors import UserError
from tmva_bench.events import inputs, reading, roc
from tmva_bench.results import placements
from tmva_bench.results.folder import Missing, ResultsFolder
from tmva_bench.results.rows import RunRow
from tmva_bench.results.summary import Group

Row = Mapping[str, Any]

DIFFERENT = "different at 95 %"
NOT_TOLD_APART = "not told apart"
NO_VERDICT = "no verdict"

# Why there is no verdict on the times of a side.
TOGETHER = "repetitions were trained together, and no time is that of one"

_LEVEL = 0.95
_FEWEST_PAIRS = 3
# Intervals of the median by bootstrap of fewer ratios miss it in 6 to 25 % of cases, not in 5.
_FEWEST_RESAMPLED = 9
_RESAMPLES = 9999
# Clocks tick: the spread of equal times, relative to them, is an error of rounding; so is that of one area.
_ROUNDING = 1e-9


class Side(NamedTuple):
    """The repetitions of one series, scored on the same test events.

    Attributes:
        repetitions: number of each repetition.
        areas: its ROC area.
        placements: the mean over repetitions of each test event's placement; None without repetitions.
        signal_weights: of the test events.
        background_weights: of the test events.
    """

    repetitions: list[int]
    areas: list[float]
    placements: roc.Placements | None
    signal_weights: numpy.ndarray
    background_weights: numpy.ndarray


class AreaComparison(NamedTuple):
    """Mean ROC area of a series less that of its reference; NaN where not known.

    Attributes:
        difference: of the means over repetitions.
        training_error: standard deviation of the difference from the spread of the repetitions; NaN for a single
            pair with the same start.
        test_error: standard deviation from the number of test events (paired DeLong).
        error: both in quadrature; of a single pair with the same start the test events' alone.
        degrees_of_freedom: of Student's t for this error, infinite where it is the test events' alone.
        low: lower end of the 95 % interval.
        high: upper end.
        p_value: how often equal series would differ at least so much.
        paired: whether repetitions were paired because they had the same start.
        verdict: :data:`DIFFERENT`, :data:`NOT_TOLD_APART` or :data:`NO_VERDICT`.
        note: why there is no verdict, and the cure, or what a verdict leaves out; else "".
    """

    difference: float
    training_error: float
    test_error: float
    error: float
    degrees_of_freedom: float
    low: float
    high: float
    p_value: float
    paired: bool
    verdict: str
    note: str


class TimeComparison(NamedTuple):
    """Time of a series over that of a reference, repetition by repetition; NaN where not known.

    Attributes:
        ratio: median of the ratios; above 1 the series is the slower one.
        low: lower end of the 95 % interval.
        high: upper end.
        pairs: repetitions that both sides have a time of.
        interval: how the interval was found, ``bootstrap`` or ``Student's t``; "" where there is none.
        verdict: ``x times faster`` or ``x times slower`` (the series than its reference), each only where the
            interval excludes 1; else :data:`NOT_TOLD_APART`, or :data:`NO_VERDICT`.
        note: why there is no verdict, and the cure; else "".
    """

    ratio: float
    low: float
    high: float
    pairs: int
    interval: str
    verdict: str
    note: str


class Ratio(NamedTuple):
    """A quantity of a series over that of its reference, repetitions not paired; NaN where not known.

    Attributes:
        ratio: of the geometric means over repetitions; above 1 the series is the slower one, or takes more.
        low: lower end of the 95 % interval.
        high: upper end.
        verdict: ``x times slower`` or ``faster`` (what is no time: ``more`` or ``less``), only where the interval
            excludes 1; else :data:`NOT_TOLD_APART`, or :data:`NO_VERDICT`.
        note: why there is no verdict, and the cure; else "".
    """

    ratio: float
    low: float
    high: float
    verdict: str
    note: str


def read_side(group: Group, results: ResultsFolder, data: inputs.InputFile) -> Side:
    """The finished repetitions of a group, read one after the other.

    Args:
        group: the repetitions of one series at one point.
        results: the results folder that holds the runs.
        data: the input file of the runs, for the weights of the test events.

    Raises:
        Missing: neither placements nor scores of a run are there.
        UserError: the runs had other events than ``data``, or scores are damaged.
    """
    # An encoded file holds the weights of the events that it was made of.
    if group.row.input_digest not in (data.metadata["digest"], data.metadata.get("encoded", {}).get("from")):
        raise UserError(
            f"{data.path}: not the events of these runs ({data.metadata['digest'][:12]}, not "
            f"{group.row.input_digest[:12]}); give the input file that they were run on"
        )
    rows = sorted(group.rows, key=lambda row: row.repetition)
    weights = [numpy.asarray(data.weights[tree], dtype=float) for tree in ("TestS", "TestB")]
    placed = ((row.repetition, _placements(results, row, data, weights)) for row in rows)
    return side(placed, *weights)


def side(
    placed: Iterable[tuple[int, roc.Placements]],
    signal_weights: numpy.ndarray,
    background_weights: numpy.ndarray,
) -> Side:
    """The repetitions of one series, taken one after the other.

    Args:
        placed: number of each repetition, with the placements of its test events.
        signal_weights: event weights, shape ``(m,)``.
        background_weights: event weights, shape ``(n,)``.

    Raises:
        UserError: a score is NaN, or a class has no positive sum of weights.
    """
    repetitions: list[int] = []
    areas: list[float] = []
    of_signal, of_background = numpy.zeros(len(signal_weights)), numpy.zeros(len(background_weights))
    for repetition, of_run in placed:
        repetitions.append(repetition)
        areas.append(roc.value_of(of_run, signal_weights))
        of_signal += of_run.signal
        of_background += of_run.background
    runs = len(areas)
    mean = roc.Placements(of_signal / runs, of_background / runs) if runs else None
    return Side(repetitions, areas, mean, signal_weights, background_weights)


def compare_areas(
    series: Side, reference: Side, *, same_start: bool = False, same_events: bool = True
) -> AreaComparison:
    """Whether the mean ROC areas of two series differ at 95 %.

    The variance has two parts, which are added:

    - training: another repetition gives another area. The variance of the repetitions' areas over their
      number, of both sides. Where repetition n has the same start on both sides (initial weights and
      batches), what the start does to both drops out: the variance of the differences over their number.
    - test events: all runs share them. DeLong's variance of the difference of two means over repetitions is
      that of their mean placements, since the area is linear in the placements; it is not that of one run,
      nor that over the number of runs. Test events that are not the same are independent: the variances of
      both sides' mean areas are added.

    Student's t has the degrees of freedom of Welch and Satterthwaite, the test part counted as known. What a
    single run's area owes to the test events alone, without the other runs, is in both parts, so the error is
    rather too large than too small. The training events are the same everywhere: the verdict is on trainings
    on these events.

    With one repetition on a side the training spread is not known, and there is no verdict; but a single
    repetition with the same start on both sides has one, for the training from that start alone.

    Args:
        series: one side.
        reference: the other side.
        same_start: whether equal repetitions of both sides had the same start; pairs are made only where both
            have the same repetitions and test events.
        same_events: whether both sides have the same test events, in the same order, or independent ones.
    """
    from scipy import special

    if series.placements is None or reference.placements is None:
        return no_areas(math.nan, math.nan, "no finished run on one of the sides")
    if same_events:
        difference, test_error = roc.area_of(
            roc.difference(series.placements, reference.placements), series.signal_weights, series.background_weights
        )
    else:
        ours = roc.area_of(series.placements, series.signal_weights, series.background_weights)
        theirs = roc.area_of(reference.placements, reference.signal_weights, reference.background_weights)
        difference, test_error = ours.value - theirs.value, math.hypot(ours.error, theirs.error)
    paired = same_start and same_events and series.repetitions == reference.repetitions
    parts = [numpy.subtract(series.areas, reference.areas)] if paired else [series.areas, reference.areas]
    if not paired and min(map(len, parts)) < 2:
        return no_areas(
            difference,
            test_error,
            "one repetition on a side does not tell how much trainings differ; run 3 or more of each",
        )
    if math.isnan(test_error):
        return no_areas(difference, test_error, "too few test events for an error; give more")
    variances = [_variance_of_mean(part) for part in parts if len(part) > 1]
    training = sum(variance for variance, _ in variances)
    total = training + test_error**2
    freedom = _freedom(variances, total)
    error = math.sqrt(total)
    half = float(special.stdtrit(freedom, 0.5 + _LEVEL / 2)) * error
    p_value = _p_value(difference, error, freedom)
    return AreaComparison(
        difference,
        math.sqrt(training) if variances else math.nan,
        test_error,
        error,
        freedom,
        difference - half,
        difference + half,
        p_value,
        paired,
        DIFFERENT if p_value < 1 - _LEVEL else NOT_TOLD_APART,
        "" if variances else "one training each, from the same start: other starts may differ otherwise",
    )


def compare_times(series: Group, reference: Group, quantity: str = "real_time_train") -> TimeComparison:
    """How many times as long a series takes as its reference: paired ratios of interleaved rounds.

    A study takes the series in turn, so repetition n of both was timed under much the same load: their ratio
    is steadier than the ratio of means. The value is the median of the ratios. From 9 pairs on its interval is
    the percentile bootstrap's, with a fixed seed. No resampling reaches beyond the smallest and the largest
    ratio, which of 3 hold the true median in 75 % of cases only: of 3 to 8 pairs the interval is Student's t of
    the logarithms. Fewer give no interval.

    Args:
        series: the repetitions of one series.
        reference: those of the other.
        quantity: a time of the benchmark tree.
    """
    if series.row.together or reference.row.together:
        return _no_times(math.nan, 0, TOGETHER)
    if series.row.cpu_model != reference.row.cpu_model:
        return _no_times(math.nan, 0, "timed on different processors; time both on one")
    ours, theirs = _times(series, quantity), _times(reference, quantity)
    ratios = numpy.array([ours[n] / theirs[n] for n in sorted(set(ours) & set(theirs))])
    pairs = len(ratios)
    if not pairs:
        return _no_times(math.nan, 0, f"no repetition with {quantity} on both sides")
    ratio = float(numpy.median(ratios))
    if pairs < _FEWEST_PAIRS:
        return _no_times(
            ratio,
            pairs,
            f"fewer than {_FEWEST_PAIRS} pairs of repetitions give no interval; run {_FEWEST_PAIRS} or more",
        )
    if pairs < _FEWEST_RESAMPLED:
        interval, (low, high) = "Student's t", _student_interval(ratios)
    else:
        interval, (low, high) = "bootstrap", _bootstrap_interval(ratios)
    verdict = NOT_TOLD_APART
    if low > 1:
        verdict = f"{ratio:.3g} times slower"
    elif high < 1:
        verdict = f"{1 / ratio:.3g} times faster"
    return TimeComparison(ratio, low, high, pairs, interval, verdict, "")


def ratio_of(series: Group, reference: Group, quantity: str) -> Ratio:
    """How many times as long, or as much, a series takes as its reference: runs of two machines or of two versions.

    Nothing pairs these runs, for they were not timed in turn. The interval is Welch's, Student's t of the difference
    of the mean logarithms with the degrees of freedom of Welch and Satterthwaite: multiplicative noise, as times
    have it, of another width on each side. What all runs of a side share (another load of the whole machine, that
    day) is not in it.

    Args:
        series: the repetitions of one series.
        reference: those of the other.
        quantity: a time or the memory, a column of the benchmark tree.
    """
    from scipy import special

    if series.row.together or reference.row.together:
        return _no_ratio(math.nan, TOGETHER)
    logarithms = [numpy.log(list(_times(group, quantity).values())) for group in (series, reference)]
    fewest = min(map(len, logarithms))
    if not fewest:
        return _no_ratio(math.nan, f"no repetition with {quantity} on one of the sides")
    difference = float(logarithms[0].mean() - logarithms[1].mean())
    ratio = math.exp(difference)
    if fewest < 2:
        return _no_ratio(ratio, "one repetition on a side does not tell how much times differ; run 3 or more of each")
    variances = [_variance_of_mean(side) for side in logarithms]
    error = math.sqrt(sum(variance for variance, _ in variances))
    if not error > _ROUNDING:
        return _no_ratio(ratio, "repetitions equal to the clock's tick do not tell how much they differ; run more")
    half = float(special.stdtrit(_freedom(variances, error**2), 0.5 + _LEVEL / 2)) * error
    low, high = math.exp(difference - half), math.exp(difference + half)
    above, below = ("slower", "faster") if "_time_" in quantity else ("more", "less")
    verdict = NOT_TOLD_APART
    if low > 1:
        verdict = f"{ratio:.3g} times {above}"
    elif high < 1:
        verdict = f"{1 / ratio:.3g} times {below}"
    return Ratio(ratio, low, high, verdict, "")


def _placements(
    results: ResultsFolder, row: RunRow, data: inputs.InputFile, weights: list[numpy.ndarray]
) -> roc.Placements:
    """The placements of a run as they were kept, where both classes' have its area; else of its scores."""
    kept = placements.read(results.placements(row.run_id), *map(len, weights))
    areas = [part @ of_class / of_class.sum() for part, of_class in zip(kept, weights, strict=True)] if kept else []
    if kept and all(abs(area - row.roc_auc) < _ROUNDING for area in areas):
        return kept
    return roc.placements(*_read_scores(results.scores(row.run_id), data), *weights)


def _read_scores(path: Path, data: inputs.InputFile) -> tuple[numpy.ndarray, numpy.ndarray]:
    run = path.parent
    if not path.exists():
        raise Missing(f"{path}: no scores there; remove the folder {run} to run it again")
    try:
        with reading.opened(path, "its scores are lost") as file:
            signal, background = (reading.numbers(file[tree], "score") for tree in ("TestS", "TestB"))
    except UserError as error:
        raise UserError(f"{path}: no readable scores ({error}); remove the folder {run} to run it again") from None
    for tree, scores in (("TestS", signal), ("TestB", background)):
        if len(scores) != len(data.weights[tree]):
            raise UserError(
                f"{path}: {len(scores)} scores in {tree}, {data.path} has {len(data.weights[tree])} events; "
                f"remove the folder {run} to run it again"
            )
    return signal, background


def _variance_of_mean(values: Sequence[float] | numpy.ndarray) -> tuple[float, int]:
    """Variance of a mean, and its degrees of freedom."""
    return float(numpy.var(values, ddof=1)) / len(values), len(values) - 1


def _freedom(variances: list[tuple[float, int]], total: float) -> float:
    """Degrees of freedom of a sum of variances (Welch, Satterthwaite); what is not among them is known."""
    measured = sum(variance**2 / freedom for variance, freedom in variances)
    return total**2 / measured if measured > 0 else math.inf


def _p_value(difference: float, error: float, freedom: float) -> float:
    from scipy import special

    if error == 0:
        return float(difference == 0)
    return float(2 * special.stdtr(freedom, -abs(difference) / error))


def no_areas(difference: float, test_error: float, note: str) -> AreaComparison:
    """No verdict on the areas, and why."""
    nan = math.nan
    return AreaComparison(difference, nan, test_error, nan, nan, nan, nan, nan, False, NO_VERDICT, note)


def _no_times(ratio: float, pairs: int, note: str) -> TimeComparison:
    return TimeComparison(ratio, math.nan, math.nan, pairs, "", NO_VERDICT, note)


def _no_ratio(ratio: float, note: str) -> Ratio:
    return Ratio(ratio, math.nan, math.nan, NO_VERDICT, note)


def _times(group: Group, quantity: str) -> dict[int, float]:
    """Times by repetition; what was not measured, is not finite, or too short for the clock, is left out."""
    return {row.repetition: float(time) for row in group.rows if 0 < (time := row.value(quantity)) < math.inf}


def _student_interval(ratios: numpy.ndarray) -> tuple[float, float]:
    from scipy import special

    logarithms = numpy.log(ratios)
    variance, freedom = _variance_of_mean(logarithms)
    half = special.stdtrit(freedom, 0.5 + _LEVEL / 2) * math.sqrt(variance)
    return math.exp(logarithms.mean() - half), math.exp(logarithms.mean() + half)


def _bootstrap_interval(ratios: numpy.ndarray) -> tuple[float, float]:
    from scipy import stats

    interval = stats.bootstrap(
        (ratios,),
        numpy.median,
        n_resamples=_RESAMPLES,
        confidence_level=_LEVEL,
        method="percentile",
        rng=numpy.random.default_rng(0),
    ).confidence_interval
    return float(interval.low), float(interval.high)
