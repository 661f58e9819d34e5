"""What people read: every run has its row, what did not run its reason, and the best possible area stands below."""

import io
import math
from dataclasses import replace

import made_up_rows
import pytest
from made_up_results import BEST_POSSIBLE, made_up_tables
from made_up_rows import of_tables
from rich.console import Console

from tmva_bench.report import terminal
from tmva_bench.results import forms, naming

CURE = "no torch here; .route/bin/python -m pip install -e '.[torch]' in the checkout"


@pytest.fixture
def rows():
    return [record.row for record in of_tables(made_up_tables(12))]


def printed(renderable, width=80):
    console = Console(width=width, file=io.StringIO())
    console.print(renderable)
    return console.file.getvalue().splitlines()


def row_of(lines, name):
    (line,) = [line for line in lines if line.startswith(name)]
    return line.removeprefix(name).split()


def test_a_run_is_one_line_with_its_numbers(rows):
    times = {"cpu_time_train": 1234.567, "real_time_train": 987.654, "real_time_fit": 7.0}
    row = replace(rows[9], roc_auc=0.91236, roc_auc_error=0.00114, best_epoch=0, epochs=200, **times)
    (line,) = [line for line in printed(terminal.benchmark_table([row])) if line.startswith("keras torch")]
    assert " ".join(line.split()) == "keras torch adam 0.001 0.9124 ± 0.0011 - 1234.57 987.65 7.00 0/200"
    row = replace(row, roc_integral=0.91101)
    (line,) = [line for line in printed(terminal.benchmark_table([row])) if line.startswith("keras torch")]
    assert line.split()[7] == "0.9110"


def test_a_terminal_of_80_columns_shows_every_run_whole(rows):
    lines = printed(terminal.benchmark_table(rows))
    assert max(map(len, lines)) <= 80
    for row in rows:
        cells = row_of(lines, f"{naming.method_name(row):<20} {row.optimizer} ")
        assert cells[1:4] == [f"{row.roc_auc:.4f}", "±", f"{row.roc_auc_error:.4f}"]
        assert cells[-1] == "9/10"


def test_the_best_possible_area_stands_under_the_table(rows):
    lines = printed(terminal.benchmark_table(rows))
    assert lines[-1] == f"Best possible on the test events of made-up (likelihood ratio): {BEST_POSSIBLE:.4f}"
    # One line a sample; real events have none.
    rows[0] = replace(rows[0], sample="rings", roc_auc_best_possible=0.87654)
    rows[1] = replace(rows[1], sample="higgs", roc_auc_best_possible=math.nan)
    lines = [line for line in printed(terminal.benchmark_table(rows)) if "Best possible" in line]
    assert [line.split()[-1] for line in lines] == ["0.8765", f"{BEST_POSSIBLE:.4f}"]
    assert not [line for line in printed(terminal.benchmark_table([rows[1]])) if "Best possible" in line]


def test_what_is_not_common_or_not_equal_stands_under_the_table(rows):
    assert not [line for line in printed(terminal.benchmark_table(rows)) if "one side" in line or "not equal" in line]
    rows[6] = replace(rows[6], start="keras")
    rows[0] = replace(rows[0], dropout=0.2)
    rows[6] = replace(rows[6], dropout=0.2)
    lines = printed(terminal.benchmark_table(rows), width=200)
    assert "on one side only: start = keras (keras)" in lines
    assert any(line.startswith("not equal: dropout by TMVA's rule (tmva-dnn sgd) and Keras' rule (") for line in lines)


def test_what_gave_no_result_is_a_row_and_its_reason_stands_once(rows):
    missing = {"roc_auc": math.nan, "roc_auc_error": math.nan, "cpu_time_train": math.nan}
    rows[8] = replace(rows[8], status="unavailable", reason=CURE, **missing)
    rows[9] = replace(rows[9], status="unavailable", reason=CURE, **missing)
    rows[5] = replace(rows[5], status="out_of_memory", reason="ended at 900 MiB", **missing)
    lines = printed(terminal.benchmark_table(rows), width=200)
    assert row_of(lines, "keras torch          sgd 0.1") == ["unavailable"]
    assert row_of(lines, "keras torch          adam 0.001") == ["unavailable"]
    assert row_of(lines, "keras tensorflow     adam 0.001") == ["out_of_memory"]
    # In the words of the reason, square brackets too, which rich takes for mark-up.
    assert [line for line in lines if "unavailable:" in line] == [
        f"unavailable: keras torch sgd, keras torch adam: {CURE}"
    ]
    assert "out_of_memory: keras tensorflow adam: ended at 900 MiB" in lines
    assert "nan" not in " ".join(lines)


def test_nothing_that_ran_and_no_rows_at_all(rows):
    rows[0] = replace(rows[0], status="killed", reason="by a signal")
    assert "killed: tmva-dnn sgd: by a signal" in printed(terminal.benchmark_table(rows[:1]))
    assert not [line for line in printed(terminal.benchmark_table([])) if ":" in line]


def test_names_of_methods_and_series(rows):
    assert [naming.method_name(row) for row in rows[::2]] == [
        "tmva-dnn",
        "pykeras tensorflow",
        "keras tensorflow",
        "keras jax",
        "keras torch",
        "tmva-dnn gpu",
    ]
    assert naming.series_name(rows[11]) == "keras tensorflow gpu adam"
    assert len({naming.series_name(row) for row in rows}) == 12


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"status": "ok", "roc_auc": 0.91236}, "ROC area 0.9124"),
        ({"status": "timeout", "roc_auc": math.nan}, "timeout"),
    ],
)
def test_how_a_run_ended(values, text):
    assert naming.result(made_up_rows.row(**values)) == text


def test_the_doctors_table():
    examined = {
        "machine": {"host": "here", "cpu_model": "Fast CPU", "gpu_model": ""},
        "threads": 3,
        "environment": {"name": "mine", "python": "/bin/python", "versions": {"python": "3.12.1", "root": "6.40.00"}},
        "methods": [
            {
                "method": "keras",
                "backend": "jax",
                "architecture": "cpu",
                "feeding": "array",
                "runs": True,
                "reason": "",
                "backend_version": "0.10.2",
            },
            {
                "method": "keras",
                "backend": "torch",
                "architecture": "cpu",
                "feeding": "array",
                "runs": False,
                "reason": CURE,
                "backend_version": "",
            },
            {
                "method": "keras",
                "backend": "jax",
                "architecture": "cpu",
                "feeding": "root",
                "runs": False,
                "reason": "no data loader",
                "backend_version": "",
            },
        ],
    }
    lines = forms.write(terminal.doctor_document(examined), "text").splitlines()
    assert lines[:3] == [
        "CPU: Fast CPU, 3 cores usable",
        "GPU: none",
        "Environment mine: python 3.12.1, root 6.40.00",
    ]
    assert row_of(lines, "keras jax    ") == ["0.10.2", "yes"]
    assert row_of(lines, "keras torch ") == ["no", *CURE.split()]
    assert row_of(lines, "keras jax root ") == ["no", "no", "data", "loader"]
    assert lines[-1] == "keras jax root: batches by ROOT's own data loader (feeding = root)"
    examined["machine"]["gpu_model"] = "Big GPU"
    assert forms.write(terminal.doctor_document(examined), "text").splitlines()[1] == "GPU: Big GPU"


def test_long_options_have_a_name_that_is_explained():
    """Two autoencoders with other options have other names; one without options needs none."""
    chains = ["N,A(k=2:Tied),D", "N,A(k=14:Tied)_Background", "N,A(k=2:Layout=TANH|9,TANH|k,LINEAR)", "N,A(k=2)", "N,D"]
    labels = [naming.label(chain) for chain in chains]
    tied, layout = labels[0][8:12], labels[2][8:12]
    assert labels == [f"N,A(k=2:{tied}),D", f"N,A(k=14:{tied})_Background", f"N,A(k=2:{layout})", "N,A(k=2)", "N,D"]
    assert tied != layout
    assert naming.named_options(made_up_rows.row(transformations=chain) for chain in chains) == [
        f"A(k=...:{tied}): Tied",
        f"A(k=...:{layout}): Layout=TANH|9,TANH|k,LINEAR",
    ]
    assert naming.label(0.25) == "0.25"


def test_a_run_is_named_by_what_its_series_needs_and_no_more(rows):
    plain, other = replace(rows[0], sample="gauss", neurons=5), replace(rows[1], sample="gauss")
    runs = [
        replace(plain, sample=sample, train_signal=events, neurons=neurons, batch_size=10 * neurons)
        for sample, events in (("gauss", 100), ("rings", 200))
        for neurons in (5, 20)
    ]
    runs += [replace(other, repetition=n) for n in (1, 2)]
    names = naming.varied(runs)
    assert names[naming.series_name(plain)] in (["sample", "neurons"], ["sample", "batch_size"])
    assert names[naming.series_name(other)] == ["repetition"]
    assert naming.run_name(runs[-1], names[naming.series_name(other)]) == f"{naming.series_name(other)}, repetition=2"


def test_numbers_in_texts_are_ordered_as_numbers():
    chains = ["N,D", "N,A(k=14)", "N,A(k=2)", "N,A(k=2)_Background"]
    assert sorted(chains, key=naming.place) == ["N,A(k=2)", "N,A(k=2)_Background", "N,A(k=14)", "N,D"]
    assert sorted([10, 9], key=naming.place) == [9, 10]
