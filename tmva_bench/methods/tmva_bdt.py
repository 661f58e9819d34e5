"""The method ``tmva-bdt``: TMVA's own boosted trees, ``TMVA.Types.kBDT``."""

import math
from pathlib import Path
from typing import Callable, Tuple

import numpy

from tmva_bench.basis import mapping
from tmva_bench.basis.config import Point
from tmva_bench.engines import keras_training, scoring, tmva_evaluation, tmva_files, tmva_session, tmva_weights
from tmva_bench.engines.scoring import Scoring
from tmva_bench.engines.stopwatch import Stopwatch
from tmva_bench.errors import Unavailable
from tmva_bench.events import inputs
from tmva_bench.methods import CLASSIFIER, Method, Outcome, Task, Trained, Tried, booked, classifiers, read_input


def run(task: Task, watch: Stopwatch) -> Outcome:
    """Trains and tests; see :class:`tmva_bench.methods.Outcome`. ``max_epochs`` are trees, all of which are kept.

    Raises:
        Unavailable: this ROOT has no TMVA, or a GPU is asked for.
        TrainingFailed: the training gave nothing that may be called a result.
    """
    import ROOT

    tmva_session.require_tmva(ROOT)
    if task.architecture == "gpu":
        raise Unavailable(f"{task.method} trains on the CPU alone", "take architecture cpu")
    data = read_input(task.input_file, task.input_digest)
    keras_training.check_transformations(data, task.point)
    roc_integral = booked.run_factory(ROOT, task, data, watch, "kBDT", mapping.bdt_options(task.point))
    output_file = str(Path(task.folder, tmva_session.OUTPUT_FILE))
    weight_file = str(Path(task.folder, tmva_session.WEIGHT_FILE))
    version = str(ROOT.gROOT.GetVersion())
    return Outcome(
        scores=tmva_files.scores(output_file, mapping.METHOD_TITLE, data, task.point.norm_mode),
        history=[],
        best_epoch=task.point.max_epochs,
        validation_loss=math.nan,
        parameters=tmva_weights.leaves(weight_file),
        roc_integral=roc_integral,
        real_time_fit=tmva_weights.training_time(weight_file),
        device="cpu",
        versions={"root": version, "keras": "", "backend": version},
        membership=inputs.membership(
            numpy.concatenate([data.events["TrainS"], data.events["TrainB"]]),
            0,
            numpy.concatenate([data.events["TestS"], data.events["TestB"]]),
        ),
    )


def _evaluator(trained: Trained) -> Callable[[numpy.ndarray], numpy.ndarray]:
    return tmva_evaluation.of_forest(tmva_weights.parse(trained.file(tmva_session.WEIGHT_FILE)))


def _scoring(trained: Trained) -> Scoring:
    return scoring.of_weight_file(tmva_weights.parse(trained.file(tmva_session.WEIGHT_FILE)))


def _booking(point: Point, architecture: str) -> Tuple[str, str]:
    return "TMVA.Types.kBDT", mapping.bdt_options(point)


METHOD = Method(
    name="tmva-bdt",
    title="TMVA BDT",
    side="",
    backends=("tmva",),
    run=run,
    read_epochs=tmva_files.epoch_table,
    evaluator=_evaluator,
    scoring=_scoring,
    kind=CLASSIFIER,
    # MethodBDT has no validation events: it trains on all of TMVA's training events, and never stops early.
    lacks=(*classifiers.lacking("learning_rate", "max_epochs"), "validation_fraction"),
    booking=_booking,
    tried=(Tried("tmva"),),
)
