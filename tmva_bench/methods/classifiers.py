"""What the classifiers that are no networks share: TMVA's training events, transformed, and the same that validate."""

from pathlib import Path
from typing import Callable, Dict, Tuple

import numpy

from tmva_bench import methods
from tmva_bench.basis import mapping
from tmva_bench.basis.config import COUNTS, PARAMETERS
from tmva_bench.engines import keras_training
from tmva_bench.engines.classifier import Trained
from tmva_bench.engines.keras_training import Arrays
from tmva_bench.engines.stopwatch import Stopwatch
from tmva_bench.errors import TrainingFailed, Unavailable
from tmva_bench.events import inputs, transforms
from tmva_bench.methods import Outcome, Task, read_input

# The parameters that say which events there are, and how they are given; a run's own seed tells repetitions apart.
OF_EVENTS = (
    "validation_fraction",
    "transformations",
    "norm_mode",
    "factory_string",
    "seed",
    "split_seed",
    *COUNTS,
)


def lacking(*has: str) -> Tuple[str, ...]:
    """The common parameters that a classifier lacks.

    Args:
        has: those that it has beside :data:`OF_EVENTS`.
    """
    return tuple(name for name in PARAMETERS if name not in (*OF_EVENTS, *has))


def run(task: Task, watch: Stopwatch, fit: Callable[[Arrays, Arrays], Trained]) -> Outcome:
    """Trains on the first and validates on the last of TMVA's training vector, as the networks do, and tests.

    Args:
        task: what to do.
        watch: times its phases.
        fit: trains on events, with others to validate on.

    Raises:
        Unavailable: a GPU is asked for, or ``fit`` says so.
        TrainingFailed: the training gave nothing that may be called a result.
    """
    import ROOT

    if task.architecture == "gpu":
        raise Unavailable(f"{task.method} trains on the CPU alone", "take architecture cpu")
    with watch.phase("prepare"):
        data = read_input(task.input_file, task.input_digest)
        events = keras_training.training_vector(data, task.point.split_seed, task.point.norm_mode)
    keras_training.check_transformations(data, task.point)
    fitting = len(events.x) - mapping.training(task.point).validation_events(len(events.x))
    with watch.phase("train"):
        chain = transforms.Chain(task.point.chain, events.x, events.w)
        transformed = events._replace(x=chain(events.x))
        with watch.phase("fit"):
            trained = fit(transformed.take(slice(0, fitting)), transformed.take(slice(fitting, None)))
        if trained.best_round == 0:
            losses = [trained.untrained_loss, *(epoch.validation_loss for epoch in trained.history)]
            raise TrainingFailed(
                f"no round of {len(trained.history)} had a lower validation loss than the share of signal alone; "
                f"{keras_training.cure(losses, events.w)}"
            )
        scores: Dict[str, numpy.ndarray] = {
            tree: trained.score(chain(data.events[tree])) for tree in ("TrainS", "TrainB")
        }
    with watch.phase("test"):
        scores.update({tree: trained.score(chain(data.events[tree])) for tree in ("TestS", "TestB")})
    trained.write(Path(task.folder))
    return Outcome(
        scores=scores,
        history=trained.history,
        best_epoch=trained.best_round,
        validation_loss=trained.validation_loss,
        parameters=trained.parameters,
        roc_integral=float("nan"),
        real_time_fit=watch.seconds["real_time_fit"],
        device="cpu",
        versions={"root": str(ROOT.gROOT.GetVersion()), "keras": "", "backend": trained.version},
        membership=inputs.membership(
            events.x,
            len(events.x) - fitting,
            numpy.concatenate([data.events["TestS"], data.events["TestB"]]),
        ),
        untrained_loss=trained.untrained_loss,
    )


def evaluator(
    trained: methods.Trained, score: Callable[[numpy.ndarray], numpy.ndarray]
) -> Callable[[numpy.ndarray], numpy.ndarray]:
    """The scores of events: the transformations prepared on the training events once more, and the stored model.

    Args:
        trained: a finished run.
        score: that of the model, of transformed events.
    """
    chain = keras_training.chain(trained.data, trained.point)
    return lambda x: score(chain(x))
