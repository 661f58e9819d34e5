"""TMVA's BDT: booked as recorded, read back, and what it lacks said."""

import math
from typing import Any

import numpy
import pytest
from double import recordings

from tmva_bench.basis import mapping, parsing
from tmva_bench.engines.stopwatch import Stopwatch
from tmva_bench.errors import TrainingFailed, Unavailable, UserError
from tmva_bench.events import inputs, roc
from tmva_bench.methods import registry, tmva_bdt
from tmva_bench.study import requests

NAME = "bdt-grad"
VALUES = {"max_epochs": 50, "learning_rate": 0.1, "transformations": "I"}


def test_recorded_run(doubled: Any, make_task: Any, logged: Any) -> None:
    task, watch = make_task(NAME, "tmva-bdt", "tmva", **VALUES), Stopwatch()
    with logged(task.folder):
        outcome = tmva_bdt.run(task, watch)
    case = recordings.case(NAME)
    assert outcome.roc_integral == case["roc_integral"]
    assert (outcome.history, outcome.best_epoch, outcome.device) == ([], 50, "cpu")
    assert math.isnan(outcome.validation_loss)
    # Of 50 trees; each split makes one leaf more.
    assert outcome.parameters == (658 + 50) / 2
    assert outcome.real_time_fit == pytest.approx(0.0645, rel=1e-3)
    data = inputs.read(task.input_file)
    area = roc.auc(outcome.scores["TestS"], outcome.scores["TestB"], data.weights["TestS"], data.weights["TestB"])
    assert area == pytest.approx(outcome.roc_integral, abs=3e-3)
    assert all(numpy.abs(scores).max() <= 1 for scores in outcome.scores.values())
    assert min(scores.min() for scores in outcome.scores.values()) < -0.5


def test_option_that_tmva_does_not_know(doubled: Any, make_task: Any, logged: Any, monkeypatch: Any) -> None:
    recorded = recordings.booking("bdt-unknown-option").options
    monkeypatch.setattr(mapping, "bdt_options", lambda point: recorded)
    task = make_task(NAME, "tmva-bdt", "tmva", **VALUES)
    with logged(task.folder), pytest.raises(TrainingFailed) as raised:
        tmva_bdt.run(task, Stopwatch())
    assert str(raised.value) == f"TMVA: {recordings.FAILURES['bdt-unknown-option']}"


def test_child_with_the_double(make_task: Any, run_worker: Any) -> None:
    pytest.importorskip("ROOT")
    site = str(recordings.FOLDER.parents[1] / "double" / "site")
    outcome, log = run_worker(make_task(NAME, "tmva-bdt", "tmva", **VALUES), PYTHONPATH=site)
    assert outcome["status"] == "ok", log
    assert (outcome["epochs"], outcome["best_epoch"]) == (0, 50)


def test_no_gpu(doubled: Any, make_task: Any) -> None:
    with pytest.raises(Unavailable, match="take architecture cpu"):
        tmva_bdt.run(make_task(NAME, "tmva-bdt", "tmva", architecture="gpu", **VALUES), Stopwatch())


@pytest.mark.parametrize("parameter", ["neurons", "batch_size", "convergence_steps", "validation_fraction"])
def test_what_a_forest_lacks_is_refused(parameter: str) -> None:
    value = 0.3 if parameter == "validation_fraction" else 7
    with pytest.raises(UserError, match=f"{parameter} = .*: tmva-bdt has no such parameter"):
        requests.make_request(parsing.point({parameter: value}), "tmva-bdt", "tmva")


def test_its_rate_is_that_of_boosting() -> None:
    values = requests.known_to(registry.of("tmva-bdt"), {"optimizer": "adam"})
    point = requests.make_request(parsing.point(values), "tmva-bdt", "tmva").point
    assert ":Shrinkage=0.1:" in mapping.bdt_options(point)
    assert ":NTrees=" in mapping.bdt_options(point)


@pytest.mark.tmva
@pytest.mark.parametrize("transformations", ["I", "N", "D"])
def test_real_tmva_trains_a_forest(transformations: str, make_task: Any, run_worker: Any) -> None:
    task = make_task(NAME, "tmva-bdt", "tmva", **{**VALUES, "transformations": transformations})
    outcome, log = run_worker(task)
    assert outcome["status"] == "ok", f"{outcome}\n{log}"
    assert outcome["roc_integral"] == pytest.approx(recordings.case(NAME)["roc_integral"], abs=0.02)
    assert outcome["parameters"] > 100
    assert outcome["real_time_fit"] > 0
