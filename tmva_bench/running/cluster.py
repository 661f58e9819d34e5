"""A study on the workers of a Dask cluster: each run is done there as it is here, and brought back whole or not at all.

What is trained together is one job.

Dask is loaded only where a cluster is asked for.
"""

import contextlib
import fcntl
import functools
import logging
import math
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from tmva_bench.basis.training import Epoch
from tmva_bench.errors import UserError, of_system, unknown
from tmva_bench.events import inputs, output
from tmva_bench.results.folder import Missing, ResultsFolder
from tmva_bench.results.rows import Record
from tmva_bench.running import environments, execution, runner
from tmva_bench.running.environments import Environment
from tmva_bench.study import requests
from tmva_bench.study.study import Cluster, Study

# A run that brings down so many workers is not tried again.
_DEATHS = 2
# How long a scheduler has to answer [s].
_SECONDS = 30
# How often a run looks for cores that others have left [s].
_POLL = 0.2
# Time between two epochs that are told of a run [s].
_TELLING = 0.5
# What a worker says of a run.
_BEGINNING, _TRAINING, _ENCODING = "beginning", "training", "encoding"


class _Order(NamedTuple):
    """What a worker is asked to do.

    Attributes:
        job: name of the run, as it would be called here; of several that are trained together, of the first.
        asked: what to run in one child.
        input_file: the common input file, as it is called here.
        digest: of its events.
        environment: where to run it; no ``python`` stands for the worker's own.
        encoder: versions that the worker's own Python must hold to train the autoencoder; empty without one.
        limits: time and memory of the child.
    """

    job: str
    asked: list[requests.Request]
    input_file: str
    digest: str
    environment: Environment
    encoder: dict[str, str]
    limits: requests.Limits


class _Finished(NamedTuple):
    """A run that a worker has done.

    Attributes:
        record: that of the run.
        files: what lies in the run's folder, by name there.
        encoded: the file of encoded events that the run was given; None where it was given none.
    """

    record: Record
    files: dict[str, bytes]
    encoded: tuple[str, bytes] | None


class _Answer(NamedTuple):
    """What a worker gives back.

    Attributes:
        runs: those that were asked for, in their order; none where there is no record.
        refused: why there is none; "" where the worker needs the input file.
    """

    runs: tuple[_Finished, ...] = ()
    refused: str = ""


@contextlib.contextmanager
def pool(
    study: Study,
    folder: ResultsFolder,
    *,
    scheduler: str | None = None,
    system: str | None = None,
    workers: int | None = None,
) -> Iterator["DaskPool"]:
    """The workers of a cluster, its own ended with the context.

    Args:
        study: its table ``[cluster]`` says what a worker may take; it has as many cores as a run has threads.
        folder: the study's results folder, held.
        scheduler: the address of a cluster that runs already.
        system: starts one: a key of :data:`SYSTEMS`.
        workers: how many it is to have.

    Raises:
        UserError: both or none of the two, no number of workers, no Dask here, or no such cluster.
    """
    if scheduler and (system or workers):
        raise UserError(f"--scheduler {scheduler}: that cluster has its workers; leave --cluster and --workers out")
    if not scheduler and not (system and workers):
        raise UserError("--cluster and --workers belong together, as --cluster local --workers 4; give both")
    try:
        import dask
        import distributed
    except ImportError as error:
        raise UserError(
            f"a cluster needs Dask, which is not here ({error}): python -m pip install 'tmva-bench[dask]'"
        ) from None

    # What becomes of workers and runs is said by the runs' records.
    for name in ("distributed", "tornado.application", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with contextlib.ExitStack() as stack:
        address: Any = scheduler
        if system:
            if system not in SYSTEMS:
                raise unknown("cluster", system, SYSTEMS)
            # The scheduler reads it when it starts.
            stack.enter_context(dask.config.set({"distributed.scheduler.allowed-failures": _DEATHS - 1}))
            address = stack.enter_context(SYSTEMS[system](study, workers or 1))
        try:
            client = stack.enter_context(distributed.Client(address, timeout=_SECONDS, set_as_default=False))
        except (OSError, ValueError) as error:
            raise UserError(
                f"--scheduler {scheduler}: no Dask scheduler answers there ({error or type(error).__name__}); give the "
                "address that `dask scheduler` says, as tcp://host:8786"
            ) from None
        yield DaskPool(client, folder, study.limits)


def _jobqueue() -> Any:
    """``dask_jobqueue``, which takes Ctrl-C for itself when it is loaded: that is undone."""
    heeded = signal.getsignal(signal.SIGINT)
    import dask_jobqueue

    signal.signal(signal.SIGINT, heeded)
    return dask_jobqueue


def local(study: Study, workers: int) -> Any:
    """A cluster of worker processes of this machine."""
    import distributed

    return distributed.LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        memory_limit=None,  # it counts the worker alone; runs have limits of their own
        dashboard_address="127.0.0.1:0",
        silence_logs=logging.CRITICAL,
        preload=[__name__],
    )


def dask_setup(worker: Any) -> None:
    """Called by Dask in each worker process of this machine: Ctrl-C is for the command that started them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def htcondor(study: Study, workers: int) -> Any:
    """A cluster whose workers are jobs of HTCondor.

    Raises:
        UserError: there is no HTCondor here.
    """
    _check_command("condor_submit")
    cluster = study.cluster
    # One run a worker: one thread of Dask, however many cores.
    directives: dict[str, Any] = {
        "RequestCpus": study.threads,
        **({"+MaxRuntime": cluster.time} if cluster.time else {}),
    }
    for line in cluster.htcondor:
        name, _, value = line.partition("=")
        directives[name.strip()] = value.strip()
    return _scaled(
        _jobqueue().HTCondorCluster(disk="2GiB", job_extra_directives=directives, **_resources(study)), workers
    )


def slurm(study: Study, workers: int) -> Any:
    """A cluster whose workers are jobs of Slurm.

    Raises:
        UserError: there is no Slurm here.
    """
    _check_command("sbatch")
    cluster: Cluster = study.cluster
    minutes = -(-cluster.time // 60)
    return _scaled(
        _jobqueue().SLURMCluster(
            job_cpu=study.threads,
            job_mem=f"{cluster.memory}M",
            walltime=f"{minutes // 60:02}:{minutes % 60:02}:00" if minutes else None,
            job_directives_skip=[] if minutes else ["#SBATCH -t "],  # Dask's own half an hour
            job_extra_directives=list(cluster.slurm),
            **_resources(study),
        ),
        workers,
    )


# What starts a cluster, by its system.
SYSTEMS: dict[str, Callable[[Study, int], Any]] = {"local": local, "htcondor": htcondor, "slurm": slurm}


def _check_command(command: str) -> None:
    if not shutil.which(command):
        raise UserError(f"{command}: not on this machine; start where jobs are submitted, or take --cluster local")


def _resources(study: Study) -> dict[str, Any]:
    return {
        "job_name": study.name,
        "cores": 1,
        "processes": 1,
        "memory": f"{study.cluster.memory}MiB",
        "job_script_prologue": list(study.cluster.setup),
        "python": sys.executable,
    }


def _scaled(cluster: Any, workers: int) -> Any:
    """The cluster, with the jobs of its workers submitted."""
    import distributed

    async def submit() -> None:
        await cluster
        for job in cluster.workers.values():
            await job  # raises what the batch system said of it

    cluster.scale(workers)
    try:
        cluster.sync(submit)
    except RuntimeError as error:
        for job in cluster.workers.values():
            job.status = distributed.Status.failed  # a cluster with jobs that did not begin is not closed
        cluster.close()
        *_, line = str(error).strip().splitlines()
        raise UserError(f"the jobs of workers cannot be submitted: {line}; correct [cluster], or Dask's file") from None
    return cluster


class DaskPool:
    """Does runs on the workers of a cluster, see :class:`tmva_bench.running.execution.Pool`.

    Args:
        client: a ``distributed.Client``.
        folder: the results folder, held.
        limits: time and memory of each run.
    """

    def __init__(self, client: Any, folder: ResultsFolder, limits: requests.Limits) -> None:
        self._client, self._folder, self._limits = client, folder, limits
        self._topic = f"tmva-bench-{uuid.uuid4().hex}"
        self._here = environments.describe()
        # The jobs of each child, of which the first one stands for all.
        self._under_way: dict[Any, list[execution.Job]] = {}
        # Input files on their way, by digest.
        self._sent: dict[str, Any] = {}
        # By job: how often workers began it, and its place in the study, whatever is sent a second time.
        self._tries: Counter[str] = Counter()
        self._priority: dict[str, int] = {}

    def work(
        self,
        jobs: list[execution.Job],
        listener: execution.Listener,
        finished: Callable[[execution.Job, Record], None],
    ) -> None:
        """See :class:`tmva_bench.running.execution.Pool`."""
        import distributed

        self._priority = {job.name: -number for number, job in enumerate(jobs)}
        news = _News(jobs, listener, self._tries)
        self._client.subscribe_topic(self._topic, news.hear)
        try:
            futures = map(self._submit, execution.children(jobs))
            waiting = distributed.as_completed(futures, loop=self._client.loop)
            listener.workers(self._workers())
            for future in waiting:
                of_child = self._under_way.pop(future)
                outcome = self._outcome(future, of_child)
                if isinstance(outcome, list):
                    news.end(of_child[0])
                    for job, record in zip(of_child, outcome, strict=True):
                        finished(job, record)
                    listener.workers(self._workers())
                else:
                    waiting.add(outcome)
        finally:
            self._client.cancel(list(self._under_way))
            self._client.unsubscribe_topic(self._topic)

    def _workers(self) -> int:
        return len(self._client.scheduler_info(n_workers=-1)["workers"])

    def _submit(self, jobs: list[execution.Job], content: Any = None) -> Any:
        job = jobs[0]
        place = job.environment
        here = place.python == self._here.python
        order = _Order(
            job.name,
            [one.request for one in jobs],
            str(Path(job.data.path).resolve()),
            job.data.metadata["digest"],
            place._replace(python="") if here else place,
            self._here.versions if job.request.point.encoding else {},
            self._limits,
        )
        future = self._client.submit(
            _do, order, self._topic, content, key=f"run-{uuid.uuid4().hex}", priority=self._priority[job.name]
        )
        self._under_way[future] = jobs
        return future

    def _outcome(self, future: Any, jobs: list[execution.Job]) -> Any:
        """The records of a child's jobs, put into the results folder; or their future, where they are sent again."""
        import distributed

        job = jobs[0]
        if future.cancelled():
            raise UserError("the Dask scheduler has ended; what is finished is kept, the same command goes on")
        error = future.exception()
        if isinstance(error, distributed.KilledWorker):
            # A job that only waited at a worker that another one brought down is not to blame.
            if self._tries[job.name] < _DEATHS:
                return self._submit(jobs, self._sent.get(job.data.metadata["digest"]))
            reason = f"{self._tries[job.name]} workers ended while they did it (out of memory, or ended by somebody)"
            return [self._leave(one, "killed", reason) for one in jobs]
        if error is not None:
            raise UserError(
                f"a Dask worker cannot do runs: {type(error).__name__}: {error}; it needs the tmva-bench and Python of "
                "the command that sends them"
            ) from error
        answer: _Answer = future.result()
        if answer.runs:
            return [self._keep(one, run) for one, run in zip(jobs, answer.runs, strict=True)]
        if answer.refused:
            return [self._leave(one, "failed", answer.refused) for one in jobs]
        self._tries[job.name] = 0
        return self._submit(jobs, self._content(job.data))

    def _content(self, data: inputs.InputFile) -> Any:
        """An input file on its way to the workers: as a task, it is there again when the worker that has it is lost."""
        import dask

        digest = data.metadata["digest"]
        if digest not in self._sent:
            with dask.config.set({"distributed.admin.large-graph-warning-threshold": sys.maxsize}):
                content = Path(data.path).read_bytes()
                self._sent[digest] = self._client.submit(_same, content, key=f"input-{uuid.uuid4().hex}")
        return self._sent[digest]

    def _leave(self, job: execution.Job, status: str, reason: str) -> Record:
        request, data, environment, _ = job
        return runner.leave_undone(request, data, self._folder, environment, status, reason)

    def _keep(self, job: execution.Job, run: _Finished) -> Record:
        """Puts a finished run into the results folder, complete or not at all."""
        record, kept = run.record, self._folder.keep_input(job.data)
        if run.encoded:
            self._keep_encoded(record.row.encoded_digest, *run.encoded)
        with self._folder.under_way(_checked(record.row.run_id)) as folder:
            for file, content in run.files.items():
                path = folder / _checked(file)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            runner.name_input(folder, kept)
            self._folder.finish(folder, record)
        return record

    def _keep_encoded(self, digest: str, name: str, content: bytes) -> None:
        try:
            self._folder.encoded_input(digest)
        except Missing:
            path = self._folder.inputs / _checked(name)
            # Another worker's encoder may differ in the last bits.
            path = path.with_stem(f"{path.stem}-{digest[:12]}") if path.exists() else path
            with output.beside(path) as beside:
                beside.write_bytes(content)


class _News:
    """What workers say of the jobs that they do, told to the listener; heard in a thread of Dask's.

    Args:
        jobs: all of them.
        listener: is told of a job that begins, once, and of its epochs until it has ended.
        tries: counts, by job, how often workers began it.
    """

    def __init__(self, jobs: list[execution.Job], listener: execution.Listener, tries: Counter[str]) -> None:
        self._waiting = {job.name: job for job in jobs}
        self._begun: dict[str, execution.Job] = {}
        self._listener, self._tries = listener, tries
        self._epochs = {_TRAINING: listener.epoch, _ENCODING: listener.encoding}
        self._lock = threading.Lock()

    def hear(self, event: tuple[float, tuple[str, str, Any]]) -> None:
        """Takes what a worker said, and when."""
        _, (name, kind, epoch) = event
        with self._lock:
            if kind == _BEGINNING:
                self._begin(name)
            elif name in self._begun:
                self._epochs[kind](self._begun[name], Epoch(*epoch))

    def end(self, job: execution.Job) -> None:
        """Nothing is told of a job any more."""
        with self._lock:
            self._waiting.pop(job.name, None)
            self._begun.pop(job.name, None)

    def _begin(self, name: str) -> None:
        self._tries[name] += 1
        if name in self._waiting:
            self._begun[name] = self._waiting.pop(name)
            self._listener.started(self._begun[name])


def _checked(name: str) -> str:
    """A name in a run's folder, as a worker says it, which must stay there."""
    path = PurePosixPath(name)
    if path.is_absolute() or not path.parts or ".." in path.parts:
        raise UserError(f"a Dask worker gave a file called {name!r}; do not use that cluster")
    return name


# From here on: what a worker does.


def _same(content: bytes) -> bytes:
    return content


def _do(order: _Order, topic: str, content: bytes | None) -> _Answer:
    """Does the runs of one child on this worker."""
    import distributed

    worker = distributed.get_worker()
    tell = functools.partial(_tell, worker, topic, order.job)
    tell(_BEGINNING)
    stop = _Cancelled(worker, worker.get_current_task())
    results = _scratch(worker.local_directory)
    try:
        data = _input(order, content, results.path)
        if data is None:
            return _Answer()
        environment = _environment(order)
        if environment.missing:
            undone = data, results, environment, "unavailable", environment.missing
            records = [runner.leave_undone(request, *undone) for request in order.asked]
        else:
            with _cores(order.asked[0].threads, stop) as cpus:
                records = runner.run_requests(
                    order.asked,
                    data,
                    results,
                    environment=environment,
                    limits=order.limits,
                    cpus=cpus,
                    stop=stop,
                    on_epoch=_seldom(functools.partial(tell, _TRAINING)),
                    on_encoding=_seldom(functools.partial(tell, _ENCODING)),
                )
        return _Answer(tuple(_packed(results, record) for record in records))
    except KeyboardInterrupt:
        return _Answer(refused="cancelled")  # nobody waits for it
    except UserError as error:
        return _Answer(refused=f"on {environments.machine()['host']}: {error}")
    except OSError as error:
        return _Answer(refused=f"on {environments.machine()['host']}: {of_system(error)}")


def _tell(worker: Any, topic: str, job: str, kind: str, epoch: Epoch | None = None) -> None:
    """Tells the command that sent a job how it goes."""
    worker.log_event(topic, (job, kind, epoch and [*epoch]))


def _seldom(tell: Callable[[Epoch], None]) -> Callable[[Epoch], None]:
    """Tells epochs so often as bars are drawn: the scheduler keeps what it passes on."""
    last = -math.inf

    def maybe(epoch: Epoch) -> None:
        nonlocal last
        if time.monotonic() - last >= _TELLING:
            last = time.monotonic()
            tell(epoch)

    return maybe


class _Cancelled(threading.Event):
    """Set when nobody waits for the task any more."""

    def __init__(self, worker: Any, key: str) -> None:
        super().__init__()
        self._tasks, self._key = worker.state.tasks, key

    def is_set(self) -> bool:
        task = self._tasks.get(self._key)
        return task is None or task.state == "cancelled"


@functools.cache
def _scratch(folder: str) -> ResultsFolder:
    """A results folder of this process, for runs until they are sent back; Dask removes it with the worker."""
    return ResultsFolder(tempfile.mkdtemp(prefix="tmva-bench-", dir=folder))


def _input(order: _Order, content: bytes | None, scratch: Path) -> inputs.InputFile | None:
    """The input file: on a file system that is shared, or as it was sent once; None where it must be sent."""
    sent = scratch / f"{order.digest}.root"
    if content is not None and not sent.exists():
        with output.beside(sent) as beside:
            beside.write_bytes(content)
    for path in (Path(order.input_file), sent):
        if path.is_file():
            with contextlib.suppress(UserError):
                data = inputs.read(path)
                if data.metadata["digest"] == order.digest:
                    return data
    if content is not None:
        raise UserError(f"{order.input_file}: the file that was sent does not hold the events of the study; send again")
    return None


def _environment(order: _Order) -> Environment:
    """The environment on this worker, missing where it does not hold what it holds where the study was started."""
    wanted = order.environment
    try:
        here = environments.describe()
        there = environments.describe(wanted.python) if wanted.python else here
    except UserError as error:
        return wanted._replace(missing=f"on {environments.machine()['host']}: {error}")
    for held, versions in ((there, wanted.versions), (here, order.encoder)):
        differing = sorted(
            name for name in {*held.versions, *versions} if held.versions.get(name) != versions.get(name)
        )
        if versions and differing:
            name = differing[0]
            has, needs = (of.get(name, "not there") for of in (held.versions, versions))
            where = f"{held.python} on {environments.machine()['host']}"
            return wanted._replace(
                missing=f"{where}: {name} is {has}, and {needs} where the study was started; make the two equal"
            )
    return wanted._replace(python=there.python)


@contextlib.contextmanager
def _cores(threads: int, stop: threading.Event) -> Iterator[list[int]]:
    """Cores of this machine that no other run of a cluster has, waited for; they are free when this process ends.

    Workers of one machine do not know of each other.

    Raises:
        UserError: there are not so many.
        KeyboardInterrupt: ``stop`` was set.
    """
    environments.check_threads(threads)
    folder = Path(tempfile.gettempdir(), f"tmva-bench-cores-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    while not stop.is_set():
        with contextlib.ExitStack() as locks:
            cpus = []
            for cpu in environments.cpus():
                lock = locks.enter_context((folder / str(cpu)).open("w"))
                with contextlib.suppress(BlockingIOError):
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    cpus.append(cpu)
                if len(cpus) == threads:
                    yield cpus
                    return
        time.sleep(_POLL)
    raise KeyboardInterrupt


def _packed(results: ResultsFolder, record: Record) -> _Finished:
    """A finished run to be sent, and gone from here."""
    folder = results.run_folder(record.row.run_id)
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
    encoded = None
    if record.row.encoded_digest:
        path = results.encoded_input(record.row.encoded_digest)
        encoded = path.name, path.read_bytes()
    results.remove([folder.name])
    return _Finished(record, files, encoded)
