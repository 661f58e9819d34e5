"""What each common parameter of a point or a study is in TMVA and in Keras, whether the two are equal, and why.

The options and arguments are those of :mod:`tmva_bench.basis.mapping` and
:mod:`tmva_bench.engines.keras_network`, which is given a stand-in for Keras that keeps what it is called with; only
the reasons are written here.
"""

import dataclasses
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import tabulate

from tmva_bench.basis import config, mapping
from tmva_bench.basis.config import Point
from tmva_bench.engines import keras_network
from tmva_bench.results import naming
from tmva_bench.study import plan
from tmva_bench.study import study as studies

FORMATS = ("text", "md")
# The columns: what is compared with, and what is compared.
METHODS = {"tmva-dnn": "TMVA DNN", "pykeras": "PyKeras", "keras": "Keras"}
# Characters that a column takes in text; the others are narrow.
_WIDTHS = {"value": 12, "series": 18, **dict.fromkeys(METHODS.values(), 24), "why": 40}
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
        return f"no ({', '.join(METHODS[method] for method in self.unequal)})" if self.unequal else "yes"


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
    runs = []
    for request, *_ in plan.plan(study._replace(repetitions=1)):
        name = naming.series_name({**request._asdict(), "optimizer": request.point.optimizer})
        # In a comparison each side has its own beside the common parameters.
        point = dataclasses.replace(request.point, **study.only["tmva"], **study.only["keras"])
        runs.append(_Run(name, request.method, request.architecture, point))
    return _of_runs(runs, f"study {study.name}", _notes(study))


def of_rows(made: Iterable[Mapping[str, Any]], title: str) -> Explanation:
    """The mapping of runs that were done, as :func:`of_study` has that of a study.

    Args:
        made: rows of the tree ``benchmark``, at least one.
        title: what they are, for people.
    """
    made = list(made)
    own: dict[str, Any] = {}
    for row in made:
        for name, side in config.ONE_SIDED.items():
            if config.SIDES[row["method"]] == side:
                own.setdefault(name, row[name])
    runs = []
    for row in made:
        # Another repetition has another seed.
        common = {name: row[name] for name in config.PARAMETERS} | {"seed": made[0]["seed"]}
        point = Point(**{**common, **own})
        runs.append(_Run(naming.series_name(row), row["method"], row["architecture"], point))
    return _of_runs(dict.fromkeys(runs), title, [])


class _Run(NamedTuple):
    """One series at one point."""

    name: str
    method: str
    architecture: str
    point: Point


def _of_runs(runs: Iterable[_Run], title: str, notes: list[str]) -> Explanation:
    runs = list(runs)
    present = {run.method for run in runs}
    methods = tuple(method for method in METHODS if method in present or method == "tmva-dnn")
    of_series: dict[str, list[Row]] = {}
    strings: dict[tuple[str, str], list[str]] = {}
    for name, method, architecture, point in runs:
        first = name not in of_series
        _add_new_verdicts(of_series.setdefault(name, []), rows(point, methods))
        for pair in _booked(method, point, architecture) if first else ():
            strings.setdefault(pair, []).append(name)
    series_of: dict[Row, list[str]] = {}
    for name, own in of_series.items():
        for row in own:
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
    verdicts, found = _verdicts(point), []
    for name, cells in _cells(point).items():
        unequal, why = verdicts[name]
        shown = tuple(cell for method, cell in zip(METHODS, cells, strict=True) if method in methods)
        if any(shown) or name not in config.ONE_SIDED:
            found.append(Row(name, _value(name, point), shown, tuple(m for m in unequal if m in methods), why))
    return found


def write(explanation: Explanation, form: str) -> str:
    """The mapping as a text.

    Args:
        explanation: what to write.
        form: one of :data:`FORMATS`.
    """
    head: Callable[[str], str] = "## {}".format if form == "md" else "{}:".format
    parts = [f"# The mapping: {explanation.title}" if form == "md" else explanation.title, *explanation.notes]
    parts.append(_table(explanation, form))
    parts += [_differences(explanation, method) for method in explanation.methods[1:]]
    parts.append(head("What TMVA is given"))
    for use, text, names in explanation.strings:
        to = f"{use} ({', '.join(names)})" if names else use
        parts.append(f"{to}:\n\n```\n{text}\n```" if form == "md" else f"{to}\n  {text}")
    parts += [head("Integer codes"), _CODES, _code_table(form)]
    return "\n\n".join(parts)


class _Called:
    """An object of Keras that keeps what it was made and compiled with."""

    def __init__(self, *values: Any, **arguments: Any) -> None:
        self.values, self.arguments = values, arguments

    def __str__(self) -> str:
        given = [*map(_text, self.values), *(f"{name}={_text(value)}" for name, value in self.arguments.items())]
        return f"{type(self).__name__}({', '.join(given)})"

    @property
    def layers(self) -> list[Any]:
        """The layers of a model."""
        return list(self.values[0])

    def compile(self, **arguments: Any) -> None:
        """Keeps optimizer, loss and metrics of a model."""
        self.arguments = arguments

    def set_weights(self, weights: Any) -> None:
        """A layer's weights are none of its arguments."""


class _Keras(types.ModuleType):
    """Stands in for the Keras module: every class of it is a :class:`_Called`."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return type(name, (_Called,), {}) if name[0].isupper() else _Keras(name)

    def floatx(self) -> str:
        """The default precision."""
        return "float32"

    def register_keras_serializable(self, package: str) -> Callable[[type], type]:
        """Leaves a class as it is."""
        return lambda kind: kind


# One module, as Keras is: keras_network keeps the layers that it defines for each.
_KERAS = _Keras("keras")


class _Network(NamedTuple):
    """A model as it was built: its hidden layers and its end as lists of layers, and what it was compiled with."""

    hidden: list[list[Any]]
    last: list[Any]
    dropout: list[Any]
    loss: Any

    @property
    def dense(self) -> list[Any]:
        """The layers with weights."""
        return [layer for group in (*self.hidden, self.last) for layer in group if type(layer).__name__ == "Dense"]


def _network(model: Any, hidden_layers: int) -> _Network:
    groups: list[list[Any]] = []
    dropout = []
    for layer in model.layers[1:]:
        kind = type(layer).__name__
        if kind == "Dropout":
            dropout.append(layer)
        elif kind == "Dense" and len(groups) <= hidden_layers:
            groups.append([layer])
        else:
            groups[-1].append(layer)
    return _Network(groups[:-1], groups[-1], dropout, model.arguments["loss"])


def _cells(point: Point) -> dict[str, tuple[str, str, str]]:
    """What each parameter is for TMVA's DNN, PyKeras and Keras, by parameter."""
    training = mapping.training(point)
    ours = _network(keras_network.build(_KERAS, training, 1), point.layers)
    pair = keras_network.build_for_pykeras(_KERAS, training._replace(dropout_rule="keras"), 1)
    theirs = _network(pair, point.layers)
    dl = _split(mapping.dl_options(point, "cpu"), ":")
    pykeras = _split(mapping.pykeras_options(point, "", "", tf_keras=False), ":")
    strategy = _split(mapping.training_strategy(point), ",")
    split = _split(mapping.split_options(point), ":")
    *hidden, last = mapping.layout(point).split(",")
    activation, width = hidden[0].split("|") if hidden else ("", "")
    optimizer = mapping.optimizer(point)
    constants = dict(optimizer.arguments)
    rate, momentum = constants.pop("learning_rate"), constants.pop("momentum", None)

    def both(text: str) -> tuple[str, str]:
        return text, text

    def built(take: Callable[[_Network], str]) -> tuple[str, str]:
        return take(theirs), take(ours)

    def regularizer(network: _Network) -> Any:
        return network.dense[0].arguments["kernel_regularizer"]

    events = {name: f"tree {tree}" for name, tree in config.COUNTS.items()}
    cells = {
        "neurons": (
            f"Layout: {width}" if hidden else "",
            *built(lambda network: f"Dense({network.hidden[0][0].values[0]})" if hidden else ""),
        ),
        "layers": (
            dl["Layout"],
            *built(lambda network: ", ".join(f"Dense({dense.values[0]})" for dense in network.dense)),
        ),
        "activation": (
            f"Layout: {activation}" if hidden else "",
            *built(lambda network: _activation(network.hidden[0]) if hidden else ""),
        ),
        "last_activation": (f"Layout: {last}", *built(lambda network: _activation(network.last))),
        "initializer": (dl["WeightInitialization"], *both(_made(mapping.initializer(point)))),
        "loss": (dl["ErrorStrategy"], *built(lambda network: f"loss={_text(network.loss)}")),
        "optimizer": (strategy["Optimizer"], *both(_made(mapping.Object(optimizer.name, constants)))),
        "learning_rate": (strategy["LearningRate"], *both(f"learning_rate={_text(rate)}")),
        "momentum": (strategy["Momentum"], *both("" if momentum is None else f"momentum={_text(momentum)}")),
        "batch_size": (strategy["BatchSize"], pykeras["BatchSize"], f"batch_size={training.phases[0].batch_size}"),
        "convergence_steps": (
            strategy["ConvergenceSteps"],
            pykeras["TriesEarlyStopping"],
            f"more than {training.phases[0].convergence_steps} epochs",
        ),
        "max_epochs": (strategy["MaxEpochs"], pykeras["NumEpochs"], f"{training.phases[0].max_epochs} epochs"),
        "validation_fraction": (dl["ValidationSize"], pykeras["ValidationSize"], f"the last {training.validation}"),
        "dropout": (
            strategy["DropConfig"],
            _all(theirs.dropout),
            f"masks of {'+'.join(map(_text, training.phases[0].drop))}" if _masked(point) else _all(ours.dropout),
        ),
        "regularization": (
            strategy["Regularization"],
            *built(lambda network: f"kernel_regularizer={_kind(regularizer(network))}"),
        ),
        "weight_decay": (
            strategy["WeightDecay"],
            *built(lambda network: "" if regularizer(network) is None else str(regularizer(network))),
        ),
        "transformations": (dl["VarTransform"], pykeras["VarTransform"], f"Chain({list(training.chain)})"),
        "norm_mode": (*both(split["NormMode"]), f"training_vector(norm_mode={_text(point.norm_mode)})"),
        "factory_string": (*both(point.factory_string), ""),
        "start": ("", "", f"start={_text(training.start)}"),
        "dropout_rule": ("", "", f"dropout_rule={_text(training.dropout_rule)}"),
        "split_seed": (*both(split["SplitSeed"]), f"training_vector(split_seed={point.split_seed})"),
        "seed": (dl["RandomSeed"], *both(f"set_random_seed({training.seed})")),
        **{name: (tree, tree, tree) for name, tree in events.items()},
    }
    return {name: cells[name] for name in config.PARAMETERS}


def _split(options: str, separator: str) -> dict[str, str]:
    """The options of a string, each whole, by name."""
    return {option.partition("=")[0]: option for option in options.split(separator)}


def _text(value: Any) -> str:
    return repr(value) if isinstance(value, str) else naming.short(value)


def _made(wanted: mapping.Object) -> str:
    return f"{wanted.name}({', '.join(f'{name}={_text(value)}' for name, value in wanted.arguments.items())})"


def _kind(made: Any) -> str:
    return "None" if made is None else type(made).__name__


def _all(layers: list[Any]) -> str:
    return ", ".join(map(str, layers)) or "no Dropout layer"


def _activation(layers: list[Any]) -> str:
    """The activation of a dense layer and what follows it."""
    texts = []
    for layer in layers:
        kind = type(layer).__name__
        texts.append(f"Dense(activation={_text(layer.arguments['activation'])})" if kind == "Dense" else f"{kind}()")
    return ", ".join(texts)


def _masked(point: Point) -> bool:
    return point.dropout_rule == "tmva" and any(mapping.drop_probabilities(point))


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


def _verdicts(point: Point) -> dict[str, tuple[tuple[str, ...], str]]:
    """By parameter, the methods that do something else than TMVA's DNN, and why."""
    hidden = bool(point.layers)
    entropy = point.loss == "cross_entropy"
    ours = point.activation in keras_network.activation_layers(_KERAS)
    # What Keras decides by itself.
    own = ("pykeras",) if point.start == "tmva" else ("pykeras", "keras")
    fit = "MethodPyKeras leaves it to Model.fit, which shuffles with Keras' generator and takes the rest, too"
    drops, penalized = any(mapping.drop_probabilities(point)), point.regularization != "none"
    return {
        "neurons": ((), "Width in Layout of MethodDL, units of Dense." if hidden else "There is no hidden layer."),
        "layers": (
            (),
            "One entry of MethodDL's Layout a layer. MethodPyKeras wants two outputs: a fixed Dense(2), not trained, "
            "makes them of the one.",
        ),
        "activation": (
            (),
            ("Keras has no such function: a layer of ours computes that of TMVA's EActivationFunction." if ours else "")
            or ("The same function, in MethodDL by upper-case name." if hidden else "There is no hidden layer."),
        ),
        "last_activation": (
            (),
            "CROSSENTROPY and MethodDL's evaluation apply the sigmoid to a LINEAR layer. Keras' output is the logit, "
            "and its scores the sigmoid of that; PyKeras' softmax of (logit, 0) is the same."
            if entropy
            else "As Layout has it. MethodDL's evaluation applies a sigmoid once more, and so do scores from Keras; "
            "PyKeras' go without, in the same order, so the areas are equal.",
        ),
        "initializer": (
            (),
            "TMVA's distribution (TCpu::Initialize...), biases zero; "
            + ("PyKeras and Keras start" if point.start == "tmva" else "PyKeras starts")
            + " from the very numbers that MethodDL draws.",
        ),
        "loss": (
            (),
            "Sum of weight x loss over the batch, divided by its number of events, in MethodDL and in Keras; "
            + ("of the logit for Keras, by class for PyKeras' two." if entropy else "PyKeras' two outputs err alike."),
        ),
        "optimizer": (
            (),
            f"{_OPTIMIZERS[point.optimizer]} of TMVA::DNN takes the same step; constants that no option of "
            "MethodDL sets are given to Keras.",
        ),
        "learning_rate": ((), "A constant factor of the step, in all."),
        "momentum": (
            (),
            "TSGD and Keras' SGD (without Nesterov): velocity = momentum x velocity + gradient."
            if point.optimizer == "sgd"
            else f"{_OPTIMIZERS[point.optimizer]} does not read it, and Keras' {point.optimizer} has none.",
        ),
        "batch_size": (
            own,
            "MethodDL leaves out what does not fill a batch, in training, validation and loss; "
            + (
                f"Keras takes the same batches, event by event. {fit}."
                if point.start == "tmva"
                else f"{fit}, and so does Keras with start = keras."
            ),
        ),
        "convergence_steps": (
            ("pykeras",),
            "MethodDL stops once more than so many epochs were no better than the best one, or than the untrained net, "
            "and keeps the best; Keras alike. EarlyStopping stops at its number, one larger; SaveBestOnly never looks "
            "at the untrained net.",
        ),
        "max_epochs": ((), "A limit, in all; TestRepetitions=1 of MethodDL, the validation loss after every epoch."),
        "validation_fraction": (
            (),
            "The last part of TMVA's training vector, rounded down, in all (GetNumValidationSamples of MethodDL and "
            "MethodPyKeras); Keras knows the vector's order.",
        ),
        "dropout": _dropout(point) if drops else ((), "Nothing is dropped."),
        "regularization": (
            ("pykeras",) if penalized else (),
            "Kernels only, no biases. MethodDL's validation loss, which picks the best epoch, holds the term twice; "
            "Keras' is given it twice, PyKeras' holds it once."
            if penalized
            else "There is no term.",
        ),
        "weight_decay": ((), "Factor of the sum of |w| or w^2, in all." if penalized else "There is no term."),
        "transformations": (
            (),
            "VarTransform, prepared on the training events of all classes; for Keras tmva_bench.events.transforms "
            "computes what TMVA's Variable...Transform classes do."
            + (
                f" {','.join(point.encoding)} is done before: every method is given encoded events."
                * bool(point.encoding)
            ),
        ),
        "norm_mode": (
            (),
            "DataSetFactory::RenormEvents, before all that uses weights; test events keep theirs. "
            + {
                "equal_num_events": "The weights of each class add up to the number of signal training events, ",
                "num_events": "The weights of each class add up to its number of training events, ",
                "none": "The weights stay as they are, and their mean acts on the step, ",
            }[point.norm_mode]
            + "for Keras too.",
        ),
        "factory_string": (
            (),
            "Options of TMVA.Factory. Its Transformations are for plots; a method has VarTransform.",
        ),
        "start": (
            (),
            "Initial weights and batches are those of MethodDL (RandomSeed): the engine alone differs."
            if point.start == "tmva"
            else "Keras draws its initial weights and shuffles its batches: more than the engine differs.",
        ),
        "dropout_rule": (
            (),
            "Keras' Dropout layers."
            if point.dropout_rule == "keras"
            else "Masks as MethodDL draws them (TCpu::DropoutForward), left out of the backward pass as there.",
        ),
        "seed": (
            own,
            "RandomSeed of MethodDL seeds TRandom3 for weights, batches and dropout. "
            + ("Keras takes the numbers of the same generators; " if point.start == "tmva" else "Keras seeds its own; ")
            + "PyKeras starts from the same weights, and shuffles with Keras' generator.",
        ),
        "split_seed": (
            (),
            "DataSetFactory::MixEvents shuffles signal followed by background; the last part of the training vector "
            "validates. Keras takes the events in the same order.",
        ),
        **{
            name: ((), f"The common input file; all events of {tree} are taken, in all.")
            for name, tree in config.COUNTS.items()
        },
    }


def _dropout(point: Point) -> tuple[tuple[str, ...], str]:
    tmva = "On the CPU the backward pass of MethodDL ignores the mask (TCpu::DropoutBackward is empty; cuDNN's is not)"
    if point.dropout_rule == "keras":
        return ("pykeras", "keras"), f"{tmva}, that of Keras' Dropout does not; dropout_rule = tmva makes Keras equal."
    return ("pykeras",), f"{tmva}, and so does Keras with dropout_rule = tmva; the Dropout layers of PyKeras do not."


def _booked(method: str, point: Point, architecture: str) -> list[tuple[str, str]]:
    """What a run of a method gives to TMVA, by what it is given to."""
    options = {
        "tmva-dnn": ("TMVA.Types.kDL", mapping.dl_options(point, architecture)),
        "pykeras": (
            "TMVA.Types.kPyKeras (Keras 3; with Keras 2 the files are .h5, and tfkeras is said)",
            mapping.pykeras_options(point, "model.keras", "trained.keras", tf_keras=False),
        ),
    }
    if method not in options:
        return []
    return [
        ("TMVA.Factory", point.factory_string),
        ("DataLoader.PrepareTrainingAndTestTree", mapping.split_options(point)),
        options[method],
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
    return f"{METHODS[method]} differs from {METHODS['tmva-dnn']} in: {', '.join(names) or 'no common parameter'}."


def table(explanation: Explanation) -> tuple[list[str], list[list[str]]]:
    """Headings and lines of the mapping, one line a parameter; "" where a method has no such option.

    Args:
        explanation: what to show.
    """
    by_series = any(names for _, names in explanation.rows)
    headings = ["parameter", "value", *(["series"] if by_series else [])]
    headings += [*(METHODS[method] for method in explanation.methods), "equal", "why"]
    lines = []
    for row, names in explanation.rows:
        series = [", ".join(names) or "all"] if by_series else []
        lines.append([row.parameter, row.value, *series, *row.cells, row.equal, row.why])
    return headings, lines


def _table(explanation: Explanation, form: str) -> str:
    headings, lines = table(explanation)
    ends = len(headings) - 2
    cells = range(ends - len(explanation.methods), ends)
    for line in lines:
        for n in cells:
            line[n] = f"`{line[n]}`" if line[n] and form == "md" else line[n] or "-"
    if form == "md":
        lines = [[text.replace("|", "\\|") for text in line] for line in lines]
        return str(tabulate.tabulate(lines, headings, tablefmt="pipe", disable_numparse=True))
    widths = [_WIDTHS.get(name) for name in headings]
    return str(tabulate.tabulate(lines, headings, tablefmt="simple_grid", maxcolwidths=widths, disable_numparse=True))


def _code_table(form: str) -> str:
    coded = {name: parameter.codes for name, parameter in config.PARAMETERS.items() if parameter.coded}
    lines = [
        [str(code), *(codes[code] if code < len(codes) else "" for codes in coded.values())]
        for code in range(max(map(len, coded.values())))
    ]
    return str(tabulate.tabulate(lines, ["code", *coded], tablefmt="pipe" if form == "md" else "simple"))
