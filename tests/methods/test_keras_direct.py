"""The method keras is TMVA's training: recorded trainings replayed epoch by epoch, and what it refuses."""

import json
import math

import numpy
import pytest
from points import RECORDED, recorded
from replay import start

from tmva_bench.basis import config, mapping, parsing
from tmva_bench.engines import tmva_files, tmva_random
from tmva_bench.events import inputs, samples
from tmva_bench.methods import keras_direct

ON_TENSORFLOW = ("dnn-seed-preset", "dnn-adam", "dnn-momentum-l2")
TRAININGS = [name for name in RECORDED if name.startswith(("dnn-", "norm-", "unequal", "quiet-partial"))]


def input_of(name, recorded_input):
    return recorded_input(name if name.endswith("unequal-classes") else "dnn-seed-preset")


@pytest.fixture(scope="session")
def on_jax(tmp_path_factory, recorded_input):
    """What every recorded training gives on JAX, by name."""
    tasks = {name: (recorded(name), input_of(name, recorded_input)) for name in RECORDED}
    return start("jax", tmp_path_factory.mktemp("jax"), tasks)


@pytest.fixture(scope="session")
def on_tensorflow(tmp_path_factory, recorded_input):
    """The same for a few on TensorFlow."""
    tasks = {name: (recorded(name), input_of(name, recorded_input)) for name in ON_TENSORFLOW}
    return start("tensorflow", tmp_path_factory.mktemp("tensorflow"), tasks)


@pytest.fixture(scope="session")
def scaled(tmp_path_factory):
    """Trainings on events of weight 1, and on the same of 1.25e-7, by NormMode; signal and background are unequal."""
    folder, tasks = tmp_path_factory.mktemp("scaled"), {}
    sample = samples.gauss(train_signal=600, train_background=400, test_signal=300, test_background=300)
    for weight in (1.0, 1.25e-7):
        for tree in sample.trees.values():
            tree["weight"] = numpy.full(len(tree["weight"]), weight, numpy.float32)
        path = folder / f"{weight}.root"
        inputs.write(sample, path)
        for mode in config.NORM_MODES:
            values = {"neurons": 5, "layers": 1, "batch_size": 50, "max_epochs": 3, "norm_mode": mode}
            tasks[f"{mode} {weight}"] = parsing.point(values), str(path)
    return start("jax", folder, tasks)


@pytest.mark.parametrize("mode", ["equal_num_events", "num_events"])
def test_luminosity_weights_train_as_without_them(scaled, mode):
    one, tiny = (scaled[f"{mode} {weight}"] for weight in (1.0, 1.25e-7))
    for number in (1, 2):
        losses = [[epoch[number] for epoch in outcome["history"]] for outcome in (one, tiny)]
        assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert one["scores"]["TestS"] == pytest.approx(tiny["scores"]["TestS"], abs=1e-5)
    assert one["membership"] == tiny["membership"]


def test_tiny_weights_left_alone_train_nothing_and_that_is_said(scaled):
    assert (
        "the weights are 1e-07 on average, and they scale the steps: take norm_mode"
        in scaled["none 1.25e-07"]["failed"]
    )
    assert "failed" not in scaled["none 1.0"]


def check_history(outcome, recordings, name):
    table = tmva_files.epoch_table((recordings / name / "stdout.log").read_text(errors="replace"))
    history = outcome["history"]
    assert [epoch[0] for epoch in history] == [epoch.epoch for epoch in table]
    assert [epoch[2] for epoch in history] == pytest.approx([e.validation_loss for e in table], abs=1e-5)
    assert [epoch[1] for epoch in history] == pytest.approx([e.training_loss for e in table], abs=1e-5)


@pytest.fixture(scope="session")
def recordings(request):
    return request.config.rootpath / "tests" / "data" / "recordings"


@pytest.mark.parametrize("name", TRAININGS)
def test_replay_on_jax(on_jax, recordings, name):
    check_history(on_jax[name], recordings, name)


@pytest.mark.parametrize("name", ON_TENSORFLOW)
def test_replay_on_tensorflow(on_tensorflow, recordings, name):
    check_history(on_tensorflow[name], recordings, name)


@pytest.mark.parametrize("name", TRAININGS)
def test_the_kept_weights_give_tmvas_scores(on_jax, recordings, recorded_input, name):
    rows = json.loads((recordings / name / "scores.json").read_text())
    events = keras_direct.inputs.read(input_of(name, recorded_input))
    scores = {}
    for tree, class_id in (("TestS", 0), ("TestB", 1)):
        keys = map(bytes, events.events[tree])
        scores.update({(class_id, key): s for key, s in zip(keys, on_jax[name]["scores"][tree], strict=True)})
    variables = numpy.array([rows[v] for v in events.variables], dtype=numpy.float32).T
    ours = [scores[c, bytes(v)] for c, v in zip(rows["classID"], variables, strict=True)]
    assert ours == pytest.approx(rows["Method"], abs=2e-5)


def test_stopping_rule_and_best_weights(on_jax):
    outcome = on_jax["dnn-early-stop"]
    assert len(outcome["history"]) == 8
    assert outcome["best_epoch"] == 4
    assert outcome["validation_loss"] == min(epoch[2] for epoch in outcome["history"])


def test_a_training_that_improves_nothing_is_no_result(on_jax):
    assert "no epoch of 3 had a lower validation loss" in on_jax["quiet-nothing-improves"]["failed"]


def test_spread_of_the_initial_weights(on_jax):
    weights = tmva_random.WeightGenerator(mapping.training(recorded("dnn-seed-preset")), 4).weights
    squares = numpy.concatenate([kernel.ravel().astype(float) ** 2 for kernel, _ in weights])
    assert on_jax["dnn-seed-preset"]["initial_weights_spread"] == pytest.approx(squares.mean() ** 0.5, rel=1e-6)


def test_clocks_parameters_and_files(on_jax):
    outcome = on_jax["dnn-seed-preset"]
    assert {"real_time_prepare", "cpu_time_train", "real_time_test", "real_time_fit"} <= set(outcome["clocks"])
    # TStopwatch counts CPU time in ticks of 10 ms, and an epoch may be shorter.
    cpu_times = [cpu_time for *_, cpu_time in outcome["history"]]
    assert min(cpu_times) >= 0
    assert 0 < sum(cpu_times) < 100
    assert outcome["parameters"] == 4 * 20 + 20 + 2 * (20 * 20 + 20) + 20 + 1
    assert outcome["files"] == [keras_direct.WEIGHT_FILE, "model.keras"]
    assert math.isnan(outcome["roc_integral"])


@pytest.mark.parametrize("name", ["dnn-seed-preset", "dnn-adam"])
def test_backends_agree_in_every_score_from_the_same_start(on_jax, on_tensorflow, name):
    assert len(on_jax[name]["history"]) >= 4
    for tree, scores in on_jax[name]["scores"].items():
        assert on_tensorflow[name]["scores"][tree] == pytest.approx(scores, abs=1e-4)
