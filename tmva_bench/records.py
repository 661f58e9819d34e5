"""One folder per finished run, complete or absent: the truth that every tree and table is made from."""

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

from tmva_bench import schema
from tmva_bench.errors import UserError

Record = dict[str, Any]
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
    records = [read(folder) for folder in sorted(_runs(results).glob("[!.]*"))]
    return sorted(records, key=lambda record: (record["row"]["start_time"], record["row"]["run_id"]))


def read(folder: Path) -> Record:
    """The record of one run's folder.

    Raises:
        UserError: no record, a damaged one, or one of a newer version.
    """
    path = folder / _RECORD
    try:
        record: Record = json.loads(path.read_text())
        version = record["schema"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: no readable record ({error}); remove the folder {folder} to run it again") from None
    if version > schema.VERSION:
        raise UserError(f"{path}: results of version {version}, this program knows {schema.VERSION}; update tmva-bench")
    return record


def find(results: Path, name: str) -> Record | None:
    """The record of the run of this name, or None where it has not been run."""
    folder = _runs(results) / name
    return read(folder) if folder.exists() else None


def start(results: Path, name: str) -> Path:
    """A fresh folder for the run under way; what a killed run left there is cleared away.

    Raises:
        UserError: the results folder cannot be written.
    """
    folder = _runs(results) / f".{name}.partial"
    if folder.exists():
        shutil.rmtree(folder)
    make_folder(folder)
    return folder


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
    path = folder / _RECORD
    with path.open("w") as file:
        json.dump(record, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    final = folder.with_name(record["row"]["run_id"])
    old = folder.with_name(f".{final.name}.old")
    if old.exists():
        shutil.rmtree(old)
    if final.exists():
        final.rename(old)
    folder.rename(final)
    if old.exists():
        shutil.rmtree(old)


def _runs(results: Path) -> Path:
    return results / "runs"
