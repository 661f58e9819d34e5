"""The set-up program on small checkouts: real venvs, real pip, real py-rattler on a channel made here; no network."""

import dataclasses
import hashlib
import importlib.util
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import time
import tomllib
from pathlib import Path

import conda_env
import pytest
import setup_env

PROJECT = Path(setup_env.__file__).parent.parent
TOOL_PINS = ["py-rattler==0"]

# A build backend of its own lets pip install the small checkout without asking an index for setuptools.
BACKEND = """
import time, zipfile
from pathlib import Path

def build_editable(folder, config_settings=None, metadata_directory=None):
    while Path("hold").exists():
        Path("held").touch()
        time.sleep(0.05)
    info = "tmva_bench-0.dist-info"
    metadata = "Metadata-Version: 2.1\\nName: tmva-bench\\nVersion: 0\\n" + Path("requires").read_text()
    wheel = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    with zipfile.ZipFile(Path(folder) / "tmva_bench-0-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{info}/METADATA", metadata)
        archive.writestr(f"{info}/WHEEL", wheel)
        archive.writestr(f"{info}/entry_points.txt", "[console_scripts]\\ntmva-bench = tmva_bench.cli:main\\n")
        archive.writestr(f"{info}/RECORD", "")
    return "tmva_bench-0-py3-none-any.whl"
"""


class Checkout:
    """A small checkout with the project's own set-up program, and a PATH that holds a compiler and nothing else."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "checkout"
        self.channels = folder / "channels"
        self.programs = folder / "programs"
        self.variables = {
            "PATH": str(self.programs),
            "HOME": str(folder),
            "CONDA_CHANNEL_ALIAS": self.channels.as_uri(),
            "PIP_CONFIG_FILE": os.devnull,
            "RATTLER_CACHE_DIR": str(folder / "cache"),
        }
        shutil.copytree(PROJECT / "environments", self.folder / "environments")
        self.write(
            "pyproject.toml",
            '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
            f'[project]\nname = "tmva-bench"\nversion = "0"\noptional-dependencies.rattler = {json.dumps(TOOL_PINS)}\n',
        )
        self.write("backend.py", BACKEND)
        self.write("requires", "")
        self.write("environment.yml", environment_file("root_base=6.40"))
        self.program("c++", "exit 0")
        self.plant_tools()

    def plant_tools(self) -> None:
        """Lay py-rattler's environment: this Python, which has it (nothing is downloaded)."""
        prefix = self.folder / ".conda-tools"
        script(prefix / "bin" / "python", f'exec {sys.executable} "$@"')
        (prefix / setup_env.STAMP).write_text(setup_env.Environment("tools", prefix, " ".join(TOOL_PINS)).stamp)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def program(self, name: str, text: str) -> None:
        script(self.programs / name, text)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, str(self.folder / "environments" / "setup_env.py"), *arguments]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.command(*arguments), env=self.variables, capture_output=True, text=True, timeout=120)


def script(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)


def environment_file(*packages: str) -> str:
    lines = "".join(f"  - {package}\n" for package in ("python=3.12", "pip", *packages))
    return f"name: small\nchannels:\n  - local\ndependencies:\n{lines}  - pip:\n      - -e .[test]\n"


def make_channel(folder: Path) -> None:
    """Lay a conda channel: a Python that writes down how it is called, pip and ROOT."""
    python = b'#!/bin/sh\necho "$PWD: $*" >> "$0.calls"\n'
    packages = dict(
        [
            add_package(folder, "python", "3.12.1", "bin/python", python),
            add_package(folder, "pip", "26.0", "share/pip", b"pip"),
            add_package(folder, "root_base", "6.40.2", "lib/libTMVA.so", b"TMVA"),
            add_package(folder, "root_base", "6.38.0", "lib/libTMVA.so", b"older"),
        ]
    )
    for subdir, listed in (("noarch", packages), ("linux-64", {})):
        (folder / subdir).mkdir(exist_ok=True)
        index = {"info": {"subdir": subdir}, "packages": listed, "packages.conda": {}}
        (folder / subdir / "repodata.json").write_text(json.dumps(index))


def add_package(folder: Path, name: str, version: str, path: str, content: bytes) -> tuple[str, dict[str, object]]:
    """Write one package of one file; return its entry in the channel's index."""
    index = {"name": name, "version": version, "build": "0", "build_number": 0, "depends": []}
    index |= {"noarch": "generic", "subdir": "noarch"}
    listed = {"_path": path, "path_type": "hardlink", "sha256": hashlib.sha256(content).hexdigest()}
    paths = {"paths": [listed | {"size_in_bytes": len(content)}], "paths_version": 1}
    members = {
        path: content,
        "info/index.json": json.dumps(index).encode(),
        "info/paths.json": json.dumps(paths).encode(),
    }
    archive = folder / "noarch" / f"{name}-{version}-0.tar.bz2"
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive, "w:bz2") as tar:
        for member, data in members.items():
            header = tarfile.TarInfo(member)
            header.size, header.mode = len(data), 0o755
            tar.addfile(header, io.BytesIO(data))
    data = archive.read_bytes()
    sums = {"sha256": hashlib.sha256(data).hexdigest(), "md5": hashlib.md5(data).hexdigest(), "size": len(data)}
    return archive.name, index | sums


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_auto_takes_pip_where_the_channel_is_silent_and_keeps_it(checkout: Checkout) -> None:
    finished = checkout.run()
    assert finished.returncode == 0, finished.stderr
    line = finished.stdout.splitlines()[-1]
    assert line.startswith("pip route (.venv): no conda environment, the channel local does not answer at file://")
    assert "not on it: tmva-dnn and pykeras (PyPI's ROOT has no TMVA)" in line
    log = checkout.folder / ".venv.log"
    assert "pip install --editable .[root,tensorflow,jax,sklearn,test,dev,docs]" in log.read_text()
    assert (checkout.folder / ".route").readlink() == Path(".venv")
    assert (checkout.folder / ".route" / "bin" / "tmva-bench").is_file()

    log.write_text("untouched")
    assert checkout.run("--route", "pip").stdout.startswith("pip route (.venv): as asked")
    assert checkout.run("--route", "auto").stdout.startswith("pip route (.venv): made before")
    assert log.read_text() == "untouched"

    checkout.folder = checkout.folder.rename(checkout.folder.with_name("moved"))
    assert checkout.run("--route", "pip").returncode == 0
    assert str(checkout.folder) in (checkout.folder / ".venv" / "bin" / "tmva-bench").read_text()


def test_complete_is_what_has_the_stamp_of_the_present_pins_and_a_python(tmp_path: Path) -> None:
    environment = setup_env.Environment("pip", tmp_path / ".venv", "root==1")
    script(environment.python, "exit 0")
    assert not environment.is_complete()
    (environment.prefix / setup_env.STAMP).write_text(environment.stamp)
    assert environment.is_complete()
    assert not dataclasses.replace(environment, pins="root==2").is_complete()
    environment.python.unlink()
    assert not environment.is_complete()


def test_killed_half_way_the_next_run_completes_it(checkout: Checkout) -> None:
    checkout.write("hold", "")
    first = subprocess.Popen(checkout.command("--route", "pip"), env=checkout.variables, start_new_session=True)
    deadline = time.monotonic() + 60
    while not (checkout.folder / "held").exists():
        assert first.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    prefix = checkout.folder / ".venv"
    assert prefix.is_dir() and not (prefix / setup_env.STAMP).exists()

    # What a kill in the middle of a package leaves: metadata, by which pip would take it for installed.
    (packages,) = prefix.glob("lib/python*/site-packages")
    half = packages / "half-1.dist-info"
    half.mkdir()
    (half / "METADATA").write_text("Metadata-Version: 2.1\nName: half\nVersion: 1\n")
    (checkout.folder / "hold").unlink()
    assert checkout.run("--route", "pip").returncode == 0
    assert (prefix / setup_env.STAMP).exists() and (prefix / "bin" / "tmva-bench").exists()
    assert not half.exists()


def test_missing_cxx_headers_are_named_with_their_package(checkout: Checkout) -> None:
    checkout.program("c++", "exit 1")
    failed = checkout.run("--route", "pip")
    assert failed.returncode == 2
    assert failed.stderr.startswith("error: no C++ standard headers") and "`g++`" in failed.stderr
    assert failed.stderr.count("\n") == 1
    assert not (checkout.folder / ".venv").exists()


def test_missing_venv_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(setup_env.SetupError, match="`python3-venv`"):
        setup_env._make_venv(setup_env.Environment("pip", tmp_path / ".venv", ""), [])


def test_missing_python_is_named_with_its_package(tmp_path: Path) -> None:
    make = shutil.which("make")
    if make is None:
        pytest.skip("make is not installed")
    variables = {"PATH": str(tmp_path)}
    failed = subprocess.run([make, "env"], cwd=PROJECT, env=variables, capture_output=True, text=True)
    assert failed.returncode == 2
    assert "Python 3.11 to 3.13 not found" in failed.stderr and "python3-venv" in failed.stderr
    assert failed.stderr.count("\n") == 1


def test_missing_network_is_said_in_one_line(checkout: Checkout) -> None:
    checkout.write("requires", "Requires-Dist: numpy==0\n")
    checkout.variables |= {"PIP_INDEX_URL": "http://127.0.0.1:1/simple", "PIP_RETRIES": "1"}
    failed = checkout.run("--route", "pip")
    assert failed.returncode == 2
    assert failed.stderr.startswith("error: no network") and ".venv.log" in failed.stderr
    assert failed.stderr.count("\n") == 1


def plant_python(file: Path) -> None:
    """Lay a program that says it is the Python wanted, and else is this Python."""
    script(file, f'[ "$1" = -c ] && exit 0\nexec {sys.executable} "$@"')


@pytest.mark.parametrize(
    ("route", "python", "extras"), [("theano", "python3.8", "theano"), ("keras2", "python3.10", "root,keras2")]
)
def test_one_beside_the_route_is_made_and_completed_after_a_kill(
    checkout: Checkout, route: str, python: str, extras: str
) -> None:
    plant_python(checkout.programs / python)
    script(checkout.programs / "python3.11", "exit 1")
    (checkout.folder / ".route").symlink_to(".conda")
    finished = checkout.run("--route", route)
    assert finished.returncode == 0, finished.stderr
    line = finished.stdout.splitlines()[-1]
    assert line.startswith(f"{route} (.venv-{route}): as asked; not on it: tmva-dnn and pykeras")
    assert line.endswith(f"its Python: .venv-{route}/bin/python")
    prefix, log = checkout.folder / f".venv-{route}", checkout.folder / f".venv-{route}.log"
    assert f"{python} -m venv" in log.read_text() and f"pip install --editable .[{extras}]" in log.read_text()
    assert (checkout.folder / ".route").readlink() == Path(".conda")

    log.write_text("untouched")
    assert checkout.run("--route", route).returncode == 0
    assert log.read_text() == "untouched"

    (prefix / setup_env.STAMP).unlink()
    (prefix / "bin" / "tmva-bench").unlink()
    assert checkout.run("--route", route).returncode == 0
    assert (prefix / setup_env.STAMP).exists() and (prefix / "bin" / "tmva-bench").exists()


@pytest.mark.parametrize(
    "file", sorted((setup_env.CHECKOUT / "environments").glob("*.yml")), ids=lambda file: file.stem
)
def test_the_environment_files_name_extras_and_pins_of_the_project(file: Path) -> None:
    extras = setup_env._project()["optional-dependencies"]
    text = file.read_text()
    [named] = re.findall(r"-e \.\.\[(.*)\]", text)
    assert set(named.split(",")) <= set(extras)
    pins = dict(pin.split("==") for name in named.split(",") for pin in extras[name] if "==" in pin)
    for package, version in re.findall(r"- (\w+)=([\d.]+)$", text, re.MULTILINE):
        assert pins.get(package, version) == version
    assert f"CONDA_FILE=environments/{file.name}" in text


def test_what_only_runs_children_stands_beside_the_route() -> None:
    folder = setup_env.CHECKOUT / "environments"
    assert setup_env.conda_environment(folder / "root-6.20-theano.yml").beside
    assert not setup_env.conda_environment(folder / "root-6.30.yml").beside
    assert not setup_env.conda_environment(setup_env.CHECKOUT / "environment.yml").beside


@pytest.mark.parametrize(
    ("place", "variables"),
    [
        (".pyenv/versions/3.8.18/bin", {}),
        ("other/versions/3.8.2/bin", {"PYENV_ROOT": "other"}),
        (".local/share/uv/python/cpython-3.8.20-linux-x86_64-gnu/bin", {}),
        ("pythons/cpython-3.8.20/bin", {"UV_PYTHON_INSTALL_DIR": "pythons"}),
    ],
    ids=["pyenv", "pyenv-root", "uv", "uv-root"],
)
def test_a_python_3_8_is_found_behind_one_that_does_not_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str, variables: dict[str, str]
) -> None:
    script(tmp_path / "programs" / "python3.8", "echo command not found >&2\nexit 127")
    python = tmp_path / place / "python3.8"
    plant_python(python)
    for name in ("PYENV_ROOT", "UV_PYTHON_INSTALL_DIR", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, folder in {"HOME": "", "PATH": "programs", **variables}.items():
        monkeypatch.setenv(name, str(tmp_path / folder))
    assert setup_env._python(["3.8"], "False") == str(python)


@pytest.mark.parametrize(
    ("route", "says", "cures"),
    [
        (
            "theano",
            "no Python 3.8 with venv and headers",
            ("`pyenv install 3.8`", "`uv python install 3.8`", "3.8-venv"),
        ),
        ("keras2", "no Python 3.11 or 3.10 with venv", ("`pyenv install 3.11`", "`uv python install 3.11`")),
    ],
)
def test_a_missing_python_is_named_with_its_cures(
    checkout: Checkout, route: str, says: str, cures: tuple[str, ...]
) -> None:
    for version in ("3.8", "3.10", "3.11"):
        script(checkout.programs / f"python{version}", "exit 1")
    failed = checkout.run("--route", route)
    assert failed.returncode == 2
    assert failed.stderr.startswith(f"error: {says}")
    for cure in (*cures, f"`make env-{route}`"):
        assert cure in failed.stderr
    assert failed.stderr.count("\n") == 1
    assert not (checkout.folder / f".venv-{route}").exists()


def test_conda_route_by_py_rattler_solves_installs_and_runs_the_pip_section(checkout: Checkout) -> None:
    make_channel(checkout.channels / "local")
    finished = checkout.run("--route", "conda")
    assert finished.returncode == 0, finished.stderr
    assert "conda route (.conda): as asked; not on it: tmva-dnn on a GPU" in finished.stdout
    prefix = checkout.folder / ".conda"
    calls = prefix / "bin" / "python.calls"
    assert (prefix / "lib" / "libTMVA.so").read_bytes() == b"TMVA"
    assert calls.read_text() == f"{checkout.folder}: -m pip install -e .[test]\n"
    assert (checkout.folder / ".route").readlink() == Path(".conda")

    assert checkout.run("--route", "conda").returncode == 0
    assert checkout.run().stdout.startswith("conda route (.conda): made before")
    assert calls.read_text().count("\n") == 1

    (prefix / setup_env.STAMP).unlink()
    (prefix / "lib" / "libTMVA.so").unlink()
    assert checkout.run("--route", "conda").returncode == 0
    assert (prefix / "lib" / "libTMVA.so").read_bytes() == b"TMVA"


def test_another_environment_file_makes_an_environment_of_its_own(checkout: Checkout) -> None:
    make_channel(checkout.channels / "local")
    file = checkout.folder / "environments" / "older.yml"
    file.write_text(environment_file("root_base=6.38"))
    assert checkout.run("--route", "conda", "--conda-file", str(file)).returncode == 0
    prefix = checkout.folder / ".conda-older"
    assert (prefix / "lib" / "libTMVA.so").read_bytes() == b"older"
    assert (prefix / "bin" / "python.calls").read_text().startswith(f"{file.parent}: ")
    assert (checkout.folder / ".route").readlink() == Path(".conda-older")


def test_auto_takes_conda_where_its_channel_answers(checkout: Checkout) -> None:
    make_channel(checkout.channels / "local")
    finished = checkout.run()
    assert finished.stdout.splitlines()[-1].startswith("conda route (.conda): the conda channel answers; not on it: ")
    assert not (checkout.folder / ".venv").exists()


def test_auto_takes_pip_where_the_conda_environment_cannot_be_made(checkout: Checkout) -> None:
    make_channel(checkout.channels / "local")
    checkout.write("environment.yml", environment_file("root_base=7"))
    finished = checkout.run()
    assert finished.returncode == 0, finished.stderr
    line = finished.stdout.splitlines()[-1]
    assert "no conda environment, .conda could not be made, see .conda.log; not on it: tmva-dnn and pykeras" in line
    assert "root_base" in (checkout.folder / ".conda.log").read_text()
    refused = checkout.run("--route", "conda")
    assert refused.returncode == 2
    assert refused.stderr.splitlines()[-1] == "error: .conda could not be made, see .conda.log"


@pytest.mark.parametrize("name", ["micromamba", "mamba", "conda"])
def test_an_installed_client_makes_the_conda_environment(checkout: Checkout, name: str) -> None:
    prefix = checkout.folder / ".conda"
    prefix.mkdir()
    (prefix / "left-over").touch()
    mkdir, touch = shutil.which("mkdir"), shutil.which("touch")
    checkout.program(name, f'{mkdir} -p "$4/bin"\n{touch} "$4/bin/python"\necho "$CONDA_ALWAYS_YES $*" > "$4/call"')
    finished = checkout.run("--route", "conda")
    assert finished.returncode == 0, finished.stderr
    file = checkout.folder / "environment.yml"
    assert (prefix / "call").read_text() == f"true env create --prefix {prefix} --file {file}\n"
    assert not (prefix / "left-over").exists()


def test_missing_environment_file_is_named(checkout: Checkout) -> None:
    failed = checkout.run("--route", "conda", "--conda-file", "no.yml")
    assert failed.returncode == 2
    assert "no.yml is missing" in failed.stderr


def test_tools_run_without_variables_of_another_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    monkeypatch.setenv("PIP_PRE", "1")
    variables = setup_env._environment()
    assert "PYTHONPATH" not in variables
    assert variables["PIP_PRE"] == "0"


@pytest.mark.parametrize(
    ("file", "python", "root"), [("environment.yml", "3.12", "6.40"), ("environments/root-6.30.yml", "3.11", "6.30")]
)
def test_environment_files_of_the_project(file: str, python: str, root: str) -> None:
    wanted = conda_env.read(PROJECT / file)
    assert {f"python={python}", "pip", f"root_base={root}"} <= set(wanted.specs)
    (line,) = wanted.pip
    path, extras = line.removeprefix("-e ").rstrip("]").split("[")
    assert (PROJECT / file).parent.joinpath(path).resolve() == PROJECT
    known = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(extras.split(",")) <= known.keys()


def test_pins_are_exact() -> None:
    extras = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    pins = [pin for extra in extras.values() for pin in extra if not pin.startswith("tmva-bench[")]
    assert pins and all(pin.count("==") == 1 for pin in pins)
