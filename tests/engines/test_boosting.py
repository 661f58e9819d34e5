"""Boosted trees: stopped by TMVA's rule, kept up to the best round, with the losses that the networks have."""

import importlib.util
import itertools
import sys

import numpy
import pytest
from classifiers import arrays
from hypothesis import given, settings
from hypothesis import strategies as st

from tmva_bench.engines import boosting, classifier, tmva_files
from tmva_bench.errors import TrainingFailed, Unavailable

FITTED, VALIDATION = arrays(800, 1), arrays(300, 2)
LIBRARIES = [
    pytest.param(name, marks=pytest.mark.skipif(not importlib.util.find_spec(name), reason="not here"))
    for name in boosting.LIBRARIES
]


def train(name, rate=0.3, rounds=60, patience=5, seed=1, fitted=FITTED, validation=VALIDATION):
    return boosting.LIBRARIES[name].fit(boosting.Settings(rate, rounds, patience, seed, 1), fitted, validation)


def direct_loss(scores, events):
    y, w = events.y[:, 0], events.w.astype(float)
    return float(numpy.mean(-w * numpy.log(numpy.where(y == 1, scores, 1 - scores))))


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.parametrize("patience", [1, 5])
def test_it_stops_after_more_rounds_than_the_patience_without_a_better_loss(name, patience):
    trained = train(name, patience=patience)
    losses = [epoch.validation_loss for epoch in trained.history]
    assert len(losses) < 60
    assert trained.best_round == 1 + losses.index(min(losses))
    assert len(losses) == trained.best_round + patience + 1
    best = itertools.accumulate(losses, min)
    assert all(losses[n] > low for n, low in enumerate(list(best)[:-1], 1) if n >= trained.best_round)


@pytest.mark.parametrize("name", LIBRARIES)
def test_no_more_rounds_than_allowed(name):
    trained = train(name, rate=0.01, rounds=3)
    assert [epoch.epoch for epoch in trained.history] == [1, 2, 3]
    assert trained.best_round == 3


@pytest.mark.parametrize("name", LIBRARIES)
def test_the_losses_are_those_of_the_scores_the_mean_over_events(name):
    trained = train(name)
    loss = trained.history[trained.best_round - 1]
    assert direct_loss(trained.score(VALIDATION.x), VALIDATION) == pytest.approx(trained.validation_loss, rel=1e-5)
    assert loss.validation_loss == trained.validation_loss
    assert direct_loss(trained.score(FITTED.x), FITTED) == pytest.approx(loss.training_loss, rel=1e-5)
    share = (FITTED.w * FITTED.y[:, 0]).sum() / FITTED.w.sum()
    assert direct_loss(numpy.full(len(VALIDATION.x), share), VALIDATION) == pytest.approx(trained.untrained_loss)


@pytest.mark.parametrize("name", LIBRARIES)
def test_weights_change_the_training_and_their_scale_does_not_change_the_scores(name):
    plain = train(name, rounds=10).score(VALIDATION.x)
    heavy = FITTED._replace(w=FITTED.w * numpy.where(FITTED.x[:, 0] > 0, 3, 1).astype(numpy.float32))
    assert numpy.abs(train(name, rounds=10, fitted=heavy).score(VALIDATION.x) - plain).max() > 0.01
    if name == "sklearn":  # XGBoost's own penalty and least sum in a leaf know of the scale
        scaled = FITTED._replace(w=FITTED.w * 8)
        assert train(name, rounds=10, fitted=scaled).score(VALIDATION.x) == pytest.approx(plain, abs=1e-6)


@pytest.mark.parametrize("name", LIBRARIES)
@settings(max_examples=4, deadline=None)
@given(seed=st.integers(1, 2**31 - 1))
def test_a_seed_gives_the_same_trees_again(name, seed):
    one, other = (train(name, rounds=5, seed=seed).score(VALIDATION.x) for _ in range(2))
    assert (one == other).all()


@pytest.mark.parametrize("name", LIBRARIES)
def test_the_log_has_a_line_a_round_that_the_reader_of_tmvas_table_reads(name, capfd):
    trained = train(name, rounds=7)
    lines = tmva_files.epoch_table(capfd.readouterr().out)
    assert [line.epoch for line in lines] == list(range(1, 8))
    assert [line.validation_loss for line in lines] == pytest.approx(
        [epoch.validation_loss for epoch in trained.history], rel=1e-5
    )
    assert all(epoch.real_time >= 0 and epoch.cpu_time >= 0 for epoch in trained.history)


def test_negative_weights_are_taken_by_scikit_learn():
    pytest.importorskip("sklearn")
    trained = train("sklearn", fitted=arrays(800, 1, negative=0.1))
    assert trained.validation_loss < 0.9 * trained.untrained_loss


def test_negative_weights_are_refused_by_xgboost_with_the_library_that_takes_them():
    pytest.importorskip("xgboost")
    for part in ("fitted", "validation"):
        with pytest.raises(TrainingFailed, match="no negative weights; take backend sklearn"):
            train("xgboost", **{part: arrays(300, 1, negative=0.1)})


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_class_without_weight_is_refused(name):
    with pytest.raises(TrainingFailed, match="positive sum of weights"):
        train(name, fitted=FITTED._replace(w=FITTED.w * FITTED.y[:, 0]))


@pytest.mark.parametrize(("name", "shown"), [("sklearn", "scikit-learn"), ("xgboost", "XGBoost")])
def test_a_library_that_is_not_installed_is_unavailable_with_its_cure(monkeypatch, name, shown):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(Unavailable, match=rf"no {shown} here .*pip install .*\[{name}\]") as error:
        boosting.LIBRARIES[name].load()
    assert "\n" not in str(error.value)


def test_a_scikit_learn_that_takes_no_validation_events_is_unavailable(monkeypatch):
    ensemble = pytest.importorskip("sklearn.ensemble")
    monkeypatch.setattr(ensemble.HistGradientBoostingClassifier, "fit", lambda self, X, y, sample_weight=None: self)
    with pytest.raises(Unavailable, match=r"take scikit-learn 1\.7"):
        train("sklearn")


@given(st.lists(st.floats(0.01, 0.99), min_size=1, max_size=20))
def test_the_cross_entropy_is_the_mean_over_events(scores):
    events = arrays(len(scores))
    assert classifier.cross_entropy(numpy.array(scores), events) == pytest.approx(
        direct_loss(numpy.array(scores), events)
    )
