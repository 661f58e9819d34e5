"""The results trees are written whole, and ROOT's own readers and uproot read the same from them."""

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy
import pytest
import uproot
from made_up_results import made_up_tables, write_results

from tmva_bench.results import schema
from tmva_bench.results.figures import tree as tree_of_figures
from tmva_bench.results.tree_writer import Table, write_trees


@pytest.fixture(scope="module")
def tables() -> dict[str, Table]:
    return made_up_tables(8, repetitions=2, unavailable=1)


@pytest.fixture(scope="module")
def results(tables: dict[str, Table], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_results(tables, tmp_path_factory.mktemp("made_up") / "results.root")


def in_root(code: str, path: Path) -> str:
    """What a ROOT session of its own prints for `code`, with the file's name in `path`."""
    script = f"import ROOT\nROOT.gROOT.SetBatch()\npath = {str(path)!r}\n{code}"
    return subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.strip()


def best_keras(tables: dict[str, Table]) -> list[float]:
    rows = tables["benchmark"]
    return [area for area, method in zip(rows["roc_auc"], rows["method"], strict=True) if method == "keras"]


def test_uproot_reads_every_value(tables: dict[str, Table], results: Path) -> None:
    tables = {**tables, "figures": tree_of_figures.table(tables)}
    with uproot.open(results) as file:
        for name, columns in schema.TREES.items():
            tree = file[name]
            assert tree.title == schema.TITLES[name]
            assert tree.keys() == [column.name for column in columns]
            for column in columns:
                assert tree[column.name].title == column.title
                read = tree[column.name].array(library="np")
                if column.type is float:
                    assert read.dtype == numpy.float64
                    numpy.testing.assert_array_equal(read, numpy.array(tables[name][column.name], dtype=float))
                else:
                    assert read.dtype == (numpy.int64 if column.type is int else object)
                    assert read.tolist() == tables[name][column.name]


def test_titles_have_units(results: Path) -> None:
    with uproot.open(results) as file:
        for tree in schema.TREES:
            for name, branch in file[tree].items():
                assert branch.title
                clock = "_time" in name and name != "start_time"
                assert ("[s]" in branch.title) == clock, f"{tree}.{name}: {branch.title}"
                assert ("[MiB]" in branch.title) == name.startswith("peak_memory")


def test_a_value_not_measured_is_nan(results: Path) -> None:
    with uproot.open(results) as file:
        rows = file["benchmark"].arrays(["status", "roc_auc"], library="np")
    assert rows["status"][-1] == "unavailable"
    assert math.isnan(rows["roc_auc"][-1])


def test_the_file_says_its_schema_version(results: Path) -> None:
    with uproot.open(results) as file:
        assert file["schema_version"].member("fTitle") == str(schema.VERSION)


def test_tree_draw_selects_by_text(tables: dict[str, Table], results: Path) -> None:
    code = """
file = ROOT.TFile.Open(path)
tree = file.Get("benchmark")
n = tree.Draw("roc_auc", 'method=="keras" && status=="ok"', "goff")
print([tree.GetV1()[i] for i in range(n)])
"""
    expected = [area for area in best_keras(tables) if area is not None]
    assert json.loads(in_root(code, results)) == expected


def test_rdataframe_filters_by_text(tables: dict[str, Table], results: Path) -> None:
    code = """
frame = ROOT.RDataFrame("benchmark", path).Filter('method=="keras"').Filter('status=="ok"')
print([frame.GetColumnType("method") == "string", frame.Count().GetValue(), frame.Max("roc_auc").GetValue()])
"""
    areas = [area for area in best_keras(tables) if area is not None]
    assert in_root(code, results) == str([True, len(areas), max(areas)])


def test_a_new_file_replaces_the_old_and_leaves_nothing_beside(tmp_path: Path) -> None:
    out = tmp_path / "results.root"
    write_results(made_up_tables(1), out)
    write_results(made_up_tables(2), out)
    with uproot.open(out) as file:
        assert file["benchmark"].num_entries == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["results.json", "results.root"]


def test_what_the_clocks_hold_knows_of_compiled_epochs(tmp_path: Path) -> None:
    tables = made_up_tables(1)
    benchmark = tables["benchmark"]
    changed = {"method": "keras", "backend": "jax", "architecture": "cpu", "execution": "epoch", "compilation": "kept"}
    for name, value in {**changed, "status": "ok"}.items():
        benchmark[name] = [value] * len(benchmark["run_id"])
    with uproot.open(write_results(tables, tmp_path / "results.root")) as file:
        said = file["clocks"].member("fTitle")
    runs = len(benchmark["run_id"])
    assert f"outside for keras jax epoch (kept from an earlier run in {runs} of {runs});" in said


def test_no_runs_give_empty_trees(tmp_path: Path) -> None:
    out = write_results(made_up_tables(0), tmp_path / "results.root")
    with uproot.open(out) as file:
        assert [file[name].num_entries for name in schema.TREES] == [0] * len(schema.TREES)


def test_half_a_million_points_take_seconds(tmp_path: Path) -> None:
    tables = made_up_tables(1)
    points = numpy.linspace(0, 1, 500).tolist()
    tables["roc"] = {
        "run_id": [f"made-up-{run}" for run in range(1000) for _ in points],
        "signal_efficiency": points * 1000,
        "background_rejection": points[::-1] * 1000,
    }
    out = write_results(tables, tmp_path / "results.root")
    with uproot.open(out) as file:
        assert file["roc"].num_entries == 500_000
        assert file["roc"]["run_id"].array(entry_start=499_999)[0] == "made-up-999"


@pytest.mark.parametrize("limit", [None, 20_000], ids=["no such folder", "no room"])
def test_a_file_that_cannot_be_written_is_one_line_and_harms_nothing(
    tmp_path: Path, limit: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where coverage is measured, the child would fail to write that.
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
    source = tmp_path / "tables.json"
    source.write_text(json.dumps(made_up_tables(3)))
    out = tmp_path / ("results.root" if limit else "nowhere/results.root")
    if limit:
        out.write_text("what was measured before")
    code = "import sys, runpy, resource; sys.argv = ['tree_writer', *sys.argv[1:]]; "
    if limit:
        code += f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit})); "
    code += "runpy.run_module('tmva_bench.results.tree_writer', run_name='__main__')"
    answer = subprocess.run([sys.executable, "-c", code, str(source), str(out)], capture_output=True, text=True)
    assert answer.returncode == 1
    assert answer.stderr.splitlines()[-1].startswith(f"{out}: cannot be written (")
    assert "Traceback" not in answer.stderr
    if limit:
        assert out.read_text() == "what was measured before"
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [("epochs", None, "epochs = None is no int"), ("method", 3, "method = 3 is no str")],
)
def test_a_value_of_the_wrong_type_is_refused(column: str, value: object, message: str, tmp_path: Path) -> None:
    tables = made_up_tables(1)
    tables["benchmark"][column] = [value]
    with pytest.raises(ValueError, match=message):
        write_trees(tables, tmp_path / "results.root")


def test_columns_that_are_not_the_schemas_are_refused(tmp_path: Path) -> None:
    tables = made_up_tables(1)
    del tables["roc"]["run_id"]
    with pytest.raises(ValueError, match="tree roc: columns differ from the schema: \\['run_id'\\]"):
        write_trees(tables, tmp_path / "results.root")
    tables = made_up_tables(1)
    tables["history"]["epoch"].pop()
    with pytest.raises(ValueError, match="tree history: columns of different lengths"):
        write_trees(tables, tmp_path / "results.root")
    assert not list(tmp_path.iterdir())
