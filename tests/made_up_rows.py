"""Rows of the tree ``benchmark`` and records, made up."""

import math

from tmva_bench.basis import config
from tmva_bench.results import records, schema
from tmva_bench.results.folder import ResultsFolder


def row(**values):
    """A row of the benchmark tree: a finished run of the default point unless told otherwise."""
    empty = {str: "", int: 0, float: math.nan}
    made = {column.name: empty[column.type] for column in schema.BENCHMARK}
    made.update(vars(config.Point()))
    made.update(status="ok", method="keras", backend="jax", architecture="cpu", sample="gauss")
    made.update(values)
    return made


def record(name):
    empty = {str: "", int: 0, float: math.nan}
    row = {column.name: empty[column.type] for column in schema.BENCHMARK}
    row.update(run_id=name, status="ok", start_time="2026-01-01T00:00:00")
    return {"schema": schema.VERSION, "row": row, "roc": {}, "history": {}, "scores": {}, "reconstruction": {}}


def keep(results, name, **values):
    with ResultsFolder(results).held(), ResultsFolder(results).under_way(name) as folder:
        made = record(name)
        made["row"].update(values)
        ResultsFolder(results).finish(folder, made)


def find(results, name):
    """The record of the run of this name, or None."""
    folder = results / "runs" / name
    return records.read(folder) if folder.exists() else None
