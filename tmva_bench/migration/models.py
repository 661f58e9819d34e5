"""The networks of Keras that MethodPyKeras is given: read from a model file or from the script that builds one.

Nothing is loaded and nothing run: a file's description is JSON, a script's calls are text.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tmva_bench.basis.config import OPTIMIZERS
from tmva_bench.basis.training import Phase
from tmva_bench.engines import keras_file
from tmva_bench.errors import UserError, short
from tmva_bench.migration.booking import Layer, Network

# What layers that take no part in the arithmetic of an event are called.
_NOTHING = ("InputLayer", "Input")
_ACTIVATIONS = {"ReLU": "relu", "Softmax": "softmax", "Sigmoid": "sigmoid", "LeakyReLU": "leaky_relu", "ELU": "elu"}
# Keras' own learning rates.
_RATES = {"sgd": 0.01}
_RATE = 0.001


# What else a dense layer of Keras may have, and what it is usually.
_OF_DENSE: dict[str, Any] = {
    "use_bias": True,
    "bias_initializer": "zeros",
    "bias_regularizer": None,
    "activity_regularizer": None,
    "kernel_constraint": None,
    "bias_constraint": None,
}
# Initializers that have no settings but their seed.
_WITHOUT_SETTINGS = (
    "GlorotUniform",
    "GlorotNormal",
    "HeNormal",
    "HeUniform",
    "LecunNormal",
    "LecunUniform",
    "Zeros",
    "Ones",
)
# What else an optimizer may be given, and Keras' own value.
_OF_OPTIMIZER: dict[str, tuple[Any, ...]] = {
    "beta_1": (0.9,),
    "beta_2": (0.999,),
    "rho": (0.9, 0.95),
    "centered": (),
    "nesterov": (),
    "amsgrad": (),
    "decay": (),
    "weight_decay": (),
    "clipnorm": (),
    "clipvalue": (),
    "global_clipnorm": (),
    "use_ema": (),
    "argument 2": (),
    "argument 3": (),
}


def of_file(folder: Path, name: str) -> tuple[Network, list[str]] | None:
    """The network in a model file; None where the file is not there.

    Args:
        folder: where a relative name begins, besides the current folder.
        name: as the booking has it.

    Raises:
        UserError: it cannot be read, or its network cannot be had here.
    """
    for path in (Path(name), folder / name):
        try:
            is_there = path.is_file()
        except (OSError, ValueError):
            is_there = False
        if is_there:
            return network(*keras_file.architecture(path))
    return None


def network(layers: Sequence[Mapping[str, Any]], compiled: Mapping[str, Any]) -> tuple[Network, list[str]]:
    """A network of layers in a row.

    Args:
        layers: their descriptions as Keras writes them, ``class_name`` and ``config``.
        compiled: ``optimizer`` and ``loss`` as Keras writes them; empty where the model was not compiled.

    Returns:
        The network with one phase, whose epochs and batches a booking says; and what must be said of it.

    Raises:
        UserError: a layer that is none of dense, dropout, batch normalization and activation.
    """
    notes: list[str] = []
    read: list[Layer] = []
    for layer in layers:
        kind, config = str(layer["class_name"]).rpartition(">")[2], layer["config"]
        if kind == "Dense":
            is_complement = bool(read) and read[-1].units == 1 and config.get("units") == 2
            read.append(_dense(config, [] if is_complement else notes))
        elif kind == "Dropout":
            rate = config.get("rate")
            if not isinstance(rate, int | float):
                raise UserError(f"the model has a dropout layer whose rate could not be told ({_shown(rate)})")
            read.append(Layer("dropout", rate=float(rate)))
        elif kind == "BatchNormalization":
            read.append(Layer("batch_normalization"))
        elif kind in ("Activation", *_ACTIVATIONS):
            _activate(read, _ACTIVATIONS.get(kind) or _name(config.get("activation")))
        elif kind not in _NOTHING:
            raise UserError(
                f"the model has a layer {short(kind)}; dense layers, dropout and normalization can be had here"
            )
    if not any(layer.kind == "dense" for layer in read):
        raise UserError("the model has no dense layer")
    if not compiled:
        notes.append("the model is not compiled, and MethodPyKeras trains what is compiled only")
    loss = compiled.get("loss")
    phase = _phase(compiled.get("optimizer"), notes)
    return Network(tuple(read), _name(loss) if loss else "", "keras", 0, "20%", (phase,)), notes


def _shown(value: Any) -> str:
    """A value as a message has it."""
    return short(_name(value) or value)


def _dense(config: Mapping[str, Any], notes: list[str]) -> Layer:
    """A dense layer; what it has besides, and no network here can have, is noted."""
    for name, usual in _OF_DENSE.items():
        value = config.get(name)
        if not (value is None or value == usual or _name(value).lower() == usual):
            notes.append(f"a dense layer with {name} = {_shown(value)}, which is left out")
    drawn = config.get("kernel_initializer")
    settings = drawn.get("config") if isinstance(drawn, Mapping) else None
    settings = settings if isinstance(settings, Mapping) and _name(drawn) not in _WITHOUT_SETTINGS else {}
    if told := [f"{name} = {_shown(value)}" for name, value in settings.items() if name not in ("seed", "dtype")]:
        notes.append(f"a dense layer drawn from {_name(drawn)[:40]} with {', '.join(told)[:60]}: Keras' own are taken")
    l1, l2 = _penalty(config.get("kernel_regularizer"))
    units, activation = config.get("units"), _name(config.get("activation"))
    if not isinstance(units, int) or units < 1:
        raise UserError(f"the model has a dense layer whose units could not be told ({_shown(units)})")
    if activation and not activation.isidentifier():
        raise UserError(f"the model has an activation that could not be told ({short(activation)})")
    name = _name(drawn)
    if name and not name.isidentifier():
        notes.append(f"a dense layer drawn by {name[:60]}, which could not be told: Keras' own is taken")
        name = ""
    return Layer("dense", units, activation or "linear", 0.0, name, l1, l2)


def _name(value: Any) -> str:
    """The name of what Keras writes as a text or as a description of an object."""
    if isinstance(value, Mapping):
        inner = value.get("config")
        if value.get("class_name") == "function" and isinstance(inner, str):
            return inner
        return str(value.get("class_name", "")).rpartition(">")[2]
    return value if isinstance(value, str) else ""


def _penalty(value: Any) -> tuple[float, float]:
    if value is None:
        return 0.0, 0.0
    config = value.get("config", {}) if isinstance(value, Mapping) else {}
    name = _name(value).lower()
    of_kind = {"l1": (0.01, 0.0), "l2": (0.0, 0.01)}.get(name, (0.0, 0.0))
    return _number(config.get("l1", of_kind[0])), _number(config.get("l2", of_kind[1]))


def _number(value: Any) -> float:
    """A number, 0 where it is none."""
    return float(value) if isinstance(value, int | float) else 0.0


def _activate(layers: list[Layer], name: str) -> None:
    last = layers[-1] if layers else None
    if last is None or last.kind != "dense" or last.activation != "linear":
        raise UserError(f"the model has an activation {name} that no dense layer stands right before")
    layers[-1] = Layer("dense", last.units, name, 0.0, last.initializer, last.l1, last.l2)


def _phase(optimizer: Any, notes: list[str]) -> Phase:
    name = _name(optimizer).lower()
    config = optimizer.get("config", {}) if isinstance(optimizer, Mapping) else {}
    for key, usual in _OF_OPTIMIZER.items():
        value = config.get(key)
        if value and not any(isinstance(value, float) and math.isclose(value, one, rel_tol=1e-6) for one in usual):
            notes.append(f"optimizer {name[:40]} with {key} = {_shown(value)}, which is left out")
    if name and name not in OPTIMIZERS:
        notes.append(f"optimizer {name[:40]}: cannot be had here; Adam is what is put in its place")
    rate = config.get("learning_rate", config.get("lr", _RATES.get(name, _RATE)))
    if not isinstance(rate, int | float):
        notes.append("the learning rate follows a schedule, which cannot be had here")
        rate = _RATES.get(name, _RATE)
    return Phase(
        optimizer=name if name in OPTIMIZERS else "adam",
        learning_rate=float(f"{rate:.7g}"),  # stored in float32
        momentum=_number(config.get("momentum")),
        batch_size=100,
        convergence_steps=10,
        test_repetitions=1,
        max_epochs=10,
        regularization="none",
        weight_decay=0.0,
        drop=(),
    )
