"""One run, one child: whatever becomes of the child is one row with one line of reason."""

import json
import math
import os
import signal
import subprocess
import sys
import time

import numpy
import psutil
import pytest
from fake_child import TRAINED
from fake_clock import FakeClock
from scipy import stats

from tmva_bench.basis import parsing
from tmva_bench.errors import UserError
from tmva_bench.events import inputs, roc, samples
from tmva_bench.methods import Outcome, worker
from tmva_bench.results import placements, schema
from tmva_bench.results.folder import ResultsFolder
from tmva_bench.running import child, runner
from tmva_bench.study import requests

POINT = parsing.point({"neurons": 5, "max_epochs": 2, "batch_size": 50})
REQUEST = requests.Request(POINT, "keras", "jax")


# A method of the test's own that reads its events.
READING = """
from types import SimpleNamespace
from tmva_bench import errors
from tmva_bench.events import inputs, samples
from tmva_bench.methods import read_input, registry
few = dict(train_signal=50, train_background=50, test_signal=100, test_background=80)
class Scores(dict):
    def items(self):
        raise errors.TrainingFailed("it was read")
def method(task, watch):
    read_input(task.input_file, task.input_digest)
    path = task.input_file
    pass  # afterwards
    return SimpleNamespace(scores=Scores())
registry.METHODS["keras"] = registry.METHODS["keras"]._replace(run=method)
worker.main()
"""


def without(row, names):
    return {name: value for name, value in row.items() if name not in names}


@pytest.fixture
def ended(fake_python, small_input, tmp_path):
    """Runs a fake worker's code and gives the row that it leaves."""

    def run(code, request=REQUEST, **limits):
        results = tmp_path / "results"
        record = runner.run_one(
            request,
            inputs.read(small_input),
            ResultsFolder(results),
            environment=fake_python(code),
            limits=requests.Limits(**limits),
        )
        (kept,) = ResultsFolder(results).load()
        derived = [column.name for column in schema.DERIVED]
        assert str(without(kept.row.columns(), derived)) == str(without(record.row.columns(), derived))
        assert "\n" not in record.row.reason
        return record.row

    return run


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        ("sys.exit(3)", "failed", "exit code 3"),
        ("print('the last words'); sys.exit(1)", "failed", "the last words"),
        ("os.kill(os.getpid(), 11)", "killed", "SIGSEGV"),
        ("os.kill(os.getpid(), 9)", "killed", "SIGKILL"),
        ("print('<FATAL>   : no such thing'); sys.stdout.flush(); os._exit(129)", "failed", "no such thing"),
        ("sys.stdout.buffer.write(b'\\xff\\xfe broken'); sys.stdout.flush(); sys.exit(2)", "failed", "exit code 2"),
    ],
)
def test_a_child_that_dies_is_a_row(ended, code, status, reason):
    row = ended(code)
    assert row.status == status
    assert reason in row.reason


@pytest.mark.parametrize("through", ["ROOT", "C++"])
def test_a_crash_is_told_by_its_signal_and_the_line_that_names_it(ended, through):
    """ROOT catches the signal, prints it and leaves by an exit code of its own; no debugger is started."""
    pytest.importorskip("ROOT")
    crash = {
        "ROOT": "import ctypes; ctypes.string_at(0)",
        "C++": "import ROOT; ROOT.gInterpreter.Declare('void end() { std::abort(); }'); ROOT.end()",
    }[through]
    row = ended(f"worker.attempt(lambda folder: exec({crash!r}), folder)")
    assert row.status == "killed"
    signal_name, line = {
        "ROOT": ("SIGSEGV", "*** Break *** segmentation violation"),
        "C++": ("SIGABRT", "*** Break *** abort"),
    }[through]
    assert row.reason.startswith(f"the child was ended by signal {signal_name}: ")
    assert row.reason.endswith(line)


def test_a_child_that_hangs_is_ended_with_all_it_started(ended, tmp_path, monkeypatch):
    noted = tmp_path / "pid"
    code = f"""
        import subprocess
        Path({str(noted)!r}).write_text(str(subprocess.Popen(["sleep", "300"]).pid))
        time.sleep(300)
    """
    # An hour is over as soon as the child has started another.
    monkeypatch.setattr(child, "time", FakeClock(4000, lambda: noted.is_file() and noted.read_text() != ""))
    row = ended(code, seconds=3600)
    assert (row.status, row.reason) == ("timeout", "ended after the time limit of 3600 s")
    deadline = time.monotonic() + 10
    pid = int(noted.read_text())
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_child_that_eats_memory_is_ended(ended):
    row = ended("hoard = bytearray(600 * 2**20)\ntime.sleep(60)", memory=400)
    assert row.status == "out_of_memory"
    assert "the memory limit is 400 MiB" in row.reason


# What a child starts: at once, by another that has ended, and in a session of its own.
HUNGRY = "import sys, time; hoard = bytearray(500 * 2**20); time.sleep(60)"
STARTS = {
    "a grandchild": "subprocess.Popen([sys.executable, '-c', {hungry!r}])",
    "an orphan": "subprocess.run([sys.executable, '-c', "
    "'import subprocess, sys; subprocess.Popen([sys.executable, \"-c\", sys.argv[1]])', {hungry!r}])",
    "a session": "subprocess.Popen([sys.executable, '-c', {hungry!r}], start_new_session=True)",
}


@pytest.mark.parametrize("name", STARTS)
def test_what_a_child_starts_counts_for_its_memory(ended, name):
    hungry = HUNGRY.replace("60", "15")  # the one in a session of its own outlives the run
    code = f"import subprocess\n{STARTS[name].format(hungry=hungry)}\ntime.sleep(60)"
    row = ended(code, memory=400)
    assert row.status == "out_of_memory"
    assert "the memory limit is 400 MiB" in row.reason
    assert row.peak_memory > 400


def test_memory_shared_after_a_fork_counts_once(ended):
    row = ended("hoard = bytearray(250 * 2**20)\nos.fork() or time.sleep(60)\ntime.sleep(4); sys.exit(3)", memory=450)
    assert row.status == "failed", row.reason


def test_a_file_replaced_between_planning_and_run_is_a_failed_run(fake_python, small_input, tmp_path):
    """No row stands under the digest of events that it was not trained on."""
    path = tmp_path / "own.root"
    path.write_bytes(small_input.read_bytes())
    data = inputs.read(path)
    path.unlink()
    other = samples.gauss(train_signal=500, train_background=500, test_signal=1000, test_background=800, seed=2)
    inputs.write(other, path)
    results = ResultsFolder(tmp_path / "results")
    row = runner.run_one(REQUEST, data, results, environment=fake_python(READING)).row
    assert row.status == "failed"
    planned, now = (read.metadata["digest"][:12] for read in (data, inputs.read(path)))
    assert row.reason == (
        f"{path}: the input file was replaced while the study ran (digest {planned} when it was planned, {now} now); "
        "run again, with the file left alone"
    )
    assert row.input_digest == data.metadata["digest"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            "Path(path).unlink(); inputs.write(samples.gauss(**few), path)",
            "own.root: the input file was replaced while",
        ),
        ("Path(path).unlink()", "own.root: "),
        ("Path(path).touch()", "it was read"),  # the same events: the run goes on
    ],
)
def test_a_file_changed_after_the_method_read_it_is_looked_at_again(fake_python, small_input, tmp_path, change, reason):
    """TMVA opens the file itself, after the events were checked."""
    path = tmp_path / "own.root"
    path.write_bytes(small_input.read_bytes())
    results = ResultsFolder(tmp_path / "results")
    code = READING.replace("pass  # afterwards", change)
    row = runner.run_one(REQUEST, inputs.read(path), results, environment=fake_python(code)).row
    assert row.status == "failed"
    assert reason in row.reason


def test_threads_backend_and_gpu_reach_the_child(ended, tmp_path):
    seen = tmp_path / "seen.json"
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")
    names += ("TF_NUM_INTEROP_THREADS", "KERAS_BACKEND", "CUDA_VISIBLE_DEVICES")
    ended(f"Path({str(seen)!r}).write_text(json.dumps([os.environ.get(n) for n in {names!r}]))")
    assert json.loads(seen.read_text()) == ["1"] * 5 + ["jax", "-1"]


def test_the_child_is_bound_to_its_cores(ended, tmp_path):
    seen = tmp_path / "seen.json"
    code = f"""
        worker.carry_out = lambda *a: (
            Path({str(seen)!r}).write_text(json.dumps(len(os.sched_getaffinity(0)))),
            {{"status": "failed", "reason": "looked"}},
        )[1]
        worker.main()
    """
    assert ended(code).reason == "looked"
    assert json.loads(seen.read_text()) == 1


def test_whatever_can_change_a_result_names_another_run(fake_python, small_input):
    data, environment = inputs.read(small_input), fake_python("")
    first = runner.identify(REQUEST, data, environment)
    assert runner.identify(REQUEST, data, environment) == first
    others = [
        runner.identify(REQUEST._replace(threads=2), data, environment),
        runner.identify(REQUEST._replace(repetition=2), data, environment),
        runner.identify(REQUEST, data, environment._replace(versions={"python": "3", "root": "7", "keras": "3"})),
        runner.identify(REQUEST, data._replace(metadata={**data.metadata, "digest": "other"}), environment),
    ]
    assert len({first, *others}) == 5


def test_limits_must_be_above_zero():
    with pytest.raises(UserError, match="memory limit = -1"):
        requests.limits(None, -1)


def test_a_real_run(real_run):
    (record,) = ResultsFolder(real_run.cwd / "results" / "small").load()
    row = record.row
    assert row.status == "ok"
    assert 0.5 < row.roc_auc < 1
    assert row.epochs == len(record.history.epoch) == 3
    assert 0 < row.real_time_fit <= row.real_time_train < row.real_time_total
    assert row.peak_memory > 50
    for share in (10, 30):
        name = f"signal_efficiency_at_{share}_percent"
        assert 0 <= row.value(f"{name}_low") < row.value(name) < row.value(f"{name}_high") <= 1
    # 1 % of 800 background events are too few to place the threshold.
    assert math.isnan(row.signal_efficiency_at_1_percent)
    assert row.background_rejection_at_30_percent > row.background_rejection_at_90_percent
    assert 0 < row.overtraining_signal <= 1
    assert math.isnan(row.roc_integral_difference)
    assert 2 < len(record.roc.signal_efficiency) <= 500


def test_columns_from_the_scores(fake_python, small_input, tmp_path):
    """The scores are the fake worker's: the last variable."""
    data = inputs.read(small_input)
    code = "train(folder, roc_integral=0.75)"
    row = runner.run_one(REQUEST, data, ResultsFolder(tmp_path / "results"), environment=fake_python(code)).row
    scores = {tree: 2 * events[:, -1] for tree, events in data.events.items()}
    test = scores["TestS"], scores["TestB"], data.weights["TestS"], data.weights["TestB"]
    name = "signal_efficiency_at_10_percent"
    assert (row.value(name), row.value(f"{name}_low"), row.value(f"{name}_high")) == roc.signal_efficiencies(
        *test, at=[0.1]
    )[0]
    name = "background_rejection_at_70_percent"
    assert (row.value(name), row.value(f"{name}_low"), row.value(f"{name}_high")) == roc.background_rejections(
        *test, at=[0.7]
    )[0]
    assert row.overtraining_background == pytest.approx(
        stats.ks_2samp(scores["TrainB"], scores["TestB"], method="asymp").pvalue, abs=0.02
    )
    assert row.roc_integral_difference == 0.75 - roc.auc(*test)
    kept = placements.read(ResultsFolder(tmp_path / "results").placements(row.run_id), len(test[0]), len(test[1]))
    assert all(map(numpy.array_equal, kept, roc.placements(*test)))


def test_a_parent_that_is_killed_takes_its_child_along(small_input, tmp_path):
    command = [sys.executable, "-m", "tmva_bench.cli", "run", str(small_input), "--method", "keras", "--backend", "jax"]
    command += ["--batch-size", "50", "--max-epochs", "100000", "--convergence-steps", "100000"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as parent:
        deadline = time.monotonic() + 60
        while not (
            children := [c for c in psutil.Process(parent.pid).children() if "tmva_bench.methods.worker" in c.cmdline()]
        ):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        # The worker ties itself to its parent as it starts.
        time.sleep(5)
        os.kill(parent.pid, signal.SIGKILL)
    assert not psutil.wait_procs(children, timeout=20)[1]
    assert ResultsFolder(tmp_path / "results" / "small").load() == []


@pytest.mark.parametrize(
    ("test", "reason"), [([0.5, 0.5], "has the score 0.5"), ([float("nan"), 0.1], "are not finite")]
)
def test_scores_that_are_no_classification_are_refused(test, reason):
    scores = {tree: numpy.array(test) for tree in ("TrainS", "TrainB", "TestS", "TestB")}
    with pytest.raises(worker.TrainingFailed, match=reason):
        worker.check(Outcome(scores, [], 1, 0.1, 1, 0.5, 1.0, "cpu", {}, {}))


def test_an_area_outside_0_to_1_is_told_and_has_no_working_points(fake_python, small_input, tmp_path):
    """Events of negative weight lie where the other class is."""
    data = inputs.read(small_input)
    for tree, sign in (("TestS", 1), ("TestB", -1)):
        events, weights = data.events[tree].copy(), data.weights[tree].copy()
        weights[: len(weights) // 3] = -1
        events[:, -1] = sign * weights + 0.01 * numpy.arange(len(weights)) / len(weights)
        data.events[tree], data.weights[tree] = events, weights
    path = tmp_path / "negative.root"
    inputs.store(data._replace(path=str(path)))
    record = runner.run_one(
        REQUEST, inputs.read(path), ResultsFolder(tmp_path / "results"), environment=fake_python(TRAINED)
    )
    row = record.row
    assert row.status == "ok"
    assert row.roc_auc > 1
    assert "put the ROC area outside 0 to 1" in row.warnings
    assert all(math.isnan(row.value(name)) for name in row.columns() if "_at_" in name)
    assert all(0 <= value <= 1 for value in record.roc.signal_efficiency)
