"""The record of one run: its files in the run's folder, their checksums, and how records of older versions are read."""

import dataclasses
import hashlib
import json
import math
import operator
import os
import re
import stat
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from tmva_bench.errors import UserError
from tmva_bench.results import schema
from tmva_bench.results.rows import History, Reconstruction, Record, RocCurve, RunRow, Scores

# A record as it lies on the disk.
_Content = dict[str, Any]
_RECORD = "record.json"
# The long parts of a record in files of their own: ten thousand rows, or losses, must be read at once.
_CURVES = "curves.json"
_PARTS: dict[str, tuple[str, ...]] = {
    "history.json": ("history",),
    _CURVES: tuple(tree for tree in schema.CURVES if tree != "history"),
}
# In the format of sha256sum, which checks it, too.
SUMS = "SHA256SUMS"
# Files below this are read at once [bytes].
_SMALL = 2**20
_SUM_LINE = re.compile(r"([0-9a-f]{64})  (.+)")
# The columns that a record has.
_ROW = [column for column in schema.BENCHMARK if column not in schema.DERIVED]
_NAMES = [column.name for column in _ROW]
_TYPES = [column.type for column in _ROW]
_WHOLE = operator.itemgetter(*[n for n, kind in enumerate(_TYPES) if kind is int])
_TEXTS = operator.itemgetter(*[n for n, kind in enumerate(_TYPES) if kind is str])
_values = operator.itemgetter(*_NAMES)
_COLUMNS = [column.name for column in (*_ROW, *schema.DERIVED)]
_KINDS: dict[str, type[Any]] = {
    "roc": RocCurve,
    "history": History,
    "scores": Scores,
    "reconstruction": Reconstruction,
}
_NOT_KEPT = [RunRow().value(column.name) for column in schema.DERIVED]


class Damaged(UserError):
    """A record that cannot be read: one run is lost, the others of its folder are not."""


def run_id(identity: dict[str, Any]) -> str:
    """A run's name: method, backend and optimizer, and the digest of all that can change its result.

    Args:
        identity: point, method, backend, architecture, threads, repetition, library versions, machine, input digest.
    """
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:12]
    return "-".join(filter(None, (identity["method"], identity["backend"], identity["point"]["optimizer"], digest)))


def read(folder: Path, *, curves: Collection[str] = schema.CURVES) -> Record:
    """The record of one run's folder, brought to the present version.

    Args:
        folder: the run's folder.
        curves: the trees whose rows are wanted beside that of ``benchmark``, of :data:`schema.CURVES`; the others are
            left empty.

    Raises:
        Damaged: no record, a damaged one, or one of another run.
        UserError: one of a newer version than this program knows.
    """
    content = _read(folder, curves=curves)
    row = RunRow.of(dict(zip(_COLUMNS, (*_values(content["row"]), *_NOT_KEPT), strict=True)))
    if row.run_id != folder.name:
        raise Damaged(f"{folder / _RECORD}: the record of another run, {row.run_id}; rename the folder to that")
    return Record(row=row, **{tree: _KINDS[tree](**content[tree]) for tree in curves})


def write(folder: Path, record: Record) -> None:
    """Writes a record into a run's folder, with the checksums of all that lies there, and reads it back.

    Args:
        folder: the folder of a run under way.
        record: what to write.

    Raises:
        UserError: what was written cannot be read.
        OSError: it cannot be written.
    """
    curves = {tree: curve.columns() if len(curve) else {} for tree, curve in record.curves().items()}
    for name, trees in _PARTS.items():
        _store(folder / name, json.dumps({tree: curves[tree] for tree in trees}))
    _store(folder / _RECORD, json.dumps({"schema": schema.VERSION, "row": record.row.columns()}, indent=1))
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    _store(folder / SUMS, "".join(f"{_sha256(path)}  {path.relative_to(folder)}\n" for path in files))
    try:
        _read(folder, schema.CURVES)
    except UserError as error:
        raise UserError(f"run {record.row.run_id}: not recorded, for its record could not be read") from error


def altered(folder: Path) -> list[str]:
    """Files of a finished run that are no longer as they were written, are gone or came later, by name in its folder.

    Runs of versions before checksums have none, and nothing is told of them.

    Args:
        folder: the run's folder.
    """
    sums = _sums(folder)
    if not sums:
        return []
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()}
    names = [
        name
        for name in sorted({*sums, *there} - {SUMS})
        if name not in there or sums.get(name) != _sha256(folder / name)
    ]
    torn = any(not _SUM_LINE.fullmatch(line) for line in _sum_lines(folder))
    return [*names, *([SUMS] if torn else [])]


def row_altered(folder: Path) -> bool:
    """Whether the file with a run's row is no longer as it was written."""
    digest = _sums(folder).get(_RECORD)
    return digest is not None and _sha256(folder / _RECORD) != digest


def is_whole(folder: Path) -> bool:
    """Whether the curves of a run's folder are as they were written; without checksums, whether they can be read."""
    sums = _sums(folder)
    try:
        unchanged = all(name in sums and _sha256(folder / name) == sums[name] for name in _PARTS)
        return unchanged or bool(_read(folder, schema.CURVES))
    except (OSError, UserError):
        return False


def same(folder: Path, other: Path) -> bool:
    """Whether two folders hold the same record, in files that are equal byte by byte or as they are read.

    Args:
        folder: a run's folder.
        other: a run's folder.

    Raises:
        UserError: a record that cannot be read, where the files differ.
    """
    # A link has no digest here: two are told apart by their paths, and read.
    pairs = [(folder / name, other / name) for name in (_RECORD, *_PARTS)]
    if all((_sha256(one) or one) == (_sha256(two) or two) for one, two in pairs if one.exists() or two.exists()):
        return True
    # NaN is not equal to itself, its text is.
    ours, theirs = (json.dumps(dataclasses.asdict(read(one))) for one in (folder, other))
    return ours == theirs


def has_sums(folder: Path) -> bool:
    """Whether a run's folder has checksums: those of earlier versions have none."""
    return bool(_sums(folder))


def fingerprint(folder: Path) -> str:
    """Digest of a run's record as it lies on the disk."""
    return _sha256(folder / _RECORD)


def _read(folder: Path, curves: Collection[str]) -> _Content:
    path = folder / _RECORD
    cure = f"remove the folder {folder} to run it again"
    record = _parsed(path, cure)
    version: Any = record.get("schema") if isinstance(record, dict) else None
    if isinstance(version, int) and version > schema.VERSION:
        raise UserError(f"{path}: results of version {version}, this program knows {schema.VERSION}; update tmva-bench")
    for name in _parts(version, curves):
        others = _parsed(folder / name, cure)
        if not isinstance(others, dict):
            raise _foreign(folder / name, cure)
        record.update(others)
    try:
        while version in _MIGRATIONS and isinstance(record.get("row"), dict):
            _MIGRATIONS[version](record)
            record["schema"] = version = version + 1
    except (KeyError, TypeError, ValueError):
        raise _foreign(path, cure) from None
    if version != schema.VERSION or not _agrees(record):
        raise _foreign(path, cure)
    if strange := [tree for tree in curves if not _curve_agrees(record, tree)]:
        (file,) = [name for name, trees in _PARTS.items() if strange[0] in trees]
        raise _foreign(folder / file, cure)
    return record


def _foreign(path: Path, cure: str) -> Damaged:
    return Damaged(f"{path}: not a record that tmva-bench wrote; {cure}")


def _parts(version: Any, curves: Collection[str]) -> list[str]:
    """The files with these curves; records of version 1 hold their own, and those before 11 have one file for all."""
    if not isinstance(version, int) or version == 1:
        return []
    if version < 11:
        return [_CURVES] if curves else []
    return [name for name, trees in _PARTS.items() if not set(trees).isdisjoint(curves)]


def _store(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sha256(path: Path) -> str:
    size = _size(path)
    if size is None:
        return ""
    if size < _SMALL:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _size(path: Path) -> int | None:
    """The size of a file [bytes], None where it is none, or a link."""
    try:
        status = path.lstat()
    except OSError:
        return None
    # Opening a pipe would wait for somebody to write into it.
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _sum_lines(folder: Path) -> list[str]:
    path = folder / SUMS
    if _size(path) is None:
        return []
    return path.read_text(encoding="utf-8", errors="replace").splitlines()


def _sums(folder: Path) -> dict[str, str]:
    lines = filter(None, map(_SUM_LINE.fullmatch, _sum_lines(folder)))
    return {line[2]: line[1] for line in lines}


def _migrate_1(record: _Content) -> None:
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


def _migrate_2(record: _Content) -> None:
    """Version 3 added the split's seed, the spread of the initial weights, and the CPU time of epochs."""
    record["row"].update(split_seed=100, initial_weights_spread=math.nan)
    history = record.get("history")
    if isinstance(history, dict) and isinstance(history.get("epoch"), list):
        history["cpu_time"] = [math.nan] * len(history["epoch"])


def _migrate_3(record: _Content) -> None:
    """Version 4 added autoencoders: their errors, and the time of encoding."""
    measured = ("reconstruction_error", "pca_error", "cpu_time_encode", "real_time_encode")
    record["row"].update(dict.fromkeys(measured, math.nan), encoded_variables=0)
    record["reconstruction"] = {}


def _migrate_4(record: _Content) -> None:
    """Version 5 added the digest of encoded events."""
    record["row"].update(encoded_digest="")


def _migrate_5(record: _Content) -> None:
    """Version 6 added the scale of the weights, the time of the epochs without compilation, and warnings."""
    record["row"].update(norm_mode="none", real_time_epochs=math.nan, warnings="")


def _migrate_6(record: _Content) -> None:
    """Version 7 added the names of series to the trees, which follow from what a record has."""


def _migrate_7(record: _Content) -> None:
    """Version 8 added what one compiled call trains, and the time of what is compiled before the training."""
    record["row"].update(execution="batch", cpu_time_compile=math.nan, real_time_compile=math.nan)


def _migrate_8(record: _Content) -> None:
    """Version 9 added the fold that tests, and compilations that are kept; earlier folds are samples of their own."""
    record["row"].update(fold=0, compilation="")


def _migrate_9(record: _Content) -> None:
    """Version 10 added what makes the batches, with its time, and repetitions that are trained together."""
    record["row"].update(feeding="array", cpu_time_feed=math.nan, real_time_feed=math.nan)
    record["row"].update(together=0, bundle="", bundle_size=1, cpu_time_bundle=math.nan, real_time_bundle=math.nan)


def _migrate_10(record: _Content) -> None:
    """Version 11 put the history into a file of its own."""


_MIGRATIONS: dict[int, Callable[[_Content], None]] = {
    1: _migrate_1,
    2: _migrate_2,
    3: _migrate_3,
    4: _migrate_4,
    5: _migrate_5,
    6: _migrate_6,
    7: _migrate_7,
    8: _migrate_8,
    9: _migrate_9,
    10: _migrate_10,
}


def _parsed(path: Path, cure: str) -> _Content:
    if not path.is_file() and path.exists():
        raise Damaged(f"{path}: no readable record (no regular file); {cure}")
    try:
        record: _Content = json.loads(path.read_bytes())
    except OSError as error:
        raise Damaged(f"{path}: no readable record ({error.strerror}); {cure}") from None
    except (ValueError, RecursionError) as error:
        raise Damaged(f"{path}: no readable record ({error}); {cure}") from None
    return record


def _agrees(record: _Content) -> bool:
    """Whether a record has the columns of the tree ``benchmark``."""
    row = record.get("row")
    if not isinstance(row, dict):
        return False
    values = list(map(row.get, _NAMES))
    # There may be ten thousand records, and most columns are floats, which all fit.
    if list(map(type, values)) == _TYPES:
        whole = _WHOLE(values)
        return _fits(min(whole), int) and _fits(max(whole), int) and _fits("".join(_TEXTS(values)), str)
    return all(map(_fits, values, _TYPES))


def _fits(value: Any, kind: type) -> bool:
    """Whether a value can stand in a branch of this type: no lone surrogate, no number beyond 64 bits."""
    if isinstance(value, str):
        return kind is str and value.encode(errors="ignore").decode() == value
    if isinstance(value, int) and not isinstance(value, bool):
        return kind is not str and -(2**63) <= value < 2**63
    return kind is float and isinstance(value, float)


def _curve_agrees(record: _Content, tree: str) -> bool:
    """Whether a record has the columns of a tree, equally long lists."""
    columns = record.get(tree)
    known = {column.name for column in schema.TREES[tree]} - {"run_id"}
    if not isinstance(columns, dict) or set(columns) not in (set(), known):
        return False
    return all(isinstance(values, list) for values in columns.values()) and len(set(map(len, columns.values()))) < 2
