"""Keras 2.3, the last that runs on Theano, under the names of later versions and with their meaning.

Where the same name means something else in Keras 2.3, what stands here computes what later versions compute:

* binary cross entropy of logits: on Theano, 2.3 takes the sigmoid and clips it, which has no gradient beyond logits
  of 16 and loses digits before;
* RMSprop and Adagrad: 2.3 adds epsilon outside the square root, TMVA and later versions inside;
* initializers: 2.3 lacks the untruncated normal, and on Theano it compiles C++ for a minute to draw the weights,
  which are overwritten by TMVA's.
"""

import random
import types
from typing import Any

import numpy

from tmva_bench.errors import Unavailable


def is_old(version: str) -> bool:
    """Whether a version of Keras needs this; later ones of Keras 2 are TensorFlow's."""
    return tuple(int(part) for part in version.split(".")[:2]) < (2, 4)


def adapt(keras: Any) -> Any:
    """Keras 2.3 with what :mod:`tmva_bench.engines.keras_network` and the methods use of later versions.

    Args:
        keras: the module of Keras 2.3.
    """
    adapted = _copy(keras)
    adapted.Sequential = lambda layers: _chain(keras, layers)
    adapted.utils = _copy(keras.utils)
    adapted.utils.set_random_seed = _set_random_seed
    adapted.utils.register_keras_serializable = lambda package: lambda kind: _register(keras, kind)
    adapted.regularizers = _copy(keras.regularizers)
    adapted.regularizers.L1, adapted.regularizers.L2 = keras.regularizers.l1, keras.regularizers.l2
    adapted.losses = _copy(keras.losses)
    adapted.losses.BinaryCrossentropy = _binary_crossentropy(keras)
    adapted.optimizers = _copy(keras.optimizers)
    adapted.optimizers.RMSprop = _rmsprop(keras)
    adapted.optimizers.Adagrad = _adagrad(keras)
    adapted.initializers = _copy(keras.initializers)
    adapted.initializers.VarianceScaling = _variance_scaling(keras)
    return adapted


def compile_functions(model: Any) -> None:
    """Has Theano compile all that training, evaluation and prediction of a compiled model need.

    The C++ of another model of the same kind then comes from Theano's cache on disk: a training takes the same time
    whether or not one like it was run before on this machine.
    """
    model._make_train_function()
    model._make_test_function()
    model._make_predict_function()


def _chain(keras: Any, layers: Any) -> Any:
    """A model of an input and layers; 2.3's Sequential takes no input that it could store and read back."""
    output = layers[0]
    for layer in layers[1:]:
        output = layer(output)
    return keras.Model(layers[0], output)


def _copy(module: Any) -> Any:
    copy = types.ModuleType(module.__name__)
    copy.__dict__.update(vars(module))
    return copy


def _register(keras: Any, kind: Any) -> Any:
    """Lets Keras find a class or function of ours in a stored model; 2.3 knows it by its bare name."""
    keras.utils.get_custom_objects()[kind.__name__] = kind
    return kind


def _set_random_seed(seed: int) -> None:
    random.seed(seed)
    numpy.random.seed(seed)


def _binary_crossentropy(keras: Any) -> Any:
    backend = keras.backend

    def logit_cross_entropy(target: Any, logit: Any) -> Any:
        return backend.mean(backend.softplus(logit) - target * logit, axis=-1)

    _register(keras, logit_cross_entropy)

    return lambda from_logits: logit_cross_entropy if from_logits else keras.losses.BinaryCrossentropy()


def _rmsprop(keras: Any) -> Any:
    backend = keras.backend

    class RootRMSprop(keras.optimizers.RMSprop):  # type: ignore[misc]
        def get_updates(self, loss: Any, params: Any) -> Any:
            return _update(
                backend, self, loss, params, lambda mean, square: self.rho * mean + (1.0 - self.rho) * square
            )

    return _register(keras, RootRMSprop)


def _adagrad(keras: Any) -> Any:
    backend = keras.backend

    class RootAdagrad(keras.optimizers.Adagrad):  # type: ignore[misc]
        def get_updates(self, loss: Any, params: Any) -> Any:
            return _update(backend, self, loss, params, lambda total, square: total + square)

    _register(keras, RootAdagrad)

    def make(initial_accumulator_value: float, **arguments: Any) -> Any:
        if initial_accumulator_value:
            raise Unavailable(
                f"Adagrad of Keras 2.3 starts at 0, not at initial_accumulator_value = {initial_accumulator_value:g}",
                "use Keras 3",
            )
        return RootAdagrad(**arguments)

    return make


def _update(backend: Any, optimizer: Any, loss: Any, parameters: Any, accumulate: Any) -> Any:
    """Steps of rate x gradient / sqrt(accumulated squares + epsilon)."""
    squares = [backend.zeros(backend.int_shape(parameter)) for parameter in parameters]
    optimizer.weights = squares
    optimizer.updates = []
    for parameter, gradient, square in zip(parameters, optimizer.get_gradients(loss, parameters), squares):
        accumulated = accumulate(square, backend.square(gradient))
        step = optimizer.learning_rate * gradient / backend.sqrt(accumulated + optimizer.epsilon)
        optimizer.updates += [backend.update(square, accumulated), backend.update(parameter, parameter - step)]
    return optimizer.updates


def _variance_scaling(keras: Any) -> Any:
    # Names of the distributions in 2.3, by those of later versions.
    old = {"truncated_normal": "normal"}

    class VarianceScaling(keras.initializers.VarianceScaling):  # type: ignore[misc]
        """Drawn by numpy."""

        def __init__(self, scale: float, mode: str, distribution: str, seed: int) -> None:
            named = old.get(distribution, distribution)
            super().__init__(scale, mode, "normal" if named == "untruncated_normal" else named, seed)
            # Stored as it is: Keras 2.3 by itself refuses to load the one that it does not know.
            self.distribution = named

        def __call__(self, shape: Any, dtype: Any = None) -> Any:
            inputs, outputs = shape
            number = {"fan_in": inputs, "fan_out": outputs, "fan_avg": (inputs + outputs) / 2}[self.mode]
            sigma = (self.scale / number) ** 0.5
            generator = numpy.random.RandomState(self.seed)
            if self.distribution == "uniform":
                return generator.uniform(-(3**0.5) * sigma, 3**0.5 * sigma, shape)
            if self.distribution == "untruncated_normal":
                return generator.normal(0.0, sigma, shape)
            # Not above: scipy.stats takes a second to import, and every Keras run loads this module.
            from scipy.stats import truncnorm

            return truncnorm.rvs(-2, 2, scale=sigma / truncnorm.std(-2, 2), size=shape, random_state=generator)

    return _register(keras, VarianceScaling)
