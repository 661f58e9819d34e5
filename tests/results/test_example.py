"""The results of a real TMVA that come along: whole, only read, known by name, with their note wherever they are."""

import json
import shutil

import pytest
from click.testing import CliRunner

from tmva_bench import cli
from tmva_bench.results import folder as results_folder
from tmva_bench.results import tree_file
from tmva_bench.results.folder import ResultsFolder

EXAMPLE = results_folder.example()


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """In an empty directory; the example may not change."""
    monkeypatch.chdir(tmp_path)
    before = state()
    yield tmp_path
    assert state() == before


def state():
    return {path: path.stat().st_mtime_ns for path in EXAMPLE.path.rglob("*")}


def invoke(*arguments, code=0):
    answer = CliRunner().invoke(cli.main, list(arguments))
    assert answer.exit_code == code, answer.output
    return answer.output


def test_it_is_whole_and_has_a_real_tmva():
    assert EXAMPLE.problems() == {}
    rows = [record.row for record in EXAMPLE.load(curves=())]
    assert {row.status for row in rows} == {"ok"}
    assert {"tmva-dnn", "pykeras", "keras"} == {row.method for row in rows}
    assert "not a released ROOT" in EXAMPLE.note


@pytest.mark.parametrize("form", ["text", "md", "latex"])
def test_the_table_says_where_its_numbers_are_from(form):
    table = invoke("table", "example", "--format", form)
    assert table.count("not a released ROOT") == 1
    assert "tmva-dnn" in table


def test_differences_go_on_with_the_points_that_have_their_scores():
    said = invoke("differences", "example")
    assert said.count("not a released ROOT") == 1
    (note,) = [line for line in said.splitlines() if "not in the results folder" in line]
    scored = [row for row in (record.row for record in EXAMPLE.load()) if EXAMPLE.scores(row.run_id).exists()]
    points = {(row.method, row.backend, row.neurons) for row in scored if row.method != "tmva-dnn"}
    areas, times, *_ = said.split("Time to ")
    lines = [line for line in areas.splitlines() if "%" not in line and line.startswith(("keras", "pykeras"))]
    assert sorted(int(line.split()[3]) for line in lines) == sorted(neurons for _, _, neurons in points)
    others = {(row.method, row.backend, row.optimizer, row.neurons) for row in scored}
    rows = {record.row.run_id: record.row for record in EXAMPLE.load()}
    groups = {(row.method, row.backend, row.optimizer, row.neurons) for row in rows.values()}
    references = sum(group[0] == "tmva-dnn" and group[2] == "sgd" for group in groups)
    without = len(groups) - references - len(lines)
    assert len(others) < len(groups)
    assert note.endswith(f"and {without - 3} more")
    assert times.count("times slower") + times.count("times faster") + times.count("not told apart") > len(lines)


def test_two_results_say_which_of_them_it_is(here):
    shutil.copytree(EXAMPLE.path, here / "mine")
    (here / "mine" / "note.txt").unlink()
    assert [line for line in invoke("compare", "mine", "example").splitlines() if line.startswith("B: From")]
    compared = json.loads(invoke("compare", "example", "mine", "--format", "json"))
    assert compared["notes"][0] == f"A: {EXAMPLE.note}"
    verdicts = [match["roc_auc"]["verdict"] for match in compared["matches"]]
    assert verdicts.count("the same run") == sum(
        EXAMPLE.scores(row.run_id).exists() and row.repetition == 1 for row in (record.row for record in EXAMPLE.load())
    )
    assert verdicts.count("no verdict") == len(verdicts) - verdicts.count("the same run") > 0
    assert {match["ratios"]["real_time_train"]["verdict"] for match in compared["matches"]} == {"the same run"}


def test_its_page_is_written_where_results_are(here):
    assert invoke("report", "example") == "Page: results/example/report.html\n"
    page = here / "results" / "example" / "report.html"
    assert page.read_text().count("not a released ROOT") == 1
    assert "is there already, kept" in invoke("report", "example")
    page.write_text("mine")
    assert "--force" in invoke("report", "example", code=2)
    assert page.read_text() == "mine"


def test_check_merge_and_explain_take_it():
    assert "120 runs are as they were written" in invoke("check-results", "example")
    assert "network" in invoke("explain", "example")
    assert "Keras" in invoke("explain", "example", "--format", "md")


def test_nothing_is_written_there():
    assert "only read" in invoke("remove", "example", "--only", "neurons=5", "--yes", code=2)
    assert "only read" in invoke("merge", "example", "-o", str(EXAMPLE.path), code=2)


def test_a_folder_of_that_name_wins(here):
    (here / "example").mkdir()
    assert "example: no finished runs there" in invoke("table", "example", code=2)


def test_the_note_goes_with_the_tree_beside_it(here):
    shutil.copytree(EXAMPLE.path, here / "mine")
    folder = ResultsFolder("mine")
    (folder.path / tree_file.NAME).unlink(missing_ok=True)
    with folder.held():
        folder.rebuild()
    assert "not a released ROOT" in invoke("table", f"mine/{tree_file.NAME}")
    (folder.path / "note.txt").write_text("two\nlines \x1b[2J\n")
    assert "two lines \\x1b[2J\n" in invoke("table", "mine")
    (folder.path / "note.txt").unlink()
    (folder.path / "note.txt").mkdir()
    assert folder.note == ""
