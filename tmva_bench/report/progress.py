"""Progress of runs on the terminal, and line by line where there is none."""

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from tmva_bench.basis.training import Epoch
from tmva_bench.results import forms, naming
from tmva_bench.results.rows import Record
from tmva_bench.running import execution, runner


@contextlib.contextmanager
def encoding() -> Iterator[Callable[[Epoch], None]]:
    """A line on the terminal while an autoencoder is trained; gives what is to be told of each epoch."""
    with Console(stderr=True).status("autoencoder", refresh_per_second=2) as line:
        yield lambda epoch: line.update(f"autoencoder, epoch {epoch.epoch}: val. loss {epoch.validation_loss:.4f}")


@contextlib.contextmanager
def timing() -> Iterator[Callable[[str, int, int], None]]:
    """A line on the terminal while engines are timed; gives what is to be told of each: name, number, how many."""
    with Console(stderr=True).status("engines", refresh_per_second=2) as line:
        yield lambda name, number, total: line.update(f"engine {number} of {total}: {name}")


@contextlib.contextmanager
def reading() -> Iterator[Callable[[int, int], None]]:
    """A bar on the terminal while events are read; gives what is to be told of how many are, and of how many."""
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("events"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
        refresh_per_second=2,
    )
    with bar:
        task = bar.add_task("events", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


class Bars:
    """One bar for all runs, one line for each run under way; a line a run where the output is no terminal.

    The terminal is as it was when its context has ended.
    """

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        # Drawing takes time from what is measured.
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=12),
            MofNCompleteColumn(),
            TextColumn("{task.fields[says]}", markup=False),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
            refresh_per_second=2,
            speed_estimate_period=24 * 3600,
        )
        self._names: dict[str, list[str]] = {}
        self._all: TaskID | None = None
        self._events: TaskID | None = None
        self._lines: dict[str, TaskID] = {}
        self._done = self._total = 0

    def __enter__(self) -> Self:
        """The same; bars appear with the first run."""
        return self

    def __exit__(self, *_: object) -> None:
        """Gives the cursor back, whatever happened."""
        self._bars.stop()

    def reading(self, done: int, total: int) -> None:
        """See :class:`tmva_bench.running.execution.Listener`."""
        if self._events is None:
            self._bars.start()
            self._events = self._bars.add_task("events", says="")
        self._bars.update(self._events, completed=done, total=total)

    def planned(self, todo: list[execution.Job], kept: list[execution.Job]) -> None:
        """See :class:`tmva_bench.running.execution.Listener`."""
        self._names = naming.varied(runner.planned_row(*job) for job in todo)
        self._total = len(todo)
        if self._events is not None:
            self._bars.remove_task(self._events)
            self._bars.stop()
        if kept and len(todo) + len(kept) > 1:
            self._console.print(f"{len(kept)} runs are there already, {len(todo)} to do", highlight=False)
        if todo:
            self._bars.start()
        if len(todo) > 1:
            self._all = self._bars.add_task("all runs", total=len(todo), says="")

    def workers(self, number: int) -> None:
        """See :class:`tmva_bench.running.execution.Listener`."""
        if self._all is not None:
            self._bars.update(self._all, says=f"{number} worker{'' if number == 1 else 's'}")

    def started(self, job: execution.Job) -> None:
        """See :class:`tmva_bench.running.execution.Listener`."""
        total = job.request.point.max_epochs
        self._lines[job.name] = self._bars.add_task(self._name(job), total=total, says="")

    def encoding(self, job: execution.Job, epoch: Epoch) -> None:
        """See :class:`tmva_bench.running.execution.Listener`."""
        says = f"autoencoder, epoch {epoch.epoch}: val. loss {epoch.validation_loss:.4f}"
        self._bars.update(self._lines[job.name], says=says)

    def epoch(self, job: execution.Job, epoch: Epoch) -> None:
        """See :class:`tmva_bench.running.execution.Listener`."""
        says = f"val. loss {epoch.validation_loss:.4f}"
        self._bars.update(self._lines[job.name], completed=epoch.epoch, says=says)

    def finished(self, job: execution.Job, record: Record) -> None:
        """See :class:`tmva_bench.running.execution.Listener`."""
        self._done += 1
        line = self._lines.pop(job.name, None)
        if line is not None:
            self._bars.remove_task(line)
        if self._all is not None:
            self._bars.advance(self._all)
        took = record.row.real_time_total
        seconds = "" if math.isnan(took) else f", {took:.1f} s"
        self._bars.console.print(
            f"{self._done}/{self._total} {self._name(job)}: {naming.result(record.row)}{seconds}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )

    def _name(self, job: execution.Job) -> str:
        row = runner.planned_row(*job)
        return forms.plain(naming.run_name(row, self._names[naming.series_name(row)]))
