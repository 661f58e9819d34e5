"""Expressions of branches, as users write them: read by a grammar of their own, and computed; nothing is evaluated.

The spelling is that of C++, of ``TTree::Draw`` and of Python alike. From the loosest to the tightest:

* ``c ? a : b``; ``||``, ``or``; ``&&``, ``and``; ``not``; ``|``; ``&``; ``==``, ``!=``; ``<``, ``<=``, ``>``, ``>=``;
  ``<<``, ``>>``; ``+``, ``-``; ``*``, ``/``, ``%``; ``-x``, ``+x``, ``!x``; ``x ** y``, ``x ^ y``, the power;
* ``x[i]``, an element counted from 0, from the end with a negative number, by a number an event or a list of them;
  ``x[mask]``, the elements for which a comparison holds; ``x[:2]``, ``x[1:]``;
* functions of :data:`FUNCTIONS`; numbers, ``true``, ``false``, ``M_PI``, ``TMath::Pi()``; names of branches, with
  leaves after a dot.

Numbers are computed as ``TTreeFormula`` does: in double precision, ``1/2`` is 0.5. Whole numbers stay whole, in 64
bits, under ``+``, ``-``, ``*``, ``%``, shifts and comparisons; ``%`` has the sign of the dividend, as in C++. A
comparison gives 0 or 1. Where nothing is defined, as ``log(-1)`` or ``x/0``, the result is NaN or infinite. Lists are
computed element by element; a number an event goes with all elements of that event's list.
"""

import functools
import math
import re
from typing import Any, Callable, Dict, Iterator, List, Mapping, NamedTuple, NoReturn, Optional, Tuple, Union

import numpy

from tmva_bench.errors import UserError, unknown

# The longest expression [characters], and how deep one may be nested.
_LONGEST, _DEEPEST = 4000, 50
_TOKEN = re.compile(
    r"\s*(?:(?P<number>0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[fFlLuU]{0,3}(?!\w))"
    r"|(?P<name>[^\W\d]\w*(?:(?:::|\.)[^\W\d]\w*)*\$?)"
    r"|(?P<sign>\*\*|&&|\|\||==|!=|<=|>=|<<|>>|[-+*/%^<>!&|?:(),\[\]]))"
)
_WORDS = {"and": "&&", "or": "||", "not": "not"}
_CONSTANTS = {"true": True, "false": False, "True": True, "False": False, "M_PI": math.pi}
# How tight each operator between two terms binds.
_BINARY = {
    **{"||": 2, "&&": 3, "|": 5, "&": 6, "==": 7, "!=": 7, "<": 8, "<=": 8, ">": 8, ">=": 8, "<<": 9, ">>": 9},
    **{"+": 10, "-": 10, "*": 11, "/": 11, "%": 11},
}
_TERNARY, _NOT, _UNARY = 1, 4, 12
_COMPARISONS = {7: "==", 8: "<"}


class ExpressionError(UserError):
    """An expression that cannot be read or computed.

    Args:
        message: the line.
        text: the expression.
        place: the character that it is about, from 0.
        reason: what is wrong, without the expression.
    """

    def __init__(self, message: str, text: str, place: int, reason: str) -> None:
        super().__init__(message, pointed(text, place))
        self.text, self.place, self.reason = text, place, reason


def pointed(text: str, place: int, width: int = 100) -> Tuple[str, str]:
    """A text, or what of a long one stands around a place, and below it a caret under the place."""
    start = max(0, min(place - width // 2, len(text) - width))
    part = "".join(letter if letter.isprintable() else "?" for letter in text[start : start + width])
    return part, " " * (place - start) + "^"


class Node(NamedTuple):
    """A part of an expression.

    Attributes:
        kind: ``number``, ``name``, ``call``, ``element``, ``slice``, ``choice``, or a sign: of one term where it has
            one part, of two where it has two.
        value: the number, or the name of the branch or function.
        parts: what it is made of; None for an end of a slice that is left open.
        place: where it stands in the text.
        depth: how deep its parts are nested.
    """

    kind: str
    value: Any
    parts: Tuple[Any, ...]
    place: int
    depth: int


class Expression(NamedTuple):
    """An expression that was read.

    Attributes:
        text: as the user wrote it.
        root: what it says.
    """

    text: str
    root: Node

    @property
    def names(self) -> List[str]:
        """The branches that it needs, each once."""
        return list(dict.fromkeys(node.value for node in walk(self.root) if node.kind == "name"))


class Value(NamedTuple):
    """What an expression gives for some events.

    Attributes:
        values: an array of numpy with one number an event, a number for all events, or an array of awkward with lists.
        missing: for which events an element was taken that is not there; None where for none.
    """

    values: Any
    missing: Optional[numpy.ndarray]


def walk(root: Node) -> Iterator[Node]:
    """All parts of an expression, itself first."""
    left = [root]
    while left:
        node = left.pop()
        yield node
        left.extend(part for part in reversed(node.parts) if part is not None)


def branch(name: str) -> Expression:
    """The expression that is one branch, whatever it is called."""
    return Expression(name, Node("name", name, (), 0, 0))


def split(text: str, sign: str = ",") -> List[str]:
    """The parts of a list of expressions; signs within parentheses and brackets separate nothing."""
    parts, depth, start = [], 0, 0
    for place, letter in enumerate(text):
        depth += (letter in "([") - (letter in ")]")
        if letter == sign and depth <= 0:
            parts.append(text[start:place])
            start = place + 1
    return [part.strip() for part in [*parts, text[start:]]]


def named(text: str) -> Tuple[Optional[str], str]:
    """Name and expression of ``name = expression``; the name is None where none is given."""
    match = re.match(r"\s*([^\W\d]\w*)\s*=(?!=)\s*", text)
    return (match.group(1), text[match.end() :].strip()) if match else (None, text.strip())


def parse(what: str, text: str) -> Expression:
    """Reads an expression.

    Args:
        what: what it is for, for messages, e.g. ``cut``.
        text: the expression.

    Raises:
        ExpressionError: it is none; with the place.
    """
    if len(text) > _LONGEST:
        raise UserError(f"{what}: an expression of {len(text)} characters; at most {_LONGEST} can be read")
    return Expression(text, _Reader(what, text).whole())


class _Reader:
    """Reads one expression, from left to right."""

    def __init__(self, what: str, text: str) -> None:
        self._what, self._text = what, text
        self._tokens: List[Tuple[str, str, int]] = []
        place = 0
        while text[place:].strip():
            match = _TOKEN.match(text, place)
            if not match:
                start = place + len(text[place:]) - len(text[place:].lstrip())
                told = "; len(x) counts a list's elements" if text[start] == "@" else ""
                self._fail(start, f"{text[start]!r} is not understood{told}")
            kind = match.lastgroup or ""
            token = match.group(kind)
            if kind == "name" and token in _WORDS:
                kind, token = "sign", _WORDS[token]
            self._tokens.append((kind, token, match.start(match.lastgroup or 0)))
            place = match.end()
        self._tokens.append(("end", "", len(text)))
        self._next = 0
        self._open = 0

    def whole(self) -> Node:
        node = self._expression(0)
        kind, token, place = self._tokens[self._next]
        if kind != "end":
            self._fail(place, f"{token!r} is not expected here")
        return node

    def _fail(self, place: int, reason: str) -> NoReturn:
        if self._text[place : place + 1] == "=":
            reason += "; `==` compares"
        where = f"at character {place + 1}"
        message = f"{self._what} = {_shortened(self._text)}: {reason}, {where}"
        raise ExpressionError(message, self._text, place, reason)

    def _peek(self) -> str:
        kind, token, _ = self._tokens[self._next]
        return token if kind == "sign" else ""

    def _take(self) -> Tuple[str, str, int]:
        taken = self._tokens[self._next]
        self._next += 1
        return taken

    def _expect(self, sign: str, opened: int) -> None:
        kind, token, place = self._take()
        if kind == "end":
            self._fail(opened, f"{self._text[opened]!r} is not closed")
        if kind != "sign" or token != sign:
            self._fail(place, f"{token!r} stands where {sign!r} is expected")

    def _node(self, kind: str, value: Any, parts: Tuple[Optional[Node], ...], place: int) -> Node:
        # A long sum is no deep one: its left side is computed first.
        depths = [part.depth + (number > 0 or kind not in _BINARY) for number, part in enumerate(parts) if part]
        if max(depths, default=0) > _DEEPEST:
            self._fail(place, f"nested more than {_DEEPEST} deep")
        return Node(kind, value, parts, place, max(depths, default=0))

    def _expression(self, least: int) -> Node:
        """Terms and the operators between them that bind at least so tightly."""
        self._open += 1
        if self._open > _DEEPEST:
            self._fail(self._tokens[self._next][2], f"nested more than {_DEEPEST} deep")
        node = self._not() if least <= _NOT and self._peek() == "not" else self._unary()
        compared = 0
        while _BINARY.get(self._peek(), -1) >= max(least, _TERNARY):
            _, sign, place = self._take()
            tight = _BINARY[sign]
            if tight in _COMPARISONS and tight == compared:
                self._fail(place, "comparisons stand in no chain; write a < b && b < c")
            right = self._expression(tight + 1)
            node, compared = self._node(sign, None, (node, right), place), tight
        if least <= _TERNARY and self._peek() == "?":
            _, _, place = self._take()
            yes = self._expression(_TERNARY)
            if self._peek() != ":":
                self._fail(place, "'?' has no ':'")
            self._take()
            node = self._node("choice", None, (node, yes, self._expression(_TERNARY)), place)
        self._open -= 1
        return node

    def _not(self) -> Node:
        _, _, place = self._take()
        return self._node("!", None, (self._expression(_NOT),), place)

    def _unary(self) -> Node:
        sign = self._peek()
        if sign in ("-", "+", "!", "not") and sign:
            _, _, place = self._take()
            return self._node("!" if sign == "not" else sign, None, (self._expression(_UNARY),), place)
        node = self._postfix(self._term())
        if self._peek() in ("**", "^"):
            _, _, place = self._take()
            return self._node("**", None, (node, self._expression(_UNARY)), place)
        return node

    def _term(self) -> Node:
        kind, token, place = self._take()
        if kind == "number":
            return self._node("number", _number(token), (), place)
        if kind == "name" and self._peek() == "(":
            return self._call(token, place)
        if kind == "name" and token in _CONSTANTS:
            return self._node("number", _CONSTANTS[token], (), place)
        if kind == "name" and not token.endswith("$"):
            return self._node("name", token, (), place)
        if token == "(":
            node = self._expression(0)
            self._expect(")", place)
            return node
        if kind == "end":
            self._fail(place, "something is missing at the end" if self._text.strip() else "it is empty")
        return self._fail(place, f"{token!r} stands where a number, a branch or a function is expected")

    def _call(self, name: str, place: int) -> Node:
        _, _, opened = self._take()
        arguments: List[Node] = []
        if self._peek() == ")":
            self._take()
        else:
            arguments.append(self._expression(0))
            while self._peek() == ",":
                self._take()
                arguments.append(self._expression(0))
            self._expect(")", opened)
        if name == "TMath::Pi" and not arguments:
            return self._node("number", math.pi, (), place)
        function = FUNCTIONS.get(_ALIASES.get(name, name))
        if function is None and name in _INSTEAD:
            self._fail(place, f"no function {name!r} here; write {_INSTEAD[name]}")
        if function is None:
            self._fail(place, str(unknown("function", name, [*FUNCTIONS, *_ALIASES])))
        if not function.least <= len(arguments) <= function.most:
            wanted = f"{function.least}" if function.least == function.most else f"{function.least} or more"
            self._fail(place, f"{name} takes {wanted} arguments, not {len(arguments)}")
        return self._node("call", _ALIASES.get(name, name), tuple(arguments), place)

    def _postfix(self, node: Node) -> Node:
        while self._peek() == "[":
            _, _, opened = self._take()
            ends: List[Optional[Node]] = [None if self._peek() in (":", "]") else self._expression(0)]
            kind = "slice" if self._peek() == ":" else "element"
            if kind == "slice":
                self._take()
                ends.append(None if self._peek() == "]" else self._expression(0))
            if kind == "element" and ends[0] is None:
                self._fail(opened, "'[]' names no element")
            self._expect("]", opened)
            node = self._node(kind, None, (node, *ends), opened)
        return node


def _shortened(text: str) -> str:
    return text if len(text) <= 120 else f"{text[:100]}... ({len(text)} characters)"


def _number(token: str) -> Union[int, float]:
    if token[:2] in ("0x", "0X"):
        whole = int(token, 16)
    else:
        token = token.rstrip("fFlLuU")
        whole = int(token) if token.isdigit() and len(token) <= 20 else 2**64
        if not token.isdigit():
            return float(token)
    return whole if whole < 2**64 else float(token if token[:2] not in ("0x", "0X") else whole)


class Function(NamedTuple):
    """A function that expressions may call.

    Attributes:
        least: how many arguments it takes at least.
        most: likewise, at most.
        help: what it gives.
        compute: from values to a value, of numpy or awkward; None for what is done with lists.
    """

    least: int
    most: int
    help: str
    compute: Optional[Callable[..., Any]]


def _of(ufunc: Any) -> Callable[..., Any]:
    """A function of numpy on doubles."""
    return lambda *values: ufunc(*map(_double, values))


def _extreme(ufunc: Any) -> Callable[..., Any]:
    return lambda *values: functools.reduce(ufunc, map(_whole, values))


_MANY = 50
FUNCTIONS: Dict[str, Function] = {
    **{
        name: Function(1, 1, text, _of(ufunc))
        for name, text, ufunc in (
            ("sqrt", "square root", numpy.sqrt),
            ("cbrt", "cubic root", numpy.cbrt),
            ("exp", "exponential", numpy.exp),
            ("expm1", "exp(x) - 1", numpy.expm1),
            ("log", "natural logarithm", numpy.log),
            ("log2", "logarithm to the base 2", numpy.log2),
            ("log10", "logarithm to the base 10", numpy.log10),
            ("log1p", "log(1 + x)", numpy.log1p),
            ("sin", "sine", numpy.sin),
            ("cos", "cosine", numpy.cos),
            ("tan", "tangent", numpy.tan),
            ("asin", "arc sine", numpy.arcsin),
            ("acos", "arc cosine", numpy.arccos),
            ("atan", "arc tangent", numpy.arctan),
            ("sinh", "hyperbolic sine", numpy.sinh),
            ("cosh", "hyperbolic cosine", numpy.cosh),
            ("tanh", "hyperbolic tangent", numpy.tanh),
            ("asinh", "inverse of sinh", numpy.arcsinh),
            ("acosh", "inverse of cosh", numpy.arccosh),
            ("atanh", "inverse of tanh", numpy.arctanh),
            ("floor", "largest whole number that is not larger", numpy.floor),
            ("ceil", "smallest whole number that is not smaller", numpy.ceil),
        )
    },
    "abs": Function(1, 1, "absolute value", lambda x: numpy.abs(_whole(x))),
    "isnan": Function(1, 1, "1 where it is NaN", lambda x: numpy.isnan(_double(x))),
    "isfinite": Function(1, 1, "1 where it is neither NaN nor infinite", lambda x: numpy.isfinite(_double(x))),
    "atan2": Function(2, 2, "angle of (y, x)", _of(numpy.arctan2)),
    "hypot": Function(2, 2, "root of the sum of the squares", _of(numpy.hypot)),
    "pow": Function(2, 2, "power", _of(numpy.power)),
    "fmod": Function(2, 2, "remainder, as %", _of(numpy.fmod)),
    "where": Function(3, 3, "where(c, a, b): a where c holds, b elsewhere, as c ? a : b", None),
    "min": Function(1, _MANY, "smallest of a list's elements, or of several values", _extreme(numpy.minimum)),
    "max": Function(1, _MANY, "largest of a list's elements, or of several values", _extreme(numpy.maximum)),
    "sum": Function(1, 1, "sum of a list's elements, 0 of none", None),
    "mean": Function(1, 1, "mean of a list's elements", None),
    "len": Function(1, 1, "number of a list's elements", None),
    "any": Function(1, 1, "1 where one element is not 0", None),
    "all": Function(1, 1, "1 where no element is 0", None),
}
_LISTS = ("sum", "mean", "len", "any", "all")
# Other spellings: those of C++, TMath, TTree::Draw and RVec.
_ALIASES = {
    "fabs": "abs",
    "std::fabs": "abs",
    **{
        f"std::{name}": name
        for name in FUNCTIONS
        if name not in (*_LISTS, "where", "isfinite") and FUNCTIONS[name].compute is not None
    },
    **{f"TMath::{name.capitalize()}": name for name in ("abs", "sqrt", "exp", "log", "log10", "log2", "floor", "ceil")},
    **{f"TMath::{name.capitalize()}": name for name in ("sin", "cos", "tan", "hypot", "min", "max")},
    "TMath::SinH": "sinh",
    "TMath::CosH": "cosh",
    "TMath::TanH": "tanh",
    "TMath::ASin": "asin",
    "TMath::ACos": "acos",
    "TMath::ATan": "atan",
    "TMath::ATan2": "atan2",
    "TMath::ASinH": "asinh",
    "TMath::ACosH": "acosh",
    "TMath::ATanH": "atanh",
    "TMath::Power": "pow",
    "TMath::IsNaN": "isnan",
    "TMath::Finite": "isfinite",
    **{f"{name.capitalize()}$": name for name in ("min", "max", "sum")},
    "Length$": "len",
    **{name.capitalize(): name for name in ("min", "max", "sum", "mean", "any", "all")},
}


# What to write for functions of TFormula, TTree::Draw and TMath that are not here, and whose names lie near others.
_INSTEAD = {
    **dict.fromkeys(("sq", "TMath::Sq", "square"), "x * x"),
    **dict.fromkeys(("sign", "TMath::Sign", "TMath::SignBit"), "(x > 0) - (x < 0)"),
    **dict.fromkeys(("int", "Int_t", "trunc", "TMath::FloorNint"), "floor(x), of a negative number ceil(x)"),
    **dict.fromkeys(("round", "rint", "nint", "TMath::Nint"), "floor(x + 0.5)"),
    "TMath::CeilNint": "ceil(x)",
    **dict.fromkeys(("float", "double", "Float_t", "Double_t"), "x alone; numbers are doubles"),
    "ln": "log(x), which is the natural one",
    "Alt$": "the element alone, x[0], and give pad what stands where there is none",
    "MinIf$": "min(x[condition])",
    "MaxIf$": "max(x[condition])",
    "TMath::MaxElement": "max(x)",
    "TMath::MinElement": "min(x)",
    **{f"ROOT::VecOps::{name}": f"{name}(x)" for name in ("Sum", "Max", "Min", "Mean", "Any", "All")},
}


def evaluate(
    what: str,
    expression: Expression,
    columns: Mapping[str, Any],
    events: int,
    pad: Optional[float] = None,
    sums: Optional[Mapping[int, float]] = None,
) -> Value:
    """Computes an expression for some events.

    Args:
        what: what it is for, for messages.
        expression: the expression.
        columns: of :func:`column`, by the names that it needs; one that is the whole expression is given back as it is.
        events: how many events these are.
        pad: what stands for an element that is not there; None leaves it missing.
        sums: results of ``sum`` over all events of a process, by the place in the text.

    Raises:
        ExpressionError: what cannot be done with these values, e.g. an element of a number.
    """
    if expression.root.kind == "name":
        return Value(columns[expression.root.value], None)
    with numpy.errstate(all="ignore"):
        return _Computer(what, expression.text, columns, events, pad, sums or {}).value(expression.root)


def column(values: Any) -> Any:
    """The values of a branch as expressions take them.

    Args:
        values: an array of numpy or awkward, one entry an event.

    Returns:
        float64, int64, bool, or uint64 where int64 does not hold them: an array of numpy with a number an event, which
        may be float32, too, else one of awkward with lists; None for what holds no numbers.
    """
    if type(values) is numpy.ndarray and values.ndim == 1 and values.dtype.kind in "biuf":
        return _plain(values)
    import awkward

    layout = _innermost(values)
    if layout is None:
        return None
    array = awkward.Array(values)
    wanted = {"f": numpy.float64, "b": numpy.bool_}.get(layout.dtype.kind, numpy.int64)
    if layout.dtype == numpy.uint64 and len(layout.data) and layout.data.max() >= 2**63:
        wanted = numpy.uint64
    array = awkward.values_astype(array, wanted)
    if array.ndim == 1:
        return array.to_numpy(allow_missing=False)
    return awkward.from_regular(array, axis=None)


def is_unsigned(values: Any) -> bool:
    """Whether the values of a branch, see :func:`column`, are whole numbers of unsigned 64 bits."""
    layout = _innermost(values)
    return layout is not None and layout.dtype == numpy.uint64


def _innermost(values: Any) -> Any:
    """The numbers inside lists, as a layout of awkward; None where there are none."""
    import awkward

    layout = awkward.to_layout(values, regulararray=True)
    while not layout.is_numpy:
        if layout.parameter("__array__") in ("string", "bytestring") or layout.is_record or layout.is_union:
            return None
        if not hasattr(layout, "content"):
            return None
        layout = layout.content
    return layout if layout.dtype.kind in "biuf" else None


def _plain(values: numpy.ndarray) -> numpy.ndarray:
    """A number an event, in as many bits as expressions take."""
    kind = values.dtype.kind
    if kind == "f":
        return values.astype(numpy.float32 if values.dtype.itemsize == 4 else numpy.float64, copy=False)
    if kind == "b":
        return values
    beyond = values.dtype == numpy.uint64 and len(values) and values.max() >= 2**63
    return values.astype(numpy.uint64 if beyond else numpy.int64, copy=False)


def _is_list(values: Any) -> bool:
    """Whether there are lists; a number an event, or for all events, is of numpy."""
    return not isinstance(values, (numpy.ndarray, numpy.generic, int, float))


def _dtype(values: Any) -> numpy.dtype:
    if not _is_list(values):
        return numpy.asarray(values).dtype
    layout = values.layout
    while not layout.is_numpy:
        layout = layout.content
    dtype: numpy.dtype = layout.dtype
    return dtype


def _as(values: Any, dtype: Any) -> Any:
    if _dtype(values) == dtype:
        return values
    if not _is_list(values):
        return numpy.asarray(values).astype(dtype)[()]
    import awkward

    return awkward.values_astype(values, dtype)


def _double(values: Any) -> Any:
    return _as(values, numpy.float64)


def _whole(values: Any) -> Any:
    """Truth as 0 and 1; all else as it is."""
    return _as(values, numpy.int64) if _dtype(values).kind == "b" else values


def _truth(values: Any) -> Any:
    return values if _dtype(values).kind == "b" else values != 0


def _largest(values: Any) -> float:
    if _is_list(values):
        import awkward

        values = awkward.flatten(values, axis=None).to_numpy()
    return float(numpy.abs(numpy.asarray(values, numpy.float64)).max(initial=0))


def _arithmetic(ufunc: Any) -> Callable[..., Any]:
    """Whole numbers stay whole, unless 64 bits do not hold the result."""

    def compute(a: Any, b: Any) -> Any:
        a, b = _whole(a), _whole(b)
        kinds = {_dtype(a).kind, _dtype(b).kind}
        if "u" in kinds or (kinds == {"i"} and ufunc(_largest(a), _largest(b) * _SIGNS[ufunc]) >= 2.0**62):
            a, b = _double(a), _double(b)
        return ufunc(a, b)

    return compute


_SIGNS = {numpy.add: 1, numpy.subtract: -1, numpy.multiply: 1}


def _alike(a: Any, b: Any) -> Any:
    """Two whole numbers, without a sign where one is of unsigned 64 bits and none is negative."""
    kinds = {_dtype(a).kind, _dtype(b).kind}
    if kinds == {"i", "u"} and not _any(a < 0) and not _any(b < 0):
        return _as(a, numpy.uint64), _as(b, numpy.uint64)
    return a, b


def _any(values: Any) -> bool:
    return bool(_largest(values)) if _is_list(values) else bool(numpy.any(values))


def _remainder(a: Any, b: Any) -> Any:
    a, b = _alike(_whole(a), _whole(b))
    if _dtype(a).kind == _dtype(b).kind and _dtype(a).kind in "iu":
        zero = b == 0
        if not _any(zero):
            return numpy.fmod(a, b)
    return numpy.fmod(_double(a), _double(b))


def _bits(ufunc: Any) -> Callable[..., Any]:
    def compute(a: Any, b: Any) -> Any:
        if _dtype(a).kind == _dtype(b).kind == "b":
            return ufunc(a, b)
        a, b = _alike(_whole(a), _whole(b))
        if "f" in (_dtype(a).kind, _dtype(b).kind):
            raise _Wrong("takes whole numbers; between conditions write && or ||")
        return ufunc(a, b)

    return compute


class _Wrong(Exception):
    """What cannot be done with values; the place is added."""


_OPERATORS: Dict[str, Callable[..., Any]] = {
    "+": _arithmetic(numpy.add),
    "-": _arithmetic(numpy.subtract),
    "*": _arithmetic(numpy.multiply),
    "/": _of(numpy.true_divide),
    "**": _of(numpy.power),
    "%": _remainder,
    "<<": _bits(numpy.left_shift),
    ">>": _bits(numpy.right_shift),
    "&": _bits(numpy.bitwise_and),
    "|": _bits(numpy.bitwise_or),
    "==": lambda a, b: _whole(a) == _whole(b),
    "!=": lambda a, b: _whole(a) != _whole(b),
    "<": lambda a, b: _whole(a) < _whole(b),
    "<=": lambda a, b: _whole(a) <= _whole(b),
    ">": lambda a, b: _whole(a) > _whole(b),
    ">=": lambda a, b: _whole(a) >= _whole(b),
    "&&": lambda a, b: numpy.logical_and(_truth(a), _truth(b)),
    "||": lambda a, b: numpy.logical_or(_truth(a), _truth(b)),
}
_SINGLE: Dict[str, Callable[..., Any]] = {
    "-": lambda a: numpy.negative(_double(a) if _dtype(a).kind == "u" else _whole(a)),
    "+": lambda a: _whole(a),
    "!": lambda a: numpy.logical_not(_truth(a)),
}


def _either(masks: Any) -> Optional[numpy.ndarray]:
    there = [mask for mask in masks if mask is not None]
    return functools.reduce(numpy.logical_or, there) if there else None


class _Computer:
    """Computes one expression for some events."""

    def __init__(
        self,
        what: str,
        text: str,
        columns: Mapping[str, Any],
        events: int,
        pad: Optional[float],
        sums: Mapping[int, float],
    ) -> None:
        self._what, self._text, self._columns, self._events, self._pad = what, text, columns, events, pad
        self._sums = sums

    def value(self, node: Node) -> Value:
        if node.kind == "number":
            return Value(_constant(node.value), None)
        if node.kind == "name":
            values = self._columns[node.value]
            return Value(_double(values) if _dtype(values) == numpy.float32 else values, None)
        if node.kind in _BINARY and len(node.parts) == 2:
            return self._chain(node)
        if node.value == "sum" and node.place in self._sums:
            return Value(_constant(self._sums[node.place]), None)
        parts = [self.value(part) for part in node.parts if part is not None]
        if node.kind == "element":
            return self._element(node, parts[0], parts[1])
        if node.kind == "slice":
            return self._slice(node, parts[0])
        if node.kind == "choice" or node.value == "where":
            return self._choice(node, *parts)
        if node.kind == "call":
            return self._call(node, parts)
        compute = _OPERATORS["**"] if node.kind == "**" else _SINGLE[node.kind]
        return Value(self._done(node, compute, *(part.values for part in parts)), _either(p.missing for p in parts))

    def _chain(self, node: Node) -> Value:
        """Terms that are joined from left to right, without a step into each."""
        steps = []
        while node.kind in _BINARY and len(node.parts) == 2:
            steps.append(node)
            node = node.parts[0]
        value = self.value(node)
        for step in reversed(steps):
            right = self.value(step.parts[1])
            joined = self._done(step, _OPERATORS[step.kind], value.values, right.values)
            value = Value(joined, self._missing(step.kind, value, right))
        return value

    def _missing(self, sign: str, a: Value, b: Value) -> Optional[numpy.ndarray]:
        """Where a result depends on what is not there: `n > 1 && x[1] > 30` does not where n is 1."""
        missing = _either((a.missing, b.missing))
        if missing is None or sign not in ("&&", "||") or _is_list(a.values) or _is_list(b.values):
            return missing
        decides = sign == "||"
        for side in (a, b):
            decided = _truth(side.values) == decides
            missing = missing & ~(decided if side.missing is None else decided & ~side.missing)
        return missing

    def _choice(self, node: Node, c: Value, a: Value, b: Value) -> Value:
        import awkward

        condition = _truth(c.values)
        lists = _is_list(c.values) or _is_list(a.values) or _is_list(b.values)
        select = awkward.where if lists else numpy.where
        if lists and not _is_list(condition):
            condition = numpy.broadcast_to(condition, self._events)
        values = self._done(node, lambda x, y: select(condition, x, y), _whole(a.values), _whole(b.values))
        if not lists and not _is_list(c.values):
            empty = numpy.zeros(self._events, bool)
            chosen = numpy.where(
                condition, empty if a.missing is None else a.missing, empty if b.missing is None else b.missing
            )
            return Value(values, _either((c.missing, chosen if chosen.any() else None)))
        return Value(values, _either((c.missing, a.missing, b.missing)))

    def _call(self, node: Node, parts: List[Value]) -> Value:
        function = FUNCTIONS[node.value]
        if function.compute is not None and (len(parts) > 1 or node.value not in ("min", "max")):
            return Value(
                self._done(node, function.compute, *(part.values for part in parts)), _either(p.missing for p in parts)
            )
        (part,) = parts
        if not _is_list(part.values):
            whole = "; the sum over all events stands in weights alone" if node.value == "sum" else ""
            self._fail(node, f"{node.value} is of a list, and this is one number an event{whole}")
        if part.values.ndim != 2:
            self._fail(node, f"{node.value} is of a list of numbers, and this holds lists of lists; take an element")
        return self._of_list(node, part)

    def _of_list(self, node: Node, part: Value) -> Value:
        import awkward

        if node.value == "len":
            return Value(awkward.num(part.values, axis=1).to_numpy().astype(numpy.int64), part.missing)
        if node.value in ("any", "all"):
            reduce = {"any": awkward.any, "all": awkward.all}[node.value]
            return Value(reduce(_truth(part.values), axis=1).to_numpy(), part.missing)
        numbers = _double(part.values) if _dtype(part.values).kind == "u" else _whole(part.values)
        if node.value == "sum":
            return Value(awkward.sum(numbers, axis=1).to_numpy(), part.missing)
        empty = awkward.num(numbers, axis=1).to_numpy() == 0
        if node.value == "mean":
            result = awkward.fill_none(awkward.mean(numbers, axis=1), 0.0)
        else:
            reduce = {"min": awkward.min, "max": awkward.max}[node.value]
            result = awkward.fill_none(reduce(numbers, axis=1), _dtype(numbers).type(0))
        return self._padded(result.to_numpy(), empty, part.missing)

    def _padded(self, values: numpy.ndarray, absent: numpy.ndarray, missing: Optional[numpy.ndarray]) -> Value:
        """Values with the pad where there is no element, or with a note that there is none."""
        if not absent.any():
            return Value(values, missing)
        if self._pad is None:
            return Value(values, _either((missing, absent)))
        return Value(numpy.where(absent, _constant(self._pad), values), missing)

    def _element(self, node: Node, of: Value, index: Value) -> Value:
        import awkward

        if not _is_list(of.values):
            where = _constant(index.values)
            told = f"; leave [{where}] out" if numpy.ndim(where) == 0 else "; leave the brackets out"
            self._fail(node, f"one number an event, no array{told}")
        missing = _either((of.missing, index.missing))
        if _dtype(index.values).kind == "b":
            return self._masked(node, of.values, index.values, missing)
        if _dtype(index.values).kind != "i":
            self._fail(node, "an element is counted by a whole number")
        lengths = awkward.num(of.values, axis=1).to_numpy()
        if _is_list(index.values):
            return self._gathered(node, of.values, index.values, missing)
        places = numpy.broadcast_to(numpy.asarray(index.values), self._events)
        places = numpy.where(places < 0, places + lengths, places)
        absent = (places < 0) | (places >= lengths)
        flat = awkward.flatten(of.values, axis=1)
        places = numpy.where(absent, 0, places + numpy.cumsum(lengths) - lengths)
        if of.values.ndim > 2:
            inner = flat[places[~absent]]
            counts = numpy.zeros(self._events, numpy.int64)
            counts[~absent] = awkward.num(inner, axis=1).to_numpy()
            return Value(awkward.unflatten(awkward.flatten(inner, axis=1), counts), missing)
        numbers = flat.to_numpy()
        values = numbers[places] if len(numbers) else numpy.zeros(self._events, _dtype(of.values))
        return self._padded(values, absent, missing)

    def _masked(self, node: Node, values: Any, mask: Any, missing: Optional[numpy.ndarray]) -> Value:
        import awkward

        if not _is_list(mask):
            mask = awkward.broadcast_arrays(numpy.broadcast_to(mask, self._events), values)[0]
        return Value(self._done(node, lambda x, y: _lengths_checked(x, y)[y], values, mask), missing)

    def _gathered(self, node: Node, values: Any, places: Any, missing: Optional[numpy.ndarray]) -> Value:
        """Elements by a list of numbers, each of the same event."""
        import awkward

        lengths = awkward.num(values, axis=1).to_numpy()
        out = (places < 0) | (places >= lengths)
        absent = awkward.any(out, axis=1).to_numpy()
        if values.ndim != 2:
            self._fail(node, "takes one list of numbers")
        filled = awkward.fill_none(awkward.pad_none(values, 1, axis=1), _dtype(values).type(0), axis=1)
        taken = filled[awkward.where(out, 0, places)]
        if absent.any() and self._pad is not None:
            return Value(awkward.where(out, _constant(self._pad), taken), missing)
        return Value(taken, _either((missing, absent if absent.any() else None)))

    def _slice(self, node: Node, of: Value) -> Value:
        if not _is_list(of.values):
            self._fail(node, "one number an event, no array; leave the brackets out")
        ends = [_whole_number(part) for part in node.parts[1:]]
        if any(end is None and part is not None for end, part in zip(ends, node.parts[1:])):
            self._fail(node, "a slice has whole numbers as its ends")
        return Value(of.values[:, ends[0] : ends[1]], of.missing)

    def _done(self, node: Node, compute: Callable[..., Any], *values: Any) -> Any:
        try:
            result = compute(*values)
        except _Wrong as error:
            self._fail(node, str(error))
        except ValueError as error:
            if not any(map(_is_list, values)):
                raise
            self._fail(node, f"lists of different lengths meet ({' '.join(str(error).split())[:60]})")
        if _is_list(result) and getattr(result, "ndim", 0) == 1:
            return result.to_numpy()
        return result

    def _fail(self, node: Node, reason: str) -> NoReturn:
        where = f"at character {node.place + 1}"
        message = f"{self._what} = {_shortened(self._text)}: {reason}, {where}"
        raise ExpressionError(message, self._text, node.place, reason)


def slice_ends(root: Node) -> Optional[Tuple[int, int]]:
    """First element and end of an expression that is a slice with an end, ``x[:3]`` or ``x[1:3]``; None for others."""
    if root.kind != "slice":
        return None
    start, end = (_whole_number(part) for part in root.parts[1:])
    if end is None or end < 0 or (root.parts[1] is not None and (start is None or start < 0)):
        return None
    return (start or 0), end


def element(expression: Expression, index: int) -> Expression:
    """One element of what an expression takes a slice of."""
    root = expression.root
    of, place = root.parts[0], root.place
    text = f"{expression.text[:place]}[{index}]"
    return Expression(text, Node("element", None, (of, Node("number", index, (), place, 0)), place, root.depth))


def element_of(root: Node) -> Optional[Tuple[str, int]]:
    """Branch and number of an expression that is an element of a branch; None for others."""
    index = _whole_number(root.parts[1]) if root.kind == "element" else None
    return (root.parts[0].value, index) if index is not None and root.parts[0].kind == "name" else None


def _lengths_checked(values: Any, mask: Any) -> Any:
    import awkward

    if not numpy.array_equal(awkward.num(values, axis=1).to_numpy(), awkward.num(mask, axis=1).to_numpy()):
        raise ValueError("values and mask")
    return values


def _constant(value: Any) -> Any:
    if isinstance(value, bool):
        return numpy.bool_(value)
    if isinstance(value, int):
        return numpy.int64(value) if value < 2**63 else numpy.uint64(value)
    return numpy.float64(value) if isinstance(value, float) else value


def _whole_number(node: Optional[Node]) -> Optional[int]:
    """The whole number that a part of an expression is, with its sign; None for any other."""
    if node is None:
        return None
    if node.kind == "-" and len(node.parts) == 1:
        number = _whole_number(node.parts[0])
        return None if number is None else -number
    is_whole = node.kind == "number" and type(node.value) is int and node.value < 2**63
    return node.value if is_whole else None
