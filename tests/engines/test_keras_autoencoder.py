"""Trainings of the autoencoder: TMVA's own recorded one repeated, PCA reached and beaten, tied weights, corruption."""

import importlib.util
import json

import numpy
import pytest
from autoencoders import start
from conftest import VARIABLES
from double import recordings

from tmva_bench.basis import autoencoder
from tmva_bench.engines import encoder, keras_autoencoder, tmva_files, tmva_weights
from tmva_bench.events import inputs, samples

pytestmark = pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="needs jax")
RECORDED = recordings.FOLDER / "autoencoder-regression"
DEEP = {"Layout": "RELU|50,RELU|50,LINEAR|k,RELU|50,RELU|50,LINEAR"}
FAST = "LearningRate=0.003,BatchSize=100"
SHORT = {"TrainingStrategy": "MaxEpochs=2"}
LEVELS = {"TrainingStrategy": "LearningRate=0.01,BatchSize=50,MaxEpochs=10", "Pretraining": "True"}
EVENTS = {"train_signal": 2500, "train_background": 2500, "test_signal": 4000, "test_background": 4000}
AS_RECORDED = {
    "k": 2,
    "options": {
        "Layout": "TANH|16,TANH|k,TANH|16,LINEAR",
        "TrainingStrategy": "MaxEpochs=20,ConvergenceSteps=100",
    },
}


@pytest.fixture(scope="session")
def input_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    samples_by_name = {
        "gauss": samples.gauss(variables=5, correlation=0.6, weights="random", **EVENTS),
        "rings": samples.rings(**EVENTS),
        "swissroll": samples.swissroll(**EVENTS),
        "small": samples.gauss(train_signal=500, train_background=500, test_signal=300, test_background=300),
    }
    for name, sample in samples_by_name.items():
        inputs.write(sample, folder / f"{name}.root")
    return {name: str(folder / f"{name}.root") for name in samples_by_name}


@pytest.fixture(scope="session")
def trained(tmp_path_factory, recorded_input, input_files):
    """Every training of this file on JAX, by name."""
    linear = {"Layout": "LINEAR|k,LINEAR", "TrainingStrategy": "LearningRate=0.01,BatchSize=100,MaxEpochs=60"}
    small = {"input": input_files["small"], "k": 2}
    plan = {
        "recorded": {**AS_RECORDED, "input": recorded_input("dnn-seed-preset")},
        "linear": {"input": input_files["gauss"], "k": 2, "options": linear},
        "linear tied": {"input": input_files["gauss"], "k": 3, "options": {**linear, "Tied": "True"}},
        "rings": {
            "input": input_files["rings"],
            "k": 1,
            "options": {**DEEP, "TrainingStrategy": f"{FAST},MaxEpochs=20"},
        },
        "swissroll": {
            "input": input_files["swissroll"],
            "k": 2,
            "options": {**DEEP, "TrainingStrategy": f"{FAST},MaxEpochs=10"},
        },
        "free": {**small, "options": SHORT},
        "tied": {**small, "options": {**SHORT, "Tied": "True"}},
        "tied and pretrained": {**small, "options": {**LEVELS, "Tied": "True"}},
        "pretrained": {**small, "options": LEVELS},
        "masked": {**small, "options": {"TrainingStrategy": "MaxEpochs=2,Corruption=0.5"}},
        "smeared": {**small, "options": {"TrainingStrategy": "MaxEpochs=2,Corruption=0.5,Noise=GAUSS"}},
        "signal": {
            **small,
            "options": {"TrainingStrategy": "MaxEpochs=2,BatchSize=50"},
            "event_class": "Signal",
            "transformations": "N,D",
        },
    }
    return start("jax", tmp_path_factory.mktemp("autoencoders"), plan)


def total(trained, name, input_files, file):
    return encoder.error_table(trained[name]["encoder"], inputs.read(input_files[file]))[-1]


def test_tmvas_own_training_is_repeated_epoch_by_epoch(trained):
    table = tmva_files.epoch_table((RECORDED / "stdout.log").read_text())
    expected = [[epoch.training_loss, epoch.validation_loss] for epoch in table]
    assert len(table) == 20
    assert numpy.array(trained["recorded"]["losses"]) == pytest.approx(numpy.array(expected), abs=2e-6)


def test_tmvas_own_outputs_are_given(trained):
    rows = json.loads((RECORDED / "scores.json").read_text())
    events = numpy.array([rows[name] for name in VARIABLES], numpy.float32).T
    ours = trained["recorded"]["encoder"]
    network = tmva_weights.network(tmva_weights.parse(str(RECORDED / "dataset/weights/job_Method.weights.xml")))
    theirs = ours._replace(layers=[(layer.weights.T, layer.biases) for layer in network])
    for error, within in ((theirs, 5e-6), (ours, 1e-4)):
        assert error.decode(error.encode(events)) == pytest.approx(numpy.array(rows["Method"]), abs=within)


@pytest.mark.parametrize("name", ["linear", "linear tied"])
def test_a_linear_network_reaches_principal_components(trained, input_files, name):
    error = total(trained, name, input_files, "gauss")
    assert error["error"] == pytest.approx(error["pca_error"], rel=0.02)
    assert error["pca_error"] > 0.1


@pytest.mark.parametrize("name", ["rings", "swissroll"])
def test_a_deep_network_beats_principal_components_on_curved_data(trained, input_files, name):
    error = total(trained, name, input_files, name)
    assert error["error"] < error["pca_error"] / 2


@pytest.mark.parametrize("name", ["tied", "tied and pretrained"])
def test_tied_weights_are_the_encoders_transposed(trained, name):
    layers = trained[name]["encoder"].layers
    for first, last in zip(layers, layers[::-1], strict=True):
        assert (first[0] == last[0].T).all()
    assert all(bias.any() for _, bias in layers)
    assert trained[name]["parameters"] == 4 * 20 + 20 * 2 + 20 + 2 + 20 + 4
    assert trained["free"]["parameters"] == 2 * (4 * 20 + 20 * 2) + 20 + 2 + 20 + 4
    free = trained["free"]["encoder"].layers
    assert (free[0][0] != free[-1][0].T).any()


@pytest.mark.parametrize(("name", "without"), [("pretrained", "free"), ("tied and pretrained", "tied")])
def test_levels_are_trained_first(trained, name, without):
    assert trained[name]["untrained_loss"] < 0.6 * trained[without]["untrained_loss"]
    losses = trained[name]["losses"]
    assert min(loss for _, loss in losses) < trained[name]["untrained_loss"]


@pytest.mark.parametrize("name", ["masked", "smeared"])
def test_corruption_is_of_the_training_alone(trained, name):
    # The first loss is that of the same weights on the same, clean validation events.
    assert trained[name]["untrained_loss"] == trained["free"]["untrained_loss"]
    assert trained[name]["losses"][0] != trained["free"]["losses"][0]


def test_the_best_weights_are_kept(trained, input_files):
    error = trained["swissroll"]
    losses = [loss for _, loss in error["losses"]]
    assert error["best_epoch"] == losses.index(min(losses)) + 1


def test_the_class_decides_what_is_trained_on_and_not_what_is_encoded(trained, input_files):
    ours, data = trained["signal"]["encoder"], inputs.read(input_files["small"])
    assert (ours.low == data.events["TrainS"].min(axis=0)).all()
    assert (ours.high == data.events["TrainS"].max(axis=0)).all()
    # The transformations before it are those of all events.
    both = numpy.concatenate([data.events["TrainS"], data.events["TrainB"]])
    low, high = both.min(axis=0), both.max(axis=0)
    assert numpy.cov(ours.network_inputs(both).T) == pytest.approx(numpy.eye(4), abs=0.05)
    assert not (ours.low == low).all()
    assert not (ours.high == high).all()


@pytest.mark.parametrize(("noise", "share"), [("MASKING", 0.3), ("GAUSS", 0.3)])
def test_corruption_is_drawn_anew(noise, share):
    specification = autoencoder.specification(1, {"TrainingStrategy": f"Corruption={share},Noise={noise}"})
    x = numpy.random.default_rng(1).normal(2.0, 3.0, (20000, 2)).astype(numpy.float32)
    corrupt = keras_autoencoder.corruption(specification, x.std(axis=0), stream=0)
    first, second = corrupt(x), corrupt(x)
    assert first.dtype == numpy.float32
    assert (first != second).any()
    if noise == "MASKING":
        assert (first == 0).mean() == pytest.approx(share, abs=0.02)
        assert (first[first != 0] == x[first != 0]).all()
    else:
        assert (first - x).std(axis=0) == pytest.approx(share * x.std(axis=0), rel=0.02)
    again = keras_autoencoder.corruption(specification, x.std(axis=0), stream=0)
    assert (again(x) == first).all()
    assert keras_autoencoder.corruption(autoencoder.specification(1, {}), x.std(axis=0), stream=0) is None
