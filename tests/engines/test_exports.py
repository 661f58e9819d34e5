"""Scoring functions as numbers, and what is written of them, against TMVA's recorded scores and double precision."""

import itertools
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tmva_bench.engines import cpp_header, exports, keras_file, onnx_file, scoring, tmva_weight_file, tmva_weights
from tmva_bench.engines.scoring import Dense, Linear, Scoring
from tmva_bench.errors import UserError
from tmva_bench.events import expressions

RECORDINGS = Path(__file__).parents[1] / "data" / "recordings"
WEIGHTS = "dataset/weights/job_Method.weights.xml"
# One of each: activations, tables, chains, expressions, the sigmoid within the network.
CHOSEN = ("dnn-all-activations", "transform-G-D", "transform-U-P", "transform-N-P", "quiet-formula-variable")


def recorded(name):
    return scoring.of_weight_file(tmva_weights.parse(RECORDINGS / name / WEIGHTS))


def scores_of(name, variables):
    """Events of TMVA's test tree, and its scores."""
    columns = json.loads((RECORDINGS / name / "scores.json").read_text())
    return numpy.array([columns[variable] for variable in variables], numpy.float32).T, numpy.array(columns["Method"])


def events_of(scored, number=300):
    return scoring.drawn(scored, [(-2.5, 2.5)] * len(scored.branches), number)


def written(form, scored, folder, stem="mine"):
    asked = exports.Written(
        folder / f"export{exports.suffix(form, Path())}", scored, [(0, 1)] * len(scored.names), stem
    )
    exports.write(form, asked)
    return exports.scores(form, asked)


def network(widths, activations, seed=1, output="sigmoid"):
    draw = numpy.random.default_rng(seed)
    names = [f"x{number}" for number in range(widths[0])]
    layers = [
        Dense(draw.normal(size=pair) / math.sqrt(pair[0]), draw.normal(size=pair[1]), activation)
        for pair, activation in zip(itertools.pairwise(widths), activations, strict=True)
    ]
    return Scoring(names, [expressions.branch(name) for name in names], layers, output, "drawn")


@pytest.mark.parametrize("name", ["dnn-adam", "dnn-sum-of-squares", "quiet-sigmoid-last", "transform-D-G"])
def test_a_weight_file_gives_tmvas_own_scores(name):
    events, theirs = scores_of(name, (scored := recorded(name).of_variables()).names)
    assert scored.evaluate(events) == pytest.approx(theirs, abs=2e-6)


@pytest.mark.parametrize("name", CHOSEN)
def test_a_header_gives_the_scores_of_double_precision(tmp_path, name):
    scored = recorded(name)
    events = events_of(scored)
    compiled = written("header", scored, tmp_path)
    assert compiled(events) == pytest.approx(scored.evaluate(events), abs=2e-6)
    assert compiled.batches(events, 1) == pytest.approx(compiled(events), abs=1e-6)


@pytest.mark.parametrize("kind", ["Regression", "Multiclass", "Classification"])
@pytest.mark.parametrize("name", ["autoencoder-regression", "dnn-adam"])
def test_what_is_no_classification_has_no_score(name, kind):
    file = tmva_weights.parse(RECORDINGS / name / WEIGHTS)
    file.info["AnalysisType"] = kind
    outputs = {"autoencoder-regression": "4 outputs", "dnn-adam": "1 output"}[name]
    if (name, kind) == ("dnn-adam", "Classification"):
        assert scoring.of_weight_file(file).output == "sigmoid"
        return
    what = {"Regression": "a regression", "Multiclass": "a network of several classes"}.get(kind, "a network")
    with pytest.raises(UserError, match=f"xml: {what} of {outputs}, and .* give the weight file of a classification"):
        scoring.of_weight_file(file)


@pytest.mark.parametrize(
    ("outputs", "activation", "told"),
    [
        (4, "softmax", "4 outputs, by a softmax"),
        (4, "linear", "4 outputs,"),
        (3, "sigmoid", "3 outputs,"),
        (1, "softmax", "1 output, by a softmax"),
    ],
)
def test_a_model_of_other_outputs_than_a_score_is_refused(outputs, activation, told):
    last = Dense(numpy.ones((2, outputs)), numpy.zeros(outputs), activation)
    with pytest.raises(UserError, match=f"m.keras: the network has {told}.*; give a network of signal and background"):
        scoring.one_output([last], "m.keras")
    for two in ("softmax", "sigmoid", "linear"):
        steps, output = scoring.one_output([Dense(numpy.eye(2), numpy.zeros(2), two)], "m.keras")
        assert (steps[-1].kernel.shape, output) == ((2, 1), "linear" if two == "linear" else "sigmoid")


def test_a_header_is_the_same_without_the_machines_widest_vectors(tmp_path):
    scored = network([3, 19, 33, 1], ["tanh", "gauss", "linear"])
    (tmp_path / "mine.h").write_text(cpp_header.text(scored, "mine"))
    events = events_of(scored, 101)
    expected = pytest.approx(scored.evaluate(events), abs=2e-6)
    # Without vectors of the machine's, and in every size of a last block.
    for options in (
        [],
        ["-DTMVA_BENCH_INLINE=inline __attribute__((always_inline))"],
        ["-O0"],
        ["-O3", "-Wall", "-Wextra", "-Werror"],
    ):
        assert exports.compiled(tmp_path / "mine.h", "mine", *options)(events) == expected


def test_no_number_stays_none_and_one_event_spoils_no_other(tmp_path):
    scored = network([2, 5, 5, 1], ["relu", "tanh", "linear"])
    events = events_of(scored, 50)
    events[7, 1] = numpy.nan
    scores = written("header", scored, tmp_path)(events)
    assert numpy.isnan(scores[7]) and numpy.isfinite(numpy.delete(scores, 7)).all()
    assert exports.largest_difference(scores, scored.evaluate(events)) < 2e-6


@pytest.mark.parametrize("name", CHOSEN)
def test_onnx_gives_the_scores_of_double_precision(tmp_path, name):
    scored = recorded(name)
    events = events_of(scored)
    assert written("onnx", scored, tmp_path)(events) == pytest.approx(scored.evaluate(events), abs=5e-6)


def test_what_sofie_takes_is_told(tmp_path):
    assert onnx_file.write(recorded("transform-N-P"), tmp_path / "a.onnx") == []
    assert "Clip" in onnx_file.write(recorded("transform-U-P"), tmp_path / "b.onnx")


@pytest.mark.parametrize("name", CHOSEN)
def test_a_weight_file_is_read_back(tmp_path, name):
    scored = recorded(name)
    events = events_of(scored.of_variables())
    path = tmp_path / "export.weights.xml"
    tmva_weight_file.write_scoring(path, scored, [(0, 1)] * len(scored.names), "6.40.00")
    again = scoring.of_weight_file(tmva_weights.parse(path))
    assert [one.text for one in again.variables] == [one.text for one in scored.variables]
    assert again.of_variables().evaluate(events) == pytest.approx(scored.of_variables().evaluate(events), abs=1e-9)


def test_a_weight_file_holds_what_is_linear_within_a_network(tmp_path):
    turn = Linear(numpy.array([1.0, -2.0]), numpy.array([[0.5, 1.0], [0.25, -1.0]]))
    base = network([2, 2, 1], ["tanh", "linear"])
    scored = base._replace(steps=[turn, base.steps[0], turn, base.steps[1]])
    path = tmp_path / "export.weights.xml"
    tmva_weight_file.write_scoring(path, scored, [(0, 1)] * 2, "6.40.00")
    again = scoring.of_weight_file(tmva_weights.parse(path))
    assert again.evaluate(events_of(scored)) == pytest.approx(scored.evaluate(events_of(scored)), abs=1e-6)


def test_tables_that_are_not_tmvas_are_refused_as_a_weight_file(tmp_path):
    scored = recorded("transform-U-P")._replace(file=None)
    with pytest.raises(UserError, match="transformation U"):
        tmva_weight_file.write_scoring(tmp_path / "a.xml", scored, [(0, 1)] * 4, "6.40.00")


@pytest.mark.parametrize("name", ["pykeras-seed-preset", "pykeras-one-logit", "pykeras-early-stop"])
def test_a_model_of_keras_is_read_without_keras(name):
    steps, output = scoring.one_output(keras_file.read(RECORDINGS / name / "trained.h5"), name)
    file = tmva_weights.parse(RECORDINGS / name / WEIGHTS)
    scored = scoring.of_file(file, [*scoring.of_transformations(file), *steps], output)
    events, theirs = scores_of(name, scored.names)
    assert scored.evaluate(events) == pytest.approx(theirs, abs=2e-6)


EXPRESSIONS = (
    "a + b*c - 1/2", "sqrt(abs(a)) + cbrt(b)", "a > 0 && b < 1 ? c : -c", "hypot(a, b) % 3", "min(a, b, c) - max(a, 0)",
    "atan2(a, b) * exp(-c*c)", "!(a > b) | (c == 0)", "log(1 + a**2)^2", "where(a >= b, floor(c), ceil(c))",
    "isfinite(log(a)) + isnan(sqrt(b))", "log1p(abs(a)) + expm1(b) + log10(abs(c)) + log2(abs(a))",
    "+".join(["a"] * 900),
)  # fmt: skip


def test_expressions_are_computed_in_header_and_onnx(tmp_path):
    parsed = [expressions.parse("variable", text) for text in EXPRESSIONS]
    assert all(map(scoring.holds, parsed))
    base = network([len(parsed), 4, 1], ["tanh", "linear"])
    scored = base._replace(variables=parsed)
    events = scoring.drawn(scored, [(-2, 2)] * 3, 400)
    expected = scored.evaluate(events)
    assert exports.largest_difference(written("header", scored, tmp_path)(events), expected) < 2e-6
    ours = written("onnx", scored, tmp_path)(events)
    assert exports.largest_difference(ours, expected) < 1e-4  # float32


@pytest.mark.parametrize("text", ["x[0]", "sum(x)", "min(x)", "len(x)", "a << 2", "a & 3", "1 + 2"])
def test_what_is_no_number_a_branch_takes_the_variables_themselves(text):
    scored = scoring.of_inputs(["v", "w"], [text, "b*2"], [], "linear", "drawn")
    assert scored.branches == ["v", "w"] and len(scored.notes) == 1


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=12))
def test_every_stem_gives_a_namespace(stem):
    name = cpp_header.namespace(stem)
    assert name.isidentifier() and name.isascii() and "__" not in name and name not in cpp_header._RESERVED


@pytest.mark.parametrize(
    ("layers", "told"),
    [
        ([{"class_name": "Lambda", "config": {"name": "l"}}], "'Lambda'"),
        ([{"class_name": "Dense", "config": {"name": "d", "activation": "gelu"}}], "gelu"),
    ],
)
def test_layers_that_are_not_known_are_refused(layers, told):
    kernel = [numpy.ones((2, 1)), numpy.zeros(1)]
    with pytest.raises(UserError, match=told):
        keras_file._steps(Path("m.keras"), layers, lambda layer: kernel)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # TensorFlow's
def test_every_recorded_weight_file_in_every_format(tmp_path):
    """Prints the largest difference of each from double precision; refusals are of tables and of other methods."""
    keras = pytest.importorskip("keras")
    folders = [path for path in sorted(RECORDINGS.iterdir()) if (path / WEIGHTS).is_file()]
    deep = [path.name for path in folders if tmva_weights.header(path / WEIGHTS).method in tmva_weights.DEEP]
    assert len(deep) > 40
    for number, name in enumerate(deep):
        try:
            scored = recorded(name)
        except UserError as error:
            print(f"{name}: {error}")  # noqa: T201
            assert name == "autoencoder-regression"
            continue
        tables = any(isinstance(step, scoring.Tables) for step in scored.steps)
        differences = []
        for form in exports.FORMATS:
            taken = scored if form in (*exports.WITH_EXPRESSIONS, "tmva") else scored.of_variables()
            if form == "keras" and (tables or not hasattr(keras, "ops")):
                differences.append("refused")
                continue
            (folder := tmp_path / f"{number}{form}").mkdir()  # cling reads a file once
            evaluate = written(form, taken, folder, f"r{number}{form}")
            taken = taken.of_variables() if form == "tmva" else taken
            events = events_of(taken, 1000)
            difference = exports.largest_difference(evaluate(events), taken.evaluate(events))
            differences.append(f"{difference:.1e}")
            assert difference < 1e-5
        print(f"{name:40s} {' '.join(f'{one:>8s}' for one in differences)}")  # noqa: T201


# Hides TensorFlow as if it were not installed; scores of a network behind the transformation N.
WITHOUT_TENSORFLOW = """
import importlib.machinery, sys
from pathlib import Path
finder = importlib.machinery.PathFinder
original = finder.find_spec
def find(cls, name, path=None, target=None):
    return None if name.partition(".")[0] == "tensorflow" else original(name, path, target)
finder.find_spec = classmethod(find)

import numpy
from tmva_bench.engines import exports, keras_training, scoring

keras_training.load(sys.argv[1])
steps = [
    scoring.Linear(numpy.array([1.0, 2.0]), numpy.diag([0.5, 2.0])),
    scoring.Dense(numpy.ones((2, 1)), numpy.zeros(1), "linear"),
]
scored = scoring.of_inputs(["a", "b"], ["a", "b"], steps, "sigmoid", "made up")
written = exports.Written(Path("out.keras"), scored, [(0, 1), (0, 1)], "out")
exports.write("keras", written)
events = numpy.array([[1, 2], [3, 1]], numpy.float32)
print(exports.largest_difference(exports.scores("keras", written)(events), scored.evaluate(events)))
"""


@pytest.mark.parametrize("backend", ["jax", pytest.param("torch", marks=pytest.mark.slow)])
def test_a_model_of_keras_is_written_and_read_where_there_is_no_tensorflow(backend, tmp_path):
    pytest.importorskip(backend)
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT_TENSORFLOW, backend],
        cwd=tmp_path,
        env={**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    assert float(ended.stdout) < 1e-6
