"""MethodDL's options as its weight file stores them -> the training that they describe."""

import math
import re
from typing import Callable, Dict, List, NamedTuple, Tuple

from tmva_bench.basis import mapping
from tmva_bench.basis.config import ACTIVATIONS, OPTIMIZERS
from tmva_bench.basis.training import Phase, Training
from tmva_bench.engines import tmva_weights
from tmva_bench.engines.tmva_weight_file import CREATOR
from tmva_bench.engines.tmva_weights import WeightFile
from tmva_bench.errors import UserError

# The keys of a phase in lower case, with what MethodDL takes where one is not there; those of whole numbers.
STRATEGY = {
    "learningrate": "1e-5",
    "momentum": "0.3",
    "convergencesteps": "100",
    "batchsize": "30",
    "testrepetitions": "7",
    "maxepochs": "2000",
    "weightdecay": "0.0",
    "regularization": "None",
    "optimizer": "ADAM",
    "dropconfig": "0.0",
}
WHOLE = ("convergencesteps", "batchsize", "testrepetitions", "maxepochs")
# The project's names of what MethodDL calls by others.
_LOSSES, _INITIALIZERS, _REGULARIZATIONS = (
    {theirs: ours for ours, theirs in names.items()}
    for names in (mapping.TMVA_LOSSES, mapping.TMVA_INITIALIZERS, mapping.TMVA_REGULARIZATIONS)
)
_OPTIMIZERS = {name.upper(): name for name in OPTIMIZERS}
_ACTIVATIONS = {**{name.upper(): name for name in ACTIVATIONS}, "FTANH": "tanh"}
# TMVA's whole numbers have 32 bits.
_LARGEST = 2**31 - 1
_FORMULA = 80  # characters


class Booked(NamedTuple):
    """What a weight file says of the training that made it.

    Attributes:
        title: the method's title.
        variables: the input variables.
        training: the network and its training.
        notes: what the file says twice and otherwise, and which of it counts.
    """

    title: str
    variables: List[tmva_weights.Variable]
    training: Training
    notes: List[str]


def check_method(file: WeightFile, methods: Tuple[str, ...] = tmva_weights.DEEP) -> None:
    """Refuses what is no classification by one of TMVA's deep networks.

    Args:
        file: a weight file.
        methods: names of the methods that are accepted.

    Raises:
        UserError: another method or task, or a file of ours for a network of Keras.
    """
    if file.info.get("Creator") == CREATOR:
        raise UserError(f"{file.path}: written by tmva_bench for a network of Keras; only TMVA's own can be repeated")
    check_deep(file.path, file.method, methods)
    kind = file.info.get("AnalysisType", "no AnalysisType")
    if kind != "Classification":
        raise UserError(f"{file.path}: a {kind[:40]}; only a classification can be repeated here")


def check_deep(path: str, method: str, methods: Tuple[str, ...] = tmva_weights.DEEP) -> None:
    """Refuses the weight file of a method that is none of ``methods``.

    Raises:
        UserError: it is not.
    """
    if method not in methods:
        told = {"DL": "TMVA's DNN (DL)", "DNN": "its forerunner (DNN)", "MLP": "its MLP"}
        names = " and ".join(told[name] for name in methods)
        raise UserError(f"{path}: of method {method[:40]}; only {names} can be repeated in Keras")


def read(file: WeightFile) -> Booked:
    """The booking in MethodDL's weight file.

    Args:
        file: the weight file.

    Raises:
        UserError: no weight file of a classification by MethodDL, or a training that Keras cannot repeat.
    """
    check_method(file, ("DL",))
    layers = tmva_weights.network(file)
    try:
        training = parse(file.options, len(file.variables))
    except UserError as error:
        raise UserError(f"{file.path}: {error}") from None
    widths = tuple(len(layer.biases) for layer in layers)
    if widths != training.widths:
        raise UserError(
            f"{file.path}: Layout = {file.options['Layout'][:80]} has the widths {_listed(training.widths)}, and the "
            f"network that was kept {_listed(widths)}; it is not the one that was booked"
        )
    notes = layout_notes(file, layers)
    letter = file.root.find("Weights").attrib.get("Initialization", "")
    drawn = tmva_weights.INITIALIZATIONS.get(letter, training.initializer)
    if drawn != training.initializer:
        notes.append(
            f"WeightInitialization = {file.options['WeightInitialization']}, and TMVA drew from {letter} "
            f"({mapping.TMVA_INITIALIZERS[drawn]}), which counts"
        )
    activations = tuple(layer.activation for layer in layers)
    return Booked(file.title, file.variables, training._replace(activations=activations, initializer=drawn), notes)


def layout_notes(file: WeightFile, layers: List[tmva_weights.Layer]) -> List[str]:
    """In what the layout that was booked differs from the layers that were kept, which count.

    Args:
        file: a weight file of a deep network.
        layers: its layers.
    """
    text = file.options.get("Layout", "")
    try:
        widths, activations = layout(text, len(file.variables))
    except UserError as error:
        return [f"{error}; the layers in the weight file count"]
    if file.method == "DNN":
        # MethodDNN gives the last layer a linear output, whatever the layout says.
        widths, activations = (*widths[:-1], 1), (*activations[:-1], "linear")
    kept = [(len(layer.biases), layer.activation) for layer in layers]
    if list(zip(widths, activations)) == kept:
        return []
    names = ",".join(f"{activation.upper()}|{width}" for width, activation in kept)
    return [f"Layout = {text[:80]}, and the numbers in the weight file are those of {names[:80]}, which count"]


def evaluated(layers: List[tmva_weights.Layer]) -> Training:
    """A training whose network has the given layers, for an evaluation; how it is trained means nothing."""
    return Training(
        widths=tuple(len(layer.biases) for layer in layers),
        activations=tuple(layer.activation for layer in layers),
        loss="cross_entropy",
        initializer="zero",
        seed=1,
        validation="20%",
        chain=(),
        phases=(phase(""),),
    )


def parse(options: Dict[str, str], variables: int) -> Training:
    """The training that MethodDL's options describe, read as MethodDL reads them.

    An optimizer that it does not know is Adam, a regularization none, a key of the strategy ignored; keys that are not
    given have MethodDL's defaults.

    Args:
        options: by name.
        variables: number of input variables.

    Raises:
        UserError: a training that Keras cannot repeat.
    """
    for name in ("ErrorStrategy", "Layout", "VarTransform", "WeightInitialization", "TrainingStrategy"):
        if name not in options:
            raise UserError(f"no option {name}; it is no whole booking of MethodDL")
    loss = options["ErrorStrategy"]
    if loss not in _LOSSES:
        raise UserError(f"ErrorStrategy = {loss[:40]}: only {' and '.join(_LOSSES)} have one output")
    if options.get("RandomSeed", "0") == "0":
        said = "RandomSeed = 0" if "RandomSeed" in options else "no RandomSeed (a ROOT from before that option)"
        raise UserError(f"{said}: TMVA drew a start that nobody can repeat; book with another seed")
    chain = tmva_weights.chain(options["VarTransform"])
    if any("(" in name for name in chain):
        raise UserError(f"VarTransform = {options['VarTransform'][:80]}: of some variables; a replay takes all")
    initializer = options["WeightInitialization"]
    if initializer not in _INITIALIZERS:
        raise UserError(f"WeightInitialization = {initializer[:40]}: not known (known: {', '.join(_INITIALIZERS)})")
    validation = options.get("ValidationSize", "20%")
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]*)?%?", validation):
        raise UserError(f"ValidationSize = {validation[:40]}: not a share, a percentage or a number of events")
    widths, activations = layout(options["Layout"], variables)
    return Training(
        widths=widths,
        activations=activations,
        loss=_LOSSES[loss],
        initializer=_INITIALIZERS[initializer],
        seed=_whole("RandomSeed", options["RandomSeed"], 1),
        validation=validation,
        chain=tuple(chain),
        phases=tuple(phase(text) for text in options["TrainingStrategy"].split("|") if text.strip()),
        dropout_rule="tmva",
    )


def layout(text: str, variables: int) -> Tuple[Tuple[int, ...], Tuple[str, ...]]:
    """Widths and activations of the layers in a ``Layout``, as ``MethodDL::ParseDenseLayer`` reads it.

    In whatever order; tanh where no activation stands, one unit where no width or 0. A width is a formula in ``N``,
    the number of input variables, cut down to a whole number.

    Args:
        text: the option.
        variables: number of input variables.

    Raises:
        UserError: a layer that is not dense, or a width that is none.
    """
    widths, activations = [], []
    for layer in text.split(","):
        width, activation = 0, "tanh"
        for token in layer.strip().split("|"):
            token = token.strip()
            if token in _ACTIVATIONS:
                activation = _ACTIVATIONS[token]
            elif token in ("CONV", "MAXPOOL", "RESHAPE", "BNORM", "RNN", "LSTM", "GRU"):
                raise UserError(f"Layout = {text[:80]}: {token} is no dense layer; only those can be repeated here")
            elif token not in ("DENSE", "") and width == 0:
                width = _width(text, token, variables)
        widths.append(width or 1)
        activations.append(activation)
    return tuple(widths), tuple(activations)


def _width(text: str, token: str, variables: int) -> int:
    value = _Formula(token, variables).value() if len(token) <= _FORMULA else math.nan
    if not 0 <= value < _LARGEST:
        raise UserError(
            f"Layout = {text[:80]}: {token[:40]!r} is no activation and no number of units (a formula in N) that is "
            "known here"
        )
    return int(value)


class _Formula:
    """Numbers, N (the number of input variables), + - * / and brackets; NaN for anything else.

    MethodDL hands a width to ``TFormula``; here it is parsed, and nothing is evaluated that the grammar does not have.
    """

    _TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d*)?|\.\d+)|([Nnx])|([-+*/()]))")

    def __init__(self, text: str, variables: int) -> None:
        self._tokens: List[str] = []
        self._variables = variables
        self._failed = False
        end = 0
        text = text.rstrip()
        while end < len(text):
            token = self._TOKEN.match(text, end)
            if not token:
                self._failed = True
                return
            self._tokens.append(token.group().strip())
            end = token.end()

    def value(self) -> float:
        if self._failed:
            return math.nan
        value = self._sum()
        return math.nan if self._tokens else value

    def _sum(self) -> float:
        return self._chain(self._product, {"+": lambda a, b: a + b, "-": lambda a, b: a - b})

    def _product(self) -> float:
        quotient = lambda a, b: a / b if b else math.nan  # noqa: E731
        return self._chain(self._factor, {"*": lambda a, b: a * b, "/": quotient})

    def _chain(self, part: Callable[[], float], operators: Dict[str, Callable[[float, float], float]]) -> float:
        value = part()
        while self._tokens and self._tokens[0] in operators:
            value = operators[self._tokens.pop(0)](value, part())
        return value

    def _factor(self) -> float:
        token = self._tokens.pop(0) if self._tokens else ""
        if token == "(":
            value = self._sum()
            return value if self._tokens and self._tokens.pop(0) == ")" else math.nan
        if token in ("+", "-"):
            return self._factor() * (1 if token == "+" else -1)
        if token in ("N", "n", "x"):
            return float(self._variables)
        return float(token) if token[:1].isdigit() or token[:1] == "." else math.nan


def phase(text: str) -> Phase:
    """One phase of a ``TrainingStrategy`` as ``MethodDL::ProcessOptions`` reads it.

    Args:
        text: ``key=value`` separated by commas.

    Raises:
        UserError: a value that is no number, or outside what can be trained with.
    """
    values: Dict[str, str] = {}
    for pair in text.replace(" ", "").split(","):
        key, equals, value = pair.partition("=")
        # Of a key that stands twice the first counts; an empty value is none.
        if equals and value:
            values.setdefault(key.lower(), value)
    values = {**STRATEGY, **values}
    return Phase(
        optimizer=_OPTIMIZERS.get(values["optimizer"], "adam"),
        learning_rate=_finite("LearningRate", values["learningrate"]),
        momentum=_finite("Momentum", values["momentum"]),
        batch_size=_whole("BatchSize", values["batchsize"], 1),
        convergence_steps=_whole("ConvergenceSteps", values["convergencesteps"], 0),
        test_repetitions=_whole("TestRepetitions", values["testrepetitions"], 1),
        max_epochs=_whole("MaxEpochs", values["maxepochs"], 0),
        regularization=_REGULARIZATIONS.get(values["regularization"], "none"),
        weight_decay=_finite("WeightDecay", values["weightdecay"]),
        drop=tuple(_share(share) for share in values["dropconfig"].split("+")),
    )


def _share(text: str) -> float:
    value = _finite("DropConfig", text)
    if not 0 <= value < 1:
        raise UserError(f"TrainingStrategy: DropConfig has {text[:40]}; a drop probability is at least 0 and below 1")
    return value


def _finite(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UserError(f"TrainingStrategy: {name} = {text[:40]}: not a finite number")
    return value


def _whole(name: str, text: str, low: int) -> int:
    if not re.fullmatch(r"[0-9]{1,10}", text) or not low <= int(text) <= _LARGEST:
        raise UserError(f"{name} = {text[:40]}: not a whole number from {low} to {_LARGEST}")
    return int(text)


def _listed(numbers: Tuple[int, ...]) -> str:
    return ", ".join(map(str, numbers[:20]))
