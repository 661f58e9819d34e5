"""One child process: given a task and cores, watched, held to its limits, ended with all that it started.

What the child does about it stands in :mod:`tmva_bench.methods.worker`.
"""

import contextlib
import json
import math
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from tmva_bench.basis import process
from tmva_bench.basis.training import Epoch
from tmva_bench.engines import tmva_files
from tmva_bench.engines.tmva_files import LOG_FILE
from tmva_bench.methods import worker
from tmva_bench.study.requests import Limits

# What the child is asked to do, in its folder.
TASK_FILE = "task.json"
# How ROOT, Python and the C++ library name what they die of; ROOT's names are those of TUnixSystem.
_BREAK = re.compile(r"\*\*\* Break \*\*\* ([^\n]+)")
_SIGNALS = {
    "bus error": "SIGBUS",
    "segmentation violation": "SIGSEGV",
    "illegal instruction": "SIGILL",
    "floating point exception": "SIGFPE",
    "abort": "SIGABRT",
}
_SIGNAL_LINE = re.compile(
    r"^.*(?:\*\*\* Break \*\*\*|Fatal Python error|terminate called|Assertion .* failed).*$", re.MULTILINE
)
_POLL = 0.1
# What the child started is looked for in the whole system, and each process of it by all its pages: not so often [s].
_POLL_TREE = 1.0
# A child that takes more than this share of the memory that was free would bring the machine down.
_MEMORY_SHARE = 0.9


class Ending(NamedTuple):
    """How a child ended.

    Attributes:
        status: ``ok``, ``unavailable``, ``failed``, ``killed``, ``timeout`` or ``out_of_memory``.
        reason: why it is not ``ok``, one line.
        peak_memory: its largest resident memory [MiB]; where it left nothing, with that of what it started.
        real_time: from its start to its end [s].
        cpu_time: what it and its children spent [s].
        outcome: what it left; empty where it left nothing.
    """

    status: str
    reason: str
    peak_memory: float
    real_time: float
    cpu_time: float
    outcome: dict[str, Any]


def run_child(
    module: str,
    task: dict[str, Any],
    folder: Path,
    *,
    python: str,
    variables: dict[str, str],
    cpus: Iterable[int] = (),
    limits: Limits | None = None,
    stop: threading.Event | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
    epochs: Callable[[str], list[Epoch]] = tmva_files.epoch_table,
) -> Ending:
    """Runs a module of the package as a child, and waits for its end.

    The folder gets ``task.json``, ``cpus.json`` and ``log.txt``, and the child's ``outcome.json``.

    Args:
        module: e.g. ``tmva_bench.methods.worker``; it answers by :func:`tmva_bench.methods.worker.answer`.
        task: what the child is asked to do, in JSON's types.
        folder: a folder for the child, its current directory.
        python: the Python executable.
        variables: its environment variables.
        cpus: cores to bind it to; none for all.
        limits: time and memory.
        stop: ends the child when it is set.
        on_epoch: called with each epoch as it appears in the log.
        epochs: reads the epochs in some lines of the log.

    Raises:
        KeyboardInterrupt: ``stop`` was set, and the child ended.
    """
    limits = limits or Limits()
    memory = min(limits.memory, _MEMORY_SHARE * psutil.virtual_memory().available / 2**20)
    (folder / TASK_FILE).write_text(json.dumps(task))
    (folder / "cpus.json").write_text(json.dumps(list(cpus)))
    outcome = folder / worker.OUTCOME_FILE
    with (folder / LOG_FILE).open("wb") as log:
        start = time.monotonic()
        started = subprocess.Popen(
            [process.executable(python), "-m", module, str(folder.resolve()), str(os.getpid())],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **{**process.isolated(variables), "cwd": folder},
        )
    waiting = _Waiting(started.pid)
    reader = _LogReader(folder / LOG_FILE, epochs, on_epoch)
    resident = _Memory(started.pid)
    stopped: tuple[str, str] | None = None
    peak = math.nan
    try:
        while not (waiting.join(_POLL) or outcome.exists() or stopped):
            if stop is not None and stop.is_set():
                raise KeyboardInterrupt
            reader.poll()
            peak = resident.peak() or peak
            stopped = _over_limit(time.monotonic() - start, peak, limits.seconds, memory)
    finally:
        # With all that it started. Not reaped yet, the child still owns the number of its group.
        os.killpg(started.pid, signal.SIGKILL)
        waiting.join()
        cpu_time = sum(psutil.Process(started.pid).cpu_times()[:4])  # a process not yet reaped still has them
        exit_code = started.wait()
    reader.poll()
    if outcome.exists():
        left = json.loads(outcome.read_text())
        return Ending(left["status"], left["reason"], left["peak_memory"], waiting.end - start, cpu_time, left)
    return Ending(*(stopped or _cause(folder, exit_code)), peak, waiting.end - start, cpu_time, {})


class _Waiting(threading.Thread):
    """Waits for the child's end in a thread, so that it is timed to the moment; does not reap it."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self.end = math.nan
        self.start()

    def run(self) -> None:
        os.waitid(os.P_PID, self._pid, os.WEXITED | os.WNOWAIT)
        self.end = time.monotonic()

    def join(self, timeout: float | None = None) -> bool:  # type: ignore[override]
        super().join(timeout)
        return not self.is_alive()


class _Memory:
    """The largest memory of the child so far, with all that it started.

    Pages that several processes share, as after a fork, count once (``Pss`` of ``/proc/PID/smaps_rollup``).
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._looked = -math.inf
        self._tree = 0.0

    def peak(self) -> float:
        """In MiB; of the child alone to the page, of the others by a look each second."""
        if time.monotonic() - self._looked >= _POLL_TREE:
            self._tree = max(self._tree, sum(map(_proportional, _tree(self._pid))) / 2**20)
            self._looked = time.monotonic()
        return max(worker.peak_memory(self._pid), self._tree)


def _tree(pid: int) -> set[int]:
    """A child that leads a session, and what it started: whatever its own parents are, or its session is."""
    descendants: set[int] = set()
    with contextlib.suppress(psutil.Error):
        descendants = {process.pid for process in psutil.Process(pid).children(recursive=True)}
    of_session = {other for other in psutil.pids() if _session(other) == pid}
    return {pid} | descendants | of_session


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return 0


def _proportional(pid: int) -> int:
    """A process' part of the memory [bytes]; 0 for one that has ended."""
    try:
        return int(psutil.Process(pid).memory_full_info().pss)
    except psutil.Error:
        return 0


class _LogReader:
    """Follows the log, reading every line once, and reports each new epoch."""

    def __init__(
        self, path: Path, table: Callable[[str], list[Epoch]], on_epoch: Callable[[Epoch], None] | None
    ) -> None:
        self._path, self._table, self._on_epoch = path, table, on_epoch
        self._read = self._epochs = 0

    def poll(self) -> None:
        if self._on_epoch is None:
            return
        with self._path.open("rb") as log:
            log.seek(self._read)
            lines, end, _ = log.read().rpartition(b"\n")
        self._read += len(lines + end)
        for epoch in self._table(lines.decode(errors="replace")):
            self._epochs += 1
            self._on_epoch(epoch._replace(epoch=self._epochs))


def _over_limit(seconds: float, memory: float, time_limit: float, memory_limit: float) -> tuple[str, str] | None:
    if seconds > time_limit:
        return "timeout", f"ended after the time limit of {time_limit:g} s"
    if memory > memory_limit:
        return "out_of_memory", f"ended at {memory:.0f} MiB, the memory limit is {memory_limit:.0f} MiB"
    return None


def _cause(folder: Path, exit_code: int) -> tuple[str, str]:
    """Status and reason of a child that left no outcome, from its exit code and its log."""
    if exit_code == -signal.SIGKILL:
        # What stands in the log is not the cause.
        return "killed", "the child was ended by signal SIGKILL (out of memory, or ended by somebody)"
    log = (folder / LOG_FILE).read_text(errors="replace")
    fatal = tmva_files.failure(log)
    if fatal:
        return "failed", fatal
    crash = _crash(exit_code, log)
    if crash:
        return "killed", crash
    lines = [line.strip() for line in log.splitlines() if line.strip()] or ["an empty log"]
    return "failed", f"the child ended with exit code {exit_code} and no result; its log ends: {lines[-1][:300]}"


def _crash(exit_code: int, log: str) -> str:
    """The signal that a child died of, and the first line of its log that names it; "" where it died of none."""
    line = _SIGNAL_LINE.search(log)
    told = f": {line.group().strip()[:300]}" if line else ""
    if exit_code < 0:
        return f"the child was ended by signal {signal.Signals(-exit_code).name}{told}"
    # ROOT catches a signal, and leaves by an exit code of its own.
    broken = _BREAK.search(log)
    if not broken:
        return ""
    return f"the child was ended by signal {_SIGNALS.get(broken.group(1), 'unknown')}{told}"
