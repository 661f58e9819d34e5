"""The verdicts in a few sentences: from the numbers, with their intervals and points."""

import re

import pytest
from made_up_runs import BAD, TMVA, Folder

from tmva_bench.compare import headlines, verdict


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def sentence(compared, start):
    (line,) = (line for line in headlines.sentences(compared) if line.startswith(start))
    return line


def test_who_is_faster_is_said_where_they_lie_farthest_apart(folder):
    for neurons, ratio in ((5, 8.0), (20, 2.0), (100, 0.5)):
        folder.add(**TMVA, neurons=neurons, real_time_train=1.0)
        for n, factor in enumerate((0.97, 1.0, 1.03)):
            folder.add(repetitions=1, neurons=neurons, repetition=n + 1, real_time_train=ratio * factor)
    compared = folder.compare()
    line = sentence(compared, "Keras on JAX beside TMVA DNN: ")
    rows = {row.group.row.neurons: row for row in compared.rows if row.times}
    slow, fast = rows[5].times["real_time_train"], rows[100].times["real_time_train"]
    assert (
        f"TMVA DNN 8 times ({slow.low:.2g} to {slow.high:.2g}) faster at 5 neurons; Keras on JAX 2 times "
        f"({1 / fast.high:.2g} to {1 / fast.low:.2g}) faster at 100 neurons." in line
    )
    assert "20 neurons" not in line.split("; ", 1)[1]


def test_areas_are_called_different_only_where_they_are(folder):
    folder.add(backend="jax")
    folder.add(backend="torch", shift=BAD)
    folder.add(backend="tensorflow")
    compared = folder.compare()
    by_name = {row.group.row.backend: row.areas for row in compared.rows}
    line = sentence(compared, "Keras on PyTorch beside Keras on JAX")
    assert by_name["torch"].verdict == verdict.DIFFERENT
    assert re.search(r"ROC areas different at 1 of 1 point \(by -0\.\d+, -0\.\d+ to -0\.\d+\)", line)
    line = sentence(compared, "Keras on TensorFlow beside Keras on JAX")
    assert "ROC areas not told apart at 1 point" in line
    assert "times not told apart (ratio 1" in line


def test_equal_areas_have_their_bound(folder):
    folder.add()
    folder.add(**TMVA)
    compared = folder.compare()
    narrow = [
        row._replace(areas=row.areas._replace(difference=1e-8, low=-2.1e-7, high=1e-8)) if row.areas else row
        for row in compared.rows
    ]
    assert "equal ROC areas, to within 3e-07 at 1 point" in sentence(compared._replace(rows=narrow), "TMVA DNN beside")


def test_one_repetition_gives_no_verdict_and_one_series_none_at_all(folder):
    folder.add(repetitions=1, roc_auc=0.8, roc_auc_best_possible=0.9)
    assert headlines.sentences(folder.compare()) == [
        "Largest ROC area: 0.80000, Keras on JAX (SGD); the best possible is 0.9000."
    ]
    folder.add(repetitions=1, backend="torch", start="keras")
    line = sentence(folder.compare(), "Keras on PyTorch beside")
    assert "no verdict on the ROC area; no verdict on time (fewer than 3 pairs" in line


def test_optimizers_are_named_where_there_are_several(folder):
    for optimizer in ("sgd", "adam"):
        folder.add(optimizer=optimizer)
        folder.add(backend="torch", optimizer=optimizer)
    compared = folder.compare()
    starts = [line.split(":")[0] for line in headlines.sentences(compared)]
    assert starts[:-1] == ["Keras on PyTorch (SGD) beside Keras on JAX (SGD)"]
