"""The mapping table shows what is really given to TMVA and Keras, and names what is not equal."""

import re
from collections import Counter
from pathlib import Path

import made_up_rows
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from points import points

from tmva_bench import cli
from tmva_bench.basis import config, mapping, parsing
from tmva_bench.engines import keras_network, keras_stand_in
from tmva_bench.report import explain
from tmva_bench.results import forms
from tmva_bench.study import file as study_file
from tmva_bench.study import plan

DOCUMENT = Path(__file__).parents[2] / "docs" / "mapping.md"
WRITE = ("explain", "--preset", "seed", "--format", "md")
STUDY = """
[axes]
neurons = [5, 20]
dropout = [0.0, 0.2, 0.3]

[only.keras]
dropout_rule = "{rule}"

[[series]]
method = "keras"
backend = "jax"

[[series]]
method = "keras"
backend = "jax"
optimizer = "adam"
"""


def row_of(point, name):
    (row,) = [row for row in explain.rows(point) if row.parameter == name]
    return row


@pytest.fixture
def of_study(tmp_path):
    """Explains a study from its text."""

    def make(text):
        path = tmp_path / "mine.toml"
        path.write_text(text)
        return explain.of_study(study_file.read(path))

    return make


def test_the_document_is_what_the_tool_writes():
    written = CliRunner().invoke(cli.main, WRITE).output
    assert DOCUMENT.read_text(encoding="utf-8") == written, f"tmva-bench {' '.join(WRITE)} > docs/mapping.md"


def test_the_document_has_the_presets_strings_in_full_and_every_code():
    text = DOCUMENT.read_text(encoding="utf-8")
    point = parsing.point(preset="seed")
    assert f"\n{mapping.dl_options(point, 'cpu')}\n" in text
    assert f"\n{mapping.pykeras_options(point, 'model.keras', 'trained.keras', tf_keras=False)}\n" in text
    assert f"\n{mapping.split_options(config.Point())}\n" in text
    assert f"\n{point.factory_string}\n" in text
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]
    for number, meanings in enumerate(
        [("linear", "linear", "gauss", "cross_entropy"), ("relu", "relu", "xavier", "sum_of_squares")]
    ):
        assert [str(number), *meanings] in lines
    assert ["6", "gauss", "gauss", "", ""] in lines


@settings(deadline=None)
@given(points())
def test_the_cells_are_options_that_tmva_is_given(point):
    rows = explain.rows(point)
    assert [row.parameter for row in rows] == list(config.PARAMETERS)
    split = f":{mapping.split_options(point)}:"
    strings = {
        "tmva-dnn": (split, f":{mapping.dl_options(point, 'cpu')}:", f",{mapping.training_strategy(point)},"),
        "pykeras": (f":{mapping.pykeras_options(point, '', '', tf_keras=False)}:", split),
    }
    options = Counter()
    for row in rows:
        for method, cell in zip(strings, row.cells, strict=False):
            if re.match("[A-Z][A-Za-z]+=", cell):
                assert any(f":{cell}:" in text or f",{cell}," in text for text in strings[method])
                options[method] += 1
    # All of the bookings but for files, help, architecture and what is the same at every point.
    assert options == {"tmva-dnn": 17, "pykeras": 7}


@settings(deadline=None)
@given(points())
def test_the_verdicts_follow_the_point(point):
    rows = {row.parameter: row for row in explain.rows(point)}
    unequal = {name: set(row.unequal) for name, row in rows.items() if row.unequal}
    of_keras = {"pykeras"} if point.start == "tmva" else {"pykeras", "keras"}
    of_keras |= {"keras", "torch"} if point.feeding == "root" else set()
    assert unequal.pop("batch_size") == unequal.pop("seed") == of_keras
    assert unequal.pop("convergence_steps") == {"pykeras"}
    assert unequal.pop("regularization", None) == (None if point.regularization == "none" else {"pykeras"})
    dropping = {"pykeras"} if point.dropout_rule == "tmva" else {"pykeras", "keras", "torch"}
    assert unequal.pop("dropout", None) == (dropping if point.dropout and point.layers else None)
    assert unequal == {}
    assert all(row.why.endswith(".") for row in rows.values())
    assert {name: row.equal for name, row in rows.items() if "only" in row.equal} == {
        "factory_string": "TMVA only",
        "start": "Keras only",
        "dropout_rule": "Keras only",
        "execution": "Keras only",
        "feeding": "Keras only",
    }


def test_dropout_is_unequal_unless_keras_drops_by_tmvas_rule():
    of_keras = row_of(parsing.point({"layers": 2, "dropout": 0.2}), "dropout")
    assert of_keras.equal == "no (PyKeras, Keras, Plain PyTorch)"
    layers = ["Dropout(0.2, seed=2), Dropout(0.2, seed=3)"] * 2
    assert of_keras.cells == ("DropConfig=0.0+0.2+0.2", *layers, "dropout of 0+0.2+0.2")
    tmvas = row_of(parsing.point({"layers": 2, "dropout": 0.2, "dropout_rule": "tmva"}), "dropout")
    assert tmvas.equal == "no (PyKeras)"
    assert tmvas.cells == (*of_keras.cells[:2], *["masks of 0+0.2+0.2"] * 2)


@pytest.mark.parametrize(
    ("values", "name", "cells"),
    [
        ({"activation": "gauss"}, "activation", ("Layout: GAUSS", *["Dense(activation=None), Gauss()"] * 2)),
        (
            {},
            "last_activation",
            (
                "Layout: LINEAR",
                "Dense(activation='linear'), Dense(activation='softmax')",
                "Dense(activation='linear')",
            ),
        ),
        (
            {},
            "loss",
            (
                "ErrorStrategy=CROSSENTROPY",
                "loss='categorical_crossentropy'",
                "loss=BinaryCrossentropy(from_logits=True)",
            ),
        ),
        (
            {"layers": 1, "neurons": 7},
            "layers",
            ("Layout=TANH|7,LINEAR", "Dense(7), Dense(1), Dense(2)", "Dense(7), Dense(1)"),
        ),
        (
            {"regularization": "l1", "weight_decay": 0.01},
            "weight_decay",
            ("WeightDecay=0.01", "L1(0.01)", "L1(0.01)"),
        ),
        (
            {"convergence_steps": 7},
            "convergence_steps",
            ("ConvergenceSteps=7", "TriesEarlyStopping=8", "more than 7 epochs"),
        ),
        (
            {"optimizer": "adagrad"},
            "optimizer",
            ("Optimizer=ADAGRAD", *["Adagrad(initial_accumulator_value=0, epsilon=1e-08)"] * 2),
        ),
    ],
)
def test_what_stands_in_a_row(values, name, cells):
    # TMVA, PyKeras, Keras.
    assert row_of(parsing.point(values), name).cells[:3] == cells


def test_the_stand_in_leaves_kerass_own_layers_alone():
    explain.rows(parsing.point({"activation": "symmrelu"}))
    assert {kind.__name__ for kind in keras_network.activation_layers(keras_stand_in.KERAS).values()} == {
        "SymmRelu",
        "Gauss",
    }


def test_a_study_has_a_row_for_what_tells_series_apart_and_what_ends_differently(of_study):
    explained = of_study(STUDY.format(rule="keras"))
    assert explained.methods == ("tmva-dnn", "keras")
    lines = [(row.value, names) for row, names in explained.rows if row.parameter == "optimizer"]
    assert lines == [("sgd", ("keras jax sgd",)), ("adam", ("keras jax adam",))]
    lines = [(row.value, row.equal, names) for row, names in explained.rows if row.parameter == "dropout"]
    assert lines == [("0", "yes", ()), ("0.2", "no (Keras)", ())]
    assert [row.value for row, _ in explained.rows if row.parameter == "neurons"] == ["5"]
    text = forms.write(explain.document(explained), "text")
    assert "Scanned: neurons = 5, 20; dropout = 0, 0.2, 0.3." in text
    assert "Keras differs from TMVA DNN in: dropout.\n" in text
    assert "PyKeras differs" not in text


def test_what_a_study_sets_for_one_side_counts_in_the_comparison(of_study):
    explained = of_study(STUDY.format(rule="tmva"))
    assert [row.equal for row, _ in explained.rows if row.parameter == "dropout"] == ["yes", "yes"]
    assert "Keras differs from TMVA DNN in: no common parameter.\n" in forms.write(explain.document(explained), "md")


def test_strings_of_a_study_are_those_of_its_series():
    explained = explain.of_study(study_file.read("gpu"))
    names = {text.split("Architecture=")[1][:3]: names for use, text, names in explained.strings if use.endswith("kDL")}
    assert names == {"CPU": ("tmva-dnn sgd",), "GPU": ("tmva-dnn gpu sgd",)}
    assert not [use for use, _, _ in explained.strings if "PyKeras" in use]
    factory = [names for use, _, names in explained.strings if use == "TMVA.Factory"]
    assert factory == [()]


def test_a_bar_in_a_cell_does_not_break_the_table():
    text = forms.write(explain.document(explain.of_point(parsing.point(), "mine")), "md")
    table = [line for line in text.split("##")[0].splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in table} == {len(explain.METHODS) + 5}
    assert len(table) == 2 + len(config.PARAMETERS)


def test_runs_that_were_done_are_explained_as_their_study_is():
    planned = study_file.read("validity", ["neurons=5,20", "dropout=0.2", "repetitions=2"])
    rows = [
        made_up_rows.row(
            **vars(request.point), **{name: getattr(request, name) for name in ("method", "backend", "architecture")}
        )
        for request, *_ in plan.plan(planned)
    ]
    of_runs, of_plan = explain.of_rows(rows, "x"), explain.of_study(planned)
    assert of_runs.methods == of_plan.methods
    assert of_runs.strings == of_plan.strings
    assert of_runs.rows == of_plan.rows
