"""An environment is described from its records alone; what is no Python is one line; what a child finds set."""

import json
import os
import platform
import subprocess
import sys
import venv
from importlib import metadata
from pathlib import Path

import pytest

from tmva_bench.errors import UserError
from tmva_bench.running import environments


@pytest.fixture
def make_program(tmp_path):
    """Makes an executable of a shell's lines; gives its path."""

    def make(name, *lines):
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
        path.chmod(0o755)
        return str(path)

    return make


@pytest.fixture
def empty_python(tmp_path):
    """The Python of a new virtual environment that holds nothing."""
    venv.create(tmp_path / ".mine", symlinks=True)
    return str(tmp_path / ".mine" / "bin" / "python")


def test_this_python():
    described = environments.describe()
    assert described.python == sys.executable
    assert described.name == Path(sys.prefix).name.lstrip(".")
    assert described.versions["python"] == platform.python_version()
    assert described.versions["numpy"] == metadata.version("numpy")
    assert all(described.versions.values())
    for name in ("keras", "jax", "torch"):
        try:
            assert described.versions.get(name) == metadata.version(name)
        except metadata.PackageNotFoundError:
            assert name not in described.versions


def test_a_virtual_environment_is_not_the_python_that_it_links_to(empty_python, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "/nowhere")
    described = environments.describe(empty_python)
    assert described == environments.Environment(empty_python, "mine", {"python": platform.python_version()})
    # A relative path is taken from the user's folder, whose modules are not.
    monkeypatch.chdir(tmp_path)
    (tmp_path / "json.py").write_text("raise SystemExit('not json')")
    assert environments.describe(".mine/bin/python") == described


def test_condas_root_is_read_from_its_record(empty_python, tmp_path):
    record = tmp_path / ".mine" / "conda-meta" / "root_base-6.40.00-py312_0.json"
    record.parent.mkdir()
    record.write_text(json.dumps({"name": "root_base", "version": "6.40.0"}))
    assert environments.describe(empty_python).versions["root"] == "6.40.0"


def test_a_root_that_was_built_is_asked(empty_python, make_program, monkeypatch):
    folder = Path(make_program("root-config", '[ "$1" = --version ] && echo 6.38.02')).parent
    monkeypatch.setenv("PATH", str(folder))
    assert environments.describe(empty_python).versions["root"] == "6.38.02"


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["exit 3"], "exit code 3"),
        (["echo cannot open shared object >&2", "exit 127"], "cannot open shared object"),
        (["echo hello"], "does not say what it holds"),
        (["echo '[]'"], "does not say what it holds"),
        (["""echo '{"name": "old"}'"""], "does not say what it holds"),
    ],
    ids=["silent", "broken", "talks", "list", "half"],
)
def test_a_program_that_is_no_python(make_program, lines, reason):
    path = make_program("python", *lines)
    with pytest.raises(UserError, match="make env makes one") as error:
        environments.describe(path)
    message = str(error.value)
    assert message.startswith(f"{path}: ")
    assert reason in message
    assert "\n" not in message


def test_a_python_that_says_more_than_was_asked(make_program):
    path = make_program("python", "echo a licence was found", """echo '{"name": "n", "versions": {"python": "3"}}'""")
    assert environments.describe(path) == environments.Environment(path, "n", {"python": "3"})


@pytest.mark.parametrize(("name", "reason"), [("none", "No such file"), ("text", "Permission denied")])
def test_a_python_that_does_not_run(tmp_path, name, reason):
    (tmp_path / "text").write_text("no program")
    with pytest.raises(UserError, match=f"{name}: this Python does not run .*{reason}.*make env makes one"):
        environments.describe(str(tmp_path / name))


def test_the_machine(make_program, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    described = environments.machine.__wrapped__()
    assert set(described) == {"host", "cpu_model", "gpu_model"}
    assert described["host"] == platform.node()
    assert described["cpu_model"]
    assert described["gpu_model"] == ""
    folder = Path(make_program("nvidia-smi", "echo Big GPU", "echo Small GPU")).parent
    monkeypatch.setenv("PATH", str(folder))
    assert environments.machine.__wrapped__()["gpu_model"] == "Big GPU"
    # A driver that does not answer is no GPU.
    make_program("nvidia-smi", "echo no driver", "exit 9")
    assert environments.machine.__wrapped__()["gpu_model"] == ""


def test_cores_that_this_process_may_not_use_do_not_count():
    code = (
        "import os; from tmva_bench.running import environments; "
        "os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]); print(environments.available_threads())"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "1"


@pytest.mark.parametrize(
    ("siblings", "order", "cores"),
    [
        ({0: "0-1", 1: "0-1", 2: "2-3", 3: "2-3"}, [0, 2, 1, 3], 2),
        ({0: "0,2", 1: "1,3", 2: "0,2", 3: "1,3"}, [0, 1, 2, 3], 2),
        ({1: "0,1", 2: "2", 3: "3,7"}, [1, 2, 3], 3),
        ({4: "4,132-133", 132: "4,132-133", 133: "4,132-133"}, [4, 132, 133], 1),
        ({0: None, 1: None}, [0, 1], 2),
        ({0: "", 1: "1-"}, [0, 1], 2),
        ({0: "0-1", 1: "0"}, [0, 1], 2),
    ],
    ids=["neighbours", "halves", "others may be used by nobody", "ranges", "not told", "no numbers", "of others"],
)
def test_a_core_is_used_once_before_it_is_used_twice(monkeypatch, tmp_path, siblings, order, cores):
    for cpu, text in siblings.items():
        folder = tmp_path / f"cpu{cpu}" / "topology"
        folder.mkdir(parents=True)
        if text is not None:
            (folder / "thread_siblings_list").write_text(f"{text}\n")
    monkeypatch.setattr(environments, "_TOPOLOGY", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(siblings))
    assert environments.cpus() == order
    assert environments.cores() == cores


def test_a_child_keeps_the_users_variables_but_for_ours(monkeypatch, tmp_path):
    monkeypatch.setenv("MINE", "kept")
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    for name in ("JAX_PLATFORMS", "PYTHONUNBUFFERED"):
        monkeypatch.delenv(name, raising=False)
    before = dict(os.environ)
    on_gpu = environments.run_variables(threads=3, backend="tmva", architecture="gpu")
    assert os.environ == before
    assert {name: value for name, value in on_gpu.items() if before.get(name) != value} == {
        **{f"{name}_NUM_THREADS": "3" for name in ("OMP", "OPENBLAS", "MKL")},
        **{f"TF_NUM_{name}_THREADS": "3" for name in ("INTRAOP", "INTEROP")},
        "KERAS_BACKEND": "tensorflow",
        "KERAS_HOME": str(tmp_path / "tmva-bench" / "keras"),
        "PYTHONUNBUFFERED": "1",
    }
    on_cpu = environments.run_variables(threads=1, backend="jax", architecture="cpu")
    assert (on_cpu["KERAS_BACKEND"], on_cpu["CUDA_VISIBLE_DEVICES"], on_cpu["JAX_PLATFORMS"]) == ("jax", "-1", "cpu")


def test_what_jax_keeps_is_of_its_processor_and_threads_and_of_compiled_epochs_alone(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "the user's")
    one, two = (environments.run_variables(threads=n, backend="jax", architecture="cpu") for n in (1, 2))
    assert one["JAX_ENABLE_COMPILATION_CACHE"] == "false"
    folders = [Path(variables["JAX_COMPILATION_CACHE_DIR"]) for variables in (one, two)]
    assert {folder.parent for folder in folders} == {tmp_path / "tmva-bench" / "jax"}
    assert folders[0] != folders[1]
    environments._processor.cache_clear()
    monkeypatch.setattr(environments, "_cpu_lines", lambda *names: ["another one"])
    other = environments.run_variables(threads=1, backend="jax", architecture="cpu")
    environments._processor.cache_clear()
    assert other["JAX_COMPILATION_CACHE_DIR"] != one["JAX_COMPILATION_CACHE_DIR"]
