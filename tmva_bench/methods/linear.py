"""The method ``linear``: logistic regression on the events of the networks, the floor of what they should reach."""

import functools
from typing import Callable

import numpy

from tmva_bench.engines import classifier, linear, tmva_files
from tmva_bench.engines.stopwatch import Stopwatch
from tmva_bench.methods import CLASSIFIER, Method, Outcome, Task, Trained, Tried, classifiers


def run(task: Task, watch: Stopwatch) -> Outcome:
    """Trains and tests; see :class:`tmva_bench.methods.Outcome`. The whole regression is one entry of the history.

    Raises:
        Unavailable: scikit-learn is not there.
        TrainingFailed: the regression gave nothing that may be called a result.
    """
    classifier.load_sklearn()
    return classifiers.run(task, watch, functools.partial(linear.fit, task.point.seed))


def _evaluator(trained: Trained) -> Callable[[numpy.ndarray], numpy.ndarray]:
    return classifiers.evaluator(trained, linear.read(trained.folder / linear.FILE).score)


METHOD = Method(
    name="linear",
    title="Logistic regression",
    side="",
    backends=("sklearn",),
    run=run,
    read_epochs=tmva_files.epoch_table,
    evaluator=_evaluator,
    kind=CLASSIFIER,
    lacks=classifiers.lacking(),
    tried=(Tried("sklearn"),),
)
