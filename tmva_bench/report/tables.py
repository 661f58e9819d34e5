"""The summary table: means over repetitions."""

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

from uncertainties import ufloat

from tmva_bench.basis import config
from tmva_bench.results import forms, naming, schema, summary
from tmva_bench.results.rows import Mean, RunRow

_COLUMNS = (
    ("roc_auc", "ROC area"),
    ("roc_integral", "ROC integral by TMVA"),
    ("reconstruction_error", "error"),
    ("pca_error", "PCA error"),
    ("real_time_encode", "real encode [s]"),
    ("real_time_feed", "real feed [s]"),
    ("cpu_time_train", "CPU train [s]"),
    ("real_time_train", "real train [s]"),
    ("real_time_fit", "real fit [s]"),
    ("real_time_epochs", "real epochs [s]"),
)
_SPREAD = ("roc_auc", "real_time_train")
# Named in the table only where they tell series apart.
_OPTIONAL = ("environment", "installation", "threads", "cpu_model", "sample", "input_digest")


class SummaryTable(NamedTuple):
    """A table for people.

    Attributes:
        headings: of the columns.
        rows: texts, numbers with their error.
        notes: what stands under it, a line each.
        best: row and column of the best mean of each column, the largest area and the shortest times.
    """

    headings: list[str]
    rows: list[list[str]]
    notes: list[str]
    best: list[tuple[int, int]]


def document(groups: list[summary.Group], by: Iterable[str] = (), *, notes: Iterable[str] = ()) -> forms.Document:
    """The summary table of finished runs; its values are the tree ``summary``.

    Args:
        groups: repetitions together, see :func:`tmva_bench.results.summary.groups`.
        by: columns that the rows are ordered by, before series and scanned parameters.
        notes: what must be known of all of it, a line each.
    """
    table = make(groups, by)
    below = [*notes, *table.notes]
    columns = summary.tree(_ordered(groups, list(by)))
    lines = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    return forms.Document(
        [forms.Table(table.headings, table.rows), forms.Notes(below)], {"rows": lines, "notes": below}, lines
    )


def make(groups: list[summary.Group], by: Iterable[str] = ()) -> SummaryTable:
    """The columns that differ, means with errors, spreads, and notes on what the repetitions cannot carry.

    Args:
        groups: repetitions together.
        by: columns that the rows are ordered by, first.
    """
    groups = _ordered(groups, list(by))
    rows = [row for group in groups for row in group.rows + group.missing]
    axes = list(dict.fromkeys([*(name for name in by if name in schema.POINT), *summary.varied(groups)]))
    extra = naming.differing(_OPTIONAL, (group.row for group in groups))
    if not _several_inputs(groups):
        extra = [name for name in extra if name != "input_digest"]
    shown = [(name, title) for name, title in _COLUMNS if any(group.means.value(name).runs for group in groups)]
    headings = ["series", *extra, *axes, "runs"]
    for name, title in shown:
        headings += [title, "spread"] if name in _SPREAD else [title]
        if name == "roc_auc":
            headings.append("± test")
    lines = []
    one_each = _with_one_line_for_the_absent(groups)
    best = _best(one_each, {name: headings.index(title) for name, title in shown})
    for group in one_each:
        row = [naming.series_name(group.row), *(_short(name, group.row.value(name)) for name in extra)]
        row += [naming.value_label(group.row, name) if group.point else "" for name in axes]
        row.append(str(len(group.rows)) if group.rows else group.row.status)
        for name, _ in shown:
            mean = group.means.value(name)
            row.append(_with_error(mean))
            if name in _SPREAD:
                row.append("" if math.isnan(mean.spread) else f"{mean.spread:.2g}")
            if name == "roc_auc":
                error = summary.test_error(group)
                row.append("" if math.isnan(error) else f"{error:.2g}")
        lines.append(row)
    notes = [*_anew(groups), *_notes(groups, rows, [*(name for name in extra if name == "sample"), *axes])]
    return SummaryTable(headings, lines, notes, best)


def _ordered(groups: list[summary.Group], by: list[str]) -> list[summary.Group]:
    networks_first = sorted(groups, key=lambda group: naming.is_no_network(group.row))
    series = list(dict.fromkeys(group.series for group in networks_first))
    axes = summary.varied(groups)

    def place(group: summary.Group) -> tuple[Any, ...]:
        first = [naming.place(group.row.value(name)) for name in by]
        return (*first, series.index(group.series), *(naming.place(group.row.value(name)) for name in axes))

    return sorted(groups, key=place)


def _several_inputs(groups: list[summary.Group]) -> dict[tuple[Any, ...], list[str]]:
    """Input files by sample and numbers of events, where one name stands for several: a file was written anew."""
    by_events = naming.gathered(
        (
            (group.row.sample, *(group.row.value(name) for name in (*config.COUNTS, "fold"))),
            naming.digest(group.row.input_digest),
        )
        for group in groups
    )
    return {of: digests for of, digests in by_events.items() if len(digests) > 1}


def _anew(groups: list[summary.Group]) -> list[str]:
    by_sample = naming.gathered((of[0], text) for of, digests in _several_inputs(groups).items() for text in digests)
    return [
        f"{sample} is the name of {len(digests)} samples here: the input file was written anew between runs, and their "
        f"events differ (tmva-bench remove --only input_digest={digests[0]} takes out the runs of one)"
        for sample, digests in by_sample.items()
    ]


def _short(name: str, value: Any) -> str:
    return naming.digest(value) if name in ("input_digest", "installation") else str(value)


def _with_one_line_for_the_absent(groups: list[summary.Group]) -> list[summary.Group]:
    """The groups, with one that has no point for each series that has no result anywhere."""
    present = {summary.series_whatever_the_events(group) for group in groups if group.rows}
    absent: dict[tuple[Any, ...], summary.Group] = {}
    lines = []
    for group in groups:
        series = summary.series_whatever_the_events(group)
        if series in present:
            lines.append(group)
        elif series not in absent:
            absent[series] = group._replace(point=())
            lines.append(absent[series])
    return lines


def _best(groups: list[summary.Group], columns: dict[str, int]) -> list[tuple[int, int]]:
    places = []
    for name, column in columns.items():
        measured = [group.means.value(name).value for group in groups if group.means.value(name).runs]
        wanted = min(measured) if "_time_" in name else max(measured)
        places += [(number, column) for number, group in enumerate(groups) if group.means.value(name).value == wanted]
    return places


def _notes(groups: list[summary.Group], rows: list[RunRow], names: list[str]) -> list[str]:
    notes = naming.kinds(rows) + naming.best_possible(rows) + naming.clocks(rows)
    notes += _over_folds(groups, names)
    errors = any(group.means.roc_auc.runs > 1 for group in groups)
    if errors:
        notes.append("± error of the mean over repetitions (68 %, Student's t); spread: standard deviation")
    if any(group.rows for group in groups):
        notes.append(
            "± test: error of a ROC area from the number of test events (DeLong), which all series share; whether two "
            "series differ says tmva-bench differences"
        )
    finished = [group for group in groups if group.rows]
    weak: dict[str, list[str]] = {}
    for group in finished:
        for warning in summary.warnings(group):
            weak.setdefault(warning, []).append(naming.run_name(group.row, names))
    for warning, runs in weak.items():
        notes.append(f"warning: {warning}: {'all rows' if len(runs) == len(finished) else naming.some(runs)}")
    named = naming.named_options(rows) if "transformations" in names else []
    notes += naming.one_sided(rows) + naming.unequal(rows) + naming.warnings(rows) + naming.reasons(rows)
    return named + notes


def _over_folds(groups: list[summary.Group], names: list[str]) -> list[str]:
    """One line with the mean area over the folds of each series and point."""
    of_folds = [group for group in groups if group.rows and group.row.fold]
    areas: dict[str, list[float]] = {}
    for group in of_folds:
        name = naming.run_name(group.row, [name for name in names if name != "fold"])
        areas.setdefault(name, []).append(group.means.roc_auc.value)
    means = {name: summary.mean(values) for name, values in areas.items() if len(values) > 1}
    texts = [f"{name} {mean.value:.4f} ({mean.runs} folds, {mean.spread:.2g})" for name, mean in means.items()]
    return [f"mean ROC area over folds (their number, standard deviation): {'; '.join(texts)}"] if texts else []


def _with_error(mean: Mean) -> str:
    if not mean.runs:
        return "-"
    # Clocks tick: equal measurements leave an error of rounding alone.
    if not mean.error > 1e-9 * abs(mean.value):
        return f"{mean.value:.4g}"
    number = ufloat(mean.value, mean.error)
    return forms.Formula(f"{number:P}".replace("±", " ± "), f"${number:L}$")
