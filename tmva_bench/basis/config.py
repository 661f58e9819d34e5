"""One benchmark point: the common parameters, their names, codes and limits."""

import dataclasses
import math
import re
from typing import Any, Dict, List, NamedTuple, Tuple, Union

from tmva_bench.errors import UserError, short, short_path, unknown

# The study's integer codes (our reading of them: the slides do not say what they stand for).
ACTIVATIONS = ("linear", "relu", "tanh", "sigmoid", "softsign", "symmrelu", "gauss")
INITIALIZERS = ("gauss", "xavier", "xavier_uniform", "uniform", "zero", "identity")
LOSSES = ("cross_entropy", "sum_of_squares", "mutual_exclusive")
OPTIMIZERS = ("sgd", "adam", "rmsprop", "adagrad", "adadelta")
REGULARIZATIONS = ("none", "l1", "l2")
STARTS = ("tmva", "keras")
DROPOUT_RULES = ("keras", "tmva")
EXECUTIONS = ("batch", "epoch")
FEEDINGS = ("array", "root")
NORM_MODES = ("equal_num_events", "num_events", "none")
TRANSFORMATIONS = ("I", "N", "D", "P", "G", "U")
BACKENDS = ("tensorflow", "jax", "torch", "theano")
ARCHITECTURES = ("cpu", "gpu")

# TMVA reads whole numbers into 32 bits.
_LARGEST = 2**31 - 1
# The longest text that a parameter may be.
_LONGEST = 2000
# Weights of a network; as float32, and with the optimizer's state, this many take 16 GB.
_MOST_WEIGHTS = 10**9

# Rates that train each optimizer well; the study's 0.1 is one for SGD only.
LEARNING_RATES = {"sgd": 0.1, "adam": 0.001, "rmsprop": 0.001, "adagrad": 0.05, "adadelta": 1.0}


class Parameter(NamedTuple):
    """How one common parameter is read and explained.

    Attributes:
        type: ``int``, ``float`` or ``str``.
        help: one line for people, with the unit where there is one.
        codes: the names behind the study's integer codes, or the known names.
        coded: whether the study's integer codes are accepted.
        low: smallest value allowed.
        high: largest value allowed.
        open_high: whether ``high`` itself is refused.
        open_low: whether ``low`` itself is refused.
    """

    type: type
    help: str
    codes: Tuple[str, ...] = ()
    coded: bool = False
    low: float = -math.inf
    high: float = math.inf
    open_high: bool = False
    open_low: bool = False


PARAMETERS: Dict[str, Parameter] = {
    "neurons": Parameter(int, "neurons per hidden layer", low=1, high=100_000),
    "layers": Parameter(int, "hidden layers", low=0, high=1000),
    "activation": Parameter(str, "activation of the hidden layers", ACTIVATIONS, coded=True),
    "last_activation": Parameter(str, "activation of the output", ACTIVATIONS, coded=True),
    "initializer": Parameter(str, "initial weights, by TMVA's names", INITIALIZERS, coded=True),
    "loss": Parameter(str, "loss function", LOSSES, coded=True),
    "optimizer": Parameter(str, "optimizer", OPTIMIZERS),
    "learning_rate": Parameter(float, "learning rate", low=0, open_low=True),
    "momentum": Parameter(float, "momentum of SGD", low=0, high=1, open_high=True),
    "batch_size": Parameter(int, "events per batch", low=1),
    "convergence_steps": Parameter(
        int, "stop after so many epochs without a better validation loss", low=1, high=10**6
    ),
    "max_epochs": Parameter(int, "largest number of epochs", low=1, high=10**6),
    "validation_fraction": Parameter(
        float, "share of the training events kept for validation", low=0, high=1, open_low=True, open_high=True
    ),
    "dropout": Parameter(float, "drop probability after each hidden layer", low=0, high=1, open_high=True),
    "regularization": Parameter(str, "regularization of the weights", REGULARIZATIONS),
    "weight_decay": Parameter(float, "factor of the regularization term", low=0),
    "transformations": Parameter(str, "chain of variable transformations, e.g. N,D or N,A(k=3),D"),
    "norm_mode": Parameter(str, "what the weights of each class of training events are scaled to", NORM_MODES),
    "factory_string": Parameter(str, "options of TMVA.Factory"),
    "start": Parameter(str, "whose initial weights and batches Keras takes (keras only)", STARTS),
    "dropout_rule": Parameter(str, "whose dropout Keras applies (keras only)", DROPOUT_RULES),
    "execution": Parameter(str, "how much of the training is one compiled call (keras only)", EXECUTIONS),
    "feeding": Parameter(str, "what makes the batches: arrays, or ROOT's data loader (keras and torch)", FEEDINGS),
    "seed": Parameter(int, "seed of initial weights, shuffling and dropout", low=1),
    "split_seed": Parameter(int, "seed of the order of the training events, whose last validate", low=1),
    "train_signal": Parameter(int, "training events, signal (0: all of the file)", low=0),
    "train_background": Parameter(int, "training events, background (0: all of the file)", low=0),
    "test_signal": Parameter(int, "test events, signal (0: all of the file)", low=0),
    "test_background": Parameter(int, "test events, background (0: all of the file)", low=0),
}

# The parameters that one side of a comparison alone has.
ONE_SIDED = {
    "factory_string": "tmva",
    "start": "keras",
    "dropout_rule": "keras",
    "execution": "keras",
    "feeding": "keras",
}
# Those of them that two series of one study may have differently: another way to train.
OF_SERIES = ("execution", "feeding")
# Those that runs had no part of their name for before; it has none for the default.
LATER = ("feeding",)


def absent(name: str) -> Union[int, float, str]:
    """What stands for a parameter that a method does not have: 0 or nothing; of the loss what all classifiers have."""
    nothing: Union[int, float, str] = PARAMETERS[name].type()
    return {"loss": "cross_entropy", "regularization": "none"}.get(name, nothing)


# The tree of the common input file behind each number of events.
COUNTS = {"train_signal": "TrainS", "train_background": "TrainB", "test_signal": "TestS", "test_background": "TestB"}


@dataclasses.dataclass(frozen=True)
class Point:
    """One benchmark point: a value for every common parameter.

    The defaults are the slides' table but for the numbers of events, which default to all that the
    input file holds, and the Factory string, which leaves colours and the progress bar out of the log.
    Build it with ``point``, which reads codes, checks values and fills in the learning rate.
    """

    neurons: int = 100
    layers: int = 3
    activation: str = "tanh"
    last_activation: str = "sigmoid"
    initializer: str = "xavier"
    loss: str = "cross_entropy"
    optimizer: str = "sgd"
    learning_rate: float = LEARNING_RATES["sgd"]
    momentum: float = 0.0
    batch_size: int = 128
    convergence_steps: int = 100
    max_epochs: int = 200
    validation_fraction: float = 0.2
    dropout: float = 0.0
    regularization: str = "none"
    weight_decay: float = 0.0
    transformations: str = "N,D"
    norm_mode: str = "equal_num_events"
    factory_string: str = "!V:!Silent:!Color:!DrawProgressBar:Transformations=I:AnalysisType=Classification"
    start: str = "tmva"
    dropout_rule: str = "keras"
    execution: str = "batch"
    feeding: str = "array"
    seed: int = 1
    split_seed: int = 100
    train_signal: int = 0
    train_background: int = 0
    test_signal: int = 0
    test_background: int = 0

    @property
    def chain(self) -> List[str]:
        """The method's own transformations, in the order in which they apply; ``I`` (none) is left out.

        An autoencoder and what stands before it are none: the method is given encoded events.
        """
        names = split_chain(self.transformations)
        return [name for name in names[len(self.encoding) :] if name != "I"]

    @property
    def encoding(self) -> List[str]:
        """The transformations up to the autoencoder, which a file is encoded with before the run; empty without one."""
        return encoding_of(self.transformations)


def parse_plain(name: str, value: Any) -> Union[int, float, str]:
    """A number, a name or one of the study's codes from what a user wrote; a chain of transformations as it stands.

    Args:
        name: the parameter.
        value: a string, as on the command line, or a value, as in a file.

    Raises:
        UserError: unknown parameter, code or name, or a value outside the limits.
    """
    if name not in PARAMETERS:
        raise unknown("parameter", name, list(PARAMETERS))
    parameter = PARAMETERS[name]
    if parameter.type is str:
        return _parse_name(name, parameter, value)
    wanted = f"a whole number up to {_LARGEST}" if parameter.type is int else "a finite number"
    try:
        number = float(value)
        whole = number == int(number) <= _LARGEST
        if isinstance(value, bool) or (parameter.type is int and not whole):
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise UserError(f"{name} = {short(value)}: not {wanted}") from None
    below = number <= parameter.low if parameter.open_low else number < parameter.low
    above = number >= parameter.high if parameter.open_high else number > parameter.high
    if below or above:
        raise UserError(f"{name} = {short_path(value)}: must be {limits(parameter)}")
    return int(number) if parameter.type is int else number


def is_line(text: str) -> bool:
    """Whether a text is one line without control characters, that can be written to a file, and not too long."""
    return len(text) <= _LONGEST and (text.isprintable() or not text)


def limits(parameter: Parameter) -> str:
    """The limits of a number in words, "" for none: "at least 0 and below 1"."""
    low = "" if parameter.low == -math.inf else f"{'above' if parameter.open_low else 'at least'} {parameter.low:g}"
    high = "" if parameter.high == math.inf else f"{'below' if parameter.open_high else 'at most'} {parameter.high:g}"
    return " and ".join(part for part in (low, high) if part)


def _parse_name(name: str, parameter: Parameter, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise UserError(f"{name} = {short(value)}: not a text")
    text = short(value) if isinstance(value, int) else value.strip()
    if not parameter.codes:
        if not is_line(text):
            raise UserError(f"{name} = {short(text)}: must be one line of at most {_LONGEST} characters")
        return text
    if parameter.coded and text.isdecimal():
        if len(text) > len(str(_LARGEST)) or int(text) >= len(parameter.codes):
            known = ", ".join(f"{code} {meaning}" for code, meaning in enumerate(parameter.codes))
            raise UserError(f"{name} = {short_path(text)}: no such code (known: {known})")
        return parameter.codes[int(text)]
    normal = text.lower().replace("-", "_")
    if normal not in parameter.codes:
        raise unknown(name, text, list(parameter.codes))
    return normal


def check_size(point: Point) -> None:
    """Refuses a network that no machine holds.

    Raises:
        UserError: it has more than 10^9 weights between its hidden layers.
    """
    weights = point.neurons**2 * max(point.layers - 1, 0)
    if weights > _MOST_WEIGHTS:
        raise UserError(
            f"neurons = {point.neurons} in layers = {point.layers}: {weights:.1e} weights, at most {_MOST_WEIGHTS:.0e} "
            "can be trained; take fewer of either"
        )


def check_transformation(name: str, chain: str) -> None:
    """Refuses what is no transformation that both sides apply alike.

    Args:
        name: one of the chain, without an autoencoder.
        chain: the whole, for the message.

    Raises:
        UserError: an unknown name, or one with a class suffix.
    """
    if "_" in name and name.split("_")[0] in TRANSFORMATIONS:
        raise UserError(
            f"transformations = {chain!r}: the class suffix of {name!r} is lost when TMVA reads the method back "
            f"for testing; use {name.split('_')[0]!r}, which takes the events of all classes"
        )
    if name not in TRANSFORMATIONS:
        raise unknown("transformation", name, [*TRANSFORMATIONS, "A(k=3)"])


def split_chain(text: str) -> List[str]:
    """The transformations of a chain; a comma in brackets separates none."""
    return [part.strip() for part in re.split(r",(?![^()]*\))", text)]


def encoding_of(transformations: str) -> List[str]:
    """The transformations of a chain up to its autoencoder; empty without one."""
    names = split_chain(transformations)
    ends = [number for number, name in enumerate(names) if "(" in name]
    return names[: ends[0] + 1] if ends else []
