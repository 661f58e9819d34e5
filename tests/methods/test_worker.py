"""What the child leaves, however a run ends: one outcome with a reason, or none at all; never half of one."""

import dataclasses
import functools
import importlib.util
import json
import math
import os
import re
import subprocess
import sys
import types

import numpy
import pytest
import uproot
from fake_clock import FakeClock

from tmva_bench.basis import parsing
from tmva_bench.basis.training import Epoch
from tmva_bench.engines import stopwatch
from tmva_bench.errors import TrainingFailed, Unavailable, UserError
from tmva_bench.events import inputs, samples
from tmva_bench.methods import Outcome, Task, registry, worker
from tmva_bench.results.folder import ResultsFolder
from tmva_bench.running import environments, runner
from tmva_bench.study import requests

TREES = ("TrainS", "TrainB", "TestS", "TestB")
SCORES = {tree: numpy.array([0.1 + number, 0.25, 1 / 3]) for number, tree in enumerate(TREES)}
HISTORY = [Epoch(1, 0.7, 0.6, 2.5, 2.25), Epoch(2, 0.5, 0.4, 1.5, 1.25)]
OUTCOME = Outcome(
    SCORES,
    HISTORY,
    2,
    0.4,
    31,
    math.nan,
    4.5,
    "cpu",
    {"root": "6", "keras": "3", "backend": "1"},
    {"test_digest": "abc"},
)
POINT = parsing.point({"neurons": 8, "layers": 1, "max_epochs": 3, "batch_size": 50})


def put(folder, **changes):
    """A task in a folder of its own, as the parent leaves it."""
    folder.mkdir(parents=True)
    task = Task(POINT, "keras", "jax", "cpu", 1, "input.root", str(folder), "digest")._replace(**changes)
    (folder / "task.json").write_text(json.dumps({**task._asdict(), "point": dataclasses.asdict(task.point)}))
    (folder / "cpus.json").write_text("[]")
    return task


# Endings, with a method of the test's own in this process.


class Watch:
    def Start(self):  # noqa: N802
        pass

    def Stop(self):  # noqa: N802
        pass

    def CpuTime(self):  # noqa: N802
        return 2.0

    def RealTime(self):  # noqa: N802
        return 3.0


@pytest.fixture
def ends(monkeypatch, tmp_path):
    """Runs a method of the test's own as a task; gives what would become the outcome."""
    root = types.SimpleNamespace(GetVersion=lambda: "6", SetBatch=lambda batch: None)
    settings = types.SimpleNamespace(SetValue=lambda name, value: None)
    monkeypatch.setitem(sys.modules, "ROOT", types.SimpleNamespace(gROOT=root, gEnv=settings, TStopwatch=Watch))
    # Three seconds a phase, as Watch has it.
    monkeypatch.setattr(stopwatch, "time", FakeClock(3))

    def run(method):
        monkeypatch.setitem(registry.METHODS, "keras", registry.METHODS["keras"]._replace(run=method))
        put(tmp_path / "run")
        return worker.attempt(worker.carry_out, tmp_path / "run")

    return run


def raising(error):
    def method(task, watch):
        raise error

    return method


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (Unavailable("no such library here", "install it"), "unavailable", "no such library here; install it"),
        (TrainingFailed("nothing was learnt"), "failed", "nothing was learnt"),
        (UserError("a.root: no tree TestS; generate it anew"), "failed", "a.root: no tree TestS; generate it anew"),
    ],
)
def test_a_known_ending_is_its_own_reason_without_a_traceback(ends, capfd, error, status, reason):
    assert ends(raising(error)) == {"status": status, "reason": reason}
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (MemoryError("Unable to allocate 5 GiB"), "out_of_memory", "MemoryError: Unable to allocate 5 GiB"),
        (MemoryError(), "out_of_memory", "MemoryError: no text"),
        (ValueError("shapes:\n\n   (3,) and (4,)  \n\n"), "failed", "ValueError: (3,) and (4,)"),
        (KeyError("weight"), "failed", "KeyError: 'weight'"),
        (RuntimeError(" \n"), "failed", "RuntimeError: no text"),
        (ImportError("libfoo.so: cannot open"), "failed", "ImportError: libfoo.so: cannot open"),
        (OSError(28, "No space left on device"), "failed", "OSError: [Errno 28] No space left on device"),
    ],
)
def test_whatever_a_library_throws_is_one_line_and_the_log_has_the_rest(ends, capfd, error, status, reason):
    assert ends(raising(error)) == {"status": status, "reason": reason}
    assert "Traceback" in capfd.readouterr().err


def test_a_reason_has_a_limit(ends):
    reason = ends(raising(RuntimeError("x" * 100000)))["reason"]
    assert reason.startswith("RuntimeError: xxx")
    assert len(reason) <= 500


def test_no_root_is_said_before_anything_else_is_loaded(ends, monkeypatch):
    monkeypatch.setitem(sys.modules, "ROOT", None)
    outcome = ends(raising(AssertionError("loaded before ROOT")))
    assert outcome["status"] == "unavailable"
    assert "no ROOT here" in outcome["reason"]
    assert "make env" in outcome["reason"]


def test_a_finished_run_is_all_that_was_measured(ends, tmp_path):
    def method(task, watch):
        assert task == Task(POINT, "keras", "jax", "cpu", 1, "input.root", str(tmp_path / "run"), "digest")
        for phase in ("prepare", "train", "test", "fit"):
            with watch.phase(phase):
                pass
        return OUTCOME

    outcome = ends(method)
    assert math.isnan(outcome.pop("roc_integral"))
    clocks = {f"{kind}_time_{phase}" for kind in ("cpu", "real") for phase in ("prepare", "train", "test")}
    assert {name for name in outcome if "_time_" in name} == clocks | {
        "real_time_fit",
        "real_time_epochs",
        "real_time_first_epoch",
    }
    assert outcome["cpu_time_train"] == 2
    assert outcome["real_time_train"] == 3
    measured = {
        "status": "ok",
        "reason": "",
        "device": "cpu",
        "real_time_fit": 4.5,
        "real_time_first_epoch": 2.5,
        "epochs": 2,
        "best_epoch": 2,
        "validation_loss": 0.4,
        "parameters": 31,
        "versions": {"root": "6", "keras": "3", "backend": "1"},
        "history": [[1, 0.7, 0.6, 2.5, 2.25], [2, 0.5, 0.4, 1.5, 1.25]],
    }
    assert {name: outcome[name] for name in measured} == measured
    with uproot.open(tmp_path / "run" / "scores.root") as file:
        for tree, scores in SCORES.items():
            assert file[tree]["score"].array(library="np").tolist() == scores.tolist()


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("tree", TREES)
def test_one_score_that_is_no_number_fails_the_run(ends, tmp_path, tree, value):
    scores = {**SCORES, tree: numpy.array([0.1, value, 0.2])}
    outcome = ends(lambda task, watch: OUTCOME._replace(scores=scores))
    assert outcome["status"] == "failed"
    assert outcome["reason"].startswith(f"1 scores of {tree} are not finite; try ")
    assert not (tmp_path / "run" / "scores.root").exists()


def test_test_events_of_one_score_fail_the_run_whatever_the_training_events_have(ends):
    same = numpy.full(3, 0.5)
    outcome = ends(lambda task, watch: OUTCOME._replace(scores={**SCORES, "TestS": same, "TestB": same}))
    assert outcome == {"status": "failed", "reason": "every test event has the score 0.5: nothing was learnt"}


def test_one_other_score_among_the_test_events_is_enough():
    same = numpy.full(3, 0.5)
    worker.check(OUTCOME._replace(scores={**SCORES, "TestS": same, "TestB": numpy.array([0.5, 0.5, 0.5000001])}))


# The process, with a method of the test's own.

STUB = """
    import types

    class Watch:
        Start = Stop = lambda self: None
        CpuTime = RealTime = lambda self: 1.0

    root = types.SimpleNamespace(GetVersion=lambda: "6", SetBatch=lambda batch: None)
    settings = types.SimpleNamespace(SetValue=lambda name, value: None)
    sys.modules["ROOT"] = types.SimpleNamespace(gROOT=root, gEnv=settings, TStopwatch=Watch)
    from tmva_bench.basis.training import Epoch
    from tmva_bench.methods import Outcome

    def fill():
        with (folder / "model").open("wb", 0) as file:
            while file.write(bytes(1024)):
                pass

    def method(task, watch):
        {body}
        import numpy
        scores = {{tree: numpy.arange(n) / n for tree, n in dict(
            TrainS=500, TrainB=500, TestS=1000, TestB=800).items()}}
        return Outcome(scores, [Epoch(1, 0.7, 0.6, 0.1)], 1, 0.6, 9, 0.5, 0.1, "cpu",
                       {{"root": "6", "keras": "3", "backend": "1"}}, {{}})

    from tmva_bench.methods.registry import METHODS
    METHODS["keras"] = METHODS["keras"]._replace(run=method)
    worker.main()
"""


@pytest.fixture
def process(fake_python, tmp_path):
    """Runs the worker with a method of the test's own as a process; gives its end, and the folder."""

    def run(body="pass", parent=None):
        folder = tmp_path / "run"
        put(folder)
        command = [fake_python(STUB.format(body=body)).python, "-m", "tmva_bench.methods.worker"]
        command += [str(folder), str(parent or os.getpid())]
        return subprocess.run(command, capture_output=True, text=True, check=False), folder

    return run


def test_the_outcome_is_whole_whatever_happens_at_exit(process):
    body = "import atexit; atexit.register(os.kill, os.getpid(), 11)"
    child, folder = process(body)
    assert child.returncode == 0, child.stderr
    outcome = json.loads((folder / "outcome.json").read_text())
    assert outcome["status"] == "ok"
    assert outcome["cpu_time_total"] > 0
    assert outcome["peak_memory"] > 10
    assert {path.name for path in folder.iterdir()} == {"task.json", "cpus.json", "scores.root", "outcome.json"}


def test_what_libraries_in_c_print_reaches_the_log(process):
    child, _ = process("import ctypes; ctypes.CDLL(None).puts(b'words from C'); print('and from Python')")
    assert "words from C" in child.stdout
    assert "and from Python" in child.stdout


def test_a_failure_ends_the_process_as_a_result_does(process):
    child, folder = process("raise ValueError('no good')")
    assert child.returncode == 0
    outcome = json.loads((folder / "outcome.json").read_text())
    assert (outcome["status"], outcome["reason"]) == ("failed", "ValueError: no good")
    assert outcome["cpu_time_total"] > 0
    assert not (folder / "scores.root").exists()
    assert "Traceback" in child.stderr


def test_a_child_whose_parent_has_ended_does_not_begin(process):
    child, folder = process(parent=2**22 + 1)
    assert child.returncode == 1
    assert child.stderr == "the parent has ended\n"
    assert not (folder / "outcome.json").exists()


def test_peak_memory_of_a_process_that_is_there_and_of_one_that_is_not():
    assert 10 < worker.peak_memory() < 10**5
    assert worker.peak_memory(os.getpid()) >= worker.peak_memory() > 0
    assert worker.peak_memory(2**22 + 1) == 0


def test_a_file_that_cannot_be_written_is_the_reason(process):
    child, folder = process("import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))")
    assert child.returncode == 0
    outcome = json.loads((folder / "outcome.json").read_text())
    assert (outcome["status"], outcome["reason"]) == ("failed", "OSError: [Errno 27] File too large")


def test_an_outcome_that_cannot_be_written_is_none(process, monkeypatch):
    # Where coverage is measured, the child would fail to write that.
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
    child, folder = process("import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (50, 50))")
    assert child.returncode == 1
    assert child.stderr.splitlines()[-1] == "OSError: [Errno 27] File too large"
    assert not (folder / "outcome.json").exists()


# A disk that is full.


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 60 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=60k", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


FILLING = {
    "and the method fails": "fill()",
    "and the method goes on": "import contextlib\n        with contextlib.suppress(OSError): fill()",
}


@pytest.mark.parametrize("body", FILLING.values(), ids=FILLING)
def test_a_disk_that_fills_up_is_one_line(small_disk, fake_python, small_input, body):
    environment = fake_python(STUB.format(body=body))
    with pytest.raises(UserError) as error:
        runner.run_one(
            requests.Request(POINT, "keras", "jax"),
            inputs.read(small_input),
            ResultsFolder(small_disk),
            environment=environment,
        )
    assert re.match(f"{small_disk}: .*no space left.*; free some", str(error.value), re.IGNORECASE)
    assert "\n" not in str(error.value)
    # A record may be left that says so; it is whole, and no result.
    for record in ResultsFolder(small_disk).load():
        assert record.row.status == "failed"
        assert "no space left" in record.row.reason.lower()


# The process with real methods.

REAL = {
    "learns nothing": {"initializer": "zero", "norm_mode": "none"},
    "runs away": {"learning_rate": 1e30},
    "no such file": {},
    "another backend": {},
    "no GPU": {},
    "last": {"activation": "gauss", "regularization": "l2", "weight_decay": 1e-4, "dropout": 0.1},
}
RUN_ALL = """
import json, sys
from pathlib import Path
from tmva_bench.methods import worker
*others, last = map(Path, sys.argv[2:])
for folder in others:
    (folder / "outcome.json").write_text(json.dumps(worker.attempt(worker.carry_out, folder)))
sys.argv[1:] = [str(last), sys.argv[1]]
worker.main()
"""


@pytest.fixture(scope="session")
def unequal_input(tmp_path_factory):
    """Twice as much signal as background: the bias alone can make the loss smaller."""
    path = tmp_path_factory.mktemp("unequal") / "unequal.root"
    inputs.write(samples.gauss(train_signal=800, train_background=400, test_signal=300, test_background=200), path)
    return path


@pytest.fixture(scope="session")
def run_all(unequal_input, tmp_path_factory):
    """Runs every task above on a backend, in one process and once; gives the folder of their folders."""

    @functools.cache
    def run(backend):
        folder = tmp_path_factory.mktemp(backend)
        digest = inputs.read(unequal_input).metadata["digest"]
        for name, values in REAL.items():
            point = parsing.point({"neurons": 8, "layers": 1, "max_epochs": 3, "batch_size": 50, **values})
            put(folder / name, point=point, backend=backend, input_file=str(unequal_input), input_digest=digest)
        put_again(folder / "no such file", input_file="absent.root")
        put_again(folder / "another backend", backend="torch")
        put_again(folder / "no GPU", architecture="gpu")
        variables = environments.run_variables(threads=1, backend=backend, architecture="cpu")
        variables["XLA_FLAGS"] = "--xla_backend_optimization_level=0"  # networks this small are all compilation
        with (folder / "log.txt").open("w") as log:
            command = [sys.executable, "-c", RUN_ALL, str(os.getpid()), *(str(folder / name) for name in REAL)]
            child = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, env=variables, check=False)
        assert child.returncode == 0, (folder / "log.txt").read_text()
        return folder

    return run


def put_again(folder, **changes):
    path = folder / "task.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.fixture(params=["jax", "tensorflow"])
def real(request, run_all):
    """Outcomes by name, and the folder of their folders."""
    if importlib.util.find_spec(request.param) is None:
        pytest.skip(f"needs {request.param}")
    folder = run_all(request.param)
    return {name: json.loads((folder / name / "outcome.json").read_text()) for name in REAL}, folder


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        ("learns nothing", "failed", "every test event has the score .*: nothing was learnt"),
        ("runs away", "failed", "no epoch of 3 had a lower validation loss .*; try a smaller learning_rate"),
        ("no such file", "failed", "absent.root: .*"),
        ("another backend", "unavailable", ".*torch.*; .*(install|use) .*"),
        ("no GPU", "unavailable", ".* sees no GPU here; .*take architecture cpu"),
    ],
)
def test_a_real_run_that_gives_no_result_says_why(real, name, status, reason):
    outcomes, folder = real
    assert outcomes[name]["status"] == status
    assert re.match(reason, outcomes[name]["reason"])
    assert not (folder / name / "scores.root").exists()
    assert "Traceback" not in (folder / "log.txt").read_text()


def test_a_real_run_leaves_scores_history_and_clocks(real, unequal_input):
    outcomes, folder = real
    outcome = outcomes["last"]
    assert (outcome["status"], outcome["reason"], outcome["device"]) == ("ok", "", "cpu")
    assert [epoch[0] for epoch in outcome["history"]] == [1, 2, 3]
    assert outcome["epochs"] == 3
    assert outcome["validation_loss"] == outcome["history"][outcome["best_epoch"] - 1][2]
    assert outcome["real_time_first_epoch"] == outcome["history"][0][3]
    assert outcome["parameters"] == 4 * 8 + 8 + 8 + 1
    assert 0 < outcome["real_time_fit"] <= outcome["real_time_train"]
    assert all(outcome["versions"].values())
    with uproot.open(folder / "last" / "scores.root") as file:
        scores = {tree: file[tree]["score"].array(library="np") for tree in TREES}
    assert {tree: len(s) for tree, s in scores.items()} == {
        tree: len(events) for tree, events in inputs.read(unequal_input).events.items()
    }
    for sample in ("Train", "Test"):
        assert scores[f"{sample}S"].mean() > scores[f"{sample}B"].mean()


def test_the_process_adds_its_own_time_and_memory(real):
    outcomes, folder = real
    last = outcomes["last"]
    assert last["cpu_time_total"] > last["cpu_time_prepare"] + last["cpu_time_train"] + last["cpu_time_test"]
    assert last["peak_memory"] > 100
    files = {"task.json", "cpus.json", "scores.root", "outcome.json", "keras_DL.weights.xml"}
    assert {path.name for path in (folder / "last").iterdir() if path.suffix not in (".keras", ".h5")} == files
