"""A deep autoencoder's specification, spelled as the TMVA DNN's options: read, checked, written.

The layout shows the bottleneck as the letter k, ``TANH|20,TANH|k,TANH|20,LINEAR``; the training strategy has MethodDL's
keys, and ``Corruption`` and ``Noise`` beside them. In a chain of transformations it is ``A(k=3)``, with options after
colons, ``N,A(k=3:Layout=TANH|9,TANH|k,LINEAR:Tied)_Background,D``.
"""

import re
from typing import Dict, List, Mapping, NamedTuple, Sequence, Tuple

from tmva_bench.basis import config, mapping
from tmva_bench.basis.training import Phase, Training
from tmva_bench.errors import UserError, unknown

CLASSES = ("AllClasses", "Signal", "Background")
# What may stand before it: a matrix and a shift, which can be inverted.
BEFORE = ("I", "N", "D", "P")
NOISES = ("MASKING", "GAUSS")
STRATEGY = {
    "Optimizer": "ADAM",
    "LearningRate": "",
    "Momentum": "0.0",
    "BatchSize": "128",
    "MaxEpochs": "200",
    "ConvergenceSteps": "20",
    "Corruption": "0.0",
    "Noise": "MASKING",
}
OPTIONS = {
    "Layout": "TANH|20,TANH|k,TANH|20,LINEAR",
    "TrainingStrategy": "",
    "WeightInitialization": "XAVIER",
    "ValidationSize": "20%",
    "RandomSeed": "1",
    "Tied": "False",
    "Pretraining": "False",
}
# In a chain; the first is the one that is written.
NAMES = ("A", "DAE", "Autoencoder")
_BOTTLENECK = "k"
_IN_CHAIN = re.compile(rf"({'|'.join(NAMES)})\((.*)\)(?:_(\w+))?")
_BACKEND, _DEFAULT_BACKEND = "Backend", config.BACKENDS[0]
# The project's parameters whose limits the keys of the strategy have.
_PARAMETERS = {
    "LearningRate": "learning_rate",
    "Momentum": "momentum",
    "BatchSize": "batch_size",
    "MaxEpochs": "max_epochs",
    "ConvergenceSteps": "convergence_steps",
}


class Specification(NamedTuple):
    """A deep autoencoder and its training.

    Attributes:
        encoded: number of encoded variables, k.
        widths: units of every hidden layer, the bottleneck too.
        activations: activation of every layer, the output too, one of :data:`tmva_bench.basis.config.ACTIVATIONS`.
        bottleneck: index of the layer whose outputs are the encoded variables.
        phase: optimizer, batches and end of the training.
        corruption: under ``MASKING`` the share of input entries set to zero, drawn anew for each batch; under ``GAUSS``
            the width of the noise added to them, in units of the standard deviation of the variable.
        noise: one of :data:`NOISES`.
        tied: whether the decoder's weights are the encoder's, transposed; biases are free.
        pretraining: whether the levels are trained one by one, from outside to inside, before all are trained together.
        initializer: one of :data:`tmva_bench.basis.config.INITIALIZERS`.
        seed: of initial weights, batches and corruption.
        validation: ``ValidationSize`` of MethodDL.
        chain: transformations before it, of :data:`BEFORE`.
        event_class: the events it is trained on, one of :data:`CLASSES`; it encodes every event.
    """

    encoded: int
    widths: Tuple[int, ...]
    activations: Tuple[str, ...]
    bottleneck: int
    phase: Phase
    corruption: float
    noise: str
    tied: bool
    pretraining: bool
    initializer: str
    seed: int
    validation: str
    chain: Tuple[str, ...]
    event_class: str

    def training(self, variables: int) -> Training:
        """The network for so many variables, and its training, as a regression of the inputs on themselves."""
        return Training(
            widths=(*self.widths, variables),
            activations=self.activations,
            loss="sum_of_squares",
            initializer=self.initializer,
            seed=self.seed,
            validation=self.validation,
            chain=self.chain,
            phases=(self.phase,),
        )

    def levels(self, variables: int) -> List[Training]:
        """The networks of one hidden layer that pre-training trains, from outside to inside."""
        whole = self.training(variables)
        last, inputs = len(whole.widths) - 1, (variables, *whole.widths)
        return [
            whole._replace(
                widths=(whole.widths[level], inputs[level]),
                activations=(whole.activations[level], whole.activations[last - level]),
            )
            for level in range(self.bottleneck + 1)
        ]

    def check(self, where: str, variables: int, events: int) -> None:
        """Refuses events that it cannot be trained on.

        Args:
            where: the input file, for the message.
            variables: number of input variables.
            events: training events of its class.

        Raises:
            UserError: k above the number of variables, or a batch that the training or validation part cannot fill.
        """
        if self.encoded > variables:
            raise UserError(
                f"k = {self.encoded}: {where} has {variables} variables; k must be between 1 and {variables}"
            )
        validation = self.training(variables).validation_events(events)
        smallest = min(validation, events - validation)
        if smallest < self.phase.batch_size:
            raise UserError(
                f"BatchSize = {self.phase.batch_size}: {where} has {events} training events of {self.event_class}, of "
                f"which ValidationSize = {self.validation} leaves a part of {smallest}; use a smaller BatchSize"
            )


def specification(
    k: object,
    options: Mapping[str, str],
    *,
    transformations: str = "N",
    event_class: str = "AllClasses",
) -> Specification:
    """A checked specification.

    Args:
        k: number of encoded variables.
        options: of :data:`OPTIONS`, which names their defaults.
        transformations: what stands before it, e.g. ``N``; ``I`` for nothing.
        event_class: the events it is trained on, one of :data:`CLASSES`.

    Raises:
        UserError: unknown names, impossible values, or values that do not belong together.
    """
    for name in options:
        if name not in OPTIONS:
            raise unknown("option of the autoencoder", name, list(OPTIONS))
    if event_class not in CLASSES:
        raise unknown("class", event_class, list(CLASSES))
    values = {**OPTIONS, **options}
    encoded = _whole("k", k)
    widths, activations, bottleneck = _layout(values["Layout"], encoded)
    phase, corruption, noise = _strategy(values["TrainingStrategy"])
    specified = Specification(
        encoded=encoded,
        widths=widths,
        activations=activations,
        bottleneck=bottleneck,
        phase=phase,
        corruption=corruption,
        noise=noise,
        tied=_switch("Tied", values["Tied"]),
        pretraining=_switch("Pretraining", values["Pretraining"]),
        initializer=_named("WeightInitialization", values["WeightInitialization"], mapping.TMVA_INITIALIZERS),
        seed=_whole("RandomSeed", values["RandomSeed"]),
        validation=_validation(values["ValidationSize"]),
        chain=_before(transformations),
        event_class=event_class,
    )
    for name, wanted in (("Tied", specified.tied), ("Pretraining", specified.pretraining)):
        if wanted and (widths != widths[::-1] or 2 * bottleneck + 1 != len(widths)):
            raise UserError(
                f"{name}: needs a layout whose decoder mirrors its encoder, as TANH|20,TANH|k,TANH|20,LINEAR; "
                f"got {values['Layout']}"
            )
    return specified


def normal(text: str) -> str:
    """An autoencoder in a chain as it is written: ``A(k=3)`` for ``DAE( k=3 )``, options as they were given.

    Args:
        text: one part of a chain.

    Raises:
        UserError: it says nothing that can be trained.
    """
    k, options, backend, event_class = _in_chain(text)
    specification(k, options, event_class=event_class)
    switches = {"True": "", "False": "!"}
    written = [
        f"{switches[value]}{name}" if OPTIONS[name] in switches else f"{name}={value}"
        for name, value in options.items()
    ]
    written += [f"{_BACKEND}={backend}"] if backend != _DEFAULT_BACKEND else []
    suffix = "" if event_class == CLASSES[0] else f"_{event_class}"
    return f"{NAMES[0]}({':'.join([f'k={k}', *written])}){suffix}"


def of_chain(parts: Sequence[str], seed: int) -> Tuple[Specification, str]:
    """What the last of these transformations trains, and the Keras backend that trains it.

    Args:
        parts: of a chain, up to and including an autoencoder.
        seed: its ``RandomSeed`` where it has none of its own.

    Raises:
        UserError: it says nothing that can be trained.
    """
    k, options, backend, event_class = _in_chain(parts[-1])
    before = ",".join(parts[:-1]) or "I"
    options = {"RandomSeed": str(seed), **options}
    return specification(k, options, transformations=before, event_class=event_class), backend


def options_of(specification: Specification) -> Dict[str, str]:
    """The options that :func:`specification` reads back, every one spelled out."""
    layers = [f"{name.upper()}|{width}" for name, width in zip(specification.activations, specification.widths)]
    layers[specification.bottleneck] = f"{specification.activations[specification.bottleneck].upper()}|{_BOTTLENECK}"
    phase = specification.phase
    strategy = {
        "Optimizer": phase.optimizer.upper(),
        **{key: repr(getattr(phase, name)) for key, name in _PARAMETERS.items()},
        "Corruption": repr(specification.corruption),
        "Noise": specification.noise,
    }
    return {
        "Layout": ",".join([*layers, specification.activations[-1].upper()]),
        "TrainingStrategy": ",".join(f"{key}={value}" for key, value in strategy.items()),
        "WeightInitialization": mapping.TMVA_INITIALIZERS[specification.initializer],
        "ValidationSize": specification.validation,
        "RandomSeed": str(specification.seed),
        "Tied": str(specification.tied),
        "Pretraining": str(specification.pretraining),
    }


def options_in(chain: str) -> str:
    """The options of the autoencoder in a chain as they stand there, "" where there are none."""
    match = re.search(rf"{NAMES[0]}\(k=\d+:(.*)\)", chain)
    return match[1] if match else ""


def _in_chain(text: str) -> Tuple[str, Dict[str, str], str, str]:
    """The number of encoded variables, options, backend and class of an autoencoder in a chain."""
    match = _IN_CHAIN.fullmatch(text.strip())
    if not match:
        raise UserError(f"transformations: {text!r} is no autoencoder; write it as A(k=3) or A(k=3)_Background")
    values: Dict[str, str] = {}
    for pair in match[2].split(":"):
        name, equals, value = (part.strip() for part in pair.partition("="))
        if not equals:
            name, value = (name[1:], "False") if name.startswith("!") else (name, "True")
        values[name] = value
    k, backend = values.pop("k", ""), values.pop(_BACKEND, _DEFAULT_BACKEND)
    if not k:
        raise UserError(f"transformations: {text!r} has no k, the number of encoded variables; write A(k=3)")
    if backend not in config.BACKENDS:
        raise unknown(_BACKEND, backend, list(config.BACKENDS))
    return k, values, backend, match[3] or CLASSES[0]


def _layout(text: str, encoded: int) -> Tuple[Tuple[int, ...], Tuple[str, ...], int]:
    """Widths of the hidden layers, activations of all, and the place of the bottleneck."""
    layers = [layer.strip().split("|") for layer in text.split(",")]
    where = f"Layout = {text}"
    known = [name.upper() for name in config.ACTIVATIONS]
    for layer in layers:
        if layer[0] not in known:
            raise UserError(f"{where}: {unknown('activation', layer[0], known)}")
    if len(layers[-1]) != 1:
        raise UserError(f"{where}: the last layer has as many units as there are variables; give its activation alone")
    widths, bottlenecks = [], []
    for number, layer in enumerate(layers[:-1]):
        if len(layer) != 2:
            raise UserError(f"{where}: give each hidden layer as ACTIVATION|UNITS, got {'|'.join(layer)}")
        if layer[1] == _BOTTLENECK:
            bottlenecks.append(number)
        widths.append(encoded if layer[1] == _BOTTLENECK else _whole(f"{where}: {'|'.join(layer)}", layer[1]))
    if len(bottlenecks) != 1:
        raise UserError(
            f"{where}: {len(bottlenecks) or 'no'} bottleneck{'s' if bottlenecks else ''}; one hidden layer must have "
            "k units, as in TANH|20,TANH|k,TANH|20,LINEAR"
        )
    return tuple(widths), tuple(layer[0].lower() for layer in layers), bottlenecks[0]


def _strategy(text: str) -> Tuple[Phase, float, str]:
    where = f"TrainingStrategy = {text}"
    if "|" in text:
        raise UserError(f"{where}: an autoencoder is trained in one phase; leave the others out")
    names = {key.lower(): key for key in STRATEGY}
    values = dict(STRATEGY)
    for pair in filter(None, text.split(",")):
        key, equals, value = (part.strip() for part in pair.partition("="))
        if key.lower() not in names or not equals:
            raise UserError(f"{where}: {unknown('key', key, list(STRATEGY))}")
        values[names[key.lower()]] = value
    optimizer = _named("Optimizer", values["Optimizer"], {name: name.upper() for name in config.OPTIMIZERS})
    values["LearningRate"] = values["LearningRate"] or repr(config.LEARNING_RATES[optimizer])
    numbers = {}
    for key, name in _PARAMETERS.items():
        try:
            numbers[name] = config.parse_plain(name, values[key])
        except UserError as error:
            raise UserError(f"TrainingStrategy: {str(error).replace(name, key, 1)}") from None
    if numbers["momentum"] and optimizer != "sgd":
        raise UserError(f"{where}: optimizer {values['Optimizer']} has no momentum; use SGD or leave Momentum out")
    noise = values["Noise"]
    if noise not in NOISES:
        raise unknown("Noise", noise, list(NOISES))
    phase = Phase(
        optimizer=optimizer,
        test_repetitions=1,
        regularization="none",
        weight_decay=0.0,
        drop=(),
        **numbers,  # type: ignore[arg-type]
    )
    return phase, _share("Corruption", values["Corruption"]), noise


def _before(text: str) -> Tuple[str, ...]:
    names = config.split_chain(text)
    for name in names:
        config.check_transformation(name, text)
        if name not in BEFORE:
            raise UserError(
                f"transformations = {text}: {name} cannot be inverted exactly and so not stand before an autoencoder; "
                f"use {', '.join(BEFORE)}"
            )
    return tuple(name for name in names if name != "I")


def _validation(text: str) -> str:
    share = text[:-1] if text.endswith("%") else text
    try:
        number = float(share)
        if text.endswith("%") and not number < 100:
            raise ValueError
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise UserError(f"ValidationSize = {text}: give a percentage as 20%, a share as 0.2 or a number of events")
    return text


def _named(option: str, value: str, names: Mapping[str, str]) -> str:
    """The project's name of what TMVA calls by another."""
    names_of_value = [ours for ours, theirs in names.items() if theirs == value]
    if not names_of_value:
        raise unknown(option, value, list(names.values()))
    return names_of_value[0]


def _share(option: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not 0 <= number < 1:
        raise UserError(f"{option} = {value}: must be at least 0 and below 1")
    return number


def _switch(option: str, value: str) -> bool:
    if value not in ("True", "False"):
        raise UserError(f"{option} = {value}: must be True or False")
    return value == "True"


def _whole(name: str, value: object) -> int:
    text = str(value)
    if not text.isdecimal() or not 0 < int(text) < 2**31:
        raise UserError(f"{name} = {value}: must be a whole number of at least 1")
    return int(text)
