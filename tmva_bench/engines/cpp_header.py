"""A scoring function as a C++ header without dependencies, for ``g++`` and for cling."""

import re
from typing import Dict, List, Tuple

import numpy

from tmva_bench.engines import scoring
from tmva_bench.engines.scoring import Dense, Forest, Linear, Scoring, Step, Tables
from tmva_bench.events import transforms
from tmva_bench.events.expressions import Node

# Weights stand in rows of whole vectors of this many numbers.
_LANES = 16
# Events that pass through the network together, and the most numbers of them that lie on the stack.
_BLOCK, _STACK = 24, 1 << 16
# Rows and vectors of outputs that one pass over the inputs of a layer sums up in registers.
_TILES = ((6, (2, 1)), (2, (4, 1)), (1, (8, 4, 1)))
# Names that a namespace cannot have, of C++ and of the C library at the top.
_RESERVED = frozenset(
    [
        "alignas",
        "alignof",
        "and",
        "and_eq",
        "asm",
        "auto",
        "bitand",
        "bitor",
        "bool",
        "break",
        "case",
        "catch",
        "char",
        "char8_t",
        "char16_t",
        "char32_t",
        "class",
        "compl",
        "concept",
        "const",
        "const_cast",
        "consteval",
        "constexpr",
        "constinit",
        "continue",
        "co_await",
        "co_return",
        "co_yield",
        "decltype",
        "default",
        "delete",
        "do",
        "double",
        "dynamic_cast",
        "else",
        "enum",
        "explicit",
        "export",
        "extern",
        "false",
        "float",
        "for",
        "friend",
        "goto",
        "if",
        "inline",
        "int",
        "long",
        "mutable",
        "namespace",
        "new",
        "noexcept",
        "not",
        "not_eq",
        "nullptr",
        "operator",
        "or",
        "or_eq",
        "private",
        "protected",
        "public",
        "register",
        "reinterpret_cast",
        "requires",
        "return",
        "short",
        "signed",
        "sizeof",
        "static",
        "static_assert",
        "static_cast",
        "struct",
        "switch",
        "template",
        "this",
        "thread_local",
        "throw",
        "true",
        "try",
        "typedef",
        "typeid",
        "typename",
        "union",
        "unsigned",
        "using",
        "virtual",
        "void",
        "volatile",
        "wchar_t",
        "while",
        "xor",
        "xor_eq",
        "std",
        "main",
        "linux",
        "unix",
        "ROOT",
        "TMVA",
        "errno",
        "NULL",
        "abs",
        "acos",
        "acosh",
        "asin",
        "asinh",
        "atan",
        "atan2",
        "atanh",
        "cbrt",
        "ceil",
        "copysign",
        "cos",
        "cosh",
        "div",
        "erf",
        "erfc",
        "exit",
        "exp",
        "exp2",
        "expm1",
        "fabs",
        "fdim",
        "floor",
        "fma",
        "fmax",
        "fmin",
        "fmod",
        "frexp",
        "free",
        "gamma",
        "getenv",
        "hypot",
        "ilogb",
        "index",
        "j0",
        "j1",
        "jn",
        "labs",
        "ldexp",
        "lgamma",
        "log",
        "log10",
        "log1p",
        "log2",
        "logb",
        "lrint",
        "malloc",
        "memchr",
        "memcmp",
        "memcpy",
        "memmove",
        "memset",
        "modf",
        "nan",
        "nearbyint",
        "nextafter",
        "pow",
        "printf",
        "putenv",
        "rand",
        "random",
        "read",
        "realloc",
        "remainder",
        "remove",
        "remquo",
        "rename",
        "rindex",
        "rint",
        "round",
        "scalbn",
        "select",
        "signal",
        "signbit",
        "significand",
        "sin",
        "sinh",
        "sleep",
        "sqrt",
        "strcat",
        "strlen",
        "system",
        "tan",
        "tanh",
        "tgamma",
        "time",
        "trunc",
        "write",
        "y0",
        "y1",
        "yn",
    ]
)


def namespace(stem: str) -> str:
    """The namespace of a header: the file's stem as an identifier."""
    name = re.sub("_+", "_", re.sub("[^0-9A-Za-z_]", "_", stem)).strip("_") or "score"
    if name[0].isdigit():
        name = f"score_{name}"
    return f"{name}_" if name in _RESERVED else name


def text(scored: Scoring, stem: str, more: str = "") -> str:
    """The header.

    Args:
        scored: the scoring function.
        stem: that of the file's name.
        more: C++ at the end of the namespace.
    """
    name = namespace(stem)
    branches = scored.branches
    data, calls = [], []
    for number, step in enumerate(scored.steps):
        declared, call = _stage(number, step)
        data.append(declared)
        calls.append(call)
    widths = [len(scored.variables), *(layer.kernel.shape[1] for layer in scored.steps if isinstance(layer, Dense))]
    width = max(_padded(max(widths)), _LANES)
    rows = max(1, min(_BLOCK, _STACK // width))
    listed = "\n".join(f"//   {number}: {_comment(branch)}" for number, branch in enumerate(branches))
    computed = "\n".join(
        f"//   {_comment(one)} = {_comment(variable.text)}"
        for one, variable in zip(scored.names, scored.variables)
        if variable.root.kind != "name"
    )
    return _HEADER.format(
        name=name,
        guard=f"TMVA_BENCH_{name.upper()}",
        source=_comment(scored.source),
        listed=listed,
        computed=f"// of which it computes\n{computed}\n" if computed else "",
        branches=len(branches),
        names=", ".join(f'"{_quoted(branch)}"' for branch in branches),
        rows=rows,
        width=width,
        variables=_variables(scored),
        data="\n".join(data),
        calls="\n".join(f"   {call}" for call in calls),
        result=_OUTPUTS[scored.output].format(place=f"{'x' if len(calls) % 2 == 0 else 'y'}[row * kWidth]"),
        tiles="\n".join(_tile(r, c) for r, columns in _TILES for c in columns),
        layers=_layers(),
        quantile=_QUANTILE if any(isinstance(step, Tables) and step.normal for step in scored.steps) else "",
        table=_TABLE if any(isinstance(step, Tables) for step in scored.steps) else "",
        trees=_TREES if any(isinstance(step, Forest) for step in scored.steps) else "",
        activations="\n".join(_ACTIVATIONS[one] for one in _activations(scored)),
        more=more,
    )


def _activations(scored: Scoring) -> List[str]:
    used = {step.activation for step in scored.steps if isinstance(step, Dense)}
    return [name for name in _ACTIVATIONS if name in used or name == "linear"]


def _padded(width: int) -> int:
    return -(-width // _LANES) * _LANES


def _stage(number: int, step: Step) -> Tuple[str, str]:
    """The numbers of a step, and its call; it takes x where it is even and leaves y."""
    source, target = ("x", "y") if number % 2 == 0 else ("y", "x")
    if isinstance(step, Dense):
        return _dense(number, step, source, target)
    if isinstance(step, Linear):
        return _linear(number, step, source, target)
    if isinstance(step, Forest):
        return _forest(number, step, source, target)
    return _tables(number, step, source, target)


def _dense(number: int, layer: Dense, source: str, target: str) -> Tuple[str, str]:
    inputs, outputs = layer.kernel.shape
    activation = _NAMES[layer.activation]
    if outputs == 1:
        kernel = numpy.zeros((_padded(inputs), 1))
        kernel[:inputs] = layer.kernel
        padded = len(kernel)
        call = f"Single<Vector, {activation}, {padded}>({source}, rows, weights{number}, biases{number}[0], {target});"
        biases = layer.biases
    else:
        padded = _padded(outputs)
        kernel, biases = numpy.zeros((inputs, padded)), numpy.zeros(padded)
        kernel[:, :outputs], biases[:outputs] = layer.kernel, layer.biases
        kind = f"Layer<Vector, {activation}, {inputs}, {padded}>"
        call = f"{kind}({source}, rows, weights{number}, biases{number}, {target});"
    return f"{_floats(f'weights{number}', kernel)}\n{_floats(f'biases{number}', biases)}", call


def _linear(number: int, step: Linear, source: str, target: str) -> Tuple[str, str]:
    scale = step.scale
    numbers = step.matrix if scale is None else scale
    kind, sizes = ("Linear", "{}, {}".format(*step.matrix.shape)) if scale is None else ("Scaled", str(len(scale)))
    data = f"{_doubles(f'offset{number}', step.offset)}\n{_doubles(f'matrix{number}', numbers)}"
    return data, f"{kind}<{sizes}>({source}, rows, offset{number}, matrix{number}, {target});"


def _tables(number: int, step: Tables, source: str, target: str) -> Tuple[str, str]:
    data, lines = [], []
    for variable, table in enumerate(step.cumulative):
        value = f"{source}[row * kWidth + {variable}]"
        if table is not None:
            data.append(_floats(f"table{number}_{variable}", table.table))
            bins = f"{_double(table.low)}, {_double(table.width)}, table{number}_{variable}, {len(table.table)}"
            share = f"Share({value}, {bins})"
            value = f"static_cast<float>({f'Quantile({share})' if step.normal else share})"
        lines.append(f"      {target}[row * kWidth + {variable}] = {value};")
    body = "\n".join(lines)
    return "\n".join(data), f"for (int row = 0; row < rows; ++row) {{\n{body}\n   }}"


def _forest(number: int, step: Forest, source: str, target: str) -> Tuple[str, str]:
    trees = step.ensemble.trees
    roots = numpy.cumsum([0, *(len(tree.feature) for tree in trees)])[:-1]
    nodes = [
        numpy.stack([tree.feature, tree.left + root, tree.right + root], axis=1) for tree, root in zip(trees, roots)
    ]
    numbers = [numpy.where(tree.feature < 0, tree.value, tree.threshold) for tree in trees]
    data = [
        _array("int", f"roots{number}", [str(root) for root in roots]),
        _array("int", f"nodes{number}", [str(one) for one in numpy.concatenate(nodes).ravel()]),
        _floats(f"numbers{number}", numpy.concatenate(numbers)),
    ]
    start = _double(step.ensemble.baseline)
    call = f"Trees({source}, rows, roots{number}, {len(trees)}, nodes{number}, numbers{number}, {start}, {target});"
    return "\n".join(data), call


def _floats(name: str, values: numpy.ndarray) -> str:
    return _array("float", name, [_float(value) for value in numpy.asarray(values).ravel()])


def _doubles(name: str, values: numpy.ndarray) -> str:
    return _array("double", name, [_double(value) for value in numpy.asarray(values).ravel()])


def _array(kind: str, name: str, numbers: List[str]) -> str:
    lines = [", ".join(numbers[start : start + 8]) for start in range(0, len(numbers), 8)]
    body = ",\n   ".join(lines)
    return f"alignas(64) static const {kind} {name}[] = {{\n   {body}}};"


def _float(value: float) -> str:
    text = f"{numpy.float32(value):.9g}"
    return f"{text}f" if "." in text or "e" in text else f"{text}.f"


def _double(value: float) -> str:
    text = f"{float(value):.17g}"
    return text if "." in text or "e" in text else f"{text}."


def _comment(text: str) -> str:
    """A text in a line of comment, which a backslash at its end would go on with."""
    return "".join(letter if letter.isprintable() else "?" for letter in text).rstrip("\\")


def _quoted(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text).replace("\\", "\\\\").replace('"', '\\"')


def _variables(scored: Scoring) -> str:
    """The lines that compute the variables of a row of branches."""
    places = {branch: number for number, branch in enumerate(scored.branches)}
    lines = []
    for number, variable in enumerate(scored.variables):
        if variable.root.kind == "name":
            lines.append(f"   x[{number}] = branches[{places[variable.root.value]}];")
            continue
        lines.append("   {")
        last = 0
        for last, node, operands in scoring.operations(variable):
            value = _operation(node, [f"t{operand}" for operand in operands], places)
            lines.append(f"      const double t{last} = {value};")
        lines.append(f"      x[{number}] = static_cast<float>(t{last});\n   }}")
    return "\n".join(lines)


def _operation(node: Node, parts: List[str], places: Dict[str, int]) -> str:
    if node.kind == "number":
        return _double(float(node.value))
    if node.kind == "name":
        return f"branches[{places[node.value]}]"
    if node.kind == "choice" or node.value == "where":
        return "{} != 0 ? {} : {}".format(*parts)
    if node.kind == "call":
        return _call(node.value, parts)
    if node.kind in _TRUTHS:
        return f"{_TRUTHS[node.kind].format(*parts)} ? 1. : 0."
    if node.kind in ("**", "%"):
        return f"std::{ {'**': 'pow', '%': 'fmod'}[node.kind] }({', '.join(parts)})"
    return f"{node.kind}{parts[0]}" if len(parts) == 1 else f"{parts[0]} {node.kind} {parts[1]}"


_TRUTHS = {
    **{sign: f"({{}} {sign} {{}})" for sign in ("==", "!=", "<", "<=", ">", ">=")},
    **{sign: f"({{}} != 0 {sign[0] * 2} {{}} != 0)" for sign in ("&&", "||", "&", "|")},
    "!": "({} == 0)",
}


def _call(name: str, parts: List[str]) -> str:
    if name in ("min", "max"):
        value = parts[0]
        for part in parts[1:]:
            sign = "<" if name == "min" else ">"
            # NaN where one is, as numpy has it.
            value = f"({value} {sign} {part} || {value} != {value} ? {value} : {part})"
        return value
    if name in ("isnan", "isfinite"):
        return f"std::{name}({parts[0]}) ? 1. : 0."
    return f"std::{ {'abs': 'fabs'}.get(name, name) }({', '.join(parts)})"


def _tile(rows: int, columns: int) -> str:
    """Sums of some rows and vectors of outputs, each by name, so that every compiler keeps them in registers."""
    every = [(r, c) for r in range(rows) for c in range(columns)]
    lanes = "kLanes"
    start = "\n".join(f"   V s{r}_{c}; Load(s{r}_{c}, biases + {c} * {lanes});" for r, c in every)
    weights = "\n".join(f"      V w{c}; Load(w{c}, weights + {c} * {lanes});" for c in range(columns))
    sums = "\n".join(
        f"      {{ const float value = x[{r} * kWidth + k];"
        + "".join(f" s{r}_{c} += value * w{c};" for c in range(columns))
        + " }"
        for r in range(rows)
    )
    ends = "\n".join(f"   A::Apply(s{r}_{c}); Store(y + {r} * kWidth + {c} * {lanes}, s{r}_{c});" for r, c in every)
    return f"""template <typename V, typename A, int inputs, int outputs>
TMVA_BENCH_INLINE void Tile{rows}x{columns}(const float *x, const float *weights, const float *biases, float *y)
{{
   constexpr int kLanes = sizeof(V) / sizeof(float);
{start}
   for (int k = 0; k < inputs; ++k, weights += outputs) {{
{weights}
{sums}
   }}
{ends}
}}
"""


def _layers() -> str:
    """The loop over the tiles of a layer: the weights of some outputs stay in the cache for all rows."""
    parts = []
    for rows, columns in _TILES:
        inner = "\n".join(
            f"         for (; column + {c} <= vectors; column += {c})\n"
            f"            Tile{rows}x{c}<V, A, inputs, outputs>(x + row * kWidth, weights + column * lanes, "
            f"biases + column * lanes, y + row * kWidth + column * lanes);"
            for c in columns
        )
        parts.append(f"   for (; row + {rows} <= rows; row += {rows}) {{\n         int column = 0;\n{inner}\n   }}")
    return "\n".join(parts)


_OUTPUTS = {
    "linear": "{place}",
    "sigmoid": "static_cast<float>(1 / (1 + std::exp(-static_cast<double>({place}))))",
    "tanh": "static_cast<float>(std::tanh(static_cast<double>({place})))",
}
_NAMES = {
    "linear": "Linear_",
    "relu": "Relu",
    "tanh": "Tanh",
    "sigmoid": "Sigmoid",
    "softsign": "SoftSign",
    "symmrelu": "SymmRelu",
    "gauss": "Gauss",
}
_BODIES = {
    "linear": "",
    "relu": "x = x < 0.f ? V{} : x;",
    "tanh": "x += x; Exp(x); x = 1.f - 2.f / (x + 1.f);",
    "sigmoid": "x = -x; Exp(x); x = 1.f / (x + 1.f);",
    "softsign": "x = x / (1.f + (x < 0.f ? -x : x));",
    "symmrelu": "x = x < 0.f ? -x : x;",
    "gauss": "x = -x * x; Exp(x);",
}
_ACTIVATIONS = {
    name: f"struct {_NAMES[name]} {{\n   template <typename V>\n"
    f"   static TMVA_BENCH_INLINE void Apply(V &{'x' if body else ''}) {{ {body} }}\n}};"
    for name, body in _BODIES.items()
}
# Wichura's algorithm AS 241, PPND16: the normal quantile to 16 digits.
_QUANTILE_NUMBERS: Dict[str, Tuple[List[float], List[float]]] = {
    "centre": (
        [2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
         13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608],
        [5226.495278852545925, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867,
         5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1.0],
    ),
    "middle": (
        [7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177, 1.27045825245236838258,
         3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734],
        [1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966, 0.14810397642748007459,
         0.68976733498510000455, 1.6763848301838038494, 2.05319162663775882187, 1.0],
    ),
    "tail": (
        [2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386, 0.026532189526576123093,
         0.29656057182850489123, 1.7848265399172913358, 5.4637849111641143699, 6.6579046435011037772],
        [2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5, 7.868691311456132591e-4,
         0.0148753612908506148525, 0.13692988092273580531, 0.59983220655588793769, 1.0],
    ),
}  # fmt: skip


def quantile_numbers() -> Dict[str, Tuple[List[float], List[float]]]:
    """Numerators and denominators of the normal quantile's rational functions, highest power first."""
    return _QUANTILE_NUMBERS


def _polynomial(numbers: List[float], variable: str) -> str:
    value = repr(numbers[0])
    for number in numbers[1:]:
        value = f"({value} * {variable} + {number!r})"
    return value


def _ratio(name: str) -> str:
    above, below = (_polynomial(numbers, "r") for numbers in _QUANTILE_NUMBERS[name])
    return f"{above}\n          / {below}"


_LEAST, _MOST = (1 - transforms.ERF_CLIP) / 2, (1 + transforms.ERF_CLIP) / 2
_QUANTILE = f"""// The normal quantile, algorithm AS 241 of M. J. Wichura, clipped as TMVA clips it.
inline double Quantile(double share)
{{
   share = share < {_LEAST!r} ? {_LEAST!r} : share > {_MOST!r} ? {_MOST!r} : share;
   const double q = share - 0.5;
   if (std::fabs(q) <= 0.425) {{
      const double r = 0.180625 - q * q;
      return q * {_ratio("centre")};
   }}
   const double root = std::sqrt(-std::log(q < 0 ? share : 1 - share));
   double size;
   if (root <= 5) {{
      const double r = root - 1.6;
      size = {_ratio("middle")};
   }} else {{
      const double r = root - 5;
      size = {_ratio("tail")};
   }}
   return q < 0 ? -size : size;
}}
"""
_TABLE = f"""// Straight lines between the entries of a table at the centres of equal bins, clipped.
inline double Share(double value, double low, double width, const float *table, int size)
{{
   const double place = (value - low) / width - 0.5;
   const int left = place > 0 ? (place < size - 2 ? static_cast<int>(place) : size - 2) : 0;
   const double share = table[left] + (static_cast<double>(table[left + 1]) - table[left]) * (place - left);
   const double least = {transforms.CLIP!r};
   return share < least ? least : share > 1 - least ? 1 - least : share;
}}
"""
_TREES = """// The sums of trees: a node of no variable is a leaf, whose number is its value.
inline void Trees(const float *x, int rows, const int *roots, int trees, const int *nodes, const float *numbers,
                  double start, float *y)
{
   for (int row = 0; row < rows; ++row, x += kWidth, y += kWidth) {
      double sum = start;
      for (int tree = 0; tree < trees; ++tree) {
         int at = roots[tree];
         while (nodes[3 * at] >= 0)
            at = nodes[3 * at + (x[nodes[3 * at]] > numbers[at] ? 2 : 1)];
         sum += numbers[at];
      }
      y[0] = static_cast<float>(sum);
   }
}

"""
_HEADER = """// The score of an event by what was trained, written by tmva_bench. Nothing else is needed; g++, cling.
//   #include "{name}.h"
//   const float score = {name}::score(branches);               // of one event
//   {name}::score(branches, events, scores);                   // of many, row by row
// Made of {source}
// It takes
{listed}
{computed}#ifndef {guard}
#define {guard}

#include <cmath>
#include <cstddef>
#include <cstring>

#ifdef __CLING__
#pragma cling optimize(3)
#elif defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpsabi" // vectors are passed between inlined functions alone
#endif
#ifndef TMVA_BENCH_INLINE
#define TMVA_BENCH_INLINE inline __attribute__((always_inline))
#if defined(__x86_64__) && !defined(__CLING__) && !defined(__AVX2__)
#define TMVA_BENCH_DISPATCH
#endif
#endif

namespace {name} {{

constexpr int kBranches = {branches};
static const char *const branchNames[] = {{{names}}};

namespace internal {{

constexpr int kRows = {rows}, kWidth = {width};

typedef float Vector4 __attribute__((vector_size(16)));
typedef float Vector8 __attribute__((vector_size(32)));
typedef float Vector16 __attribute__((vector_size(64)));
template <typename V> struct Kin;
template <> struct Kin<Vector4> {{
   typedef float Loose __attribute__((vector_size(16), aligned(4), may_alias));
   typedef int Whole __attribute__((vector_size(16)));
}};
template <> struct Kin<Vector8> {{
   typedef float Loose __attribute__((vector_size(32), aligned(4), may_alias));
   typedef int Whole __attribute__((vector_size(32)));
}};
template <> struct Kin<Vector16> {{
   typedef float Loose __attribute__((vector_size(64), aligned(4), may_alias));
   typedef int Whole __attribute__((vector_size(64)));
}};
#define TMVA_BENCH_LOOSE typename Kin<V>::Loose
// By reference: what passes vectors by value differs between targets.
template <typename V> TMVA_BENCH_INLINE void Load(V &to, const float *from)
{{
   to = *reinterpret_cast<const TMVA_BENCH_LOOSE *>(from);
}}
template <typename V> TMVA_BENCH_INLINE void Store(float *to, const V &value)
{{
   *reinterpret_cast<TMVA_BENCH_LOOSE *>(to) = value;
}}
#undef TMVA_BENCH_LOOSE

// The exponential to 2e-7, by powers of two and the polynomial of Cephes.
template <typename V> TMVA_BENCH_INLINE void Exp(V &x)
{{
   typedef typename Kin<V>::Whole Whole;
   x = x > 88.f ? V{{}} + 88.f : x;
   x = x < -87.f ? V{{}} - 87.f : x;
   // Of a positive number the whole part is the rounded one.
   const Whole whole = __builtin_convertvector(x * 1.44269504088896341f + 126.5f, Whole);
   const V power = __builtin_convertvector(whole, V) - 126.f;
   const V r = (x - power * 0.693359375f) + power * 2.12194440e-4f;
   V sum = V{{}} + 1.9875691500e-4f;
   sum = sum * r + 1.3981999507e-3f;
   sum = sum * r + 8.3334519073e-3f;
   sum = sum * r + 4.1665795894e-2f;
   sum = sum * r + 1.6666665459e-1f;
   sum = sum * r + 5.0000001201e-1f;
   sum = sum * r * r + r + 1.f;
   x = sum * (V)((whole + 1) << 23);
}}

{activations}

{tiles}
template <typename V, typename A, int inputs, int outputs>
TMVA_BENCH_INLINE void Layer(const float *x, int rows, const float *weights, const float *biases, float *y)
{{
   constexpr int lanes = sizeof(V) / sizeof(float), vectors = outputs / lanes;
   int row = 0;
{layers}
}}

template <typename V, typename A, int inputs>
TMVA_BENCH_INLINE void Single(const float *x, int rows, const float *weights, float bias, float *y)
{{
   constexpr int lanes = sizeof(V) / sizeof(float);
   for (int row = 0; row < rows; ++row, x += kWidth, y += kWidth) {{
      V sums = V{{}};
      for (int k = 0; k < inputs; k += lanes) {{
         V values, factors;
         Load(values, x + k);
         Load(factors, weights + k);
         sums += values * factors;
      }}
      float sum = bias;
      for (int lane = 0; lane < lanes; ++lane)
         sum += sums[lane];
      sums[0] = sum;
      A::Apply(sums);
      y[0] = sums[0];
   }}
}}

template <int size>
TMVA_BENCH_INLINE void Scaled(const float *x, int rows, const double *offset, const double *scale, float *y)
{{
   for (int row = 0; row < rows; ++row, x += kWidth, y += kWidth)
      for (int i = 0; i < size; ++i)
         y[i] = static_cast<float>((x[i] - offset[i]) * scale[i]);
}}

template <int inputs, int outputs>
TMVA_BENCH_INLINE void Linear(const float *x, int rows, const double *offset, const double *matrix, float *y)
{{
   for (int row = 0; row < rows; ++row, x += kWidth, y += kWidth)
      for (int i = 0; i < outputs; ++i) {{
         double sum = 0;
         for (int k = 0; k < inputs; ++k)
            sum += (x[k] - offset[k]) * matrix[k * outputs + i];
         y[i] = static_cast<float>(sum);
      }}
}}

{table}{quantile}{trees}{data}

inline void Variables(const float *branches, float *x)
{{
{variables}
}}

template <typename Vector> TMVA_BENCH_INLINE void Block(const float *branches, int rows, float *scores)
{{
   alignas(64) float x[kRows * kWidth], y[kRows * kWidth];
   // What no step writes is multiplied by zero, and must be a number.
   std::memset(x, 0, rows * kWidth * sizeof(float));
   std::memset(y, 0, rows * kWidth * sizeof(float));
   for (int row = 0; row < rows; ++row)
      Variables(branches + row * kBranches, x + row * kWidth);
{calls}
   for (int row = 0; row < rows; ++row)
      scores[row] = {result};
}}

#ifdef TMVA_BENCH_DISPATCH
__attribute__((target("avx2,fma"))) inline void Wide(const float *branches, int rows, float *scores)
{{
   Block<Vector8>(branches, rows, scores);
}}
#endif
#ifdef TMVA_BENCH_DISPATCH
__attribute__((target("avx512f"))) inline void Widest(const float *branches, int rows, float *scores)
{{
   Block<Vector16>(branches, rows, scores);
}}
#endif
#ifdef __AVX2__
typedef Vector8 Usual;
#else
typedef Vector4 Usual;
#endif
inline void Narrow(const float *branches, int rows, float *scores)
{{
   Block<Usual>(branches, rows, scores);
}}

}} // namespace internal

/// The scores of events, whose branches stand row by row.
inline void score(const float *branches, std::size_t events, float *scores)
{{
#ifdef TMVA_BENCH_DISPATCH
   static const bool wide = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
   static const bool widest = __builtin_cpu_supports("avx512f");
   const auto block = widest ? internal::Widest : wide ? internal::Wide : internal::Narrow;
#else
   const auto block = internal::Narrow;
#endif
   for (std::size_t start = 0; start < events; start += internal::kRows) {{
      const std::size_t left = events - start;
      const int rows = left < static_cast<std::size_t>(internal::kRows) ? static_cast<int>(left) : internal::kRows;
      block(branches + start * kBranches, rows, scores + start);
   }}
}}

/// The score of one event.
inline float score(const float *branches)
{{
   float value;
   score(branches, 1, &value);
   return value;
}}
{more}
}} // namespace {name}

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
#endif
"""
