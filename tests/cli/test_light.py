"""What only looks loads no library that it does not need: help, completion and tables come at once."""

import subprocess
import sys

import pytest
from conftest import all_commands
from fake_child import TRAINED

from tmva_bench.cli.commands import COMMANDS

HEAVY = {"scipy", "awkward", "uproot", "plotly", "ROOT", "keras", "tensorflow", "jax", "torch"}
# Runs the command line, and says at the end what it loaded.
LOADED = """
import atexit, sys
short = lambda name: ".".join(name.split(".")[: 2 if name.startswith("tmva_bench.") else 1])
atexit.register(lambda: print("loaded", *set(map(short, sys.modules)), file=sys.stderr))
from tmva_bench import cli
sys.argv = ["tmva-bench", *sys.argv[1:]]
cli.main()
"""


def loaded(*arguments, **options):
    """The top-level names that a command loaded, and the rooms."""
    command = [sys.executable, "-c", LOADED, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stderr
    *_, line = done.stderr.splitlines()
    return set(line.split()[1:])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("light")


@pytest.mark.parametrize("arguments", [("--help",), ("--version",)])
def test_the_list_of_commands_loads_none_of_them(arguments):
    names = loaded(*arguments)
    assert not names & {*HEAVY, "numpy", "rich", "psutil"}


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "report"])
def test_the_help_of_a_command_is_light(name):
    assert not loaded(name, "--help") & HEAVY


def test_completion_is_light(monkeypatch):
    monkeypatch.setenv("_TMVA_BENCH_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "tmva-bench sta")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert not loaded() & HEAVY


def test_looking_at_runs_is_light(fake_study, tmp_path):
    study = fake_study(TRAINED, more="")
    done = subprocess.run(
        [sys.executable, "-m", "tmva_bench.cli", "study", study, "--results", "made"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # Bands of repetitions are Student's.
    assert not loaded("table", "made", cwd=tmp_path) & {*HEAVY - {"scipy"}, "tmva_bench.api", "tmva_bench.migration"}
    # The study's own input file is read, by uproot; no statistics are needed.
    for arguments in (("status", study, "--results", "made"), ("study", study, "--results", "made", "--dry-run")):
        assert not loaded(*arguments, cwd=tmp_path) & (HEAVY - {"uproot", "awkward"})
    # What is generated is not read from a file.
    assert not loaded("study", "quick", "--dry-run", cwd=tmp_path) & HEAVY


def test_the_list_says_of_each_command_what_it_says_of_itself():
    assert {name: command.get_short_help_str(200) for name, command in all_commands().items()} == {
        name: text for name, (_, _, text) in COMMANDS.items()
    }
