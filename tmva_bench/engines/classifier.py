"""What classifiers that are no networks have in common: the result of a training, its loss, and scikit-learn."""

import sys
from pathlib import Path
from typing import Any, Callable, List, NamedTuple

import numpy

from tmva_bench.basis.training import Epoch
from tmva_bench.engines.keras_training import Arrays
from tmva_bench.errors import TrainingFailed, Unavailable


class Trained(NamedTuple):
    """A classifier, trained; of several rounds with the best one and those before.

    Attributes:
        history: one entry a round, those after the best one too.
        best_round: the round that was kept; 0 where none was better than the share of signal alone.
        validation_loss: that of the best round: the weighted cross entropy, a mean over events.
        untrained_loss: that of the share of signal alone.
        parameters: numbers that were trained.
        score: the probability of signal of transformed events, float64, shape (events,).
        write: leaves the model in a folder.
        version: of the library.
    """

    history: List[Epoch]
    best_round: int
    validation_loss: float
    untrained_loss: float
    parameters: int
    score: Callable[[numpy.ndarray], numpy.ndarray]
    write: Callable[[Path], None]
    version: str


def prior(events: Arrays) -> float:
    """The share of signal in the weights, the score of the ensemble without trees.

    Raises:
        TrainingFailed: it is no probability.
    """
    share = float((events.w * events.y[:, 0]).sum(dtype=float) / events.w.sum(dtype=float))
    if not 0 < share < 1:
        raise TrainingFailed(
            f"signal has {share:.3g} of the weights that are trained on; give both classes a positive sum of weights"
        )
    return share


def cross_entropy(scores: numpy.ndarray, events: Arrays) -> float:
    """The loss of scores, the mean over events that the networks have.

    Args:
        scores: probability of signal, shape (events,).
        events: with their weights.
    """
    from scipy.special import xlogy

    y, w = events.y[:, 0].astype(float), events.w.astype(float)
    return float(-(w * (xlogy(y, scores) + xlogy(1 - y, 1 - scores))).mean())


def load_sklearn() -> Any:
    """scikit-learn, with what is used of it.

    Raises:
        Unavailable: it is not installed.
    """
    try:
        import sklearn
        import sklearn.ensemble
        import sklearn.linear_model
    except ImportError as error:
        raise missing("scikit-learn", "sklearn", error) from None
    return sklearn


def missing(library: str, extra: str, error: ImportError) -> Unavailable:
    """That a library is not installed, and how to install it.

    Args:
        library: its name.
        extra: what ``pyproject.toml`` calls it.
        error: what Python says.
    """
    checkout = Path(__file__).parents[2]
    cure = f"{sys.executable} -m pip install 'tmva-bench[{extra}]'"
    if (checkout / ".route" / "bin" / "python").exists():
        cure = f".route/bin/python -m pip install -e '.[{extra}]' in {checkout}"
    return Unavailable(f"no {library} here ({error})", cure)
