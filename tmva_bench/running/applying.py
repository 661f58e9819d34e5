"""Scores of other events by what a finished run trained, in a child process."""

import dataclasses
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tmva_bench.basis import config
from tmva_bench.errors import UserError, unknown
from tmva_bench.events import output
from tmva_bench.methods import apply_worker, registry
from tmva_bench.results import records
from tmva_bench.results.folder import ResultsFolder
from tmva_bench.results.rows import RunRow
from tmva_bench.running import child, environments

# What evaluates a network that was trained without Keras.
_USUAL = "tensorflow"


def apply(
    run: Path,
    events: Sequence[str],
    path: Path,
    *,
    friends: Sequence[str] = (),
    backend: str | None = None,
    force: bool = False,
) -> dict[str, Any]:
    """Writes the scores of events; see :func:`tmva_bench.api.apply`.

    Raises:
        UserError: no finished run, one of a method whose model cannot be evaluated here, a backend for one that Keras
            does not evaluate, events that lack a branch, or an output that is there or cannot be written.
    """
    if not events:
        raise UserError("events: none given; name trees, FILES:TREE")
    row = finished(run)
    _check(row, run)
    network = registry.of(row.method).is_network
    backend = _backend(row, backend)
    output.refuse_existing(output.check(path), force=force)
    results = ResultsFolder(run.resolve().parent.parent)
    data = results.read_input(run.resolve().name, row.input_digest)
    encoded = ""
    if row.point.encoding and not registry.of(row.method).autoencoder:
        encoded = str(results.encoded_input(row.encoded_digest).resolve())
    point = {field.name: getattr(row, field.name) for field in dataclasses.fields(config.Point)}
    task = apply_worker.Task(
        method=row.method,
        backend=backend,
        point=point,
        run=str(run.resolve()),
        input_file=str(Path(data.path).resolve()),
        input_digest=data.metadata["digest"],
        encoded_file=encoded,
        encoded_digest=row.encoded_digest,
        events=list(events),
        friends=list(friends),
        output=str(path.absolute()),
        force=force,
        here=str(Path.cwd()),
    )
    variables = environments.child_variables(sys.executable, threads=1, backend=backend, architecture="cpu")
    with tempfile.TemporaryDirectory() as work:
        ending = child.run_child(
            "tmva_bench.methods.apply_worker",
            task._asdict(),
            Path(work),
            python=sys.executable,
            variables={**variables, "JAX_ENABLE_X64": "1"},
        )
    if ending.status == "unavailable":
        raise UserError(ending.reason + ("; or take another --backend, which gives the same scores" if network else ""))
    if ending.status != "ok":
        raise UserError(ending.reason)
    return {**ending.outcome, "row": row}


def finished(run: Path) -> RunRow:
    """The row of a run that gave a result, and whose files are as it left them.

    Raises:
        UserError: no such run.
    """
    if not (run / "record.json").is_file():
        raise UserError(f"{run}: no finished run; give its folder, results/NAME/runs/ID")
    row = records.read(run, curves=()).row
    if row.status != "ok":
        raise UserError(f"{run}: gave no result ({row.status}: {row.reason}); give another run")
    if changed := [name for name in records.altered(run) if name not in ("log.txt",)]:
        raise UserError(f"{run}: {changed[0]} is no longer as the run left it; take another copy, or run it again")
    return row


def _check(row: RunRow, run: Path) -> None:
    """Refuses a run whose model cannot be evaluated here."""
    if registry.of(row.method).evaluator is None:
        known = ", ".join(name for name, method in registry.METHODS.items() if method.evaluator)
        raise UserError(f"{run}: a run of {row.method}, which cannot be applied to other events; {known} can")


def _backend(row: RunRow, asked: str | None) -> str:
    """The library that evaluates: of a network a Keras backend, the run's where none is asked for."""
    if not registry.of(row.method).is_network:
        if asked is not None:
            raise UserError(f"backend = {asked}: a run of {row.method} is evaluated without Keras; leave it out")
        return row.backend
    backend = asked or (row.backend if row.backend in config.BACKENDS else _USUAL)
    if backend not in config.BACKENDS:
        raise unknown("backend", backend, list(config.BACKENDS))
    return backend
