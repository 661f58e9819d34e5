"""What scripts use."""

import sys

import pytest
from click.testing import CliRunner

import tmva_bench
from tmva_bench import api, cli
from tmva_bench.basis import config, parsing
from tmva_bench.errors import UserError
from tmva_bench.results.folder import ResultsFolder
from tmva_bench.running import environments


def test_the_names_that_a_script_imports():
    assert tmva_bench.Point is config.Point
    assert (tmva_bench.generate, tmva_bench.run) == (api.generate, api.run)
    with pytest.raises(AttributeError, match="no attribute 'genrate'"):
        _ = tmva_bench.genrate


def test_fewer_events_make_a_derived_input_file(small_input, tmp_path):
    data = api.inputs.read(small_input)
    point = parsing.point({"batch_size": 20, "train_signal": 200})
    taken = api.prepare_input(data, point, ResultsFolder(tmp_path))
    assert len(taken.events["TrainS"]) == 200
    assert (taken.events["TrainS"] == data.events["TrainS"][:200]).all()
    assert api.prepare_input(data, parsing.point({"batch_size": 20}), ResultsFolder(tmp_path)) is data


def test_each_sample_of_a_study_has_its_input_file(tmp_path):
    file = tmp_path / "two.toml"
    file.write_text(
        "[[sample]]\nname = 'rings'\ntrain_signal = 300\n[sample.axes]\ntrain_background = [200, 400]\n"
        "[[sample]]\nname = 'gauss'\ntrain_background = 300\n"
        "[point]\nbatch_size = 20\ntest_signal = 100\ntest_background = 100\n[[series]]\nmethod = 'keras'\n"
    )
    jobs = api.study_jobs(api.study_file.read(file), ResultsFolder(tmp_path))
    events = [
        (job.data.metadata["sample"], len(job.data.events["TrainB"]), len(job.data.events["TestS"])) for job in jobs
    ]
    assert events == [("rings", 200, 100), ("rings", 400, 100), ("gauss", 300, 100)]
    assert len({job.name for job in jobs}) == 3


def test_files_whose_samples_have_one_name_are_no_study(small_input, tmp_path):
    """Tables and figures would mix them."""
    other = tmp_path / "other.root"
    api.generate(other, "gauss", train_signal=50, train_background=50, test_signal=50, test_background=50)
    file = tmp_path / "two.toml"
    file.write_text(
        f"[[sample]]\nfile = '{small_input}'\n[[sample]]\nfile = '{other}'\n"
        "[point]\nbatch_size = 5\n[[series]]\nmethod = 'keras'\n"
    )
    with pytest.raises(UserError, match="other.root: the sample of both is called 'gauss'"):
        api.study_jobs(api.study_file.read(file), ResultsFolder(tmp_path))
    assert len(api.study_jobs(api.study_file.read(file), ResultsFolder(tmp_path), ["sample=other"])) == 1


def test_what_is_left_out_is_not_generated(tmp_path):
    file = tmp_path / "two.toml"
    file.write_text(
        "[[sample]]\nname = 'higgs'\ntrain_signal = 1000000\n[[sample]]\nname = 'rings'\ntrain_signal = 300\n"
        "[[series]]\nmethod = 'keras'\n"
    )
    (job,) = api.study_jobs(api.study_file.read(file), ResultsFolder(tmp_path), ["sample=rings"])
    assert job.data.metadata["sample"] == "rings"
    assert not (tmp_path / "input.root").exists()


def test_unknown_sample_and_parameter(tmp_path):
    with pytest.raises(UserError, match="did you mean 'rings'"):
        api.generate(tmp_path / "x.root", "ring")
    with pytest.raises(UserError, match="did you mean 'separation'"):
        api.generate(tmp_path / "x.root", "gauss", seperation=2)


def test_looking_at_a_study_writes_and_starts_nothing(tmp_path, small_input):
    started = tmp_path / "started"
    python = tmp_path / "python3"
    python.write_text(f'#!/bin/sh\ntouch {started}\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    file = tmp_path / "mine.toml"
    file.write_text(
        "[sample]\nname = 'gauss'\ntrain_signal = 300\ntrain_background = 300\n"
        "[axes]\ntrain_signal = [0, 200, 300]\n[point]\nbatch_size = 20\n"
        f"[environments.other]\npython = '{python}'\n"
        "[[series]]\nmethod = 'keras'\nbackend = 'jax'\nenvironment = 'other'\n"
    )
    before = sorted(tmp_path.rglob("*"))
    study = api.study_file.read(file)
    jobs = api.study_jobs(study, ResultsFolder(tmp_path / "results"), look=True)
    for arguments in (["study", file, "--dry-run"], ["status", file], ["explain", file]):
        answer = CliRunner().invoke(cli.main, [*map(str, arguments)])
        assert answer.exit_code == 0, answer.stderr
    assert sorted(tmp_path.rglob("*")) == before
    assert not started.exists()
    # Where 300 are all, 0 and 300 are one run.
    assert [job.request.point.train_signal for job in jobs] == [0, 200]

    done = api.study_jobs(study, ResultsFolder(tmp_path / "results"))
    assert started.exists()
    assert [job.data.metadata["digest"] for job in done] == [job.data.metadata["digest"] for job in jobs]
    again = api.study_jobs(study, ResultsFolder(tmp_path / "results"), look=True)
    assert [job.name for job in again] == [job.name for job in done]


def test_an_environments_python_is_the_file_named_and_not_that_on_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("./python3", "python3"):
        assert "is missing" in environments.named("other", name, "").missing
    (tmp_path / "python3").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (tmp_path / "python3").chmod(0o755)
    for name in ("./python3", "python3"):
        assert environments.named("other", name, "").python == str(tmp_path / "python3")
    for name in ("~nobodyofthatname/python", "x" * 300, "a/" * 3000):
        assert environments.named("other", name, "").missing


def test_more_threads_than_cores_are_refused(small_input, tmp_path):
    with pytest.raises(UserError, match="take at most"):
        api.run(small_input, "keras", backend="jax", threads=100_000, folder=tmp_path, point={"batch_size": 50})


def test_more_events_than_the_memory_holds_are_refused(tmp_path):
    with pytest.raises(UserError, match="at most .* fit"):
        api.generate(tmp_path / "x.root", train_signal=10**12)
    with pytest.raises(UserError, match="at most 2000"):
        api.generate(tmp_path / "x.root", variables=10**6)
    for values in ({"correlation": "x"}, {"seed": True}, {"weights": 3}, {"variables": 2.5}):
        with pytest.raises(UserError, match="must be"):
            api.generate(tmp_path / "x.root", **values)
