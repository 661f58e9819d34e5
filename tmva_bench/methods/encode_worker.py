"""Trains an autoencoder and encodes a file with it, as a child.

Run as ``python -m tmva_bench.methods.encode_worker FOLDER PARENT``.

The folder holds ``task.json``, see :class:`Task`.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, NamedTuple, Tuple

import numpy

from tmva_bench.basis import autoencoder
from tmva_bench.basis.autoencoder import Specification
from tmva_bench.engines import encoder, keras_training
from tmva_bench.errors import TrainingFailed
from tmva_bench.events import inputs, normalisation
from tmva_bench.methods import read_input, worker

# What a run of the method dae leaves: the encoded events, with the autoencoder and its errors.
OUTPUT = "encoded.root"

if TYPE_CHECKING:
    from tmva_bench.engines.keras_autoencoder import Fitted
    from tmva_bench.engines.keras_training import Arrays, Fit


class Task(NamedTuple):
    """What the child is asked to do.

    Attributes:
        input_file: the common input file.
        output: the file to write.
        k: number of encoded variables.
        options: of :func:`tmva_bench.basis.autoencoder.specification`.
        transformations: likewise.
        event_class: likewise.
        backend: the Keras backend.
        split_seed: seed of the order of the training events, whose last validate.
        norm_mode: see :func:`training_events`.
        input_digest: that of the input file when it was asked for.
    """

    input_file: str
    output: str
    k: int
    options: Dict[str, str]
    transformations: str
    event_class: str
    backend: str
    split_seed: int
    norm_mode: str
    input_digest: str


def carry_out(folder: Path) -> Dict[str, Any]:
    """Trains, encodes and writes; the metadata of the file say how it went and how long it took.

    Args:
        folder: holds the task.

    Returns:
        Nothing beside: all is in the file.

    Raises:
        UserError: events or options that nothing can be trained with.
        Unavailable: the Keras or the backend asked for is not there.
        TrainingFailed: nothing was learnt.
    """
    from tmva_bench.engines.stopwatch import Stopwatch

    task = Task(**json.loads((folder / "task.json").read_text()))
    keras, backend = keras_training.load(task.backend)
    wanted = autoencoder.specification(
        task.k, task.options, transformations=task.transformations, event_class=task.event_class
    )
    watch = Stopwatch()
    with watch.phase("encode"):
        data = read_input(task.input_file, task.input_digest)
        trained, (_, fit, parameters) = train(keras, wanted, data, task.split_seed, task.norm_mode)
        for events in data.events.values():
            trained.encode(events)
    if fit.best_epoch == 0 and not wanted.pretraining:
        raise TrainingFailed(nothing_learnt(fit))
    facts = {
        **trained.facts,
        "backend": task.backend,
        "norm_mode": task.norm_mode,
        "keras_version": keras.__version__,
        "backend_version": backend.__version__,
        "epochs": len(fit.history),
        "best_epoch": fit.best_epoch,
        "validation_loss": fit.validation_loss,
        "parameters": parameters,
        **watch.seconds,
    }
    encoder.write_encoded(trained._replace(facts=facts), data, task.output)
    return {}


def train(
    keras: Any, specification: Specification, data: inputs.InputFile, split_seed: int, norm_mode: str
) -> Tuple[encoder.Encoder, "Fitted"]:
    """Trains an autoencoder on the training events of its class.

    Args:
        keras: the Keras module.
        specification: what to train.
        data: the common input file.
        split_seed: seed of the order of the training events, whose last validate.
        norm_mode: see :func:`training_events`.

    Raises:
        UserError: events that it cannot be trained on.
    """
    from tmva_bench.engines import keras_autoencoder

    prepared = encoder.prepare(specification, data)
    events = training_events(specification, data, split_seed, norm_mode)
    keras.utils.set_random_seed(specification.seed)
    x = prepared.network_inputs(events.x).astype(numpy.float32)
    fitted = keras_autoencoder.train(keras, specification, x, events.w)
    return prepared._replace(layers=fitted.layers), fitted


def training_events(specification: Specification, data: inputs.InputFile, split_seed: int, norm_mode: str) -> "Arrays":
    """The training events of the autoencoder's class, in TMVA's order.

    A regression has one class of events, so signal and background keep their weights' proportion under every mode.

    Args:
        specification: gives the class.
        data: the common input file.
        split_seed: seed of the order of the training events, whose last validate.
        norm_mode: what the weights are scaled by, one of :data:`tmva_bench.basis.config.NORM_MODES`; but for ``none``
            to a mean of 1.
    """
    events = keras_training.training_vector(data, split_seed, "none")
    if specification.event_class != "AllClasses":
        events = events.take(events.y[:, 0] == (specification.event_class == "Signal"))
    [weights] = normalisation.normalise(norm_mode, [events.w])
    return events._replace(w=weights)


def nothing_learnt(fit: "Fit") -> str:
    """Why a training whose best weights are the first ones is none."""
    return (
        f"no epoch of {len(fit.history)} had a lower validation loss than the untrained network; "
        "try a smaller LearningRate or more events"
    )


def main() -> None:
    """Does the task in the folder named on the command line."""
    worker.answer(carry_out)


if __name__ == "__main__":
    main()
