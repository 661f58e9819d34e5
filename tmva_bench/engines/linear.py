"""Logistic regression by scikit-learn, without a penalty: the best linear score of transformed variables."""

import json
import time
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy

from tmva_bench.basis.training import Epoch
from tmva_bench.engines import classifier, tmva_files
from tmva_bench.engines.classifier import Trained
from tmva_bench.engines.keras_training import Arrays
from tmva_bench.errors import TrainingFailed, UserError

FILE = "linear.json"
# L-BFGS stops where no component of the gradient of the mean loss is larger; it never takes so many steps.
_TOLERANCE = 1e-6
_STEPS = 1000


class Linear(NamedTuple):
    """A linear logit.

    Attributes:
        coefficients: of the transformed variables, float64, shape (variables,).
        intercept: what is added.
    """

    coefficients: numpy.ndarray
    intercept: float

    def score(self, x: numpy.ndarray) -> numpy.ndarray:
        """The probability of signal of each event; float64, shape (events,).

        Args:
            x: transformed events, shape (events, variables).
        """
        from scipy.special import expit

        return numpy.asarray(expit(numpy.asarray(x, float) @ self.coefficients + self.intercept))


def fit(seed: int, fitted: Arrays, validation: Arrays) -> Trained:
    """Fits ``LogisticRegression`` by L-BFGS, the weighted cross entropy without a penalty.

    Args:
        seed: given to scikit-learn; L-BFGS draws nothing.
        fitted: transformed events to train on.
        validation: transformed events of the validation loss, which nothing here depends on.

    Raises:
        Unavailable: scikit-learn is not there.
        TrainingFailed: it did not converge, or one class has no weight.
    """
    version = classifier.load_sklearn().__version__
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    share = classifier.prior(fitted)
    clocks = time.monotonic(), time.process_time()
    # C is the inverse of the penalty's strength.
    model = LogisticRegression(C=numpy.inf, solver="lbfgs", tol=_TOLERANCE, max_iter=_STEPS, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            model.fit(fitted.x.astype(float), fitted.y[:, 0], fitted.w.astype(float))
        except ConvergenceWarning:
            raise TrainingFailed(
                f"the regression did not converge in {_STEPS} steps; put N before other transformations, so that the "
                "variables have one scale"
            ) from None
    linear = Linear(model.coef_[0].astype(float), float(model.intercept_[0]))
    losses = [classifier.cross_entropy(linear.score(part.x), part) for part in (fitted, validation)]
    real, cpu = time.monotonic() - clocks[0], time.process_time() - clocks[1]
    untrained = classifier.cross_entropy(numpy.full(len(validation.x), share), validation)
    step = Epoch(1, losses[0], losses[1], real, cpu)
    print(tmva_files.epoch_line(step, 0), flush=True)  # noqa: T201 - the log of the run
    return Trained(
        history=[step],
        best_round=int(losses[1] < untrained),
        validation_loss=losses[1],
        untrained_loss=untrained,
        parameters=len(linear.coefficients) + 1,
        score=linear.score,
        write=lambda folder: write(linear, folder / FILE),
        version=version,
    )


def write(linear: Linear, path: Path) -> None:
    """Writes coefficients as JSON, every number as it is."""
    content = {"coefficients": linear.coefficients.tolist(), "intercept": linear.intercept}
    path.write_text(json.dumps(content), encoding="utf-8")


def read(path: Path) -> Linear:
    """The coefficients that :func:`write` left.

    Raises:
        UserError: they cannot be read, or are none.
    """
    try:
        content = json.loads(path.read_bytes())
        coefficients = numpy.array(content["coefficients"], float)
        if coefficients.ndim != 1:
            raise ValueError("no list")
        return Linear(coefficients, float(content["intercept"]))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); give the {FILE} of a run of linear") from None
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        raise UserError(f"{path}: no coefficients that tmva-bench wrote; give the {FILE} of a run of linear") from None
