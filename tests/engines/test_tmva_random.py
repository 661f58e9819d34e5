import math
import sys

import numpy
import pytest
from double import recordings
from points import recorded

from tmva_bench.basis import config, mapping, parsing
from tmva_bench.engines import tmva_files, tmva_weights
from tmva_bench.errors import Unavailable

pytest.importorskip("ROOT")
from tmva_bench.engines import tmva_random
from tmva_bench.events import normalisation

VARIABLES = ["var1", "var2", "var3", "var4"]
WITH_ORDER = ["dnn-seed-preset", "unequal-classes", "norm-equal-unequal-classes"]
INITIAL = ["dnn-init-gauss", "dnn-init-uniform", "dnn-init-xavier", "dnn-init-xavieruniform"]


def stacked(events: recordings.Events, trees: list[str]) -> tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray]:
    """Variables, weights and class (0 signal, 1 background) of signal followed by background."""
    variables = numpy.concatenate([numpy.stack([events[tree][name] for name in VARIABLES], axis=1) for tree in trees])
    weights = numpy.concatenate([events[tree]["weight"] for tree in trees])
    return variables, weights, numpy.repeat([0, 1], [len(events[tree]["weight"]) for tree in trees])


@pytest.mark.parametrize("name", WITH_ORDER)
@pytest.mark.parametrize("tree", ["TrainTree", "TestTree"])
def test_events_stand_in_the_order_of_tmvas_trees(name: str, tree: str) -> None:
    events = recordings.read_events(recordings.input_file(name), tuple(VARIABLES))
    counts = {count: len(events[source]["weight"]) for count, source in config.COUNTS.items()}
    training, test = tmva_random.event_orders(**counts, split_seed=100)
    order, trees = (training, ["TrainS", "TrainB"]) if tree == "TrainTree" else (test, ["TestS", "TestB"])
    variables, weights, classes = stacked(events, trees)
    if tree == "TrainTree":
        weights = numpy.concatenate(
            normalisation.normalise(recorded(name).norm_mode, [weights[classes == 0], weights[classes == 1]])
        )

    theirs = tmva_files.read_sample(str(recordings.FOLDER / name / "TMVA.root"), tree, VARIABLES, "Method")
    assert numpy.array_equal(theirs.variables, variables[order])
    assert numpy.array_equal(theirs.class_id, classes[order])
    assert numpy.array_equal(theirs.weights, weights[order])


@pytest.mark.parametrize("name", INITIAL)
def test_initial_weights_are_tmvas(name: str) -> None:
    """The weight file holds those after one epoch at a rate of 1e-4."""
    ours = tmva_random.WeightGenerator(mapping.training(recorded(name)), len(VARIABLES)).weights
    theirs = tmva_weights.network(tmva_weights.parse(recordings.weight_file(name)))
    assert [kernel.shape for kernel, _ in ours] == [(4, 200), (200, 200), (200, 1)]
    for (kernel, bias), layer in zip(ours, theirs, strict=True):
        assert numpy.abs(kernel.T - layer.weights).max() < 1e-3
        assert numpy.abs(bias - layer.biases).max() < 1e-3


def wide(initializer: str) -> list[numpy.ndarray]:
    point = parsing.point({"initializer": initializer, "neurons": 200, "layers": 2})
    layers = tmva_random.WeightGenerator(mapping.training(point), 50).weights
    assert all(kernel.dtype == bias.dtype == numpy.float32 and not bias.any() for kernel, bias in layers)
    return [kernel for kernel, _ in layers]


@pytest.mark.parametrize(
    ("initializer", "sigma", "largest"),
    [
        ("gauss", (2 / 50) ** 0.5, math.inf),
        ("uniform", (2 / 50 / 3) ** 0.5, (2 / 50) ** 0.5),
        ("xavier", (6 / 250) ** 0.5 * 0.87962566, 2 * (6 / 250) ** 0.5),
        ("xavier_uniform", (2 / 250) ** 0.5, (6 / 250) ** 0.5),
    ],
)
def test_initial_weights_have_the_spread_of_their_distribution(initializer: str, sigma: float, largest: float) -> None:
    first = wide(initializer)[0]
    assert abs(first.std() / sigma - 1) < 0.03
    assert abs(first.mean()) < 4 * sigma / 100
    assert numpy.abs(first).max() <= numpy.float32(largest)
    assert numpy.abs(first).max() > 1.9 * sigma or initializer.endswith("uniform")


def test_zero_and_identity() -> None:
    assert not any(kernel.any() for kernel in wide("zero"))
    for kernel in wide("identity"):
        assert numpy.array_equal(kernel, numpy.eye(*kernel.shape))


def test_a_net_without_hidden_layers_has_one_layer_of_weights() -> None:
    [(kernel, bias)] = tmva_random.WeightGenerator(mapping.training(parsing.point({"layers": 0})), 3).weights
    assert kernel.shape == (3, 1)
    assert bias.shape == (1,)


def test_the_seed_decides_the_initial_weights() -> None:
    one, again, two = (
        tmva_random.WeightGenerator(mapping.training(parsing.point({"seed": seed})), 4).weights for seed in (1, 1, 2)
    )
    assert all(numpy.array_equal(left[0], right[0]) for left, right in zip(one, again, strict=True))
    assert not any(numpy.array_equal(left[0], right[0]) for left, right in zip(one, two, strict=True))


def test_every_epoch_shuffles_the_order_of_the_one_before() -> None:
    order = tmva_random.epoch_order(1000, 1)
    epochs = [order.next() for _ in range(3)]
    for epoch in epochs:
        assert epoch.dtype == numpy.int64
        assert numpy.array_equal(numpy.sort(epoch), numpy.arange(1000))
    assert not any((left == right).all() for left, right in zip(epochs[:-1], epochs[1:], strict=True))

    again = tmva_random.epoch_order(1000, 1)
    assert all(numpy.array_equal(again.next(), epoch) for epoch in epochs)
    assert not numpy.array_equal(tmva_random.epoch_order(1000, 2).next(), epochs[0])


def test_restarted_indices_begin_in_their_natural_order_with_the_generator_going_on() -> None:
    once, twice, fresh = (tmva_random.Shuffler(20, 5) for _ in range(3))
    first = once.next()
    assert numpy.array_equal(twice.next(), first)
    twice.restart(20)
    # One shuffle is one permutation: applied to the first order, or to the natural one.
    assert numpy.array_equal(once.next(), first[twice.next()])
    fresh.restart(30)
    assert numpy.array_equal(numpy.sort(fresh.next()), numpy.arange(30))


def test_a_root_that_cannot_compile_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interpreter:
        def Declare(self, code: str) -> bool:
            return False

    class Root:
        gInterpreter = Interpreter()

    monkeypatch.setitem(sys.modules, "ROOT", Root())
    with pytest.raises(Unavailable, match="C\\+\\+"):
        tmva_random.Shuffler(3, 1)
