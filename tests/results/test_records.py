"""Records: complete or absent, told apart by all that can change a result, refused when torn or foreign."""

import json
import math
import os

import pytest

from tmva_bench.basis import config, parsing
from tmva_bench.errors import UserError
from tmva_bench.results import records, schema


def identity(**changes):
    base = {
        "point": vars(config.Point()),
        "method": "keras",
        "backend": "jax",
        "architecture": "cpu",
        "threads": 1,
        "repetition": 1,
        "versions": {"keras": "3"},
        "input": "abc",
    }
    return {**base, **changes}


def record(name):
    empty = {str: "", int: 0, float: math.nan}
    row = {column.name: empty[column.type] for column in schema.BENCHMARK}
    row.update(run_id=name, status="ok", start_time="2026-01-01T00:00:00")
    return {"schema": schema.VERSION, "row": row, "roc": {}, "history": {}, "scores": {}, "reconstruction": {}}


def keep(results, name, **values):
    with records.held(results), records.under_way(results, name) as folder:
        made = record(name)
        made["row"].update(values)
        records.finish(folder, made)


def find(results, name):
    """The record of the run of this name, or None."""
    folder = results / "runs" / name
    return records.read(folder) if folder.exists() else None


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "pykeras"},
        {"backend": "torch"},
        {"architecture": "gpu"},
        {"threads": 2},
        {"repetition": 2},
        {"versions": {"keras": "3.1"}},
        {"input": "abd"},
        {"point": vars(parsing.point({"neurons": 7}))},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_whatever_can_change_a_result_makes_another_run(changes):
    assert records.run_id(identity(**changes)) != records.run_id(identity())


def test_a_finished_run_is_found_and_only_then(tmp_path):
    assert find(tmp_path, "a") is None
    with records.under_way(tmp_path, "a") as folder:
        assert find(tmp_path, "a") is None
        assert records.load(tmp_path) == []
        records.finish(folder, record("a"))
    assert find(tmp_path, "a")["row"]["run_id"] == "a"


def test_what_a_killed_run_left_is_tidied_up(tmp_path):
    (tmp_path / "runs" / ".a.partial").mkdir(parents=True)
    assert [path.name for path in records.runs_under_way(tmp_path)] == [".a.partial"]
    assert records.load(tmp_path) == []
    keep(tmp_path, "b")
    assert [path.name for path in (tmp_path / "runs").iterdir() if path.name != ".lock"] == ["b"]


def test_an_interrupted_run_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt), records.held(tmp_path), records.under_way(tmp_path, "a"):
        raise KeyboardInterrupt
    assert records.runs_under_way(tmp_path) == records.load(tmp_path) == []


def test_a_second_process_is_refused_with_the_holder(tmp_path):
    assert records.holder(tmp_path) is None
    with records.held(tmp_path):
        assert records.holder(tmp_path).pid == os.getpid()
        with pytest.raises(UserError, match=f"held by process {os.getpid()} on .* since "), records.held(tmp_path):
            pass
    assert records.holder(tmp_path) is None
    with records.held(tmp_path):
        pass


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"schema": 1, "ro', "no readable record"),
        ("[]", "not a record that tmva-bench wrote"),
        ('{"schema": 99}', "results of version 99"),
        ('{"schema": 1, "row": {}}', "not a record that tmva-bench wrote"),
    ],
)
def test_torn_newer_and_foreign_records_are_refused_by_name(tmp_path, text, message):
    keep(tmp_path, "a")
    path = tmp_path / "runs" / "a" / "record.json"
    path.write_text(text)
    with pytest.raises(UserError, match=message) as error:
        records.load(tmp_path)
    assert str(path) in str(error.value)


def test_rows_are_read_without_the_curves(tmp_path):
    keep(tmp_path, "a")
    (tmp_path / "runs" / "a" / "curves.json").write_text("{")
    assert [record["row"]["run_id"] for record in records.load(tmp_path, curves=False)] == ["a"]
    with pytest.raises(UserError, match="curves.json: no readable record"):
        records.load(tmp_path)


def test_a_renamed_folder_is_refused(tmp_path):
    keep(tmp_path, "a")
    (tmp_path / "runs" / "a").rename(tmp_path / "runs" / "b")
    with pytest.raises(UserError, match="the record of another run, a"):
        records.load(tmp_path)


def test_a_results_folder_that_is_a_file(tmp_path):
    (tmp_path / "results").write_text("")
    with pytest.raises(UserError, match="cannot be made"), records.held(tmp_path / "results"):
        pass


def test_not_a_number_survives(tmp_path):
    keep(tmp_path, "a")
    assert math.isnan(find(tmp_path, "a")["row"]["roc_auc"])
    assert json.loads((tmp_path / "runs" / "a" / "record.json").read_text())["schema"] == schema.VERSION


def test_records_of_version_1_are_brought_to_the_present_one(tmp_path):
    keep(tmp_path, "a", cpu_time_train=3.0, real_time_train=2.0, roc_integral=0.75, roc_auc=0.5)
    path = tmp_path / "runs" / "a" / "record.json"
    old = json.loads(path.read_text())
    old.update(schema=1, roc={}, history={}, scores={})
    (tmp_path / "runs" / "a" / "curves.json").unlink()
    added = [name for name in old["row"] if "_at_" in name or name.startswith("overtraining_")]
    assert len(added) == 8 * 3 + 2
    added += ["roc_integral_difference", "start", "dropout_rule", "split_seed", "initial_weights_spread"]
    for name in ("cores_used", "load_before", "load_after", "others_load", "busy", "installation", *added):
        del old["row"][name]
    path.write_text(json.dumps(old))
    row = find(tmp_path, "a")["row"]
    assert (row["cores_used"], row["busy"], row["installation"]) == (1.5, 0, "")
    assert (row["roc_integral_difference"], row["start"], row["dropout_rule"]) == (0.25, "tmva", "keras")
    assert math.isnan(row["others_load"])
    assert math.isnan(row["signal_efficiency_at_1_percent_low"])


def test_records_of_version_2_are_brought_to_the_present_one(tmp_path):
    keep(tmp_path, "a")
    folder = tmp_path / "runs" / "a"
    old = json.loads((folder / "record.json").read_text())
    old["schema"] = 2
    del old["row"]["split_seed"], old["row"]["initial_weights_spread"]
    (folder / "record.json").write_text(json.dumps(old))
    history = {"epoch": [1, 2], "training_loss": [0.5, 0.4], "validation_loss": [0.6, 0.5], "real_time": [1.0, 1.0]}
    (folder / "curves.json").write_text(json.dumps({"roc": {}, "history": history, "scores": {}}))
    record = find(tmp_path, "a")
    assert record["row"]["split_seed"] == 100
    assert math.isnan(record["row"]["initial_weights_spread"])
    assert record["history"].pop("cpu_time") == [pytest.approx(math.nan, nan_ok=True)] * 2
    assert record["history"] == history


def test_records_of_version_3_are_brought_to_the_present_one(tmp_path):
    keep(tmp_path, "a")
    folder = tmp_path / "runs" / "a"
    old = json.loads((folder / "record.json").read_text())
    old["schema"] = 3
    names = ("cpu_time_encode", "real_time_encode", "reconstruction_error", "pca_error", "encoded_variables")
    for name in (*names, "encoded_digest"):
        del old["row"][name]
    (folder / "record.json").write_text(json.dumps(old))
    (folder / "curves.json").write_text(json.dumps({"roc": {}, "history": {}, "scores": {}}))
    record = find(tmp_path, "a")
    assert math.isnan(record["row"]["real_time_encode"])
    assert (record["row"]["encoded_variables"], record["row"]["encoded_digest"]) == (0, "")
    assert record["reconstruction"] == {}


def test_removed_runs_are_gone_whole(tmp_path):
    keep(tmp_path, "a")
    keep(tmp_path, "b")
    with records.held(tmp_path):
        records.remove(tmp_path, ["a"])
    assert [path.name for path in (tmp_path / "runs").iterdir() if path.name != ".lock"] == ["b"]


def test_merge_brings_in_what_is_new_and_recognises_equals(tmp_path):
    keep(tmp_path / "one", "a")
    keep(tmp_path / "two", "a")
    keep(tmp_path / "two", "b")
    target = tmp_path / "all"
    with records.held(target):
        assert records.merge([tmp_path / "one", tmp_path / "two"], target) == (2, 1)
        assert records.merge([tmp_path / "two"], target) == (0, 2)
    assert sorted(record["row"]["run_id"] for record in records.load(target)) == ["a", "b"]


def test_merge_brings_the_input_files_along(tmp_path):
    for folder, name in (("one", "gauss"), ("two", "rings")):
        keep(tmp_path / folder, name)
        (tmp_path / folder / "inputs").mkdir()
        (tmp_path / folder / "inputs" / f"{name}.root").write_text(name)
        (tmp_path / folder / "input.root").symlink_to(f"inputs/{name}.root")
    target = tmp_path / "all"
    with records.held(target):
        for _ in range(2):
            records.merge([tmp_path / "one", tmp_path / "two"], target)
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
    with records.held(target):
        with pytest.raises(UserError, match="run a differs from the one in .*one"):
            records.merge([tmp_path / "one", tmp_path / "two"], target)
        with pytest.raises(UserError, match="no finished runs there"):
            records.merge([tmp_path / "three"], target)
    assert records.load(target) == []
