"""A results file with MADE-UP numbers, for tests of the tree writer and the macros: nothing here was measured."""

import json
import math
import subprocess
import sys
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy
from scipy.special import logit, ndtr, ndtri

from tmva_bench.basis.config import PARAMETERS
from tmva_bench.basis.parsing import point
from tmva_bench.results import naming, schema
from tmva_bench.results.tree_writer import Table


class Series(NamedTuple):
    """What the benchmark tree calls a series by."""

    method: str
    backend: str
    optimizer: str
    architecture: str = "cpu"


_ENGINES = [
    ("tmva-dnn", "tmva"),
    ("pykeras", "tensorflow"),
    ("keras", "tensorflow"),
    ("keras", "jax"),
    ("keras", "torch"),
]
SERIES = [
    *[Series(method, backend, optimizer) for method, backend in _ENGINES for optimizer in ("sgd", "adam")],
    Series("tmva-dnn", "tmva", "sgd", "gpu"),
    Series("keras", "tensorflow", "adam", "gpu"),
]
# The series of the study's figures 2 to 4.
SLIDES = [
    Series("tmva-dnn", "tmva", "sgd"),
    *[Series("pykeras", backend, optimizer) for optimizer in ("sgd", "adam") for backend in ("tensorflow", "theano")],
]
BEST_POSSIBLE = 0.91
EPOCHS = 10
ROC_POINTS = 200
SCORE_BINS = 40


def empty_tables() -> dict[str, Table]:
    """The results trees without rows."""
    return {name: {column.name: [] for column in columns} for name, columns in schema.TREES.items()}


def made_up_tables(
    series: int, repetitions: int = 1, unavailable: int = 0, parameters: dict[str, Any] | None = None
) -> dict[str, Table]:
    """Made-up tables of the results trees.

    Args:
        series: number of finished series, at most 12.
        repetitions: runs of each finished series.
        unavailable: further series that did not run.
        parameters: common parameters that differ from the preset.
    """
    tables = empty_tables()
    random = numpy.random.default_rng(1)
    for number, one in enumerate(SERIES[: series + unavailable]):
        finished = number < series
        for repetition in range(1, repetitions + 1 if finished else 2):
            add_run(tables, random, one, repetition, parameters or {}, "ok" if finished else "unavailable")
    return tables


def made_up_scan(
    series: Iterable[Series],
    neurons: Iterable[int],
    repetitions: int = 1,
    missing: Collection[tuple[Series, int]] = (),
) -> dict[str, Table]:
    """Made-up tables of a scan over the neurons of a layer.

    Args:
        series: the series.
        neurons: the points of the scan.
        repetitions: runs of each series at each point.
        missing: points of a series that ended in a time-out.
    """
    tables = empty_tables()
    random = numpy.random.default_rng(1)
    for one in series:
        for width in neurons:
            for repetition in range(1, repetitions + 1):
                status = "timeout" if (one, width) in missing else "ok"
                add_run(tables, random, one, repetition, {"neurons": width}, status)
    return tables


def add_run(
    tables: dict[str, Table],
    random: numpy.random.Generator,
    series: Series,
    repetition: int = 1,
    parameters: dict[str, Any] | None = None,
    status: str = "ok",
) -> None:
    """Appends one made-up run to the tables."""
    run_id = f"made-up-{len(tables['benchmark']['run_id']):04d}"
    chosen = {"optimizer": series.optimizer, "max_epochs": EPOCHS, "seed": repetition, **(parameters or {})}
    values = vars(point(chosen))
    number = (SERIES + SLIDES).index(series)
    row: dict[str, Any] = {column.name: {str: "", int: 0, float: None}[column.type] for column in schema.BENCHMARK}
    row |= {name: values[name] for name in PARAMETERS}
    row |= {
        **series._asdict(),
        "run_id": run_id,
        "status": status,
        "reason": "" if status == "ok" else "made-up reason",
    }
    row |= {"environment": "made-up", "repetition": repetition, "sample": "made-up"}
    places = dict(zip(tables["benchmark"]["series"], tables["benchmark"]["series_order"], strict=True))
    named = naming.Series(**series._asdict())
    row |= {"series": naming.series_name(named), "label": naming.series_label(named)}
    row["series_order"] = places.get(row["series"], len(set(places)))
    row |= {"variables": 4, "threads": 1, "cpu_model": "made-up"}
    if status == "ok":
        neurons = values["neurons"]
        area = BEST_POSSIBLE - 0.002 - 0.0015 * (number % 4) - 0.03 * math.exp(-neurons / 15) + random.normal(0, 0.0005)
        seconds = (4 + 3 * (number % 5)) * (0.05 + (neurons / 100) ** 1.5) * random.normal(1, 0.03)
        row |= {"roc_auc": area, "roc_auc_error": 0.0011, "roc_auc_best_possible": BEST_POSSIBLE}
        row |= {"cpu_time_train": 1.4 * seconds, "real_time_train": seconds, "epochs": EPOCHS}
        row |= {"best_epoch": EPOCHS - 1, "parameters": 20801}
        _add_roc(tables["roc"], run_id, area)
        _add_history(tables["history"], run_id, number, random)
        _add_scores(tables["scores"], run_id, area, random)
    _append(tables["benchmark"], row)


def write_results(tables: dict[str, Table], out: Path) -> Path:
    """Writes tables with the tree writer, in a child as the package does; gives the file back."""
    source = out.with_suffix(".json")
    source.write_text(json.dumps(tables), encoding="utf-8")
    subprocess.run([sys.executable, "-m", "tmva_bench.results.tree_writer", str(source), str(out)], check=True)
    return out


def _append(table: Table, row: dict[str, Any]) -> None:
    for name, column in table.items():
        column.append(row[name])


def _add_roc(table: Table, run_id: str, area: float) -> None:
    # two Gaussians of unit width, `shift` apart, have the area Phi(shift / sqrt(2))
    shift = math.sqrt(2) * ndtri(area)
    efficiency = numpy.linspace(0, 1, ROC_POINTS)
    rejection = ndtr(shift - ndtri(efficiency))
    table["run_id"] += [run_id] * ROC_POINTS
    table["signal_efficiency"] += efficiency.tolist()
    table["background_rejection"] += rejection.tolist()


def _add_history(table: Table, run_id: str, number: int, random: numpy.random.Generator) -> None:
    for epoch in range(1, EPOCHS + 1):
        fall = math.exp(-epoch / (1 + number % 4))
        losses = {
            "training_loss": 0.37 + 0.2 * fall - 0.001 * epoch,
            "validation_loss": 0.37 + 0.15 * fall + random.normal(0, 0.002),
        }
        _append(table, {"run_id": run_id, "epoch": epoch, "real_time": 0.5, "cpu_time": 0.45, **losses})


def _add_scores(table: Table, run_id: str, area: float, random: numpy.random.Generator) -> None:
    edges = numpy.linspace(0, 1, SCORE_BINS + 1)
    shift = math.sqrt(2) * ndtri(area)
    for sample, events in (("train", 20000), ("test", 50000)):
        for event_class, mean in (("signal", shift), ("background", 0.0)):
            # the score is the posterior of the two Gaussians of _add_roc
            expected = events * numpy.diff(ndtr(logit(edges) / shift + shift / 2 - mean))
            counts = random.poisson(expected)
            table["run_id"] += [run_id] * SCORE_BINS
            table["sample"] += [sample] * SCORE_BINS
            table["event_class"] += [event_class] * SCORE_BINS
            table["low"] += edges[:-1].tolist()
            table["high"] += edges[1:].tolist()
            table["density"] += (counts / events * SCORE_BINS).tolist()
            table["density_error"] += (numpy.sqrt(counts) / events * SCORE_BINS).tolist()
