"""One folder per finished run, complete or absent: the truth that every tree and table is made from."""

import contextlib
import datetime
import fcntl
import hashlib
import json
import logging
import math
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from tmva_bench.errors import UserError
from tmva_bench.results import schema

Record = dict[str, Any]
_logger = logging.getLogger(__name__)
# The study of a results folder as it was last run, --set and all.
STUDY = "study.toml"
_RECORD = "record.json"
# The long part of a record in a file of its own: a thousand rows must be read at once.
_CURVES = "curves.json"
_PARTIAL = ".partial"
# Less than this on the disk: what failed, failed for want of space.
_FULL = 2**20


class Holder(NamedTuple):
    """The process that holds a results folder.

    Attributes:
        pid: its number.
        host: its machine.
        start_time: since when, UTC, ISO 8601.
        command: its command line.
    """

    pid: int
    host: str
    start_time: str
    command: str

    def __str__(self) -> str:
        """In words."""
        return f"process {self.pid} on {self.host} since {self.start_time} ({self.command})"


class DiskFull(UserError):
    """No space for a run's files; what finished before is kept."""


def run_id(identity: dict[str, Any]) -> str:
    """A run's name: method, backend and optimizer, and the digest of all that can change its result.

    Args:
        identity: point, method, backend, architecture, threads, repetition, library versions, machine, input digest.
    """
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:12]
    return f"{identity['method']}-{identity['backend']}-{identity['point']['optimizer']}-{digest}"


def load(results: Path, *, curves: bool = True) -> list[Record]:
    """All records of a results folder, by start time.

    Args:
        results: the folder, e.g. ``results/quick``; empty where it does not exist yet.
        curves: whether the curves, the trees but for ``benchmark``, are wanted, too, or the rows alone.

    Raises:
        UserError: a record that is damaged, or of a newer version than this program knows.
    """
    records = [read(folder, curves=curves) for folder in _runs(results).glob("[!.]*")]
    return sorted(records, key=lambda record: (record["row"]["start_time"], record["row"]["run_id"]))


def read(folder: Path, *, curves: bool = True) -> Record:
    """The record of one run's folder, brought to the present version.

    Args:
        folder: the run's folder.
        curves: whether the curves, the trees but for ``benchmark``, are wanted, too, or the row alone.

    Raises:
        UserError: no record, a damaged one, one of another run, or one of a newer version.
    """
    path = folder / _RECORD
    cure = f"remove the folder {folder} to run it again"
    record = _parsed(path, cure)
    version: Any = record.get("schema") if isinstance(record, dict) else None
    if isinstance(version, int) and version > schema.VERSION:
        raise UserError(f"{path}: results of version {version}, this program knows {schema.VERSION}; update tmva-bench")
    # Records of version 1 hold their curves.
    if curves and isinstance(version, int) and version > 1:
        record.update(_parsed(folder / _CURVES, cure))
    while version in _MIGRATIONS and isinstance(record.get("row"), dict):
        _MIGRATIONS[version](record)
        record["schema"] = version = version + 1
    if version != schema.VERSION or not _agrees(record) or (curves and not _curves_agree(record)):
        raise UserError(f"{path}: not a record that tmva-bench wrote; {cure}")
    if record["row"]["run_id"] != folder.name:
        raise UserError(f"{path}: the record of another run, {record['row']['run_id']}; rename the folder to that")
    return record


@contextlib.contextmanager
def held(results: Path) -> Iterator[None]:
    """Holds a results folder: one process at a time writes there. What killed runs left is tidied up.

    Args:
        results: the results folder; made where it does not exist.

    Raises:
        UserError: another process holds it, or it cannot be written.
    """
    make_folder(_runs(results))
    with contextlib.ExitStack() as stack:
        with _writing(results):
            lock = stack.enter_context(_lock_file(results).open("a+"))
            _take(lock, results)
            _tidy(_runs(results))
        yield


def holder(results: Path) -> Holder | None:
    """Who holds a results folder at this moment, or None."""
    try:
        with _lock_file(results).open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return _read_holder(lock)
    except OSError:
        pass
    return None


@contextlib.contextmanager
def under_way(results: Path, name: str) -> Iterator[Path]:
    """A fresh folder for a run under way, which :func:`finish` turns into the folder of a finished run.

    Only for who holds the results folder, see :func:`held`.

    Args:
        results: the results folder.
        name: the run's name.

    Raises:
        UserError: something cannot be written, here or in the block.
    """
    folder = _runs(results) / f".{name}{_PARTIAL}"
    with _writing(results):
        folder.mkdir(parents=True)
        try:
            yield folder
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise


def runs_under_way(results: Path) -> list[Path]:
    """Folders of the runs under way, by name."""
    return sorted(_runs(results).glob(f".*{_PARTIAL}"))


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
    parts = {
        _CURVES: {name: record[name] for name in schema.CURVES},
        _RECORD: {name: record[name] for name in record if name not in schema.CURVES},
    }
    for name, part in parts.items():
        with (folder / name).open("w") as file:
            json.dump(part, file, indent=1 if name == _RECORD else None)
            file.flush()
            os.fsync(file.fileno())
    final = folder.with_name(record["row"]["run_id"])
    old = folder.with_name(f".{final.name}.old")
    if final.exists():
        final.rename(old)
    folder.rename(final)
    if old.exists():
        shutil.rmtree(old)


def disk_full(folder: Path) -> bool:
    """Whether the disk of a folder has no space left that a run could use."""
    return shutil.disk_usage(folder).free < _FULL


def remove(results: Path, names: Iterable[str]) -> None:
    """Removes the folders of finished runs; for who holds the results folder.

    Raises:
        UserError: a folder cannot be removed.
    """
    with _writing(results):
        for name in names:
            folder = _runs(results) / name
            # Renamed first: a kill in the middle leaves a whole run or none.
            gone = folder.with_name(f".{name}{_PARTIAL}")
            folder.rename(gone)
            shutil.rmtree(gone)


def merge(sources: Iterable[Path], results: Path) -> tuple[int, int]:
    """Joins the runs of several results folders, and their input files, into ``results``; for who holds that folder.

    Returns:
        Runs brought in, and runs that were there already, equal.

    Raises:
        UserError: a record is damaged or newer, or two records of one run differ; nothing is copied then.
    """
    found: dict[str, tuple[Path, Record]] = {}
    equal = 0
    for source in (results, *sources):
        runs = load(source)
        if source != results and not runs:
            raise UserError(f"{source}: no finished runs there; give results folders, e.g. results/quick")
        for record in runs:
            name = record["row"]["run_id"]
            kept = found.setdefault(name, (source, record))
            # NaN is not equal to itself, its text is.
            if json.dumps(kept[1]) != json.dumps(record):
                raise UserError(
                    f"{source}: run {name} differs from the one in {kept[0]} (started {record['row']['start_time']} "
                    f"and {kept[1]['row']['start_time']}); remove one of the two, or keep the results apart"
                )
            equal += kept[0] != source
    new = {name: source for name, (source, _) in found.items() if source != results}
    with _writing(results):
        for name, source in new.items():
            partial = _runs(results) / f".{name}{_PARTIAL}"
            shutil.copytree(_runs(source) / name, partial)
            partial.rename(_runs(results) / name)
        for source in dict.fromkeys(new.values()):
            _join_inputs(source, results)
    return len(new), equal


def _join_inputs(source: Path, results: Path) -> None:
    """Copies the input files of another results folder; their names tell their contents."""
    for path in sorted(source.glob("inputs/*.root")):
        copy = results / "inputs" / path.name
        if not copy.exists():
            make_folder(copy.parent)
            shutil.copy2(path, copy.with_suffix(_PARTIAL))
            copy.with_suffix(_PARTIAL).rename(copy)
    link = results / "input.root"
    if (source / link.name).is_symlink() and not link.is_symlink():
        link.symlink_to((source / link.name).readlink())


@contextlib.contextmanager
def _writing(results: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise UserError(
            f"{results}: cannot be written ({reason}); free some space or choose another results folder"
        ) from error


def _take(lock: IO[str], results: Path) -> None:
    """Takes the lock, which the system frees however the process ends."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UserError(
            f"{results}: held by {_read_holder(lock) or 'another process'}; wait for its end or choose another folder"
        ) from None
    except OSError as error:
        _logger.warning("%s: cannot be locked (%s); start no second run there", results, error.strerror)
    start = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])
    lock.truncate(0)
    json.dump(Holder(os.getpid(), platform.node(), start, command)._asdict(), lock)
    lock.flush()


def _read_holder(lock: IO[str]) -> Holder | None:
    lock.seek(0)
    try:
        return Holder(**json.load(lock))
    except (ValueError, TypeError):  # it has not written its name yet
        return None


def _tidy(runs: Path) -> None:
    for old in runs.glob(".*.old"):
        final = old.with_name(old.name[1:].removesuffix(".old"))
        if final.exists():
            shutil.rmtree(old)
        else:
            old.rename(final)
    for partial in runs.glob(f".*{_PARTIAL}"):
        shutil.rmtree(partial)


def _migrate_1(record: Record) -> None:
    """Version 2 added the load of the machine, the installation, working points, overtraining, and Keras' own ways."""
    row = record["row"]
    points = [
        f"{name}{end}"
        for name in (*schema.EFFICIENCIES.values(), *schema.REJECTIONS.values())
        for end in ("", "_low", "_high")
    ]
    measured = (
        "load_before",
        "load_after",
        "others_load",
        "overtraining_signal",
        "overtraining_background",
        "untrained_loss",
        *points,
    )
    row.update(dict.fromkeys(measured, math.nan), busy=0, installation="", start="tmva", dropout_rule="keras")
    row.update(dict.fromkeys(("training_digest", "validation_digest", "test_digest"), ""))
    integral, area = row.get("roc_integral"), row.get("roc_auc")
    row["roc_integral_difference"] = (
        integral - area if isinstance(integral, float) and isinstance(area, float) else math.nan
    )
    real = row.get("real_time_train")
    row["cores_used"] = row["cpu_time_train"] / real if isinstance(real, float) and real > 0 else math.nan


def _migrate_2(record: Record) -> None:
    """Version 3 added the split's seed, the spread of the initial weights, and the CPU time of epochs."""
    record["row"].update(split_seed=100, initial_weights_spread=math.nan)
    history = record.get("history")
    if isinstance(history, dict) and isinstance(history.get("epoch"), list):
        history["cpu_time"] = [math.nan] * len(history["epoch"])


def _migrate_3(record: Record) -> None:
    """Version 4 added autoencoders: their errors, and the time of encoding."""
    measured = ("reconstruction_error", "pca_error", "cpu_time_encode", "real_time_encode")
    record["row"].update(dict.fromkeys(measured, math.nan), encoded_variables=0)
    record["reconstruction"] = {}


def _migrate_4(record: Record) -> None:
    """Version 5 added the digest of encoded events."""
    record["row"].update(encoded_digest="")


_MIGRATIONS: dict[int, Callable[[Record], None]] = {1: _migrate_1, 2: _migrate_2, 3: _migrate_3, 4: _migrate_4}


def _parsed(path: Path, cure: str) -> Record:
    try:
        record: Record = json.loads(path.read_text())
    except OSError as error:
        raise UserError(f"{path}: no readable record ({error.strerror}); {cure}") from None
    except ValueError as error:
        raise UserError(f"{path}: no readable record ({error}); {cure}") from None
    return record


def _agrees(record: Record) -> bool:
    """Whether a record has the columns of the tree ``benchmark``."""
    row = record.get("row")
    return isinstance(row, dict) and all(
        isinstance(row.get(column.name), (int, float) if column.type is float else column.type)
        for column in schema.BENCHMARK
    )


def _curves_agree(record: Record) -> bool:
    """Whether a record has the columns of the other trees, equally long."""
    for tree in schema.CURVES:
        columns = record.get(tree)
        known = {column.name for column in schema.TREES[tree]} - {"run_id"}
        if not isinstance(columns, dict) or set(columns) not in (set(), known):
            return False
        if not all(isinstance(values, list) for values in columns.values()) or len(set(map(len, columns.values()))) > 1:
            return False
    return True


def _runs(results: Path) -> Path:
    return results / "runs"


def _lock_file(results: Path) -> Path:
    return _runs(results) / ".lock"
