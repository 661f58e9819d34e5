"""A study in parts: each run in one of them, all series of a point together, and joined what it is in one piece."""

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from fake_child import TRAINED

from tmva_bench import cli
from tmva_bench.errors import UserError
from tmva_bench.results.folder import ResultsFolder
from tmva_bench.running import batch
from tmva_bench.study import file as study_file
from tmva_bench.study import plan

SEVERAL = """
repetitions = 3
[point]
batch_size = 20
[axes]
neurons = [5, 20, 100]
[cluster]
jobs = 4
memory = 1500
time = 3601
setup = ["source there.sh", "export A='b c'"]
slurm = "--partition=short"
htcondor = '+JobFlavour = "longlunch"'
[[series]]
method = "keras"
backend = "jax"
[[series]]
method = "keras"
backend = "tensorflow"
[[series]]
method = "linear"
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text(SEVERAL)
    return tmp_path


@pytest.mark.parametrize("of", [1, 2, 3, 5, 12, 20])
def test_each_run_is_in_one_part_and_the_series_of_a_point_together(here, of):
    study = study_file.read("mine.toml")
    planned = plan.plan(study)
    parts = [plan.of_shard(study, planned, plan.Shard(number, of)) for number in range(1, of + 1)]
    assert sorted(map(str, planned)) == sorted(str(run) for part in parts for run in part)
    number_of = {str(run): number for number, part in enumerate(parts) for run in part}
    networks = [run for run in planned if run.request.method == "keras"]
    for first, second in zip(networks[::2], networks[1::2], strict=True):
        assert first.request.point.neurons == second.request.point.neurons
        assert number_of[str(first)] == number_of[str(second)]
    assert sum(map(bool, parts)) == min(of, plan.parts(study))


@pytest.mark.parametrize("text", ["", "0/3", "4/3", "3", "-1/3", "1/3/4", "a/b", "1/0"])
def test_what_is_no_part_is_refused(text):
    with pytest.raises(UserError, match="give I/N, the I-th of N parts"):
        plan.parse_shard(text)


def test_parts_merged_are_the_study(fake_study, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = fake_study(TRAINED)

    def command(*arguments):
        answer = CliRunner().invoke(cli.main, list(map(str, arguments)))
        assert answer.exit_code == 0, answer.output
        return answer.output

    command("study", file, "--results", "whole")
    for number in (1, 2):
        command("study", file, "--shard", f"{number}/2")
    parts = [f"results/mine-{number}-of-2" for number in (1, 2)]
    assert "4 runs brought in" in command("merge", *parts, "-o", "results/mine")
    assert sorted(ResultsFolder("results/mine").names()) == sorted(ResultsFolder("whole").names())
    assert "4 runs are there, 0 to do" in command("study", file, "--dry-run")
    assert "0 runs brought in, 4 were there already" in command("merge", *parts, "-o", "results/mine")


def test_the_submit_files_say_what_a_job_may_take(here):
    study = study_file.read("mine.toml", ["repetitions=2"])
    said = batch.write(study, "slurm", Path("jobs"))
    assert said[0] == f"sbatch {here}/jobs/study.slurm"
    slurm = Path("jobs/study.slurm").read_text()
    for line in ("--array=1-4", "--cpus-per-task=1", "--mem=1500M", "--time=61", "--partition=short"):
        assert f"#SBATCH {line}\n" in slurm
    assert "JobFlavour" not in slurm
    batch.write(study, "htcondor", Path("condor"), jobs=3)
    condor = Path("condor/study.sub").read_text().splitlines()
    assert {"request_cpus = 1", "request_memory = 1500", "+MaxRuntime = 3601"} <= set(condor)
    assert condor[-2:] == ['+JobFlavour = "longlunch"', "queue 3"]
    job = Path("condor/job.sh")
    assert os.access(job, os.X_OK)
    assert job.read_text().splitlines()[3:5] == ["source there.sh", "export A='b c'"]
    subprocess.run(["bash", "-n", job, Path("jobs/job.sh")], check=True)
    assert study_file.read("jobs/study.toml") == study._replace(name="mine")


def test_nothing_of_the_users_is_written_over(here):
    study = study_file.read("mine.toml")
    batch.write(study, "slurm", Path("jobs"))
    Path("jobs/study.slurm").write_text("mine\n")
    with pytest.raises(UserError, match=r"study.slurm: is there already .*--force"):
        batch.write(study, "slurm", Path("jobs"))
    batch.write(study, "slurm", Path("jobs"), force=True)
    assert "--array=1-4" in Path("jobs/study.slurm").read_text()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--to", "lsf", "-o", "jobs"], r"unknown batch system 'lsf' \(known: htcondor, slurm\)"),
        (["--to", "slurm", "-o", "jobs", "--jobs", "13"], "13 jobs: the study mine can be divided into 12"),
        (["--to", "slurm", "-o", "my jobs"], "my jobs: a batch system takes no blanks"),
    ],
)
def test_what_cannot_be_submitted_is_one_line(here, arguments, reason):
    answer = CliRunner().invoke(cli.main, ["submit", "mine.toml", *arguments])
    assert answer.exit_code == 2
    assert answer.output.count("\n") == 1
    assert not Path(arguments[3]).exists()


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """A Slurm of one node on loopback."""
    if not all(map(shutil.which, ("slurmctld", "slurmd", "sbatch", "munged"))) or os.geteuid():
        pytest.skip("needs root, and apt install slurmd slurmctld slurm-client munge")
    name = socket.gethostname().partition(".")[0]
    place = tmp_path / "slurm"
    for folder in ("state", "spool"):
        (place / folder).mkdir(parents=True)
    (place / "slurm.conf").write_text(
        f"ClusterName=bench\nSlurmctldHost={name}(127.0.0.1)\nSlurmUser=root\nAuthType=auth/munge\n"
        "ProctrackType=proctrack/pgid\nTaskPlugin=task/none\nSelectType=select/cons_tres\n"
        "SelectTypeParameters=CR_CPU_Memory\nSlurmctldPort=16817\nSlurmdPort=16818\n"
        f"SlurmctldPidFile={place}/ctld.pid\nSlurmdPidFile={place}/d.pid\nStateSaveLocation={place}/state\n"
        f"SlurmdSpoolDir={place}/spool\nSlurmctldLogFile={place}/ctld.log\nSlurmdLogFile={place}/d.log\n"
        f"MailProg=/bin/true\nReturnToService=2\nNodeName={name} NodeAddr=127.0.0.1 CPUs=2 RealMemory=4000\n"
        f"PartitionName=short Nodes={name} Default=YES State=UP\n"
    )
    monkeypatch.setenv("SLURM_CONF", str(place / "slurm.conf"))
    if subprocess.run(["munge", "-n"], capture_output=True, check=False).returncode:
        subprocess.run(["install", "-d", "-o", "munge", "/run/munge"], check=True)
        subprocess.run(["runuser", "-u", "munge", "--", "munged"], check=True)
    daemons = [
        subprocess.Popen([name, "-D"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for name in ("slurmctld", "slurmd")
    ]
    yield
    for daemon in daemons:
        daemon.terminate()
        daemon.wait(60)


@pytest.mark.slow
def test_slurm_does_the_study_in_parts(slurm, fake_study, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = fake_study(TRAINED, "[cluster]\njobs = 4\nmemory = 500\nslurm = '--partition=short'\n")
    study = study_file.read(file)
    submit, merge, _ = batch.write(study, "slurm", Path("jobs"))
    deadline = time.monotonic() + 120
    while subprocess.run(submit.split(), check=False, capture_output=True).returncode:
        assert time.monotonic() < deadline
        time.sleep(1)
    while subprocess.run(["squeue", "--noheader"], check=True, capture_output=True).stdout:
        assert time.monotonic() < deadline, [path.read_text() for path in Path("jobs/logs").iterdir()]
        time.sleep(1)
    subprocess.run(f"{sys.executable} -m tmva_bench.cli {merge.partition(' ')[2]}", shell=True, check=True)
    rows = [record.row for record in ResultsFolder("results/mine").load()]
    assert sorted((row.neurons, row.repetition, row.status) for row in rows) == [
        (neurons, repetition, "ok") for neurons in (5, 20) for repetition in (1, 2)
    ]
