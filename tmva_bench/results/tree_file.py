"""The results trees: ``results.root``, rebuilt from the records and renamed into place."""

import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tmva_bench.basis import process
from tmva_bench.errors import UserError
from tmva_bench.events import reading
from tmva_bench.results import naming, schema, summary
from tmva_bench.results.rows import Record, RunRow

NAME = "results.root"
Tables = dict[str, dict[str, list[Any]]]


def tables(records: list[Record]) -> Tables:
    """The columns of every results tree but ``figures``; a float that was not measured is None.

    Args:
        records: finished runs.
    """
    measured = [tree for tree in schema.TREES if tree != "figures"]  # that one is made of the others
    columns: Tables = {tree: {column.name: [] for column in schema.TREES[tree]} for tree in measured}
    named = naming.identified(record.row for record in records)
    for record, row in zip(records, named, strict=True):
        for name, value in row.columns().items():
            columns["benchmark"][name].append(plain(value))
        for tree, curve in record.curves().items():
            columns[tree]["run_id"] += [row.run_id] * len(curve)
            for name, values in curve.columns().items():
                columns[tree][name] += map(plain, values)
    means = summary.tree(summary.groups(named))
    columns["summary"] = {name: [plain(value) for value in values] for name, values in means.items()}
    return columns


def rows_of(path: Path) -> list[RunRow]:
    """The rows of the tree ``benchmark`` of a results file.

    Args:
        path: the file.

    Raises:
        UserError: no results file of this version.
    """
    cure = "the command that wrote it makes it anew from its records"
    names = [column.name for column in schema.BENCHMARK]
    with reading.opened(path, cure) as file:
        version = int(file["schema_version"].member("fTitle"))
        if version > schema.VERSION:
            raise UserError(
                f"{path}: results of version {version}, this program knows {schema.VERSION}; update tmva-bench"
            )
        if version < schema.VERSION:
            raise UserError(f"{path}: results of version {version}; {cure}")
        arrays = {name: reading.column(file["benchmark"], name) for name in names}
    together = zip(*(arrays[name].tolist() for name in names), strict=True)
    return [RunRow(**dict(zip(names, values, strict=True))) for values in together]


def write(records: list[Record], path: Path, *, note: str = "", python: str = sys.executable) -> None:
    """Writes ``results.root`` in a child with ROOT; what was there is replaced only by a whole new file.

    Args:
        records: finished runs.
        path: the file.
        note: what a reader of the results must know.
        python: a Python executable with ROOT.

    Raises:
        UserError: no ROOT there, or the file cannot be written; the records are not touched.
    """
    write_tables(tables(records), path, note=note, python=python, kept="; the runs' records are kept beside it")


def write_tables(columns: Tables, path: Path, *, note: str = "", python: str = sys.executable, kept: str = "") -> None:
    """Writes trees in a child with ROOT; what was there is replaced only by a whole new file.

    Args:
        columns: those that :func:`tmva_bench.results.tree_writer.write_trees` takes.
        path: the file.
        note: what a reader of the results must know.
        python: a Python executable with ROOT.
        kept: what is not lost where it cannot be written.

    Raises:
        UserError: no ROOT there, or the file cannot be written.
    """
    try:
        with tempfile.TemporaryDirectory() as folder:
            text = Path(folder) / "tables.json"
            text.write_text(json.dumps(columns))
            answer = subprocess.run(
                [process.executable(python), "-m", "tmva_bench.results.tree_writer", text, path.resolve(), note],
                capture_output=True,
                text=True,
                **process.isolated(),
            )
    except OSError as error:
        raise UserError(f"{path}: not written ({error}){kept}") from None
    if answer.returncode:
        lines = answer.stderr.strip().splitlines() or [f"exit code {answer.returncode}"]
        raise UserError(f"{path}: not written ({lines[-1]}){kept}")


def is_latency(path: Path) -> bool:
    """Whether a file is one of ``tmva-bench latency``.

    Raises:
        UserError: no ROOT file.
    """
    with reading.opened(path) as file:
        return "latency" in file


def plain(value: Any) -> Any:
    """A value of a column as the writer takes it: None for a number that was not measured."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
