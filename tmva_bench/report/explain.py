"""What each common parameter of a point or a study is in TMVA and in Keras, whether the two are equal, and why.

The options and arguments are those of :mod:`tmva_bench.basis.mapping` and
:mod:`tmva_bench.engines.keras_network`, which is given a stand-in for Keras that keeps what it is called with; only
the reasons are written here.
"""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from tmva_bench.basis import config, mapping
from tmva_bench.basis.config import Point
from tmva_bench.engines import keras_network
from tmva_bench.engines.keras_stand_in import KERAS
from tmva_bench.methods import registry
from tmva_bench.results import forms, naming, summary
from tmva_bench.results.rows import RunRow
from tmva_bench.study import plan
from tmva_bench.study import study as studies

# The columns: what is compared with, and what is compared.
METHODS = {name: method for name, method in registry.METHODS.items() if method.cells}
_TITLES = {name: method.title for name, method in METHODS.items()}
# What the others are compared with.
_REFERENCE = next(iter(METHODS))
# Characters that a column takes in text; the others are narrow.
_WIDTHS = {"value": 12, "series": 18, **dict.fromkeys(_TITLES.values(), 24), "why": 40}
_OPTIMIZERS = {"sgd": "TSGD", "adam": "TAdam", "rmsprop": "TRMSProp", "adagrad": "TAdagrad", "adadelta": "TAdadelta"}
_CODES = (
    "The study's integer codes. The slides do not say what theirs stand for: this is our reading. By TMVA's own "
    "EActivationFunction (identity 0, ReLU 1, sigmoid 2, tanh 3, ...) the slides' network would have sigmoid hidden "
    "layers and a tanh output, which cross entropy cannot use."
)


class Row(NamedTuple):
    """One common parameter.

    Attributes:
        parameter: its name.
        value: its value, with the study's integer code where it has one.
        cells: option or argument with its value, one for each method shown, "" where it has none.
        unequal: the methods that do something else than TMVA's DNN.
        why: class and option, and what differs.
    """

    parameter: str
    value: str
    cells: tuple[str, ...]
    unequal: tuple[str, ...]
    why: str

    @property
    def equal(self) -> str:
        """The verdict: ``yes``, ``no`` with what differs, or the one side that has the parameter."""
        if side := config.ONE_SIDED.get(self.parameter):
            return {"tmva": "TMVA only", "keras": "Keras only"}[side]
        return f"no ({', '.join(_TITLES[method] for method in self.unequal)})" if self.unequal else "yes"


class Explanation(NamedTuple):
    """The mapping of a point or a study.

    Attributes:
        title: what is explained.
        notes: what to know before reading the table, a line each.
        methods: those shown, of :data:`METHODS`.
        rows: the table; each with the series that it holds for, none for all.
        strings: what TMVA is given: to what, the string, and the series, none for all.
    """

    title: str
    notes: list[str]
    methods: tuple[str, ...]
    rows: list[tuple[Row, tuple[str, ...]]]
    strings: list[tuple[str, str, tuple[str, ...]]]


def of_point(point: Point, title: str) -> Explanation:
    """The mapping of one point to every method.

    Args:
        point: the benchmark point.
        title: what it is, for people.
    """
    strings = dict(pair for method in METHODS for pair in _booked(method, point, "cpu"))
    return Explanation(
        title,
        [],
        tuple(METHODS),
        [(row, ()) for row in rows(point)],
        [(use, text, ()) for use, text in strings.items()],
    )


def of_study(study: studies.Study) -> Explanation:
    """The mapping of a study to the methods that it has, and to TMVA's DNN, with which they are compared.

    A parameter has a row for each of its values that tell series apart. Of a scan the first point is shown, and a
    row of another point where that ends in another verdict.
    """
    runs, others = [], []
    for request, *_ in plan.plan(study._replace(repetitions=1)):
        series = naming.Series(
            request.method,
            request.backend,
            request.architecture,
            request.point.optimizer,
            request.point.execution,
            request.point.feeding,
            request.together,
        )
        if naming.is_no_network(series):
            others.append(naming.series_name(series))
            continue
        # In a comparison each side has its own beside the common parameters.
        point = dataclasses.replace(request.point, **study.only["tmva"], **study.only["keras"])
        runs.append(_Run(naming.series_name(series), request.method, request.architecture, point))
    return _of_runs(runs, f"study {study.name}", [*_notes(study), *_not_mapped(others)])


def of_rows(runs_done: Iterable[RunRow], title: str) -> Explanation:
    """The mapping of runs that were done, as :func:`of_study` has that of a study.

    Args:
        runs_done: rows of the tree ``benchmark``, at least one.
        title: what they are, for people.
    """
    runs_done = list(runs_done)
    one_sided: dict[str, Any] = {}
    for row in runs_done:
        for name, side in config.ONE_SIDED.items():
            if registry.of(row.method).side == side:
                one_sided.setdefault(name, row.value(name))
    runs, others = [], []
    for row in _unlike(runs_done):
        if naming.is_no_network(row):
            others.append(naming.series_name(row))
            continue
        # Another repetition has another seed.
        point = dataclasses.replace(row.point, seed=runs_done[0].seed, **one_sided)
        runs.append(_Run(naming.series_name(row), row.method, row.architecture, point))
    return _of_runs(dict.fromkeys(runs), title, _not_mapped(others))


def _unlike(rows: list[RunRow]) -> Iterable[RunRow]:
    """The first of the rows that differ in repetition alone, as most of thousands do."""
    first: dict[tuple[Any, ...], RunRow] = {}
    for row in rows:
        first.setdefault(summary.key(row), row)
    return first.values()


def _not_mapped(series: list[str]) -> list[str]:
    names = ", ".join(dict.fromkeys(series))
    return [f"not shown, for they are no networks: {names}; their events are those of the others"] if series else []


class _Run(NamedTuple):
    """One series at one point."""

    name: str
    method: str
    architecture: str
    point: Point


def _of_runs(runs: Iterable[_Run], title: str, notes: list[str]) -> Explanation:
    runs = list(runs)
    present = {run.method for run in runs}
    methods = tuple(method for method in METHODS if method in present or method == _REFERENCE)
    of_series: dict[str, list[Row]] = {}
    strings: dict[tuple[str, str], list[str]] = {}
    for name, method, architecture, point in runs:
        first = name not in of_series
        _add_new_verdicts(of_series.setdefault(name, []), rows(point, methods))
        for pair in _booked(method, point, architecture) if first else ():
            strings.setdefault(pair, []).append(name)
    series_of: dict[Row, list[str]] = {}
    for name, rows_of_series in of_series.items():
        for row in rows_of_series:
            series_of.setdefault(row, []).append(name)
    order, uses = list(config.PARAMETERS), [use for use, _ in strings]
    return Explanation(
        title,
        notes,
        methods,
        [
            (row, () if len(names) == len(of_series) else tuple(names))
            for row, names in sorted(series_of.items(), key=lambda pair: order.index(pair[0].parameter))
        ],
        [
            (use, text, tuple(names) if uses.count(use) > 1 else ())
            for (use, text), names in sorted(strings.items(), key=lambda pair: uses.index(pair[0][0]))
        ],
    )


def rows(point: Point, methods: Sequence[str] = tuple(METHODS)) -> list[Row]:
    """One row a common parameter.

    Args:
        point: the benchmark point.
        methods: the methods to show, of :data:`METHODS`.
    """
    shown = [method for name, method in METHODS.items() if name in methods]
    columns = [method.cells(point) for method in shown if method.cells]
    unequal = {method.name: method.unequal(point) for method in shown}
    reasons, table = _reasons(point), []
    for name in config.PARAMETERS:
        cells = tuple(column.get(name, "") for column in columns)
        if any(cells) or name not in config.ONE_SIDED:
            differing = tuple(method for method, names in unequal.items() if name in names)
            table.append(Row(name, _value(name, point), cells, differing, reasons[name]))
    return table


def document(explanation: Explanation) -> forms.Document:
    """The mapping for people and programs.

    Args:
        explanation: what to write.
    """
    differing = [_differences(explanation, method) for method in explanation.methods[1:]]
    headings, lines = table(explanation)
    rows = [dict(zip(headings, line, strict=True)) for line in lines]
    parts: list[forms.Part] = [forms.Heading(f"The mapping: {explanation.title}", 1), *explanation.notes]
    parts += [_table(headings, lines, len(explanation.methods)), *differing, forms.Heading("What TMVA is given")]
    for use, text, names in explanation.strings:
        parts.append(forms.Quotation(f"{use} ({', '.join(names)})" if names else use, text))
    codes = _code_table()
    parts += [forms.Heading("Integer codes"), _CODES, codes]
    values = {
        "title": explanation.title,
        "rows": rows,
        "strings": [{"of": use, "text": text, "series": names} for use, text, names in explanation.strings],
        "codes": [dict(zip(codes.headings, row, strict=True)) for row in codes.rows],
        "notes": [*explanation.notes, *differing],
    }
    return forms.Document(parts, values, rows)


def _value(name: str, point: Point) -> str:
    value = getattr(point, name)
    parameter = config.PARAMETERS[name]
    if name in config.ONE_SIDED:
        return ""  # its cell says it
    if parameter.coded:
        return f"{value} ({parameter.codes.index(value)})"
    if name in config.COUNTS and not value:
        return "all of the file"
    return naming.short(value)


# What holds at every point.
_ALWAYS = {
    "layers": "One entry of MethodDL's Layout a layer. MethodPyKeras wants two outputs: a fixed Dense(2), not trained, "
    "makes them of the one.",
    "learning_rate": "A constant factor of the step, in all.",
    "convergence_steps": "MethodDL stops once more than so many epochs were no better than the best one, or than the "
    "untrained net, and keeps the best; Keras alike. EarlyStopping stops at its number, one larger; SaveBestOnly never "
    "looks at the untrained net.",
    "max_epochs": "A limit, in all; TestRepetitions=1 of MethodDL, the validation loss after every epoch.",
    "validation_fraction": "The last part of TMVA's training vector, rounded down, in all (GetNumValidationSamples of "
    "MethodDL and MethodPyKeras); Keras knows the vector's order.",
    "factory_string": "Options of TMVA.Factory. Its Transformations are for plots; a method has VarTransform.",
    "split_seed": "DataSetFactory::MixEvents shuffles signal followed by background; the last part of the training "
    "vector validates. Keras takes the events in the same order.",
    **{name: f"The common input file; all events of {tree} are taken, in all." for name, tree in config.COUNTS.items()},
}
_WEIGHTS = {
    "equal_num_events": "The weights of each class add up to the number of signal training events, ",
    "num_events": "The weights of each class add up to its number of training events, ",
    "none": "The weights stay as they are, and their mean acts on the step, ",
}


def _reasons(point: Point) -> dict[str, str]:
    """By parameter, class and option, and what differs."""
    return {**_ALWAYS, **_of_network(point), **_of_training(point), **_of_start(point), **_of_events(point)}


def _of_network(point: Point) -> dict[str, str]:
    no_hidden = "" if point.layers else "There is no hidden layer."
    activation = no_hidden or "The same function, in MethodDL by upper-case name."
    if point.activation in keras_network.activation_layers(KERAS):
        activation = "Keras has no such function: a layer of ours computes that of TMVA's EActivationFunction."
    entropy = point.loss == "cross_entropy"
    last = (
        "As Layout has it. MethodDL's evaluation applies a sigmoid once more, and so do scores from Keras; PyKeras' go "
        "without, in the same order, so the areas are equal."
    )
    if entropy:
        last = (
            "CROSSENTROPY and MethodDL's evaluation apply the sigmoid to a LINEAR layer. Keras' output is the logit, "
            "and its scores the sigmoid of that; PyKeras' softmax of (logit, 0) is the same."
        )
    outputs = "of the logit for Keras, by class for PyKeras' two." if entropy else "PyKeras' two outputs err alike."
    return {
        "neurons": no_hidden or "Width in Layout of MethodDL, units of Dense.",
        "activation": activation,
        "last_activation": last,
        "loss": "Sum of weight x loss over the batch, divided by its number of events, in MethodDL and in Keras; "
        + outputs,
    }


def _of_training(point: Point) -> dict[str, str]:
    theirs = _OPTIMIZERS[point.optimizer]
    momentum = f"{theirs} does not read it, and Keras' {point.optimizer} has none."
    if point.optimizer == "sgd":
        momentum = "TSGD and Keras' SGD (without Nesterov): velocity = momentum x velocity + gradient."
    penalty = weight_decay = "There is no term."
    if point.regularization != "none":
        penalty = (
            "Kernels only, no biases. MethodDL's validation loss, which picks the best epoch, holds the term twice; "
            "Keras' is given it twice, PyKeras' holds it once."
        )
        weight_decay = "Factor of the sum of |w| or w^2, in all."
    masks = "Masks as MethodDL draws them (TCpu::DropoutForward), left out of the backward pass as there."
    return {
        "optimizer": f"{theirs} of TMVA::DNN takes the same step; constants that no option of MethodDL sets are given "
        "to Keras.",
        "momentum": momentum,
        "dropout": _dropout(point) if any(mapping.drop_probabilities(point)) else "Nothing is dropped.",
        "regularization": penalty,
        "weight_decay": weight_decay,
        "execution": "A call of train_on_batch after the other by Model.fit."
        if point.execution == "batch"
        else "One compiled call an epoch: the same steps and losses, see tmva_bench.engines.keras_epochs.",
        "feeding": "Arrays in TMVA's order."
        if point.feeding == "array"
        else "ROOT's data loader makes the batches, from a file of the training events; all epochs have the same ones.",
        "dropout_rule": "Keras' Dropout layers." if point.dropout_rule == "keras" else masks,
    }


def _of_start(point: Point) -> dict[str, str]:
    as_tmva, loaded = point.start == "tmva", point.feeding == "root"
    fit = "MethodPyKeras leaves it to Model.fit, which shuffles with Keras' generator and takes the rest, too"
    batches = f"Keras takes the same batches, event by event. {fit}." if as_tmva else ""
    batches = f"Keras takes those of ROOT's data loader with feeding = root. {fit}." if loaded else batches
    start = "Initial weights and batches are those of MethodDL (RandomSeed): the engine alone differs."
    if not as_tmva:
        start = "Keras draws its initial weights and shuffles its batches: more than the engine differs."
    if loaded:
        start = "Initial weights are those of MethodDL (RandomSeed); with feeding = root the batches are not."
    seeds = "Keras takes the numbers of the same generators; " if as_tmva else "Keras seeds its own; "
    seeds = "Keras takes the same weights, and ROOT's data loader has its own generator; " if loaded else seeds
    return {
        "initializer": "TMVA's distribution (TCpu::Initialize...), biases zero; "
        + ("PyKeras and Keras start" if as_tmva else "PyKeras starts")
        + " from the very numbers that MethodDL draws.",
        "batch_size": "MethodDL leaves out what does not fill a batch, in training, validation and loss; "
        + (batches or f"{fit}, and so does Keras with start = keras."),
        "start": start,
        "seed": "RandomSeed of MethodDL seeds TRandom3 for weights, batches and dropout. "
        + seeds
        + "PyKeras starts from the same weights, and shuffles with Keras' generator.",
    }


def _of_events(point: Point) -> dict[str, str]:
    encoded = f" {','.join(point.encoding)} is done before: every method is given encoded events."
    return {
        "transformations": "VarTransform, prepared on the training events of all classes; for Keras "
        "tmva_bench.events.transforms computes what TMVA's Variable...Transform classes do."
        + (encoded if point.encoding else ""),
        "norm_mode": "DataSetFactory::RenormEvents, before all that uses weights; test events keep theirs. "
        f"{_WEIGHTS[point.norm_mode]}for Keras too.",
    }


def _dropout(point: Point) -> str:
    tmva = "On the CPU the backward pass of MethodDL ignores the mask (TCpu::DropoutBackward is empty; cuDNN's is not)"
    if point.dropout_rule == "keras":
        return f"{tmva}, that of Keras' Dropout does not; dropout_rule = tmva makes Keras equal."
    return f"{tmva}, and so does Keras with dropout_rule = tmva; the Dropout layers of PyKeras do not."


def _booked(method: str, point: Point, architecture: str) -> list[tuple[str, str]]:
    """What a run of a method gives to TMVA, by what it is given to."""
    booking = registry.of(method).booking
    if booking is None:
        return []
    return [
        ("TMVA.Factory", point.factory_string),
        ("DataLoader.PrepareTrainingAndTestTree", mapping.split_options(point)),
        booking(point, architecture),
    ]


def _notes(study: studies.Study) -> list[str]:
    notes = []
    scanned = [(study.axes, ""), *((sample.axes, f" on {sample.name}") for sample in study.samples)]
    if axes := "; ".join(
        f"{name} = {', '.join(map(naming.short, values))}{where}"
        for axes, where in scanned
        for name, values in axes.items()
    ):
        notes.append(f"Scanned: {axes}. The first point is shown, and a row again where another ends differently.")
    if study.repetitions > 1:
        notes.append(f"{study.repetitions} repetitions; repetition n adds n - 1 to the seed.")
    return notes


def _add_new_verdicts(known: list[Row], new: Iterable[Row]) -> None:
    """Adds the rows of another point of a scan that end in another verdict than those known."""
    verdicts = {(row.parameter, row.unequal, row.why) for row in known}
    known += [row for row in new if (row.parameter, row.unequal, row.why) not in verdicts]


def _differences(explanation: Explanation, method: str) -> str:
    """One line: in what a method differs from TMVA's DNN."""
    names = dict.fromkeys(row.parameter for row, _ in explanation.rows if method in row.unequal)
    return f"{_TITLES[method]} differs from {_TITLES[_REFERENCE]} in: {', '.join(names) or 'no common parameter'}."


def table(explanation: Explanation) -> tuple[list[str], list[list[str]]]:
    """Headings and lines of the mapping, one line a parameter; "" where a method has no such option.

    Args:
        explanation: what to show.
    """
    by_series = any(names for _, names in explanation.rows)
    headings = ["parameter", "value", *(["series"] if by_series else [])]
    headings += [*(_TITLES[method] for method in explanation.methods), "equal", "why"]
    lines = []
    for row, names in explanation.rows:
        series = [", ".join(names) or "all"] if by_series else []
        lines.append([row.parameter, row.value, *series, *row.cells, row.equal, row.why])
    return headings, lines


def _table(headings: list[str], lines: list[list[str]], methods: int) -> forms.Table:
    ends = len(headings) - 2
    cells = range(ends - methods, ends)
    rows = [[_code(text) if n in cells else text for n, text in enumerate(line)] for line in lines]
    return forms.Table(headings, rows, widths=_WIDTHS)


def _code(text: str) -> str:
    return forms.Code(text) if text else "-"


def _code_table() -> forms.Table:
    coded = {name: parameter.codes for name, parameter in config.PARAMETERS.items() if parameter.coded}
    lines = [
        [str(code), *(codes[code] if code < len(codes) else "" for codes in coded.values())]
        for code in range(max(map(len, coded.values())))
    ]
    return forms.Table(["code", *coded], lines)
