"""Boosted trees and logistic regression as runs: on the events and parts of the networks, and their transformations."""

import numpy
import pytest
import uproot

from tmva_bench.basis import parsing
from tmva_bench.engines import boosting, keras_training, linear, trees
from tmva_bench.errors import UserError
from tmva_bench.events import inputs, transforms
from tmva_bench.methods import registry
from tmva_bench.results.folder import ResultsFolder
from tmva_bench.running import runner
from tmva_bench.study import requests

pytest.importorskip("sklearn")
SERIES = [("boosting", "sklearn"), ("boosting", "xgboost"), ("linear", "sklearn")]


@pytest.fixture(scope="module")
def ran(tmp_path_factory, small_input):
    """Runs a method in a child; gives its record and the folder that it left."""
    pytest.importorskip("ROOT")
    results = ResultsFolder(tmp_path_factory.mktemp("classifiers") / "results")
    data = inputs.read(small_input)

    def run(method, backend, architecture="cpu", **values):
        point = parsing.point(requests.known_to(registry.of(method), {"max_epochs": 5, "batch_size": 50, **values}))
        request = requests.make_request(point, method, backend, architecture=architecture)
        with results.held():
            record = runner.run_one(request, data, results)
        return record, results.path / "runs" / record.row.run_id

    return run


@pytest.mark.parametrize(("method", "backend"), SERIES)
def test_a_run_is_trained_validated_and_tested_on_the_events_of_the_networks(ran, method, backend):
    if backend == "xgboost":
        pytest.importorskip("xgboost")
    row = ran(method, backend)[0].row
    network = ran("keras", "jax")[0].row
    assert row.status == "ok", row.reason
    for name in ("training_digest", "validation_digest", "test_digest", "input_digest"):
        assert row.value(name) == network.value(name) != ""
    assert 0.6 < row.roc_auc <= 1
    assert row.validation_loss < row.untrained_loss
    assert (row.keras_version, row.device) == ("", "cpu")
    assert row.backend_version
    assert (row.neurons, row.optimizer, row.loss) == (0, "", "cross_entropy")
    assert row.run_id.startswith(f"{method}-{backend}-")
    assert "--" not in row.run_id


@pytest.mark.parametrize(
    ("method", "file", "read"), [("boosting", trees.FILE, trees.read), ("linear", linear.FILE, linear.read)]
)
def test_what_is_stored_gives_the_scores_of_the_run(ran, small_input, method, file, read):
    record, folder = ran(method, "sklearn", transformations="N,P", norm_mode="num_events")
    assert record.row.status == "ok", record.row.reason
    model, data = read(folder / file), inputs.read(small_input)
    events = keras_training.training_vector(data, record.row.split_seed, "num_events")
    chain = transforms.Chain(["N", "P"], events.x, events.w)
    with uproot.open(folder / "scores.root") as scores:
        for tree in inputs.TREES:
            stored = scores[tree]["score"].array(library="np")
            assert numpy.abs(model.score(chain(data.events[tree])) - stored).max() <= 1e-12
    assert not [path for path in folder.rglob("*") if path.suffix in (".pkl", ".pickle", ".joblib", ".npy")]


def test_a_gpu_is_none_of_theirs(ran):
    for method, backend in (SERIES[0], SERIES[2]):
        row = ran(method, backend, architecture="gpu")[0].row
        assert row.status == "unavailable"
        assert "take architecture cpu" in row.reason


def test_rounds_are_epochs_of_the_history(ran):
    record, _ = ran("boosting", "sklearn", max_epochs=7)
    assert record.row.epochs == len(record.history) == 7
    single, _ = ran("linear", "sklearn")
    assert (single.row.epochs, single.row.best_epoch, single.row.parameters) == (1, 1, 5)


def test_a_part_without_events_is_refused_before_anything_runs(small_input):
    request = requests.make_request(parsing.point({"validation_fraction": 1e-4}), "boosting", None)
    with pytest.raises(UserError, match="nothing is left for the validation part of the 1000 training events"):
        inputs.check_batches(inputs.read(small_input), request.point)


@pytest.mark.parametrize("content", [b"", b"{}", b"\x00" * 100, b'{"learner": {}}'])
def test_damaged_trees_of_xgboost_are_told_in_one_line(tmp_path, content):
    pytest.importorskip("xgboost")
    (tmp_path / boosting.XGBOOST_FILE).write_bytes(content)
    with pytest.raises(UserError, match=r"xgboost\.json: cannot be read as trees of XGBoost") as error:
        boosting.LIBRARIES["xgboost"].read(tmp_path)
    assert "\n" not in str(error.value)
