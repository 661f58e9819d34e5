"""TMVA's BDT: booked as recorded, read back, and what it lacks said."""

import dataclasses
import json
import math
import shutil
import types
from pathlib import Path
from typing import Any

import numpy
import pytest
import uproot
from double import recordings

from tmva_bench.basis import mapping, parsing
from tmva_bench.basis.config import Point
from tmva_bench.engines import exports, keras_file, scoring, tmva_files, tmva_session, tmva_weight_file, tmva_weights
from tmva_bench.engines.stopwatch import Stopwatch
from tmva_bench.errors import TrainingFailed, Unavailable, UserError
from tmva_bench.events import inputs, roc
from tmva_bench.methods import Trained, apply_worker, export_worker, registry, tmva_bdt
from tmva_bench.study import requests

NAME = "bdt-grad"
VALUES = {"max_epochs": 50, "learning_rate": 0.1, "transformations": "I"}


def test_recorded_run(doubled: Any, make_task: Any, logged: Any) -> None:
    task, watch = make_task(NAME, "tmva-bdt", "tmva", **VALUES), Stopwatch()
    with logged(task.folder):
        outcome = tmva_bdt.run(task, watch)
    case = recordings.case(NAME)
    assert outcome.roc_integral == case["roc_integral"]
    assert (outcome.history, outcome.best_epoch, outcome.device) == ([], 50, "cpu")
    assert math.isnan(outcome.validation_loss)
    # Of 50 trees; each split makes one leaf more.
    assert outcome.parameters == (658 + 50) / 2
    assert outcome.real_time_fit == pytest.approx(0.0645, rel=1e-3)
    data = inputs.read(task.input_file)
    area = roc.auc(outcome.scores["TestS"], outcome.scores["TestB"], data.weights["TestS"], data.weights["TestB"])
    assert area == pytest.approx(outcome.roc_integral, abs=3e-3)
    assert all(numpy.abs(scores).max() <= 1 for scores in outcome.scores.values())
    assert min(scores.min() for scores in outcome.scores.values()) < -0.5


def test_option_that_tmva_does_not_know(doubled: Any, make_task: Any, logged: Any, monkeypatch: Any) -> None:
    recorded = recordings.booking("bdt-unknown-option").options
    monkeypatch.setattr(mapping, "bdt_options", lambda point: recorded)
    task = make_task(NAME, "tmva-bdt", "tmva", **VALUES)
    with logged(task.folder), pytest.raises(TrainingFailed) as raised:
        tmva_bdt.run(task, Stopwatch())
    assert str(raised.value) == f"TMVA: {recordings.FAILURES['bdt-unknown-option']}"


def test_child_with_the_double(make_task: Any, run_worker: Any) -> None:
    pytest.importorskip("ROOT")
    site = str(recordings.FOLDER.parents[1] / "double" / "site")
    outcome, log = run_worker(make_task(NAME, "tmva-bdt", "tmva", **VALUES), PYTHONPATH=site)
    assert outcome["status"] == "ok", log
    assert (outcome["epochs"], outcome["best_epoch"]) == (0, 50)


def test_no_gpu(doubled: Any, make_task: Any) -> None:
    with pytest.raises(Unavailable, match="take architecture cpu"):
        tmva_bdt.run(make_task(NAME, "tmva-bdt", "tmva", architecture="gpu", **VALUES), Stopwatch())


@pytest.mark.parametrize("parameter", ["neurons", "batch_size", "convergence_steps", "validation_fraction"])
def test_what_a_forest_lacks_is_refused(parameter: str) -> None:
    value = 0.3 if parameter == "validation_fraction" else 7
    with pytest.raises(UserError, match=f"{parameter} = .*: tmva-bdt has no such parameter"):
        requests.make_request(parsing.point({parameter: value}), "tmva-bdt", "tmva")


def test_its_rate_is_that_of_boosting() -> None:
    values = requests.known_to(registry.of("tmva-bdt"), {"optimizer": "adam"})
    point = requests.make_request(parsing.point(values), "tmva-bdt", "tmva").point
    assert ":Shrinkage=0.1:" in mapping.bdt_options(point)
    assert ":NTrees=" in mapping.bdt_options(point)


def evaluator(folder: Path, text: str) -> Any:
    """What scores the events of a run that left this weight file."""
    path = folder / tmva_session.WEIGHT_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return tmva_bdt.METHOD.evaluator(Trained(Point(), folder, inputs.InputFile("", [], {}, {}, {}), "tmva"))


def stored(name: str = NAME) -> str:
    return Path(recordings.weight_file(name)).read_text()


@pytest.mark.parametrize("tree", ["TestTree", "TrainTree"])
def test_its_weight_file_gives_the_scores_that_tmva_gave(tree: str, tmp_path: Path) -> None:
    output = recordings.FOLDER / NAME / "TMVA.root"
    sample = tmva_files.read_sample(str(output), tree, ["var1", "var2", "var3", "var4"], "Method")
    scores = evaluator(tmp_path, stored())(sample.variables)
    assert len(scores) == 4000
    assert numpy.abs(scores - sample.scores).max() < 1e-7


def stump(cut: str = "0.1", kind: int = 1, transformations: str = '<Transformations NTransformations="0"/>') -> str:
    """The recorded weight file with a single tree of one cut, on var2."""
    start, _, rest = stored().partition('<Weights NTrees="50"')
    leaf = '<Node pos="{}" depth="1" NCoef="0" IVar="-1" Cut="0" cType="1" res="{}" rms="0" purity="0" nType="-99"/>'
    tree = (
        '<Weights NTrees="1" AnalysisType="1"><BinaryTree type="DecisionTree" boostWeight="1" itree="0">'
        f'<Node pos="s" depth="0" NCoef="0" IVar="1" Cut="{cut}" cType="{kind}" res="0" rms="0" purity="0" nType="0">'
        f"{leaf.format('l', -0.5)}{leaf.format('r', 0.25)}</Node></BinaryTree></Weights>"
    )
    text = start + tree + rest.partition("</Weights>")[2]
    return text.replace('<Transformations NTransformations="0"/>', transformations)


@pytest.mark.parametrize(("kind", "to_the_right"), [(1, [False, True, True]), (0, [True, False, False])])
def test_an_event_on_a_cut_goes_to_the_right(kind: int, to_the_right: list[bool], tmp_path: Path) -> None:
    cut = numpy.float32(0.1)
    x = numpy.zeros((3, 4), numpy.float32)
    x[:, 1] = [numpy.nextafter(cut, numpy.float32(0)), cut, numpy.nextafter(cut, numpy.float32(1))]
    # Not the float32 next to it: that is what MethodBDT has of the text.
    scores = evaluator(tmp_path, stump("0.100000001", kind))(x)
    wanted = [2 / (1 + math.exp(-2 * value)) - 1 for value in (-0.5, 0.25)]
    assert scores == pytest.approx([wanted[right] for right in to_the_right], abs=1e-15)


def test_cuts_are_on_transformed_variables(tmp_path: Path) -> None:
    normalise = (
        '<Transformations NTransformations="1"><Transform Name="Normalize"><Class ClassIndex="0"><Ranges>'
        + "".join(f'<Range Index="{number}" Min="10" Max="20"/>' for number in range(4))
        + "</Ranges></Class></Transform></Transformations>"
    )
    scores = evaluator(tmp_path, stump("0.5", 1, normalise))(numpy.full((2, 4), [[17.4], [17.6]], "f4"))
    assert scores == pytest.approx(numpy.tanh([-0.5, 0.25]))


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ('Method="BDT::', 'Method="DL::', "a DL; give the weight file of a BDT"),
        (">Grad<", ">AdaBoost<", "BDT with BoostType = AdaBoost"),
        ('"DoPreselection" modified="No">False', '"DoPreselection" modified="No">True', "a BDT with DoPreselection"),
        ('value="Classification"', 'value="Regression"', "AnalysisType Regression"),
        ('NTrees="1"', 'NTrees="2"', "damaged .*NTrees = 2, and 1 trees"),
        ('IVar="1"', 'IVar="4"', "damaged .*a node of a tree"),
        ('pos="l"', 'pos="r"', "damaged .*a node of a tree"),
        ('Cut="0.1"', 'Cut="nan"', "damaged .*Cut = nan"),
        ('res="0.25"', 'res="1e300"', r"damaged .*res = 1e\+300"),
        ('res="0.25"', "", "damaged"),
        ('NCoef="0" IVar="1"', 'NCoef="3" IVar="1"', "a BDT with UseFisherCuts"),
    ],
)
def test_a_forest_that_is_not_evaluated_is_told_in_one_line(
    before: str, after: str, reason: str, tmp_path: Path
) -> None:
    text = stump()
    assert before in text
    with pytest.raises(UserError, match=reason) as error:
        evaluator(tmp_path, text.replace(before, after))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("form", ["header", "onnx", "rdataframe"])
def test_what_is_exported_gives_the_scores_that_tmva_gave(form: str, tmp_path: Path) -> None:
    pytest.importorskip({"onnx": "onnxruntime", "rdataframe": "ROOT"}.get(form, "numpy"))
    path = tmp_path / ("job.py" if form == "rdataframe" else "job.h")
    scored = scoring.of_weight_file(tmva_weights.parse(recordings.weight_file(NAME)))
    asked = exports.Written(path, scored, [(0, 1)] * 4, "job")
    notes = exports.write(form, asked)
    sample = tmva_files.read_sample(str(recordings.FOLDER / NAME / "TMVA.root"), "TestTree", scored.names, "Method")
    scores = exports.scores(form, asked)
    assert exports.largest_difference(scores(sample.variables), sample.scores) < 1e-6
    # On a cut, between its neighbours, and where there is no number.
    cuts = {(int(node.get("IVar")), float(node.get("Cut"))) for node in scored.file.root.iter("Node")} - {(-1, 0.0)}
    events = numpy.repeat(sample.variables[:100], 3, axis=0)
    for number, (variable, cut) in zip(range(100), sorted(cuts), strict=False):
        for beside, row in zip((-9, 0, 9), events[3 * number :], strict=False):
            row[variable] = numpy.nextafter(numpy.float32(cut), numpy.float32(beside)) if beside else cut
    events[0] = numpy.nan
    assert exports.largest_difference(scores(events), scored.evaluate(events)) < 1e-6
    assert (notes != ()) == (form == "onnx")


def test_what_holds_no_trees_says_so(tmp_path: Path) -> None:
    scored = scoring.of_weight_file(tmva_weights.parse(recordings.weight_file(NAME)))
    with pytest.raises(UserError, match="boosted trees, which no layer of Keras is; export as header, onnx or rdata"):
        keras_file.model(types.SimpleNamespace(Input=dict), scored)
    path = recordings.weight_file(NAME)
    with pytest.raises(UserError, match=f"TMVA::Reader reads the one that TMVA left, {path}; or export as header"):
        tmva_weight_file.write_scoring(tmp_path / "out.xml", scored, [(0, 1)] * 4, "6.40.00")
    assert list(tmp_path.iterdir()) == []


def test_the_trees_of_a_run_are_exported_and_checked(make_task: Any, run_worker: Any, tmp_path: Path) -> None:
    pytest.importorskip("ROOT")
    task = make_task(NAME, "tmva-bdt", "tmva", **VALUES)
    outcome, log = run_worker(task, PYTHONPATH=str(recordings.FOLDER.parents[1] / "double" / "site"))
    assert outcome["status"] == "ok", log
    asked = export_worker.Task(
        source=task.folder,
        form="header",
        output=str(tmp_path / "run.h"),
        force=False,
        here=str(Path.cwd()),
        method="tmva-bdt",
        point=dataclasses.asdict(task.point),
        input_file=task.input_file,
        input_digest=task.input_digest,
        backend="jax",
    )
    (tmp_path / "task.json").write_text(json.dumps(asked._asdict()))
    [(against, difference)] = export_worker.carry_out(tmp_path)["checks"]
    assert against == "the stored scores of the run's 4000 test events"
    assert difference < 1e-6
    assert (tmp_path / "run.h").is_file()


def test_a_run_is_applied_to_other_events(make_task: Any, run_worker: Any, tmp_path: Path) -> None:
    pytest.importorskip("ROOT")
    task = make_task(NAME, "tmva-bdt", "tmva", **VALUES)
    outcome, log = run_worker(task, PYTHONPATH=str(recordings.FOLDER.parents[1] / "double" / "site"))
    assert outcome["status"] == "ok", log
    shutil.copy(task.input_file, tmp_path / "events.root")
    asked = apply_worker.Task(
        method="tmva-bdt",
        backend="tmva",
        point=dataclasses.asdict(task.point),
        run=task.folder,
        input_file=task.input_file,
        input_digest=task.input_digest,
        encoded_file="",
        encoded_digest="",
        events=[f"{tmp_path}/events.root:TestB"],
        friends=[],
        output=str(tmp_path / "scores.root"),
        force=False,
        here=str(Path.cwd()),
    )
    (tmp_path / "task.json").write_text(json.dumps(asked._asdict()))
    answer = apply_worker.carry_out(tmp_path)
    assert answer["events"] == 2000
    assert answer["difference"] < 1e-7
    with uproot.open(tmp_path / "scores.root") as file, uproot.open(Path(task.folder, "scores.root")) as own:
        theirs = own["TestB"]["score"].array(library="np")
        assert numpy.abs(file["scores"]["score"].array(library="np") - theirs).max() < 1e-7


@pytest.mark.tmva
@pytest.mark.parametrize("transformations", ["I", "N", "D"])
def test_real_tmva_trains_a_forest(transformations: str, make_task: Any, run_worker: Any) -> None:
    task = make_task(NAME, "tmva-bdt", "tmva", **{**VALUES, "transformations": transformations})
    outcome, log = run_worker(task)
    assert outcome["status"] == "ok", f"{outcome}\n{log}"
    assert outcome["roc_integral"] == pytest.approx(recordings.case(NAME)["roc_integral"], abs=0.02)
    assert outcome["parameters"] > 100
    assert outcome["real_time_fit"] > 0
