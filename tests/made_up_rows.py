"""Rows of the tree ``benchmark`` and records, made up."""

import dataclasses
import math

from tmva_bench.basis import config
from tmva_bench.results import records
from tmva_bench.results.folder import ResultsFolder
from tmva_bench.results.rows import Record, RunRow


def row(**values):
    """A row of the benchmark tree: a finished run of the default point unless told otherwise."""
    series = {"status": "ok", "method": "keras", "backend": "jax", "architecture": "cpu", "sample": "gauss"}
    return RunRow(**{**vars(config.Point()), **series, **values})


def record(name, **values):
    return Record(row=RunRow(**{"run_id": name, "status": "ok", "start_time": "2026-01-01T00:00:00", **values}))


def changed(record, **values):
    """The record with other values in its row."""
    return dataclasses.replace(record, row=dataclasses.replace(record.row, **values))


def of_tables(tables):
    """The records of the runs in tables of the results trees."""
    records_of_runs = []
    for number, name in enumerate(tables["benchmark"]["run_id"]):
        row = {column: values[number] for column, values in tables["benchmark"].items()}
        record = Record(row=RunRow(**{column: math.nan if v is None else v for column, v in row.items()}))
        curves = {}
        for tree, curve in record.curves().items():
            of_run = [index for index, run in enumerate(tables[tree]["run_id"]) if run == name]
            columns = {column: [tables[tree][column][n] for n in of_run] for column in curve.columns()}
            curves[tree] = dataclasses.replace(curve, **columns)
        records_of_runs.append(dataclasses.replace(record, **curves))
    return records_of_runs


def keep(results, name, **values):
    with ResultsFolder(results).held(), ResultsFolder(results).under_way(name) as folder:
        ResultsFolder(results).finish(folder, record(name, **values))


def find(results, name):
    """The record of the run of this name, or None."""
    folder = results / "runs" / name
    return records.read(folder) if folder.exists() else None
