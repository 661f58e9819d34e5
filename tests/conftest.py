"""What tests of several modules share."""

import contextlib
import dataclasses
import functools
import importlib.util
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import fake_child
import numpy
import pytest
import uproot
from double import recordings

from tmva_bench import cli
from tmva_bench.basis import parsing
from tmva_bench.events import inputs, samples
from tmva_bench.methods import Task
from tmva_bench.running.environments import Environment

VARIABLES = ["var1", "var2", "var3", "var4"]
REAL_RUN = ("--method", "keras", "--backend", "jax", "--neurons", 8, "--max-epochs", 3, "--batch-size", 50)


@functools.lru_cache(maxsize=1)
def _missing_tmva() -> str:
    """Why tests marked ``tmva`` cannot run, "" if they can; asked of ROOT in a child, to keep this process light."""
    code = "import ROOT; print(ROOT.gROOT.GetVersion(), bool(ROOT.TClass.GetClass('TMVA::Factory', True, True)))"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if child.returncode:
        return "needs a ROOT with TMVA; there is no ROOT here"
    version, has = child.stdout.split()[-2:]
    return "" if has == "True" else f"needs a ROOT with TMVA; ROOT {version} here has none"


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("tmva") and (reason := _missing_tmva()):
        pytest.skip(reason)


@pytest.fixture(scope="session")
def recorded_input(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Makes a common input file of a recorded run's events: without the branches that no run of ours may read."""

    @functools.cache
    def make(name: str) -> str:
        path = tmp_path_factory.mktemp("input") / "input.root"
        events = recordings.read_events(recordings.input_file(name), tuple(VARIABLES))
        with uproot.recreate(path) as file:
            for tree, columns in events.items():
                file.mktree(tree, dict.fromkeys(columns, numpy.float32)).extend(columns)
        return str(path)

    return make


@pytest.fixture
def doubled(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The ROOT module with the double of TMVA; what is imported as ``ROOT`` meanwhile."""
    real = pytest.importorskip("ROOT")
    from double import tmva
    from double.root import DoubledRoot

    tmva.reset()
    root = DoubledRoot(real)
    monkeypatch.setitem(sys.modules, "ROOT", root)
    return root


@pytest.fixture
def make_task(tmp_path: Path, recorded_input: Callable[[str], str]) -> Callable[..., Task]:
    """A task on a recorded run's events, its folder a temporary one."""

    def make(name: str, method: str, backend: str, **values: Any) -> Task:
        architecture = values.pop("architecture", "cpu")
        folder = tmp_path / "run"
        folder.mkdir(exist_ok=True)
        point = parsing.point({"norm_mode": "none", **values})  # as they were recorded
        input_file = recorded_input(name)
        return Task(
            point, method, backend, architecture, 1, input_file, str(folder), inputs.read(input_file).metadata["digest"]
        )

    return make


@contextlib.contextmanager
def _logged(folder: str) -> Iterator[None]:
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    log = os.open(Path(folder, "log.txt"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, copy in enumerate(kept, 1):
            os.dup2(copy, number)
            os.close(copy)
        os.close(log)


@pytest.fixture
def logged() -> Callable[[str], contextlib.AbstractContextManager[None]]:
    """Sends all that is printed meanwhile to ``log.txt`` in a folder, as the parent does for its children."""
    return _logged


@pytest.fixture
def run_worker() -> Callable[..., tuple[dict[str, Any], str]]:
    """Runs a task in a child process, as the parent does; gives what it left and its log."""

    def run(task: Task, python: str = sys.executable, **environment: str) -> tuple[dict[str, Any], str]:
        folder = Path(task.folder)
        values = {**task._asdict(), "point": dataclasses.asdict(task.point)}
        (folder / "task.json").write_text(json.dumps(values))
        (folder / "cpus.json").write_text("[]")
        with (folder / "log.txt").open("w") as log:
            command = [python, "-m", "tmva_bench.methods.worker", str(folder), str(os.getpid())]
            child = subprocess.run(
                command, stdout=log, stderr=subprocess.STDOUT, env={**os.environ, **environment}, check=False
            )
        outcome = folder / "outcome.json"
        outcome_left = (
            json.loads(outcome.read_text()) if outcome.exists() else {"status": "killed", "code": child.returncode}
        )
        return outcome_left, (folder / "log.txt").read_text()

    return run


@pytest.fixture(scope="session")
def small_input(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small common input file, for quick runs."""
    path = tmp_path_factory.mktemp("small") / "small.root"
    inputs.write(samples.gauss(train_signal=500, train_background=500, test_signal=1000, test_background=800), path)
    return path


@pytest.fixture
def fake_python(tmp_path: Path) -> Callable[[str], Environment]:
    """Makes an environment whose Python runs a worker of the test's own: code after :data:`fake_child.START`."""

    def make(code: str) -> Environment:
        path = tmp_path / f"python-{len(list(tmp_path.glob('python-*')))}"
        head = f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(Path(__file__).parent)!r})\n{fake_child.START}"
        path.write_text(head + textwrap.dedent(code))
        path.chmod(0o755)
        return Environment(str(path), "fake", {"python": "3", "root": "6", "keras": "3"})

    return make


@pytest.fixture
def fake_study(fake_python: Callable[[str], Environment], small_input: Path, tmp_path: Path) -> Callable[..., Path]:
    """Writes a study file of 2 widths, 2 repetitions, whose one series runs a fake worker's code."""

    def make(code: str, more: str = "") -> Path:
        path = tmp_path / "mine.toml"
        path.write_text(
            f"repetitions = 2\n{more}\n[sample]\nfile = '{small_input}'\n[point]\nbatch_size = 50\nmax_epochs = 2\n"
            f"[axes]\nneurons = [5, 20]\n[environments.fake]\npython = '{fake_python(code).python}'\n"
            "[[series]]\nmethod = 'keras'\nbackend = 'jax'\nenvironment = 'fake'\n"
        )
        return path

    return make


@pytest.fixture(scope="session")
def real_run(small_input: Path, tmp_path_factory: pytest.TempPathFactory) -> "subprocess.CompletedProcess[str]":
    """``tmva-bench run`` of a small network on JAX; its current directory, in ``cwd``, has ``results/small``."""
    if importlib.util.find_spec("jax") is None:
        pytest.skip("needs jax")
    return command_line(tmp_path_factory.mktemp("real"), "run", small_input, *REAL_RUN)


def all_commands() -> dict[str, click.Command]:
    """Every command of ``tmva-bench``, loaded, by name."""
    context = click.Context(cli.main)
    return {name: cli.main.get_command(context, name) for name in cli.main.list_commands(context)}


def command_line(cwd: Path, *arguments: object) -> "subprocess.CompletedProcess[str]":
    """Runs ``tmva-bench`` in a folder, as a user does."""
    command = [sys.executable, "-m", "tmva_bench.cli", *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    done.cwd = cwd  # type: ignore[attr-defined]
    return done
