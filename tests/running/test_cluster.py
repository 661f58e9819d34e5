"""A study on a Dask cluster is what it is on this machine, whatever becomes of workers."""

import json
import os
import random
import signal
import sys
import threading
import time
import types

import psutil
import pytest
from fake_child import TRAINED, TRAINED_TOGETHER

import tmva_bench
from tmva_bench import api
from tmva_bench.basis.training import Epoch
from tmva_bench.engines import tmva_files
from tmva_bench.errors import UserError
from tmva_bench.results import records
from tmva_bench.results.folder import ResultsFolder
from tmva_bench.running import cluster, environments, execution
from tmva_bench.study import file as study_file

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")

# A worker that trains without loading ROOT: what is looked at here is what lies around it.
NO_ROOT = """
import types
sys.modules["ROOT"] = types.SimpleNamespace(
    gROOT=types.SimpleNamespace(GetVersion=str, SetBatch=bool), gEnv=types.SimpleNamespace(SetValue=print)
)
"""
QUICK = NO_ROOT + TRAINED
# What no two runs have in common.
MEASURED = ("start_time", "real_time_total", "cpu_time_total", "peak_memory", "load_before", "load_after")
MEASURED += ("others_load", "busy", "warnings")


def content(results):
    """What the runs of a results folder say and hold, but for clocks and the machine's state."""
    said = {}
    for record in ResultsFolder(results).load():
        row = {name: str(value) for name, value in record.row.columns().items() if name not in MEASURED}
        folder = ResultsFolder(results).run_folder(record.row.run_id)
        task = json.loads((folder / "task.json").read_text())
        files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
        said[record.row.run_id] = row, str(record.curves()), task, files, records.altered(folder)
    return said


@pytest.fixture(scope="module")
def scheduler():
    """The address of a running cluster of two workers."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", memory_limit=None, dashboard_address="127.0.0.1:0"
    ) as running:
        yield running.scheduler_address


def test_a_study_is_the_same_on_a_cluster(scheduler, fake_study, tmp_path):
    line = tmva_files.epoch_line(Epoch(1, 0.5, 0.25, 0.1), 0)
    file, only = fake_study(f"print({line!r}, flush=True); time.sleep(1)\n{QUICK}"), ["repetition=2", "neurons=20"]
    tmva_bench.run_study(file, folder=tmp_path / "here", only=only)
    heard = Heard()
    rows = tmva_bench.run_study(file, folder=tmp_path / "there", only=only, scheduler=scheduler, listener=heard)
    assert (heard.numbers, heard.epochs) == ({2}, [(20, 1, 0.25)])
    assert [(row["neurons"], row["repetition"], row["status"]) for row in rows] == [(20, 2, "ok")]
    assert content(tmp_path / "there") == content(tmp_path / "here")


TOGETHER = "together = true\n[only.keras]\nexecution = 'epoch'"


def test_what_is_trained_together_is_one_job(scheduler, fake_study, tmp_path):
    file, only = fake_study(NO_ROOT + TRAINED_TOGETHER, TOGETHER), ["neurons=20"]
    tmva_bench.run_study(file, folder=tmp_path / "here", only=only)
    heard = Heard()
    rows = tmva_bench.run_study(file, folder=tmp_path / "there", only=only, scheduler=scheduler, listener=heard)
    assert heard.said == [("planned", 2, 0), "started", "finished", "finished"]
    assert [(row["repetition"], row["status"], row["bundle_size"]) for row in rows] == [(1, "ok", 2), (2, "ok", 2)]
    assert rows[0]["bundle"] == rows[1]["bundle"]
    assert content(tmp_path / "there") == content(tmp_path / "here")


def test_the_runs_of_one_job_are_killed_together(fake_study, tmp_path):
    results = ResultsFolder(tmp_path / "results")
    read = study_file.read(fake_study(NO_ROOT + TRAINED_TOGETHER, TOGETHER))
    pool = cluster.DaskPool(None, results, read.limits)
    lost = types.SimpleNamespace(cancelled=bool, exception=lambda: distributed.KilledWorker("lost", None, 1))
    with results.held():
        jobs = api.study_jobs(read, results, ["neurons=20"])
        pool._tries[jobs[0].name] = cluster._DEATHS
        records = pool._outcome(lost, jobs)
    assert [(record.row.repetition, record.row.status) for record in records] == [(1, "killed"), (2, "killed")]
    assert all("2 workers ended while they did it" in record.row.reason for record in records)
    assert sorted(results.names()) == sorted(record.row.run_id for record in records)


def test_a_run_that_kills_its_worker_twice_is_killed_and_the_study_goes_on(fake_study, tmp_path):
    once = tmp_path / "once"
    code = f"""
point, once = worker.read_task(folder).point, Path({str(once)!r})
if point.neurons == 20 and point.seed > 1 or not once.exists():
    once.touch()
    os.kill(os.getppid(), 9)
    time.sleep(60)
"""
    rows = tmva_bench.run_study(fake_study(code + QUICK), folder=tmp_path / "results", system="local", workers=2)
    assert [(row["neurons"], row["repetition"], row["status"]) for row in rows] == [
        (5, 1, "ok"),
        (20, 1, "ok"),
        (5, 2, "ok"),
        (20, 2, "killed"),
    ]
    assert "workers ended while they did it" in rows[-1]["reason"]
    assert once.exists()


def test_ctrl_c_ends_the_runs_at_once_and_the_same_command_goes_on(scheduler, fake_study, tmp_path, monkeypatch):
    noted = tmp_path / "pid"
    code = f"""
if worker.read_task(folder).point.neurons == 20 and not os.path.exists({str(noted)!r}):
    Path({str(noted)!r}).write_text(str(os.getpid()))
    time.sleep(300)
"""
    file, results = fake_study(code + QUICK, "name = 'mine'"), tmp_path / "results"

    def interrupt():
        while not (noted.exists() and noted.read_text() and ResultsFolder(results).names()):
            time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        tmva_bench.run_study(file, folder=results, scheduler=scheduler, only=["repetition=1"])
    psutil.wait_procs([psutil.Process(int(noted.read_text()))] if psutil.pid_exists(int(noted.read_text())) else [], 30)
    assert not psutil.pid_exists(int(noted.read_text()))
    assert [record.row.neurons for record in ResultsFolder(results).load()] == [5]
    assert ResultsFolder(results).runs_under_way() == []

    # A worker of another kind did the first run: it counts.
    monkeypatch.setattr(environments, "machine", lambda: {"host": "login", "cpu_model": "another", "gpu_model": ""})
    heard = Heard()
    rows = tmva_bench.run_study(file, folder=results, scheduler=scheduler, only=["repetition=1"], listener=heard)
    assert heard.said == [("planned", 1, 1), "started", "finished"]
    assert [row["neurons"] for row in rows] == [5, 20]
    again = tmva_bench.run_study(
        file, folder=results, scheduler=scheduler, only=["repetition=1"], rerun="all", limit=1, listener=heard
    )
    assert heard.said[3:] == [("planned", 1, 0), "started", "finished"]
    assert again[0]["start_time"] > rows[1]["start_time"]
    assert again[1] == rows[1]


class Heard(execution.Silent):
    """Notes what it is told."""

    def __init__(self):
        self.said, self.epochs, self.numbers = [], [], set()

    def workers(self, number):
        self.numbers.add(number)

    def epoch(self, job, epoch):
        self.epochs.append((job.request.point.neurons, epoch.epoch, epoch.validation_loss))

    def planned(self, todo, kept):
        self.said.append(("planned", len(todo), len(kept)))

    def started(self, job):
        self.said.append("started")

    def finished(self, job, record):
        self.said.append("finished")


def test_an_input_file_that_workers_cannot_read_is_sent(scheduler, fake_study, tmp_path, monkeypatch):
    submitted = cluster.DaskPool._submit

    def elsewhere(work, jobs, content=None):
        (job,) = jobs
        future = submitted(work, [job._replace(data=job.data._replace(path="/nowhere/small.root"))], content)
        work._under_way[future] = jobs
        return future

    monkeypatch.setattr(cluster.DaskPool, "_submit", elsewhere)
    rows = tmva_bench.run_study(fake_study(QUICK), folder=tmp_path / "results", scheduler=scheduler, limit=1)
    assert [row["status"] for row in rows] == ["ok"]
    (said,) = content(tmp_path / "results").values()
    assert said[2]["input_file"] == f"../../inputs/small-{rows[0]['input_digest'][:12]}.root"


def test_an_environment_that_a_worker_has_not_is_said_there(scheduler, fake_study, tmp_path, monkeypatch):
    described = environments.named

    def newer(*place):
        environment = described(*place)
        return environment._replace(versions={**environment.versions, "root": "7"})

    monkeypatch.setattr(environments, "named", newer)
    rows = tmva_bench.run_study(fake_study(QUICK), folder=tmp_path / "results", scheduler=scheduler, limit=1)
    assert rows[0]["status"] == "unavailable"
    assert "root is " in rows[0]["reason"]
    assert ", and 7 where the study was started; make the two equal" in rows[0]["reason"]


def test_runs_of_one_machine_have_cores_of_their_own():
    stop = threading.Event()
    with cluster._cores(1, stop) as first:
        assert len(first) == 1
        if environments.available_threads() > 1:
            with cluster._cores(1, stop) as second:
                assert not set(first) & set(second)
        stop.set()
        with pytest.raises(KeyboardInterrupt), cluster._cores(environments.available_threads(), stop):
            pass
    with pytest.raises(UserError, match="more than the"), cluster._cores(10_000, stop):
        pass


@pytest.fixture
def described(tmp_path):
    """A study that says what its workers may take."""
    path = tmp_path / "mine.toml"
    path.write_text(
        "[limits]\nthreads = 3\n[cluster]\nmemory = 1500\ntime = 5401\nsetup = ['source there.sh', 'export A=1']\n"
        "slurm = ['--partition=short', '--qos=low']\nhtcondor = '+JobFlavour = \"longlunch\"'\n"
        "[[series]]\nmethod = 'linear'\n"
    )
    return study_file.read(path)


@pytest.mark.parametrize(
    ("system", "lines"),
    [
        (
            "slurm",
            [
                "#SBATCH -J mine",
                "#SBATCH --cpus-per-task=3",
                "#SBATCH --mem=1500M",
                "#SBATCH -t 01:31:00",
                "#SBATCH --partition=short",
                "#SBATCH --qos=low",
                "source there.sh",
                "export A=1",
            ],
        ),
        ("htcondor", ["RequestCpus = 3", "MY.DaskWorkerMemory = 1572864000", "+MaxRuntime = 5401"]),
    ],
)
def test_the_jobs_of_a_batch_system_ask_for_what_the_study_says(described, monkeypatch, system, lines):
    monkeypatch.setattr(cluster, "_check_command", str)
    monkeypatch.setattr(cluster, "_scaled", lambda running, workers: running)
    heeded = signal.getsignal(signal.SIGINT)
    with cluster.SYSTEMS[system](described, 2) as running:
        script = running.job_script()
    assert set(lines) <= set(script.splitlines())
    assert "--nthreads 1 " in script
    assert signal.getsignal(signal.SIGINT) is heeded
    assert f"{sys.executable} -m distributed.cli.dask_worker" in script
    if system == "htcondor":
        assert '+JobFlavour = "longlunch"' in script.splitlines()
        assert "source there.sh; export A=1; " in script


def put_slurm(folder, sbatch, monkeypatch):
    """Commands of that name, first on PATH."""
    folder.mkdir()
    for name, code in {"sbatch": sbatch, "scancel": 'kill -- -"$1"'}.items():
        (folder / name).write_text(f"#!/bin/bash\n{code}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_jobs_that_slurm_refuses_are_one_line(described, tmp_path, monkeypatch):
    put_slurm(tmp_path / "bin", "echo 'sbatch: error: invalid partition specified: short' >&2; exit 1", monkeypatch)
    with pytest.raises(UserError, match="cannot be submitted: sbatch: error: invalid partition specified: short;"):
        tmva_bench.run_study(tmp_path / "mine.toml", folder=tmp_path / "results", system="slurm", workers=2)


def test_a_job_that_slurm_starts_is_a_worker(fake_study, tmp_path, monkeypatch):
    job = tmp_path / "job.sh"
    start = f'cp "$1" {job}; setsid bash {job} > {job}.log 2>&1 & echo "Submitted batch job $!"'
    put_slurm(tmp_path / "bin", start, monkeypatch)
    with dask.config.set({"jobqueue.slurm.interface": "lo"}):
        rows = tmva_bench.run_study(
            fake_study(QUICK, "[cluster]\nsetup = 'export THERE=1'\n"),
            folder=tmp_path / "results",
            system="slurm",
            workers=1,
            limit=1,
        )
    assert [row["status"] for row in rows] == ["ok"]


def test_without_a_limit_of_time_the_queue_has_its_own(described, monkeypatch):
    monkeypatch.setattr(cluster, "_check_command", str)
    monkeypatch.setattr(cluster, "_scaled", lambda running, workers: running)
    study = described._replace(cluster=described.cluster._replace(time=0))
    with cluster.SYSTEMS["slurm"](study, 2) as running:
        assert "#SBATCH -t" not in running.job_script()


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"scheduler": "tcp://127.0.0.1:1"}, "no Dask scheduler answers there"),
        ({"scheduler": "nonsense://a"}, "no Dask scheduler answers there"),
        ({"scheduler": "tcp://127.0.0.1:1", "workers": 2}, "that cluster has its workers"),
        ({"scheduler": "tcp://127.0.0.1:1", "side_by_side": 2}, "a cluster does a run a worker"),
        ({"workers": 2}, "--cluster and --workers belong together"),
        ({"system": "slurm"}, "--cluster and --workers belong together"),
        ({"system": "lsf", "workers": 2}, r"unknown cluster 'lsf' \(known: local, htcondor, slurm\)"),
        ({"system": "htcondor", "workers": 2}, "condor_submit: not on this machine"),
    ],
)
def test_what_is_no_cluster_is_one_line(described, tmp_path, monkeypatch, asked, reason):
    monkeypatch.setattr(cluster, "_SECONDS", 0.5)
    with pytest.raises(UserError, match=reason):
        tmva_bench.run_study(tmp_path / "mine.toml", folder=tmp_path / "results", **asked)


def test_without_dask_a_line_says_how_to_get_it(described, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UserError, match=r"needs Dask, .*pip install 'tmva-bench\[dask\]'"):
        tmva_bench.run_study(tmp_path / "mine.toml", folder=tmp_path / "results", system="local", workers=2)


@pytest.mark.parametrize("name", ["../a", "/etc/a", "a/../../b", ""])
def test_what_a_worker_gives_stays_in_its_folder(name):
    with pytest.raises(UserError, match="do not use that cluster"):
        cluster._checked(name)


@pytest.mark.slow
def test_two_of_four_workers_killed_meanwhile_change_nothing(fake_study, tmp_path):
    file = fake_study(QUICK)
    changes = ["repetitions=100"]
    tmva_bench.run_study(file, changes=changes, folder=tmp_path / "here")
    results = ResultsFolder(tmp_path / "there")
    killed = []

    def kill():
        moments = random.Random(1)
        for after in (20, 90):
            while len(results.names()) < after:
                time.sleep(0.1)
            children = psutil.Process().children(recursive=True)
            killed.append(moments.choice([one.pid for one in children if "spawn_main" in str(one.cmdline())]))
            os.kill(killed[-1], signal.SIGKILL)

    threading.Thread(target=kill, daemon=True).start()
    rows = tmva_bench.run_study(file, changes=changes, folder=results.path, system="local", workers=4)
    assert len(killed) == 2
    assert [row["status"] for row in rows] == ["ok"] * 200
    assert content(results.path) == content(tmp_path / "here")
