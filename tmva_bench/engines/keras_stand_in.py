"""A stand-in for Keras that keeps what it is called with: which arguments a network is built and trained with."""

import types
from typing import Any, Callable, Dict, List, NamedTuple

from tmva_bench.basis import mapping
from tmva_bench.basis.config import Point


class Called:
    """An object of Keras that keeps what it was made and compiled with."""

    def __init__(self, *values: Any, **arguments: Any) -> None:
        self.values, self.arguments = values, arguments

    def __str__(self) -> str:
        """The call that made it."""
        arguments = [
            *map(text_of, self.values),
            *(f"{name}={text_of(value)}" for name, value in self.arguments.items()),
        ]
        return f"{type(self).__name__}({', '.join(arguments)})"

    @property
    def layers(self) -> List[Any]:
        """The layers of a model."""
        return list(self.values[0])

    def compile(self, **arguments: Any) -> None:
        """Keeps optimizer, loss and metrics of a model."""
        self.arguments = arguments

    def set_weights(self, weights: Any) -> None:
        """A layer's weights are none of its arguments."""


class Keras(types.ModuleType):
    """Stands in for the Keras module: every class of it is a :class:`Called`."""

    def __getattr__(self, name: str) -> Any:
        """A class, or a module in it."""
        if name.startswith("_"):
            raise AttributeError(name)
        return type(name, (Called,), {}) if name[0].isupper() else Keras(name)

    def floatx(self) -> str:
        """The default precision."""
        return "float32"

    def register_keras_serializable(self, package: str) -> Callable[[type], type]:
        """Leaves a class as it is."""
        return lambda kind: kind


# One module, as Keras is: keras_network keeps the layers that it defines for each.
KERAS = Keras("keras")


class Network(NamedTuple):
    """A model as it was built: its hidden layers and its end as lists of layers, and what it was compiled with."""

    hidden: List[List[Any]]
    last: List[Any]
    dropout: List[Any]
    loss: Any

    @property
    def dense(self) -> List[Any]:
        """The layers with weights."""
        return [layer for group in (*self.hidden, self.last) for layer in group if type(layer).__name__ == "Dense"]


def network(model: Any, hidden_layers: int) -> Network:
    """A model that was built with the stand-in, by its hidden layers and its end."""
    groups: List[List[Any]] = []
    dropout = []
    for layer in model.layers[1:]:
        kind = type(layer).__name__
        if kind == "Dropout":
            dropout.append(layer)
        elif kind == "Dense" and len(groups) <= hidden_layers:
            groups.append([layer])
        else:
            groups[-1].append(layer)
    return Network(groups[:-1], groups[-1], dropout, model.arguments["loss"])


def text_of(value: Any) -> str:
    """A value as an argument in Python."""
    if isinstance(value, str):
        return repr(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def call_of(wanted: mapping.Object) -> str:
    """The call that makes an object of Keras."""
    return f"{wanted.name}({', '.join(f'{name}={text_of(value)}' for name, value in wanted.arguments.items())})"


def kind_of(thing: Any) -> str:
    """The class of an object of Keras."""
    return "None" if thing is None else type(thing).__name__


def dropouts(layers: List[Any]) -> str:
    """Layers of dropout in words."""
    return ", ".join(map(str, layers)) or "no Dropout layer"


def activation(layers: List[Any]) -> str:
    """The activation of a dense layer and what follows it."""
    texts = []
    for layer in layers:
        kind = type(layer).__name__
        texts.append(f"Dense(activation={text_of(layer.arguments['activation'])})" if kind == "Dense" else f"{kind}()")
    return ", ".join(texts)


def cells(point: Point, built: Network) -> Dict[str, str]:
    """What common parameters are in a network that Keras trains, as it was built; the others are the method's."""
    optimizer = mapping.optimizer(point)
    constants = dict(optimizer.arguments)
    rate, momentum = constants.pop("learning_rate"), constants.pop("momentum", None)
    regularizer = built.dense[0].arguments["kernel_regularizer"]
    return {
        "neurons": f"Dense({built.hidden[0][0].values[0]})" if built.hidden else "",
        "layers": ", ".join(f"Dense({dense.values[0]})" for dense in built.dense),
        "activation": activation(built.hidden[0]) if built.hidden else "",
        "last_activation": activation(built.last),
        "initializer": call_of(mapping.initializer(point)),
        "loss": f"loss={text_of(built.loss)}",
        "optimizer": call_of(mapping.Object(optimizer.name, constants)),
        "learning_rate": f"learning_rate={text_of(rate)}",
        "momentum": "" if momentum is None else f"momentum={text_of(momentum)}",
        "dropout": dropouts(built.dropout),
        "regularization": f"kernel_regularizer={kind_of(regularizer)}",
        "weight_decay": "" if regularizer is None else str(regularizer),
        "seed": f"set_random_seed({point.seed})",
    }
