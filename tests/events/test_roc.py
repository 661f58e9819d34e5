import functools
import math
import time
import timeit

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from tmva_bench.errors import UserError
from tmva_bench.events import roc

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
    for function in (roc.auc, roc.auc_error, roc.curve, roc.signal_efficiencies):
        call = functools.partial(function, signal, background, weights, weights)
        assert min(timeit.repeat(call, timer=time.process_time, number=1, repeat=3)) < 1.0


@pytest.mark.parametrize(
    "function",
    [roc.auc, roc.auc_error, roc.placements, roc.curve, roc.signal_efficiencies, roc.background_rejections],
)
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


def direct_delong_of_difference(signal, background, other_signal, other_background):
    """DeLong's matrix for two classifiers by the double sum, and the variance of the difference."""
    m, n = len(signal), len(background)
    kernels = numpy.array(
        [
            [[(s > b) + 0.5 * (s == b) for b in scores_b] for s in scores_s]
            for scores_s, scores_b in ((signal, background), (other_signal, other_background))
        ]
    )
    matrix = numpy.cov(kernels.mean(axis=2)) / m + numpy.cov(kernels.mean(axis=1)) / n
    return matrix[0, 0] + matrix[1, 1] - 2.0 * matrix[0, 1]


@patient
@given(st.integers(0, 2**32 - 1), st.integers(2, 25), st.integers(2, 25))
def test_difference_of_areas_is_delongs_for_unit_weights(seed, m, n):
    generator = numpy.random.default_rng(seed)
    signal, background = generator.integers(0, 6, (2, m)), generator.integers(-2, 5, (2, n))
    compared = roc.auc_difference(signal[0], background[0], signal[1], background[1])
    expected = direct_delong_of_difference(signal[0], background[0], signal[1], background[1])
    assert compared.value == pytest.approx(
        roc.auc(signal[0], background[0]) - roc.auc(signal[1], background[1]), abs=1e-12
    )
    assert compared.error == pytest.approx(math.sqrt(max(0.0, expected)), abs=1e-7)
    if compared.error > 1e-6:
        assert compared.p_value == pytest.approx(2 * stats.norm.sf(abs(compared.value) / compared.error))


def test_difference_turns_round_and_scales_of_weights_do_not_count():
    generator = numpy.random.default_rng(8)
    first, second = binormal(generator, 400), binormal(generator, 400, 0.8)
    v, w = generator.uniform(-0.3, 2.0, (2, 400))
    forth, back = roc.auc_difference(*first, *second, v, w), roc.auc_difference(*second, *first, v, w)
    assert (forth.value, forth.error) == pytest.approx((-back.value, back.error))
    assert roc.auc_difference(*first, *second, 3.0 * v, 0.1 * w) == pytest.approx(forth)
    assert forth.value == pytest.approx(roc.auc(*first, v, w) - roc.auc(*second, v, w))


def test_scores_in_the_same_order_do_not_differ():
    signal, background = binormal(numpy.random.default_rng(9), 100)
    assert roc.auc_difference(signal, background, numpy.exp(signal), numpy.exp(background)) == (0.0, 0.0, 1.0)


def test_difference_of_too_few_or_other_events():
    one, two = numpy.array([1.0]), numpy.array([0.0, 2.0])
    assert math.isnan(roc.auc_difference(one, two, one + 1.0, two).p_value)
    with pytest.raises(ValueError, match="1 signal and 2 background events are not the same as 2 and 2"):
        roc.auc_difference(one, two, two, two)


@pytest.mark.parametrize("weighted", [False, True])
def test_error_covers_the_true_difference_of_areas(weighted):
    generator = numpy.random.default_rng(21)
    # The second classifier sees the first one's scores with noise, which is as good as a smaller distance.
    noise = 0.5
    true = stats.norm.cdf(1 / math.sqrt(2)) - stats.norm.cdf(1 / math.sqrt(2 * (1 + noise**2)))
    covered = 0
    for _ in range(200):
        signal, background = binormal(generator, 300)
        v, w = generator.uniform(0.2, 3.0, (2, 300)) if weighted else (None, None)
        other = (scores + noise * generator.normal(size=300) for scores in (signal, background))
        compared = roc.auc_difference(signal, background, *other, v, w)
        covered += abs(compared.value - true) < compared.error
    assert 0.63 <= covered / 200 <= 0.73


def test_time_of_the_difference_of_a_million_scores(capsys):
    generator = numpy.random.default_rng(1)
    first, second = binormal(generator, 500_000), binormal(generator, 500_000)
    weights = generator.uniform(0.5, 1.5, 500_000)
    call = functools.partial(roc.auc_difference, *first, *second, weights, weights)
    with capsys.disabled():
        print(f" {timeit.timeit(call, timer=time.process_time, number=1):.2f} s of CPU time ", end="")  # noqa: T201 - shown, not judged
    assert call().p_value > 1e-3


def test_mean_over_trainings_has_the_error_of_its_own():
    generator = numpy.random.default_rng(22)
    signal, background = binormal(generator, 2000)
    several = [
        roc.placements(signal + generator.normal(size=2000), background + generator.normal(size=2000)) for _ in range(8)
    ]
    mean = roc.Placements(
        numpy.mean([compared.signal for compared in several], axis=0),
        numpy.mean([compared.background for compared in several], axis=0),
    )
    areas = [roc.area_of(compared) for compared in several]
    assert roc.area_of(mean).value == pytest.approx(numpy.mean([area.value for area in areas]))
    # Smaller than one training's, as the noise of each averages out; not by sqrt(8), as the events are the same.
    assert 0.6 < roc.area_of(mean).error / areas[0].error < 0.98


def test_efficiencies_of_few_events_by_hand():
    signal = numpy.concatenate([numpy.full(30, 3.0), numpy.full(70, 0.0)])
    background = numpy.concatenate([numpy.full(10, 3.0), numpy.full(40, 1.0), numpy.full(50, 0.0)])
    tenth, half = roc.signal_efficiencies(signal, background, at=(0.1, 0.5))
    assert tenth.value == pytest.approx(0.3)
    assert half.value == pytest.approx(0.3)
    # Between 10 % and 50 % of the background there is no signal, so a threshold there costs nothing.
    wilson = stats.binomtest(30, 100).proportion_ci(2 * stats.norm.cdf(1) - 1, method="wilson")
    assert tenth.high == pytest.approx(wilson.high)
    assert tenth.low < wilson.low
    rejected = roc.background_rejections(signal, background, at=(0.3,))[0]
    # The corner at 30 % of the signal lets through 10 % of the background at the least.
    assert rejected.low < rejected.value <= 0.9


def test_a_weight_of_every_event_does_not_count_in_efficiencies():
    signal, background = binormal(numpy.random.default_rng(10), 2000)
    ones, twos = numpy.ones(2000), numpy.full(2000, 2.0)
    for function in (roc.signal_efficiencies, roc.background_rejections):
        plain = numpy.array(function(signal, background))
        assert numpy.array(function(signal, background, ones, twos)) == pytest.approx(plain, nan_ok=True)


def test_too_few_background_events_give_no_efficiency():
    signal, background = binormal(numpy.random.default_rng(11), 5000)
    thousandth, hundredth, _, _ = roc.signal_efficiencies(signal, background)
    assert numpy.isnan(thousandth).all()
    assert hundredth.low < hundredth.value < hundredth.high
    # A few heavy events are worth no more.
    heavy = numpy.where(numpy.arange(5000) < 20, 1000.0, 1.0)
    assert numpy.isnan(roc.signal_efficiencies(signal, background, None, heavy)[1]).all()


def test_efficiencies_of_certain_and_of_constant_scores():
    certain = roc.signal_efficiencies(numpy.full(500, 1.0), numpy.zeros(500))[3]
    assert (certain.value, certain.high) == (1.0, 1.0)
    assert certain.low == pytest.approx(1 - 1 / 501)
    constant = roc.signal_efficiencies(numpy.ones(500), numpy.ones(500), at=(0.3,))[0]
    assert constant.value == pytest.approx(0.3)


@pytest.mark.parametrize("weighted", [False, True])
def test_efficiencies_are_covered(weighted):
    generator = numpy.random.default_rng(23)
    events, distance = 2000, 1.5
    at, kept = (0.01, 0.1, 0.3), (0.3, 0.5, 0.7, 0.9)
    efficiency = stats.norm.sf(stats.norm.isf(at) - distance)
    rejection = stats.norm.cdf(stats.norm.isf(kept) + distance)
    covered = numpy.zeros(len(at) + len(kept))
    for _ in range(1000):
        signal, background = binormal(generator, events, distance)
        v, w = generator.uniform(0.2, 3.0, (2, events)) if weighted else (None, None)
        compared = roc.signal_efficiencies(signal, background, v, w, at=at)
        compared += roc.background_rejections(signal, background, v, w, at=kept)
        _, low, high = numpy.transpose(compared)
        true = numpy.concatenate([efficiency, rejection])
        covered += (low <= true) & (true <= high)
    # Each of seven has a standard deviation of 1.5 %.
    assert (covered / 1000 > 0.61).all()
    assert (covered / 1000 < 0.75).all()


def test_overtraining_probability_is_roots():
    ROOT = pytest.importorskip("ROOT")  # noqa: N806
    generator = numpy.random.default_rng(12)
    for shift, digits in ((0.0, None), (0.1, None), (0.3, 1)):
        train, test = generator.normal(0.0, 1.0, 300), generator.normal(shift, 1.0, 500)
        if digits is not None:
            train, test = train.round(digits), test.round(digits)
        expected = ROOT.TMath.KolmogorovTest(300, numpy.sort(train), 500, numpy.sort(test), "")
        assert roc.kolmogorov_probability(train, test) == pytest.approx(expected, rel=1e-6)


def test_overtraining_probability_of_equal_and_of_different_scores():
    generator = numpy.random.default_rng(13)
    scores = generator.normal(size=1000)
    assert roc.kolmogorov_probability(scores, scores) == 1.0
    assert roc.kolmogorov_probability(scores, scores + 0.3) < 1e-6
    assert math.isnan(roc.kolmogorov_probability(scores[:2], scores))
    with pytest.raises(UserError, match="test.*sum to 0"):
        roc.kolmogorov_probability(scores, scores, None, numpy.zeros(1000))


@pytest.mark.parametrize("negative", [False, True])
def test_overtraining_probability_is_even_where_nothing_is_overtrained(negative):
    generator = numpy.random.default_rng(24)
    weights = (
        (lambda n: generator.choice([-1.0, 1.0, 2.0], n)) if negative else (lambda n: generator.uniform(0.2, 3.0, n))
    )
    compared = [
        roc.kolmogorov_probability(generator.normal(size=500), generator.normal(size=700), weights(500), weights(700))
        for _ in range(400)
    ]
    assert stats.kstest(compared, "uniform").pvalue > 0.01


def test_a_curve_falls_through_negative_weights_alone():
    generator = numpy.random.default_rng(12)
    signal, background = binormal(generator, 500)
    assert roc.fall(signal, background) == 0
    weights = numpy.where(generator.uniform(size=500) < 0.45, -1.0, 1.0)
    order = numpy.argsort(-signal)
    passed = numpy.cumsum(weights[order]) / weights.sum()
    largest = max(max(0.0, *passed[:n]) - passed[n] for n in range(1, 500))
    assert roc.fall(signal, background, weights, None) == pytest.approx(largest)
    assert roc.fall(background, signal, None, weights) == pytest.approx(largest)


def test_weights_of_single_precision_are_summed_in_double():
    random = numpy.random.default_rng(3)
    placed = roc.placements(random.normal(1, 1, 1000), random.normal(size=900))
    weights = (1e34 * random.lognormal(size=1000)).astype(numpy.float32)
    assert roc.value_of(placed, weights) == roc.area_of(placed, weights.astype(float)).value
