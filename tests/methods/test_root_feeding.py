"""Batches by ROOT's data loader: their events, what becomes of a training, the time, and what is refused."""

import json
import subprocess
import sys
import types
from pathlib import Path

import numpy
import pytest
import uproot
from click.testing import CliRunner
from made_up_rows import row
from points import RECORDED

import tmva_bench
from tmva_bench import cli
from tmva_bench.basis import config, mapping, parsing
from tmva_bench.engines import root_loader, tmva_files
from tmva_bench.engines.keras_training import Arrays
from tmva_bench.errors import TrainingFailed, Unavailable, UserError
from tmva_bench.events import roc
from tmva_bench.methods import registry
from tmva_bench.results import naming
from tmva_bench.running import runner
from tmva_bench.study import file as study_file
from tmva_bench.study import plan, requests

FED = parsing.point({"feeding": "root"})


def skip_without_loader(reason):
    if "has no data loader" in reason:
        pytest.skip(reason)


LOADED = """
import json, sys
import numpy
from tmva_bench.basis import mapping, parsing
from tmva_bench.engines import root_loader, tmva_files
from tmva_bench.engines.keras_training import Arrays
from tmva_bench.engines.stopwatch import Stopwatch
from tmva_bench.errors import Unavailable

def epochs(events, seed, batch):
    watch = Stopwatch()
    training = mapping.training(parsing.point({"feeding": "root", "seed": seed, "batch_size": batch}))
    loader = root_loader.Loader(training, events, ".", watch)
    loader.compile()
    feed = loader.feed(lambda x: x + 1)
    return [[[array.tolist() for array in batch] for batch in feed()] for _ in range(3)], watch.seconds

number = numpy.arange(1000, dtype=numpy.float32)
events = Arrays(numpy.stack([number, -number], axis=1), number[:, None] % 2, number / 2)
try:
    print(json.dumps([epochs(events, seed, batch) for seed, batch in ((1, 50), (1, 50), (2, 50), (1, 60))]))
except Unavailable as error:
    print(json.dumps(str(error)))
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """The batches of three epochs of a thousand numbered events, for several seeds and batch sizes."""
    pytest.importorskip("ROOT")
    folder = tmp_path_factory.mktemp("loaded")
    child = subprocess.run([sys.executable, "-c", LOADED], cwd=folder, capture_output=True, text=True)
    assert child.returncode == 0, child.stderr
    answer = json.loads(child.stdout)
    if isinstance(answer, str):
        skip_without_loader(answer)
    assert list(folder.iterdir()) == []
    return answer


def numbers(epoch):
    return [x[0] - 1 for batch in epoch for x in batch[0]]


def test_every_event_is_there_once_in_an_epoch(loaded):
    for epochs, _ in loaded[:3]:
        for epoch in epochs:
            assert [len(batch[2]) for batch in epoch] == [50] * 20
            assert sorted(numbers(epoch)) == list(range(1000))
    # What does not fill a batch is left out, as MethodDL has it.
    for epoch in loaded[3][0]:
        assert [len(batch[2]) for batch in epoch] == [60] * 16
        assert len(set(numbers(epoch))) == 960


def test_variables_targets_and_weights_stay_together(loaded):
    for batch in loaded[3][0][2]:
        x, y, w = map(numpy.array, batch)
        assert (x[:, 1] - 1 == -(x[:, 0] - 1)).all()
        assert (y[:, 0] == (x[:, 0] - 1) % 2).all()
        assert (w == (x[:, 0] - 1) / 2).all()


def test_the_seed_makes_the_order(loaded):
    (first, _), (again, _), (other, _), _ = loaded
    assert first == again
    assert numbers(first[0]) != list(range(1000))
    assert numbers(first[0]) != numbers(other[0])


def test_the_loader_is_timed_apart(loaded):
    for _, seconds in loaded:
        assert set(seconds) == {"cpu_time_feed", "real_time_feed"}
        assert min(seconds.values()) > 0


@pytest.fixture
def trained(run_worker, make_task):
    def run(method, backend, *, with_area=False, **values):
        values = {"neurons": 8, "max_epochs": 4, "batch_size": 60, **values}
        task = make_task("dnn-seed-preset", method, backend, **values)
        outcome, log = run_worker(task, **({"KERAS_BACKEND": backend} if method == "keras" else {}))
        skip_without_loader(outcome.get("reason", ""))
        assert outcome["status"] == "ok", log
        if not with_area:
            return outcome
        with uproot.open(Path(task.folder, "scores.root")) as file:
            scores = [file[tree]["score"].array(library="np") for tree in ("TestS", "TestB")]
        weights = [numpy.ones(len(some)) for some in scores]
        return outcome, roc.area_of(roc.placements(*scores, *weights), *weights)

    return run


def losses(outcome):
    return [epoch[1:3] for epoch in outcome["history"]]


def test_plain_pytorch_trains_on_them(trained, request):
    pytest.importorskip("torch")
    fed = trained("torch", "torch", **RECORDED["dnn-seed-preset"], feeding="root")
    log = request.config.rootpath / "tests" / "data" / "recordings" / "dnn-seed-preset" / "stdout.log"
    tmvas = [epoch[1:3] for epoch in tmva_files.epoch_table(log.read_text(errors="replace"))]
    # The same start and events as TMVA's, in another order.
    assert numpy.array(losses(fed)) == pytest.approx(numpy.array(tmvas), rel=0.1)
    assert numpy.array(losses(fed)) != pytest.approx(numpy.array(tmvas), rel=1e-4)
    assert losses(fed)[-1] < losses(fed)[0]
    assert 0 < fed["real_time_feed"] < fed["real_time_train"]
    assert fed["cpu_time_feed"] > 0
    assert fed["real_time_compile"] > 0


@pytest.mark.slow
def test_the_events_and_the_start_are_those_of_arrays(trained):
    pytest.importorskip("torch")
    (fed, area), (usual, usual_area) = (
        trained("torch", "torch", feeding=feeding, max_epochs=20, with_area=True) for feeding in ("root", "array")
    )
    for name in ("training_digest", "validation_digest", "test_digest", "untrained_loss"):
        assert fed[name] == usual[name]
    assert area == pytest.approx(usual_area, abs=0.02)
    assert not {"real_time_feed", "cpu_time_feed", "real_time_compile"} & set(usual)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "tensorflow", "torch"])
@pytest.mark.parametrize(
    "values",
    [{}, {"dropout": 0.2, "dropout_rule": "tmva", "regularization": "l2", "weight_decay": 1e-3}],
    ids=["plain", "masks and l2"],
)
def test_keras_trains_on_the_same_batches_as_plain_pytorch(trained, backend, values):
    pytest.importorskip("torch")
    pytest.importorskip(backend)
    pytorch = trained("torch", "torch", feeding="root", **values)
    keras = trained("keras", backend, feeding="root", **values)
    assert numpy.array(losses(keras)) == pytest.approx(numpy.array(losses(pytorch)), rel=2e-5)
    assert 0 < keras["real_time_feed"] < keras["real_time_train"]


def stand_in(batches):
    """A ROOT whose data loader gives these batches."""
    loader = types.SimpleNamespace(as_numpy=lambda: batches)
    learning = types.SimpleNamespace(RDataLoader=lambda frame, **_: loader)
    return types.SimpleNamespace(Experimental=types.SimpleNamespace(ML=learning), RDataFrame=lambda *_: None)


def of(tmp_path, events=10):
    training = mapping.training(parsing.point({"feeding": "root", "batch_size": 2}))
    arrays = Arrays(numpy.zeros((events, 1), "f4"), numpy.zeros((events, 1), "f4"), numpy.ones(events, "f4"))
    return root_loader.Loader(training, arrays, str(tmp_path), types.SimpleNamespace(seconds={}))


def test_batches_that_are_missing_are_no_training(tmp_path, monkeypatch):
    batch = (numpy.zeros((2, 1)), numpy.zeros((2, 1)), numpy.ones((2, 1)))
    monkeypatch.setitem(sys.modules, "ROOT", stand_in([batch] * 4))
    loader = of(tmp_path)
    with pytest.raises(TrainingFailed, match="gave 4 batches of 5; take feeding = array"):
        loader.compile()
    of(tmp_path, events=8).compile()


def test_a_root_without_the_loader_has_a_cure(tmp_path, monkeypatch):
    old = types.SimpleNamespace(
        Experimental=types.SimpleNamespace(), gROOT=types.SimpleNamespace(GetVersion=lambda: "6.36/04")
    )
    monkeypatch.setitem(sys.modules, "ROOT", old)
    with pytest.raises(Unavailable, match=r"ROOT 6.36/04 has no data loader .*; take ROOT 6.40, or feeding = array"):
        of(tmp_path)


def test_what_does_not_belong_together_is_refused(tmp_path, small_input):
    for values in ({"execution": "epoch"}, {"start": "keras"}):
        with pytest.raises(UserError, match="feeding = root.*"):
            parsing.point({"feeding": "root", **values})
    for method in ("tmva-dnn", "pykeras", "boosting", "linear", "tmva-bdt", "dae"):
        assert method not in registry.with_parameter("feeding")
        with pytest.raises(UserError, match=r"feeding = root: .* leave it out, or take method keras or torch"):
            requests.make_request(config.Point(feeding="root", transformations="A(k=3)"), method, None)
    command = ["run", str(small_input), "--method", "keras", "--feeding", "root", "--execution", "epoch"]
    refused = CliRunner().invoke(cli.main, [*command, "--results", str(tmp_path)])
    assert refused.exit_code == 2
    assert "use execution = batch with feeding = root" in refused.output


def test_runs_of_before_keep_their_names(monkeypatch):
    monkeypatch.setattr(tmva_bench, "__version__", "0")
    environment = types.SimpleNamespace(versions={"root": "6.40"}, name="venv")
    data = types.SimpleNamespace(metadata={"digest": "0"})
    names = [
        runner.identify(requests.Request(point, "keras", "jax"), data, environment, machine="a processor")
        for point in (config.Point(), config.Point(feeding="root"))
    ]
    # As it was before there was the parameter.
    assert names[0] == "keras-jax-sgd-e0913deaa0e3"
    assert names[1] != names[0]


STUDY = """
[sample]
name = "gauss"
[[series]]
method = "torch"
[[series]]
method = "torch"
feeding = "root"
"""


def test_two_series_of_a_study_may_differ_in_it(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(STUDY)
    assert [run.request.point.feeding for run in plan.plan(study_file.read(path))] == ["array", "root"]
    path.write_text(STUDY.replace("[[series]]", '[axes]\nfeeding = ["array", "root"]\n[[series]]', 1))
    with pytest.raises(UserError, match=r"keras and torch alone have it; put one value under .only.keras., or in a"):
        study_file.read(path)


def test_it_is_told_with_the_series():
    series = naming.Series("keras", "jax", "cpu", "sgd", feeding="root")
    assert naming.series_name(series) == "keras jax root sgd"
    assert naming.series_label(series) == "Keras, JAX, fed by ROOT, SGD"
    assert naming.spoken(series) == "Keras on JAX fed by ROOT (SGD)"
    fed = row(method="torch", backend="torch", feeding="root")
    (note,) = naming.unequal([fed, row(method="torch", backend="torch", feeding="array")])
    assert note.startswith("not equal: order of the events by ROOT's data loader, not TMVA's: torch root sgd;")
    assert naming.kinds([fed, row(method="torch", backend="torch")]) == [
        "the same training by other engines: torch sgd; the same network, otherwise trained: torch root sgd"
    ]
    for method in ("keras", "torch"):
        assert registry.of(method).paired(config.Point(), "cpu")
        assert not registry.of(method).paired(FED, "cpu")
