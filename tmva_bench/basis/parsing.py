"""Parameters from what a user wrote: names, codes and chains read, values checked, a whole point of them."""

from typing import Any, Dict, Optional, Union

from tmva_bench.basis import autoencoder, config
from tmva_bench.basis.config import LEARNING_RATES, Point, split_chain
from tmva_bench.errors import UserError, short, unknown

# The slides' table, with the limit of epochs that they do not give.
PRESETS: Dict[str, Dict[str, Union[int, float, str]]] = {
    "seed": {
        "neurons": 100,
        "layers": 3,
        "activation": 2,
        "last_activation": 3,
        "initializer": 1,
        "loss": 0,
        "transformations": "N,D",
        "factory_string": "!V:!Silent:Color:DrawProgressBar:Transformations=I:AnalysisType=Classification",
        "momentum": 0.0,
        "batch_size": 128,
        "convergence_steps": 100,
        "dropout": 0.0,
        "train_signal": 50000,
        "train_background": 50000,
        "test_signal": 100000,
        "test_background": 100000,
        "max_epochs": 200,
    }
}


def parse_value(name: str, value: Any) -> Union[int, float, str]:
    """One parameter's value from what a user wrote: a number, a name, one of the study's codes, a chain.

    Args:
        name: the parameter.
        value: a string, as on the command line, or a value, as in a file.

    Raises:
        UserError: unknown parameter, code or name, or a value outside the limits.
    """
    plain = config.parse_plain(name, value)
    return _parse_transformations(str(plain)) if name == "transformations" else plain


def point(values: Optional[Dict[str, Any]] = None, *, preset: Optional[str] = None) -> Point:
    """A checked benchmark point.

    Args:
        values: parameters by name; names and the study's integer codes are both read.
        preset: a named set of values that ``values`` are laid over, e.g. ``"seed"``.

    Raises:
        UserError: unknown names, impossible values, or values that do not belong together.
    """
    if preset is not None and preset not in PRESETS:
        raise unknown("preset", preset, list(PRESETS))
    texts: Dict[str, Any] = dict(PRESETS[preset]) if preset else {}
    texts.update(values or {})
    parsed: Dict[str, Any] = {name: parse_value(name, value) for name, value in texts.items()}
    if "learning_rate" not in parsed:
        parsed["learning_rate"] = LEARNING_RATES[parsed.get("optimizer", "sgd")]
    result = Point(**parsed)
    _check_together(result)
    config.check_size(result)
    return result


def _parse_transformations(text: str) -> str:
    names = split_chain(text)
    learnt = [number for number, name in enumerate(names) if name.split("(")[0].strip() in autoencoder.NAMES]
    if len(learnt) > 1:
        raise UserError(f"transformations = {short(text)}: two autoencoders; one stands in a chain")
    for number in learnt:
        names[number] = autoencoder.normal(names[number])
        autoencoder.of_chain(names[: number + 1], seed=1)
    for number, name in enumerate(names):
        if number not in learnt:
            config.check_transformation(name, text)
    return ",".join(names)


def _check_together(point: Point) -> None:
    if point.loss == "mutual_exclusive":
        raise UserError(
            "loss = mutual_exclusive: needs one output a class, and the common basis has one logit; "
            "use cross_entropy, which is the same loss for two classes"
        )
    allowed = {"cross_entropy": ("sigmoid",), "sum_of_squares": ("sigmoid", "linear")}[point.loss]
    if point.last_activation not in allowed:
        raise UserError(
            f"last_activation = {point.last_activation} does not belong to loss = {point.loss}; "
            f"use {' or '.join(allowed)}"
        )
    if point.dropout and point.dropout_rule == "tmva" and point.start == "keras":
        raise UserError("dropout_rule = tmva draws its masks for TMVA's batches; use start = tmva with it")
    if point.execution == "epoch" and point.start == "keras":
        raise UserError(
            "execution = epoch takes TMVA's batches, start = keras has Keras' own; use start = tmva with it"
        )
    if point.feeding == "root" and point.execution == "epoch":
        raise UserError("execution = epoch takes its batches from arrays; use execution = batch with feeding = root")
    if point.feeding == "root" and point.start == "keras":
        raise UserError(
            "feeding = root has the batches of ROOT's data loader, start = keras Keras' own; use start = tmva with it"
        )
    if point.momentum and point.optimizer != "sgd":
        raise UserError(f"momentum = {point.momentum:g}: optimizer {point.optimizer} has none; use sgd or momentum 0")
    if point.weight_decay and point.regularization == "none":
        raise UserError(f"weight_decay = {point.weight_decay:g}: has no effect with regularization none; use l1 or l2")
