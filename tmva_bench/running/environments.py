"""An environment: a Python executable with its ROOT and Keras, described without loading them."""

import functools
import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from tmva_bench.basis import process
from tmva_bench.errors import UserError

# Only the standard library: the child must start at once and load nothing. PyPI's ROOT has a version of its own beside
# ROOT's, which stands in a header; ROOT from conda-forge is no distribution and has its version in conda's records.
_SECONDS = 60
_TOPOLOGY = Path("/sys/devices/system/cpu")
_DESCRIBE = r"""
import glob, json, os, re, shutil, subprocess, sys
from importlib import metadata
names = ("root", "keras", "tensorflow", "tensorflow-cpu", "jax", "jaxlib", "torch", "theano", "numpy", "tmva-bench",
    "scikit-learn", "xgboost", "xgboost-cpu")
versions = {"python": sys.version.split()[0]}
for name in names:
    try:
        versions[name] = metadata.version(name)
    except metadata.PackageNotFoundError:
        pass
if "root" in versions:
    header = metadata.distribution("root").locate_file("ROOT/include/ROOT/RVersion.hxx")
    if os.path.exists(str(header)):
        with open(str(header)) as file:
            found = dict(re.findall(r"define ROOT_VERSION_(MAJOR|MINOR|PATCH) +(\d+)", file.read()))
        versions["root"] = "{MAJOR}.{MINOR}.{PATCH:0>2}".format(**found)
for record in glob.glob(os.path.join(sys.prefix, "conda-meta", "root_base-*.json")):
    with open(record) as file:
        versions["root"] = json.load(file)["version"]
if "root" not in versions and shutil.which("root-config"):
    versions["root"] = subprocess.check_output(["root-config", "--version"], universal_newlines=True).strip()
print(json.dumps({"name": os.path.basename(sys.prefix).lstrip("."), "versions": versions}))
"""


class Environment(NamedTuple):
    """A Python executable and what it holds.

    Attributes:
        python: the executable.
        name: the installation's folder, e.g. ``"venv"`` or ``"conda"``.
        versions: Python, ROOT and learning libraries that are installed, by package name.
        missing: why nothing can run in it, and the cure; "" where it is there.
    """

    python: str
    name: str
    versions: dict[str, str]
    missing: str = ""

    @property
    def installation(self) -> str:
        """Digest of the versions; "" where the environment is missing."""
        text = json.dumps(self.versions, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:8] if self.versions else ""


@functools.cache
def describe(python: str = sys.executable) -> Environment:
    """What a Python executable holds, read from package records alone.

    Raises:
        UserError: the executable does not run.
    """
    python = process.executable(python)
    try:
        answer = subprocess.run(
            [python, "-c", _DESCRIBE], capture_output=True, text=True, timeout=_SECONDS, **process.isolated()
        )
    except subprocess.TimeoutExpired:
        raise UserError(f"{python}: does not answer within {_SECONDS} s; name a Python executable") from None
    except OSError as error:
        raise UserError(f"{python}: this Python does not run ({error.strerror}); make env makes one") from None
    try:
        values = json.loads(answer.stdout.splitlines()[-1])
        return Environment(python, values["name"], values["versions"])
    except (IndexError, ValueError, KeyError, TypeError):
        lines = answer.stderr.splitlines() or [f"exit code {answer.returncode}"]
        raise UserError(f"{python}: this Python does not say what it holds ({lines[-1]}); make env makes one") from None


def named(name: str, python: str, make: str) -> Environment:
    """An environment under the name that a study gives it; one that is not there is described as missing.

    Args:
        name: its name.
        python: the executable, relative to the current directory; "~" is the home directory.
        make: the command that makes it, "" where the study names none.
    """
    path, missing, cure = _place(name, python, make)
    if missing:
        return Environment(python, name, {}, missing)
    try:
        described = describe(path)._replace(name=name)
    except UserError as error:
        return Environment(python, name, {}, f"{error}; {cure}")
    if "tmva-bench" not in described.versions:
        return Environment(python, name, {}, f"environment {name} has no tmva-bench; {cure}")
    return described


def noted(name: str, python: str, make: str, versions: dict[str, str]) -> Environment:
    """An environment under the name that a study gives it, without starting its Python.

    Args:
        name: its name.
        python: the executable, as for :func:`named`.
        make: likewise.
        versions: what it held when it was last asked; empty where it never was: then no run is known to be there.
    """
    path, missing, _ = _place(name, python, make)
    return Environment(path, name, {} if missing else versions, missing)


def _place(name: str, python: str, make: str) -> tuple[str, str, str]:
    """An environment's executable, why it is not there, "" where it is, and what makes it."""
    cure = f"make it with: {make}" if make else "make it, or leave its series out"
    # Absolute: "python3" alone would be looked for on PATH.
    try:
        path = Path(python).expanduser().absolute()
        there = path.is_file()
    except (OSError, RuntimeError) as error:  # RuntimeError: "~" of nobody
        reason = error.strerror if isinstance(error, OSError) else error
        return python, f"no environment {name}, {python}: {reason}; {cure}", cure
    return str(path), "" if there else f"no environment {name}, {python} is missing; {cure}", cure


def search_path(python: str) -> str:
    """``PATH`` of a child: its own environment first, where conda's ROOT looks for its compiler."""
    return os.pathsep.join([str(Path(python).parent), os.environ.get("PATH", os.defpath)])


@functools.cache
def machine() -> dict[str, str]:
    """Host name, CPU model and GPU model ("" where there is none) of this machine."""
    return {"host": platform.node(), "cpu_model": _cpu_model(), "gpu_model": _gpu_model()}


def available_threads() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0))


def cpus() -> list[int]:
    """The processors that this process may use, one of each core before a second of any: two of a core slow each other.

    What shares a core is ``thread_siblings_list`` of Linux.
    """
    usable = sorted(os.sched_getaffinity(0))
    return sorted(usable, key=lambda cpu: ([*filter(usable.__contains__, _siblings(cpu))].index(cpu), cpu))


def cores() -> int:
    """Cores among :func:`cpus`."""
    return len({tuple(_siblings(cpu)) for cpu in os.sched_getaffinity(0)})


def _siblings(cpu: int) -> list[int]:
    """The processors of one core, itself among them."""
    try:
        text = (_TOPOLOGY / f"cpu{cpu}" / "topology" / "thread_siblings_list").read_text()
        ends = [[int(end) for end in part.split("-")] for part in text.strip().split(",")]
    except (OSError, ValueError):  # what a container shows of the system may be anything
        return [cpu]
    together = [number for first, *last in ends for number in range(first, (last or [first])[0] + 1)]
    return together if cpu in together else [cpu]


def check_threads(threads: int) -> None:
    """Refuses more threads than there are cores: they would wait for each other, and times would tell nothing.

    Raises:
        UserError: with the number of usable cores.
    """
    usable = available_threads()
    if threads > usable:
        raise UserError(
            f"threads = {threads}: more than the {usable} core{'s' if usable > 1 else ''} that this process may use; "
            f"take at most {usable}"
        )


def child_variables(python: str, *, threads: int, backend: str, architecture: str) -> dict[str, str]:
    """The whole environment of a child: :func:`run_variables`, and its own Python's programs first.

    Args:
        python: the child's Python executable.
        threads: see :func:`run_variables`.
        backend: likewise.
        architecture: likewise.
    """
    variables = run_variables(threads=threads, backend=backend, architecture=architecture)
    return {**variables, "PATH": search_path(python)}


def run_variables(*, threads: int, backend: str, architecture: str) -> dict[str, str]:
    """Environment variables of a child: those of this process, with threads, backend and GPU set.

    They must stand before Python starts: the libraries read them when they are loaded.

    Args:
        threads: threads of BLAS, OpenMP and TensorFlow.
        backend: Keras backend; MethodPyKeras reads ``KERAS_BACKEND`` without a check, so it is always set.
        architecture: ``cpu`` hides the GPUs.
    """
    variables = dict(os.environ)
    for name in ("OMP", "OPENBLAS", "MKL"):
        variables[f"{name}_NUM_THREADS"] = str(threads)
    for name in ("INTRAOP", "INTEROP"):
        variables[f"TF_NUM_{name}_THREADS"] = str(threads)
    variables["KERAS_BACKEND"] = "tensorflow" if backend == "tmva" else backend
    variables["PYTHONUNBUFFERED"] = "1"
    variables.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
    caches = Path(variables.get("XDG_CACHE_HOME") or _home() / ".cache", "tmva-bench")
    # The user's keras.json would change floatx, epsilon and backend of every run.
    variables["KERAS_HOME"] = str(caches / "keras")
    if backend == "jax":
        # What compiled epochs keep: nothing else, see keras_epochs. XLA's code depends on processor and threads, which
        # are not in JAX's key.
        variables["JAX_ENABLE_COMPILATION_CACHE"] = "false"
        variables["JAX_COMPILATION_CACHE_DIR"] = str(caches / "jax" / f"{_processor()}-{threads}")
        variables["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
        variables["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"
    if backend == "theano":
        # Compiling C++ for a network costs a minute, once: children side by side wait only for what none compiled yet.
        device = "cuda" if architecture == "gpu" else "cpu"
        flags = f"device={device},floatX=float32,openmp={threads > 1},base_compiledir={caches / 'theano'}"
        # Of a flag that stands twice, Theano takes the last.
        variables["THEANO_FLAGS"] = ",".join(filter(None, [variables.get("THEANO_FLAGS"), flags]))
    if architecture == "cpu":
        variables["CUDA_VISIBLE_DEVICES"] = "-1"
        variables["JAX_PLATFORMS"] = "cpu"
    return variables


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # there is none
        return Path(tempfile.gettempdir(), f"tmva-bench-{os.getuid()}")


def _cpu_model() -> str:
    lines = _cpu_lines("model name")
    return lines[0].split(":", 1)[1].strip() if lines else platform.processor() or platform.machine()


@functools.cache
def _processor() -> str:
    """Digest of what kind of processor this is, with all that it can do."""
    lines = sorted({platform.machine(), *_cpu_lines("model name", "flags", "Features")})
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:8]


def _cpu_lines(*names: str) -> list[str]:
    """Lines of ``/proc/cpuinfo`` that begin with one of the names; none where there is no such file."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return []
    return [line for line in lines if line.startswith(names)]


def _gpu_model() -> str:
    command: list[Any] = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.strip().split("\n")[0]
