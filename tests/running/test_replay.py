"""TMVA's recorded trainings, repeated in Keras epoch by epoch, and the weights that TMVA kept."""

import json
import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import uproot
from conftest import command_line
from double import recordings
from hypothesis import given, strategies
from verify_jobs import answers

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
ON_BOTH += ["dnn-l1", "dnn-relu-adam-dropout", "dnn-all-activations", "dnn-sum-of-squares", "quiet-sigmoid-last"]


# Masks, activations and stopping; what one point can express is trained in test_torch_direct.
PLAIN = ["dnn-relu-adam-dropout", "dnn-all-activations", "dnn-early-stop-every-2", "quiet-sigmoid-last", "norm-num"]


def replayed(backend, names, recorded_input, folder, execution="batch"):
    folder.mkdir(exist_ok=True)
    out = folder / "out.json"
    command = [sys.executable, str(Path(__file__).parents[1] / "replay_recordings.py"), backend, execution]
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


@pytest.fixture(scope="session")
def compiled_on_jax(tmp_path_factory, recorded_input):
    return replayed("jax", ON_BOTH, recorded_input, tmp_path_factory.mktemp("replay") / "jax-epoch", "epoch")


@pytest.fixture(scope="session")
def compiled_on_tensorflow(tmp_path_factory, recorded_input):
    folder = tmp_path_factory.mktemp("replay") / "tensorflow-epoch"
    return replayed("tensorflow", ON_BOTH, recorded_input, folder, "epoch")


@pytest.fixture(scope="session")
def in_plain_pytorch(tmp_path_factory, recorded_input):
    pytest.importorskip("torch")
    return replayed("torch", PLAIN, recorded_input, tmp_path_factory.mktemp("replay") / "plain", "plain")


@pytest.mark.slow
@pytest.mark.parametrize("name", ON_BOTH)
def test_every_epoch_compiled_on_jax(compiled_on_jax, name):
    assert replay.agrees(compiled_on_jax[name], 1e-5)


@pytest.mark.parametrize("name", PLAIN)
def test_every_epoch_in_plain_pytorch(in_plain_pytorch, name):
    assert replay.agrees(in_plain_pytorch[name], 1e-5)


@pytest.mark.slow
def test_every_recorded_training_in_plain_pytorch(tmp_path, recorded_input):
    pytest.importorskip("torch")
    repeated = replayed("torch", [*TRAININGS, *CHAINS], recorded_input, tmp_path / "plain", "plain")
    # Adam at a rate of 0.1: what TMVA rounds grows to 3e-5; in double precision the losses are those on TensorFlow.
    loose = {"quiet-unknown-optimizer": 1e-4}
    assert [name for name in repeated if not replay.agrees(repeated[name], loose.get(name, 1e-5))] == []


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "tensorflow"])
def test_every_recorded_training_compiled(tmp_path, recorded_input, backend):
    repeated = replayed(backend, TRAININGS, recorded_input, tmp_path / "epoch", "epoch")
    assert [name for name in TRAININGS if not replay.agrees(repeated[name], 1e-5)] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ON_BOTH)
def test_every_epoch_compiled_on_tensorflow(compiled_on_tensorflow, name):
    assert replay.agrees(compiled_on_tensorflow[name], 1e-5)


@pytest.mark.parametrize("name", [*TRAININGS, *CHAINS])
def test_every_epoch_on_jax(on_jax, name):
    assert replay.agrees(on_jax[name], 1e-5)


@pytest.mark.slow
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
    def answer(*epochs):
        return {
            "epochs": [{"epoch": 1, "tmva": tmva, "keras": keras} for tmva, keras in epochs],
            "score_difference": None,
        }

    assert replay.agrees(answer(([1.0, 2.0], [1.0, 2.0])), 1e-9)
    assert not replay.agrees(answer(([1.0, 2.0], [1.0, 2.0]), ([1.0, 2.0], None)), 1e-9)
    assert not replay.agrees(answer(([1.0, float("nan")], [1.0, float("nan")])), 1e-9)


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
    with pytest.raises(UserError, match="neither a folder nor a file"):
        replay_worker.find(Path("/dev/null"))
    os.mkfifo(tmp_path / "log.txt")
    os.mkfifo(tmp_path / "TMVA.root")
    os.mkfifo(tmp_path / "job.weights.xml")
    with pytest.raises(UserError, match=r"has no \*.weights.xml"):
        replay_worker.find(tmp_path)
    for path in tmp_path.iterdir():
        path.unlink()
    answer = command_line(tmp_path, "replay", tmp_path)
    assert answer.returncode == 2
    assert "Traceback" not in answer.stderr
    assert len(answer.stderr.splitlines()) == 1
    assert command_line(tmp_path, "verify", "--backend", "jx").returncode == 2
    assert not list(tmp_path.iterdir())


STRATEGY = re.compile(r'("TrainingStrategy" modified="Yes">)([^<]*)<')


def copied(folder, *, strategy=None, log=True, **replacements):
    """The shipped run with changes to its weight file."""
    shutil.copytree(replay.SHIPPED, folder)
    (weights,) = folder.glob("*.xml")
    text = weights.read_text()
    if strategy:
        text = STRATEGY.sub(lambda match: f"{match[1]}{strategy(match[2])}<", text)
    for old, new in replacements.items():
        text = text.replace(*{"host": ('"Host" value="Linux x86_64"', f'"Host" value="{new}"')}.get(old, (old, new)))
    weights.write_text(text)
    if not log:
        (folder / "log.txt").unlink()
    return folder


def with_scores(folder, change, events=None):
    """The output file of a run with other scores of the test events, of the first events alone."""
    with uproot.open(folder / "TMVA.root") as file:
        trees = {tree: file[f"dataset/{tree}"] for tree in ("TrainTree", "TestTree")}
        names = ["classID", "var1", "var2", "var3", "var4", "weight", "Method"]
        columns = {
            tree: {name: held[name].array(library="np")[:events] for name in names} for tree, held in trees.items()
        }
    columns["TestTree"]["Method"] = change(columns["TestTree"]["Method"].copy())
    with uproot.recreate(folder / "TMVA.root") as file:
        for tree, values in columns.items():
            file.mktree(f"dataset/{tree}", {name: v.dtype for name, v in values.items()}).extend(values)


def first(values, value):
    values[0] = value
    return values


@pytest.fixture(scope="session")
def changed_runs(tmp_path_factory):
    """Answers to a replay of the shipped run with changes, by name."""
    top = tmp_path_factory.mktemp("changed")
    other_batch = lambda one: f"{one}|{one.replace('BatchSize=128', 'BatchSize=64')}|{one}"  # noqa: E731
    shutil.copytree(replay.SHIPPED, top / "two logs")
    text = (top / "two logs" / "log.txt").read_text()
    others = text.replace("Train method: Method for", "Train method: Another for").replace("0.5", "0.6")
    (top / "two logs" / "log.txt").write_text(others + text + others.replace("Another", "Third"))
    folders = {
        "no log": copied(top / "no log", log=False),
        "two logs": top / "two logs",
        "other batch": copied(top / "other batch", strategy=other_batch),
        "other batch, no log": copied(top / "other batch, no log", strategy=other_batch, log=False),
        "same batch": copied(top / "same batch", strategy=lambda one: f"{one}|{one}"),
        "first of two keys": copied(top / "keys", strategy=lambda one: f"{one},BatchSize=1,LearningRate=7,MaxEpochs=1"),
        "blanks": copied(top / "blanks", strategy=lambda one: one.replace(",", " , ").replace("=", " = ")),
        "too long": copied(
            top / "too long", strategy=lambda one: one.replace("TestRepetitions=1", "TestRepetitions=200000")
        ),
        "many epochs": copied(top / "many", strategy=lambda one: one.replace("MaxEpochs=5", "MaxEpochs=2000000000")),
        "macOS": copied(top / "macOS", host="Darwin somewhere.local 19.6.0"),
        "far": copied(
            top / "far", log=False, strategy=lambda one: one.replace("TestRepetitions=1", "TestRepetitions=200000")
        ),
        "batch": copied(top / "batch", strategy=lambda one: one.replace("BatchSize=128", "BatchSize=1000")),
        "activation": copied(top / "activation", **{"TANH|20,TANH|20,TANH|20": "TANH|20,RELU|20,TANH|20"}),
    }
    for name, change in {
        "one NaN": lambda x: first(x, math.nan),
        "one -999": lambda x: first(x, -999),
        "1.3 off": lambda x: first(x, x[0] + 1.3),
    }.items():
        folders[name] = copied(top / name)
        with_scores(folders[name], change)
    folders["no events"] = copied(top / "no events")
    with_scores(folders["no events"], lambda x: x, events=0)
    return answers(top / "asked", {name: ("replay", folder, "") for name, folder in folders.items()})


@pytest.mark.parametrize("name", ["no log", "two logs", "first of two keys", "blanks", "macOS", "activation"])
def test_what_replays_all_the_same(changed_runs, name):
    assert replay.difference(changed_runs[name], 1e-5) == ""
    assert [epoch["epoch"] for epoch in changed_runs[name]["epochs"]] == [1, 2, 3, 4, 5]


def test_histories_have_more_digits_than_the_log(changed_runs):
    assert replay.difference(changed_runs["no log"], 1e-6) == ""
    assert changed_runs["no log"]["epochs"][0]["tmva"] != changed_runs["two logs"]["epochs"][0]["tmva"]


@pytest.mark.parametrize("name", ["other batch", "other batch, no log"])
def test_phases_of_another_batch_size_did_not_run(changed_runs, name):
    answer = changed_runs[name]
    assert replay.difference(answer, 1e-5) == ""
    assert answer["notes"] == [
        "phases 2 to 3 of 3 did not run: TMVA ends a training at a phase of another batch size (64, not 128) and keeps "
        "what it has"
    ]


@pytest.mark.parametrize("name", ["same batch", "many epochs"])
def test_a_training_that_goes_on_differs(changed_runs, name):
    answer = changed_runs[name]
    assert replay.difference(answer, 1e-5) == "the losses differ: an epoch was trained on one side only"
    # It is not trained to its end, which may be far.
    assert len(answer["epochs"]) <= 12


@pytest.mark.parametrize("name", ["one NaN", "one -999", "1.3 off"])
def test_scores_count(changed_runs, name):
    assert replay.difference(changed_runs[name], 1e-4) == "the scores differ by more than 0.0001"
    # All losses agree.
    assert replay.difference({**changed_runs[name], "score_difference": None}, 1e-5) == ""


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "too long",
            "TestRepetitions = 200000, and the log's table goes up to epoch 5: it is not that of this weight file",
        ),
        ("far", "200000 epochs of a phase to repeat; the limit here is 20000"),
        ("no events", "the training events are not of two classes; they cannot be trained on"),
        ("batch", "BatchSize = 1000: larger than a part of the 4000 training events, of which 800 validate"),
    ],
)
def test_what_is_too_much_is_refused(changed_runs, name, message):
    kind, text = changed_runs[name]["error"]
    assert kind == "UserError"
    assert re.search(message, text)


def test_notes_of_a_replay(changed_runs):
    [note] = changed_runs["macOS"]["notes"]
    assert "libc++" in note
    assert "Darwin" in note
    [note] = changed_runs["activation"]["notes"]
    assert "which count" in note
    assert changed_runs["no log"]["notes"] == []


def test_no_log_and_no_histories(tmp_path):
    folder = copied(tmp_path / "run", log=False)
    with_scores(folder, lambda scores: scores)
    answer = answers(tmp_path / "asked", {"run": ("replay", folder, "")})["run"]
    assert answer["error"] == ["UserError", answer["error"][1]]
    assert answer["error"][1].startswith("no log with TMVA's table of epochs")


@given(strategies.lists(strategies.floats(allow_nan=True), min_size=1, max_size=6))
def test_only_numbers_close_by_agree(values):
    epochs = [{"epoch": n, "tmva": [0.5, value], "keras": [0.5, 0.25]} for n, value in enumerate(values)]
    close = all(abs(value - 0.25) <= 1e-4 for value in values)
    assert replay.agrees({"epochs": epochs, "score_difference": None}, 1e-4) == close
    for score in values:
        scored = replay.agrees({"epochs": epochs, "score_difference": score}, 1e-4)
        assert scored == (close and score <= 1e-4)


def test_no_epochs_do_not_agree():
    assert replay.difference({"epochs": [], "score_difference": None}, 1.0) == "no epoch to compare"


@given(strategies.text("N+*/()-. 0123456789n_", max_size=12), strategies.integers(1, 40))
def test_formulas_of_widths(text, variables):
    """Whatever stands there is a width of a formula of these operators, or refused in one line."""
    try:
        widths, _ = tmva_options.layout(f"TANH|{text},LINEAR", variables)
    except UserError as error:
        assert len(str(error).splitlines()) == 1
        return
    if text.strip():
        # The text has passed the grammar: nothing but numbers and operators is in it.
        python = re.sub(r"\d+\.?\d*|\.\d+", lambda number: repr(float(number.group())), text.strip())
        value = eval(re.sub(r"[Nn]", f"({variables})", python), {"__builtins__": {}})
        assert widths[0] == (int(value) or 1)
