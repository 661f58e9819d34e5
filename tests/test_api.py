"""What scripts use."""

import pytest

import tmva_bench
from tmva_bench import api, config
from tmva_bench.errors import UserError


def test_the_names_that_a_script_imports():
    assert tmva_bench.Point is config.Point
    assert (tmva_bench.generate, tmva_bench.run) == (api.generate, api.run)
    with pytest.raises(AttributeError, match="no attribute 'genrate'"):
        _ = tmva_bench.genrate


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
