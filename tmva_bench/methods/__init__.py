"""The methods: one module each; every one says whether it can run here, and runs."""

import math
from typing import Dict, List, NamedTuple

import numpy

from tmva_bench.basis.config import Point
from tmva_bench.basis.training import Epoch


class Task(NamedTuple):
    """What one child process is asked to do.

    Attributes:
        point: the benchmark point.
        method: ``tmva-dnn``, ``pykeras``, ``keras`` or ``dae``.
        backend: ``tmva`` for ``tmva-dnn``, else the Keras backend.
        architecture: ``cpu`` or ``gpu``.
        threads: threads given to the run.
        input_file: the common input file.
        folder: where the method leaves its files (model, TMVA's output and weight files).
    """

    point: Point
    method: str
    backend: str
    architecture: str
    threads: int
    input_file: str
    folder: str


class Outcome(NamedTuple):
    """What a method gives back.

    Attributes:
        scores: classifier output per event, float64, in the order of the input file's trees, keyed
            by tree name (``TrainS``, ``TrainB``, ``TestS``, ``TestB``); signal-like is high.
        history: one entry an epoch.
        best_epoch: the epoch whose weights were kept, 0 for the untrained net.
        validation_loss: the best validation loss.
        parameters: number of trainable parameters.
        roc_integral: TMVA's own number, NaN where no TMVA made it.
        real_time_fit: real time of the training alone [s].
        device: what the training ran on, e.g. ``"cpu"`` or the GPU's name.
        versions: ``root``, ``keras`` and ``backend`` versions, "" where not used.
        membership: digests of the events trained on, validated on and tested on, see
            :func:`tmva_bench.events.inputs.membership`.
        untrained_loss: validation loss of the untrained network, NaN where the method does not tell.
        initial_weights_spread: root mean square of all initial weights, without biases, NaN likewise.
    """

    scores: Dict[str, numpy.ndarray]
    history: List[Epoch]
    best_epoch: int
    validation_loss: float
    parameters: int
    roc_integral: float
    real_time_fit: float
    device: str
    versions: Dict[str, str]
    membership: Dict[str, str]
    untrained_loss: float = math.nan
    initial_weights_spread: float = math.nan
