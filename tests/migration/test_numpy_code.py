import contextlib
import math

import awkward
import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tmva_bench.errors import UserError
from tmva_bench.events import expressions
from tmva_bench.migration import numpy_code

EVENTS = 40
RANDOM = numpy.random.default_rng(7)
FLAT = {
    "pt": RANDOM.exponential(30, EVENTS),
    "eta": RANDOM.normal(0, 2, EVENTS),
    "class": RANDOM.integers(-3, 4, EVENTS),
    "n": RANDOM.integers(0, 9, EVENTS),
    "jet.et": RANDOM.normal(5, 1, EVENTS),
    "np": RANDOM.uniform(-1, 1, EVENTS),
}
LISTS = {"Jet_pt": awkward.unflatten(RANDOM.exponential(20, 80), RANDOM.multinomial(80, [1 / EVENTS] * EVENTS))}
FUNCTIONS = ("sqrt", "abs", "TMath::Log", "cos", "atan2", "min", "pow", "TMath::Power", "isnan", "fmod", "exp", "max")
# What a script has beside numpy.
HELPERS = """
def element(values, number):
    chosen = ak.firsts(values[:, number : number + 1 or None])
    return ak.fill_none(chosen, 0).to_numpy()
"""


def computed(text: str, *, cut: bool = False) -> numpy.ndarray:
    """What the code of an expression gives."""
    expression = expressions.parse("variable", text)
    names = numpy_code.Names()
    if cut:
        lines = numpy_code.condition("result", expression, names, indent=0)
    else:
        lines = numpy_code.assigned("result =", expression, names, indent=0)
    space = {"np": numpy, "ak": awkward}
    exec(HELPERS, space)  # noqa: S102
    columns = {**FLAT, **LISTS}
    space.update({name: columns[branch] for branch, name in names.of_branch.items()})
    with numpy.errstate(all="ignore"):
        exec("\n".join(lines), space)  # noqa: S102
    return numpy.broadcast_to(numpy.asarray(space["result"]), EVENTS)


def expected(text: str) -> numpy.ndarray:
    value = expressions.evaluate("variable", expressions.parse("variable", text), {**FLAT, **LISTS}, EVENTS, pad=0)
    return numpy.broadcast_to(value.values, EVENTS)


@st.composite
def _texts(draw: st.DrawFn, depth: int = 4) -> str:
    if depth == 0 or draw(st.integers(0, 4)) == 0:
        number = st.sampled_from(["2", "0.5", "3.", "1e-3", "M_PI", "true", "7"])
        return draw(st.one_of(st.sampled_from(sorted(FLAT)), number))
    one = _texts(depth - 1)
    kind = draw(st.sampled_from(["joined", "joined", "joined", "call", "single", "power", "choice", "brackets"]))
    if kind == "joined":
        sign = draw(st.sampled_from(["+", "-", "*", "/", "%", "&&", "||", "<", "<=", ">", ">=", "==", "!="]))
        return f"({draw(one)}) {sign} ({draw(one)})" if sign[0] in "<>=!" else f"{draw(one)} {sign} ({draw(one)})"
    if kind == "call":
        name = draw(
            st.sampled_from(
                [
                    "sqrt",
                    "abs",
                    "TMath::Log",
                    "cos",
                    "atan2",
                    "min",
                    "pow",
                    "TMath::Power",
                    "isnan",
                    "fmod",
                    "exp",
                    "max",
                ]
            )
        )
        two = name in ("atan2", "min", "pow", "TMath::Power", "fmod", "max")
        return f"{name}({draw(one)}{f', {draw(one)}' if two else ''})"
    if kind == "single":
        return f"{draw(st.sampled_from('-+!'))}({draw(one)})"
    if kind == "power":
        return f"({draw(one)})^{draw(st.sampled_from(['2', '-1', '0.5', 'n', '(eta)']))}"
    if kind == "choice":
        return f"(({draw(one)}) ? ({draw(one)}) : ({draw(one)}))"
    return f"({draw(one)})"


@settings(max_examples=150, deadline=None)
@given(_texts())
def test_the_code_computes_what_the_expression_does(text: str) -> None:
    with contextlib.suppress(expressions.ExpressionError):
        theirs = expected(text)
        numpy.testing.assert_allclose(computed(text).astype(float), theirs.astype(float), rtol=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        "Jet_pt[0]",
        "Jet_pt[1] - Jet_pt[-1]",
        "Sum$(Jet_pt) / (1 + Length$(Jet_pt))",
        "Max$(Jet_pt) > 30 ? pt : n",
        "sum(Jet_pt[Jet_pt > 20])",
        "min(Jet_pt) + mean(Jet_pt[:2])",
        "any(Jet_pt > 40) + 2 * all(Jet_pt)",
        "sum(Jet_pt[1:])",
        "sum(Jet_pt[1:2])",
    ],
)
def test_lists(text: str) -> None:
    numpy.testing.assert_allclose(computed(text).astype(float), expected(text).astype(float), rtol=1e-12)


@pytest.mark.parametrize("text", ["pt > 20 && abs(eta) < 2.5 && n", "n", "0.4", "pt > 10 || Sum$(Jet_pt) > 20", "!n"])
def test_a_cut_is_passed_at_one_half(text: str) -> None:
    assert numpy.array_equal(computed(text, cut=True), expected(text).astype(float) >= 0.5)


def test_what_is_too_long_for_a_line_is_computed_in_steps() -> None:
    text = " + ".join(f"pt * cos(eta - {number}) * {number}" for number in range(60))
    lines = numpy_code.assigned("result =", expressions.parse("variable", text), numpy_code.Names())
    assert len(lines) > 10
    assert max(map(len, lines)) <= numpy_code.WIDTH
    numpy.testing.assert_allclose(computed(text), expected(text), rtol=1e-12)


def test_an_element_by_a_computed_number_is_refused() -> None:
    with pytest.raises(UserError, match="by plain numbers"):
        computed("Jet_pt[n]")


@given(st.text(max_size=30))
def test_a_text_is_quoted(text: str) -> None:
    assert eval(numpy_code.quoted(text)) == text  # noqa: S307


@given(st.one_of(st.floats(allow_nan=False), st.integers(-(2**62), 2**62)))
def test_a_number_is_written_out(value: float) -> None:
    assert eval(numpy_code.number(value), {"np": numpy}) == value  # noqa: S307
    assert math.isnan(eval(numpy_code.number(math.nan), {"np": numpy}))  # noqa: S307
