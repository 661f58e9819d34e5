"""Keras 2.3 on Theano: what its child imports keeps to Python 3.8, and its trainings are those of Keras 3."""

import ast
import importlib.util
import json
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy
import pytest
import setup_env
from scipy import special, stats

from tmva_bench.basis import mapping, parsing
from tmva_bench.engines import keras_2_3
from tmva_bench.errors import Unavailable
from tmva_bench.events import inputs
from tmva_bench.methods import Task, pykeras, registry
from tmva_bench.results.folder import ResultsFolder
from tmva_bench.running import environments, runner
from tmva_bench.study import requests

CHECKOUT = Path(__file__).parents[2]
PACKAGE = CHECKOUT / "tmva_bench"
THEANO = setup_env.theano_environment()
needs_theano = pytest.mark.skipif(not THEANO.is_complete(), reason="needs .venv-theano: make env-theano")
needs_jax = pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="needs jax")

NET = {"neurons": 20, "layers": 2, "max_epochs": 3, "batch_size": 50}
TRAININGS = {
    "sgd": {},
    "rmsprop": {"optimizer": "rmsprop", "regularization": "l1", "weight_decay": 1e-4, "activation": "gauss"},
    "adagrad": {
        "optimizer": "adagrad",
        "regularization": "l2",
        "weight_decay": 1e-3,
        "activation": "symmrelu",
        "loss": "sum_of_squares",
    },
}

# Logits beyond those where Keras 2.3 by itself clips.
LOGITS = numpy.array([-40, -20, -3, 0, 2, 20, 40], numpy.float32)[:, None]
TARGETS = numpy.array([1, 0, 1, 1, 0, 1, 0], numpy.float32)[:, None]
WEIGHTS = numpy.array([0.5, 1, 2, 1, 0.3, 1, 0.8], numpy.float32)
DISTRIBUTIONS = {
    "gauss": stats.norm(scale=(2 / 150) ** 0.5),
    "uniform": stats.uniform(-((2 / 150) ** 0.5), 2 * (2 / 150) ** 0.5),
    "xavier": stats.truncnorm(-2, 2, scale=(6 / 400) ** 0.5),
    "xavier_uniform": stats.uniform(-((6 / 400) ** 0.5), 2 * (6 / 400) ** 0.5),
}

# Runs under Python 3.8.
MEASURE = """
import json, sys
from pathlib import Path
import numpy
from tmva_bench.basis import mapping, parsing
from tmva_bench.engines import keras_network, keras_training
from tmva_bench.errors import Unavailable

folder = Path(sys.argv[1])
given = json.loads((folder / "given.json").read_text())
z, y, w = (numpy.array(given[name], numpy.float32) for name in ("logits", "targets", "weights"))
keras, _ = keras_training.load("theano")
found = {}

model = keras_network.build(keras, mapping.training(parsing.point({"layers": 0, "learning_rate": 1.0})), 1)
model.set_weights([numpy.array([[1.0]]), numpy.array([0.0])])
found["loss"] = float(model.evaluate(z, y, len(z), sample_weight=w, verbose=0))
model.train_on_batch(z, y, sample_weight=w)
found["step"] = [float(weight.ravel()[0]) for weight in model.get_weights()]

found["draws"] = {}
for name in given["initializers"]:
    wide = parsing.point({"neurons": 250, "layers": 1, "initializer": name})
    model = keras_network.build(keras, mapping.training(wide), 150)
    found["draws"][name] = model.get_weights()[0].ravel().tolist()

point = parsing.point(given["stored"])
model = keras_network.build(keras, mapping.training(point), 1)
model.train_on_batch(z, y, sample_weight=w)
model.save(str(folder / "model.h5"))
loaded = keras.models.load_model(str(folder / "model.h5"))
found["stored"] = [type(loaded.optimizer).__name__, loaded.layers[1].kernel_initializer.distribution]
found["outputs"] = [m.predict(z).ravel().tolist() for m in (model, loaded)]
found["losses"] = [[float(m.train_on_batch(z, y, sample_weight=w)) for _ in range(2)] for m in (model, loaded)]

try:
    keras.optimizers.Adagrad(learning_rate=0.1, initial_accumulator_value=0.1, epsilon=1e-8)
except Unavailable as error:
    found["refused"] = str(error)

pair = keras_network.build_for_pykeras(keras, mapping.training(point), 1)
pair.set_weights(model.get_weights() + pair.layers[-1].get_weights())
found["pair"] = pair.predict(z).tolist()
found["single"] = model.predict(z).ravel().tolist()
found["parameters"] = [keras_network.trainable_parameters(m) for m in (model, pair)]
(folder / "found.json").write_text(json.dumps(found))
"""


def variables() -> dict[str, str]:
    return environments.run_variables(threads=1, backend="theano", architecture="cpu")


def children() -> set[str]:
    """Modules that a child imports, by reading their import statements; paths in the package."""
    waiting = ["tmva_bench.methods.worker", "tmva_bench.methods.encode_worker", "tmva_bench.methods.replay_worker"]
    waiting += [f"tmva_bench.methods.{name}" for name in registry._MODULES]
    processes: set[Path] = set()
    while waiting:
        module = waiting.pop()
        path = CHECKOUT.joinpath(*module.split("."))
        file = next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)
        if file is None or file in processes:
            continue
        processes.add(file)
        waiting += [module.rpartition(".")[0] or module, *imports(ast.parse(file.read_text()))]
    return {str(file.relative_to(PACKAGE)) for file in processes}


def imports(node: ast.AST) -> list[str]:
    """Modules of the package that are imported below a node, and names that may be modules."""
    if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
        return [name for child in node.orelse for name in imports(child)]
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)]
    return [name for child in ast.iter_child_nodes(node) for name in imports(child)]


ROOMS = ("basis", "engines", "events", "methods")


def rooms() -> list[Path]:
    """Every module of the rooms that a child loads, and the package's own two."""
    return [
        PACKAGE / "__init__.py",
        PACKAGE / "errors.py",
        *(p for room in ROOMS for p in (PACKAGE / room).glob("*.py")),
    ]


def test_a_child_loads_whole_rooms_linted_as_python_3_8() -> None:
    targets = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["ruff"]["per-file-target-version"]
    assert targets == {f"tmva_bench/{{{','.join(ROOMS)}}}/*.py": "py38", "tmva_bench/{__init__,errors}.py": "py38"}
    loaded = {file.parts[0] for file in map(Path, children())}
    assert loaded == {*ROOMS, "__init__.py", "errors.py"}


@needs_theano
def test_what_a_child_imports_runs_under_python_3_8() -> None:
    modules = [".".join(file.relative_to(CHECKOUT).with_suffix("").parts).removesuffix(".__init__") for file in rooms()]
    code = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)\nprint(sys.version_info[:2])"
    command = [str(THEANO.python), "-c", code, *sorted(modules)]
    done = subprocess.run(command, env=variables(), capture_output=True, text=True)
    assert done.stdout == "(3, 8)\n", done.stderr


def test_children_share_a_cache_and_keep_the_users_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THEANO_FLAGS", "blas.ldflags=-lblis,floatX=float64")
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert variables()["THEANO_FLAGS"] == (
        "blas.ldflags=-lblis,floatX=float64,"
        "device=cpu,floatX=float32,openmp=False,base_compiledir=/cache/tmva-bench/theano"
    )
    monkeypatch.delenv("THEANO_FLAGS")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/me")
    flags = environments.run_variables(threads=2, backend="theano", architecture="gpu")["THEANO_FLAGS"]
    assert flags == "device=cuda,floatX=float32,openmp=True,base_compiledir=/home/me/.cache/tmva-bench/theano"
    assert "THEANO_FLAGS" not in environments.run_variables(threads=2, backend="jax", architecture="cpu")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict:
    folder = tmp_path_factory.mktemp("theano")
    values = {
        "logits": LOGITS.tolist(),
        "targets": TARGETS.tolist(),
        "weights": WEIGHTS.tolist(),
        "initializers": list(DISTRIBUTIONS),
        "stored": {**NET, "optimizer": "rmsprop", "activation": "gauss", "initializer": "gauss"},
    }
    (folder / "given.json").write_text(json.dumps(values))
    command = [str(THEANO.python), "-c", MEASURE, str(folder)]
    done = subprocess.run(command, env=variables(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "found.json").read_text())


@needs_theano
def test_cross_entropy_is_that_of_numpy_without_clipping(measured: dict) -> None:
    z, y = LOGITS[:, 0].astype(float), TARGETS[:, 0]
    assert measured["loss"] == pytest.approx((WEIGHTS * (numpy.logaddexp(0, z) - y * z)).mean(), rel=1e-6)
    gradient = WEIGHTS * (special.expit(z) - y) / len(z)
    assert measured["step"] == pytest.approx([1 - (gradient * z).sum(), -gradient.sum()], rel=1e-5)


@needs_theano
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_first_weights_have_tmvas_distribution(measured: dict, name: str) -> None:
    assert stats.kstest(measured["draws"][name], DISTRIBUTIONS[name].cdf).pvalue > 1e-3


@needs_theano
def test_a_start_of_adagrad_that_it_does_not_know_is_refused(measured: dict) -> None:
    assert measured["refused"].startswith("Adagrad of Keras 2.3 starts at 0, not at initial_accumulator_value = 0.1")


@needs_theano
def test_a_stored_model_is_read_back_whole(measured: dict) -> None:
    assert measured["stored"] == ["RootRMSprop", "untruncated_normal"]
    assert measured["outputs"][0] == measured["outputs"][1]
    assert measured["losses"][0] == pytest.approx(measured["losses"][1], rel=1e-6)
    assert measured["losses"][0][1] < measured["losses"][0][0]


@needs_theano
def test_the_pair_of_outputs_for_pykeras(measured: dict) -> None:
    signal = special.expit(measured["single"])
    assert measured["pair"] == pytest.approx(numpy.stack([signal, 1 - signal], axis=1), abs=1e-6)
    assert measured["parameters"] == [1 * 20 + 20 + 20 * 20 + 20 + 20 + 1] * 2


@needs_theano
@needs_jax
@pytest.mark.parametrize("name", TRAININGS)
def test_the_same_training_as_on_jax(small_input: Path, tmp_path: Path, name: str) -> None:
    data = inputs.read(small_input)
    point = parsing.point({**NET, **TRAININGS[name]})
    records = {
        backend: runner.run_one(
            requests.Request(point, "keras", backend),
            data,
            ResultsFolder(tmp_path / backend),
            environment=environments.describe(python),
        )
        for backend, python in (("theano", str(THEANO.python)), ("jax", sys.executable))
    }
    theano, jax = records["theano"], records["jax"]
    assert theano.row.status == jax.row.status == "ok", [r.row.reason for r in records.values()]
    for losses in ("training_loss", "validation_loss"):
        assert len(theano.history) == 3
        assert theano.history.value(losses) == pytest.approx(jax.history.value(losses), abs=1e-4)
    assert theano.row.roc_auc == pytest.approx(jax.row.roc_auc, abs=1e-4)
    assert theano.row.parameters == jax.row.parameters
    versions = [theano.row.value(column) for column in ("keras_version", "backend_version", "device")]
    assert versions == ["2.3.1", "1.0.5", "cpu"]


@needs_theano
@pytest.mark.parametrize(
    ("method", "architecture", "lacks"),
    [("pykeras", "cpu", "has no TMVA"), ("keras", "gpu", "theano sees no GPU here; ")],
)
def test_what_cannot_run_there_says_what_it_lacks(
    small_input: Path, tmp_path: Path, method: str, architecture: str, lacks: str
) -> None:
    # PyPI's Theano comes without the library by which it takes a GPU, and then trains on the CPU.
    request = requests.Request(parsing.point(NET), method, "theano", architecture)
    environment = environments.describe(str(THEANO.python))
    row = runner.run_one(request, inputs.read(small_input), ResultsFolder(tmp_path), environment=environment).row
    assert row.status == "unavailable"
    assert lacks in row.reason


def test_theano_elsewhere_names_the_cure(make_task, run_worker) -> None:
    if importlib.util.find_spec("theano"):
        pytest.skip("Theano is here")
    outcome, _ = run_worker(make_task("dnn-seed-preset", "keras", "theano"), KERAS_BACKEND="theano")
    assert outcome["status"] == "unavailable"
    assert outcome["reason"].startswith("no theano here") and "make env-theano" in outcome["reason"]


class OldKeras:
    """The little of Keras 2.3 that booking PyKeras asks for."""

    __version__ = "2.3.1"


class Model:
    def save(self, path: str) -> None:
        Path(path).touch()


def test_pykeras_takes_keras_2_3_where_root_does(make_task) -> None:
    task: Task = make_task("pykeras-seed-preset", "pykeras", "theano", neurons=20)
    options = pykeras._options(task, OldKeras, (6, 26), Model())
    assert options == mapping.pykeras_options(task.point, "model.h5", "trained.h5", tf_keras=False)
    assert [path.name for path in Path(task.folder).iterdir()] == ["model.h5"]
    pykeras._check_keras((6, 26), "2.3.1")
    for version in ((6, 28), (6, 40)):
        with pytest.raises(Unavailable, match=r"takes later versions than Keras 2\.3\.1; .* ROOT up to 6\.26"):
            pykeras._check_keras(version, "2.3.1")


def test_what_counts_as_old() -> None:
    assert keras_2_3.is_old("2.3.1")
    assert not any(keras_2_3.is_old(version) for version in ("2.4.0", "2.15.0", "3.15.1"))
