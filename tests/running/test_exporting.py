"""Exports from the command line: a run with expressions, refusals in one line, nothing left where a check fails."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy
import pytest
import uproot
from click.testing import CliRunner

from tmva_bench import api, cli
from tmva_bench.events import inputs

RECORDINGS = Path(__file__).parents[1] / "data" / "recordings"
POINT = {"neurons": 6, "layers": 2, "max_epochs": 2, "batch_size": 40, "transformations": "N,G"}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A finished run of Keras on expressions of branches; its folder."""
    folder = tmp_path_factory.mktemp("exported")
    for number, name in enumerate(("s", "b")):
        draw = numpy.random.default_rng(number)
        columns = {
            "e": 3 + number + draw.exponential(3, 400),
            "p": draw.uniform(0, 2, 400),
            "q": draw.normal(0, 1, 400),
        }
        with uproot.recreate(folder / f"{name}.root") as file:
            file.mktree("t", dict.fromkeys(columns, "f4")).extend(columns)
    variables = ["m = sqrt(e*e - p*p)", "q", "r = q > 0 ? p : -p"]
    api.convert(folder / "input.root", f"{folder}/s.root:t", f"{folder}/b.root:t", variables)
    row = api.run(folder / "input.root", "keras", backend="jax", point=POINT, folder=folder / "results")
    assert row["status"] == "ok", row["reason"]
    return folder / "results" / "runs" / row["run_id"]


def called(*arguments):
    return CliRunner().invoke(cli.main, ["export", *map(str, arguments)])


def test_a_run_is_exported_with_its_expressions_and_checked(home, tmp_path):
    path = tmp_path / "mine.h"
    result = called(home, "--format", "header", "-o", path)
    assert result.exit_code == 0, result.output
    assert "takes e, p, q" in result.output and "stored scores of the run's 400 test events" in result.output
    program = tmp_path / "a.cc"
    program.write_text(
        '#include "mine.h"\n#include <cstdio>\n'
        'int main() { const float x[] = {5, 1, -1}; std::printf("%.8f", mine::score(x)); }\n'
    )
    subprocess.run(["g++", "-o", tmp_path / "a", program], check=True)
    score = float(subprocess.run([tmp_path / "a"], capture_output=True, check=True).stdout)
    # The same event by `apply`.
    with uproot.recreate(tmp_path / "one.root") as file:
        file.mktree("t", {"e": "f4", "p": "f4", "q": "f4"}).extend({"e": [5.0], "p": [1.0], "q": [-1.0]})
    api.apply(home, [f"{tmp_path}/one.root:t"], tmp_path / "scores.root")
    with uproot.open(tmp_path / "scores.root") as file:
        assert score == pytest.approx(file["scores"]["score"].array(library="np")[0], abs=1e-5)


def test_an_example_of_rdataframe_runs(home, tmp_path):
    result = called(home, "--format", "rdataframe", "-o", tmp_path / "frame.py")
    assert result.exit_code == 0, result.output
    script = "import ROOT, frame, sys; print(frame.define(ROOT.RDataFrame('t', sys.argv[1])).Mean('score').GetValue())"
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, home.parents[2] / "s.root"],
        capture_output=True, cwd=tmp_path, check=True, text=True,
    )  # fmt: skip
    assert 0 < float(ended.stdout) < 1


# What root-config would answer: that of PyPI's ROOT names folders that are not there.
LIBRARIES = ("Core", "RIO", "Hist", "MathCore", "Tree", "TreePlayer", "ROOTVecOps", "ROOTDataFrame")


@pytest.mark.slow
def test_an_example_of_rdataframe_in_cpp_is_compiled_and_runs(home, tmp_path):
    result = called(home, "--format", "rdataframe", "-o", tmp_path / "frame.h")
    assert result.exit_code == 0, result.output
    (tmp_path / "main.cc").write_text(
        '#include "frame.h"\n#include <ROOT/RDataFrame.hxx>\n#include <cstdio>\n'
        'int main(int, char **arguments) { auto scored = frame::define(ROOT::RDataFrame("t", arguments[1]));\n'
        '   std::printf("%.7f", *scored.Mean<float>("score")); }\n'
    )
    code = "import ROOT; print(ROOT.TROOT.GetIncludeDir(), ROOT.TROOT.GetSharedLibDir())"
    asked = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, check=True, text=True)
    headers, libraries = asked.stdout.split()[-2:]
    options = ["-std=c++17", f"-I{headers}", f"-L{libraries}", f"-Wl,-rpath,{libraries}", "-Wl,--allow-shlib-undefined"]
    subprocess.run(["g++", "main.cc", *options, *(f"-l{name}" for name in LIBRARIES)], cwd=tmp_path, check=True)
    path = home.parents[2] / "s.root"
    mean = float(subprocess.run([tmp_path / "a.out", path], capture_output=True, check=True).stdout)
    api.apply(home, [f"{path}:t"], tmp_path / "scores.root")
    with uproot.open(tmp_path / "scores.root") as file:
        assert mean == pytest.approx(file["scores"]["score"].array(library="np").mean(), abs=1e-5)


def test_a_file_that_is_not_there_and_a_run_without_its_model_are_one_line_each(home, tmp_path):
    result = called(tmp_path / "a.weights.xml", "--format", "header", "-o", tmp_path / "x.h")
    assert result.exit_code == 2 and "no such file; correct the path" in result.output
    run = tmp_path / "results" / "runs" / home.name
    shutil.copytree(home.parents[1], tmp_path / "results")
    (run / "model.keras").unlink()
    result = called(run, "--format", "header", "-o", tmp_path / "x.h")
    assert result.exit_code == 2 and "model.keras" in result.output and len(result.output.splitlines()) == 1


def test_a_line_end_in_a_name_makes_no_line(monkeypatch, tmp_path):
    monkeypatch.setattr(api, "export", lambda *_, **__: {"notes": [], "branches": ["e\ndone", "p"], "checks": []})
    result = called(tmp_path / "a.weights.xml", "--format", "header", "-o", "x.h")
    assert result.output == "x.h: header, takes e\\ndone, p\n"


@pytest.mark.parametrize(("form", "told"), [("tmva", "transformation G"), ("xml", "unknown format 'xml'")])
def test_what_a_format_does_not_hold_is_refused_in_one_line(home, tmp_path, form, told):
    result = called(home, "--format", form, "-o", tmp_path / "out")
    assert result.exit_code == 2 and told in result.output and len(result.output.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_other_files_and_outputs_are_refused(home, tmp_path):
    path = tmp_path / "out.h"
    path.write_text("mine")
    result = called(home, "--format", "header", "-o", path)
    assert result.exit_code == 2 and "--force" in result.output and path.read_text() == "mine"
    assert inputs.read_metadata(home.parents[2] / "input.root")
    result = called(home.parents[2] / "input.root", "--format", "header", "-o", tmp_path / "x.h")
    assert result.exit_code == 2 and "neither a run nor" in result.output


def test_scores_that_are_not_the_runs_are_refused(tmp_path):
    """A weight file of which TMVA's output file beside it has other scores: its weights were changed."""
    folder = tmp_path / "job"
    shutil.copytree(RECORDINGS / "dnn-seed-preset", folder)
    weights = next(folder.glob("dataset/weights/*.xml"))
    text = weights.read_text()
    start = text.index("<Biases")
    start = text.index(">", start) + 1
    weights.write_text(text[:start] + "7.5 " + text[start:].lstrip().split(None, 1)[1])
    result = called(weights, "--format", "header", "-o", tmp_path / "out.h")
    assert result.exit_code == 2 and "differ by" in result.output and "TMVA.root" in result.output
    assert not (tmp_path / "out.h").exists()
