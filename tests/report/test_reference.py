"""The reference of the study file is what the program reads."""

import dataclasses
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tmva_bench import cli
from tmva_bench.basis import config, parsing
from tmva_bench.errors import UserError
from tmva_bench.events import samples
from tmva_bench.report import reference
from tmva_bench.results import forms
from tmva_bench.study import file as study_file
from tmva_bench.study import plan

DOCUMENT = Path(__file__).parents[2] / "docs" / "study-file.md"
WRITE = ("keys", "--format", "md")


def sections() -> dict[str, dict[str, list[str]]]:
    """The tables of the document by heading, their rows by first cell."""
    by_title: dict[str, dict[str, list[str]]] = {}
    for part in DOCUMENT.read_text(encoding="utf-8").split("\n## ")[1:]:
        title, _, text = part.partition("\n")
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:2] == "| "]
        by_title[title] = {row[0].strip("`"): row[1:] for row in rows[1:]}
    return by_title


def section(start: str) -> dict[str, list[str]]:
    (by_title,) = [rows for title, rows in sections().items() if title.startswith(start)]
    return by_title


def test_the_document_is_what_the_tool_writes() -> None:
    written = CliRunner().invoke(cli.main, WRITE).output
    assert DOCUMENT.read_text(encoding="utf-8") == written, f"tmva-bench {' '.join(WRITE)} > docs/study-file.md"


def test_every_table_and_key_is_there() -> None:
    assert list(section("Top of the file")) == list(study_file.KEYS[""])
    for table in ("limits", "cluster", "environments"):
        assert list(section(f"[{table}")) == list(study_file.KEYS[table])
    assert list(section("[[series]]")) == list(study_file.KEYS["series"])
    for name in samples.SAMPLES:
        assert list(section(f'[sample], name = "{name}"')) == samples.parameters_of(name)
    told = [*section("[point]"), *section("[only.tmva]"), *section("[only.keras]")]
    assert sorted(told) == sorted(config.PARAMETERS)


def test_defaults_and_limits_are_those_of_the_program() -> None:
    rows = {**section("[point]"), **section("[only.tmva]"), **section("[only.keras]")}
    for name, value in dataclasses.asdict(config.Point()).items():
        kind, values, default, meaning = rows[name]
        parameter = config.PARAMETERS[name]
        assert meaning == parameter.help
        assert kind == {int: "whole number", float: "number", str: "text"}[parameter.type]
        if name not in config.COUNTS and name != "learning_rate":
            assert default == str(value)
        for code, meant in enumerate(parameter.codes):
            assert (f"{code} {meant}" if parameter.coded else meant) in values.split(", ")
        if limit := re.search(r"(at least|above) (\d+)", values):
            below = float(limit[2]) - (limit[1] == "at least")
            with pytest.raises(UserError, match=limit[0]):
                parsing.parse_value(name, int(below))
    assert rows["learning_rate"][2].split(", ") == [f"{key} {rate:g}" for key, rate in config.LEARNING_RATES.items()]


def test_a_file_with_every_key_is_read(tmp_path: Path) -> None:
    values: dict[str, Any] = {"name": "mine", "preset": "seed", "repetitions": 2, "together": True}
    values["zip"] = [["neurons", "layers"]]
    tables = {
        "sample": {"name": "gauss", "train_signal": 1000, "seed": 2},
        "point": {"batch_size": 10},
        "axes": {"neurons": [5, 20], "layers": [1, 2]},
        "only.keras": {"execution": "epoch"},
        "limits": {"time": 60, "memory": 2000.5, "threads": 2},
        "cluster": {"jobs": 2, "memory": 500, "time": 60, "setup": "a", "htcondor": ["b"], "slurm": ["c", "d"]},
        "environments.other": {"python": "bin/python", "make": "make other"},
    }
    series = {"method": "keras", "backend": "jax", "architecture": "cpu", "environment": "other", "optimizer": "adam"}
    assert {*values, *(name.split(".")[0] for name in tables), "series"} == set(study_file.KEYS[""])
    assert set(series) == {*study_file.KEYS["series"], "optimizer"}
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    for name, table in [*tables.items(), ("[series]", series)]:
        lines += [f"[{name}]", *(f"{key} = {value!r}" for key, value in table.items())]
    text = "\n".join(lines)
    assert tomllib.loads(text)["limits"] == dict.fromkeys(study_file.KEYS["limits"], 0) | tables["limits"]
    path = tmp_path / "file.toml"
    path.write_text(text)
    assert len(plan.plan(study_file.read(path))) == 4


def test_as_text_the_same_keys_stand_without_markdown() -> None:
    text = forms.write(reference.study_file(), "text")
    assert not set("`|#") & set(text)
    first = {line.lstrip("│ ").split()[0] for line in text.splitlines() if line}
    assert {key for table in study_file.KEYS.values() for key in table} | set(config.PARAMETERS) <= first


def test_an_unknown_format_is_refused() -> None:
    answer = CliRunner().invoke(cli.main, ["keys", "--format", "html"])
    assert answer.exit_code == 2
    assert "text, md" in answer.output
