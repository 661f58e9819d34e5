"""A whole scoring function, from branches to the score, as numbers: what exports are written from and checked against.

Pure functions without a learning library. Between two steps that are no layers values are float32, as TMVA's events
hold them; all else is computed in double precision here.
"""

from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy

from tmva_bench.engines import tmva_weights
from tmva_bench.engines.encoder import ACTIVATIONS, Encoder
from tmva_bench.engines.tmva_weights import OfSome, WeightFile
from tmva_bench.engines.trees import Ensemble
from tmva_bench.errors import UserError, short
from tmva_bench.events import expressions, transforms
from tmva_bench.events.expressions import Expression, Node
from tmva_bench.events.transforms import Transformation

# Functions of a list's elements, which a graph of one number a branch cannot hold.
_OF_LISTS = ("sum", "mean", "len", "any", "all")
TRUTHS = ("==", "!=", "<", "<=", ">", ">=", "&&", "||", "!", "&", "|")


class Linear(NamedTuple):
    """z = (x - offset) matrix: the transformations N, D and P, and what stands before an autoencoder.

    Attributes:
        offset: shape (variables,).
        matrix: shape (variables, outputs).
    """

    offset: numpy.ndarray
    matrix: numpy.ndarray

    @property
    def scale(self) -> Optional[numpy.ndarray]:
        """The diagonal of a matrix that is nothing else; None of any other."""
        diagonal = self.matrix.diagonal()
        return diagonal if numpy.array_equal(numpy.diag(diagonal), self.matrix) else None

    def __call__(self, values: numpy.ndarray) -> numpy.ndarray:
        """z, float32."""
        return _float32((values - self.offset) @ self.matrix)


class Tables(NamedTuple):
    """The transformations U and G: straight lines between the entries of a table, clipped; of G its normal quantile.

    Attributes:
        cumulative: for each variable its distribution; None where it stays as it is.
        normal: whether it is G.
    """

    cumulative: Tuple[Optional[transforms.Cumulative], ...]
    normal: bool

    def __call__(self, values: numpy.ndarray) -> numpy.ndarray:
        """The transformed values, float32."""
        changed = values.astype(float)
        for number, table in enumerate(self.cumulative):
            if table is not None:
                chosen = changed[:, number]
                share = table(chosen)
                changed[:, number] = transforms.quantile(share) if self.normal else share
        return _float32(changed)


class Dense(NamedTuple):
    """A dense layer.

    Attributes:
        kernel: weights, shape (inputs, outputs).
        biases: shape (outputs,).
        activation: one of :data:`tmva_bench.basis.config.ACTIVATIONS`.
    """

    kernel: numpy.ndarray
    biases: numpy.ndarray
    activation: str

    def __call__(self, values: numpy.ndarray) -> numpy.ndarray:
        """The outputs, float64."""
        return ACTIVATIONS[self.activation](values @ self.kernel + self.biases)


class Forest(NamedTuple):
    """Boosted trees, whose values add up.

    Attributes:
        ensemble: the trees, whose thresholds and values are float32.
    """

    ensemble: Ensemble

    def __call__(self, values: numpy.ndarray) -> numpy.ndarray:
        """The sums, float64."""
        return self.ensemble.total(values)[:, None]


Step = Union[Linear, Tables, Dense, Forest]


class Scoring(NamedTuple):
    """A scoring function.

    Attributes:
        names: of the variables that the first step takes, as TMVA or the input file names them.
        variables: their expressions.
        steps: what is done with them.
        output: what makes the score of the last step's single output: ``sigmoid``, ``linear`` or ``tanh``.
        source: what it was made of, one line.
        notes: what is to be known beside.
        file: the weight file of TMVA that its transformations are those of, if there is one.
    """

    names: List[str]
    variables: List[Expression]
    steps: List[Step]
    output: str
    source: str
    notes: Tuple[str, ...] = ()
    file: Optional[WeightFile] = None

    @property
    def branches(self) -> List[str]:
        """What the whole function takes, in this order: the branches that the expressions need, each once."""
        return list(dict.fromkeys(name for variable in self.variables for name in variable.names))

    @property
    def computes(self) -> bool:
        """Whether an expression is more than a branch."""
        return any(variable.root.kind != "name" for variable in self.variables)

    def of_variables(self) -> "Scoring":
        """The same with the variables themselves as its branches."""
        return self._replace(variables=[expressions.branch(name) for name in self.names])

    def inputs(self, branches: numpy.ndarray) -> numpy.ndarray:
        """The variables of events, float32.

        Args:
            branches: float32, shape (events, branches).
        """
        columns = {name: values.astype(float) for name, values in zip(self.branches, branches.T)}
        values = [
            numpy.broadcast_to(expressions.evaluate("variable", one, columns, len(branches)).values, len(branches))
            for one in self.variables
        ]
        return _float32(numpy.stack(values, axis=1))

    def evaluate(self, branches: numpy.ndarray) -> numpy.ndarray:
        """The scores, float64.

        Args:
            branches: float32, shape (events, branches).
        """
        values = self.inputs(branches)
        with numpy.errstate(all="ignore"):
            for step in self.steps:
                values = step(values)
            score = values[:, 0].astype(float)
            return ACTIVATIONS[self.output](score)


def of_weight_file(file: WeightFile) -> Scoring:
    """The scoring function of a weight file of TMVA's deep networks or of its BDT.

    Raises:
        UserError: no dense network or gradient boosting of a classification, or a damaged file.
    """
    if file.method == "BDT":
        return of_file(file, [*of_transformations(file), Forest(tmva_weights.forest(file))], "tanh")
    layers = [Dense(layer.weights.T, layer.biases, layer.activation) for layer in tmva_weights.classifier(file)]
    steps = [*of_transformations(file), *layers]
    return of_file(file, steps, tmva_weights.output_function(file))


def of_file(file: WeightFile, steps: List[Step], output: str) -> Scoring:
    """The scoring function of the variables of a weight file.

    Args:
        file: the weight file, of any method.
        steps: what is done with its variables.
        output: see :class:`Scoring`.
    """
    names = [variable.internal for variable in file.variables]
    texts = [variable.expression for variable in file.variables]
    variables, notes = _variables(names, texts)
    return _checked(Scoring(names, variables, steps, output, file.path, notes, file))


def of_inputs(names: Sequence[str], texts: Sequence[str], steps: List[Step], output: str, source: str) -> Scoring:
    """The scoring function of the variables of a common input file.

    Args:
        names: the variables.
        texts: their expressions.
        steps: what is done with them.
        output: see :class:`Scoring`.
        source: what it is made of.
    """
    variables, notes = _variables(names, texts)
    return _checked(Scoring(list(names), variables, steps, output, source, notes))


def of_layers(names: Sequence[str], chain: Sequence[Transformation], layers: Sequence[Step], source: str) -> Scoring:
    """The scoring function of a network of logits that this package trained.

    Args:
        names: the variables of its input file.
        chain: its transformations.
        layers: the network.
        source: what it is made of.
    """
    steps = [*(step_of(step, len(names)) for step in chain), *layers]
    return of_inputs(names, names, steps, "sigmoid", source)


def _variables(names: Sequence[str], texts: Sequence[str]) -> Tuple[List[Expression], Tuple[str, ...]]:
    """The expressions, or where one is of arrays the variables themselves, and what is to be known of that."""
    listed = []
    for name, text in zip(names, texts):
        try:
            parsed = expressions.parse("variable", text)
        except UserError:
            parsed = expressions.branch(text)
        if not holds(parsed):
            note = f"{name} = {short(text)} is of an array; it takes the variables themselves, computed"
            return [expressions.branch(one) for one in names], (note,)
        listed.append(parsed)
    return listed, ()


def holds(expression: Expression) -> bool:
    """Whether one floating-point number a branch is enough for an expression."""
    for node in expressions.walk(expression.root):
        of_list = node.kind == "call" and (
            node.value in _OF_LISTS or (node.value in ("min", "max") and len(node.parts) == 1)
        )
        bits = node.kind in ("<<", ">>") or (node.kind in ("&", "|") and not all(map(_is_truth, node.parts)))
        if of_list or bits or node.kind in ("element", "slice"):
            return False
    return bool(expression.names)


def _is_truth(node: Node) -> bool:
    return (node.kind in TRUTHS and not isinstance(node.value, str)) or isinstance(node.value, bool)


def operations(expression: Expression) -> Iterator[Tuple[int, Node, List[int]]]:
    """An expression as operations, each after those that it takes.

    Yields:
        Its number, what is done, and the numbers of its operands.
    """
    numbers: Dict[int, int] = {}
    for node in reversed(list(expressions.walk(expression.root))):
        numbers[id(node)] = len(numbers)
        yield numbers[id(node)], node, [numbers[id(part)] for part in node.parts]


def of_transformations(file: WeightFile) -> List[Step]:
    """The transformations in a weight file.

    Raises:
        UserError: an unknown one, or a damaged file.
    """
    return [step_of(step, len(file.variables)) for _, step in tmva_weights.transformations(file)]


def step_of(step: Transformation, variables: int) -> Step:
    """A transformation as numbers.

    Args:
        step: of :mod:`tmva_bench.events.transforms` or of a weight file.
        variables: how many there are.
    """
    chosen, inner = list(range(variables)), step
    if isinstance(step, OfSome):
        chosen, inner = step.chosen, step.step
    if isinstance(inner, (transforms.Flat, transforms.Normal)):
        flat = inner.uniform if isinstance(inner, transforms.Normal) else inner
        tables: List[Optional[transforms.Cumulative]] = [None] * variables
        for number, table in zip(chosen, flat.cumulative):
            tables[number] = table
        return Tables(tuple(tables), isinstance(inner, transforms.Normal))
    return _linear(*transforms.affine(step, variables))


def of_encoder(encoder: Encoder) -> List[Step]:
    """What encodes events in an autoencoder's variables."""
    end = encoder.specification.bottleneck + 1
    layers = zip(encoder.layers[:end], encoder.specification.activations)
    dense = [Dense(kernel.astype(float), bias.astype(float), activation) for (kernel, bias), activation in layers]
    return [_linear(encoder.matrix, encoder.shift), *dense]


def _linear(matrix: numpy.ndarray, shift: numpy.ndarray) -> Linear:
    """x matrix + shift."""
    if not shift.any():
        return Linear(numpy.zeros(len(matrix)), matrix)
    return Linear(numpy.linalg.solve(matrix.T, -shift), matrix)


def one_output(steps: Sequence[Step], source: str) -> Tuple[List[Step], str]:
    """Steps whose last has one unit, and what makes the score of it.

    Of two units the first is the signal, as MethodPyKeras has it: a softmax of two is the sigmoid of their difference.

    Args:
        steps: the last one a layer, which may have the activation ``softmax``.
        source: the file that they are of.

    Raises:
        UserError: more outputs.
    """
    *hidden, last = steps
    if not isinstance(last, Dense):
        raise UserError(f"{source}: the model does not end with a dense layer; give one whose last layer has the score")
    outputs = last.kernel.shape[1]
    if outputs == 2 and last.activation == "softmax":
        kernel = last.kernel[:, :1] - last.kernel[:, 1:]
        last = Dense(kernel, last.biases[:1] - last.biases[1:], "sigmoid")
        outputs = 1
    if outputs == 2:
        last = Dense(last.kernel[:, :1], last.biases[:1], last.activation)
        outputs = 1
    if outputs != 1 or last.activation == "softmax":
        number = f"{outputs} output{'' if outputs == 1 else 's'}{', by a softmax' * (last.activation == 'softmax')}"
        raise UserError(
            f"{source}: the network has {number}, and a score is one, or the first of two; give a network of signal "
            "and background"
        )
    output = "linear"
    if last.activation == "sigmoid":
        last, output = last._replace(activation="linear"), "sigmoid"
    # What PyKeras' fixed last layer has become.
    does_nothing = last.activation == "linear" and numpy.array_equal(last.kernel, [[1.0]]) and not last.biases.any()
    return (hidden if hidden and does_nothing else [*hidden, last]), output


def _checked(scoring: Scoring) -> Scoring:
    for step in scoring.steps:
        arrays: Sequence[Any] = step[:2] if isinstance(step, (Linear, Dense)) else ()
        if not all(numpy.isfinite(array).all() for array in arrays):
            raise UserError(f"{scoring.source}: its numbers are not all finite; nothing can be exported")
    return scoring


def drawn(scoring: Scoring, ranges: Sequence[Tuple[float, float]], events: int) -> numpy.ndarray:
    """Events over the ranges of the branches and somewhat beyond, float32, the same each time.

    Args:
        scoring: what takes them.
        ranges: smallest and largest value of each branch.
        events: how many.
    """
    low, high = numpy.array(ranges, float).reshape(len(scoring.branches), 2).T
    random = numpy.random.RandomState(1)
    return _float32(low + (high - low) * random.uniform(-0.1, 1.1, (events, len(low))))


def _float32(values: numpy.ndarray) -> numpy.ndarray:
    with numpy.errstate(over="ignore"):
        return values.astype(numpy.float32)


# A function of events, float32 of shape (events, branches), that gives their scores.
Scores = Callable[[numpy.ndarray], numpy.ndarray]
