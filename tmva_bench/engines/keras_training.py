"""TMVA's training in Keras: the library, the training vector, the fit as MethodDL does it, the scores."""

import importlib.util
import math
import sys
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Protocol, Sequence, Tuple, Union

import numpy

from tmva_bench.basis.config import COUNTS, Point
from tmva_bench.basis.training import Epoch, Phase, Training
from tmva_bench.engines import keras_2_3, keras_epochs, keras_network, tmva_files, tmva_random
from tmva_bench.engines.stopwatch import Stopwatch
from tmva_bench.errors import Unavailable
from tmva_bench.events import inputs, normalisation, transforms

# Scores are computed in large batches: the network is small and the test sample is not.
_EVALUATION_BATCH = 10000
# Losses that differ by less, relative to the first, stand still.
_STILL = 1e-3
# Mean weights beyond this, or below its inverse, make steps of another size than the learning rate means.
_OTHER_SCALE = 1e3


class Arrays(NamedTuple):
    """Events for a training.

    Attributes:
        x: variables, float32, shape (events, variables).
        y: targets, float32, shape (events, outputs); of a classification 1 for signal and 0 for background.
        w: event weights, float32, shape (events,).
    """

    x: numpy.ndarray
    y: numpy.ndarray
    w: numpy.ndarray

    def take(self, index: Any) -> "Arrays":
        """The events at ``index`` (indices or a slice)."""
        return Arrays(self.x[index], self.y[index], self.w[index])


# What gives the batches of an epoch, whenever it is called.
Feed = Callable[[], Iterator[Arrays]]


class Fit(NamedTuple):
    """How a training went; the model holds the best weights.

    Attributes:
        history: one entry an epoch.
        best_epoch: the epoch whose weights were kept, 0 for the untrained net.
        validation_loss: the best validation loss.
        untrained_loss: the validation loss of the weights that it started from.
    """

    history: List[Epoch]
    best_epoch: int
    validation_loss: float
    untrained_loss: float


def load(backend: str) -> Tuple[Any, Any]:
    """Keras on the backend asked for, and the backend's module. ``KERAS_BACKEND`` is set before Python starts.

    Keras 2.3 comes as :mod:`tmva_bench.engines.keras_2_3` adapts it.

    Raises:
        Unavailable: one of the two is not installed, or Keras runs on another backend.
    """
    checkout = Path(__file__).parents[2]
    python = checkout / ".route" / "bin" / "python"
    cure = f"{sys.executable} -m pip install 'tmva-bench[{backend}]'"
    if python.exists():
        cure = f".route/bin/python -m pip install -e '.[{backend}]' in {checkout}"
    if backend == "theano":
        cure = "make env-theano, and run in .venv-theano"
    try:
        module = importlib.import_module(backend)
    except ImportError as error:
        raise Unavailable(f"no {backend} here ({error})", cure) from None
    if backend != "tensorflow" and importlib.util.find_spec("tensorflow"):
        # Keras loads TensorFlow, where there is one, to set seeds and to store a model: five seconds for nothing. Where
        # there is none, no entry may stand for it: by one, Keras' layer of normalisation takes it for loaded.
        sys.modules.setdefault("tensorflow", None)  # type: ignore[arg-type]
    try:
        import keras
    except ImportError as error:
        raise Unavailable(f"no Keras here ({error})", cure) from None
    if keras.backend.backend() != backend:
        raise Unavailable(
            f"Keras {keras.__version__} runs on {keras.backend.backend()}, not on {backend}",
            "use Keras 3, which takes all three backends",
        )
    return (keras_2_3.adapt(keras) if keras_2_3.is_old(keras.__version__) else keras), module


def training_vector(data: inputs.InputFile, split_seed: int, norm_mode: str) -> Arrays:
    """Training events in the order of TMVA's training vector, so that its last part validates on both sides.

    Args:
        data: the common input file.
        split_seed: ``SplitSeed`` of ``DataLoader.PrepareTrainingAndTestTree``.
        norm_mode: its ``NormMode``, which the weights are scaled by, one of
            :data:`tmva_bench.basis.config.NORM_MODES`.
    """
    counts = {name: len(data.events[tree]) for name, tree in COUNTS.items()}
    order, _ = tmva_random.event_orders(**counts, split_seed=split_seed)
    signal, background = data.events["TrainS"], data.events["TrainB"]
    targets = numpy.zeros((len(signal) + len(background), 1), numpy.float32)
    targets[: len(signal)] = 1
    return Arrays(numpy.concatenate([signal, background]), targets, training_weights(data, norm_mode)).take(order)


def check_transformations(data: inputs.InputFile, point: Point) -> None:
    """Refuses a point whose transformations cannot be computed for these events, before a clock starts.

    Raises:
        UserError: with the variables that are to blame, and the cure.
    """
    if set(point.chain) & {"G", "U"} and not set(point.chain) & {"D", "P"}:
        return  # can always be computed, and takes its time
    events = numpy.concatenate([data.events["TrainS"], data.events["TrainB"]])
    transforms.Chain(point.chain, events, training_weights(data, point.norm_mode), variables=data.variables)


def chain(data: inputs.InputFile, point: Point) -> transforms.Chain:
    """The transformations of a finished run, prepared once more on its training events in TMVA's order.

    Args:
        data: the input file of the run.
        point: its point.
    """
    events = training_vector(data, point.split_seed, point.norm_mode)
    return transforms.Chain(point.chain, events.x, events.w)


def training_weights(data: inputs.InputFile, norm_mode: str) -> numpy.ndarray:
    """Weights of the training events, signal first, scaled as :mod:`tmva_bench.events.normalisation` has it."""
    return numpy.concatenate(normalisation.normalise(norm_mode, [data.weights["TrainS"], data.weights["TrainB"]]))


def cure(losses: Sequence[float], weights: numpy.ndarray) -> str:
    """What to try where no epoch was better than the untrained network.

    Args:
        losses: validation losses, that of the untrained network first where it is told.
        weights: of the training events.
    """
    size = float(numpy.abs(weights).mean(dtype=float))
    if not 1 / _OTHER_SCALE < size < _OTHER_SCALE:
        return f"the weights are {size:.0g} on average, and they scale the steps: take norm_mode = equal_num_events"
    if len(losses) > 1 and max(losses) - min(losses) <= _STILL * abs(losses[0]):
        return "the loss hardly moved, try a larger learning_rate"
    text = "try a smaller learning_rate or more events"
    if not (weights < 0).any():
        return text
    share = weights.sum(dtype=float) / numpy.abs(weights).sum(dtype=float)
    return (
        f"{text}; negative weights leave {share:.0%} of the sum of all, so the loss is the difference of large numbers"
    )


def nothing_better(result: Fit, weights: numpy.ndarray) -> str:
    """That no epoch was better than the untrained network, and what to try.

    Args:
        result: how the training went.
        weights: of the training events.
    """
    losses = [result.untrained_loss, *(epoch.validation_loss for epoch in result.history)]
    return (
        f"no epoch of {len(result.history)} had a lower validation loss than the untrained net; {cure(losses, weights)}"
    )


class Engine(Protocol):
    """What trains one phase epoch by epoch."""

    def epoch(self, order: Any, masks: Sequence[numpy.ndarray]) -> float:
        """Trains one epoch; the training loss as MethodDL has it."""

    def validation_loss(self) -> float:
        """Of the present weights."""

    def keep(self) -> None:
        """Keeps the present weights as the best."""


class Batches:
    """One phase of a training, batch after batch by ``Model.fit``.

    Args:
        keras: the Keras module.
        model: the network, compiled for this phase, with its first weights.
        training: the network and its training.
        phase: index of the phase.
        events: to train on.
        validation: validation events in whole batches.
        corrupt: changes the inputs that are trained on, anew before each epoch.
        feed: gives the batches of an epoch, transformed, in the place of ``events``.
    """

    def __init__(
        self,
        keras: Any,
        model: Any,
        training: Training,
        phase: int,
        events: Arrays,
        validation: Arrays,
        corrupt: Optional[Callable[[numpy.ndarray], numpy.ndarray]] = None,
        feed: Optional[Feed] = None,
    ) -> None:
        self._model, self._plan, self._corrupt, self._feed = model, training.phases[phase], corrupt, feed
        self._events, self._validation = events, validation
        self._masked = keras_network.drops_by_masks(training, phase)
        self._trained = keras_network.trained_by(keras, model, training, events.x.shape[1], phase)
        self.keep()

    def epoch(self, order: Optional[numpy.ndarray], masks: Sequence[numpy.ndarray]) -> float:
        """Trains one epoch; the training loss as MethodDL has it.

        Args:
            order: index of each event of the batches, one batch after the other; None for Keras' own batches, or those
                of the feed.
            masks: of the inputs of each layer that drops, shape (events, inputs of the layer).
        """
        losses, weight = self._fit_feed(self._feed, masks) if self._feed else self._fit(order, masks)
        if self._plan.regularization == "none":
            return float(losses["loss"][0])
        # MethodDL adds the term of the epoch's end, Keras that of each batch.
        loss = float(losses[keras_network.DATA_LOSS][0]) * weight
        return loss + keras_network.regularization_term(self._model, self._plan)

    def _fit(self, order: Optional[numpy.ndarray], masks: Sequence[numpy.ndarray]) -> Tuple[Dict[str, Any], float]:
        """Losses of an epoch of the arrays, and the mean weight of its events."""
        now = self._events if order is None else self._events.take(order)
        now = now._replace(x=self._corrupt(now.x)) if self._corrupt else now
        x = [now.x, *masks] if self._masked else now.x
        log = self._trained.fit(x, now.y, self._plan.batch_size, sample_weight=now.w, shuffle=order is None, verbose=0)
        return log.history, float(now.w.mean(dtype=float))

    def _fit_feed(self, feed: Feed, masks: Sequence[numpy.ndarray]) -> Tuple[Dict[str, Any], float]:
        """The same of an epoch of the feed."""
        batch, weights = self._plan.batch_size, []

        def batches() -> Iterator[Any]:
            for number, now in enumerate(feed()):
                weights.append(float(now.w.mean(dtype=float)))
                part = slice(number * batch, (number + 1) * batch)
                yield (now.x, *(mask[part] for mask in masks)) if self._masked else now.x, now.y, now.w

        log = self._trained.fit(batches(), steps_per_epoch=len(self._events.x) // batch, verbose=0)
        return log.history, float(numpy.mean(weights))

    def validation_loss(self) -> float:
        """Of the present weights."""
        events, batch = self._validation, self._plan.batch_size
        losses = self._model.evaluate(events.x, events.y, batch, sample_weight=events.w, verbose=0)
        # MethodDL's validation loss holds the regularization term twice.
        loss = float(losses[0] if isinstance(losses, list) else losses)
        return loss + keras_network.regularization_term(self._model, self._plan)

    def keep(self) -> None:
        """Keeps the present weights as the best."""
        self._best = self._model.get_weights()

    def best(self) -> List[numpy.ndarray]:
        """The weights that were kept, as ``Model.get_weights`` has them."""
        return list(self._best)


def compiled_epochs(keras: Any, training: Training, events: int, inputs: int, phase: int = 0) -> keras_epochs.Epochs:
    """What :func:`fit` needs for ``execution = "epoch"``, compiled for so many events.

    Args:
        keras: the Keras module.
        training: the network and its training.
        events: training events, those for validation too.
        inputs: number of input variables.
        phase: index of the phase.

    Raises:
        Unavailable: a backend or a Keras that cannot.
    """
    _check_masks(keras, training, phase)
    return keras_epochs.Epochs(keras, training, phase, keras_epochs.Shape(training, phase, events, inputs))


def compiled_together(keras: Any, trainings: Sequence[Training], events: int, inputs: int) -> keras_epochs.Bundle:
    """What :func:`fit_together` needs, compiled for so many events.

    Args:
        keras: the Keras module.
        trainings: the network and its training in one phase, with a seed of its own each.
        events: training events, those for validation too.
        inputs: number of input variables.

    Raises:
        Unavailable: a backend that cannot.
    """
    return keras_epochs.Bundle(keras, trainings, 0, keras_epochs.Shape(trainings[0], 0, events, inputs))


def fit(
    keras: Any,
    model: Any,
    training: Training,
    events: Arrays,
    random: tmva_random.WeightGenerator,
    phase: int = 0,
    corrupt: Optional[Callable[[numpy.ndarray], numpy.ndarray]] = None,
    compiled: Optional[keras_epochs.Epochs] = None,
    feed: Optional[Feed] = None,
) -> Fit:
    """Trains one phase as MethodDL does, epoch by epoch.

    Whole batches only, in an order that :func:`tmva_random.epoch_order` supplies; the validation loss after every
    ``test_repetitions`` epochs; the best weights kept, beginning with those that ``model`` comes with; stopped when
    more than ``convergence_steps`` epochs in a row brought nothing better. With ``start = "keras"`` the batches are
    those of ``Model.fit``: shuffled by Keras, the last, partial one too.

    Args:
        keras: the Keras module.
        model: the network, compiled for this phase, with its first weights; it ends with the best ones.
        training: the network and its training.
        events: transformed training events in TMVA's order.
        random: the generator that drew the initial weights; it draws the masks of dropout by TMVA's rule.
        phase: index of the phase.
        corrupt: changes the inputs that are trained on, anew before each epoch.
        compiled: for ``execution = "epoch"`` and one training; by default compiled here.
        feed: for ``feeding = "root"``: gives the batches of an epoch, transformed.

    Raises:
        Unavailable: dropout by TMVA's rule on a Keras that cannot express it, compiled epochs on another backend.
    """
    _check_masks(keras, training, phase)
    fitted, validation = parts(training, phase, events)
    engine: Union[Batches, keras_epochs.Epochs]
    if training.execution == "epoch":
        engine = compiled or compiled_epochs(keras, training, len(events.x), events.x.shape[1], phase)
        engine.start(model.get_weights(), fitted, validation)
    else:
        engine = Batches(keras, model, training, phase, fitted, validation, corrupt, feed)
    result = repeat(engine, training, phase, len(fitted.x), random)
    model.set_weights(engine.best())
    return result


def parts(training: Training, phase: int, events: Arrays) -> Tuple[Arrays, Arrays]:
    """The events that a phase trains on, and those that it validates on, in whole batches.

    Args:
        training: the network and its training.
        phase: index of the phase.
        events: training events in TMVA's order.
    """
    validating, batch = training.validation_events(len(events.x)), training.phases[phase].batch_size
    fitting = len(events.x) - validating
    return events.take(slice(0, fitting)), events.take(slice(fitting, fitting + validating // batch * batch))


def repeat(engine: Engine, training: Training, phase: int, events: int, random: tmva_random.WeightGenerator) -> Fit:
    """Trains one phase as MethodDL does, epoch by epoch, see :func:`fit`; ``engine`` ends with the best weights kept.

    Args:
        engine: what trains an epoch.
        training: the network and its training.
        phase: index of the phase.
        events: number of events to train on.
        random: the generator that drew the initial weights.
    """
    plan = training.phases[phase]
    draws = _Draws(training, phase, events, random)
    course = Course(plan, engine.validation_loss())
    while course.goes_on:
        clock = Stopwatch()
        with clock.phase("epoch"):
            for _ in range(plan.test_repetitions):
                training_loss = engine.epoch(*draws.next())
            with clock.phase("loss"):
                loss = engine.validation_loss()
        seconds = {name: taken / plan.test_repetitions for name, taken in clock.seconds.items()}
        times = seconds["real_time_epoch"], seconds["cpu_time_epoch"]
        if course.add(training_loss, loss, *times):
            engine.keep()
        _say(course, draws.used, clock)
    return course.fit


def fit_together(
    compiled: keras_epochs.Bundle,
    weights: Sequence[Sequence[numpy.ndarray]],
    trainings: Sequence[Training],
    events: Arrays,
    randoms: Sequence[tmva_random.WeightGenerator],
    phase: int = 0,
) -> List[Fit]:
    """Trains one phase of several trainings that differ in their seeds alone, each as :func:`fit` does by itself.

    A training that has stopped goes on with the others, for nothing: its best weights and its history stay as they are.
    The time of an epoch is that of all trainings, and stands in none of their histories.

    Args:
        compiled: see :func:`compiled_together`; it ends with the best weights of each.
        weights: of each training, to begin with, as ``Model.get_weights`` has them.
        trainings: the network and its training, with a seed of its own each.
        events: transformed training events in TMVA's order.
        randoms: the generators that drew the initial weights.
        phase: index of the phase.
    """
    plan = trainings[0].phases[phase]
    fitted, validation = parts(trainings[0], phase, events)
    compiled.start(weights, fitted, validation)
    courses = [Course(plan, float(loss)) for loss in compiled.validation_losses()]
    draws = [_Draws(training, phase, len(fitted.x), random) for training, random in zip(trainings, randoms)]
    while any(course.goes_on for course in courses):
        clock = Stopwatch()
        under_way = [course.goes_on for course in courses]
        with clock.phase("epoch"):
            for _ in range(plan.test_repetitions):
                chosen = [draw.next() if going else draw.last for draw, going in zip(draws, under_way)]
                losses = compiled.epoch(*zip(*chosen))
            with clock.phase("loss"):
                pairs = zip(losses.tolist(), compiled.validation_losses().tolist())
        compiled.keep([going and course.add(*pair) for course, going, pair in zip(courses, under_way, pairs)])
        _say(courses[under_way.index(True)], sum(under_way) * draws[0].used, clock)
    return [course.fit for course in courses]


class Course:
    """How the training of a phase goes, and how far: MethodDL's rule of the best epoch and of stopping.

    Attributes:
        fit: the epochs so far, and the best of them.
        repetitions: the validation loss is looked at in every so many epochs.
    """

    def __init__(self, plan: Phase, untrained: float) -> None:
        """Before the first epoch.

        Args:
            plan: the phase.
            untrained: the validation loss of the weights to begin with.
        """
        self._plan, self.repetitions = plan, plan.test_repetitions
        self.fit = Fit([], 0, untrained, untrained)

    @property
    def epoch(self) -> int:
        """Epochs so far."""
        return self.fit.history[-1].epoch if self.fit.history else 0

    @property
    def goes_on(self) -> bool:
        """Whether there is another epoch."""
        without = self.epoch - self.fit.best_epoch
        return without <= self._plan.convergence_steps and self.epoch < self._plan.max_epochs

    def add(
        self, training_loss: float, validation_loss: float, real_time: float = math.nan, cpu_time: float = math.nan
    ) -> bool:
        """Adds ``test_repetitions`` epochs; whether their last one is the best so far.

        Args:
            training_loss: of the last of them.
            validation_loss: likewise.
            real_time: of one [s].
            cpu_time: likewise.
        """
        epoch = self.epoch + self.repetitions
        self.fit.history.append(Epoch(epoch, training_loss, validation_loss, real_time, cpu_time))
        better = validation_loss < self.fit.validation_loss
        if better:
            self.fit = self.fit._replace(best_epoch=epoch, validation_loss=validation_loss)
        return better


class _Draws:
    """What a training draws before each epoch: the order of its events, and masks of dropout by TMVA's rule.

    Batches of Keras or of ROOT's data loader have no order here.
    """

    def __init__(self, training: Training, phase: int, events: int, random: tmva_random.WeightGenerator) -> None:
        self._plan, self._random = training.phases[phase], random
        self.used = events // self._plan.batch_size * self._plan.batch_size
        self._order = tmva_random.epoch_order(events, training.seed, phase + 1)
        self._ordered = training.start == "tmva" and training.feeding == "array"
        self._masked = keras_network.drops_by_masks(training, phase)
        self.last: Tuple[Any, List[numpy.ndarray]] = None, []

    def next(self) -> Tuple[Any, List[numpy.ndarray]]:
        batch = self._plan.batch_size
        masks = self._random.masks(self.used // batch, batch, self._plan.drop) if self._masked else {}
        self.last = self._order.next()[: self.used] if self._ordered else None, list(masks.values())
        return self.last


def _say(course: Course, events: int, clock: Stopwatch) -> None:
    """The line of the log on the last epoch, after which so many events a second were trained on."""
    seconds, loss_seconds = clock.seconds["real_time_epoch"], clock.seconds["real_time_loss"]
    fit, repetitions = course.fit, course.repetitions
    rate = events * repetitions / max(seconds - loss_seconds, 1e-9)
    last = fit.history[-1]._replace(real_time=seconds / repetitions)
    print(tmva_files.epoch_line(last, course.epoch - fit.best_epoch, loss_seconds, rate), flush=True)  # noqa: T201


def _check_masks(keras: Any, training: Training, phase: int) -> None:
    if keras_network.drops_by_masks(training, phase) and not hasattr(keras, "ops"):
        raise Unavailable(
            f"dropout_rule = tmva needs Keras 3, here is Keras {keras.__version__}", "use another backend"
        )


def score(model: Any, x: numpy.ndarray, link: str = "sigmoid") -> numpy.ndarray:
    """The classifier output of MethodDL: the sigmoid of the network's output; float64, shape (events,).

    Args:
        model: the network.
        x: transformed events, shape (events, variables).
        link: ``sigmoid``, or ``linear`` for the output itself.
    """
    from scipy.special import expit

    output = model.predict(x, batch_size=_EVALUATION_BATCH, verbose=0)[:, 0].astype(float)
    return numpy.asarray(expit(output) if link == "sigmoid" else output)


def device(name: str, backend: Any, architecture: str) -> str:
    """What a training runs on: ``"cpu"`` or ``"gpu"``.

    Args:
        name: the backend.
        backend: its module.
        architecture: ``cpu`` or ``gpu``.

    Raises:
        Unavailable: a GPU is asked for, and the backend sees none.
    """
    gpus: Dict[str, Any] = {
        "tensorflow": lambda: backend.config.list_physical_devices("GPU"),
        "jax": lambda: [device for device in backend.devices() if device.platform == "gpu"],
        "torch": lambda: list(range(backend.cuda.device_count())),
        # Theano goes on with the CPU where it cannot take the GPU that it was told to.
        "theano": lambda: backend.gpuarray.pygpu_activated,
    }
    if architecture == "cpu":
        return "cpu"
    names = gpus[name]()
    if not names:
        raise Unavailable(f"{name} sees no GPU here", f"install {name} with GPU support, or take architecture cpu")
    return "gpu"
