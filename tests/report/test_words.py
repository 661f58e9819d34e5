"""The functions of the page's script that need no page, run without a browser."""

import itertools
import math
from importlib import resources

import pytest
from hypothesis import given, strategies

py_mini_racer = pytest.importorskip("py_mini_racer", reason="needs mini-racer, of the extra test")
SCRIPT = resources.files("tmva_bench.report").joinpath("page_files", "words.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def call():
    """Calls a function of the script; what it gives back as JSON would have it."""
    with py_mini_racer.MiniRacer() as context:
        context.eval(SCRIPT)
        yield context.call


@pytest.mark.parametrize(
    ("text", "shown"),
    [("<b>&amp;", "&lt;b&gt;&amp;amp;"), ("plain", "plain"), (5, "5"), ("<<", "&lt;&lt;")],
)
def test_names_from_outside_are_read_as_they_stand(call, text, shown):
    assert call("plain", text) == shown


def test_numbers_in_words(call):
    assert [call("number", value) for value in (0.123456, 1e6, None, 0)] == ["0.1235", "1000000", "-", "0"]
    assert call("number", 0.123456, 2) == "0.12"
    assert call("unit", "real time, training [s]") == "[s]"
    assert call("unit", "ROC area") == ""


def test_texts_sort_by_their_numbers_then_by_their_letters(call):
    ordered = ["2 s", "10 s", "A(k=4)", "A(k=14)", "b"]
    for n, one in enumerate(ordered):
        assert call("inOrder", one, one) == 0
        for other in ordered[n + 1 :]:
            assert call("inOrder", one, other) < 0 < call("inOrder", other, one)


def test_a_legend_has_as_many_rows_as_its_names_need(call):
    assert call("legendRows", [], 500) == 0
    assert call("legendRows", ["keras"], 10) == 1  # a name has a row, however narrow it is
    rows = [call("legendRows", ["keras jax sgd"] * n, 500) for n in range(1, 20)]
    assert rows == sorted(rows)
    assert rows[-1] > rows[0] == 1


def test_edges_of_equal_bins(call):
    assert call("edges", {"range": [0, 1], "test_signal": [1, 2, 3, 4]}) == [0, 0.25, 0.5, 0.75, 1]


@given(counts=strategies.lists(strategies.integers(0, 1000), min_size=1, max_size=40).filter(any))
def test_what_passes_a_cut_on_a_histogram(call, counts):
    shares = call("passing", counts)
    above = [sum(counts[n:]) / sum(counts) for n in range(len(counts) + 1)]
    assert shares == pytest.approx(above)
    assert all(0 <= later <= earlier <= 1 for earlier, later in itertools.pairwise(shares))


@pytest.mark.parametrize(("signal", "background"), [(1000, 1000), (10, 1e6), (0, 5)])
def test_purity_and_significance_of_a_cut(call, signal, background):
    shares = [(1.0, 1.0), (0.75, 0.25), (0.0, 0.0)]
    found = call("cuts", signal, [s for s, _ in shares], background, [b for _, b in shares])
    for n, (s, b) in enumerate(shares):
        kept, all_left = signal * s, signal * s + background * b
        assert found["purity"][n] == (pytest.approx(kept / all_left) if all_left else None)
        assert found["significance"][n] == (pytest.approx(kept / math.sqrt(all_left)) if all_left else None)
