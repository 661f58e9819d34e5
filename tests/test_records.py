"""Records: complete or absent, told apart by all that can change a result, refused when torn or foreign."""

import json
import math

import pytest

from tmva_bench import config, records, schema
from tmva_bench.errors import UserError


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
    return {"schema": schema.VERSION, "row": row, "roc": {}, "history": {}, "scores": {}}


def keep(results, name):
    with records.under_way(results, name) as folder:
        records.finish(folder, record(name))


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
        {"point": vars(config.point({"neurons": 7}))},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_whatever_can_change_a_result_makes_another_run(changes):
    assert records.run_id(identity(**changes)) != records.run_id(identity())


def test_a_finished_run_is_found_and_only_then(tmp_path):
    assert records.find(tmp_path, "a") is None
    with records.under_way(tmp_path, "a") as folder:
        assert records.find(tmp_path, "a") is None
        assert records.load(tmp_path) == []
        records.finish(folder, record("a"))
    assert records.find(tmp_path, "a")["row"]["run_id"] == "a"


def test_what_a_killed_run_left_is_tidied_up(tmp_path):
    with pytest.raises(KeyboardInterrupt), records.under_way(tmp_path, "a"):
        raise KeyboardInterrupt
    assert records.load(tmp_path) == []
    keep(tmp_path, "b")
    assert [path.name for path in (tmp_path / "runs").iterdir() if path.name != ".lock"] == ["b"]


def test_a_second_run_at_the_same_time_is_refused(tmp_path):
    with (
        records.under_way(tmp_path, "a"),
        pytest.raises(UserError, match="another run is under way"),
        records.under_way(tmp_path, "b"),
    ):
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


def test_a_renamed_folder_is_refused(tmp_path):
    keep(tmp_path, "a")
    (tmp_path / "runs" / "a").rename(tmp_path / "runs" / "b")
    with pytest.raises(UserError, match="the record of another run, a"):
        records.load(tmp_path)


def test_a_results_folder_that_is_a_file(tmp_path):
    (tmp_path / "results").write_text("")
    with pytest.raises(UserError, match="cannot be made"), records.under_way(tmp_path / "results", "a"):
        pass


def test_not_a_number_survives(tmp_path):
    keep(tmp_path, "a")
    assert math.isnan(records.find(tmp_path, "a")["row"]["roc_auc"])
    assert json.loads((tmp_path / "runs" / "a" / "record.json").read_text())["schema"] == schema.VERSION
