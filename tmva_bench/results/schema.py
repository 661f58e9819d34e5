"""The columns of the results trees: name, type, and the title with its unit that people read in ROOT."""

from collections.abc import Sequence
from typing import NamedTuple

from tmva_bench.basis.config import PARAMETERS
from tmva_bench.events import roc

VERSION = 7
STATUSES = ("ok", "unavailable", "failed", "timeout", "killed", "out_of_memory")


class Column(NamedTuple):
    """One branch of a results tree.

    Attributes:
        name: branch name.
        type: ``str`` (``std::string``), ``int`` (64 bits) or ``float`` (double; NaN where not measured).
        title: what it is, with the unit in square brackets.
    """

    name: str
    type: type
    title: str


def _working_points(quantity: str, at: Sequence[float]) -> dict[float, str]:
    """Names of columns by the other class's efficiency, e.g. ``signal_efficiency_at_0_1_percent``."""
    return {share: f"{quantity}_at_{100 * share:g}_percent".replace(".", "_") for share in at}


# Columns by background efficiency, and by signal efficiency; each has its interval in two more, _low and _high.
EFFICIENCIES = _working_points("signal_efficiency", roc.BACKGROUND_EFFICIENCIES)
REJECTIONS = _working_points("background_rejection", roc.SIGNAL_EFFICIENCIES)


def _with_interval(name: str, title: str) -> list[Column]:
    return [
        Column(name, float, f"{title} (NaN: too few test events)"),
        Column(f"{name}_low", float, f"lower end of the 68 % interval: {title}"),
        Column(f"{name}_high", float, f"upper end of the 68 % interval: {title}"),
    ]


def _unit(column: Column) -> str:
    """The unit in a column's title, with a space before it, "" for none."""
    _, bracket, unit = column.title.partition("[")
    return f" {bracket}{unit.partition(']')[0]}]" if bracket else ""


# What follows from a file's other columns: made when the trees are, and in no record.
DERIVED: list[Column] = [
    Column("series", str, "name of the series in tables, e.g. keras jax sgd"),
    Column("label", str, "its name in figures, e.g. Keras, JAX, SGD"),
    Column("series_order", int, "its place among the series, from 0: the first to finish is what others are held to"),
]

_CLOCKS = {
    "prepare": "ROOT file to data set in memory",
    "train": "training: transformations, fit, validation losses, scores of the training events",
    "test": "scores of the test events",
    "total": "the whole child process, imports too",
}

BENCHMARK: list[Column] = [
    Column("run_id", str, "digest of all that can change the result"),
    Column("status", str, " | ".join(STATUSES)),
    Column("reason", str, "why there is no result, and the cure"),
    Column("method", str, "tmva-dnn | pykeras | keras | dae"),
    Column("backend", str, "learning library under the method: tmva | tensorflow | jax | torch | theano"),
    Column("architecture", str, "architecture asked for: cpu | gpu"),
    Column("device", str, "what the training ran on"),
    Column("environment", str, "name of the installation"),
    Column("optimizer", str, PARAMETERS["optimizer"].help),
    Column("repetition", int, "repetition, from 1"),
    Column("seed", int, PARAMETERS["seed"].help),
    Column("sample", str, "name of the sample in the input file"),
    *[Column(n, p.type, p.help) for n, p in PARAMETERS.items() if n not in ("optimizer", "seed")],
    Column("variables", int, "input variables"),
    Column("encoded_variables", int, "variables after the autoencoder in the transformations (0: none there)"),
    Column("encoded_digest", str, "digest of the encoded events that the method was given (empty: not encoded)"),
    Column("roc_integral", float, "ROC integral by TMVA itself (NaN where no TMVA made it)"),
    Column("roc_auc", float, "ROC area: exact, weighted, test events (dae: its error is the score)"),
    Column("roc_auc_error", float, "error of the ROC area from the number of test events (DeLong)"),
    Column("roc_auc_best_possible", float, "ROC area of the likelihood ratio on the same test events"),
    Column("roc_integral_difference", float, "roc_integral - roc_auc (NaN where no TMVA made it)"),
    Column("reconstruction_error", float, "mean square error of the autoencoder, test events, in units of variance"),
    Column("pca_error", float, "the same of as many principal components"),
    *[
        column
        for share, name in EFFICIENCIES.items()
        for column in _with_interval(name, f"signal efficiency where {100 * share:g} % of the background passes")
    ],
    *[
        column
        for share, name in REJECTIONS.items()
        for column in _with_interval(name, f"share of background rejected where {100 * share:g} % of the signal passes")
    ],
    *[
        Column(f"overtraining_{kind}", float, f"Kolmogorov probability of training and test scores, {kind}")
        for kind in ("signal", "background")
    ],
    *[
        Column(f"{clock}_time_{name}", float, f"{'CPU' if clock == 'cpu' else 'real'} time, {text} [s]")
        for name, text in _CLOCKS.items()
        for clock in ("cpu", "real")
    ],
    *[
        Column(
            f"{clock}_time_encode",
            float,
            f"{'CPU' if clock == 'cpu' else 'real'} time, autoencoder in the transformations: its training, all events "
            "encoded [s] (NaN without one)",
        )
        for clock in ("cpu", "real")
    ],
    Column("real_time_fit", float, "real time of the training alone [s]"),
    Column(
        "real_time_epochs",
        float,
        "real time of the epochs, the first as long as the median of the others: no compilation [s]",
    ),
    Column("real_time_first_epoch", float, "real time of the first epoch, compilation too [s]"),
    Column("epochs", int, "epochs trained"),
    Column("warnings", str, "what makes the result doubtful, parts with ; between (empty: nothing)"),
    Column("best_epoch", int, "epoch whose weights were kept (0: the untrained net)"),
    Column("validation_loss", float, "best validation loss"),
    Column("initial_weights_spread", float, "root mean square of the initial weights (NaN where not told)"),
    Column("untrained_loss", float, "validation loss of the untrained network (NaN where the method does not tell)"),
    Column("parameters", int, "trainable parameters"),
    Column("peak_memory", float, "largest resident memory of the child [MiB]"),
    Column("threads", int, "threads given to the run"),
    Column("cores_used", float, "cores kept busy in training: cpu_time_train / real_time_train"),
    Column("load_before", float, "load average of the machine (1 min) before the run"),
    Column("load_after", float, "load average of the machine (1 min) after the run"),
    Column("others_load", float, "cores that others kept busy during the run, of those usable here"),
    Column("busy", int, "1: others kept more than half of the other cores busy, so the times are doubtful"),
    Column("installation", str, "digest of the versions installed in the environment"),
    Column("python_version", str, "Python version"),
    Column("root_version", str, "ROOT version"),
    Column("keras_version", str, "Keras version"),
    Column("backend_version", str, "version of the learning library"),
    Column("tmva_bench_version", str, "version of this package"),
    Column("cpu_model", str, "CPU model"),
    Column("host", str, "host name"),
    Column("start_time", str, "start of the run, UTC, ISO 8601"),
    Column("input_digest", str, "digest of the events in the input file"),
    Column("training_digest", str, "digest of the events trained on, in no order"),
    Column("validation_digest", str, "digest of the validation events, in no order"),
    Column("test_digest", str, "digest of the test events, in no order"),
    *DERIVED,
]

ROC: list[Column] = [
    Column("run_id", str, "run, as in the tree benchmark"),
    Column("signal_efficiency", float, "signal efficiency"),
    Column("background_rejection", float, "1 - background efficiency"),
]

HISTORY: list[Column] = [
    Column("run_id", str, "run, as in the tree benchmark"),
    Column("epoch", int, "epoch, from 1"),
    Column("training_loss", float, "training loss, running mean over the epoch's batches"),
    Column("validation_loss", float, "validation loss"),
    Column("real_time", float, "real time of the epoch [s] (NaN where not told)"),
    Column("cpu_time", float, "CPU time of the epoch [s] (NaN where not told)"),
]

SCORES: list[Column] = [
    Column("run_id", str, "run, as in the tree benchmark"),
    Column("sample", str, "train | test"),
    Column("event_class", str, "signal | background"),
    Column("low", float, "lower edge of the bin of the score"),
    Column("high", float, "upper edge of the bin of the score"),
    Column("density", float, "share of the weights per unit of score"),
    Column("density_error", float, "statistical error of density"),
]

RECONSTRUCTION: list[Column] = [
    Column("run_id", str, "run"),
    Column("variable", str, "input variable, or total"),
    *[
        Column(
            f"{name}{suffix}",
            float,
            f"mean square error of {of}, test events{f', {suffix[1:]}' if suffix else ''}, in units of the variance",
        )
        for suffix in ("", "_signal", "_background")
        for name, of in (("error", "the autoencoder"), ("pca_error", "as many principal components"))
    ],
]

# What is averaged over repetitions.
QUANTITIES = (
    "roc_auc",
    "roc_integral",
    "reconstruction_error",
    "pca_error",
    "cpu_time_encode",
    "real_time_encode",
    "cpu_time_prepare",
    "real_time_prepare",
    "cpu_time_train",
    "real_time_train",
    "cpu_time_test",
    "real_time_test",
    "cpu_time_total",
    "real_time_total",
    "real_time_fit",
    "real_time_epochs",
    "real_time_first_epoch",
    "cores_used",
    "epochs",
    "best_epoch",
    "validation_loss",
    "peak_memory",
)
# What tells series apart, beside the point: runs that differ here are never averaged together.
SERIES = (
    "method",
    "backend",
    "architecture",
    "environment",
    "installation",
    "optimizer",
    "threads",
    "cpu_model",
    "sample",
    "input_digest",
)
POINT = tuple(name for name in PARAMETERS if name not in ("optimizer", "seed"))
_TITLE = {column.name: column for column in BENCHMARK}

SUMMARY: list[Column] = [
    *DERIVED,
    *[_TITLE[name] for name in (*SERIES, *POINT)],
    Column("runs", int, "finished repetitions"),
    Column("without_result", int, "repetitions without a result"),
    Column("busy", int, "repetitions timed on a busy machine"),
    Column("roc_auc_best_possible", float, _TITLE["roc_auc_best_possible"].title),
    Column("roc_auc_test_error", float, f"mean over repetitions: {_TITLE['roc_auc_error'].title}"),
    *[
        column
        for name in QUANTITIES
        for column in (
            Column(name, float, f"mean over repetitions: {_TITLE[name].title}"),
            Column(
                f"{name}_error",
                float,
                f"error of the mean {name}: half the 68.27 % interval, Student's t{_unit(_TITLE[name])}",
            ),
            Column(f"{name}_spread", float, f"standard deviation of {name} over repetitions{_unit(_TITLE[name])}"),
        )
    ],
]

FIGURES: list[Column] = [
    Column("figure", str, "name of the figure, e.g. scan_roc_auc_neurons"),
    Column("sample", str, "sample of its runs"),
    Column(
        "panel", str, "frame of the figure: a quantity, ratio, difference, a series or run (empty: the whole figure)"
    ),
    Column("kind", str, "mean | run | best | curve | caption | ...: what the row is"),
    Column("series", str, "name of its series in tables, as in the tree benchmark (empty: of none)"),
    Column("label", str, "name of its series in the figure"),
    Column("colour", int, "colour, marker and dashes of the series, from 0"),
    Column("run_id", str, "its run (empty: of several or none)"),
    Column("text", str, "words that stand in the figure"),
    Column("x", float, "where it stands: the scanned value, epoch, time in s, efficiency, score or row"),
    Column("y", float, "its value (NaN: none), in the unit of the quantity"),
    Column("low", float, "lower end of its error or 68 % band (NaN: none)"),
    Column("high", float, "upper end of its error or 68 % band (NaN: none)"),
]

TREES: dict[str, list[Column]] = {
    "benchmark": BENCHMARK,
    "roc": ROC,
    "history": HISTORY,
    "scores": SCORES,
    "reconstruction": RECONSTRUCTION,
    "summary": SUMMARY,
    "figures": FIGURES,
}
# The trees that a run fills with rows of its own beside the one in "benchmark".
CURVES = ("roc", "history", "scores", "reconstruction")
TITLES = {
    "benchmark": "one row a run: parameters, ROC area, times, where it ran",
    "roc": "ROC curves of the test events, at most 500 points a run",
    "history": "losses and time, one row an epoch of a run",
    "reconstruction": "errors of autoencoders, one row a variable and the total of a run",
    "scores": "binned scores of training and test events, one row a bin of a run",
    "summary": "means over repetitions with errors and spreads, one row a series and point",
    "figures": "what tmva-bench plot draws, one row a point, step of a curve or text of a figure",
}
