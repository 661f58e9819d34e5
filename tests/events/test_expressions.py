"""Expressions: read as C++ and Python write them, computed as numpy does; what is none is refused at its place."""

import math
import re

import awkward
import numpy
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tmva_bench.errors import UserError
from tmva_bench.events import expressions

EVENTS = 4
COLUMNS = {
    "x": numpy.array([1.5, -2.0, 0.0, 7.25]),
    "y": numpy.array([0.5, 3.0, -1.0, 2.0]),
    "n": numpy.array([3, -2, 0, 5]),
    "event": numpy.array([2**60 + 1, 2**60 + 2, 7, 8], numpy.uint64),
    "Jet_pt": awkward.Array([[50.0, 30.0, 10.0], [], [40.0], [20.0, 25.0]]),
    "Jet_eta": awkward.Array([[0.5, -3.0, 1.0], [], [2.5], [-1.0, 0.0]]),
    "Jet_id": awkward.Array([[1, 0, 2], [], [0], [1, 1]]),
    "fixed": numpy.arange(8.0).reshape(4, 2),
    "nested": awkward.Array([[[1, 2], [3]], [], [[4]], [[], [5]]]),
    "p.x": numpy.array([1.0, 2.0, 3.0, 4.0]),
}


def computed(text, pad=None):
    columns = {name: expressions.column(values) for name, values in COLUMNS.items()}
    return expressions.evaluate("cut", expressions.parse("cut", text), columns, EVENTS, pad)


def values(text, pad=None):
    found = computed(text, pad)
    assert found.missing is None or not found.missing.any()
    if isinstance(found.values, awkward.Array):
        return found.values.tolist()
    return numpy.broadcast_to(found.values, EVENTS).tolist()


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("1/2 + x", "x + 0.5"),
        ("2^3^2 + x", "x + 512"),
        ("-x**2", "-(x*x)"),
        ("x > 1 && y < 2 || n == 5", "(x > 1 and y < 2) or n == 5"),
        ("!(x > 1)", "not x > 1"),
        ("x > 1 & y < 2", "(x > 1) && (y < 2)"),
        ("x > 0 ? x : -x", "where(x > 0, x, -x)"),
        ("TMath::Abs(n) + std::fabs(x)", "abs(n) + fabs(x)"),
        ("TMath::Power(x, 2) + TMath::Sqrt(4)", "pow(x, 2) + 2"),
        ("M_PI", "TMath::Pi()"),
        ("Sum$(Jet_pt > 20)", "sum(Jet_pt[Jet_pt > 20] / Jet_pt[Jet_pt > 20])"),
        ("Length$(Jet_pt)", "len(Jet_pt)"),
        ("1.5f + 2u", "3.5"),
        ("0x10 + n", "n + 16"),
        ("p.x", "p.x*1."),
    ],
)
def test_spellings(text, same):
    assert values(text) == values(same)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("event % 2 == 0", [False, True, False, True]),
        ("n % 2", [1, 0, 0, 1]),
        ("-7 % 3 + 0*n", [-1] * EVENTS),
        ("(n > 0) + (x > 1)", [2, 0, 0, 2]),
        ("len(Jet_pt)", [3, 0, 1, 2]),
        ("sum(Jet_pt)", [90.0, 0.0, 40.0, 45.0]),
        ("sum(Jet_pt[abs(Jet_eta) < 2.4])", [60.0, 0.0, 0.0, 45.0]),
        ("any(Jet_pt > 45)", [True, False, False, False]),
        ("all(Jet_pt > 15)", [False, True, True, True]),
        ("Jet_pt[:2]", [[50.0, 30.0], [], [40.0], [20.0, 25.0]]),
        ("Jet_pt[Jet_id == 1]", [[50.0], [], [], [20.0, 25.0]]),
        ("Jet_pt * n", [[150.0, 90.0, 30.0], [], [0.0], [100.0, 125.0]]),
        ("fixed[1]", [1.0, 3.0, 5.0, 7.0]),
        ("sum(fixed)", [1.0, 5.0, 9.0, 13.0]),
        ("len(Jet_pt) > 0 && Jet_pt[0] > 30", [True, False, True, False]),
        ("len(Jet_pt) == 0 || Jet_pt[0] > 30", [True, True, True, False]),
        ("len(Jet_pt) > 0 ? Jet_pt[0] : -1", [50.0, -1.0, 40.0, 20.0]),
        ("max(x, y, 1)", [1.5, 3.0, 1.0, 7.25]),
    ],
)
def test_values(text, wanted):
    assert values(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Jet_pt[0]", [50.0, -9.0, 40.0, 20.0]),
        ("Jet_pt[1]", [30.0, -9.0, -9.0, 25.0]),
        ("Jet_pt[-1]", [10.0, -9.0, 40.0, 25.0]),
        ("max(Jet_pt)", [50.0, -9.0, 40.0, 25.0]),
        ("mean(Jet_pt)", [30.0, -9.0, 40.0, 22.5]),
        ("nested[0][0]", [1.0, -9.0, 4.0, -9.0]),
        ("Jet_pt[abs(Jet_eta) < 2.4][1]", [10.0, -9.0, -9.0, 25.0]),
        ("Jet_pt[len(Jet_pt) - 1]", [10.0, -9.0, 40.0, 25.0]),
        ("Jet_pt[Jet_id]", [[30.0, 50.0, 10.0], [], [40.0], [25.0, 25.0]]),
    ],
)
def test_what_is_not_there(text, wanted):
    assert values(text, -9.0) == wanted
    if wanted[1] == -9.0:
        missing = computed(text).missing
        assert missing.tolist() == [value == -9.0 for value in wanted]


def test_what_is_not_defined_is_nan_or_infinite():
    assert numpy.isnan(values("log(-1 - x*x)")).all()
    assert math.isinf(values("1/y/0")[0])
    assert numpy.isnan(values("n % 0")).all()
    assert values("10**400 + x") == [math.inf] * EVENTS
    assert values("event * event")[0] == pytest.approx(2.0**120)


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("", 0, "empty"),
        ("x +", 3, "missing at the end"),
        ("x = 3", 2, "`==` compares"),
        ("1 < x < 2", 6, "write a < b && b < c"),
        ("foo(x)", 0, "unknown function 'foo'"),
        ("sqtr(x)", 0, "did you mean 'sqrt'"),
        ("TMath::Sq(x)", 0, "write x * x"),
        ("Alt$(x[1], -1)", 0, "give pad what stands"),
        ("x@.size()", 1, "'@' is not understood; len(x) counts"),
        ("pow(x)", 0, "takes 2 arguments, not 1"),
        ("(x", 0, "not closed"),
        ("Jet_pt[0", 6, "not closed"),
        ("x)", 1, "not expected"),
        ("x ; y", 2, "not understood"),
        ("__import__('os')", 11, "not understood"),
        ("x ? 1", 2, "has no ':'"),
        ("(" * 60 + "x" + ")" * 60, 50, "nested more than 50"),
        ("x[0]", 1, "no array"),
        ("sum(x)", 0, "of a list"),
        ("Jet_pt + Jet_pt[1:]", 7, "different lengths"),
        ("x & 1", 2, "whole numbers"),
        ("Jet_pt[x]", 6, "whole number"),
    ],
)
def test_what_is_none_is_refused_at_its_place(text, place, reason):
    with pytest.raises(expressions.ExpressionError) as raised:
        values(text)
    shown, caret = raised.value.display
    assert reason in str(raised.value)
    assert caret.index("^") == place
    assert shown == text[: len(shown)]


def test_a_long_expression_is_shown_around_the_place():
    with pytest.raises(expressions.ExpressionError) as raised:
        expressions.parse("cut", "x + " * 500 + "?" + " + x" * 300)
    shown, caret = raised.value.display
    assert len(shown) <= 100
    assert shown[caret.index("^")] == "?"


def test_a_long_sum_is_no_deep_one():
    assert values("+".join(["1"] * 1500)) == [1500] * EVENTS


# Random expressions of numbers an event, and what numpy makes of the same text.
_LEAVES = st.sampled_from(["x", "y", "n", "1", "2.5", "0.5", "3"])
_NUMPY = {
    **{name: getattr(numpy, name) for name in ("sqrt", "exp", "log", "sin", "cosh", "hypot", "abs")},
    "where": numpy.where,
    "atan2": numpy.arctan2,
}


def _grown(parts):
    binary = st.tuples(parts, st.sampled_from(["+", "-", "*", "/"]), parts).map(lambda p: f"({p[0]} {p[1]} {p[2]})")
    single = st.tuples(st.sampled_from(["sqrt", "exp", "log", "sin", "cosh", "abs", "-"]), parts)
    double = st.tuples(st.sampled_from(["hypot", "atan2"]), parts, parts).map(lambda p: f"{p[0]}({p[1]}, {p[2]})")
    condition = st.tuples(parts, st.sampled_from(["<", ">", "<=", ">=", "==", "!="]), parts)
    choice = st.tuples(condition, parts, parts).map(lambda p: f"where({' '.join(p[0])}, {p[1]}, {p[2]})")
    return binary | single.map(lambda p: f"{p[0]}({p[1]})") | double | choice


@settings(max_examples=500, deadline=None)
@given(st.recursive(_LEAVES, _grown, max_leaves=12))
@example("atan2(-(n), y)")
def test_random_expressions_give_what_numpy_gives(text):
    # Whole numbers stay whole: -n is 0 where n is, and not the -0. that turns an angle round.
    names = {**_NUMPY, **{name: COLUMNS[name] for name in "xyn"}}
    with numpy.errstate(all="ignore"):
        numbers = re.sub(r"(?<![\w.])(\d+\.?\d*)", r"number(\1)", text)
        number = {"__builtins__": {}, "number": lambda value: numpy.asarray(value)[()]}
        wanted = numpy.broadcast_to(eval(numbers, number, names), EVENTS)
    numpy.testing.assert_allclose(values(text), wanted, rtol=1e-12)


_TOKENS = [
    "x",
    "Jet_pt",
    "Jet_id",
    "nested",
    "fixed",
    "n",
    "1",
    "2.5",
    "-1",
    "sum",
    "max",
    "len",
    "where",
    "any",
    "sqrt",
]
_SIGNS = [
    "(",
    ")",
    "[",
    "]",
    ",",
    "+",
    "-",
    "*",
    "/",
    "%",
    "^",
    "<",
    ">",
    "==",
    "&&",
    "||",
    "!",
    "not",
    "?",
    ":",
    "&",
    "<<",
]


@settings(max_examples=500, deadline=2000)
@given(st.lists(st.sampled_from([*_TOKENS, *_SIGNS]), max_size=14).map(" ".join) | st.text(max_size=30))
def test_any_text_gives_values_or_one_line(text):
    try:
        values_of = computed(text, 0.0)
    except KeyError as error:  # a name that no branch has; callers look names up first
        assert error.args[0] in expressions.parse("cut", text).names
    except UserError as error:
        assert str(error).isprintable()
        assert len(str(error)) < 400
    else:
        assert values_of.values is not None


def test_float32_branches_are_kept_by_themselves_and_computed_in_double_precision():
    single = numpy.float32([0.1, 3e30, 16777217])
    columns = {"x": expressions.column(single)}
    alone = expressions.evaluate("variable", expressions.parse("variable", "x"), columns, 3).values
    assert alone.dtype == numpy.float32
    squared = expressions.evaluate("variable", expressions.parse("variable", "x*x + 1"), columns, 3).values
    assert squared.tolist() == (single.astype(float) ** 2 + 1).tolist()


@pytest.mark.parametrize("kind", ["f2", "f4", ">f4", "f8", ">f8", "i1", "u2", ">i4", "i8", "u8", "bool"])
def test_numbers_an_event_are_taken_in_as_many_bits_as_they_need(kind):
    values = numpy.asarray([0, 1, 1, 0]).astype(kind)
    column = expressions.column(values)
    wanted = {"f": "f4" if kind in ("f4", ">f4") else "f8", "b": "?"}.get(values.dtype.kind, "i8")
    assert column.dtype == numpy.dtype(wanted)
    assert column.tolist() == values.tolist()
    if kind == "u8":
        assert expressions.column(values + numpy.uint64(2**63)).dtype == numpy.uint64
