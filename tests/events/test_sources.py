"""Users' own trees: classes, weights, arrays, leaves and what float32 cannot hold; what is missing is told shortly."""

import contextlib
from pathlib import Path

import numpy
import pytest
import uproot
from click.testing import CliRunner

from tmva_bench import cli
from tmva_bench.errors import UserError
from tmva_bench.events import inputs, reading, samples, sources

NUMBER = 200


def write(path, trees):
    with uproot.recreate(path) as file:
        for name, columns in trees.items():
            types = {k: v.dtype if v.ndim == 1 else (v.dtype, v.shape[1:]) for k, v in columns.items()}
            file.mktree(name, types).extend(columns)
    return path


@pytest.fixture
def draw():
    return numpy.random.default_rng(1)


@pytest.fixture
def mine(tmp_path, draw):
    def columns(mean):
        x = draw.normal(mean, 1, (NUMBER, 3))
        return {"x": x[:, 0], "y": x[:, 1], "v": x, "w": draw.uniform(0.5, 2, NUMBER)}

    background = columns(0.0)
    signal = {name: values for name, values in columns(1.0).items() if name != "w"}
    return write(tmp_path / "mine.root", {"s": signal, "b": background, "c": columns(-1.0)})


def own(path, **changes):
    given = {"signal": f"{path}:s", "background": f"{path}:b", "variables": ["x", "y"], **changes}
    return samples.own(**given)


def events(sample, tree, name):
    return numpy.sort(numpy.concatenate([sample.trees[f"Train{tree}"][name], sample.trees[f"Test{tree}"][name]]))


def test_one_class_alone_has_weights(mine):
    with uproot.open(mine) as file:
        weights = numpy.sort(file["b"]["w"].array(library="np").astype("f4"))
    sample = own(mine, background_weight="w")
    assert (events(sample, "S", "weight") == 1).all()
    assert (events(sample, "B", "weight") == weights).all()
    with pytest.raises(UserError, match="--background-weight"):
        own(mine, weight="w")


def test_several_trees_of_a_class_are_taken_together(mine):
    sample = own(mine, background=[f"{mine}:b", f"{mine}:c"])
    with uproot.open(mine) as file:
        both = numpy.concatenate([file[name]["x"].array(library="np") for name in "bc"])
    assert (events(sample, "B", "x") == numpy.sort(both.astype("f4"))).all()
    assert sample.parameters["background"] == [f"{mine}:b", f"{mine}:c"]
    with pytest.raises(UserError, match="stands twice"):
        own(mine, background=[f"{mine}:b", f"{mine}:b"])


def test_elements_of_arrays(mine):
    sample = own(mine, variables=["x", "v[2]"])
    with uproot.open(mine) as file:
        wanted = numpy.sort(file["s"]["v"].array(library="np")[:, 2].astype("f4"))
    assert (events(sample, "S", "v_2_") == wanted).all()
    for name, reason in (
        ("v[3]", "has no element 3, it holds 3"),
        ("v", r"name an element, \[0\]"),
        ("x[0]", "no array"),
    ):
        with pytest.raises(UserError, match=reason):
            own(mine, variables=["x", name])


def test_a_tree_of_both_classes_is_divided_by_its_class_number(tmp_path, draw):
    number = numpy.arange(NUMBER) % 3 == 0
    x = draw.normal(size=NUMBER)
    both = {"classID": number.astype("i4"), "x": x, "y": x * x}
    path = write(tmp_path / "TMVA.root", {"TrainTree": both, "plain": {"x": x, "y": x}})
    tree = f"{path}:TrainTree"
    sample = own(path, signal=tree, background=tree)
    assert (events(sample, "S", "x") == numpy.sort(x[~number].astype("f4"))).all()
    assert (events(sample, "B", "x") == numpy.sort(x[number].astype("f4"))).all()
    with pytest.raises(UserError, match="classID"):
        own(path, signal=f"{path}:plain", background=f"{path}:plain")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda x: numpy.arange(NUMBER) + 3_000_000_000, "an event number or the like is no variable"),
        (lambda x: numpy.where(x > 0, x, -1.7e308), "beyond float32, in which"),
        (lambda x: x * 1e-42, "beyond float32"),
        (lambda x: 1e9 + x, "beyond float32.*subtract an offset"),
        (lambda x: numpy.where(x > 2, numpy.nan, x), "NaN or infinite"),
        (lambda x: numpy.where(x > 2, numpy.inf, x), "NaN or infinite"),
    ],
)
def test_what_float32_cannot_hold_is_told(tmp_path, draw, make, reason):
    x = draw.normal(0.5, 1, NUMBER)
    x[3] = 2.5
    path = write(tmp_path / "mine.root", {n: {"x": x, "bad": make(x)} for n in "sb"})
    with pytest.raises(UserError, match=f"branch 'bad': .*{reason}"):
        own(path, variables=["x", "bad"])


@pytest.mark.parametrize("make", [lambda x: x * 1e30, lambda x: 1e3 + x, lambda x: numpy.round(x * 1e3).astype("i8")])
def test_what_float32_holds_well_is_taken(tmp_path, draw, make):
    x = draw.normal(0.5, 1, NUMBER)
    path = write(tmp_path / "mine.root", {n: {"x": x, "good": make(x)} for n in "sb"})
    assert own(path, variables=["x", "good"]).variables == ["x", "good"]


def test_a_wide_tree_makes_a_short_line(tmp_path):
    columns = {f"branch_with_a_long_name_{i}": numpy.zeros(3) for i in range(400)}
    path = write(tmp_path / "wide.root", {"s": columns, "b": columns})
    with pytest.raises(UserError, match="did you mean 'branch_with_a_long_name_7'.* and 392 more") as raised:
        own(path, variables=["branch_with_a_long_name_7x"])
    assert len(str(raised.value)) < 700


@pytest.mark.parametrize("name", ["../x", "a/b", "", "a b", "é", "x" * 61, ".x", "a\n", "-x"])
def test_the_name_of_a_sample_makes_file_names(mine, name):
    with pytest.raises(UserError, match="make a sample's name"):
        own(mine, name=name)


def test_a_sample_has_a_name(mine, tmp_path):
    metadata = inputs.write(own(mine, name="sel-A_1.2+"), tmp_path / "out.root")
    assert metadata["sample"] == "sel-A_1.2+"


@pytest.mark.parametrize(
    ("text", "file", "tree"),
    [
        ("a.root:t", "a.root", "t"),
        ("a:b.root:dir/t", "a:b.root", "dir/t"),
        ("root://host:1094//eos/a.root:t", "root://host:1094//eos/a.root", "t"),
        ("https://host/a.root:dir/t", "https://host/a.root", "dir/t"),
    ],
)
def test_a_file_and_its_tree(text, file, tree):
    assert sources.parse("signal", text)[:2] == (file, tree)


def test_a_file_without_a_tree_is_answered_with_its_trees(mine):
    with pytest.raises(UserError, match="its trees: s, b, c"):
        own(mine, signal=str(mine))
    with pytest.raises(UserError, match="FILE:TREE"):
        sources.parse("signal", "root://host//a.root")


def test_addresses_stay_whole_and_the_missing_package_is_named(mine, monkeypatch):
    def lacks(*_, **__):
        raise ModuleNotFoundError("install something")

    monkeypatch.setattr(uproot, "open", lacks)
    for address, package in (("root://host//a//b.root", "fsspec-xrootd"), ("https://host/a.root", "aiohttp")):
        with pytest.raises(UserError, match=f"^{address}: reading it needs the Python package {package}"):
            own(mine, signal=f"{address}:t")


def test_run_answers_an_ntuple_with_convert(mine):
    answer = CliRunner().invoke(cli.main, ["run", str(mine), "--method", "keras"])
    assert answer.exit_code == 2
    assert "of your own trees (s, b, c) `tmva-bench convert" in answer.stderr


def test_convert_opens_each_file_once_and_reads_no_branch_twice(tmp_path, draw, monkeypatch):
    for kind in ("signal", "background"):
        write(tmp_path / f"{kind}.root", {"t": {name: draw.normal(size=NUMBER).astype("f4") for name in "xyw"}})
    opened, read = [], []
    unguarded, column = reading.unguarded, reading.column
    monkeypatch.setattr(reading, "unguarded", lambda path: (opened.append(Path(path).name), unguarded(path))[1])
    monkeypatch.setattr(
        reading,
        "column",
        lambda tree, name, **how: (read.append((tree.file.source, name, how)), column(tree, name, **how))[1],
    )
    samples.own(
        signal=f"{tmp_path}/signal.root:t",
        background=f"{tmp_path}/background.root:t",
        variables=["x", "x*y"],
        spectators=["y"],
        weight="w**2",
    )
    assert sorted(opened) == ["background.root", "signal.root"]
    assert len(read) == 2 * 3


def test_few_files_stay_open(tmp_path, draw):
    parts = [
        sources.Source(str(write(tmp_path / f"{n}.root", {"t": {"x": draw.normal(size=3)}})), "t", str(n))
        for n in range(9)
    ]
    with contextlib.closing(sources.Tables()) as tables:
        first = []
        for part in (*parts, *parts[-2:]):
            with tables.table("signal", part) as table:
                assert len(table.columns(["x"], 0, 3)["x"]) == 3
                first.append(table)
        assert first[-2:] == first[7:9]
        with tables.table("signal", parts[0]) as again:
            assert again is not first[0]
            assert again.columns(["x"], 0, 3)["x"].tolist() == pytest.approx(
                uproot.open(parts[0].file)["t"]["x"].array(library="np").tolist()
            )
