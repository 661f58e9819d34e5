"""Runs, series and values in words: one name for each, whoever shows it."""

import hashlib
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

from tmva_bench import methods
from tmva_bench.basis import autoencoder, config, parsing
from tmva_bench.methods.registry import METHODS
from tmva_bench.results import doubts
from tmva_bench.results.rows import RunRow

# Okabe and Ito's colours, told apart by colour-blind eyes, without their yellow, which white paper swallows. The macros
# have the same in style/looks.h.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#000000", "#cc79a7", "#56b4e9", "#e69f00")
# Proper names; what has none is shown as it is called.
_SHOWN = {
    "tmva": "TMVA",
    "tensorflow": "TensorFlow",
    "jax": "JAX",
    "torch": "PyTorch",
    "theano": "Theano",
    "sklearn": "scikit-learn",
    "xgboost": "XGBoost",
    "sgd": "SGD",
    "adam": "Adam",
    "rmsprop": "RMSprop",
    "adagrad": "Adagrad",
    "adadelta": "Adadelta",
}
# What is not named.
_USUAL = config.Point().execution
# How the batches of a series are named that are not made of arrays.
_FED = {"root": "fed by ROOT"}
# Of a method that is not here.
_OTHER = "methods of another version"
# What :func:`clocks` reads of a run.
CLOCKS = (
    *("method", "backend", "architecture", "execution", "feeding", "status", "compilation"),
    *("together", "bundle", "bundle_size", "cpu_time_bundle", "real_time_bundle"),
)
_Key = TypeVar("_Key")


class Series(NamedTuple):
    """What a series is called by, where there is no run yet.

    Attributes:
        method: as users write it.
        backend: the learning library under it.
        architecture: ``cpu`` or ``gpu``.
        optimizer: of the point.
        execution: likewise.
        feeding: likewise.
        together: whether repetitions are trained in one child.
    """

    method: str
    backend: str
    architecture: str
    optimizer: str = ""
    execution: str = "batch"
    feeding: str = "array"
    together: int = 0


Named = RunRow | Series


def method_name(row: Named) -> str:
    """A run's method in words, e.g. ``keras jax``, ``keras jax epoch together``, ``torch root`` or ``tmva-dnn gpu``."""
    backend = "" if _is_single(row) else row.backend
    execution = "" if row.execution == _USUAL else row.execution
    architecture = "" if row.architecture == "cpu" else row.architecture
    feeding = row.feeding if row.feeding in _FED else ""
    together = "together" if row.together else ""
    return " ".join(filter(None, (row.method, backend, execution, feeding, together, architecture)))


def series_name(row: Named) -> str:
    """A run's series in words, e.g. ``keras jax sgd``."""
    return " ".join(filter(None, (method_name(row), row.optimizer)))


def series_label(row: Named) -> str:
    """A run's series in figures, e.g. ``Keras, JAX, SGD``."""
    # The library is named where a method has several.
    backend = "" if _is_single(row) else proper(row.backend)
    architecture = "" if row.architecture == "cpu" else row.architecture.upper()
    execution = "" if row.execution == _USUAL else f"{row.execution}s compiled"
    together = "trained together" if row.together else ""
    parts = (_title(row), backend, execution, _FED.get(row.feeding, ""), together, proper(row.optimizer))
    return ", ".join(filter(None, (*parts, architecture)))


def spoken(row: Named, *, optimizer: bool = True) -> str:
    """A run's series in a sentence, e.g. ``Keras on JAX (SGD)``.

    Args:
        row: a run, or what a series is called by.
        optimizer: whether its optimizer is wanted.
    """
    words = [_title(row) if _is_single(row) else f"{_title(row)} on {proper(row.backend)}"]
    words += [] if row.execution == _USUAL else [f"by compiled {row.execution}s"]
    words += [_FED[row.feeding]] if row.feeding in _FED else []
    words += ["trained together"] if row.together else []
    words += [] if row.architecture == "cpu" else [f"on {row.architecture.upper()}"]
    return " ".join([*words, *([f"({proper(row.optimizer)})"] if optimizer and row.optimizer else [])])


def series_order(rows: Iterable[RunRow]) -> dict[str, int]:
    """The place of each series by its name, from 0: as they first finished, then those that never did.

    Classifiers that are no networks come after the networks, and what was trained together, without a time of its own,
    after what was not. The first is the reference of differences and ratios.
    Colours and markers go by it.

    Args:
        rows: all of a results folder, in the order of its records.
    """
    rows = sorted(rows, key=lambda row: (is_no_network(row), row.together))
    names = [series_name(row) for row in rows if row.status == "ok"]
    return {name: place for place, name in enumerate(dict.fromkeys([*names, *map(series_name, rows)]))}


def identified(rows: Iterable[RunRow]) -> list[RunRow]:
    """The rows with the columns of :data:`tmva_bench.results.schema.DERIVED`.

    Args:
        rows: all of a results folder, in the order of its records.
    """
    rows = list(rows)
    order = series_order(rows)
    return [
        RunRow.of(
            {
                **vars(row),
                "series": (name := series_name(row)),
                "label": series_label(row),
                "series_order": order[name],
            }
        )
        for row in rows
    ]


def colours(places: Iterable[int], taken: int) -> list[int]:
    """Which colour each of the series of a figure has, counted on beyond :data:`COLOURS`.

    A series has that of its place; of several with one place, told apart by a parameter, the others have the next ones.

    Args:
        places: of the series, see :func:`series_order`.
        taken: number of places.
    """
    numbers: list[int] = []
    for place in places:
        if place in numbers:
            place, taken = taken, taken + 1
        numbers.append(place)
    return numbers


def varied(rows: Iterable[RunRow]) -> dict[str, list[str]]:
    """What :func:`run_name` needs to tell the runs of each series apart, by the series' name.

    What others tell as well is left out: the numbers of events of a sample, or parameters that move together.
    """
    parameters = [name for name in config.PARAMETERS if name not in ("optimizer", *config.OF_SERIES, "seed")]
    names = ["sample", "environment", "fold", *parameters, "repetition"]
    # Those that say most about a run are left out last.
    order = sorted(names, key=lambda name: (name not in config.COUNTS, name in ("sample", "transformations")))
    names_of = {}
    for series, some in _by_series(rows).items():
        needed = [name for name in names if len({row.value(name) for row in some}) > 1]
        distinct = len({tuple(row.value(name) for name in needed) for row in some})
        for name in filter(needed.__contains__, order):
            fewer = [other for other in needed if other != name]
            if len({tuple(row.value(other) for other in fewer) for row in some}) == distinct:
                needed = fewer
        names_of[series] = needed
    return names_of


def of_folds(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """The numbers of events, where they follow from sample and fold: folds differ by an event, which is no scan.

    Args:
        rows: columns of runs.
    """
    rows = list(rows)
    if len({row["fold"] for row in rows}) < 2:
        return []
    numbers = {name: {(row["sample"], row["fold"], row[name]) for row in rows} for name in config.COUNTS}
    parts = len({(row["sample"], row["fold"]) for row in rows})
    return [name for name, values in numbers.items() if len(values) == parts]


def differing(names: Iterable[str], rows: Iterable[RunRow]) -> list[str]:
    """Of these columns, those in which rows whose series have one name differ."""
    groups = _by_series(rows).values()
    return [name for name in names if any(len({row.value(name) for row in some}) > 1 for some in groups)]


def _by_series(rows: Iterable[RunRow]) -> dict[str, list[RunRow]]:
    by_name: dict[str, list[RunRow]] = {}
    for row in rows:
        by_name.setdefault(series_name(row), []).append(row)
    return by_name


def run_name(row: RunRow, names: Iterable[str]) -> str:
    """A run in words: its series, and the values of ``names``."""
    known = (name for name in names if not lacks(row.method, name))
    return ", ".join([series_name(row), *(f"{name}={label(row.value(name))}" for name in known)])


def lacks(method: str, name: str) -> bool:
    """Whether a method does not have a parameter, so that what stands in its column means nothing."""
    known = METHODS.get(method)
    return known is not None and name in known.absent


def value_label(row: RunRow, name: str) -> str:
    """A column of a run as :func:`label` has it, "-" for a parameter that its method does not have."""
    return "-" if lacks(row.method, name) else label(row.value(name))


def is_no_network(row: Named) -> bool:
    """Whether a run trains another classifier than a network."""
    return _kind(row) == methods.CLASSIFIER


def kinds(rows: Iterable[RunRow]) -> list[str]:
    """One line on which series are what beside TMVA's DNN, none where all are of one kind."""
    series = gathered((_kind(row), series_name(row)) for row in rows)
    if len(series) < 2:
        return []
    return ["; ".join(f"{kind}: {', '.join(series[kind])}" for kind in (*methods.KINDS, _OTHER) if kind in series)]


def short(value: Any) -> str:
    """A parameter's value in words."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def label(value: Any) -> str:
    """A parameter's value that tells runs apart; long options have a name that :func:`named_options` explains."""
    options = autoencoder.options_in(value) if isinstance(value, str) else ""
    return value.replace(options, _name(options)) if options else short(value)


def place(value: Any) -> tuple[Any, ...]:
    """Where a parameter's value stands among others: numbers in a text count as numbers, A(k=4) before A(k=14)."""
    if not isinstance(value, str):
        return (value,)
    return tuple(int(part) if part.isdigit() else part for part in re.split(r"(\d+)", value))


def named_options(rows: Iterable[RunRow]) -> list[str]:
    """One line for each name that :func:`label` gave to an autoencoder's options."""
    distinct = dict.fromkeys(autoencoder.options_in(row.transformations) for row in rows)
    return [f"A(k=...:{_name(options)}): {options}" for options in distinct if options]


def number(value: float, form: str) -> str:
    """A number in words, "-" where it is not known."""
    return "-" if math.isnan(value) else format(value, form)


def some(names: list[str]) -> str:
    """The first of many names."""
    shown = "; ".join(names[:3])
    return f"{shown}; and {len(names) - 3} more" if len(names) > 3 else shown


def result(row: RunRow) -> str:
    """How a run ended, in a few words."""
    return f"ROC area {row.roc_auc:.4f}" if row.status == "ok" else row.status


def digest(value: str) -> str:
    """A digest, as short as people can copy it."""
    return value[:12]


def best_possible(rows: list[RunRow]) -> list[str]:
    """One line for each sample whose likelihood ratio is known; of several input files of one name, for each."""
    areas = {
        (row.sample, digest(row.input_digest)): f"{row.roc_auc_best_possible:.4f}"
        for row in rows
        if not math.isnan(row.roc_auc_best_possible)
    }
    lines = []
    for sample in dict.fromkeys(sample for sample, _ in areas):
        files = gathered((area, name) for (of, name), area in areas.items() if of == sample)
        said = [f"{area} ({some(digests)})" for area, digests in files.items()] if len(files) > 1 else list(files)
        lines.append(f"Best possible on the test events of {sample} (likelihood ratio): {', '.join(said)}")
    return lines


def one_sided(rows: list[RunRow]) -> list[str]:
    """One line on the parameters that one side alone has, where they are not as they are by default or in a preset.

    Those that a series is named by are told there.
    """
    usual = {
        name: {getattr(config.Point(), name), *(preset.get(name) for preset in parsing.PRESETS.values())}
        for name in config.ONE_SIDED
        if name not in config.OF_SERIES
    }
    methods_of = gathered(
        (f"{name} = {row.value(name)}", row.method)
        for row in rows
        for name, values in usual.items()
        if _side(row) == config.ONE_SIDED[name] and row.value(name) not in values
    )
    texts = [f"{text} ({', '.join(methods)})" for text, methods in methods_of.items()]
    return [f"on one side only: {'; '.join(texts)}"] if texts else []


def unequal(rows: list[RunRow]) -> list[str]:
    """A line each on runs that are not fed as the others, and on runs that drop by different rules."""
    return _fed_otherwise(rows) + _dropped_otherwise(rows)


def _fed_otherwise(rows: list[RunRow]) -> list[str]:
    fed = dict.fromkeys(series_name(row) for row in rows if row.feeding in _FED)
    if not fed:
        return []
    text = "not equal: order of the events by ROOT's data loader, not TMVA's"
    return [f"{text}: {', '.join(fed)}; real_time_feed, its time, is inside those of training, fit and epochs"]


def _dropped_otherwise(rows: list[RunRow]) -> list[str]:
    """TMVA's rule leaves the mask out of the backward pass, Keras' does not."""
    rules = gathered((_dropout_rule(row), series_name(row)) for row in rows if row.dropout > 0 and row.layers > 0)
    if len(rules) < 2:
        return []
    texts = [f"{rule} rule ({', '.join(names)})" for rule, names in rules.items()]
    return [f"not equal: dropout by {' and '.join(texts)}; see tmva-bench explain"]


def warnings(rows: list[RunRow]) -> list[str]:
    """One line for each kind of doubt about finished runs, with the series that have it."""
    doubtful = gathered(
        (text, series_name(row)) for row in rows for text in filter(None, row.warnings.split(doubts.SEPARATOR))
    )
    return [f"warning: {text}: {', '.join(names)}" for text, names in doubtful.items()]


def compilation(row: RunRow) -> str:
    """When a run's engine compiles its network: ``never``, ``inside`` the clock of the training, or ``before`` it."""
    method = METHODS.get(row.method)
    if row.backend == "tmva" or is_no_network(row) or (method is not None and not method.compiles):
        return "never"
    before = row.execution != _USUAL or row.backend in _compiled_before(row)
    return "before" if before else "inside"


def clocks(rows: Iterable[RunRow]) -> list[str]:
    """What the times hold: a line on compilations in training and fit, and one on what was trained together.

    None without a finished run.
    """
    finished = [row for row in rows if row.status == "ok"]
    return [
        *_compilations([row for row in finished if not row.together]),
        *_bundles([row for row in finished if row.together]),
    ]


def _compilations(rows: list[RunRow]) -> list[str]:
    kinds = gathered((compilation(row), method_name(row)) for row in rows)
    told: dict[str, list[str]] = {}
    for row in rows:
        told.setdefault(method_name(row), []).extend(filter(None, [row.compilation]))
    texts = {"inside": "inside", "before": "outside", "never": "none"}
    said = [
        f"{text} for {', '.join(name + _kept(told[name]) for name in kinds[kind])}"
        for kind, text in texts.items()
        if kind in kinds
    ]
    if not said:
        return []
    return [f"compilation in the times of training and fit: {'; '.join(said)}; real_time_epochs is without it for all"]


def _bundles(rows: list[RunRow]) -> list[str]:
    of_method: dict[str, dict[str, RunRow]] = {}
    for row in rows:
        of_method.setdefault(method_name(row), {})[row.bundle] = row
    said = [f"{name} ({_in_all(list(some.values()))})" for name, some in of_method.items()]
    return [f"trained together, so no time is that of one training: {'; '.join(said)}"] if said else []


def _in_all(rows: list[RunRow]) -> str:
    """The times of training of bundles, by a row of each."""
    sizes, real, cpu = (
        _span(row.value(name) for row in rows) for name in ("bundle_size", "real_time_bundle", "cpu_time_bundle")
    )
    each = f"{len(rows)} bundles of {sizes} trainings, each" if len(rows) > 1 else f"{sizes} trainings"
    return f"{each} in {real} s, CPU {cpu} s"


def _span(values: Iterable[float]) -> str:
    ends = [f"{value:.3g}" for value in sorted(values)]
    return ends[0] if ends[0] == ends[-1] else f"{ends[0]} to {ends[-1]}"


def _kept(compilations: list[str]) -> str:
    """A remark where the time of compiling is that of reading what an earlier run kept."""
    kept = compilations.count("kept")
    return f" (kept from an earlier run in {kept} of {len(compilations)})" if kept else ""


def reasons(rows: list[RunRow]) -> list[str]:
    """One line for each reason, with the series that it stopped."""
    stopped = gathered(((row.status, row.reason), series_name(row)) for row in rows if row.status != "ok")
    return [f"{status}: {', '.join(names)}: {reason}" for (status, reason), names in stopped.items()]


def gathered(pairs: Iterable[tuple[_Key, str]]) -> dict[_Key, list[str]]:
    """The names that stand with each key, each once."""
    names_of: dict[_Key, dict[str, None]] = {}
    for key, name in pairs:
        names_of.setdefault(key, {})[name] = None
    return {key: list(names) for key, names in names_of.items()}


# Results may hold runs of a method that another version of the package has.


def _title(row: Named) -> str:
    """A method as its own people call it."""
    method = METHODS.get(row.method)
    return method.title if method else row.method


def proper(name: str) -> str:
    """A library or an optimizer by its proper name, e.g. ``JAX``; what has none is shown as it is called."""
    return _SHOWN.get(name, name)


def _is_single(row: Named) -> bool:
    """Whether the method has one backend, which its name need not tell."""
    method = METHODS.get(row.method)
    return method is not None and len(method.backends) == 1


def _side(row: RunRow) -> str:
    method = METHODS.get(row.method)
    return method.side if method else ""


def _kind(row: Named) -> str:
    method = METHODS.get(row.method)
    if method is None:
        return _OTHER
    # Keras' own start makes another training of it, and so does another order of the events.
    own_start = isinstance(row, RunRow) and row.start == "keras" and "start" not in method.lacks
    otherwise = own_start or row.feeding in _FED
    return methods.SAME_NETWORK if otherwise else method.kind


def _compiled_before(row: Named) -> tuple[str, ...]:
    method = METHODS.get(row.method)
    return method.compiled_before if method else ()


def _name(options: str) -> str:
    return hashlib.sha256(options.encode()).hexdigest()[:4]


def _dropout_rule(row: RunRow) -> str:
    if row.backend == "tmva":
        return "TMVA's" if row.architecture == "cpu" else "TMVA's GPU"
    return "TMVA's" if row.dropout_rule == "tmva" else "Keras'"
