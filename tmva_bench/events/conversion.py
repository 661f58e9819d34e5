"""Users' own events, selected, weighted and split into the trees of the common input file, in bounded memory.

Events are read in chunks, cut, and their variables computed; what is taken lies as float32 in a file without a name
until it is known how many there are, and is then given out in the order of the split.

What was asked for stands in the file's metadata under ``selection``, one JSON object from which the same numbers can be
computed for other events and the file be made again:

* ``variables``, ``spectators``: lists of ``{"name", "expression"}``, in the order of the branches; ``pad``: what stands
  for an element that is not there, or null;
* ``cut``, ``weight``: an expression or null by class, ``signal`` and ``background``, of those for all and those of the
  class; ``scale``: an expression by process; ``normalise``: the factor of each class, or null;
* ``label``: the expression that holds for signal where a tree has both classes, or null;
* ``numbers``: by class the numbers of training and test events that were asked for, or null;
* ``split``: ``{"kind", "value"}``, of kind ``fraction``, ``number``, ``expression``, ``fold``, ``files`` or ``half``;
* ``sources``: by ``signal``, ``background``, ``test_signal``, ``test_background`` and process the texts ``FILE:TREE``;
  ``friends``: likewise the friends;
* ``counts``: by class and process ``{"read", "passed", "TrainS", ..., "negative", "sum_of_weights",
  "sum_of_squares"}``, where passed are
  those after the cuts, negative those of them with a negative weight.
"""

import contextlib
import math
from pathlib import Path
from typing import Any, BinaryIO, Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

import numpy

from tmva_bench.errors import UserError, short
from tmva_bench.events import carrying, expressions, inputs, output, sources
from tmva_bench.events import selection as selections
from tmva_bench.events.expressions import Expression
from tmva_bench.events.selection import Class, Selection, Variable
from tmva_bench.events.sources import Process, Table

# A chunk holds no more numbers of the variables, and no more events.
_NUMBERS, _MOST = 4_000_000, 200_000
# Rows that are put in order in memory [bytes].
_ORDERED = 96 * 2**20
# Rounding may move values by this share of their spread.
_ROUNDING = 1e-3
_WEIGHTS = ("weight", "scale")
# Of a spectator whose type does not hold a number.
_CURE = "write 1.0 * (it), which is carried as a double, or leave it out"
_OF_BITS = ("&", "|", "<<", ">>")
# Told of what goes on: events done, of how many.
Listener = Callable[[int, int], None]


class _Reader:
    """Reads the events of one class."""

    def __init__(self, selection: Selection, tables: sources.Tables, wanted: Class, dtype: numpy.dtype) -> None:
        self._selection, self._tables, self.wanted, self.dtype = selection, tables, wanted, dtype
        self.splits = selection.split.kind == "expression"
        self._step = max(1000, min(_MOST, _NUMBERS // max(1, len(selection.variables) + len(selection.spectators))))
        self._rounding: Dict[str, Rounding] = {}

    def conditions(self, part: sources.Part) -> List[Expression]:
        """What must hold for the events of a part."""
        shared = isinstance(part, sources.Source) and sources.identity(part) in self.wanted.shared
        return [*([self.wanted.condition] if shared and self.wanted.condition else []), *self.wanted.cuts]

    def weights(self, process: Process) -> List[Tuple[str, Expression]]:
        """The factors of the weight."""
        factors = [("weight", self.wanted.weight)] if self.wanted.weight else []
        scale = self._selection.scale.get(process.name)
        return [*factors, *([("scale", scale)] if scale else [])]

    def names(self, process: Process, part: sources.Part) -> List[str]:
        """All branches that are read."""
        wanted = [*self._wanted(part), *self.weights(process)]
        return list(dict.fromkeys(name for _, expression in wanted for name in expression.names))

    def _wanted(self, part: sources.Part) -> List[Tuple[str, Expression]]:
        """All that is computed but the weights, with what it is."""
        selection = self._selection
        wanted = [("cut", condition) for condition in self.conditions(part)]
        wanted += [("variable", variable.expression) for variable in selection.variables]
        wanted += [("spectator", variable.expression) for variable in selection.spectators]
        return [*wanted, ("split", selection.split.value)] if self.splits else wanted

    def check(self, table: Table, process: Process, part: sources.Part) -> None:
        """Refuses a part that lacks a branch."""
        weights = {name for _, factor in self.weights(process) for name in factor.names}
        for name in self.names(process, part):
            if table.has(name):
                continue
            if (
                name == sources.CLASS_BRANCH
                and self._selection.label is None
                and self.wanted.condition in self.conditions(part)
            ):
                raise UserError(
                    f"{table.text}: the tree of signal and of background, without a branch {name} that tells them "
                    "apart; give each class a tree of its own, or --label, what holds for signal"
                )
            error = table.unknown(name)
            if name in weights:
                other = "background" if self.wanted.kind.endswith("signal") else "signal"
                raise UserError(f"{error}; where the {other} alone has weights, name them with --{other}-weight")
            raise error
        if part is process.parts[0]:
            self._try(table, process, part)

    def _try(self, table: Table, process: Process, part: sources.Part) -> None:
        """Computes all of a few events: what can never be a number an event is told before much is read."""
        events = min(table.events, 10)
        for what, expression in [*self._wanted(part), *self.weights(process)]:
            # Whether bits can be taken of a remainder or of a sum depends on its values.
            by_value = any(node.kind in _OF_BITS for node in expressions.walk(expression.root))
            names = expression.names
            columns = table.columns(names, 0, events) if by_value else table.kinds(names, events)
            sums = {node.place: 1.0 for node in expressions.walk(expression.root)} if what in _WEIGHTS else {}
            self._value(table, what, expression, columns, events, sums)

    def sums(self, process: Process) -> Dict[Tuple[str, int], float]:
        """The sums over the events of a process that its weights ask for, by the place in their text."""
        calls = [
            (what, factor, node)
            for what, factor in self.weights(process)
            for node in expressions.walk(factor.root)
            if node.kind == "call" and node.value == "sum"
        ]
        sums: Dict[Tuple[str, int], float] = {}
        if not calls:
            return {}
        for part, friends in zip(process.parts, process.friends):
            argument_names = [name for _, f, node in calls for name in Expression(f.text, node.parts[0]).names]
            chosen = self.conditions(part)[:1] if self._is_shared(part) else []
            wanted = list(dict.fromkeys([*argument_names, *(name for condition in chosen for name in condition.names)]))
            with self._tables.table(self.wanted.kind, part, friends, wanted) as table:
                for start, stop in table.steps(wanted, self._step):
                    columns = table.columns(wanted, start, stop)
                    kept = self._passing(table, chosen, columns, start, stop - start)
                    for what, factor, node in calls:
                        value = expressions.evaluate(
                            what, Expression(factor.text, node.parts[0]), columns, stop - start, self._selection.pad
                        )
                        if isinstance(value.values, (numpy.ndarray, numpy.generic)):
                            flat = numpy.broadcast_to(value.values, stop - start)[kept]
                            key = what, node.place
                            sums[key] = sums.get(key, 0.0) + float(flat.sum(dtype=numpy.float64))
        return sums

    def _is_shared(self, part: sources.Part) -> bool:
        return isinstance(part, sources.Source) and sources.identity(part) in self.wanted.shared

    def _passing(
        self, table: Table, conditions: Sequence[Expression], columns: Mapping[str, Any], start: int, events: int
    ) -> numpy.ndarray:
        passing, entries = numpy.ones(events, bool), numpy.arange(start, start + events)
        for condition in conditions:
            # What a former one excludes, the next may ask for in vain: len(x) > 1, then x[1] > 30.
            passing &= self._truth(table, "cut", condition, columns, entries, passing)
        return passing

    def _truth(
        self,
        table: Table,
        what: str,
        condition: Expression,
        columns: Mapping[str, Any],
        entries: numpy.ndarray,
        among: Optional[numpy.ndarray] = None,
    ) -> numpy.ndarray:
        values = self._flat(table, what, condition, columns, entries, among=among)
        bad = numpy.isnan(values) if values.dtype.kind == "f" else numpy.zeros(len(entries), bool)
        bad = bad if among is None else bad & among
        if bad.any():
            text = _entries(bad, entries, "NaN")
            raise UserError(f"{_where(table, what, condition)}: {text}; remove such events or write it otherwise")
        return values.astype(bool)

    def _flat(
        self,
        table: Table,
        what: str,
        expression: Expression,
        columns: Mapping[str, Any],
        entries: numpy.ndarray,
        sums: Optional[Mapping[Any, float]] = None,
        among: Optional[numpy.ndarray] = None,
    ) -> numpy.ndarray:
        """One number an event; an element that is not there matters for those among which it is asked alone."""
        value = self._value(table, what, expression, columns, len(entries), sums)
        missing = value.missing if among is None or value.missing is None else value.missing & among
        if missing is not None and missing.any():
            raise _missing(table, what, expression, columns, numpy.flatnonzero(missing), entries)
        return numpy.broadcast_to(value.values, len(entries))

    def _value(
        self,
        table: Table,
        what: str,
        expression: Expression,
        columns: Mapping[str, Any],
        events: int,
        sums: Optional[Mapping[int, float]] = None,
    ) -> expressions.Value:
        """What an expression gives, which must be one number an event."""
        try:
            value = expressions.evaluate(what, expression, columns, events, self._selection.pad, sums)
        except expressions.ExpressionError as error:
            if _is_plain(expression):
                raise UserError(f"{_where(table, what, expression)}: {error.reason}") from None
            raise expressions.ExpressionError(f"{table.text}: {error}", error.text, error.place, error.reason) from None
        if not isinstance(value.values, (numpy.ndarray, numpy.generic)):
            raise UserError(
                f"{_where(table, what, expression)}: not one number an event (a list); name an element, [0], or take "
                "its sum, max, min or len"
            )
        return value

    def read(
        self, process: Process, advance: Callable[[int], None]
    ) -> Iterator[Tuple[numpy.ndarray, numpy.ndarray, Optional[numpy.ndarray]]]:
        """Rows, weights and marks of training, chunk by chunk."""
        sums = self.sums(process)
        for part, friends in zip(process.parts, process.friends):
            names = self.names(process, part)
            with self._tables.table(self.wanted.kind, part, friends, names) as table:
                for start, stop in table.steps(names, self._step):
                    yield self._chunk(table, process, part, start, stop, sums)
                    advance(stop - start)

    def _chunk(
        self, table: Table, process: Process, part: sources.Part, start: int, stop: int, sums: Mapping[Any, float]
    ) -> Tuple[numpy.ndarray, numpy.ndarray, Optional[numpy.ndarray]]:
        conditions = self.conditions(part)
        first = list(dict.fromkeys(name for condition in conditions for name in condition.names))
        columns = table.columns(first, start, stop)
        passing = self._passing(table, conditions, columns, start, stop - start)
        whole = passing.all()
        entries = numpy.arange(start, stop) if whole else start + numpy.flatnonzero(passing)
        columns = {name: values if whole else values[passing] for name, values in columns.items()}
        rest = [name for name in self.names(process, part) if name not in columns] if len(entries) else []
        for name in rest:
            (values,) = table.columns([name], start, stop).values()
            columns[name] = values if whole else values[passing]
        rows = numpy.zeros(len(entries), self.dtype)
        weights = numpy.ones(len(entries))
        training = None
        if self.splits:
            training = numpy.zeros(len(entries), bool)
        if len(entries):
            self._fill(table, rows, columns, entries)
            for what, factor in self.weights(process):
                chosen = {place: total for (kind, place), total in sums.items() if kind == what}
                weights = weights * self._flat(table, what, factor, columns, entries, chosen)
                _finite(_where(table, what, factor), weights, entries)
            if training is not None:
                split = self._selection.split.value
                training = self._truth(table, "split", split, columns, entries)
        return rows, weights, training

    def _fill(self, table: Table, rows: numpy.ndarray, columns: Mapping[str, Any], entries: numpy.ndarray) -> None:
        for number, variable in enumerate(self._selection.variables):
            values = self._flat(table, "variable", variable.expression, columns, entries)
            where = _where(table, "variable", variable.expression)
            rounding = self._rounding.setdefault(variable.name, Rounding())
            rows["events"][:, number] = rounding.single(where, values, entries)
        for variable in self._selection.spectators:
            values = self._flat(table, "spectator", variable.expression, columns, entries)
            where = _where(table, "spectator", variable.expression)
            rows[variable.name] = carrying.fitted(where, values, rows.dtype[variable.name].name, entries, _CURE)

    def close(self) -> None:
        """Refuses variables that float32 blurs to uselessness."""
        for rounding in self._rounding.values():
            rounding.check()


def _where(table: Table, what: str, expression: Expression) -> str:
    """What a message is about."""
    return f"{table.text}, {'branch' if _is_plain(expression) else what} {short(expression.text)}"


def _is_plain(expression: Expression) -> bool:
    """Whether it is a branch or an element of one."""
    root = expression.root
    return root.kind == "name" or (root.kind == "element" and root.parts[0].kind == "name")


def _missing(
    table: Table,
    what: str,
    expression: Expression,
    columns: Mapping[str, Any],
    absent: numpy.ndarray,
    entries: numpy.ndarray,
) -> UserError:
    """The error for events that lack an element."""
    where, first = _where(table, what, expression), int(entries[absent[0]])
    cure = "take events that have it, or another element, or give --pad, what stands for it"
    list_name = expressions.element_of(expression.root)
    if list_name:
        name, index = list_name
        held = len(columns[name][int(absent[0])])
        reason = f"entry {first} has no element {index}, it holds {held}"
    else:
        reason = f"entry {first} has no such element"
    more = f" ({len(absent)} such in entries {entries[0]} to {entries[-1]})" if len(absent) > 1 else ""
    return UserError(f"{where}: {reason}{more}; {cure}")


def _entries(bad: numpy.ndarray, entries: numpy.ndarray, what: str) -> str:
    """At which entries something is, for a message."""
    number = int(bad.sum())
    more = f" ({number} such in entries {entries[0]} to {entries[-1]})" if number > 1 else ""
    return f"{what} at entry {entries[numpy.argmax(bad)]}{more}"


def _finite(where: str, numbers: numpy.ndarray, entries: numpy.ndarray) -> numpy.ndarray:
    with numpy.errstate(over="ignore"):
        single = numbers.astype(numpy.float32, copy=False)
    finite = numpy.isfinite(single)
    if finite.all():
        return single
    bad = ~numpy.isfinite(numbers)
    if bad.any():
        text = _entries(bad, entries, "NaN or infinite")
        raise UserError(f"{where}: {text}; remove such events or give them a value")
    entry = int(numpy.argmin(finite))
    raise UserError(
        f"{where}: {numbers[entry]:g} at entry {entries[entry]} is beyond float32, in which TMVA and Keras take "
        "events; scale it, or give such events another value"
    )


class Rounding:
    """What float32 makes of a variable, over all its chunks; what it would blur to uselessness is refused."""

    def __init__(self) -> None:
        self._where, self._number, self._mean, self._squares = "", 0, 0.0, 0.0
        self._largest = self._moved = 0.0

    def single(self, where: str, numbers: numpy.ndarray, entries: numpy.ndarray) -> numpy.ndarray:
        """The values as float32.

        Raises:
            UserError: NaN, infinite, beyond float32, or a whole number that it makes another one of.
        """
        single = _finite(where, numbers, entries)
        if numbers.dtype.kind in "iub":
            moved = numpy.flatnonzero(single.astype(numpy.float64) != numbers.astype(numpy.float64))
            if len(moved):
                raise UserError(
                    f"{where}: beyond float32, which makes {single[moved[0]]:.0f} of {numbers[moved[0]]} at entry "
                    f"{entries[moved[0]]}; an event number or the like is no variable, leave it out"
                )
            return single
        self._where = self._where or where
        self._largest = max(self._largest, float(numpy.abs(numbers).max()))
        # The spread need not be exact.
        some = numbers[:: max(1, len(numbers) // 4096)].astype(numpy.float64)
        number, mean = len(some), float(some.mean())
        # The spread of what was seen and of the new chunk together.
        shift = mean - self._mean
        both = self._number + number
        self._squares += float(((some - mean) ** 2).sum()) + shift * shift * self._number * number / both
        self._mean += shift * number / both
        self._number = both
        if numbers.dtype == numpy.float32:  # nothing moves
            return single
        moved_by = float(numpy.abs(numbers - single).max())
        if moved_by > self._moved:
            self._moved, self._where = moved_by, where
        return single

    def check(self) -> None:
        """Refuses it.

        Raises:
            UserError: rounding moves values by more than a thousandth of their spread.
        """
        spread = math.sqrt(self._squares / self._number) if self._number else 0.0
        tiny = 0 < self._largest < numpy.finfo(numpy.float32).tiny
        if tiny or (spread > 0 and self._moved > _ROUNDING * spread):
            raise UserError(
                f"{self._where}: beyond float32, in which TMVA and Keras take events: rounding moves values by up to "
                f"{self._moved:.2g}, and their spread is {spread:.2g}; subtract an offset, or scale it"
            )


class Rows(NamedTuple):
    """The events that were taken of a class.

    Attributes:
        wanted: the class.
        file: the rows, one after another, in the order in which they were read.
        dtype: of a row.
        weights: of each, float64.
        training: which the split's expression takes for training; None without one.
        ends: by process the number of the first row of the next.
        read: by process the number of events that were read.
    """

    wanted: Class
    file: BinaryIO
    dtype: numpy.dtype
    weights: numpy.ndarray
    training: Optional[numpy.ndarray]
    ends: Dict[str, int]
    read: Dict[str, int]


def row_type(selection: Selection, probe: Table) -> numpy.dtype:
    """The type of a row of what is taken: the variables, the spectators and the place in the order."""
    spectators = [
        (variable.name, carrying.type_of(probe, variable.expression, selection.pad, may_lack=False))
        for variable in selection.spectators
    ]
    return numpy.dtype([("events", "<f4", (len(selection.variables),)), *spectators, (_PLACE, "<i8")])


@contextlib.contextmanager
def stream(
    selection: Selection,
    tables: sources.Tables,
    place: Union[str, Path],
    metadata: Mapping[str, Any],
    listener: Optional[Listener] = None,
) -> Iterator[inputs.Stream]:
    """Reads all events, and gives what the common input file is to hold.

    Args:
        selection: what to take.
        tables: opens what is read.
        place: the output; its folder has room for what is taken, twice.
        metadata: what else the file's metadata hold.
        listener: is told how many of the events are read.

    Raises:
        UserError: what cannot be read, or events that no method may be given; with file, branch and entries.
    """
    first = selection.classes["signal"].processes[0]
    with tables.table("signal", first.parts[0], first.friends[0]) as table:
        dtype = row_type(selection, table)
    total = _check_all(selection, tables, dtype)
    done = [0]

    def advance(events: int) -> None:
        done[0] += events
        if listener:
            listener(done[0], total)

    with contextlib.ExitStack() as stack:
        rows = {}
        for kind, wanted in selection.classes.items():
            file = stack.enter_context(output.unnamed(place))
            rows[kind] = _read_class(_Reader(selection, tables, wanted, dtype), file, advance)
        yield _arranged(selection, rows, Path(place), metadata)


def _check_all(selection: Selection, tables: sources.Tables, dtype: numpy.dtype) -> int:
    """Opens every file once, so that what is missing is told before anything is read; the number of all events."""
    total = 0
    for kind, wanted in selection.classes.items():
        reader = _Reader(selection, tables, wanted, dtype)
        for process in wanted.processes:
            for part, friends in zip(process.parts, process.friends):
                with tables.table(kind, part, friends) as table:
                    reader.check(table, process, part)
                    total += table.events
    return total


def _read_class(reader: _Reader, file: BinaryIO, advance: Callable[[int], None]) -> Rows:
    weights, training = [numpy.zeros(0)], [numpy.zeros(0, bool)]
    ends: Dict[str, int] = {}
    read: Dict[str, int] = {}
    number = 0

    def count(events: int) -> None:
        read[process.name] += events
        advance(events)

    for process in reader.wanted.processes:
        read[process.name] = 0
        for rows, chosen, marks in reader.read(process, count):
            file.write(numpy.ascontiguousarray(rows).data)
            weights.append(chosen)
            training.extend([] if marks is None else [marks])
            number += len(rows)
        ends[process.name] = number
    reader.close()
    marked = numpy.concatenate(training) if reader.splits else None
    return Rows(reader.wanted, file, reader.dtype, numpy.concatenate(weights), marked, ends, read)


def _arranged(
    selection: Selection, rows: Mapping[str, Rows], place: Path, metadata: Mapping[str, Any]
) -> inputs.Stream:
    """The rows in the order of the split."""
    orders: Dict[str, Tuple[str, numpy.ndarray]] = {}
    factors: Dict[str, float] = {}
    for index, (kind, letter) in enumerate((("signal", "S"), ("background", "B"))):
        train, test = _divided(selection, kind, rows[kind], index, f"test_{kind}" in rows)
        orders[f"Train{letter}"] = kind, train
        orders[f"Test{letter}"] = kind, test
        if f"test_{kind}" in rows:
            ready = rows[f"test_{kind}"]
            _some(ready)
            orders[f"Test{letter}"] = (
                f"test_{kind}",
                _generator(selection.seed, 10 + index).permutation(len(ready.weights)),
            )
        factors[letter] = _factor(selection, kind, [(rows[k], order) for k, order in _of(orders, letter)])

    def blocks(tree: str) -> Iterator[inputs.Block]:
        kind, order = orders[tree]
        scaled = (rows[kind].weights * factors[tree[-1]]).astype(numpy.float32)
        start = 0
        for block in _ordered(rows[kind], order, place):
            weights = scaled[order[start : start + len(block)]]
            start += len(block)
            columns = {variable.name: block[variable.name] for variable in selection.spectators}
            yield inputs.Block(block["events"], weights, columns)

    events = {tree: len(orders[tree][1]) for tree in inputs.TREES}
    counts = _counts(selection, rows, orders)
    parameters = {**metadata["parameters"], **{name: events[tree] for name, tree in _PARAMETERS.items()}}
    return inputs.Stream(
        variables=[variable.name for variable in selection.variables],
        metadata={
            **metadata,
            "parameters": parameters,
            "seed": selection.seed,
            "variables": [variable.name for variable in selection.variables],
            "original_names": {variable.name: variable.expression.text for variable in selection.variables},
            "selection": described(selection, factors, counts),
        },
        events=events,
        spectators={name: rows["signal"].dtype[name] for name in (v.name for v in selection.spectators)},
        blocks=blocks,
        sources=files(selection),
    )


_PARAMETERS = {
    "train_signal": "TrainS",
    "train_background": "TrainB",
    "test_signal": "TestS",
    "test_background": "TestB",
}


def _of(orders: Mapping[str, Tuple[str, numpy.ndarray]], letter: str) -> List[Tuple[str, numpy.ndarray]]:
    return [orders[f"{half}{letter}"] for half in ("Train", "Test")]


def _factor(selection: Selection, kind: str, parts: Sequence[Tuple[Rows, numpy.ndarray]]) -> float:
    """What the weights of a class are multiplied by: for a mean of 1, where they are normalised."""
    if not selection.normalise:
        return 1.0
    total = sum(float(rows.weights[order].sum()) for rows, order in parts)
    if not total > 0:
        raise UserError(
            f"{_text(parts[0][0].wanted)}: the sum of the weights of {kind} is {total:g}; it must be positive"
        )
    return sum(len(order) for _, order in parts) / total


def _text(wanted: Class) -> str:
    texts = [part.text for process in wanted.processes for part in process.parts]
    return " and ".join(texts) if len(texts) < 4 else f"{texts[0]}, {texts[1]} and {len(texts) - 2} more"


def _some(rows: Rows) -> None:
    """Refuses a class without events."""
    read = sum(rows.read.values())
    if not read:
        raise UserError(f"{_text(rows.wanted)}: 0 events; give trees with events of {rows.wanted.kind}")
    if not len(rows.weights):
        cuts = " && ".join(condition.text for condition in rows.wanted.cuts) or "the class"
        raise UserError(
            f"{_text(rows.wanted)}: none of the {read} events passes {short(cuts)}; loosen the cut of "
            f"{rows.wanted.kind}"
        )


def _divided(
    selection: Selection, kind: str, rows: Rows, index: int, ready: bool
) -> Tuple[numpy.ndarray, numpy.ndarray]:
    """The rows of training and of test, shuffled."""
    _some(rows)
    held, split = len(rows.weights), selection.split
    order = _generator(selection.seed, index).permutation(held)
    train, test = selection.limits[kind]
    if ready:
        return _limited(rows, kind, order, numpy.zeros(0, numpy.int64), train, test, ready)
    if split.kind in ("expression", "fold"):
        training = rows.training[order] if rows.training is not None else _out_of_fold(rows, order, *split.value)
        return _limited(rows, kind, order[training], order[~training], train, test, ready)
    if split.kind == "fraction":
        train = round(split.value * held)
    elif split.kind == "number":
        train = split.value
    if train is None:
        train = held // 2 if test is None else held - test
    if test is None:
        test = held - train
    if train < 1 or test < 1 or train + test > held:
        raise _too_many(rows, kind, train, test)
    if len(rows.ends) == 1:
        return order[:train], order[train : train + test]
    # Each process has its share of both.
    places = _ranks(rows, order)
    processes = numpy.searchsorted(list(rows.ends.values()), order, side="right")
    sizes = numpy.diff([0, *rows.ends.values()])
    trained = _shares(train, sizes)
    tested = trained + _shares(test, sizes - trained)
    return order[places < trained[processes]], order[(places >= trained[processes]) & (places < tested[processes])]


def _too_many(rows: Rows, kind: str, train: int, test: int) -> UserError:
    passing = " that pass the cuts" if rows.wanted.cuts else ""
    return UserError(
        f"train_{kind} = {train} and test_{kind} = {test}: {_text(rows.wanted)} holds {len(rows.weights)} "
        f"events{passing}; ask for at least 1 of each and no more than it holds"
    )


def _limited(
    rows: Rows,
    kind: str,
    training: numpy.ndarray,
    testing: numpy.ndarray,
    train: Optional[int],
    test: Optional[int],
    ready: bool,
) -> Tuple[numpy.ndarray, numpy.ndarray]:
    """The first of each, where numbers are given."""
    for half, order, number in (("train", training, train), ("test", testing, test)):
        if half == "test" and ready:
            continue
        if not len(order):
            raise UserError(
                f"{_text(rows.wanted)}: the split leaves none of the {len(rows.weights)} events of {kind} to {half}; "
                "correct it"
            )
        if number is not None and number > len(order):
            raise UserError(
                f"{half}_{kind} = {number}: the split leaves {len(order)} events of {_text(rows.wanted)}; ask for less"
            )
    return training[:train], testing[:test]


def _ranks(rows: Rows, order: numpy.ndarray) -> numpy.ndarray:
    """For each row in an order, how many of its process come before it."""
    ranks = numpy.zeros(len(order), numpy.int64)
    start = 0
    for end in rows.ends.values():
        chosen = (order >= start) & (order < end)
        ranks[chosen] = numpy.arange(end - start)
        start = end
    return ranks


def _shares(number: int, sizes: numpy.ndarray) -> numpy.ndarray:
    """How many of a number of events each process gives, by its size; the largest remainders get what is left."""
    if number == sizes.sum():
        return numpy.asarray(sizes)
    exact = number * sizes / max(sizes.sum(), 1)
    shares: numpy.ndarray = numpy.floor(exact).astype(numpy.int64)
    for process in numpy.argsort(shares - exact, kind="stable")[: number - shares.sum()]:
        shares[process] += 1
    return shares


def _out_of_fold(rows: Rows, order: numpy.ndarray, number: int, of: int) -> numpy.ndarray:
    """Which rows train: all but one part of each process."""
    processes = numpy.searchsorted(list(rows.ends.values()), order, side="right")
    sizes = numpy.diff([0, *rows.ends.values()])
    return numpy.asarray(_ranks(rows, order) * of // sizes[processes] != number - 1)


def _generator(seed: int, number: int) -> numpy.random.Generator:
    return numpy.random.Generator(numpy.random.PCG64([seed, number]))


def _ordered(rows: Rows, order: numpy.ndarray, place: Path) -> Iterator[numpy.ndarray]:
    """Rows of a file in an order, in blocks; with a second file where they do not fit in memory together."""
    held, size = len(rows.weights), max(1, _ORDERED // rows.dtype.itemsize)
    if held <= size:
        # Rows without fields are copied whole, ten times as fast.
        whole = _rows_at(rows.file, rows.dtype, 0, held).view(f"V{rows.dtype.itemsize}")
        for start in range(0, len(order), _MOST):
            yield whole.take(order[start : start + _MOST]).view(rows.dtype)
        return
    places = numpy.full(held, -1)
    places[order] = numpy.arange(len(order))
    with output.unnamed(place) as file:
        _spread(rows, places, size, file)
        for start in range(0, len(order), size):
            part = _rows_at(file, rows.dtype, start, min(size, len(order) - start))
            part = part[numpy.argsort(part[_PLACE])]
            for begin in range(0, len(part), _MOST):
                yield part[begin : begin + _MOST]


def _spread(rows: Rows, places: numpy.ndarray, size: int, file: BinaryIO) -> None:
    """Writes each row into the stretch of ``size`` rows that its place lies in, so that each can be ordered alone."""
    filled = numpy.zeros(len(places) // size + 2, numpy.int64)
    for start in range(0, len(places), size):
        part = _rows_at(rows.file, rows.dtype, start, min(size, len(places) - start))
        part[_PLACE] = places[start : start + len(part)]
        part = part[part[_PLACE] >= 0]
        part = part[numpy.argsort(part[_PLACE])]
        bounds = numpy.searchsorted(part[_PLACE], numpy.arange(len(filled) + 1) * size)
        for stretch in range(len(filled)):
            chosen = part[bounds[stretch] : bounds[stretch + 1]]
            file.seek((stretch * size + int(filled[stretch])) * rows.dtype.itemsize)
            file.write(chosen.data)
            filled[stretch] += len(chosen)


def _rows_at(file: BinaryIO, dtype: numpy.dtype, start: int, number: int) -> numpy.ndarray:
    rows = numpy.empty(number, dtype)
    file.seek(start * dtype.itemsize)
    file.readinto(rows.data.cast("B"))  # type: ignore[attr-defined]
    return rows


def _counts(
    selection: Selection, rows: Mapping[str, Rows], orders: Mapping[str, Tuple[str, numpy.ndarray]]
) -> Dict[str, Any]:
    """What was read and taken, by class and process."""
    counts: Dict[str, Any] = {}
    for kind, chosen in rows.items():
        start = 0
        for name, end in chosen.ends.items():
            weights = chosen.weights[start:end]
            taken = {
                tree: int(((order >= start) & (order < end)).sum()) for tree, (k, order) in orders.items() if k == kind
            }
            counts.setdefault(kind, {})[name] = {
                "read": chosen.read[name],
                "passed": end - start,
                **{tree: number for tree, number in taken.items() if number or not tree.startswith("Test")},
                "negative": int((weights < 0).sum()),
                "sum_of_weights": float(weights.sum()),
                "sum_of_squares": float((weights * weights).sum()),
            }
            start = end
    return counts


def described(selection: Selection, factors: Mapping[str, float], counts: Mapping[str, Any]) -> Dict[str, Any]:
    """What was asked for, as it stands in the metadata; see the top of this module."""

    def text(expression: Optional[Expression]) -> Optional[str]:
        return None if expression is None else expression.text

    def listed(variables: Sequence[Variable]) -> List[Dict[str, str]]:
        return [{"name": variable.name, "expression": variable.expression.text} for variable in variables]

    split = selection.split
    value = split.value.text if split.kind == "expression" else split.value
    classes = {kind: wanted for kind, wanted in selection.classes.items() if not kind.startswith("test_")}
    return {
        "variables": listed(selection.variables),
        "spectators": listed(selection.spectators),
        "pad": selection.pad,
        "cut": {
            kind: " && ".join(f"({cut.text})" for cut in wanted.cuts) or None
            if len(wanted.cuts) > 1
            else (text(wanted.cuts[0]) if wanted.cuts else None)
            for kind, wanted in classes.items()
        },
        "weight": {kind: text(wanted.weight) for kind, wanted in classes.items()},
        "scale": {name: expression.text for name, expression in selection.scale.items()},
        "normalise": {"signal": factors["S"], "background": factors["B"]} if selection.normalise else None,
        "label": text(selection.label),
        "numbers": {kind: list(numbers) for kind, numbers in selection.limits.items()},
        "split": {
            "kind": "files" if any(kind.startswith("test_") for kind in selection.classes) else split.kind,
            "value": list(value) if isinstance(value, tuple) else value,
        },
        "sources": {
            kind: {process.name: [part.text for part in process.parts] for process in wanted.processes}
            for kind, wanted in selection.classes.items()
        },
        "friends": {
            kind: {
                process.name: [[friend.text for friend in friends] for friends in process.friends]
                for process in wanted.processes
                if any(process.friends)
            }
            for kind, wanted in selection.classes.items()
        },
        "counts": counts,
    }


def fold(metadata: Mapping[str, Any]) -> int:
    """The fold that tests in a common input file, from 1; 0 where it is not split in folds.

    Args:
        metadata: of the file.
    """
    split = (metadata.get("selection") or {}).get("split")
    parts = split.get("value") if isinstance(split, dict) and split.get("kind") == "fold" else None
    # Files made by hand may say anything.
    known = isinstance(parts, list) and parts and isinstance(parts[0], int) and 0 < parts[0] <= selections.MOST_FOLDS
    return int(parts[0]) if parts and known else 0


def refuse_other(selection: Selection, path: Union[str, Path], sample: str) -> None:
    """Refuses an output that another recipe made, before the events are read.

    Args:
        selection: what to take.
        path: the output.
        sample: name of the sample.

    Raises:
        UserError: it is there and holds something else.
    """
    known = described(selection, {"S": 1.0, "B": 1.0}, {})
    # What follows from the events.
    for name in ("counts", "normalise"):
        known.pop(name)
    metadata = {"sample": sample, "seed": selection.seed, "variables": [one.name for one in selection.variables]}
    inputs.refuse_other(path, metadata, known)


def named(selection: Selection) -> str:
    """What the events of a selection are called in messages."""
    return ", ".join(_text(wanted) for wanted in selection.classes.values())


def files(selection: Selection) -> List[str]:
    """The files that are read."""
    return selections.files_of({kind: wanted.processes for kind, wanted in selection.classes.items()})


_PLACE = " place"
