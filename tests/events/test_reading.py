"""Branches are read by their exact name in one module, and nothing that stands in a file is run."""

import ast
import contextlib
import json
import subprocess
import sys
from pathlib import Path

import numpy
import pytest
import uproot

from tmva_bench.errors import UserError
from tmva_bench.events import inputs, reading, samples
from tmva_bench.results import schema, tree_file

TOP = Path(__file__).parents[2]
SOURCES = sorted(
    path for folder in ("tmva_bench", "docs", "examples", "environments") for path in TOP.glob(f"{folder}/**/*.py")
)
NOTEBOOKS = sorted(TOP.glob("examples/*.ipynb"))
# What evaluates text, or makes objects of it.
EVALUATING = {"eval", "exec", "compile", "__import__", "execfile"}
METHODS = {"arrays", "iterate", "lazy", "enable_unsafe_deserialization", "literal_eval"}
MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "numexpr"}
LOADERS = {
    ("yaml", "load"),
    ("yaml", "unsafe_load"),
    ("yaml", "full_load"),
    ("uproot", "concatenate"),
    ("pandas", "eval"),
}


def violations(code: str, reads_branches: bool = False) -> list[str]:
    """What in some Python evaluates names or texts, or reads branches where it should not."""
    lines = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            lines += [f"import {name}" for name in names if name.split(".")[0] in MODULES]
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        lines += [f"{word.arg}=..." for word in node.keywords if _unsafe(word)]
        if isinstance(function, ast.Name) and function.id in EVALUATING:
            lines.append(function.id)
        if isinstance(function, ast.Attribute):
            owner = function.value.id if isinstance(function.value, ast.Name) else ""
            if function.attr in METHODS or (owner, function.attr) in LOADERS or owner == "builtins":
                lines.append(f"{owner}.{function.attr}")
            if (owner, function.attr) == ("uproot", "open") and not reads_branches:
                lines.append("uproot.open")
            if function.attr == "array" and owner not in ("numpy", "awkward") and not reads_branches:
                lines.append(f"{owner or '...'}.array")
    return lines


def _unsafe(word: ast.keyword) -> bool:
    """``allow_pickle=True``, ``safe_mode=False``, or one of them not known before it runs."""
    wanted = {"allow_pickle": False, "safe_mode": True}
    return word.arg in wanted and not (isinstance(word.value, ast.Constant) and word.value.value is wanted[word.arg])


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(TOP)))
def test_no_module_evaluates_what_it_reads(path):
    assert violations(path.read_text(), path.name == "reading.py") == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_no_notebook_evaluates_what_it_reads(path):
    for cell in json.loads(path.read_text())["cells"]:
        if cell["cell_type"] == "code":
            lines = [line for line in "".join(cell["source"]).splitlines() if not line.startswith(("%", "!"))]
            assert violations("\n".join(lines), reads_branches=True) == []


@pytest.mark.parametrize(
    "code",
    [
        "tree.arrays(['x'])",
        "for some in tree.iterate(): pass",
        "import pickle",
        "from pickle import load",
        "eval(text)",
        "exec(text)",
        "keras.models.load_model(path, safe_mode=False)",
        "numpy.load(path, allow_pickle=flag)",
        "yaml.load(text)",
        "uproot.concatenate(files)",
        "uproot.open(path)['tree']['x'].array()",
    ],
)
def test_the_rule_finds(code):
    assert violations(code)


def with_alias(path: Path, tree: str, branches: tuple[str, ...], alias: str, expression: str) -> None:
    """Writes a tree with PyROOT that has an alias, ten entries of each branch."""
    pytest.importorskip("ROOT")
    code = f"""
import array, ROOT
file = ROOT.TFile({str(path)!r}, "UPDATE")
parts = {tree!r}.split("/")
for part in parts[:-1]:
    (file.GetDirectory(part) or file.mkdir(part)).cd()
tree = ROOT.TTree(parts[-1], "")
values = {{name: array.array("f", [0]) for name in {branches!r}}}
for name, value in values.items():
    tree.Branch(name, value, name + "/F")
for entry in range(10):
    for value in values.values():
        value[0] = entry + 1
    tree.Fill()
tree.SetAlias({alias!r}, {expression!r})
tree.Write()
file.Close()
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def touching(path: Path) -> str:
    """An expression that makes a file when it is evaluated as Python."""
    return f"(+weight).tofile({str(path)!r})"


def test_an_alias_is_no_branch_and_is_not_run(tmp_path):
    path, mark = tmp_path / "alias.root", tmp_path / "mark"
    for tree in ("events", "others"):
        with_alias(path, tree, ("weight", "y"), "x", touching(mark))
    with pytest.raises(UserError, match=r"alias.root: tree events has no branch 'x'"), reading.opened(path) as file:
        reading.column(file["events"], "x")
    with pytest.raises(UserError, match="unknown branch in .* 'x'"):
        samples.own(signal=f"{path}:events", background=f"{path}:others", variables=["x"])
    assert not mark.exists()
    # What uproot itself does with it, so that this test keeps its point.
    with uproot.open(path) as file, contextlib.suppress(Exception):
        file["events"].arrays(["x"], library="np")
    assert mark.exists()


def test_an_alias_in_an_input_file_is_not_run(tmp_path):
    path, mark = tmp_path / "input.root", tmp_path / "mark"
    for tree in inputs.TREES:
        with_alias(path, tree, ("weight", "y"), "y", touching(mark))
    read = inputs.read(path)
    assert read.variables == ["y"]
    assert read.events["TestS"][:, 0].tolist() == list(range(1, 11))
    assert not mark.exists()


def test_an_alias_in_a_results_file_is_not_run(tmp_path):
    path, mark = tmp_path / "results.root", tmp_path / "mark"
    with_alias(path, "benchmark", ("weight", "start_time"), "run_id", touching(mark))
    code = f"import ROOT; file = ROOT.TFile({str(path)!r}, 'UPDATE'); "
    code += f"ROOT.TNamed('schema_version', '{schema.VERSION}').Write()"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    with pytest.raises(UserError, match="tree benchmark has no branch 'run_id'"):
        tree_file.rows_of(path)
    assert not mark.exists()


@pytest.mark.parametrize("name", ["y + y", "len(y)", "x/y", "..", "", "y*"])
def test_an_expression_is_no_branch(tmp_path, name):
    with uproot.recreate(tmp_path / "one.root") as file:
        file.mktree("events", {"y": "f4"}).extend({"y": numpy.ones(3)})
    with pytest.raises(UserError, match="has no branch"), reading.opened(tmp_path / "one.root") as file:
        reading.column(file["events"], name)


def test_files_of_the_first_years_are_not_called_damaged():
    root = pytest.importorskip("ROOT")
    path = Path(str(root.gROOT.GetTutorialDir()), "legacy", "mlp", "mlpHiggs.root")
    if not path.is_file():
        pytest.skip("this ROOT comes without its oldest tutorial data")
    with pytest.raises(UserError, match="uproot cannot read it .*Snapshot") as error:
        samples.own(
            signal=f"{path}:sig_filtered", background=f"{path}:bg_filtered", variables=["ptsumf", "qelep"], seed=1
        )
    assert "damaged" not in str(error.value)
    assert len(str(error.value).splitlines()) == 1
