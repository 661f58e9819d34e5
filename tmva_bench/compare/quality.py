"""Time to quality: how long a training takes until its validation loss first reaches a given value.

Only clocks that run epoch by epoch are read. CPU time is not among them for every method, and the total CPU time
shared out over epochs would be a guess: it holds transformations and the scores of the training events, too. Where
epochs were not timed, the time is not known.
"""

import functools
import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy

from tmva_bench.errors import UserError
from tmva_bench.results.figures.curves import progress
from tmva_bench.results.rows import History

_LEVEL = 0.6827


class Reached(NamedTuple):
    """When one run first had the quality.

    Attributes:
        epoch: the epoch, 0 where it never had.
        time: time trained up to the end of that epoch [s]; infinite where it never had the quality, NaN where
            epochs were not timed.
    """

    epoch: int
    time: float


class TimeToQuality(NamedTuple):
    """When the runs of one series first had the quality.

    Attributes:
        median: time [s] at which half of the runs had it; infinite where half or more never had, NaN where
            epochs were not timed.
        low: lower end of its 68 % interval; NaN where so few runs have none.
        high: upper end, which may be infinite.
        runs: all runs.
        reached: those that ever had the quality.
    """

    median: float
    low: float
    high: float
    runs: int
    reached: int

    def __str__(self) -> str:
        """In words."""
        runs = f"{self.reached} of {self.runs} runs"
        if math.isnan(self.median):
            return f"not timed ({runs})"
        return f"not reached ({runs})" if math.isinf(self.median) else f"{self.median:.3g} s ({runs})"


def target(histories: Iterable[History], share: float, untrained: float = math.nan) -> float:
    """The validation loss a given share of the way from the untrained net to the best loss of all runs.

    One value for all series that are compared. Their losses must be of one kind: same events, same loss, and no
    regularization, which methods count differently in the validation loss.

    Args:
        histories: those of all runs of the study on the same events.
        share: above 0, at most 1; 1 is the best loss itself.
        untrained: validation loss of the untrained net; where it is not known, the median over runs of the loss
            after the first epoch stands in.

    Raises:
        UserError: no such share, no epoch with a loss, or no run that ever was better than the start.
    """
    if not 0 < share <= 1:
        raise UserError(f"share = {share:g}: must be above 0 and at most 1")
    losses = [numpy.asarray(history.validation_loss, dtype=float) for history in histories]
    finite = [values[numpy.isfinite(values)] for values in losses]
    firsts = [values[0] for values in losses if len(values) and numpy.isfinite(values[0])]
    if not any(map(len, finite)):
        raise UserError("no run has a validation loss; time to quality needs finished trainings")
    best = min(float(values.min()) for values in finite if len(values))
    start = (float(numpy.median(firsts)) if firsts else best) if math.isnan(untrained) else untrained
    if not best < start:
        raise UserError(
            f"the best validation loss of all runs, {best:g}, is not below the one at the start, {start:g}: "
            "no quality to reach; train for more epochs"
        )
    return best + (1.0 - share) * (start - best)


def reach(history: History, loss: float, clock: str = "real_time") -> Reached:
    """When a run's validation loss first was at or below a value.

    Args:
        history: of the run; compilation is part of the first epoch's time.
        loss: the validation loss to reach.
        clock: the column with the time of each epoch [s].
    """
    there = numpy.flatnonzero(numpy.asarray(history.validation_loss, dtype=float) <= loss)
    if not len(there):
        return Reached(0, math.inf)
    times, _ = progress(history.columns(), clock)
    return Reached(int(history.epoch[there[0]]), float(times[there[0]]))


def time_to_quality(reached: Iterable[Reached]) -> TimeToQuality:
    """Median over the runs of one series; those that never had the quality count as infinitely late.

    They are no censored times as of a study that ended too soon: a run stops where its own rule says so, and would
    never have got there. The interval is the exact one of a median from ranks, which takes infinite times as they
    are; its level is 68 % or more.

    Args:
        reached: of each run.
    """
    runs = list(reached)
    had = sum(run.epoch > 0 for run in runs)
    times = sorted(run.time for run in runs)
    if not times or any(map(math.isnan, times)):
        return TimeToQuality(math.nan, math.nan, math.nan, len(times), had)
    low, high = (math.nan if rank is None else times[rank] for rank in _ranks(len(times)))
    return TimeToQuality(float(numpy.median(times)), low, high, len(times), had)


@functools.cache
def _ranks(runs: int) -> tuple[int | None, int | None]:
    """Where the interval of a median ends among sorted values, from 0; None where no rank has the level.

    As ``scipy.stats.quantile_test`` has it, which takes longer to load than a thousand runs to compare: how many values
    lie below the median is binomial.
    """
    from scipy import special

    below = special.bdtr(numpy.arange(runs), runs, 0.5)
    outside = int(numpy.searchsorted(below, (1 - _LEVEL) / 2, side="right"))
    return (outside - 1, runs - outside) if outside else (None, None)
