"""A results folder: runs complete or absent, one writer, what is damaged set aside, moved whole, checked by sums."""

import json
import os
import random
import shutil
import subprocess
import time

import pytest
from conftest import command_line
from made_up_rows import find, keep, record

from tmva_bench.errors import UserError
from tmva_bench.events import inputs
from tmva_bench.results import doubts, records, tree_file
from tmva_bench.results.folder import ResultsFolder


def test_a_finished_run_is_found_and_only_then(tmp_path):
    assert find(tmp_path, "a") is None
    with ResultsFolder(tmp_path).under_way("a") as folder:
        assert find(tmp_path, "a") is None
        assert ResultsFolder(tmp_path).load() == []
        ResultsFolder(tmp_path).finish(folder, record("a"))
    assert find(tmp_path, "a").row.run_id == "a"


def test_what_a_killed_run_left_is_tidied_up(tmp_path):
    (tmp_path / "runs" / ".a.partial").mkdir(parents=True)
    assert [path.name for path in ResultsFolder(tmp_path).runs_under_way()] == [".a.partial"]
    assert ResultsFolder(tmp_path).load() == []
    keep(tmp_path, "b")
    assert [path.name for path in (tmp_path / "runs").iterdir() if path.name != ".lock"] == ["b"]


def test_an_interrupted_run_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt), ResultsFolder(tmp_path).held(), ResultsFolder(tmp_path).under_way("a"):
        raise KeyboardInterrupt
    assert ResultsFolder(tmp_path).runs_under_way() == ResultsFolder(tmp_path).load() == []


def test_a_second_process_is_refused_with_the_holder(tmp_path):
    assert ResultsFolder(tmp_path).holder() is None
    with ResultsFolder(tmp_path).held():
        assert ResultsFolder(tmp_path).holder().pid == os.getpid()
        with (
            pytest.raises(UserError, match=f"held by process {os.getpid()} on .* since "),
            ResultsFolder(tmp_path).held(),
        ):
            pass
    assert ResultsFolder(tmp_path).holder() is None
    with ResultsFolder(tmp_path).held():
        pass


def test_a_results_folder_that_is_a_file(tmp_path):
    (tmp_path / "results").write_text("")
    with pytest.raises(UserError, match="cannot be made"), ResultsFolder(tmp_path / "results").held():
        pass


def test_removed_runs_are_gone_whole(tmp_path):
    keep(tmp_path, "a")
    keep(tmp_path, "b")
    with ResultsFolder(tmp_path).held():
        ResultsFolder(tmp_path).remove(["a"])
    assert [path.name for path in (tmp_path / "runs").iterdir() if path.name != ".lock"] == ["b"]


def test_merge_brings_in_what_is_new_and_recognises_equals(tmp_path):
    keep(tmp_path / "one", "a")
    keep(tmp_path / "two", "a")
    keep(tmp_path / "two", "b")
    target = tmp_path / "all"
    with ResultsFolder(target).held():
        assert ResultsFolder(target).merge([ResultsFolder(tmp_path / "one"), ResultsFolder(tmp_path / "two")]) == (2, 1)
        assert ResultsFolder(target).merge([ResultsFolder(tmp_path / "two")]) == (0, 2)
    assert sorted(record.row.run_id for record in ResultsFolder(target).load()) == ["a", "b"]


def test_merge_brings_the_input_files_along(tmp_path):
    for folder, name in (("one", "gauss"), ("two", "rings")):
        keep(tmp_path / folder, name)
        (tmp_path / folder / "inputs").mkdir()
        (tmp_path / folder / "inputs" / f"{name}.root").write_text(name)
        (tmp_path / folder / "input.root").symlink_to(f"inputs/{name}.root")
    target = tmp_path / "all"
    with ResultsFolder(target).held():
        for _ in range(2):
            ResultsFolder(target).merge([ResultsFolder(tmp_path / "one"), ResultsFolder(tmp_path / "two")])
    assert {path.name: path.read_text() for path in (target / "inputs").iterdir()} == {
        "gauss.root": "gauss",
        "rings.root": "rings",
    }
    assert (target / "input.root").read_text() == "gauss"


def test_merge_refuses_two_records_of_one_run_and_copies_nothing(tmp_path):
    keep(tmp_path / "one", "b")
    keep(tmp_path / "one", "a")
    keep(tmp_path / "two", "a", roc_auc=0.9)
    target = tmp_path / "all"
    with ResultsFolder(target).held():
        with pytest.raises(UserError, match="run a differs from the one in .*one"):
            ResultsFolder(target).merge([ResultsFolder(tmp_path / "one"), ResultsFolder(tmp_path / "two")])
        with pytest.raises(UserError, match="no finished runs there"):
            ResultsFolder(target).merge([ResultsFolder(tmp_path / "three")])
    assert ResultsFolder(target).load() == []


def run_ids(folder, **options):
    return [record.row.run_id for record in ResultsFolder(folder).load(**options)]


def make_fifo(path):
    path.unlink()
    os.mkfifo(path)


DAMAGES = {
    "torn": lambda path: path.write_text(path.read_text()[: path.stat().st_size // 2]),
    "empty": lambda path: path.write_text(""),
    "latin": lambda path: path.write_bytes(b'{"schema": "\xe9"}'),
    "deep": lambda path: path.write_text("[" * 100000),
    "list": lambda path: path.write_text("[1]"),
    "gone": lambda path: path.unlink(),
    "fifo": make_fifo,
    "folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("file", ["record.json", "curves.json", "history.json"])
def test_a_damaged_record_costs_its_run_alone(tmp_path, caplog, damage, file):
    keep(tmp_path, "a")
    keep(tmp_path, "b")
    damage(tmp_path / "runs" / "a" / file)
    assert run_ids(tmp_path) == ["b"]
    assert [message for message in caplog.messages if "left out" in message and str(tmp_path / "runs" / "a") in message]
    with ResultsFolder(tmp_path).held():
        assert sorted(ResultsFolder(tmp_path).names()) == ["b"]
    (aside,) = (tmp_path / "set-aside").iterdir()
    assert aside.name.startswith("a-")
    assert f"moved to {aside}" in caplog.text
    keep(tmp_path, "a")
    assert run_ids(tmp_path) == ["a", "b"]


def test_strange_things_among_the_runs_are_left_out(tmp_path, caplog):
    keep(tmp_path / "results", "a")
    keep(tmp_path / "elsewhere", "b")
    (tmp_path / "results" / "runs" / "file").write_text("")
    (tmp_path / "results" / "runs" / "b").symlink_to(tmp_path / "elsewhere" / "runs" / "b")
    assert run_ids(tmp_path / "results") == ["a"]
    assert caplog.text.count("no folder of a run") == 2


@pytest.mark.parametrize("old", [False, True], ids=["new", "of an earlier version"])
def test_a_record_changed_by_hand_is_told(tmp_path, caplog, old):
    keep(tmp_path, "a", roc_auc=0.5)
    folder = tmp_path / "runs" / "a"
    if old:
        (folder / records.SUMS).unlink()
    path = folder / "record.json"
    path.write_text(path.read_text().replace("0.5", "0.9"))
    assert run_ids(tmp_path) == ["a"]
    assert ("changed after it was written" in caplog.text) is not old
    for kept in (ResultsFolder(tmp_path).load(), ResultsFolder(tmp_path).load(curves=())):
        assert (doubts.ALTERED in kept[0].row.warnings) is not old
    (problem,) = ResultsFolder(tmp_path).problems().values()
    assert problem.startswith(
        "cannot be checked" if old else "changed, gone or added after the run was finished: record.json"
    )


def test_sums_are_those_of_sha256sum(tmp_path):
    with ResultsFolder(tmp_path).held(), ResultsFolder(tmp_path).under_way("a") as folder:
        (folder / "model").mkdir()
        (folder / "model" / "weights with spaces").write_bytes(b"\x00\xff")
        ResultsFolder(tmp_path).finish(folder, record("a"))
    folder = tmp_path / "runs" / "a"
    done = subprocess.run(["sha256sum", "--check", records.SUMS], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count(": OK") == 4
    (folder / "model" / "weights with spaces").write_bytes(b"\x00\xfe")
    assert ResultsFolder(tmp_path).problems() == {
        "a": "changed, gone or added after the run was finished: model/weights with spaces"
    }


def test_check_results_lists_what_was_changed(tmp_path):
    keep(tmp_path / "results", "a")
    keep(tmp_path / "results", "b")
    done = command_line(tmp_path, "check-results", "results")
    assert (done.returncode, done.stdout) == (0, "results: 2 runs are as they were written\n")
    (tmp_path / "results" / "runs" / "b" / "curves.json").write_text("{}")
    done = command_line(tmp_path, "check-results", "results")
    assert done.returncode == 1
    assert done.stdout.startswith("b: ")
    assert done.stderr == "tmva-bench: results: 1 of 2 runs are not as they were written\n"
    assert command_line(tmp_path, "check-results", "nothing").returncode == 2


def test_the_trees_are_made_anew_whatever_happened_to_them(tmp_path):
    keep(tmp_path, "a")
    folder = ResultsFolder(tmp_path)
    with folder.held():
        folder.rebuild()
        written = folder.tree.stat().st_mtime_ns
        folder.rebuild()
        assert folder.tree.stat().st_mtime_ns == written
        whole = folder.tree.read_bytes()
        flips = random.Random(1)
        for _ in range(3):
            place = flips.randrange(len(whole))
            flipped = whole[:place] + bytes([whole[place] ^ 1 << flips.randrange(8)]) + whole[place + 1 :]
            folder.tree.write_bytes(flipped)
            folder.rebuild()
            assert folder.tree.read_bytes() != flipped
            assert [row.run_id for row in tree_file.rows_of(folder.tree)] == ["a"]
        folder.tree.unlink()
        folder.rebuild()
        written = folder.tree.stat().st_mtime_ns
        path = folder.run_folder("a") / "record.json"
        path.write_text(path.read_text().replace('"reason": ""', '"reason": "x"'))
        time.sleep(0.01)
        folder.rebuild()
        assert folder.tree.stat().st_mtime_ns != written


def test_an_input_file_of_the_users_goes_where_the_folder_goes(tmp_path, small_input):
    folder = ResultsFolder(tmp_path / "results")
    theirs = tmp_path / "mine.root"
    shutil.copy(small_input, theirs)
    data = inputs.read(theirs)
    digest = data.metadata["digest"]
    with folder.held():
        name = folder.keep_input(data)
        assert folder.keep_input(inputs.read(folder.inputs / name)) == name
        with folder.under_way("a") as run:
            (run / "task.json").write_text(json.dumps({"input_file": f"../../inputs/{name}"}))
            folder.finish(run, record("a"))
    assert name == f"mine-{digest[:12]}.root"
    shutil.move(folder.path, tmp_path / "moved")
    theirs.unlink()
    moved = ResultsFolder(tmp_path / "moved")
    assert moved.read_input("a", digest).metadata["digest"] == digest
    with pytest.raises(UserError, match="not the events of digest 0000"):
        moved.read_input("a", "0000")
    (moved.inputs / name).unlink()
    with pytest.raises(UserError, match=rf"inputs/{name}: not there, or not the events of digest {digest[:12]}; put"):
        moved.read_input("a", digest)


def test_merge_follows_no_link_and_leaves_nothing_half_done(tmp_path, monkeypatch):
    keep(tmp_path / "one", "a")
    (tmp_path / "secret").write_text("not of the results")
    (tmp_path / "one" / "runs" / "a" / "link").symlink_to(tmp_path / "secret")
    target = ResultsFolder(tmp_path / "all")
    with target.held():
        with monkeypatch.context() as broken:
            broken.setattr(shutil, "copytree", lambda *args, **options: (_ for _ in ()).throw(OSError(28, "no space")))
            with pytest.raises(UserError, match="no space"):
                target.merge([ResultsFolder(tmp_path / "one")])
        assert target.runs_under_way() == []
        target.merge([ResultsFolder(tmp_path / "one")])
    assert (target.run_folder("a") / "link").is_symlink()
    assert find(target.path, "a")
