"""The common basis as pure functions: a point -> TMVA option strings, a point -> Keras arguments.

Every function names the class and option that it maps to. Where the two sides cannot be made equal, the
docstring says so.
"""

from typing import Any, Dict, List, NamedTuple, Tuple, Union

from tmva_bench.basis.config import Point
from tmva_bench.basis.training import Phase, Training

METHOD_TITLE = "Method"

# 2 sigma truncation keeps this share of a normal's sigma; Keras divides by it, TMVA does not.
_TRUNCATED_SIGMA = 0.87962566103423978

TMVA_INITIALIZERS = {
    "gauss": "GAUSS",
    "xavier": "XAVIER",
    "xavier_uniform": "XAVIERUNIFORM",
    "uniform": "UNIFORM",
    "zero": "ZERO",
    "identity": "IDENTITY",
}
TMVA_LOSSES = {"cross_entropy": "CROSSENTROPY", "sum_of_squares": "SUMOFSQUARES"}
TMVA_NORM_MODES = {"equal_num_events": "EqualNumEvents", "num_events": "NumEvents", "none": "None"}
TMVA_REGULARIZATIONS = {"none": "None", "l1": "L1", "l2": "L2"}


class Object(NamedTuple):
    """A Keras object to be built: its class's name and its arguments."""

    name: str
    arguments: Dict[str, Any]


def split_options(point: Point) -> str:
    """Options of ``DataLoader.PrepareTrainingAndTestTree``: all events, a known shuffle, the scale of the weights.

    What a ``NormMode`` does on the Keras side is :mod:`tmva_bench.events.normalisation`.
    """
    mode = TMVA_NORM_MODES[point.norm_mode]
    return f"SplitMode=Random:MixMode=Random:SplitSeed={point.split_seed}:NormMode={mode}:!V"


def validation_percent(point: Point) -> str:
    """``ValidationSize`` of MethodDL and MethodPyKeras, e.g. ``20%``."""
    return f"{100 * point.validation_fraction:.10g}%"


def training(point: Point) -> Training:
    """The network of a point, and its training in one phase with the validation loss at every epoch."""
    last = "linear" if point.loss == "cross_entropy" else point.last_activation
    phase = Phase(
        optimizer=point.optimizer,
        learning_rate=point.learning_rate,
        momentum=point.momentum,
        batch_size=point.batch_size,
        convergence_steps=point.convergence_steps,
        test_repetitions=1,
        max_epochs=point.max_epochs,
        regularization=point.regularization,
        weight_decay=point.weight_decay,
        drop=tuple(drop_probabilities(point)),
    )
    return Training(
        widths=(point.neurons,) * point.layers + (1,),
        activations=(point.activation,) * point.layers + (last,),
        loss=point.loss,
        initializer=point.initializer,
        seed=point.seed,
        validation=validation_percent(point),
        chain=tuple(point.chain),
        phases=(phase,),
        start=point.start,
        dropout_rule=point.dropout_rule,
        execution=point.execution,
        feeding=point.feeding,
    )


def drop_probabilities(point: Point) -> List[float]:
    """Drop probability of each layer's input, first hidden layer to output layer; no entry where there is no dropout.

    MethodDL's ``DropConfig`` drops the *input* of a layer; the common basis drops after each hidden layer, so
    the first entry is 0. Not equal: MethodDL on the CPU leaves the mask out of the backward pass, Keras does not.
    """
    return [0.0] + [point.dropout] * point.layers if point.dropout else []


def layout(point: Point) -> str:
    """``Layout`` of MethodDL.

    Cross entropy applies the sigmoid itself, and evaluation applies it again, so Keras' sigmoid output is
    TMVA's LINEAR; under the sum of squares the last activation stands in the layout.
    """
    last = "LINEAR" if point.loss == "cross_entropy" else point.last_activation.upper()
    return ",".join([f"{point.activation.upper()}|{point.neurons}"] * point.layers + [last])


def training_strategy(point: Point) -> str:
    """``TrainingStrategy`` of MethodDL, one phase, every key that it reads; validation loss at every epoch."""
    drop = "+".join(repr(p) for p in drop_probabilities(point) or [0.0])
    return (
        f"LearningRate={point.learning_rate!r},Momentum={point.momentum!r},"
        f"ConvergenceSteps={point.convergence_steps},BatchSize={point.batch_size},TestRepetitions=1,"
        f"MaxEpochs={point.max_epochs},WeightDecay={point.weight_decay!r},"
        f"Regularization={TMVA_REGULARIZATIONS[point.regularization]},Optimizer={point.optimizer.upper()},"
        f"DropConfig={drop}"
    )


def dl_options(point: Point, architecture: str) -> str:
    """The booking of ``TMVA.Types.kDL``, every option spelled out.

    Args:
        point: the benchmark point.
        architecture: ``cpu`` or ``gpu`` (MethodDL's ``Architecture``).
    """
    return (
        f"!H:!V:ErrorStrategy={TMVA_LOSSES[point.loss]}:VarTransform={_var_transform(point)}:"
        f"WeightInitialization={TMVA_INITIALIZERS[point.initializer]}:Layout={layout(point)}:"
        f"TrainingStrategy={training_strategy(point)}:Architecture={architecture.upper()}:"
        f"RandomSeed={point.seed}:ValidationSize={validation_percent(point)}"
    )


def bdt_options(point: Point) -> str:
    """The booking of ``TMVA.Types.kBDT``: gradient boosting, every option that it depends on spelled out.

    What is no common parameter is as ROOT's tutorials book it, with trees of depth 3. ``SkipNormalization`` is left at
    its default, for older versions do not know it.

    Args:
        point: the benchmark point; ``max_epochs`` is ``NTrees``, ``learning_rate`` is ``Shrinkage``.
    """
    return (
        f"!H:!V:VarTransform={_var_transform(point)}:NTrees={point.max_epochs}:MaxDepth=3:MinNodeSize=2.5%:nCuts=20:"
        f"BoostType=Grad:Shrinkage={point.learning_rate!r}:UseBaggedBoost:BaggedSampleFraction=0.5:"
        "NegWeightTreatment=Pray:SeparationType=GiniIndex:NodePurityLimit=0.5:!UseRandomisedTrees:!UseFisherCuts:"
        "!DoPreselection:!DoBoostMonitor:SigToBkgFraction=1.0:PruneMethod=NoPruning"
    )


def pykeras_options(point: Point, model_file: str, trained_file: str, tf_keras: bool) -> str:
    """The booking of ``TMVA.Types.kPyKeras``.

    MethodDL stops once more than ``ConvergenceSteps`` epochs brought nothing better, Keras' ``EarlyStopping``
    once ``TriesEarlyStopping`` did not, so the latter is one larger.

    Args:
        point: the benchmark point.
        model_file: the untrained model.
        trained_file: where the best model goes.
        tf_keras: whether this ROOT's PyKeras has to be told to take ``tf.keras``.
    """
    return (
        f"!H:!V:VarTransform={_var_transform(point)}:FilenameModel={model_file}:FilenameTrainedModel={trained_file}:"
        f"NumEpochs={point.max_epochs}:BatchSize={point.batch_size}:ValidationSize={validation_percent(point)}:"
        f"SaveBestOnly=true:TriesEarlyStopping={point.convergence_steps + 1}{':tfkeras' if tf_keras else ''}"
    )


def initializer(training: Union[Point, Training]) -> Object:
    """Keras initializer of the distribution that TMVA draws from (``TCpu`` initializers of ``TMVA::DNN``).

    TMVA's XAVIER is a normal of sigma sqrt(6 / (n_in + n_out)), redrawn beyond 2 sigma: 1.52 times as wide as
    Keras' GlorotNormal.
    """
    scaling: Dict[str, Tuple[float, str, str]] = {
        "xavier": (3 * _TRUNCATED_SIGMA**2, "fan_avg", "truncated_normal"),
        "xavier_uniform": (1.0, "fan_avg", "uniform"),
        "gauss": (2.0, "fan_in", "untruncated_normal"),
        "uniform": (2.0 / 3.0, "fan_in", "uniform"),
    }
    if training.initializer in scaling:
        scale, mode, distribution = scaling[training.initializer]
        return Object("VarianceScaling", {"scale": scale, "mode": mode, "distribution": distribution})
    return Object({"zero": "Zeros", "identity": "Identity"}[training.initializer], {})


def optimizer(phase: Union[Point, Phase]) -> Object:
    """Keras optimizer with the constants of TMVA's ``TSGD``, ``TAdam``, ``TRMSProp``, ``TAdagrad``, ``TAdadelta``."""
    name, constants = {
        "sgd": ("SGD", {"momentum": phase.momentum}),
        "adam": ("Adam", {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}),
        "rmsprop": ("RMSprop", {"rho": 0.9, "epsilon": 1e-7}),
        "adagrad": ("Adagrad", {"initial_accumulator_value": 0.0, "epsilon": 1e-8}),
        "adadelta": ("Adadelta", {"rho": 0.95, "epsilon": 1e-8}),
    }[phase.optimizer]
    return Object(name, {"learning_rate": phase.learning_rate, **constants})


def _var_transform(point: Point) -> str:
    return ",".join(point.chain) or "None"


def split(options: str, separator: str) -> Dict[str, str]:
    """The options of a string, each whole, by name."""
    return {option.partition("=")[0]: option for option in options.split(separator)}
