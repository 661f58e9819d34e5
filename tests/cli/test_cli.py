"""The command line: one line and the right exit code for every error; one real run, and the run that is there."""

import csv
import math
import subprocess
import sys

import numpy
import pytest
import uproot
from click.testing import CliRunner
from conftest import REAL_RUN, all_commands, command_line
from fake_child import TRAINED

from tmva_bench import api, cli
from tmva_bench.methods import registry
from tmva_bench.report import tables
from tmva_bench.results import forms, schema, summary
from tmva_bench.results.folder import ResultsFolder
from tmva_bench.running import environments


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
        (["--method", "tmva-dnn", "--backend", "jax"], ["backend = jax", "leave the backend out"]),
        (["--method", "tmva-dnn", "--start", "keras"], ["start = keras", "tmva-dnn has no", "take method keras"]),
        (["--method", "pykeras", "--dropout-rule", "tmva"], ["dropout_rule = tmva", "pykeras has no"]),
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


def test_every_option_has_help():
    for command in all_commands().values():
        assert command.help
        assert all(option.help for option in command.params if option.param_type_name == "option")


def test_a_real_run_and_the_same_again(real_run, small_input):
    assert real_run.returncode == 0, real_run.stderr
    assert "keras jax" in real_run.stdout
    results = real_run.cwd / "results" / "small"
    (first,) = ResultsFolder(results).load()
    with uproot.open(results / "results.root") as file:
        assert file["benchmark"]["roc_auc"].array(library="np").tolist() == [first.row.roc_auc]
    again = command_line(real_run.cwd, "run", small_input, *REAL_RUN)
    assert again.returncode == 0
    # As text: a NaN does not equal itself.
    assert str(ResultsFolder(results).load()) == str([first])


def test_what_cannot_run_is_exit_code_1_and_a_row(real_run, small_input, tmp_path):
    answer = command_line(tmp_path, "run", small_input, "--method", "tmva-dnn", "--batch-size", 50, "--max-epochs", 1)
    if answer.returncode == 0:
        pytest.skip("this ROOT has TMVA")
    assert answer.returncode == 1
    assert "Traceback" not in answer.stderr
    assert "has no TMVA; make env ROUTE=conda" in answer.stderr
    (record,) = ResultsFolder(tmp_path / "results" / "small").load()
    assert record.row.status == "unavailable"
    assert math.isnan(record.row.roc_auc)


@pytest.mark.parametrize(
    ("statuses", "exit_code"), [(["ok", "unavailable"], 0), (["ok", "failed"], 1), (["unavailable"], 1)]
)
def test_exit_code_of_a_study(monkeypatch, tmp_path, statuses, exit_code):
    monkeypatch.setattr(api, "run_study", lambda *arguments, **options: [{"status": status} for status in statuses])
    monkeypatch.setattr(tables, "document", lambda *arguments, **options: forms.Document(["no table"]))
    monkeypatch.setattr(summary, "groups", lambda rows: [])
    assert invoke("bench", "--results", tmp_path).exit_code == exit_code


def test_a_study_from_plan_to_removal(fake_study, tmp_path):
    file, results = fake_study(TRAINED), tmp_path / "results"
    options = ("--results", results)
    planned = invoke("study", file, *options, "--dry-run")
    assert planned.output.splitlines()[:2] == [
        "keras jax sgd, neurons=5, repetition=1",
        "keras jax sgd, neurons=20, repetition=1",
    ]
    assert "4 to do; no finished run tells how long 4 of them take" in planned.output
    assert not results.exists()

    assert invoke("study", file, *options, "--only", "neurons=20", "--limit", 1).exit_code == 0
    assert "1 ok; 3 to do, about 0:" in invoke("status", file, *options).output
    whole = invoke("study", file, *options)
    assert whole.exit_code == 0, whole.output
    assert "1 runs are there already, 3 to do" in whole.stderr
    assert len(ResultsFolder(results).load()) == 4
    assert "0 to do" in invoke("study", file, *options, "--dry-run").output

    lines = invoke("table", results / "results.root", "--format", "csv").output.splitlines()
    assert [len(row) for row in csv.reader(lines)] == [len(schema.SUMMARY)] * 3
    refused(invoke("table", results, "--by", "neuron"), "did you mean 'neurons'")
    refused(invoke("table", results, "--format", "html"), "unknown format")
    refused(invoke("differences", results, "--format", "html"), "unknown format")
    refused(invoke("differences", results, "--quality", 2), "--quality")
    refused(invoke("differences", results, "--reference", "keras jax adam"), "did you mean 'keras jax sgd'")
    lines = invoke("differences", results, "--format", "csv").output.splitlines()
    assert [line["reference"] for line in csv.DictReader(lines)] == ["keras jax sgd"] * 2
    refused(invoke("remove", results, "--only", "neuron=5"), "did you mean 'neurons'")
    assert invoke("remove", results, "--only", "neurons=5", "--only", "repetition=1", "--yes").exit_code == 0
    with uproot.open(results / "results.root") as file:
        assert file["benchmark"].num_entries == 3
        assert sorted(file["summary"]["runs"].array()) == [1, 2]


def test_what_cannot_run_is_a_row_and_is_not_tried_again(fake_python, tmp_path, monkeypatch):
    tried = tmp_path / "tried"
    fake = fake_python(f"""
        with Path({str(tried)!r}).open("a") as file:
            print(folder.name, file=file)
        worker.carry_out = lambda folder: {{"status": "unavailable", "reason": "nothing here; make env"}}
        worker.main()
    """)
    monkeypatch.setattr(environments, "describe", lambda: fake)
    monkeypatch.chdir(tmp_path)  # where the study's other environments are not
    folder = tmp_path / "bench"
    answers, children = [], []
    for _ in range(2):
        answers.append(CliRunner().invoke(cli.main, ["bench", "--results", str(folder)]))
        children.append(tried.read_text().splitlines())
    assert children[0] == children[1]
    for answer in answers:
        assert answer.exit_code == 1
        assert answer.stderr.splitlines()[-1].startswith("tmva-bench: no method can run here")
        assert answer.stdout.count("nothing here; make env") == 1
    with uproot.open(folder / "results.root") as file:
        names = ["run_id", "status", "reason", "method", "max_epochs", "roc_auc_best_possible"]
        rows = file["benchmark"].arrays(names, library="np")
    assert len(set(rows["run_id"])) == len(rows["run_id"]) >= len(children[0]) >= 4
    # Plain PyTorch needs more than make env installs.
    networks = {name for name, method in registry.METHODS.items() if method.side} - {"torch"}
    assert set(rows["method"]) == networks
    assert set(rows["status"]) == {"unavailable"}
    missing = "no environment theano, .venv-theano/bin/python is missing; make it with: make env-theano"
    assert set(rows["reason"]) == {"nothing here; make env", missing}
    assert max(rows["max_epochs"]) <= 10
    (best,) = set(rows["roc_auc_best_possible"])
    assert all(f"(likelihood ratio): {best:.4f}" in answer.stdout for answer in answers)


def test_explain_a_point_a_study_and_a_changed_study():
    point = invoke("explain", "--preset", "seed", "--dropout", 0.2)
    assert point.exit_code == 0, point.output
    assert point.output.startswith("The mapping: preset seed, dropout=0.2\n")
    assert "Keras differs from TMVA DNN in: dropout.\n" in point.output
    assert "DrawProgressBar:Transformations=I:AnalysisType=Classification" in point.output
    study = invoke("explain", "seed", "--format", "md")
    assert study.output.startswith("# The mapping: study seed\n")
    assert "Keras differs from TMVA DNN in: no common parameter.\n" in study.output
    changed = invoke("explain", "seed", "--start", "keras", "--format", "md")
    assert "Keras differs from TMVA DNN in: batch_size, seed.\n" in changed.output


def test_what_cannot_be_explained(tmp_path):
    refused(invoke("explain", "sed"), "the shipped studies are")
    refused(invoke("explain", "seed", "--preset", "seed"), "a study names its own")
    refused(invoke("explain", "--format", "html"), "unknown format")
    refused(invoke("explain", "--neurons", 0), "neurons = 0")


def test_merge_of_two_results(fake_study, tmp_path):
    file = fake_study(TRAINED)
    for number in (1, 2):
        answer = invoke("study", file, "--results", tmp_path / str(number), "--only", f"repetition={number}")
        assert answer.exit_code == 0, answer.output
    answer = invoke("merge", tmp_path / "1", tmp_path / "2", "-o", tmp_path / "all")
    assert "4 runs brought in, 0 were there already" in answer.output
    assert invoke("study", file, "--results", tmp_path / "all").exit_code == 0
    assert len(ResultsFolder(tmp_path / "all").load()) == 4


def test_a_study_that_is_not_there(tmp_path):
    refused(invoke("study", tmp_path / "mine.toml"), "the shipped studies are ")
    refused(invoke("table", tmp_path / "nothing"), "no finished runs there")
    refused(invoke("differences", tmp_path / "nothing"), "no finished runs there")


def test_ctrl_c_is_exit_code_130(monkeypatch, small_input, tmp_path):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(api, "run", interrupted)
    answer = invoke("run", small_input, *REAL_RUN, "--results", tmp_path)
    assert answer.exit_code == 130
    assert "goes on from there" in answer.stderr


def test_the_parent_loads_no_root_no_learning_library_and_no_statistics():
    # scipy.stats takes a second to load, and most commands do without.
    heavy = ["ROOT", "keras", "tensorflow", "jax", "torch", "scipy.stats"]
    code = f"import sys, tmva_bench.cli; print(sorted(set({heavy}) & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
