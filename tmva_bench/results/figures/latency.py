"""The figure of latencies: the time of an event against the events of a call, a curve an engine."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tmva_bench.results.figures import marks
from tmva_bench.results.figures.marks import Mark, texts
from tmva_bench.results.latency import digits

FIGURE = "latency"


def table(columns: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    """The tree ``figures`` of a file of latencies; empty where nothing was timed.

    Args:
        columns: those of the tree ``latency``.
    """
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    timed = [row for row in rows if row["status"] == "ok"]
    drawn = _marks(rows, timed) if timed else []
    return marks.table(mark._replace(figure=FIGURE) for mark in drawn)


def _marks(rows: Sequence[Mapping[str, Any]], timed: Sequence[Mapping[str, Any]]) -> list[Mark]:
    labels = list(dict.fromkeys(row["label"] for row in timed))
    drawn = texts(title="Time of an event", caption=_caption(rows, timed))
    for colour, label in enumerate(labels):
        points = [row for row in timed if row["label"] == label]
        first = points[0]
        told = f"{digits(first['time'])} us at {first['batch']} a call"
        drawn.append(Mark("series", label=label, colour=colour, text=told))
        for row in points:
            low, high = (math.nan if row[end] is None else row[end] for end in ("low", "high"))
            drawn.append(
                Mark("mean", label=label, colour=colour, x=float(row["batch"]), y=row["time"], low=low, high=high)
            )
    return drawn


def _caption(rows: Sequence[Mapping[str, Any]], timed: Sequence[Mapping[str, Any]]) -> str:
    first = timed[0]
    lacking = list(dict.fromkeys(row["label"] for row in rows if row["status"] != "ok"))
    told = [
        f"{first['network']}, {first['events']} events are all",
        f"one thread of {first['cpu_model']}",
        f"medians of {first['blocks']} blocks with 68 % intervals",
    ]
    return ", ".join(told) + (f"\nnot timed: {'; '.join(lacking)}" if lacking else "")
