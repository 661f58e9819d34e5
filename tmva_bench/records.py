"""One folder per finished run, complete or absent: the truth that every tree and table is made from."""

import contextlib
import fcntl
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from tmva_bench import schema
from tmva_bench.errors import UserError

Record = dict[str, Any]
_logger = logging.getLogger(__name__)
_RECORD = "record.json"


def run_id(identity: dict[str, Any]) -> str:
    """A run's name: method, backend and optimizer, and the digest of all that can change its result.

    Args:
        identity: point, method, backend, architecture, threads, repetition, library versions, input digest.
    """
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:12]
    return f"{identity['method']}-{identity['backend']}-{identity['point']['optimizer']}-{digest}"


def load(results: Path) -> list[Record]:
    """All records of a results folder, by start time.

    Args:
        results: the folder, e.g. ``results/bench``; empty where it does not exist yet.

    Raises:
        UserError: a record that is damaged, or of a newer version than this program knows.
    """
    records = [read(folder) for folder in _runs(results).glob("[!.]*")]
    return sorted(records, key=lambda record: (record["row"]["start_time"], record["row"]["run_id"]))


def find(results: Path, name: str) -> Record | None:
    """The record of the run of this name, or None where it has not been run.

    Raises:
        UserError: see :func:`read`.
    """
    folder = _runs(results) / name
    return read(folder) if folder.exists() else None


def read(folder: Path) -> Record:
    """The record of one run's folder.

    Raises:
        UserError: no record, a damaged one, one of another run, or one of a newer version.
    """
    path = folder / _RECORD
    cure = f"remove the folder {folder} to run it again"
    try:
        record: Record = json.loads(path.read_text())
    except OSError as error:
        raise UserError(f"{path}: no readable record ({error.strerror}); {cure}") from None
    except ValueError as error:
        raise UserError(f"{path}: no readable record ({error}); {cure}") from None
    version = record.get("schema") if isinstance(record, dict) else None
    if isinstance(version, int) and version > schema.VERSION:
        raise UserError(f"{path}: results of version {version}, this program knows {schema.VERSION}; update tmva-bench")
    if version != schema.VERSION or not _agrees(record):
        raise UserError(f"{path}: not a record that tmva-bench wrote; {cure}")
    if record["row"]["run_id"] != folder.name:
        raise UserError(f"{path}: the record of another run, {record['row']['run_id']}; rename the folder to that")
    return record


@contextlib.contextmanager
def under_way(results: Path, name: str) -> Iterator[Path]:
    """A fresh folder for the run under way, which :func:`finish` turns into the folder of a finished run.

    One run at a time: a second one would spoil the clocks of the first. What killed runs left is tidied up.

    Args:
        results: the results folder.
        name: the run's name.

    Raises:
        UserError: another run is under way there, or something cannot be written, here or in the block.
    """
    runs = _runs(results)
    make_folder(runs)
    try:
        with (runs / ".lock").open("w") as lock:
            _take(lock, results)
            _tidy(runs)
            folder = runs / f".{name}.partial"
            folder.mkdir()
            yield folder
    except OSError as error:
        reason = error.strerror or error
        raise UserError(
            f"{results}: cannot be written ({reason}); free some space or choose another results folder"
        ) from error


def make_folder(folder: Path) -> None:
    """Makes a folder, and those above it, where it does not exist yet.

    Raises:
        UserError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder}: cannot be made ({error.strerror}); choose another results folder") from None


def finish(folder: Path, record: Record) -> None:
    """Writes the record into the folder of the run under way and renames the folder to its run's name.

    A record that was there under that name is replaced only after the new one is complete.
    """
    with (folder / _RECORD).open("w") as file:
        json.dump(record, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    final = folder.with_name(record["row"]["run_id"])
    old = folder.with_name(f".{final.name}.old")
    if final.exists():
        final.rename(old)
    folder.rename(final)
    if old.exists():
        shutil.rmtree(old)


def _take(lock: IO[str], results: Path) -> None:
    """Takes the lock, which the system frees however the process ends."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UserError(
            f"{results}: another run is under way there; wait for its end or choose another results folder"
        ) from None
    except OSError as error:
        _logger.warning("%s: cannot be locked (%s); start no second run there", results, error.strerror)


def _tidy(runs: Path) -> None:
    for old in runs.glob(".*.old"):
        final = old.with_name(old.name[1:].removesuffix(".old"))
        if final.exists():
            shutil.rmtree(old)
        else:
            old.rename(final)
    for partial in runs.glob(".*.partial"):
        shutil.rmtree(partial)


def _agrees(record: Record) -> bool:
    """Whether a record has the columns of every results tree."""
    row = record.get("row")
    if not isinstance(row, dict):
        return False
    for column in schema.BENCHMARK:
        if not isinstance(row.get(column.name), (int, float) if column.type is float else column.type):
            return False
    for tree in ("roc", "history", "scores"):
        columns = record.get(tree)
        known = {column.name for column in schema.TREES[tree]} - {"run_id"}
        if not isinstance(columns, dict) or set(columns) not in (set(), known):
            return False
    return True


def _runs(results: Path) -> Path:
    return results / "runs"
