"""TMVA's network in Keras: built, compiled and given its first weights, for PyKeras and for Keras itself.

Works with Keras 2 and Keras 3, and with Keras 2.3 as :mod:`tmva_bench.engines.keras_2_3` adapts it; the Keras module
is handed in, so that nothing here loads one.
"""

import functools
from typing import Any, Dict, List, Tuple

import numpy

from tmva_bench.basis import mapping
from tmva_bench.basis.training import Phase, Training

Weights = List[Tuple[numpy.ndarray, numpy.ndarray]]
# Metric of a network with L1 or L2: its loss without the regularization term, per unit of event weight.
DATA_LOSS = "data_loss"


def build(keras: Any, training: Training, inputs: int, phase: int = 0) -> Any:
    """The network of MethodDL as a compiled Keras model with one output unit.

    Under cross entropy the output is the logit; under the sum of squares it has the last activation. With
    ``dropout_rule = "tmva"`` there is no dropout in it, see :func:`with_masks`.

    Args:
        keras: the Keras module.
        training: the network and its training.
        inputs: number of input variables.
        phase: index of the training phase that it is compiled for.
    """
    model = keras.Sequential(_layers(keras, training, training.phases[phase], inputs))
    compile_for(keras, model, training, training.phases[phase])
    return model


def build_for_pykeras(keras: Any, training: Training, inputs: int) -> Any:
    """The same network with the two outputs that MethodPyKeras requires (signal first), compiled.

    The last, fixed layer adds no trainable parameter: softmax of (z, 0) is (sigmoid(z), 1 - sigmoid(z)); under
    the sum of squares with a linear output the pair is (z, 1 - z).

    Args:
        keras: the Keras module that PyKeras will take.
        training: the network and its training, in one phase.
        inputs: number of input variables.
    """
    pair = numpy.array([[1.0, 0.0]]), numpy.array([0.0, 0.0])
    activation = "softmax"
    if training.loss == "sum_of_squares" and training.activations[-1] == "linear":
        pair, activation = (numpy.array([[1.0, -1.0]]), numpy.array([0.0, 1.0])), "linear"
    (phase,) = training.phases
    # The softmax of the pair takes the place of the last activation.
    logit = training._replace(activations=(*training.activations[:-1], "linear"))
    layers = _layers(keras, logit, phase, inputs)
    layers.append(keras.layers.Dense(2, activation=activation, trainable=False))
    model = keras.Sequential(layers)
    model.layers[-1].set_weights(list(pair))
    loss = "categorical_crossentropy" if training.loss == "cross_entropy" else "mean_squared_error"
    model.compile(optimizer=_optimizer(keras, phase), loss=loss, weighted_metrics=["accuracy"])
    return model


def drops_by_masks(training: Training, phase: int) -> bool:
    """Whether a phase drops by TMVA's rule, whose masks are drawn beforehand."""
    return training.dropout_rule == "tmva" and any(training.phases[phase].drop)


def trained_by(keras: Any, model: Any, training: Training, inputs: int, phase: int) -> Any:
    """The model that a phase trains ``model`` by: that of :func:`with_masks` where it drops by them, or itself."""
    return with_masks(keras, model, training, inputs, phase) if drops_by_masks(training, phase) else model


def with_masks(keras: Any, model: Any, training: Training, inputs: int, phase: int = 0) -> Any:
    """A model for training that shares the layers of ``model`` and drops their inputs as MethodDL does on the CPU.

    Beside the variables it takes a mask for each layer that drops, see
    :meth:`tmva_bench.engines.tmva_random.WeightGenerator.masks`. MethodDL's backward pass leaves the mask out (its
    ``DropoutBackward`` is empty), so the gradient passes as if nothing were dropped.

    Args:
        keras: the module of Keras 3.
        model: the network as :func:`build` gives it.
        training: the network and its training.
        inputs: number of input variables.
        phase: index of the training phase.

    Returns:
        The compiled model; its inputs are the variables, then the masks in the order of the layers.
    """
    drop = training.phases[phase].drop
    arguments = [keras.Input(shape=(inputs,))]
    values, number, width = arguments[0], 0, inputs
    for layer in model.layers:
        if layer.get_weights():
            if number < len(drop) and drop[number]:
                arguments.append(keras.Input(shape=(width,)))
                values = values + keras.ops.stop_gradient(values * arguments[-1] - values)
            width = training.widths[number]
            number += 1
        values = layer(values)
    masked = keras.Model(arguments, values)
    compile_for(keras, masked, training, training.phases[phase])
    return masked


def compile_for(keras: Any, model: Any, training: Training, phase: Phase) -> None:
    """Gives a model the loss and the optimizer of a training phase."""
    kind = "BinaryCrossentropy" if training.loss == "cross_entropy" else "MeanSquaredError"
    arguments = {"from_logits": True} if training.loss == "cross_entropy" else {}
    metrics = {}
    if phase.regularization != "none":
        # Without the regularization term, which MethodDL adds once an epoch.
        metrics = {"weighted_metrics": [getattr(keras.metrics, kind)(name=DATA_LOSS, **arguments)]}
    loss = getattr(keras.losses, kind)(**arguments)
    model.compile(optimizer=_optimizer(keras, phase), loss=loss, **metrics)


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


def get_weights(model: Any) -> Weights:
    """Weights (inputs x outputs) and biases of the dense layers, first layer first."""
    return [tuple(layer.get_weights()) for layer in model.layers if layer.get_weights()]


def weights_spread(model: Any) -> float:
    """Root mean square of all weights to train, without biases; NaN without any."""
    return spread([layer.get_weights()[0] for layer in model.layers if layer.trainable and layer.get_weights()])


def spread(kernels: List[numpy.ndarray]) -> float:
    """Root mean square of all numbers in the kernels of layers."""
    squares = [numpy.square(kernel.ravel(), dtype=float) for kernel in kernels]
    return float(numpy.sqrt(numpy.mean(numpy.concatenate(squares))))


def regularization_term(model: Any, phase: Phase) -> float:
    """The L1 or L2 term of the loss for the model's present weights (biases are left alone, as in TMVA)."""
    power = {"none": 0, "l1": 1, "l2": 2}[phase.regularization]
    if not power:
        return 0.0
    kernels = [layer.get_weights()[0].astype(float) for layer in model.layers if layer.get_weights()]
    return phase.weight_decay * sum(float((numpy.abs(kernel) ** power).sum()) for kernel in kernels)


def trainable_parameters(model: Any) -> int:
    """Number of trainable parameters."""
    return sum(int(weight.size) for layer in model.layers if layer.trainable for weight in layer.get_weights())


def _layers(keras: Any, training: Training, phase: Phase, inputs: int) -> List[Any]:
    layers = [keras.Input(shape=(inputs,))]
    activations = activation_layers(keras)
    for number, (width, activation) in enumerate(zip(training.widths, training.activations)):
        if training.dropout_rule == "keras" and number < len(phase.drop) and phase.drop[number]:
            layers.append(keras.layers.Dropout(phase.drop[number], seed=training.seed + number))
        layers.append(
            keras.layers.Dense(
                width,
                activation=None if activation in activations else activation,
                kernel_initializer=_initializer(keras, training, number),
                kernel_regularizer=_regularizer(keras, phase),
            )
        )
        if activation in activations:
            layers.append(activations[activation]())
    if training.loss == "cross_entropy" and training.activations[-1] == "sigmoid" and _is_tensorflow(keras):
        # On TensorFlow, Keras takes the logits from before a sigmoid, though it is told that this is the logit.
        layers.append(keras.layers.Rescaling(1.0))
    return layers


def _is_tensorflow(keras: Any) -> bool:
    return bool(keras.backend.backend() == "tensorflow")


def _initializer(keras: Any, training: Training, number: int) -> Any:
    wanted = mapping.initializer(training)
    seeded = {"seed": training.seed + number} if wanted.name == "VarianceScaling" else {}
    return getattr(keras.initializers, wanted.name)(**wanted.arguments, **seeded)


def _regularizer(keras: Any, phase: Phase) -> Any:
    if phase.regularization == "none":
        return None
    return {"l1": keras.regularizers.L1, "l2": keras.regularizers.L2}[phase.regularization](phase.weight_decay)


def _optimizer(keras: Any, phase: Phase) -> Any:
    wanted = mapping.optimizer(phase)
    if keras.backend.floatx() == "float64":
        # Keras casts Adam's on TensorFlow by way of single precision, which puts 1 - beta_2 off by 1e-5.
        betas = {name: numpy.float64(value) for name, value in wanted.arguments.items() if name.startswith("beta")}
        wanted = wanted._replace(arguments={**wanted.arguments, **betas})
    return getattr(keras.optimizers, wanted.name)(**wanted.arguments)
