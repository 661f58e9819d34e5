"""The method ``tmva-dnn``: TMVA's own deep network, ``TMVA.Types.kDL``."""

import math
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

import numpy

from tmva_bench.basis import mapping
from tmva_bench.basis.config import COUNTS, Point
from tmva_bench.basis.training import Epoch
from tmva_bench.engines import keras_training, scoring, tmva_evaluation, tmva_files, tmva_session, tmva_weights
from tmva_bench.engines.scoring import Scoring
from tmva_bench.engines.stopwatch import Stopwatch
from tmva_bench.errors import TrainingFailed, Unavailable
from tmva_bench.methods import Method, Outcome, Task, Trained, Tried, booked, read_input


def run(task: Task, watch: Stopwatch) -> Outcome:
    """Trains and tests; see :class:`tmva_bench.methods.Outcome`.

    Raises:
        Unavailable: this ROOT has no TMVA, or none for the architecture.
        TrainingFailed: the training gave nothing that may be called a result.
    """
    import ROOT

    tmva_session.require_tmva(ROOT)
    require_architecture(ROOT, task.architecture)
    data = read_input(task.input_file, task.input_digest)
    keras_training.check_transformations(data, task.point)
    roc_integral = booked.run_factory(ROOT, task, data, watch, "kDL", mapping.dl_options(task.point, task.architecture))
    log = tmva_session.log(task.folder)
    check_architecture(tmva_files.architecture(log), task.architecture)
    output_file = str(Path(task.folder, tmva_session.OUTPUT_FILE))
    history = history_of(log, output_file)
    weight_file = str(Path(task.folder, tmva_session.WEIGHT_FILE))
    network = tmva_weights.network(tmva_weights.parse(weight_file))
    check_trained(network, history, keras_training.training_weights(data, task.point.norm_mode))
    # The log tells; where it is silent, the best loss does.
    best = tmva_files.best_epoch(log) or tmva_files.lowest(history).epoch
    return Outcome(
        scores=tmva_files.scores(output_file, mapping.METHOD_TITLE, data, task.point.norm_mode),
        history=history,
        best_epoch=best,
        validation_loss=history[best - 1].validation_loss,
        parameters=tmva_weights.parameters(network),
        roc_integral=roc_integral,
        real_time_fit=tmva_weights.training_time(weight_file),
        device=task.architecture,
        versions={"root": str(ROOT.gROOT.GetVersion()), "keras": "", "backend": str(ROOT.gROOT.GetVersion())},
        membership=tmva_files.membership(
            output_file, mapping.METHOD_TITLE, data.variables, mapping.training(task.point)
        ),
    )


def _evaluator(trained: Trained) -> Callable[[numpy.ndarray], numpy.ndarray]:
    """The numbers in TMVA's weight file, in double precision as TMVA's."""
    keras, _ = keras_training.load(trained.backend)
    keras.backend.set_floatx("float64")
    return tmva_evaluation.of_network(keras, tmva_weights.parse(trained.file(tmva_session.WEIGHT_FILE)))


def _scoring(trained: Trained) -> Scoring:
    return scoring.of_weight_file(tmva_weights.parse(trained.file(tmva_session.WEIGHT_FILE)))


def require_architecture(root: Any, architecture: str) -> None:
    """Makes sure that MethodDL would train where it is asked to.

    Args:
        root: the ``ROOT`` module.
        architecture: ``cpu`` or ``gpu``.

    Raises:
        Unavailable: it would train on the CPU instead.
    """
    if architecture == "gpu" and not tmva_session.has_feature(root, "tmva-gpu"):
        raise Unavailable(
            f"this ROOT's TMVA ({root.gROOT.GetVersion()}) was built without GPU support and would train on the CPU",
            "use a ROOT built with -Dcuda=ON -Dtmva-gpu=ON, or take architecture cpu",
        )


def check_trained(network: List[tmva_weights.Layer], history: List[Epoch], weights: numpy.ndarray) -> None:
    """Refuses the zeros that MethodDL keeps for weights where no epoch was better than the untrained network.

    Args:
        network: its layers.
        history: of the training.
        weights: of the training events.

    Raises:
        TrainingFailed: all weights are zero.
    """
    if not any(layer.weights.any() or layer.biases.any() for layer in network):
        losses = [epoch.validation_loss for epoch in history]
        raise TrainingFailed(
            f"no epoch of {len(history)} had a lower validation loss than the untrained net, and TMVA kept weights "
            f"that are all zero; {keras_training.cure(losses, weights)}"
        )


def check_architecture(trained: Optional[str], wanted: str) -> None:
    """Refuses a training that was done elsewhere than asked for.

    Args:
        trained: where, by TMVA's log; None where it does not say.
        wanted: ``cpu`` or ``gpu``.

    Raises:
        TrainingFailed: the two differ.
    """
    if wanted == "cpu" and trained is None:
        return
    if trained != wanted:
        raise TrainingFailed(
            f"asked for architecture {wanted}, and TMVA's log "
            + (f"says that it trained on {trained}" if trained else "does not say that it trained there")
        )


def history_of(log: str, output_file: str) -> List[Epoch]:
    """The losses in the output file, which have all digits, with the times in the log; one may stand in for the other.

    The output file holds the losses since ROOT 6.20, the log of a Silent factory has no table.

    Args:
        log: all that TMVA printed.
        output_file: its output file.

    Raises:
        TrainingFailed: no epoch there, or the two tell of different losses.
    """
    table = tmva_files.epoch_table(log)
    stored = tmva_files.read_history(output_file, mapping.METHOD_TITLE)
    losses = list(zip(stored.get("trainingError", ()), stored.get("valError", ())))
    if not losses:
        losses = [(epoch.training_loss, epoch.validation_loss) for epoch in table]
    if not losses:
        raise TrainingFailed("no epoch in TMVA's log nor in its output file: nothing was trained")
    if not table:
        table = [Epoch(i + 1, math.nan, math.nan, math.nan) for i in range(len(losses))]
    elif not _agree(table, losses):
        raise TrainingFailed("TMVA's log and its output file tell of different losses")
    return [Epoch(e.epoch, float(t), float(v), e.real_time) for e, (t, v) in zip(table, losses)]


def _agree(table: List[Epoch], losses: List[Tuple[float, float]]) -> bool:
    logged = [(epoch.training_loss, epoch.validation_loss) for epoch in table]
    return len(logged) == len(losses) and numpy.allclose(logged, losses, rtol=1e-4, equal_nan=True)


def _paired(point: Point, architecture: str) -> bool:
    """The GPU draws masks of its own."""
    return point.dropout == 0 or architecture == "cpu"


def _cells(point: Point) -> Dict[str, str]:
    options = mapping.split(mapping.dl_options(point, "cpu"), ":")
    strategy = mapping.split(mapping.training_strategy(point), ",")
    split = mapping.split(mapping.split_options(point), ":")
    *hidden, last = mapping.layout(point).split(",")
    activation, width = hidden[0].split("|") if hidden else ("", "")
    return {
        "neurons": f"Layout: {width}" if hidden else "",
        "layers": options["Layout"],
        "activation": f"Layout: {activation}" if hidden else "",
        "last_activation": f"Layout: {last}",
        "initializer": options["WeightInitialization"],
        "loss": options["ErrorStrategy"],
        "optimizer": strategy["Optimizer"],
        "learning_rate": strategy["LearningRate"],
        "momentum": strategy["Momentum"],
        "batch_size": strategy["BatchSize"],
        "convergence_steps": strategy["ConvergenceSteps"],
        "max_epochs": strategy["MaxEpochs"],
        "validation_fraction": options["ValidationSize"],
        "dropout": strategy["DropConfig"],
        "regularization": strategy["Regularization"],
        "weight_decay": strategy["WeightDecay"],
        "transformations": options["VarTransform"],
        "norm_mode": split["NormMode"],
        "factory_string": point.factory_string,
        "split_seed": split["SplitSeed"],
        "seed": options["RandomSeed"],
        **{name: f"tree {tree}" for name, tree in COUNTS.items()},
    }


def _booking(point: Point, architecture: str) -> Tuple[str, str]:
    return "TMVA.Types.kDL", mapping.dl_options(point, architecture)


METHOD = Method(
    name="tmva-dnn",
    title="TMVA DNN",
    side="tmva",
    backends=("tmva",),
    run=run,
    read_epochs=tmva_files.epoch_table,
    lacks=("start", "dropout_rule", "execution", "feeding"),
    paired=_paired,
    cells=_cells,
    booking=_booking,
    tried=(Tried("tmva"), Tried("tmva", "gpu")),
    evaluator=_evaluator,
    scoring=_scoring,
)
