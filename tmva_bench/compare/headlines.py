"""The verdicts in a few sentences, for who reads nothing else: numbers with their intervals, and at which point."""

import math
from collections.abc import Iterable, Mapping

from tmva_bench.compare import differences, verdict
from tmva_bench.results import naming, summary

# Below this, whatever the intervals leave open is no difference to anybody.
_EQUAL = 1e-3
_MOST = 6
_COUNTED = ("neurons", "layers")


def sentences(comparison: differences.Differences) -> list[str]:
    """The largest area of each sample, and each series beside the reference, those with its optimizer where there are.

    Args:
        comparison: see :func:`tmva_bench.compare.differences.compare`.
    """
    compared = [row for row in comparison.rows if row.reference is not None and row.reference is not row.group]
    alike = [row for row in compared if row.reference and _optimizer(row.group) in ("", _optimizer(row.reference))]
    by_series: dict[str, list[differences.Row]] = {}
    for row in alike or compared:
        by_series.setdefault(naming.series_name(row.group.row), []).append(row)
    lines = _largest(comparison)
    lines += [_beside(rows, comparison) for rows in list(by_series.values())[:_MOST]]
    if compared:
        lines.append(
            "Faster means real time to train, what an engine compiles in it included, median over repetitions; in "
            "brackets 95 % intervals. The tables below have every series and point."
        )
    return lines


def _optimizer(group: summary.Group) -> str:
    return group.row.optimizer


def _largest(comparison: differences.Differences) -> list[str]:
    lines = []
    groups = [row.group for row in comparison.rows]
    samples = list(dict.fromkeys(group.row.sample for group in groups))
    for sample in samples[:_MOST]:
        measured = [g for g in groups if g.row.sample == sample and not math.isnan(g.means.roc_auc.value)]
        if not measured:
            continue
        group = max(measured, key=lambda g: g.means.roc_auc.value)
        mean, best = group.means.roc_auc, summary.best_possible(group)
        error = "" if math.isnan(mean.error) else f" ± {mean.error:.2g}"
        of = f" of {sample}" if len(samples) > 1 else ""
        possible = "" if math.isnan(best) else f"; the best possible is {best:.4f}"
        where = _at({axis: naming.value_label(differences.facts(group), axis) for axis in comparison.axes})
        lines.append(f"Largest ROC area{of}: {mean.value:.5f}{error}, {naming.spoken(group.row)}{where}{possible}.")
    return lines


def _beside(rows: list[differences.Row], comparison: differences.Differences) -> str:
    """One series beside the reference: areas over all points, times at the two points where they lie farthest apart."""
    optimizers = {_optimizer(row.group) for row in comparison.rows} - {""}
    series = naming.spoken(rows[0].group.row, optimizer=len(optimizers) > 1)
    (other,) = {naming.spoken(row.reference.row, optimizer=len(optimizers) > 1) for row in rows[:1] if row.reference}
    parts = [_areas(rows, comparison.axes), *_times(rows, comparison.axes, series, other)]
    return f"{series} beside {other}: {'; '.join(parts)}."


def _areas(rows: list[differences.Row], axes: Iterable[str]) -> str:
    judged = [(row, row.areas) for row in rows if row.areas is not None and not math.isnan(row.areas.low)]
    if not judged:
        return "no verdict on the ROC area"
    row, areas = max(judged, key=lambda pair: abs(pair[1].difference))
    number = f"{len(judged)} point{'s' if len(judged) > 1 else ''}"
    cells = differences.area_cells(areas)
    largest = f"{cells[0]}, {cells[3]}{_beside_at(row, axes)}"
    different = [compared for _, compared in judged if compared.verdict == verdict.DIFFERENT]
    bound = max(max(abs(compared.low), abs(compared.high)) for _, compared in judged)
    if bound < _EQUAL:
        return f"equal ROC areas, to within {_upwards(bound)} at {number}"
    if not different:
        return f"ROC areas not told apart at {number} (largest difference {largest})"
    row, areas = max(
        ((row, compared) for row, compared in judged if compared.verdict == verdict.DIFFERENT),
        key=lambda pair: abs(pair[1].difference),
    )
    cells = differences.area_cells(areas)
    return (
        f"ROC areas different at {len(different)} of {number} (by {cells[0]}, {cells[3]}{_beside_at(row, axes)}"
        f"{'; one in twenty of equal ones would be' if len(judged) > 1 else ''})"
    )


def _times(rows: list[differences.Row], axes: Iterable[str], series: str, other: str) -> list[str]:
    timed = [(row, row.times["real_time_train"]) for row in rows if row.times]
    judged = [(row, times) for row, times in timed if not math.isnan(times.low)]
    if not judged:
        notes = dict.fromkeys(times.note for _, times in timed if times.note)
        return [f"no verdict on time ({note})" for note in list(notes)[:1]]
    ends = {id(pair[1]): pair for pair in (min(judged, key=_ratio), max(judged, key=_ratio))}
    return [f"{_faster(times, series, other)}{_beside_at(row, axes)}" for row, times in judged if id(times) in ends]


def _upwards(bound: float) -> str:
    """A bound of one digit that is not below it."""
    if not bound > 0:
        return "0"
    power = math.floor(math.log10(bound))
    return f"{math.ceil(bound / 10.0**power) * 10.0**power:.1g}"


def _ratio(pair: tuple[differences.Row, verdict.TimeComparison]) -> float:
    return pair[1].ratio


def _faster(times: verdict.TimeComparison, series: str, other: str) -> str:
    # The ratio is the series' time over the reference's.
    if times.low > 1:
        return f"{other} {times.ratio:.2g} times ({times.low:.2g} to {times.high:.2g}) faster"
    if times.high < 1:
        return f"{series} {1 / times.ratio:.2g} times ({1 / times.high:.2g} to {1 / times.low:.2g}) faster"
    return f"times not told apart (ratio {times.ratio:.2g}, {times.low:.2g} to {times.high:.2g})"


def _beside_at(row: differences.Row, axes: Iterable[str]) -> str:
    return _at(differences.places(row, axes))


def _at(places: Mapping[str, str]) -> str:
    words = [
        f"{value} {axis}" if axis in _COUNTED else f"{axis} = {value}" for axis, value in places.items() if value != "-"
    ]
    return f" at {', '.join(words)}" if words else ""
