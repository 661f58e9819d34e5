"""One run: its name, its child process, and the record it leaves."""

import contextlib
import dataclasses
import datetime
import json
import math
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import psutil

import tmva_bench
from tmva_bench.basis import autoencoder
from tmva_bench.basis.config import COUNTS
from tmva_bench.basis.training import Epoch
from tmva_bench.engines import encoder
from tmva_bench.errors import UserError
from tmva_bench.events import inputs, reading, roc
from tmva_bench.methods import Task, encode_worker, registry
from tmva_bench.results import doubts, records, schema
from tmva_bench.results.folder import DiskFull, ResultsFolder
from tmva_bench.running import child, encoding, environments
from tmva_bench.study import requests
from tmva_bench.study.requests import Request

_SCORE_BINS = 40
# Share of the events whose reconstruction error the histograms of dae resolve.
_MOST = 0.99


def identify(request: Request, data: inputs.InputFile, environment: environments.Environment) -> str:
    """The run's name, from all that can change its result; times are part of that, so the processor is, too."""
    machine = environments.machine()
    return records.run_id(
        {
            "point": dataclasses.asdict(request.point),
            **{name: value for name, value in request._asdict().items() if name != "point"},
            "versions": environment.versions,
            **({"encoder": environments.describe().versions} if request.point.encoding else {}),
            "environment": environment.name,
            "tmva_bench": tmva_bench.__version__,
            "machine": machine["cpu_model"] if request.architecture == "cpu" else machine["gpu_model"],
            "input": data.metadata["digest"],
        }
    )


def run(
    request: Request,
    data: inputs.InputFile,
    results: ResultsFolder,
    *,
    environment: environments.Environment | None = None,
    limits: requests.Limits | None = None,
    cpus: list[int] | None = None,
    stop: threading.Event | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
    on_encoding: Callable[[Epoch], None] | None = None,
) -> records.Record:
    """Runs one benchmark in a child process and leaves its record in ``results``, which the caller holds.

    Args:
        request: what to run.
        data: the common input file, read and checked.
        results: the results folder.
        environment: the Python to run in; by default this one.
        limits: time and memory, of the run, and of the training of the autoencoder before it.
        cpus: cores to bind the child to; by default the first ones, as many as the request has threads.
        stop: ends the child when it is set.
        on_epoch: called with each epoch as it appears in the log.
        on_encoding: the same for the autoencoder before the run.

    Returns:
        The record: ``schema``, ``row`` (the benchmark tree's columns), ``roc``, ``history``, ``scores``.

    Raises:
        UserError: the results folder cannot be written.
        DiskFull: the run failed because the disk is full.
        KeyboardInterrupt: after the child was ended.
    """
    environment = environment or environments.describe()
    method = registry.of(request.method)
    name = identify(request, data, environment)
    cpus = _cpus(request.threads) if cpus is None else cpus
    with results.under_way(name) as folder:
        record = _empty_record(request, data, environment, name)
        row = record["row"]
        given = data
        kept = results.keep_input(data)
        if request.point.encoding and not method.autoencoder:
            try:
                given = encoding.for_run(
                    data,
                    request.point,
                    results,
                    folder / "encoding",
                    limits=limits,
                    cpus=cpus,
                    stop=stop,
                    on_epoch=on_encoding,
                )
            except UserError as error:
                status = error.status if isinstance(error, encoding.NotEncoded) else "failed"
                row.update(status=status, reason=str(error))
                return _finished(folder, record, results)
            taken = given.metadata["encoded"]["training"]
            row.update({name: taken.get(name, math.nan) for name in ("cpu_time_encode", "real_time_encode")})
            row.update(encoded_digest=given.metadata["digest"])
            _fill_errors(record, given.path)
        # The log and whatever TMVA writes carry no path of the final folder, so the folder can be renamed.
        task = Task(
            request.point,
            request.method,
            request.backend,
            request.architecture,
            request.threads,
            str(Path(given.path).resolve()),
            str(folder.resolve()),
            given.metadata["digest"],
        )
        load = _Load()
        ending = child.run(
            "tmva_bench.methods.worker",
            {**task._asdict(), "point": dataclasses.asdict(task.point)},
            folder,
            python=environment.python,
            variables=environments.child_variables(
                environment.python,
                threads=request.threads,
                backend=request.backend,
                architecture=request.architecture,
            ),
            cpus=cpus,
            limits=limits,
            stop=stop,
            on_epoch=on_epoch,
            epochs=method.read_epochs,
        )
        _name_input(folder, kept)
        row.update(status=ending.status, reason=ending.reason)
        row.update(peak_memory=ending.peak_memory, real_time_total=ending.real_time)
        row.update(load.columns(ending, request.threads))
        if ending.status == "ok":
            _fill(record, ending.outcome, folder, data)
            if method.autoencoder:
                _fill_errors(record, str(folder / encode_worker.OUTPUT))
        return _finished(folder, record, results)


def _finished(folder: Path, record: records.Record, results: ResultsFolder) -> records.Record:
    if record["row"]["status"] != "ok" and results.is_full():
        _give_up(folder, record, results)
    results.finish(folder, record)
    return record


def _name_input(folder: Path, name: str) -> None:
    """Has the task name its input file in the results folder, which can be moved, in place of one on this machine."""
    path = folder / child.TASK_FILE
    if path.is_file():
        task = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps({**task, "input_file": f"../../inputs/{name}", "folder": "."}), encoding="utf-8")


def leave_unavailable(
    request: Request, data: inputs.InputFile, results: ResultsFolder, environment: environments.Environment, reason: str
) -> records.Record:
    """Leaves the record of a run that cannot be done, without trying it.

    Args:
        request: what was to run.
        data: the common input file.
        results: the results folder, which the caller holds.
        environment: where it was to run.
        reason: why it cannot, and the cure.

    Raises:
        UserError: the results folder cannot be written.
    """
    name = identify(request, data, environment)
    with results.under_way(name) as folder:
        record = _empty_record(request, data, environment, name)
        record["row"].update(status="unavailable", reason=reason)
        results.finish(folder, record)
    return record


def _give_up(folder: Path, record: records.Record, results: ResultsFolder) -> None:
    """Leaves the row of a run that the full disk ended, in the space that its own files held."""
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    reason = "no space left on the disk of the results folder"
    record["row"].update(status="failed", reason=f"{reason}; free some, then --rerun failed")
    # Where not even the row fits, the run is absent and will be done again.
    with contextlib.suppress(OSError):
        results.finish(folder, record)
    raise DiskFull(f"{results.path}: {reason}; free some, or choose another results folder")


class _Load:
    """The load of the machine around a run."""

    def __init__(self) -> None:
        self._before, self._busy = os.getloadavg()[0], self._busy_seconds()

    def columns(self, ending: child.Ending, threads: int) -> dict[str, Any]:
        """The columns of the row; ``others_load`` is NaN where the system does not count the child's own time."""
        busy = self._busy_seconds() - self._busy
        others = math.nan
        if busy > 0.5 * ending.cpu_time and ending.real_time > 0:
            others = max(0.0, busy - ending.cpu_time) / ending.real_time
        free = max(1, environments.available_threads() - threads)
        return {
            "load_before": self._before,
            "load_after": os.getloadavg()[0],
            "others_load": others,
            "busy": int(others > 0.5 * free),
        }

    @staticmethod
    def _busy_seconds() -> float:
        """CPU time that the cores usable by this process have spent, whatever on."""
        usable = os.sched_getaffinity(0)
        times = [spent for cpu, spent in enumerate(psutil.cpu_times(percpu=True)) if cpu in usable]
        return float(sum(spent.user + spent.nice + spent.system + spent.irq + spent.softirq for spent in times))


def _empty_record(
    request: Request, data: inputs.InputFile, environment: environments.Environment, name: str
) -> records.Record:
    row = planned_row(request, data, environment, name)
    return {"schema": schema.VERSION, "row": row, **{tree: {} for tree in schema.CURVES}}


def planned_row(
    request: Request, data: inputs.InputFile, environment: environments.Environment, name: str
) -> dict[str, Any]:
    """Every column of the benchmark tree: what is known before the run, and "not measured" for the rest."""
    empty: dict[type, Any] = {str: "", int: 0, float: math.nan}
    row = {column.name: empty[column.type] for column in schema.BENCHMARK}
    row.update(dataclasses.asdict(request.point))
    row.update({column: len(data.events[tree]) for column, tree in COUNTS.items()})
    machine = environments.machine()
    best = data.metadata["roc_auc_best_possible"]
    row.update(
        run_id=name,
        method=request.method,
        backend=request.backend,
        architecture=request.architecture,
        environment=environment.name,
        installation=environment.installation,
        repetition=request.repetition,
        sample=data.metadata["sample"],
        variables=len(data.variables),
        encoded_variables=autoencoder.of_chain(request.point.encoding, 1)[0].encoded if request.point.encoding else 0,
        roc_auc_best_possible=math.nan if best is None else best,
        threads=request.threads,
        python_version=environment.versions.get("python", ""),
        root_version=environment.versions.get("root", ""),
        keras_version=environment.versions.get("keras", ""),
        tmva_bench_version=tmva_bench.__version__,
        cpu_model=machine["cpu_model"],
        host=machine["host"],
        start_time=datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
        input_digest=data.metadata["digest"],
    )
    return row


def _cpus(threads: int) -> list[int]:
    cpus = sorted(os.sched_getaffinity(0))
    return cpus[:threads] if threads < len(cpus) else []


def _fill(record: records.Record, outcome: dict[str, Any], folder: Path, data: inputs.InputFile) -> None:
    row = record["row"]
    versions = outcome["versions"]
    row.update({name: value for name, value in outcome.items() if name in row})
    row.update(root_version=versions["root"], keras_version=versions["keras"], backend_version=versions["backend"])
    row["cores_used"] = row["cpu_time_train"] / row["real_time_train"]
    if row["device"] == "gpu":
        row["device"] = environments.machine()["gpu_model"] or "gpu"
    with reading.opened(folder / "scores.root") as file:
        scores = {tree: reading.numbers(file[tree], "score") for tree in inputs.TREES}
    test = scores["TestS"], scores["TestB"], data.weights["TestS"], data.weights["TestB"]
    row["roc_auc"], row["roc_auc_error"] = roc.area_of(roc.placements(*test), *test[2:])
    row["roc_integral_difference"] = row["roc_integral"] - row["roc_auc"]
    if not doubts.outside(row["roc_auc"]):
        row.update(_working_points(test))
    for kind in ("signal", "background"):
        train, tested = (f"{part}{kind[0].upper()}" for part in ("Train", "Test"))
        row[f"overtraining_{kind}"] = roc.kolmogorov_probability(
            scores[train], scores[tested], data.weights[train], data.weights[tested]
        )
    signal_efficiency, background_rejection = roc.curve(*test)
    record["roc"] = {
        "signal_efficiency": signal_efficiency.tolist(),
        "background_rejection": background_rejection.tolist(),
    }
    record["history"] = dict(
        zip(
            ("epoch", "training_loss", "validation_loss", "real_time", "cpu_time"),
            map(list, zip(*outcome["history"], strict=True)),
            strict=True,
        )
    )
    row["warnings"] = doubts.SEPARATOR.join(doubts.of(row, record["history"], roc.fall(*test)))
    if registry.of(row["method"]).autoencoder:
        # A few events far from all others would leave one bin to the rest: the last bin has what lies above.
        high = max(float(numpy.quantile(values, _MOST)) for values in scores.values())
        if high > min(float(values.min()) for values in scores.values()):
            scores = {tree: values.clip(max=high) for tree, values in scores.items()}
    record["scores"] = _histograms(scores, data)


def _fill_errors(record: records.Record, encoded_file: str) -> None:
    """The errors of an autoencoder, from the file that it encoded."""
    rows = encoder.read_errors(encoded_file)
    record["reconstruction"] = {name: [row[name] for row in rows] for name in rows[0]}
    total = next(row for row in rows if row["variable"] == encoder.TOTAL)
    record["row"].update(reconstruction_error=total["error"], pca_error=total["pca_error"])


def _working_points(
    test: tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray, numpy.ndarray],
) -> dict[str, float]:
    """The columns of efficiencies and rejections, scores and weights as in :mod:`tmva_bench.events.roc`."""
    columns: dict[str, float] = {}
    for names, found in (
        (schema.EFFICIENCIES, roc.signal_efficiencies(*test)),
        (schema.REJECTIONS, roc.background_rejections(*test)),
    ):
        for name, interval in zip(names.values(), found, strict=True):
            columns.update({name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high})
    return columns


def _histograms(scores: dict[str, numpy.ndarray], data: inputs.InputFile) -> dict[str, list[Any]]:
    low = min(float(values.min()) for values in scores.values())
    high = max(float(values.max()) for values in scores.values())
    edges = numpy.linspace(low, high, _SCORE_BINS + 1)
    columns: dict[str, list[Any]] = {column.name: [] for column in schema.SCORES if column.name != "run_id"}
    for tree, values in scores.items():
        density, error = roc.score_histogram(values, data.weights[tree], edges)
        columns["sample"] += ["train" if tree.startswith("Train") else "test"] * _SCORE_BINS
        columns["event_class"] += ["signal" if tree.endswith("S") else "background"] * _SCORE_BINS
        columns["low"] += edges[:-1].tolist()
        columns["high"] += edges[1:].tolist()
        columns["density"] += density.tolist()
        columns["density_error"] += error.tolist()
    return columns
