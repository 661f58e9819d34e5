"""Each column is a typed attribute: what is misspelt is told before anything runs."""

import ast
import dataclasses
import importlib.util
import re
import subprocess
import sys
import typing
from pathlib import Path

import pytest
from made_up_rows import row

import tmva_bench
from tmva_bench.basis.config import PARAMETERS, Point
from tmva_bench.compare import comparison
from tmva_bench.report import page, tables
from tmva_bench.results import schema
from tmva_bench.results.rows import Record, RunRow

BENCHMARK = {column.name: column for column in schema.BENCHMARK}


def test_parameters_have_the_types_of_their_point():
    hints = typing.get_type_hints(RunRow)
    assert {name: hints[name] for name in PARAMETERS} == {name: one.type for name, one in PARAMETERS.items()}
    assert row(neurons=7).point == Point(neurons=7)


def test_columns_are_attributes_in_their_order():
    assert list(RunRow().columns()) == list(typing.get_type_hints(RunRow)) == list(BENCHMARK)
    for tree, curve in Record(row=RunRow()).curves().items():
        assert ["run_id", *curve.columns()] == [column.name for column in schema.TREES[tree]]
    assert list(Record(row=RunRow()).curves()) == list(schema.CURVES)
    assert all(column.title for columns in schema.TREES.values() for column in columns)


def test_what_is_not_measured_has_the_type_of_its_column():
    assert [type(value) for value in RunRow().columns().values()] == [column.type for column in schema.BENCHMARK]


@pytest.mark.parametrize(
    "names",
    [
        schema.QUANTITIES,
        schema.SERIES,
        schema.POINT,
        [f"{name}{end}" for name in schema.EFFICIENCIES.values() for end in ("", "_low", "_high")],
        [f"{name}{end}" for name in schema.REJECTIONS.values() for end in ("", "_low", "_high")],
        page._QUANTITIES,
        page._INSTALLED,
        comparison.RATIOS,
        comparison._KEY,
        comparison._NEARNESS,
        comparison._PLACES,
        [name for name, _ in tables._COLUMNS],
        tables._OPTIONAL,
    ],
)
def test_names_that_are_data_are_columns(names):
    assert not set(names) - set(BENCHMARK)


def test_the_working_points_are_columns_and_no_others():
    asked = {*schema.EFFICIENCIES.values(), *schema.REJECTIONS.values()}
    assert {name.removesuffix("_low").removesuffix("_high") for name in BENCHMARK if "_percent" in name} == asked


def test_a_record_is_not_changed_by_hand():
    with pytest.raises(dataclasses.FrozenInstanceError):
        row().roc_auc = 1.0
    with pytest.raises(KeyError, match="rok_auc"):
        row().value("rok_auc")
    assert dataclasses.replace(row(), seed=5).seed == 5


WRONG = {
    "row.rok_auc": '"RunRow" has no attribute "rok_auc"',
    'row["roc_auc"]': "not indexable",
    "RunRow(rok_auc=1.0)": 'Unexpected keyword argument "rok_auc"',
    "dataclasses.replace(row, rok_auc=1.0)": 'Unexpected keyword argument "rok_auc"',
    "record.history.epochs": '"History" has no attribute "epochs"',
    'record["history"]': "not indexable",
    "means.rok_auc": '"Means" has no attribute "rok_auc"',
    'means["roc_auc"]': "not indexable",
}


@pytest.mark.skipif(not importlib.util.find_spec("mypy"), reason="no mypy here")
def test_a_misspelt_column_fails_the_type_check(tmp_path):
    head = ["import dataclasses", f"from {RunRow.__module__} import Means, Record, RunRow"]
    head += ["def look(row: RunRow, record: Record, means: Means) -> None:"]
    lines = [*head, "    row.roc_auc, record.history.epoch, means.roc_auc.value", *(f"    {code}" for code in WRONG)]
    path = tmp_path / "look.py"
    path.write_text("\n".join(lines) + "\n")
    command = [sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path / "cache"), "--config-file", "", str(path)]
    said = subprocess.run(command, capture_output=True, text=True).stdout.splitlines()
    errors = {int(line.split(":")[1]): line for line in said if line.startswith(str(path)) and ": error:" in line}
    assert sorted(errors) == list(range(len(head) + 2, len(lines) + 1)), said
    for number, words in zip(sorted(errors), WRONG.values(), strict=True):
        assert words in errors[number]


def test_no_row_is_a_mapping_above_the_results():
    """By these names rows and records go; mypy cannot tell where a value is of any type."""
    package = Path(tmva_bench.__file__).parent
    above = [path for room in ("cli", "report", "compare", "running") for path in (package / room).glob("*.py")]
    subscripts = [
        (path.name, node.lineno, ast.unparse(node))
        for path in [package / "api.py", *above]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Subscript)
        and isinstance(node.slice, ast.Constant)
        and node.slice.value in {*BENCHMARK, "row", *schema.CURVES}
    ]
    assert len(above) > 20
    assert not [one for one in subscripts if re.match(r"(.*\.)?(row|record|first|group|series|point|means)\[", one[2])]
