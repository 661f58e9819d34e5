"""Which runs a figure shows, as which series, and what is said of them."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tmva_bench.basis.config import PARAMETERS
from tmva_bench.results import naming, summary
from tmva_bench.results.figures.marks import Mark, NotDrawn
from tmva_bench.results.rows import RunRow

Row = Mapping[str, Any]


class Condition(NamedTuple):
    """A column that makes runs comparable: named under a figure where all runs agree, in the label where they do not.

    Attributes:
        column: of the tree ``benchmark``.
        name: in words.
        parameter: whether it is one of the training, and may be an axis of a scan.
        usual: a default that needs no mention.
        of_keras: whether Keras alone has it.
    """

    column: str
    name: str
    parameter: bool = True
    usual: str = ""
    of_keras: bool = False


CONDITIONS = (
    Condition("sample", "sample", parameter=False),
    Condition("variables", "variables", parameter=False),
    Condition("fold", "fold", usual="0"),
    Condition("train_signal", "training signal"),
    Condition("train_background", "training background"),
    Condition("test_signal", "test signal"),
    Condition("test_background", "test background"),
    Condition("neurons", "neurons"),
    Condition("layers", "layers"),
    Condition("activation", "activation"),
    Condition("last_activation", "output"),
    Condition("initializer", "initializer"),
    Condition("loss", "loss"),
    Condition("learning_rate", "learning rate"),
    Condition("momentum", "momentum"),
    Condition("batch_size", "batch"),
    Condition("max_epochs", "epochs at most"),
    Condition("convergence_steps", "convergence steps"),
    Condition("validation_fraction", "validation fraction"),
    Condition("split_seed", "split seed", usual="100"),
    Condition("dropout", "dropout"),
    Condition("regularization", "regularization"),
    Condition("weight_decay", "weight decay"),
    Condition("encoded_variables", "encoded variables"),
    Condition("transformations", "transformations"),
    Condition("norm_mode", "norm mode", usual="equal_num_events"),
    Condition("factory_string", "Factory"),
    Condition("start", "start", usual="tmva", of_keras=True),
    Condition("dropout_rule", "dropout rule", usual="keras", of_keras=True),
    Condition("threads", "threads", parameter=False),
    Condition("environment", "environment", parameter=False),
)
# What a caption for a talk has.
_BRIEF = ("sample", "neurons", "layers")
# Too long for a caption.
_LONG = "factory_string"
_AXES = {name for name, parameter in PARAMETERS.items() if parameter.type is not str} | {"encoded_variables", "fold"}


class Run(NamedTuple):
    """A run of a figure.

    Attributes:
        row: of the tree ``benchmark``, with the columns of :data:`tmva_bench.results.schema.DERIVED`.
        values: of the conditions, in words, by column.
        base: label of its series, which conditions may divide.
    """

    row: Row
    values: dict[str, str]
    base: str

    @property
    def finished(self) -> bool:
        """Whether it has a result."""
        return bool(self.row["status"] == "ok")

    def lacks(self, name: str) -> bool:
        """Whether its method does not have a parameter."""
        return naming.lacks(self.row["method"], name)

    def number(self, name: str) -> float:
        """A number of its row, NaN where it was not measured."""
        value = self.row[name]
        return math.nan if value is None else float(value)


class Series(NamedTuple):
    """Runs that no condition tells apart.

    Attributes:
        name: of the series in tables.
        label: in figures, with the conditions that divide it.
        status: ``ok`` where one of its runs finished, else how they ended.
        colour: from 0.
        place: among all of the file, from 0.
        runs: the finished ones, by repetition.
    """

    name: str
    label: str
    status: str
    colour: int
    place: int
    runs: list[Run]

    def mark(self, kind: str, **more: Any) -> Mark:
        """A mark of this series."""
        return Mark(kind, series=self.name, label=self.label, colour=self.colour, **more)


class Chosen(NamedTuple):
    """The runs of one sample that a figure may show.

    Attributes:
        runs: in the order of their series.
        selection: what chose them, in words, "" for all.
        taken: number of places that series of the file have.
        clocks: what the times of all runs of the file hold, in words.
    """

    runs: list[Run]
    selection: str
    taken: int
    clocks: str


class Divided(NamedTuple):
    """The runs of a figure by series.

    Attributes:
        series: all, the finished ones first.
        shared: what all finished runs share, in words.
        brief: as much of it as a talk needs.
    """

    series: list[Series]
    shared: str
    brief: str

    @property
    def finished(self) -> list[Series]:
        """Those with a result."""
        return [one for one in self.series if one.status == "ok"]

    @property
    def runs(self) -> list[Run]:
        """All finished runs, by series and repetition."""
        return [run for one in self.finished for run in one.runs]


def choose(rows: Sequence[Row], selected: Iterable[Row], selection: str) -> Chosen:
    """The selected runs of one sample, see :class:`Chosen`.

    Args:
        rows: all of the file.
        selected: those of the sample that the selection leaves.
        selection: a formula, "" for none.

    Raises:
        NotDrawn: none of them finished.
    """
    kept = list(selected)
    check(kept, selection)
    chains = _shortened([row["transformations"] for row in kept])
    runs = []
    for row, chain in zip(kept, chains, strict=True):
        values = {one.column: _text(row[one.column]) for one in CONDITIONS} | {"transformations": chain}
        runs.append(Run(row, values, row["label"]))
    runs.sort(key=_order)
    taken = max(row["series_order"] for row in rows) + 1
    clocks = "; ".join(naming.clocks(map(_typed, rows)))
    return Chosen(runs, f"only {selection}" if selection else "", taken, clocks)


def _typed(row: Row) -> RunRow:
    """What :func:`tmva_bench.results.naming.clocks` reads of a run."""
    return RunRow(**{name: row[name] for name in naming.CLOCKS})


def check(selected: Sequence[Row], selection: str) -> None:
    """Refuses rows of which none finished.

    Raises:
        NotDrawn: that is so.
    """
    if not any(row["status"] == "ok" for row in selected):
        of = f"with {selection}" if selection else "of the benchmark tree"
        raise NotDrawn(f"no finished run among the {len(selected)} {of}")


def scanned(runs: Sequence[Run]) -> list[Condition]:
    """The parameters with several numbers within a series."""
    conditions = []
    follows = naming.of_folds(run.row for run in runs)
    for condition in CONDITIONS:
        if not condition.parameter or condition.column not in _AXES or condition.column in follows:
            continue
        within: dict[tuple[str, ...], set[str]] = {}
        for run in runs:
            series = (run.base, run.values["environment"], run.values["sample"])
            within.setdefault(series, set()).add(run.values[condition.column])
        if any(len(values) > 1 for values in within.values()):
            conditions.append(condition)
    return conditions


def spanned(runs: Iterable[Run], column: str) -> str:
    """The values of a parameter, e.g. ``5 to 250``; one value alone; "none" where no method has it."""
    ends = sorted((run for run in runs if not run.lacks(column)), key=lambda run: run.number(column))
    if not ends:
        return "none"
    low, high = ends[0].values[column], ends[-1].values[column]
    return low if low == high else f"{low} to {high}"


def last_point(chosen: Chosen) -> tuple[Chosen, list[Series]]:
    """Of a scan one point: the largest value of each scanned parameter, among the finished runs.

    Returns:
        The runs there, and the series without any.
    """
    runs, scan = chosen.runs, []
    for condition in scanned(runs):
        numbers = [run.number(condition.column) for run in runs if run.finished and not run.lacks(condition.column)]
        last = max((number for number in numbers if math.isfinite(number)), default=math.inf)
        if math.isinf(last):  # not told
            continue
        scan.append(f"{condition.name} {spanned(runs, condition.column)}")
        runs = [run for run in runs if run.lacks(condition.column) or run.number(condition.column) == last]
    words = [chosen.selection, f"last finished point of the scan ({'; '.join(scan)})" if scan else ""]
    there = {run.base for run in runs}
    lost: dict[str, list[Run]] = {}
    for run in chosen.runs:
        if run.base not in there:
            lost.setdefault(run.base, []).append(run)
    absent = []
    for base, some in lost.items():
        status = _statuses(some)
        told = "no run at this point" if status == "ok" else status
        absent.append(Series(some[0].row["series"], base, told, 0, some[0].row["series_order"], []))
    return chosen._replace(runs=runs, selection=", ".join(filter(None, words))), absent


def at_one_point(chosen: Chosen) -> tuple[Chosen, list[Series]]:
    """What a figure without an axis for a scanned parameter shows: the selected runs, else those at the last point."""
    return (chosen, []) if chosen.selection else last_point(chosen)


def divide(chosen: Chosen, axis: str = "") -> Divided:
    """The runs by series: those that differ in a condition are of different ones, so that they are never averaged.

    A parameter that is the axis tells none apart, nor one that has one value at each point of the axis.

    Args:
        chosen: the runs.
        axis: column of the axis of a scan, "" for none.
    """
    labels = [run.base for run in chosen.runs]
    shared, brief, moving = [], [], ""
    for condition in CONDITIONS:
        if condition.column == axis:
            continue
        differing, moves = _differing(chosen.runs, condition, axis)
        for number, run in enumerate(chosen.runs):
            if run.base in differing:
                labels[number] += f", {condition.name} {run.values[condition.column]}"
        moving += f", {condition.name} moves with {axis}" if moves else ""
        said = _said(condition, chosen.runs)
        shared += said
        brief += said if condition.usual or condition.column in _BRIEF else []
    end = moving + (f", {chosen.selection}" if chosen.selection else "")
    whole, short = (f"{', '.join(words)}{end}".removeprefix(", ") for words in (shared, brief))
    return Divided(_series(chosen, labels), whole, short)


def captions(divided: Divided, absent: Sequence[Series] = (), times: str = "") -> list[Mark]:
    """What stands under a figure, whole and for a talk."""
    end = times + _not_drawn([*divided.series, *absent])
    return [Mark("caption", text=divided.brief + end), Mark("whole_caption", text=divided.shared + end)]


def clocks(chosen: Chosen) -> str:
    """What a figure of times says of them: how many were disturbed, and what they hold."""
    finished = [run for run in chosen.runs if run.finished]
    disturbed = sum(bool(run.row["busy"]) for run in finished)
    busy = f", {disturbed} of {len(finished)} runs timed on a busy machine" if disturbed else ""
    return busy + (f", {chosen.clocks}" if chosen.clocks else "")


def mean(values: Iterable[float], single: float = math.nan) -> dict[str, float]:
    """The mean with its 68 % band, as the columns of a mark; a value that stands alone has the error ``single``."""
    of_runs = summary.mean(values)
    error = single if of_runs.runs == 1 else of_runs.error
    return {"y": of_runs.value, "low": of_runs.value - error, "high": of_runs.value + error}


def best_possible(runs: Sequence[Run]) -> float:
    """The best possible area, NaN where the runs do not share one."""
    areas = {run.number("roc_auc_best_possible") for run in runs}
    return areas.pop() if len(areas) == 1 else math.nan


def _text(value: Any) -> str:
    return value if isinstance(value, str) else f"{math.nan if value is None else value:.12g}"


def _order(run: Run) -> tuple[Any, ...]:
    numbers = (0.0 if isinstance(run.row[one.column], str) else run.number(one.column) for one in CONDITIONS)
    return run.row["series_order"], *zip(numbers, run.values.values(), strict=True)


def _shortened(chains: list[str]) -> list[str]:
    """``N,A(k=3:Layout=...)_Background`` as ``N,A(k)_Background``.

    k is a condition of its own, and the options go where they are the same in all runs.
    """
    start = "A(k="
    options = {_options(chain, start) for chain in chains if start in chain}
    shown = []
    for chain in chains:
        if start in chain:
            kept = _options(chain, start) if len(options) > 1 else ""
            chain = f"{chain.partition(start)[0]}A(k{kept}){chain.rpartition(')')[2]}"
        shown.append(chain)
    return shown


def _options(chain: str, start: str) -> str:
    inside = chain.partition(start)[2].rpartition(")")[0]
    return f":{inside.partition(':')[2]}" if ":" in inside else ""


def _statuses(runs: Iterable[Run]) -> str:
    known = {run.row["status"] for run in runs}
    return "ok" if "ok" in known else ", ".join(sorted(known))


def _differing(runs: Sequence[Run], condition: Condition, axis: str) -> tuple[set[str], bool]:
    """The series that a condition divides, and whether it has several values in another, moving with the axis."""
    of_base: dict[str, set[str]] = {}
    at_point: dict[tuple[str, str], set[str]] = {}
    for run in runs:
        at = run.values[axis] if axis and condition.parameter else ""
        value = run.values[condition.column]
        of_base.setdefault(run.base, set()).add(value)
        at_point.setdefault((run.base, at), set()).add(value)
    differing = {base for (base, _), values in at_point.items() if len(values) > 1}
    return differing, any(len(values) > 1 for base, values in of_base.items() if base not in differing)


def _said(condition: Condition, runs: Sequence[Run]) -> list[str]:
    """What a caption says of a condition, which means something to some of the runs."""
    there = [run for run in runs if run.finished and not run.lacks(condition.column)]
    values = sorted({run.values[condition.column] for run in there})
    if condition.usual:
        only = " (Keras only)" if condition.of_keras else ""
        return [f"{condition.name} {value}{only}" for value in values if value != condition.usual]
    if len(values) != 1 or values[0] in ("", "0", "none") or condition.column == _LONG:
        return []
    return [f"{condition.name} {values[0]}"]


def _series(chosen: Chosen, labels: list[str]) -> list[Series]:
    """The series by label, the finished ones first."""
    together: dict[str, list[Run]] = {}
    for label, run in zip(labels, chosen.runs, strict=True):
        together.setdefault(label, []).append(run)
    order = sorted(together, key=lambda label: _statuses(together[label]) != "ok")
    places = [together[label][0].row["series_order"] for label in order]
    colours = naming.colours(places, chosen.taken)
    series = []
    for label, place, colour in zip(order, places, colours, strict=True):
        some = together[label]
        finished = sorted((run for run in some if run.finished), key=lambda run: run.row["repetition"])
        series.append(Series(some[0].row["series"], label, _statuses(some), colour, place, finished))
    return series


def _not_drawn(series: Iterable[Series]) -> str:
    """A line on the series that are not drawn, by what became of them; "" where all are."""
    kinds = naming.gathered((one.status, one.label) for one in series if one.status != "ok")
    texts = [f"{'; '.join(labels)} ({kind})" for kind, labels in kinds.items()]
    return f"\nnot drawn: {'; '.join(texts)}" if texts else ""
