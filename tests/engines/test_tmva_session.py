import contextlib
import os
import re
import shutil
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from double import recordings
from double import tmva as double
from double.options import DoubleError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tmva_bench.basis import config, mapping, parsing
from tmva_bench.engines import tmva_session
from tmva_bench.engines.stopwatch import Stopwatch
from tmva_bench.errors import TrainingFailed, Unavailable, UserError

FACTORY = "!V:!Silent:!Color:!DrawProgressBar:Transformations=I:AnalysisType=Classification"
# Bookings that TMVA carries out though they are not what was meant.
QUIET = [
    "quiet-formula-variable",
    "quiet-gpu-without-gpu",
    "quiet-nan-variable",
    "quiet-sigmoid-last",
    "quiet-unknown-optimizer",
    "quiet-unknown-strategy-key",
    "transform-D_Background",
    "transform-N_Signal",
    "transform-P_Signal",
]
FAILED = [name for name in recordings.names() if "failed_in" in recordings.case(name)]
# The points whose bookings were recorded.
POINTS: dict[str, dict[str, Any]] = {
    "dnn-seed-preset": {"max_epochs": 5},
    "dnn-adam": {"optimizer": "adam", "learning_rate": 0.003},
    "dnn-adagrad": {"optimizer": "adagrad", "learning_rate": 0.05},
    "dnn-adadelta": {"optimizer": "adadelta", "learning_rate": 1.0},
    "dnn-rmsprop": {"optimizer": "rmsprop", "learning_rate": 0.003},
    "dnn-momentum": {"learning_rate": 0.05, "momentum": 0.9},
    "dnn-l1": {"regularization": "l1", "weight_decay": 0.001},
    "dnn-l2": {"regularization": "l2", "weight_decay": 0.001},
    "dnn-momentum-l2": {
        "learning_rate": 0.05,
        "momentum": 0.9,
        "batch_size": 64,
        "max_epochs": 3,
        "regularization": "l2",
        "weight_decay": 0.001,
    },
    "dnn-sum-of-squares": {
        "neurons": 10,
        "layers": 1,
        "transformations": "N",
        "loss": "sum_of_squares",
        "max_epochs": 3,
    },
    "dnn-early-stop": {"learning_rate": 0.5, "convergence_steps": 3, "max_epochs": 200},
    "dnn-two-seeds": {"seed": 2, "max_epochs": 5},
    "fatal-validation-below-batch": {"validation_fraction": 0.025, "max_epochs": 5},
}


class Session:
    """Runs :func:`tmva_session.run_factory` on the double in a folder of its own."""

    def __init__(self, root: Any, folder: Path, logged: Callable[[str], contextlib.AbstractContextManager[None]]):
        self.root, self.folder, self._logged = root, folder, logged
        self.watch = Stopwatch()

    def __call__(
        self, booking: recordings.Booking, input_file: Path, threads: int = 1, factory: str = FACTORY
    ) -> float:
        with self._logged(str(self.folder)):
            return tmva_session.run_factory(
                self.root,
                input_file=str(input_file),
                variables=list(booking.variables),
                factory_options=factory,
                split_options=booking.split,
                method=booking.method,
                method_options=booking.options,
                folder=str(self.folder),
                threads=threads,
                watch=self.watch,
            )


@pytest.fixture
def session(doubled: Any, tmp_path: Path, logged: Any) -> Session:
    return Session(doubled, tmp_path, logged)


def replay(root: Any, name: str) -> None:
    """Does the calls of a recorded run, one by one."""
    factory = loader = None
    source = root.TFile.Open(str(recordings.input_file(name)))
    for call in recordings.case(name)["calls"]:
        verb, arguments = call[0], call[1:]
        if verb == "TMVA.Factory":
            factory = root.TMVA.Factory(arguments[0], root.TFile.Open(arguments[1], "RECREATE"), arguments[2])
        elif verb == "TMVA.DataLoader":
            loader = root.TMVA.DataLoader(*arguments)
        elif verb == "TMVA.PyMethodBase.PyInitialize":
            root.TMVA.PyMethodBase.PyInitialize()
        elif verb in ("AddSignalTree", "AddBackgroundTree", "AddRegressionTree"):
            getattr(loader, verb)(source.Get(arguments[0]), arguments[1], getattr(root.TMVA.Types, arguments[2]))
        elif verb == "PrepareTrainingAndTestTree":
            loader.PrepareTrainingAndTestTree(root.TCut(arguments[0]), arguments[1])
        elif verb == "BookMethod":
            method = getattr(root.TMVA.Types, arguments[1], arguments[1]) if arguments[1][0] == "k" else arguments[1]
            factory.BookMethod(loader, method, *arguments[2:])
        elif verb == "GetDataSetInfo().GetDataSet()":
            loader.GetDataSetInfo().GetDataSet()
        elif verb == "GetROCIntegral":
            factory.GetROCIntegral(loader, arguments[1])
        elif hasattr(loader, verb):
            getattr(loader, verb)(*arguments)
        else:
            getattr(factory, verb)()


def fatal_lines(log: str) -> list[str]:
    return re.findall(r"^.*<FATAL>.*$", log, re.MULTILINE)


@pytest.mark.parametrize("name", FAILED)
def test_double_fails_as_recorded(
    doubled: Any, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", sys.argv)
    if name == "pykeras-one-output":
        pytest.importorskip("h5py")
    for model in (recordings.FOLDER / name).glob("model.*"):
        shutil.copy(model, tmp_path)
    case = recordings.case(name)
    with pytest.raises(Exception) as caught:  # noqa: PT011 - what it is, is told by the recording
        replay(doubled, name)
    assert type(caught.value).__name__ == case["python_exception"]
    assert [base.__name__ for base in type(caught.value).__mro__[1:]] == case["exception_bases"]
    assert str(caught.value) == case["exception_text"]
    assert double.CALLS[-1][0].endswith(case["failed_in"])
    assert fatal_lines(capfd.readouterr().out) == fatal_lines(recordings.log(name))


@pytest.mark.parametrize("name", [*QUIET, "fatal-unknown-method"])
def test_double_refuses_what_tmva_does_quietly(
    doubled: Any, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DoubleError) as caught:
        replay(doubled, name)
    assert "no recording" not in str(caught.value)


@pytest.mark.parametrize(
    "name", [name for name in recordings.names() if name not in (*QUIET, *FAILED, "fatal-unknown-method")]
)
def test_double_accepts_what_was_recorded(
    doubled: Any, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", sys.argv)
    for model in (recordings.FOLDER / name).glob("model.*"):
        pytest.importorskip("h5py")
        shutil.copy(model, tmp_path)
    if (recordings.FOLDER / name / "TMVA.root").exists() or name == "pykeras-one-logit":
        replay(doubled, name)
        assert recordings.case(name)["calls"] == double.CALLS
    else:
        with pytest.raises(DoubleError, match="no recording of this booking"):
            replay(doubled, name)


def test_calls_are_the_recorded_ones(session: Session) -> None:
    roc_integral = session(recordings.booking("dnn-seed-preset"), recordings.input_file("dnn-seed-preset"))
    calls = recordings.case("dnn-seed-preset")["calls"]
    calls[0][3] = FACTORY
    train = calls.index(["TrainAllMethods"])
    assert [*calls[:train], ["GetDataSetInfo().GetDataSet()"], *calls[train:]] == double.CALLS
    assert ["GetDataSetInfo().GetDataSet()"] in recordings.case("dataset-before-training")["calls"]
    assert roc_integral == recordings.case("dnn-seed-preset")["roc_integral"]
    assert set(session.watch.seconds) == {
        f"{clock}_time_{phase}" for clock in ("cpu", "real") for phase in ("prepare", "train", "test")
    }
    assert (session.folder / tmva_session.WEIGHT_FILE).exists()


def test_output_file_is_complete_when_the_session_ends(session: Session) -> None:
    uproot = pytest.importorskip("uproot")
    session(recordings.booking("dnn-seed-preset"), recordings.input_file("dnn-seed-preset"))
    with uproot.open(session.folder / tmva_session.OUTPUT_FILE) as file:
        assert file["dataset/TestTree"].num_entries == 4000


@pytest.mark.parametrize("name", [name for name in FAILED if name not in ("fatal-factory-option", "same-title-twice")])
def test_failure_has_tmvas_reason(session: Session, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if name == "pykeras-one-output":
        pytest.importorskip("h5py")
    for model in (recordings.FOLDER / name).glob("model.*"):
        shutil.copy(model, tmp_path)
    booking = recordings.booking(name)
    before = Path.cwd(), list(sys.argv)
    with pytest.raises(TrainingFailed) as caught:
        session(booking, recordings.input_file(name))
    assert str(caught.value) == f"TMVA: {recordings.FAILURES[name]}"
    assert (Path.cwd(), sys.argv) == before


def test_wrong_factory_option(session: Session) -> None:
    with pytest.raises(TrainingFailed, match="could not be interpreted: 'Foo'"):
        session(
            recordings.booking("dnn-seed-preset"), recordings.input_file("dnn-seed-preset"), factory=f"{FACTORY}:Foo"
        )


def test_failure_without_a_log(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tmva_session, "LOG_FILE", "nosuch.txt")
    with pytest.raises(TrainingFailed, match=r"^TMVA: TypeError: takes at least 6 arguments \(4 given\)$"):
        session(recordings.booking("fatal-unknown-option"), recordings.input_file("fatal-unknown-option"))


def test_folder_and_arguments_are_put_back(session: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "argv", ["tmva-bench", "run"])
    monkeypatch.chdir(tmp_path.parent)
    session.folder = Path(tmp_path.name)
    shutil.copy(recordings.FOLDER / "pykeras-seed-preset" / "model.h5", tmp_path)
    pytest.importorskip("h5py")
    session(recordings.booking("pykeras-seed-preset"), recordings.input_file("pykeras-seed-preset"))
    assert sys.argv == ["tmva-bench", "run"]
    assert Path.cwd() == tmp_path.parent
    assert (tmp_path / tmva_session.OUTPUT_FILE).exists()
    assert (tmp_path / "trained.h5").exists()


def test_threads_are_set_before_anything_in_tmva(session: Session) -> None:
    asked: list[tuple[int, int]] = []
    session.root.__dict__["ROOT"] = types.SimpleNamespace(
        EnableImplicitMT=lambda threads: asked.append((threads, len(double.CALLS)))
    )
    booking, path = recordings.booking("dnn-seed-preset"), recordings.input_file("dnn-seed-preset")
    session(booking, path)
    assert asked == []
    double.reset()
    session(booking, path, threads=2)
    assert asked == [(2, 0)]


@pytest.mark.parametrize(("text", "version"), [("6.40.00", (6, 40)), ("6.30/04", (6, 30)), ("6.28/12", (6, 28))])
def test_version(text: str, version: tuple[int, int]) -> None:
    class Root:
        class gROOT:  # noqa: N801
            @staticmethod
            def GetVersion() -> str:
                return text

    assert tmva_session.version(Root) == version


def test_features(doubled: Any) -> None:
    assert tmva_session.has_feature(doubled, "tmva-cpu")
    assert not tmva_session.has_feature(doubled, "tmva-gpu")


def test_root_without_tmva_is_told_quietly(capfd: pytest.CaptureFixture[str]) -> None:
    root = pytest.importorskip("ROOT")
    if root.TClass.GetClass("TMVA::Factory", True, True):
        pytest.skip("this ROOT has TMVA")
    capfd.readouterr()
    with pytest.raises(Unavailable, match="has no TMVA; make env ROUTE=conda"):
        tmva_session.require_tmva(root)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", POINTS)
def test_points_are_booked_as_recorded(name: str) -> None:
    values = {"neurons": 20, "max_epochs": 4, "norm_mode": "none", **POINTS[name]}
    booked = recordings.booking(name).options
    if name == "fatal-validation-below-batch":
        # The same part of the events, given as a number there.
        booked = booked.replace("ValidationSize=100", "ValidationSize=2.5%")
    assert mapping.dl_options(parsing.point(values), "cpu") == booked
    assert mapping.split_options(parsing.point(values)) == recordings.booking(name).split


def _coded(name: str) -> st.SearchStrategy[str]:
    return st.sampled_from(config.PARAMETERS[name].codes)


VALUES = {
    "neurons": st.integers(1, 500),
    "layers": st.integers(0, 6),
    "activation": _coded("activation"),
    "last_activation": _coded("last_activation"),
    "initializer": _coded("initializer"),
    "loss": _coded("loss"),
    "optimizer": _coded("optimizer"),
    "learning_rate": st.floats(1e-7, 10),
    "momentum": st.floats(0, 0.99),
    "batch_size": st.integers(1, 700),
    "convergence_steps": st.integers(1, 1000),
    "max_epochs": st.integers(1, 5000),
    "validation_fraction": st.floats(0.2, 0.8),
    "dropout": st.floats(0, 0.9),
    "regularization": _coded("regularization"),
    "weight_decay": st.floats(0, 1),
    "transformations": st.lists(st.sampled_from(config.TRANSFORMATIONS), min_size=1, max_size=4).map(",".join),
    "norm_mode": _coded("norm_mode"),
    "seed": st.integers(1, 2**31 - 1),
    "split_seed": st.integers(1, 2**31 - 1),
}


@pytest.fixture
def booked(doubled: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Books and trains on the double, up to where it has no recording."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", sys.argv)
    (tmp_path / "model.h5").touch()
    double.PyMethodBase.PyInitialize()
    source = doubled.TFile.Open(str(recordings.input_file("dnn-seed-preset")))
    output = doubled.TFile.Open("TMVA.root", "RECREATE")

    def book(point: config.Point, method: str, options: str) -> None:
        factory = doubled.TMVA.Factory("job", output, FACTORY)
        loader = doubled.TMVA.DataLoader("dataset")
        for name in ("var1", "var2", "var3", "var4"):
            loader.AddVariable(name, "F")
        for tree, add in (("TrainS", loader.AddSignalTree), ("TrainB", loader.AddBackgroundTree)):
            add(source.Get(tree), 1.0, doubled.TMVA.Types.kTraining)
        for tree, add in (("TestS", loader.AddSignalTree), ("TestB", loader.AddBackgroundTree)):
            add(source.Get(tree), 1.0, doubled.TMVA.Types.kTesting)
        loader.SetSignalWeightExpression("weight")
        loader.SetBackgroundWeightExpression("weight")
        loader.PrepareTrainingAndTestTree(doubled.TCut(""), mapping.split_options(point))
        factory.BookMethod(loader, getattr(doubled.TMVA.Types, method), "Method", options)

    return book


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.fixed_dictionaries({}, optional=VALUES))
def test_every_point_is_booked(booked: Callable[..., None], values: dict[str, Any]) -> None:
    try:
        point = parsing.point(values)
    except UserError:
        return
    booked(point, "kDL", mapping.dl_options(point, "cpu"))
    booked(point, "kPyKeras", mapping.pykeras_options(point, "model.h5", "trained.h5", tf_keras=True))
    booked(point, "kPyKeras", mapping.pykeras_options(point, "model.h5", "trained.h5", tf_keras=False))


@pytest.mark.parametrize(
    "wrong",
    [
        "Layout=TANH|20,LINEAR,LINEAR",
        "Layout=TANH,LINEAR",
        "Layout=TANH|20,LINEAR|2",
        "Layout=20,LINEAR",
        "RandomSeed=0",
        "RandomSeed=1.5",
        "Architecture=GPU",
        "ErrorStrategy=MUTUALEXCLUSIVE",
        "MaxEpochs=0",
        "Momentum=1.5",
        "LearningRate=0",
        "DropConfig=0.0+0.1+0.1+0.1+0.1",
        "DropConfig=1.0",
        "Optimizer=adam",
        "Regularization=l2",
        "WeightDecay=0.1",
        "layout=TANH|20,LINEAR",
    ],
)
def test_double_is_strict(booked: Callable[..., None], wrong: str) -> None:
    options = mapping.dl_options(parsing.point({"neurons": 20}), "cpu")
    name = wrong.partition("=")[0].replace("layout", "Layout")
    options = re.sub(rf"\b{name}=[^:]*?(?=:|,[A-Z][a-z]|$)", wrong, options)
    assert wrong in options
    with pytest.raises(DoubleError):
        booked(config.Point(), "kDL", options)


def test_sitecustomize_gives_children_the_double(tmp_path: Path) -> None:
    pytest.importorskip("ROOT")
    code = "import ROOT; print(ROOT.gROOT.GetVersion(), ROOT.TMVA.Types.kDL.name, ROOT.TStopwatch().IsA().GetName())"
    site = str(Path(__file__).parents[1] / "double" / "site")
    child = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": site, "TMVA_DOUBLE_ROOT_VERSION": "6.30/04"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert child.stdout.split() == ["6.30/04", "kDL", "TStopwatch"]
