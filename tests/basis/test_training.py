import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmva_bench.basis.training import Epoch, epochs_time


def history(times):
    return [Epoch(number + 1, 0.5, 0.5, time) for number, time in enumerate(times)]


@given(st.floats(0, 1e6), st.lists(st.just(0.25), min_size=1, max_size=50))
def test_the_first_epoch_counts_as_one_of_the_others(first, others):
    assert epochs_time(history([first, *others])) == pytest.approx(0.25 * (1 + len(others)))


@pytest.mark.parametrize("times", [[], [1.0], [math.nan, math.nan]])
def test_what_is_not_timed_is_not_known(times):
    assert math.isnan(epochs_time(history(times)))
