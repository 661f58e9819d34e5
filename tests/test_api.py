"""What scripts use, and the README's example, which must run as it stands."""

import subprocess
import sys

import pytest
import uproot

import tmva_bench
from tmva_bench import api, config
from tmva_bench.errors import UserError


def test_the_names_that_a_script_imports():
    assert tmva_bench.Point is config.Point
    assert (tmva_bench.generate, tmva_bench.run) == (api.generate, api.run)
    with pytest.raises(AttributeError, match="no attribute 'genrate'"):
        _ = tmva_bench.genrate


def test_the_example_runs(request, tmp_path):
    example = request.config.rootpath / "examples" / "benchmark.py"
    answer = subprocess.run([sys.executable, str(example)], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    with uproot.open(tmp_path / "results" / "example" / "results.root") as file:
        rows = file["benchmark"].arrays(["method", "status", "reason", "roc_auc"], library="np")
    assert sorted(rows["method"]) == ["keras", "pykeras", "tmva-dnn"]
    for method, status, reason, area in zip(*rows.values(), strict=True):
        # A method without TMVA is a row with its reason, and no number.
        assert (status == "ok" and area > 0.8) if method == "keras" or status == "ok" else (reason and area != area)


def test_fewer_events_make_a_derived_input_file(small_input, tmp_path):
    data = api.inputs.read(small_input)
    point = config.point({"batch_size": 20, "train_signal": 200})
    taken = api.prepare_input(data, point, tmp_path)
    assert len(taken.events["TrainS"]) == 200
    assert (taken.events["TrainS"] == data.events["TrainS"][:200]).all()
    assert api.prepare_input(data, config.point({"batch_size": 20}), tmp_path) is data


def test_unknown_sample_and_parameter(tmp_path):
    with pytest.raises(UserError, match="did you mean 'rings'"):
        api.generate(tmp_path / "x.root", "ring")
    with pytest.raises(UserError, match="did you mean 'separation'"):
        api.generate(tmp_path / "x.root", "gauss", seperation=2)
