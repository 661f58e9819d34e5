"""One run, typed: an attribute for each column of the results trees, with its title where ROOT and people read it.

The parameters of a point have theirs in :data:`tmva_bench.basis.config.PARAMETERS`. Of these classes
:mod:`tmva_bench.results.schema` makes the columns, and :mod:`tmva_bench.results.records` the files of a run.
"""

import dataclasses
import math
from typing import Annotated, Any, NamedTuple, Self

from tmva_bench.basis.config import PARAMETERS, Point

STATUSES = ("ok", "unavailable", "failed", "timeout", "killed", "out_of_memory")


class _Columns:
    """What has columns by name and in order: those that are known when the code is written are attributes."""

    @classmethod
    def of(cls, columns: dict[str, Any]) -> Self:
        """What holds these columns: for who has a thousand of them, and knows them to be all, and in their order.

        Args:
            columns: values by column; they are kept, not copied.
        """
        new = cls.__new__(cls)
        object.__setattr__(new, "__dict__", columns)
        return new

    def value(self, name: str) -> Any:
        """The value of a column whose name is data, e.g. that of a scanned parameter.

        Raises:
            KeyError: no such column.
        """
        return vars(self)[name]

    def columns(self) -> dict[str, Any]:
        """All values by column, in their order."""
        return dict(vars(self))


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunRow(_Columns):
    """One run: a row of the tree ``benchmark``. What was not measured is NaN, 0 or empty."""

    run_id: Annotated[str, "digest of all that can change the result"] = ""
    status: Annotated[str, " | ".join(STATUSES)] = ""
    reason: Annotated[str, "why there is no result, and the cure"] = ""
    method: Annotated[str, "tmva-dnn | pykeras | keras | torch | dae | tmva-bdt | boosting | linear"] = ""
    backend: Annotated[
        str, "learning library under it: tmva | tensorflow | jax | torch | theano | sklearn | xgboost"
    ] = ""
    architecture: Annotated[str, "architecture asked for: cpu | gpu"] = ""
    device: Annotated[str, "what the training ran on"] = ""
    environment: Annotated[str, "name of the installation"] = ""
    optimizer: str = ""
    repetition: Annotated[int, "repetition, from 1"] = 0
    together: Annotated[int, "1: trained in one child with the other repetitions of its point"] = 0
    bundle: Annotated[str, "name that the runs of such a child share (empty: trained alone)"] = ""
    bundle_size: Annotated[int, "trainings in the child"] = 1
    seed: int = 0
    sample: Annotated[str, "name of the sample in the input file"] = ""
    fold: Annotated[int, "fold that tests, where the sample is split in folds (0: it is not)"] = 0
    neurons: int = 0
    layers: int = 0
    activation: str = ""
    last_activation: str = ""
    initializer: str = ""
    loss: str = ""
    learning_rate: float = math.nan
    momentum: float = math.nan
    batch_size: int = 0
    convergence_steps: int = 0
    max_epochs: int = 0
    validation_fraction: float = math.nan
    dropout: float = math.nan
    regularization: str = ""
    weight_decay: float = math.nan
    transformations: str = ""
    norm_mode: str = ""
    factory_string: str = ""
    start: str = ""
    dropout_rule: str = ""
    execution: str = ""
    feeding: str = ""
    split_seed: int = 0
    train_signal: int = 0
    train_background: int = 0
    test_signal: int = 0
    test_background: int = 0
    variables: Annotated[int, "input variables"] = 0
    encoded_variables: Annotated[int, "variables after the autoencoder in the transformations (0: none there)"] = 0
    encoded_digest: Annotated[str, "digest of the encoded events that the method was given (empty: not encoded)"] = ""
    roc_integral: Annotated[float, "ROC integral by TMVA itself (NaN where no TMVA made it)"] = math.nan
    roc_auc: Annotated[float, "ROC area: exact, weighted, test events (dae: its error is the score)"] = math.nan
    roc_auc_error: Annotated[float, "error of the ROC area from the number of test events (DeLong)"] = math.nan
    roc_auc_best_possible: Annotated[float, "ROC area of the likelihood ratio on the same test events"] = math.nan
    roc_integral_difference: Annotated[float, "roc_integral - roc_auc (NaN where no TMVA made it)"] = math.nan
    reconstruction_error: Annotated[
        float, "mean square error of the autoencoder, test events, in units of variance"
    ] = math.nan
    pca_error: Annotated[float, "the same of as many principal components"] = math.nan
    signal_efficiency_at_0_1_percent: Annotated[
        float, "signal efficiency where 0.1 % of the background passes (NaN: too few test events)"
    ] = math.nan
    signal_efficiency_at_0_1_percent_low: Annotated[
        float, "lower end of the 68 % interval: signal efficiency where 0.1 % of the background passes"
    ] = math.nan
    signal_efficiency_at_0_1_percent_high: Annotated[
        float, "upper end of the 68 % interval: signal efficiency where 0.1 % of the background passes"
    ] = math.nan
    signal_efficiency_at_1_percent: Annotated[
        float, "signal efficiency where 1 % of the background passes (NaN: too few test events)"
    ] = math.nan
    signal_efficiency_at_1_percent_low: Annotated[
        float, "lower end of the 68 % interval: signal efficiency where 1 % of the background passes"
    ] = math.nan
    signal_efficiency_at_1_percent_high: Annotated[
        float, "upper end of the 68 % interval: signal efficiency where 1 % of the background passes"
    ] = math.nan
    signal_efficiency_at_10_percent: Annotated[
        float, "signal efficiency where 10 % of the background passes (NaN: too few test events)"
    ] = math.nan
    signal_efficiency_at_10_percent_low: Annotated[
        float, "lower end of the 68 % interval: signal efficiency where 10 % of the background passes"
    ] = math.nan
    signal_efficiency_at_10_percent_high: Annotated[
        float, "upper end of the 68 % interval: signal efficiency where 10 % of the background passes"
    ] = math.nan
    signal_efficiency_at_30_percent: Annotated[
        float, "signal efficiency where 30 % of the background passes (NaN: too few test events)"
    ] = math.nan
    signal_efficiency_at_30_percent_low: Annotated[
        float, "lower end of the 68 % interval: signal efficiency where 30 % of the background passes"
    ] = math.nan
    signal_efficiency_at_30_percent_high: Annotated[
        float, "upper end of the 68 % interval: signal efficiency where 30 % of the background passes"
    ] = math.nan
    background_rejection_at_30_percent: Annotated[
        float, "share of background rejected where 30 % of the signal passes (NaN: too few test events)"
    ] = math.nan
    background_rejection_at_30_percent_low: Annotated[
        float, "lower end of the 68 % interval: share of background rejected where 30 % of the signal passes"
    ] = math.nan
    background_rejection_at_30_percent_high: Annotated[
        float, "upper end of the 68 % interval: share of background rejected where 30 % of the signal passes"
    ] = math.nan
    background_rejection_at_50_percent: Annotated[
        float, "share of background rejected where 50 % of the signal passes (NaN: too few test events)"
    ] = math.nan
    background_rejection_at_50_percent_low: Annotated[
        float, "lower end of the 68 % interval: share of background rejected where 50 % of the signal passes"
    ] = math.nan
    background_rejection_at_50_percent_high: Annotated[
        float, "upper end of the 68 % interval: share of background rejected where 50 % of the signal passes"
    ] = math.nan
    background_rejection_at_70_percent: Annotated[
        float, "share of background rejected where 70 % of the signal passes (NaN: too few test events)"
    ] = math.nan
    background_rejection_at_70_percent_low: Annotated[
        float, "lower end of the 68 % interval: share of background rejected where 70 % of the signal passes"
    ] = math.nan
    background_rejection_at_70_percent_high: Annotated[
        float, "upper end of the 68 % interval: share of background rejected where 70 % of the signal passes"
    ] = math.nan
    background_rejection_at_90_percent: Annotated[
        float, "share of background rejected where 90 % of the signal passes (NaN: too few test events)"
    ] = math.nan
    background_rejection_at_90_percent_low: Annotated[
        float, "lower end of the 68 % interval: share of background rejected where 90 % of the signal passes"
    ] = math.nan
    background_rejection_at_90_percent_high: Annotated[
        float, "upper end of the 68 % interval: share of background rejected where 90 % of the signal passes"
    ] = math.nan
    overtraining_signal: Annotated[float, "Kolmogorov probability of training and test scores, signal"] = math.nan
    overtraining_background: Annotated[float, "Kolmogorov probability of training and test scores, background"] = (
        math.nan
    )
    cpu_time_prepare: Annotated[float, "CPU time, ROOT file to data set in memory [s]"] = math.nan
    real_time_prepare: Annotated[float, "real time, ROOT file to data set in memory [s]"] = math.nan
    cpu_time_train: Annotated[
        float, "CPU time, training: transformations, fit, validation losses, scores of the training events [s]"
    ] = math.nan
    real_time_train: Annotated[
        float, "real time, training: transformations, fit, validation losses, scores of the training events [s]"
    ] = math.nan
    cpu_time_bundle: Annotated[float, "CPU time, training of all in the bundle together [s] (NaN: trained alone)"] = (
        math.nan
    )
    real_time_bundle: Annotated[float, "real time, training of all in the bundle together [s] (NaN: trained alone)"] = (
        math.nan
    )
    cpu_time_test: Annotated[float, "CPU time, scores of the test events [s]"] = math.nan
    real_time_test: Annotated[float, "real time, scores of the test events [s]"] = math.nan
    cpu_time_total: Annotated[float, "CPU time, the whole child process, imports too [s]"] = math.nan
    real_time_total: Annotated[float, "real time, the whole child process, imports too [s]"] = math.nan
    cpu_time_encode: Annotated[
        float, "CPU time, autoencoder in the transformations: its training, all events encoded [s] (NaN without one)"
    ] = math.nan
    real_time_encode: Annotated[
        float, "real time, autoencoder in the transformations: its training, all events encoded [s] (NaN without one)"
    ] = math.nan
    cpu_time_compile: Annotated[
        float, "CPU time, compilation before the training [s] (NaN: none, or inside the training)"
    ] = math.nan
    real_time_compile: Annotated[
        float, "real time, compilation before the training [s] (NaN: none, or inside the training)"
    ] = math.nan
    compilation: Annotated[
        str,
        "fresh | kept: whether an earlier run's cache had all that it compiled before the training (empty: not told)",
    ] = ""
    cpu_time_feed: Annotated[
        float, "CPU time inside the training of ROOT's data loader and of taking its batches [s] (NaN: fed from arrays)"
    ] = math.nan
    real_time_feed: Annotated[
        float, "real time inside the training in which batches of ROOT's data loader were waited for and taken [s]"
    ] = math.nan
    real_time_fit: Annotated[float, "real time of the training alone [s]"] = math.nan
    real_time_epochs: Annotated[
        float, "real time of the epochs, the first as long as the median of the others: no compilation [s]"
    ] = math.nan
    real_time_first_epoch: Annotated[float, "real time of the first epoch, compilation too [s]"] = math.nan
    epochs: Annotated[int, "epochs trained"] = 0
    warnings: Annotated[str, "what makes the result doubtful, parts with ; between (empty: nothing)"] = ""
    best_epoch: Annotated[int, "epoch whose weights were kept (0: the untrained net)"] = 0
    validation_loss: Annotated[float, "best validation loss"] = math.nan
    initial_weights_spread: Annotated[float, "root mean square of the initial weights (NaN where not told)"] = math.nan
    untrained_loss: Annotated[
        float, "validation loss of the untrained network (NaN where the method does not tell)"
    ] = math.nan
    parameters: Annotated[int, "trainable parameters"] = 0
    peak_memory: Annotated[float, "largest resident memory of the child [MiB]"] = math.nan
    threads: Annotated[int, "threads given to the run"] = 0
    cores_used: Annotated[float, "cores kept busy in training: cpu_time_train / real_time_train"] = math.nan
    load_before: Annotated[float, "load average of the machine (1 min) before the run"] = math.nan
    load_after: Annotated[float, "load average of the machine (1 min) after the run"] = math.nan
    others_load: Annotated[float, "cores that others kept busy during the run, of those usable here"] = math.nan
    busy: Annotated[int, "1: others kept more than half of the other cores busy, so the times are doubtful"] = 0
    installation: Annotated[str, "digest of the versions installed in the environment"] = ""
    python_version: Annotated[str, "Python version"] = ""
    root_version: Annotated[str, "ROOT version"] = ""
    keras_version: Annotated[str, "Keras version"] = ""
    backend_version: Annotated[str, "version of the learning library"] = ""
    tmva_bench_version: Annotated[str, "version of this package"] = ""
    cpu_model: Annotated[str, "CPU model"] = ""
    host: Annotated[str, "host name"] = ""
    start_time: Annotated[str, "start of the run, UTC, ISO 8601"] = ""
    input_digest: Annotated[str, "digest of the events in the input file"] = ""
    training_digest: Annotated[str, "digest of the events trained on, in no order"] = ""
    validation_digest: Annotated[str, "digest of the validation events, in no order"] = ""
    test_digest: Annotated[str, "digest of the test events, in no order"] = ""
    series: Annotated[str, "name of the series in tables, e.g. keras jax sgd"] = ""
    label: Annotated[str, "its name in figures, e.g. Keras, JAX, SGD"] = ""
    series_order: Annotated[
        int, "its place among the series, from 0: the first to finish is what others are held to"
    ] = 0

    @property
    def point(self) -> Point:
        """The common parameters."""
        return Point(**{name: self.value(name) for name in PARAMETERS})


def _none() -> Any:
    return dataclasses.field(default_factory=list)


class _Curve(_Columns):
    """Columns of a tree that a run fills with rows of its own, equally long lists; empty where it has none."""

    def __len__(self) -> int:
        """Number of rows."""
        return max(map(len, vars(self).values()))


@dataclasses.dataclass(frozen=True, kw_only=True)
class RocCurve(_Curve):
    """ROC curve of the test events: the rows of a run in the tree ``roc``."""

    signal_efficiency: Annotated[list[float], "signal efficiency"] = _none()
    background_rejection: Annotated[list[float], "1 - background efficiency"] = _none()


@dataclasses.dataclass(frozen=True, kw_only=True)
class History(_Curve):
    """Losses and time of each epoch: the rows of a run in the tree ``history``."""

    epoch: Annotated[list[int], "epoch, from 1"] = _none()
    training_loss: Annotated[list[float], "training loss, running mean over the epoch's batches"] = _none()
    validation_loss: Annotated[list[float], "validation loss"] = _none()
    real_time: Annotated[list[float], "real time of the epoch [s] (NaN where not told)"] = _none()
    cpu_time: Annotated[list[float], "CPU time of the epoch [s] (NaN where not told)"] = _none()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scores(_Curve):
    """Binned scores: the rows of a run in the tree ``scores``."""

    sample: Annotated[list[str], "train | test"] = _none()
    event_class: Annotated[list[str], "signal | background"] = _none()
    low: Annotated[list[float], "lower edge of the bin of the score"] = _none()
    high: Annotated[list[float], "upper edge of the bin of the score"] = _none()
    density: Annotated[list[float], "share of the weights per unit of score"] = _none()
    density_error: Annotated[list[float], "statistical error of density"] = _none()


_OF_AUTOENCODER = "mean square error of the autoencoder, test events"
_OF_PCA = "mean square error of as many principal components, test events"
_UNIT = "in units of the variance"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reconstruction(_Curve):
    """Errors of an autoencoder: the rows of a run in the tree ``reconstruction``."""

    variable: Annotated[list[str], "input variable, or total"] = _none()
    error: Annotated[list[float], f"{_OF_AUTOENCODER}, {_UNIT}"] = _none()
    pca_error: Annotated[list[float], f"{_OF_PCA}, {_UNIT}"] = _none()
    error_signal: Annotated[list[float], f"{_OF_AUTOENCODER}, signal, {_UNIT}"] = _none()
    pca_error_signal: Annotated[list[float], f"{_OF_PCA}, signal, {_UNIT}"] = _none()
    error_background: Annotated[list[float], f"{_OF_AUTOENCODER}, background, {_UNIT}"] = _none()
    pca_error_background: Annotated[list[float], f"{_OF_PCA}, background, {_UNIT}"] = _none()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Record:
    """What a run leaves.

    Attributes:
        row: its row of the tree ``benchmark``.
        roc: its ROC curve.
        history: its epochs.
        scores: its binned scores.
        reconstruction: the errors of its autoencoder.
    """

    row: RunRow
    roc: RocCurve = dataclasses.field(default_factory=RocCurve)
    history: History = dataclasses.field(default_factory=History)
    scores: Scores = dataclasses.field(default_factory=Scores)
    reconstruction: Reconstruction = dataclasses.field(default_factory=Reconstruction)

    def curves(self) -> dict[str, _Curve]:
        """All but the row, by tree."""
        return {name: curve for name, curve in vars(self).items() if isinstance(curve, _Curve)}


class Mean(NamedTuple):
    """A mean over repetitions.

    Attributes:
        value: the mean, NaN for no measurement.
        error: half width of its 68 % interval by Student's t, NaN for a single measurement.
        spread: standard deviation of the repetitions, NaN for a single measurement.
        runs: measurements.
    """

    value: float
    error: float
    spread: float
    runs: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Means(_Columns):
    """What is averaged over the repetitions of a series at a point, by column of the tree ``benchmark``."""

    roc_auc: Mean
    roc_integral: Mean
    reconstruction_error: Mean
    pca_error: Mean
    cpu_time_encode: Mean
    real_time_encode: Mean
    cpu_time_compile: Mean
    real_time_compile: Mean
    cpu_time_feed: Mean
    real_time_feed: Mean
    cpu_time_prepare: Mean
    real_time_prepare: Mean
    cpu_time_train: Mean
    real_time_train: Mean
    cpu_time_test: Mean
    real_time_test: Mean
    cpu_time_total: Mean
    real_time_total: Mean
    real_time_fit: Mean
    real_time_epochs: Mean
    real_time_first_epoch: Mean
    cores_used: Mean
    epochs: Mean
    best_epoch: Mean
    validation_loss: Mean
    peak_memory: Mean


@dataclasses.dataclass(frozen=True, kw_only=True)
class LatencyRow(_Columns):
    """The time of an event in one engine: a row of the tree ``latency``. What was not measured is NaN, 0 or empty."""

    engine: Annotated[
        str, "products | header | header-cling | onnxruntime | keras-predict | keras-call | reader | sofie"
    ] = ""
    backend: Annotated[str, "Keras backend: tensorflow | jax | torch (empty: no Keras)"] = ""
    label: Annotated[str, "name of the engine in tables and figures"] = ""
    status: Annotated[str, "ok | unavailable | failed | timeout | killed | out_of_memory"] = ""
    reason: Annotated[str, "why there is no time, and the cure"] = ""
    batch: Annotated[int, "events a call (0: not timed)"] = 0
    time: Annotated[float, "real time of an event, median of the blocks [us]"] = math.nan
    low: Annotated[float, "lower end of the 68 % interval of the median, by order statistics [us]"] = math.nan
    high: Annotated[float, "upper end of the 68 % interval of the median, by order statistics [us]"] = math.nan
    blocks: Annotated[int, "times that a block of calls was timed"] = 0
    difference: Annotated[
        float, "largest difference of a score from its value in double precision (NaN: bare products have no score)"
    ] = math.nan
    events: Annotated[int, "events there are: as many are in a call of all"] = 0
    threads: Annotated[int, "threads, and cores that the process may use"] = 1
    cpu_model: Annotated[str, "processor"] = ""
    version: Annotated[str, "of the engine's library"] = ""
    network: Annotated[str, "widths from variables to score, e.g. 4-100-100-1"] = ""
    source: Annotated[str, "run, weight file or model"] = ""
