"""The clock of latencies: what is timed is checked first, and no event is counted that was not computed."""

import numpy
import pytest

from tmva_bench.engines import latency, scoring, trees
from tmva_bench.engines.latency import Asked, Engine
from tmva_bench.engines.scoring import Dense, Forest, Scoring
from tmva_bench.errors import Unavailable, UserError
from tmva_bench.events import expressions

DRAW = numpy.random.default_rng(1)
SCORED = Scoring(
    ["a", "b"],
    [expressions.branch("a"), expressions.parse("variable", "b*2")],
    [
        Dense(DRAW.normal(size=(2, 5)), DRAW.normal(size=5), "tanh"),
        Dense(DRAW.normal(size=(5, 1)), numpy.zeros(1), "linear"),
    ],
    "sigmoid",
    "drawn",
)
EVENTS = scoring.drawn(SCORED.of_variables(), [(-1, 1)] * 2, 40)
EXPECTED = SCORED.of_variables().evaluate(EVENTS)


def engine(off=0.0):
    """An engine that counts its calls and the events of each, and gives scores that are off."""
    calls = []

    def call(x):
        calls.append(len(x))
        return SCORED.of_variables().evaluate(x) + off

    return Engine(latency._by_calls(call), "1"), calls


@pytest.mark.parametrize("batch", [1, 16, 40])
def test_each_call_has_as_many_events_as_told(batch, monkeypatch):
    monkeypatch.setattr(latency, "BLOCKS", 3)
    of_calls, calls = engine()
    timed = latency.measure(of_calls, EVENTS, EXPECTED, [batch])
    assert set(calls) == {batch}
    assert len(timed[batch].times) == 3 and min(timed[batch].times) > 0
    assert timed[batch].difference < 1e-15


def test_scores_of_another_network_are_not_timed():
    of_calls, _ = engine(off=1e-3)
    with pytest.raises(UserError, match=r"4 a call, differ by 1\.0e-03 .* not timed"):
        latency.measure(of_calls, EVENTS, EXPECTED, [4])


@pytest.mark.parametrize("name", ["products", "header", "onnxruntime"])
def test_engines_take_the_variables_computed(name, tmp_path, monkeypatch):
    monkeypatch.setattr(latency, "BLOCKS", 2)
    (tmp_path / "own").mkdir()
    built = latency.build(name, Asked(SCORED, [(-1, 1)] * 2, tmp_path / "own", "jax", [1, 16]))
    timed = latency.measure(built, EVENTS, EXPECTED, [1, 16])
    assert list(timed) == [1, 16] and built.scores == (name != "products")
    assert all(one.difference < 1e-6 for one in timed.values()) or name == "products"


def test_bare_products_are_those_of_the_layers():
    run = latency.build("products", Asked(SCORED, [], None, "", [1])).prepared(EVENTS, 40)
    first, second = (step.kernel for step in SCORED.steps)
    assert run()[0] == pytest.approx(EVENTS @ first @ second, abs=1e-5)


def test_boosted_trees_have_no_products_and_are_called_by_their_number():
    tree = trees.Tree(*(numpy.array(column) for column in ([-1], [0.0], [0], [0], [0.5])))
    scored = SCORED._replace(steps=[Forest(trees.Ensemble(0.0, [tree] * 3))], output="tanh")
    assert latency.network(scored) == "2 variables, 3 trees"
    assert scored.of_variables().evaluate(EVENTS) == pytest.approx(numpy.tanh(1.5))
    with pytest.raises(Unavailable, match="boosted trees are no products of matrices"):
        latency.build("products", Asked(scored, [], None, "", [1]))


def test_what_is_not_here_or_does_not_hold_the_network_is_unavailable(tmp_path, monkeypatch):
    asked = Asked(SCORED, [], tmp_path, "", [1])
    monkeypatch.setattr(latency.shutil, "which", lambda name: None)
    with pytest.raises(Unavailable, match=r"no g\+\+ here; install it"):
        latency.build("header", asked)
    monkeypatch.setitem(latency._ENGINES, "sofie", refused)
    with pytest.raises(Unavailable, match="a table look-up; export as header"):
        latency.build("sofie", asked)


def refused(asked):
    raise UserError("a table look-up; export as header")
