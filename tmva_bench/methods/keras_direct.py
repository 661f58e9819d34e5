"""The method ``keras``: TMVA's network, events, batches and stopping rule on Keras itself."""

from pathlib import Path
from typing import Any, Callable, Dict, FrozenSet, List, NamedTuple, Optional, Union

import numpy

from tmva_bench.basis import mapping
from tmva_bench.basis.config import BACKENDS, COUNTS, Point
from tmva_bench.basis.training import Training
from tmva_bench.engines import (
    keras_2_3,
    keras_file,
    keras_network,
    keras_stand_in,
    keras_training,
    root_loader,
    scoring,
    tmva_evaluation,
    tmva_files,
    tmva_random,
    tmva_weight_file,
)
from tmva_bench.engines.scoring import Scoring
from tmva_bench.engines.stopwatch import Stopwatch
from tmva_bench.errors import TrainingFailed
from tmva_bench.events import inputs, transforms
from tmva_bench.methods import Method, Outcome, Task, Trained, Tried, direct, read_input

# The trained network for TMVA::Reader.
WEIGHT_FILE = "keras_DL.weights.xml"
# The trained network, of Keras 3 and of older ones.
MODEL_FILES = ("model.keras", "model.h5")
# Half a minute of C++, of which nothing is left the next time.
_COMPILED_BEFORE = ("theano",)


class _Ready(NamedTuple):
    """What a training has before its clock starts.

    Attributes:
        keras: the Keras module.
        backend: the backend's.
        device: what it trains on.
        data: the common input file.
        events: training events in TMVA's order, not transformed.
        loader: ROOT's data loader where it makes the batches.
    """

    keras: Any
    backend: Any
    device: str
    data: inputs.InputFile
    events: keras_training.Arrays
    loader: Optional[root_loader.Loader]


def run(task: Task, watch: Stopwatch) -> Outcome:
    """Trains and tests; see :class:`tmva_bench.methods.Outcome`.

    Raises:
        Unavailable: the Keras or the backend asked for is not there.
        TrainingFailed: the training gave nothing that may be called a result.
    """
    ready, training = _prepare(task, watch), mapping.training(task.point)
    keras, data, events = ready.keras, ready.data, ready.events
    loader, compiled = ready.loader, None
    if loader:
        with watch.phase("compile"):
            loader.compile()
    elif training.execution == "epoch":
        with watch.phase("compile"):
            compiled = keras_training.compiled_epochs(keras, training, len(events.x), len(data.variables))
    elif task.backend in _COMPILED_BEFORE:
        with watch.phase("compile"):
            keras_2_3.compile_functions(keras_network.build(keras, training, len(data.variables)))
    with watch.phase("train"):
        chain = transforms.Chain(task.point.chain, events.x, events.w)
        events = events._replace(x=chain(events.x))
        random = tmva_random.WeightGenerator(training, len(data.variables))
        if training.start == "tmva":
            model = _started(keras, training, random)
        else:
            model = keras_network.build(keras, training, len(data.variables))
        spread = keras_network.weights_spread(model)
        feed = loader.feed(chain) if loader else None
        with watch.phase("fit"):
            result = keras_training.fit(keras, model, training, events, random, compiled=compiled, feed=feed)
        if result.best_epoch == 0:
            raise TrainingFailed(keras_training.nothing_better(result, events.w))
        scores = _scores(model, chain, data, "Train")
    with watch.phase("test"):
        scores.update(_scores(model, chain, data, "Test"))
    outcome = _outcome(task, ready, model, result, scores, spread)
    return outcome._replace(
        real_time_fit=watch.seconds["real_time_fit"], compilation=compiled.compilation if compiled else ""
    )


def run_together(tasks: List[Task], watch: Stopwatch) -> List[Union[Outcome, TrainingFailed]]:
    """Trains and tests repetitions of a point in one compiled call an epoch; no time is that of one of them.

    Raises:
        Unavailable: the Keras or the backend asked for is not there.
    """
    ready, trainings = _prepare(tasks[0], watch), [mapping.training(task.point) for task in tasks]
    keras, data, events = ready.keras, ready.data, ready.events
    with watch.phase("compile"):
        compiled = keras_training.compiled_together(keras, trainings, len(events.x), len(data.variables))
    with watch.phase("train"):
        chain = transforms.Chain(tasks[0].point.chain, events.x, events.w)
        events = events._replace(x=chain(events.x))
        randoms = [tmva_random.WeightGenerator(training, len(data.variables)) for training in trainings]
        model = _started(keras, trainings[0], randoms[0])
        starts = [[array for layer in random.weights for array in layer] for random in randoms]
        results = keras_training.fit_together(compiled, starts, trainings, events, randoms)
        trained = [compiled.best(number) for number in range(len(tasks))]
        scores = [_scores(_with(model, weights), chain, data, "Train") for weights in trained]
    with watch.phase("test"):
        for of_training, weights in zip(scores, trained):
            of_training.update(_scores(_with(model, weights), chain, data, "Test"))
    outcomes: List[Union[Outcome, TrainingFailed]] = []
    for task, result, weights, of_training, start in zip(tasks, results, trained, scores, starts):
        if result.best_epoch == 0:
            outcomes.append(TrainingFailed(keras_training.nothing_better(result, events.w)))
            continue
        spread = keras_network.spread(start[::2])
        outcome = _outcome(task, ready, _with(model, weights), result, of_training, spread)
        outcomes.append(outcome._replace(compilation=compiled.compilation))
    return outcomes


def _prepare(task: Task, watch: Stopwatch) -> _Ready:
    keras, backend = keras_training.load(task.backend)
    used = keras_training.device(task.backend, backend, task.architecture)
    keras.utils.set_random_seed(task.point.seed)
    with watch.phase("prepare"):
        data = read_input(task.input_file, task.input_digest)
        events = keras_training.training_vector(data, task.point.split_seed, task.point.norm_mode)
        loader = root_loader.of(mapping.training(task.point), events, task.folder, watch)
    keras_training.check_transformations(data, task.point)
    return _Ready(keras, backend, used, data, events, loader)


def _started(keras: Any, training: Training, random: tmva_random.WeightGenerator) -> Any:
    """The network with TMVA's first weights.

    They take the place of Keras' own, which need not be drawn: on JAX that takes two seconds.
    """
    model = keras_network.build(keras, training._replace(initializer="zero"), len(random.weights[0][0]))
    keras_network.set_weights(model, random.weights)
    return model


def _with(model: Any, weights: List[numpy.ndarray]) -> Any:
    model.set_weights(weights)
    return model


def _scores(model: Any, chain: transforms.Chain, data: inputs.InputFile, part: str) -> Dict[str, numpy.ndarray]:
    return {tree: keras_training.score(model, chain(data.events[tree])) for tree in (f"{part}S", f"{part}B")}


def _outcome(
    task: Task, ready: _Ready, model: Any, result: keras_training.Fit, scores: Dict[str, numpy.ndarray], spread: float
) -> Outcome:
    """What a training gave, and its files."""
    import ROOT

    version = str(ROOT.gROOT.GetVersion())
    keras, data, events = ready.keras, ready.data, ready.events
    model.save(str(Path(task.folder) / MODEL_FILES[0 if hasattr(keras, "ops") else 1]))
    if set(task.point.chain) <= set(tmva_weight_file.WRITTEN):
        tmva_weight_file.write(
            Path(task.folder, WEIGHT_FILE),
            task.point,
            data.variables,
            events.x,
            events.w,
            events.y[:, 0] == 1,
            keras_network.get_weights(model),
            version,
        )
    return Outcome(
        scores=scores,
        history=result.history,
        best_epoch=result.best_epoch,
        validation_loss=result.validation_loss,
        parameters=keras_network.trainable_parameters(model),
        roc_integral=float("nan"),
        real_time_fit=float("nan"),
        device=ready.device,
        versions={"root": version, "keras": keras.__version__, "backend": ready.backend.__version__},
        membership=inputs.membership(
            events.x,
            mapping.training(task.point).validation_events(len(events.x)),
            numpy.concatenate([data.events["TestS"], data.events["TestB"]]),
        ),
        untrained_loss=result.untrained_loss,
        initial_weights_spread=spread,
    )


def _alone(point: Point, backend: str) -> str:
    if backend != "jax":
        return "trainings are compiled together on jax alone"
    if point.execution != "epoch":
        return "take execution = epoch"
    return "its autoencoder gives each repetition other events" if point.encoding else ""


def _evaluator(trained: Trained) -> Callable[[numpy.ndarray], numpy.ndarray]:
    """The transformations prepared on the training events once more, and the network with its weights."""
    keras, _ = keras_training.load(trained.backend)
    data, training = trained.data, mapping.training(trained.point)
    chain = keras_training.chain(data, trained.point)
    model = keras_network.build(keras, training, len(data.variables))
    tmva_evaluation.load_weights(model, trained.file(*MODEL_FILES))
    return lambda x: keras_training.score(model, chain(x))


def _scoring(trained: Trained) -> Scoring:
    chain = keras_training.chain(trained.data, trained.point).steps
    layers = keras_file.read(trained.file(*MODEL_FILES))
    return scoring.of_layers(trained.data.variables, chain, layers, str(trained.folder))


def _paired(point: Point, architecture: str) -> bool:
    return point.start == "tmva" and direct.paired(point, architecture)


def _unequal(point: Point) -> FrozenSet[str]:
    return direct.unequal(point) | (direct.OF_BATCHES if point.start == "keras" else frozenset())


def _cells(point: Point) -> Dict[str, str]:
    training = mapping.training(point)
    phase = training.phases[0]
    built = keras_stand_in.network(keras_network.build(keras_stand_in.KERAS, training, 1), point.layers)
    cells = {
        **keras_stand_in.cells(point, built),
        "batch_size": f"batch_size={phase.batch_size}",
        "convergence_steps": f"more than {phase.convergence_steps} epochs",
        "max_epochs": f"{phase.max_epochs} epochs",
        "validation_fraction": f"the last {training.validation}",
        "transformations": f"Chain({list(training.chain)})",
        "norm_mode": f"training_vector(norm_mode={point.norm_mode!r})",
        "start": f"start={training.start!r}",
        "dropout_rule": f"dropout_rule={training.dropout_rule!r}",
        "execution": f"execution={training.execution!r}",
        "feeding": f"feeding={training.feeding!r}",
        "split_seed": f"training_vector(split_seed={point.split_seed})",
        **{name: f"tree {tree}" for name, tree in COUNTS.items()},
    }
    if point.dropout_rule == "tmva" and any(phase.drop):
        cells["dropout"] = f"masks of {'+'.join(map(keras_stand_in.text_of, phase.drop))}"
    return cells


METHOD = Method(
    name="keras",
    title="Keras",
    side="keras",
    backends=BACKENDS,
    run=run,
    read_epochs=tmva_files.epoch_table,
    paired=_paired,
    compiled_before=_COMPILED_BEFORE,
    cells=_cells,
    unequal=_unequal,
    evaluator=_evaluator,
    scoring=_scoring,
    tried=(Tried("tensorflow"), Tried("jax"), Tried("torch"), Tried("jax", feeding="root")),
    alone=_alone,
    run_together=run_together,
)
