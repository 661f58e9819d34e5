"""The method torch is TMVA's training without Keras: recorded trainings replayed, what it leaves, and what it lacks."""

import sys
from pathlib import Path

import made_up_rows
import numpy
import pytest
import uproot
from click.testing import CliRunner
from points import RECORDED, recorded
from replay import start
from scipy.special import expit

from tmva_bench import cli
from tmva_bench.basis import config
from tmva_bench.engines import tmva_files, tmva_weights, torch_training
from tmva_bench.errors import Unavailable, UserError
from tmva_bench.events import inputs, transforms
from tmva_bench.methods import Trained, registry, torch_direct
from tmva_bench.results import naming
from tmva_bench.study import file as study_file
from tmva_bench.study import plan, requests

TRAININGS = [name for name in RECORDED if name.startswith(("dnn-", "norm-", "unequal", "quiet-partial"))]


@pytest.fixture(scope="session")
def in_pytorch(tmp_path_factory, recorded_input):
    """What recorded trainings give, by name."""
    pytest.importorskip("torch")
    tasks = {
        name: (recorded(name), recorded_input(name if name.endswith("unequal-classes") else "dnn-seed-preset"))
        for name in RECORDED
    }
    return start("torch", tmp_path_factory.mktemp("torch"), tasks, "torch")


@pytest.mark.parametrize("name", TRAININGS)
def test_every_epoch_of_a_recorded_training(in_pytorch, request, name):
    log = request.config.rootpath / "tests" / "data" / "recordings" / name / "stdout.log"
    table = tmva_files.epoch_table(log.read_text(errors="replace"))
    history = in_pytorch[name]["history"]
    assert [epoch[0] for epoch in history] == [epoch.epoch for epoch in table]
    for number, column in ((1, "training_loss"), (2, "validation_loss")):
        assert [epoch[number] for epoch in history] == pytest.approx([getattr(e, column) for e in table], abs=1e-5)


def test_a_training_that_improves_nothing_is_no_result(in_pytorch):
    assert "no epoch of 3 had a lower validation loss" in in_pytorch["quiet-nothing-improves"]["failed"]


def test_what_it_leaves(in_pytorch):
    outcome = in_pytorch["dnn-seed-preset"]
    assert outcome["files"] == [torch_direct.MODEL_FILE, torch_direct.WEIGHT_FILE]
    assert outcome["parameters"] == 4 * 20 + 20 + 2 * (20 * 20 + 20) + 20 + 1
    assert outcome["versions"]["keras"] == ""
    assert {"real_time_prepare", "cpu_time_train", "real_time_test", "real_time_fit"} <= set(outcome["clocks"])
    # U is a table, which no weight file of ours has.
    assert in_pytorch["transform-U-P"]["files"] == [torch_direct.MODEL_FILE]


@pytest.fixture
def trained(run_worker, make_task):
    pytest.importorskip("torch")

    def run(**values):
        task = make_task("dnn-seed-preset", "torch", "torch", neurons=8, max_epochs=3, batch_size=60, **values)
        outcome, log = run_worker(task)
        assert outcome["status"] == "ok", log
        return outcome, task

    return run


def test_the_stored_weights_give_the_scores(trained):
    _, task = trained(transformations="N", activation="tanh")
    file = tmva_weights.parse(Path(task.folder, torch_direct.WEIGHT_FILE))
    x = inputs.read(task.input_file).events["TestS"].astype(float)
    x = transforms.transformed([step for _, step in tmva_weights.transformations(file)], x)
    layers = tmva_weights.network(file)
    for number, layer in enumerate(layers):
        x = x @ layer.weights.T + layer.biases
        x = numpy.tanh(x) if number < len(layers) - 1 else x
    with uproot.open(Path(task.folder, "scores.root")) as scores:
        stored = scores["TestS"]["score"].array(library="np")
    assert numpy.abs(expit(x[:, 0]) - stored).max() < 1e-5
    data = inputs.read(task.input_file)
    exported = registry.of("torch").scoring(Trained(task.point, Path(task.folder), data))
    assert exported.evaluate(data.events["TestS"]) == pytest.approx(stored, abs=1e-5)


def test_dropout_by_either_rule(trained):
    losses = {
        rule: [epoch[1] for epoch in trained(dropout=0.3, dropout_rule=rule)[0]["history"]]
        for rule in ("tmva", "keras")
    }
    kept = [epoch[1] for epoch in trained()[0]["history"]]
    assert losses["tmva"] != losses["keras"]
    assert min(losses["tmva"][-1], losses["keras"][-1]) > kept[-1]
    assert [epoch[1] for epoch in trained(dropout=0.3)[0]["history"]] == losses["keras"]


def test_where_pytorch_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(Unavailable, match=r"no PyTorch here .*\[torch\]"):
        torch_training.load()


def test_what_it_lacks(tmp_path, small_input):
    for name, value in (("start", "keras"), ("execution", "epoch")):
        with pytest.raises(UserError, match=f"{name} = {value}: torch has no such parameter"):
            requests.make_request(config.Point(**{name: value}), "torch", None)
    refused = CliRunner().invoke(
        cli.main, ["run", str(small_input), "--method", "torch", "--backend", "jax", "--results", str(tmp_path)]
    )
    assert refused.exit_code == 2
    assert "unknown backend 'jax'" in refused.output


def test_what_keras_alone_has_does_not_touch_it(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(
        "[sample]\nname = 'gauss'\n[only.keras]\nstart = 'keras'\n"
        "[[series]]\nmethod = 'keras'\nbackend = 'jax'\n[[series]]\nmethod = 'torch'\n"
    )
    points = {run.request.method: run.request.point for run in plan.plan(study_file.read(path))}
    assert (points["keras"].start, points["torch"].start) == ("keras", "tmva")


def test_it_compiles_nothing():
    row = made_up_rows.row(method="torch", backend="torch")
    assert naming.compilation(row) == "never"
    assert naming.series_label(row) == "Plain PyTorch, SGD"


def test_the_mapping_names_a_function_for_every_activation():
    for name in config.ACTIVATIONS:
        assert registry.of("torch").cells(config.Point(activation=name))["activation"]
