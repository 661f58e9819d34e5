"""The method ``dae``: the autoencoder at the end of the transformations itself; its score is its error.

It is trained in Keras, or by TMVA: ``TMVA.Types.kDL`` booked as the regression of the inputs on themselves.
An event that is reconstructed badly has a high score, so an autoencoder trained on background alone tells signal as
what it has not met.
"""

import dataclasses
from pathlib import Path
from typing import Callable, Dict

import numpy

from tmva_bench.basis import autoencoder, mapping
from tmva_bench.basis.autoencoder import Specification
from tmva_bench.basis.config import BACKENDS, Point
from tmva_bench.engines import encoder, keras_autoencoder, keras_training, tmva_files, tmva_session, tmva_weights
from tmva_bench.engines.stopwatch import Stopwatch
from tmva_bench.errors import TrainingFailed, UserError
from tmva_bench.events import inputs
from tmva_bench.methods import AUTOENCODER, Method, Outcome, Task, Trained, booked, encode_worker, read_input, tmva_dnn


def run(task: Task, watch: Stopwatch) -> Outcome:
    """Trains and tests; see :class:`tmva_bench.methods.Outcome`.

    Raises:
        Unavailable: the Keras or the backend asked for is not there.
        UserError: events that the autoencoder cannot be trained on.
        TrainingFailed: the training gave nothing that may be called a result.
    """
    return _by_tmva(task, watch) if task.backend == "tmva" else _by_keras(task, watch)


def booking(point: Point, specification: Specification, architecture: str) -> str:
    """The booking of ``TMVA.Types.kDL`` as a regression, every option spelled out.

    Args:
        point: the benchmark point, with the training's parameters.
        specification: the autoencoder.
        architecture: ``cpu`` or ``gpu``.
    """
    hidden = zip(specification.activations, specification.widths)
    layers = [*(f"{name.upper()}|{width}" for name, width in hidden), specification.activations[-1].upper()]
    return (
        f"!H:!V:ErrorStrategy={mapping.TMVA_LOSSES['sum_of_squares']}:"
        f"VarTransform={','.join(specification.chain) or 'None'}:"
        f"WeightInitialization={mapping.TMVA_INITIALIZERS[specification.initializer]}:Layout={','.join(layers)}:"
        f"TrainingStrategy={mapping.training_strategy(point)}:Architecture={architecture.upper()}:"
        f"RandomSeed={specification.seed}:ValidationSize={specification.validation}"
    )


def factory_options(point: Point) -> str:
    """The options of ``TMVA.Factory`` of a point, for a regression."""
    others = [option for option in point.factory_string.split(":") if not option.startswith("AnalysisType=")]
    return ":".join([*others, "AnalysisType=Regression"])


def _by_keras(task: Task, watch: Stopwatch) -> Outcome:
    import ROOT

    keras, backend = keras_training.load(task.backend)
    used = keras_training.device(task.backend, backend, task.architecture)
    wanted, _ = autoencoder.of_chain(task.point.encoding, task.point.seed)
    keras.utils.set_random_seed(wanted.seed)
    with watch.phase("prepare"):
        data = read_input(task.input_file, task.input_digest)
        events = encode_worker.training_events(wanted, data, task.point.split_seed, task.point.norm_mode)
    with watch.phase("train"):
        prepared = encoder.prepare(wanted, data)
        x = prepared.network_inputs(events.x).astype(numpy.float32)
        with watch.phase("fit"):
            layers, fit, parameters = keras_autoencoder.train(keras, wanted, x, events.w)
        trained = prepared._replace(layers=layers)
        scores = {tree: trained.error(data.events[tree]) for tree in ("TrainS", "TrainB")}
    with watch.phase("test"):
        scores.update({tree: trained.error(data.events[tree]) for tree in ("TestS", "TestB")})
    version = str(ROOT.gROOT.GetVersion())
    if fit.best_epoch == 0 and not wanted.pretraining:
        raise TrainingFailed(encode_worker.nothing_learnt(fit))
    encoder.write_encoded(trained, data, Path(task.folder, encode_worker.OUTPUT))
    return Outcome(
        scores=scores,
        history=fit.history,
        best_epoch=fit.best_epoch,
        validation_loss=fit.validation_loss,
        parameters=parameters,
        roc_integral=float("nan"),
        real_time_fit=watch.seconds["real_time_fit"],
        device=used,
        versions={"root": version, "keras": keras.__version__, "backend": backend.__version__},
        membership=_membership(wanted, data, events.x),
        untrained_loss=fit.untrained_loss,
    )


def _by_tmva(task: Task, watch: Stopwatch) -> Outcome:
    import ROOT

    tmva_session.require_tmva(ROOT)
    tmva_dnn.require_architecture(ROOT, task.architecture)
    wanted, _ = autoencoder.of_chain(task.point.encoding, task.point.seed)
    data = read_input(task.input_file, task.input_digest)
    # The regression has one class, of whose events TMVA prepares the transformations.
    prepared = encoder.prepare(wanted, data, chain_of_class=True)
    booked.run_factory(
        ROOT,
        task,
        data,
        watch,
        "kDL",
        booking(task.point, wanted, task.architecture),
        factory_options=factory_options(task.point),
        regression=encoder.TRAINING_TREES[wanted.event_class],
    )
    log = tmva_session.log(task.folder)
    tmva_dnn.check_architecture(tmva_files.architecture(log), task.architecture)
    history = tmva_dnn.history_of(log, str(Path(task.folder, tmva_session.OUTPUT_FILE)))
    weight_file = str(Path(task.folder, tmva_session.WEIGHT_FILE))
    network = tmva_weights.network(tmva_weights.parse(weight_file))
    events = encode_worker.training_events(wanted, data, task.point.split_seed, task.point.norm_mode)
    tmva_dnn.check_trained(network, history, events.w)
    trained = prepared._replace(layers=[(layer.weights.T, layer.biases) for layer in network])
    encoder.write_encoded(trained, data, Path(task.folder, encode_worker.OUTPUT))
    best = tmva_files.best_epoch(log) or tmva_files.lowest(history).epoch
    version = str(ROOT.gROOT.GetVersion())
    return Outcome(
        scores={tree: trained.error(events) for tree, events in data.events.items()},
        history=history,
        best_epoch=best,
        validation_loss=history[best - 1].validation_loss,
        parameters=tmva_weights.parameters(network),
        roc_integral=float("nan"),
        real_time_fit=tmva_weights.training_time(weight_file),
        device=task.architecture,
        versions={"root": version, "keras": "", "backend": version},
        membership=_membership(wanted, data, events.x),
    )


def _membership(specification: Specification, data: inputs.InputFile, training: numpy.ndarray) -> Dict[str, str]:
    return inputs.membership(
        training,
        specification.training(len(data.variables)).validation_events(len(training)),
        numpy.concatenate([data.events["TestS"], data.events["TestB"]]),
    )


def _complete(point: Point, backend: str) -> Point:
    """The point with the parameters that its autoencoder is trained with, which dae has nothing beside."""
    if not point.encoding or point.chain:
        raise UserError(
            f"transformations = {point.transformations}: dae trains the autoencoder at their end; end them with one, "
            "e.g. N,A(k=3)_Background"
        )
    wanted, _ = autoencoder.of_chain(point.encoding, point.seed)
    names = ("optimizer", "learning_rate", "momentum", "batch_size", "convergence_steps", "max_epochs")
    if backend == "tmva":
        _check_tmva_can(point, wanted)
    return dataclasses.replace(
        point,
        **{name: getattr(wanted.phase, name) for name in names},
        initializer=wanted.initializer,
        loss="sum_of_squares",
        dropout=0.0,
        regularization="none",
        weight_decay=0.0,
    )


def _check_tmva_can(point: Point, wanted: Specification) -> None:
    """Refuses an autoencoder that TMVA's DNN, booked as a regression, cannot train."""
    lacks = {"Tied": wanted.tied, "Pretraining": wanted.pretraining, "Corruption": wanted.corruption > 0}
    for name, asked in lacks.items():
        if asked:
            raise UserError(f"{name}: backend tmva cannot do this; leave it out, or take a Keras backend")
    if not set(wanted.chain) <= {"N"}:
        raise UserError(
            f"transformations = {point.transformations}: in a regression TMVA mixes inputs and targets under D and P; "
            "put N alone before the autoencoder, or take a Keras backend"
        )


def _evaluator(trained: Trained) -> Callable[[numpy.ndarray], numpy.ndarray]:
    return encoder.read(trained.folder / encode_worker.OUTPUT).error


METHOD = Method(
    name="dae",
    title="Autoencoder",
    side="",
    backends=(*BACKENDS, "tmva"),
    run=run,
    read_epochs=tmva_files.epoch_table,
    evaluator=_evaluator,
    kind=AUTOENCODER,
    lacks=("start", "dropout_rule", "execution", "feeding"),
    complete=_complete,
    autoencoder=True,
)
