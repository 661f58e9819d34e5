"""One thing that a figure shows: a row of the tree ``figures``."""

import math
from collections.abc import Iterable
from typing import Any, NamedTuple


class Mark(NamedTuple):
    """A point, a step of a curve or a text; the columns of :data:`tmva_bench.results.schema.FIGURES`.

    Attributes:
        kind: what it is: ``mean``, ``run``, ``caption``, ...
        panel: the frame that it stands in, "" for the whole figure.
        series: name of its series in tables, "" for none.
        label: name of its series in figures.
        colour: of the series, from 0; also its marker and dashes.
        run_id: its run, "" where it is of several or none.
        text: words.
        x: where it stands.
        y: its value, NaN for none.
        low: lower end of its error or band.
        high: upper end.
        figure: name of the figure's file.
        sample: whose runs it shows.
    """

    kind: str
    panel: str = ""
    series: str = ""
    label: str = ""
    colour: int = 0
    run_id: str = ""
    text: str = ""
    x: float = math.nan
    y: float = math.nan
    low: float = math.nan
    high: float = math.nan
    figure: str = ""
    sample: str = ""


class NotDrawn(Exception):
    """Why a figure has nothing to draw, in one line."""


def table(marks: Iterable[Mark]) -> dict[str, list[Any]]:
    """The columns of the tree; a number that is not there is None, as in the other trees."""
    columns: dict[str, list[Any]] = {name: [] for name in Mark._fields}
    for mark in marks:
        for name, value in zip(Mark._fields, mark, strict=True):
            columns[name].append(None if isinstance(value, float) and not math.isfinite(value) else value)
    return columns


def texts(**words: str) -> list[Mark]:
    """Texts of a figure by kind; those that are empty are left out."""
    return [Mark(kind, text=text) for kind, text in words.items() if text]
