"""``results.root`` is rebuilt from the records and renamed into place; what was there stays where that fails."""

import math
import shutil

import numpy
import pytest
import uproot
from made_up_results import made_up_tables
from made_up_rows import changed, of_tables

from tmva_bench import api
from tmva_bench.errors import UserError
from tmva_bench.results import schema, tree_file
from tmva_bench.results.folder import ResultsFolder
from tmva_bench.running import environments

BEFORE = b"what was measured before"


def made_up_records(series, **options):
    """Records of made-up runs, as the runner makes them: NaN where nothing was measured."""
    return of_tables(made_up_tables(series, **options))


def keep(folder, records):
    for record in records:
        partial = folder / "runs" / ".under way"
        partial.mkdir(parents=True)
        ResultsFolder(folder).finish(partial, record)


def read(path):
    with uproot.open(path) as file:
        return file["benchmark"]["run_id"].array(library="np").tolist()


def test_a_row_a_run_and_curves_keyed_by_run():
    records = made_up_records(2, unavailable=1)
    records[0] = changed(records[0], validation_loss=math.inf)
    tables = tree_file.tables(records)
    assert set(schema.TREES) - set(tables) == {"figures"}  # made of the others
    for tree, columns in schema.TREES.items():
        if tree == "figures":
            continue
        assert list(tables[tree]) == [column.name for column in columns]
        assert len({len(values) for values in tables[tree].values()}) == 1
    names = [record.row.run_id for record in records]
    assert tables["benchmark"]["run_id"] == names
    assert tables["benchmark"]["roc_auc"] == [records[0].row.roc_auc, records[1].row.roc_auc, None]
    assert tables["benchmark"]["validation_loss"] == [None] * 3
    # The unavailable run has no curve.
    assert tables["history"]["run_id"] == [name for name in names[:2] for _ in range(10)]
    assert tables["history"]["epoch"] == [*range(1, 11)] * 2
    assert tables["roc"]["signal_efficiency"][:200] == records[0].roc.signal_efficiency
    assert tables["roc"]["background_rejection"][200:] == records[1].roc.background_rejection


def test_rebuilt_from_the_records_and_renamed_into_place(tmp_path, monkeypatch):
    # A user's folder may hold files with the names of modules.
    monkeypatch.chdir(tmp_path)
    (tmp_path / "numpy.py").write_text("raise SystemExit('not numpy')")
    folder, path = tmp_path / "results", tmp_path / "results" / "results.root"
    records = made_up_records(2, unavailable=1)
    keep(folder, records[:2])
    path.write_bytes(BEFORE)
    with path.open("rb") as reader:
        tree_file.write(ResultsFolder(folder).load(), path.relative_to(tmp_path))
        assert reader.read() == BEFORE
    names = [record.row.run_id for record in records]
    assert read(path) == names[:2]
    shutil.rmtree(folder / "runs" / names[0])
    keep(folder, records[2:])
    tree_file.write(ResultsFolder(folder).load(), path)
    # The records alone decide: a run that was removed is gone, a new one is there.
    assert read(path) == names[1:]
    with uproot.open(path) as file:
        areas = file["benchmark"]["roc_auc"].array(library="np")
        assert set(file["history"]["run_id"].array(library="np")) == {names[1]}
    numpy.testing.assert_array_equal(areas, [records[1].row.roc_auc, math.nan])
    assert sorted(entry.name for entry in folder.iterdir()) == ["results.root", "runs"]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("print('noise', file=sys.stderr); sys.exit('No module named ROOT')", "No module named ROOT"),
        ("os.kill(os.getpid(), 11)", "exit code -11"),
    ],
)
def test_a_child_that_fails_leaves_the_old_file(fake_python, tmp_path, code, reason):
    path = tmp_path / "results.root"
    path.write_bytes(BEFORE)
    with pytest.raises(UserError) as error:
        tree_file.write(made_up_records(1), path, python=fake_python(code).python)
    message = str(error.value)
    assert message.startswith(f"{path}: not written (")
    assert reason in message
    assert "\n" not in message
    assert path.read_bytes() == BEFORE


def test_a_folder_in_its_place_is_one_line(tmp_path):
    path = tmp_path / "results.root"
    path.mkdir()
    with pytest.raises(UserError, match="results.root: not written") as error:
        tree_file.write(made_up_records(1), path)
    assert "Is a directory" in str(error.value)
    assert "\n" not in str(error.value)
    assert [entry.name for entry in tmp_path.iterdir()] == ["results.root"]


@pytest.mark.parametrize("missing", ["python", "room for temporary files"])
def test_what_the_child_needs_is_missing(tmp_path, monkeypatch, missing):
    path = tmp_path / "results.root"
    path.write_bytes(BEFORE)
    python = tmp_path / "none" / "python"
    if missing != "python":
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    with pytest.raises(UserError, match="results.root: not written"):
        tree_file.write(made_up_records(1), path, python=str(python))
    assert path.read_bytes() == BEFORE


def test_a_damaged_record_is_set_aside_and_its_run_done_again(fake_python, small_input, tmp_path, monkeypatch):
    fake = fake_python("sys.exit('the library gave up')")
    monkeypatch.setattr(environments, "describe", lambda: fake)

    def run(**point):
        return api.run(small_input, "keras", backend="jax", point={"batch_size": 50, **point}, folder=tmp_path)

    first = run()
    assert first["status"] == "failed"
    assert "the library gave up" in first["reason"]
    path = tmp_path / "results.root"
    assert read(path) == [first["run_id"]]
    damaged = tmp_path / "runs" / first["run_id"] / "record.json"
    whole = damaged.read_text()
    damaged.write_text(whole[:100])
    second = run(neurons=7)
    # The run that was lost is set aside and can be done again; the trees have the other.
    assert read(path) == [second["run_id"]]
    assert [folder.name[:-9] for folder in (tmp_path / "set-aside").iterdir()] == [first["run_id"]]
    assert run()["run_id"] == first["run_id"]
    assert len(read(path)) == 2
