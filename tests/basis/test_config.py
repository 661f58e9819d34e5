import dataclasses
import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from points import points, values

from tmva_bench.basis import config, parsing
from tmva_bench.errors import UserError

unhurried = settings(deadline=None)  # for a busy machine
CODED = {
    "activation": config.ACTIVATIONS,
    "last_activation": config.ACTIVATIONS,
    "initializer": config.INITIALIZERS,
    "loss": config.LOSSES,
}
# The study's table: what its integer codes stand for.
STUDY = {
    "activation": ["linear", "relu", "tanh", "sigmoid", "softsign", "symmrelu", "gauss"],
    "initializer": ["gauss", "xavier", "xavier_uniform", "uniform", "zero", "identity"],
    "loss": ["cross_entropy", "sum_of_squares", "mutual_exclusive"],
}


def test_every_parameter_of_a_point_is_described_and_the_other_way_round() -> None:
    assert [field.name for field in dataclasses.fields(config.Point)] == list(config.PARAMETERS)
    for field in dataclasses.fields(config.Point):
        assert type(field.default) is config.PARAMETERS[field.name].type, field.name


def test_defaults_are_a_valid_point() -> None:
    assert parsing.point() == config.Point()
    assert parsing.point(dataclasses.asdict(config.Point())) == config.Point()


@pytest.mark.parametrize("name", config.PARAMETERS)
def test_every_valid_value_parses_to_itself(name: str) -> None:
    @unhurried
    @given(values(name))
    def check(value: int | float | str) -> None:
        parsed = parsing.parse_value(name, value)
        assert parsed == value
        assert type(parsed) is config.PARAMETERS[name].type
        assert parsing.parse_value(name, str(value)) == value

    check()


@unhurried
@given(points())
def test_every_valid_point_is_read_back_from_its_values(point: config.Point) -> None:
    assert parsing.point(dataclasses.asdict(point)) == point


@pytest.mark.parametrize(("name", "names"), STUDY.items())
def test_codes_are_those_of_the_study(name: str, names: list[str]) -> None:
    assert [parsing.parse_value(name, code) for code in range(len(names))] == names
    assert [parsing.parse_value(name, f" {code} ") for code in range(len(names))] == names


@pytest.mark.parametrize(("name", "names"), CODED.items())
def test_names_are_read_in_any_case_and_with_dashes(name: str, names: tuple[str, ...]) -> None:
    for value in names:
        assert parsing.parse_value(name, value.upper().replace("_", "-")) == value


@pytest.mark.parametrize("name", CODED)
def test_unknown_code_lists_the_known_ones(name: str) -> None:
    with pytest.raises(UserError, match=re.escape(f"{name} = 9: no such code (known: 0 {CODED[name][0]}, 1 ")):
        parsing.parse_value(name, 9)


def test_codes_are_for_the_studys_parameters_only() -> None:
    with pytest.raises(UserError, match="unknown optimizer '1'"):
        parsing.parse_value("optimizer", 1)


@pytest.mark.parametrize(
    ("name", "value", "near"),
    [
        ("activation", "tahn", "tanh"),
        ("initializer", "xavier-unifrom", "xavier_uniform"),
        ("loss", "crossentropy", "cross_entropy"),
        ("optimizer", "adm", "adam"),
        ("initializer", "XAVIERUNIFORM", "xavier_uniform"),
        ("loss", "SUMOFSQUARES", "sum_of_squares"),
    ],
)
def test_near_miss_of_a_name_is_offered(name: str, value: str, near: str) -> None:
    with pytest.raises(UserError, match=re.escape(f"unknown {name} {value!r}; did you mean {near!r}? (known: ")):
        parsing.parse_value(name, value)


def test_near_miss_of_a_parameter_or_preset_is_offered() -> None:
    with pytest.raises(UserError, match=r"unknown parameter 'neuron'; did you mean 'neurons'\?"):
        parsing.point({"neuron": 5})
    with pytest.raises(UserError, match=r"unknown preset 'sed'; did you mean 'seed'\?"):
        parsing.point(preset="sed")
    with pytest.raises(UserError, match=r"unknown transformation 'd'; did you mean 'D'\?"):
        parsing.point({"transformations": "N,d"})


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("neurons", 0, "neurons = 0: must be at least 1"),
        ("layers", -1, "layers = -1: must be at least 0"),
        ("learning_rate", 0, "learning_rate = 0: must be above 0"),
        ("learning_rate", "-0.1", "learning_rate = -0.1: must be above 0"),
        ("momentum", 1, "momentum = 1: must be at least 0 and below 1"),
        ("dropout", "1", "dropout = 1: must be at least 0 and below 1"),
        ("validation_fraction", 0, "validation_fraction = 0: must be above 0 and below 1"),
        ("validation_fraction", 1, "validation_fraction = 1: must be above 0 and below 1"),
        ("weight_decay", -1e-9, "weight_decay = -1e-09: must be at least 0"),
        ("seed", 0, "seed = 0: must be at least 1"),
        ("batch_size", "12.5", "batch_size = '12.5': not a whole number up to 2147483647"),
        ("batch_size", "many", "batch_size = 'many': not a whole number up to 2147483647"),
        ("max_epochs", 2**31, "max_epochs = 2147483648: not a whole number up to 2147483647"),
        ("max_epochs", 10**400, "not a whole number up to 2147483647"),
        ("max_epochs", math.inf, "max_epochs = inf: not a whole number up to 2147483647"),
        ("max_epochs", math.nan, "max_epochs = nan: not a whole number up to 2147483647"),
        ("neurons", True, "neurons = True: not a whole number up to 2147483647"),
        ("neurons", None, "neurons = None: not a whole number up to 2147483647"),
        ("neurons", [5], "neurons = [5]: not a whole number up to 2147483647"),
        ("learning_rate", "fast", "learning_rate = 'fast': not a finite number"),
        ("learning_rate", "inf", "learning_rate = 'inf': not a finite number"),
        ("dropout", math.nan, "dropout = nan: not a finite number"),
        ("activation", None, "activation = None: not a text"),
        ("activation", True, "activation = True: not a text"),
        ("activation", 2.0, "activation = 2.0: not a text"),
        ("activation", "²", "unknown activation '²'"),
        ("transformations", ["N", "D"], "transformations = ['N', 'D']: not a text"),
        ("transformations", "", "unknown transformation ''"),
        ("transformations", "N,,D", "unknown transformation ''"),
        ("transformations", "N;D", "unknown transformation 'N;D'"),
        ("transformations", "N(var1,var2)", "unknown transformation 'N(var1,var2)'"),
        ("transformations", "N,A", "'A' is no autoencoder; write it as A(k=3)"),
        ("transformations", "A(k=3", "'A(k=3' is no autoencoder"),
        ("transformations", "A(k=3)x", "'A(k=3)x' is no autoencoder"),
        ("transformations", "A()", "'A()' has no k"),
        ("transformations", "A(k=0)", "k = 0: must be a whole number of at least 1"),
        ("transformations", "A(k=3)_signal", "unknown class 'signal'; did you mean 'Signal'"),
        ("transformations", "A(k=3:Layout=TANH|3,LINEAR)", "no bottleneck"),
        ("transformations", "A(k=3:Tied=maybe)", "Tied = maybe"),
        ("transformations", "A(k=3:Backend=jx)", "unknown Backend 'jx'; did you mean 'jax'"),
        ("transformations", "A(k=3),A(k=2)", "two autoencoders; one stands in a chain"),
        ("transformations", "G,A(k=3)", "G cannot be inverted exactly"),
        ("transformations", "N_Signal", "the class suffix of 'N_Signal' is lost when TMVA reads the method back"),
        ("transformations", "N,D_Background", "use 'D', which takes the events of all classes"),
    ],
)
def test_impossible_value_is_named_with_what_is_allowed(name: str, value: object, text: str) -> None:
    with pytest.raises(UserError, match=re.escape(text)) as caught:
        parsing.point({name: value})
    assert "\n" not in str(caught.value)


@unhurried
@given(
    st.sampled_from(list(config.PARAMETERS)), st.one_of(st.text(), st.integers(), st.floats(), st.none(), st.booleans())
)
def test_whatever_is_written_is_read_or_refused_in_one_line(name: str, value: object) -> None:
    try:
        parsed = parsing.parse_value(name, value)
    except UserError as error:
        assert name.rstrip("s") in str(error)
    else:
        assert parsing.parse_value(name, parsed) == parsed


def test_whole_numbers_may_be_written_as_floats() -> None:
    assert parsing.parse_value("train_signal", "5e4") == parsing.parse_value("train_signal", 50000.0) == 50000
    assert isinstance(parsing.parse_value("train_signal", "5e4"), int)


@pytest.mark.parametrize(
    ("given_values", "text"),
    [
        ({"loss": "mutual_exclusive"}, "loss = mutual_exclusive: needs one output a class"),
        ({"loss": 2}, "use cross_entropy, which is the same loss for two classes"),
        (
            {"last_activation": "tanh"},
            "last_activation = tanh does not belong to loss = cross_entropy; use sigmoid",
        ),
        ({"last_activation": 0}, "last_activation = linear does not belong to loss = cross_entropy; use sigmoid"),
        (
            {"loss": "sum_of_squares", "last_activation": "relu"},
            "last_activation = relu does not belong to loss = sum_of_squares; use sigmoid or linear",
        ),
        ({"optimizer": "adam", "momentum": 0.9}, "momentum = 0.9: optimizer adam has none; use sgd or momentum 0"),
        ({"weight_decay": 0.01}, "weight_decay = 0.01: has no effect with regularization none; use l1 or l2"),
    ],
)
def test_values_that_do_not_belong_together(given_values: dict[str, object], text: str) -> None:
    with pytest.raises(UserError, match=re.escape(text)):
        parsing.point(given_values)


def test_values_that_do_belong_together() -> None:
    assert parsing.point({"loss": "sum_of_squares", "last_activation": "linear"}).last_activation == "linear"
    assert parsing.point({"momentum": 0.9}).momentum == 0.9
    assert parsing.point({"regularization": "l1", "weight_decay": 0.01}).weight_decay == 0.01


@pytest.mark.parametrize("optimizer", config.OPTIMIZERS)
def test_learning_rate_is_the_optimizers_own_unless_given(optimizer: str) -> None:
    assert parsing.point({"optimizer": optimizer}).learning_rate == config.LEARNING_RATES[optimizer]
    assert parsing.point({"optimizer": optimizer}, preset="seed").learning_rate == config.LEARNING_RATES[optimizer]
    assert parsing.point({"optimizer": optimizer, "learning_rate": 0.02}).learning_rate == 0.02


def test_preset_is_the_slides_table() -> None:
    point = parsing.point(preset="seed")
    assert dataclasses.asdict(point) == {
        "neurons": 100,
        "layers": 3,
        "activation": "tanh",
        "last_activation": "sigmoid",
        "initializer": "xavier",
        "loss": "cross_entropy",
        "optimizer": "sgd",
        "learning_rate": 0.1,
        "momentum": 0.0,
        "batch_size": 128,
        "convergence_steps": 100,
        "max_epochs": 200,
        "validation_fraction": 0.2,
        "dropout": 0.0,
        "regularization": "none",
        "weight_decay": 0.0,
        "transformations": "N,D",
        "norm_mode": "equal_num_events",
        "factory_string": "!V:!Silent:Color:DrawProgressBar:Transformations=I:AnalysisType=Classification",
        "start": "tmva",
        "dropout_rule": "keras",
        "execution": "batch",
        "feeding": "array",
        "seed": 1,
        "split_seed": 100,
        "train_signal": 50000,
        "train_background": 50000,
        "test_signal": 100000,
        "test_background": 100000,
    }
    counts = dict.fromkeys(config.COUNTS, 0)
    assert dataclasses.replace(point, factory_string=config.Point().factory_string, **counts) == config.Point()


def test_given_values_lie_over_the_preset() -> None:
    point = parsing.point({"neurons": "20", "test_signal": 0}, preset="seed")
    assert (point.neurons, point.test_signal, point.test_background) == (20, 0, 100000)


def test_chain_leaves_the_identity_out() -> None:
    assert parsing.point({"transformations": "I"}).chain == []
    assert parsing.point({"transformations": " N , I,D"}).chain == ["N", "D"]


@pytest.mark.parametrize(
    ("text", "written", "encoding", "chain"),
    [
        ("N,D", "N,D", [], ["N", "D"]),
        (" N, DAE( k=3 ) ,I, D", "N,A(k=3),I,D", ["N", "A(k=3)"], ["D"]),
        ("Autoencoder(k=2)_AllClasses", "A(k=2)", ["A(k=2)"], []),
        ("A(k=2:Backend=tensorflow)_Signal,G", "A(k=2)_Signal,G", ["A(k=2)_Signal"], ["G"]),
        (
            "P,A(k=2: Tied :!Pretraining:Layout=TANH|9,TANH|k,TANH|9,LINEAR:Backend=jax),U",
            "P,A(k=2:Tied:!Pretraining:Layout=TANH|9,TANH|k,TANH|9,LINEAR:Backend=jax),U",
            ["P", "A(k=2:Tied:!Pretraining:Layout=TANH|9,TANH|k,TANH|9,LINEAR:Backend=jax)"],
            ["U"],
        ),
    ],
)
def test_an_autoencoder_in_a_chain(text, written, encoding, chain):
    point = parsing.point({"transformations": text})
    assert (point.transformations, point.encoding, point.chain) == (written, encoding, chain)
    assert parsing.point({"transformations": written}) == point
    assert parsing.point().chain == ["N", "D"]
