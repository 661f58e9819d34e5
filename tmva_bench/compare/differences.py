"""Every series beside a reference at each point: ROC area, time, and time to quality."""

import dataclasses
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from tmva_bench.basis import autoencoder, config
from tmva_bench.compare import quality, verdict
from tmva_bench.errors import UserError, unknown
from tmva_bench.events import inputs
from tmva_bench.methods import registry
from tmva_bench.results import forms, naming, schema, summary
from tmva_bench.results.folder import Missing, ResultsFolder
from tmva_bench.results.rows import History, Record, RunRow
from tmva_bench.results.summary import Group

# What can tell runs of one series at one point apart, beside the point.
_PLACES = ("sample", "input_digest", "environment", "installation", "threads", "cpu_model")
_TIMES = {"real_time_train": "real", "cpu_time_train": "CPU", "real_time_epochs": "epochs'"}
# Why some points have no verdict on the area where others have.
MISSING = "no verdict on the area, scores or input file of a side are not in the results folder"
# Of these the engines may hold different things.
_WITH_COMPILATION = ("real_time_train", "cpu_time_train")
_CLOCKS = {"real_time": "real", "cpu_time": "CPU"}
# Parameters that say which of the training events validate.
_MEMBERSHIP = ("validation_fraction", "split_seed")
# Parameters that the untrained network, and its validation loss, do not know of.
_AFTER_THE_START = ("learning_rate", "momentum", "convergence_steps", "max_epochs", "dropout")
# Of the losses and spreads of the same start: backends round differently.
_SAME = 1e-3


class Row(NamedTuple):
    """One series at one point.

    Attributes:
        group: its repetitions.
        place: the values of the axes at the point; where the method does not have a parameter, those of the reference.
        reference: those of the reference at the same point, on the same events; the group itself where it is the
            reference, None where the reference has no finished run there.
        areas: the ROC areas of both, None where there is no other series to compare with, or where scores or the input
            file of a side are not in the results folder.
        times: the times of both by column of the tree ``benchmark``; empty where there is no other series.
        target: the validation loss of the quality asked for, NaN where there is none.
        reached: when the series had it, by column of the tree ``history``; empty likewise.
    """

    group: Group
    place: dict[str, Any]
    reference: Group | None
    areas: verdict.AreaComparison | None
    times: dict[str, verdict.TimeComparison]
    target: float
    reached: dict[str, quality.TimeToQuality]


class Differences(NamedTuple):
    """What :func:`compare` found.

    Attributes:
        reference: name of the reference series.
        share: of the way to the best validation loss.
        axes: what tells rows of one series apart.
        rows: by point, then by series.
        notes: what a reader must know, a line each.
    """

    reference: str
    share: float
    axes: list[str]
    rows: list[Row]
    notes: list[str]


def compare(
    records: list[Record], results: ResultsFolder, *, reference: str | None = None, share: float = 0.9
) -> Differences:
    """Compares every series that has results with the reference, at each point.

    A series whose method does not have a scanned parameter has its one point beside each of the reference's.

    Repetitions are paired where both sides start from TMVA's weights and take its batches, with the same seeds, and
    differ in nothing but the engine. The reference of a row is the first of its name with the same parameters and
    events, on the same processor and number of threads where there is one.

    Args:
        records: finished runs.
        results: the results folder that holds them, for the scores.
        reference: the reference series, as tables show it, e.g. ``keras jax sgd``; by default the first that finished.
        share: quality to reach: the share of the way to the best validation loss, see
            :func:`tmva_bench.compare.quality.target`.

    Raises:
        UserError: no run has a result, no such series, input files or scores of all runs are not there, scores are
            damaged, or runs of one input file were not trained, validated and tested on the same events.
    """
    rows = [record.row for record in records]
    finished = [row for row in rows if row.status == "ok"]
    if not finished:
        raise UserError(f"{results.path}: no finished run with a result; `tmva-bench table {results.path}` says why")
    names = list(naming.series_order(finished))
    name = names[0] if reference is None else reference
    if name not in names:
        raise unknown("series", name, names)
    _check_membership(finished)
    _check_start(finished)
    groups = [group for group in summary.groups(rows) if group.rows]
    axes = telling(groups)
    references = _References([group for group in groups if naming.series_name(group.row) == name], axes)
    pairs = _ordered([(group, partner) for group in groups for partner in references.of(group)], axes)
    groups, partners = [group for group, _ in pairs], [partner for _, partner in pairs]
    areas = _areas(groups, partners, results)
    targets, untold = _targets(groups, records, share)
    histories = {record.row.run_id: record.history for record in records}
    compared_rows = []
    for group, partner, compared in zip(groups, partners, areas, strict=True):
        other = partner if partner is not group else None
        target = targets.get(_kind(group), math.nan)
        times = {column: _compare_times(group, other, column) for column in _TIMES} if other else {}
        reached = _reached(group, histories, target)
        compared_rows.append(Row(group, _place(group, partner, axes), partner, compared, times, target, reached))
    notes = [results.note] if results.note else []
    notes += [*_notes(compared_rows, name, axes), *_quality_notes(compared_rows, share, axes), *untold]
    notes += [*naming.clocks(finished), *naming.one_sided(finished), *naming.unequal(finished)]
    notes += [*naming.warnings(finished), *naming.reasons(rows)]
    return Differences(name, share, axes, compared_rows, notes)


def document(compared: Differences) -> forms.Document:
    """The comparison for people and programs.

    Args:
        compared: see :func:`compare`.
    """
    lines = [_line(row, compared) for row in compared.rows]
    values = {"reference": compared.reference, "quality": compared.share, "rows": lines, "notes": compared.notes}
    return forms.Document([*tables(compared), forms.Notes(compared.notes)], values, lines)


def _check_membership(rows: list[RunRow]) -> None:
    """Refuses to compare runs of the same events that were not trained, validated and tested on the same of them."""
    parts = {"training_digest": "trained on", "validation_digest": "validated on", "test_digest": "tested on"}
    first: dict[tuple[Any, ...], RunRow] = {}
    for row in rows:
        for digest, words in parts.items():
            if not row.value(digest):
                continue  # a record from before it was kept
            membership = digest, row.input_digest, *_encoded(row), *(row.value(name) for name in _MEMBERSHIP)
            other = first.setdefault(membership, row)
            if other.value(digest) != row.value(digest):
                raise UserError(
                    f"{naming.series_name(other)} and {naming.series_name(row)} were not {words} the same events "
                    f"({other.run_id}, {row.run_id}): nothing can be compared; please report it"
                )


def _check_start(rows: list[RunRow]) -> None:
    """Refuses to compare runs of one point that did not train the same network, or not from the start that they share.

    Spread and untrained loss are compared among the methods that tell them.
    """
    networks: dict[tuple[Any, ...], RunRow] = {}
    starts: dict[tuple[Any, ...], RunRow] = {}
    names = [name for name in schema.POINT if name not in (*config.ONE_SIDED, *_AFTER_THE_START)]
    for row in rows:
        if naming.is_no_network(row):
            continue
        chain = row.transformations if registry.of(row.method).autoencoder else ""
        layout = chain, row.encoded_variables, row.variables, row.neurons, row.layers
        other = networks.setdefault(layout, row)
        if row.parameters != other.parameters:
            raise UserError(
                f"{naming.series_name(other)} and {naming.series_name(row)} did not train the same network, "
                f"{other.parameters} and {row.parameters} parameters ({other.run_id}, {row.run_id}): "
                "nothing can be compared; please report it"
            )
        started = (
            registry.of(row.method).autoencoder,
            *_encoded(row),
            *(row.value(name) for name in (*names, "seed", "input_digest")),
        )
        for name in ("initial_weights_spread", "untrained_loss"):
            if math.isnan(row.value(name)) or not _starts_alike(row):
                continue
            other = starts.setdefault((name, *started), row)
            if not math.isclose(row.value(name), other.value(name), rel_tol=_SAME):
                raise UserError(
                    f"{naming.series_name(other)} and {naming.series_name(row)} did not start alike, {name} "
                    f"{other.value(name):g} and {row.value(name):g} ({other.run_id}, {row.run_id}): nothing can be "
                    "compared; please report it"
                )


def _starts_alike(row: RunRow) -> bool:
    """Whether the start of a run is that of the other methods: TMVA's numbers, and none that a pre-training left."""
    method = registry.of(row.method)
    if method.autoencoder:
        return not _autoencoder(row.transformations).pretraining
    return bool("start" in method.lacks or row.start == "tmva")


def _encoded(row: RunRow) -> tuple[Any, ...]:
    """What makes the events that a run is given, or their parts, other ones than those of its input file.

    An autoencoder that is itself the method takes the training events of its class, and validates on a part of its own.
    """
    if registry.of(row.method).autoencoder:
        wanted = _autoencoder(row.transformations)
        return wanted.event_class, wanted.validation
    # Results from before the digest was kept are compared with none.
    return (row.encoded_digest or row.run_id,) if config.encoding_of(row.transformations) else ()


def _autoencoder(chain: str) -> autoencoder.Specification:
    """What the run of an autoencoder trains, but for its seed."""
    return autoencoder.of_chain(config.encoding_of(chain), seed=1)[0]


def telling(groups: list[Group]) -> list[str]:
    """What tells groups of one series apart: installation, machine and the like, then parameters.

    Parameters that sample and transformations decide are left out: the numbers of events, what dae is trained with.

    Args:
        groups: repetitions together.
    """
    rows = [group.row for group in groups]
    follows = naming.of_folds(map(vars, rows))
    names = [name for name in naming.differing((*_PLACES, *schema.POINT), rows) if name not in follows]
    # Names and numbers of events mostly tell input files apart.
    others = [name for name in names if name in (*config.COUNTS, "sample", "fold")]
    if len({tuple(row.value(name) for name in others) for row in rows}) == len({row.input_digest for row in rows}):
        names = [name for name in names if name != "input_digest"]
    return [name for name in names if name not in config.PARAMETERS or name == "transformations" or _varies(name, rows)]


def _varies(name: str, rows: list[RunRow]) -> bool:
    """Whether a parameter has several values for one series, sample and chain of transformations."""
    first: dict[tuple[str, ...], Any] = {}
    keys = [(naming.series_name(row), row.sample, row.transformations) for row in rows]
    return any(first.setdefault(key, row.value(name)) != row.value(name) for key, row in zip(keys, rows, strict=True))


def _ordered(pairs: list[tuple[Group, Group | None]], axes: list[str]) -> list[tuple[Group, Group | None]]:
    """By sample and point, then as they first appeared."""
    names = [name for name in axes if name in schema.POINT]
    samples = list(dict.fromkeys(group.row.sample for group, _ in pairs))

    def place(pair: tuple[Group, Group | None]) -> tuple[Any, ...]:
        at = _place(*pair, names)
        return samples.index(pair[0].row.sample), *(naming.place(at[name]) for name in names)

    return sorted(pairs, key=place)


def _place(group: Group, partner: Group | None, axes: Iterable[str]) -> dict[str, Any]:
    """The values of the axes where a group stands: what its method does not have, it has of its reference."""
    of = {axis: partner if partner and naming.lacks(group.row.method, axis) else group for axis in axes}
    return {axis: one.row.value(axis) for axis, one in of.items()}


class _References:
    """The groups of the reference series, looked up by what they share with others: there may be thousands of both."""

    def __init__(self, groups: list[Group], axes: list[str]) -> None:
        self._groups = groups
        self._methods = list(dict.fromkeys(group.row.method for group in groups))
        self._axes = axes
        self._of: dict[str, dict[tuple[Any, ...], list[Group]]] = {}

    def of(self, group: Group) -> list[Group | None]:
        """The reference of a group, at each of its points where the method of the group lacks what is scanned."""

        def nearness(other: Group) -> tuple[int, ...]:
            same = [int(other.row.value(place) == group.row.value(place)) for place in ("cpu_model", "threads")]
            return *same, sum(theirs == ours for theirs, ours in zip(other.point, group.point, strict=True))

        at: dict[tuple[Any, ...], list[Group]] = {}
        absent = [axis for axis in self._axes if naming.lacks(group.row.method, axis)]
        for other in self._fitting(group):
            at.setdefault(tuple(other.row.value(axis) for axis in absent), []).append(other)
        return [max(some, key=nearness) for some in at.values()] or [None]

    def _fitting(self, group: Group) -> Iterator[Group]:
        """Those on the same events, equal in every axis that means something to both methods."""
        method = group.row.method
        if method not in self._of:
            self._of[method] = {}
            for other in self._groups:
                self._of[method].setdefault(self._key(other, method, other.row.method), []).append(other)
        for of_reference in self._methods:
            yield from self._of[method].get(self._key(group, method, of_reference), ())

    def _key(self, group: Group, *methods: str) -> tuple[Any, ...]:
        common = [axis for axis in self._axes if _common(axis, *methods)]
        return (methods, group.row.input_digest, *(group.row.value(axis) for axis in common))


def _common(name: str, *methods: str) -> bool:
    """Whether a parameter means something to all methods."""
    if name not in config.PARAMETERS or any(naming.lacks(method, name) for method in methods):
        return False
    side = config.ONE_SIDED.get(name)
    return side is None or all(registry.of(method).side == side for method in methods)


def _unequal(group: Group, other: Group) -> list[str]:
    """In what a group differs from its reference, but for method and optimizer."""
    methods = group.row.method, other.row.method
    parameters = [name for name in schema.POINT if _common(name, *methods) and name not in config.COUNTS]
    return [
        *(name for name in parameters if group.row.value(name) != other.row.value(name)),
        *(name for name in ("threads",) if group.row.value(name) != other.row.value(name)),
    ]


def same_start(group: Group, other: Group) -> bool:
    """Whether equal repetitions of both sides differ in the engine alone.

    That is so where both train the same network alike, on the same events, from TMVA's initial weights and with its
    batches: TMVA's DNN, and the direct Keras runs with ``start = "tmva"``. With dropout both must draw TMVA's masks,
    those of the CPU.
    """
    alike = group.row.optimizer == other.row.optimizer and not _unequal(group, other)
    seeds = [{row.repetition: row.seed for row in side.rows} for side in (group, other)]
    return alike and seeds[0] == seeds[1] and _starts_as_tmva(group) and _starts_as_tmva(other)


def _starts_as_tmva(group: Group) -> bool:
    return registry.of(group.row.method).paired(group.row.point, group.row.architecture)


def _areas(
    groups: list[Group], partners: list[Group | None], results: ResultsFolder
) -> list[verdict.AreaComparison | None]:
    """The comparisons in order; of all placements only those of one group and its reference are held at a time.

    None where there is no other series, or where something of a side is missing; where something is everywhere, it is
    raised.
    """
    comparisons: dict[int, verdict.AreaComparison] = {}
    missing: list[Missing] = []
    data: dict[str, inputs.InputFile] = {}

    def side(group: Group) -> verdict.Side:
        digest = group.row.input_digest
        if digest not in data:
            data[digest] = input_of(group, results)
        return verdict.read_side(group, results, data[digest])

    compared: dict[int, list[int]] = {}
    for n, partner in enumerate(partners):
        if partner is not None and partner is not groups[n]:
            compared.setdefault(id(partner), []).append(n)
    for others in compared.values():
        reference = partners[others[0]]
        assert reference is not None
        try:
            theirs = side(reference)
        except Missing as error:
            missing.append(error)
            continue
        for n in others:
            try:
                ours = side(groups[n])
            except Missing as error:
                missing.append(error)
                continue
            comparisons[n] = verdict.compare_areas(ours, theirs, same_start=same_start(groups[n], reference))
    if missing and not comparisons:
        raise missing[0]
    return [comparisons.get(n) for n in range(len(groups))]


def input_of(group: Group, results: ResultsFolder) -> inputs.InputFile:
    """The input file that a group's runs were given, for the weights of its test events.

    Args:
        group: with a finished run.
        results: the results folder that holds the runs.

    Raises:
        UserError: it is not there, or a run does not name it.
    """
    return results.read_input(group.row.run_id, group.row.input_digest)


def _compare_times(group: Group, other: Group, column: str) -> verdict.TimeComparison:
    """Like with like: no verdict where one side compiles inside the clock what the other compiled before."""
    compared = verdict.compare_times(group, other, column)
    if compared.note == verdict.TOGETHER:
        return compared
    ways = {naming.compilation(side.row) for side in (group, other)}
    if column in _WITH_COMPILATION and ways == {"inside", "before"}:
        note = "one side compiles inside the training and the other before it; the epochs' time can be compared"
        return compared._replace(low=math.nan, high=math.nan, interval="", verdict=verdict.NO_VERDICT, note=note)
    return compared


def _kind(group: Group) -> tuple[Any, ...]:
    """Groups that are equal here have validation losses that can be compared."""
    of_autoencoder: tuple[Any, ...] = ()
    if registry.of(group.row.method).autoencoder:
        # An autoencoder's loss knows of its own layout only; TMVA prepares its inputs on its class alone, Keras on all.
        chain = group.row.transformations
        of_class = _autoencoder(chain).event_class != autoencoder.CLASSES[0]
        of_autoencoder = chain, of_class and group.row.backend == "tmva"
    names = ("loss", "norm_mode", *_MEMBERSHIP)
    return (group.row.input_digest, *of_autoencoder, *(group.row.value(name) for name in names))


def _comparable(group: Group) -> bool:
    """Methods count a regularization term differently in the validation loss."""
    return group.row.regularization == "none"


def _targets(
    groups: list[Group], records: list[Record], share: float
) -> tuple[dict[tuple[Any, ...], float], list[str]]:
    """The validation loss to reach by kind, and why some have none."""
    histories = {record.row.run_id: record.history for record in records if len(record.history)}
    by_kind: dict[tuple[Any, ...], list[History]] = {}
    for group in filter(_comparable, groups):
        of_group = [histories[row.run_id] for row in group.rows if row.run_id in histories]
        by_kind.setdefault(_kind(group), []).extend(of_group)
    targets, notes = {}, []
    for kind, some in by_kind.items():
        try:
            targets[kind] = quality.target(some, share)
        except UserError as error:
            notes.append(f"no time to quality: {error}")
    if not all(map(_comparable, groups)):
        notes.append("no time to quality with regularization: methods count its term differently in the loss")
    return targets, list(dict.fromkeys(notes))


def _reached(group: Group, histories: Mapping[str, History], target: float) -> dict[str, quality.TimeToQuality]:
    if math.isnan(target) or not _comparable(group):
        return {}
    of_group = [history for row in group.rows if len(history := histories[row.run_id])]
    return {
        clock: quality.time_to_quality(quality.reach(history, target, clock) for history in of_group)
        for clock in _CLOCKS
    }


def _name(row: Row, axes: Iterable[str]) -> str:
    return naming.run_name(facts(row.group), axes)


def facts(group: Group) -> RunRow:
    """A run for the series and point of all, its digests cut short."""
    row = group.row
    return dataclasses.replace(
        row, input_digest=naming.digest(row.input_digest), installation=naming.digest(row.installation)
    )


def _notes(rows: list[Row], reference: str, axes: list[str]) -> list[str]:
    """What the columns say, and what stands in the way of a verdict."""
    notes = naming.named_options(facts(row.group) for row in rows) if "transformations" in axes else []
    if any(row.areas for row in rows):
        notes += [
            f"difference: mean ROC area over repetitions, less that of {reference}; training: its standard deviation "
            "from the spread of repetitions; test: from the number of test events (paired DeLong); the 95 % interval "
            "and the verdict are of both together",
            f"ratio: time to train of the series over that of {reference}, median over pairs of repetitions; above 1 "
            "the series is the slower one, which is said only where the 95 % interval excludes 1",
        ]
    said: dict[str, list[str]] = {}
    for row in rows:
        for remark in _remarks(row, reference):
            said.setdefault(remark, []).append(_name(row, axes))
    return notes + [f"{remark}: {naming.some(list(dict.fromkeys(names)))}" for remark, names in said.items()]


def _remarks(row: Row, reference: str) -> list[str]:
    if row.reference is None:
        return [f"no run of {reference} at this point to compare with"]
    remarks = []
    if row.areas is None and row.times:
        remarks.append(MISSING)
    if row.areas is not None:
        if row.areas.note:
            verdict_on = "no verdict on the area" if row.areas.verdict == verdict.NO_VERDICT else "area"
            remarks.append(f"{verdict_on}, {row.areas.note}")
        elif row.areas.paired:
            remarks.append("same initial weights and batches, so repetitions are compared pair by pair")
    if unequal := _unequal(row.group, row.reference):
        remarks.append(f"differs from the reference in {', '.join(unequal)}, too")
    remarks += dict.fromkeys(
        f"no verdict on time, {compared.note}"
        for column, compared in row.times.items()
        if compared.note and (compared.pairs or column in _WITH_COMPILATION)
    )
    if summary.busy(row.group):
        remarks.append(f"warning: {summary.BUSY}")
    return remarks


def _quality_notes(rows: list[Row], share: float, axes: list[str]) -> list[str]:
    targets = list(dict.fromkeys(row.target for row in rows if row.reached))
    if not targets:
        return []
    notes = [
        f"time to quality: time of training until the validation loss first is at or below its target, "
        f"{100 * share:g} % of the way from the loss after the first epoch (median of runs) to the best of all runs "
        "on these events; median over runs, of which those that never were there count as infinitely late"
    ]
    untimed = [_name(row, axes) for row in rows if row.reached and math.isnan(row.reached["real_time"].median)]
    if untimed:
        notes.append(f"epochs were not timed one by one: {naming.some(list(dict.fromkeys(untimed)))}")
    without = [f"{_name(row, axes)} ({len(row.group.missing)})" for row in rows if row.group.missing]
    if without:
        notes.append(f"repetitions without a result are not counted: {naming.some(list(dict.fromkeys(without)))}")
    return notes


def tables(comparison: Differences) -> list[forms.Table]:
    """Each table that has lines: ROC areas, times, time to quality.

    Args:
        comparison: see :func:`compare`.
    """
    compared = [(row, row.areas) for row in comparison.rows if row.areas is not None]
    area_headings = [
        "series",
        *comparison.axes,
        "runs (reference)",
        "difference",
        "± training",
        "± test",
        "95 % interval",
        "verdict",
    ]
    both = [row for row in comparison.rows if row.times]
    timed = [column for column in _TIMES if any(row.times[column].pairs for row in both)]
    time_headings = ["series", *comparison.axes, "pairs"]
    for name in (_TIMES[column] for column in timed):
        time_headings += [f"{name} time ratio", "95 % interval", "verdict"]
    quality_headings = ["series", *comparison.axes, "target loss"]
    for name in _CLOCKS.values():
        quality_headings += [f"{name} time to quality", "68 % interval [s]"]
    tables = [
        forms.Table(
            area_headings,
            [[*_lead(row, comparison.axes), _runs(row), *area_cells(areas)] for row, areas in compared],
            f"ROC area less that of {comparison.reference}",
        ),
        forms.Table(
            time_headings,
            [[*_lead(row, comparison.axes), *_time_cells(row, timed)] for row in both if timed],
            f"Time to train: the series over {comparison.reference}",
        ),
        forms.Table(
            quality_headings,
            [[*_lead(row, comparison.axes), *_quality_cells(row)] for row in _by_themselves(comparison) if row.reached],
            f"Time to {100 * comparison.share:g} % of the way to the best validation loss",
        ),
    ]
    return [table for table in tables if table.rows]


def _by_themselves(comparison: Differences) -> list[Row]:
    """A row for each group, for what is not compared with the reference."""
    first: dict[int, Row] = {}
    for row in comparison.rows:
        twice = id(row.group) in first
        first[id(row.group)] = first[id(row.group)]._replace(reference=None) if twice else row
    return list(first.values())


def _lead(row: Row, axes: list[str]) -> list[str]:
    return [naming.series_name(row.group.row), *places(row, axes).values()]


def places(row: Row, axes: Iterable[str]) -> dict[str, str]:
    """Where a row stands on each axis, in words; "-" where neither its method nor its reference has the parameter."""
    words = {}
    for axis in axes:
        lacking = naming.lacks(row.group.row.method, axis)
        alone = row.reference is None or naming.lacks(row.reference.row.method, axis)
        value = row.place[axis] if lacking else facts(row.group).value(axis)
        words[axis] = "-" if lacking and alone else naming.label(value)
    return words


def _runs(row: Row) -> str:
    return f"{len(row.group.rows)} ({len(row.reference.rows) if row.reference else 0})"


def area_cells(areas: verdict.AreaComparison) -> list[str]:
    """Difference, both errors, interval and verdict in words, to two digits of the smaller error."""
    smallest = min((e for e in (areas.training_error, areas.test_error) if e > 0), default=math.nan)
    places = 5 if math.isnan(smallest) else min(max(4, 1 - math.floor(math.log10(smallest))), 9)
    return [
        f"{areas.difference:+.{places}f}",
        naming.number(areas.training_error, f".{places}f"),
        naming.number(areas.test_error, f".{places}f"),
        interval(areas.low, areas.high, f"+.{places}f"),
        areas.verdict,
    ]


def _time_cells(row: Row, columns: Iterable[str]) -> list[str]:
    times = [row.times[column] for column in columns]
    cells = [", ".join(dict.fromkeys(str(compared.pairs) for compared in times))]
    for compared in times:
        cells += ratio_cells(compared)
    return cells


def _quality_cells(row: Row) -> list[str]:
    cells = [f"{row.target:.5g}"]
    for reached in row.reached.values():
        cells += [str(reached), interval(reached.low, reached.high, ".3g")]
    return cells


def ratio_cells(compared: verdict.TimeComparison | verdict.Ratio) -> list[str]:
    """Ratio, interval and verdict in words."""
    ratio = naming.number(compared.ratio, ".3g")
    return [ratio, interval(compared.low, compared.high, ".3g"), compared.verdict]


def interval(low: float, high: float, form: str) -> str:
    """An interval in words, "-" where it is not known."""
    if math.isnan(low) or math.isnan(high):
        return "-"
    return f"{format(low, form)} to {format(high, form)}".replace("inf", "never")


def _line(row: Row, compared: Differences) -> dict[str, Any]:
    """One row in full; what there is not is left empty."""
    line: dict[str, Any] = {"series": naming.series_name(row.group.row)}
    line |= row.place
    line |= {"reference": compared.reference if row.reference else "", "runs": len(row.group.rows)}
    line["reference_runs"] = len(row.reference.rows) if row.reference else ""
    for prefix, fields, values in (
        ("roc_auc", verdict.AreaComparison._fields, row.areas),
        *((column, verdict.TimeComparison._fields, row.times.get(column)) for column in _TIMES),
        *((f"{clock}_to_quality", quality.TimeToQuality._fields, row.reached.get(clock)) for clock in _CLOCKS),
    ):
        line |= {f"{prefix}_{field}": getattr(values, field) if values else "" for field in fields}
    line["quality_target"] = row.target
    return line
