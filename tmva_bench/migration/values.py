"""What the expressions of a macro are worth, as far as its text tells: nothing of it is executed.

A text knows which part of it stands on which line, and has a *hole*, a character of Unicode's private use, for each
part that could not be told.
"""

import bisect
import dataclasses
import math
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from tmva_bench.migration.booking import Place

_FIRST_HOLE = 0xF0000
_MOST_HOLES = 60_000
# The longest text and list that are followed.
LONGEST = 20_000
_MOST_PARTS = 1000
_HOLE = re.compile(f"[{chr(_FIRST_HOLE)}-\U0010ffff]")
_MOST_CASES = 8
_FORMAT = re.compile(r"%(?:%|(?:\((\w+)\))?([-+ #0]*\d{0,3}(?:\.\d{0,3})?)(?:hh|h|ll|l|L|z|j)?([diuoxXeEfFgGscr]))")


class Text(str):
    """A text, and where its parts stand.

    Attributes:
        starts: offsets at which another place begins, rising, the first 0.
        places: the place from each of them on.
        is_cut: whether it is a ``TCut``, whose ``+`` is a logical and.
    """

    starts: tuple[int, ...]
    places: tuple[Place, ...]
    is_cut: bool

    def __new__(cls, text: str, starts: Sequence[int], places: Sequence[Place], is_cut: bool = False) -> "Text":
        """A text of at least one part."""
        self = super().__new__(cls, text)
        self.starts, self.places, self.is_cut = tuple(starts), tuple(places), is_cut
        return self

    def place(self, offset: int = 0) -> Place:
        """Where the character at an offset stands."""
        return self.places[max(bisect.bisect_right(self.starts, offset) - 1, 0)]

    def part(self, start: int, end: int) -> "Text":
        """The text from one offset to another."""
        inside = [(s - start, place) for s, place in zip(self.starts, self.places, strict=True) if start < s < end]
        starts, places = [0, *(s for s, _ in inside)], [self.place(start), *(place for _, place in inside)]
        return Text(str(self)[start:end], starts, places)


@dataclasses.dataclass(frozen=True)
class Unknown:
    """What could not be told.

    Attributes:
        place: the expression.
    """

    place: Place


@dataclasses.dataclass(frozen=True)
class Enumerator:
    """A value of ``TMVA::Types``, e.g. ``kDL``."""

    name: str


@dataclasses.dataclass(eq=False)
class Thing:
    """An object of ROOT, TMVA or Keras.

    Attributes:
        kind: its class.
        place: where it is made.
        of: what is known of it, by name.
    """

    kind: str
    place: Place
    of: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Choice:
    """One of several values, by conditions that could not be told.

    Attributes:
        cases: each with the sides that it takes, by the place of the condition.
    """

    cases: tuple[tuple[tuple[tuple[Place, bool], ...], Any], ...]


Value = Any
Sides = tuple[tuple[Place, bool], ...]


# What a call gives that nobody knows.
NOTHING = object()


class Called:
    """A call with its arguments.

    Attributes:
        name: of the function or method, or the class of an object that is made.
        owner: the last name before it, "" without one.
        receiver: value of what stands before it.
        arguments: values.
        keywords: values by name.
        places: where each of them stands.
        place: where it stands.
        doubts: conditions that could not be told, under which it is called.
        off: the condition that does not hold, where it is not called at all; else None.
    """

    def __init__(
        self,
        name: str,
        owner: str,
        receiver: Value,
        arguments: Sequence[Value],
        keywords: dict[str, Value],
        places: dict[str, Place],
        place: Place,
        doubts: tuple[Place, ...],
        off: Place | None,
    ) -> None:
        self.name, self.owner, self.receiver = name, owner, receiver
        self.arguments, self.keywords, self.places = list(arguments), keywords, places
        self.place, self.doubts, self.off = place, doubts, off


class Meaning(Protocol):
    """What calls mean that are more than texts and numbers."""

    def call(self, call: "Called") -> Value:
        """The value of a call, or :data:`NOTHING`."""

    def member(self, thing: Thing, name: str, place: Place) -> Value:
        """The value of ``thing.name``, or :data:`NOTHING`."""


class Follower(Protocol):
    """What follows a program, as far as texts and numbers are concerned.

    Attributes:
        is_script: whether it is Python.
    """

    is_script: bool

    def text(self, value: Value, place: Place) -> Text:
        """Any value as a text; a hole where it cannot be told."""

    def truth(self, value: Value) -> bool | None:
        """Whether it counts as true; None where that cannot be told."""


class Holes:
    """The parts of texts that could not be told."""

    def __init__(self) -> None:
        self._places: list[Place] = []

    def text(self, place: Place) -> Text:
        """A text that is one hole."""
        if place in self._places:
            number = self._places.index(place)
        else:
            number = min(len(self._places), _MOST_HOLES)
            self._places = [*self._places[:_MOST_HOLES], place]
        return Text(chr(_FIRST_HOLE + number), (0,), (place,))

    def within(self, text: str) -> list[Place]:
        """The expressions behind the holes of a text."""
        return [self._places[ord(letter) - _FIRST_HOLE] for letter in _HOLE.findall(text)]

    def shown(self, text: str) -> str:
        """A text with its holes spelled out, ``{expression}``."""
        return _HOLE.sub(lambda hole: f"{{{self.within(hole[0])[0].text[:60]}}}", text)


def has_hole(text: str) -> bool:
    """Whether a text has parts that could not be told."""
    return _HOLE.search(text) is not None


def without_holes(text: str) -> str:
    """A source's text without the characters that stand for holes here."""
    return _HOLE.sub("?", text)


def joined(parts: Iterable[Text], place: Place, *, is_cut: bool = False) -> Text:
    """Texts one after the other; of too many characters the rest is left out."""
    text = ""
    starts: list[int] = []
    places: list[Place] = []
    for part in parts:
        if part and len(starts) < _MOST_PARTS:
            starts += [len(text) + start for start in part.starts]
            places += part.places
        text += part
        if len(text) > LONGEST:
            break
    return Text(text[:LONGEST], starts or (0,), places or (place,), is_cut)


def formatted(pattern: Text, values: Sequence[Value], as_text: Callable[[Value], Text]) -> Text:
    """``printf`` of C and ``%`` of Python; a value that is not there is a hole.

    Args:
        pattern: with ``%d``, ``%s``, ``%.2f`` and the like.
        values: in their order, or one dictionary for ``%(name)s``.
        as_text: any value as a text.
    """
    parts, end, left = [], 0, list(values)
    names = values[0] if len(values) == 1 and isinstance(values[0], dict) else {}
    for match in _FORMAT.finditer(pattern):
        parts.append(pattern.part(end, match.start()))
        end = match.end()
        if match[0] == "%%":
            parts.append(pattern.part(match.start(), match.start() + 1))
            continue
        missing = Unknown(pattern.place(match.start()))
        value = names.get(match[1], missing) if match[1] else left.pop(0) if left else missing
        parts.append(_one(match[2], match[3], value, as_text))
    parts.append(pattern.part(end, len(pattern)))
    return joined(parts, pattern.place(), is_cut=pattern.is_cut)


def _one(flags: str, letter: str, value: Value, as_text: Callable[[Value], Text]) -> Text:
    text = as_text(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or letter in "scr":
        return text
    try:
        number = int(value) if letter in "diuoxX" else float(value)
        return Text(f"%{flags}{'d' if letter in 'iu' else letter}" % number, text.starts[:1], text.places[:1])
    except (ValueError, OverflowError):
        return text


def with_format(form: str, value: Value, as_text: Callable[[Value], Text]) -> Text:
    """A value in the format of an f-string or of ``str.format``."""
    text = as_text(value)
    if not isinstance(value, int | float) or not re.fullmatch(r"[<>^=]?[-+ ]?0?\d{0,3}(\.\d{1,3})?[dfFeEgG%]?", form):
        return text
    try:
        return Text(format(value, form), text.starts[:1], text.places[:1])
    except ValueError:
        return text


def braced(
    pattern: Text, arguments: Sequence[Value], names: dict[str, Value], as_text: Callable[[Value], Text]
) -> Text:
    """``str.format`` with ``{}``, ``{0}``, ``{name}`` and formats of numbers."""
    parts, end, number = [], 0, 0
    for match in re.finditer(r"\{\{|\}\}|\{(\w*)(?:![rs])?(?::([^{}]*))?\}", pattern):
        parts.append(pattern.part(end, match.start()))
        end = match.end()
        if match[0] in ("{{", "}}"):
            parts.append(pattern.part(match.start(), match.start() + 1))
            continue
        key = match[1] or str(number)
        number += not match[1]
        if key.isdecimal() and int(key) < len(arguments):
            value = arguments[int(key)]
        else:
            value = names.get(key, Unknown(pattern.place(match.start())))
        parts.append(with_format(match[2] or "", value, as_text))
    parts.append(pattern.part(end, len(pattern)))
    return joined(parts, pattern.place())


def combinations(values: Sequence[Value]) -> list[tuple[Sides, list[Value]]]:
    """Every way in which choices among the values go together; too many are none."""
    if not any(isinstance(value, Choice) for value in values):
        return [((), list(values))]
    ways: list[tuple[dict[Place, bool], list[Value]]] = [({}, [])]
    for value in values:
        cases = value.cases if isinstance(value, Choice) else (((), value),)
        ways = [
            ({**sides, **dict(of_case)}, [*before, case])
            for sides, before in ways
            for of_case, case in cases
            if all(sides.get(place, side) == side for place, side in of_case)
        ]
        if len(ways) > _MOST_CASES:
            return []
    return [(tuple(sides.items()), way) for sides, way in ways]


def choice(cases: Iterable[tuple[Sides, Value]], place: Place) -> Value:
    """The choice of some cases, themselves choices or not; one value where all have the same."""
    cases = list(cases)
    if len(cases) == 1 and not isinstance(cases[0][1], Choice):
        return cases[0][1]
    flat: list[tuple[Sides, Value]] = []
    for sides, value in cases:
        for of_case, case in value.cases if isinstance(value, Choice) else (((), value),):
            together = dict(sides)
            if all(together.get(where, side) == side for where, side in of_case):
                flat.append(((*sides, *(one for one in of_case if one not in sides)), case))
    values = [value for _, value in flat]
    if values and all(same(value, values[0]) for value in values):
        return values[0]
    return Choice(tuple(flat)) if 0 < len(flat) <= _MOST_CASES else Unknown(place)


def same(one: Value, other: Value) -> bool:
    """Whether two values are the same, in type too."""
    if one is other:
        return True
    if isinstance(one, str) and isinstance(other, str):
        return str(one) == str(other)
    return type(one) is type(other) and bool(one == other)


Number = int | float


def arithmetic(operator: str, left: Number, right: Number, *, whole: bool) -> Number | None:
    """A sum, product and so on of known numbers; None where it has no sensible value.

    Args:
        operator: as it is spelled.
        left: first number.
        right: second number.
        whole: whether ``/`` of whole numbers is whole, as in C++.
    """
    try:
        if operator == "/" and whole and isinstance(left, int) and isinstance(right, int):
            operator = "//"
        operations: dict[str, Callable[[], Number]] = {
            "+": lambda: left + right,
            "-": lambda: left - right,
            "*": lambda: left * right,
            "/": lambda: left / right,
            "//": lambda: left // right,
            "%": lambda: left % right,
            "**": lambda: left**right if abs(left) < 1e6 and abs(right) < 64 else math.nan,
        }
        result = operations[operator]()
    except (KeyError, ZeroDivisionError, OverflowError, TypeError):
        return None
    if not isinstance(result, int | float) or not math.isfinite(result) or abs(result) > 1e18:
        return None
    return result
