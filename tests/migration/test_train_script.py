import dataclasses
import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
import training_jobs
import uproot
from double import recordings
from hypothesis import given, settings
from hypothesis import strategies as st
from training_jobs import PLACE, VARIABLES, booked, divided, fixed, job, layers, of, phase, split, variable

from tmva_bench.basis import config
from tmva_bench.basis.training import Training
from tmva_bench.errors import UserError
from tmva_bench.events import expressions, roc
from tmva_bench.migration import booking, outputs, score_script, train_script
from tmva_bench.migration.booking import Booked, Expression, Input, Job, Layer
from tmva_bench.running import exporting

RUFF = (sys.executable, "-m", "ruff")
RULES = "E,F,W,I,UP,B,C4,SIM,RET,D1"
PYKERAS: dict[str, Any] = {"kind": booking.PYKERAS, "type": "kPyKeras", "model_file": "model.h5"}
SOFTMAX = (
    Layer("dense", 16, "relu", initializer="HeNormal", l1=1e-5, l2=1e-4),
    Layer("dropout", rate=0.2),
    Layer("batch_normalization"),
    Layer("dense", 2, "softmax"),
)


def in_pykeras(**changes: Any) -> Booked:
    network = of(phase(convergence_steps=1), layers=SOFTMAX, loss="categorical_crossentropy", initializer="keras")
    return booked(dataclasses.replace(network, **{"seed": 0, **changes}), **PYKERAS)


LISTS = job(
    divided("data_*.root", "Events", "Others"),
    variables=(
        variable("Jet_pt[0]/Sum$(Jet_pt)", "fraction"),
        variable("jet.pt"),
        variable("class % 3 == 1 ? np : -np", "with a name that is\nno identifier"),
        variable(" + ".join(f"very_long_branch_name_{n}*weight_{n}" for n in range(20)), "long"),
    ),
    cuts=(
        Expression(booking.BOTH, "Length$(Jet_pt) > 0 && np > 0", PLACE),
        Expression(booking.SIGNAL, "!flag || class > 1", PLACE),
    ),
)
ODD = layers((4, "symmrelu"), (3, "gauss"), (1, "sigmoid"))
SIGMOID = layers((8, "softsign"), (1, "sigmoid"))
# Jobs and bookings of all kinds of things that a script may have in it.
CASES: dict[str, tuple[Job, Booked]] = {
    "plain": (job(divided("data.root")), booked(of(phase(), seed=0))),
    "nothing known": (job(()), booked(chain=())),
    "seed": (job(fixed("data.root")), booked(of(phase(drop=(0.0, 0.5)), phase(regularization="l1", weight_decay=0.1)))),
    "lists": (LISTS, booked(chain=("U", "N_Signal"))),
    "gauss": (job(divided("data.root")), booked(chain=("G",))),
    "components": (job(divided("data.root")), booked(chain=("P_Background",))),
    "activations": (
        job(divided("data.root"), weights=()),
        booked(
            of(phase(test_repetitions=7), layers=layers((4, "symmrelu"), (3, "gauss"), (1, "sigmoid"))), chain=("D",)
        ),
    ),
    "normalised": (
        job(divided("data.root"), cuts=(Expression("both", "var1 > 0", PLACE),)),
        booked(
            of(
                phase(drop=(0.0, 0.5, 0.5), regularization="l2", weight_decay=1e-4),
                layers=(*ODD[:1], Layer("batch_normalization"), *ODD[2:]),
            )
        ),
    ),
    "pykeras": (job(divided("data.root"), split=split(SplitMode="Alternate", NormMode="None")), in_pykeras()),
    "pykeras, no best": (job(divided("data.root"), split=split(SplitMode="block")), in_pykeras(keep_best=False)),
    "mlp": (
        job(divided("data.root")),
        booked(of(phase(), loss="sum_of_squares", keep_best=False), kind=booking.MLP, type="kMLP"),
    ),
    "numbers": (
        job(
            divided("data.root"),
            weights=(
                Expression("background", "2*w", PLACE),
                Expression("signal", "2", PLACE),
            ),
            cuts=(
                Expression("signal", "var1 > 0", PLACE),
                Expression("both", "1 > 0", PLACE),
            ),
            split=split(nTrain_Signal="1000", nTest_Signal="500", TrainTestSplit_Background="0.7", MixMode="Alternate"),
        ),
        booked(),
    ),
    "long names": (job(divided(f"/data/{'a_folder/' * 7}data.root", "a/tree")), booked()),
    "fewer": (job(fixed("data.root"), split=split(nTrain_Signal="100", SplitMode="Block")), booked()),
}


@pytest.mark.parametrize("name", CASES)
def test_the_script_is_tidy(name: str, tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    path.write_text(train_script.text(*CASES[name]))
    check_tidy(path)


def check_tidy(path: Path) -> None:
    check = [*RUFF, "check", "--isolated", "--select", RULES, "--target-version", "py310", str(path)]
    for command in (check, [*RUFF, "format", "--isolated", "--diff", str(path)]):
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout


def test_nothing_of_the_source_becomes_code(tmp_path: Path) -> None:
    bad = '"""\nimport os  # \\" \' \u2028 {{ 1 }}'
    place = booking.Place(bad, 1, bad)
    inputs = tuple(Input(bad, bad, kind, booking.BOTH, 1.0, place) for kind in ("signal", "background"))
    remark = booking.Remark(bad, place)
    text = train_script.text(
        job(inputs, source=bad, variables=(booking.Variable("a*b", bad, "F", place), variable("c"))),
        booked(title=bad, type=bad, place=place, remarks=(remark,)),
    )
    assert not re.search(r"^\s*import os", text, re.MULTILINE)
    space = _events_of(text, read=False)
    assert space["SIGNAL"] == [(bad, bad, 1.0)]


def _events_of(script: str, *, read: bool = True) -> dict[str, Any]:
    """What the first part of a script leaves, up to its transformations or to the reading of events."""
    part = script.split("# VarTransform" if read else "# The events: read")[0].replace("import keras\n", "")
    space: dict[str, Any] = {"__name__": "script"}
    exec(compile(part, "train.py", "exec"), space)  # noqa: S102 - what is tested
    return space


@pytest.mark.parametrize(
    "name", ["dnn-seed-preset", "norm-equal-unequal-classes", "unequal-classes", "order-random-unequal", "norm-num"]
)
def test_events_are_divided_and_ordered_as_by_tmva(name: str) -> None:
    """Event by event, against TMVA's TrainTree and TestTree where they were kept, or its first and last test events."""
    case = recordings.case(name)
    options = next(call[2] for call in case["calls"] if call[0] == "PrepareTrainingAndTestTree")
    asked = dict(option.split("=") for option in options.split(":") if "=" in option)
    events = fixed(recordings.input_file(name))
    space = _events_of(train_script.text(job(events, split=split(**asked)), booked()))
    output = recordings.FOLDER / name / "TMVA.root"
    if output.exists():
        with uproot.open(output) as file:
            for half in ("train", "test"):
                tree = file[f"dataset/{half.capitalize()}Tree"]
                theirs = numpy.stack([tree[one].array(library="np") for one in training_jobs.VARIABLES], axis=1)
                assert numpy.array_equal(space[f"x_{half}"], theirs)
                assert numpy.array_equal(1 - space[f"y_{half}"], tree["classID"].array(library="np"))
                assert numpy.allclose(space[f"w_{half}"], tree["weight"].array(library="np"), rtol=1e-6)
        return
    rows = json.loads((recordings.FOLDER / name / "scores.json").read_text())
    theirs = numpy.stack([rows[one] for one in training_jobs.VARIABLES], axis=1)
    ours = numpy.concatenate([space["x_test"][:50], space["x_test"][-50:]])
    assert numpy.allclose(ours, theirs, rtol=1e-5)


# A start that is no draw, so that both sides have the same.
IDENTITY: dict[str, Any] = {
    "layers": layers((4, "tanh"), (4, "gauss"), (1, "linear")),
    "initializer": "identity",
    "seed": 5,
}
MOMENTUM = phase(optimizer="sgd", momentum=0.5, max_epochs=3, test_repetitions=2, drop=(0.0, 0.0))
REPEATED = {
    "one phase": booked(of(MOMENTUM, **IDENTITY), chain=("N", "P")),
    "two phases": booked(
        of(phase(regularization="l2", weight_decay=0.01, max_epochs=3), MOMENTUM, **IDENTITY), chain=("N", "P")
    ),
    "squares": booked(
        of(phase(optimizer="rmsprop", regularization="l1", weight_decay=0.01), loss="sum_of_squares", **IDENTITY),
        chain=("D",),
    ),
}
REFERENCE = """
import runpy, sys
import ROOT
if {backend!r} != "tensorflow":
    # Keras loads it, where it is, to set seeds and to store a model.
    sys.modules["tensorflow"] = None
ROOT.gROOT.GetVersion()
runpy.run_path("train.py")
print("reference")
import keras
sys.path += {folders!r}
import test_train_script as here
from tmva_bench.engines import keras_network, keras_training, tmva_random
from tmva_bench.events import inputs, transforms
booked = here.REPEATED[{name!r}]
training = here.training_of(booked)
data = inputs.read({file!r})
events = keras_training.training_vector(data, 100, "equal_num_events")
events = events._replace(x=transforms.Chain(list(booked.chain), events.x, events.w)(events.x))
random = tmva_random.WeightGenerator(training, 4)
model = keras_network.build(keras, training, 4)
keras_network.set_weights(model, random.weights)
for number in range(len(training.phases)):
    weights = keras_network.get_weights(model)
    model = keras_network.build(keras, training, 4, number)
    keras_network.set_weights(model, weights)
    for epoch in keras_training.fit(keras, model, training, events, random, number).history:
        print(f"epoch {{epoch.epoch}}: loss {{epoch.training_loss:.6g}}, of validation {{epoch.validation_loss:.6g}}")
"""


def training_of(one: Booked) -> Training:
    """What the package trains for a booking of kDL."""
    network = one.network
    assert network is not None
    return Training(
        widths=tuple(layer.units for layer in network.layers),
        activations=tuple(layer.activation for layer in network.layers),
        loss=network.loss,
        initializer=network.initializer,
        seed=network.seed,
        validation=network.validation,
        chain=one.chain,
        phases=network.phases,
        dropout_rule="tmva",
    )


def ran(folder: Path, backend: str, *command: str) -> str:
    """What a script in a folder prints."""
    variables = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    child = [sys.executable, *command]
    ended = subprocess.run(child, cwd=folder, env=variables, capture_output=True, text=True, check=False, timeout=300)
    assert ended.returncode == 0, ended.stderr[-2000:]
    return ended.stdout


def losses(text: str) -> list[tuple[int, float, float]]:
    """Epoch, training and validation loss of each line that tells them."""
    lines = re.findall(r"^epoch (\d+): loss (\S+), of validation (\S+)$", text, re.MULTILINE)
    return [(int(epoch), float(training), float(validation)) for epoch, training, validation in lines]


@pytest.mark.parametrize(
    ("name", "backend"),
    [
        ("one phase", "jax"),
        *(
            pytest.param(name, backend, marks=pytest.mark.slow)
            for name in REPEATED
            for backend in ("jax", "tensorflow")
        ),
    ],
)
def test_the_training_is_that_of_the_package(
    name: str, backend: str, tmp_path: Path, recorded_input: Callable[[str], str]
) -> None:
    """The losses of all epochs, with TMVA's split, batches, optimizers and transformations."""
    file = recorded_input("dnn-seed-preset")
    script = train_script.text(job(fixed(file)), REPEATED[name])
    assert "tmva_bench" not in script
    (tmp_path / "train.py").write_text(script)
    folders = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
    code = REFERENCE.format(folders=folders, file=file, name=name, backend=backend)
    ours, theirs = (losses(part) for part in ran(tmp_path, backend, "-c", code).split("reference\n"))
    wanted = {"one phase": [2, 4], "two phases": [1, 2, 3, 2, 4], "squares": [1, 2]}
    assert [epoch for epoch, _, _ in ours] == wanted[name]
    assert numpy.array(ours)[:, ::2] == pytest.approx(numpy.array(theirs)[:, ::2], rel=1e-5)
    # With a regularization Keras' training loss has the term of each batch, TMVA's that of the epoch's end.
    plain = {"one phase": slice(None), "two phases": slice(3, None), "squares": slice(0)}[name]
    assert numpy.array(ours)[plain] == pytest.approx(numpy.array(theirs)[plain], rel=1e-5)
    scores = read_scores(tmp_path)
    assert set(scores) == {"TrainTree", "TestTree"}
    assert [len(columns["score"]) for columns in scores.values()] == [4000, 4000]


def read_scores(folder: Path) -> dict[str, dict[str, numpy.ndarray]]:
    with uproot.open(folder / "scores.root") as file:
        return {
            name: {branch: file[name][branch].array(library="np") for branch in ("classID", "weight", "score")}
            for name in file.keys(cycle=False)
        }


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "tensorflow", "torch"])
@pytest.mark.parametrize("name", ["plain", "dropout", "tables", "normalised", "squares", "pykeras", "mlp"])
def test_the_whole_script(name: str, backend: str, tmp_path: Path, recorded_input: Callable[[str], str]) -> None:
    """The ROC area that the script prints is that of its scores, and as good as these events allow."""
    file = recorded_input("dnn-seed-preset")
    adam = phase(max_epochs=4)
    chosen = {
        "plain": booked(of(adam), chain=("N", "D")),
        "dropout": booked(of(adam._replace(drop=(0.0, 0.2, 0.2)), seed=0)),
        "tables": booked(of(adam), chain=("G", "D")),
        "normalised": booked(
            of(adam, layers=(*ODD[:1], Layer("batch_normalization"), *layers((4, "relu"), (1, "linear"))))
        ),
        "squares": booked(
            of(adam, loss="sum_of_squares", layers=layers((8, "softsign"), (1, "sigmoid"))), chain=("P",)
        ),
        "pykeras": in_pykeras(phases=(adam._replace(max_epochs=6, convergence_steps=5),)),
        "mlp": booked(of(adam, keep_best=False), kind=booking.MLP, type="kMLP"),
    }[name]
    (tmp_path / "train.py").write_text(train_script.text(job(fixed(file)), chosen))
    printed = ran(tmp_path, backend, "train.py")
    told = {name: float(area) for name, area in re.findall(r"(\w+Tree): ROC area (\S+)", printed)}
    for tree, columns in read_scores(tmp_path).items():
        signal = columns["classID"] == 0
        score, weight = columns["score"], columns["weight"]
        area = roc.auc(score[signal], score[~signal], weight[signal], weight[~signal])
        assert told[tree] == pytest.approx(area, abs=1e-4)
    # That of the recorded TMVA is 0.843.
    assert told["TestTree"] > 0.82
    assert (tmp_path / "model.keras").is_file()


def test_tmvas_own_trees_hold_both_classes(tmp_path: Path) -> None:
    folder = recordings.FOLDER / "dnn-seed-preset"
    (stated,) = outputs.read(folder / "TMVA.root")
    path = tmp_path / "train.py"
    path.write_text(train_script.text(stated, stated.methods[0]))
    space = _events_of(path.read_text())
    assert [int((space[f"y_{half}"] == 1).sum()) for half in ("train", "test")] == [2000, 2000]
    assert [len(space[f"x_{half}"]) for half in ("train", "test")] == [4000, 4000]
    other = dataclasses.replace(stated, variables=(variable("var1+var2"),))
    with pytest.raises(UserError, match="migrate the macro"):
        train_script.text(other, stated.methods[0])


@pytest.mark.parametrize(
    ("one", "other", "reason"),
    [
        (job(divided("a.root")), booked(of(phase(), validation="much")), "ValidationSize = 'much'"),
        (job(divided("a.root")), booked(of(phase(), layers=layers((3, "tanh")))), "has 3 units"),
        (job(divided("a.root")), in_pykeras(layers=layers((1, "sigmoid"))), "two outputs"),
        (job(divided("a.root")), booked(chain=("N(var1)",)), "VarTransform has 'N\\(var1\\)'"),
        (job(divided("a.root"), variables=()), booked(), "no input variable"),
        (job(divided("a.root"), variables=(variable("1+1"),)), booked(), "no branch"),
        (job(divided("a.root"), variables=(variable("foo(var1)"),)), booked(), "macro.C:12: .*foo"),
        (job((*divided("a.root"), *fixed("b.root"))), booked(), "train.py takes one of both"),
        (job(fixed("b.root")[:2]), booked(), "for training alone"),
        (job(divided("a.root"), split=split(SplitMode="Foo")), booked(), "SplitMode = 'Foo'"),
        (job(divided("a.root"), split=split(nTrain_Signal="{n}")), booked(), "nTrain_signal = '{n}'"),
        (
            job((Input("a.root", "t", "third", booking.BOTH, 1.0, PLACE),)),
            booked(),
            "signal and background",
        ),
    ],
)
def test_what_no_script_can_be_written_of(one: Job, other: Booked, reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        train_script.text(one, other)


def test_no_network_no_script() -> None:
    with pytest.raises(UserError, match=r"BDTG: 'kBDT' is no network"):
        train_script.text(job(divided("a.root")), booked(kind=booking.BDT, type="kBDT", title="BDTG"))
    with pytest.raises(UserError, match=r"macro.C:12: DNN_CPU: its network could not be told"):
        train_script.text(job(divided("a.root")), dataclasses.replace(booked(), network=None))


def test_a_script_that_scores_a_tree(tmp_path: Path) -> None:
    """Of a recorded weight file whose variables are expressions; what it computes of a tree, and that it is tidy."""
    weights = recordings.FOLDER / "quiet-formula-variable" / "dataset" / "weights" / "job_Method.weights.xml"
    stated = outputs.of_weight_file(weights)
    path = tmp_path / "score.py"
    path.write_text(score_script.text(stated))
    check_tidy(path)
    space: dict[str, Any] = {}
    exec(path.read_text().split("path, name =")[0].replace("import keras\n", ""), space)  # noqa: S102
    events = recordings.read_events(recordings.input_file("dnn-adam"), tuple(VARIABLES))["TestS"]
    with uproot.open(recordings.input_file("dnn-adam")) as file:
        ours = space["variables"](file["TestS"])
    texts = [one.expression for one in stated.variables]
    for column, text in zip(ours.T, texts, strict=True):
        value = expressions.evaluate("variable", expressions.parse("variable", text), events, len(column)).values
        assert numpy.allclose(column, value, rtol=1e-6)


@pytest.mark.slow
def test_a_model_of_a_weight_file_scores_as_tmva(tmp_path: Path) -> None:
    folder = recordings.FOLDER / "dnn-seed-preset"
    weights = folder / "dataset" / "weights" / "job_Method.weights.xml"
    answer = exporting.export(weights, "keras", tmp_path / "model.keras")
    assert answer["checks"][0][0].startswith("TMVA's scores of 4000 test events")
    (tmp_path / "score.py").write_text(score_script.text(outputs.of_weight_file(weights)))
    printed = ran(tmp_path, "jax", "score.py", str(folder / "TMVA.root"), "dataset/TestTree")
    assert printed.startswith("4000 events")
    with uproot.open(tmp_path / "scores.root") as ours, uproot.open(folder / "TMVA.root") as theirs:
        scores = theirs["dataset/TestTree"]["Method"].array(library="np")
        assert ours["scores"]["score"].array(library="np") == pytest.approx(scores, abs=1e-5)


TEXTS = st.one_of(st.text(max_size=12), st.sampled_from(["var1", "a b", "class", "np", "x.y", "l", "sum", '"', "'''"]))
FORMULAS = st.sampled_from(["var1", "lambda+1", "jet.pt", "np*l", "sqrt(tree)", "x[0]", "max(y)", "1", "a && b || !c"])
MODES = st.sampled_from(["Random", "alternate", "Block", "SameAsSplitMode"])
NUMBERS = st.sampled_from(["0", "100", "7"])


@settings(max_examples=60, deadline=None)
@given(
    variables=st.lists(st.tuples(FORMULAS, TEXTS), min_size=1, max_size=4),
    formulas=st.lists(FORMULAS, max_size=4),
    files=st.lists(st.tuples(TEXTS, TEXTS, st.sampled_from([1.0, math.nan, 2.5])), min_size=1, max_size=2),
    modes=st.tuples(MODES, MODES, st.sampled_from(["EqualNumEvents", "NUMEVENTS", "None"])),
    numbers=st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS),
    chain=st.lists(st.sampled_from(["N", "D_Signal", "P", "U", "G_Background"]), max_size=3),
    activations=st.lists(st.sampled_from(config.ACTIVATIONS), min_size=1, max_size=3),
    settings_of=st.tuples(st.sampled_from([0, 5]), st.booleans(), st.sampled_from(["none", "l1", "l2"])),
    drop=st.sampled_from([(), (0.0, 0.5)]),
)
def test_whatever_is_booked_gives_a_script_or_a_reason(
    variables: list[tuple[str, str]],
    formulas: list[str],
    files: list[tuple[str, str, float]],
    modes: tuple[str, str, str],
    numbers: tuple[str, str, str, str],
    chain: list[str],
    activations: list[str],
    settings_of: tuple[int, bool, str],
    drop: tuple[float, ...],
) -> None:
    seed, best, regularization = settings_of
    kinds = ("signal", "background")
    names = ("nTrain_Signal", "nTest_Signal", "nTrain_Background", "nTest_Background")
    asked = dict(zip(("SplitMode", "MixMode", "NormMode", *names), (*modes, *numbers), strict=True))
    one = job(
        tuple(Input(*file[:2], kind, booking.BOTH, file[2], PLACE) for kind in kinds for file in files),
        variables=tuple(variable(formula, name) for formula, name in variables),
        cuts=tuple(Expression(("both", *kinds)[n % 3], text, PLACE) for n, text in enumerate(formulas[:2])),
        weights=tuple(Expression(("both", *kinds)[n % 3], text, PLACE) for n, text in enumerate(formulas[2:])),
        split=split(**asked),
    )
    network = of(
        phase(drop=drop, regularization=regularization, weight_decay=0.1),
        layers=layers(*((3, activation) for activation in activations), (1, "linear")),
        seed=seed,
        keep_best=best,
    )
    try:
        text = train_script.text(one, booked(network, chain=tuple(chain)))
    except UserError:
        assert "1" in [formula for formula, _ in variables] or modes[0] == "SameAsSplitMode"
        return
    compile(text, "train.py", "exec")
    assert "\n\n\n\n" not in text


@pytest.mark.slow
def test_a_macro_is_trained_by_its_script(tmp_path: Path) -> None:
    """From the text of a macro to the scores, with variables that are computed, cuts, weights and a split."""
    random = numpy.random.default_rng(3)
    with uproot.recreate(tmp_path / "toys.root") as file:
        for tree, shift in (("TreeS", 0.8), ("TreeB", 0.0)):
            columns = {f"var{n}": random.normal(shift * (n % 2 + 0.3), 1, 3000) for n in range(1, 5)}
            columns |= {"njets": random.poisson(3, 3000), "weight": random.uniform(0.5, 1.5, 3000)}
            file.mktree(tree, {name: values.dtype for name, values in columns.items()}).extend(columns)
    (stated,) = outputs.read(recordings.FOLDER.parent / "bookings" / "classification.C")
    (chosen,) = (one for one in stated.methods if one.title == "DNN_CPU")
    (tmp_path / "train.py").write_text(train_script.text(stated, chosen))
    printed = ran(tmp_path, "jax", "train.py")
    assert float(re.findall(r"TestTree: ROC area (\S+)", printed)[0]) > 0.8
    scores = read_scores(tmp_path)
    # nTrain_Signal and nTrain_Background of the macro, and what passes its cut beside.
    assert numpy.bincount(scores["TrainTree"]["classID"]).tolist() == [1000, 1500]
    assert scores["TrainTree"]["weight"].sum() == pytest.approx(2500, rel=1e-5)
