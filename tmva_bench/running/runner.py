"""One run: its name, its child process, and the record it leaves."""

import contextlib
import dataclasses
import datetime
import hashlib
import json
import math
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict, Unpack

import numpy
import psutil

import tmva_bench
from tmva_bench.basis import autoencoder
from tmva_bench.basis.config import COUNTS, LATER, Point
from tmva_bench.basis.training import Epoch
from tmva_bench.engines import encoder
from tmva_bench.engines.tmva_files import LOG_FILE
from tmva_bench.errors import UserError
from tmva_bench.events import conversion, inputs, output, reading, roc
from tmva_bench.methods import Task, encode_worker, registry, together_worker, worker
from tmva_bench.results import doubts, placements, records, schema
from tmva_bench.results.folder import DiskFull, ResultsFolder
from tmva_bench.results.rows import History, Reconstruction, Record, RocCurve, RunRow, Scores
from tmva_bench.running import child, encoding, environments
from tmva_bench.study import requests
from tmva_bench.study.requests import Request

_SCORE = "score"
_SCORE_BINS = 40
# Share of the events whose reconstruction error the histograms of dae resolve.
_MOST = 0.99


def identify(
    request: Request, data: inputs.InputFile, environment: environments.Environment, *, machine: str | None = None
) -> str:
    """The run's name, from all that can change its result; times are part of that, so the processor is, too.

    Args:
        request: what to run.
        data: the common input file.
        environment: where to run it.
        machine: the model of its processor or GPU; by default that of this machine.
    """
    if machine is None:
        machine = environments.machine()["cpu_model" if request.architecture == "cpu" else "gpu_model"]
    return records.run_id(
        {
            "point": _identity(request.point),
            **{name: value for name, value in request._asdict().items() if name not in ("point", "together")},
            **({"together": True} if request.together else {}),
            "versions": environment.versions,
            **({"encoder": environments.describe().versions} if request.point.encoding else {}),
            "environment": environment.name,
            "tmva_bench": tmva_bench.__version__,
            "machine": machine,
            "input": data.metadata["digest"],
        }
    )


def _identity(point: Point) -> dict[str, Any]:
    """The parameters of a point that are part of a run's name, which a later one at its default leaves as it was."""
    usual = Point()
    return {
        name: value
        for name, value in dataclasses.asdict(point).items()
        if name not in LATER or value != getattr(usual, name)
    }


class OfChild(TypedDict, total=False):
    """What is to be known of a child, whatever it runs; each may be left out.

    Attributes:
        environment: the Python to run in; by default this one.
        limits: time and memory, of the child, and of the training of the autoencoder before it.
        cpus: cores to bind the child to; by default the first ones, as many as the request has threads.
        stop: ends the child when it is set.
        on_epoch: called with each epoch as it appears in the log.
    """

    environment: environments.Environment
    limits: requests.Limits | None
    cpus: list[int] | None
    stop: threading.Event
    on_epoch: Callable[[Epoch], None]


def run_requests(
    asked: list[Request],
    data: inputs.InputFile,
    results: ResultsFolder,
    *,
    on_encoding: Callable[[Epoch], None] | None = None,
    **of_child: Unpack[OfChild],
) -> list[Record]:
    """Does the runs of one child: one, by :func:`run_one`, or those that are trained together, by :func:`run_together`.

    Args:
        asked: what to run.
        data: the common input file, read and checked.
        results: the results folder, which the caller holds.
        on_encoding: see :func:`run_one`.
        **of_child: see :class:`OfChild`.

    Raises:
        UserError: the results folder cannot be written.
        DiskFull: the runs failed because the disk is full.
        KeyboardInterrupt: after the child was ended.
    """
    if asked[0].together:
        return run_together(asked, data, results, **of_child)
    (request,) = asked
    return [run_one(request, data, results, on_encoding=on_encoding, **of_child)]


def run_one(
    request: Request,
    data: inputs.InputFile,
    results: ResultsFolder,
    *,
    on_encoding: Callable[[Epoch], None] | None = None,
    **of_child: Unpack[OfChild],
) -> Record:
    """Runs one benchmark in a child process and leaves its record in ``results``, which the caller holds.

    Args:
        request: what to run.
        data: the common input file, read and checked.
        results: the results folder.
        on_encoding: called with each epoch of the autoencoder that encodes the events before the run.
        **of_child: see :class:`OfChild`.

    Returns:
        The record.

    Raises:
        UserError: the results folder cannot be written.
        DiskFull: the run failed because the disk is full.
        KeyboardInterrupt: after the child was ended.
    """
    environment, told = _told(request, of_child)
    method = registry.of(request.method)
    name = identify(request, data, environment)
    with results.under_way(name) as folder:
        record = Record(row=planned_row(request, data, environment, name))
        events = data
        kept = results.keep_input(data)
        if request.point.encoding and not method.autoencoder:
            try:
                events = encoding.for_run(
                    data,
                    request.point,
                    results,
                    folder / "encoding",
                    limits=told["limits"],
                    cpus=told["cpus"],
                    stop=told["stop"],
                    on_epoch=on_encoding,
                )
            except UserError as error:
                status = error.status if isinstance(error, encoding.NotEncoded) else "failed"
                return _finished(folder, _ended(record, status, str(error)), results)
            record = _with_errors(_with_encoding(record, events), events.path)
        # The log and whatever TMVA writes carry no path of the final folder, so the folder can be renamed.
        load = _Load()
        ending = child.run_child(
            "tmva_bench.methods.worker",
            _task(request, events, folder),
            folder,
            **told,
        )
        name_input(folder, kept)
        row = dataclasses.replace(record.row, peak_memory=ending.peak_memory, real_time_total=ending.real_time)
        row = load.recorded(row, ending)
        record = _ended(dataclasses.replace(record, row=row), ending.status, ending.reason)
        if ending.status == "ok":
            record = _with_results(record, ending.outcome, folder, data)
            if method.autoencoder:
                record = _with_errors(record, str(folder / encode_worker.OUTPUT))
        return _finished(folder, record, results)


def run_together(
    bundled: list[Request],
    data: inputs.InputFile,
    results: ResultsFolder,
    **of_child: Unpack[OfChild],
) -> list[Record]:
    """Trains repetitions of a point in one child and leaves a record of each.

    Args:
        bundled: what to train; they differ in seed and repetition alone.
        data: as of :func:`run_one`.
        results: see there.
        **of_child: see :class:`OfChild`; the child, and the epochs in its log, are those of all.

    Raises:
        UserError: the results folder cannot be written.
        DiskFull: the runs failed because the disk is full.
        KeyboardInterrupt: after the child was ended.
    """
    environment, told = _told(bundled[0], of_child)
    names = [identify(request, data, environment) for request in bundled]
    bundle = hashlib.sha256(" ".join(names).encode()).hexdigest()[:12]
    rows = [planned_row(request, data, environment, name) for request, name in zip(bundled, names, strict=True)]
    with results.under_way(f"bundle-{bundle}") as shared:
        kept = results.keep_input(data)
        folders = [shared / str(request.repetition) for request in bundled]
        tasks = [_task(request, data, folder) for request, folder in zip(bundled, folders, strict=True)]
        for folder, task in zip(folders, tasks, strict=True):
            folder.mkdir()
            (folder / child.TASK_FILE).write_text(json.dumps(task), encoding="utf-8")
            name_input(folder, kept)
        load = _Load()
        ending = child.run_child(
            "tmva_bench.methods.together_worker",
            {together_worker.TASKS: tasks},
            shared,
            **told,
        )
        outcomes = ending.outcome.get(together_worker.OUTCOMES, [ending._asdict()] * len(bundled))
        bundled_rows = [
            dataclasses.replace(
                load.recorded(row, ending), bundle=bundle, bundle_size=len(rows), peak_memory=ending.peak_memory
            )
            for row in rows
        ]
        recorded = [
            _of_bundle(Record(row=row), ending, outcome, folder, data, results)
            for row, outcome, folder in zip(bundled_rows, outcomes, folders, strict=True)
        ]
        shutil.rmtree(shared)
    return recorded


def _of_bundle(
    record: Record,
    ending: child.Ending,
    outcome: dict[str, Any],
    left: Path,
    data: inputs.InputFile,
    results: ResultsFolder,
) -> Record:
    """Turns what a bundle's child left of one training into a finished run."""
    with results.under_way(record.row.run_id) as folder:
        for path in left.iterdir():
            path.rename(folder / path.name)
        for name in (LOG_FILE, "cpus.json"):
            shutil.copy2(left.parent / name, folder / name)
        record = _ended(record, outcome["status"], outcome["reason"])
        if outcome["status"] == "ok":
            (folder / worker.OUTCOME_FILE).write_text(json.dumps(outcome), encoding="utf-8")
            record = _with_results(record, outcome, folder, data)
            times = {name: ending.outcome[name] for name in ("cpu_time_bundle", "real_time_bundle")}
            used = times["cpu_time_bundle"] / times["real_time_bundle"]
            record = dataclasses.replace(record, row=dataclasses.replace(record.row, cores_used=used, **times))
        return _finished(folder, record, results)


def _task(request: Request, events: inputs.InputFile, folder: Path) -> dict[str, Any]:
    """What a child is asked to do, see :class:`tmva_bench.methods.Task`."""
    task = Task(
        request.point,
        request.method,
        request.backend,
        request.architecture,
        request.threads,
        str(Path(events.path).resolve()),
        str(folder.resolve()),
        events.metadata["digest"],
    )
    return {**task._asdict(), "point": dataclasses.asdict(task.point)}


def _told(request: Request, of_child: OfChild) -> tuple[environments.Environment, dict[str, Any]]:
    """The environment of a request's child, and what :func:`tmva_bench.running.child.run_child` is to know of it."""
    environment = of_child.get("environment") or environments.describe()
    cpus = of_child.get("cpus")
    return environment, {
        "python": environment.python,
        "variables": environments.child_variables(
            environment.python, threads=request.threads, backend=request.backend, architecture=request.architecture
        ),
        "epochs": registry.of(request.method).read_epochs,
        "cpus": _cpus(request.threads) if cpus is None else cpus,
        **{name: of_child.get(name) for name in ("limits", "stop", "on_epoch")},
    }


def _finished(folder: Path, record: Record, results: ResultsFolder) -> Record:
    if record.row.status != "ok" and results.is_full():
        _give_up(folder, record, results)
    results.finish(folder, record)
    return record


def name_input(folder: Path, name: str) -> None:
    """Has the task name its input file in the results folder, which can be moved, in place of one on this machine.

    Args:
        folder: of the run.
        name: of the input file in the results folder.
    """
    path = folder / child.TASK_FILE
    if path.is_file():
        task = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps({**task, "input_file": f"../../inputs/{name}", "folder": "."}), encoding="utf-8")


def leave_undone(
    request: Request,
    data: inputs.InputFile,
    results: ResultsFolder,
    environment: environments.Environment,
    status: str,
    reason: str,
) -> Record:
    """Leaves the record of a run that gave nothing here: it cannot be done, or what did it elsewhere was lost.

    Args:
        request: what was to run.
        data: the common input file.
        results: the results folder, which the caller holds.
        environment: where it was to run.
        status: how it ended.
        reason: why, and the cure.

    Raises:
        UserError: the results folder cannot be written.
    """
    name = identify(request, data, environment)
    with results.under_way(name) as folder:
        record = _ended(Record(row=planned_row(request, data, environment, name)), status, reason)
        results.finish(folder, record)
    return record


def _ended(record: Record, status: str, reason: str) -> Record:
    return dataclasses.replace(record, row=dataclasses.replace(record.row, status=status, reason=reason))


def _give_up(folder: Path, record: Record, results: ResultsFolder) -> None:
    """Leaves the row of a run that the full disk ended, in the space that its own files held."""
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    reason = "no space left on the disk of the results folder"
    # Where not even the row fits, the run is absent and will be done again.
    with contextlib.suppress(OSError):
        results.finish(folder, _ended(record, "failed", f"{reason}; free some, then --rerun failed"))
    raise DiskFull(f"{results.path}: {reason}; free some, or choose another results folder")


class _Load:
    """The load of the machine around a run."""

    def __init__(self) -> None:
        self._before, self._busy = os.getloadavg()[0], self._busy_seconds()

    def recorded(self, row: RunRow, ending: child.Ending) -> RunRow:
        """The row with the load; ``others_load`` is NaN where the system does not count the child's own time."""
        busy = self._busy_seconds() - self._busy
        others = math.nan
        if busy > 0.5 * ending.cpu_time and ending.real_time > 0:
            others = max(0.0, busy - ending.cpu_time) / ending.real_time
        free = max(1, environments.available_threads() - row.threads)
        return dataclasses.replace(
            row,
            load_before=self._before,
            load_after=os.getloadavg()[0],
            others_load=others,
            busy=int(others > 0.5 * free),
        )

    @staticmethod
    def _busy_seconds() -> float:
        """CPU time that the cores usable by this process have spent, whatever on."""
        usable = os.sched_getaffinity(0)
        times = [spent for cpu, spent in enumerate(psutil.cpu_times(percpu=True)) if cpu in usable]
        return float(sum(spent.user + spent.nice + spent.system + spent.irq + spent.softirq for spent in times))


def planned_row(request: Request, data: inputs.InputFile, environment: environments.Environment, name: str) -> RunRow:
    """What is known of a run before it is done, and "not measured" for the rest."""
    machine = environments.machine()
    best = data.metadata["roc_auc_best_possible"]
    counts = {parameter: len(data.events[tree]) for parameter, tree in COUNTS.items()}
    return RunRow(
        **{**dataclasses.asdict(request.point), **counts},
        run_id=name,
        method=request.method,
        backend=request.backend,
        architecture=request.architecture,
        environment=environment.name,
        installation=environment.installation,
        repetition=request.repetition,
        together=int(request.together),
        sample=data.metadata["sample"],
        fold=conversion.fold(data.metadata),
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


def _cpus(threads: int) -> list[int]:
    cpus = environments.cpus()
    return cpus[:threads] if threads < len(cpus) else []


def _with_results(record: Record, outcome: dict[str, Any], folder: Path, data: inputs.InputFile) -> Record:
    """A record with what the child left: its outcome, and what follows from its scores."""
    row = _with_outcome(record.row, outcome)
    with reading.opened(folder / "scores.root") as file:
        scores = {tree: reading.numbers(file[tree], _SCORE) for tree in inputs.TREES}
    _add_spectators(folder / "scores.root", scores, data)
    test = scores["TestS"], scores["TestB"], data.weights["TestS"], data.weights["TestB"]
    placed = roc.placements(*test)
    placements.write(folder, placed)
    area = roc.area_of(placed, *test[2:])
    row = dataclasses.replace(
        row,
        roc_auc=area.value,
        roc_auc_error=area.error,
        roc_integral_difference=row.roc_integral - area.value,
        overtraining_signal=_overtraining(scores, data, "S"),
        overtraining_background=_overtraining(scores, data, "B"),
        **({} if doubts.outside(area.value) else _working_points(test)),
    )
    signal_efficiency, background_rejection = roc.curve(*test)
    history = _history(outcome)
    return dataclasses.replace(
        record,
        row=dataclasses.replace(row, warnings=doubts.SEPARATOR.join(doubts.of(row, history, roc.fall(*test)))),
        roc=RocCurve(signal_efficiency=signal_efficiency.tolist(), background_rejection=background_rejection.tolist()),
        history=history,
        scores=_histograms(_clipped(scores) if registry.of(row.method).autoencoder else scores, data),
    )


def _add_spectators(path: Path, scores: dict[str, numpy.ndarray], data: inputs.InputFile) -> None:
    """Puts the spectators of the events beside their scores; by the parent, for the child's memory is measured."""
    spectators = inputs.read_spectators(data)
    if not spectators:
        return
    import uproot

    with output.beside(path) as beside, uproot.recreate(beside) as file:
        for tree, values in scores.items():
            columns = {**spectators[tree], _SCORE: values}
            file.mktree(tree, {name: column.dtype for name, column in columns.items()}).extend(columns)


def _with_outcome(row: RunRow, outcome: dict[str, Any]) -> RunRow:
    """A row with what the child says of itself, see :func:`tmva_bench.methods.worker.carry_out`."""
    versions, device = outcome["versions"], outcome["device"]
    said = {name: value for name, value in outcome.items() if name in row.columns()}
    row = dataclasses.replace(
        row,
        **{
            **said,
            "device": environments.machine()["gpu_model"] or "gpu" if device == "gpu" else device,
            "root_version": versions["root"],
            "keras_version": versions["keras"],
            "backend_version": versions["backend"],
        },
    )
    return dataclasses.replace(row, cores_used=row.cpu_time_train / row.real_time_train)


def _history(outcome: dict[str, Any]) -> History:
    epochs = [Epoch(*values) for values in outcome["history"]]
    return History(**{name: [getattr(epoch, name) for epoch in epochs] for name in Epoch._fields})


def _overtraining(scores: dict[str, numpy.ndarray], data: inputs.InputFile, kind: str) -> float:
    train, test = f"Train{kind}", f"Test{kind}"
    return roc.kolmogorov_probability(scores[train], scores[test], data.weights[train], data.weights[test])


def _clipped(scores: dict[str, numpy.ndarray]) -> dict[str, numpy.ndarray]:
    """Errors of an autoencoder: a few events far from all others would leave one bin to the rest.

    The last bin has what lies above.
    """
    high = max(float(numpy.quantile(values, _MOST)) for values in scores.values())
    if high > min(float(values.min()) for values in scores.values()):
        return {tree: values.clip(max=high) for tree, values in scores.items()}
    return scores


def _with_encoding(record: Record, encoded: inputs.InputFile) -> Record:
    """A record with what the training of the autoencoder before the run took."""
    taken = encoded.metadata["encoded"]["training"]
    row = dataclasses.replace(
        record.row,
        cpu_time_encode=taken.get("cpu_time_encode", math.nan),
        real_time_encode=taken.get("real_time_encode", math.nan),
        encoded_digest=encoded.metadata["digest"],
    )
    return dataclasses.replace(record, row=row)


def _with_errors(record: Record, encoded_file: str) -> Record:
    """A record with the errors of an autoencoder, from the file that it encoded."""
    errors = encoder.read_errors(encoded_file)
    table = Reconstruction(**{name: [line[name] for line in errors] for name in errors[0]})
    total = table.variable.index(encoder.TOTAL)
    row = dataclasses.replace(record.row, reconstruction_error=table.error[total], pca_error=table.pca_error[total])
    return dataclasses.replace(record, row=row, reconstruction=table)


def _working_points(
    test: tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray, numpy.ndarray],
) -> dict[str, Any]:
    """The columns of efficiencies and rejections, scores and weights as in :mod:`tmva_bench.events.roc`."""
    columns: dict[str, Any] = {}
    for names, intervals in (
        (schema.EFFICIENCIES, roc.signal_efficiencies(*test)),
        (schema.REJECTIONS, roc.background_rejections(*test)),
    ):
        for name, interval in zip(names.values(), intervals, strict=True):
            columns.update({name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high})
    return columns


def _histograms(scores: dict[str, numpy.ndarray], data: inputs.InputFile) -> Scores:
    low = min(float(values.min()) for values in scores.values())
    high = max(float(values.max()) for values in scores.values())
    edges = numpy.linspace(low, high, _SCORE_BINS + 1)
    table = Scores()
    for tree, values in scores.items():
        density, error = roc.score_histogram(values, data.weights[tree], edges)
        table.sample.extend(["train" if tree.startswith("Train") else "test"] * _SCORE_BINS)
        table.event_class.extend(["signal" if tree.endswith("S") else "background"] * _SCORE_BINS)
        table.low.extend(edges[:-1].tolist())
        table.high.extend(edges[1:].tolist())
        table.density.extend(density.tolist())
        table.density_error.extend(error.tolist())
    return table
