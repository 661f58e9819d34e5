"""What makes a result doubtful, whichever method it is of."""

import math

import pytest
from double import recordings
from hypothesis import given
from hypothesis import strategies as st
from made_up_rows import row

from tmva_bench.engines import tmva_files
from tmva_bench.results import doubts, naming
from tmva_bench.results.rows import History

TRAINED = [name for name in recordings.names("*") if tmva_files.epoch_table(recordings.log(name))]
SOUND = {"roc_auc": 0.8, "roc_auc_error": 0.01}


def history(losses, training=None):
    training = losses if training is None else training
    return History(epoch=list(range(1, len(losses) + 1)), validation_loss=losses, training_loss=training)


def kinds(losses, curve_fall=0.0, training=None, **values):
    return doubts.of(row(**{**SOUND, "validation_loss": min(losses), **values}), history(losses, training), curve_fall)


@pytest.mark.parametrize("name", TRAINED)
def test_recorded_trainings_of_tmva_moved(name):
    """TMVA tells no untrained loss; one epoch alone tells nothing."""
    table = tmva_files.epoch_table(recordings.log(name))
    validation = [epoch.validation_loss for epoch in table]
    if math.isfinite(validation[0]):
        assert kinds(validation, training=[epoch.training_loss for epoch in table]) == []


@given(st.floats(1e-12, 1e6), st.integers(2, 20), st.booleans())
def test_a_loss_that_stays_has_hardly_moved_at_any_scale(scale, epochs, told):
    """As weights of 1e-7 leave it: every epoch takes off a millionth."""
    losses = [scale * (0.75 - 1e-6 * epoch) for epoch in range(1, epochs + 1)]
    untrained = 0.75 * scale if told else math.nan
    assert kinds(losses, untrained_loss=untrained) == [doubts.HARDLY_MOVED]


@given(st.floats(1e-12, 1e6), st.floats(0.02, 0.9), st.booleans())
def test_a_loss_that_falls_has_moved(scale, fall, told):
    losses = [scale * 0.75 * (1 - fall * epoch / 3) for epoch in range(1, 4)]
    assert kinds(losses, untrained_loss=0.75 * scale if told else math.nan) == []


def test_a_training_that_was_done_after_one_epoch_has_moved():
    assert kinds([0.3801, 0.3800, 0.3799], training=[0.42, 0.385, 0.384]) == []
    assert kinds([0.3801, 0.3800, 0.3799], untrained_loss=0.7) == []


def test_an_area_below_one_half_by_more_than_its_error():
    assert kinds([0.6, 0.5], roc_auc=0.48) == [doubts.BELOW_HALF]
    assert kinds([0.6, 0.5], roc_auc=0.495) == []
    assert kinds([0.6, 0.5], roc_auc=0.2, roc_auc_error=math.nan) == []


@pytest.mark.parametrize("area", [-0.1, 1.8])
def test_an_area_that_is_no_probability(area):
    assert kinds([0.6, -0.5], 0.3, roc_auc=area) == [doubts.NEGATIVE_LOSS, doubts.OUTSIDE]
    assert kinds([0.6, 0.5], 0.3) == [doubts.FALLING_CURVE]


def test_a_kind_is_one_line_with_its_series():
    texts = [doubts.HARDLY_MOVED, doubts.NEGATIVE_LOSS, doubts.BELOW_HALF, doubts.OUTSIDE, doubts.FALLING_CURVE]
    assert not [text for text in texts if doubts.SEPARATOR in text]
    rows = [row(warnings=doubts.SEPARATOR.join(texts[:2])), row(backend="torch", warnings=texts[0]), row(warnings="")]
    assert naming.warnings(rows) == [
        f"warning: {texts[0]}: keras jax sgd, keras torch sgd",
        f"warning: {texts[1]}: keras jax sgd",
    ]


def test_what_the_clocks_hold():
    rows = [
        row(),
        row(backend="theano"),
        row(method="pykeras", backend="theano"),
        row(method="tmva-dnn", backend="tmva"),
        row(backend="torch", status="failed"),
    ]
    assert naming.clocks(rows) == [
        "compilation in the times of training and fit: inside for keras jax, pykeras theano; outside for keras theano; "
        "none for tmva-dnn; real_time_epochs is without it for all"
    ]
    assert naming.clocks(rows[-1:]) == []


def test_times_of_compiling_that_are_those_of_reading_are_told():
    rows = [row(execution="epoch", compilation=state) for state in ("fresh", "kept", "kept")]
    text = "compilation in the times of training and fit: outside for {}; real_time_epochs is without it for all"
    assert naming.clocks(rows) == [text.format("keras jax epoch (kept from an earlier run in 2 of 3)")]
    assert naming.clocks(rows[:1]) == [text.format("keras jax epoch")]
