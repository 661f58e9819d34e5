"""The doctor says of every method whether it ran on a hundred events, with version, or reason and cure."""

import importlib.util
import json
import tempfile
from pathlib import Path

import pytest
import uproot
from click.testing import CliRunner

from tmva_bench import cli
from tmva_bench.running import doctor, environments

METHODS = [
    ("tmva-dnn", "tmva", "cpu"),
    ("tmva-dnn", "tmva", "gpu"),
    ("pykeras", "tensorflow", "cpu"),
    ("keras", "tensorflow", "cpu"),
    ("keras", "jax", "cpu"),
    ("keras", "torch", "cpu"),
    ("keras", "jax", "cpu", "root"),
    ("torch", "torch", "cpu"),
    ("tmva-bdt", "tmva", "cpu"),
    ("boosting", "sklearn", "cpu"),
    ("boosting", "xgboost", "cpu"),
    ("linear", "sklearn", "cpu"),
]
# JAX trains in earnest where the test asks for it, what else there is ends in other ways.
WORKER = """
    import shutil
    task = json.loads((folder / "task.json").read_text())
    shutil.copy(task["input_file"], {kept!r})
    if task["backend"] == "torch":
        os.kill(os.getpid(), 11)
    if task["backend"] != "jax" or not {train!r}:
        ending = {{"status": "unavailable", "reason": "no " + task["backend"] + " here; pip install '[cure]'"}}
        worker.carry_out = lambda folder: ending
    worker.main()
"""


@pytest.fixture
def installation(fake_python, tmp_path, monkeypatch):
    """An installation in which JAX trains or nothing does; gives the file that the last method was given."""

    def make(train):
        fake = fake_python(WORKER.format(kept=str(tmp_path / "given.root"), train=train))
        monkeypatch.setattr(environments, "describe", lambda: fake)
        # All that the doctor writes lies in folders of its own, gone when it is done.
        (tmp_path / "temporary").mkdir()
        (tmp_path / "here").mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
        monkeypatch.chdir(tmp_path / "here")
        return tmp_path / "given.root"

    return make


def nothing_left():
    return not list(Path.cwd().iterdir()) and not list(Path(tempfile.gettempdir()).iterdir())


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="needs jax")
def test_one_method_that_trains_is_exit_code_0(installation):
    installed = installation(train=True)
    answer = CliRunner().invoke(cli.main, ["doctor", "--json"])
    assert answer.exit_code == 0
    examined = json.loads(answer.stdout)
    assert examined["machine"] == environments.machine()
    assert examined["threads"] == environments.available_threads()
    assert examined["environment"]["name"] == "fake"
    assert examined["environment"]["versions"] == {"python": "3", "root": "6", "keras": "3"}
    names = ("method", "backend", "architecture", "feeding")
    methods = {tuple(row[name] for name in names if row[name] != "array"): row for row in examined["methods"]}
    assert list(methods) == METHODS
    fed = methods.pop(("keras", "jax", "cpu", "root"))
    assert fed["runs"] or "has no data loader ROOT.Experimental.ML.RDataLoader" in fed["reason"]
    jax = methods.pop(("keras", "jax", "cpu"))
    assert (jax["runs"], jax["reason"]) == (True, "")
    assert jax["backend_version"]
    for method in ("keras", "torch"):
        assert "SIGSEGV" in methods.pop((method, "torch", "cpu"))["reason"]
    for (_, backend, *_), row in methods.items():
        assert (row["runs"], row["reason"]) == (False, f"no {backend} here; pip install '[cure]'")
    with uproot.open(installed) as file:
        assert [file[tree].num_entries for tree in ("TrainS", "TrainB", "TestS", "TestB")] == [100] * 4
    assert nothing_left()


def test_no_method_that_trains_is_exit_code_1_and_the_whole_table(installation):
    installation(train=False)
    answer = CliRunner().invoke(cli.main, ["doctor"])
    assert answer.exit_code == 1
    assert answer.stderr.splitlines()[-1] == "tmva-bench: no method can run here"
    assert "Traceback" not in answer.stderr
    # Where the table is narrow, a reason takes several lines.
    words = " ".join(answer.stdout.split())
    assert environments.machine()["cpu_model"] in words
    for backend in ("tmva", "tensorflow", "jax"):
        assert f"no {backend} here" in words
    assert "SIGSEGV" in words
    assert "'[cure]'" in words
    assert " yes " not in words
    assert nothing_left()


def test_each_method_is_named_before_it_is_tried(installation, tmp_path):
    installed = installation(train=False)
    named = []

    def note(name):
        named.append((name, installed.exists()))
        installed.unlink(missing_ok=True)

    examined = doctor.examine(note)
    assert [row["runs"] for row in examined["methods"]] == [False] * len(METHODS)
    assert [name.split()[0] for name, _ in named] == [method for method, *_ in METHODS]
    assert len({name for name, _ in named}) == len(METHODS)
    # Between two names one child was given its events.
    assert [tried for _, tried in named] == [False] + [True] * (len(METHODS) - 1)
