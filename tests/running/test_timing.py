"""Latencies from the command line: table, trees and figure of the same numbers."""

import json
from pathlib import Path

import numpy
import pytest
import uproot
from click.testing import CliRunner
from conftest import command_line

from tmva_bench import api, cli
from tmva_bench.errors import UserError
from tmva_bench.report import figures
from tmva_bench.results import latency
from tmva_bench.results.folder import ResultsFolder
from tmva_bench.running import timing

RECORDINGS = Path(__file__).parents[1] / "data" / "recordings"
WEIGHTS = RECORDINGS / "dnn-adam" / "dataset" / "weights" / "job_Method.weights.xml"


def test_table_trees_and_figure_have_the_same_times(tmp_path, monkeypatch):
    monkeypatch.setattr(timing, "ENGINES", (("products", ""), ("header", ""), ("sofie", "")))
    path = tmp_path / "latency.root"
    called = ["latency", str(WEIGHTS), "-o", str(path), "--format", "json"]
    result = CliRunner().invoke(cli.main, called)
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)["rows"]
    assert [(row["engine"], row["batch"], row["status"]) for row in rows[:8]] == [
        (engine, batch, "ok") for engine in ("products", "header") for batch in (1, 16, 256, 2000)
    ]
    assert all(row["low"] <= row["time"] <= row["high"] for row in rows[:8])
    assert all(row["difference"] < 1e-6 and row["network"] == "4-20-20-20-1" for row in rows[4:8])
    # With TMVA, or without: a line that says why.
    assert rows[8]["engine"] == "sofie" and (rows[8]["status"] == "ok" or "; " in rows[8]["reason"])
    with uproot.open(path) as file:
        stored = file["latency"].arrays(library="np")
        assert stored["time"][:8].tolist() == [row["time"] for row in rows[:8]]
        assert file["latency"]["time"].title.endswith("[us]")
        drawn = file["figures"].arrays(["kind", "label", "x", "y"], library="np")
    means = drawn["kind"] == "mean"
    assert drawn["y"][means][:8].tolist() == [row["time"] for row in rows[:8]]
    assert figures.draw(ResultsFolder(path), tmp_path).paths == [tmp_path / "latency.pdf", tmp_path / "latency.png"]
    assert CliRunner().invoke(cli.main, called).exit_code == 2  # is there already


def test_what_cannot_be_exported_is_one_line(tmp_path):
    (tmp_path / "a.weights.xml").write_text("nothing")
    ended = command_line(tmp_path, "latency", "a.weights.xml")
    assert ended.returncode == 2 and len(ended.stderr.splitlines()) == 1 and "weight file" in ended.stderr


def test_an_output_that_cannot_be_written_is_told_before_anything_is_timed(tmp_path, monkeypatch):
    monkeypatch.setattr(timing, "ENGINES", ())
    with pytest.raises(UserError, match="nowhere/latency.root: cannot be written"):
        api.latency(WEIGHTS, tmp_path / "nowhere" / "latency.root")
    assert list(tmp_path.iterdir()) == []


def test_the_interval_is_that_of_the_median():
    """Of 31 normal times it holds the true median in two thirds of the cases."""
    draw = numpy.random.default_rng(1)
    intervals = [latency.median(draw.normal(5, 1, 31)) for _ in range(400)]
    share = numpy.mean([low <= 5 <= high for _, low, high in intervals])
    assert share == pytest.approx(0.68, abs=0.08)
    assert all(low <= middle <= high for middle, low, high in intervals)


@pytest.mark.parametrize(("time", "text"), [(0.0123456, "0.0123"), (4.5678, "4.57"), (52132.4, "52132"), (0, "0")])
def test_times_have_three_digits(time, text):
    assert latency.digits(time) == text


@pytest.mark.tmva
@pytest.mark.parametrize("name", ["transform-N-P", "quiet-formula-variable", "dnn-all-activations"])
def test_tmvas_reader_and_sofie_give_the_scores_of_an_export(name, tmp_path, monkeypatch):
    """Both are timed only where no score differs by more than 1e-5 from double precision."""
    monkeypatch.setattr(timing, "ENGINES", [one for one in timing.ENGINES if not one[1]])
    exported = tmp_path / "exported.weights.xml"
    api.export(RECORDINGS / name / "dataset/weights/job_Method.weights.xml", "tmva", exported)
    rows = {(row.engine, row.batch): row for row in api.latency(exported)}
    assert rows["reader", 1].status == "ok" and rows["reader", 1].difference < 1e-5
    for batch in (1, 16, 256, 2000):
        row = rows.get(("sofie", batch), rows.get(("sofie", 0)))
        assert row.status == "ok" or "without SOFIE" in row.reason, row.reason
