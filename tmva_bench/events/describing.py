"""What a common input file holds, and what of it no method learns from or fails on."""

import math
from typing import Any, Dict, List, NamedTuple, Sequence

import numpy

from tmva_bench.errors import UserError
from tmva_bench.events import inputs, roc, transforms
from tmva_bench.events.correlations import correlations
from tmva_bench.events.inputs import InputFile

CLASSES = {"S": "signal", "B": "background"}
# Nearly all training events, and the share of the range that they lie in where N squeezes them into a corner.
_NEARLY_ALL, _CORNER = 0.98, 0.05
# A correlation so strong that one of two variables tells hardly anything beside the other.
_STRONG = 0.99
# The probability by chance above which two classes are told to be alike, and the most events that it is computed of.
_ALIKE, _MOST = 0.05, 200_000


class Tree(NamedTuple):
    """The events of one tree.

    Attributes:
        tree: its name.
        events: how many.
        sum_of_weights: of all weights.
        negative: how many have a negative weight.
        negative_share: the share that those have in the sum of the sizes of all weights.
        effective: as how many events of weight 1 they tell: sum(w)^2 / sum(w^2).
        repeated: of test events, how many are equal to a training event of their class in all variables.
    """

    tree: str
    events: int
    sum_of_weights: float
    negative: int
    negative_share: float
    effective: float
    repeated: int


class Variable(NamedTuple):
    """One input variable.

    Attributes:
        variable: its name.
        expression: how it was computed; its name where that is not known.
        low: the smallest value of all events.
        high: the largest.
        mean_signal: weighted mean of the training events.
        mean_background: likewise.
        spread_signal: their standard deviation, without weights.
        spread_background: likewise.
        area: ROC area of the training events by this variable alone, without weights.
        not_finite: how many values of all events are NaN or infinite.
    """

    variable: str
    expression: str
    low: float
    high: float
    mean_signal: float
    mean_background: float
    spread_signal: float
    spread_background: float
    area: float
    not_finite: int


class Description(NamedTuple):
    """What there is to tell of a common input file.

    Attributes:
        metadata: what it says of itself.
        trees: the four trees.
        variables: in the order of the branches.
        doubts: what is wrong or looks wrong with the variables, with the cure, a line each.
        refused: why no method may be given these events, "" where any may.
    """

    metadata: Dict[str, Any]
    trees: List[Tree]
    variables: List[Variable]
    doubts: List[str]
    refused: str


def describe(input_file: InputFile) -> Description:
    """What there is to tell.

    Args:
        input_file: of :func:`tmva_bench.events.inputs.read_unchecked`.
    """
    refused = ""
    try:
        inputs.check(input_file)
    except UserError as error:
        refused = str(error)
    trees = [_tree(input_file, tree) for tree in inputs.TREES]
    variables = [_variable(input_file, number) for number in range(len(input_file.variables))]
    return Description(input_file.metadata, trees, variables, _doubts(input_file, variables), refused)


def _tree(input_file: InputFile, tree: str) -> Tree:
    weights = input_file.weights[tree].astype(float)
    sizes, squares = float(numpy.abs(weights).sum()), float((weights * weights).sum())
    total = float(weights.sum())
    return Tree(
        tree,
        len(weights),
        total,
        int((weights < 0).sum()),
        float(numpy.abs(weights[weights < 0]).sum()) / sizes if sizes > 0 else math.nan,
        total * total / squares if squares > 0 else math.nan,
        _repeated(input_file, tree) if tree.startswith("Test") else 0,
    )


def _repeated(input_file: InputFile, tree: str) -> int:
    return inputs.repeated(*(inputs.row_numbers(input_file.events[one]) for one in (tree, f"Train{tree[-1]}")))


def _variable(input_file: InputFile, number: int) -> Variable:
    name = input_file.variables[number]
    every = numpy.concatenate([input_file.events[tree][:, number] for tree in inputs.TREES]).astype(float)
    finite = every[numpy.isfinite(every)]
    means: List[float] = []
    spreads: List[float] = []
    values: List[numpy.ndarray] = []
    for letter in CLASSES:
        column, weights = (one.astype(float) for one in _finite(input_file, f"Train{letter}", number))
        total = float(weights.sum())
        means.append(float((column * weights).sum()) / total if total > 0 else math.nan)
        spreads.append(float(column.std()) if len(column) else math.nan)
        values.append(column)
    area = roc.auc(*values) if all(map(len, values)) else math.nan
    return Variable(
        name,
        str(input_file.metadata.get("original_names", {}).get(name, name)),
        float(finite.min()) if len(finite) else math.nan,
        float(finite.max()) if len(finite) else math.nan,
        means[0],
        means[1],
        spreads[0],
        spreads[1],
        area,
        len(every) - len(finite),
    )


def _finite(input_file: InputFile, tree: str, number: int) -> List[numpy.ndarray]:
    column, weights = input_file.events[tree][:, number], input_file.weights[tree]
    kept = numpy.isfinite(column) & numpy.isfinite(weights)
    return [column[kept], weights[kept]]


def _doubts(input_file: InputFile, variables: Sequence[Variable]) -> List[str]:
    doubts = [
        f"{one.variable}: NaN or infinite in {one.not_finite} events; remove them with a cut, or give them a value"
        for one in variables
        if one.not_finite
    ]
    training = {letter: input_file.events[f"Train{letter}"].astype(float) for letter in CLASSES}
    both = numpy.concatenate(list(training.values()))
    both = both[numpy.isfinite(both).all(axis=1)]
    varying = []
    for number, one in enumerate(variables):
        column = both[:, number]
        if not len(column) or column.min() == column.max():
            doubts.append(f"{one.variable}: constant in training; leave it out")
            continue
        varying.append(number)
        doubts += _alike(input_file, one.variable, number) + _tails(one.variable, column)
    return doubts + _dependent(input_file, both, varying) + _correlated(input_file, varying)


def _alike(input_file: InputFile, name: str, number: int) -> List[str]:
    """Whether signal and background look the same in a variable."""
    values, weights = zip(*(_finite(input_file, f"Train{letter}", number) for letter in CLASSES))
    if len(values[0]) == len(values[1]) and numpy.array_equal(numpy.sort(values[0]), numpy.sort(values[1])):
        return [f"{name}: the same values in signal and background; leave it out, or look at where it comes from"]
    try:
        probability = roc.kolmogorov_probability(
            values[0][:_MOST], values[1][:_MOST], weights[0][:_MOST], weights[1][:_MOST]
        )
    except UserError:
        return []
    if not probability > _ALIKE:
        return []
    return [
        f"{name}: signal and background look alike (Kolmogorov probability {probability:.2g}); by itself it tells "
        "nothing of the class"
    ]


def _tails(name: str, column: numpy.ndarray) -> List[str]:
    """Whether N, which maps the range to -1 to 1, squeezes nearly all events into a corner."""
    low, high = numpy.quantile(column, [(1 - _NEARLY_ALL) / 2, (1 + _NEARLY_ALL) / 2])
    share = float(high - low) / float(column.max() - column.min())
    if share > _CORNER:
        return []
    cure = f"take log({name})" if column.min() > 0 else f"take a bounded function of it, e.g. atan({name})"
    return [
        f"{name}: {100 * _NEARLY_ALL:.0f} % of the events lie in {100 * share:.2g} % of its range, and N squeezes them "
        f"into a corner; {cure}, cut its tail, or put G or U before N in transformations"
    ]


def _dependent(input_file: InputFile, both: numpy.ndarray, varying: Sequence[int]) -> List[str]:
    """Variables that are sums of others."""
    if len(varying) < 2 or len(both) < 2:
        return []
    doubts: List[str] = []
    for group in transforms.dependent_groups(both[:, list(varying)], numpy.ones(len(both))):
        names = [input_file.variables[varying[one]] for one in group]
        what = "is a sum of others" if len(names) == 1 else "depend on each other as a sum of multiples"
        doubts.append(
            f"{', '.join(names)}: {what}, as a copy does; decorrelation (D) and principal components (P) fail on them: "
            f"leave {names[-1]} out, or use transformations = N"
        )
    return doubts


def _correlated(input_file: InputFile, varying: Sequence[int]) -> List[str]:
    """Pairs of variables that nearly tell the same, in both classes."""
    strongest = None
    for letter in CLASSES:
        events, weights = input_file.events[f"Train{letter}"][:, list(varying)], input_file.weights[f"Train{letter}"]
        kept = numpy.isfinite(events).all(axis=1) & numpy.isfinite(weights)
        if not kept.any() or not weights[kept].sum() > 0:
            return []
        with numpy.errstate(all="ignore"):
            sizes = numpy.abs(correlations(events[kept], weights[kept]))
        strongest = sizes if strongest is None else numpy.minimum(strongest, sizes)
    if strongest is None:
        return []
    pairs = [
        (float(strongest[i, j]), varying[i], varying[j])
        for i in range(len(varying))
        for j in range(i + 1, len(varying))
        if strongest[i, j] >= _STRONG
    ]
    return [
        f"{input_file.variables[i]}, {input_file.variables[j]}: correlation of size {size:.4f} in both classes; one of "
        "the two tells hardly anything beside the other"
        for size, i, j in sorted(pairs, reverse=True)
    ]
