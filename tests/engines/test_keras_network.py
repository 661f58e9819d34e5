"""The network in Keras against TMVA's formulas in numpy: outputs, one step of training, first weights, dropout.

All of it is computed by each backend in a process of its own (this file as a script: ``BACKEND FOLDER``), which
leaves ``measured.json``; the tests compare.
"""

import dataclasses
import functools
import importlib.util
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy
import pytest
from scipy import stats
from scipy.special import expit

from tmva_bench.basis import config, mapping, parsing
from tmva_bench.engines import keras_network, keras_training

INPUTS, EVENTS, RATE, DECAY = 3, 12, 1.0, 0.02
ACTIVATIONS = {
    "linear": lambda x: x,
    "relu": lambda x: numpy.maximum(x, 0),
    "tanh": numpy.tanh,
    "sigmoid": expit,
    "softsign": lambda x: x / (1 + abs(x)),
    "symmrelu": abs,
    "gauss": lambda x: numpy.exp(-(x**2)),
}
CASES = {
    **{name: {"activation": name} for name in ACTIVATIONS},
    "no hidden layer": {"layers": 0},
    "squares of a sigmoid": {"loss": "sum_of_squares", "last_activation": "sigmoid"},
    "squares of a line": {"loss": "sum_of_squares", "last_activation": "linear", "activation": "gauss"},
    "l1": {"regularization": "l1", "weight_decay": DECAY},
    "l2": {"regularization": "l2", "weight_decay": DECAY, "activation": "symmrelu"},
}
NET = {"neurons": 4, "layers": 2, "initializer": "zero", "learning_rate": RATE}
POINTS = {name: parsing.point({**NET, **values}) for name, values in CASES.items()}
# Compiled anew for each network, JAX is slow; what is left out here, the replayed trainings have.
SINGLE = {"jax": ("tanh", "softsign", "squares of a line", "l2"), "tensorflow": tuple(POINTS)}
PAIR = {
    "jax": ("tanh",),
    "tensorflow": ("tanh", "no hidden layer", "squares of a sigmoid", "squares of a line", "l1", "l2"),
}
STORED = {"single": "symmrelu", "pair": "squares of a line"}

# Asymmetric, so that the number of inputs and the mean of inputs and outputs can be told apart.
WIDE = parsing.point({"neurons": 250, "layers": 1})
WIDE_INPUTS = 150
DISTRIBUTIONS = {
    "gauss": stats.norm(scale=(2 / 150) ** 0.5),
    "uniform": stats.uniform(-((2 / 150) ** 0.5), 2 * (2 / 150) ** 0.5),
    "xavier": stats.truncnorm(-2, 2, scale=(6 / 400) ** 0.5),
    "xavier_uniform": stats.uniform(-((6 / 400) ** 0.5), 2 * (6 / 400) ** 0.5),
}

# Linear through and through, one neuron a layer, all weights 1: what comes out tells what was dropped where.
DROP = {"activation": "linear", "loss": "sum_of_squares", "last_activation": "linear", "neurons": 1, "layers": 2}
DROP_PROBABILITY = 0.25
DROP_EVENTS = 4000

# 104 training events in batches of 10, of the 26 for validation 20 are used.
BATCHES = parsing.point({"neurons": 4, "layers": 1, "batch_size": 10, "max_epochs": 1, "learning_rate": 0.01})
BATCH_EVENTS, TRAINING_EVENTS = 130, 104


def sample(events=EVENTS):
    """Events, targets and weights."""
    random = numpy.random.default_rng(5)
    x = random.normal(size=(events, INPUTS)).astype(numpy.float32)
    y = numpy.arange(events, dtype=numpy.float32)[:, None] % 2
    return x, y, random.uniform(0.2, 3, events).astype(numpy.float32)


def first_weights(point):
    random = numpy.random.default_rng(6)
    widths = [INPUTS] + [point.neurons] * point.layers + [1]
    return [
        (random.normal(0, 0.7, size=shape).astype(numpy.float32), random.normal(size=shape[1]).astype(numpy.float32))
        for shape in zip(widths[:-1], widths[1:], strict=True)
    ]


def one_hot(y):
    return numpy.hstack([y, 1 - y])


# Computed by the backend.


def step(keras, point, build, targets):
    """Outputs before a step of SGD over all events at once, and the weights and losses around it."""
    x, y, w = sample()
    model = build(keras, mapping.training(point), INPUTS)
    model.run_eagerly = keras.backend.backend() == "tensorflow"  # the quicker way on each
    keras_network.set_weights(model, first_weights(point))
    outputs = numpy.asarray(model(x))
    before, parameters = model.get_weights(), keras_network.trainable_parameters(model)
    term = (
        keras_network.regularization_term(model, mapping.training(point).phases[0])
        if build is keras_network.build
        else None
    )
    loss = model.train_on_batch(x, targets(y), sample_weight=w, return_dict=True)["loss"]
    return {
        "outputs": outputs,
        "parameters": parameters,
        "before": before,
        "after": model.get_weights(),
        "loss": float(loss),
        "term": term,
    }


def stored(keras, point, build, folder):
    """Outputs of a model, and of what is read back from its file by a process that knows the activations or not."""
    x = sample()[0]
    model = build(keras, mapping.training(point), INPUTS)
    path = folder / ("model.keras" if hasattr(keras, "ops") else "model.h5")
    model.save(path)
    keras.saving.get_custom_objects().clear()
    keras_network.activation_layers.cache_clear()
    try:
        keras.models.load_model(path)
        without = "loaded"
    except (TypeError, ValueError) as error:
        without = str(error)
    keras_network.activation_layers(keras)
    loaded = keras.models.load_model(path)
    return {"without": without, "outputs": numpy.asarray(model(x)), "loaded": numpy.asarray(loaded(x))}


def draw(keras, initializer, build=keras_network.build, **changes):
    """Weights and biases as the model is made with them."""
    point = dataclasses.replace(WIDE, initializer=initializer, **changes)
    return build(keras, mapping.training(point), WIDE_INPUTS).get_weights()


def dropped(keras, build, seed=1, **values):
    """The first output for inputs of 1, in training and not."""
    point = parsing.point({**DROP, "dropout": DROP_PROBABILITY, "seed": seed, **values})
    model = build(keras, mapping.training(point), 1)
    one = numpy.ones((1, 1)), numpy.zeros(1)
    keras_network.set_weights(model, [one] * (point.layers + 1))
    x = numpy.ones((DROP_EVENTS, 1), numpy.float32)
    return {
        "training": numpy.asarray(model(x, training=True))[:, 0],
        "testing": numpy.asarray(model(x, training=False))[:, 0],
    }


def fitted(keras, model, spoil):
    """The losses of an epoch where the events that ``spoil`` picks are not a number, and the epoch kept."""
    from tmva_bench.engines import tmva_random

    events = keras_training.Arrays(*sample(BATCH_EVENTS))
    order = tmva_random.epoch_order(TRAINING_EVENTS, BATCHES.seed).next()
    events.x[spoil(order)] = math.nan
    keras_network.set_weights(model, first_weights(BATCHES))
    training = mapping.training(BATCHES)
    random = tmva_random.WeightGenerator(training, INPUTS)
    fit = keras_training.fit(keras, model, training, events, random)
    (epoch,) = fit.history
    return [epoch.training_loss, epoch.validation_loss, fit.best_epoch]


def measure(keras, backend, folder):
    single, pair = keras_network.build, keras_network.build_for_pykeras
    square = {"neurons": WIDE_INPUTS, "layers": 2}
    in_batches = single(keras, mapping.training(BATCHES), INPUTS)
    return {
        "single": {name: step(keras, POINTS[name], single, lambda y: y) for name in SINGLE[backend]},
        "pair": {name: step(keras, POINTS[name], pair, one_hot) for name in PAIR[backend]},
        "stored single": stored(keras, POINTS[STORED["single"]], single, folder),
        "stored pair": stored(keras, POINTS[STORED["pair"]], pair, folder),
        "drawn": {name: draw(keras, name) for name in config.INITIALIZERS},
        "drawn square": draw(keras, "uniform", **square),
        "drawn again": draw(keras, "uniform", **square),
        "drawn pair": draw(keras, "uniform", pair, **square),
        "drawn by seed 2": draw(keras, "uniform", seed=2, **square),
        "dropped single": dropped(keras, single),
        "dropped pair": dropped(keras, pair),
        "dropped by seed 2": dropped(keras, single, seed=2),
        "dropped without hidden layers": dropped(keras, single, layers=0),
        "fitted": fitted(keras, in_batches, lambda order: []),
        "fitted, rest spoilt": fitted(
            keras, in_batches, lambda order: [*order[100:], *range(TRAINING_EVENTS + 20, BATCH_EVENTS)]
        ),
        "fitted, training spoilt": fitted(keras, in_batches, lambda order: order[99]),
        "fitted, validation spoilt": fitted(keras, in_batches, lambda order: TRAINING_EVENTS + 19),
    }


def main():
    import ROOT

    ROOT.gROOT.GetVersion()
    import keras

    backend, folder = sys.argv[1], Path(sys.argv[2])
    assert keras.backend.backend() == backend
    text = json.dumps(measure(keras, backend, folder), default=lambda array: array.tolist())
    (folder / "measured.json").write_text(text)
    os._exit(0)


# TMVA's side, in float64.


def forward(point, weights, x):
    """The network's output before its last activation, shape (events,)."""
    for number, (kernel, bias) in enumerate(weights):
        x = x @ kernel + bias
        if number < point.layers:
            x = ACTIVATIONS[point.activation](x)
    return x[:, 0]


def tmva_loss(point, weights):
    """The loss of one batch as MethodDL computes it, the regularization term with it."""
    x, y, w = (array.astype(float) for array in sample())
    z, y = forward(point, weights, x), y[:, 0]
    if point.loss == "cross_entropy":
        losses = -y * numpy.log(expit(z)) - (1 - y) * numpy.log(1 - expit(z))
    else:
        losses = (ACTIVATIONS[point.last_activation](z) - y) ** 2
    return (w * losses).sum() / len(w) + tmva_term(point, weights)


def tmva_term(point, weights):
    measure = {"none": lambda kernel: 0 * kernel, "l1": abs, "l2": lambda kernel: kernel**2}[point.regularization]
    return point.weight_decay * sum(measure(kernel.astype(float)).sum() for kernel, _ in weights)


def tmva_gradient(point):
    """The gradient of the loss by differences, in the order of the weights."""
    flat = [array.astype(float) for pair in first_weights(point) for array in pair]
    gradient = [numpy.empty_like(array) for array in flat]
    for array, slopes in zip(flat, gradient, strict=True):
        for index in numpy.ndindex(array.shape):
            centre, losses = array[index], []
            for shift in (1e-6, -1e-6):
                array[index] = centre + shift
                losses.append(tmva_loss(point, list(zip(flat[::2], flat[1::2], strict=True))))
            array[index] = centre
            slopes[index] = (losses[0] - losses[1]) / 2e-6
    return gradient


def loss_of(point):
    return tmva_loss(point, [(kernel.astype(float), bias.astype(float)) for kernel, bias in first_weights(point)])


@pytest.fixture(scope="session")
def computed(tmp_path_factory):
    """Gives what a backend computes, which it does once."""

    @functools.cache
    def compute(backend):
        folder = tmp_path_factory.mktemp(backend)
        environment = {**os.environ, "KERAS_BACKEND": backend, "CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}
        environment["XLA_FLAGS"] = "--xla_backend_optimization_level=0"  # networks this small are all compilation
        with (folder / "log.txt").open("w") as log:
            command = [sys.executable, __file__, backend, str(folder)]
            child = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, env=environment, check=False)
        assert child.returncode == 0, (folder / "log.txt").read_text()
        return json.loads((folder / "measured.json").read_text())

    return compute


@pytest.fixture(params=["jax", "tensorflow"])
def measured(request, computed):
    """What a backend computes."""
    if importlib.util.find_spec(request.param) is None:
        pytest.skip(f"needs {request.param}")
    return computed(request.param)


def each(networks):
    """Runs a test for every backend with every network that it computes."""
    pairs = [(backend, name) for backend, names in networks.items() for name in names]
    return pytest.mark.parametrize(("measured", "name"), pairs, indirect=["measured"])


@each(SINGLE)
def test_output_is_that_of_tmvas_formulas(measured, name):
    point = POINTS[name]
    z = forward(point, first_weights(point), sample()[0].astype(float))
    last = "linear" if point.loss == "cross_entropy" else point.last_activation
    assert numpy.array(measured["single"][name]["outputs"])[:, 0] == pytest.approx(ACTIVATIONS[last](z), abs=2e-6)


@each(PAIR)
def test_two_outputs_are_the_classifier_and_its_complement(measured, name):
    point = POINTS[name]
    z = forward(point, first_weights(point), sample()[0].astype(float))
    signal, background = numpy.array(measured["pair"][name]["outputs"]).T
    assert signal == pytest.approx(ACTIVATIONS[point.last_activation](z), abs=2e-6)
    assert background == pytest.approx(1 - signal, abs=1e-6)


@each(SINGLE)
def test_one_step_of_sgd_is_the_gradient_of_tmvas_loss(measured, name):
    """With event weights, and for every activation: the sum over events is divided by their number alone."""
    check_step(measured["single"][name], POINTS[name])


@each(PAIR)
def test_one_step_with_two_outputs_is_the_same(measured, name):
    check_step(measured["pair"][name], POINTS[name])


def check_step(text, point):
    assert text["loss"] == pytest.approx(loss_of(point), abs=5e-6)
    for before, after, slopes in zip(text["before"], text["after"], tmva_gradient(point), strict=False):
        moved = (numpy.array(before) - numpy.array(after)) / RATE
        assert moved == pytest.approx(slopes, abs=1e-5)


@each(PAIR)
def test_both_networks_have_the_same_parameters_to_train(measured, name):
    point, single, pair = POINTS[name], measured["single"][name], measured["pair"][name]
    expected = sum(kernel.size + bias.size for kernel, bias in first_weights(point))
    assert single["parameters"] == pair["parameters"] == expected
    # The fixed layer comes on top and stays.
    assert len(pair["before"]) == len(single["before"]) + 2
    assert pair["before"][:-2] == single["before"]
    assert pair["after"][-2:] == pair["before"][-2:]


@each({"jax": ["tanh", "l2"], "tensorflow": ["tanh", "l1", "l2"]})
def test_regularization_term_is_of_the_weights_alone(measured, name):
    expected = tmva_term(POINTS[name], first_weights(POINTS[name]))
    assert measured["single"][name]["term"] == pytest.approx(expected, rel=1e-6)
    assert (expected > 0) == (name != "tanh")


@pytest.mark.parametrize(("model", "layer"), [("single", "SymmRelu"), ("pair", "Gauss")])
def test_a_stored_model_loads_once_tmvas_activations_are_known(measured, model, layer):
    text = measured[f"stored {model}"]
    assert layer in text["without"]
    assert text["loaded"] == text["outputs"]


@pytest.mark.parametrize("initializer", DISTRIBUTIONS)
def test_first_weights_are_drawn_as_tmva_draws_them(measured, initializer):
    kernel, bias, last_kernel, last_bias = map(numpy.array, measured["drawn"][initializer])
    expected = DISTRIBUTIONS[initializer]
    assert kernel.shape == (WIDE_INPUTS, WIDE.neurons)
    assert not bias.any()
    assert not last_bias.any()
    assert kernel.mean() == pytest.approx(0, abs=5 * expected.std() / kernel.size**0.5)
    assert kernel.std() == pytest.approx(expected.std(), rel=0.02)
    low, high = expected.support()
    assert low * (1 + 1e-6) <= kernel.min()
    assert kernel.max() <= high * (1 + 1e-6)
    assert stats.kstest(kernel.ravel(), expected.cdf).pvalue > 1e-6
    # The last layer: 250 inputs, 1 output.
    ratio = {"fan_in": (150 / 250) ** 0.5, "fan_avg": (400 / 251) ** 0.5}
    mode = "fan_avg" if "xavier" in initializer else "fan_in"
    assert last_kernel.std() == pytest.approx(expected.std() * ratio[mode], rel=0.15)


def test_first_weights_zero_and_identity(measured):
    for initializer, first in (("zero", 0 * numpy.eye(150, 250)), ("identity", numpy.eye(150, 250))):
        kernel, bias, last_kernel, _ = map(numpy.array, measured["drawn"][initializer])
        assert (kernel == first).all()
        assert not bias.any()
        assert (last_kernel == first[:1, :1] * numpy.eye(250, 1)).all()


def test_first_weights_depend_on_seed_and_layer_alone(measured):
    drawn = measured["drawn square"]
    assert measured["drawn again"] == drawn
    assert measured["drawn pair"][:-2] == drawn
    assert measured["drawn by seed 2"][0] != drawn[0]
    assert drawn[0] != drawn[2]


@pytest.mark.parametrize("model", ["single", "pair"])
def test_dropout_stands_behind_each_hidden_layer(measured, model):
    keep = 1 - DROP_PROBABILITY
    training = numpy.array(measured[f"dropped {model}"]["training"])
    kept = training != 0
    # Two layers, each drops on its own and scales what it keeps; neither the inputs nor the output are dropped.
    assert training[kept] == pytest.approx(1 / keep**2, rel=1e-6)
    assert kept.mean() == pytest.approx(keep**2, abs=5 * (keep**2 * (1 - keep**2) / DROP_EVENTS) ** 0.5)
    assert set(measured[f"dropped {model}"]["testing"]) == {1.0}


def test_dropout_depends_on_the_seed(measured):
    assert measured["dropped single"]["training"] == measured["dropped pair"]["training"]
    assert measured["dropped single"]["training"] != measured["dropped by seed 2"]["training"]


def test_nothing_is_dropped_without_hidden_layers(measured):
    assert set(measured["dropped without hidden layers"]["training"]) == {1.0}


def test_events_beyond_the_last_whole_batch_are_not_used(measured):
    clean = measured["fitted"]
    assert all(map(math.isfinite, clean))
    assert measured["fitted, rest spoilt"] == pytest.approx(clean, abs=1e-6)
    assert clean[-1] == 1
    for where in ("training", "validation"):
        *losses, kept = measured[f"fitted, {where} spoilt"]
        assert any(map(math.isnan, losses))
        assert kept == 0


if __name__ == "__main__":
    main()
