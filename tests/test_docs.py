"""The pages keep step with the code: commands and options, macros and arguments; what writes the tutorial."""

import importlib.util
import re
import shlex
import types
from pathlib import Path

import pytest
from conftest import all_commands

CHECKOUT = Path(__file__).parent.parent
PAGES = [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").rglob("*.md"))]
MACROS = sorted((CHECKOUT / "macros").glob("*.C"))


def commands(page: Path) -> list[list[str]]:
    """The calls of tmva-bench in a page's code, blocks and inline, as words after the program's name."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^```\w*.*?\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    lines += re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))
    calls = [re.fullmatch(r"(?:\$ )?(?:\.route/bin/)?tmva-bench (.+)", line) for line in lines]
    names = [shlex.split(call[1].partition(" | ")[0], comments=True) for call in calls if call]
    return [words for words in names if words[0] != "[OPTIONS]"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_every_command_and_option_exists(page: Path) -> None:
    for name, *words in commands(page):
        known = {text for option in all_commands()[name].params for text in option.opts} | {"--help"}
        assert {word.partition("=")[0] for word in words if re.match("--?[a-z]", word)} <= known, f"{name} {words}"


def test_there_are_commands_to_check() -> None:
    assert len([call for page in PAGES for call in commands(page)]) > 40


@pytest.mark.parametrize("macro", MACROS, ids=lambda macro: macro.name)
def test_every_macro_is_explained_with_its_arguments(macro: Path) -> None:
    (arguments,) = re.findall(rf"^int {macro.stem}\((.*?)\)$", macro.read_text(), re.DOTALL | re.MULTILINE)
    names = re.findall(r"(?:\*|bool )(\w+)", arguments)
    figures = (CHECKOUT / "docs" / "figures.md").read_text(encoding="utf-8")
    (section,) = re.findall(rf"^## `{macro.name}`.*?(?=^## )", figures, re.DOTALL | re.MULTILINE)
    written = ", ".join("results" if name == "resultsFile" else name for name in names)
    assert f"`{macro.stem}({written})`" in section


def script(name: str) -> types.ModuleType:
    """A script among the pages, as a module."""
    spec = importlib.util.spec_from_file_location(name, CHECKOUT / "docs" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_drawing_of_the_rooms_is_that_of_the_imports() -> None:
    pytest.importorskip("grimp")
    stale = "made anew by: python docs/draw_rooms.py > docs/rooms.svg"
    assert (CHECKOUT / "docs" / "rooms.svg").read_text(encoding="utf-8") == f"{script('draw_rooms').drawing()}\n", stale


@pytest.fixture
def make_tutorial() -> types.ModuleType:
    """The script that writes the tutorial."""
    return script("make_tutorial")


def test_the_tutorial_is_filled_with_what_its_commands_print(
    make_tutorial: types.ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "index.md"
    page.write_text(
        "Text.\n\n"
        '```toml title="mine.toml"\nneurons = 5\n```\n\n'
        "```console\n$ cat mine.toml; echo no >&2\nold output\n$ ls macros/roc.C && pwd\n```\n\n"
        "```console\n$ mkdir figures; echo drawn > figures/roc.png; false\n```\n\n"
        "![Curves](roc.png)\n"
    )
    monkeypatch.setattr(make_tutorial, "PAGE", page)
    for _ in range(2):  # the page is its own source
        make_tutorial.main()
        text = page.read_text()
        assert (
            "```console\n$ cat mine.toml; echo no >&2\nneurons = 5\nno\n$ ls macros/roc.C && pwd\nmacros/roc.C\n"
            in text
        )
        assert "old output" not in text
        assert text.endswith("roc.png; false\n```\n\n![Curves](roc.png)\n")
        assert (tmp_path / "roc.png").read_text() == "drawn\n"
