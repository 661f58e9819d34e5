"""What make perf measured is a tree with targets, and two of them are compared."""

import json
import math
from pathlib import Path

import pytest
import uproot
from click.testing import CliRunner

from tmva_bench import cli
from tmva_bench.compare import performance
from tmva_bench.compare.performance import Measurement
from tmva_bench.errors import UserError

pytest.importorskip("ROOT")
ROWS = [
    Measurement("finished runs", "table", 1000, "s CPU", 1.2, 1.1, 1.3, 1.0),
    Measurement("ROC area", "area with error / scikit-learn", 10**6, "ratio", 0.5, 0.4, 0.6, 2.0),
    Measurement("export", "onnx", 1, "s CPU", 2.5, 2.4, 2.6),
]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("before", "after"):
        Path(name).mkdir()
    return tmp_path


def test_rows_are_read_as_they_were_written(here):
    path = Path("before/perf.root")
    for _ in range(2):  # made anew each time
        performance.write(ROWS, path)
    assert str(performance.read(path)) == str(ROWS)
    with uproot.open(path) as file:
        assert list(file["perf"].keys()) == list(Measurement._fields)
    text = "\n".join(map(str, performance.document(ROWS).parts))
    assert text.count("missed") == text.count("met") == 1


def test_two_files_are_compared(here):
    performance.write(ROWS, Path("before/perf.root"))
    table, roc, _ = ROWS
    later = [table._replace(value=2.4, low=2.2, high=2.5), roc._replace(value=0.55), roc._replace(size=5)]
    performance.write(later, Path("after/perf.root"))
    answer = CliRunner().invoke(cli.main, ["compare", "before/perf.root", "after/perf.root", "--format", "json"])
    assert answer.exit_code == 0, answer.output
    compared = json.loads(answer.stdout)
    assert [(line["size"], line["change"]) for line in compared["measurements"]] == [(1000, "more"), (10**6, "")]
    assert compared["measurements"][0]["ratio"] == pytest.approx(2.0)
    assert any("2 measurements are of one file alone" in note for note in compared["notes"])


def test_what_is_no_such_file_is_one_line(here):
    with uproot.recreate("after/perf.root") as file:
        file.mktree("perf", {"value": "float64"}).extend({"value": [math.pi]})
    with pytest.raises(UserError, match="tree perf lacks group, name, size, unit"):
        performance.read(Path("after/perf.root"))
    with uproot.recreate("before/perf.root") as file:
        file["other"] = "text"
    answer = CliRunner().invoke(cli.main, ["compare", "before/perf.root", "after/perf.root"])
    assert answer.exit_code == 2
    assert "no tree 'perf'; give a file that make perf left" in answer.output
    limited = CliRunner().invoke(
        cli.main, ["compare", "before/perf.root", "after/perf.root", "--fail-if", "real_time_train > 1.1"]
    )
    assert "--fail-if real_time_train > 1.1: is for results" in limited.output
