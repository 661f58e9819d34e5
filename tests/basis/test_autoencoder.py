"""The autoencoder's specification: what its options say, and one clear line for what they cannot."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmva_bench.basis import autoencoder, config
from tmva_bench.errors import UserError


def test_defaults():
    specification = autoencoder.specification("3", {})
    assert (specification.widths, specification.bottleneck) == ((20, 3, 20), 1)
    assert specification.activations == ("tanh", "tanh", "tanh", "linear")
    assert (specification.chain, specification.event_class, specification.corruption) == (("N",), "AllClasses", 0.0)
    training = specification.training(variables=5)
    assert (training.widths, training.loss, training.phases[0].optimizer) == ((20, 3, 20, 5), "sum_of_squares", "adam")
    assert training.validation_events(1000) == 200


def test_options_are_spelled_as_tmvas():
    specification = autoencoder.specification(
        2,
        {
            "Layout": "RELU|50, TANH|10,LINEAR|k,TANH|10,RELU|50,SIGMOID",
            "TrainingStrategy": "learningrate=0.05,Momentum=0.9,Optimizer=SGD,MaxEpochs=7,Corruption=0.25,Noise=GAUSS",
            "WeightInitialization": "XAVIERUNIFORM",
            "Tied": "True",
        },
        transformations="N,P",
        event_class="Background",
    )
    assert specification.widths == (50, 10, 2, 10, 50)
    assert specification.activations == ("relu", "tanh", "linear", "tanh", "relu", "sigmoid")
    phase = specification.phase
    assert (phase.optimizer, phase.learning_rate, phase.momentum, phase.max_epochs) == ("sgd", 0.05, 0.9, 7)
    assert (specification.corruption, specification.noise, specification.tied, specification.initializer) == (
        0.25,
        "GAUSS",
        True,
        "xavier_uniform",
    )
    assert [level.widths for level in specification.levels(4)] == [(50, 4), (10, 50), (2, 10)]
    assert [level.activations for level in specification.levels(4)] == [
        ("relu", "sigmoid"),
        ("tanh", "relu"),
        ("linear", "tanh"),
    ]


def test_optimizers_have_rates_of_their_own():
    for name, rate in config.LEARNING_RATES.items():
        strategy = {"TrainingStrategy": f"Optimizer={name.upper()}"}
        assert autoencoder.specification(1, strategy).phase.learning_rate == rate


@given(
    k=st.integers(1, 50),
    side=st.lists(st.integers(1, 99), max_size=3),
    activations=st.lists(st.sampled_from(config.ACTIVATIONS), min_size=8, max_size=8),
    corruption=st.floats(0, 1, exclude_max=True),
    noise=st.sampled_from(autoencoder.NOISES),
    tied=st.booleans(),
    seed=st.integers(1, 2**31 - 1),
    chain=st.sampled_from(["I", "N", "N,P", "D"]),
    event_class=st.sampled_from(autoencoder.CLASSES),
)
def test_what_is_written_is_read_back(k, side, activations, corruption, noise, tied, seed, chain, event_class):
    units = [*side, "k", *side[::-1]]
    hidden = [f"{name.upper()}|{width}" for name, width in zip(activations, units, strict=False)]
    options = {
        "Layout": ",".join([*hidden, "LINEAR"]),
        "TrainingStrategy": f"Corruption={corruption!r},Noise={noise}",
        "RandomSeed": str(seed),
        "Tied": str(tied),
    }
    kept = {"transformations": chain, "event_class": event_class}
    specification = autoencoder.specification(k, options, **kept)
    assert (
        autoencoder.specification(specification.encoded, autoencoder.options_of(specification), **kept) == specification
    )


@pytest.mark.parametrize(
    ("k", "options", "more", "message"),
    [
        (0, {}, {}, "k = 0: must be a whole number of at least 1"),
        ("two", {}, {}, "k = two"),
        (2.5, {}, {}, "k = 2.5"),
        (2, {"Layuot": "x"}, {}, "unknown option of the autoencoder 'Layuot'; did you mean 'Layout'"),
        (
            2,
            {"Layout": "TANH|20,TANH|2,TANH|20,LINEAR"},
            {},
            "Layout = .*: no bottleneck; one hidden layer must have k",
        ),
        (2, {"Layout": "TANH|k,TANH|k,LINEAR"}, {}, "2 bottlenecks"),
        (2, {"Layout": "TANH|20,LINEAR|k"}, {}, "the last layer has as many units as there are variables"),
        (2, {"Layout": "tanh|k,LINEAR"}, {}, "unknown activation 'tanh'; did you mean 'TANH'"),
        (2, {"Layout": "TANH,TANH|k,LINEAR"}, {}, "give each hidden layer as ACTIVATION|UNITS, got TANH"),
        (2, {"Layout": "TANH|0,TANH|k,LINEAR"}, {}, r"TANH\|0 = 0: must be a whole number"),
        (2, {"Layout": ""}, {}, "unknown activation ''"),
        (2, {"TrainingStrategy": "Corruption=1"}, {}, "Corruption = 1: must be at least 0 and below 1"),
        (2, {"TrainingStrategy": "Corruption=-0.1"}, {}, "Corruption = -0.1"),
        (2, {"TrainingStrategy": "Corruption=nan"}, {}, "Corruption = nan"),
        (2, {"TrainingStrategy": "Corrupton=0.1"}, {}, "unknown key 'Corrupton'; did you mean 'Corruption'"),
        (2, {"TrainingStrategy": "MaxEpochs"}, {}, "unknown key 'MaxEpochs'"),
        (2, {"TrainingStrategy": "MaxEpochs=0"}, {}, "TrainingStrategy: MaxEpochs = 0: must be at least 1"),
        (2, {"TrainingStrategy": "MaxEpochs=x"}, {}, "TrainingStrategy: MaxEpochs = 'x'"),
        (2, {"TrainingStrategy": "Optimizer=adam"}, {}, "unknown Optimizer 'adam'; did you mean 'ADAM'"),
        (2, {"TrainingStrategy": "Momentum=0.5"}, {}, "optimizer ADAM has no momentum"),
        (2, {"TrainingStrategy": "Noise=SALT"}, {}, "unknown Noise 'SALT'"),
        (2, {"TrainingStrategy": "MaxEpochs=1|MaxEpochs=2"}, {}, "trained in one phase"),
        (2, {"WeightInitialization": "HE"}, {}, "unknown WeightInitialization 'HE'"),
        (2, {"ValidationSize": "0%"}, {}, "ValidationSize = 0%"),
        (2, {"ValidationSize": "100%"}, {}, "ValidationSize = 100%"),
        (2, {"RandomSeed": "0"}, {}, "RandomSeed = 0"),
        (2, {"Tied": "yes"}, {}, "Tied = yes: must be True or False"),
        (2, {"Tied": "True", "Layout": "TANH|9,TANH|k,LINEAR"}, {}, "Tied: needs a layout whose decoder mirrors"),
        (3, {"Tied": "True", "Layout": "TANH|k,TANH|3,LINEAR"}, {}, "Tied: needs a layout whose decoder mirrors"),
        (2, {"Pretraining": "True", "Layout": "TANH|9,TANH|k,LINEAR"}, {}, "Pretraining: needs a layout"),
        (2, {}, {"event_class": "signal"}, "unknown class 'signal'; did you mean 'Signal'"),
        (2, {}, {"transformations": "N,G"}, "G cannot be inverted exactly"),
        (2, {}, {"transformations": "N,Q"}, "unknown transformation 'Q'"),
    ],
)
def test_what_cannot_be_trained_is_refused(k, options, more, message):
    with pytest.raises(UserError, match=message) as error:
        autoencoder.specification(k, options, **more)
    assert "\n" not in str(error.value)


def test_events_that_it_cannot_be_trained_on_are_refused():
    specification = autoencoder.specification(4, {"TrainingStrategy": "BatchSize=100"})
    specification.check("input.root", variables=4, events=500)
    with pytest.raises(UserError, match="k = 4: input.root has 3 variables; k must be between 1 and 3"):
        specification.check("input.root", variables=3, events=500)
    with pytest.raises(UserError, match="BatchSize = 100: input.root has 499 training .* a part of 99"):
        specification.check("input.root", variables=4, events=499)


def test_in_a_chain():
    text = "A(k=2:Tied:!Pretraining:TrainingStrategy=MaxEpochs=7,Corruption=0.1:Backend=jax)_Background"
    specification, backend = autoencoder.of_chain(["I", "N", text], seed=5)
    assert (specification.encoded, specification.tied, specification.phase.max_epochs, specification.corruption) == (
        2,
        True,
        7,
        0.1,
    )
    assert (specification.chain, specification.event_class, specification.seed, backend) == (
        ("N",),
        "Background",
        5,
        "jax",
    )
    specified, backend = autoencoder.of_chain(["A(k=2:RandomSeed=9)"], seed=5)
    assert (specified.chain, specified.seed, backend) == ((), 9, "tensorflow")
