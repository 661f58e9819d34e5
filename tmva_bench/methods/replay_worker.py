"""TMVA's own trainings in Keras, as a child: ``python -m tmva_bench.methods.replay_worker FOLDER PARENT``.

A training is repeated from the same start (``replay``), or the weights that TMVA kept are evaluated (``verify``). The
folder holds ``task.json``, see :class:`Task`; the answer is that of :func:`tmva_bench.running.replay.run`.
"""

import json
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional

import numpy
import uproot

from tmva_bench.basis import config
from tmva_bench.engines import keras_training, tmva_files, tmva_options
from tmva_bench.errors import UserError
from tmva_bench.events import inputs
from tmva_bench.methods import worker


class Task(NamedTuple):
    """What the child is asked.

    Attributes:
        action: ``replay`` or ``verify``.
        folder: see :func:`find`.
        backend: the Keras backend.
        input_file: the common input file, for a folder without TMVA's output file; else "".
    """

    action: str
    folder: str
    backend: str
    input_file: str


class Left(NamedTuple):
    """What a run of TMVA's DNN left in its folder.

    Attributes:
        weights: the weight file.
        output: TMVA's output file, None where there is none.
        log: all that it printed.
        split_seed: ``SplitSeed`` of a run of ours, else that of TMVA's default.
        norm_mode: ``NormMode`` by the log; where it is silent, of a run of ours, else that of TMVA's default.
    """

    weights: Path
    output: Optional[Path]
    log: str
    split_seed: int
    norm_mode: str


def find(folder: Path) -> Left:
    """The files of a run of TMVA's DNN.

    Args:
        folder: a run's folder, or any with TMVA's output file, ``*.weights.xml`` and log (``*.txt`` or ``*.log``).

    Raises:
        UserError: a file is missing, or there are several of a kind.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; give that of a run of tmva-dnn, e.g. results/NAME/runs/ID")
    weights = sorted(folder.rglob("*.weights.xml"))
    if len(weights) != 1:
        found = ", ".join(path.name for path in weights) or "none"
        raise UserError(f"{folder}: needs one *.weights.xml, found {found}; was it a run of tmva-dnn that finished?")
    outputs = [path for path in sorted(folder.glob("*.root")) if _is_output(path)]
    if len(outputs) > 1:
        raise UserError(f"{folder}: several output files, {', '.join(path.name for path in outputs)}; keep one")
    logs = [path.read_text(errors="replace") for path in sorted([*folder.glob("*.txt"), *folder.glob("*.log")])]
    tables = [log for log in logs if tmva_files.epoch_table(log)]
    task = folder / "task.json"
    point = json.loads(task.read_text())["point"] if task.is_file() else {}
    return Left(
        weights[0],
        outputs[0] if outputs else None,
        tables[0] if tables else "",
        point.get("split_seed", config.Point().split_seed),
        tmva_files.norm_mode(tables[0] if tables else "") or point.get("norm_mode", config.Point().norm_mode),
    )


def _is_output(path: Path) -> bool:
    try:
        with uproot.open(path) as file:
            return "dataset/TrainTree" in file
    except (OSError, ValueError):
        return False


def replay(keras: Any, left: Left, input_file: str) -> Dict[str, Any]:
    """Repeats a training; the answer is that of :func:`tmva_bench.running.replay.run`.

    Args:
        keras: the Keras module.
        left: what TMVA left.
        input_file: the common input file, for a run without an output file; else "".

    Raises:
        UserError: it cannot be repeated.
    """
    from tmva_bench.engines import keras_network, tmva_random
    from tmva_bench.events import transforms

    booked = tmva_options.read(left.weights)
    training, width = booked.training, len(booked.variables)
    table = tmva_files.epoch_table(left.log)
    if not table:
        raise UserError("no log with TMVA's table of epochs (it is not printed under Silent)")
    if tmva_files.best_epoch(left.log) == 0:
        raise UserError("no epoch beat the untrained network, and TMVA kept zeros for weights: nothing to compare")
    if left.output:
        sample = tmva_files.read_sample(str(left.output), "TrainTree", booked.variables, booked.title)
        signal = (sample.class_id == 0).astype(numpy.float32)
        events = keras_training.Arrays(sample.variables, signal[:, None], sample.weights)
    elif input_file:
        data = inputs.read(input_file)
        if data.variables != booked.variables:
            raise UserError(
                f"trained on the variables {', '.join(booked.variables)}, and {input_file} has "
                f"{', '.join(data.variables)}; give the input file of that run"
            )
        events = keras_training.training_vector(data, left.split_seed, left.norm_mode)
    else:
        raise UserError("no output file of TMVA; give the common input file with --input")
    axes = tmva_files.principal_axes(str(left.weights))
    chain = transforms.Chain(list(training.chain), events.x, events.w, events.y[:, 0] == 1, axes)
    events = events._replace(x=chain(events.x))
    random = tmva_random.WeightGenerator(training, width)
    weights: List[numpy.ndarray] = [array for pair in random.weights for array in pair]
    history = []
    for phase in range(len(training.phases)):
        model = keras_network.build(keras, training, width, phase)
        model.set_weights(weights)
        fitted = keras_training.fit(keras, model, training, events, random, phase)
        history += fitted.history
        weights = model.get_weights()
    difference = None
    if left.output and not any("_" in name for name in training.chain):
        test = tmva_files.read_sample(str(left.output), "TestTree", booked.variables, booked.title)
        difference = float(numpy.abs(keras_training.score(model, chain(test.variables)) - test.scores).max())
    return {
        "epochs": [
            {
                "epoch": theirs.epoch if theirs else ours.epoch,
                "tmva": [theirs.training_loss, theirs.validation_loss] if theirs else None,
                "keras": [ours.training_loss, ours.validation_loss] if ours else None,
            }
            for theirs, ours in _side_by_side(table, history)
        ],
        "score_difference": difference,
    }


def _side_by_side(first: List[Any], second: List[Any]) -> List[Any]:
    longest = max(len(first), len(second))
    return [(first[i] if i < len(first) else None, second[i] if i < len(second) else None) for i in range(longest)]


def verify(keras: Any, left: Left) -> Dict[str, Any]:
    """Evaluates the weights that TMVA kept; the answer is that of :func:`tmva_bench.running.replay.run`.

    Args:
        keras: the Keras module.
        left: what TMVA left.

    Raises:
        UserError: TMVA's scores are not known, or are not those of what was trained.
    """
    from tmva_bench.engines import keras_network
    from tmva_bench.events import transforms

    booked = tmva_options.read(left.weights)
    if not left.output:
        raise UserError("no output file of TMVA: its scores are not known")
    if any("_" in name for name in booked.training.chain):
        raise UserError(
            f"VarTransform = {','.join(booked.training.chain)}: TMVA loses the class suffix when it reads a method "
            "back, so its test scores are not those of what was trained"
        )
    train, test = (
        tmva_files.read_sample(str(left.output), tree, booked.variables, booked.title)
        for tree in ("TrainTree", "TestTree")
    )
    network = tmva_files.read_network(str(left.weights))
    model = keras_network.build(keras, booked.training, len(booked.variables))
    keras_network.set_weights(model, [(layer.weights.T, layer.biases) for layer in network])
    axes = tmva_files.principal_axes(str(left.weights))
    chain = transforms.Chain(list(booked.training.chain), train.variables, train.weights, train.class_id == 0, axes)
    differences = [
        numpy.abs(keras_training.score(model, chain(sample.variables)) - sample.scores) for sample in (train, test)
    ]
    return {
        "score_difference": float(max(found.max() for found in differences)),
        "scores": sum(len(found) for found in differences),
    }


def run(folder: Path) -> Dict[str, Any]:
    """Answers one question.

    Args:
        folder: holds the task.

    Raises:
        UserError: it cannot be answered.
        Unavailable: the backend asked for is not there.
    """

    task = Task(**json.loads((folder / "task.json").read_text()))
    left = find(Path(task.folder))
    keras, _ = keras_training.load(task.backend)
    # In single precision rounding grows from epoch to epoch, under Adam at a large rate to 1e-3.
    keras.backend.set_floatx("float64")
    return verify(keras, left) if task.action == "verify" else replay(keras, left, task.input_file)


def main() -> None:
    """Answers the question in the folder named on the command line."""
    worker.answer(run)


if __name__ == "__main__":
    main()
