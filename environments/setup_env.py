"""Make the environment that the Makefile's targets run in: ``make env`` calls this; standard library only.

Two routes, side by side if both are wanted:

* ``conda``, into ``.conda``: ROOT with TMVA, from an environment file, made with micromamba, mamba or conda where one
  is installed, else with py-rattler from PyPI in a small environment of its own, ``.conda-tools``.
* ``pip``, into ``.venv``: ROOT from PyPI, without TMVA.

Others stand beside them for the studies and tests that name them: ``theano``, Keras 2.3 on Theano and a Python 3.8,
into ``.venv-theano`` (``make env-theano``); ``keras2``, Keras 2.15 on TensorFlow and a Python 3.10 or 3.11, into
``.venv-keras2`` (``make env-keras2``); and a conda environment whose file has a Python too old for the commands.

An environment counts as complete only with its stamp, written last: where it lies and the digest of all its pins.
The link ``.route`` leads to the environment taken of the first two, the output of every tool goes to a log beside the
environment.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parent.parent
STAMP = "tmva-bench.stamp"
PIP_EXTRAS = "root,tensorflow,jax,sklearn,test,dev,docs"
# The oldest Python that the commands run on; older ones only run children.
OLDEST = (3, 11)
# What a Python must have: venv, and the headers that Theano compiles with.
PROBE = "import ensurepip, os, sys, sysconfig; sys.exit(%s)"
NO_HEADERS = "not os.path.exists(os.path.join(sysconfig.get_path('include'), 'Python.h'))"
NO_TMVA = "tmva-dnn and pykeras (PyPI's ROOT has no TMVA)"
ASK_SECONDS = 20
NO_NETWORK = re.compile(
    "NewConnectionError|NameResolutionError|ConnectTimeoutError|ReadTimeoutError|ProxyError|CondaHTTPError|"
    "CONNECTION FAILED|Could not resolve host|Download error|error sending request|dns error"
)


class SetupError(Exception):
    """What stops the set-up: one line that names the cause and the cure."""


@dataclass(frozen=True)
class Environment:
    """One environment on disk.

    Attributes:
        route: ``"conda"``, ``"pip"``, ``"theano"``, ``"keras2"`` or ``"tools"``.
        prefix: its folder.
        pins: all that its contents follow from, as text.
        lacks: what cannot run on it.
        beside: whether it stands beside the one that the commands run in.
    """

    route: str
    prefix: Path
    pins: str
    lacks: str = ""
    beside: bool = False

    @property
    def stamp(self) -> str:
        """Text of the stamp: the folder (a moved environment is broken) and the digest of the pins."""
        return f"{self.prefix}\n{hashlib.sha256(self.pins.encode()).hexdigest()}\n"

    @property
    def log(self) -> Path:
        """File that the tools' output goes to."""
        return self.prefix.with_name(f"{self.prefix.name}.log")

    @property
    def python(self) -> Path:
        """Its Python."""
        return self.prefix / "bin" / "python"

    def is_complete(self) -> bool:
        """Whether it was finished, here, with the present pins."""
        return self.python.exists() and _read(self.prefix / STAMP) == self.stamp


def main(arguments: Sequence[str] | None = None) -> int:
    """Make what the command line asks for.

    Returns:
        Exit code: 0, or 2 where something is missing or a tool failed, 130 when interrupted.
    """
    parser = argparse.ArgumentParser(description="Make the environment that tmva-bench runs in.")
    parser.add_argument("--route", choices=["auto", "conda", "pip", *BESIDE], default="auto")
    parser.add_argument("--conda-file", type=Path, default=CHECKOUT / "environment.yml", help="conda environment file")
    options = parser.parse_args(arguments)
    try:
        taken, why = make(options.route, options.conda_file.resolve())
    except SetupError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    except KeyboardInterrupt:
        command = f"make env-{options.route}" if options.route in BESIDE else "make env"
        sys.stderr.write(f"interrupted: `{command}` completes the environment\n")
        return 130
    if taken.beside:
        _say(
            f"{taken.route} ({_name(taken.prefix)}): {why}; not on it: {taken.lacks}; its Python: {_name(taken.python)}"
        )
        return 0
    _link(CHECKOUT / ".route", taken.prefix)
    _say(f"{taken.route} route ({_name(taken.prefix)}): {why}; not on it: {taken.lacks}; all: make doctor")
    return 0


def make(route: str, conda_file: Path) -> tuple[Environment, str]:
    """Make the environment of a route, or find it complete.

    Args:
        route: ``"conda"``, ``"pip"``, one of :data:`BESIDE` or ``"auto"``: what is complete already of the first two,
            conda first; else conda where its channel answers and the environment can be made, else pip.
        conda_file: environment file of the conda route.

    Returns:
        The environment, and why this one.

    Raises:
        SetupError: the environment cannot be made.
    """
    if route in BESIDE:
        environment = BESIDE[route]()
        MAKERS[route](environment)
        return environment, "as asked"
    conda, pip = conda_environment(conda_file), pip_environment()
    if route == "conda":
        make_conda(conda, conda_file)
        return conda, "as asked"
    if route == "pip":
        make_pip(pip)
        return pip, "as asked"
    for made in (conda, pip):
        if made.is_complete():
            return made, "made before (ROUTE=conda or ROUTE=pip makes the other)"
    _say("asking the conda channel")
    try:
        ask_channel(conda_file)
        make_conda(conda, conda_file)
    except SetupError as error:
        make_pip(pip)
        return pip, f"no conda environment, {error}"
    return conda, "the conda channel answers"


def conda_environment(conda_file: Path) -> Environment:
    """Describe the environment of an environment file: ``.conda``, or ``.conda-NAME`` for ``NAME.yml``.

    Raises:
        SetupError: there is no such file.
    """
    if not conda_file.is_file():
        raise SetupError(f"{conda_file} is missing: name an environment file, e.g. CONDA_FILE=environment.yml")
    name = ".conda" if conda_file.name == "environment.yml" else f".conda-{conda_file.stem}"
    text = conda_file.read_text()
    python = re.search(r"python=(\d+)\.(\d+)", text)
    beside = python is not None and tuple(map(int, python.groups())) < OLDEST
    lacks = "tmva-dnn on a GPU (conda-forge builds ROOT without CUDA)"
    return Environment("conda", CHECKOUT / name, _project_pins() + text, lacks, beside)


def pip_environment() -> Environment:
    """Describe the environment of the pip route."""
    return Environment("pip", CHECKOUT / ".venv", f"{PIP_EXTRAS} {_project_pins()}", NO_TMVA)


def theano_environment() -> Environment:
    """Describe the environment of Keras 2.3 on Theano."""
    return Environment("theano", CHECKOUT / ".venv-theano", f"theano {_project_pins()}", NO_TMVA, beside=True)


def keras2_environment() -> Environment:
    """Describe the environment of Keras 2.15 on TensorFlow."""
    return Environment("keras2", CHECKOUT / ".venv-keras2", f"root,keras2 {_project_pins()}", NO_TMVA, beside=True)


def make_pip(pip: Environment) -> None:
    """Make the environment of the pip route unless it is complete.

    Raises:
        SetupError: something is missing on the machine, or pip failed.
    """
    if pip.is_complete():
        return
    _check_machine("take ROUTE=conda")
    _say(f"installing into {_name(pip.prefix)}, some minutes; log {_name(pip.log)}")
    _make_venv(pip, ["--editable", f".[{PIP_EXTRAS}]"])


def make_theano(theano: Environment) -> None:
    """Make the environment of Keras 2.3 on Theano unless it is complete.

    Raises:
        SetupError: something is missing on the machine, a Python 3.8 above all, or pip failed.
    """
    if theano.is_complete():
        return
    _check_machine("leave the Theano series out")
    python = _python(["3.8"], NO_HEADERS)
    if not python:
        raise SetupError(
            "no Python 3.8 with venv and headers on PATH, in pyenv or in uv: `pyenv install 3.8`, `uv python install "
            "3.8`, or from Ubuntu's deadsnakes `apt install python3.8-venv python3.8-dev`; then `make env-theano`"
        )
    _say(f"installing into {_name(theano.prefix)} with {python}, a minute; log {_name(theano.log)}")
    _make_venv(theano, ["--editable", ".[theano]"], python)


def make_keras2(keras2: Environment) -> None:
    """Make the environment of Keras 2.15 on TensorFlow unless it is complete.

    Raises:
        SetupError: something is missing on the machine, a Python 3.10 or 3.11 above all, or pip failed.
    """
    if keras2.is_complete():
        return
    _check_machine("leave Keras 2 out")
    python = _python(["3.11", "3.10"], "False")
    if not python:
        raise SetupError(
            "no Python 3.11 or 3.10 with venv on PATH, in pyenv or in uv, and TensorFlow 2.15 takes no later one: "
            "`pyenv install 3.11` or `uv python install 3.11`; then `make env-keras2`"
        )
    _say(f"installing into {_name(keras2.prefix)} with {python}, a minute; log {_name(keras2.log)}")
    _make_venv(keras2, ["--editable", ".[root,keras2]"], python)


# The environments beside the one that the commands run in, by the name that makes them.
BESIDE: dict[str, Callable[[], Environment]] = {"theano": theano_environment, "keras2": keras2_environment}
MAKERS: dict[str, Callable[[Environment], None]] = {"theano": make_theano, "keras2": make_keras2}


def make_conda(conda: Environment, conda_file: Path) -> None:
    """Make the environment of the conda route unless it is complete.

    Raises:
        SetupError: a tool failed.
    """
    if conda.is_complete():
        return
    client = _conda_client()
    if client:
        command = [client, "env", "create", "--prefix", str(conda.prefix), "--file", str(conda_file)]
    else:
        ask_channel(conda_file)
        command = [*_conda_tools(), "create", str(conda_file), str(conda.prefix)]
    _say(f"installing into {_name(conda.prefix)} with {client or 'py-rattler'}, some minutes; log {_name(conda.log)}")
    # Clients refuse a folder that exists, and what they downloaded for it lies in their caches.
    shutil.rmtree(conda.prefix, ignore_errors=True)
    conda.log.unlink(missing_ok=True)
    _run(command, conda.log)
    (conda.prefix / STAMP).write_text(conda.stamp)


def ask_channel(conda_file: Path) -> None:
    """Ask the channel of an environment file for its index, within a short time.

    Raises:
        SetupError: it does not answer.
    """
    command = [*_conda_tools(), "ask", str(conda_file)]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=ASK_SECONDS, env=_environment())
    except subprocess.TimeoutExpired:
        raise SetupError(f"the conda channel does not answer within {ASK_SECONDS} s") from None
    if asked.returncode:
        raise SetupError((asked.stderr.strip().splitlines() or ["the conda channel could not be asked"])[-1])


def _conda_tools() -> list[str]:
    """Make the environment of py-rattler; return the command that asks and creates with it."""
    pins: list[str] = _project()["optional-dependencies"]["rattler"]
    tools = Environment("tools", CHECKOUT / ".conda-tools", " ".join(pins))
    if not tools.is_complete():
        _make_venv(tools, pins)
    return [str(tools.python), str(Path(__file__).with_name("conda_env.py"))]


def _check_machine(elsewhere: str) -> None:
    """Refuse a machine that PyPI's ROOT does not run on; ``elsewhere`` is what to do there."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        raise SetupError(f"PyPI's ROOT needs Linux on x86_64: {elsewhere}")
    if not _has_cxx_headers():
        raise SetupError("no C++ standard headers, which ROOT needs: install g++ (Debian `g++`, Fedora `gcc-c++`)")


def _python(versions: Sequence[str], lacks: str) -> str | None:
    """Find a Python of one of these versions on PATH, else among those of pyenv and uv.

    Args:
        versions: e.g. ``3.8``, the first is taken first.
        lacks: Python expression that is true where something is missing.
    """
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv", "versions")
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR") or data / "uv" / "python")
    for version in versions:
        places = [*pyenv.glob(f"{version}*/bin/python{version}"), *uv.glob(f"cpython-{version}*/bin/python{version}")]
        numbers = tuple(map(int, version.split(".")))
        probe = PROBE % f"sys.version_info[:2] != {numbers} or {lacks}"
        for python in filter(None, [shutil.which(f"python{version}"), *map(str, sorted(places))]):
            if subprocess.run([python, "-c", probe], capture_output=True, env=_environment()).returncode == 0:
                return python
    return None


def _make_venv(environment: Environment, requirements: list[str], python: str = sys.executable) -> None:
    """Make or complete a venv with pip."""
    if python == sys.executable and importlib.util.find_spec("ensurepip") is None:
        raise SetupError(f"{sys.executable} cannot make a venv: install Debian's `python3-venv` (ensurepip)")
    prefix = environment.prefix
    stamp = _read(prefix / STAMP)
    moved = stamp is not None and stamp.splitlines()[:1] != [str(prefix)]
    if moved or environment.python.is_symlink() and not environment.python.exists():
        shutil.rmtree(prefix)
    # Without this, pins changed and changed back around a kill would find the old stamp good.
    (prefix / STAMP).unlink(missing_ok=True)
    environment.log.unlink(missing_ok=True)
    _run([python, "-m", "venv", str(prefix)], environment.log)
    for package in prefix.glob("lib/python*/site-packages/*.dist-info"):
        # pip writes this file at the end of a package; killed before, it would later take the package for installed.
        if not (package / "INSTALLER").exists():
            shutil.rmtree(package)
    _run([str(environment.python), "-m", "pip", "install", *requirements], environment.log)
    (prefix / STAMP).write_text(environment.stamp)


def _conda_client() -> str | None:
    """Find micromamba, mamba or conda."""
    names = [os.environ.get("MAMBA_EXE"), "micromamba", "mamba", os.environ.get("CONDA_EXE"), "conda"]
    return next((found for name in names if name and (found := shutil.which(name))), None)


def _has_cxx_headers() -> bool:
    compilers = [found for name in ("c++", "g++", "clang++") if (found := shutil.which(name))]
    source = "#include <new>\n"
    return any(
        subprocess.run(
            [found, "-x", "c++", "-fsyntax-only", "-"], input=source, text=True, capture_output=True
        ).returncode
        == 0
        for found in compilers
    )


def _run(command: list[str], log: Path) -> None:
    """Run a command in the checkout, its output appended to a log; its last lines are shown if it fails."""
    try:
        with log.open("a") as output:
            output.write(f"$ {' '.join(command)}\n")
            output.flush()
            subprocess.run(
                command, cwd=CHECKOUT, env=_environment(), stdout=output, stderr=subprocess.STDOUT, check=True
            )
    except subprocess.CalledProcessError:
        text = log.read_text(errors="replace")
        if NO_NETWORK.search(text):
            raise SetupError(
                f"no network: {Path(command[0]).name} does not reach its packages (log {_name(log)}); connect, or set "
                "a proxy"
            ) from None
        lines = [line for line in text.splitlines() if line.strip() and not line.startswith("WARNING")]
        sys.stderr.write("".join(f"    {line}\n" for line in lines[-12:]))
        raise SetupError(f"{log.name.removesuffix('.log')} could not be made, see {log.name}") from None
    except OSError as error:
        raise SetupError(f"{error.filename}: {error.strerror}") from None


def _environment() -> dict[str, str]:
    """The variables tools run with: nothing of another Python, no pre-releases, no questions."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    pip = {"PIP_PRE": "0", "PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONNOUSERSITE": "1"}
    return {**kept, **pip, "CONDA_ALWAYS_YES": "true", "MAMBA_ALWAYS_YES": "true"}


def _project() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    return project


def _project_pins() -> str:
    return json.dumps(_project(), sort_keys=True)


def _link(link: Path, target: Path) -> None:
    """Point a symbolic link at a folder beside it, in one step."""
    new = link.with_name(f"{link.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(target.name)
    new.replace(link)


def _read(file: Path) -> str | None:
    return file.read_text() if file.is_file() else None


def _name(path: Path) -> str:
    return str(path.relative_to(CHECKOUT))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
