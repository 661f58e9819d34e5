"""Repetitions trained in one compiled call: each with the losses and scores that it has alone, and TMVA's."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy
import pytest
from points import recorded

from tmva_bench.basis import parsing
from tmva_bench.engines import tmva_files
from tmva_bench.methods import registry
from tmva_bench.running import environments

pytestmark = pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="needs jax")

RECORDINGS = Path(__file__).parents[1] / "data" / "recordings"
# Trains repetitions of a point one by one and together: ``CODE FOLDER VALUES INPUT``.
CODE = """
import dataclasses, json, os, sys
from pathlib import Path
import ROOT
ROOT.gROOT.GetVersion()
from replay import replay
from tmva_bench.basis.config import Point
from tmva_bench.engines.stopwatch import Stopwatch
from tmva_bench.errors import TrainingFailed
from tmva_bench.events import inputs
from tmva_bench.methods import Task, registry

folder, values, path = Path(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3]
points = [Point(**{**values, "seed": seed}) for seed in (1, 2, 3)]
alone = [replay("keras", "jax", dataclasses.asdict(point), path, folder / f"{point.seed}") for point in points]
tasks = []
for point in points:
    (folder / f"together-{point.seed}").mkdir()
    digest = inputs.read(path).metadata["digest"]
    tasks.append(Task(point, "keras", "jax", "cpu", 1, path, str(folder / f"together-{point.seed}"), digest))
watch = Stopwatch()
together = [
    {"failed": str(outcome)} if isinstance(outcome, TrainingFailed) else
    {**outcome._asdict(), "scores": {tree: scores.tolist() for tree, scores in outcome.scores.items()}}
    for outcome in registry.of("keras").run_together(tasks, watch)
]
files = [sorted(path.name for path in Path(task.folder).iterdir()) for task in tasks]
print(json.dumps({"alone": alone, "together": together, "clocks": sorted(watch.seconds), "files": files}))
sys.stdout.flush()
os._exit(0)
"""


@pytest.fixture
def trained(tmp_path, monkeypatch, recorded_input):
    """Trains a recorded point, with changes, by seed alone and together."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    variables = {
        **environments.run_variables(threads=1, backend="jax", architecture="cpu"),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }

    def train(name, **changes):
        values = {**vars(recorded(name)), "execution": "epoch", **changes}
        arguments = [str(tmp_path), json.dumps(values), recorded_input("dnn-seed-preset")]
        child = subprocess.run([sys.executable, "-c", CODE, *arguments], env=variables, capture_output=True, text=True)
        assert child.returncode == 0, child.stderr
        return json.loads(child.stdout.splitlines()[-1])

    return train


def losses(outcome):
    return numpy.array(outcome["history"])[:, 1:3]


def check(answer):
    for one, other in zip(answer["alone"], answer["together"], strict=True):
        assert losses(other) == pytest.approx(losses(one), rel=1e-6)
        assert other["best_epoch"] == one["best_epoch"]
        for name in ("untrained_loss", "validation_loss", "initial_weights_spread"):
            assert other[name] == pytest.approx(one[name], rel=1e-6)
        for tree, scores in one["scores"].items():
            assert other["scores"][tree] == pytest.approx(scores, abs=1e-6)


def test_each_training_is_what_it_is_alone_and_tmvas_and_stops_by_itself(trained):
    answer = trained("dnn-early-stop")
    check(answer)
    epochs = [len(outcome["history"]) for outcome in answer["together"]]
    assert len(set(epochs)) > 1
    table = tmva_files.epoch_table((RECORDINGS / "dnn-early-stop" / "stdout.log").read_text(errors="replace"))
    assert losses(answer["together"][0]) == pytest.approx(numpy.array([epoch[1:3] for epoch in table]), abs=1e-5)
    # No time of an epoch is that of one training.
    assert all(numpy.isnan(outcome["history"][0][3:]).all() for outcome in answer["together"])
    assert all(numpy.isnan(outcome["real_time_fit"]) for outcome in answer["together"])
    assert {"cpu_time_train", "real_time_train", "cpu_time_compile", "real_time_test"} <= set(answer["clocks"])
    assert answer["files"] == [["keras_DL.weights.xml", "model.keras"]] * 3


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {"dropout": 0.3, "dropout_rule": "tmva", "regularization": "l2", "weight_decay": 1e-3},
        {"dropout": 0.3, "dropout_rule": "keras", "optimizer": "adam", "learning_rate": 0.003},
        {"regularization": "l1", "weight_decay": 1e-3, "norm_mode": "equal_num_events", "momentum": 0.5},
    ],
    ids=["masks and l2", "Keras' dropout", "weights and l1"],
)
def test_draws_and_terms_of_each_are_its_own(trained, changes):
    answer = trained("dnn-seed-preset", **changes)
    check(answer)
    assert len({outcome["validation_loss"] for outcome in answer["together"]}) == 3


@pytest.mark.parametrize(
    ("backend", "changes", "reason"),
    [
        ("tensorflow", {}, "on jax alone"),
        ("jax", {"execution": "batch"}, "take execution = epoch"),
        ("jax", {"transformations": "N,A(k=2),D"}, "other events"),
        ("jax", {}, ""),
    ],
)
def test_why_some_are_trained_alone(backend, changes, reason):
    point = parsing.point({"execution": "epoch", **changes})
    said = registry.of("keras").alone(point, backend)
    assert reason in said
    assert bool(said) == bool(reason)
    assert "one at a time" in registry.of("linear").alone(point, "sklearn")
