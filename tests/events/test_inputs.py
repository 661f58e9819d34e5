import contextlib
import importlib.util
import json
import random
import subprocess
import sys
import time

import awkward
import numpy
import pytest
import uproot

from tmva_bench.basis import parsing
from tmva_bench.errors import UserError
from tmva_bench.events import inputs, output, roc, samples

SMALL = {"train_signal": 200, "train_background": 300, "test_signal": 400, "test_background": 500}
needs_root = pytest.mark.skipif(importlib.util.find_spec("ROOT") is None, reason="needs ROOT")


@pytest.fixture
def sample():
    return samples.gauss(**SMALL, weights="random", seed=3)


@pytest.fixture
def path(sample, tmp_path):
    path = tmp_path / "input.root"
    inputs.write(sample, path)
    return path


def by_hand(path, changes=None, drop=()):
    """A file with the four trees and nothing else; changes: {(tree, branch): values}, None takes a branch out."""
    with uproot.recreate(path) as file:
        for index, tree in enumerate(inputs.TREES):
            if tree in drop:
                continue
            x = numpy.arange(10, dtype="f8") + index
            columns = {"x": x, "y": -x, "weight": numpy.ones(10)}
            columns.update({name: values for (where, name), values in (changes or {}).items() if where == tree})
            columns = {name: numpy.asarray(values) for name, values in columns.items() if values is not None}
            types = {name: (values.dtype, values.shape[1:]) for name, values in columns.items()}
            file.mktree(tree, types).extend(columns)
    return path


def everywhere(name, values):
    return {(tree, name): values for tree in inputs.TREES}


def test_what_is_written_is_read_back(sample, path):
    read = inputs.read(path)
    assert read.path == str(path)
    assert read.variables == sample.variables
    for tree, columns in sample.trees.items():
        assert read.events[tree].dtype == read.weights[tree].dtype == numpy.float32
        assert read.events[tree].shape == (len(columns["weight"]), 4)
        assert (read.weights[tree] == columns["weight"]).all()
        for column, name in enumerate(sample.variables):
            assert (read.events[tree][:, column] == columns[name]).all()


def test_metadata_say_how_the_events_were_made(sample, path):
    metadata = inputs.read(path).metadata
    weights = [sample.trees[tree]["weight"] for tree in ("TestS", "TestB")]
    assert len(metadata.pop("checksum")) == 64
    assert metadata == {
        "sample": "gauss",
        "parameters": sample.parameters,
        "seed": 3,
        "variables": sample.variables,
        "original_names": sample.original_names,
        "events": {"TrainS": 200, "TrainB": 300, "TestS": 400, "TestB": 500},
        "digest": metadata["digest"],
        "roc_auc_best_possible": roc.auc(*sample.log_likelihood_ratio.values(), *weights),
    }
    assert len(metadata["digest"]) == 64
    with uproot.open(path) as file:
        stored = json.loads(file["metadata"])
    assert stored.pop("checksum") == inputs.read(path).metadata["checksum"]
    assert stored == metadata


def test_trees_hold_only_variables_and_weight_as_float32(sample, path):
    with uproot.open(path) as file:
        for tree in inputs.TREES:
            assert file.classnames(cycle=False)[tree] == "TTree"
            assert file[tree].typenames() == dict.fromkeys([*sample.variables, "weight"], "float")
        for tree, ratio in (("TestS", "LikelihoodRatioS"), ("TestB", "LikelihoodRatioB")):
            assert file[ratio].keys() == ["log_likelihood_ratio"]
            stored = file[ratio]["log_likelihood_ratio"].array(library="np")
            assert (stored == sample.log_likelihood_ratio[tree]).all()


def test_digest_is_that_of_the_events(sample, tmp_path):
    first = inputs.write(sample, tmp_path / "one.root")
    assert inputs.write(sample, tmp_path / "two.root")["digest"] == first["digest"]
    renamed = sample._replace(name="other", seed=9, parameters={})
    assert inputs.write(renamed, tmp_path / "three.root")["digest"] == first["digest"]
    for tree, branch in (("TestB", "var2"), ("TrainS", "weight")):
        changed = {name: dict(columns) for name, columns in sample.trees.items()}
        changed[tree][branch] = changed[tree][branch].copy()
        changed[tree][branch][7] += 1
        other = sample._replace(trees=changed)
        assert inputs.write(other, tmp_path / "four.root", force=True)["digest"] != first["digest"]


def test_file_made_by_hand_is_read(tmp_path):
    read = inputs.read(by_hand(tmp_path / "mine.root"))
    assert read.variables == ["x", "y"]
    assert read.events["TrainB"][:, 1].tolist() == list(numpy.arange(-1.0, -11.0, -1.0))
    assert read.metadata["sample"] == "mine"
    assert read.metadata["original_names"] == {"x": "x", "y": "y"}
    assert read.metadata["events"] == dict.fromkeys(inputs.TREES, 10)
    assert read.metadata["roc_auc_best_possible"] is None
    assert len(read.metadata["digest"]) == 64


def test_branches_may_stand_in_another_order(tmp_path):
    whole = inputs.read(by_hand(tmp_path / "one.root"))
    with uproot.recreate(tmp_path / "two.root") as file:
        for tree in inputs.TREES:
            columns = {name: whole.events[tree][:, i] for i, name in enumerate(whole.variables)}
            columns["weight"] = whole.weights[tree]
            order = sorted(columns, reverse=tree == "TestS")
            file.mktree(tree, dict.fromkeys(order, "f4")).extend(columns)
    assert (inputs.read(tmp_path / "two.root").events["TestS"] == whole.events["TestS"]).all()


def test_default_sample_is_read_fast(tmp_path):
    inputs.write(samples.gauss(), tmp_path / "input.root")
    start = time.process_time()
    inputs.read(tmp_path / "input.root")
    assert time.process_time() - start < 1.0


NAN = [0.0, 1.0, 2.0, numpy.nan, *range(6)]
INFINITE = [0.0, -numpy.inf, *range(8)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({("TestB", "y"): None}, "tree TestB has no branch 'y', but TrainS has one"),
        ({("TestS", "z"): range(10)}, "tree TrainS has no branch 'z', but TestS has one"),
        (everywhere("weight", None), "no branch 'weight'; add one"),
        (everywhere("x", None) | everywhere("y", None), "no variables, only 'weight'"),
        ({("TrainB", "x"): NAN}, "tree TrainB, branch 'x': NaN or infinite at entry 3; remove"),
        ({("TestS", "y"): INFINITE}, "tree TestS, branch 'y': NaN or infinite at entry 1"),
        ({("TestS", "y"): numpy.full(10, 1e300)}, "tree TestS, branch 'y': NaN or infinite at entry 0"),
        ({("TrainS", "weight"): NAN}, "tree TrainS, branch 'weight': NaN or infinite at entry 3"),
        ({("TrainS", "weight"): -numpy.ones(10)}, "tree TrainS, branch 'weight': the sum is -10; it must be positive"),
        (everywhere("x", numpy.full(10, 2.5)), "branch 'x': the same value, 2.5, in all events; leave it out"),
        (
            everywhere("jet1_b-tag", range(10)),
            "variable 'jet1_b-tag' is read as a formula by TMVA; call it 'jet1_b_tag'",
        ),
        (everywhere("classID", range(10)), "variable 'classID' has a name that TMVA's output uses"),
        (
            everywhere("v", numpy.zeros((10, 3))),
            r"tree TrainS, branch 'v': not one number an event \(float\[3\]|double",
        ),
    ],
)
def test_events_that_no_method_may_be_given_are_refused(changes, message, tmp_path):
    path = by_hand(tmp_path / "mine.root", changes)
    with pytest.raises(UserError, match=message) as error:
        inputs.read(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_variables_constant_in_one_class_or_in_the_test_are_kept(tmp_path):
    constant = numpy.full(10, 2.5)
    inputs.read(by_hand(tmp_path / "a.root", {("TrainS", "x"): constant}))
    inputs.read(by_hand(tmp_path / "b.root", {("TestS", "x"): constant, ("TestB", "x"): constant}))


def test_variable_that_differs_late_is_kept_and_one_that_never_does_is_refused(tmp_path):
    rows = 3000
    ones = numpy.ones(rows)
    trees = {tree: {"x": numpy.arange(rows), "y": ones.copy(), "weight": ones} for tree in inputs.TREES}
    for last, refused in ((1.0, True), (1.5, False)):
        trees["TrainB"]["y"][-1] = last
        with uproot.recreate(tmp_path / f"{last}.root") as file:
            for tree, columns in trees.items():
                file.mktree(tree, dict.fromkeys(columns, "f4")).extend(columns)
        with pytest.raises(UserError, match="'y': the same value, 1, in all") if refused else contextlib.nullcontext():
            inputs.read(tmp_path / f"{last}.root")


@pytest.mark.parametrize("sizes", [(0, 5), (5, 0), (1, 1), (2000, 900), (300_000, 1000), (1000, 300_000)])
@pytest.mark.parametrize("different", [3, 5000, 2**40])
def test_repeated_events_are_those_that_a_search_finds(sizes, different):
    draw = numpy.random.default_rng(different)
    test, training = (draw.integers(0, different, size).astype(numpy.uint64) << numpy.uint64(20) for size in sizes)
    assert inputs.repeated(test, training) == numpy.isin(test, training).sum()


@pytest.mark.parametrize("order", ["C", "F"])
def test_numbers_of_events_do_not_depend_on_their_order_in_memory(order):
    events = numpy.random.default_rng(1).normal(size=(500, 4)).astype("f4")
    events[0, 1], events[1] = 0.0, events[0]
    events[1, 1] = -0.0
    numbers = inputs.row_numbers(numpy.asarray(events, order=order))
    assert numbers[0] == numbers[1]
    assert len(numpy.unique(numbers)) == 499
    # As they are counted in files that were made before: each number in one step after another, in 64 bits.
    by_hand = 0
    for value in events[2]:
        by_hand = ((by_hand ^ int(value.view("u4"))) * 0x9E3779B97F4A7C15) % 2**64
        by_hand ^= by_hand >> 32
    assert numbers[2] == by_hand


def test_events_with_negative_weights_are_kept(tmp_path):
    weights = numpy.where(numpy.arange(10) < 3, -1.0, 1.0)
    assert inputs.read(by_hand(tmp_path / "a.root", everywhere("weight", weights))).weights["TestS"].sum() == 4


def test_file_without_the_trees_is_refused(tmp_path):
    with pytest.raises(
        UserError, match=r"no tree TestS \(found: TestB, TrainB, TrainS\); of your own trees .* makes one"
    ):
        inputs.read(by_hand(tmp_path / "mine.root", drop=["TestS"]))
    with uproot.recreate(tmp_path / "empty.root"):
        pass
    with pytest.raises(UserError, match=r"no tree TrainS \(found: none\)"):
        inputs.read(tmp_path / "empty.root")
    with uproot.recreate(tmp_path / "rntuple.root") as file:
        for tree in inputs.TREES:
            file[tree] = {"x": numpy.arange(5.0), "weight": numpy.ones(5)}
    with pytest.raises(UserError, match="TrainS is a ROOT::RNTuple; write a TTree"):
        inputs.read(tmp_path / "rntuple.root")


def test_tree_without_events_is_refused(tmp_path):
    with uproot.recreate(tmp_path / "mine.root") as file:
        for tree in inputs.TREES:
            file.mktree(tree, {"x": "f4", "weight": "f4"})
    with pytest.raises(UserError, match="tree TrainS has no events"):
        inputs.read(tmp_path / "mine.root")


def test_jagged_branch_is_refused(tmp_path):
    with uproot.recreate(tmp_path / "mine.root") as file:
        for tree in inputs.TREES:
            file.mktree(tree, {"x": "var * float32", "weight": "f4"}).extend(
                {"x": awkward.Array([[1.0], [2.0]]), "weight": [1, 1]}
            )
    with pytest.raises(UserError, match="tree TrainS, branch 'x': not one number an event"):
        inputs.read(tmp_path / "mine.root")


def test_missing_and_foreign_files_are_refused(tmp_path):
    with pytest.raises(UserError, match="nowhere.root: no such file; make one with"):
        inputs.read(tmp_path / "nowhere.root")
    with pytest.raises(UserError, match="no such file"):
        inputs.read(tmp_path)
    for content in (b"", b"a,b\n1,2\n"):
        (tmp_path / "table.root").write_bytes(content)
        with pytest.raises(UserError, match="table.root: not a ROOT file"):
            inputs.read(tmp_path / "table.root")


def test_truncated_file_is_refused_wherever_it_ends(path):
    content = path.read_bytes()
    for size in (4, 20, 100, 500, *range(1000, len(content), 1500), len(content) - 1):
        path.write_bytes(content[:size])
        with pytest.raises(UserError, match="truncated|damaged") as error:
            inputs.read(path)
        assert "\n" not in str(error.value)


def test_damaged_file_is_refused_or_holds_the_same_events(path):
    whole, content = inputs.read(path), path.read_bytes()
    generator = random.Random(1)
    refused = 0
    for _ in range(100):
        damaged = bytearray(content)
        damaged[generator.randrange(4, len(damaged))] ^= 1 << generator.randrange(8)
        path.write_bytes(damaged)
        try:
            read = inputs.read(path)
        except UserError:
            refused += 1
        else:
            for tree in inputs.TREES:
                assert (read.events[tree] == whole.events[tree]).all()
    assert refused > 10


def test_events_changed_after_writing_are_refused(path):
    with uproot.open(path) as file:
        stored = str(file["metadata"])
    by_hand(path)
    with uproot.update(path) as file:
        file["metadata"] = stored
    with pytest.raises(UserError, match="not those that its stored digest was made of.*generate it again"):
        inputs.read(path)


@pytest.mark.parametrize("text", ["not JSON", "[]", '{"digest": "0"}'])
def test_foreign_metadata_are_refused(text, tmp_path):
    path = by_hand(tmp_path / "mine.root")
    with uproot.update(path) as file:
        file["metadata"] = text
    with pytest.raises(UserError, match="'metadata' is not what tmva-bench writes"):
        inputs.read(path)


def test_sample_that_no_method_may_be_given_is_not_written(sample, tmp_path):
    sample.trees["TrainS"]["var1"][5] = numpy.nan
    with pytest.raises(UserError, match="TrainS, branch 'var1': NaN or infinite at entry 5"):
        inputs.write(sample, tmp_path / "input.root")
    assert not list(tmp_path.iterdir())


def test_output_that_cannot_be_written_leaves_nothing_behind(sample, path, tmp_path, monkeypatch):
    with pytest.raises(UserError, match="nowhere/input.root: cannot be written .*give a path in a folder"):
        inputs.write(sample, tmp_path / "nowhere" / "input.root")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match="folder: is a folder; give the name of a file"):
        inputs.write(sample, tmp_path / "folder")
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(output.os, "fsync", full)
    with pytest.raises(UserError, match="No space left on device"):
        inputs.write(sample._replace(seed=77), path, force=True)
    assert path.read_bytes() == before
    assert sorted(item.name for item in tmp_path.iterdir()) == ["folder", "input.root"]


def test_names_with_colons_are_paths(sample, tmp_path):
    path = tmp_path / "a:b c.root"
    inputs.write(sample, path)
    assert inputs.read(path).variables == sample.variables


def test_take_holds_the_first_events(path, tmp_path):
    whole = inputs.read(path)
    metadata = inputs.take(path, tmp_path / "part.root", train_signal=50, test_signal=80, test_background=90)
    part = inputs.read(tmp_path / "part.root")
    assert part.metadata == metadata
    assert metadata["events"] == {"TrainS": 50, "TrainB": 300, "TestS": 80, "TestB": 90}
    for tree, number in metadata["events"].items():
        assert (part.events[tree] == whole.events[tree][:number]).all()
        assert (part.weights[tree] == whole.weights[tree][:number]).all()
    assert metadata["taken_from"] == whole.metadata["digest"] != metadata["digest"]
    assert metadata["parameters"] == whole.metadata["parameters"]
    fewer = {"train_signal": 50, "train_background": 300, "test_signal": 80, "test_background": 90}
    direct = inputs.write(samples.gauss(**fewer, weights="random", seed=3), tmp_path / "direct.root")
    assert metadata["digest"] == direct["digest"]
    assert metadata["roc_auc_best_possible"] == direct["roc_auc_best_possible"]
    again = inputs.take(tmp_path / "part.root", tmp_path / "again.root", test_signal=10)
    assert again["events"]["TestS"] == 10


def test_take_of_all_holds_the_same_events(path, tmp_path):
    assert inputs.take(path, tmp_path / "all.root")["digest"] == inputs.read(path).metadata["digest"]


def test_take_of_a_file_made_by_hand(tmp_path):
    metadata = inputs.take(by_hand(tmp_path / "mine.root"), tmp_path / "part.root", train_background=4)
    assert metadata["events"]["TrainB"] == 4
    assert metadata["sample"] == "mine"
    assert metadata["roc_auc_best_possible"] is None


def test_take_of_more_events_than_there_are_is_refused(path, tmp_path):
    with pytest.raises(UserError, match="test_signal = 401: .*input.root holds 400 events in TestS"):
        inputs.take(path, tmp_path / "part.root", test_signal=401)
    assert not (tmp_path / "part.root").exists()


@pytest.mark.parametrize(
    ("batch_size", "validation_fraction", "part"),
    [(100, 0.2, ""), (101, 0.2, "validation part, 100 of the 500"), (101, 0.8, "training part, 100 of the 500")],
)
def test_batch_must_fit_into_both_parts(path, batch_size, validation_fraction, part):
    point = parsing.point({"batch_size": batch_size, "validation_fraction": validation_fraction})
    if not part:
        inputs.check_batches(inputs.read(path), point)
        return
    with pytest.raises(UserError, match=f"batch_size = {batch_size}: larger than the {part}") as error:
        inputs.check_batches(inputs.read(path), point)
    assert str(path) in str(error.value)


def test_plain_names():
    assert inputs.plain_name("jet1_b-tag") == "jet1_b_tag"
    assert inputs.plain_name("2nd.pt") == "_2nd_pt"
    assert inputs.plain_name("m_bb") == "m_bb"
    assert inputs.plain_name("é") == "_"


def test_reading_needs_nothing_but_numpy_and_uproot():
    script = (
        "import sys; import tmva_bench.events.inputs; "
        "print(*(m for m in ('scipy', 'ROOT', 'pandas') if m in sys.modules))"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == []


@needs_root
def test_root_reads_the_trees(path):
    script = """
import json, sys, ROOT
ROOT.gROOT.SetBatch(True)
file = ROOT.TFile(sys.argv[1])
answer = {"metadata": str(file["metadata"].GetString())}
for name in ("TrainS", "TrainB", "TestS", "TestB"):
    tree = file[name]
    drawn = tree.Draw("var1:weight", "", "goff")
    frame = ROOT.RDataFrame(name, sys.argv[1])
    answer[name] = [
        tree.ClassName(), tree.GetTitle(), drawn, sum(tree.GetV1()[i] for i in range(drawn)),
        frame.Count().GetValue(), frame.Sum("weight").GetValue(), frame.GetColumnType("var4"),
    ]
tree = file["TestS"]
tree.AddFriend("LikelihoodRatioS")
answer["friend"] = tree.Draw("log_likelihood_ratio:var4", "log_likelihood_ratio > 0", "goff")
print(json.dumps(answer))
"""
    run = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    answer = json.loads(run.stdout.splitlines()[-1])
    read = inputs.read(path)
    assert json.loads(answer["metadata"]) == read.metadata
    for tree, title in inputs.TREES.items():
        kind, name, drawn, total, count, weight, column = answer[tree]
        assert (kind, name, column) == ("TTree", title, "Float_t")
        assert drawn == count == len(read.weights[tree])
        assert total == pytest.approx(read.events[tree][:, 0].sum(dtype=float))
        assert weight == pytest.approx(read.weights[tree].sum(dtype=float))
    with uproot.open(path) as file:
        assert answer["friend"] == (file["LikelihoodRatioS"]["log_likelihood_ratio"].array(library="np") > 0).sum()
