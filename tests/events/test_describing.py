"""What is told of an input file is what it holds; each doubt is told where it holds, and only there."""

import csv
import io
import json
import re

import numpy
import pytest
import uproot
from click.testing import CliRunner

from tmva_bench import api, cli
from tmva_bench.errors import UserError
from tmva_bench.events import describing, inputs


def columns(seed, shift):
    draw = numpy.random.default_rng(seed)
    x, y = draw.normal(shift, 1, 400), draw.normal(shift, 2, 400)
    return {"x": x, "y": y, "weight": draw.uniform(0.5, 1.5, 400)}


def write(path, change=None):
    """An input file made by hand."""
    with uproot.recreate(path) as file:
        for number, tree in enumerate(inputs.TREES):
            trees = columns(number, tree.endswith("S"))
            if change:
                change(tree, trees)
            trees = {name: values.astype("f4") for name, values in trees.items()}
            file.mktree(tree, dict.fromkeys(trees, "f4")).extend(trees)
    return path


def described(path):
    return describing.describe(inputs.read_unchecked(path))


def test_the_numbers_are_those_of_the_events(tmp_path):
    def negative(tree, trees):
        trees["weight"][:100] *= -0.5

    told = described(write(tmp_path / "in.root", negative))
    data = inputs.read(tmp_path / "in.root")
    assert (told.refused, told.doubts) == ("", [])
    for tree in told.trees:
        weights = data.weights[tree.tree].astype(float)
        assert (tree.events, tree.negative, tree.repeated) == (400, 100, 0)
        assert tree.sum_of_weights == pytest.approx(weights.sum())
        assert tree.effective == pytest.approx(weights.sum() ** 2 / (weights**2).sum())
        assert tree.negative_share == pytest.approx(-weights[:100].sum() / numpy.abs(weights).sum())
    for number, variable in enumerate(told.variables):
        every = numpy.concatenate([data.events[tree][:, number] for tree in inputs.TREES])
        assert (variable.low, variable.high) == (every.min(), every.max())
        signal = numpy.average(data.events["TrainS"][:, number].astype(float), weights=data.weights["TrainS"])
        assert variable.mean_signal == pytest.approx(signal)
        assert variable.area > 0.55


def nan(tree, trees):
    trees["x"][3] = numpy.nan


def infinite(tree, trees):
    trees["x"][3:5] = numpy.inf


def constant(tree, trees):
    trees["c"] = numpy.full(400, 7.0)


def copy(tree, trees):
    trees["z"] = 2 * trees["x"] + 3 * trees["y"]


def near_copy(tree, trees):
    trees["z"] = trees["x"] + 0.01 * numpy.random.default_rng(9).normal(size=400)


def alike(tree, trees):
    trees["z"] = numpy.random.default_rng([8, len(tree), ord(tree[-1]), 1]).normal(size=400)


def same(tree, trees):
    trees["z"] = numpy.random.default_rng(8).normal(size=400)


def tails(tree, trees):
    trees["x"] = numpy.exp(4 * trees["x"])


def two_tails(tree, trees):
    trees["x"] = numpy.sinh(4 * trees["x"])


def empty(tree, trees):
    for name in trees:
        trees[name] = trees[name][:0] if tree == "TestB" else trees[name]


@pytest.mark.parametrize(
    ("change", "doubt", "refused"),
    [
        (nan, "x: NaN or infinite in 4 events", "NaN or infinite at entry 3"),
        (infinite, "x: NaN or infinite in 8 events", "NaN or infinite at entry 3"),
        (constant, "c: constant in training; leave it out", "the same value, 7"),
        (copy, "x, y, z: depend on each other as a sum of multiples, as a copy does; .* leave z out", ""),
        (near_copy, "x, z: correlation of size 0.99.* in both classes", ""),
        (alike, "z: signal and background look alike", ""),
        (same, "z: the same values in signal and background", ""),
        (tails, r"x: 98 % of the events lie in .* take log\(x\)", ""),
        (two_tails, r"x: 98 % of the events lie in .* atan\(x\)", ""),
        (empty, None, "tree TestB has no events"),
    ],
)
def test_what_looks_wrong_is_told(tmp_path, change, doubt, refused):
    told = described(write(tmp_path / "in.root", change))
    assert len(told.doubts) == (doubt is not None), told.doubts
    if doubt:
        (line,) = told.doubts
        assert re.match(doubt, line)
    assert refused in told.refused
    assert bool(told.refused) == bool(refused)
    try:
        inputs.read(tmp_path / "in.root")
        assert not told.refused
    except UserError as error:
        assert told.refused == str(error)


def test_test_events_that_were_trained_on_are_counted(tmp_path):
    training = {}

    def repeat(tree, trees):
        if tree.startswith("Train"):
            training[tree[-1]] = trees
        elif tree == "TestS":
            for name in ("x", "y"):
                trees[name][50:120] = training["S"][name][:70]

    told = described(write(tmp_path / "in.root", repeat))
    assert {tree.tree: tree.repeated for tree in told.trees} == {"TrainS": 0, "TrainB": 0, "TestS": 70, "TestB": 0}
    answer = CliRunner().invoke(cli.main, ["describe", str(tmp_path / "in.root")])
    assert "TestS: 70 of 400 test events are equal to training events" in " ".join(answer.output.split())


def test_every_form_and_the_processes_of_a_conversion(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write("in.root")
    metadata = api.convert(
        "own.root",
        {"one": "in.root:TrainS", "two": "in.root:TestS"},
        {"A": "in.root:TrainB", "B": "in.root:TestB"},
        "x, z = y*2",
        cut="x > 0",
        weight="weight",
    )
    outputs = {}
    for form in ("text", "md", "csv", "json", "latex"):
        answer = CliRunner().invoke(cli.main, ["describe", "own.root", "--format", form])
        assert answer.exit_code == 0, answer.output
        outputs[form] = answer.output
    values = json.loads(outputs["json"])
    counts = metadata["selection"]["counts"]
    assert [(one["class"], one["process"], one["read"], one["passed"]) for one in values["processes"]] == [
        (kind, name, count["read"], count["passed"]) for kind in counts for name, count in counts[kind].items()
    ]
    assert sum(one["training"] for one in values["processes"]) == sum(tree["events"] for tree in values["trees"][:2])
    assert values["command"].startswith("tmva-bench convert -o own.root")
    lines = list(csv.DictReader(io.StringIO(outputs["csv"])))
    assert [(line["variable"], line["expression"]) for line in lines] == [("x", "x"), ("z", "y*2")]


def test_a_file_that_is_none_is_told_in_one_line(tmp_path):
    (tmp_path / "in.root").write_bytes(b"root" + bytes(50))
    answer = CliRunner().invoke(cli.main, ["describe", str(tmp_path / "in.root")])
    assert answer.exit_code == 2
    assert str(tmp_path / "in.root") in answer.output
    assert "Traceback" not in answer.output
