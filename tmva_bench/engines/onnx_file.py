"""A scoring function as an ONNX file; where it can be, of operators that ROOT's SOFIE takes."""

from pathlib import Path
from typing import Any, Callable, Dict, List, Sequence

import numpy

from tmva_bench.engines import cpp_header, scoring
from tmva_bench.engines.scoring import Dense, Forest, Linear, Scoring, Tables
from tmva_bench.errors import UserError
from tmva_bench.events import transforms
from tmva_bench.events.expressions import Node
from tmva_bench.events.transforms import Cumulative

INPUT, OUTPUT = "variables", "score"
_OPSET, _IR = 13, 8
# Of trees.
_LEARNING, _LEARNING_OPSET = "ai.onnx.ml", 1
# SOFIE's RModel::Generate fixes the dimension of this name by its argument batchSize.
_BATCH = "batch_size"
# What RModelParser_ONNX registers in its constructor, of the operators used here: all from ROOT 6.36 on (pull request
# 17248 of December 2024); 6.34 lacks Abs, Sin, Cos and Where. Of the arithmetic it takes no double precision.
SOFIE = frozenset(
    [
        "Gemm",
        "Relu",
        "Tanh",
        "Sigmoid",
        "Add",
        "Sub",
        "Mul",
        "Div",
        "Pow",
        "Neg",
        "Abs",
        "Exp",
        "Log",
        "Sqrt",
        "Sin",
        "Cos",
        "Max",
        "Min",
        "Gather",
        "Concat",
        "Cast",
        "Identity",
        "Equal",
        "Less",
        "LessOrEqual",
        "Greater",
        "GreaterOrEqual",
        "Where",
    ]
)
CURE = "python -m pip install 'tmva-bench[onnx]'"


def write(scored: Scoring, path: Path) -> List[str]:
    """Writes the file.

    Returns:
        The operators in it that SOFIE does not take.

    Raises:
        UserError: no package ``onnx`` here.
    """
    try:
        import onnx
    except ImportError as error:
        raise UserError(f"onnx: the package is not here ({error}); {CURE}") from None
    graph = _Graph(onnx)
    value = graph.variables(scored)
    for step in scored.steps:
        if isinstance(step, Linear):
            value = graph.linear(step, value)
        elif isinstance(step, Tables):
            value = graph.tables(step, value)
        elif isinstance(step, Forest):
            value = graph.forest(step, value)
        else:
            value = graph.dense(step, value)
    if scored.output != "linear":
        value = graph.node(scored.output.capitalize(), value)
    graph.write(scored, value, path)
    return sorted({node.op_type for node in graph.nodes} - SOFIE)


def scores(path: Path) -> Callable[[numpy.ndarray], numpy.ndarray]:
    """What evaluates a file, by ONNX Runtime on one thread.

    Args:
        path: the file.

    Raises:
        UserError: no ONNX Runtime here.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise UserError(f"onnxruntime: the package is not here ({error}), which checks the file; {CURE}") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda events: numpy.asarray(session.run([OUTPUT], {INPUT: events})[0][:, 0])


class _Graph:
    """A graph that is built node by node; a value is the name of a tensor of shape (events, numbers)."""

    def __init__(self, onnx: Any) -> None:
        self._onnx = onnx
        self.nodes: List[Any] = []
        self._constants: List[Any] = []

    def node(self, kind: str, *values: str, **attributes: Any) -> str:
        name = f"value{len(self.nodes)}"
        self.nodes.append(self._onnx.helper.make_node(kind, list(values), [name], name=f"{kind}{name}", **attributes))
        return name

    def constant(self, values: Any, dtype: Any = numpy.float32) -> str:
        name = f"constant{len(self._constants)}"
        self._constants.append(self._onnx.numpy_helper.from_array(numpy.array(values, dtype), name))
        return name

    def cast(self, value: str, kind: str) -> str:
        return self.node("Cast", value, to=getattr(self._onnx.TensorProto, kind))

    def write(self, scored: Scoring, value: str, path: Path) -> None:
        if not self.nodes or value == INPUT:
            value = self.node("Identity", value)
        self.nodes[-1].output[0] = OUTPUT
        make, kind = self._onnx.helper, self._onnx.TensorProto.FLOAT
        graph = make.make_graph(
            self.nodes,
            "tmva_bench",
            [make.make_tensor_value_info(INPUT, kind, [_BATCH, len(scored.branches)])],
            [make.make_tensor_value_info(OUTPUT, kind, [_BATCH, 1])],
            self._constants,
        )
        model = make.make_model(
            graph,
            producer_name="tmva_bench",
            opset_imports=[
                make.make_opsetid(domain, {"": _OPSET, _LEARNING: _LEARNING_OPSET}[domain])
                for domain in sorted({"", *(node.domain for node in self.nodes)})
            ],
            ir_version=_IR,
        )
        make.set_model_props(model, {"branches": ",".join(scored.branches), "source": scored.source})
        self._onnx.checker.check_model(model, full_check=True)
        path.write_bytes(model.SerializeToString())

    def variables(self, scored: Scoring) -> str:
        places = {branch: number for number, branch in enumerate(scored.branches)}
        if not scored.computes:
            chosen = [places[variable.root.value] for variable in scored.variables]
            return INPUT if chosen == list(range(len(places))) else self.columns(INPUT, chosen)
        columns = []
        for variable in scored.variables:
            values: Dict[int, str] = {}
            for number, node, operands in scoring.operations(variable):
                values[number] = self.operation(node, [values[one] for one in operands], places)
            columns.append(values[max(values)])
        # A constant has one number for all events.
        return self.node("Concat", *columns, axis=1)

    def columns(self, value: str, chosen: Sequence[int]) -> str:
        return self.node("Gather", value, self.constant(chosen, numpy.int64), axis=1)

    def operation(self, node: Node, parts: List[str], places: Dict[str, int]) -> str:
        if node.kind == "name":
            return self.columns(INPUT, [places[node.value]])
        if node.kind == "number":
            return self.constant([[float(node.value)]])
        if node.kind == "choice" or node.value == "where":
            return self.node("Where", self.truth(parts[0]), *parts[1:])
        if node.kind == "call":
            return self.call(node.value, parts)
        if len(parts) == 1 and node.kind != "!":
            return self.node("Neg", parts[0]) if node.kind == "-" else parts[0]
        if node.kind in _ARITHMETIC:
            return self.node(_ARITHMETIC[node.kind], *parts)
        return self.truth_of(node, parts)

    def truth_of(self, node: Node, parts: List[str]) -> str:
        if node.kind in ("&&", "||", "&", "|"):
            sides = [self.truth(part) for part in parts]
            return self.cast(self.node("And" if node.kind[0] == "&" else "Or", *sides), "FLOAT")
        if node.kind == "!":
            return self.cast(self.node("Not", self.truth(parts[0])), "FLOAT")
        if node.kind in _COMPARISONS:
            return self.cast(self.node(_COMPARISONS[node.kind], *parts), "FLOAT")
        if node.kind == "!=":
            return self.cast(self.node("Not", self.node("Equal", *parts)), "FLOAT")
        return self.node("Mod", *parts, fmod=1)

    def truth(self, value: str) -> str:
        return self.node("Not", self.node("Equal", value, self.constant([[0.0]])))

    def call(self, name: str, parts: List[str]) -> str:
        if name in _COMPOSED:
            return _COMPOSED[name](self, *parts)
        if name in ("min", "max"):
            return self.node(name.capitalize(), *parts)
        if name in ("pow", "fmod"):
            return self.node("Pow", *parts) if name == "pow" else self.node("Mod", *parts, fmod=1)
        return self.node(name.capitalize(), *parts)

    def number(self, kind: str, value: str, number: float) -> str:
        return self.node(kind, value, self.constant([[number]]))

    def linear(self, step: Linear, value: str) -> str:
        # In two parts: what float32 does not hold of an offset is taken off, too.
        offset = step.offset.astype(numpy.float32)
        rest = step.offset - offset
        for part in (offset, rest):
            if part.astype(numpy.float32).any():
                value = self.node("Sub", value, self.constant([part]))
        if step.scale is not None:
            return self.node("Mul", value, self.constant([step.scale]))
        return self.node("Gemm", value, self.constant(step.matrix))

    def dense(self, layer: Dense, value: str) -> str:
        value = self.node("Gemm", value, self.constant(layer.kernel), self.constant(layer.biases))
        return _ACTIVATIONS[layer.activation](self, value)

    def forest(self, step: Forest, value: str) -> str:
        nodes: List[List[Any]] = []
        leaves: List[List[Any]] = []
        for number, tree in enumerate(step.ensemble.trees):
            for node, (feature, threshold, left, right, addend) in enumerate(zip(*tree)):
                if feature < 0:
                    leaves.append([number, node, float(addend)])
                mode = "LEAF" if feature < 0 else "BRANCH_GT"
                nodes.append([number, node, max(int(feature), 0), mode, float(threshold), int(right), int(left)])
        names = ("treeids", "nodeids", "featureids", "modes", "values", "truenodeids", "falsenodeids")
        trees, ids, addends = map(list, zip(*leaves))
        return self.node(
            "TreeEnsembleRegressor",
            value,
            domain=_LEARNING,
            **{f"nodes_{name}": list(column) for name, column in zip(names, zip(*nodes))},
            target_treeids=trees,
            target_nodeids=ids,
            target_ids=[0] * len(leaves),
            target_weights=addends,
            base_values=[step.ensemble.baseline],
            n_targets=1,
        )

    def tables(self, step: Tables, value: str) -> str:
        """In double precision: the places in a table are, and so is the normal quantile."""
        columns = []
        for number, table in enumerate(step.cumulative):
            column = self.columns(value, [number])
            if table is not None:
                share = self.share(table, self.cast(column, "DOUBLE"))
                column = self.cast(self.quantile(share) if step.normal else share, "FLOAT")
            columns.append(column)
        return self.node("Concat", *columns, axis=1)

    def exact(self, kind: str, value: str, number: float) -> str:
        return self.node(kind, value, self.constant([[number]], numpy.float64))

    def clipped(self, value: str, low: float, high: float) -> str:
        ends = (self.constant(end, numpy.float64) for end in (low, high))
        return self.node("Clip", value, *ends)

    def share(self, table: Cumulative, value: str) -> str:
        place = self.exact("Sub", self.exact("Div", self.exact("Sub", value, table.low), table.width), 0.5)
        # What is no number has no place; the score is none either way.
        there = self.node("Where", self.node("IsNaN", place), self.constant([[0.0]], numpy.float64), place)
        left = self.cast(self.clipped(there, 0, len(table.table) - 2), "INT64")
        low, step = (
            self.node("Gather", self.constant(values, numpy.float64), left, axis=0)
            for values in (table.table, numpy.diff(table.table))
        )
        beyond = self.node("Sub", place, self.cast(left, "DOUBLE"))
        return self.clipped(self.node("Add", low, self.node("Mul", step, beyond)), transforms.CLIP, 1 - transforms.CLIP)

    def quantile(self, share: str) -> str:
        ratios = cpp_header.quantile_numbers()
        share = self.clipped(share, (1 - transforms.ERF_CLIP) / 2, (1 + transforms.ERF_CLIP) / 2)
        q = self.exact("Sub", share, 0.5)
        inner = self.node("Neg", self.exact("Sub", self.node("Mul", q, q), 0.180625))
        centre = self.node("Mul", q, self.ratio(ratios["centre"], inner))
        other = self.node("Min", share, self.node("Neg", self.exact("Sub", share, 1.0)))
        root = self.node("Sqrt", self.node("Neg", self.node("Log", other)))
        middle, tail = (
            self.ratio(ratios[name], self.exact("Sub", root, start)) for name, start in (("middle", 1.6), ("tail", 5.0))
        )
        size = self.node("Where", self.exact("LessOrEqual", root, 5.0), middle, tail)
        signed = self.node("Where", self.exact("Less", q, 0.0), self.node("Neg", size), size)
        return self.node("Where", self.exact("LessOrEqual", self.node("Abs", q), 0.425), centre, signed)

    def ratio(self, numbers: Sequence[Sequence[float]], value: str) -> str:
        return self.node("Div", *(self.polynomial(one, value) for one in numbers))

    def polynomial(self, numbers: Sequence[float], value: str) -> str:
        total = self.exact("Mul", value, numbers[0])
        for number in numbers[1:-1]:
            total = self.node("Mul", self.exact("Add", total, number), value)
        return self.exact("Add", total, numbers[-1])


_ARITHMETIC = {"+": "Add", "-": "Sub", "*": "Mul", "/": "Div", "**": "Pow"}
_COMPARISONS = {"==": "Equal", "<": "Less", "<=": "LessOrEqual", ">": "Greater", ">=": "GreaterOrEqual"}


def _infinite(graph: _Graph, x: str) -> str:
    """Whether NaN or infinite, as a condition."""
    return graph.node("Or", graph.node("IsNaN", x), graph.node("IsInf", x))


def _atan2(graph: _Graph, y: str, x: str) -> str:
    """The angle, of Atan by quadrants."""
    quotient = graph.node("Atan", graph.node("Div", y, x))
    left = graph.number("Less", x, 0.0)
    below = graph.number("Less", y, 0.0)
    pi = graph.node("Where", below, graph.constant([[-numpy.pi]]), graph.constant([[numpy.pi]]))
    turned = graph.node("Where", left, graph.node("Add", quotient, pi), quotient)
    nothing = graph.node("And", graph.number("Equal", x, 0.0), graph.number("Equal", y, 0.0))
    return graph.node("Where", nothing, graph.constant([[0.0]]), turned)


_COMPOSED: Dict[str, Callable[..., str]] = {
    "log2": lambda graph, x: graph.number("Mul", graph.node("Log", x), 1 / numpy.log(2)),
    "log10": lambda graph, x: graph.number("Mul", graph.node("Log", x), 1 / numpy.log(10)),
    "log1p": lambda graph, x: graph.node("Log", graph.number("Add", x, 1.0)),
    "expm1": lambda graph, x: graph.number("Sub", graph.node("Exp", x), 1.0),
    "cbrt": lambda graph, x: graph.node("Mul", graph.node("Sign", x), graph.number("Pow", graph.node("Abs", x), 1 / 3)),
    "hypot": lambda graph, x, y: graph.node(
        "Sqrt", graph.node("Add", graph.node("Mul", x, x), graph.node("Mul", y, y))
    ),
    "isnan": lambda graph, x: graph.cast(graph.node("IsNaN", x), "FLOAT"),
    "isfinite": lambda graph, x: graph.cast(graph.node("Not", _infinite(graph, x)), "FLOAT"),
    "atan2": _atan2,
}
_ACTIVATIONS: Dict[str, Callable[[_Graph, str], str]] = {
    "linear": lambda graph, x: x,
    "relu": lambda graph, x: graph.node("Relu", x),
    "tanh": lambda graph, x: graph.node("Tanh", x),
    "sigmoid": lambda graph, x: graph.node("Sigmoid", x),
    "softsign": lambda graph, x: graph.node("Div", x, graph.number("Add", graph.node("Abs", x), 1.0)),
    "symmrelu": lambda graph, x: graph.node("Abs", x),
    "gauss": lambda graph, x: graph.node("Exp", graph.node("Neg", graph.node("Mul", x, x))),
}
