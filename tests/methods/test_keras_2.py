"""Keras 2.15, that of ROOT up to 6.38: PyKeras on the double of TMVA, and Keras itself, where env-keras2 was made."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import setup_env
from double import recordings

from tmva_bench.engines import tmva_files
from tmva_bench.running import environments

KERAS2 = setup_env.keras2_environment()
pytestmark = pytest.mark.skipif(not KERAS2.is_complete(), reason="needs .venv-keras2: make env-keras2")
TESTS = Path(__file__).parents[1]
EXECUTIONS = ["batch", pytest.param("epoch", marks=pytest.mark.slow)]
VARIABLES = environments.run_variables(threads=1, backend="tensorflow", architecture="cpu")


def run(run_worker: Any, task: Any, **more: str) -> tuple[dict[str, Any], str]:
    path = str(TESTS.parent)
    variables = {**VARIABLES, **more, "PYTHONPATH": ":".join(filter(None, [more.get("PYTHONPATH"), path]))}
    return run_worker(task, python=str(KERAS2.python), **variables)


@pytest.mark.parametrize("root", ["6.28.00", "6.38.00"])
@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("pykeras-seed-preset", {"max_epochs": 5, "convergence_steps": 99}),
        (
            "pykeras-early-stop",
            {"learning_rate": 0.5, "max_epochs": 60, "convergence_steps": 2, "transformations": "N"},
        ),
    ],
)
def test_pykeras_after_eager_execution_is_off(
    root: str, name: str, values: dict[str, Any], make_task: Any, run_worker: Any
) -> None:
    task = make_task(name, "pykeras", "tensorflow", neurons=20, **values)
    site = str(TESTS / "double" / "site")
    outcome, log = run(run_worker, task, PYTHONPATH=site, TMVA_DOUBLE_ROOT_VERSION=root)
    assert outcome["status"] == "ok", f"{outcome}\n{log}"
    assert outcome["parameters"] == 961
    assert 0 < outcome["initial_weights_spread"] < 1
    assert outcome["versions"]["keras"] == "2.15.0"
    assert outcome["roc_integral"] == recordings.case(name)["roc_integral"]


def test_the_double_leaves_keras_2_as_pykeras_does() -> None:
    """Else the tests above would show nothing."""
    code = (
        "import sys, tensorflow\nfrom tensorflow import keras\n"
        "model = keras.Sequential([keras.Input(shape=(2,)), keras.layers.Dense(1)])\nmodel.get_weights()\n"
        "from double import tmva\ntmva._evaluate_with_keras()\nmodel.get_weights()\n"
    )
    child = subprocess.run(
        [str(KERAS2.python), "-c", code], env={**VARIABLES, "PYTHONPATH": str(TESTS)}, capture_output=True, text=True
    )
    assert child.returncode == 1
    assert "get_weights" in child.stderr or "numpy" in child.stderr, child.stderr[-1000:]


@pytest.mark.parametrize("execution", EXECUTIONS)
@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("dnn-seed-preset", {"max_epochs": 5}),
        ("dnn-adam", {"max_epochs": 4, "optimizer": "adam", "learning_rate": 0.003}),
        (
            "dnn-momentum-l2",
            {
                "max_epochs": 3,
                "momentum": 0.9,
                "learning_rate": 0.05,
                "batch_size": 64,
                "regularization": "l2",
                "weight_decay": 0.001,
            },
        ),
        ("dnn-rmsprop", {"max_epochs": 4, "optimizer": "rmsprop", "learning_rate": 0.003}),
        ("dnn-adagrad", {"max_epochs": 4, "optimizer": "adagrad"}),
    ],
)
def test_keras_2_replays_tmvas_trainings(
    name: str, values: dict[str, Any], execution: str, make_task: Any, run_worker: Any
) -> None:
    task = make_task(name, "keras", "tensorflow", neurons=20, execution=execution, **values)
    outcome, log = run(run_worker, task)
    assert outcome["status"] == "ok", f"{outcome}\n{log}"
    table = tmva_files.epoch_table(recordings.log(name))
    assert [epoch[1] for epoch in outcome["history"]] == pytest.approx([e.training_loss for e in table], abs=1e-5)
    assert [epoch[2] for epoch in outcome["history"]] == pytest.approx([e.validation_loss for e in table], abs=1e-5)
    assert outcome["versions"]["keras"] == "2.15.0"
    assert Path(task.folder, "model.h5").exists()


@pytest.mark.parametrize("execution", EXECUTIONS)
def test_keras_2_has_what_the_common_basis_has(execution: str, make_task: Any, run_worker: Any) -> None:
    values = {"activation": "gauss", "dropout": 0.1, "loss": "sum_of_squares", "optimizer": "adadelta"}
    values["execution"] = execution
    outcome, log = run(run_worker, make_task("dnn-seed-preset", "keras", "tensorflow", max_epochs=2, **values))
    assert outcome["status"] == "ok", f"{outcome}\n{log}"
    masks = {"dropout": 0.1, "dropout_rule": "tmva", "max_epochs": 1, "execution": execution}
    refused, _ = run(run_worker, make_task("dnn-seed-preset", "keras", "tensorflow", **masks))
    assert (refused["status"], refused["reason"].split(",")[0]) == ("unavailable", "dropout_rule = tmva needs Keras 3")
