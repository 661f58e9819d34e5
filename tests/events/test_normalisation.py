"""Weights of the training events scaled as TMVA's NormMode does it, and what is computed from them."""

import xml.etree.ElementTree

import numpy
import pytest
from double import recordings
from hypothesis import given
from hypothesis import strategies as st

from tmva_bench.basis import config
from tmva_bench.events import normalisation, transforms

VARIABLES = ("var1", "var2", "var3", "var4")
MODES = {
    "norm-equal": "equal_num_events",
    "norm-equal-unequal-classes": "equal_num_events",
    "norm-num": "num_events",
    "unequal-classes": "none",
}


@pytest.mark.parametrize("name", MODES)
def test_decorrelation_is_that_of_the_scaled_weights(name: str) -> None:
    """TMVA's matrix for all classes, from the input file; with other weights it differs."""
    events = recordings.read_events(recordings.input_file(name), VARIABLES)
    trees = ["TrainS", "TrainB"]
    x = numpy.concatenate([numpy.stack([events[tree][v] for v in VARIABLES], axis=1) for tree in trees])
    root = xml.etree.ElementTree.parse(recordings.weight_file(name)).getroot()
    (*_, theirs) = root.findall("Transformations/Transform[@Name='Decorrelation']/Matrix")
    matrix = numpy.array(theirs.text.split(), float).reshape(4, 4)

    def difference(mode: str) -> float:
        weights = normalisation.normalise(mode, [events[tree]["weight"] for tree in trees])
        chain = transforms.Chain(["N", "D"], x, numpy.concatenate(weights))
        return float(numpy.abs(transforms.affine(chain.steps[1], 4)[0] - matrix).max())

    assert difference(MODES[name]) < 1e-6
    if MODES[name] == "equal_num_events":
        assert difference("none") > 1e-3


positive = st.lists(st.floats(2.0**-30, 2.0**30, width=32), min_size=1, max_size=50)


@given(positive, positive, st.sampled_from([1.0, 2.0**-40, 2.0**30]), st.sampled_from(config.NORM_MODES))
def test_sums_are_numbers_of_events_and_the_scale_of_a_class_drops_out(
    signal: list[float], background: list[float], scale: float, mode: str
) -> None:
    classes = [numpy.array(values, numpy.float32) for values in (signal, background)]
    normalised = normalisation.normalise(mode, classes)
    assert [weights.dtype for weights in normalised] == [numpy.float32] * 2
    if mode == "none":
        assert all(map(numpy.array_equal, normalised, classes))
        return
    wanted = [len(signal), len(signal) if mode == "equal_num_events" else len(background)]
    assert [weights.sum(dtype=float) for weights in normalised] == pytest.approx(wanted, rel=1e-5)
    again = normalisation.normalise(mode, [classes[0] * numpy.float32(scale), classes[1]])
    assert all(map(numpy.array_equal, again, normalised))


@pytest.mark.parametrize("mode", ["equal_num_events", "num_events"])
def test_one_class_has_a_mean_of_one(mode: str) -> None:
    [weights] = normalisation.normalise(mode, [numpy.array([0.5, 1.5, 4.0], numpy.float32)])
    assert weights.tolist() == [0.25, 0.75, 2.0]
