"""Gradient boosted trees, by scikit-learn and by XGBoost, stopped by TMVA's rule on the validation events."""

import inspect
import time
from pathlib import Path
from typing import Any, Callable, List, NamedTuple

import numpy

from tmva_bench.basis.training import Epoch
from tmva_bench.engines import classifier, tmva_files, trees
from tmva_bench.engines.classifier import Trained
from tmva_bench.engines.keras_training import Arrays
from tmva_bench.errors import TrainingFailed, Unavailable, UserError

# The same trees of both libraries, but for what each has alone: scikit-learn's defaults.
_LEAVES = 31
_BINS = 255
_LEAST_EVENTS = 20
XGBOOST_FILE = "xgboost.json"
Scores = Callable[[numpy.ndarray], numpy.ndarray]


class Settings(NamedTuple):
    """How trees are boosted.

    Attributes:
        learning_rate: what each tree's values are multiplied with.
        rounds: largest number of trees.
        patience: stop after more than so many rounds without a better validation loss.
        seed: of what a library draws: scikit-learn, the events that bins are made of where there are more than 200000.
        threads: threads of the library.
    """

    learning_rate: float
    rounds: int
    patience: int
    seed: int
    threads: int


class Rounds:
    """Losses and times of the rounds, told in the log; says when to stop, as MethodDL does.

    Attributes:
        history: one entry a round.
        best: losses and number of the best round.
        untrained: the validation loss before the first.
    """

    def __init__(self, patience: int, fitted: Arrays, validation: Arrays) -> None:
        # The libraries' losses are means over weights; those of the networks are means over events.
        self._scales = [float(part.w.sum(dtype=float)) / len(part.w) for part in (fitted, validation)]
        self._patience = patience
        self.history: List[Epoch] = []
        self.untrained = self.best_loss = float("nan")
        self.best_round = 0
        self._clocks = (0.0, 0.0)

    def start(self, validation_loss: float) -> None:
        """Starts the clock of the first round.

        Args:
            validation_loss: mean over weights, before the first tree.
        """
        self.untrained = self.best_loss = validation_loss * self._scales[1]
        self._clocks = time.monotonic(), time.process_time()

    def end(self, training_loss: float, validation_loss: float) -> bool:
        """Ends a round, and says whether it was the last.

        Args:
            training_loss: mean over weights, after its tree.
            validation_loss: likewise.
        """
        now = time.monotonic(), time.process_time()
        real, cpu = (after - before for after, before in zip(now, self._clocks))
        self._clocks = now
        number = len(self.history) + 1
        losses = training_loss * self._scales[0], validation_loss * self._scales[1]
        self.history.append(Epoch(number, *losses, real, cpu))
        if losses[1] < self.best_loss:
            self.best_loss, self.best_round = losses[1], number
        line = tmva_files.epoch_line(self.history[-1], number - self.best_round)
        print(line, flush=True)  # noqa: T201 - the log of the run
        return number - self.best_round > self._patience


def by_sklearn(settings: Settings, fitted: Arrays, validation: Arrays) -> Trained:
    """Trees of ``HistGradientBoostingClassifier``.

    Args:
        settings: how they are boosted.
        fitted: transformed events to train on.
        validation: transformed events that say when to stop.

    Raises:
        Unavailable: scikit-learn is not there, or too old to be given validation events.
        TrainingFailed: one class has no weight.
    """
    sklearn = classifier.load_sklearn()
    from sklearn.ensemble import HistGradientBoostingClassifier

    if "X_val" not in inspect.signature(HistGradientBoostingClassifier.fit).parameters:
        raise Unavailable(
            f"scikit-learn {sklearn.__version__} cannot be given the validation events",
            "take scikit-learn 1.7 or later",
        )
    classifier.prior(fitted)
    rounds = Rounds(settings.patience, fitted, validation)

    class Watched(HistGradientBoostingClassifier):  # type: ignore[misc]
        """With a clock, and TMVA's rule, at the end of each round."""

        def _should_stop(self, scores: List[float]) -> bool:
            if len(scores) == 1:
                rounds.start(-scores[0])
                return False
            return rounds.end(-self.train_score_[-1], -scores[-1])

    model = Watched(
        learning_rate=settings.learning_rate,
        max_iter=settings.rounds,
        max_leaf_nodes=_LEAVES,
        max_depth=None,
        min_samples_leaf=_LEAST_EVENTS,
        l2_regularization=0.0,
        max_bins=_BINS,
        early_stopping=True,
        scoring="loss",
        random_state=settings.seed,
    )
    model.fit(
        fitted.x.astype(float),
        fitted.y[:, 0],
        fitted.w.astype(float),
        X_val=validation.x.astype(float),
        y_val=validation.y[:, 0],
        sample_weight_val=validation.w.astype(float),
    )
    del model._predictors[rounds.best_round :]
    ensemble = trees.of_sklearn(model)

    def score(x: numpy.ndarray) -> numpy.ndarray:
        return numpy.asarray(model.predict_proba(x.astype(float))[:, 1])

    return Trained(
        rounds.history,
        rounds.best_round,
        rounds.best_loss,
        rounds.untrained,
        ensemble.leaves,
        score,
        lambda folder: trees.write(ensemble, folder / trees.FILE),
        sklearn.__version__,
    )


def by_xgboost(settings: Settings, fitted: Arrays, validation: Arrays) -> Trained:
    """Histogram trees of XGBoost, grown leaf by leaf as scikit-learn does.

    Args:
        settings: how they are boosted.
        fitted: transformed events to train on.
        validation: transformed events that say when to stop.

    Raises:
        Unavailable: XGBoost is not there.
        TrainingFailed: negative weights, which it refuses, or one class has no weight.
    """
    xgboost = load_xgboost()
    if (numpy.concatenate([fitted.w, validation.w]) < 0).any():
        raise TrainingFailed("XGBoost takes no negative weights; take backend sklearn")
    share = classifier.prior(fitted)
    rounds = Rounds(settings.patience, fitted, validation)
    parts = [_matrix(xgboost, part) for part in (fitted, validation)]
    untrained = classifier.cross_entropy(numpy.full(len(validation.x), share), validation)

    class Watch(xgboost.callback.TrainingCallback):  # type: ignore[name-defined, misc]
        """A clock, and TMVA's rule, at the end of each round."""

        def before_training(self, model: Any) -> Any:
            rounds.start(untrained * len(validation.w) / float(validation.w.sum(dtype=float)))
            return model

        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            return rounds.end(evals_log["fitted"]["logloss"][-1], evals_log["validation"]["logloss"][-1])

    booster = xgboost.train(
        {
            "objective": "binary:logistic",
            "eval_metric": "logloss",
            "tree_method": "hist",
            "grow_policy": "lossguide",
            "max_leaves": _LEAVES,
            "max_depth": 0,
            "max_bin": _BINS,
            "learning_rate": settings.learning_rate,
            "base_score": share,
            "seed": settings.seed,
            "nthread": settings.threads,
            "device": "cpu",
        },
        parts[0],
        settings.rounds,
        evals=[(parts[0], "fitted"), (parts[1], "validation")],
        callbacks=[Watch()],
        verbose_eval=False,
    )
    kept = booster[: rounds.best_round] if rounds.best_round else booster
    leaves = sum(tree.count("leaf=") for tree in kept.get_dump())

    def score(x: numpy.ndarray) -> numpy.ndarray:
        return numpy.asarray(kept.predict(xgboost.DMatrix(x, nthread=settings.threads)), float)

    return Trained(
        rounds.history,
        rounds.best_round,
        rounds.best_loss,
        rounds.untrained,
        leaves,
        score,
        lambda folder: kept.save_model(str(folder / XGBOOST_FILE)),
        xgboost.__version__,
    )


def read_sklearn(folder: Path) -> Scores:
    """The scores of the trees that :func:`by_sklearn` left; scikit-learn is not needed.

    Raises:
        UserError: they cannot be read.
    """
    return trees.read(folder / trees.FILE).score


def read_xgboost(folder: Path) -> Scores:
    """The scores of the trees that :func:`by_xgboost` left.

    Raises:
        Unavailable: XGBoost is not there.
        UserError: they cannot be read.
    """
    xgboost = load_xgboost()
    path = folder / XGBOOST_FILE
    booster = xgboost.Booster()
    try:
        booster.load_model(str(path))
    except (xgboost.core.XGBoostError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"{path}: cannot be read as trees of XGBoost ({reason}); take another copy") from None
    return lambda x: numpy.asarray(booster.predict(xgboost.DMatrix(x)), float)


def load_xgboost() -> Any:
    """XGBoost.

    Raises:
        Unavailable: it is not installed.
    """
    try:
        import xgboost
    except ImportError as error:
        raise classifier.missing("XGBoost", "xgboost", error) from None
    return xgboost


def _matrix(xgboost: Any, events: Arrays) -> Any:
    return xgboost.DMatrix(events.x, events.y[:, 0], weight=events.w)


class Library(NamedTuple):
    """A library that boosts trees.

    Attributes:
        load: imports it, before any clock starts.
        fit: trains on events, with others to validate on.
        read: the scores of transformed events by the trees that a run left in its folder.
    """

    load: Callable[[], Any]
    fit: Callable[[Settings, Arrays, Arrays], Trained]
    read: Callable[[Path], Scores]


LIBRARIES = {
    "sklearn": Library(classifier.load_sklearn, by_sklearn, read_sklearn),
    "xgboost": Library(load_xgboost, by_xgboost, read_xgboost),
}
