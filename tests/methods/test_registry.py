"""A method is one file and one line: no other room knows it by name, and a new one runs and is shown at once."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import command_line

import tmva_bench
from tmva_bench.basis import config
from tmva_bench.errors import UserError
from tmva_bench.methods import registry
from tmva_bench.study import requests

PACKAGE = Path(tmva_bench.__file__).parent
# "keras" is a side, a library and a value of parameters, "torch" a library, "linear" an activation and an output, too:
# they stand for the method beside what is one.
AMBIGUOUS = {"keras", "torch", "linear"}

# The throw-away method: a cut on the last variable.
CUT = '''"""The method ``cut``: the last variable itself is the score."""

from tmva_bench.basis.training import Epoch
from tmva_bench.engines import tmva_files
from tmva_bench.engines.stopwatch import Stopwatch
from tmva_bench.events import inputs
from tmva_bench.methods import Method, Outcome, Task, read_input


def run(task: Task, watch: Stopwatch) -> Outcome:
    """Scores by the last variable; there is nothing to train."""
    with watch.phase("prepare"):
        data = read_input(task.input_file, task.input_digest)
    with watch.phase("train"), watch.phase("fit"):
        scores = {tree: events[:, -1].astype("float64") for tree, events in data.events.items()}
    with watch.phase("test"):
        pass
    print("cut epoch 1")
    return Outcome(
        scores=scores,
        history=[Epoch(1, 0.5, 0.5, 0.1)],
        best_epoch=1,
        validation_loss=0.5,
        parameters=0,
        roc_integral=float("nan"),
        real_time_fit=watch.seconds["real_time_fit"],
        device=task.architecture,
        versions={"root": "6", "keras": "", "backend": "1"},
        membership={},
    )


METHOD = Method(
    name="cut",
    title="Cut",
    side="",
    backends=("none",),
    run=run,
    read_epochs=tmva_files.epoch_table,
    lacks=("start", "dropout_rule"),
)
'''
LINE = '    "cut",\n'
STUDY = """
[sample]
file = "{file}"

[point]
max_epochs = 2
batch_size = 50

[[series]]
method = "cut"

[[series]]
method = "cut"
optimizer = "adam"
"""


def sources():
    """What knows no method by name: every module but for those of the methods, and what carries TMVA's kinds over."""
    carries = PACKAGE / "migration" / "series.py"
    return [path for path in PACKAGE.rglob("*.py") if PACKAGE / "methods" not in path.parents and path != carries]


def named(path):
    """The lines on which a module names a method, as a text of its own, not in a sentence."""
    tree = ast.parse(path.read_text())
    beside = [node for node in ast.walk(tree) if isinstance(node, ast.Compare | ast.Subscript | ast.match_case)]
    of_method = {
        part
        for node in beside
        if "method" in ast.unparse(node).casefold()
        for part in ast.walk(node)
        if isinstance(part, ast.Constant)
    }
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and node.value in registry.METHODS
        and (node.value not in AMBIGUOUS or node in of_method)
    ]


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_module_outside_methods_names_one(path):
    assert named(path) == []


@pytest.mark.parametrize(
    "text",
    [
        'x = "dae"',
        'if row["method"] == "keras": pass',
        'if (row["method"], row["backend"]) == ("keras", "theano"): pass',
        'x = {"pykeras": 1}',
        'METHODS["keras"]',
    ],
)
def test_a_name_would_be_seen(tmp_path, text):
    (tmp_path / "one.py").write_text(text)
    assert named(tmp_path / "one.py") == [1]


def test_every_method_reads_its_events_by_the_one_function_that_checks_them():
    for path in (PACKAGE / "methods").glob("*.py"):
        if path.name not in ("__init__.py", "replay_worker.py"):  # a replay is given a file by its user
            assert "inputs.read(" not in path.read_text(), path


def test_what_the_registry_says_fits_the_rest_of_the_package():
    for name, method in registry.METHODS.items():
        assert method.name == name
        assert method.side in ("", *config.ONE_SIDED.values())
        assert set(method.lacks) <= set(config.PARAMETERS)
        assert set(method.compiled_before) <= set(method.backends)
        assert all(
            tried.backend in method.backends and tried.architecture in config.ARCHITECTURES for tried in method.tried
        )
        for parameter, side in config.ONE_SIDED.items():
            if parameter not in method.lacks and side == "keras":
                assert method.side == side
        if method.cells:
            assert set(method.cells(config.Point())) <= set(config.PARAMETERS)
            assert method.unequal(config.Point()) <= set(config.PARAMETERS)
    assert not next(iter(registry.METHODS.values())).unequal(config.Point(start="keras", dropout=0.5))


@pytest.mark.parametrize("name", registry.METHODS)
def test_a_backend_of_no_method_is_refused_with_those_that_it_has(name):
    point = config.Point(transformations="N,A(k=3)" if registry.of(name).autoencoder else "N")
    with pytest.raises(UserError, match="backend .*nonsense") as error:
        requests.make_request(point, name, "nonsense")
    assert "\n" not in str(error.value)
    assert requests.make_request(point, name, None).backend == registry.of(name).backends[0]


def test_an_unknown_method_is_refused_with_those_that_there_are():
    with pytest.raises(UserError, match="unknown method 'kears'; did you mean 'keras'"):
        registry.of("kears")


@pytest.fixture(scope="module")
def with_a_fifth(tmp_path_factory):
    """Runs ``tmva-bench`` of a copy of the package that has a fifth method, in a folder."""
    folder = tmp_path_factory.mktemp("fifth")
    copy = folder / "package" / "tmva_bench"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__", "example"))
    (copy / "methods" / "cut.py").write_text(CUT)
    listed = copy / "methods" / "registry.py"
    last = '    "dae",\n'
    assert last in listed.read_text()
    listed.write_text(listed.read_text().replace(last, last + LINE))

    def run(*arguments):
        variables = {**os.environ, "PYTHONPATH": str(folder / "package")}
        command = [sys.executable, "-m", "tmva_bench.cli", *map(str, arguments)]
        return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)

    return run


def test_a_fifth_method_is_one_file_and_one_line(with_a_fifth, small_input):
    pytest.importorskip("ROOT")
    done = with_a_fifth("run", small_input, "--method", "cut", "--results", "one", "--batch-size", 50)
    assert done.returncode == 0, done.stderr
    assert "cut sgd" in with_a_fifth("table", "one").stdout
    assert "cut" in with_a_fifth("run", "--help").stdout
    refused = with_a_fifth("run", small_input, "--method", "cut", "--start", "keras")
    assert refused.returncode == 2
    assert "start = keras: cut has no such parameter; leave it out, or take method keras" in refused.stderr


def test_a_fifth_method_is_compared(with_a_fifth, small_input, tmp_path):
    pytest.importorskip("ROOT")
    (tmp_path / "two.toml").write_text(STUDY.format(file=small_input))
    done = with_a_fifth("study", tmp_path / "two.toml", "--results", "two")
    assert done.returncode == 0, done.stderr
    compared = with_a_fifth("differences", "two")
    assert compared.returncode == 0, compared.stderr
    assert "cut sgd" in compared.stdout
    assert "cut adam" in compared.stdout


def test_results_of_a_method_that_is_not_here_are_shown_and_not_compared(with_a_fifth, small_input, tmp_path):
    pytest.importorskip("ROOT")
    results = tmp_path / "kept"
    done = with_a_fifth("run", small_input, "--method", "cut", "--results", results, "--batch-size", 50)
    assert done.returncode == 0, done.stderr
    shown = command_line(tmp_path, "table", results)
    assert shown.returncode == 0, shown.stderr
    assert "cut none sgd" in shown.stdout
    refused = command_line(tmp_path, "differences", results)
    assert refused.returncode == 2
    assert "unknown method 'cut'" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
