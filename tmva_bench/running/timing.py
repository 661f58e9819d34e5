"""The time of an event in all that evaluates a network, each engine in a child process of its own, on one core."""

import math
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tmva_bench.errors import UserError
from tmva_bench.events import output
from tmva_bench.methods import export_worker, latency_worker
from tmva_bench.results import latency
from tmva_bench.results.rows import LatencyRow
from tmva_bench.running import child, environments, exporting

# Events a call; 0 is all.
BATCHES = (1, 16, 256, 0)
# TMVA::Reader takes one event a call.
_ONE = ("reader",)
# The first runs, or is unavailable, wherever the network can be read at all; SOFIE takes the ONNX file of ONNX Runtime.
ENGINES = (
    ("products", ""),
    ("header", ""),
    ("header-cling", ""),
    ("onnxruntime", ""),
    ("sofie", ""),
    ("reader", ""),
    *((f"keras-{call}", backend) for call in ("call", "predict") for backend in ("tensorflow", "jax", "torch")),
)


def measure(
    source: Path,
    path: Path | None,
    *,
    force: bool = False,
    on_engine: Callable[[str, int, int], None] | None = None,
) -> list[LatencyRow]:
    """Times an event in every engine; see :func:`tmva_bench.api.latency`.

    Raises:
        UserError: see there.
    """
    task = exporting.task_of(source)
    if path is not None:
        output.refuse_existing(output.check(path, [source] if source.is_file() else []), force=force)
        with output.unnamed(path):
            pass  # where nothing can be written, that is told before a minute of timing
    rows: list[LatencyRow] = []
    with tempfile.TemporaryDirectory() as work:
        for number, (engine, backend) in enumerate(ENGINES, 1):
            if on_engine:
                on_engine(latency.label(engine, backend), number, len(ENGINES))
            ending = _timed(task, engine, backend, Path(work))
            if not rows and ending.status not in ("ok", "unavailable"):
                raise UserError(ending.reason)
            rows += _rows(ending, engine, backend, str(source))
    if path is not None:
        output.refuse_existing(path, force=force)
        latency.write(rows, path)
    return rows


def _timed(source: export_worker.Task, engine: str, backend: str, work: Path) -> child.Ending:
    folder = work / f"{engine}{backend}"
    folder.mkdir()
    task = latency_worker.Task(source._asdict(), engine, backend, list(BATCHES[:1] if engine in _ONE else BATCHES))
    variables = environments.child_variables(
        sys.executable, threads=1, backend=backend or source.backend, architecture="cpu"
    )
    return child.run_child(
        "tmva_bench.methods.latency_worker",
        task._asdict(),
        folder,
        python=sys.executable,
        variables=variables,
        cpus=[max(os.sched_getaffinity(0))],
    )


def _rows(ending: child.Ending, engine: str, backend: str, source: str) -> list[LatencyRow]:
    """The rows of an engine; one without a time where it has none."""
    common: dict[str, Any] = {
        "engine": engine,
        "backend": backend,
        "label": latency.label(engine, backend),
        "status": ending.status,
        "reason": ending.reason,
        "cpu_model": environments.machine()["cpu_model"],
        "source": source,
    }
    if ending.status != "ok":
        return [LatencyRow(**common)]
    common.update({name: ending.outcome[name] for name in ("events", "network", "version")})
    rows = []
    for batch, times, difference in ending.outcome["timed"]:
        middle, low, high = latency.median(times)
        rows.append(
            LatencyRow(
                **common,
                batch=batch,
                time=middle,
                low=low,
                high=high,
                blocks=len(times),
                difference=math.nan if difference is None else difference,
            )
        )
    return rows
