"""MethodDL's options as its weight file stores them -> the training that they describe."""

import xml.etree.ElementTree
from pathlib import Path
from typing import Dict, List, NamedTuple, Tuple

from tmva_bench.basis import mapping
from tmva_bench.basis.config import ACTIVATIONS, OPTIMIZERS
from tmva_bench.basis.training import Phase, Training
from tmva_bench.engines.tmva_weight_file import CREATOR
from tmva_bench.errors import UserError

# What MethodDL takes for a key that a phase does not give.
_DEFAULTS = {
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
# The project's names of what MethodDL calls by others.
_LOSSES, _INITIALIZERS, _REGULARIZATIONS = (
    {theirs: ours for ours, theirs in names.items()}
    for names in (mapping.TMVA_LOSSES, mapping.TMVA_INITIALIZERS, mapping.TMVA_REGULARIZATIONS)
)
_OPTIMIZERS = {name.upper(): name for name in OPTIMIZERS}


class Booked(NamedTuple):
    """What a weight file says of the training that made it.

    Attributes:
        title: the method's title.
        variables: names of the input variables.
        training: the network and its training.
    """

    title: str
    variables: List[str]
    training: Training


def read(weight_file: Path) -> Booked:
    """The booking in MethodDL's weight file.

    Args:
        weight_file: ``dataset/weights/<job>_<title>.weights.xml``.

    Raises:
        UserError: no weight file of a classification by MethodDL, or a training that Keras cannot repeat.
    """
    try:
        root = xml.etree.ElementTree.parse(str(weight_file)).getroot()
        method, title = root.attrib["Method"].split("::")
        options = {option.attrib["name"]: option.text or "" for option in root.findall("Options/Option")}
        info = {entry.attrib["name"]: entry.attrib["value"] for entry in root.findall("GeneralInfo/Info")}
        variables = [entry.attrib["Expression"] for entry in root.findall("Variables/Variable")]
    except (OSError, KeyError, ValueError, xml.etree.ElementTree.ParseError) as error:
        raise UserError(f"{weight_file}: no weight file of TMVA ({error})") from None
    if info.get("Creator") == CREATOR:
        raise UserError(f"{weight_file}: written by tmva_bench for a network of Keras; only TMVA's own can be repeated")
    if method != "DL":
        raise UserError(f"{weight_file}: of method {method}; only TMVA's DNN (DL) can be repeated in Keras")
    if info.get("AnalysisType") != "Classification":
        raise UserError(f"{weight_file}: a {info.get('AnalysisType')}; only a classification can be repeated here")
    try:
        return Booked(title, variables, parse(options))
    except UserError as error:
        raise UserError(f"{weight_file}: {error}") from None


def parse(options: Dict[str, str]) -> Training:
    """The training that MethodDL's options describe, read as MethodDL reads them.

    An optimizer that it does not know is Adam, a regularization none, a key of the strategy ignored; keys that are not
    given have MethodDL's defaults.

    Args:
        options: by name.

    Raises:
        UserError: a training that Keras cannot repeat.
    """
    loss = options["ErrorStrategy"]
    if loss not in _LOSSES:
        raise UserError(f"ErrorStrategy = {loss}: only {' and '.join(_LOSSES)} have one output")
    if options["RandomSeed"] == "0":
        raise UserError("RandomSeed = 0: TMVA drew a start that nobody can repeat; book with another seed")
    widths, activations = _layout(options["Layout"])
    chain = options["VarTransform"]
    return Training(
        widths=widths,
        activations=activations,
        loss=_LOSSES[loss],
        initializer=_INITIALIZERS[options["WeightInitialization"]],
        seed=int(options["RandomSeed"]),
        validation=options["ValidationSize"],
        chain=() if chain in ("", "None", "I") else tuple(part.strip() for part in chain.split(",")),
        phases=tuple(_phase(text) for text in options["TrainingStrategy"].split("|")),
        dropout_rule="tmva",
    )


def _layout(text: str) -> Tuple[Tuple[int, ...], Tuple[str, ...]]:
    widths, activations = [], []
    for layer in text.split(","):
        width, activation = 1, "linear"
        for token in layer.strip().split("|"):
            if token.lower() in ACTIVATIONS and token == token.upper():
                activation = token.lower()
            elif token.isdecimal():
                width = int(token)
            elif token != "DENSE":
                raise UserError(f"Layout = {text}: {token!r} is no number of units and no activation known here")
        widths.append(width)
        activations.append(activation)
    return tuple(widths), tuple(activations)


def _phase(text: str) -> Phase:
    values = dict(_DEFAULTS)
    for pair in text.split(","):
        key, _, value = pair.partition("=")
        values[key.strip().lower()] = value.strip()
    return Phase(
        optimizer=_OPTIMIZERS.get(values["optimizer"], "adam"),
        learning_rate=float(values["learningrate"]),
        momentum=float(values["momentum"]),
        batch_size=int(values["batchsize"]),
        convergence_steps=int(values["convergencesteps"]),
        test_repetitions=int(values["testrepetitions"]),
        max_epochs=int(values["maxepochs"]),
        regularization=_REGULARIZATIONS.get(values["regularization"], "none"),
        weight_decay=float(values["weightdecay"]),
        drop=tuple(float(share) for share in values["dropconfig"].split("+")),
    )
