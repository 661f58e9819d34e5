"""A deep autoencoder in Keras: built with free or tied weights, trained level by level and end to end.

It is trained as MethodDL trains a regression of the inputs on themselves, with its initial weights, batches and
stopping rule. The Keras module is handed in.
"""

from typing import Any, Callable, List, NamedTuple, Optional, Tuple

import numpy

from tmva_bench.basis.autoencoder import Specification
from tmva_bench.basis.training import Training
from tmva_bench.engines import keras_network, keras_training, tmva_random
from tmva_bench.engines.keras_network import Weights

_EVALUATION_BATCH = 10000


class Fitted(NamedTuple):
    """A trained autoencoder.

    Attributes:
        layers: weights (inputs x outputs) and biases of each layer; tied weights stand in both of their layers.
        fit: how the training end to end went.
        parameters: number of trainable parameters.
    """

    layers: Weights
    fit: keras_training.Fit
    parameters: int


def train(keras: Any, specification: Specification, x: numpy.ndarray, weights: numpy.ndarray) -> Fitted:
    """Trains an autoencoder; the best weights by the validation loss are kept.

    Args:
        keras: the Keras module.
        specification: what to train.
        x: network inputs in TMVA's order, float32, shape (events, variables); the last ones validate.
        weights: event weights, float32, shape (events,).
    """
    variables = x.shape[1]
    start = _pretrained(keras, specification, x, weights) if specification.pretraining else None
    corrupt = corruption(specification, x.std(axis=0), stream=0)
    return _fitted(keras, specification.training(variables), specification.tied, x, weights, corrupt, start)


def corruption(
    specification: Specification, widths: numpy.ndarray, stream: int
) -> Optional[Callable[[numpy.ndarray], numpy.ndarray]]:
    """What corrupts inputs, anew with each call; None where nothing does.

    Args:
        specification: share and kind.
        widths: standard deviation of each input.
        stream: number of the stream of random numbers.
    """
    share = specification.corruption
    if not share:
        return None
    generator = numpy.random.Generator(numpy.random.PCG64([specification.seed, stream]))

    def mask(x: numpy.ndarray) -> numpy.ndarray:
        masked: numpy.ndarray = x * (generator.random(x.shape, numpy.float32) >= share)
        return masked

    def add_noise(x: numpy.ndarray) -> numpy.ndarray:
        return (x + share * widths * generator.standard_normal(x.shape, numpy.float32)).astype(numpy.float32)

    return {"MASKING": mask, "GAUSS": add_noise}[specification.noise]


def _pretrained(keras: Any, specification: Specification, x: numpy.ndarray, weights: numpy.ndarray) -> Weights:
    """Weights of all layers, each level trained to reconstruct what the level before encodes."""
    encoder: Weights = []
    decoder: Weights = []
    for number, level in enumerate(specification.levels(x.shape[1])):
        print(f": level {number + 1}, {x.shape[1]} to {level.widths[0]}", flush=True)  # noqa: T201 - the log
        corrupt = corruption(specification, x.std(axis=0), stream=number + 1)
        down, up = _fitted(keras, level, specification.tied, x, weights, corrupt, None).layers
        encoder, decoder = [*encoder, down], [up, *decoder]
        hidden = _network(keras, level._replace(widths=level.widths[:1], activations=level.activations[:1]), False, x)
        keras_network.set_weights(hidden, [down])
        x = hidden.predict(x, batch_size=_EVALUATION_BATCH, verbose=0)
    return encoder + decoder


def _fitted(
    keras: Any,
    training: Training,
    tied: bool,
    x: numpy.ndarray,
    weights: numpy.ndarray,
    corrupt: Optional[Callable[[numpy.ndarray], numpy.ndarray]],
    start: Optional[Weights],
) -> Fitted:
    random = tmva_random.WeightGenerator(training, x.shape[1])
    model = _network(keras, training._replace(initializer="zero"), tied, x)
    _set_weights(model, start or random.weights, tied)
    result = keras_training.fit(keras, model, training, keras_training.Arrays(x, x, weights), random, corrupt=corrupt)
    return Fitted(_get_weights(model, tied), result, keras_network.trainable_parameters(model))


def _network(keras: Any, training: Training, tied: bool, x: numpy.ndarray) -> Any:
    """The network as a compiled model."""
    if not tied:
        return keras_network.build(keras, training, x.shape[1])
    activations = keras_network.activation_layers(keras)
    values = inputs = keras.Input(shape=(x.shape[1],))
    encoder: List[Any] = []
    last = len(training.widths) - 1
    for number, activation in enumerate(training.activations):
        if number <= last // 2:
            encoder.append(keras.layers.Dense(training.widths[number]))
            values = encoder[-1](values)
        else:
            values = _transposed(keras, encoder[last - number], training.widths[number])(values)
        values = (activations[activation]() if activation in activations else keras.layers.Activation(activation))(
            values
        )
    model = keras.Model(inputs, values)
    keras_network.compile_for(keras, model, training, training.phases[0])
    return model


def _transposed(keras: Any, dense: Any, inputs: int) -> Any:
    """A layer whose weights are those of another with so many inputs, transposed; its biases are its own."""
    ops = keras.ops if hasattr(keras, "ops") else keras.backend
    multiply = ops.matmul if hasattr(ops, "matmul") else ops.dot

    class Transposed(keras.layers.Layer):  # type: ignore[misc]
        def build(self, shape: Any) -> None:
            self.bias = self.add_weight(name="bias", shape=(inputs,), initializer="zeros")
            super().build(shape)

        def call(self, values: Any) -> Any:
            return multiply(values, ops.transpose(dense.kernel)) + self.bias

        def compute_output_shape(self, shape: Any) -> Tuple[Any, ...]:
            return (shape[0], inputs)

    return Transposed()


def _set_weights(model: Any, weights: Weights, tied: bool) -> None:
    if not tied:
        keras_network.set_weights(model, weights)
        return
    layers = [layer for layer in model.layers if layer.get_weights()]
    for layer, (kernel, bias) in zip(layers, weights):
        layer.set_weights([kernel, bias] if len(layer.get_weights()) > 1 else [bias])


def _get_weights(model: Any, tied: bool) -> Weights:
    if not tied:
        return keras_network.get_weights(model)
    held = [layer.get_weights() for layer in model.layers if layer.get_weights()]
    half = len(held) // 2
    kernels = [kernel for kernel, _ in held[:half]]
    biases = [arrays[-1] for arrays in held]
    return list(zip([*kernels, *(kernel.T for kernel in reversed(kernels))], biases))
