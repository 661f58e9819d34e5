"""TMVA's network in Keras: built, compiled and given its first weights, for PyKeras and for Keras itself.

Works with Keras 2 and Keras 3, and with Keras 2.3 as :mod:`tmva_bench.methods.keras_2_3` adapts it; the Keras module
is handed in, so that nothing here loads one.
"""

import functools
from typing import Any, Dict, List, Tuple

import numpy

from tmva_bench import mapping
from tmva_bench.config import Point

Weights = List[Tuple[numpy.ndarray, numpy.ndarray]]


def build(keras: Any, point: Point, inputs: int) -> Any:
    """The network of MethodDL as a compiled Keras model with one output unit.

    Under cross entropy the output is the logit; under the sum of squares it has the point's last activation.

    Args:
        keras: the Keras module.
        point: the benchmark point.
        inputs: number of input variables.
    """
    model = keras.Sequential(_layers(keras, point, inputs))
    loss = (
        keras.losses.BinaryCrossentropy(from_logits=True)
        if point.loss == "cross_entropy"
        else keras.losses.MeanSquaredError()
    )
    model.compile(optimizer=_make(keras.optimizers, mapping.optimizer(point)), loss=loss)
    return model


def build_for_pykeras(keras: Any, point: Point, inputs: int) -> Any:
    """The same network with the two outputs that MethodPyKeras requires (signal first), compiled.

    The last, fixed layer adds no trainable parameter: softmax of (z, 0) is (sigmoid(z), 1 - sigmoid(z)); under
    the sum of squares with a linear output the pair is (z, 1 - z).

    Args:
        keras: the Keras module that PyKeras will take.
        point: the benchmark point.
        inputs: number of input variables.
    """
    pair = numpy.array([[1.0, 0.0]]), numpy.array([0.0, 0.0])
    activation = "softmax"
    if point.loss == "sum_of_squares" and point.last_activation == "linear":
        pair, activation = (numpy.array([[1.0, -1.0]]), numpy.array([0.0, 1.0])), "linear"
    layers = _layers(keras, point, inputs, last_activation="linear")
    layers.append(keras.layers.Dense(2, activation=activation, trainable=False))
    model = keras.Sequential(layers)
    model.layers[-1].set_weights(list(pair))
    loss = "categorical_crossentropy" if point.loss == "cross_entropy" else "mean_squared_error"
    model.compile(optimizer=_make(keras.optimizers, mapping.optimizer(point)), loss=loss, weighted_metrics=["accuracy"])
    return model


@functools.lru_cache(maxsize=None)
def activation_layers(keras: Any) -> Dict[str, Any]:
    """Layers for TMVA's activations that Keras lacks, registered: a stored model that has one loads only after this.

    Layers and not functions, which Keras 2 does not read back from HDF5.

    Returns:
        The classes for ``symmrelu``, the absolute value, and ``gauss``, exp(-x^2).
    """
    backend = keras.ops if hasattr(keras, "ops") else keras.backend

    @keras.utils.register_keras_serializable("tmva_bench")
    class SymmRelu(keras.layers.Layer):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            return backend.abs(x)

    @keras.utils.register_keras_serializable("tmva_bench")
    class Gauss(keras.layers.Layer):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            return backend.exp(-x * x)

    return {"symmrelu": SymmRelu, "gauss": Gauss}


def set_weights(model: Any, weights: Weights) -> None:
    """Gives the dense layers of ``model`` the weights (inputs x outputs) and biases, first layer first."""
    dense = [layer for layer in model.layers if layer.get_weights()]
    for layer, pair in zip(dense, weights):
        layer.set_weights(list(pair))


def regularization_term(model: Any, point: Point) -> float:
    """The L1 or L2 term of the loss for the model's present weights (biases are left alone, as in TMVA)."""
    power = {"none": 0, "l1": 1, "l2": 2}[point.regularization]
    if not power:
        return 0.0
    kernels = [layer.get_weights()[0].astype(float) for layer in model.layers if layer.get_weights()]
    return point.weight_decay * sum(float((numpy.abs(kernel) ** power).sum()) for kernel in kernels)


def trainable_parameters(model: Any) -> int:
    """Number of trainable parameters."""
    return sum(int(weight.size) for layer in model.layers if layer.trainable for weight in layer.get_weights())


def _layers(keras: Any, point: Point, inputs: int, last_activation: str = "") -> List[Any]:
    last = last_activation or ("linear" if point.loss == "cross_entropy" else point.last_activation)
    layers = [keras.Input(shape=(inputs,))]
    drop = mapping.drop_probabilities(point)
    own = activation_layers(keras)
    for number in range(point.layers + 1):
        hidden = number < point.layers
        activation = point.activation if hidden else last
        if drop and drop[number]:
            layers.append(keras.layers.Dropout(drop[number], seed=point.seed + number))
        layers.append(
            keras.layers.Dense(
                point.neurons if hidden else 1,
                activation=None if activation in own else activation,
                kernel_initializer=_initializer(keras, point, number),
                kernel_regularizer=_regularizer(keras, point),
            )
        )
        if activation in own:
            layers.append(own[activation]())
    return layers


def _initializer(keras: Any, point: Point, number: int) -> Any:
    wanted = mapping.initializer(point)
    seeded = {"seed": point.seed + number} if wanted.name == "VarianceScaling" else {}
    return getattr(keras.initializers, wanted.name)(**wanted.arguments, **seeded)


def _regularizer(keras: Any, point: Point) -> Any:
    if point.regularization == "none":
        return None
    return {"l1": keras.regularizers.L1, "l2": keras.regularizers.L2}[point.regularization](point.weight_decay)


def _make(namespace: Any, wanted: mapping.Object) -> Any:
    return getattr(namespace, wanted.name)(**wanted.arguments)
