"""Trees as numbers: those of scikit-learn give its scores, and what is no tree is refused."""

import json

import numpy
import pytest
from classifiers import arrays
from hypothesis import given, settings
from hypothesis import strategies as st

from tmva_bench.engines import boosting, trees
from tmva_bench.errors import UserError

pytest.importorskip("sklearn")


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 12), st.sampled_from([0.01, 0.1, 1.0]), st.sampled_from([0.0, 0.1]))
def test_stored_trees_give_the_scores_of_scikit_learn(tmp_path_factory, seed, rounds, rate, negative):
    fitted, validation = arrays(600, seed, negative), arrays(200, seed + 1)
    trained = boosting.by_sklearn(boosting.Settings(rate, rounds, 100, 1, 1), fitted, validation)
    folder = tmp_path_factory.mktemp("trees")
    trained.write(folder)
    ensemble = trees.read(folder / trees.FILE)
    assert len(ensemble.trees) == trained.best_round
    assert ensemble.leaves == trained.parameters
    for part in (fitted, validation):
        scores = trained.score(part.x)
        assert scores.dtype == float
        assert numpy.abs(ensemble.score(part.x) - scores).max() <= 1e-12


STUMP = {"feature": [0, -1, -1], "threshold": [0.5, 0, 0], "left": [1, 0, 0], "right": [2, 0, 0], "value": [0, -1, 2]}


def test_an_event_on_the_threshold_goes_to_the_left(tmp_path):
    (tmp_path / "t.json").write_text(json.dumps({"baseline": 0.25, "trees": [STUMP, STUMP]}))
    ensemble = trees.read(tmp_path / "t.json")
    scores = ensemble.score(numpy.array([[0.5], [0.6]]))
    assert scores == pytest.approx(1 / (1 + numpy.exp([1.75, -4.25])))
    assert ensemble.leaves == 4


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"baseline": 0}',
        '{"baseline": "x", "trees": []}',
        *(
            json.dumps({"baseline": 0, "trees": [{**STUMP, **change}]})
            for change in (
                {"left": [0, 0, 0]},
                {"right": [3, 0, 0]},
                {"left": [-1, 0, 0]},
                {"value": [0]},
                {"feature": []},
                {"feature": None},
                {"threshold": ["a", 0, 0]},
                {"feature": [[0], [-1], [-1]]},
                dict.fromkeys(STUMP, []),
            )
        ),
    ],
)
def test_what_is_no_tree_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "t.json"
    path.write_text(content)
    with pytest.raises(UserError, match="no trees that tmva-bench wrote") as error:
        trees.read(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UserError, match="No such file"):
        trees.read(tmp_path / "none.json")
