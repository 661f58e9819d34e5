"""TMVA's option strings, parsed and judged as TMVA does, and the quiet traps refused."""

import re
from collections.abc import Callable

BOOL, INT, TEXT = "bool", "int", "text"
Kind = str | tuple[str, ...]

FACTORY: dict[str, Kind] = {
    "V": BOOL,
    "VerboseLevel": TEXT,
    "Color": BOOL,
    "Transformations": TEXT,
    "Correlations": BOOL,
    "ROC": BOOL,
    "Silent": BOOL,
    "DrawProgressBar": BOOL,
    "ModelPersistence": BOOL,
    "AnalysisType": ("Classification", "Regression", "Multiclass", "Auto"),
}
SPLIT: dict[str, Kind] = {
    "SplitMode": ("Random", "Alternate", "Block"),
    "MixMode": ("SameAsSplitMode", "Random", "Alternate", "Block"),
    "SplitSeed": INT,
    "NormMode": ("None", "NumEvents", "EqualNumEvents"),
    "nTrain_Signal": INT,
    "nTrain_Background": INT,
    "nTest_Signal": INT,
    "nTest_Background": INT,
    "V": BOOL,
}
_BASE: dict[str, Kind] = {
    "V": BOOL,
    "VerbosityLevel": TEXT,
    "VarTransform": TEXT,
    "H": BOOL,
    "CreateMVAPdfs": BOOL,
    "IgnoreNegWeightsInTraining": BOOL,
}
DL: dict[str, Kind] = {
    **_BASE,
    "InputLayout": TEXT,
    "BatchLayout": TEXT,
    "Layout": TEXT,
    "ErrorStrategy": ("CROSSENTROPY", "SUMOFSQUARES", "MUTUALEXCLUSIVE"),
    "WeightInitialization": ("XAVIER", "XAVIERUNIFORM", "GAUSS", "UNIFORM", "IDENTITY", "ZERO"),
    "RandomSeed": INT,
    "ValidationSize": TEXT,
    "Architecture": ("STANDARD", "CPU", "GPU", "OPENCL", "CUDNN"),
    "TrainingStrategy": TEXT,
}
PYKERAS: dict[str, Kind] = {
    **_BASE,
    "FilenameModel": TEXT,
    "FilenameTrainedModel": TEXT,
    "BatchSize": INT,
    "NumEpochs": INT,
    "NumThreads": INT,
    "GpuOptions": TEXT,
    "tf.keras": BOOL,
    "tfkeras": BOOL,
    "Verbose": INT,
    "ContinueTraining": BOOL,
    "SaveBestOnly": BOOL,
    "TriesEarlyStopping": INT,
    "LearningRateSchedule": TEXT,
    "TensorBoard": TEXT,
    "ValidationSize": TEXT,
    "UserCode": TEXT,
}
# What TMVA 4.2.1 and ROOT 6 both know.
BDT: dict[str, Kind] = {
    **_BASE,
    "NTrees": INT,
    "MaxDepth": INT,
    "MinNodeSize": TEXT,
    "nCuts": INT,
    "BoostType": ("AdaBoost", "RealAdaBoost", "AdaCost", "Bagging", "AdaBoostR2", "Grad"),
    "AdaBoostR2Loss": ("Linear", "Quadratic", "Exponential"),
    "UseBaggedBoost": BOOL,
    "Shrinkage": TEXT,
    "AdaBoostBeta": TEXT,
    "UseRandomisedTrees": BOOL,
    "UseNvars": INT,
    "UsePoissonNvars": BOOL,
    "BaggedSampleFraction": TEXT,
    "UseYesNoLeaf": BOOL,
    "NegWeightTreatment": (
        "InverseBoostNegWeights",
        "IgnoreNegWeightsInTraining",
        "NoNegWeightsInTraining",
        "PairNegWeightsGlobal",
        "Pray",
    ),
    "NodePurityLimit": TEXT,
    "SeparationType": ("CrossEntropy", "GiniIndex", "GiniIndexWithLaplace", "MisClassificationError", "SDivSqrtSPlusB"),
    "DoBoostMonitor": BOOL,
    "UseFisherCuts": BOOL,
    "MinLinCorrForFisher": TEXT,
    "UseExclusiveVars": BOOL,
    "DoPreselection": BOOL,
    "SigToBkgFraction": TEXT,
    "PruneMethod": ("NoPruning", "ExpectedError", "CostComplexity"),
    "PruneStrength": TEXT,
    "PruningValFraction": TEXT,
}
_ACTIVATIONS = ("LINEAR", "RELU", "TANH", "SIGMOID", "SOFTSIGN", "SYMMRELU", "GAUSS")
_STRATEGY: dict[str, str] = {
    "LearningRate": r"\d.*",
    "Momentum": r"\d.*",
    "ConvergenceSteps": r"\d+",
    "BatchSize": r"[1-9]\d*",
    "TestRepetitions": r"[1-9]\d*",
    "MaxEpochs": r"[1-9]\d*",
    "WeightDecay": r"\d.*",
    "Regularization": "None|L1|L2",
    "Optimizer": "SGD|ADAM|ADAGRAD|RMSPROP|ADADELTA",
    "DropConfig": r"\d.*",
}


class DoubleError(BaseException):
    """TMVA would quietly do something else than was asked; no ``except Exception`` may hide it."""


class Fatal(Exception):
    """TMVA prints this as FATAL and throws."""


class BadLayout(Exception):
    """A token of the layout that is neither an activation nor a width: the training dies over it."""


def parse(text: str, declared: dict[str, Kind], refuse_unknown: bool = True) -> dict[str, str]:
    """Options by name; booleans as ``"True"`` or ``"False"``.

    Raises:
        Fatal: an unknown option, or a value outside a declared list.
    """
    values: dict[str, str] = {}
    unknown = []
    for part in text.split(":"):
        name, equals, value = part.partition("=")
        plain = name.removeprefix("!")
        if plain not in declared:
            if plain.lower() in [known.lower() for known in declared]:
                raise DoubleError(f"option {plain}: TMVA forgives the case of the letters, we do not")
            unknown.append(part)
            continue
        if plain in values:
            raise DoubleError(f"option {plain} stands twice in {text}")
        kind = declared[plain]
        if kind == BOOL:
            value = value.capitalize() if equals else str(not name.startswith("!"))
            if value not in ("True", "False"):
                raise DoubleError(f"option {part}: no boolean")
        elif not equals or name != plain:
            raise DoubleError(f"option {part}: needs a value")
        elif kind == INT and not re.fullmatch(r"-?\d+", value):
            raise DoubleError(f"option {part}: TMVA would read a number out of this")
        elif isinstance(kind, tuple) and value not in kind:
            raise Fatal(f'Option {plain} does not have predefined value: "{value}"')
        values[plain] = value
    if unknown and refuse_unknown:
        raise unknown_options(unknown)
    return values


def unknown_options(parts: list[str]) -> Fatal:
    """TMVA's words for options that it does not know."""
    return Fatal(
        f"The following options were specified, but could not be interpreted: '{', '.join(parts)}', please check!"
    )


def unknown(text: str, declared: dict[str, Kind]) -> list[str]:
    """The parts of an option string that are not declared."""
    return [part for part in text.split(":") if part.partition("=")[0].removeprefix("!") not in declared]


def check_transformations(text: str, persistent: bool) -> None:
    """``VarTransform``.

    Raises:
        Fatal: an unknown transformation.
    """
    for name in [] if text == "None" else text.split(","):
        letter, _, suffix = name.partition("_")
        if letter not in ("I", "N", "D", "P", "G", "U"):
            raise Fatal(f"Dataset[dataset] : <ProcessOptions> Variable transform '{name}' unknown.")
        if suffix and persistent:
            raise DoubleError(f"VarTransform {name}: the class is lost when the method is read back for testing")


def layout(text: str, targets: int) -> list[tuple[str, int]]:
    """Activation and width of each layer; the last layer's missing width is the number of outputs.

    Args:
        text: the layout.
        targets: those of a regression, 0 of a classification.

    Raises:
        BadLayout: a token that TMVA would take for a formula.
    """
    layers = []
    parts = text.split(",")
    for number, part in enumerate(parts):
        activations = [token for token in part.split("|") if token in _ACTIVATIONS]
        widths = [token for token in part.split("|") if token not in (*_ACTIVATIONS, "DENSE")]
        for width in widths:
            if not re.fullmatch(r"[1-9]\d*", width):
                raise BadLayout(width)
        if len(activations) != 1 or len(widths) > 1:
            raise DoubleError(f"layer {part}: TMVA would fill in what is missing and drop what is too much")
        if not widths and number < len(parts) - 1:
            raise DoubleError(f"layer {part}: TMVA would give it as many neurons as there are outputs")
        layers.append((activations[0], int(widths[0]) if widths else targets or 1))
    if layers[-1][1] != (targets or 1):
        raise DoubleError(f"layout {text}: two classes have one output, a regression one for each target")
    return layers


def strategy(text: str, layers: int) -> dict[str, str]:
    """The one phase of ``TrainingStrategy``, every key given."""
    if "|" in text:
        raise DoubleError("TrainingStrategy: more than one phase")
    keys = [part.partition("=")[0] for part in text.split(",")]
    for key in keys:
        if key not in _STRATEGY or keys.count(key) > 1:
            raise DoubleError(f"TrainingStrategy: TMVA ignores {key}")
    values = dict(part.partition("=")[::2] for part in text.split(","))
    for key, pattern in _STRATEGY.items():
        if key not in values:
            raise DoubleError(f"TrainingStrategy: without {key} TMVA takes its default")
        if not re.fullmatch(pattern, values[key]):
            raise DoubleError(f"TrainingStrategy: TMVA takes {key}={values[key]} for something else")
    _check_numbers(values, lambda value: value > 0, "LearningRate")
    _check_numbers(values, lambda value: 0 <= value < 1, "Momentum")
    _check_numbers(values, lambda value: value >= 0, "WeightDecay")
    drop = [float(value) for value in values["DropConfig"].split("+")]
    if not all(0 <= value < 1 for value in drop) or len(drop) > layers:
        raise DoubleError(f"DropConfig={values['DropConfig']}: one probability for each of {layers} layers' inputs")
    if float(values["WeightDecay"]) and values["Regularization"] == "None":
        raise DoubleError("WeightDecay has no effect without Regularization")
    return values


def validation_events(size: str, events: int) -> int:
    """Number of validation events.

    Raises:
        Fatal: none, or all.
    """
    if size.endswith("%"):
        number = int(events * (float(size[:-1]) / 100.0))
    else:
        number = int(events * float(size)) if float(size) < 1 else int(float(size))
    if number == 0:
        raise Fatal(f'Validation size "{size}" is zero.')
    if number >= events:
        raise Fatal(f'Validation size "{size}" is larger than or equal in size to training set (size="{events}").')
    return number


def _check_numbers(values: dict[str, str], right: Callable[[float], bool], key: str) -> None:
    if not right(float(values[key])):
        raise DoubleError(f"TrainingStrategy: {key}={values[key]}")
