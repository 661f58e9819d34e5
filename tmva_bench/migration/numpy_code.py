"""Expressions of branches written out as code of numpy, and of awkward where they are of lists.

What the code computes is what :mod:`tmva_bench.events.expressions` computes: doubles, ``1/2`` is 0.5, ``%`` with the
sign of the dividend, comparisons that give 0 or 1. Lines are as ``ruff format`` has them: what is too long for one is
computed in steps.
"""

import functools
import keyword
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from tmva_bench.errors import UserError
from tmva_bench.events.expressions import Expression, Node
from tmva_bench.events.inputs import plain_name

# The longest line, and the shortest part of one that is worth a step of its own.
WIDTH, _SHORT = 88, 16
# What a step's name takes of a line.
_STEP = len("step_100 = ")
# How tight Python binds.
_ATOM, _POWER, _UNARY, _TIMES, _PLUS, _SHIFT, _AND, _OR, _COMPARED = 16, 15, 14, 13, 12, 11, 10, 8, 6
_BINARY = {
    **{"*": _TIMES, "/": _TIMES, "+": _PLUS, "-": _PLUS, "<<": _SHIFT, ">>": _SHIFT, "&": _AND, "|": _OR},
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">="), _COMPARED),
}
_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
# The functions that numpy has by other names.
_NUMPY = {
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "asinh": "arcsinh",
    "acosh": "arccosh",
    "atanh": "arctanh",
    "atan2": "arctan2",
}
_POSITIVE = re.compile(r"[1-9][\d.]*|0\.0*[1-9]\d*|np\.pi")
_OF_LISTS = ("sum", "mean", "len", "any", "all")


class Code(NamedTuple):
    """Code of a part of an expression.

    Attributes:
        text: the code.
        tight: how tight its outermost operator binds.
        truth: whether it gives true and false.
    """

    text: str
    tight: int = _ATOM
    truth: bool = False


class Names:
    """Python's names for what a function of the code has: branches and steps.

    Args:
        taken: names that mean something else there.
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = {"np", "ak", *taken}
        self.of_branch: dict[str, str] = {}

    def branch(self, name: str) -> str:
        """The name that a branch has in the code."""
        if name not in self.of_branch:
            self.of_branch[name] = self.new(plain_name(name))
        return self.of_branch[name]

    def new(self, stem: str) -> str:
        """A name like ``stem`` that nothing else has."""
        name, number = stem, 1
        while name in self._taken or keyword.iskeyword(name) or keyword.issoftkeyword(name):
            number += 1
            name = f"{stem}_{number}"
        self._taken.add(name)
        return name


def uses_lists(expressions: Iterable[Expression]) -> bool:
    """Whether an expression has elements, slices or functions of lists, for which awkward is needed."""
    return any(_is_of_list(node) for expression in expressions for node in _walk(expression.root))


def assigned(target: str, expression: Expression, names: Names, indent: int = 4) -> list[str]:
    """Lines that compute an expression.

    Args:
        target: what it is assigned to, with the operator, e.g. ``"keep &="``.
        expression: the expression.
        names: of the function that the lines stand in.
        indent: of the lines.

    Raises:
        UserError: an element by a computed number.
    """
    writer = _Writer(expression, names, indent)
    code = writer.code(expression.root)
    code = writer.shortened((code,), lambda parts: Code(f"{target} {parts[0].text}"), whole=True)
    return [f"{' ' * indent}{line}" for line in (*writer.lines, code.text)]


def condition(target: str, expression: Expression, names: Names, indent: int = 4, again: bool = False) -> list[str]:
    """Lines that compute a cut, which TMVA takes as passed at 0.5 and above; see :func:`assigned`.

    Args:
        target: what is true where the cut is passed.
        expression: the cut.
        names: of the function that the lines stand in.
        indent: of the lines.
        again: whether ``target`` holds another cut already, which must be passed too.
    """
    lines: list[str] = []
    lists = uses_lists([expression])
    for part in _conjuncts(expression.root):
        writer = _Writer(expression, names, indent)
        sign = "&=" if lines or again else "="

        def statement(parts: Sequence[Code], sign: str = sign) -> Code:
            text = parts[0].text if parts[0].truth else f"{_bound(parts[0], _COMPARED + 1)} >= 0.5"
            return Code(f"{target} {sign} {f'np.asarray({text})' if lists else text}")

        code = writer.shortened((writer.code(part),), statement, whole=True)
        lines += [f"{' ' * indent}{line}" for line in (*writer.lines, code.text)]
    return lines


def quoted(text: str) -> str:
    """A text as a literal of Python, in the quotes that ``ruff format`` prefers."""
    double, single = text.count('"'), text.count("'")
    body = "".join(letter if letter.isprintable() and letter != "\\" else repr(letter)[1:-1] for letter in text)
    if double > single:
        return "'" + body.replace("'", "\\'") + "'"
    return '"' + body.replace('"', '\\"') + '"'


def number(value: float) -> str:
    """A number as a literal of Python."""
    if value == math.pi:
        return "np.pi"
    if isinstance(value, float) and not math.isfinite(value):
        return "np.nan" if math.isnan(value) else f"{'-' * (value < 0)}np.inf"
    return repr(value)


def _conjuncts(root: Node) -> list[Node]:
    """What is joined by ``&&`` at the top, from left to right."""
    left, parts = [root], []
    while left:
        node = left.pop()
        if node.kind == "&&":
            left += [node.parts[1], node.parts[0]]
        else:
            parts.append(node)
    return parts


def _walk(root: Node) -> Iterable[Node]:
    left = [root]
    while left:
        node = left.pop()
        yield node
        left.extend(part for part in node.parts if part is not None)


def _is_of_list(node: Node) -> bool:
    if node.kind == "call":
        return node.value in _OF_LISTS or (node.value in ("min", "max") and len(node.parts) == 1)
    return node.kind in ("element", "slice")


def _bound(code: Code, least: int) -> str:
    """The code, in brackets where it binds less tightly."""
    return code.text if code.tight >= least else f"({code.text})"


def _of_python(code: Code) -> bool:
    """Whether it has numbers of Python alone, which raise where those of numpy give NaN or infinity."""
    return bool(re.fullmatch(r"(?:np\.pi|(?<=[\d.])e|[^A-Za-z_])*", code.text))


def _counted(code: Code) -> Code:
    """True and false as 1 and 0, to be computed with."""
    return Code(f"1 * {_bound(code, _TIMES + 1)}", _TIMES) if code.truth else code


class _Writer:
    """Writes the code of one expression; ``lines`` are the steps before it."""

    def __init__(self, expression: Expression, names: Names, indent: int) -> None:
        self._text, self._names, self._room = expression.text, names, WIDTH - indent
        self._lists = uses_lists([expression])
        self.lines: list[str] = []

    def code(self, node: Node) -> Code:
        """The code of a part; a chain of operators is gone through without a step into each."""
        spine = []
        while node.kind in _JOINED and len(node.parts) == 2:
            spine.append(node)
            node = node.parts[0]
        code = self._part(node)
        for joined in reversed(spine):
            right = self.code(joined.parts[1])
            code = self.shortened((code, right), functools.partial(_join, joined.kind))
        return code

    def shortened(
        self, parts: Sequence[Code], joined: Callable[[Sequence[Code]], Code], *, whole: bool = False
    ) -> Code:
        """What parts are joined to; where that is too long for a line, long parts become steps before it.

        Args:
            parts: code.
            joined: joins it.
            whole: whether that is a line, and not what may become one with a name of its own.
        """
        while len(joined(parts).text) > self._room - (0 if whole else _STEP):
            longest = max(range(len(parts)), key=lambda number: len(parts[number].text))
            if len(parts[longest].text) <= _SHORT or parts[longest].text.isidentifier():
                break
            name = self._names.new("step")
            self.lines.append(f"{name} = {parts[longest].text}")
            step = Code(name, truth=parts[longest].truth)
            parts = [step if number == longest else part for number, part in enumerate(parts)]
        return joined(parts)

    def _part(self, node: Node) -> Code:
        if node.kind == "number":
            return Code(number(int(node.value) if isinstance(node.value, bool) else node.value))
        if node.kind == "name":
            return Code(self._names.branch(node.value))
        if node.kind in ("element", "slice"):
            return self._of_list(node)
        if node.kind == "**":
            return self.shortened([self.code(part) for part in node.parts], _power)
        parts = [self.code(part) for part in node.parts]
        if node.kind == "choice" or node.value == "where":
            return self.shortened(parts, self._choice)
        if node.kind == "call":
            return self.shortened(parts, lambda codes: _call(node.value, codes))
        return self.shortened(parts, lambda codes: _single(node.kind, codes[0]))

    def _choice(self, parts: Sequence[Code]) -> Code:
        texts = [parts[0].text, *(_counted(part).text for part in parts[1:])]
        return Code(f"{'ak' if self._lists else 'np'}.where({', '.join(texts)})")

    def _of_list(self, node: Node) -> Code:
        of = self.code(node.parts[0])
        if node.kind == "slice":
            ends = [self._end(part) for part in node.parts[1:]]
            text = f":{' ' + ends[1] if ends[0] and ends[1] else ends[1]}"
            return Code(f"{_bound(of, _ATOM)}[:, {ends[0]}{' ' if ends[0] and ends[1] else ''}{text}]")
        index = self.code(node.parts[1])
        if index.truth:
            return Code(f"{_bound(of, _ATOM)}[{index.text}]")
        whole = index.text.lstrip("-").isdecimal()
        if not whole or node.parts[0].kind in ("element", "slice"):
            raise UserError(
                f"{self._text[:80]}: an element of an element, or by a number that is computed; train.py takes "
                "elements of lists by plain numbers"
            )
        return Code(f"element({of.text}, {index.text})")

    def _end(self, node: Node | None) -> str:
        return "" if node is None else self.code(node).text


def _arithmetic(sign: str, left: Code, right: Code) -> Code:
    tight = _BINARY[sign]
    left, right = _counted(left), _counted(right)
    if sign == "/" and _of_python(left) and _of_python(right) and not _POSITIVE.fullmatch(right.text):
        return Code(f"np.divide({left.text}, {right.text})")
    return Code(f"{_bound(left, tight)} {sign} {_bound(right, tight + 1)}", tight)


def _compared(sign: str, left: Code, right: Code) -> Code:
    return Code(f"{_bound(left, _COMPARED + 1)} {sign} {_bound(right, _COMPARED + 1)}", _COMPARED, True)


def _both(sign: str, left: Code, right: Code) -> Code:
    if left.truth and right.truth:
        tight = _BINARY[sign[0]]
        return Code(f"{_bound(left, tight)} {sign[0]} {_bound(right, tight + 1)}", tight, True)
    return Code(f"np.{'logical_and' if sign == '&&' else 'logical_or'}({left.text}, {right.text})", truth=True)


def _bits(sign: str, left: Code, right: Code) -> Code:
    if left.truth and right.truth:
        return _both(sign * 2, left, right)
    return _arithmetic(sign, left, right)


def _remainder(_: str, left: Code, right: Code) -> Code:
    """Of doubles, unless it is by a plain number: of whole numbers numpy gives 0 where nothing is defined."""
    left, right = _counted(left), _counted(right)
    if re.fullmatch(r"[1-9]\d*", right.text):
        return Code(f"np.fmod({left.text}, {right.text})")
    return Code(f"np.fmod(1.0 * {_bound(left, _TIMES + 1)}, {right.text})")


_JOINED: Mapping[str, Callable[[str, Code, Code], Code]] = {
    **dict.fromkeys(("+", "-", "*", "/", "<<", ">>"), _arithmetic),
    **dict.fromkeys(_COMPARISONS, _compared),
    **{"&&": _both, "||": _both, "&": _bits, "|": _bits, "%": _remainder},
}


def _join(sign: str, parts: Sequence[Code]) -> Code:
    return _JOINED[sign](sign, *parts)


def _power(parts: Sequence[Code]) -> Code:
    """A power of doubles: whole numbers to a negative power are none in numpy."""
    base, exponent = _counted(parts[0]), _counted(parts[1])
    raises = _of_python(base) and not _POSITIVE.fullmatch(base.text)
    if raises or not re.fullmatch(r"-?\d[\d.e+-]*", exponent.text):
        return Code(f"np.power(1.0 * {_bound(base, _TIMES + 1)}, {exponent.text})")
    sign = "**" if re.fullmatch(r"[\w.]+", base.text) else " ** "
    return Code(f"{_bound(base, _POWER + 1)}{sign}{float(exponent.text)!r}", _POWER)


def _single(sign: str, code: Code) -> Code:
    if sign == "!":
        if code.truth:
            return Code(f"np.logical_not({code.text})", truth=True)
        return Code(f"{_bound(code, _COMPARED + 1)} == 0", _COMPARED, True)
    code = _counted(code)
    return Code(f"{sign}{_bound(code, _UNARY)}", _UNARY)


def _call(name: str, parts: Sequence[Code]) -> Code:
    texts = [part.text for part in parts]
    if name in ("isnan", "isfinite"):
        return Code(f"np.{name}({texts[0]})", truth=True)
    if name in ("any", "all"):
        text = texts[0] if parts[0].truth else f"{_bound(parts[0], _COMPARED + 1)} != 0"
        return Code(f"ak.{name}({text}, axis=1)", truth=True)
    texts = [_counted(part).text for part in parts]
    if name in ("pow", "fmod"):
        return _power(parts) if name == "pow" else _remainder("%", *parts)
    if name in ("sum", "len"):
        return Code(f"ak.{'num' if name == 'len' else name}({texts[0]}, axis=1)")
    if name == "mean":
        return Code(f"np.nan_to_num(ak.mean({texts[0]}, axis=1))")
    if name in ("min", "max") and len(parts) == 1:
        return Code(f"ak.fill_none(ak.{name}({texts[0]}, axis=1), 0)")
    if name in ("min", "max"):
        text = texts[0]
        for other in texts[1:]:
            text = f"np.{name}imum({text}, {other})"
        return Code(text)
    return Code(f"np.{_NUMPY.get(name, name)}({', '.join(texts)})")
