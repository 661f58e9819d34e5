"""Files encoded and decoded from the command line, and what is refused in one line."""

import importlib.util
import threading

import numpy
import pytest
import uproot
from click.testing import CliRunner
from conftest import REAL_RUN, command_line

from tmva_bench import cli
from tmva_bench.basis import parsing
from tmva_bench.engines import encoder
from tmva_bench.errors import UserError
from tmva_bench.events import inputs, samples
from tmva_bench.results.folder import ResultsFolder
from tmva_bench.running import encoding, runner
from tmva_bench.study import requests

TRAINING = ("-k", 2, "--backend", "jax", "--training-strategy", "MaxEpochs=3,BatchSize=50", "--tied")


def invoke(*arguments):
    return CliRunner().invoke(cli.main, list(map(str, arguments)))


@pytest.fixture(scope="module")
def encoded(small_input, tmp_path_factory):
    """``tmva-bench encode`` of a small file on JAX; ``encoded.root`` lies in its current directory, ``cwd``."""
    if importlib.util.find_spec("jax") is None:
        pytest.skip("needs jax")
    folder = tmp_path_factory.mktemp("encoded")
    done = command_line(folder, "encode", small_input, "-o", "encoded.root", *TRAINING)
    assert done.returncode == 0, done.stderr
    return done


def test_the_table_is_that_of_the_file(encoded, small_input):
    path = encoded.cwd / "encoded.root"
    rows = encoder.read_errors(path)
    assert [row["variable"] for row in rows] == ["var1", "var2", "var3", "var4", "total"]
    assert encoder.written(rows) in encoded.stdout
    said = inputs.read(path).metadata["encoded"]
    assert said["from"] == inputs.read(small_input).metadata["digest"]
    assert said["options"]["Tied"] == "True"
    training = said["training"]
    assert (training["backend"], training["epochs"]) == ("jax", 3)
    assert 0 < training["real_time_encode"] < 100
    assert 0 < training["cpu_time_encode"] < 100
    # Trained on the training events alone.
    trained_on = inputs.read(small_input).events
    both = numpy.concatenate([trained_on["TrainS"], trained_on["TrainB"]])
    assert (encoder.read(path).high == both.max(axis=0)).all()


def test_every_method_runs_on_encoded_events(encoded):
    done = command_line(encoded.cwd, "run", "encoded.root", *REAL_RUN)
    assert done.returncode == 0, done.stderr
    (record,) = ResultsFolder(encoded.cwd / "results" / "encoded").load()
    assert (record.row.sample, record.row.variables) == ("gauss encoded", 2)
    assert 0.5 < record.row.roc_auc < 1


def test_a_stored_encoder_encodes_another_file(encoded, small_input, tmp_path):
    path = encoded.cwd / "encoded.root"
    same = invoke("encode", small_input, "--encoder", path, "-o", tmp_path / "same.root")
    assert same.exit_code == 0, same.stderr
    assert inputs.read(tmp_path / "same.root").metadata["digest"] == inputs.read(path).metadata["digest"]
    assert "outside the ranges" in same.stdout
    other = samples.gauss(variables=3, train_signal=50, train_background=50, test_signal=50, test_background=50)
    inputs.write(other, tmp_path / "other.root")
    answer = invoke("encode", tmp_path / "other.root", "--encoder", path, "-o", tmp_path / "encoded.root")
    assert answer.exit_code == 2
    assert "var1, var2, var3, and the encoder was trained on var1, var2, var3, var4" in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


def test_decode(encoded, small_input, tmp_path):
    answer = invoke("decode", encoded.cwd / "encoded.root", "-o", tmp_path / "decoded.root")
    assert answer.exit_code == 0
    assert "sample gauss decoded, 2800 events" in answer.stdout
    data, back = inputs.read(small_input), inputs.read(tmp_path / "decoded.root")
    with uproot.open(encoded.cwd / "encoded.root") as file:
        reconstructed = file["ReconstructionS"]["var2_reconstructed"].array(library="np")
    assert back.variables == data.variables
    assert (back.events["TestS"][:, 1] == reconstructed).all()


def test_a_run_with_an_autoencoder_in_its_chain(encoded, small_input, tmp_path):
    """The same autoencoder as by hand; made once for two runs; the rest of the chain is the method's."""
    chain = "N,A(k=2:TrainingStrategy=MaxEpochs=3,BatchSize=50:Tied:Backend=jax),D"
    for rate in (0.1, 0.2):
        more = ("--transformations", chain, "--learning-rate", rate)
        done = command_line(tmp_path, "run", small_input, *REAL_RUN, *more)
        assert done.returncode == 0, done.stderr
    folder = tmp_path / "results" / "small"
    (encoded_file,) = (folder / "inputs").glob("encoded-gauss-2-AllClasses-*.root")
    assert inputs.read(encoded_file).metadata["digest"] == inputs.read(encoded.cwd / "encoded.root").metadata["digest"]
    first, second = (record.row for record in ResultsFolder(folder).load())
    training = inputs.read(encoded_file).metadata["encoded"]["training"]
    for row in (first, second):
        assert row.transformations == chain
        assert row.input_digest == inputs.read(small_input).metadata["digest"]
        assert (row.real_time_encode, row.cpu_time_encode) == (
            training["real_time_encode"],
            training["cpu_time_encode"],
        )
    assert first.parameters == 2 * 8 + 8 + 2 * (8 * 8 + 8) + 8 + 1
    assert first.roc_auc != second.roc_auc


def test_an_autoencoder_that_learns_nothing_fails_its_run_alone(small_input, tmp_path):
    point = parsing.point(
        {
            "transformations": "A(k=2:TrainingStrategy=LearningRate=1000,ConvergenceSteps=1,BatchSize=50:Backend=jax)",
            "batch_size": 50,
        }
    )
    request = requests.make_request(point, "keras", "jax")
    seen = []
    with ResultsFolder(tmp_path).held():
        record = runner.run_one(request, inputs.read(small_input), ResultsFolder(tmp_path), on_encoding=seen.append)
    assert [epoch.epoch for epoch in seen] == [1, 2]
    assert record.row.status == "failed"
    assert "not encoded: no epoch of 2 had a lower validation loss" in record.row.reason
    assert ResultsFolder(tmp_path).load()[0].row.reason == record.row.reason
    assert not list((tmp_path / "inputs").glob("encoded-*"))


@pytest.mark.parametrize(
    ("limits", "status", "words"),
    [
        (requests.Limits(seconds=0.1), "timeout", "ended after the time limit of 0.1 s"),
        (requests.Limits(memory=10), "out_of_memory", "the memory limit is 10 MiB"),
    ],
)
def test_the_limits_of_a_run_hold_for_its_autoencoder(small_input, tmp_path, limits, status, words):
    point = parsing.point({"transformations": "A(k=2:TrainingStrategy=BatchSize=50:Backend=jax)", "batch_size": 50})
    request = requests.make_request(point, "keras", "jax")
    with ResultsFolder(tmp_path).held():
        row = runner.run_one(request, inputs.read(small_input), ResultsFolder(tmp_path), limits=limits).row
    assert row.status == status
    assert row.reason.startswith(f"{small_input}: not encoded: ended ")
    assert row.reason.endswith(words)
    assert not list((tmp_path / "inputs").glob("encoded-*"))


def test_a_training_is_ended_at_once(small_input, tmp_path):
    stop = threading.Event()
    stop.set()
    with pytest.raises(KeyboardInterrupt):
        encoding.encode(small_input, tmp_path / "x.root", 2, options={"TrainingStrategy": "BatchSize=50"}, stop=stop)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("chain", "words"), [("A(k=5)", "k = 5"), ("N,A(k=2)_Signal", "BatchSize = 128")])
def test_what_cannot_be_encoded_is_refused_before_the_run(small_input, tmp_path, monkeypatch, chain, words):
    monkeypatch.chdir(tmp_path)
    answer = invoke("run", small_input, *REAL_RUN, "--transformations", chain)
    assert (answer.exit_code, len(answer.stderr.splitlines())) == (2, 1)
    assert words in answer.stderr
    assert not list(tmp_path.rglob("record.json"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["-k: give the number of encoded variables"]),
        (["-k", 0], ["k = 0", "at least 1"]),
        (["-k", 5], ["k = 5", "must be between 1 and 4"]),
        (["-k", 2, "--layout", "TANH|20,TANH|20,LINEAR"], ["no bottleneck"]),
        (["-k", 2, "--training-strategy", "Corruption=1.5"], ["Corruption = 1.5", "below 1"]),
        (["-k", 2, "--training-strategy", "BatchSize=300"], ["BatchSize = 300", "small.root"]),
        (["-k", 2, "--class", "signal"], ["unknown class 'signal'", "did you mean 'Signal'"]),
        (["-k", 2, "--transformations", "U"], ["U cannot be inverted"]),
        (["-k", 2, "--backend", "jx"], ["did you mean 'jax'"]),
        (["-k", 2, "--encoder", "some.root"], ["is trained already"]),
        (["--encoder", "some.root"], ["some.root: no such file"]),
        (["--tied", "--encoder", "some.root"], ["is trained already"]),
    ],
)
def test_a_wrong_request_is_refused_in_one_line(small_input, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    answer = invoke("encode", small_input, "-o", "encoded.root", *arguments)
    assert answer.exit_code == 2
    assert len(answer.stderr.splitlines()) == 1
    for word in words:
        assert word in answer.stderr
    assert not list(tmp_path.iterdir())


def test_files_that_cannot_be_encoded_or_decoded(small_input, tmp_path):
    for command in ("encode", "decode"):
        more = ["-k", 2] if command == "encode" else []
        answer = invoke(command, tmp_path / "nowhere.root", "-o", tmp_path / "out.root", *more)
        assert (answer.exit_code, len(answer.stderr.splitlines())) == (2, 1)
        assert "nowhere.root: no such file" in answer.stderr
    answer = invoke("decode", small_input, "-o", tmp_path / "out.root")
    assert (answer.exit_code, len(answer.stderr.splitlines())) == (2, 1)
    assert "holds no encoder" in answer.stderr


def test_an_encoded_file_that_cannot_be_written_is_one_line(small_input, tmp_path):
    with pytest.raises(UserError, match="nowhere.*cannot be written"):
        encoding.encode(
            small_input,
            tmp_path / "nowhere" / "encoded.root",
            2,
            options={"TrainingStrategy": "MaxEpochs=1,BatchSize=50"},
            backend="jax",
        )
