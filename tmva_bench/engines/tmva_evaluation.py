"""What TMVA trained, evaluated by the numbers in its weight files: networks in Keras, and boosted trees."""

from pathlib import Path
from typing import Any, Callable, Union

import numpy

from tmva_bench.engines import keras_network, keras_training, tmva_options, tmva_weights
from tmva_bench.engines.tmva_weights import WeightFile
from tmva_bench.errors import UserError
from tmva_bench.events.transforms import transformed

Scores = Callable[[numpy.ndarray], numpy.ndarray]


def of_network(keras: Any, file: WeightFile) -> Scores:
    """The scores of a deep network, as ``TMVA::Reader`` has them, of events of shape (events, variables).

    All numbers are those of the weight file, the ones of the transformations too.

    Args:
        keras: the Keras module, in double precision where TMVA's is meant.
        file: the weight file.

    Raises:
        UserError: no dense network of a classification, or a damaged file.
    """
    layers = tmva_weights.classifier(file)
    transform = of_transformations(file)
    model = keras_network.build(keras, tmva_options.evaluated(layers), len(file.variables))
    keras_network.set_weights(model, [(layer.weights.T, layer.biases) for layer in layers])
    link = tmva_weights.output_function(file)
    return lambda events: keras_training.score(model, transform(events), link)


def of_forest(file: WeightFile) -> Scores:
    """The scores of boosted trees, as ``TMVA::Reader`` has them, of events of shape (events, variables).

    Args:
        file: the weight file.

    Raises:
        UserError: no BDT that is evaluated here, see :func:`tmva_bench.engines.tmva_weights.forest`, or a damaged file.
    """
    forest, transform = tmva_weights.forest(file), of_transformations(file)
    return lambda events: numpy.tanh(forest.total(transform(events)))


def of_transformations(file: WeightFile) -> Scores:
    """What the transformations in a weight file make of events.

    Raises:
        UserError: an unknown one, or a damaged file.
    """
    steps = [step for _, step in tmva_weights.transformations(file)]
    return lambda events: transformed(steps, events)


def load_weights(model: Any, path: Union[str, Path]) -> None:
    """Gives a model the weights in a file of Keras; what else stands there is not read, and nothing of it is run.

    Args:
        model: the network, built here.
        path: ``.keras`` or ``.h5``.

    Raises:
        UserError: it cannot be read, or holds another network.
    """
    if not Path(path).is_file():
        raise UserError(f"{path}: no such file; the run left no model, or it was taken away")
    try:
        model.load_weights(str(path))
    except Exception as error:  # whatever Keras and HDF5 throw
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            f"{path}: cannot be read as the weights of this network ({reason}); take another copy"
        ) from None
