"""TMVA's own trainings in Keras, as a child: ``python -m tmva_bench.methods.replay_worker FOLDER PARENT``.

A training is repeated from the same start (``replay``), or the weights that TMVA kept are evaluated (``verify``). The
folder holds ``task.json``, see :class:`Task`; the answer is that of :func:`tmva_bench.running.replay.run_replay`.
"""

import functools
import itertools
import json
import math
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

import numpy

from tmva_bench.basis import config
from tmva_bench.basis.training import Epoch, Phase, Training
from tmva_bench.engines import (
    keras_network,
    keras_training,
    tmva_evaluation,
    tmva_files,
    tmva_options,
    tmva_random,
    tmva_weights,
)
from tmva_bench.errors import UserError
from tmva_bench.events import inputs
from tmva_bench.methods import worker

# Where weight files lie in a job's folder: LOADER/weights, and a loader may have a / in its name.
_WEIGHTS = ("*.weights.xml", "*/*.weights.xml", "*/weights/*.weights.xml", "*/*/weights/*.weights.xml")
# Bounds of what is read and done for one answer.
_LARGEST_LOG = 2**26  # bytes
_MOST_EPOCHS = 20000


class Task(NamedTuple):
    """What the child is asked.

    Attributes:
        action: ``replay`` or ``verify``.
        folder: see :func:`find`.
        backend: the Keras backend.
        input_file: the common input file, for a folder without TMVA's output file; else "".
        title: title of the method, where there are several; else "".
        execution: what one compiled call trains, ``batch`` or ``epoch``.
    """

    action: str
    folder: str
    backend: str
    input_file: str
    title: str = ""
    execution: str = "batch"


class Left(NamedTuple):
    """What a run of TMVA's DNN left in its folder.

    Attributes:
        weights: the weight file.
        output: TMVA's output file, None where there is none.
        loader: the folder of the DataLoader in the output file.
        log: what it printed of the method.
        split_seed: ``SplitSeed`` of a run of ours, else that of TMVA's default.
        norm_mode: ``NormMode`` by the log; where it is silent, of a run of ours, else that of TMVA's default.
    """

    weights: Path
    output: Optional[Path]
    loader: str
    log: str
    split_seed: int
    norm_mode: str


class Recorded(NamedTuple):
    """The losses that TMVA had.

    Attributes:
        phases: the epochs of each phase that ran.
        exact: whether they have all digits and no numbers of epochs, as in TMVA's output file.
    """

    phases: List[List[Epoch]]
    exact: bool


def find(run: Path, title: str = "", methods: Tuple[str, ...] = tmva_weights.DEEP) -> Left:
    """The files of a run of TMVA's DNN.

    Args:
        run: a run's folder, or any with TMVA's output file, ``*.weights.xml`` and log (``*.txt`` or ``*.log``); or the
            output file or the weight file in one.
        title: title of the method, where the folder has weight files of several deep networks.
        methods: whose weight file it may be.

    Raises:
        UserError: a file is missing, or it is not clear which of several is meant.
    """
    if not run.exists():
        raise UserError(f"{run}: no such folder; give that of a run of tmva-dnn, e.g. results/NAME/runs/ID")
    if not run.is_dir() and not run.is_file():
        raise UserError(f"{run}: neither a folder nor a file; give the folder of a run of tmva-dnn")
    is_weights = run.is_file() and run.name.endswith(".xml")
    folder = run if run.is_dir() else run.parent
    if is_weights and folder.name == "weights":
        # DATASET/weights/JOB_TITLE.weights.xml, beside TMVA's output file.
        folder = folder.parent.parent
    weights = run if is_weights else _weight_file(folder, title)
    method, title = tmva_weights.header(weights)
    tmva_options.check_deep(str(weights), method, methods)
    output, loader = None, ""
    for path in [run] if run.is_file() and not is_weights else _files(folder, "*.root"):
        loaders = _loaders(path, title, required=path == run)
        if output and loaders:
            raise UserError(f"{folder}: several output files with {title}, {output.name}, {path.name}; name one")
        if loaders:
            output, loader = path, _chosen_loader(path, loaders, weights, title)
    log, norm_mode = _log(folder, title)
    booked = _our_booking(folder)
    return Left(weights, output, loader, log, booked.split_seed, norm_mode or booked.norm_mode)


def _files(folder: Path, *patterns: str) -> List[Path]:
    return sorted({path for pattern in patterns for path in folder.glob(pattern) if path.is_file()})


def _weight_file(folder: Path, title: str) -> Path:
    headers = {path: tmva_weights.header(path) for path in _files(folder, *_WEIGHTS)}
    if not headers:
        raise UserError(f"{folder}: has no *.weights.xml; give the folder of a run of tmva-dnn that finished")
    if title:
        chosen = [path for path, header in headers.items() if header.title == title]
    else:
        chosen = [path for path, header in headers.items() if header.method in tmva_weights.DEEP]
    if len(chosen) == 1:
        return chosen[0]
    # A single file of another method is refused with what it is.
    if not title and len(headers) == 1:
        return next(iter(headers))
    titles = ", ".join(f"{header.title} ({header.method})" for header in list(headers.values())[:10])
    wanted = f"of {title!r}" if title else "of a deep network"
    cure = "name the weight file itself" if len(chosen) > 1 and title else "choose one with --title"
    raise UserError(f"{folder}: has {len(chosen)} weight files {wanted} (there are {titles}); {cure}")


def _loaders(path: Path, title: str, required: bool) -> Dict[str, List[str]]:
    """The DataLoaders in a file whose trees have the method's scores, with those trees."""
    try:
        branches = {folder: tmva_files.sample_branches(str(path), folder) for folder in tmva_files.loaders(str(path))}
    except UserError:
        if required or path.name == "TMVA.root":
            raise
        return {}
    by_folder = {
        folder: [tree for tree, names in trees.items() if title in names] for folder, trees in branches.items()
    }
    by_folder = {folder: trees for folder, trees in by_folder.items() if trees}
    if (required or path.name == "TMVA.root") and not by_folder:
        there = ", ".join(folder or "top" for folder in branches) or "no such trees"
        raise UserError(f"{path}: no TrainTree or TestTree with scores of {title!r} (DataLoaders: {there[:200]})")
    return by_folder


def _chosen_loader(path: Path, loaders: Dict[str, List[str]], weights: Path, title: str) -> str:
    loader_name = weights.resolve().parent.parent.name
    if loader_name in loaders:
        return loader_name
    if len(loaders) > 1:
        raise UserError(
            f"{path}: {title!r} in several DataLoaders ({', '.join(loaders)}), and {weights} lies in none of them; "
            "name the weight file under LOADER/weights"
        )
    return next(iter(loaders))


def _log(folder: Path, title: str) -> Tuple[str, str]:
    """What was printed of the method, and ``NormMode``, from the one log with its table of epochs; "" without one."""
    by_table: Dict[Tuple[Epoch, ...], Tuple[str, str]] = {}
    for path in _files(folder, "*.txt", "*.log"):
        if path.stat().st_size > _LARGEST_LOG:
            raise UserError(f"{path}: larger than {_LARGEST_LOG >> 20} MiB, the limit of a log here; cut it")
        text = path.read_text(errors="replace")
        part = tmva_files.section(text, title)
        table = tuple(tmva_files.epoch_table(part))
        if table:
            by_table[table] = part, tmva_files.norm_mode(text)
    if len(by_table) > 1:
        raise UserError(f"{folder}: several logs with different tables of epochs of {title!r}; keep one")
    return next(iter(by_table.values())) if by_table else ("", "")


def _our_booking(folder: Path) -> config.Point:
    """A point with the seed and the weights of a run of ours, with TMVA's defaults for another's."""
    default = config.Point()
    try:
        point = json.loads((folder / "task.json").read_text())["point"]
        seed, mode = point["split_seed"], point["norm_mode"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return default
    if not isinstance(seed, int) or not 0 < seed < 2**31 or mode not in config.NORM_MODES:
        return default
    return config.Point(split_seed=seed, norm_mode=mode)


class Trained(NamedTuple):
    """A phase of a training, repeated.

    Attributes:
        history: its epochs.
        weights: weights (inputs x outputs) and biases of each layer that were kept.
        score: the scores of transformed events.
    """

    history: List[Epoch]
    weights: keras_network.Weights
    score: Callable[[numpy.ndarray], numpy.ndarray]


# Trains a phase: of the training, its number, the weights to begin with, the events, and the generator of the masks.
Trainer = Callable[[Training, int, keras_network.Weights, keras_training.Arrays, tmva_random.WeightGenerator], Trained]


def by_keras(keras: Any) -> Trainer:
    """Trains in Keras."""

    def train(training: Training, phase: int, weights: Any, events: Any, random: Any) -> Trained:
        model = keras_network.build(keras, training, events.x.shape[1], phase)
        keras_network.set_weights(model, weights)
        history = keras_training.fit(keras, model, training, events, random, phase).history
        return Trained(history, keras_network.get_weights(model), functools.partial(keras_training.score, model))

    return train


def replay(train: Trainer, left: Left, input_file: str, execution: str = "batch") -> Dict[str, Any]:
    """Repeats a training; the answer is that of :func:`tmva_bench.running.replay.run_replay`.

    Args:
        train: trains a phase.
        left: what TMVA left.
        input_file: the common input file, for a run without an output file; else "".
        execution: what one compiled call trains, ``batch`` or ``epoch``.

    Raises:
        UserError: it cannot be repeated.
    """
    from tmva_bench.events import transforms

    file = tmva_weights.parse(left.weights)
    booked = tmva_options.read(file)
    training, width = booked.training._replace(execution=execution), len(booked.variables)
    recorded = _recorded(left, booked)
    events = _training_events(left, booked, input_file)
    signal, axes = events.y[:, 0] == 1, tmva_weights.principal_axes(file)
    chain = transforms.Chain(list(training.chain), events.x, events.w, signal, axes)
    events = events._replace(x=chain(events.x))
    random = tmva_random.WeightGenerator(training, width)
    weights = random.weights
    history: List[List[Epoch]] = []
    least = _fewest_phases(training, file.options, recorded)
    rows = sum(map(len, recorded.phases))
    for phase, plan in enumerate(training.phases):
        # Numbers of epochs in the log tell where a phase began; without them it takes the length of the history.
        if phase >= least and (not recorded.exact or sum(map(len, history)) >= rows):
            break
        if not recorded.exact and phase < len(recorded.phases):
            _check_epochs(plan, recorded.phases[phase])
        now = training._replace(phases=(*training.phases[:phase], _cut(plan, rows), *training.phases[phase + 1 :]))
        _check_batch(training, plan, len(events.x))
        trained = train(now, phase, weights, events, random)
        history.append(trained.history)
        weights = trained.weights
    return {
        "epochs": _side_by_side(recorded, history),
        "score_difference": _score_difference(left, booked, lambda x: trained.score(chain(x))),
        "notes": [*booked.notes, *_notes(file, training, len(history))],
    }


def _recorded(left: Left, booked: tmva_options.Booked) -> Recorded:
    """The losses in the log; where nobody kept it, or the Factory was silent, those in the output file."""
    table = tmva_files.epoch_table(left.log)
    if table:
        if tmva_files.best_epoch(left.log) == 0:
            raise UserError("no epoch beat the untrained network, and TMVA kept zeros for weights: nothing to compare")
        phases: List[List[Epoch]] = []
        for epoch in table:
            # Every phase counts its epochs from 1.
            if not phases or epoch.epoch <= phases[-1][-1].epoch:
                phases.append([])
            phases[-1].append(epoch)
        return Recorded(phases, False)
    stored = tmva_files.read_history(str(left.output), booked.title, left.loader) if left.output else {}
    losses = [stored.get(name, numpy.zeros(0)) for name in ("trainingError", "valError")]
    if not len(losses[0]) or len(losses[0]) != len(losses[1]):
        raise UserError(
            "no log with TMVA's table of epochs (it is not printed under Silent), and no histories in an output file"
        )
    return Recorded([[Epoch(0, float(t), float(v), 0.0) for t, v in zip(*losses)]], True)


def _fewest_phases(training: Training, options: Dict[str, str], recorded: Recorded) -> int:
    """How many phases ran at least.

    ``MethodDL::TrainDeepNet`` gives up at a phase whose batch size is not the height of its batches, which is that of
    the first phase unless ``BatchLayout`` says otherwise, and keeps what it has.
    """
    layouts = options.get("BatchLayout", "").split("|")[1:2]
    height = int(layouts[0]) if layouts and layouts[0].isdecimal() and len(layouts[0]) < 10 else 0
    ran = 0
    while ran < len(training.phases) and training.phases[ran].batch_size == (height or training.phases[0].batch_size):
        ran += 1
    return max(ran, 1 if recorded.exact else len(recorded.phases))


def _check_epochs(plan: Phase, table: List[Epoch]) -> None:
    if plan.test_repetitions > table[-1].epoch:
        raise UserError(
            f"TestRepetitions = {plan.test_repetitions}, and the log's table goes up to epoch {table[-1].epoch}: it is "
            "not that of this weight file"
        )


def _cut(plan: Phase, rows: int) -> Phase:
    """A phase that goes on no longer than needed to see that it does where TMVA's did not."""
    epochs = min(plan.max_epochs, (rows + 1) * plan.test_repetitions)
    # Whether to stop is asked at every TestRepetitions-th epoch only.
    trained = math.ceil(epochs / plan.test_repetitions) * plan.test_repetitions
    if trained > _MOST_EPOCHS:
        raise UserError(f"{trained} epochs of a phase to repeat; the limit here is {_MOST_EPOCHS}")
    return plan._replace(max_epochs=epochs)


def _training_events(left: Left, booked: tmva_options.Booked, input_file: str) -> keras_training.Arrays:
    """The training events in TMVA's order."""
    if left.output:
        names = branches(left, booked.variables, "TrainTree")
        sample = tmva_files.read_sample(str(left.output), "TrainTree", names, booked.title, left.loader)
        signal = (sample.class_id == 0).astype(numpy.float32)
        events = keras_training.Arrays(sample.variables, signal[:, None], sample.weights.astype(numpy.float32))
    elif input_file:
        data = inputs.read(input_file)
        expressions = [variable.expression for variable in booked.variables]
        if data.variables != expressions:
            raise UserError(
                f"trained on the variables {', '.join(expressions)[:200]}, and {input_file} has "
                f"{', '.join(data.variables)[:200]}; give the input file of that run"
            )
        events = keras_training.training_vector(data, left.split_seed, left.norm_mode)
    else:
        raise UserError("no output file of TMVA; give the common input file with --input")
    for array in events:
        if not numpy.isfinite(array).all():
            raise UserError("NaN or infinite among the training events or their weights; they cannot be trained on")
    if len(numpy.unique(events.y)) < 2:
        raise UserError("the training events are not of two classes; they cannot be trained on")
    return events


def _check_batch(training: Training, plan: Phase, events: int) -> None:
    validating = training.validation_events(events)
    if min(events - validating, validating) < plan.batch_size:
        raise UserError(
            f"BatchSize = {plan.batch_size}: larger than a part of the {events} training events, of which {validating} "
            "validate; TMVA does not train so"
        )


def _score_difference(left: Left, booked: tmva_options.Booked, scores_of: Any) -> Optional[float]:
    """Largest difference of the scores of the test events; NaN where one is no number, None where they are not known.

    Of a chain with the suffix of a class too: TMVA tests with the transformation of all classes.
    """
    if left.output is None or any("_" in name for name in booked.training.chain):
        return None
    names = branches(left, booked.variables, "TestTree")
    test = tmva_files.read_sample(str(left.output), "TestTree", names, booked.title, left.loader)
    # numpy's max is NaN where a difference is.
    return float(numpy.abs(scores_of(test.variables) - test.scores).max()) if len(test.scores) else None


def _notes(file: tmva_weights.WeightFile, training: Training, ran: int) -> List[str]:
    notes = []
    phases = training.phases
    if ran < len(phases):
        which = f"phase {ran + 1}" if ran + 1 == len(phases) else f"phases {ran + 1} to {len(phases)}"
        notes.append(
            f"{which} of {len(phases)} did not run: TMVA ends a training at a phase of another batch size "
            f"({phases[ran].batch_size}, not {phases[0].batch_size}) and keeps what it has"
        )
    host = file.info.get("Host", "")
    if any(name in host.lower() for name in ("darwin", "macos")):
        notes.append(
            f"trained on {host[:60]}, whose standard library (libc++) shuffles otherwise than that of GCC, which "
            "is repeated here: batches and losses differ"
        )
    return notes


def _side_by_side(recorded: Recorded, history: List[List[Epoch]]) -> List[Dict[str, Any]]:
    """The epochs of both sides, matched by phase and number; by order where TMVA left no numbers."""
    pairs: List[Tuple[int, Optional[Epoch], Optional[Epoch]]] = []
    if recorded.exact:
        (theirs,), ours = recorded.phases, [epoch for part in history for epoch in part]
        matched = itertools.zip_longest(theirs, ours)
        pairs = [(our.epoch if our else number, their, our) for number, (their, our) in enumerate(matched, 1)]
    for phase in range(0 if recorded.exact else max(len(recorded.phases), len(history))):
        first, second = (
            {epoch.epoch: epoch for epoch in side[phase]} if phase < len(side) else {}
            for side in (recorded.phases, history)
        )
        pairs += [(number, first.get(number), second.get(number)) for number in sorted({*first, *second})]
    return [{"epoch": number, "tmva": _losses(their), "keras": _losses(our)} for number, their, our in pairs]


def _losses(epoch: Optional[Epoch]) -> Optional[List[float]]:
    return [epoch.training_loss, epoch.validation_loss] if epoch else None


def branches(left: Left, variables: List[tmva_weights.Variable], tree: str) -> List[str]:
    """The branches of the input variables in one of TMVA's trees.

    TMVA names them by the variable's label, made a C identifier. Nothing else is tried than the names in the weight
    file, and none is evaluated.

    Raises:
        UserError: no branch of a variable.
    """
    there = tmva_files.sample_branches(str(left.output), left.loader).get(tree, [])
    chosen = []
    for variable in variables:
        names = [variable.internal, variable.label, variable.title, variable.expression]
        known = [name for name in names if name in there or name.partition("[")[0] in there]
        if not known:
            raise UserError(
                f"{left.output}: {tree} has no branch of the variable {variable.label[:60]!r} "
                f"(there are {', '.join(there[:12])})"
            )
        chosen.append(known[0])
    return chosen


def verify(keras: Any, left: Left) -> Dict[str, Any]:
    """Evaluates the weights that TMVA kept; the answer is that of :func:`tmva_bench.running.replay.run_replay`.

    All numbers are those of the weight file, the ones of the transformations too, as ``TMVA::Reader`` takes them.

    Args:
        keras: the Keras module.
        left: what TMVA left.

    Raises:
        UserError: TMVA's scores are not known, or are not those of what was trained.
    """
    file = tmva_weights.parse(left.weights)
    tmva_options.check_method(file)
    if not left.output:
        raise UserError("no output file of TMVA with the method's scores: they are not known")
    booked = tmva_weights.chain(file.options.get("VarTransform", ""))
    if any("_" in name.partition("(")[0] for name in booked):
        raise UserError(
            f"VarTransform = {','.join(booked)[:80]}: TMVA loses the class suffix when it reads a method back, so its "
            "test scores are not those of what was trained"
        )
    layers = tmva_weights.network(file)
    scores_of = tmva_evaluation.of_network(keras, file)
    notes = tmva_options.layout_notes(file, layers)
    kept = [letter for letter, _ in tmva_weights.transformations(file)]
    if [name[0] for name in booked] != kept:
        notes.append(
            f"VarTransform = {file.options.get('VarTransform', '')[:80]}, and the weight file has the transformations "
            f"{','.join(kept) or 'none'}, which count"
        )
    theirs, ours = [], []
    for tree, names in tmva_files.sample_branches(str(left.output), left.loader).items():
        if file.title in names:
            known = branches(left, file.variables, tree)
            sample = tmva_files.read_sample(str(left.output), tree, known, file.title, left.loader)
            theirs.append(sample.scores)
            ours.append(scores_of(sample.variables) if len(sample.scores) else sample.scores)
    return {**_verdict(numpy.concatenate(theirs), numpy.concatenate(ours)), "notes": notes}


def _verdict(theirs: numpy.ndarray, ours: numpy.ndarray) -> Dict[str, Any]:
    """The largest difference of scores, NaN where one is no number, and why scores may not be called any."""
    missing = int((~numpy.isfinite(theirs)).sum())
    reason = ""
    if not len(theirs):
        reason = "no events"
    elif missing:
        reason = f"{missing} of TMVA's {len(theirs)} scores are not a number (it writes -999)"
    elif not numpy.isfinite(ours).all():
        reason = f"{int((~numpy.isfinite(ours)).sum())} of {len(ours)} scores of the weights are not a number"
    elif len(theirs) > 1 and theirs.min() == theirs.max():
        reason = f"every event has the score {theirs[0]:g}: nothing was learnt"
    return {
        "score_difference": float(numpy.abs(ours - theirs).max()) if len(theirs) else float("nan"),
        "scores": len(theirs),
        "reason": reason,
    }


def carry_out(folder: Path) -> Dict[str, Any]:
    """Answers one question.

    Args:
        folder: holds the task.

    Raises:
        UserError: it cannot be answered.
        Unavailable: the backend asked for is not there.
    """

    task = Task(**json.loads((folder / "task.json").read_text()))
    left = find(Path(task.folder), task.title)
    keras, _ = keras_training.load(task.backend)
    # In single precision rounding grows from epoch to epoch, under Adam at a large rate to 1e-3.
    keras.backend.set_floatx("float64")
    if task.action == "verify":
        return verify(keras, left)
    return replay(by_keras(keras), left, task.input_file, task.execution)


def main() -> None:
    """Answers the question in the folder named on the command line."""
    worker.answer(carry_out)


if __name__ == "__main__":
    main()
