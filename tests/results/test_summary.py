"""Means over repetitions: the error's coverage, groups, axes of a scan, warnings."""

import math

import numpy
import pytest
from made_up_rows import row

from tmva_bench.results import schema, summary

NAN = math.nan


def test_mean_of_three_by_hand():
    mean = summary.mean([1.0, 2.0, 3.0])
    # Student's t with two degrees of freedom: F(t) = 1/2 + t / (2 sqrt(2 + t^2)), so 0.6827 = t / sqrt(2 + t^2).
    quantile = 0.6827 * math.sqrt(2 / (1 - 0.6827**2))
    assert mean == pytest.approx((2.0, quantile / math.sqrt(3), 1.0, 3))


def test_nothing_measured_and_measured_once():
    assert math.isnan(summary.mean([NAN]).value)
    once = summary.mean([4.0, NAN])
    assert (once.value, once.runs) == (4.0, 1)
    assert math.isnan(once.error)


def test_the_interval_covers_68_percent_even_of_three_repetitions():
    trials = numpy.random.default_rng(7).normal(size=(2000, 3))
    means = [summary.mean(trial) for trial in trials]
    covered = numpy.mean([abs(mean.value) <= mean.error for mean in means])
    assert 0.65 < covered < 0.715


def test_repetitions_of_a_series_at_a_point_stand_together():
    rows = [row(neurons=n, seed=s, roc_auc=0.8 + n / 1000) for s in (1, 2) for n in (5, 20)]
    rows += [row(neurons=5, backend="tensorflow", status="failed", reason="why")]
    mean = summary.groups(rows)
    assert [(g.row.neurons, len(g.rows), len(g.missing)) for g in mean] == [(5, 2, 0), (20, 2, 0), (5, 0, 1)]
    assert mean[1].means.roc_auc.value == pytest.approx(0.82)
    assert math.isnan(mean[2].means.roc_auc.value)


def test_axes_are_what_differs_within_a_series():
    rows = [row(neurons=n) for n in (5, 20)] + [row(optimizer="adam", learning_rate=0.001, neurons=n) for n in (5, 20)]
    # Every series has one rate of its own: that is no axis.
    assert summary.varied(summary.groups(rows)) == ["neurons"]


def test_warnings():
    wide = summary.groups([row(real_time_train=t, cpu_time_train=1.0) for t in (1.0, 2.0)])[0]
    few, spread = summary.warnings(wide)
    assert few == "fewer than 3 repetitions, too few to judge an error"
    assert spread == "real_time_train spread by more than 10 %"
    steady = summary.groups([row(real_time_train=t, cpu_time_train=1.0) for t in (1.0, 1.01, 1.02)])[0]
    assert summary.warnings(steady) == []
    disturbed = summary.groups([row(real_time_train=1.0, cpu_time_train=1.0, busy=number == 1) for number in range(3)])
    assert summary.warnings(disturbed[0]) == ["timed on a busy machine, at least in part"]


def test_another_installation_or_processor_is_another_series():
    rows = [row(), row(installation="later"), row(cpu_model="other"), row(threads=2)]
    assert len(summary.groups(rows)) == 4


def test_tree_has_a_row_a_group_and_equal_columns():
    first = row(neurons=5, roc_auc=0.9, compilation="kept")
    columns = summary.tree(summary.groups([first, row(neurons=20, status="failed")]))
    assert list(columns) == [column.name for column in schema.SUMMARY]
    assert columns["neurons"] == [5, 20]
    assert columns["roc_auc"][0] == 0.9
    assert columns["without_result"] == [0, 1]
    assert columns["compilations_kept"] == [1, 0]
    assert {len(values) for values in columns.values()} == {2}
