"""Planned runs: each once, whatever interrupts; side by side on disjoint cores; tried once where nothing can run."""

import dataclasses
import json
import math
import random
import signal
import subprocess
import sys
import time

import psutil
import pytest
import uproot
from fake_child import TRAINED

import tmva_bench
from tmva_bench import api
from tmva_bench.basis import parsing
from tmva_bench.errors import UserError
from tmva_bench.events import inputs
from tmva_bench.results.folder import DiskFull, ResultsFolder
from tmva_bench.results.rows import Record
from tmva_bench.running import child, encoding, environments, execution, runner
from tmva_bench.study import requests


def rows(results):
    """What the runs found, without clocks and hosts."""
    kept = ("run_id", "status", "reason", "neurons", "repetition", "roc_auc", "epochs")
    rows_kept = [{name: record.row.value(name) for name in kept} for record in ResultsFolder(results).load()]
    return sorted(map(str, rows_kept))


def study_command(file, results, *options):
    return [sys.executable, "-m", "tmva_bench.cli", "study", str(file), "--results", str(results), *options]


class Heard(execution.Silent):
    """Notes what it is told."""

    def __init__(self):
        self.said = []

    def planned(self, todo, kept):
        self.said.append(("planned", len(todo), len(kept)))

    def started(self, job):
        self.said.append(("started", job.request.point.neurons, job.request.repetition))

    def epoch(self, job, epoch):
        self.said.append(("epoch", epoch.epoch))

    def finished(self, job, record):
        self.said.append(("finished", record.row.status))


def test_every_run_once_in_rounds_and_none_twice(fake_study, tmp_path):
    file, heard = fake_study(TRAINED), Heard()
    rows_of_study = tmva_bench.run_study(file, folder=tmp_path / "results", listener=heard)
    assert [row["status"] for row in rows_of_study] == ["ok"] * 4
    begun = [said[1:] for said in heard.said if said[0] == "started"]
    assert begun == [(5, 1), (20, 1), (5, 2), (20, 2)]
    again = Heard()
    assert str(tmva_bench.run_study(file, folder=tmp_path / "results", listener=again)) == str(rows_of_study)
    assert again.said == [("planned", 0, 4)]
    with uproot.open(tmp_path / "results" / "results.root") as results:
        assert results["benchmark"].num_entries == 4
        assert results["summary"]["runs"].array().tolist() == [2, 2]


def test_killed_at_random_moments_each_run_is_there_once(fake_study, tmp_path):
    file = fake_study("time.sleep(0.3)\n" + TRAINED)
    undisturbed, disturbed = tmp_path / "undisturbed", tmp_path / "disturbed"
    command = study_command(file, disturbed, "--set", "repetitions=3")
    subprocess.run(study_command(file, undisturbed, "--set", "repetitions=3"), check=True, capture_output=True)
    moments = random.Random(3)
    for _ in range(3):
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as study:
            time.sleep(moments.uniform(0.5, 4))
            study.kill()
    subprocess.run(command, check=True, capture_output=True)
    assert rows(disturbed) == rows(undisturbed)
    assert len(rows(disturbed)) == 6
    assert ResultsFolder(disturbed).runs_under_way() == []
    with uproot.open(disturbed / "results.root") as results:
        assert len(set(results["benchmark"]["run_id"].array().tolist())) == results["benchmark"].num_entries == 6


def test_ctrl_c_ends_the_child_at_once_and_keeps_the_rest(fake_study, tmp_path):
    noted = tmp_path / "pid"
    code = f"""
if worker.read_task(folder).point.neurons == 20:
    Path({str(noted)!r}).write_text(str(os.getpid()))
    time.sleep(300)
"""
    results = tmp_path / "results"
    command = study_command(fake_study(code + TRAINED), results)

    def heeds_ctrl_c():
        # Tests that a shell runs in the background ignore it, and so would what they start.
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=heeds_ctrl_c
    ) as study:
        deadline = time.monotonic() + 60
        while not (noted.exists() and noted.read_text()):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        answer = subprocess.run(study_command(fake_study(""), results), capture_output=True, text=True, check=False)
        assert answer.returncode == 2
        assert f"held by process {study.pid} on " in answer.stderr
        study.send_signal(signal.SIGINT)
        _, errors = study.communicate(timeout=60)
    assert study.returncode == 130
    assert "Traceback" not in errors
    assert "the same command goes on from there" in errors.splitlines()[-1]
    assert not psutil.pid_exists(int(noted.read_text()))
    assert [record.row.neurons for record in ResultsFolder(results).load()] == [5]
    with uproot.open(results / "results.root") as file:
        assert file["benchmark"].num_entries == 1


def test_runs_that_must_share_a_core_are_told_that_they_do(monkeypatch, caplog):
    monkeypatch.setattr(environments, "cpus", lambda: [0, 2, 1, 3])
    monkeypatch.setattr(environments, "cores", lambda: 2)
    assert execution.slots(2, 1) == [[0], [2]]
    assert not caplog.messages
    assert execution.slots(4, 1) == [[0], [2], [1], [3]]
    assert "take --jobs 2 to compare times" in caplog.text


def test_side_by_side_runs_have_cores_of_their_own(fake_study, tmp_path):
    if environments.available_threads() < 2:
        pytest.skip("needs two cores")
    seen = tmp_path / "seen"
    seen.mkdir()
    code = f"""
def looked(folder):
    start, cores = time.time(), sorted(os.sched_getaffinity(0))
    time.sleep(1.5)
    Path({str(seen)!r}, folder.name).write_text(json.dumps([cores, start, time.time()]))
    return outcome(folder)
worker.carry_out = looked
worker.main()
"""
    heard = Heard()
    file = fake_study(code)
    rows_of_study = tmva_bench.run_study(file, folder=tmp_path / "results", side_by_side=2, listener=heard)
    assert [row["status"] for row in rows_of_study] == ["ok"] * 4
    runs = [json.loads(path.read_text()) for path in seen.iterdir()]
    assert all(len(cores) == 1 for cores, _, _ in runs)
    together = [
        (one[0], two[0]) for one in runs for two in runs if one is not two and one[1] < two[2] and two[1] < one[2]
    ]
    assert together
    assert all(one != two for one, two in together)


def test_more_runs_side_by_side_than_cores_are_refused(fake_study, tmp_path):
    with pytest.raises(UserError, match="--jobs 999: 999 runs of 1 thread side by side need 999 cores"):
        tmva_bench.run_study(fake_study(TRAINED), folder=tmp_path / "results", side_by_side=999)


def test_what_cannot_run_is_tried_once(fake_study, tmp_path):
    heard = Heard()
    outcome = {"status": "unavailable", "reason": "nothing here; install it"}
    code = f"worker.carry_out = lambda folder: {outcome}\nworker.main()"
    rows_of_study = tmva_bench.run_study(fake_study(code), folder=tmp_path / "results", listener=heard)
    assert {(row["status"], row["reason"]) for row in rows_of_study} == {("unavailable", "nothing here; install it")}
    assert [said for said in heard.said if said[0] == "started"] == [("started", 5, 1)]


def test_an_autoencoder_that_cannot_be_trained_here_says_nothing_of_the_method(fake_study, tmp_path, monkeypatch):
    def for_run(*_, **__):
        ending = child.Ending("unavailable", "no jax here; install it", math.nan, 1.0, 1.0, {})
        raise encoding.NotEncoded("some.root", ending)

    monkeypatch.setattr(encoding, "for_run", for_run)
    file = fake_study(TRAINED)
    file.write_text(file.read_text().replace("neurons = [5, 20]", "transformations = ['N,A(k=2)', 'N,D']"))
    rows_of_study = tmva_bench.run_study(file, folder=tmp_path / "results")
    rows_kept = {row["transformations"]: (row["status"], row["reason"]) for row in rows_of_study}
    assert rows_kept == {
        "N,A(k=2)": ("unavailable", "some.root: not encoded: no jax here; install it"),
        "N,D": ("ok", ""),
    }


def test_a_missing_environment_says_how_to_make_it_and_its_rows_go_when_it_is_there(fake_study, tmp_path):
    file = fake_study(TRAINED, more="")
    text = file.read_text()
    python = text.split("python = '")[1].split("'")[0]
    file.write_text(text.replace(python, "nowhere/python'\nmake = 'make env-fake"))
    heard = Heard()
    rows_of_study = tmva_bench.run_study(file, folder=tmp_path / "results", listener=heard)
    assert {row["status"] for row in rows_of_study} == {"unavailable"}
    assert rows_of_study[0]["reason"] == "no environment fake, nowhere/python is missing; make it with: make env-fake"
    assert not any(said[0] == "started" for said in heard.said)

    file.write_text(text)
    tmva_bench.run_study(file, folder=tmp_path / "results")
    assert [record.row.status for record in ResultsFolder(tmp_path / "results").load()] == ["ok"] * 4


def test_failed_runs_are_done_again_when_asked(fake_study, tmp_path):
    broken = tmp_path / "broken"
    broken.touch()
    file = fake_study(f"if Path({str(broken)!r}).exists():\n    sys.exit('no luck')\n" + TRAINED)
    results = tmp_path / "results"
    rows_of_study = tmva_bench.run_study(file, folder=results)
    assert {row["status"] for row in rows_of_study} == {"failed"}
    assert "no luck" in rows_of_study[0]["reason"]
    broken.unlink()
    assert {row["status"] for row in tmva_bench.run_study(file, folder=results)} == {"failed"}
    assert {row["status"] for row in tmva_bench.run_study(file, folder=results, rerun="failed")} == {"ok"}
    assert len(ResultsFolder(results).load()) == 4
    with pytest.raises(UserError, match="unknown rerun 'fail'; did you mean 'failed'"):
        tmva_bench.run_study(file, folder=results, rerun="fail")


def test_the_time_left_is_judged_from_the_point_then_from_the_series(small_input):
    data, here = inputs.read(small_input), environments.Environment("python", "here", {"python": "3"})
    values = {"batch_size": 50, "max_epochs": 2}

    def job(method="keras", backend="jax", **changed):
        return execution.make_job(
            requests.make_request(parsing.point({**values, **changed}), method, backend), data, here
        )

    def record(job, seconds):
        return Record(row=dataclasses.replace(runner.planned_row(*job), status="ok", real_time_total=seconds))

    rows_of_study = [
        record(job(neurons=5, seed=2), 3.0),
        record(job(neurons=20), 10.0),
        record(job(neurons=20, seed=3), 12.0),
    ]
    assert execution.estimate([job(neurons=5), job(neurons=100)], rows_of_study) == (3.0 + 10.0, 0)
    assert execution.estimate([job(neurons=5), job("tmva-dnn", None)], rows_of_study) == (3.0, 1)


def test_results_that_are_whole_are_left_alone(fake_study, tmp_path):
    results = tmp_path / "results"
    file = fake_study(TRAINED)
    tmva_bench.run_study(file, folder=results, only=["repetition=1", "neurons=5"])
    (first,) = ResultsFolder(results).load()
    study = api.study_file.read(file, ["repetitions=100"])
    jobs = api.study_jobs(study, ResultsFolder(results))
    with ResultsFolder(results).held():
        for job in jobs[1:]:
            planned = dataclasses.replace(runner.planned_row(*job), status="ok")
            with ResultsFolder(results).under_way(job.name) as folder:
                ResultsFolder(results).finish(folder, dataclasses.replace(first, row=planned))
    assert len(jobs) == 200
    tmva_bench.run_study(file, changes=["repetitions=100"], folder=results)
    written = (results / "results.root").stat().st_mtime_ns
    answer = subprocess.run(
        study_command(file, results, "--set", "repetitions=100"), check=True, capture_output=True, text=True
    )
    assert "200 runs are there already, 0 to do" in answer.stderr
    assert (results / "results.root").stat().st_mtime_ns == written


def test_a_full_disk_ends_the_study_with_a_row_of_its_own(fake_study, tmp_path, monkeypatch):
    """Tried by hand on a disk of 5 MB, too; here the disk is only said to be full."""
    monkeypatch.setattr(ResultsFolder, "is_full", lambda folder: True)
    code = "(folder / 'large').write_bytes(bytes(1000))\nsys.exit('No space left on device')"
    heard = Heard()
    with pytest.raises(DiskFull, match="no space left on the disk of the results folder; free some"):
        tmva_bench.run_study(fake_study(code), folder=tmp_path / "results", listener=heard)
    assert [said for said in heard.said if said[0] == "started"] == [("started", 5, 1)]
    (record,) = ResultsFolder(tmp_path / "results").load()
    assert record.row.status == "failed"
    assert "then --rerun failed" in record.row.reason
    assert ResultsFolder(tmp_path / "results").runs_under_way() == []
    assert not list((tmp_path / "results" / "runs").glob("*/large"))
