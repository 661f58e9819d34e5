import re

import numpy
import pytest
from double import recordings
from hypothesis import given, settings
from hypothesis import strategies as st
from points import RECORDED, points, recorded

from tmva_bench.basis import config, mapping, parsing
from tmva_bench.engines import tmva_files

unhurried = settings(deadline=None)  # for a busy machine
TRAINED = [name for name in recordings.names() if " events for training and " in recordings.log(name)]
# What no point can say: widths and activations by layer, validation losses at every second epoch only.
BEYOND_A_POINT = {"dnn-all-activations", "dnn-relu-adam-dropout", "dnn-early-stop-every-2"}
PYKERAS = {
    "pykeras-seed-preset": {"max_epochs": 5, "convergence_steps": 99},
    "pykeras-one-logit": {"max_epochs": 5, "convergence_steps": 99},
    "pykeras-early-stop": {"transformations": "N", "max_epochs": 60, "convergence_steps": 2},
}


def as_written(options: str) -> str:
    """Options with the rate as Python writes it: the recorded bookings have 1e-4 where we write 0.0001."""
    return re.sub(r"(?<=LearningRate=)[^,]+", lambda rate: repr(float(rate[0])), options)


@pytest.mark.parametrize("name", RECORDED)
def test_booking_of_the_dnn_equals_the_recorded_one(name: str) -> None:
    booked = recordings.booking(name)
    assert mapping.dl_options(recorded(name), "cpu") == as_written(booked.options)
    assert mapping.split_options(recorded(name)) == booked.split


def test_every_recorded_dnn_that_a_point_can_express_is_compared() -> None:
    assert set(recordings.names("dnn-*")) == {name for name in RECORDED if name.startswith("dnn-")} | BEYOND_A_POINT


def test_booking_for_a_gpu_differs_in_the_architecture_alone() -> None:
    point = parsing.point({"neurons": 20, "max_epochs": 2})
    assert mapping.dl_options(point, "gpu") == recordings.booking("quiet-gpu-without-gpu").options


@pytest.mark.parametrize("name", PYKERAS)
def test_booking_of_pykeras_equals_the_recorded_one(name: str) -> None:
    options = mapping.pykeras_options(parsing.point(PYKERAS[name]), "model.h5", "trained.h5", tf_keras=True)
    assert options == recordings.booking(name).options


def test_tfkeras_is_said_only_where_needed() -> None:
    point = parsing.point()
    assert mapping.pykeras_options(point, "a", "b", tf_keras=True) == (
        mapping.pykeras_options(point, "a", "b", tf_keras=False) + ":tfkeras"
    )


def test_the_dnn_stops_one_epoch_later_than_pykeras_with_the_same_number() -> None:
    """Both were booked with 3."""
    log = recordings.log("dnn-early-stop")
    assert "ConvergenceSteps=3," in recordings.booking("dnn-early-stop").options
    assert len(tmva_files.epoch_table(log)) - tmva_files.best_epoch(log) == 3 + 1

    log = recordings.log("pykeras-early-stop")
    assert "TriesEarlyStopping=3:" in recordings.booking("pykeras-early-stop").options
    improved = [int(epoch) for epoch in re.findall(r"Epoch (\d+): val_loss improved", log)]
    [stopped] = re.findall(r"Epoch (\d+): early stopping", log)
    assert int(stopped) - improved[-1] == 3


@pytest.mark.parametrize("name", TRAINED)
def test_validation_events_are_as_many_as_in_the_log(name: str) -> None:
    [(training, validation)] = re.findall(
        r"Using (\d+) events for training and (\d+) for testing", recordings.log(name)
    )
    events = int(training) + int(validation)
    assert recordings.booking(name).options.endswith(f"ValidationSize={mapping.validation_percent(config.Point())}")
    assert mapping.training(config.Point()).validation_events(events) == int(validation)


@unhurried
@given(st.integers(1, 10**7), st.integers(1, 99))
def test_validation_events_are_the_percentage_rounded_down(events: int, percent: int) -> None:
    point = parsing.point({"validation_fraction": percent / 100})
    assert mapping.validation_percent(point) == f"{percent}%"
    assert mapping.training(point).validation_events(events) in (events * percent // 100, (events * percent - 1) // 100)


@unhurried
@given(points(), st.integers(0, 10**6))
def test_validation_events_are_a_part_of_the_events(point: config.Point, events: int) -> None:
    validation = mapping.training(point).validation_events(events)
    assert 0 <= validation <= events
    assert abs(validation - point.validation_fraction * events) <= 1 + 1e-9 * events


@unhurried
@given(points())
def test_layout_has_an_entry_a_layer(point: config.Point) -> None:
    *hidden, last = mapping.layout(point).split(",")
    assert hidden == [f"{point.activation.upper()}|{point.neurons}"] * point.layers
    assert last == ("LINEAR" if point.loss == "cross_entropy" else point.last_activation.upper())


@unhurried
@given(points())
def test_dropout_is_at_the_input_of_every_layer_but_the_first(point: config.Point) -> None:
    drop = mapping.drop_probabilities(point)
    if point.dropout == 0:
        assert drop == []
    else:
        assert drop[0] == 0
        assert drop[1:] == [point.dropout] * point.layers


def test_dropout_is_written_as_in_the_recorded_booking() -> None:
    point = parsing.point({"layers": 2, "dropout": 0.2})
    assert ",DropConfig=0.0+0.2+0.2:" in recordings.booking("dnn-relu-adam-dropout").options
    assert mapping.training_strategy(point).endswith(",DropConfig=0.0+0.2+0.2")


@unhurried
@given(points())
def test_strategy_is_one_phase_that_reads_back_to_the_point(point: config.Point) -> None:
    strategy = mapping.training_strategy(point)
    assert "|" not in strategy
    said = dict(pair.split("=") for pair in strategy.split(","))
    assert float(said["LearningRate"]) == point.learning_rate
    assert float(said["Momentum"]) == point.momentum
    assert float(said["WeightDecay"]) == point.weight_decay
    assert int(said["ConvergenceSteps"]) == point.convergence_steps
    assert int(said["BatchSize"]) == point.batch_size
    assert int(said["MaxEpochs"]) == point.max_epochs
    assert said["TestRepetitions"] == "1"
    assert said["Optimizer"] in ("SGD", "ADAM", "RMSPROP", "ADAGRAD", "ADADELTA")
    assert said["Regularization"] in ("None", "L1", "L2")
    assert [float(p) for p in said["DropConfig"].split("+")] == (mapping.drop_probabilities(point) or [0.0])


@unhurried
@given(points())
def test_no_value_breaks_an_option_string(point: config.Point) -> None:
    """TMVA splits options at colons, and each at its first equal sign."""
    names = [option.split("=")[0] for option in mapping.dl_options(point, "cpu").split(":")]
    assert names == [
        *("!H", "!V", "ErrorStrategy", "VarTransform", "WeightInitialization", "Layout", "TrainingStrategy"),
        *("Architecture", "RandomSeed", "ValidationSize"),
    ]
    names = [
        option.split("=")[0] for option in mapping.pykeras_options(point, "a.h5", "b.h5", tf_keras=False).split(":")
    ]
    assert names == [
        *("!H", "!V", "VarTransform", "FilenameModel", "FilenameTrainedModel", "NumEpochs", "BatchSize"),
        *("ValidationSize", "SaveBestOnly", "TriesEarlyStopping"),
    ]


def test_identity_chain_is_tmvas_none() -> None:
    assert ":VarTransform=None:" in mapping.dl_options(parsing.point({"transformations": "I"}), "cpu")
    assert ":VarTransform=N,D:" in mapping.dl_options(parsing.point({"transformations": "N,I,D"}), "cpu")


@pytest.mark.parametrize(
    ("initializer", "sigma"),
    [
        ("gauss", (2 / 4) ** 0.5),
        ("xavier", (6 / 12) ** 0.5 * 0.87962566),
        ("xavier_uniform", (2 / 12) ** 0.5),
        ("uniform", (2 / 4 / 3) ** 0.5),
    ],
)
def test_keras_initializer_has_tmvas_spread(initializer: str, sigma: float) -> None:
    """VarianceScaling: variance = scale / n, n inputs or the mean of inputs and outputs; here 4 and 8."""
    wanted = mapping.initializer(parsing.point({"initializer": initializer}))
    assert wanted.name == "VarianceScaling"
    n = {"fan_in": 4, "fan_avg": 6}[wanted.arguments["mode"]]
    assert numpy.isclose((wanted.arguments["scale"] / n) ** 0.5, sigma)


@unhurried
@given(points())
def test_keras_objects_exist_for_every_point(point: config.Point) -> None:
    optimizer = mapping.optimizer(point)
    assert optimizer.name.lower() == point.optimizer
    assert optimizer.arguments["learning_rate"] == point.learning_rate
    assert ("momentum" in optimizer.arguments) == (point.optimizer == "sgd")
    assert mapping.initializer(point).name in ("VarianceScaling", "Zeros", "Identity")
