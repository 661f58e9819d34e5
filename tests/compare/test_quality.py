"""Time to quality: when a loss is first reached, and runs that never get there."""

import math

import numpy
import pytest
from scipy import stats

from tmva_bench.compare import quality
from tmva_bench.errors import UserError
from tmva_bench.results.rows import History

NAN = math.nan


def history(losses, times=None, cpu_times=None):
    return History(
        epoch=list(range(1, len(losses) + 1)),
        training_loss=losses,
        validation_loss=losses,
        real_time=times or [1.0] * len(losses),
        cpu_time=cpu_times or [NAN] * len(losses),
    )


def test_target_lies_between_start_and_best_of_all_runs():
    runs = [history([0.6, 0.45, 0.5]), history([0.7, 0.5, 0.40]), history([0.8, NAN, NAN])]
    assert quality.target(runs, 0.9, untrained=0.9) == pytest.approx(0.45)
    # The median of 0.6, 0.7, 0.8 stands in for the untrained net.
    assert quality.target(runs, 0.5) == pytest.approx(0.55)
    assert quality.target(runs, 1.0) == 0.40


@pytest.mark.parametrize(
    ("runs", "share", "message"),
    [
        ([history([0.5])], 0.0, "share = 0: must be above 0"),
        ([history([0.5])], 1.1, "share = 1.1: must be above 0 and at most 1"),
        ([], 0.9, "no run has a validation loss"),
        ([history([NAN, NAN]), history([])], 0.9, "no run has a validation loss"),
        ([history([0.5, 0.6])], 0.9, "best validation loss of all runs, 0.5, is not below"),
    ],
)
def test_no_target(runs, share, message):
    with pytest.raises(UserError, match=message):
        quality.target(runs, share)


def test_first_epoch_at_or_below_the_loss_counts():
    run = history([0.6, 0.5, 0.55, 0.4], times=[3.0, 1.0, 1.5, 1.0])
    assert quality.reach(run, 0.5) == (2, 4.0)
    assert quality.reach(run, 0.45) == (4, 6.5)
    assert quality.reach(run, 0.39) == (0, math.inf)
    assert quality.reach(history([NAN, 0.3]), 0.5) == (2, 2.0)


def test_the_best_loss_is_reached_by_its_run():
    runs = [history([0.7, 0.1 + 0.2]), history([0.9, 0.5])]
    assert [quality.reach(run, quality.target(runs, 1.0)).epoch for run in runs] == [2, 0]


def test_epochs_without_a_time():
    untimed = quality.reach(history([0.6, 0.5], times=[NAN, NAN]), 0.5)
    assert untimed.epoch == 2
    assert math.isnan(untimed.time)
    assert quality.reach(history([0.6], times=[NAN]), 0.5) == (0, math.inf)
    reached = quality.time_to_quality([untimed, untimed])
    assert (math.isnan(reached.median), str(reached)) == (True, "not timed (2 of 2 runs)")


def test_another_clock_is_read_where_there_is_one():
    run = history([0.6, 0.5], cpu_times=[2.0, 2.5])
    assert quality.reach(run, 0.5, clock="cpu_time") == (2, 4.5)
    # CPU time that was not taken epoch by epoch is not made up.
    assert math.isnan(quality.reach(history([0.6, 0.5]), 0.5, clock="cpu_time").time)


def test_runs_that_never_get_there_count():
    never = quality.Reached(0, math.inf)
    some = [quality.Reached(3, 3.0), quality.Reached(5, 5.0), quality.Reached(4, 4.0)]
    reached = quality.time_to_quality([*some, never])
    # Without the last the median would be 4.
    assert (reached.median, reached.runs, reached.reached, str(reached)) == (4.5, 4, 3, "4.5 s (3 of 4 runs)")
    for missed in (3, 4):
        lost = quality.time_to_quality([*some, *[never] * missed])
        assert lost.median == math.inf
        assert str(lost) == f"not reached (3 of {3 + missed} runs)"
        assert lost.high == math.inf


def test_interval_of_the_median_covers():
    generator = numpy.random.default_rng(51)
    covered = 0
    for _ in range(200):
        reached = quality.time_to_quality([quality.Reached(1, float(t)) for t in generator.exponential(size=10)])
        covered += reached.low <= math.log(2) <= reached.high
    # Ranks allow some levels only: the next above 68.27 % is 89.1 %.
    assert 0.84 <= covered / 200 <= 0.94
    assert math.isnan(quality.time_to_quality([quality.Reached(1, 1.0)]).low)


def test_no_runs():
    reached = quality.time_to_quality([])
    assert (math.isnan(reached.median), reached.runs, reached.reached) == (True, 0, 0)


def test_progress_is_the_best_so_far_against_time():
    times, losses = quality.progress(history([0.6, NAN, 0.7, 0.5], times=[2.0, 1.0, 1.0, 1.0]).columns())
    assert times.tolist() == [2.0, 3.0, 4.0, 5.0]
    assert losses.tolist() == [0.6, 0.6, 0.6, 0.5]


@pytest.mark.parametrize("runs", [*range(1, 13), 37, 100, 999])
def test_the_interval_of_a_median_is_that_of_scipy(runs):
    interval = stats.quantile_test(range(runs), p=0.5).confidence_interval(quality._LEVEL)
    expected = [None if math.isnan(rank) else int(rank) for rank in (interval.low, interval.high)]
    assert list(quality._ranks(runs)) == expected
