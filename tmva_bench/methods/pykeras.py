"""The method ``pykeras``: Keras driven by TMVA, ``TMVA.Types.kPyKeras``.

It differs from ``keras`` in what MethodPyKeras decides by itself: Keras shuffles the batches with its own
generator and uses the last, partial one too; the weights kept are those of the best epoch, without a look at the
untrained network.
"""

import math
from pathlib import Path
from typing import Any, Callable, Dict, FrozenSet, List, Tuple

import numpy

from tmva_bench.basis import mapping
from tmva_bench.basis.config import BACKENDS, COUNTS, Point
from tmva_bench.basis.training import Epoch
from tmva_bench.engines import (
    keras_2_3,
    keras_file,
    keras_network,
    keras_stand_in,
    keras_training,
    scoring,
    tmva_evaluation,
    tmva_files,
    tmva_random,
    tmva_session,
    tmva_weights,
)
from tmva_bench.engines.scoring import Scoring
from tmva_bench.engines.stopwatch import Stopwatch
from tmva_bench.errors import TrainingFailed, Unavailable
from tmva_bench.methods import SAME_NETWORK, Method, Outcome, Task, Trained, Tried, booked, read_input

# What MethodPyKeras takes changed with these versions of ROOT (root-project/root 6568, 11546, 15790, 23260): before
# the first it imports Keras itself and knows no option for that of TensorFlow.
_TF_KERAS_SINCE = (6, 22)
_TFKERAS_OPTION_SINCE = (6, 28)
_KERAS_3_SINCE = (6, 40)
_GONE_SINCE = (6, 44)
# The network of the best epoch, of Keras 3 and of older ones.
TRAINED_FILES = ("trained.keras", "trained.h5")


def run(task: Task, watch: Stopwatch) -> Outcome:
    """Trains and tests; see :class:`tmva_bench.methods.Outcome`.

    Raises:
        Unavailable: this ROOT has no PyKeras, or takes another Keras than there is.
        TrainingFailed: the training gave nothing that may be called a result.
    """
    import ROOT

    _require(ROOT)
    keras, backend = keras_training.load(task.backend)
    version = tmva_session.version(ROOT)
    _check_keras(version, keras.__version__)
    device = keras_training.device(task.backend, backend, task.architecture)
    data = read_input(task.input_file, task.input_digest)
    keras_training.check_transformations(data, task.point)
    keras.utils.set_random_seed(task.point.seed)
    training = mapping.training(task.point)
    model = keras_network.build_for_pykeras(keras, training, len(data.variables))
    keras_network.set_weights(model, tmva_random.WeightGenerator(training, len(data.variables)).weights)
    # MethodPyKeras turns eager execution off for the whole process where it first evaluates, and a model of Keras 2
    # then no longer gives its weights: nothing of Keras is asked after TMVA has run.
    parameters, spread = keras_network.trainable_parameters(model), keras_network.weights_spread(model)
    options = _options(task, keras, version, model)
    roc_integral = booked.run_factory(ROOT, task, data, watch, "kPyKeras", options)
    output_file = str(Path(task.folder, tmva_session.OUTPUT_FILE))
    history = _history(output_file)
    # ModelCheckpoint keeps the first of equals.
    best = tmva_files.lowest(history)
    return Outcome(
        scores=tmva_files.scores(output_file, mapping.METHOD_TITLE, data, task.point.norm_mode),
        history=history,
        best_epoch=best.epoch,
        validation_loss=best.validation_loss,
        parameters=parameters,
        roc_integral=roc_integral,
        real_time_fit=tmva_weights.training_time(str(Path(task.folder, tmva_session.WEIGHT_FILE))),
        device=device,
        versions={
            "root": str(ROOT.gROOT.GetVersion()),
            "keras": keras.__version__,
            "backend": backend.__version__,
        },
        membership=tmva_files.membership(output_file, mapping.METHOD_TITLE, data.variables, training),
        initial_weights_spread=spread,
    )


def _evaluator(trained: Trained) -> Callable[[numpy.ndarray], numpy.ndarray]:
    """The transformations in TMVA's weight file, and the network with the weights of the best epoch."""
    keras, _ = keras_training.load(trained.backend)
    training = mapping.training(trained.point)
    model = keras_network.build_for_pykeras(keras, training, len(trained.data.variables))
    tmva_evaluation.load_weights(model, trained.file(*TRAINED_FILES))
    transform = tmva_evaluation.of_transformations(tmva_weights.parse(trained.file(tmva_session.WEIGHT_FILE)))
    return lambda x: keras_training.score(model, transform(x), "linear")


def _scoring(trained: Trained) -> Scoring:
    file, model = tmva_weights.parse(trained.file(tmva_session.WEIGHT_FILE)), trained.file(*TRAINED_FILES)
    layers, output = scoring.one_output(keras_file.read(model), str(model))
    return scoring.of_file(file, [*scoring.of_transformations(file), *layers], output)


def _require(root: Any) -> None:
    tmva_session.require_tmva(root)
    if tmva_session.version(root) >= _GONE_SINCE:
        reason, cure = "PyKeras left TMVA with ROOT 6.44", "use the method keras, or a ROOT up to 6.42"
    else:
        reason = f"this ROOT ({root.gROOT.GetVersion()}) was built without PyMVA"
        cure = "make env ROUTE=conda (conda-forge's ROOT has PyMVA)"
    tmva_session.require(root, "TMVA::MethodPyKeras", reason, cure)


def _check_keras(root_version: Tuple[int, int], keras_version: str) -> None:
    if root_version < _KERAS_3_SINCE and int(keras_version.split(".")[0]) >= 3:
        raise Unavailable(
            f"PyKeras of ROOT {root_version[0]}.{root_version[1]} takes Keras 2 (TensorFlow up to 2.15), here is "
            f"Keras {keras_version}",
            "use an environment with TensorFlow 2.15 (environments/root-6.30.yml), or ROOT 6.40",
        )
    if root_version < _TF_KERAS_SINCE and not keras_2_3.is_old(keras_version):
        raise Unavailable(
            f"PyKeras of ROOT {root_version[0]}.{root_version[1]} takes Keras up to 2.3, here is Keras {keras_version}",
            "use an environment with Keras 2.3 (environments/root-6.20-theano.yml), or a later ROOT",
        )
    if root_version >= _TFKERAS_OPTION_SINCE and keras_2_3.is_old(keras_version):
        raise Unavailable(
            f"PyKeras of ROOT {root_version[0]}.{root_version[1]} takes later versions than Keras {keras_version}",
            "use the method keras, or a ROOT up to 6.26",
        )


def _options(task: Task, keras: Any, root_version: Tuple[int, int], model: Any) -> str:
    """Saves the untrained model, in the one format that MethodPyKeras reads back right, and gives the booking."""
    old = int(keras.__version__.split(".")[0]) < 3
    # Keras 2 loads a .keras file without its weights once MethodPyKeras has turned eager execution off.
    suffix = "h5" if old else "keras"
    model.save(str(Path(task.folder, f"model.{suffix}")))
    tf_keras = old and not keras_2_3.is_old(keras.__version__)
    options = mapping.pykeras_options(task.point, f"model.{suffix}", f"trained.{suffix}", tf_keras=tf_keras)
    if old and root_version < _TFKERAS_OPTION_SINCE:
        options = options.replace(":tfkeras", ":tf.keras")
    return options


def _history(output_file: str) -> List[Epoch]:
    """The losses of the epochs that were trained; times are not known.

    MethodPyKeras stores a value for each epoch that it was allowed, zero for those after an early stop.
    """
    stored = tmva_files.read_history(output_file, mapping.METHOD_TITLE)
    losses = list(zip(stored.get("loss", ()), stored.get("val_loss", ())))
    while losses and losses[-1] == (0.0, 0.0):
        losses.pop()
    if not losses:
        raise TrainingFailed("no epoch in TMVA's output file: nothing was trained")
    return [Epoch(i + 1, float(t), float(v), math.nan) for i, (t, v) in enumerate(losses)]


def _cells(point: Point) -> Dict[str, str]:
    training = mapping.training(point)._replace(dropout_rule="keras")
    model = keras_network.build_for_pykeras(keras_stand_in.KERAS, training, 1)
    options = mapping.split(mapping.pykeras_options(point, "", "", tf_keras=False), ":")
    split = mapping.split(mapping.split_options(point), ":")
    return {
        **keras_stand_in.cells(point, keras_stand_in.network(model, point.layers)),
        "batch_size": options["BatchSize"],
        "convergence_steps": options["TriesEarlyStopping"],
        "max_epochs": options["NumEpochs"],
        "validation_fraction": options["ValidationSize"],
        "transformations": options["VarTransform"],
        "norm_mode": split["NormMode"],
        "factory_string": point.factory_string,
        "split_seed": split["SplitSeed"],
        **{name: f"tree {tree}" for name, tree in COUNTS.items()},
    }


def _unequal(point: Point) -> FrozenSet[str]:
    asked = {"regularization": point.regularization != "none", "dropout": any(mapping.drop_probabilities(point))}
    return frozenset(
        {"batch_size", "convergence_steps", "seed", *(name for name, is_asked in asked.items() if is_asked)}
    )


def _booking(point: Point, architecture: str) -> Tuple[str, str]:
    return (
        "TMVA.Types.kPyKeras (Keras 3; with Keras 2 the files are .h5, and tfkeras is said)",
        mapping.pykeras_options(point, "model.keras", "trained.keras", tf_keras=False),
    )


METHOD = Method(
    name="pykeras",
    title="PyKeras",
    side="tmva",
    backends=BACKENDS,
    run=run,
    read_epochs=tmva_files.keras_epoch_table,
    kind=SAME_NETWORK,
    lacks=("start", "dropout_rule", "execution", "feeding"),
    cells=_cells,
    unequal=_unequal,
    evaluator=_evaluator,
    scoring=_scoring,
    booking=_booking,
    tried=(Tried("tensorflow"),),
)
