"""The method dae: an autoencoder as a run of its own, with its error in place of a classifier's score."""

import importlib.util
import json
import math
from pathlib import Path

import numpy
import pytest
import uproot
from click.testing import CliRunner
from conftest import VARIABLES, command_line
from double import recordings
from double import tmva as double
from double.options import DoubleError

from tmva_bench import cli
from tmva_bench.basis import autoencoder, parsing
from tmva_bench.engines import encoder, tmva_files
from tmva_bench.engines.stopwatch import Stopwatch
from tmva_bench.errors import UserError
from tmva_bench.events import inputs, roc
from tmva_bench.methods import Task, dae
from tmva_bench.results.folder import ResultsFolder
from tmva_bench.study import requests

CHAIN = "N,A(k=2:TrainingStrategy=Optimizer=SGD,LearningRate=0.3,MaxEpochs=3,BatchSize=50,Corruption=0.1)_Background"


@pytest.fixture(scope="module")
def done(small_input, tmp_path_factory):
    if importlib.util.find_spec("jax") is None:
        pytest.skip("needs jax")
    folder = tmp_path_factory.mktemp("dae")
    run = command_line(folder, "run", small_input, "--method", "dae", "--backend", "jax", "--transformations", CHAIN)
    assert run.returncode == 0, run.stderr
    return run


@pytest.fixture(scope="module")
def record(done):
    (outcome,) = ResultsFolder(done.cwd / "results" / "small").load()
    return outcome


def test_its_errors_are_in_row_tree_and_file(done, record, small_input):
    row, data = record.row, inputs.read(small_input)
    path = done.cwd / "results" / "small" / "runs" / row.run_id / "encoded.root"
    rows = encoder.error_table(encoder.read(path), data)
    assert row.reconstruction_error == pytest.approx(rows[-1]["error"])
    assert row.pca_error == pytest.approx(rows[-1]["pca_error"])
    assert f"Autoencoder: error {row.reconstruction_error:.4f}" in done.stdout
    assert record.reconstruction.variable == [*data.variables, "total"]
    with uproot.open(done.cwd / "results" / "small" / "results.root") as file:
        tree = file["reconstruction"].arrays(library="np")
        assert tree["run_id"].tolist() == [row.run_id] * 5
        assert tree["error_signal"] == pytest.approx([one["error_signal"] for one in rows])
        assert file["benchmark"]["encoded_variables"].array(library="np").tolist() == [2]


def test_its_score_is_the_error_of_the_event(done, record, small_input):
    row, data = record.row, inputs.read(small_input)
    folder = done.cwd / "results" / "small" / "runs" / row.run_id
    ours = encoder.read(folder / "encoded.root")
    errors = {tree: ours.error(data.events[tree]) for tree in inputs.TREES}
    with uproot.open(folder / "scores.root") as file:
        for tree in inputs.TREES:
            assert file[tree]["score"].array(library="np") == pytest.approx(errors[tree])
    area = roc.auc(errors["TestS"], errors["TestB"], data.weights["TestS"], data.weights["TestB"])
    assert row.roc_auc == pytest.approx(area)


def test_the_histogram_of_its_score_resolves_99_percent_and_holds_all(record, done):
    folder = done.cwd / "results" / "small" / "runs" / record.row.run_id
    bins = {name: numpy.array(values) for name, values in record.scores.columns().items()}
    with uproot.open(folder / "scores.root") as file:
        scores = [file[tree]["score"].array(library="np") for tree in inputs.TREES]
    assert bins["high"].max() == pytest.approx(max(numpy.quantile(values, 0.99) for values in scores))
    assert bins["high"].max() < max(values.max() for values in scores)
    for sample in ("train", "test"):
        for kind in ("signal", "background"):
            bins_of = (bins["sample"] == sample) & (bins["event_class"] == kind)
            width = bins["high"][bins_of] - bins["low"][bins_of]
            assert (bins["density"][bins_of] * width).sum() == pytest.approx(1)


def test_its_row_says_what_was_trained(record, small_input):
    row = record.row
    assert (row.status, row.transformations, row.epochs) == ("ok", CHAIN, 3)
    assert (row.optimizer, row.learning_rate, row.batch_size, row.loss) == (
        "sgd",
        0.3,
        50,
        "sum_of_squares",
    )
    assert row.parameters == 2 * (4 * 20 + 20 * 2) + 20 + 2 + 20 + 4
    for clock in ("prepare", "train", "test", "total"):
        assert row.value(f"real_time_{clock}") > 0
    assert 0 < row.real_time_fit < row.real_time_train
    assert numpy.isnan(row.real_time_encode)
    assert len(record.history.epoch) == 3
    assert row.test_digest


AS_RECORDED = (
    "N,A(k=2:Layout=TANH|16,TANH|k,TANH|16,LINEAR:TrainingStrategy=Optimizer=ADAM,MaxEpochs=20,ConvergenceSteps=100)"
)


def recorded_calls():
    return [tuple(call) for call in recordings.case("autoencoder-regression")["calls"]]


def test_tmva_is_booked_as_recorded():
    request = requests.make_request(parsing.point({"transformations": AS_RECORDED}), "dae", "tmva")
    wanted, _ = autoencoder.of_chain(request.point.encoding, request.point.seed)
    [booked] = [call[-1] for call in recorded_calls() if call[0] == "BookMethod"]
    assert dae.booking(request.point, wanted, "cpu") == booked
    [factory] = [call[-1] for call in recorded_calls() if call[0] == "TMVA.Factory"]
    assert dae.factory_options(request.point).replace("!Draw", "Draw") == factory


@pytest.fixture
def by_tmva(doubled, make_task, logged):
    """Runs an autoencoder by the double of TMVA; gives the outcome and the run's folder."""

    def run(chain):
        task = make_task("autoencoder-regression", "dae", "tmva", transformations=chain)
        request = requests.make_request(task.point, "dae", "tmva")
        with logged(task.folder):
            return dae.run(task._replace(point=request.point), Stopwatch()), Path(task.folder)

    return run


def test_tmvas_autoencoder_is_read_as_recorded(by_tmva):
    outcome, folder = by_tmva(AS_RECORDED)
    calls = [list(call) for call in recorded_calls()]
    calls[0][-1] = calls[0][-1].replace("DrawProgressBar", "!DrawProgressBar")
    calls.insert(calls.index(["TrainAllMethods"]), ["GetDataSetInfo().GetDataSet()"])
    assert calls == double.CALLS
    table = tmva_files.epoch_table(recordings.log("autoencoder-regression"))
    assert [epoch.validation_loss for epoch in outcome.history] == pytest.approx(
        [epoch.validation_loss for epoch in table], abs=5e-7
    )
    assert outcome.parameters == 2 * (4 * 16 + 16 * 2) + 16 + 2 + 16 + 4
    assert math.isnan(outcome.roc_integral)
    # TMVA's own outputs for a hundred of its test events, which it has shuffled.
    rows = json.loads((recordings.FOLDER / "autoencoder-regression" / "scores.json").read_text())
    events = numpy.array([rows[name] for name in VARIABLES], numpy.float32).T
    theirs = {event.tobytes(): outputs for event, outputs in zip(events, rows["Method"], strict=True)}
    kept = 0
    with uproot.open(folder / "encoded.root") as file:
        for tree in ("ReconstructionS", "ReconstructionB"):
            columns = file[tree].arrays(library="np")
            inputs_given, back = (
                numpy.stack([columns[f"{n}_{k}"] for n in VARIABLES], 1) for k in ("input", "reconstructed")
            )
            for event, outputs in zip(inputs_given, back, strict=True):
                if event.tobytes() in theirs:
                    assert outputs == pytest.approx(theirs[event.tobytes()], abs=1e-5)
                    kept += 1
    assert kept == len(theirs) == 100
    assert outcome.scores["TestB"] == pytest.approx(columns["error"])


def test_an_autoencoder_of_one_class_is_booked_on_its_training_events(by_tmva):
    """No recording has this; the double stops where TMVA would train."""
    with pytest.raises(DoubleError, match="no recording of this booking"):
        by_tmva(f"{AS_RECORDED}_Background")
    trees = [call for call in double.CALLS if call[0] == "AddRegressionTree"]
    assert trees == [call for call in map(list, recorded_calls()) if call[0] == trees[0][0] and call[1] != "TrainS"]


@pytest.mark.tmva
@pytest.mark.parametrize("event_class", ["AllClasses", "Background"])
def test_real_tmva_trains_it(make_task, run_worker, event_class):
    chain = AS_RECORDED if event_class == "AllClasses" else f"{AS_RECORDED}_{event_class}"
    task = make_task("autoencoder-regression", "dae", "tmva", transformations=chain)
    request = requests.make_request(task.point, "dae", "tmva")
    outcome, log = run_worker(task._replace(point=request.point))
    assert outcome["status"] == "ok", f"{outcome}\n{log}"
    losses = [epoch[2] for epoch in outcome["history"]]
    recorded = [epoch.validation_loss for epoch in tmva_files.epoch_table(recordings.log("autoencoder-regression"))]
    assert len(losses) == len(recorded)
    if event_class == "AllClasses":
        assert losses == pytest.approx(recorded, rel=1e-4)
    trained = encoder.read(Path(task.folder) / "encoded.root")
    assert (trained.specification.encoded, trained.specification.event_class) == (2, event_class)
    assert 0 < encoder.read_errors(Path(task.folder) / "encoded.root")[-1]["error"] < 1


@pytest.mark.parametrize(
    ("chain", "words"),
    [
        ("N,A(k=2:Tied)", "Tied: backend tmva cannot do this"),
        ("N,A(k=2:Pretraining)", "Pretraining: backend tmva"),
        ("N,A(k=2:TrainingStrategy=Corruption=0.1)", "Corruption: backend tmva"),
        ("N,D,A(k=2)", "TMVA mixes inputs and targets under D and P"),
        ("N,A(k=2),D", "dae trains the autoencoder at their end"),
    ],
)
def test_what_tmva_cannot_train_is_refused(chain, words):
    with pytest.raises(UserError, match=words):
        requests.make_request(parsing.point({"transformations": chain}), "dae", "tmva")


def test_without_tmva_it_is_unavailable(small_input, tmp_path, run_worker):
    request = requests.make_request(parsing.point({"transformations": AS_RECORDED}), "dae", "tmva")
    task = Task(
        request.point,
        "dae",
        "tmva",
        "cpu",
        1,
        str(small_input),
        str(tmp_path),
        inputs.read(small_input).metadata["digest"],
    )
    outcome, _ = run_worker(task)
    if outcome["status"] != "ok":
        assert outcome["status"] == "unavailable"
        assert "has no TMVA" in outcome["reason"]


@pytest.mark.parametrize("chain", ["N,D", "N,A(k=2),D", "I"])
def test_without_an_autoencoder_at_the_end_there_is_nothing_to_train(small_input, tmp_path, monkeypatch, chain):
    monkeypatch.chdir(tmp_path)
    arguments = ["run", str(small_input), "--method", "dae", "--transformations", chain]
    answer = CliRunner().invoke(cli.main, arguments)
    assert (answer.exit_code, len(answer.stderr.splitlines())) == (2, 1)
    assert f"transformations = {chain}: dae trains the autoencoder at their end" in answer.stderr


def test_parameters_that_it_does_not_have_are_those_of_the_autoencoder():
    point = parsing.point({"transformations": CHAIN, "optimizer": "adam", "max_epochs": 77})
    request = requests.make_request(point, "dae", "jax")
    assert (request.point.optimizer, request.point.max_epochs, request.point.transformations) == ("sgd", 3, CHAIN)
    with pytest.raises(UserError, match="start = keras: dae has no such parameter"):
        requests.make_request(parsing.point({"transformations": CHAIN, "start": "keras"}), "dae", "jax")


def test_the_point_is_what_the_child_was_told(done, record):
    folder = done.cwd / "results" / "small" / "runs" / record.row.run_id
    task = json.loads((folder / "task.json").read_text())
    assert (task["method"], task["point"]["transformations"]) == ("dae", CHAIN)
