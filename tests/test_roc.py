import functools
import math
import time
import timeit

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tmva_bench import roc
from tmva_bench.errors import UserError

# Few values, so that ties are common; all are exact in float64, and so are their images below.
SCORES = arrays(numpy.float64, st.integers(1, 40), elements=st.integers(-8, 8).map(float))

patient = settings(deadline=None)  # a busy machine may pause any example


def direct_auc(signal, background, signal_weights, background_weights):
    total = 0.0
    for s, v in zip(signal, signal_weights, strict=True):
        for b, w in zip(background, background_weights, strict=True):
            total += v * w * ((s > b) + 0.5 * (s == b))
    return total / sum(signal_weights) / sum(background_weights)


def direct_delong(signal, background):
    m, n = len(signal), len(background)
    kernel = numpy.array([[(s > b) + 0.5 * (s == b) for b in background] for s in signal])
    area = kernel.mean()
    of_signal = sum((kernel[i].mean() - area) ** 2 for i in range(m)) / (m - 1)
    of_background = sum((kernel[:, j].mean() - area) ** 2 for j in range(n)) / (n - 1)
    return math.sqrt(of_signal / m + of_background / n)


def binormal(generator, events, distance=1.0):
    return generator.normal(distance, 1.0, events), generator.normal(0.0, 1.0, events)


@patient
@given(SCORES, SCORES, st.integers(0, 2**32 - 1))
def test_area_is_that_of_all_pairs(signal, background, seed):
    generator = numpy.random.default_rng(seed)
    v, w = generator.uniform(0.1, 3.0, len(signal)), generator.uniform(0.1, 3.0, len(background))
    expected = direct_auc(signal, background, v, w)
    assert roc.auc(signal, background, v, w) == pytest.approx(expected, abs=1e-12)


@patient
@given(SCORES, SCORES)
def test_area_keeps_under_rising_maps_and_turns_round_when_classes_are_swapped(signal, background):
    area = roc.auc(signal, background)
    assert roc.auc(signal**3 + 5.0, background**3 + 5.0) == area
    assert roc.auc(background, signal) == pytest.approx(1.0 - area, abs=1e-12)
    error = roc.auc_error(signal, background)
    assert roc.auc_error(background, signal) == pytest.approx(error, abs=1e-12, nan_ok=True)


def test_area_of_certain_and_of_constant_scores():
    assert roc.auc(numpy.array([2.0, 3.0]), numpy.array([0.0, 1.0])) == 1.0
    assert roc.auc(numpy.array([0.0, 1.0]), numpy.array([2.0, 3.0])) == 0.0
    assert roc.auc(numpy.full(7, 0.5), numpy.full(9, 0.5)) == 0.5
    assert roc.auc_error(numpy.full(7, 0.5), numpy.full(9, 0.5)) == 0.0
    assert roc.auc(numpy.array([numpy.inf, 0.0]), numpy.array([-numpy.inf, 0.0])) == 0.875


def test_a_weight_counts_as_so_many_events():
    signal, background = binormal(numpy.random.default_rng(1), 50)
    times = numpy.arange(50) % 4
    repeated = roc.auc(numpy.repeat(signal, times), background)
    assert roc.auc(signal, background, times) == pytest.approx(repeated, abs=1e-12)


def test_negative_weights_count_as_they_stand():
    signal, background = numpy.array([0.0, 1.0, 2.0]), numpy.array([0.5, 1.5])
    v, w = numpy.array([-1.0, 2.0, 3.0]), numpy.array([2.0, -0.5])
    assert roc.auc(signal, background, v, w) == pytest.approx(direct_auc(signal, background, v, w))
    assert roc.auc(signal, background, v, w) > 1.0


@patient
@given(SCORES.filter(lambda x: len(x) > 1), SCORES.filter(lambda x: len(x) > 1))
def test_error_is_delongs_for_unit_weights(signal, background):
    expected = direct_delong(signal, background)
    assert roc.auc_error(signal, background) == pytest.approx(expected, abs=1e-12)
    same = roc.auc_error(signal, background, numpy.full(len(signal), 2.5), numpy.full(len(background), 0.1))
    assert same == pytest.approx(expected, abs=1e-9)


def test_error_of_a_single_event_is_not_known():
    assert math.isnan(roc.auc_error(numpy.array([1.0]), numpy.array([0.0, 2.0])))
    assert math.isnan(roc.auc_error(numpy.array([1.0, 3.0]), numpy.array([0.0, 2.0]), numpy.array([3.0, -1.0])))


@pytest.mark.parametrize("weighted", [False, True])
def test_error_covers_the_true_area(weighted):
    generator = numpy.random.default_rng(20)
    true_area = 0.5 * (1.0 + math.erf(1.0 / 2.0))
    covered = 0
    for _ in range(200):
        signal, background = binormal(generator, 300)
        v, w = generator.uniform(0.2, 3.0, (2, 300)) if weighted else (None, None)
        off = abs(roc.auc(signal, background, v, w) - true_area)
        covered += off < roc.auc_error(signal, background, v, w)
    assert 0.63 <= covered / 200 <= 0.73


def test_a_million_scores_take_under_a_second():
    generator = numpy.random.default_rng(1)
    signal, background = binormal(generator, 500_000)
    weights = generator.uniform(0.5, 1.5, 500_000)
    for function in (roc.auc, roc.auc_error, roc.curve):
        call = functools.partial(function, signal, background, weights, weights)
        assert min(timeit.repeat(call, timer=time.process_time, number=1, repeat=3)) < 1.0


@pytest.mark.parametrize("function", [roc.auc, roc.auc_error, roc.curve])
def test_scores_and_weights_without_a_curve_are_refused(function):
    good = numpy.array([0.0, 1.0])
    with pytest.raises(UserError, match="background.*NaN"):
        function(good, numpy.array([0.0, numpy.nan]))
    with pytest.raises(UserError, match="signal.*sum to 0"):
        function(good, good, numpy.array([1.0, -1.0]))
    with pytest.raises(UserError, match="signal.*sum to 0"):
        function(numpy.array([]), good)
    with pytest.raises(ValueError, match="shape"):
        function(good, good, numpy.array([1.0]))


def assert_curve(signal, background, v=None, w=None, points=500, tolerance=1e-3):
    efficiency, rejection = roc.curve(signal, background, v, w, points=points)
    assert len(efficiency) == len(rejection) <= points
    assert (efficiency[0], rejection[0]) == (0.0, 1.0)
    assert (efficiency[-1], rejection[-1]) == (1.0, 0.0)
    assert (numpy.diff(efficiency) >= 0).all()
    assert (numpy.diff(rejection) <= 0).all()
    area = numpy.sum(numpy.diff(efficiency) * (rejection[1:] + rejection[:-1]) / 2)
    assert area == pytest.approx(roc.auc(signal, background, v, w), abs=tolerance)
    return efficiency, rejection


@pytest.mark.parametrize("distance", [0.0, 1.0, 3.0, 8.0])
def test_curve_of_many_events_keeps_the_area(distance):
    generator = numpy.random.default_rng(3)
    signal, background = binormal(generator, 20000, distance)
    weights = generator.uniform(0.0, 2.0, (2, 20000))
    assert_curve(signal, background, tolerance=1e-4)
    assert_curve(signal, background, *weights, tolerance=1e-4)
    assert_curve(numpy.round(signal, 1), numpy.round(background, 1), *weights, tolerance=1e-9)


@patient
@given(SCORES, SCORES)
def test_curve_of_few_events_is_whole(signal, background):
    assert_curve(signal, background, tolerance=1e-12)


@patient
@given(st.integers(0, 2**32 - 1), st.integers(200, 3000), st.integers(200, 3000))
def test_curve_of_ragged_scores_keeps_the_area(seed, m, n):
    generator = numpy.random.default_rng(seed)
    assert_curve(generator.integers(0, 2000, m), generator.integers(0, 2000, n))


def test_curve_of_constant_and_of_certain_scores():
    efficiency, rejection = assert_curve(numpy.full(5, 0.5), numpy.full(6, 0.5))
    assert efficiency.tolist() == [0.0, 1.0]
    efficiency, rejection = assert_curve(numpy.array([1.0, 2.0]), numpy.array([0.0, -1.0]))
    assert (efficiency.tolist(), rejection.tolist()) == ([0.0, 1.0, 1.0], [1.0, 1.0, 0.0])


def test_curve_shows_high_rejections():
    _, rejection = assert_curve(*binormal(numpy.random.default_rng(4), 100_000, 2.0))
    passed = 1.0 - rejection
    for low in (1e-5, 1e-4, 1e-3, 1e-2):
        assert ((passed >= low) & (passed < 10 * low)).sum() >= 10


def test_curve_with_negative_weights_still_rises():
    generator = numpy.random.default_rng(5)
    signal, background = binormal(generator, 2000)
    efficiency, rejection = roc.curve(signal, background, generator.uniform(-0.5, 2.0, 2000))
    assert (numpy.diff(efficiency) >= 0).all()
    assert (numpy.diff(rejection) <= 0).all()
    assert (efficiency[0], efficiency[-1]) == (0.0, 1.0)


def test_histogram_is_a_density_with_the_weights_error():
    scores, weights = numpy.array([0.1, 0.2, 0.6, 1.0, 7.0]), numpy.array([1.0, 2.0, 3.0, 1.0, 1.0])
    density, error = roc.score_histogram(scores, weights, numpy.array([0.0, 0.25, 1.0]))
    assert density == pytest.approx([3 / 8 / 0.25, 4 / 8 / 0.75])
    assert error == pytest.approx([math.sqrt(5) / 8 / 0.25, math.sqrt(10) / 8 / 0.75])
    with pytest.raises(UserError, match="NaN"):
        roc.score_histogram(numpy.array([numpy.nan]), numpy.ones(1), numpy.array([0.0, 1.0]))
