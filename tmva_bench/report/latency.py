"""The table of latencies."""

from collections.abc import Sequence

from tmva_bench.results.forms import Document, Notes, Table
from tmva_bench.results.latency import digits
from tmva_bench.results.rows import LatencyRow


def document(rows: Sequence[LatencyRow]) -> Document:
    """The times of an event [us], a line an engine and a column each number of events a call.

    Args:
        rows: of all engines.
    """
    timed = [row for row in rows if row.status == "ok"]
    first = timed[0]
    batches = sorted({row.batch for row in timed})
    lines = [_line([row for row in timed if row.label == label], label, batches) for label in _labels(timed)]
    notes = [
        f"times of an event in us: medians of {first.blocks} blocks, with 68 % intervals by order statistics",
        f"{first.network}; {first.events} events are all; one thread on one core of {first.cpu_model}",
        *(f"{row.label}: {row.status}: {row.reason}" for row in rows if row.status != "ok"),
    ]
    headings = ["engine", *(_heading(batch, first.events) for batch in batches), "largest difference", "version"]
    return Document(
        [Table(headings, lines), Notes(notes)],
        values={"rows": [row.columns() for row in rows], "notes": notes},
        lines=[row.columns() for row in rows],
    )


def _labels(rows: Sequence[LatencyRow]) -> list[str]:
    return list(dict.fromkeys(row.label for row in rows))


def _heading(batch: int, events: int) -> str:
    return f"all {events} a call" if batch == events else f"{batch} a call"


def _line(rows: Sequence[LatencyRow], label: str, batches: Sequence[int]) -> list[str]:
    times = {row.batch: f"{digits(row.time)} [{digits(row.low)}, {digits(row.high)}]" for row in rows}
    differences = [row.difference for row in rows if row.difference == row.difference]
    largest = f"{max(differences):.1e}" if differences else ""
    return [label, *(times.get(batch, "") for batch in batches), largest, rows[0].version]
