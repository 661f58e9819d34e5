"""Compiled epochs: the losses and scores of the same training batch after batch, and the time of compiling apart."""

import importlib.util
import json
import subprocess
import sys
import types
from pathlib import Path

import numpy
import pytest
import uproot
from click.testing import CliRunner

from tmva_bench import cli
from tmva_bench.basis import mapping, parsing
from tmva_bench.engines import keras_epochs
from tmva_bench.errors import Unavailable, UserError
from tmva_bench.results import naming
from tmva_bench.running import environments
from tmva_bench.study import file as study_file
from tmva_bench.study import plan

BACKENDS = [
    pytest.param(name, marks=pytest.mark.skipif(importlib.util.find_spec(name) is None, reason=f"needs {name}"))
    for name in ("jax", "tensorflow")
]


def trained(run_worker, make_task, backend, **values):
    """Outcome, scores of the signal test events and trained weights of a run."""
    outcome, log = run_worker(make_task("dnn-seed-preset", "keras", backend, **values), KERAS_BACKEND=backend)
    assert outcome["status"] == "ok", log
    folder = Path(make_task("dnn-seed-preset", "keras", backend, **values).folder)
    with uproot.open(folder / "scores.root") as file:
        return outcome, file["TestS"]["score"].array(library="np")


# Optimizers and activations are those of the recordings, which compiled epochs repeat, too.
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    "values",
    [
        {"dropout": 0.2, "dropout_rule": "tmva", "regularization": "l2", "weight_decay": 1e-3},
        {
            "layers": 0,
            "loss": "sum_of_squares",
            "last_activation": "sigmoid",
            "regularization": "l1",
            "weight_decay": 1e-3,
        },
    ],
    ids=["masks and l2", "no hidden layer and l1"],
)
def test_compiled_epochs_train_as_batches_do(run_worker, make_task, backend, values):
    values = {"neurons": 8, "max_epochs": 3, "batch_size": 60, **values}
    batch, scores = trained(run_worker, make_task, backend, **values)
    epoch, same = trained(run_worker, make_task, backend, **values, execution="epoch")
    assert numpy.array(epoch["history"])[:, :3] == pytest.approx(numpy.array(batch["history"])[:, :3], rel=2e-5)
    assert (epoch["epochs"], epoch["best_epoch"]) == (batch["epochs"], batch["best_epoch"])
    assert epoch["untrained_loss"] == pytest.approx(batch["untrained_loss"], rel=1e-6)
    assert numpy.abs(same - scores).max() < 2e-5
    # Compiled before the clock of the training, and not part of the first epoch.
    assert epoch["real_time_compile"] > 0
    assert "real_time_compile" not in batch
    assert (epoch["compilation"], batch["compilation"]) == ("fresh", "")


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_keras_dropout_drops_in_compiled_epochs(run_worker, make_task, backend):
    values = {"neurons": 8, "max_epochs": 3, "batch_size": 60, "execution": "epoch"}
    with_dropout, _ = trained(run_worker, make_task, backend, **values, dropout=0.5)
    without, _ = trained(run_worker, make_task, backend, **values)
    assert with_dropout["history"][-1][1] > without["history"][-1][1]
    again, _ = trained(run_worker, make_task, backend, **values, dropout=0.5)
    assert [epoch[:3] for epoch in again["history"]] == [epoch[:3] for epoch in with_dropout["history"]]


KEPT = """
import json, sys
import numpy
from tmva_bench.basis import mapping, parsing
from tmva_bench.engines import keras_training

def trained():
    compiled = keras_training.compiled_epochs(keras, training, len(x), x.shape[1])
    compiled.start(weights, *keras_training.parts(training, 0, keras_training.Arrays(x, y, numpy.ones(len(x)))))
    losses = [float(compiled.epoch(numpy.arange(160), [])).hex() for _ in range(2)]
    compiled.keep()
    return compiled.compilation, losses, [weight.tobytes().hex() for weight in compiled.best()]

keras, _ = keras_training.load("jax")
random = numpy.random.default_rng(1)
x, y = random.normal(size=(200, 2)), random.integers(2, size=(200, 1))
values = {"neurons": 3, "layers": 1, "batch_size": 20, "validation_fraction": 0.2, "execution": "epoch"}
training = mapping.training(parsing.point(values))
weights = [random.normal(size=shape) for shape in ((2, 3), (3,), (3, 1), (1,))]
print(json.dumps(trained()))
for path in sys.argv[1:]:
    with open(path, "rb+") as file:
        file.truncate(100)
print(json.dumps(trained()))
"""


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="needs jax")
def test_what_jax_compiled_is_kept_for_later_runs_and_trains_the_same(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    variables = environments.run_variables(threads=1, backend="jax", architecture="cpu")
    answers = []
    for _ in range(2):
        # The second run cuts off what is there once it has read it.
        kept = [str(path) for path in Path(tmp_path, "tmva-bench", "jax").rglob("jit_*-cache")]
        child = subprocess.run([sys.executable, "-c", KEPT, *kept], env=variables, capture_output=True, text=True)
        assert child.returncode == 0, child.stderr
        answers += map(json.loads, child.stdout.splitlines())
    assert [compilation for compilation, *_ in answers] == ["fresh", "kept", "kept", "fresh"]
    assert "Error reading persistent compilation cache entry for 'jit__epoch'" in child.stderr
    assert all(trained == answers[0][1:] for _, *trained in answers)


@pytest.mark.parametrize(
    ("backend", "cure"), [("torch", "batch, or plain PyTorch, method torch$"), ("theano", "batch$")]
)
def test_on_another_backend_there_is_a_cure(backend, cure):
    keras = types.SimpleNamespace(backend=types.SimpleNamespace(backend=lambda: backend))
    training = mapping.training(parsing.point({"execution": "epoch"}))
    with pytest.raises(Unavailable, match=f"not on {backend}; take execution = {cure}"):
        keras_epochs.Epochs(keras, training, 0, keras_epochs.Shape(training, 0, 1000, 4))


def test_what_has_no_compiled_epochs_says_so(tmp_path, small_input):
    with pytest.raises(UserError, match="start = keras has Keras' own; use start = tmva"):
        parsing.point({"execution": "epoch", "start": "keras"})
    refused = CliRunner().invoke(
        cli.main, ["run", str(small_input), "--method", "tmva-dnn", "--execution", "epoch", "--results", str(tmp_path)]
    )
    assert refused.exit_code == 2
    assert "tmva-dnn has no" in refused.output


STUDY = """
[sample]
name = "gauss"
[[series]]
method = "keras"
backend = "jax"
[[series]]
method = "keras"
backend = "jax"
execution = "epoch"
"""


def test_two_series_of_a_study_may_differ_in_it(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(STUDY)
    requests = [run.request for run in plan.plan(study_file.read(path))]
    assert [request.point.execution for request in requests] == ["batch", "epoch"]
    path.write_text(STUDY.replace("[[series]]", '[axes]\nexecution = ["batch", "epoch"]\n[[series]]', 1))
    with pytest.raises(UserError, match=r"put one value under .only.keras., or in a ..series.. of keras"):
        study_file.read(path)
    path.write_text(STUDY.replace('method = "keras"', 'method = "tmva-dnn"').replace('backend = "jax"\n', ""))
    with pytest.raises(UserError, match="execution: keras alone has it"):
        study_file.read(path)


def test_it_is_part_of_a_series_name():
    series = naming.Series("keras", "jax", "cpu", "sgd", "epoch")
    assert naming.series_name(series) == "keras jax epoch sgd"
    assert naming.series_label(series) == "Keras, JAX, epochs compiled, SGD"
    assert naming.spoken(series) == "Keras on JAX by compiled epochs (SGD)"
