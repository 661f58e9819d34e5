"""A child process that does as a test says, where a run's would train: see ``fake_python`` in ``conftest``."""

import functools
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from tmva_bench.events import inputs
from tmva_bench.methods import worker

# What a fake Python begins with, and the simplest worker of all.
START = "from fake_child import Path, json, os, outcome, start, sys, time, train, worker\nfolder = start()\n"
TRAINED = "train(folder)\n"
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
