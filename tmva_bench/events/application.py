"""What a trained network is given of other events: the variables of its input file, computed again in chunks.

Every event of every tree counts, in its order; cuts take none away, and what holds of them is told event by event.
"""

from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

import numpy

from tmva_bench.errors import UserError, short
from tmva_bench.events import carrying, expressions, inputs, selection, sources
from tmva_bench.events.expressions import Expression
from tmva_bench.events.selection import Variable
from tmva_bench.events.sources import Process, Table

SCORE = "score"
PASSES = "passes"
# A chunk holds no more numbers of the variables, and no more events.
_NUMBERS, _MOST = 4_000_000, 200_000

# Of a spectator whose type does not hold a number: it is computed as the run has it.
_CURE = "leave the branches that it is made of out of these trees, and it is left out"


class Recipe(NamedTuple):
    """How the events of an input file were computed of their trees.

    Attributes:
        variables: what the network is given, in its order.
        spectators: what is carried along.
        cuts: conditions by the branch that tells of them.
        pad: what stands for an element that is not there.
    """

    variables: Tuple[Variable, ...]
    spectators: Tuple[Variable, ...]
    cuts: Dict[str, Expression]
    pad: Optional[float]


class Chunk(NamedTuple):
    """Some events.

    Attributes:
        events: float32, shape (events, variables); NaN where a variable is none.
        columns: what is carried along and what tells of the cuts, by branch.
    """

    events: numpy.ndarray
    columns: Dict[str, numpy.ndarray]


def recipe(metadata: Mapping[str, Any]) -> Recipe:
    """How the events of an input file were computed; of one that was not made of trees, branches by name.

    Args:
        metadata: those of the input file.

    Raises:
        UserError: an expression that cannot be read.
    """
    told = metadata.get("selection")
    if not isinstance(told, dict) or "encoded" in metadata or "decoded" in metadata:
        return by_name(metadata["variables"], ())
    try:
        cuts = {kind: text for kind, text in told["cut"].items() if text}
        listed = {
            what: [(one["name"], one["expression"]) for one in told[what]] for what in ("variables", "spectators")
        }
        pad = told["pad"]
    except (KeyError, TypeError, AttributeError):
        raise UserError("the input file's 'selection' is not what tmva-bench writes; make the file again") from None
    names = {text for kind in listed.values() for _, text in kind}
    both = len(set(cuts.values())) == 1 and len(cuts) == len(selection.CLASSES)
    named = {PASSES: next(iter(cuts.values()))} if both else {f"{PASSES}_{kind}": text for kind, text in cuts.items()}
    variables, spectators = (
        tuple(Variable(name, _parsed(what, text, metadata, names)) for name, text in listed[what])
        for what in ("variables", "spectators")
    )
    parsed = {branch: expressions.parse("cut", text) for branch, text in named.items()}
    return Recipe(variables, _free(spectators, parsed), parsed, pad)


def _parsed(what: str, text: str, metadata: Mapping[str, Any], names: Any) -> Expression:
    """An expression of the metadata; a branch whose name reads as none stands there as it is."""
    try:
        return expressions.parse(what, text)
    except UserError:
        return expressions.branch(text)


def by_name(variables: Sequence[str], spectators: Sequence[str]) -> Recipe:
    """Variables and spectators that are branches of their own names."""
    listed = [tuple(Variable(name, expressions.branch(name)) for name in names) for names in (variables, spectators)]
    return Recipe(listed[0], _free(listed[1], {}), {}, None)


def _free(spectators: Sequence[Variable], cuts: Mapping[str, Any]) -> Tuple[Variable, ...]:
    """Those whose branch is not taken by a score or a cut."""
    return tuple(variable for variable in spectators if variable.name not in (SCORE, *cuts))


class Trees:
    """Trees that a network is applied to.

    Attributes:
        events: how many there are.
        types: of the branches that are carried along, by name.
        notes: what is to be known beside.
        files: those that are read.
    """

    def __init__(self, metadata: Mapping[str, Any], texts: Sequence[str], friends: Sequence[str] = ()) -> None:
        """Opens each tree once, and looks for what is needed.

        Args:
            metadata: those of the input file that the network was trained on.
            texts: ``FILES:TREE``.
            friends: trees with more branches, as many files each.

        Raises:
            UserError: a file, tree or branch that is missing.
        """
        (process,) = sources.processes("events", [f"events={text}" for text in texts])
        self._process = sources.with_friends("events", process, friends)
        self.files = selection.files_of({"events": [self._process]})
        self._recipe = recipe(metadata)
        self.notes: List[str] = []
        self.events = 0
        names = metadata["variables"]
        if self._are_inputs(metadata):
            carried = metadata.get("spectators") or []
            self._recipe = by_name(names, carried)
            if carried:
                self._process = _with_spectators(self._process)
        for part, beside in zip(self._process.parts, self._process.friends):
            with sources.table("events", part, beside) as table:
                self._check(table, names)
                self.events += table.events
        self.types = self._types()

    def _are_inputs(self, metadata: Mapping[str, Any]) -> bool:
        """Whether these are trees of common input files of the same variables, in which all is computed."""
        for part in self._process.parts:
            if not isinstance(part, sources.Source) or part.tree.split(";")[0] not in inputs.TREES:
                return False
            try:
                told = inputs.read_metadata(part.file)
            except UserError:
                return False
            if told.get("variables") != metadata["variables"]:
                return False
        return True

    def _check(self, table: Table, names: Sequence[str]) -> None:
        missing = [name for variable in self._recipe.variables for name in variable.expression.names]
        missing = [name for name in missing if not table.has(name)]
        if missing and self.events == 0 and all(table.has(name) for name in names):
            self.notes.append(f"{table.text} has the variables themselves, by name; no expression is computed")
            self._recipe = by_name(names, ())
        elif missing:
            raise table.unknown(missing[0])
        for what, kept in (("spectator", self._recipe.spectators), ("cut", self._recipe.cuts.items())):
            for name, expression in list(kept):
                lacks = [one for one in expression.names if not table.has(one)]
                if lacks:
                    self.notes.append(f"{table.text} has no branch {short(lacks[0])}; the {what} {name} is left out")
                    self._leave_out(name)

    def _leave_out(self, name: str) -> None:
        spectators = tuple(variable for variable in self._recipe.spectators if variable.name != name)
        cuts = {branch: cut for branch, cut in self._recipe.cuts.items() if branch != name}
        self._recipe = self._recipe._replace(spectators=spectators, cuts=cuts)

    def _types(self) -> Dict[str, str]:
        types = dict.fromkeys(self._recipe.cuts, "int32")
        kinds: Dict[str, Set[str]] = {variable.name: set() for variable in self._recipe.spectators}
        for part, beside in zip(self._process.parts, self._process.friends):
            with sources.table("events", part, beside) as table:
                for variable in self._recipe.spectators if table.events else ():
                    kind = carrying.type_of(table, variable.expression, self._recipe.pad, may_lack=True)
                    kinds[variable.name].add(kind)
        return {**types, **{name: carrying.common(of_trees) for name, of_trees in kinds.items()}}

    def chunks(self) -> Iterator[Chunk]:
        """The events, in the order of the trees.

        Raises:
            UserError: a branch that cannot be read, or is not one number an event.
        """
        step = max(1000, min(_MOST, _NUMBERS // max(1, len(self._recipe.variables))))
        wanted = [variable.expression for variable in (*self._recipe.variables, *self._recipe.spectators)]
        wanted += self._recipe.cuts.values()
        names = list(dict.fromkeys(name for expression in wanted for name in expression.names))
        for part, friends in zip(self._process.parts, self._process.friends):
            with sources.table("events", part, friends) as table:
                for start, stop in table.steps(names, step):
                    yield self._chunk(table, table.columns(names, start, stop), start, stop - start)

    def _chunk(self, table: Table, columns: Mapping[str, Any], start: int, events: int) -> Chunk:
        values = numpy.empty((events, len(self._recipe.variables)), numpy.float32)
        for number, variable in enumerate(self._recipe.variables):
            with numpy.errstate(over="ignore"):
                values[:, number] = self._number(table, "variable", variable.expression, columns, events)
        carried: Dict[str, numpy.ndarray] = {}
        for variable in self._recipe.spectators:
            numbers = self._number(table, "spectator", variable.expression, columns, events)
            where = f"{table.text}, spectator {short(variable.expression.text)}"
            carried[variable.name] = carrying.fitted(
                where, numbers, self.types[variable.name], start + numpy.arange(events), _CURE
            )
        for branch, cut in self._recipe.cuts.items():
            numbers = self._number(table, "cut", cut, columns, events)
            carried[branch] = (numpy.nan_to_num(numbers) != 0).astype(numpy.int32)
        return Chunk(values, carried)

    def _number(
        self, table: Table, what: str, expression: Expression, columns: Mapping[str, Any], events: int
    ) -> numpy.ndarray:
        """A number an event, NaN where an element is not there."""
        values, missing = self._value(table, what, expression, columns, events)
        if missing is None or not missing.any():
            return values
        return numpy.where(missing, numpy.nan, values)

    def _value(
        self, table: Table, what: str, expression: Expression, columns: Mapping[str, Any], events: int
    ) -> Tuple[numpy.ndarray, Optional[numpy.ndarray]]:
        try:
            value = expressions.evaluate(what, expression, columns, events, self._recipe.pad)
        except expressions.ExpressionError as error:
            raise UserError(f"{table.text}: {error}") from None
        if not isinstance(value.values, (numpy.ndarray, numpy.generic)):
            raise UserError(f"{table.text}, {what} {short(expression.text)}: not one number an event (a list)")
        return numpy.broadcast_to(value.values, events), value.missing


def _with_spectators(process: Process) -> Process:
    """Trees of a common input file with those of their spectators."""
    friends = [
        sources.Source(part.file, inputs.SPECTATOR_TREES[part.tree.split(";")[0]], part.text)
        for part in process.parts
        if isinstance(part, sources.Source)
    ]
    return process._replace(friends=tuple((*known, one) for known, one in zip(process.friends, friends)))
