"""A results folder is moved to another place whole, and everything that looks at it still works there."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import uproot
from conftest import command_line
from fake_child import TRAINED
from root_session import MACROS

import tmva_bench
from tmva_bench.results.folder import ResultsFolder
from tmva_bench.running import replay


@pytest.fixture
def moved(fake_study, small_input, tmp_path):
    """Results of a study of a user's own file, elsewhere than they were made; that file is gone."""
    file = fake_study(TRAINED)
    theirs = tmp_path / "mine.root"
    shutil.copy(small_input, theirs)
    file.write_text(file.read_text().replace(str(small_input), str(theirs)))
    tmva_bench.run_study(file, folder=tmp_path / "results")
    elsewhere = tmp_path / "another" / "machine"
    elsewhere.mkdir(parents=True)
    # As by scp: links become what they lead to.
    shutil.copytree(tmp_path / "results", elsewhere / "taken", symlinks=False)
    shutil.rmtree(tmp_path / "results")
    theirs.unlink()
    return elsewhere / "taken"


def test_nothing_in_it_names_a_place_on_the_machine(moved, tmp_path):
    for run in (moved / "runs").iterdir():
        if run.is_dir():
            for name in ("task.json", "record.json"):
                assert os.fsencode(str(tmp_path)) not in (run / name).read_bytes()


def test_every_command_still_works_there(moved):
    def works(*arguments):
        done = command_line(moved.parent, *arguments)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout
        return done.stdout

    assert "neurons" in works("table", "taken")
    assert works("table", "taken/results.root") == works("table", "taken")
    assert "real time to quality" in works("differences", "taken")
    assert "keras jax" in works("compare", "taken", "taken")
    assert works("report", "taken") == "Page: taken/report.html\n"
    assert "correlations" in (moved / "report.html").read_text()
    assert "as they were written" in works("check-results", "taken")
    assert works("merge", "taken", "-o", "merged").startswith("merged: 4 runs brought in")
    assert ResultsFolder(moved.parent / "merged").input.is_file()


def test_a_training_is_repeated_there(fake_study, tmp_path):
    """A run of TMVA's DNN: what TMVA wrote lies in its folder, as recorded."""
    left = f"import shutil\nshutil.copytree({str(replay.SHIPPED)!r}, folder, dirs_exist_ok=True)\n"
    tmva_bench.run_study(fake_study(left + TRAINED), folder=tmp_path / "results", limit=1)
    (tmp_path / "another").mkdir()
    shutil.move(tmp_path / "results", tmp_path / "another" / "taken")
    (run,) = (folder for folder in (tmp_path / "another" / "taken" / "runs").iterdir() if folder.is_dir())
    for command in ("replay", "verify"):
        done = command_line(tmp_path / "another", command, f"taken/runs/{run.name}", "--backend", "jax")
        assert done.returncode == 0, done.stderr
        assert "largest difference" in done.stdout


def test_macros_draw_from_it(moved, tmp_path):
    figures = tmp_path / "figures"
    figures.mkdir()
    for call in (
        f'scan.C("{moved}/results.root","","","{figures}")',
        f'inputs.C("{moved}/input.root","{figures}")',
    ):
        command = [str(Path(sys.executable).with_name("root")), "-l", "-b", "-q", f"{MACROS}/{call}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert {"scan_roc_auc_neurons.png", "inputs.png"} <= {path.name for path in figures.iterdir()}


def test_the_trees_there_are_the_records(moved):
    with uproot.open(moved / "results.root") as file:
        assert len(file["benchmark"]["run_id"].array()) == 4
