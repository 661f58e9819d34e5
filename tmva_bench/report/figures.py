"""The figures of a results folder: each macro of the package in a ROOT of its own."""

import concurrent.futures
import contextlib
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from tmva_bench.basis import process
from tmva_bench.errors import UserError, unknown
from tmva_bench.results import naming, schema, tree_file
from tmva_bench.results.folder import ResultsFolder
from tmva_bench.results.rows import Record, RunRow

# ROOT loads and draws on one core.
_AT_ONCE = 2
_NO_AUTOENCODER = "no finished run has an autoencoder"


class _Source(NamedTuple):
    """What macros draw from.

    Attributes:
        tree: the results trees.
        input: the input file, or None.
        rows: of the tree ``benchmark``.
    """

    tree: Path
    input: Path | None
    rows: Sequence[RunRow]


class _Figure(NamedTuple):
    """A macro.

    Attributes:
        arguments: from the source, the folder of the figures and whether the whole caption is wanted.
        lacking: why there is nothing to draw, "" where there is.
    """

    arguments: Callable[[_Source, Path, bool], list[str | bool]]
    lacking: Callable[[_Source], str]


def _unfinished(source: _Source) -> str:
    return "" if any(row.status == "ok" for row in source.rows) else "no finished run has a result"


def _of_runs(*others: str) -> _Figure:
    return _Figure(lambda source, out, whole: [str(source.tree), str(out), "", *others, whole], _unfinished)


def _no_autoencoder(source: _Source) -> str:
    measured = any(not math.isnan(row.reconstruction_error) for row in source.rows)
    return "" if measured else _NO_AUTOENCODER


def _untimed(source: _Source) -> str:
    if any(row.status == "ok" and not row.together for row in source.rows):
        return ""
    return _unfinished(source) or "all were trained together, and no time is that of one"


# By name, the ones that take longest first.
_FIGURES = {
    "scan": _of_runs()._replace(
        arguments=lambda source, out, whole: [str(source.tree), "", "", str(out), "", "", whole],
    ),
    "scores": _of_runs(),
    "inputs": _Figure(
        lambda source, out, whole: [str(source.input), str(out)],
        lambda source: "" if source.input else "the input file is not there",
    ),
    "roc": _of_runs(),
    "history": _of_runs(),
    "quality": _of_runs("real_time")._replace(lacking=_untimed),
    "bars": _of_runs(),
    "errors": _of_runs()._replace(lacking=_no_autoencoder),
}
NAMES = tuple(_FIGURES)
# Of a file of `tmva-bench latency`.
_OF_LATENCY = {"latency": _Figure(lambda source, out, whole: [str(source.tree), str(out)], lambda source: "")}


class Drawn(NamedTuple):
    """What :func:`draw` did.

    Attributes:
        paths: the figures, PNG and PDF, by name.
        notes: what was not drawn and why, a line each.
        failures: what could not be drawn and why, a line each.
    """

    paths: list[Path]
    notes: list[str]
    failures: list[str]


def draw(folder: ResultsFolder, out: Path, *, only: Sequence[str] = (), caption: bool = False) -> Drawn:
    """Draws the figures of a results folder, two at a time; nothing in it is changed.

    Args:
        folder: the results folder, or a file of trees alone, also that of latencies. Where the trees of a folder are
            not those of its records, they are made elsewhere.
        out: folder of the figures; made where it is not there.
        only: names of figures, of results those of :data:`NAMES`; by default all that there is something to draw of.
        caption: whether every value that the runs share stands under a figure, or the few that a talk needs.

    Raises:
        UserError: no such figure, no ROOT, no finished run, or the folder cannot be made.
    """
    figures = _OF_LATENCY if folder.path.is_file() and tree_file.is_latency(folder.path) else _FIGURES
    for name in only:
        if name not in figures:
            raise unknown("figure", name, list(figures))
    root = _root()
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{out}: cannot be made ({error.strerror}); choose another folder for the figures") from None
    before = _states(out)
    with _source(folder) as source:
        lacking = {name: text for name in only or figures if (text := figures[name].lacking(source))}
        calls = {
            name: _call(name, figures[name].arguments(source, out.resolve(), caption))
            for name in figures
            if name in (only or figures) and name not in lacking
        }
        with concurrent.futures.ThreadPoolExecutor(_AT_ONCE) as pool:
            answers = list(pool.map(lambda call: _run(root, call), calls.values()))
    # Who did not ask for it does not miss the figure of autoencoders.
    told = naming.gathered((text, name) for name, text in lacking.items() if only or text != _NO_AUTOENCODER)
    notes, failures = [f"not drawn: {', '.join(names)}: {text}" for text, names in told.items()], []
    for name, answer in zip(calls, answers, strict=True):
        said = [line for line in f"{answer.stdout}\n{answer.stderr}".splitlines() if line.startswith(f"{name}.C: ")]
        if answer.returncode:
            last = answer.stderr.strip().splitlines()[-1:]
            failures += said or [f"{name}.C: exit code {answer.returncode}: {' '.join(last)}"]
        else:
            notes += said
    after = _states(out)
    return Drawn(sorted(path for path in after if after[path] != before.get(path)), notes, failures)


def _states(out: Path) -> dict[Path, tuple[int, int]]:
    """The figures there, and when each was written."""
    paths = (path for path in out.rglob("*") if path.suffix in (".png", ".pdf") and path.is_file())
    return {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in paths}


@contextlib.contextmanager
def _source(folder: ResultsFolder) -> Iterator[_Source]:
    """The results trees of the records; made in a temporary folder where those of the results folder are not."""
    if folder.path.is_file():  # the trees alone
        rows = [] if tree_file.is_latency(folder.path) else tree_file.rows_of(folder.path)
        yield _Source(folder.path.resolve(), None, rows)
        return
    current = folder.is_current()
    readable = folder.load(curves=() if current else schema.CURVES)
    if not readable:
        raise UserError(f"{folder.path}: no finished runs there; give a results folder or a study")
    rows = [record.row for record in readable]
    with tempfile.TemporaryDirectory() as temporary:
        tree = folder.tree
        if not current:
            tree = Path(temporary) / folder.tree.name
            folder.write_tree(readable, tree)
        yield _Source(tree.resolve(), _input(folder, readable), rows)


def _input(folder: ResultsFolder, readable: list[Record]) -> Path | None:
    """The input file of the study's first sample, or of the first run that names one."""
    if folder.input.is_file():
        return folder.input.resolve()
    for record in readable:
        row = record.row
        with contextlib.suppress(UserError):
            return Path(folder.read_input(row.run_id, row.input_digest).path).resolve()
    return None


def _root() -> str:
    """The ROOT executable of this environment."""
    beside = Path(sys.executable).with_name("root")
    command = str(beside) if os.access(beside, os.X_OK) else shutil.which("root")
    if not command:
        raise UserError(
            "root: no such command beside this Python or on PATH; run this where ROOT is, as make plots does"
        )
    return str(Path(command).absolute())


def _call(name: str, arguments: Sequence[str | bool]) -> str:
    """A macro and its arguments, as ROOT's command line has them."""
    for value in arguments:
        if isinstance(value, str) and ("$" in value or '")' in value):
            raise UserError(f'{value}: ROOT takes $ and ") in a path for its own; give the folder another name')
    macro = resources.files("tmva_bench").joinpath("macros", f"{name}.C")
    return f"{macro}({','.join(json.dumps(value, ensure_ascii=False) for value in arguments)})"


def _run(root: str, call: str) -> "subprocess.CompletedProcess[str]":
    isolated = process.isolated()
    # PyPI's ROOT says at each start that it is an alpha. A conda ROOT looks for its compiler on PATH.
    isolated["env"]["PYTHONWARNINGS"] = "ignore::UserWarning:ROOT"
    isolated["env"]["PATH"] = os.pathsep.join([str(Path(root).parent), isolated["env"].get("PATH", os.defpath)])
    # Without the user's rootlogon.C, whose style would change the figures.
    return subprocess.run(
        [root, "-l", "-b", "-q", "-n", call], capture_output=True, text=True, errors="replace", check=False, **isolated
    )
