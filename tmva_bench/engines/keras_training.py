"""TMVA's training in Keras: the library, the training vector, the fit as MethodDL does it, the scores."""

import importlib
import sys
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy

from tmva_bench.basis.config import COUNTS, Point
from tmva_bench.basis.training import Epoch, Training
from tmva_bench.engines import keras_2_3, keras_network, tmva_random
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
    if backend != "tensorflow":
        # Keras loads TensorFlow, where there is one, to set seeds and to store a model: five seconds for nothing.
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


def fit(
    keras: Any,
    model: Any,
    training: Training,
    events: Arrays,
    random: tmva_random.WeightGenerator,
    phase: int = 0,
    corrupt: Optional[Callable[[numpy.ndarray], numpy.ndarray]] = None,
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

    Raises:
        Unavailable: dropout by TMVA's rule on a Keras that cannot express it.
    """
    plan = training.phases[phase]
    validating = training.validation_events(len(events.x))
    fitted = events.take(slice(0, len(events.x) - validating))
    validation = events.take(slice(len(events.x) - validating, None))
    batch = plan.batch_size
    used = len(fitted.x) // batch * batch
    validation = validation.take(slice(0, validating // batch * batch))

    def validation_loss() -> float:
        losses = model.evaluate(validation.x, validation.y, batch, sample_weight=validation.w, verbose=0)
        # MethodDL's validation loss holds the regularization term twice.
        return float(losses[0] if isinstance(losses, list) else losses) + keras_network.regularization_term(model, plan)

    masked = training.dropout_rule == "tmva" and any(plan.drop)
    if masked and not hasattr(keras, "ops"):
        raise Unavailable(
            f"dropout_rule = tmva needs Keras 3, here is Keras {keras.__version__}", "use another backend"
        )
    trained = keras_network.with_masks(keras, model, training, events.x.shape[1], phase) if masked else model
    order = tmva_random.epoch_order(len(fitted.x), training.seed, phase + 1)
    best, best_epoch, best_weights = validation_loss(), 0, model.get_weights()
    untrained = best
    history: List[Epoch] = []
    epoch = 0
    while epoch - best_epoch <= plan.convergence_steps and epoch < plan.max_epochs:
        clock = Stopwatch()
        with clock.phase("epoch"):
            for _ in range(plan.test_repetitions):
                epoch += 1
                keras_batches = training.start == "keras"
                now = fitted if keras_batches else fitted.take(order.next()[:used])
                now = now._replace(x=corrupt(now.x)) if corrupt else now
                x = [now.x, *random.masks(used // batch, batch, plan.drop).values()] if masked else now.x
                log = trained.fit(x, now.y, batch, sample_weight=now.w, shuffle=keras_batches, verbose=0)
            with clock.phase("loss"):
                loss = validation_loss()
        seconds, loss_seconds = clock.seconds["real_time_epoch"], clock.seconds["real_time_loss"]
        training_loss = float(log.history["loss"][0])
        if plan.regularization != "none":
            # MethodDL adds the term of the epoch's end, Keras that of each batch.
            training_loss = float(log.history[keras_network.DATA_LOSS][0]) * float(now.w.mean(dtype=float))
            training_loss += keras_network.regularization_term(model, plan)
        cpu_seconds = clock.seconds["cpu_time_epoch"]
        history.append(
            Epoch(
                epoch,
                training_loss,
                loss,
                seconds / plan.test_repetitions,
                cpu_seconds / plan.test_repetitions,
            )
        )
        if loss < best:
            best, best_epoch, best_weights = loss, epoch, model.get_weights()
        # The columns of MethodDL's table, so that one reader follows the log of every method.
        rate = used * plan.test_repetitions / max(seconds - loss_seconds, 1e-9)
        print(  # noqa: T201 - the log of the run
            f": {epoch:>10} | {history[-1].training_loss:12.6g} {loss:12.6g} {history[-1].real_time:12.6g} "
            f"{loss_seconds:12.6g} {rate:12.6g} {epoch - best_epoch:>10}",
            flush=True,
        )
    model.set_weights(best_weights)
    return Fit(history, best_epoch, best, untrained)


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
