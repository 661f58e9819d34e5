"""Calls that build a model of Keras in a script, or in the lines of a ``TMacro``, as descriptions of its layers."""

import re
from collections.abc import Callable
from typing import Any

from tmva_bench.migration.booking import Place
from tmva_bench.migration.values import NOTHING, Called, Text, Thing, Unknown, Value

LAYERS = (
    *(
        "Dense",
        "Dropout",
        "BatchNormalization",
        "Activation",
        "ReLU",
        "LeakyReLU",
        "Softmax",
        "ELU",
        "InputLayer",
        "Input",
    ),
    *(
        "Reshape",
        "Flatten",
        "Conv1D",
        "Conv2D",
        "MaxPooling1D",
        "MaxPooling2D",
        "LSTM",
        "GRU",
        "SimpleRNN",
        "Embedding",
    ),
)
_OPTIMIZERS = ("SGD", "Adam", "RMSprop", "Adagrad", "Adadelta", "Nadam", "Adamax", "AdamW", "Ftrl")
_FIRST = {"Dense": "units", "Dropout": "rate", "Activation": "activation"}
_LOSSES = ("CategoricalCrossentropy", "BinaryCrossentropy", "MeanSquaredError")
_INITIALIZERS = (
    *("RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling", "GlorotUniform", "GlorotNormal"),
    *("HeNormal", "HeUniform", "LecunNormal", "LecunUniform", "Orthogonal", "Zeros", "Ones", "Constant"),
)


def call(call: Called) -> Value:
    """What a call of Keras gives, or :data:`tmva_bench.migration.values.NOTHING`."""
    if isinstance(call.receiver, Thing) and call.receiver.kind in ("KerasModel", "KerasLayer"):
        method = _METHODS.get((call.receiver.kind, call.name))
        return NOTHING if method is None else method(call)
    if call.name in LAYERS:
        config = {name: _plain(value) for name, value in call.keywords.items()}
        for name, value in zip((_FIRST.get(call.name, ""), "activation"), call.arguments, strict=False):
            config[name or "argument"] = _plain(value)
        return Thing("KerasLayer", call.place, {"layer": {"class_name": call.name, "config": config}, "before": []})
    if call.name in (*_OPTIMIZERS, *_LOSSES, *_INITIALIZERS, "l1", "l2", "L1", "L2", "l1_l2", "L1L2"):
        config = {name: _plain(value) for name, value in call.keywords.items()}
        first = call.name.lower() if call.name.lower() in ("l1", "l2") else "learning_rate"
        for number, value in enumerate(call.arguments):
            config[f"argument {number + 1}" if number or call.name in _INITIALIZERS else first] = _plain(value)
        name = {"l1_l2": "L1L2"}.get(call.name, call.name)
        return Thing("KerasObject", call.place, {"described": {"class_name": name, "config": config}})
    if call.name == "Sequential":
        layers = call.arguments[0] if call.arguments else call.keywords.get("layers", [])
        if not isinstance(layers, list):
            return _model(call.place, [_unknown(call.place)])
        return _model(
            call.place, [one.of["layer"] if _is_layer(one) else _unknown(_place(one, call)) for one in layers]
        )
    if call.name == "Model":
        outputs = call.keywords.get("outputs", call.arguments[1] if len(call.arguments) > 1 else None)
        outputs = outputs[0] if isinstance(outputs, list) and len(outputs) == 1 else outputs
        return _model(call.place, _row(outputs)) if isinstance(outputs, Thing) and _is_layer(outputs) else NOTHING
    return NOTHING


def _unknown(place: Place) -> dict[str, Any]:
    """What stands for a layer that is none of those known."""
    return {"class_name": place.text[:60], "config": {}}


def _place(value: Value, call: Called) -> Place:
    return value.place if isinstance(value, Unknown | Thing) else call.place


def _model(place: Place, layers: list[Any]) -> Thing:
    return Thing("KerasModel", place, {"layers": layers, "compiled": {}})


def _is_layer(value: Value) -> bool:
    return isinstance(value, Thing) and value.kind == "KerasLayer"


def _row(last: Thing) -> list[Any]:
    return [*last.of["before"], last.of["layer"]]


def _plain(value: Value) -> Any:
    """A value as it stands in a description; the text of one that could not be told, as a class."""
    if isinstance(value, Thing) and value.kind == "KerasObject":
        return value.of["described"]
    if isinstance(value, Unknown):  # keras.activations.softmax, or what nobody knows
        name = re.fullmatch(r"(?:\w+\.)+([A-Za-z]\w*)", value.place.text)
        return name[1] if name else {"class_name": value.place.text[:60], "config": {}}
    if isinstance(value, Text):
        return str(value)
    return value if isinstance(value, int | float) else None


def _add(call: Called) -> Value:
    layer = call.arguments[0] if call.arguments else None
    if isinstance(layer, Thing) and _is_layer(layer) and call.off is None:
        call.receiver.of["layers"] = [*call.receiver.of["layers"], layer.of["layer"]]
    elif not _is_layer(layer):
        call.receiver.of["layers"] = [*call.receiver.of["layers"], _unknown(call.place)]
    return None


def _pop(call: Called) -> Value:
    call.receiver.of["layers"] = call.receiver.of["layers"][:-1]
    return None


def _compile(call: Called) -> Value:
    names = ("optimizer", "loss")
    values = {**dict(zip(names, call.arguments, strict=False)), **call.keywords}
    call.receiver.of["compiled"] = {name: _plain(values[name]) for name in names if name in values}
    return None


def _apply(call: Called) -> Value:
    before = call.arguments[0] if call.arguments else None
    row = _row(before) if isinstance(before, Thing) and _is_layer(before) else [_unknown(_place(before, call))]
    return Thing("KerasLayer", call.place, {"layer": call.receiver.of["layer"], "before": row})


_METHODS: dict[tuple[str, str], Callable[[Called], Value]] = {
    ("KerasModel", "add"): _add,
    ("KerasModel", "pop"): _pop,
    ("KerasModel", "compile"): _compile,
    ("KerasLayer", ""): _apply,
}
