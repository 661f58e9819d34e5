"""Correlations of the input variables."""

import numpy
import pytest

from tmva_bench.events.correlations import correlations


def test_correlations_are_those_of_the_weighted_events():
    random = numpy.random.default_rng(2)
    events = random.multivariate_normal([0, 5], [[1, 0.6], [0.6, 1]], size=500).astype(numpy.float32)
    weights = random.integers(1, 4, size=500).astype(numpy.float32)
    repeated = numpy.repeat(events, weights.astype(int), axis=0)
    assert correlations(events, weights) == pytest.approx(numpy.corrcoef(repeated.T), abs=1e-5)


def test_a_constant_has_none():
    events = numpy.array([[1.0, 5.0], [2.0, 5.0], [4.0, 5.0]])
    assert numpy.isnan(correlations(events, numpy.ones(3))).tolist() == [[False, True], [True, True]]
