"""One document in every form: the same texts, nothing in them that a form would act on, and no table too wide."""

import csv
import json
import math

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from tmva_bench import cli
from tmva_bench.results import forms

TEXTS = st.text(max_size=30)
DOCUMENT = forms.Document(
    [
        forms.Heading("All of it", 1),
        "A paragraph, 5 % of it.",
        forms.Table(["series", "ROC area"], [["keras jax", forms.Formula("0.91 ± 0.01", r"$0.91 \pm 0.01$")]], "Areas"),
        forms.Table(["key", "option"], [["a", forms.Code("Layout=TANH|5")]], "Options"),
        forms.Notes(["first_note", "second"]),
        forms.Quotation("Factory", "!V:Color"),
    ]
)


def test_each_form_tells_all_of_it():
    text, markdown, latex = (forms.write(DOCUMENT, form) for form in ("text", "md", "latex"))
    assert "Areas\n\nseries     ROC area\n" in text
    assert "first_note\nsecond\n\nFactory\n  !V:Color" in text
    assert markdown.startswith("# All of it\n")
    assert "<code>Layout=TANH&#124;5</code>" in markdown
    assert "- first_note\n- second\n" in markdown
    assert "Factory:\n\n```\n!V:Color\n```" in markdown
    assert r"$0.91 \pm 0.01$" in latex
    assert r"5 \% of it" in latex
    assert "% first_note\n" in latex


def test_without_values_of_its_own_a_documents_tables_are_its_values():
    values = json.loads(forms.write(DOCUMENT, "json"))
    assert values["tables"][0] == {"title": "Areas", "rows": [{"series": "keras jax", "ROC area": "0.91 ± 0.01"}]}
    assert values["notes"] == ["first_note", "second"]
    lines = list(csv.DictReader(forms.write(DOCUMENT, "csv").splitlines()))
    assert [line["table"] for line in lines] == ["Areas", "Options"]
    assert [line["option"] for line in lines] == ["", "Layout=TANH|5"]


def test_values_are_json_that_every_reader_takes():
    values = {"area": math.nan, "rows": [{"time": math.inf, "runs": 3}], "pair": (1.5, -math.inf)}

    def refuse(constant):
        raise AssertionError(constant)

    read_back = json.loads(forms.write(forms.Document([], values), "json"), parse_constant=refuse)
    assert read_back == {"area": None, "rows": [{"time": None, "runs": 3}], "pair": [1.5, None]}


@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=1, max_size=5))
def test_texts_come_back_from_csv_and_json_and_make_no_column_of_markdown(rows):
    document = forms.Document([forms.Table(["a", "b", "c"], rows)])
    assert [tuple(row.values()) for row in json.loads(forms.write(document, "json"))["tables"][0]["rows"]] == rows
    read = list(csv.reader(forms.write(document, "csv").splitlines()))[1:]
    assert [[cell.removeprefix("'") for cell in line] for line in read] == [
        [forms.plain(text).removeprefix("'") for text in row] for row in rows
    ]
    for line in forms.write(document, "md").splitlines():
        assert line.replace("\\\\", "").replace("\\|", "").count("|") == 4


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_table_is_no_wider_than_the_terminal(width):
    words = "some words that say why a run gave no result and what to do about it " * 3
    table = forms.Table(["method", "reason", "cure"], [["keras jax", words, words]])
    lines = forms.write(forms.Document([table]), "text", width).splitlines()
    assert max(map(len, lines)) <= width
    assert "".join(sorted("".join(lines))).count("w") == 2 * words.count("w")
    # As wide as it needs, where the output is no terminal.
    assert len(forms.write(forms.Document([table]), "text").splitlines()) == 3


@pytest.mark.parametrize("form", forms.FORMS)
@pytest.mark.parametrize(
    "command", [["table", "example"], ["differences", "example"], ["compare", "example", "example"], ["keys"]]
)
def test_every_command_that_tells_has_every_form(command, form):
    answer = CliRunner().invoke(cli.main, [*command, "--format", form])
    assert answer.exit_code == 0, answer.output
    if form == "json":
        assert json.loads(answer.stdout)
    if form == "csv":
        columns, *lines = csv.reader(answer.stdout.splitlines())
        assert len(lines) > 2
        assert {len(line) for line in lines} == {len(columns)}
    if form == "latex":
        assert answer.stdout.count(r"\begin{tabular}") == answer.stdout.count(r"\end{tabular}") > 0
