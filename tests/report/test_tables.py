"""The summary table says what was measured, how well, and what is missing."""

import csv
import re
from dataclasses import replace

import pytest
from classifiers import absent
from made_up_rows import row

from tmva_bench.basis import parsing
from tmva_bench.report import tables
from tmva_bench.results import forms, schema, summary
from tmva_bench.study import filters


@pytest.fixture
def groups():
    rows = [
        row(
            neurons=n,
            roc_auc=0.8 + n / 1000 + r / 10000,
            real_time_train=2.0 + r / 10,
            cpu_time_train=2.0,
            repetition=r,
        )
        for r in (1, 2, 3)
        for n in (5, 20)
    ]
    rows += [row(neurons=n, method="tmva-dnn", backend="tmva", status="unavailable", reason="no TMVA") for n in (5, 20)]
    return summary.groups([replace(one, optimizer="sgd", roc_auc_best_possible=0.9) for one in rows])


def test_text(groups):
    lines = forms.write(tables.document(groups), "text").splitlines()
    assert lines[0].split()[:3] == ["series", "neurons", "runs"]
    assert "0.80520 ± 0.00008" in lines[2]
    # No result at any point: one line.
    assert lines[4].split()[:4] == ["tmva-dnn", "sgd", "unavailable", "-"]
    assert sum(line.startswith("tmva-dnn") for line in lines) == 1
    assert "unavailable: tmva-dnn sgd: no TMVA" in lines
    assert "Best possible on the test events of gauss (likelihood ratio): 0.9000" in lines


def test_the_error_from_the_test_events_stands_beside_that_of_the_repetitions():
    runs = [row(roc_auc=0.8 + r / 1000, roc_auc_error=0.002 + r / 10000, repetition=r) for r in (1, 2, 3)]
    table = tables.make(summary.groups(runs))
    place = table.headings.index("ROC area")
    assert table.headings[place : place + 3] == ["ROC area", "spread", "± test"]
    assert table.rows[0][place : place + 3] == ["0.8020 ± 0.0008", "0.001", "0.0022"]
    assert any("whether two series differ says tmva-bench differences" in note for note in table.notes)
    (line,) = csv.DictReader(forms.write(tables.document(summary.groups(runs)), "csv").splitlines())
    assert float(line["roc_auc_test_error"]) == pytest.approx(0.0022)


def test_samples_are_told_by_name_and_other_events_of_one_by_digest():
    def headings(*events):
        return tables.make(
            summary.groups([row(sample=name, input_digest=digest, roc_auc=0.8) for name, digest in events])
        ).headings

    assert headings(("rings", "a"), ("gauss", "b"))[1:3] == ["sample", "runs"]
    assert headings(("rings", "a"), ("gauss", "b"), ("gauss", "c"))[1:4] == ["sample", "input_digest", "runs"]


def test_rows_are_ordered_by_series_or_as_asked(groups):
    def order(*by):
        table = tables.make(groups, by)
        return [(r[0].split()[0], r[table.headings.index("neurons")]) for r in table.rows]

    groups += summary.groups([row(neurons=n, method="pykeras", backend="jax", roc_auc=0.8) for n in (5, 20)])
    assert order() == [("keras", "5"), ("keras", "20"), ("tmva-dnn", ""), ("pykeras", "5"), ("pykeras", "20")]
    assert order("neurons") == [("keras", "5"), ("tmva-dnn", ""), ("pykeras", "5"), ("keras", "20"), ("pykeras", "20")]


def test_csv_is_the_summary_tree(groups):
    rows = list(csv.reader(forms.write(tables.document(groups), "csv").splitlines()))
    assert rows[0] == [column.name for column in schema.SUMMARY]
    assert len(rows) == 1 + len(groups)
    assert float(rows[1][rows[0].index("roc_auc")]) == pytest.approx(0.8052)


def test_markdown_and_latex(groups):
    assert forms.write(tables.document(groups), "md").startswith("| series")
    latex = forms.write(tables.document(groups), "latex")
    assert r"$0.80520 \pm 0.00008$" in latex
    assert r"\begin{tabular}" in latex


def test_a_warning_stands_under_a_table_of_few_repetitions():
    few = summary.groups([row(neurons=5, roc_auc=0.8, optimizer="sgd")])
    assert "warning: fewer than 3 repetitions, too few to judge an error: all rows" in forms.write(
        tables.document(few), "text"
    )


def test_what_one_side_alone_has_is_named_where_it_is_not_as_usual():
    usual = [row(optimizer="sgd", roc_auc=0.8), row(optimizer="sgd", method="tmva-dnn", backend="tmva", roc_auc=0.8)]
    usual[1] = replace(usual[1], factory_string=parsing.PRESETS["seed"]["factory_string"])
    assert "one side" not in forms.write(tables.document(summary.groups(usual)), "text")
    changed = [replace(usual[0], start="keras"), replace(usual[0], start="keras", backend="tensorflow")]
    # Keras never reads the options of the Factory.
    changed += [replace(one, factory_string="V") for one in usual]
    for form in ("text", "latex"):
        lines = forms.write(tables.document(summary.groups(changed)), form).splitlines()
        (line,) = [line.removeprefix("% ") for line in lines if "on one side only" in line]
        assert line == "on one side only: start = keras (keras); factory_string = V (tmva-dnn)"


def test_dropout_by_two_rules_is_named_as_unequal():
    def note(*rows):
        groups = summary.groups([replace(one, optimizer="sgd", roc_auc=0.8) for one in rows])
        text = forms.write(tables.document(groups), "text")
        return [line for line in text.splitlines() if line.startswith("not equal")]

    tmva = row(method="tmva-dnn", backend="tmva", dropout=0.2)
    keras, masked = row(dropout=0.2), row(dropout=0.2, dropout_rule="tmva")
    assert note(tmva, keras) == [
        "not equal: dropout by TMVA's rule (tmva-dnn sgd) and Keras' rule (keras jax sgd); see tmva-bench explain"
    ]
    assert note(row(method="pykeras", backend="jax", dropout=0.2), masked)
    assert note(tmva, row(method="tmva-dnn", backend="tmva", architecture="gpu", dropout=0.2))
    assert note(tmva, masked) == note(keras, keras) == note(row(), row(method="tmva-dnn", backend="tmva")) == []
    # Without a hidden layer nothing is dropped.
    assert note(replace(tmva, layers=0), replace(keras, layers=0)) == []


def test_environments_are_named_where_there_are_several():
    two = summary.groups([row(environment=name, optimizer="sgd", roc_auc=0.8) for name in ("conda", "theano")])
    table = tables.make(two)
    assert table.headings[:2] == ["series", "environment"]
    assert [r[1] for r in table.rows] == ["conda", "theano"]
    elsewhere = summary.groups([row(environment=b, backend=b, roc_auc=0.8) for b in ("jax", "theano")])
    assert tables.make(elsewhere).headings[:2] == ["series", "runs"]


def test_the_best_of_each_column_is_known(groups):
    table = tables.make(groups)
    # Rows: neurons 5 and 20, then what is unavailable; their times are equal.
    best = {table.headings[column]: [row for row, c in table.best if c == column] for _, column in table.best}
    assert best == {"ROC area": [1], "CPU train [s]": [0, 1], "real train [s]": [0, 1]}
    assert tables.make([group for group in groups if not group.rows]).best == []


def test_equal_measurements_have_no_error():
    twice = summary.groups([row(optimizer="sgd", cpu_time_train=t, roc_auc=0.8) for t in (4.34, 4.34 + 1e-15)])
    table = tables.make(twice)
    assert table.rows[0][table.headings.index("CPU train [s]")] == "4.34"


def test_numbers_of_events_are_an_axis_and_their_input_files_are_not():
    rows = [row(train_signal=n, input_digest=str(n) * 64, roc_auc=0.8, roc_auc_best_possible=0.9) for n in (5, 20)]
    rows += [replace(one, method="tmva-dnn", backend="tmva", status="unavailable") for one in rows]
    table = tables.make(summary.groups(rows))
    assert table.headings[:3] == ["series", "train_signal", "runs"]
    assert [line[1] for line in table.rows] == ["5", "20", ""]
    assert not [note for note in table.notes if "input_digest" in note]
    assert "Best possible on the test events of gauss (likelihood ratio): 0.9000" in table.notes


def test_a_sample_written_anew_is_said_with_short_digests_and_each_has_its_best_possible_area():
    digests = ["a1" * 32, "b2" * 32]
    rows = [
        row(neurons=n, input_digest=digest, roc_auc=0.8, roc_auc_best_possible=best)
        for n in (5, 20)
        for digest, best in zip(digests, (0.9, 0.85), strict=True)
    ]
    table = tables.make(summary.groups(rows))
    assert table.headings[:3] == ["series", "input_digest", "neurons"]
    assert [line[1] for line in table.rows] == [digest[:12] for digest in digests for _ in (5, 20)]
    (note,) = [note for note in table.notes if "written anew" in note]
    assert note.startswith("gauss is the name of 2 samples here")
    assert (
        f"Best possible on the test events of gauss (likelihood ratio): 0.9000 ({digests[0][:12]}), 0.8500 "
        in "\n".join(table.notes)
    )
    # What the note names is a filter that fits the runs of one.
    (text,) = re.findall(r"--only (\S+)", note)
    wanted = filters.parse([text], ["input_digest"])
    assert [filters.fits(one.columns(), wanted) for one in rows] == [True, False] * 2
    assert not filters.fits({"input_digest": "c" * 64}, wanted)
    assert not filters.fits(rows[0].columns(), filters.parse(["input_digest=a"], ["input_digest"]))


def test_what_a_method_lacks_is_a_dash_in_its_one_row_and_kinds_are_told():
    rows = [row(method="boosting", backend="sklearn", roc_auc=0.8, **absent("boosting"))]
    rows += [row(neurons=n, roc_auc=0.9) for n in (5, 20)]
    table = tables.make(summary.groups(rows))
    place = table.headings.index("neurons")
    assert [(line[0], line[place]) for line in table.rows] == [
        ("keras jax sgd", "5"),
        ("keras jax sgd", "20"),
        ("boosting sklearn", "-"),
    ]
    assert "the same training by other engines: keras jax sgd; other classifiers: boosting sklearn" in table.notes


def of_folds():
    return [
        row(fold=fold, repetition=r, train_signal=100 + fold // 3, input_digest=f"{fold}", roc_auc=0.8 + fold / 100)
        for fold in (1, 2, 3)
        for r in (1, 2)
    ]


def test_folds_are_scanned_and_their_numbers_of_events_are_not():
    table = tables.make(summary.groups(of_folds()))
    assert table.headings[:3] == ["series", "fold", "runs"]
    assert [line[:3] for line in table.rows] == [["keras jax sgd", str(fold), "2"] for fold in (1, 2, 3)]
    assert "mean ROC area over folds (their number, standard deviation): keras jax sgd 0.8200 (3 folds, 0.01)" in (
        table.notes
    )


def test_numbers_of_events_that_are_scanned_beside_folds_stay():
    runs = [replace(one, test_signal=number) for one in of_folds() for number in (50, 60)]
    table = tables.make(summary.groups(runs))
    assert table.headings[:4] == ["series", "test_signal", "fold", "runs"]
    (note,) = (note for note in table.notes if note.startswith("mean ROC area over folds"))
    assert "test_signal=50 0.8200 (3 folds, 0.01); keras jax sgd, test_signal=60 0.8200" in note
