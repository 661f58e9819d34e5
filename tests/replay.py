"""Trains points in a process of its own, for the tests: ``python replay.py METHOD BACKEND FOLDER``.

``FOLDER/points.json`` holds points and input files by name; what came out goes into ``FOLDER/outcomes.json``.
One process for all, as it costs seconds to load a backend.
"""

import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import Any


def replay(method: str, backend: str, point: dict[str, Any], input_file: str, folder: Path) -> dict[str, Any]:
    """What the training gave, in JSON's types."""
    from tmva_bench.basis.config import Point
    from tmva_bench.engines.stopwatch import Stopwatch
    from tmva_bench.errors import TrainingFailed
    from tmva_bench.events import inputs
    from tmva_bench.methods import Task, registry

    folder.mkdir()
    digest = inputs.read(input_file).metadata["digest"]
    task = Task(Point(**point), method, backend, "cpu", 1, input_file, str(folder), digest)
    watch = Stopwatch()
    try:
        outcome = registry.of(method).run(task, watch)
    except TrainingFailed as error:
        return {"failed": str(error)}
    return {
        **outcome._asdict(),
        "scores": {tree: scores.tolist() for tree, scores in outcome.scores.items()},
        "clocks": sorted(watch.seconds),
        "files": sorted(path.name for path in folder.iterdir()),
    }


def start(
    backend: str, folder: Path, tasks: dict[str, tuple[Any, str]], method: str = "keras"
) -> dict[str, dict[str, Any]]:
    """Replays points with their input files in a child; its output goes to ``FOLDER/log.txt``.

    Args:
        backend: the learning library.
        folder: a folder for the child.
        tasks: point and input file by name.
        method: what trains.
    """
    import subprocess

    points = {name: [dataclasses.asdict(point), path] for name, (point, path) in tasks.items()}
    (folder / "points.json").write_text(json.dumps(points))
    with (folder / "log.txt").open("w") as log:
        subprocess.run(
            [sys.executable, __file__, method, backend, str(folder)],
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "KERAS_BACKEND": backend, "CUDA_VISIBLE_DEVICES": "-1"},
            check=True,
        )
    return json.loads((folder / "outcomes.json").read_text())


def main() -> None:
    method, backend, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    import ROOT

    ROOT.gROOT.GetVersion()
    points = json.loads((folder / "points.json").read_text())
    outcomes = {}
    for name, (point, path) in points.items():
        sys.stdout.write(f"=== {name}\n")
        outcomes[name] = replay(method, backend, point, path, folder / name)
    (folder / "outcomes.json").write_text(json.dumps(outcomes))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
