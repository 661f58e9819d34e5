"""A stand-alone training script in Keras 3 of what is booked in TMVA: text of Python, made of a template.

Only what the booking needs stands in it. What comes from the source is written as a literal or a comment, or parsed by
our own grammar: no text of a source becomes code. The lines are as ``ruff format`` has them.
"""

import dataclasses
import functools
import math
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jinja2

from tmva_bench.basis import config, mapping
from tmva_bench.basis.training import Phase
from tmva_bench.engines import tmva_weights
from tmva_bench.errors import UserError, short
from tmva_bench.events import expressions, sources
from tmva_bench.events.expressions import Expression
from tmva_bench.events.inputs import plain_name
from tmva_bench.migration import booking, numpy_code
from tmva_bench.migration.booking import Booked, Job, Layer, Network
from tmva_bench.migration.numpy_code import WIDTH, Names, number, quoted

_CLASSES = (booking.SIGNAL, booking.BACKGROUND)
# TMVA's defaults of PrepareTrainingAndTestTree, and the values that it knows, by their names in capitals.
_SPLIT = {"splitmode": "Random", "mixmode": "SameAsSplitMode", "splitseed": "100", "normmode": "EqualNumEvents"}
_MODES = {name.upper(): name for name in ("Random", "Alternate", "Block")}
_NORM_MODES = {name.upper(): name for name in ("EqualNumEvents", "NumEvents", "None")}
_NUMBERS = ("nTrain", "nTest")
_PREPARED_BY = {
    "N": "normalise",
    "D": "decorrelate",
    "P": "principal_components",
    "U": "uniform",
    "G": "gauss",
}
# What TMVA's activations that Keras lacks are in the script.
_AFTER = {"symmrelu": "keras.ops.absolute", "gauss": "gaussian"}
_STARTS = {
    "xavier": "XAVIER: a normal of sigma sqrt(6 / (inputs + units)), redrawn beyond 2 sigma",
    "xavier_uniform": "XAVIERUNIFORM: flat within sqrt(6 / (inputs + units))",
    "gauss": "GAUSS: a normal of sigma sqrt(2 / inputs)",
    "uniform": "UNIFORM: flat within sqrt(2 / inputs)",
    "zero": "ZERO",
    "identity": "IDENTITY: 1 on the diagonal",
}
_LOSSES = {
    "cross_entropy": ("keras.losses.BinaryCrossentropy(from_logits=True)", "ErrorStrategy=CROSSENTROPY"),
    "sum_of_squares": ("keras.losses.MeanSquaredError()", "ErrorStrategy=SUMOFSQUARES"),
}
_NORMALISED = "batch_normalization"
# Names that mean something else within the functions of the script.
_TAKEN = ("tree", "column", "element", "columns", "values", "l", "I", "O")


def text(job: Job, booked: Booked) -> str:
    """The script ``train.py`` for one booking.

    Args:
        job: the events, their variables and how they are split.
        booked: one of its methods, with a network.

    Raises:
        UserError: what no script can be written of, with the reason: no network, other classes than signal and
            background, an expression that cannot be read, a transformation of some variables.
    """
    if booked.kind in (booking.BDT, booking.OTHER):
        raise UserError(
            f"{booked.place}: {booked.title}: {short(booked.type)} is no network; train.py is of kDL, kDNN, kMLP and "
            "kPyKeras"
        )
    if not job.is_classification:
        raise UserError(f"{job.source}: no classification in signal and background, which train.py is of")
    if "numfolds" in job.factory:
        raise UserError(f"{job.source}: cross-validation, and train.py trains once; the study has the folds")
    if booked.network is None:
        raise UserError(f"{booked.place}: {booked.title}: its network could not be told, so there is no train.py")
    events, chain, network = _events(job), _chain(booked), _network(booked, booked.network)
    functions = {
        kind: [f"{kind}_{what}" for what in ("cut", "weight") if events[f"{what}s"] == len(_CLASSES)]
        for kind in _CLASSES
    }
    split = _split(job, functions)
    seeded = bool(network["seed"]) and booked.kind != booking.PYKERAS
    view = {
        **events,
        **chain,
        **network,
        "head": head(job, booked),
        "kind": booked.kind,
        "split": split,
        "shuffles": split.shuffles or seeded,
    }
    return filled("train.py.j2", view)


def filled(template: str, view: Mapping[str, Any]) -> str:
    """A script.

    Args:
        template: name of its template.
        view: what is filled in.
    """
    # Two blank lines at most, whatever was left out in between.
    return re.sub(r"\n{4,}", "\n\n\n", _environment().get_template(template).render(view))


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tmva_bench.migration", "templates"),
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(quoted=quoted, comment=_comment)
    return environment


def _comment(text: str) -> str:
    """A text of a source as part of a comment: one line, nothing that ends it."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _wrapped(text: str, indent: str = "") -> list[str]:
    """A text of a source as lines of a comment; options are parted at their colons and commas."""
    parts = re.findall(r"[^:,| ]*[:,| ]*", _comment(text))
    lines, room = [indent], WIDTH - 4
    for part in parts:
        if len(lines[-1]) + len(part.rstrip()) > room and lines[-1].strip():
            lines.append(indent)
        lines[-1] += part
    return [line.rstrip() for line in lines if line.strip()]


def head(job: Job, booked: Booked) -> list[str]:
    """Where the script comes from, as lines of a comment."""
    lines = _wrapped(f"Of {booked.place}: method {booked.type}, title {booked.title}, booked with")
    lines += _wrapped(booked.place.text or "nothing that is known", "    ")
    if booked.kind == booking.MLP:
        lines.append("kMLP draws its first weights flat from -2 to 2; here they are drawn as those of kDL.")
    for remark in booked.remarks:
        lines += [
            f"{'  ' if n else '- '}{line}" for n, line in enumerate(textwrap.wrap(_comment(remark.text), WIDTH - 4))
        ]
    return lines


class _Trees(NamedTuple):
    """Trees as a list of the script."""

    name: str
    comment: str
    lines: list[str]


def _events(job: Job) -> dict[str, Any]:
    """What the script reads: trees, variables, cuts and weights."""
    others = {one.event_class for one in job.inputs} | {one.event_class for one in (*job.weights, *job.cuts)}
    others -= {*_CLASSES, booking.BOTH}
    if others:
        raise UserError(f"{job.source}: a class {short(min(others))}; train.py is of signal and background")
    cut = next((one.cut for one in job.inputs if one.cut), "" if job.divided is None else job.divided.text)
    if cut:
        raise UserError(
            f"{job.source}: cut {short(cut)}: of some trees alone; train.py has one for a class, so write their "
            "selected events into trees of their own"
        )
    job = _of_own_trees(job)
    variables = of_variables(job)
    cuts = {kind: _cuts(job, kind) for kind in _CLASSES}
    weights = {kind: _weight(job, kind) for kind in _CLASSES}
    listed = [trees for kind in _CLASSES for trees in _trees(job, kind)]
    all_read = [expression for _, expression in variables]
    all_read += [expression for listed in cuts.values() for expression in listed]
    all_read += [expression for expression in weights.values() if expression]
    return {
        "listed": listed,
        "globs": any(re.search(r"[*?\[]", one.file) for one in job.inputs),
        **reading(variables, all_read),
        "functions": [*_functions("cut", cuts, _cut_lines), *_functions("weight", weights, _weight_lines)],
        "cuts": _different(cuts),
        "weights": _different(weights),
    }


def _of_own_trees(job: Job) -> Job:
    """The job of TMVA's output file, whose trees hold both classes, and the variables themselves.

    Raises:
        UserError: a variable that is computed, which they hold under a name of its own.
    """
    if not job.output or any(one.file != job.output for one in job.inputs):
        return job
    for one in job.variables:
        if _parsed(one.place, one.expression).root.kind != "name":
            raise UserError(
                f"{job.source}: TMVA's own trees have {short(one.expression)} under another name; migrate the macro, "
                "or the weight file alone"
            )
    here = booking.Place(job.source)
    cuts = [
        booking.Expression(kind, f"{sources.CLASS_BRANCH} == {sources.CLASS_NUMBERS[kind]}", here) for kind in _CLASSES
    ]
    return dataclasses.replace(
        job, cuts=(*job.cuts, *cuts), weights=(booking.Expression(booking.BOTH, "weight", here),)
    )


def of_variables(job: Job) -> list[tuple[str, Expression]]:
    """Names and expressions of the input variables.

    Raises:
        UserError: there are none, or one that cannot be read or is the same for all events.
    """
    if not job.variables:
        raise UserError(f"{job.source}: no input variable could be told, so there is no script")
    variables = [(one.name, _parsed(one.place, one.expression)) for one in job.variables]
    for name, expression in variables:
        if not expression.names:
            raise UserError(f"{job.source}: variable {short(name)} has no branch in it and is the same for all events")
    return variables


def reading(variables: Sequence[tuple[str, Expression]], all_read: Sequence[Expression]) -> dict[str, Any]:
    """What a template needs that reads branches and computes variables.

    Args:
        variables: see :func:`of_variables`.
        all_read: all expressions of the script.
    """
    lists = numpy_code.uses_lists(all_read)
    return {
        "lists": lists,
        "elements": any(node.kind == "element" for one in all_read for node in expressions.walk(one.root)),
        "leaves": any("." in name for one in all_read for name in one.names),
        "library": "" if lists else 'library="np"',
        "variables": _variable_lines(variables),
    }


def _parsed(place: booking.Place, text: str) -> Expression:
    try:
        return expressions.parse("expression", text.strip())
    except UserError as error:
        raise UserError(f"{place}: {error}") from None


def _cuts(job: Job, kind: str) -> list[Expression]:
    texts = [one for one in job.cuts if one.event_class in (kind, booking.BOTH)]
    return [_parsed(one.place, one.text) for one in texts if one.text.strip() not in ("", "1")]


def _weight(job: Job, kind: str) -> Expression | None:
    """The weight expression of a class; of several the last, as TMVA takes it."""
    texts = [one for one in job.weights if one.event_class in (kind, booking.BOTH)]
    if not texts or texts[-1].text.strip() in ("", "1", "1.0"):
        return None
    return _parsed(texts[-1].place, texts[-1].text)


def _different(by_class: Mapping[str, Any]) -> int:
    """How many functions there are: none, one for both classes, or one for each."""
    signal, background = by_class.values()
    return 0 if not signal and not background else 1 if _same(signal, background) else 2


def _same(signal: Any, background: Any) -> bool:
    texts = [[part.text for part in one] if isinstance(one, list) else one and one.text for one in (signal, background)]
    return bool(texts[0] == texts[1])


def _functions(
    what: str, by_class: Mapping[str, Any], lines: Callable[[Any, Names], list[str]]
) -> list[dict[str, Any]]:
    """The functions of a cut or a weight."""
    told = {"cut": "Which {}events pass.", "weight": "The weights of the {}events."}[what]
    number_of = _different(by_class)
    if not number_of:
        return []
    chosen = list(by_class)[:number_of]
    functions = []
    for kind in chosen:
        names = Names(_TAKEN)
        body = lines(by_class[kind], names)
        functions.append(
            {
                "name": what if number_of == 1 else f"{kind}_{what}",
                "told": told.format("" if number_of == 1 else f"{kind} "),
                "lines": [*_columns(names), *body],
            }
        )
    return functions


def _columns(names: Names) -> list[str]:
    """Lines that read the branches that have names."""
    return [f"    {name} = column(tree, {quoted(branch)})" for branch, name in names.of_branch.items()]


def _cut_lines(cuts: list[Expression], names: Names) -> list[str]:
    if not cuts:
        return ["    return np.ones(tree.num_entries, bool)"]
    keep = names.new("keep")
    lines: list[str] = []
    for cut in cuts:
        lines += [f"    # {line}" for line in _wrapped(cut.text)]
        lines += numpy_code.condition(keep, cut, names, again=cut is not cuts[0])
    of_branches = any(cut.names for cut in cuts)
    if of_branches and lines[-1].startswith(f"    {keep} = "):
        return [*lines[:-1], lines[-1].replace(f"{keep} =", "return", 1)]
    return [*lines, f"    return {keep if of_branches else f'np.full(tree.num_entries, {keep})'}"]


def _weight_lines(weight: Expression | None, names: Names) -> list[str]:
    if weight is None:
        return ["    return np.ones(tree.num_entries)"]
    if weight.root.kind == "name":
        return [f"    return column(tree, {quoted(weight.root.value)})"]
    lines = [f"    # {line}" for line in _wrapped(weight.text)]
    if not weight.names:
        value = names.new("value")
        lines += numpy_code.assigned(f"{value} =", weight, names)
        return [*lines, f"    return np.full(tree.num_entries, {value})"]
    weights = names.new("weights")
    return [*lines, *numpy_code.assigned(f"{weights} =", weight, names), f"    return np.asarray({weights})"]


def _variable_lines(variables: Sequence[tuple[str, Expression]]) -> dict[str, list[str]]:
    names = Names(_TAKEN)
    body: list[str] = []
    columns = []
    # Branches keep their names, whatever variables are called.
    for _, expression in variables:
        for branch in expression.names:
            names.branch(branch)
    for name, expression in variables:
        if expression.root.kind == "name":
            columns.append(names.branch(expression.root.value))
            continue
        label = expression.text if name == expression.text else f"{name} := {expression.text}"
        target = names.new(plain_name(name) if len(name) <= 24 else "variable")
        body += [f"    # {line}" for line in _wrapped(label)]
        body += numpy_code.assigned(f"{target} =", expression, names)
        columns.append(target)
    return {"lines": [*_columns(names), *body], "columns": columns}


def _uses(job: Job, kind: str) -> list[str]:
    """``both`` where a class is split, else ``training`` and ``test``."""
    uses = {one.use for one in job.inputs if one.event_class in (kind, booking.BOTH)}
    if uses <= {booking.BOTH}:
        return [booking.BOTH]
    if booking.BOTH in uses:
        raise UserError(
            f"{job.source}: trees of {kind} for training or test, and others that are split; train.py takes one of both"
        )
    if booking.TEST not in uses or booking.TRAINING not in uses:
        raise UserError(f"{job.source}: {kind} has trees for {min(uses)} alone; train.py needs both, or split ones")
    return [booking.TRAINING, booking.TEST]


def _trees(job: Job, kind: str) -> list[_Trees]:
    listed = []
    for use in _uses(job, kind):
        chosen = [one for one in job.inputs if one.event_class in (kind, booking.BOTH) and one.use == use]
        rows, unknown = [], not chosen
        for one in chosen:
            unknown = unknown or not one.file or not one.tree or math.isnan(one.weight)
            weight = 1.0 if math.isnan(one.weight) else float(one.weight)
            rows.append([quoted(one.file or f"{kind}.root"), quoted(one.tree or "tree"), number(weight)])
        told = "Not all of it could be told: put in your own." if unknown else ""
        name = kind.upper() if use == booking.BOTH else f"{kind.upper()}_{use.upper()}"
        rows = rows or [[quoted(f"{kind}.root"), quoted("tree"), "1.0"]]
        listed.append(_Trees(name, told, [line for row in rows for line in _call("", row, 4, ",")]))
    return listed


@dataclasses.dataclass(frozen=True)
class _Split:
    """How events are divided into training and test.

    Attributes:
        mode: ``SplitMode``.
        mix: ``MixMode``.
        norm: ``NormMode``.
        seed: ``SplitSeed``, None for another each time.
        splits: whether there is something to split.
        halves: whether a class asks for no numbers.
        rest_tests: whether one asks for training events alone.
        rest_trains: whether one asks for test events alone.
        both: whether one asks for both.
        shortens: whether events may be left over.
        shuffles: whether TMVA's shuffle is needed.
        lines: the code.
    """

    mode: str
    mix: str
    norm: str
    seed: int | None
    splits: bool
    halves: bool
    rest_tests: bool
    rest_trains: bool
    both: bool
    shortens: bool
    shuffles: bool
    lines: list[str]


def _split(job: Job, functions: Mapping[str, Sequence[str]]) -> _Split:
    options = {**_SPLIT, **{name.lower(): option.value for name, option in job.split.items()}}
    mode = _one_of(job, "SplitMode", options["splitmode"], _MODES)
    mix = options["mixmode"]
    mix = mode if mix.upper() == "SAMEASSPLITMODE" else _one_of(job, "MixMode", mix, _MODES)
    seed = _whole(job, "SplitSeed", options["splitseed"])
    asked = {
        kind: tuple(_whole(job, f"{name}_{kind}", options.get(f"{name.lower()}_{kind}", "0")) for name in _NUMBERS)
        for kind in _CLASSES
    }
    shares = {kind: _share(job, options.get(f"traintestsplit_{kind}", "0")) for kind in _CLASSES}
    split = {kind: _uses(job, kind) == [booking.BOTH] for kind in _CLASSES}
    pairs = [(asked[kind][0] or shares[kind], asked[kind][1] and not shares[kind]) for kind in _CLASSES if split[kind]]
    both = any(train and test for train, test in pairs)
    shortens = (both and mode != "Alternate") or any(
        shares[kind] or any(asked[kind]) for kind in _CLASSES if not split[kind]
    )
    return _Split(
        mode=mode,
        mix=mix,
        norm=_one_of(job, "NormMode", options["normmode"], _NORM_MODES),
        seed=seed or None,
        splits=any(split.values()),
        halves=any(not train and not test for train, test in pairs),
        rest_tests=any(train and not test for train, test in pairs),
        rest_trains=any(test and not train for train, test in pairs),
        both=both,
        shortens=shortens,
        shuffles=mix == "Random" or (mode == "Random" and (any(split.values()) or shortens)),
        lines=_split_lines(mode, asked, shares, split, functions),
    )


def _split_lines(
    mode: str,
    asked: Mapping[str, tuple[int, ...]],
    shares: Mapping[str, float],
    split: Mapping[str, bool],
    functions: Mapping[str, Sequence[str]],
) -> list[str]:
    """The events of each class, read and divided in the order in which TMVA draws its random numbers."""
    lines: list[str] = []
    for kind in _CLASSES:
        for half in [""] if split[kind] else ["_training", "_test"]:
            arguments = [f"{kind}{half}".upper(), *functions[kind]]
            lines += _call(f"{kind}{half.replace('ing', '')} = read", arguments)
    for kind in _CLASSES:
        if split[kind]:
            order = f"range(len({kind}[1]))"
            shuffled = f"shuffled({order}, numbers)" if mode == "Random" else f"np.arange(len({kind}[1]))"
            lines.append(f"{kind}_order = {shuffled}")
    for kind in _CLASSES:
        train, test = (str(number_of) for number_of in asked[kind])
        if shares[kind]:
            # TMVA holds the share in single precision.
            events = f"len({kind}[1])" if split[kind] else f"len({kind}_train[1]) + len({kind}_test[1])"
            lines += [f"n_{kind} = int(np.float32({shares[kind]!r}) * np.float32({events}))"]
            train, test = f"n_{kind}", "0"
        if split[kind]:
            lines += _call(f"{kind}_train, {kind}_test = split", [kind, f"{kind}_order", train, test])
            continue
        for half, number_of in (("train", train), ("test", test)):
            if number_of != "0":
                lines.append(f"{kind}_{half} = shortened({kind}_{half}, {number_of})")
    return lines


def _call(start: str, arguments: Sequence[str], indent: int = 0, end: str = "") -> list[str]:
    """A call in one line, or where that is too long with an argument a line."""
    line = f"{' ' * indent}{start}({', '.join(arguments)}){end}"
    if len(line) <= WIDTH:
        return [line]
    inner = [f"{' ' * (indent + 4)}{argument}," for argument in arguments]
    return [f"{' ' * indent}{start}(", *inner, f"{' ' * indent}){end}"]


def _one_of(job: Job, name: str, value: str, known: Mapping[str, str]) -> str:
    if value.upper() not in known:
        raise UserError(f"{job.source}: {name} = {short(value)}: TMVA knows {', '.join(known.values())}")
    return known[value.upper()]


def _whole(job: Job, name: str, value: str) -> int:
    if not re.fullmatch(r"\s*\d{1,10}(\.0*)?\s*", value):
        raise UserError(f"{job.source}: {name} = {short(value)}: not a whole number")
    return int(float(value))


def _share(job: Job, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise UserError(f"{job.source}: TrainTestSplit = {short(value)}: not a number") from None


def _chain(booked: Booked) -> dict[str, Any]:
    """The transformations, each prepared on the events of all classes or of one."""
    steps, letters = [], set()
    for name in booked.chain:
        letter, _, suffix = name.partition("_")
        if letter not in _PREPARED_BY or suffix not in ("", *tmva_weights.CLASSES):
            raise UserError(
                f"{booked.place}: VarTransform has {short(name)}; train.py takes {', '.join(_PREPARED_BY)} of all "
                "variables, and _Signal and _Background of them"
            )
        letters.add(letter)
        chosen = {"": "", "Signal": "[y_train == 1]", "Background": "[y_train == 0]"}[suffix]
        steps.append({"function": _PREPARED_BY[letter], "chosen": chosen})
    tables = bool(letters & {"U", "G"})
    notes = []
    if any(step["chosen"] for step in steps):
        notes = [
            "TMVA trains so, and tests with what is prepared on all classes, unless it is booked",
            "with !ModelPersistence; here it is the same in both.",
        ]
    return {
        "chain": list(booked.chain),
        "chain_notes": notes,
        "letters": letters,
        "tables": tables,
        "linear_too": tables and bool(letters & {"N", "D", "P"}),
        "linear": "linear(offset, matrix)" if tables else "offset, matrix",
        "steps": steps,
        "scored": ("z_train", "z_test") if tables else ("x_train", "x_test"),
    }


def _network(booked: Booked, network: Network) -> dict[str, Any]:
    """Network and training, of the template of the method's kind."""
    common = {
        "seed": network.seed,
        "keep_best": network.keep_best,
        "validation": _validation(booked, "0" if booked.kind == booking.MLP else network.validation),
        "sigmoid": booked.kind != booking.MLP or network.loss == "cross_entropy",
    }
    return {**common, **(_of_pykeras if booked.kind == booking.PYKERAS else _of_tmva)(booked, network)}


def _validation(booked: Booked, text: str) -> dict[str, str]:
    """The number of validation events (``MethodDL::GetNumValidationSamples``)."""
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]*)?%?", text):
        raise UserError(
            f"{booked.place}: ValidationSize = {short(text)}: not a share, a percentage or a number of events"
        )
    if text.endswith("%"):
        return {"text": text, "code": f"int(len(x_train) * ({float(text[:-1])!r} / 100))"}
    size = float(text)
    return {"text": text, "code": f"int(len(x_train) * {size!r})" if size < 1 else repr(int(size))}


def _of_tmva(booked: Booked, network: Network) -> dict[str, Any]:
    """A network as MethodDL, MethodDNN and MethodMLP have it, of dense layers."""
    if network.loss not in _LOSSES or any(layer.kind not in ("dense", _NORMALISED) for layer in network.layers):
        raise UserError(f"{booked.place}: {booked.title}: a network or a loss that TMVA's own do not have")
    if network.layers[-1].units != 1:
        raise UserError(
            f"{booked.place}: {booked.title}: the last layer has {network.layers[-1].units} units; a classification "
            "has one output"
        )
    phases = network.phases
    drops = any(any(phase.drop) for phase in phases)
    regularized = any(phase.regularization != "none" for phase in phases)
    repeats = any(phase.test_repetitions > 1 for phase in phases)
    after = {n: _AFTER[layer.activation] for n, layer in enumerate(network.layers) if layer.activation in _AFTER}
    after_told = "Activations of TMVA that no layer of Keras has, by the number of the layer."
    last = network.layers[-1].activation
    if last == "sigmoid" and network.loss == "cross_entropy":
        after[len(network.layers) - 1] = "lambda z: z + 0.0"
        after_told = "What follows a layer; the last keeps Keras from taking the sigmoid for the loss's own."
    arguments = ["phase"] if network.seed else []
    arguments += ["optimizer", "batch_size", "max_epochs"]
    arguments += ["convergence_steps"] if network.keep_best else []
    arguments += ["test_repetitions"] if repeats and network.keep_best else []
    arguments += ["regularizer"] if regularized else []
    arguments += ["drop"] if drops else []
    code, told = _LOSSES[network.loss]
    return {
        "layers": [_dense(layer) for layer in network.layers],
        "normalised": any(layer.kind == _NORMALISED for layer in network.layers),
        "start": _start(network.initializer),
        "after": after,
        "after_told": after_told,
        "drops": drops,
        "regularized": regularized,
        "repeats": repeats,
        "loss": {"code": code, "told": told},
        "arguments": arguments,
        "phases": [_phase(phase, n + 1, arguments, network.layers) for n, phase in enumerate(phases)],
    }


def _dense(layer: Layer) -> list[str]:
    if layer.kind == _NORMALISED:
        return ["    keras.layers.BatchNormalization(epsilon=1e-4),"]
    activation = [] if layer.activation in ("linear", *_AFTER) else [f"activation={quoted(layer.activation)}"]
    return _call("keras.layers.Dense", [str(layer.units), *activation, "kernel_initializer=start()"], 4, ",")


def _start(initializer: str) -> dict[str, Any]:
    """The function that gives each layer its initializer."""
    wanted = mapping.initializer(config.Point(initializer=initializer))
    arguments = [f"{name}={_literal(value)}" for name, value in wanted.arguments.items()]
    lines = _call(f"return keras.initializers.{wanted.name}", arguments, 4)
    return {"told": _STARTS[initializer], "lines": [line[4:] for line in lines]}


def _literal(value: Any) -> str:
    return quoted(value) if isinstance(value, str) else number(value)


def _optimizer(phase: Phase, *, constants: bool) -> list[str]:
    """An optimizer as lines of an argument."""
    wanted = mapping.optimizer(phase)
    kept = {"learning_rate", "momentum"} if not constants else set(wanted.arguments)
    arguments = [f"{name}={_literal(value)}" for name, value in wanted.arguments.items() if name in kept]
    return _call(f"optimizer=keras.optimizers.{wanted.name}", arguments, 4, ",")


def _phase(phase: Phase, number_of: int, arguments: Sequence[str], layers: Sequence[Layer]) -> list[str]:
    """The arguments of a phase, a line each."""
    repetitions = phase.test_repetitions
    shares = [*phase.drop, *[0.0] * len(layers)]
    drop = [share if layer.kind == "dense" else 0.0 for share, layer in zip(shares, layers, strict=False)]
    regularizer = {"none": "None", "l1": "keras.regularizers.L1", "l2": "keras.regularizers.L2"}[phase.regularization]
    decay = f"({phase.weight_decay!r})" if phase.regularization != "none" else ""
    lines = {
        "phase": [f"    phase={number_of},"],
        "optimizer": _optimizer(phase, constants=True),
        "batch_size": [f"    batch_size={phase.batch_size},  # BatchSize"],
        "max_epochs": [f"    max_epochs={-(-phase.max_epochs // repetitions) * repetitions},  # MaxEpochs"],
        "convergence_steps": [f"    convergence_steps={phase.convergence_steps},  # ConvergenceSteps"],
        "test_repetitions": [f"    test_repetitions={repetitions},  # TestRepetitions"],
        "regularizer": [f"    regularizer={regularizer}{decay},  # Regularization, WeightDecay"],
        "drop": [*_list("drop", [repr(share) for share in drop])],
    }
    return [line for name in arguments for line in lines[name]]


def _list(name: str, items: Sequence[str]) -> list[str]:
    line = f"    {name}=[{', '.join(items)}],  # DropConfig"
    if len(line) <= WIDTH:
        return [line]
    return [f"    {name}=[  # DropConfig", *(f"        {item}," for item in items), "    ],"]


def _of_pykeras(booked: Booked, network: Network) -> dict[str, Any]:
    """A network that PyKeras is given, with all that Keras has."""
    (phase,) = network.phases
    if not network.loss:
        raise UserError(f"{booked.place}: {booked.title}: the loss of its model could not be told")
    if network.layers[-1].units != len(_CLASSES):
        raise UserError(f"{booked.place}: {booked.title}: MethodPyKeras needs a model of two outputs, signal first")
    loss = {"cross_entropy": "categorical_crossentropy", "sum_of_squares": "mean_squared_error"}
    optimizer = " ".join(line.strip() for line in _optimizer(phase, constants=False)).rstrip(",")
    compiled = _call("network.compile", [optimizer, f"loss={quoted(loss.get(network.loss, network.loss))}"])
    return {
        "model_file": booked.model_file,
        "layers": [_keras_layer(booked, layer) for layer in network.layers],
        "compiled": compiled,
        "patience": phase.convergence_steps + 1,
        "stops": phase.convergence_steps < phase.max_epochs,
        "batch_size": phase.batch_size,
        "max_epochs": phase.max_epochs,
    }


def _keras_layer(booked: Booked, layer: Layer) -> list[str]:
    if layer.kind == "dropout":
        return [f"        keras.layers.Dropout({layer.rate!r}),"]
    if layer.kind == _NORMALISED:
        return ["        keras.layers.BatchNormalization(),"]
    if layer.kind != "dense":
        raise UserError(f"{booked.place}: {booked.title}: a layer {short(layer.kind)}, which train.py cannot have")
    arguments = [str(layer.units)]
    if layer.activation != "linear":
        arguments.append(f"activation={quoted(layer.activation)}")
    if layer.initializer:
        arguments.append(f"kernel_initializer={quoted(layer.initializer)}")
    if layer.l1 or layer.l2:
        arguments.append(f"kernel_regularizer=keras.regularizers.L1L2(l1={layer.l1!r}, l2={layer.l2!r})")
    return _call("keras.layers.Dense", arguments, 8, ",")
