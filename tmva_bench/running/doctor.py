"""What this installation can run, found out by running it on a hundred events."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tmva_bench.basis import parsing
from tmva_bench.events import inputs, samples
from tmva_bench.methods.registry import METHODS
from tmva_bench.results import naming
from tmva_bench.results.folder import ResultsFolder
from tmva_bench.running import environments, runner
from tmva_bench.study import requests

# A hundred events a tree and a network that trains at once: the point is that it runs, not what it learns.
_EVENTS: dict[str, Any] = {"train_signal": 100, "train_background": 100, "test_signal": 100, "test_background": 100}
_POINT = {"neurons": 5, "layers": 1, "batch_size": 10, "max_epochs": 3, "optimizer": "adam", "learning_rate": 0.01}
_SECONDS = 300


def examine(on_method: Callable[[str], None] | None = None) -> dict[str, Any]:
    """Looks at the machine and trains every method in a child.

    Args:
        on_method: called with the name of each method before it is tried.

    Returns:
        ``machine``, ``environment`` (name, versions), ``threads`` and ``methods``: a list of
        ``{method, backend, architecture, feeding, runs, reason, backend_version}``.
    """
    environment = environments.describe()
    methods = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "input.root"
        inputs.write(samples.gauss(**_EVENTS), path)
        data = inputs.read(path)
        for method, tried in [(one, tried) for one in METHODS.values() for tried in one.tried]:
            point = parsing.point({**requests.known_to(method, _POINT), "feeding": tried.feeding})
            request = requests.make_request(point, method.name, tried.backend, architecture=tried.architecture)
            if on_method:
                series = naming.Series(method.name, tried.backend, tried.architecture, feeding=tried.feeding)
                on_method(f"{naming.method_name(series)} {tried.architecture}")
            record = runner.run_one(request, data, ResultsFolder(folder), limits=requests.Limits(seconds=_SECONDS))
            row = record.row
            methods.append(
                {
                    "method": method.name,
                    **tried._asdict(),
                    "runs": row.status == "ok",
                    "reason": row.reason,
                    "backend_version": row.backend_version,
                }
            )
    return {
        "machine": environments.machine(),
        "threads": environments.available_threads(),
        "environment": {"name": environment.name, "python": environment.python, "versions": environment.versions},
        "methods": methods,
    }
