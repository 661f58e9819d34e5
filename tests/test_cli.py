"""The command line: one line and the right exit code for every error; one real run, and the run that is there."""

import math
import subprocess
import sys

import numpy
import pytest
import uproot
from click.testing import CliRunner
from conftest import REAL_RUN, command_line

from tmva_bench import bench, cli, records


def invoke(*arguments):
    return CliRunner().invoke(cli.main, list(map(str, arguments)))


def refused(answer, *words):
    assert answer.exit_code == 2
    assert answer.stdout == ""
    (line,) = answer.stderr.splitlines()
    assert line.startswith("tmva-bench: ")
    for word in words:
        assert word in line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--method", "kera"], ["unknown method 'kera'", "did you mean 'keras'"]),
        (["--method", "keras", "--backend", "tensorfow"], ["did you mean 'tensorflow'"]),
        (["--method", "keras", "--architecture", "tpu"], ["unknown architecture"]),
        (["--method", "keras", "--neuron", "4"], ["--neuron", "--neurons"]),
        (["--method", "keras", "--neurons", "x"], ["neurons = 'x'", "whole number"]),
        (["--method", "keras", "--activation", "12"], ["activation = 12", "2 tanh"]),
        (["--method", "keras", "--dropout", "1"], ["dropout = 1", "below 1"]),
        (["--method", "keras", "--learning-rate", "-1"], ["learning_rate = -1", "above 0"]),
        (["--method", "keras", "--transformations", "N,Q"], ["unknown transformation 'Q'"]),
        (["--method", "keras", "--transformations", "N_Signal"], ["class suffix"]),
        (["--method", "keras", "--last-activation", "tanh"], ["last_activation = tanh", "use sigmoid"]),
        (["--method", "keras", "--loss", "mutual_exclusive"], ["use cross_entropy"]),
        (["--method", "keras", "--batch-size", "5000"], ["batch_size = 5000", "small.root"]),
        (["--method", "keras", "--train-signal", "99999"], ["train_signal = 99999", "500"]),
        (["--method", "keras", "--preset", "sed"], ["did you mean 'seed'"]),
        (["--method", "keras", "--preset", "seed"], ["train_signal = 50000"]),
        (["--method", "keras", "--threads", "0"], ["threads = 0"]),
        (["--method", "keras", "--time-limit", "0"], ["time limit = 0"]),
        (["--method", "keras", "--rerun", "al", "--batch-size", "50"], ["did you mean 'all'"]),
        (["--method", "tmva-dnn", "--backend", "jax"], ["backend = jax", "leave --backend out"]),
        ([], ["--method"]),
    ],
    ids=lambda value: " ".join(value) or "no method" if isinstance(value, list) else None,
)
def test_a_wrong_run_is_refused_in_one_line(small_input, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    refused(invoke("run", small_input, *arguments), *words)
    assert not list(tmp_path.rglob("record.json"))


@pytest.mark.parametrize("content", [None, b"", b"no ROOT file at all", b"root\x00\x00\xf4\xb0 cut off"])
def test_a_file_that_is_no_input_is_refused(tmp_path, content):
    path = tmp_path / "mine.root"
    if content is not None:
        path.write_bytes(content)
    refused(invoke("run", path, "--method", "keras"), "mine.root")


@pytest.mark.parametrize("bad", [math.nan, math.inf, "constant"])
def test_events_that_no_method_may_be_given(tmp_path, bad):
    path = tmp_path / "mine.root"
    values = numpy.arange(200, dtype=numpy.float32)
    if bad == "constant":
        values[:] = 1
    else:
        values[7] = bad
    with uproot.recreate(path) as file:
        for tree in ("TrainS", "TrainB", "TestS", "TestB"):
            file.mktree(tree, {"x": "float32", "weight": "float32"})
            file[tree].extend({"x": values, "weight": numpy.ones(200, numpy.float32)})
    refused(invoke("run", path, "--method", "keras"), "mine.root", "x")


def test_unwritable_results_and_output(small_input, tmp_path):
    (tmp_path / "file").write_text("")
    refused(invoke("generate", "-o", tmp_path / "none" / "x.root"), "cannot be written")
    answer = invoke("run", small_input, *REAL_RUN, "--results", tmp_path / "file" / "results")
    refused(answer, "cannot be made")


def test_unknown_commands_samples_and_parameters(tmp_path):
    refused(invoke("rnu"), "rnu")
    refused(invoke("generate", "-o", tmp_path / "x.root", "--sample", "higg"), "did you mean 'higgs'")
    refused(invoke("generate", "-o", tmp_path / "x.root", "--sample", "rings", "--correlation", 0.3), "correlation")


def test_bench_checks_before_it_generates(tmp_path):
    refused(invoke("bench", "--threads", 0, "--results", tmp_path / "bench"), "threads = 0")
    assert not (tmp_path / "bench").exists()


def test_every_option_has_help():
    for command in cli.main.commands.values():
        assert command.help
        assert all(option.help for option in command.params if option.param_type_name == "option")


def test_a_real_run_and_the_same_again(real_run, small_input):
    assert real_run.returncode == 0, real_run.stderr
    assert "keras jax" in real_run.stdout
    results = real_run.cwd / "results" / "small"
    (first,) = records.load(results)
    with uproot.open(results / "results.root") as file:
        assert file["benchmark"]["roc_auc"].array(library="np").tolist() == [first["row"]["roc_auc"]]
    again = command_line(real_run.cwd, "run", small_input, *REAL_RUN)
    assert again.returncode == 0
    # As text: a NaN does not equal itself.
    assert str(records.load(results)) == str([first])


def test_what_cannot_run_is_exit_code_1_and_a_row(real_run, small_input, tmp_path):
    answer = command_line(tmp_path, "run", small_input, "--method", "tmva-dnn", "--batch-size", 50, "--max-epochs", 1)
    if answer.returncode == 0:
        pytest.skip("this ROOT has TMVA")
    assert answer.returncode == 1
    assert "Traceback" not in answer.stderr
    assert "has no TMVA; make env ROUTE=conda" in answer.stderr
    (record,) = records.load(tmp_path / "results" / "small")
    assert record["row"]["status"] == "unavailable"
    assert math.isnan(record["row"]["roc_auc"])


@pytest.mark.parametrize(
    ("statuses", "exit_code"), [(["ok", "unavailable"], 0), (["ok", "failed"], 1), (["unavailable"], 1)]
)
def test_exit_code_of_bench(monkeypatch, small_input, tmp_path, statuses, exit_code):
    made = [{"row": {"status": status}} for status in statuses]
    monkeypatch.setattr(bench, "input_file", lambda folder: small_input)
    monkeypatch.setattr(cli, "_run", lambda *arguments, **options: made)
    monkeypatch.setattr(cli, "_report", lambda made, folder: None)
    assert invoke("bench", "--results", tmp_path).exit_code == exit_code


def test_ctrl_c_is_exit_code_130(monkeypatch, small_input, tmp_path):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_run", interrupted)
    answer = invoke("run", small_input, *REAL_RUN, "--results", tmp_path)
    assert answer.exit_code == 130
    assert "goes on from there" in answer.stderr


def test_the_parent_loads_no_root_and_no_learning_library():
    code = (
        "import sys, tmva_bench.cli; print(sorted({'ROOT', 'keras', 'tensorflow', 'jax', 'torch'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
