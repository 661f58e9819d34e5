"""The method ``boosting``: gradient boosted trees on the events of the networks, by scikit-learn or XGBoost."""

import functools
from typing import Callable

import numpy

from tmva_bench.engines import boosting, tmva_files
from tmva_bench.engines.stopwatch import Stopwatch
from tmva_bench.methods import CLASSIFIER, Method, Outcome, Task, Trained, Tried, classifiers


def run(task: Task, watch: Stopwatch) -> Outcome:
    """Trains and tests; see :class:`tmva_bench.methods.Outcome`. ``max_epochs`` are rounds, a tree each.

    Raises:
        Unavailable: the library is not there.
        TrainingFailed: the training gave nothing that may be called a result.
    """
    library = boosting.LIBRARIES[task.backend]
    library.load()
    settings = boosting.Settings(
        learning_rate=task.point.learning_rate,
        rounds=task.point.max_epochs,
        patience=task.point.convergence_steps,
        seed=task.point.seed,
        threads=task.threads,
    )
    return classifiers.run(task, watch, functools.partial(library.fit, settings))


def _evaluator(trained: Trained) -> Callable[[numpy.ndarray], numpy.ndarray]:
    return classifiers.evaluator(trained, boosting.LIBRARIES[trained.backend].read(trained.folder))


METHOD = Method(
    name="boosting",
    title="Boosted trees",
    side="",
    backends=tuple(boosting.LIBRARIES),
    run=run,
    read_epochs=tmva_files.epoch_table,
    evaluator=_evaluator,
    kind=CLASSIFIER,
    lacks=classifiers.lacking("learning_rate", "convergence_steps", "max_epochs"),
    tried=(Tried("sklearn"), Tried("xgboost")),
)
