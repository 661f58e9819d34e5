"""Repetitions trained together: one child, a record each, and no time that could be taken for that of one training."""

import dataclasses
import importlib.util
import math
import signal
import subprocess
import sys
import time

import pytest
import uproot
from conftest import command_line
from fake_child import TRAINED, TRAINED_TOGETHER

import tmva_bench
from tmva_bench import api
from tmva_bench.basis import parsing
from tmva_bench.compare import comparison, differences, verdict
from tmva_bench.errors import UserError
from tmva_bench.events import inputs
from tmva_bench.report import tables
from tmva_bench.results import naming, schema, summary
from tmva_bench.results.folder import ResultsFolder
from tmva_bench.running import execution, runner
from tmva_bench.study import file as study_file
from tmva_bench.study import plan, requests

TOGETHER = "together = true\n[only.keras]\nexecution = 'epoch'"
ALONE = "[[series]]\nmethod = 'keras'\nbackend = 'tensorflow'\nenvironment = 'fake'\n"
# Of what all trainings share, and of none of them.
TIMES = [name for name in schema.QUANTITIES if "_time_" in name]


@pytest.fixture
def study(fake_study):
    """Writes the study of ``fake_study``, its repetitions together, with code of a fake worker and more series."""

    def make(code=TRAINED_TOGETHER, more=""):
        file = fake_study(code, TOGETHER)
        file.write_text(file.read_text() + more)
        return file

    return make


class Started(execution.Silent):
    def __init__(self):
        self.repetitions = []

    def started(self, job):
        self.repetitions.append((job.request.point.neurons, job.request.repetition))


def ordered(results):
    """The rows, by repetition."""
    return sorted((record.row for record in results.load()), key=lambda row: row.repetition)


# Alone, too.
EITHER = f"if not (folder / 'task.json').read_text().startswith('{{\"together'):\n    {TRAINED}{TRAINED_TOGETHER}"


def test_one_child_and_a_record_each_without_a_time_or_a_verdict_on_it(study, tmp_path, caplog):
    file, heard, results = study(EITHER, ALONE), Started(), ResultsFolder(tmp_path / "results")
    tmva_bench.run_study(file, only=["neurons=5"], folder=results.path, listener=heard)
    assert heard.repetitions == [(5, 1), (5, 1), (5, 2)]
    assert caplog.text.count("not trained together: keras tensorflow (trainings are compiled together on jax") == 1
    rows = [row for row in ordered(results) if row.backend == "jax"]
    assert [(row.repetition, row.seed, row.status) for row in rows] == [(1, 1, "ok"), (2, 2, "ok")]
    assert [(row.together, row.bundle_size) for row in rows] == [(1, 2)] * 2
    assert rows[0].bundle == rows[1].bundle != ""
    assert all(math.isnan(row.value(name)) for row in rows for name in TIMES)
    assert all((row.cpu_time_bundle, row.real_time_bundle, row.cores_used) == (1.5, 3.0, 0.5) for row in rows)
    # Each run is a folder like any other.
    assert results.problems() == {}
    assert results.read_input(rows[0].run_id, rows[0].input_digest).metadata["digest"] == rows[0].input_digest
    assert results.runs_under_way() == []
    with uproot.open(results.tree) as tree:
        assert sorted(tree["summary"]["together"].array().tolist()) == [0, 1]
        assert "keras jax epoch together (2 trainings in 3 s, CPU 1.5 s)" in str(tree["clocks"].member("fTitle"))
    check_verdicts(results)
    # Finished runs do not tell how long bundles take.
    jobs = api.study_jobs(study_file.read(file), results, look=True)
    unknown = execution.estimate(jobs, results.load()).unknown
    assert unknown == sum(job.request.together for job in jobs) == 4


def check_verdicts(results):
    """What was trained together is a series of its own, with areas and no times to compare."""
    records = results.load()
    compared = differences.compare(records, results)
    assert compared.reference == "keras tensorflow epoch sgd"
    times = [one for row in compared.rows for one in row.times.values()]
    assert [(one.verdict, one.note) for one in times] == [(verdict.NO_VERDICT, verdict.TOGETHER)] * 3
    assert [row.areas.paired for row in compared.rows if row.areas] == [True]
    assert sum(verdict.TOGETHER in note for note in compared.notes) == 1
    both = comparison.compare(records, records, (results, results))
    ratios = [ratio for match in both.matches if match.first.row.together for ratio in match.ratios.values()]
    assert ratios
    assert all(math.isnan(ratio.ratio) for ratio in ratios)
    table = tables.make(summary.groups(record.row for record in records))
    assert any("trained together, so no time is that of one training" in note for note in table.notes)
    column = table.headings.index("real train [s]")
    assert [row[column] == "-" for row in table.rows] == ["together" in row[0] for row in table.rows]


def test_one_that_fails_does_not_take_the_others_with_it_and_is_run_again_by_itself(study, tmp_path):
    results = ResultsFolder(tmp_path / "results")
    file = study(TRAINED_TOGETHER.replace("(folder)", "(folder, _2='nothing learnt')"))
    tmva_bench.run_study(file, folder=results.path, only=["neurons=5"])
    before = ordered(results)
    assert [(row.status, row.reason) for row in before] == [("ok", ""), ("failed", "nothing learnt")]
    heard = Started()
    tmva_bench.run_study(study(), folder=results.path, only=["neurons=5"], rerun="failed", listener=heard)
    assert heard.repetitions == [(5, 2)]
    after = ordered(results)
    assert [row.status for row in after] == ["ok", "ok"]
    assert after[0] == before[0]
    assert (after[1].run_id, after[1].bundle_size) == (before[1].run_id, 1)
    assert after[1].bundle not in ("", after[0].bundle)


def test_a_child_that_dies_is_the_end_of_all_its_trainings(fake_python, small_input, tmp_path):
    results, point = ResultsFolder(tmp_path / "results"), parsing.point({"batch_size": 50, "execution": "epoch"})
    bundled = [
        requests.Request(dataclasses.replace(point, seed=n), "keras", "jax", repetition=n, together=True)
        for n in (1, 2)
    ]
    dying = fake_python("os.kill(os.getpid(), 9)")
    records = runner.run_together(bundled, inputs.read(small_input), results, environment=dying)
    assert [record.row.status for record in records] == ["killed"] * 2
    assert all("SIGKILL" in record.row.reason and math.isnan(record.row.real_time_bundle) for record in records)
    assert sorted(results.names()) == sorted(record.row.run_id for record in records)
    assert results.runs_under_way() == []


def test_the_study_file_says_what_cannot_be_together(study):
    file = study()
    assert study_file.text(study_file.read(file)).count("together = true") == 1
    for change, reason in (
        ("execution=batch", "keras, take execution = epoch$"),
        ("transformations=A(k=2)", "keras, its autoencoder gives each repetition other events$"),
    ):
        with pytest.raises(
            UserError, match=rf"mine.toml, line 2: together = true: no series can be trained so: {reason}"
        ):
            study_file.read(file, [change])
    file.write_text(file.read_text().replace("together = true", "together = 1"))
    with pytest.raises(UserError, match="together = 1: must be true or false"):
        study_file.read(file)


def test_the_repetitions_of_a_bundle_are_in_one_part(study):
    read = study_file.read(study(more=ALONE))
    assert plan.parts(read) == 4
    for number in (1, 2, 3, 4):
        of_part = plan.of_shard(read, plan.plan(read), plan.Shard(number, 4))
        together = [run.request for run in of_part if run.request.together]
        assert [request.repetition for request in together] in ([], [1, 2])


def test_names():
    series = naming.Series("keras", "jax", "cpu", "sgd", "epoch", together=1)
    assert naming.series_name(series) == "keras jax epoch together sgd"
    assert naming.series_label(series) == "Keras, JAX, epochs compiled, trained together, SGD"
    assert naming.spoken(series) == "Keras on JAX by compiled epochs trained together (SGD)"


STUDY = """
repetitions = 3
together = true
[sample]
file = '{}'
[point]
batch_size = 50
max_epochs = {}
convergence_steps = 1000000
[axes]
neurons = [5, 8]
[[series]]
method = "keras"
backend = "jax"
execution = "epoch"
"""


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="needs jax")
def test_from_the_command_line_interrupted_and_gone_on_with(small_input, tmp_path):
    file, results = tmp_path / "mine.toml", ResultsFolder(tmp_path / "results" / "mine")
    file.write_text(STUDY.format(small_input, 1000000))
    first = command_line(tmp_path, "study", file, "--only", "neurons=5", "--set", "max_epochs=3")
    assert first.returncode == 0, first.stderr
    assert "trained together, so no time is that of one training: keras jax epoch together (3 trainings in " in (
        first.stdout
    )
    command = [sys.executable, "-m", "tmva_bench.cli", "study", str(file)]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        deadline, status = time.monotonic() + 120, ""
        while "(3 trainings): epoch " not in status:
            assert time.monotonic() < deadline
            status = command_line(tmp_path, "status", file).stdout
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert len(results.load()) == 3
    assert results.runs_under_way() == []
    last = command_line(tmp_path, "study", file, "--set", "max_epochs=3")
    assert last.returncode == 0, last.stderr
    assert "3 runs are there already, 3 to do" in last.stderr
    rows = [record.row for record in results.load()]
    assert [(row.neurons, row.bundle_size) for row in rows] == [(5, 3)] * 3 + [(8, 3)] * 3


def test_jobs_are_bundled_by_all_but_their_seed(study, tmp_path):
    jobs = api.study_jobs(study_file.read(study(more=ALONE)), ResultsFolder(tmp_path / "results"), look=True)
    sizes = [(some[0].request.backend, len(some)) for some in execution.children(jobs)]
    assert sorted(sizes) == [("jax", 2)] * 2 + [("tensorflow", 1)] * 4
    other = [job._replace(request=job.request._replace(point=parsing.point({"layers": 1}))) for job in jobs[:1]]
    assert len(execution.children([*jobs[:1], *other])) == 2
    assert dataclasses.replace(jobs[0].request.point, seed=9) != jobs[0].request.point
