"""What scripts use: generate an input file, run a benchmark; the command line is a thin layer over the same."""

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tmva_bench import config, environments, inputs, records, results, runner, samples
from tmva_bench.errors import UserError, unknown
from tmva_bench.methods import Epoch

SAMPLES: dict[str, Callable[..., samples.Sample]] = {
    "gauss": samples.gauss,
    "rings": samples.rings,
    "higgs": samples.higgs,
}

# Which finished runs a new request runs again.
RERUN = {
    "failed": ("failed", "killed", "out_of_memory"),
    "timeout": ("timeout",),
    "unavailable": ("unavailable",),
    "all": ("ok", "failed", "killed", "out_of_memory", "timeout", "unavailable"),
}


def generate(path: str | Path, sample: str = "gauss", **parameters: Any) -> dict[str, Any]:
    """Writes the common input file of a sample.

    Args:
        path: the file to write.
        sample: ``gauss``, ``rings`` or ``higgs``.
        parameters: what the sample takes, see :mod:`tmva_bench.samples`.

    Returns:
        The file's metadata: sample, parameters, seed, variables, digest, best possible ROC area.

    Raises:
        UserError: an unknown sample or parameter, an impossible value, a file that cannot be written.
    """
    if sample not in SAMPLES:
        raise unknown("sample", sample, list(SAMPLES))
    known = sample_parameters(sample)
    for name in parameters:
        if name not in known:
            raise unknown(f"parameter of sample {sample}", name, known)
    return inputs.write(SAMPLES[sample](**parameters), path)


def sample_parameters(sample: str) -> list[str]:
    """Names of the parameters that a sample takes."""
    return list(inspect.signature(SAMPLES[sample]).parameters)


def run(
    input_file: str | Path,
    method: str,
    *,
    backend: str | None = None,
    architecture: str = "cpu",
    point: config.Point | Mapping[str, Any] | None = None,
    threads: int = 1,
    folder: str | Path | None = None,
    limits: runner.Limits | None = None,
    rerun: str | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> dict[str, Any]:
    """Runs one benchmark in a child process, or takes the record of it that exists.

    Args:
        input_file: the common input file.
        method: ``tmva-dnn``, ``pykeras`` or ``keras``.
        backend: the Keras backend; ``tensorflow`` by default, none for ``tmva-dnn``.
        architecture: ``cpu`` or ``gpu``.
        point: a point, or parameters by name.
        threads: threads given to the run.
        folder: the results folder; by default ``results/`` and the input file's stem.
        limits: time and memory.
        rerun: which finished runs to run again, a key of :data:`RERUN`.
        on_epoch: called with each epoch as it ends.

    Returns:
        The row of the tree ``benchmark``, by column; ``status`` says whether it is a result.

    Raises:
        UserError: something in the request or the input file is wrong.
    """
    folder = results_folder(input_file, folder)
    # A Point made by hand has not been checked.
    values = dataclasses.asdict(point) if isinstance(point, config.Point) else dict(point or {})
    chosen = config.point(values)
    request = make_request(chosen, method, backend, architecture=architecture, threads=threads)
    data = prepare_input(inputs.read(input_file), chosen, folder)
    record = run_once(request, data, folder, limits=limits, rerun=rerun, on_epoch=on_epoch)
    results.write(records.load(folder), folder / "results.root")
    row: dict[str, Any] = record["row"]
    return row


def results_folder(input_file: str | Path, folder: str | Path | None) -> Path:
    """The results folder asked for, or the default one of an input file."""
    return Path(folder) if folder else Path("results") / Path(input_file).stem


def make_request(
    point: config.Point, method: str, backend: str | None, *, architecture: str = "cpu", threads: int = 1
) -> runner.Request:
    """A checked request for one run.

    Raises:
        UserError: unknown method, backend or architecture, or ones that do not belong together.
    """
    if method not in config.METHODS:
        raise unknown("method", method, list(config.METHODS))
    if architecture not in config.ARCHITECTURES:
        raise unknown("architecture", architecture, list(config.ARCHITECTURES))
    if not isinstance(threads, int) or threads < 1:
        raise UserError(f"threads = {threads}: must be a whole number, at least 1")
    if method == "tmva-dnn":
        if backend not in (None, "tmva"):
            raise UserError(f"backend = {backend}: tmva-dnn has none, it is TMVA's own; leave --backend out")
        backend = "tmva"
    else:
        backend = backend or "tensorflow"
        if backend not in config.BACKENDS:
            raise unknown("backend", backend, list(config.BACKENDS))
    return runner.Request(point, method, backend, architecture, threads)


def prepare_input(data: inputs.InputFile, point: config.Point, folder: Path) -> inputs.InputFile:
    """The input file, or, where the point asks for fewer events, a file with the first events of each tree.

    Raises:
        UserError: the file holds fewer events than asked for, a batch is larger than the training or
            validation part, or the results folder cannot be written.
    """
    wanted = {name: getattr(point, name) for name in config.COUNTS}
    if all(number in (0, len(data.events[config.COUNTS[name]])) for name, number in wanted.items()):
        inputs.check_batches(data, point)
        return data
    counts = "-".join(map(str, wanted.values()))
    path = folder / "inputs" / f"{data.metadata['digest'][:12]}-{counts}.root"
    if not path.exists():
        records.make_folder(path.parent)
        inputs.take(data.path, path, **wanted)
    taken = inputs.read(path)
    inputs.check_batches(taken, point)
    return taken


def run_once(
    request: runner.Request,
    data: inputs.InputFile,
    folder: Path,
    *,
    limits: runner.Limits | None = None,
    rerun: str | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> records.Record:
    """The record of a run: the one that exists, else a new one; arguments as for :func:`run`."""
    if rerun is not None and rerun not in RERUN:
        raise unknown("rerun", rerun, list(RERUN))
    name = runner.identify(request, data, environments.describe())
    found = records.find(folder, name)
    if found is not None and found["row"]["status"] not in RERUN.get(rerun or "", ()):
        return found
    return runner.run(request, data, folder, limits=limits, on_epoch=on_epoch)
