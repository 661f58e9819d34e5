"""Exports of trained networks, each written and checked in a child process."""

import contextlib
import dataclasses
import importlib.util
import sys
import tempfile
from pathlib import Path
from typing import Any

from tmva_bench.basis import config
from tmva_bench.engines import exports
from tmva_bench.errors import UserError, unknown
from tmva_bench.events import inputs, output
from tmva_bench.methods import export_worker, registry
from tmva_bench.results.folder import ResultsFolder
from tmva_bench.running import applying, child, environments

_FILES = (".xml", ".keras", ".h5", ".hdf5")
# TensorFlow first: where it is installed, Keras' layers of normalisation want it on every backend.
_BACKENDS = ("tensorflow", "jax", "torch")


def export(source: Path, form: str, path: Path, *, force: bool = False) -> dict[str, Any]:
    """Writes a scoring function; see :func:`tmva_bench.api.export`.

    Raises:
        UserError: see there.
    """
    if form not in exports.FORMATS:
        raise unknown("format", form, list(exports.FORMATS))
    output.refuse_existing(output.check(path), force=force)
    task = task_of(source)._replace(form=form, output=str(path.absolute()), force=force)
    return _answer("tmva_bench.methods.export_worker", task)


def task_of(source: Path) -> export_worker.Task:
    """What a child is to read of a run, a weight file or a model file."""
    task = export_worker.Task(
        source=str(source.absolute()),
        form="",
        output="",
        force=False,
        here=str(Path.cwd()),
        method="",
        point={},
        input_file="",
        input_digest="",
        backend=_backend(),
    )
    if source.is_file() or source.suffix in _FILES:
        if not source.is_file():
            raise UserError(f"{source}: no such file; correct the path")
        if source.suffix not in _FILES:
            raise UserError(
                f"{source}: neither a run nor a *.weights.xml, .keras or .h5; give such a file, or a run's folder, "
                "results/NAME/runs/ID"
            )
        return task
    row = applying.finished(source)
    if registry.of(row.method).scoring is None:
        known = ", ".join(name for name, method in registry.METHODS.items() if method.scoring)
        raise UserError(f"{source}: a run of {row.method}, which cannot be exported; {known} can")
    folder = ResultsFolder(source.resolve().parent.parent)
    data = folder.read_input(source.resolve().name, row.input_digest)
    if row.encoded_digest and "encoded" not in data.metadata:
        data = _encoded(folder, row.encoded_digest)
    return task._replace(
        source=str(source.resolve()),
        method=row.method,
        point={field.name: getattr(row, field.name) for field in dataclasses.fields(config.Point)},
        input_file=str(Path(data.path).resolve()),
        input_digest=data.metadata["digest"],
    )


def _encoded(folder: ResultsFolder, digest: str) -> inputs.InputFile:
    """The encoded file of a run whose chain ends with an autoencoder."""
    for path in sorted(folder.inputs.glob("*.root")):
        with contextlib.suppress(UserError):
            if inputs.read_metadata(path)["digest"] == digest:
                return inputs.read(path)
    raise UserError(f"{folder.inputs}: no encoded file of digest {digest[:12]}; run it again, which encodes anew")


def _backend() -> str:
    """A Keras backend that is here, without loading it."""
    return next((name for name in _BACKENDS if importlib.util.find_spec(name)), _BACKENDS[-1])


def _answer(module: str, task: Any) -> dict[str, Any]:
    """What a child answers.

    Args:
        module: what it runs.
        task: what it is asked.

    Raises:
        UserError: it could not do it, with the reason.
    """
    variables = environments.child_variables(sys.executable, threads=1, backend=task.backend, architecture="cpu")
    with tempfile.TemporaryDirectory() as work:
        ending = child.run_child(module, task._asdict(), Path(work), python=sys.executable, variables=variables)
    if ending.status != "ok":
        raise UserError(ending.reason)
    return ending.outcome
