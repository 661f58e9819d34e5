"""Verdicts on real trainings of one network: the same series on both sides, so a difference is a mistake."""

import importlib.util
import sys

import many_trainings
import numpy
import pytest

from tmva_bench.compare import verdict
from tmva_bench.events import inputs, roc, samples

SPLITS = 20
PAIRS = 10  # on each split
REPETITIONS = 3  # on each side of a pair
POINT = {"neurons": 10, "layers": 2, "max_epochs": 12, "batch_size": 50, "transformations": "N", "learning_rate": 0.5}
EVENTS = {"train_signal": 1000, "train_background": 1000, "test_signal": 2000, "test_background": 2000}


@pytest.mark.slow
def test_the_same_network_is_seldom_called_different(tmp_path, record_property):
    """200 pairs of 3 trainings against 3 others, seeds all different: 10 pairs on each of 20 sets of events.

    No training stands in two pairs (1200 in all); the 10 pairs on one set share its training and test events, as the
    series of a study do. The verdict holds for trainings on these events, so that is what it must get right.
    """
    if importlib.util.find_spec("jax") is None:
        pytest.skip("needs jax")
    files = [tmp_path / f"input{seed}.root" for seed in range(1, SPLITS + 1)]
    for seed, path in enumerate(files, 1):
        inputs.write(samples.rings(variables=3, seed=seed, **EVENTS), path)
    many_trainings.start(tmp_path, POINT, files, 2 * PAIRS * REPETITIONS)
    pairs = [pair for number in range(SPLITS) for pair in compared(numpy.load(tmp_path / f"{number}.npz"))]
    different = sum(pair.verdict == verdict.DIFFERENT for pair in pairs)
    by_delong_alone = sum(abs(pair.difference) > 1.96 * pair.test_error for pair in pairs)
    record_property("different", different)
    sys.stdout.write(
        f"{len(pairs)} pairs of one network with itself: {different} called different at 95 %, "
        f"{by_delong_alone} by the paired DeLong test alone\n"
    )
    assert len(pairs) == 200
    assert different / 200 <= 0.08
    # The test means something: these trainings differ by more than their test events tell.
    assert by_delong_alone / 200 > 0.2


def compared(scores):
    """The comparisons of one set of events."""
    signal, background = scores["TestS"], scores["TestB"]
    weights = numpy.ones(signal.shape[1]), numpy.ones(background.shape[1])
    sides = [
        verdict.side(
            ((n + 1, roc.placements(signal[first + n], background[first + n])) for n in range(REPETITIONS)), *weights
        )
        for first in range(0, len(signal), REPETITIONS)
    ]
    return [verdict.compare_areas(one, other) for one, other in zip(sides[::2], sides[1::2], strict=True)]
