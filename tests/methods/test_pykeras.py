import math
import shutil
from pathlib import Path
from typing import Any

import pytest
from double import recordings, tmva
from double.root import DoubledRoot

from tmva_bench.engines import keras_network, keras_training, tmva_files, tmva_weights
from tmva_bench.engines.stopwatch import Stopwatch
from tmva_bench.errors import TrainingFailed, Unavailable
from tmva_bench.methods import Task, pykeras

SITE = str(Path(__file__).parents[1] / "double" / "site")
RECORDED: dict[str, dict[str, Any]] = {
    "pykeras-seed-preset": {"max_epochs": 5, "convergence_steps": 99},
    "pykeras-early-stop": {
        "learning_rate": 0.5,
        "max_epochs": 60,
        "convergence_steps": 2,
        "transformations": "N",
    },
}


class Keras:
    """The little of Keras 2.15 that the method itself calls; what it saves is a recorded model."""

    __version__ = "2.15.0"

    class utils:  # noqa: N801
        seeds: list[int] = []

        @classmethod
        def set_random_seed(cls, seed: int) -> None:
            cls.seeds.append(seed)


class Model:
    def __init__(self, name: str) -> None:
        self._name = name

    def save(self, path: str) -> None:
        shutil.copy(recordings.FOLDER / self._name / Path(path).name, path)


class Backend:
    __version__ = "2.15.1"


def _before_tmva(value: float) -> float:
    """Afterwards Keras 2 has no weights to give."""
    assert not tmva.CALLS
    return value


@pytest.fixture
def keras_2(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Keras 2 in the place of the one that is installed, with a recorded model."""

    def install(name: str) -> None:
        pytest.importorskip("h5py")
        monkeypatch.setattr(keras_training, "load", lambda backend: (Keras, Backend))
        monkeypatch.setattr(keras_network, "build_for_pykeras", lambda keras, point, inputs: Model(name))
        monkeypatch.setattr(keras_network, "set_weights", lambda model, weights: None)
        monkeypatch.setattr(keras_network, "trainable_parameters", lambda model: _before_tmva(961))
        monkeypatch.setattr(keras_network, "weights_spread", lambda model: _before_tmva(0.25))

    return install


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_run(name: str, doubled: Any, make_task: Any, logged: Any, keras_2: Any) -> None:
    keras_2(name)
    task, watch = make_task(name, "pykeras", "tensorflow", neurons=20, seed=7, **RECORDED[name]), Stopwatch()
    with logged(task.folder):
        outcome = pykeras.run(task, watch)
    stored = tmva_files.read_history(str(recordings.FOLDER / name / "TMVA.root"), "Method")
    epochs = {"pykeras-seed-preset": 5, "pykeras-early-stop": 6}[name]
    assert [epoch.epoch for epoch in outcome.history] == list(range(1, epochs + 1))
    assert [epoch.training_loss for epoch in outcome.history] == stored["loss"][:epochs].tolist()
    assert [epoch.validation_loss for epoch in outcome.history] == stored["val_loss"][:epochs].tolist()
    assert all(math.isnan(epoch.real_time) for epoch in outcome.history)
    assert outcome.best_epoch == 3
    assert f"Epoch 3: val_loss improved from {stored['val_loss'][:2].min():.5f}" in recordings.log(name)
    assert outcome.validation_loss == stored["val_loss"][2]
    assert outcome.roc_integral == recordings.case(name)["roc_integral"]
    assert outcome.real_time_fit == tmva_weights.training_time(recordings.weight_file(name))
    assert outcome.versions["keras"] == "2.15.0"
    assert outcome.versions["backend"] == "2.15.1"
    assert outcome.scores["TestS"].mean() > outcome.scores["TestB"].mean()
    assert (outcome.initial_weights_spread, outcome.parameters) == (0.25, 961)
    assert Keras.utils.seeds[-1] == 7


@pytest.mark.parametrize(("version", "option"), [((6, 26), "tf.keras"), ((6, 28), "tfkeras"), ((6, 40), "tfkeras")])
def test_keras_2_is_booked_as_tf_keras(version: tuple[int, int], option: str, make_task: Any) -> None:
    task = make_task("pykeras-seed-preset", "pykeras", "tensorflow", neurons=20, **RECORDED["pykeras-seed-preset"])
    options = pykeras._options(task, Keras, version, Model("pykeras-seed-preset"))
    recorded = recordings.booking("pykeras-seed-preset").options
    assert options == recorded.replace("tfkeras", option)
    assert Path(task.folder, "model.h5").exists()


def test_keras_3_is_booked_with_its_own_format(make_task: Any) -> None:
    class Keras3:
        __version__ = "3.15.1"

    class Saved:
        def save(self, path: str) -> None:
            Path(path).touch()

    task = make_task("pykeras-seed-preset", "pykeras", "tensorflow")
    options = pykeras._options(task, Keras3, (6, 40), Saved())
    assert ":FilenameModel=model.keras:FilenameTrainedModel=trained.keras:" in options
    assert "tf" not in options
    assert Path(task.folder, "model.keras").exists()


def test_keras_3_with_an_old_root() -> None:
    with pytest.raises(Unavailable, match=r"PyKeras of ROOT 6\.30 takes Keras 2 .* here is Keras 3\.15\.1"):
        pykeras._check_keras((6, 30), "3.15.1")
    pykeras._check_keras((6, 30), "2.15.0")
    pykeras._check_keras((6, 40), "3.15.1")
    pykeras._check_keras((6, 20), "2.3.1")
    pykeras._check_keras((6, 26), "2.15.0")
    with pytest.raises(Unavailable, match=r"ROOT 6\.20 takes Keras up to 2\.3, here is Keras 2\.15\.0; .*6\.20-theano"):
        pykeras._check_keras((6, 20), "2.15.0")


def test_root_that_has_no_pykeras(doubled: Any) -> None:
    real = doubled.__dict__["_real"]
    pykeras._require(doubled)
    hidden = DoubledRoot(real)
    hidden.__dict__["TClass"] = type("TClass", (), {"GetClass": lambda name, load, silent: name == "TMVA::Factory"})
    with pytest.raises(Unavailable, match="built without PyMVA; make env ROUTE=conda"):
        pykeras._require(hidden)
    gone = DoubledRoot(real, "6.44.00")
    gone.__dict__["TClass"] = hidden.__dict__["TClass"]
    with pytest.raises(Unavailable, match="PyKeras left TMVA with ROOT 6.44; use the method keras"):
        pykeras._require(gone)


def test_nothing_trained() -> None:
    with pytest.raises(TrainingFailed, match="nothing was trained"):
        pykeras._history(str(recordings.FOLDER / "input.root"))


def test_child_without_tmva_does_not_load_keras(make_task: Any, run_worker: Any) -> None:
    root = pytest.importorskip("ROOT")
    if root.TClass.GetClass("TMVA::Factory", True, True):
        pytest.skip("this ROOT has TMVA")
    outcome, log = run_worker(make_task("pykeras-seed-preset", "pykeras", "tensorflow"), KERAS_BACKEND="tensorflow")
    assert outcome["status"] == "unavailable"
    assert "has no TMVA" in outcome["reason"]
    assert "TensorFlow" not in log


def test_child_with_keras_3(make_task: Any, run_worker: Any) -> None:
    pytest.importorskip("ROOT")
    backend = next((name for name in ("jax", "tensorflow") if _has(name)), None)
    if not backend:
        pytest.skip("needs Keras 3 on jax or tensorflow")
    task: Task = make_task("pykeras-seed-preset", "pykeras", backend, neurons=20, max_epochs=5, activation="gauss")
    _, log = run_worker(task, KERAS_BACKEND=backend, PYTHONPATH=SITE)
    # The double takes the model that was saved, with its two outputs, up to where it has nothing to answer.
    assert "no recording of this booking" in log, log
    assert "<FATAL>" not in log


def _has(name: str) -> bool:
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return int(installed("keras").split(".")[0]) >= 3 and bool(installed(name))
    except PackageNotFoundError:
        return False


@pytest.mark.tmva
@pytest.mark.parametrize(
    ("values", "least"),
    [
        ({}, 0.83),
        ({"optimizer": "adam", "activation": "gauss", "dropout": 0.1}, 0.8),
        ({"loss": "sum_of_squares", "transformations": "N", "regularization": "l2", "weight_decay": 1e-4}, 0.75),
    ],
)
def test_real_pykeras(values: dict[str, Any], least: float, make_task: Any, run_worker: Any) -> None:
    task = make_task("pykeras-one-logit", "pykeras", "tensorflow", **{"neurons": 20, "max_epochs": 5, **values})
    outcome, log = run_worker(task, KERAS_BACKEND="tensorflow")
    if outcome["status"] == "unavailable":
        pytest.skip(outcome["reason"])
    assert outcome["status"] == "ok", f"{outcome}\n{log}"
    assert outcome["parameters"] == 961
    assert outcome["epochs"] == 5
    assert outcome["history"][-1][2] < outcome["history"][0][2] * 1.05
    assert outcome["roc_integral"] > least
    if not values:
        assert outcome["roc_integral"] == pytest.approx(recordings.case("pykeras-one-logit")["roc_integral"], abs=0.01)


@pytest.mark.tmva
def test_real_pykeras_stops_early(make_task: Any, run_worker: Any) -> None:
    values = {"neurons": 20, **RECORDED["pykeras-early-stop"]}
    outcome, log = run_worker(
        make_task("pykeras-early-stop", "pykeras", "tensorflow", **values), KERAS_BACKEND="tensorflow"
    )
    if outcome["status"] == "unavailable":
        pytest.skip(outcome["reason"])
    assert outcome["status"] == "ok", f"{outcome}\n{log}"
    assert outcome["epochs"] == outcome["best_epoch"] + 3 < 60
