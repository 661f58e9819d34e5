"""Records: complete or absent, told apart by all that can change a result, refused when torn or foreign."""

import dataclasses
import json
import math

import pytest
from made_up_rows import find, keep

from tmva_bench.basis import config, parsing
from tmva_bench.errors import UserError
from tmva_bench.results import records, schema
from tmva_bench.results.folder import ResultsFolder
from tmva_bench.results.rows import History, Record, RocCurve, RunRow


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
        records.read(path.parent)
    assert str(path) in str(error.value)


def test_rows_are_read_without_the_curves(tmp_path):
    keep(tmp_path, "a")
    (tmp_path / "runs" / "a" / "curves.json").write_text("{")
    assert [record.row.run_id for record in ResultsFolder(tmp_path).load(curves=())] == ["a"]
    with pytest.raises(records.Damaged, match=r"curves\.json: no readable record"):
        records.read(tmp_path / "runs" / "a")


def test_a_renamed_folder_is_refused(tmp_path):
    keep(tmp_path, "a")
    (tmp_path / "runs" / "a").rename(tmp_path / "runs" / "b")
    with pytest.raises(records.Damaged, match="the record of another run, a"):
        records.read(tmp_path / "runs" / "b")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("reason", "a lone \udcff surrogate"),
        ("sample", 3),
        ("epochs", 2**64),
        ("epochs", True),
        ("threads", 1.5),
        ("roc_auc", "0.9"),
    ],
)
def test_what_the_reader_refuses_is_not_recorded(tmp_path, column, value):
    with pytest.raises(UserError, match="run a: not recorded"):
        keep(tmp_path, "a", **{column: value})
    assert ResultsFolder(tmp_path).load() == []
    keep(tmp_path, "b")
    assert [record.row.run_id for record in ResultsFolder(tmp_path).load()] == ["b"]


def test_not_a_number_survives(tmp_path):
    keep(tmp_path, "a")
    assert math.isnan(find(tmp_path, "a").row.roc_auc)
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
    row = find(tmp_path, "a").row
    assert (row.cores_used, row.busy, row.installation) == (1.5, 0, "")
    assert (row.roc_integral_difference, row.start, row.dropout_rule) == (0.25, "tmva", "keras")
    assert math.isnan(row.others_load)
    assert math.isnan(row.signal_efficiency_at_1_percent_low)


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
    assert record.row.split_seed == 100
    assert math.isnan(record.row.initial_weights_spread)
    columns = record.history.columns()
    assert columns.pop("cpu_time") == [pytest.approx(math.nan, nan_ok=True)] * 2
    assert columns == history


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
    assert math.isnan(record.row.real_time_encode)
    assert (record.row.encoded_variables, record.row.encoded_digest) == (0, "")
    assert len(record.reconstruction) == 0


def row_of_version(tmp_path, version, *later):
    """The row of a record of an earlier version, which lacks the columns that came later, as it is read today."""
    keep(tmp_path, "a")
    path = tmp_path / "runs" / "a" / "record.json"
    old = json.loads(path.read_text())
    old["schema"] = version
    for name in later:
        del old["row"][name]
    path.write_text(json.dumps(old))
    put_into_one_file(path.parent)
    return find(tmp_path, "a").row


def put_into_one_file(folder):
    """As versions 2 to 10 kept all curves."""
    curves = {
        tree: values
        for name in ("curves.json", "history.json")
        for tree, values in json.loads((folder / name).read_text()).items()
    }
    (folder / "curves.json").write_text(json.dumps(curves))
    (folder / "history.json").unlink()


def test_records_of_version_10_have_their_losses_in_the_file_of_the_other_curves(tmp_path):
    history = History(epoch=[1, 2], **dict.fromkeys(("training_loss", "validation_loss", "real_time"), [0.5, 0.25]))
    whole = Record(row=RunRow(run_id="a"), roc=RocCurve(signal_efficiency=[0.0, 1.0], background_rejection=[1.0, 0.0]))
    whole = dataclasses.replace(whole, history=dataclasses.replace(history, cpu_time=[0.125, 0.0625]))
    (tmp_path / "a").mkdir()
    records.write(tmp_path / "a", whole)
    put_into_one_file(tmp_path / "a")
    path = tmp_path / "a" / "record.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema": 10}))
    assert records.read(tmp_path / "a").curves() == whole.curves()
    read = records.read(tmp_path / "a", curves=("history",))
    assert (read.history, len(read.roc)) == (whole.history, 0)


def test_only_the_curves_that_are_wanted_are_read(tmp_path):
    keep(tmp_path, "a")
    folder = tmp_path / "runs" / "a"
    (folder / "curves.json").write_text("{")
    assert records.read(folder, curves=("history",)) == records.read(folder, curves=())
    with pytest.raises(UserError, match="curves.json: no readable record"):
        records.read(folder, curves=("history", "roc"))
    (folder / "history.json").unlink()
    with pytest.raises(UserError, match="history.json: no readable record"):
        records.read(folder, curves=("history",))


def test_records_of_version_5_are_brought_to_the_present_one(tmp_path):
    """Their weights were left as they were."""
    row = row_of_version(tmp_path, 5, "norm_mode", "real_time_epochs", "warnings")
    assert (row.norm_mode, row.warnings) == ("none", "")
    assert math.isnan(row.real_time_epochs)


def test_records_of_version_9_are_brought_to_the_present_one(tmp_path):
    """All were fed from arrays, and trained one by one."""
    times = ("cpu_time_feed", "real_time_feed", "cpu_time_bundle", "real_time_bundle")
    row = row_of_version(tmp_path, 9, "feeding", "together", "bundle", "bundle_size", *times)
    assert (row.feeding, row.together, row.bundle, row.bundle_size) == ("array", 0, "", 1)
    assert all(math.isnan(row.value(name)) for name in times)


@pytest.mark.parametrize("file", ["record.json", "curves.json", "history.json"])
def test_records_are_the_same_where_their_files_or_their_contents_are(tmp_path, file):
    """Files that are links, as git-annex keeps them, are read, too."""
    for name in ("one", "two", "linked"):
        keep(tmp_path / name, "a", roc_auc=0.75)
    one, two, linked = (tmp_path / name / "runs" / "a" for name in ("one", "two", "linked"))
    assert records.same(one, two)
    (two / file).write_text(json.dumps(json.loads((two / file).read_text()), indent=2))
    assert records.same(one, two)
    (linked / "record.json").rename(tmp_path / "elsewhere.json")
    (linked / "record.json").symlink_to(tmp_path / "elsewhere.json")
    assert records.same(one, linked)
    (tmp_path / "elsewhere.json").write_text((tmp_path / "elsewhere.json").read_text().replace("0.75", "0.25"))
    assert not records.same(one, linked)


@pytest.mark.parametrize("file", ["curves.json", "history.json"])
def test_a_file_that_holds_no_curves_is_named(tmp_path, file):
    keep(tmp_path, "a")
    path = tmp_path / "runs" / "a" / file
    for text in ("[]", "{}", json.dumps(dict.fromkeys(schema.CURVES, {"epoch": [1]}))):
        path.write_text(text)
        with pytest.raises(UserError, match=f"{path}: not a record that tmva-bench wrote"):
            records.read(path.parent)


@pytest.mark.parametrize("file", ["curves.json", "history.json"])
def test_a_record_without_a_line_of_its_curves_in_the_checksums_is_read(tmp_path, file):
    keep(tmp_path, "a")
    folder = tmp_path / "runs" / "a"
    sums = folder / records.SUMS
    sums.write_text("".join(line for line in sums.read_text().splitlines(keepends=True) if file not in line))
    assert records.is_whole(folder)
    (folder / file).unlink()
    assert not records.is_whole(folder)
