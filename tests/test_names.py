"""A name says what a thing is: none is a bare participle."""

import ast
from pathlib import Path

import pytest

import tmva_bench

BARE = {"found", "given", "made", "own"}
PACKAGE = Path(tmva_bench.__file__).parent
# The function that reads users' own trees, by which scripts know it.
KNOWN = {("events/samples.py", "own"), ("cli/events.py", "own")}


def bare(tree):
    """The variables, arguments, attributes and functions of a module that are called so."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            name = node.id
        elif isinstance(node, ast.Attribute):
            name = node.attr
        elif isinstance(node, ast.arg):
            name = node.arg
        else:
            name = getattr(node, "asname", None) or getattr(node, "name", None)
        if name in BARE:
            yield name


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_name_is_a_bare_participle(path):
    module = str(path.relative_to(PACKAGE))
    names = set(bare(ast.parse(path.read_text(encoding="utf-8"))))
    assert {(module, name) for name in names} <= KNOWN


@pytest.mark.parametrize("text", ["found = 1", "def made(): pass", "x.own", "lambda given: 1", "import x as found"])
def test_such_a_name_would_be_seen(text):
    assert list(bare(ast.parse(text)))
