"""Two results, A and B, point by point: another machine, another ROOT, before and after a change."""

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy

from tmva_bench.basis import config
from tmva_bench.compare import differences, verdict
from tmva_bench.errors import UserError, unknown
from tmva_bench.events import inputs
from tmva_bench.results import forms, naming, schema, summary
from tmva_bench.results.folder import Missing, ResultsFolder
from tmva_bench.results.rows import Record
from tmva_bench.results.summary import Group

SAME_RUN = "the same run"
# What is given as B over A, and what of it stands in the tables.
RATIOS = tuple(name for name in schema.QUANTITIES if "_time_" in name or name == "peak_memory")
_SHOWN = {"real_time_train": "real", "cpu_time_train": "CPU"}
LIMITED = ("roc_auc", *RATIOS, "lost")

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
# What makes a point one: all of series and point but where and on which events it was run.
_KEY = (
    *("method", "backend", "architecture", "optimizer", *config.OF_SERIES),
    *("together", "threads", "sample", *schema.POINT),
)
# By which of several runs of a point on one side the other side's partner is chosen, the weightiest first.
_NEARNESS = ("environment", "input_digest", "cpu_model", "installation")
_PLACES = (
    *(column.name for column in schema.BENCHMARK if column.name.endswith("_version")),
    *("environment", "installation", "cpu_model", "host", "device", "input_digest"),
)
_BY_CHANCE = 0.05


class Match(NamedTuple):
    """One series at one point, with a result on both sides.

    Attributes:
        first: its repetitions in A.
        second: those in B.
        areas: mean ROC area of B less that of A.
        same_events: whether both were tested on the same events.
        ratios: B over A by column of the tree ``benchmark``, see :data:`RATIOS`.
        remarks: what a reader must know of it.
    """

    first: Group
    second: Group
    areas: verdict.AreaComparison
    same_events: bool
    ratios: dict[str, verdict.Ratio]
    remarks: list[str]


class Change(NamedTuple):
    """Runs that have a result on one side and none on the other.

    Attributes:
        group: the repetitions on the side without.
        repetitions: their numbers.
        status: how the first ended there.
        reason: why, and the cure.
    """

    group: Group
    repetitions: list[int]
    status: str
    reason: str


class Place(NamedTuple):
    """What differs of the installations, machines and events.

    Attributes:
        column: of the tree ``benchmark``.
        first: its values in A.
        second: its values in B.
        series: the series that this holds for.
    """

    column: str
    first: list[str]
    second: list[str]
    series: list[str]


class Comparison(NamedTuple):
    """What :func:`compare` found.

    Attributes:
        folders: the results folders A and B.
        axes: what tells points of one series apart.
        matches: by point, then as in A.
        lost: a result in A, none in B.
        gained: a result in B, none in A.
        only: points that only A has, and that only B has.
        places: what differs of installation, machine and events.
        notes: what a reader must know, a line each.
    """

    folders: tuple[ResultsFolder, ResultsFolder]
    axes: list[str]
    matches: list[Match]
    lost: list[Change]
    gained: list[Change]
    only: tuple[list[Group], list[Group]]
    places: list[Place]
    notes: list[str]


class Limit(NamedTuple):
    """What must not be, as ``real_time_train > 1.1``.

    Attributes:
        quantity: one of :data:`LIMITED`.
        operator: ``>``, ``>=``, ``<`` or ``<=``.
        number: the limit.
    """

    quantity: str
    operator: str
    number: float

    def __str__(self) -> str:
        """As a user writes it."""
        return f"{self.quantity} {self.operator} {self.number:g}"


def compare(first: list[Record], second: list[Record], folders: tuple[ResultsFolder, ResultsFolder]) -> Comparison:
    """Compares two results at each point that both have.

    A point is matched by method, backend, architecture, optimizer, threads, sample and parameters, whatever it ran
    on. Where a side has several of one point, those of one environment, then of one input file, processor and
    installation go together.

    On the same test events the areas are compared by the paired test of
    :func:`tmva_bench.compare.verdict.compare_areas`, on others (another seed of the sample) with both sides'
    errors added; repetitions pair by pair where both started
    alike, see :func:`tmva_bench.compare.differences.same_start`.

    Args:
        first: finished runs of A.
        second: finished runs of B.
        folders: the results folders that hold them, for the scores.

    Raises:
        UserError: no point with a result on both sides, none with its input file and scores, or damaged scores.
    """
    groups = [summary.groups(record.row for record in records) for records in (first, second)]
    pairs = _pairs(*groups)
    both = [pair for pair in pairs if all(group.rows for group in pair)]
    if not both:
        raise _nothing(groups, pairs, folders)
    axes = list(dict.fromkeys(name for side in zip(*both, strict=True) for name in differences.telling(list(side))))
    scanned = [name for name in axes if name in schema.POINT]
    both.sort(key=lambda pair: [naming.place(pair[0].row.value(name)) for name in scanned])
    files: dict[tuple[str, ...], inputs.InputFile] = {}
    matches = [_match(*pair, folders, files) for pair in both]
    if all(differences.MISSING in match.remarks for match in matches):
        raise UserError(matches[0].areas.note)
    only = tuple(_unmatched(groups[n], [pair[n] for pair in pairs]) for n in (0, 1))
    return Comparison(
        folders,
        axes,
        matches,
        list(filter(None, (_change(ours, theirs) for ours, theirs in pairs))),
        list(filter(None, (_change(theirs, ours) for ours, theirs in pairs))),
        (only[0], only[1]),
        _places(matches),
        [*_from(folders), *_notes(matches, axes)],
    )


def parse_limits(texts: Iterable[str]) -> list[Limit]:
    """Limits from what a user wrote, e.g. ``real_time_train > 1.1``.

    Args:
        texts: the limits.

    Raises:
        UserError: no ``QUANTITY OP NUMBER``, or one of them that is not known.
    """
    return [_parse_limit(text) for text in texts]


def beyond(compared: Comparison, limits: Iterable[Limit]) -> list[str]:
    """What lies beyond a limit, a line each.

    A point lies beyond it where its whole 95 % interval does; where it has none, where the value does.

    Args:
        compared: see :func:`compare`.
        limits: see :func:`parse_limits`.

    Raises:
        UserError: a quantity that no point has on both sides, so that nothing could ever lie beyond its limit.
    """
    return [line for limit in limits for line in _beyond(compared, limit)]


def verdicts(compared: Comparison) -> dict[str, dict[str, float]]:
    """How many points differ, by quantity: ``roc_auc``, and what :data:`RATIOS` names.

    Each has ``matches``, ``higher`` and ``lower`` (B than A, different at 95 %), ``not_told_apart``, ``same_run``,
    ``no_verdict``, and ``expected_by_chance``: how many of equal ones would be called higher or lower.
    """
    return {
        "roc_auc": _counts((match.areas, 0.0) for match in compared.matches),
        **{name: _counts((match.ratios[name], 1.0) for match in compared.matches) for name in RATIOS},
    }


def document(compared: Comparison) -> forms.Document:
    """The comparison for people and programs; as CSV a line for each point, those that one side lacks among them.

    Args:
        compared: see :func:`compare`.
    """
    sides = [f"{side}: {folder.path}" for side, folder in zip("AB", compared.folders, strict=True)]
    below = (compared.notes, _differing(compared), _verdict_lines(compared))
    values = _everything(compared)
    return forms.Document([forms.Notes(sides), *_tables(compared), *map(forms.Notes, below)], values, _lines(values))


def _key(group: Group) -> tuple[Any, ...]:
    return tuple(map(group.row.value, _KEY))


def _pairs(first: list[Group], second: list[Group]) -> list[tuple[Group, Group]]:
    """Each group of A with the nearest one of B that is left, in the order of A."""

    def nearness(pair: tuple[int, int]) -> list[bool]:
        ours, theirs = first[pair[0]], second[pair[1]]
        environment, *others = [ours.row.value(name) == theirs.row.value(name) for name in _NEARNESS]
        return [environment, bool(ours.rows and theirs.rows), *others]

    by_key: dict[tuple[Any, ...], list[int]] = {}
    for m, group in enumerate(second):
        by_key.setdefault(_key(group), []).append(m)
    possible = [(n, m) for n, group in enumerate(first) for m in by_key.get(_key(group), [])]
    taken: dict[int, int] = {}
    for n, m in sorted(possible, key=nearness, reverse=True):
        if n not in taken and m not in taken.values():
            taken[n] = m
    return [(first[n], second[m]) for n, m in sorted(taken.items())]


def _unmatched(groups: list[Group], matched: list[Group]) -> list[Group]:
    """The groups of one side alone, without what an earlier try at a matched point left."""
    known = {_key(group) for group in matched}
    return [
        group
        for group in groups
        if not any(group is other for other in matched) and (group.rows or _key(group) not in known)
    ]


def _nothing(
    groups: list[list[Group]], pairs: list[tuple[Group, Group]], folders: tuple[ResultsFolder, ResultsFolder]
) -> UserError:
    """Why nothing can be compared."""
    if pairs:
        reasons = [naming.reasons([row for group in side for row in group.missing]) for side in groups]
        (n, lines_of_side), *_ = [(n, lines) for n, lines in enumerate(reasons) if lines]
        return UserError(f"no point has a result in A and in B; {folders[n].path}: {naming.some(lines_of_side)}")
    apart = [
        f"{name} ({' and '.join(', '.join(map(naming.short, sorted(side))) for side in values)})"
        for name in _KEY
        for values in [[{group.row.value(name) for group in side} for side in groups]]
        if values[0].isdisjoint(values[1])
    ]
    names = [naming.some(list(_by_series(side))) for side in groups]
    why = f"they differ in {', '.join(apart)}; " if apart else ""
    return UserError(f"no point in common: {why}{folders[0].path} has {names[0]}, {folders[1].path} has {names[1]}")


def _change(having: Group, lacking: Group) -> Change | None:
    """The repetitions that have a result on one side and ended without on the other."""
    there = {row.repetition for row in having.rows} - {row.repetition for row in lacking.rows}
    without = [row for row in lacking.missing if row.repetition in there]
    if not without:
        return None
    return Change(lacking, sorted({row.repetition for row in without}), without[0].status, without[0].reason)


def _two_samples(data: list[inputs.InputFile], same_events: bool) -> str:
    """Why the events of A and of B may be of two samples; "" where they are of one."""
    if other := _other_parameters(*data):
        return f"samples of other parameters: {', '.join(other)}"
    if not same_events and _may_be_two(*data):
        return "input files of one name whose events differ: they may be two samples"
    return ""


def _match(
    first: Group,
    second: Group,
    folders: tuple[ResultsFolder, ResultsFolder],
    files: dict[tuple[str, ...], inputs.InputFile],
) -> Match:
    """Compares two groups; ``files`` keeps the input files that were read, by digest and encoding."""
    groups = (first, second)
    try:
        data, (ours, theirs) = _read(groups, folders, files)
    except Missing as error:
        return _unjudged(first, second, error)
    same_input = first.row.input_digest == second.row.input_digest
    same_training = same_input and _values(first, "training_digest") == _values(second, "training_digest")
    same_events = same_input or _same_test_events(*data)
    areas = verdict.compare_areas(
        theirs,
        ours,
        same_start=same_training and differences.same_start(second, first),
        same_events=same_events,
    )
    ratios = {name: verdict.ratio_of(second, first, name) for name in RATIOS}
    remarks = []
    if not same_events:
        remarks.append("other test events in A and in B: the errors of both are in ± test, and points differ together")
    if not same_training and _values(first, "training_digest") != _values(second, "training_digest"):
        remarks.append("trained on other events in A and in B: what other training events change is not in the errors")
    if two := _two_samples(data, same_events):
        areas = areas._replace(verdict=verdict.NO_VERDICT, low=math.nan, high=math.nan, p_value=math.nan)
        remarks.append(f"no verdict on the area, {two}")
    elif same_events and _values(first, "run_id") == _values(second, "run_id") and _same_scores(ours, theirs):
        areas = areas._replace(verdict=SAME_RUN)
        if _values(first, "start_time") == _values(second, "start_time"):
            ratios = {name: ratio._replace(verdict=SAME_RUN, note="") for name, ratio in ratios.items()}
            remarks.append("the same runs in A and in B, which say nothing of their agreement")
        else:
            remarks.append("the same runs done twice, with equal scores: their times alone say something")
    elif areas.note:
        said = "no verdict on the area" if areas.verdict == verdict.NO_VERDICT else "area"
        remarks.append(f"{said}, {areas.note}")
    elif areas.paired:
        remarks.append("same initial weights and batches, so repetitions are compared pair by pair")
    return Match(first, second, areas, same_events, ratios, [*remarks, *_on_times(groups, ratios)])


def _read(
    groups: tuple[Group, Group],
    folders: tuple[ResultsFolder, ResultsFolder],
    files: dict[tuple[str, ...], inputs.InputFile],
) -> tuple[list[inputs.InputFile], list[verdict.Side]]:
    """Input files and scores of both sides."""
    data = []
    for group, folder in zip(groups, folders, strict=True):
        events = group.row.input_digest, *config.encoding_of(group.row.transformations)
        if events not in files:
            files[events] = differences.input_of(group, folder)
        data.append(files[events])
    together = zip(groups, folders, data, strict=True)
    return data, [verdict.read_side(group, folder, file) for group, folder, file in together]


def _unjudged(first: Group, second: Group, missing: Missing) -> Match:
    """Two groups of which a side lacks its scores or its input file: their times, and the plain difference of areas."""
    areas = verdict.no_areas(second.means.roc_auc.value - first.means.roc_auc.value, math.nan, str(missing))
    ratios = {name: verdict.ratio_of(second, first, name) for name in RATIOS}
    remarks = [differences.MISSING, *_on_times((first, second), ratios)]
    if all(_values(first, name) == _values(second, name) for name in ("run_id", "start_time")):
        ratios = {name: ratio._replace(verdict=SAME_RUN, note="") for name, ratio in ratios.items()}
    same_events = first.row.input_digest == second.row.input_digest
    return Match(first, second, areas, same_events, ratios, remarks)


def _on_times(groups: tuple[Group, Group], ratios: Mapping[str, verdict.Ratio]) -> list[str]:
    """What a reader must know of the times."""
    notes = dict.fromkeys(f"no verdict on time, {ratios[name].note}" for name in _SHOWN if ratios[name].note)
    busy = [side for side, group in zip("AB", groups, strict=True) if summary.busy(group)]
    return [*notes, *(f"warning: {summary.BUSY} ({side})" for side in busy)]


def _from(folders: tuple[ResultsFolder, ResultsFolder]) -> list[str]:
    """What must be known of all numbers of a side."""
    said = naming.gathered((folder.note, side) for side, folder in zip("AB", folders, strict=True) if folder.note)
    return [f"{' and '.join(sides)}: {note}" for note, sides in said.items()]


def _values(group: Group, column: str) -> set[str]:
    return {str(row.value(column)) for row in group.rows}


def _same_test_events(first: inputs.InputFile, second: inputs.InputFile) -> bool:
    """Whether two input files hold the same test events, in the same order."""
    return first.variables == second.variables and all(
        numpy.array_equal(getattr(first, part)[tree], getattr(second, part)[tree])
        for part in ("events", "weights")
        for tree in ("TestS", "TestB")
    )


def _other_parameters(first: inputs.InputFile, second: inputs.InputFile) -> list[str]:
    """In which parameters two samples differ; another seed or number of events is no other sample."""
    ours, theirs = (file.metadata.get("parameters") or {} for file in (first, second))
    return [
        f"{name} = {ours.get(name)} and {theirs.get(name)}"
        for name in dict.fromkeys([*ours, *theirs])
        if name not in config.COUNTS and ours.get(name) != theirs.get(name)
    ]


def _may_be_two(first: inputs.InputFile, second: inputs.InputFile) -> bool:
    """Whether nothing says that two input files with other events hold one sample: no other seed, nor other numbers."""
    said = ("seed", "parameters", "events")
    return first.metadata["seed"] is None or all(first.metadata[name] == second.metadata[name] for name in said)


def _same_scores(first: verdict.Side, second: verdict.Side) -> bool:
    pairs = zip(first.placements or (), second.placements or (), strict=True)
    return first.areas == second.areas and all(numpy.array_equal(ours, theirs) for ours, theirs in pairs)


def _places(matches: list[Match]) -> list[Place]:
    places = []
    for column in _PLACES:
        values = [
            (tuple(sorted(_values(match.first, column))), tuple(sorted(_values(match.second, column))), match)
            for match in matches
        ]
        by_values = naming.gathered(
            ((ours, theirs), naming.series_name(match.first.row)) for ours, theirs, match in values if ours != theirs
        )
        places += [Place(column, list(ours), list(theirs), names) for (ours, theirs), names in by_values.items()]
    return places


def _notes(matches: list[Match], axes: list[str]) -> list[str]:
    named = (differences.facts(match.second) for match in matches)
    rows = [row for match in matches for group in (match.first, match.second) for row in group.rows]
    notes = [
        *(naming.named_options(named) if "transformations" in axes else []),
        "difference: mean ROC area over repetitions of B less that of A; training: its standard deviation from the "
        "spread of repetitions; test: from the number of test events; the 95 % interval and the verdict are of both "
        "together",
        "ratio: time of B over that of A, geometric means, above 1 B is slower; the 95 % interval (Welch's t) knows "
        "the spread of repetitions only: A and B were not timed in turn, and what slowed a whole machine that day is "
        "not in it",
        *naming.clocks(rows),
        *naming.warnings(rows),
    ]
    said = naming.gathered(
        (remark, naming.run_name(differences.facts(match.second), axes))
        for match in matches
        for remark in match.remarks
    )
    return notes + [
        f"{remark}: {'all points' if len(names) == len(matches) else naming.some(names)}"
        for remark, names in said.items()
    ]


def _parse_limit(text: str) -> Limit:
    parts = re.fullmatch(r"\s*(\w+)\s*([^\w\s.+-]+)\s*(\S+)\s*", text)
    if not parts:
        raise UserError(f"--fail-if {text!r}: give QUANTITY OP NUMBER, e.g. 'real_time_train > 1.1'")
    quantity, sign, number = parts.groups()
    if quantity not in LIMITED:
        raise unknown("quantity", quantity, list(LIMITED))
    if sign not in _OPERATORS:
        raise unknown("operator", sign, list(_OPERATORS))
    try:
        limit = Limit(quantity, sign, float(number))
    except ValueError:
        raise UserError(f"--fail-if {text!r}: {number!r} is no number; write e.g. '{quantity} {sign} 1.1'") from None
    if not math.isfinite(limit.number):
        raise UserError(f"--fail-if {text!r}: {number!r} is no limit; write e.g. '{quantity} {sign} 1.1'")
    return limit


def _beyond(compared: Comparison, limit: Limit) -> list[str]:
    beyond = _OPERATORS[limit.operator]
    if limit.quantity == "lost":
        lost = sum(len(change.repetitions) for change in compared.lost)
        return [f"lost = {lost}, limit {limit}"] if beyond(lost, limit.number) else []
    lines, known = [], False
    for match in compared.matches:
        value, low, high = _measured(match, limit.quantity)
        known = known or not math.isnan(value)
        if math.isnan(value) and _vanished(match, limit.quantity):
            name = naming.run_name(differences.facts(match.second), compared.axes)
            lines.append(f"{name}: {limit.quantity} is known in A and not in B, limit {limit}")
        nearest = low if ">" in limit.operator else high
        if beyond(value if math.isnan(nearest) else nearest, limit.number):
            name = naming.run_name(differences.facts(match.second), compared.axes)
            form = "+.5f" if limit.quantity == "roc_auc" else ".3g"
            interval = differences.interval(low, high, form)
            between = "no interval" if interval == "-" else f"95 % interval {interval}"
            lines.append(f"{name}: {limit.quantity} {format(value, form)} ({between}), limit {limit}")
    if not known:
        raise UserError(f"--fail-if '{limit}': no point has {limit.quantity} in A and in B; limit another quantity")
    return lines


def _vanished(match: Match, quantity: str) -> bool:
    """Whether a quantity was measured in A and was not in B: no number is within no limit."""
    return not math.isnan(match.first.means.value(quantity).value) and math.isnan(
        match.second.means.value(quantity).value
    )


def _measured(match: Match, quantity: str) -> tuple[float, float, float]:
    """Value and interval: the difference of the areas, or a ratio."""
    if quantity == "roc_auc":
        return match.areas.difference, match.areas.low, match.areas.high
    ratio = match.ratios[quantity]
    return ratio.ratio, ratio.low, ratio.high


def _counts(compared: Iterable[tuple[verdict.AreaComparison | verdict.Ratio, float]]) -> dict[str, float]:
    """Counts of verdicts, of what is equal at the given value."""
    counts = dict.fromkeys(("matches", "higher", "lower", "not_told_apart", "same_run", "no_verdict"), 0)
    others = {verdict.NOT_TOLD_APART: "not_told_apart", SAME_RUN: "same_run", verdict.NO_VERDICT: "no_verdict"}
    for one, equal in compared:
        counts["matches"] += 1
        counts[others.get(one.verdict, "higher" if one.low > equal else "lower")] += 1
    judged = counts["higher"] + counts["lower"] + counts["not_told_apart"]
    return {**counts, "expected_by_chance": _BY_CHANCE * judged}


def _verdict_lines(compared: Comparison) -> list[str]:
    counts = verdicts(compared)
    words = {"roc_auc": ("ROC area", "higher", "lower")}
    words |= {name: (f"{kind} time to train", "slower", "faster") for name, kind in _SHOWN.items()}
    lines = []
    for name, (title, above, below) in words.items():
        of = counts[name]
        told = [f"{of['higher']} {above} in B", f"{of['lower']} {below}", f"{of['not_told_apart']} not told apart"]
        told += [f"{of[key]} {text}" for key, text in (("same_run", SAME_RUN), ("no_verdict", "without")) if of[key]]
        chance = f"; of equal ones {of['expected_by_chance']:.2g} would differ at 95 % by chance alone"
        matched = f"{of['matches']} point{'s' if of['matches'] > 1 else ''}"
        lines.append(f"{title}: {matched}, {', '.join(told)}{chance if of['expected_by_chance'] else ''}")
    return lines


def _differing(compared: Comparison) -> list[str]:
    """What one side has and the other has not, and what differs of the places."""
    lines = []
    for title, changes in (
        ("lost (a result in A, none in B)", compared.lost),
        ("gained (a result in B, none in A)", compared.gained),
    ):
        by_reason: dict[tuple[str, str, str], int] = {}
        for change in changes:
            key = (naming.series_name(change.group.row), change.status, change.reason)
            by_reason[key] = by_reason.get(key, 0) + len(change.repetitions)
        lines += [f"{title}: {name}, {_runs(runs)}: {status}: {why}" for (name, status, why), runs in by_reason.items()]
    for side, groups in zip("AB", compared.only, strict=True):
        lines += [f"only in {side}: {name}, {counted}" for name, counted in _by_series(groups).items()]
    series = list(dict.fromkeys(naming.series_name(match.first.row) for match in compared.matches))
    for place in compared.places:
        cut = 12 if place.column == "input_digest" else None
        of = "" if place.series == series else f" ({naming.some(place.series)})"
        ours, theirs = (", ".join(value[:cut] or "none" for value in side) for side in (place.first, place.second))
        lines.append(f"{place.column}: {ours} in A, {theirs} in B{of}")
    return lines


def _by_series(groups: Iterable[Group]) -> dict[str, str]:
    """How many points and runs each series has, in words."""
    by_name: dict[str, list[Group]] = {}
    for group in groups:
        by_name.setdefault(naming.series_name(group.row), []).append(group)
    counted = {}
    for name, some in by_name.items():
        runs, with_result = sum(len(g.rows) + len(g.missing) for g in some), sum(len(g.rows) for g in some)
        without = "" if with_result == runs else f", {with_result} with a result"
        counted[name] = f"{len(some)} point{'s' if len(some) > 1 else ''} ({_runs(runs)}{without})"
    return counted


def _runs(number: int) -> str:
    return f"{number} run{'s' if number > 1 else ''}"


def _tables(compared: Comparison) -> list[forms.Table]:
    busy = any(summary.busy(group) for match in compared.matches for group in (match.first, match.second))
    areas, times = [], []
    for match in compared.matches:
        facts = differences.facts(match.second)
        lead = [naming.series_name(facts), *(naming.value_label(facts, axis) for axis in compared.axes)]
        areas.append(
            [*lead, _both(len(match.first.rows), len(match.second.rows)), *differences.area_cells(match.areas)]
        )
        cells = [cell for name in _SHOWN for cell in differences.ratio_cells(match.ratios[name])]
        times.append([*lead, *cells, *([_both(*map(summary.busy, (match.first, match.second)))] if busy else [])])
    lead = ["series", *compared.axes]
    of_ratios = [
        heading for kind in _SHOWN.values() for heading in (f"{kind} time ratio", "95 % interval", "verdict on B")
    ]
    return [
        forms.Table(
            [*lead, "runs A, B", "difference", "± training", "± test", "95 % interval", "verdict"],
            areas,
            "ROC area: B less A",
        ),
        forms.Table([*lead, *of_ratios, *(["busy A, B"] if busy else [])], times, "Time to train: B over A"),
    ]


def _both(first: int, second: int) -> str:
    return f"{first}, {second}"


def _everything(compared: Comparison) -> dict[str, Any]:
    """All of it under stable keys, see docs/results.md."""
    return {
        "a": str(compared.folders[0].path),
        "b": str(compared.folders[1].path),
        "axes": compared.axes,
        "matches": [_match_in_full(match) for match in compared.matches],
        "lost": [_change_in_full(change) for change in compared.lost],
        "gained": [_change_in_full(change) for change in compared.gained],
        "only_in_a": [_group_in_full(group) for group in compared.only[0]],
        "only_in_b": [_group_in_full(group) for group in compared.only[1]],
        "differs": [
            {"column": place.column, "a": place.first, "b": place.second, "series": place.series}
            for place in compared.places
        ],
        "verdicts": verdicts(compared),
        "notes": compared.notes,
    }


def _name_and_point(group: Group) -> dict[str, Any]:
    return {"series": naming.series_name(group.row), "point": {name: group.row.value(name) for name in _KEY}}


def _group_in_full(group: Group) -> dict[str, Any]:
    return {
        **_name_and_point(group),
        **{name: group.row.value(name) for name in _NEARNESS},
        "runs": len(group.rows),
        "without_result": len(group.missing),
    }


def _match_in_full(match: Match) -> dict[str, Any]:
    sides = {}
    for side, group in (("a", match.first), ("b", match.second)):
        means = {name: group.means.value(name)._asdict() for name in ("roc_auc", *RATIOS)}
        described = {name: value for name, value in _group_in_full(group).items() if name not in ("series", "point")}
        sides[side] = {**described, "busy": summary.busy(group), "means": means}
    return {
        **_name_and_point(match.second),
        **sides,
        "roc_auc": {**match.areas._asdict(), "same_events": match.same_events},
        "ratios": {name: ratio._asdict() for name, ratio in match.ratios.items()},
        "remarks": match.remarks,
    }


def _change_in_full(change: Change) -> dict[str, Any]:
    return {
        **_name_and_point(change.group),
        "repetitions": change.repetitions,
        "status": change.status,
        "reason": change.reason,
    }


def _lines(everything: dict[str, Any]) -> list[dict[str, Any]]:
    """All points, one after the other; what stands below a key has its name behind that of the key."""
    kinds = ("matches", "lost", "gained", "only_in_a", "only_in_b")
    return [{"point_is": kind, **_flat(point)} for kind in kinds for point in everything[kind]]


def _flat(values: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= {below if name == "point" else f"{name}_{below}": part for below, part in _flat(value).items()}
        else:
            flat[name] = "; ".join(map(str, value)) if isinstance(value, list) else value
    return flat
