"""Tables that people read, made from benchmark rows."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

Row = Mapping[str, Any]


def benchmark_table(rows: Iterable[Row]) -> RenderableType:
    """The benchmark table, the best possible ROC area, and why some runs gave no result.

    Args:
        rows: rows of the tree ``benchmark``.
    """
    rows = list(rows)
    table = Table(title="The same network and events for every method", title_justify="left", box=box.SIMPLE_HEAD)
    for heading in ("method", "backend", "optimizer,\nrate"):
        table.add_column(heading, overflow="fold")
    for heading in ("ROC area\n± error", "ROC\nby TMVA", "CPU train\n[s]", "real train\n[s]", "real fit\n[s]"):
        table.add_column(heading, justify="right", overflow="fold")
    table.add_column("epochs\n(best)", justify="right", overflow="fold")
    for row in rows:
        name = row["method"] if row["architecture"] == "cpu" else f"{row['method']} ({row['architecture']})"
        table.add_row(name, row["backend"], f"{row['optimizer']} {row['learning_rate']:g}", *_cells(row))
    parts: list[RenderableType] = [table]
    parts += [Text(line) for line in _best_possible(rows)]
    parts += [Text(line) for line in _reasons(rows)]
    return Group(*parts)


def doctor_table(found: Mapping[str, Any]) -> RenderableType:
    """What :func:`tmva_bench.doctor.examine` found, for people."""
    machine, environment = found["machine"], found["environment"]
    versions = ", ".join(f"{name} {version}" for name, version in environment["versions"].items())
    head = [
        f"CPU: {machine['cpu_model']}, {found['threads']} cores usable",
        f"GPU: {machine['gpu_model'] or 'none'}",
        f"Environment {environment['name']}: {versions}",
    ]
    table = Table(title="Trained on a hundred events", title_justify="left", box=box.SIMPLE_HEAD)
    for heading in ("method", "backend", "architecture", "runs here"):
        table.add_column(heading, no_wrap=True)
    table.add_column("why not, and the cure")
    for method in found["methods"]:
        backend = f"{method['backend']} {method['backend_version']}".strip()
        table.add_row(
            method["method"], backend, method["architecture"], "yes" if method["runs"] else "no", method["reason"]
        )
    return Group(*map(Text, head), table)


def series_name(row: Row) -> str:
    """A run's series in words, e.g. ``keras jax sgd``."""
    return " ".join(part for part in (row["method"], row["backend"], row["optimizer"]) if part != "tmva") + (
        " gpu" if row["architecture"] == "gpu" else ""
    )


def _cells(row: Row) -> list[str]:
    if row["status"] != "ok":
        return [row["status"], "", "", "", "", ""]
    return [
        f"{row['roc_auc']:.4f} ± {row['roc_auc_error']:.4f}",
        _number(row["roc_integral"], ".4f"),
        _number(row["cpu_time_train"], ".2f"),
        _number(row["real_time_train"], ".2f"),
        _number(row["real_time_fit"], ".2f"),
        f"{row['epochs']} ({row['best_epoch']})",
    ]


def _number(value: float, form: str) -> str:
    return "-" if math.isnan(value) else format(value, form)


def _best_possible(rows: list[Row]) -> list[str]:
    known = {row["sample"]: row["roc_auc_best_possible"] for row in rows}
    return [
        f"Best possible on the test events of {sample} (likelihood ratio): {area:.4f}"
        for sample, area in known.items()
        if not math.isnan(area)
    ]


def _reasons(rows: list[Row]) -> list[str]:
    """One line for each reason, with the series that it stopped."""
    stopped: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row["status"] != "ok":
            stopped.setdefault((row["status"], row["reason"]), []).append(series_name(row))
    return [f"{status}: {', '.join(names)}: {reason}" for (status, reason), names in stopped.items()]
