"""Outputs: nothing of the user's is written over unasked, no input ever, and nothing half-written remains."""

import os
import stat

import numpy
import pytest
import uproot
from click.testing import CliRunner

from tmva_bench import api, cli
from tmva_bench.errors import UserError
from tmva_bench.events import inputs, output

EVENTS = {"train_signal": 200, "train_background": 200, "test_signal": 100, "test_background": 100}
GENERATE = [f"--{name.replace('_', '-')}={number}" for name, number in EVENTS.items()]


@pytest.fixture
def tree(tmp_path):
    """A user's ntuple, one tree of signal and one of background."""
    path = tmp_path / "mine.root"
    with uproot.recreate(path) as file:
        for name, mean in (("s", 1.0), ("b", 0.0)):
            x = numpy.random.default_rng(1).normal(mean, 1, (300, 2))
            file.mktree(name, {"x": "f8", "y": "f8"}).extend({"x": x[:, 0], "y": x[:, 1]})
    return path


def invoke(*arguments):
    return CliRunner().invoke(cli.main, list(map(str, arguments)))


def convert(path, out, *more):
    return invoke(
        "convert", "-o", out, "--signal", f"{path}:s", "--background", f"{path}:b", "--variables", "x,y", *more
    )


def one_line(answer, *words):
    assert answer.exit_code == 2
    (line,) = answer.stderr.splitlines()
    for word in words:
        assert word in line


@pytest.mark.parametrize("force", [[], ["--force"]])
@pytest.mark.parametrize("link", [None, os.symlink, os.link])
def test_an_input_is_never_written_over(tree, tmp_path, force, link):
    out = tree
    if link:
        out = tmp_path / "other.root"
        link(tree, out)
    before = tree.read_bytes()
    one_line(convert(tree, out, *force), f"{out}: is an input of this command")
    assert tree.read_bytes() == before
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("command", ["encode", "decode", "take"])
def test_what_is_encoded_decoded_or_taken_is_never_written_over(tmp_path, command):
    path = tmp_path / "input.root"
    api.generate(path, **EVENTS)
    before = path.read_bytes()
    if command == "take":
        with pytest.raises(UserError, match="is an input of this command"):
            inputs.take(path, path, train_signal=10, force=True)
    elif command == "encode":
        one_line(invoke("encode", path, "-k", 2, "-o", path, "--force"), "is an input of this command")
    else:
        one_line(invoke("decode", path, "-o", path, "--force"), "holds no encoder")
    assert path.read_bytes() == before


def test_another_file_is_written_over_with_force_alone(tmp_path):
    path = tmp_path / "input.root"
    path.write_text("a letter")
    one_line(invoke("generate", "-o", path, *GENERATE), "is there already and holds something else", "--force")
    assert path.read_text() == "a letter"
    with pytest.raises(UserError, match="force=True"):
        api.generate(path, **EVENTS)
    assert invoke("generate", "-o", path, *GENERATE, "--force").exit_code == 0
    one_line(invoke("generate", "-o", path, *GENERATE, "--seed", 2), "holds something else")
    assert inputs.read(path).metadata["seed"] == 1


def test_the_same_recipe_is_told_and_kept(tree, tmp_path):
    out = tmp_path / "out.root"
    for make in (lambda: invoke("generate", "-o", out, *GENERATE), lambda: convert(tree, tmp_path / "own.root")):
        first = make()
        assert first.exit_code == 0
        assert "kept" not in first.stdout
        state = {path: path.stat().st_mtime_ns for path in tmp_path.glob("o*.root")}
        again = make()
        assert again.stdout == first.stdout.replace("\n", " (is there already, kept)\n")
        assert {path: path.stat().st_mtime_ns for path in state} == state
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.root", "out.root", "own.root"]


def test_a_damaged_output_is_no_result_of_the_recipe(tmp_path):
    path = tmp_path / "input.root"
    api.generate(path, **EVENTS)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UserError, match="is there already"):
        api.generate(path, **EVENTS)


def test_what_is_no_file_is_refused(tmp_path):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "closed").write_text("mine")
    (tmp_path / "closed").chmod(0o444)
    for name, word in (("folder", "folder"), ("pipe", "pipe"), ("link", "link to"), ("closed", "read-only")):
        one_line(
            invoke("generate", "-o", tmp_path / name, *GENERATE, "--force"),
            f"is {word}" if word == "read-only" else word,
        )
    # Not with a real one: who runs this as root would lose it to a mistake.
    with pytest.raises(UserError, match="is a device"):
        output._check_kind(tmp_path / "device", stat.S_IFCHR | 0o666)
    one_line(invoke("generate", "-o", "", *GENERATE), "an empty path")
    one_line(invoke("generate", "-o", "a\0b", *GENERATE), "NUL")
    assert not (tmp_path / "elsewhere").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["closed", "folder", "link", "pipe"]


def test_what_ends_in_the_middle_leaves_nothing(tmp_path):
    path = tmp_path / "page.html"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), output.beside(path) as partial:
        partial.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    assert output.write_text(path, "new", force=True)
    assert not output.write_text(path, "new")
    with pytest.raises(UserError, match="is an input"):
        output.write_text(path, "newer", [path], force=True)


@pytest.mark.parametrize("has_unnamed", [True, False])
def test_a_file_has_no_name_until_it_is_whole(tmp_path, monkeypatch, has_unnamed):
    open_file = os.open

    def refuses(path, flags, *rest, **options):
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(95, "Operation not supported")
        return open_file(path, flags, *rest, **options)

    if not has_unnamed:
        monkeypatch.setattr(os, "open", refuses)
    path = tmp_path / "out"
    with pytest.raises(RuntimeError), output.unnamed(path) as file:
        file.write(b"half")
        raise RuntimeError
    assert not list(tmp_path.iterdir())
    path.write_text("before")
    with output.unnamed(path) as file:
        file.write(b"whole")
        assert path.read_text() == "before"
        output.name(file, path)
    assert path.read_text() == "whole"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(UserError, match="nowhere/out: cannot be written"), output.unnamed(tmp_path / "nowhere" / "out"):
        pass
