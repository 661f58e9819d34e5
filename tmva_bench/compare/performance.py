"""What this package itself costs, as ``make perf`` measures it: one tree of measurements, and two of them compared."""

import math
from pathlib import Path
from typing import NamedTuple

from tmva_bench.errors import UserError
from tmva_bench.events import output, reading
from tmva_bench.results import forms, schema, tree_writer

FILE, TREE = "perf.root", "perf"
TITLE = "what tmva_bench costs, one row a measurement"


class Measurement(NamedTuple):
    """One row of the tree ``perf``.

    Attributes:
        group: what is measured, e.g. ``finished runs``.
        name: how, e.g. ``table``.
        size: of how many: runs, events or neurons.
        unit: ``s CPU``, ``s``, ``ratio`` or ``MiB``.
        value: median over rounds.
        low: smallest of the rounds.
        high: largest of the rounds.
        target: what the value is to be at most, NaN for none.
    """

    group: str
    name: str
    size: int
    unit: str
    value: float
    low: float
    high: float
    target: float = math.nan


_TITLES = {
    "group": "what is measured",
    "name": "how",
    "size": "of how many runs, events or neurons",
    "unit": "of value, low, high and target",
    "value": "median over rounds",
    "low": "smallest of the rounds",
    "high": "largest of the rounds",
    "target": "what value is to be at most (NaN: none)",
}
COLUMNS = [schema.Column(name, kind, _TITLES[name]) for name, kind in Measurement.__annotations__.items()]


def write(measurements: list[Measurement], path: Path) -> None:
    """Leaves measurements as a tree, in place of what an earlier ``make perf`` left.

    Args:
        measurements: the rows.
        path: the ROOT file.
    """
    table = {name: list(values) for name, values in zip(_TITLES, zip(*measurements, strict=True), strict=True)}
    with output.beside(path) as partial:
        tree_writer.write_tree(TREE, TITLE, COLUMNS, table, partial)


def read(path: Path) -> list[Measurement]:
    """The rows of a file that :func:`write` left.

    Raises:
        UserError: it cannot be read, or holds no such tree.
    """
    with reading.opened(path) as file:
        if TREE not in file.keys(cycle=False):
            raise UserError(f"{path}: no tree {TREE!r}; give a file that make perf left")
        tree = file[TREE]
        missing = [name for name in _TITLES if name not in tree]
        if missing:
            raise UserError(f"{path}: tree {TREE} lacks {', '.join(missing)}; run make perf again")
        columns = [reading.column(tree, name) for name in _TITLES]
    return [
        Measurement(*(one.item() if hasattr(one, "item") else one for one in row)) for row in zip(*columns, strict=True)
    ]


def document(measurements: list[Measurement]) -> forms.Document:
    """A table of measurements, beside their targets."""
    lines = [one._asdict() for one in measurements]
    rows = [
        [one.group, one.name, str(one.size), _number(one.value), f"{_number(one.low)} to {_number(one.high)}", one.unit]
        + [_number(one.target), _verdict(one)]
        for one in measurements
    ]
    headings = ["what", "how", "size", "median", "rounds", "unit", "target, at most", "verdict"]
    return forms.Document([forms.Table(headings, rows)], {"measurements": lines}, lines)


def compared(first: list[Measurement], second: list[Measurement]) -> forms.Document:
    """The measurements that two files have in common, the second over the first."""
    before = {one[:4]: one for one in first}
    pairs = [(before[one[:4]], one) for one in second if one[:4] in before]
    ratios = [b.value / a.value if a.value else math.nan for a, b in pairs]
    lines = [
        {"group": b.group, "name": b.name, "size": b.size, "unit": b.unit, "a": a.value, "b": b.value, "ratio": ratio}
        | {"change": _change(a, b)}
        for (a, b), ratio in zip(pairs, ratios, strict=True)
    ]
    rows = [
        [b.group, b.name, str(b.size), b.unit, _number(a.value), _number(b.value), _number(ratio), _change(a, b)]
        for (a, b), ratio in zip(pairs, ratios, strict=True)
    ]
    headings = ["what", "how", "size", "unit", "A", "B", "B/A", "change"]
    alone = len(first) + len(second) - 2 * len(pairs)
    notes = ["change: where all rounds of one lie above all of the other"]
    notes += [f"{alone} measurements are of one file alone"] if alone else []
    return forms.Document(
        [forms.Table(headings, rows), forms.Notes(notes)], {"measurements": lines, "notes": notes}, lines
    )


def _change(first: Measurement, second: Measurement) -> str:
    if second.low > first.high:
        return "more"
    return "less" if second.high < first.low else ""


def _verdict(one: Measurement) -> str:
    if math.isnan(one.target):
        return ""
    return "met" if one.value <= one.target else "missed"


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.3g}"
