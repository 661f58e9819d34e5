"""Planned runs done: each in its child, on cores of its own, the finished ones kept whatever ends the rest."""

import concurrent.futures
import dataclasses
import functools
import logging
import math
import queue
import statistics
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Protocol

from tmva_bench.basis import config
from tmva_bench.basis.training import Epoch
from tmva_bench.errors import UserError, unknown
from tmva_bench.events import inputs
from tmva_bench.results.folder import ResultsFolder
from tmva_bench.results.rows import Record, RunRow
from tmva_bench.running import environments, runner
from tmva_bench.study import requests

_logger = logging.getLogger(__name__)

# Which finished runs a new request runs again.
RERUN = {
    "failed": ("failed", "killed", "out_of_memory"),
    "timeout": ("timeout",),
    "unavailable": ("unavailable",),
    "all": ("ok", "failed", "killed", "out_of_memory", "timeout", "unavailable"),
}
# Between two runs results.root is rebuilt when it is older than this [s].
_REBUILD = 300.0
# What a run's time depends on most, for estimates.
_TIMED = (
    *("method", "backend", "architecture", "environment", "optimizer", *config.OF_SERIES),
    *("together", "threads", "cpu_model"),
)


class Job(NamedTuple):
    """One run to do, and all that it needs.

    Attributes:
        request: what to run.
        data: the common input file.
        environment: where to run it.
        name: the run's name.
    """

    request: requests.Request
    data: inputs.InputFile
    environment: environments.Environment
    name: str


class Listener(Protocol):
    """Is told how the runs go, in the threads that do them."""

    def reading(self, done: int, total: int) -> None:
        """So many events of users' own are read, of so many: the input file of a sample is made."""

    def planned(self, todo: list[Job], kept: list[Job]) -> None:
        """These runs are to be done, those have their record."""

    def workers(self, number: int) -> None:
        """A cluster has so many workers now."""

    def started(self, job: Job) -> None:
        """A child is about to start; of several jobs it has, this is the first."""

    def encoding(self, job: Job, epoch: Epoch) -> None:
        """An epoch of the autoencoder that encodes the events before the run has ended."""

    def epoch(self, job: Job, epoch: Epoch) -> None:
        """An epoch has ended."""

    def finished(self, job: Job, record: Record) -> None:
        """The run has its record."""


class Silent:
    """A listener that tells nobody."""

    def reading(self, done: int, total: int) -> None:
        """Nothing to tell."""

    def planned(self, todo: list[Job], kept: list[Job]) -> None:
        """Nothing to tell."""

    def workers(self, number: int) -> None:
        """Nothing to tell."""

    def started(self, job: Job) -> None:
        """Nothing to tell."""

    def encoding(self, job: Job, epoch: Epoch) -> None:
        """Nothing to tell."""

    def epoch(self, job: Job, epoch: Epoch) -> None:
        """Nothing to tell."""

    def finished(self, job: Job, record: Record) -> None:
        """Nothing to tell."""


class Pool(Protocol):
    """Does runs on other machines."""

    def work(self, jobs: list[Job], listener: Listener, finished: Callable[[Job, Record], None]) -> None:
        """Does the jobs, and has the record of each in the results folder before it is told.

        Args:
            jobs: what to run.
            listener: is told how many workers there are, when a run begins, once, and of epochs as they come.
            finished: is told of the record; the run is called what it would be on the machine that did it.

        Raises:
            UserError: the pool or the results folder can no longer be used.
            KeyboardInterrupt: the runs under way were ended; what had finished is kept.
        """


class Estimate(NamedTuple):
    """How long runs will take, judged from finished ones.

    Attributes:
        seconds: sum over the runs that could be judged.
        unknown: runs of series that have no finished run.
    """

    seconds: float
    unknown: int


def make_job(request: requests.Request, data: inputs.InputFile, environment: environments.Environment) -> Job:
    """The job of a request."""
    return Job(request, data, environment, runner.identify(request, data, environment))


def split(jobs: Iterable[Job], records: Iterable[Record], rerun: str | None) -> tuple[list[Job], list[Job]]:
    """The jobs that have their record, and those still to do.

    Args:
        jobs: all of them.
        records: the records that there are.
        rerun: which finished runs to run again, a key of :data:`RERUN`, or None.

    Raises:
        UserError: unknown ``rerun``.
    """
    if rerun is not None and rerun not in RERUN:
        raise unknown("rerun", rerun, list(RERUN))
    again = RERUN.get(rerun or "", ())
    kept = {record.row.run_id for record in records if record.row.status not in again}
    jobs = list({job.name: job for job in jobs}.values())
    return [job for job in jobs if job.name in kept], [job for job in jobs if job.name not in kept]


def estimate(jobs: Iterable[Job], records: Iterable[Record]) -> Estimate:
    """The real time that runs will take one after the other: the median of the finished runs of the same point, else
    of the same series; none tells that of trainings together.

    Args:
        jobs: runs to do.
        records: finished runs.
    """
    by_point: dict[tuple[Any, ...], list[float]] = {}
    by_series: dict[tuple[Any, ...], list[float]] = {}
    for record in records:
        row = record.row
        if row.status == "ok" and not row.together:
            by_point.setdefault(_timed(row) + _place(row), []).append(row.real_time_total)
            by_series.setdefault(_timed(row), []).append(row.real_time_total)
    seconds, missing = 0.0, 0
    for job in jobs:
        row = runner.planned_row(*job)
        times = by_point.get(_timed(row) + _place(row)) or by_series.get(_timed(row))
        if times:
            seconds += statistics.median(times)
        elif not job.environment.missing:
            missing += 1
    return Estimate(seconds, missing)


def slots(jobs: int, threads: int) -> list[list[int] | None]:
    """The cores of each of so many runs side by side, disjoint; None leaves the choice to the one run.

    Raises:
        UserError: there are not enough cores.
    """
    environments.check_threads(threads)
    usable = environments.cpus()
    if jobs == 1:
        return [None]
    if jobs < 1 or jobs * threads > len(usable):
        raise UserError(
            f"--jobs {jobs}: {jobs} runs of {threads} thread{'s' if threads > 1 else ''} side by side need "
            f"{jobs * threads} cores, {len(usable)} are usable; take at most --jobs {max(1, len(usable) // threads)}"
        )
    if jobs * threads > (cores := environments.cores()):
        _logger.warning(
            "--jobs %d: more than there are cores (%d, of several hardware threads each): runs that share one take "
            "longer; take --jobs %d to compare times",
            *(jobs, cores, max(1, cores // threads)),
        )
    return [usable[i * threads : (i + 1) * threads] for i in range(jobs)]


def execute(
    jobs: Iterable[Job],
    folder: ResultsFolder,
    *,
    limits: requests.Limits | None = None,
    side_by_side: int = 1,
    rerun: str | None = None,
    limit: int | None = None,
    listener: Listener | None = None,
    pool: Pool | None = None,
) -> list[Record]:
    """Does the jobs that have no record yet, and rebuilds ``results.root``; for who holds the results folder.

    Args:
        jobs: what to run; none twice.
        folder: the results folder.
        limits: time and memory of each run.
        side_by_side: runs at a time, on disjoint cores.
        rerun: which finished runs to run again, a key of :data:`RERUN`.
        limit: do at most so many runs.
        listener: is told how it goes.
        pool: does them on other machines; the records of any machine count there.

    Returns:
        The records of the jobs that have one now, in the order of ``jobs``.

    Raises:
        UserError: something in the request is wrong, or the disk is full.
        KeyboardInterrupt: the children were ended; what had finished is kept.
    """
    jobs = list(jobs)
    records = folder.load(curves=())
    if pool:
        jobs = _of_any_machine(jobs, records)
    else:
        cores = slots(side_by_side, max([job.request.threads for job in jobs], default=1))
    kept, todo = split(jobs, records, rerun)
    todo = todo[:limit]
    listener = listener or Silent()
    listener.planned(todo, kept)
    crew = _Crew(folder, limits, records, listener)
    if todo:
        try:
            if pool:
                crew.send(todo, pool)
            else:
                crew.work(todo, cores)
        finally:
            records = folder.rebuild()
    else:
        folder.rebuild()
    by_name = {record.row.run_id: record for record in records}
    names = [crew.names.get(job.name, job.name) for job in jobs]
    return [by_name[name] for name in names if name in by_name]


def _of_any_machine(jobs: list[Job], records: list[Record]) -> list[Job]:
    """The jobs, called as their record is where a machine of these records did them, a result before all else."""
    status = {record.row.run_id: record.row.status for record in records}
    machines = {machine for record in records for machine in (record.row.cpu_model, record.row.device)}
    called = []
    for job in jobs:
        names = [job.name, *(runner.identify(*job[:3], machine=machine) for machine in sorted(machines))]
        there = sorted((name for name in names if name in status), key=lambda name: status[name] != "ok")
        called.append(job._replace(name=there[0]) if there else job)
    return called


def children(jobs: Iterable[Job]) -> list[list[Job]]:
    """The jobs of each child: repetitions of a point that are trained together are in one.

    Args:
        jobs: in the order in which they are to be done.
    """
    together: dict[Any, list[Job]] = {}
    for job in jobs:
        request = job.request
        point = dataclasses.replace(request.point, seed=0)
        of_point = request._replace(point=point, repetition=0), job.environment.name, job.data.metadata["digest"]
        together.setdefault(of_point if request.together else job.name, []).append(job)
    return list(together.values())


class _Crew:
    """Does jobs in threads, one child each, or sends them to a pool.

    Attributes:
        names: what the runs of jobs are called, where another machine did them.
    """

    def __init__(
        self, folder: ResultsFolder, limits: requests.Limits | None, records: list[Record], listener: Listener
    ) -> None:
        self._folder, self._limits, self._listener = folder, limits, listener
        self.names: dict[str, str] = {}
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._rebuilt = time.monotonic()
        # Why a method does not run in an installation: the same at every point, so it is tried once.
        self._unavailable: dict[tuple[Any, ...], str] = {}
        # Rows that say "unavailable" go when the same request gets a run in what was installed since.
        self._outdated: dict[tuple[Any, ...], list[str]] = {}
        for record in records:
            if record.row.status == "unavailable":
                self._outdated.setdefault(_asked(record.row), []).append(record.row.run_id)

    def send(self, jobs: list[Job], pool: Pool) -> None:
        for job in jobs:
            if job.environment.missing:
                self._finished(job, self._leave_unavailable(job, job.environment.missing))
        jobs = [job for job in jobs if not job.environment.missing]
        pool.work(jobs, self._listener, self._finished)

    def work(self, jobs: list[Job], cores: list[list[int] | None]) -> None:
        free: queue.Queue[list[int] | None] = queue.Queue()
        for cpus in cores:
            free.put(cpus)
        # The pool's threads outlive every child: a child ends with the thread that started it.
        with concurrent.futures.ThreadPoolExecutor(len(cores)) as pool:
            futures = [pool.submit(self._do, some, free) for some in children(jobs)]
            try:
                for future in concurrent.futures.as_completed(futures):
                    future.result()
            except BaseException:
                self._stop.set()
                pool.shutdown(cancel_futures=True)
                raise

    def _do(self, jobs: list[Job], free: "queue.Queue[list[int] | None]") -> None:
        cpus = free.get()
        try:
            if self._stop.is_set():
                raise KeyboardInterrupt
            records = self._records(jobs, cpus)
        except BaseException:
            self._stop.set()  # here, for this thread takes the next job before anybody hears of it
            raise
        finally:
            free.put(cpus)
        for job, record in zip(jobs, records, strict=True):
            self._finished(job, record)

    def _finished(self, job: Job, record: Record) -> None:
        row = record.row
        with self._lock:
            # Of a run whose child did not start the method says nothing: its autoencoder cannot be trained here.
            if row.status == "unavailable" and not math.isnan(row.real_time_total):
                self._unavailable[_installed(row)] = row.reason
            outdated = set(self._outdated.pop(_asked(row), []))
            if job.name != row.run_id:
                self.names[job.name] = row.run_id
                # What another machine did is replaced, as what this one did is.
                outdated |= {job.name} & set(self._folder.names())
            self._folder.remove(sorted(outdated - {row.run_id}))
            self._listener.finished(job, record)
            self._rebuild()

    def _records(self, jobs: list[Job], cpus: list[int] | None) -> list[Record]:
        """The records of the runs of one child."""
        (first, *_) = jobs
        _, data, environment, _ = first
        reason = environment.missing or self._unavailable.get(_installed(runner.planned_row(*first)), "")
        if reason:
            return [self._leave_unavailable(job, reason) for job in jobs]
        self._listener.started(first)
        return runner.run_requests(
            [job.request for job in jobs],
            data,
            self._folder,
            on_encoding=functools.partial(self._listener.encoding, first),
            environment=environment,
            limits=self._limits,
            cpus=cpus,
            stop=self._stop,
            on_epoch=functools.partial(self._listener.epoch, first),
        )

    def _leave_unavailable(self, job: Job, reason: str) -> Record:
        request, data, environment, _ = job
        return runner.leave_undone(request, data, self._folder, environment, "unavailable", reason)

    def _rebuild(self) -> None:
        if time.monotonic() - self._rebuilt < _REBUILD:
            return
        try:
            self._folder.rebuild()
        except UserError as error:
            _logger.warning("%s", error)
        self._rebuilt = time.monotonic()


def _installed(row: RunRow) -> tuple[Any, ...]:
    return row.method, row.backend, row.architecture, row.environment, row.installation


def _asked(row: RunRow) -> tuple[Any, ...]:
    names = ("method", "backend", "architecture", "environment", "threads", "repetition", "together", "input_digest")
    return tuple(map(row.value, (*names, *config.PARAMETERS)))


def _timed(row: RunRow) -> tuple[Any, ...]:
    return tuple(map(row.value, _TIMED))


def _place(row: RunRow) -> tuple[Any, ...]:
    return tuple(row.value(name) for name in config.PARAMETERS if name != "seed")
