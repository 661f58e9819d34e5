"""A child process that does as a test says, where a run's would train: see ``fake_python`` in ``conftest``."""

import functools
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from tmva_bench.events import inputs
from tmva_bench.methods import together_worker, worker

# What a fake Python begins with, and the simplest worker of all.
START = "from fake_child import Path, json, os, outcome, start, sys, time, train, worker\nfolder = start()\n"
TRAINED = "train(folder)\n"
TRAINED_TOGETHER = "from fake_child import train_together\ntrain_together(folder)\n"
__all__ = ["START", "TRAINED", "Path", "json", "os", "outcome", "start", "sys", "time", "train", "worker"]


def start() -> Path:
    """The folder of the run, told on the command line; what is no run is left to the real Python."""
    if sys.argv[1] == "-c":
        os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
    del sys.argv[1:3]
    return Path(sys.argv[1])


def train(folder: Path, **values: Any) -> None:
    """Leaves what a run leaves that trained, in a fraction of the time.

    Args:
        folder: of the run.
        values: of the outcome, in place of those made up.
    """
    worker.carry_out = functools.partial(outcome, **values)
    worker.main()


def train_together(folder: Path, **failed: str) -> None:
    """Leaves what the child of a bundle leaves.

    Args:
        folder: of the child.
        failed: why a repetition failed, by its number, ``_2``.
    """

    def carry_out(folder: Path) -> dict[str, Any]:
        tasks = json.loads((folder / "task.json").read_text())[together_worker.TASKS]
        outcomes = [_of_bundle(Path(task["folder"]), failed) for task in tasks]
        return {together_worker.OUTCOMES: outcomes, "cpu_time_bundle": 1.5, "real_time_bundle": 3.0}

    worker.answer(carry_out)


def _of_bundle(folder: Path, failed: dict[str, str]) -> dict[str, Any]:
    if reason := failed.get(f"_{folder.name}"):
        return {"status": "failed", "reason": reason}
    left = outcome(folder)
    return {name: value for name, value in left.items() if "_time_" not in name}


def outcome(folder: Path, **values: Any) -> dict[str, Any]:
    """An outcome with made-up numbers; the scores of the events are their last variable, times a factor."""
    task = worker.read_task(folder)
    data = inputs.read(task.input_file)
    scores = {tree: events[:, -1] * (1 + task.point.seed) for tree, events in data.events.items()}
    worker._write_scores(folder / "scores.root", scores)
    times = {f"{kind}_time_{name}": 0.5 for kind in ("cpu", "real") for name in ("prepare", "train", "test")}
    return {
        **times,
        "real_time_fit": 0.4,
        "real_time_first_epoch": 0.1,
        "roc_integral": float("nan"),
        "device": "cpu",
        "epochs": 2,
        "best_epoch": 2,
        "validation_loss": 0.5,
        "parameters": 31,
        "status": "ok",
        "reason": "",
        "versions": {"root": "6", "keras": "3", "backend": "1"},
        "history": [[1, 0.6, 0.6, 0.1, 0.1], [2, 0.5, 0.5, 0.1, 0.1]],
        **values,
    }
