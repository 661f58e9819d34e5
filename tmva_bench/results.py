"""The results trees: ``results.root``, rebuilt from the records and renamed into place."""

import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tmva_bench import schema
from tmva_bench.errors import UserError
from tmva_bench.records import Record

Tables = dict[str, dict[str, list[Any]]]


def tables(records: list[Record]) -> Tables:
    """The columns of every results tree; a float that was not measured is None.

    Args:
        records: finished runs.
    """
    columns: Tables = {tree: {column.name: [] for column in schema.TREES[tree]} for tree in schema.TREES}
    for record in records:
        for name in columns["benchmark"]:
            columns["benchmark"][name].append(_plain(record["row"][name]))
        for tree in ("roc", "history", "scores"):
            if not record[tree]:
                continue
            rows = len(next(iter(record[tree].values())))
            columns[tree]["run_id"] += [record["row"]["run_id"]] * rows
            for name, values in record[tree].items():
                columns[tree][name] += map(_plain, values)
    return columns


def write(records: list[Record], path: Path, *, python: str = sys.executable) -> None:
    """Writes ``results.root`` in a child with ROOT; what was there is replaced only by a whole new file.

    Args:
        records: finished runs.
        path: the file.
        python: a Python executable with ROOT.

    Raises:
        UserError: no ROOT there, or the file cannot be written; the records are not touched.
    """
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder) / "tables.json"
        given.write_text(json.dumps(tables(records)))
        # In a folder of its own: "-m" looks for modules in the current directory first.
        answer = subprocess.run(
            [python, "-m", "tmva_bench.tree_writer", str(given), str(path.resolve())],
            capture_output=True,
            text=True,
            cwd=folder,
        )
    if answer.returncode:
        lines = answer.stderr.strip().splitlines() or ["no message"]
        raise UserError(f"{path}: not written ({lines[-1]}); the runs' records are kept beside it")


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
