import dataclasses
import math
import re
import types
from pathlib import Path
from typing import Any

import numpy
import pytest
from double import recordings
from double import tmva as double

from tmva_bench.basis.training import Epoch
from tmva_bench.engines import keras_training, tmva_files
from tmva_bench.engines.stopwatch import Stopwatch
from tmva_bench.errors import TrainingFailed, Unavailable, UserError
from tmva_bench.events import inputs, roc
from tmva_bench.methods import pykeras, tmva_dnn

# The points of the recordings that left their output file, and their network's size.
RECORDED: dict[str, tuple[dict[str, Any], int]] = {
    "dnn-seed-preset": ({"neurons": 20, "max_epochs": 5}, 961),
    "unequal-classes": ({"neurons": 20, "max_epochs": 3}, 961),
    "norm-equal-unequal-classes": ({"neurons": 20, "max_epochs": 3, "norm_mode": "equal_num_events"}, 961),
}
SEED_PRESET = RECORDED["dnn-seed-preset"][0]
SITE = str(Path(__file__).parents[1] / "double" / "site")


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_run(name: str, doubled: Any, make_task: Any, logged: Any) -> None:
    values, parameters = RECORDED[name]
    task, watch = make_task(name, "tmva-dnn", "tmva", **values), Stopwatch()
    with logged(task.folder):
        outcome = tmva_dnn.run(task, watch)
    log = recordings.log(name)
    table = tmva_files.epoch_table(log)
    assert [epoch.epoch for epoch in outcome.history] == list(range(1, values["max_epochs"] + 1))
    for ours, theirs in zip(outcome.history, table, strict=True):
        assert ours.training_loss == pytest.approx(theirs.training_loss, rel=2e-6)
        assert ours.validation_loss == pytest.approx(theirs.validation_loss, rel=2e-6)
        assert ours.real_time == theirs.real_time
    assert outcome.best_epoch == tmva_files.best_epoch(log)
    assert outcome.validation_loss == outcome.history[outcome.best_epoch - 1].validation_loss
    assert outcome.parameters == parameters
    assert outcome.roc_integral == recordings.case(name)["roc_integral"]
    assert outcome.device == "cpu"
    said = re.search(r"Elapsed time for training with \d+ events: (\S+) sec", log)
    assert said
    assert outcome.real_time_fit == pytest.approx(float(said.group(1)), rel=5e-3)
    assert watch.seconds["real_time_train"] > 0
    data = inputs.read(task.input_file)
    assert {tree: len(scores) for tree, scores in outcome.scores.items()} == data.metadata["events"]
    # Signal is high, and each score stands at its own event: else the area would not be TMVA's.
    area = roc.auc(outcome.scores["TestS"], outcome.scores["TestB"], data.weights["TestS"], data.weights["TestB"])
    assert area == pytest.approx(outcome.roc_integral, abs=3e-4)


@pytest.mark.parametrize(("method", "backend"), [("tmva-dnn", "tmva"), ("pykeras", "tensorflow")])
def test_dependent_variables_are_named_before_anything_is_booked(
    doubled: Any, make_task: Any, monkeypatch: pytest.MonkeyPatch, method: str, backend: str
) -> None:
    task = make_task("dnn-seed-preset", method, backend)
    data = inputs.read(task.input_file)
    for events in data.events.values():
        events[:, 3] = events[:, 0] - 2 * events[:, 1]
    monkeypatch.setattr(inputs, "read", lambda path: data)
    monkeypatch.setattr(keras_training, "load", lambda backend: (types.SimpleNamespace(__version__="3.15.1"), None))
    with pytest.raises(UserError, match="D cannot be computed, var1, var2 and var4 depend on each other"):
        {"tmva-dnn": tmva_dnn, "pykeras": pykeras}[method].run(task, Stopwatch())
    assert double.CALLS == []


def test_training_that_kept_nothing(doubled: Any, make_task: Any, logged: Any) -> None:
    task = make_task(
        "quiet-nothing-improves",
        "tmva-dnn",
        "tmva",
        neurons=20,
        learning_rate=50.0,
        convergence_steps=2,
        max_epochs=10,
    )
    with logged(task.folder), pytest.raises(TrainingFailed, match="no epoch of 3 had a lower validation loss"):
        tmva_dnn.run(task, Stopwatch())


def test_gpu_without_gpu(doubled: Any, make_task: Any) -> None:
    task = make_task("dnn-seed-preset", "tmva-dnn", "tmva", architecture="gpu", **SEED_PRESET)
    with pytest.raises(Unavailable, match="built without GPU support"):
        tmva_dnn.run(task, Stopwatch())


def test_architecture_is_the_one_asked_for() -> None:
    fallen_back = tmva_files.architecture(recordings.log("quiet-gpu-without-gpu"))
    with pytest.raises(TrainingFailed, match="asked for architecture gpu, and TMVA's log says that it trained on cpu"):
        tmva_dnn.check_architecture(fallen_back, "gpu")
    with pytest.raises(TrainingFailed, match="does not say"):
        tmva_dnn.check_architecture(None, "gpu")
    tmva_dnn.check_architecture("gpu", "gpu")
    tmva_dnn.check_architecture(None, "cpu")


OUTPUT = str(recordings.FOLDER / "dnn-seed-preset" / "TMVA.root")


def test_history_of_a_silent_run_comes_from_the_output_file() -> None:
    history = tmva_dnn.history_of(recordings.log("silent-factory"), OUTPUT)
    assert [epoch.epoch for epoch in history] == [1, 2, 3, 4, 5]
    assert all(math.isnan(epoch.real_time) for epoch in history)
    assert history[3].validation_loss == pytest.approx(0.492136, rel=1e-5)


def test_history_of_a_version_that_stores_none_comes_from_the_log() -> None:
    empty = str(recordings.FOLDER / "input.root")
    log = recordings.log("dnn-seed-preset")
    assert tmva_dnn.history_of(log, empty) == tmva_files.epoch_table(log)
    with pytest.raises(TrainingFailed, match="nothing was trained"):
        tmva_dnn.history_of(recordings.log("silent-factory"), empty)


def test_log_and_output_file_of_different_runs() -> None:
    with pytest.raises(TrainingFailed, match="different losses"):
        tmva_dnn.history_of(recordings.log("dnn-two-seeds"), OUTPUT)


def test_child_with_the_double(make_task: Any, run_worker: Any) -> None:
    pytest.importorskip("ROOT")
    task = make_task("dnn-seed-preset", "tmva-dnn", "tmva", **SEED_PRESET)
    outcome, log = run_worker(task, PYTHONPATH=SITE)
    assert outcome["status"] == "ok", log
    assert outcome["epochs"] == 5
    assert outcome["roc_integral"] == recordings.case("dnn-seed-preset")["roc_integral"]


def test_child_whose_booking_tmva_refuses(make_task: Any, run_worker: Any) -> None:
    pytest.importorskip("ROOT")
    task = make_task("dnn-seed-preset", "tmva-dnn", "tmva", **SEED_PRESET)
    point = dataclasses.replace(task.point, factory_string=f"{task.point.factory_string}:Foo")
    outcome, _ = run_worker(task._replace(point=point), PYTHONPATH=SITE)
    assert outcome["status"] == "failed"
    assert outcome["reason"] == f"TMVA: {recordings.FAILURES['fatal-factory-option']}"


def test_child_without_tmva(make_task: Any, run_worker: Any) -> None:
    root = pytest.importorskip("ROOT")
    if root.TClass.GetClass("TMVA::Factory", True, True):
        pytest.skip("this ROOT has TMVA")
    outcome, log = run_worker(make_task("dnn-seed-preset", "tmva-dnn", "tmva", **SEED_PRESET))
    assert outcome["status"] == "unavailable"
    assert re.fullmatch(r"this ROOT \(\S+\) has no TMVA; make env ROUTE=conda \(.*\)", outcome["reason"])
    assert "Error" not in log


# What a real TMVA must give again: the seed fixes initial weights and batches, whatever the version.
REPLAYED: dict[str, dict[str, Any]] = {
    "dnn-seed-preset": {"max_epochs": 5},
    "dnn-adam": {"optimizer": "adam", "learning_rate": 0.003, "max_epochs": 4},
    "dnn-momentum": {"learning_rate": 0.05, "momentum": 0.9, "max_epochs": 4},
    "dnn-l2": {"regularization": "l2", "weight_decay": 0.001, "max_epochs": 4},
    "dnn-sum-of-squares": {
        "neurons": 10,
        "layers": 1,
        "transformations": "N",
        "loss": "sum_of_squares",
        "max_epochs": 3,
    },
    "dnn-two-seeds": {"seed": 2, "max_epochs": 5},
    "unequal-classes": {"max_epochs": 3},
    "norm-equal-unequal-classes": {"max_epochs": 3, "norm_mode": "equal_num_events"},
}


@pytest.mark.tmva
@pytest.mark.parametrize("name", REPLAYED)
def test_real_tmva_trains_as_recorded(name: str, make_task: Any, run_worker: Any) -> None:
    task = make_task(name, "tmva-dnn", "tmva", **{"neurons": 20, **REPLAYED[name]})
    outcome, log = run_worker(task)
    assert outcome["status"] == "ok", f"{outcome}\n{log}"
    history = [Epoch(*epoch) for epoch in outcome["history"]]
    table = tmva_files.epoch_table(recordings.log(name))
    # The training loss is not compared: some versions compute it anew over all training events.
    assert [epoch.validation_loss for epoch in history] == pytest.approx(
        [epoch.validation_loss for epoch in table], rel=1e-4
    )
    assert outcome["best_epoch"] == tmva_files.best_epoch(recordings.log(name))
    assert outcome["roc_integral"] == pytest.approx(recordings.case(name)["roc_integral"], abs=1e-3)
    assert numpy.isfinite([outcome[f"real_time_{phase}"] for phase in ("prepare", "train", "test", "fit")]).all()


@pytest.mark.tmva
def test_real_tmva_gives_its_reason(make_task: Any, run_worker: Any) -> None:
    task = make_task("dnn-seed-preset", "tmva-dnn", "tmva", neurons=20, max_epochs=1)
    point = dataclasses.replace(task.point, factory_string=f"{task.point.factory_string}:Foo")
    outcome, _ = run_worker(task._replace(point=point))
    assert outcome["status"] == "failed"
    assert "'Foo'" in outcome["reason"]


@pytest.mark.tmva
def test_real_tmva_that_keeps_nothing(make_task: Any, run_worker: Any) -> None:
    values = {"neurons": 20, "learning_rate": 50.0, "convergence_steps": 2, "max_epochs": 10}
    outcome, log = run_worker(make_task("quiet-nothing-improves", "tmva-dnn", "tmva", **values))
    assert outcome["status"] == "failed", log
    assert "all zero" in outcome["reason"]


@pytest.mark.tmva
def test_real_tmva_with_two_threads_gives_the_same_epochs(make_task: Any, run_worker: Any) -> None:
    task = make_task("dnn-seed-preset", "tmva-dnn", "tmva", **SEED_PRESET)
    outcome, log = run_worker(task._replace(threads=2))
    assert outcome["status"] == "ok", log
    assert [epoch[2] for epoch in outcome["history"]] == pytest.approx(
        [epoch.validation_loss for epoch in tmva_files.epoch_table(recordings.log("dnn-seed-preset"))], rel=1e-4
    )
