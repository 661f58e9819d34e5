"""The methods: one module each, which declares what the method is, says whether it can run here, and runs.

They are listed in :mod:`tmva_bench.methods.registry`. No other room knows any of them by name.
"""

import math
from pathlib import Path
from typing import Callable, Dict, FrozenSet, List, NamedTuple, Optional, Tuple, Union

import numpy

from tmva_bench.basis.config import ONE_SIDED, Point
from tmva_bench.basis.training import Epoch
from tmva_bench.engines.scoring import Scoring
from tmva_bench.engines.stopwatch import Stopwatch
from tmva_bench.errors import TrainingFailed, UserError
from tmva_bench.events import inputs, reading

# What a method is beside TMVA's DNN, in the order in which tables tell of it.
SAME_TRAINING = "the same training by other engines"
SAME_NETWORK = "the same network, otherwise trained"
CLASSIFIER = "other classifiers"
AUTOENCODER = "autoencoders"
KINDS = (SAME_TRAINING, SAME_NETWORK, AUTOENCODER, CLASSIFIER)


class Task(NamedTuple):
    """What one child process is asked to do.

    Attributes:
        point: the benchmark point.
        method: a name in the registry.
        backend: ``tmva``, or the learning library.
        architecture: ``cpu`` or ``gpu``.
        threads: threads given to the run.
        input_file: the common input file.
        folder: where the method leaves its files (model, TMVA's output and weight files).
        input_digest: that of the input file when the run was planned.
    """

    point: Point
    method: str
    backend: str
    architecture: str
    threads: int
    input_file: str
    folder: str
    input_digest: str


class Outcome(NamedTuple):
    """What a method gives back.

    Attributes:
        scores: classifier output per event, float64, in the order of the input file's trees, keyed
            by tree name (``TrainS``, ``TrainB``, ``TestS``, ``TestB``); signal-like is high.
        history: one entry an epoch.
        best_epoch: the epoch whose weights were kept, 0 for the untrained net.
        validation_loss: the best validation loss.
        parameters: number of trainable parameters.
        roc_integral: TMVA's own number, NaN where no TMVA made it.
        real_time_fit: real time of the training alone [s].
        device: what the training ran on, e.g. ``"cpu"`` or the GPU's name.
        versions: ``root``, ``keras`` and ``backend`` versions, "" where not used.
        membership: digests of the events trained on, validated on and tested on, see
            :func:`tmva_bench.events.inputs.membership`.
        untrained_loss: validation loss of the untrained network, NaN where the method does not tell.
        initial_weights_spread: root mean square of all initial weights, without biases, NaN likewise.
        compilation: whether what was compiled before the training is ``fresh`` or was ``kept`` by an earlier run; ""
            where nothing was, or it is not told.
    """

    scores: Dict[str, numpy.ndarray]
    history: List[Epoch]
    best_epoch: int
    validation_loss: float
    parameters: int
    roc_integral: float
    real_time_fit: float
    device: str
    versions: Dict[str, str]
    membership: Dict[str, str]
    untrained_loss: float = math.nan
    initial_weights_spread: float = math.nan
    compilation: str = ""


class Trained(NamedTuple):
    """A run that is to score other events.

    Attributes:
        point: its point.
        folder: where it left its files.
        data: the events that it was given: those of its common input file, or of the encoded one.
        backend: the learning library of the run; of a network, the Keras backend that is to evaluate it; "" where it
            is evaluated by neither.
    """

    point: Point
    folder: Path
    data: inputs.InputFile
    backend: str = ""

    def file(self, *names: str) -> Path:
        """The first of these files that the run left.

        Raises:
            UserError: it left none of them.
        """
        for name in names:
            if (self.folder / name).is_file():
                return self.folder / name
        raise UserError(
            f"{self.folder / names[0]}: no such file; the run left no model, or it was taken away: run it again"
        )


class Tried(NamedTuple):
    """A run by which the doctor finds out what can run.

    Attributes:
        backend: the learning library.
        architecture: ``cpu`` or ``gpu``.
        feeding: of the point.
    """

    backend: str
    architecture: str = "cpu"
    feeding: str = "array"


def _as_it_is(point: Point, backend: str) -> Point:
    return point


def _never(point: Point, architecture: str) -> bool:
    return False


def _one_at_a_time(point: Point, backend: str) -> str:
    return "its method trains one at a time"


def _in_nothing(point: Point) -> FrozenSet[str]:
    return frozenset()


class Method(NamedTuple):
    """What a method is, declared in its module.

    Attributes:
        name: as users write it.
        title: as headings have it.
        side: the side of a comparison that it stands on, ``tmva`` or ``keras``; "" for neither.
        backends: those that it takes; the first is its default.
        run: trains and tests; raises :class:`tmva_bench.errors.Unavailable` where it cannot run,
            :class:`tmva_bench.errors.TrainingFailed` where it gave no result.
        read_epochs: the epochs in some lines of its log.
        kind: what it is beside TMVA's DNN, one of :data:`KINDS`.
        lacks: the parameters that it does not have; a value other than the default is refused. In its point
            :func:`tmva_bench.basis.config.absent` stands for them, the default for those of one side.
        complete: gives the point with what the method decides of it, on a backend; raises
            :class:`tmva_bench.errors.UserError` where the method cannot do what it asks for.
        autoencoder: whether it trains the autoencoder at the end of the transformations itself. It is then given the
            events as they are and leaves them encoded, its score is the error, which has no upper end, and it has no
            run without an autoencoder.
        paired: whether the run of a point on an architecture has initial weights, batches and masks of TMVA's DNN, so
            that runs of equal seeds differ in the engine alone.
        compiles: whether an engine of it compiles the network at all.
        compiled_before: the backends that it has compile the network before the clock of the training starts.
        tried: the runs by which the doctor finds out what can run.
        cells: what each common parameter of a point is for it, option or argument with its value, "" for none; None
            for a method that the mapping does not show.
        unequal: the parameters of a point in which it does something else than TMVA's DNN.
        evaluator: gives, of a finished run, the function that scores events, float32 of shape (events, variables); None
            for a method whose model cannot be evaluated here.
        scoring: gives, of a finished run, its scoring function as numbers, from the variables of its input file to the
            score; None for a method that has no such numbers.
        booking: what it is booked as with TMVA and the options, of a point on an architecture; None for no booking.
        alone: why repetitions of a point cannot be trained together on a backend, "" where they can.
        run_together: trains and tests tasks that differ in their seeds alone, for a method that can, as ``run`` does
            one; in the place of a task that gave no result stands what ``run`` would raise.
    """

    name: str
    title: str
    side: str
    backends: Tuple[str, ...]
    run: Callable[[Task, Stopwatch], Outcome]
    read_epochs: Callable[[str], List[Epoch]]
    kind: str = SAME_TRAINING
    lacks: Tuple[str, ...] = ()
    complete: Callable[[Point, str], Point] = _as_it_is
    autoencoder: bool = False
    paired: Callable[[Point, str], bool] = _never
    compiles: bool = True
    compiled_before: Tuple[str, ...] = ()
    tried: Tuple[Tried, ...] = ()
    cells: Optional[Callable[[Point], Dict[str, str]]] = None
    unequal: Callable[[Point], FrozenSet[str]] = _in_nothing
    booking: Optional[Callable[[Point, str], Tuple[str, str]]] = None
    evaluator: Optional[Callable[[Trained], Callable[[numpy.ndarray], numpy.ndarray]]] = None
    scoring: Optional[Callable[[Trained], Scoring]] = None
    alone: Callable[[Point, str], str] = _one_at_a_time
    run_together: Optional[Callable[[List[Task], Stopwatch], List[Union[Outcome, TrainingFailed]]]] = None

    @property
    def is_network(self) -> bool:
        """Whether Keras evaluates what it trained."""
        return self.kind in (SAME_TRAINING, SAME_NETWORK)

    @property
    def absent(self) -> FrozenSet[str]:
        """The common parameters that it does not have, those of one side left out."""
        return frozenset(self.lacks) - frozenset(ONE_SIDED)


def read_test_scores(folder: Path) -> numpy.ndarray:
    """The scores that a run gave to its own test events, those of ``TestS`` and then of ``TestB``.

    Args:
        folder: the run's.

    Raises:
        UserError: they are not there, or cannot be read.
    """
    stored = folder / "scores.root"
    if not stored.is_file():
        raise UserError(
            f"{stored}: not there; the scores of the run's test events check what is computed of it: run it again"
        )
    with reading.opened(stored) as file:
        return numpy.concatenate([reading.column(file[tree], "score") for tree in ("TestS", "TestB")])


def read_input(input_file: str, digest: str) -> inputs.InputFile:
    """The events that a child was given.

    Args:
        input_file: the common input file.
        digest: its digest when the run was planned.

    Raises:
        UserError: it cannot be read.
        TrainingFailed: it holds other events by now.
    """
    data = inputs.read(input_file)
    read = data.metadata["digest"]
    if read != digest:
        raise TrainingFailed(
            f"{input_file}: the input file was replaced while the study ran (digest {digest[:12]} when it was planned, "
            f"{read[:12]} now); run again, with the file left alone"
        )
    return data
