"""Readers of what TMVA leaves: its log and its output file; weight files have a module of their own.

Pure functions without ROOT. Wording and folder names differ between versions of ROOT; what is read here is what
they share. The columns of the log and the layout of the files are those of ``TMVA::MethodDL``,
``TMVA::MethodPyKeras`` and ``TMVA::Factory``.
"""

import math
import re
from typing import Any, Dict, List, NamedTuple, Optional, cast

import numpy

from tmva_bench.basis.training import Epoch, Training
from tmva_bench.engines.tmva_weights import CLASSES
from tmva_bench.errors import TrainingFailed
from tmva_bench.events import inputs, normalisation, reading
from tmva_bench.events.inputs import InputFile

# The trees of events that TMVA writes.
SAMPLES = ("TrainTree", "TestTree")

# What MethodDL writes where its network gives NaN.
_NOT_A_NUMBER = -999.0

_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_FATAL = re.compile(r"<FATAL>[^:\n]*:[ \t]*(.+)")
_PYTHON_ERROR = re.compile(r"Python error message:\n(.*?)\n[^\n]*<FATAL>", re.DOTALL)
_ROOT_ERROR = re.compile(r"^Error in (<.+)$", re.MULTILINE)
_NUMBER = r"([-+]?(?:nan|inf|\d+(?:\.\d*)?(?:e[-+]?\d+)?))"
_EPOCH = re.compile(
    rf":\s+(\d+) \|\s+{_NUMBER}\s+{_NUMBER}\s+{_NUMBER}\s+{_NUMBER}\s+{_NUMBER}\s+\d+\s*$", re.MULTILINE
)
_KERAS_EPOCH = re.compile(rf"- loss: {_NUMBER}.*- val_loss: {_NUMBER}")
_BEST = re.compile(r":\s+(\d+) Minimum Test error found")
_METHOD = re.compile(r"Train method: (.+) for [A-Z]\w+")
_ARCHITECTURE = re.compile(r"Start of deep neural network training on (?:the )?(\w+)")


class Sample(NamedTuple):
    """One of TMVA's two trees of events, in TMVA's order.

    Attributes:
        tree: ``TrainTree`` or ``TestTree``.
        class_id: 0 signal, 1 background; shape (events,).
        variables: the input variables as TMVA read them, float32, shape (events, variables).
        weights: event weights, float32, shape (events,).
        scores: the method's output, float64, NaN where TMVA has its code for that; shape (events,).
    """

    tree: str
    class_id: numpy.ndarray
    variables: numpy.ndarray
    weights: numpy.ndarray
    scores: numpy.ndarray


def failure(log: str) -> Optional[str]:
    """Why TMVA gave up, in its own words: the first FATAL line, with the Python error behind it if there is one.

    A failed booking is tried once for each overload, so the line may stand in the log more than once. Where
    there is no FATAL line, ROOT's first own error.

    Args:
        log: all that the process printed.

    Returns:
        One line, or None where the log tells of no failure.
    """
    text = _plain(log)
    fatal = _FATAL.search(text)
    if not fatal:
        errors = _ROOT_ERROR.findall(text)
        # The one that quotes what it stumbled over tells most.
        return next((error.strip() for error in errors if '"' in error), errors[0].strip() if errors else None)
    reason = fatal.group(1).strip()
    python = _PYTHON_ERROR.search(text[: fatal.end()])
    lines = [line.strip() for line in python.group(1).splitlines() if line.strip()] if python else []
    return f"{reason} ({lines[-1]})" if lines else reason


def section(log: str, title: str) -> str:
    """What was printed of one method's training; all of the log where it does not tell of trainings.

    Args:
        log: all that the process printed.
        title: the method's title.
    """
    parts = _METHOD.split(_plain(log))
    if len(parts) == 1:
        return log
    # A job that was run anew into the same log: its last training.
    of_title = [text for name, text in zip(parts[1::2], parts[2::2]) if name == title]
    return of_title[-1] if of_title else ""


def epoch_table(log: str) -> List[Epoch]:
    """MethodDL's table of epochs; with ``TestRepetitions=1`` every epoch has its line.

    Args:
        log: all that the process printed.
    """
    return [
        Epoch(int(epoch), float(training), float(validation), float(seconds))
        for epoch, training, validation, seconds, _, _ in _EPOCH.findall(_plain(log))
    ]


def epoch_line(epoch: Epoch, since_best: int, loss_seconds: float = 0, rate: float = 0) -> str:
    """An epoch in the columns of MethodDL's table, so that :func:`epoch_table` follows the log of every method.

    Args:
        epoch: the epoch.
        since_best: epochs since the best one.
        loss_seconds: real time of the validation loss [s].
        rate: events trained on in a second.
    """
    numbers = (epoch.training_loss, epoch.validation_loss, epoch.real_time, loss_seconds, rate)
    return f": {epoch.epoch:>10} | {' '.join(f'{number:12.6g}' for number in numbers)} {since_best:>10}"


def keras_epoch_table(log: str) -> List[Epoch]:
    """What Keras prints under MethodPyKeras at the end of each epoch; the losses have four digits, there is no time.

    Args:
        log: all that the process printed, or some lines of it; the first epoch there counts as 1.
    """
    losses = _KERAS_EPOCH.findall(_plain(log))
    return [Epoch(i + 1, float(t), float(v), float("nan")) for i, (t, v) in enumerate(losses)]


def best_epoch(log: str) -> int:
    """The epoch whose weights MethodDL kept; 0 where no epoch beat the untrained network.

    Args:
        log: all that the process printed.
    """
    return max((int(epoch) for epoch in _BEST.findall(_plain(log))), default=0)


def lowest(history: List[Epoch]) -> Epoch:
    """The first epoch with the lowest validation loss; NaN is never lowest.

    Args:
        history: at least one epoch.
    """
    return min(history, key=lambda epoch: (math.isnan(epoch.validation_loss), epoch.validation_loss))


def architecture(log: str) -> Optional[str]:
    """The architecture that MethodDL trained on, e.g. ``cpu`` or ``gpu``; None where the log does not say (Silent).

    Args:
        log: all that the process printed.
    """
    names = _ARCHITECTURE.findall(_plain(log))
    return names[-1].lower() if names else None


def norm_mode(log: str) -> str:
    """``NormMode`` of a job, as its log tells.

    Args:
        log: all that the process printed.

    Returns:
        One of :data:`tmva_bench.basis.config.NORM_MODES`, "" where it does not tell: ``NumEvents`` is named at a level
        that is not printed.
    """
    if "No weight renormalisation applied" in log:
        return "none"
    return "equal_num_events" if 'renormalisation mode: "EqualNumEvents"' in log else ""


def loaders(path: str) -> List[str]:
    """The folders of TMVA's output file that hold its trees of events, one for each DataLoader.

    Before ROOT 6.08 the trees lie beside each other at the top, in the folder "".

    Args:
        path: the output file.

    Raises:
        UserError: no ROOT file, or one that cannot be read.
    """
    with reading.opened(path) as file:
        trees = [name.rpartition("/") for name in reading.tree_names(file)]
    return sorted({folder for folder, _, name in trees if name in SAMPLES})


def sample_branches(path: str, folder: str) -> Dict[str, List[str]]:
    """Names of the branches of TMVA's trees of events, by tree; trees that are not there are left out.

    Args:
        path: the output file.
        folder: see :func:`loaders`.
    """
    with reading.opened(path) as file:
        there = {tree: _path(folder, tree) for tree in SAMPLES}
        known = reading.tree_names(file)
        return {tree: file[name].keys(recursive=False) for tree, name in there.items() if name in known}


def read_sample(path: str, tree: str, variables: List[str], title: str, folder: str = "dataset") -> Sample:
    """One tree of events from TMVA's output file.

    Args:
        path: the output file.
        tree: ``TrainTree`` or ``TestTree``.
        variables: branches of the input variables; ``x[2]`` is the third number of a branch ``x`` of several.
        title: the method's title, the name of the branch of its scores.
        folder: see :func:`loaders`.

    Raises:
        TrainingFailed: the tree or a branch is not there.
        UserError: the file cannot be read.
    """
    where = _path(folder, tree)
    with reading.opened(path) as file:
        if where not in reading.tree_names(file):
            raise TrainingFailed(f"TMVA's output file lacks {where}")
        events = file[where]
        try:
            values = reading.numbers(events, title).astype(float)
            class_id, weights = (reading.numbers(events, name) for name in ("classID", "weight"))
            columns = [_variable(events, name) for name in variables]
        except reading.BranchError as error:
            raise TrainingFailed(f"TMVA's output file: {error}") from None
    values[values == _NOT_A_NUMBER] = numpy.nan
    return Sample(tree, class_id, numpy.stack(columns, axis=1).astype(numpy.float32), weights, values)


def read_history(path: str, title: str, folder: str = "") -> Dict[str, numpy.ndarray]:
    """The training histories in TMVA's output file, one value an epoch, empty where there are none.

    They lie under ``dataset/Method_<type>/<title>/`` or ``dataset/Method_<title>/<title>/``.

    Args:
        path: the output file.
        title: the method's title.
        folder: see :func:`loaders`; "" for whichever there is.

    Returns:
        Values by name without PyKeras' quotes: ``trainingError``, ``valError`` of MethodDL; ``loss``, ``val_loss``
        and more of MethodPyKeras, which fills them up with zeros after an early stop.

    Raises:
        UserError: the file cannot be read.
    """
    prefix = f"/{title}/TrainingHistory_{title}_"
    histories = {}
    with reading.opened(path) as file:
        for key, kind in file.classnames(recursive=True, cycle=False).items():
            if prefix in key and key.startswith(f"{folder}/" if folder else "") and kind.startswith("TH1"):
                histories[key.split(prefix)[1].strip("'")] = file[key].values()
    return histories


def scores(path: str, title: str, data: InputFile, norm_mode: str) -> Dict[str, numpy.ndarray]:
    """The scores in TMVA's output file in the order of the input file, found again by the events' own values.

    Args:
        path: the output file.
        title: the method's title.
        data: the input file.
        norm_mode: ``NormMode`` of the booking, see :mod:`tmva_bench.events.normalisation`.

    Returns:
        One score an event, float64, by the name of the input file's tree.

    Raises:
        TrainingFailed: TMVA's events are not those of the input file.
    """
    columns = {}
    for name, tree, mode in (("Train", "TrainTree", norm_mode), ("Test", "TestTree", "none")):
        sample = read_sample(path, tree, data.variables, title)
        weights = normalisation.normalise(mode, [data.weights[name + suffix] for suffix in "SB"])
        for class_id, suffix in enumerate("SB"):
            columns[name + suffix] = in_file_order(sample, class_id, data.events[name + suffix], weights[class_id])
    return columns


def membership(path: str, title: str, variables: List[str], training: Training) -> Dict[str, str]:
    """Which events TMVA trained, validated and tested on, see :func:`tmva_bench.events.inputs.membership`.

    Args:
        path: the output file.
        title: the method's title.
        variables: names of the input variables.
        training: the training; its validation events are the last of TMVA's training vector.
    """
    train, test = (read_sample(path, tree, variables, title).variables for tree in ("TrainTree", "TestTree"))
    return inputs.membership(train, training.validation_events(len(train)), test)


def in_file_order(sample: Sample, class_id: int, variables: numpy.ndarray, weights: numpy.ndarray) -> numpy.ndarray:
    """Scores of one class in the order of the input file, found again by the events' own values.

    Args:
        sample: the events as TMVA left them.
        class_id: 0 signal, 1 background.
        variables: the input file's events of that class, shape (events, variables).
        weights: their weights as TMVA should have them, shape (events,).

    Returns:
        One score for each event of the input file.

    Raises:
        TrainingFailed: TMVA's events are not those of the input file.
    """
    chosen = sample.class_id == class_id
    what = f"{CLASSES[class_id].lower()} events of TMVA's {sample.tree}"
    if chosen.sum() != len(variables):
        raise TrainingFailed(f"{chosen.sum()} {what}, where the input file has {len(variables)}")
    theirs, their_weights = sample.variables[chosen], sample.weights[chosen]
    # Equal events may differ in weight.
    there = numpy.lexsort((their_weights, *theirs.T))
    here = numpy.lexsort((weights, *variables.T))
    if not numpy.array_equal(theirs[there], variables[here]):
        raise TrainingFailed(f"the {what} are not those of the input file")
    if not numpy.allclose(their_weights[there], weights[here], rtol=1e-6, atol=0):
        raise TrainingFailed(f"the weights of the {what} are not those of the input file, scaled as booked")
    scores = numpy.empty(len(variables))
    scores[here] = sample.scores[chosen][there]
    return scores


def _path(folder: str, tree: str) -> str:
    return f"{folder}/{tree}" if folder else tree


def _variable(tree: Any, name: str) -> numpy.ndarray:
    """One number an event; of a branch with several (``DataLoader.AddVariablesArray``) the one in brackets."""
    branch, bracket, index = name.partition("[")
    if reading.has(tree, name) or not re.fullmatch(r"[0-9]{1,6}\]", index):
        return cast(numpy.ndarray, reading.numbers(tree, name))
    values = reading.column(tree, branch)
    number = int(index[:-1])
    if values.ndim != 2 or values.shape[1] <= number:
        raise reading.BranchError(f"tree {tree.name}, branch {branch!r}: no {name!r} in it")
    return cast(numpy.ndarray, values[:, number])


def _plain(log: str) -> str:
    """The log without colours and with a progress bar's carriage returns as line ends."""
    return _COLOUR.sub("", log).replace("\r", "\n")


# All that a child prints, in its folder: the parent writes it, and methods read there what TMVA says.
LOG_FILE = "log.txt"
