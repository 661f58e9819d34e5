"""tmva-bench plot: the macros of the package draw a results folder from anywhere, and change nothing in it."""

from importlib import resources
from pathlib import Path

import pytest
import uproot
from conftest import command_line
from made_up_results import made_up_tables, write_results
from made_up_runs import TMVA, Folder

from tmva_bench.errors import UserError
from tmva_bench.report import figures
from tmva_bench.results.folder import ResultsFolder

EXAMPLE = Path(str(resources.files("tmva_bench") / "example"))


@pytest.fixture
def folder(tmp_path: Path) -> ResultsFolder:
    """Two series of three runs each, and no results trees yet."""
    results = Folder(tmp_path / "made")
    results.add(**TMVA)
    results.add()
    return ResultsFolder(results.path)


def state(folder: Path) -> dict[Path, int]:
    return {path: path.lstat().st_mtime_ns for path in folder.rglob("*")}


def test_it_draws_from_anywhere_says_one_line_and_leaves_the_results_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONWARNINGS", raising=False)
    (tmp_path / "rootlogon.C").write_text("void rootlogon() { gSystem->Exit(3); }")
    before = state(EXAMPLE)
    out = 'my "figures", (1) ä'
    done = command_line(tmp_path, "plot", EXAMPLE, "-o", out, "--only", "bars,inputs", "--caption")
    assert (done.returncode, done.stderr) == (0, "")
    names = ("bars", "correlations", "inputs")
    assert done.stdout == f"Figures: 3 in {out}, as PNG and PDF; the first to open: {out}/bars.png\n"
    drawn = {path.name for path in (tmp_path / out).iterdir()}
    assert drawn == {f"{name}.{kind}" for name in names for kind in ("png", "pdf")}
    assert state(EXAMPLE) == before


def test_it_draws_the_runs_as_they_are_now(folder: ResultsFolder, tmp_path: Path) -> None:
    assert not folder.tree.exists()
    drawn = figures.draw(folder, tmp_path / "figures", only=["quality"])
    assert [path.name for path in drawn.paths] == ["quality.pdf", "quality.png"]
    assert not folder.tree.exists()
    assert figures.draw(folder, tmp_path / "figures", only=["quality"]).paths == drawn.paths  # drawn again
    asked = figures.draw(folder, tmp_path / "figures", only=["errors"])
    assert asked == ([], ["not drawn: errors: no finished run has an autoencoder"], [])


def test_a_path_that_root_would_take_for_another_is_refused(tmp_path: Path) -> None:
    results = write_results(made_up_tables(1), tmp_path / "taken.root")
    for name in ("a $HOME", 'b")+'):
        with pytest.raises(UserError, match="ROOT takes .* give the folder another name"):
            figures.draw(ResultsFolder(results), tmp_path / name, only=["roc"])
        assert not list((tmp_path / name).iterdir())


def test_the_file_of_the_trees_is_enough(tmp_path: Path) -> None:
    results = write_results(made_up_tables(2), tmp_path / "taken.root")
    drawn = figures.draw(ResultsFolder(results), tmp_path / "figures", only=["roc", "inputs"])
    assert {path.name for path in drawn.paths if path.suffix == ".png"} == {"roc.png", "roc_high_rejection.png"}
    assert drawn.notes == ["not drawn: inputs: the input file is not there"]


def test_what_cannot_be_drawn_is_one_line_and_exit_code_1(folder: ResultsFolder, tmp_path: Path) -> None:
    done = command_line(tmp_path, "plot", folder.path, "--only", "bars", "--only", "roc")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("tmva-bench: roc.C: ")
    assert "tree roc has no points of run" in line
    assert (tmp_path / "figures" / "bars.png").is_file()  # the others are drawn


def test_what_was_asked_for_wrongly_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for arguments, words in (
        (("--only", "bar"), ("figure", "bars")),
        (("-o", tmp_path / "file" / "here"), ("cannot be made", "choose another folder")),
    ):
        done = command_line(tmp_path, "plot", EXAMPLE, *arguments)
        (line,) = done.stderr.splitlines()
        assert (done.returncode, done.stdout) == (2, "")
        assert all(word in line for word in words)
    with pytest.raises(UserError, match="no finished runs there"):
        figures.draw(ResultsFolder(tmp_path / "nothing"), tmp_path / "figures")


def test_a_folder_s_note_goes_into_its_trees(folder: ResultsFolder) -> None:
    for text in ("", "first\n", "second, with #alpha_{s} and \u00e4\n"):
        if text:
            (folder.path / "note.txt").write_text(text, encoding="utf-8")
        with folder.held():
            folder.rebuild()
        with uproot.open(folder.tree) as file:
            assert (file["note"].member("fTitle") if "note" in file else "") == text.strip()
        assert folder.is_current()
