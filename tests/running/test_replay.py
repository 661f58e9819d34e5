"""TMVA's recorded trainings, repeated in Keras epoch by epoch, and the weights that TMVA kept."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import command_line
from double import recordings

from tmva_bench.engines import tmva_options, tmva_weights
from tmva_bench.errors import UserError
from tmva_bench.methods import replay_worker
from tmva_bench.running import environments, replay

pytest.importorskip("ROOT")
TRAININGS = [
    *recordings.names("dnn-*"),
    "unequal-classes",
    "norm-equal-unequal-classes",
    "order-block-random",
    "quiet-sigmoid-last",
]
TRAININGS += ["quiet-partial-batches", "quiet-unknown-optimizer", "quiet-unknown-strategy-key"]
CHAINS = [name for name in recordings.names("transform-*") if not name.endswith("no-persistence")]
# Where the engine has a part of its own: optimizers, regularization, dropout, activations, loss. Initial weights,
# batches and stopping rules are ours, the same on every backend.
ON_BOTH = [f"dnn-{optimizer}" for optimizer in ("adadelta", "adagrad", "adam", "rmsprop", "momentum", "momentum-l2")]
ON_BOTH += ["dnn-l1", "dnn-relu-adam-dropout", "dnn-all-activations", "dnn-sum-of-squares"]


def replayed(backend, names, recorded_input, folder):
    folder.mkdir(exist_ok=True)
    out = folder / "out.json"
    command = [sys.executable, str(Path(__file__).parents[1] / "replay_recordings.py"), backend]
    command += [recorded_input("dnn-seed-preset"), str(out), *names]
    variables = environments.run_variables(threads=1, backend=backend, architecture="cpu")
    answer = subprocess.run(
        command, env={**variables, "JAX_ENABLE_X64": "1"}, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stdout[-500:] + answer.stderr[-2000:]
    return json.loads(out.read_text())


@pytest.fixture(scope="session")
def on_jax(tmp_path_factory, recorded_input):
    names = [*TRAININGS, *CHAINS]
    return replayed("jax", names, recorded_input, tmp_path_factory.mktemp("replay") / "jax")


@pytest.fixture(scope="session")
def on_tensorflow(tmp_path_factory, recorded_input):
    return replayed("tensorflow", ON_BOTH, recorded_input, tmp_path_factory.mktemp("replay") / "tensorflow")


@pytest.mark.parametrize("name", [*TRAININGS, *CHAINS])
def test_every_epoch_on_jax(on_jax, name):
    assert replay.agrees(on_jax[name], 1e-5)


@pytest.mark.parametrize("name", ON_BOTH)
def test_every_epoch_on_tensorflow(on_tensorflow, name):
    assert replay.agrees(on_tensorflow[name], 1e-5)


# The one on events of its own is below: its scores are compared in full.
@pytest.mark.parametrize("name", [name for name in [*TRAININGS, *CHAINS] if "unequal-classes" not in name])
def test_stored_weights_give_tmvas_scores(on_jax, name):
    assert on_jax[name]["stored"] < 1e-6


@pytest.mark.parametrize("name", ["dnn-seed-preset", "dnn-relu-adam-dropout", "unequal-classes"])
def test_scores_of_the_replayed_training(on_jax, name):
    assert on_jax[name]["score_difference"] < 1e-6


def test_the_shipped_run_at_once(tmp_path):
    answer = command_line(tmp_path, "replay", "--backend", "jax")
    assert answer.returncode == 0, answer.stderr
    lines = answer.stdout.splitlines()
    assert lines[2].split()[:3] == ["1", "0.542063", "0.542063"]
    assert lines[-1].startswith("Scores of the test events: largest difference ")
    verified = command_line(tmp_path, "verify", "--backend", "jax", "--tolerance", 1e-6)
    assert (verified.returncode, verified.stdout.split()[:2]) == (0, ["8000", "scores,"])
    refused = command_line(tmp_path, "verify", "--backend", "jax", "--tolerance", 1e-9)
    assert refused.returncode == 1
    assert "the scores differ by more than 1e-09" in refused.stderr


def test_another_seed_is_another_training(tmp_path):
    folder = tmp_path / "changed"
    shutil.copytree(replay.SHIPPED, folder)
    (weights,) = folder.glob("*.xml")
    weights.write_text(weights.read_text().replace('"RandomSeed" modified="Yes">1<', '"RandomSeed" modified="Yes">2<'))
    answer = command_line(tmp_path, "replay", folder, "--backend", "jax")
    assert answer.returncode == 1
    assert f"{folder}: the losses differ by more than 0.0001" in answer.stderr


def test_a_missing_epoch_or_nan_does_not_agree():
    def found(*epochs):
        return {
            "epochs": [{"epoch": 1, "tmva": tmva, "keras": keras} for tmva, keras in epochs],
            "score_difference": None,
        }

    assert replay.agrees(found(([1.0, 2.0], [1.0, 2.0])), 1e-9)
    assert not replay.agrees(found(([1.0, 2.0], [1.0, 2.0]), ([1.0, 2.0], None)), 1e-9)
    assert not replay.agrees(found(([1.0, float("nan")], [1.0, float("nan")])), 1e-9)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('Method="DL::Method"', 'Method="BDT::Method"', "of method BDT"),
        ('value="Classification"', 'value="Regression"', "a Regression"),
        ("CROSSENTROPY<", "MUTUALEXCLUSIVE<", "ErrorStrategy = MUTUALEXCLUSIVE"),
        ('"RandomSeed" modified="Yes">1<', '"RandomSeed" modified="Yes">0<', "RandomSeed = 0"),
        ("TANH|20,TANH", "TANH|M+5,TANH", "'M\\+5' is no activation and no number of units"),
        ("TANH|20,TANH", "TANH|N+5,TANH", "has the widths 9, 20, 20, 1, and the network that was kept 20, 20, 20, 1"),
        ("<MethodSetup", "<MethodSetu", "no weight file of TMVA"),
    ],
)
def test_what_cannot_be_repeated_is_named(tmp_path, old, new, message):
    (weights,) = replay.SHIPPED.glob("*.xml")
    path = tmp_path / "job.weights.xml"
    path.write_text(weights.read_text().replace(old, new))
    with pytest.raises(UserError, match=message) as error:
        tmva_options.read(tmva_weights.parse(path))
    assert str(path) in str(error.value)


def test_strategies_are_read_as_tmva_reads_them():
    options = {
        "ErrorStrategy": "CROSSENTROPY",
        "RandomSeed": "7",
        "Layout": "DENSE|64|RELU,TANH|8,LINEAR",
        "VarTransform": "None",
        "WeightInitialization": "XAVIERUNIFORM",
        "ValidationSize": "0.3",
        "TrainingStrategy": "learningrate=0.1,Optimizer=sgd,Foo=3|LearningRate=0.01,DropConfig=0.0+0.5",
    }
    training = tmva_options.parse(options, 4)
    assert (training.widths, training.activations) == ((64, 8, 1), ("relu", "tanh", "linear"))
    assert training.validation_events(1000) == 300
    first, second = training.phases
    # An optimizer that TMVA does not know is Adam; what is not given has TMVA's default.
    assert (first.optimizer, first.learning_rate, first.test_repetitions, first.batch_size) == ("adam", 0.1, 7, 30)
    assert second.drop == (0.0, 0.5)


def test_folders_that_are_no_runs(tmp_path):
    with pytest.raises(UserError, match="no such folder"):
        replay_worker.find(tmp_path / "nothing")
    with pytest.raises(UserError, match=r"has no \*.weights.xml"):
        replay_worker.find(tmp_path)
    answer = command_line(tmp_path, "replay", tmp_path)
    assert answer.returncode == 2
    assert "Traceback" not in answer.stderr
    assert len(answer.stderr.splitlines()) == 1
    assert command_line(tmp_path, "verify", "--backend", "jx").returncode == 2
    assert not list(tmp_path.iterdir())
