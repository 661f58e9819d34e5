"""Scores of other events: those of the run itself, from trees, input files, and each kind of trained network."""

import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import awkward
import numpy
import pytest
import uproot
from click.testing import CliRunner

from tmva_bench import api, cli
from tmva_bench.errors import UserError
from tmva_bench.events import application, inputs

TOLERANCE = 1e-6
POINT = {"neurons": 6, "layers": 2, "max_epochs": 3, "batch_size": 40, "transformations": "N,P,G"}
ENCODED = "A(k=2:TrainingStrategy=MaxEpochs=5,BatchSize=30:Backend=jax)"


def write(path, events, mean, seed):
    draw = numpy.random.default_rng(seed)
    counts = 1 + draw.poisson(2, events)
    columns = {
        "x": draw.normal(mean, 1, events),
        "y": draw.normal(0, 1, events).astype("f4"),
        "event": 2**60 + 1000 * seed + numpy.arange(events),
        "Jet_pt": awkward.unflatten(draw.exponential(30, counts.sum()), counts),
    }
    with uproot.recreate(path) as file:
        file.mktree("t", {"x": "f8", "y": "f4", "event": "i8", "Jet_pt": "var * float64"}).extend(columns)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A finished run of Keras on a selection of jagged trees, and those trees."""
    folder = tmp_path_factory.mktemp("applied")
    for number, name in enumerate(("s1", "s2", "b1")):
        write(folder / f"{name}.root", 250 + 100 * number, 1 - number / 2, number + 1)
    api.convert(
        folder / "input.root",
        [f"{folder}/s1.root:t", f"{folder}/s2.root:t"],
        f"{folder}/b1.root:t",
        ["x", "p = x*y", "Jet_pt[:2]"],
        pad=-1,
        cut="x > -0.5",
        background_cut="y < 1",
        spectators="event, r = hypot(x, y)",
        split="event % 2 == 0",
    )
    row = api.run(folder / "input.root", "keras", backend="jax", point=POINT, folder=folder / "results")
    assert row["status"] == "ok", row["reason"]
    return folder, row["run_id"]


@pytest.fixture
def here(home, tmp_path, monkeypatch):
    """A copy of all in another place; the run's folder."""
    folder, name = home
    shutil.copytree(folder, tmp_path / "moved")
    monkeypatch.chdir(tmp_path / "moved")
    return Path("results/runs") / name


def read(path):
    with uproot.open(path) as file:
        return file["scores"].arrays(library="np")


def test_the_trees_of_the_input_have_the_scores_of_the_run(here):
    answer = api.apply(here, ["s1.root:t", "s2.root:t", "b1.root:t"], "scores.root")
    scores = read("scores.root")
    trees = [uproot.open(f"{name}.root")["t"].arrays(["x", "y", "event"], library="np") for name in ("s1", "s2", "b1")]
    x, y, event = (numpy.concatenate([tree[name] for tree in trees]) for name in ("x", "y", "event"))
    assert answer["events"] == len(event) == len(scores["score"])
    assert numpy.array_equal(scores["event"], event)
    assert numpy.allclose(scores["r"], numpy.hypot(x, y))
    assert numpy.array_equal(scores["passes_signal"], x > -0.5)
    assert numpy.array_equal(scores["passes_background"], (x > -0.5) & (y < 1))
    assert answer["passing"]["passes_signal"] == (x > -0.5).sum()
    by_event = dict(zip(scores["event"], scores["score"], strict=True))
    with uproot.open("input.root") as file, uproot.open(here / "scores.root") as run:
        for tree in inputs.TREES:
            events = file[inputs.SPECTATOR_TREES[tree]]["event"].array(library="np")
            theirs = run[tree]["score"].array(library="np")
            assert max(abs(by_event[one] - score) for one, score in zip(events, theirs, strict=True)) < TOLERANCE


def test_so_have_the_trees_of_the_input_file_itself(here):
    arguments = ["apply", str(here), "input.root:TestS", "-o", "scores.root"]
    answer = CliRunner().invoke(cli.main, arguments)
    assert answer.exit_code == 0, answer.output
    with uproot.open("input.root") as file, uproot.open(here / "scores.root") as run:
        assert abs(read("scores.root")["score"] - run["TestS"]["score"].array(library="np")).max() < TOLERANCE
        events = file["SpectatorsTestS"]["event"].array(library="np")
    assert numpy.array_equal(read("scores.root")["event"], events)
    assert f"scores.root: scores of {len(events)} events" in answer.output
    told = re.search("largest difference (.*) from the run's own scores of its test events", answer.output)
    assert float(told[1]) < TOLERANCE
    # Nothing is written over unasked.
    before = Path("scores.root").read_bytes()
    answer = CliRunner().invoke(cli.main, arguments)
    assert answer.exit_code == 2
    assert "--force" in answer.output
    assert Path("scores.root").read_bytes() == before
    assert CliRunner().invoke(cli.main, [*arguments, "--force"]).exit_code == 0


def changed_model(run):
    (run / "model.keras").write_bytes(b"PK" + bytes(100))


def lost_record(run):
    (run / "record.json").unlink()


def lost_input(run):
    for path in (run.parent.parent / "inputs").iterdir():
        path.unlink()


@pytest.mark.parametrize(
    ("change", "trees", "output", "reason"),
    [
        (changed_model, "s1.root:t", "o.root", r"model.keras is no longer as the run left it"),
        (lost_record, "s1.root:t", "o.root", "no finished run; give its folder"),
        (lost_input, "s1.root:t", "o.root", "put the input file there"),
        (None, "s9.root:t", "o.root", "s9.root: no such file"),
        (None, "s1.root:u", "o.root", "unknown tree in s1.root 'u'"),
        (None, "input.root:LikelihoodRatioS", "o.root", "unknown tree"),
        (None, "input.root:SpectatorsTestS", "o.root", "unknown branch .*'x'"),
        (None, "s1.root:t", "s1.root", "is an input of this command|is there already"),
        (None, "s1.root:t", "nowhere/o.root", "cannot be written"),
    ],
)
def test_what_cannot_be_applied_is_told_in_one_line(here, change, trees, output, reason):
    if change:
        change(here)
    before = {path: path.stat().st_size for path in Path().glob("*")}
    with pytest.raises(UserError, match=reason) as error:
        api.apply(here, trees, output, force=True)
    assert "\n" not in str(error.value)
    assert {path: path.stat().st_size for path in Path().glob("*")} == before


@pytest.mark.parametrize(
    ("method", "backend", "point"),
    [
        ("boosting", "sklearn", {"transformations": "G", "max_epochs": 20}),
        ("boosting", "xgboost", {"transformations": "G", "max_epochs": 20}),
        ("linear", "sklearn", {"transformations": "G"}),
        ("dae", "jax", {"transformations": f"N,{ENCODED}"}),
        pytest.param(
            "dae", "jax", {"transformations": f"N,{ENCODED.replace('30', '20')}_Background"}, marks=pytest.mark.slow
        ),
        pytest.param(
            "keras", "jax", {**POINT, "transformations": f"N,{ENCODED.replace('k=2', 'k=3')},N"}, marks=pytest.mark.slow
        ),
        pytest.param(
            "boosting", "sklearn", {"transformations": f"{ENCODED},P", "max_epochs": 20}, marks=pytest.mark.slow
        ),
    ],
)
def test_other_methods_and_encoded_events_have_the_scores_of_the_run(home, here, method, backend, point):
    pytest.importorskip({"sklearn": "sklearn", "xgboost": "xgboost"}.get(backend, "jax"))
    row = api.run("input.root", method, backend=backend, point=point, folder="results")
    assert row["status"] == "ok", row["reason"]
    run = Path("results/runs") / row["run_id"]
    api.apply(run, ["s1.root:t", "s2.root:t", "b1.root:t"], "scores.root")
    by_event = dict(zip(*(read("scores.root")[name] for name in ("event", "score")), strict=True))
    with uproot.open("input.root") as file, uproot.open(run / "scores.root") as own:
        for tree in inputs.TREES:
            events = file[inputs.SPECTATOR_TREES[tree]]["event"].array(library="np")
            theirs = own[tree]["score"].array(library="np")
            assert theirs.std() > 0.001
            assert numpy.allclose([by_event[one] for one in events], theirs, rtol=0, atol=TOLERANCE)
    if method != "keras":
        with pytest.raises(UserError, match=f"a run of {method} is evaluated without Keras; leave it out"):
            api.apply(run, "s1.root:t", "other.root", backend="jax")
    if row["encoded_digest"]:
        for path in Path("results/inputs").glob("encoded-*"):
            path.unlink()
        with pytest.raises(UserError, match="no encoded-.* put the file there, or run it again"):
            api.apply(run, "s1.root:t", "other.root")


def test_a_method_whose_model_is_not_evaluated_here_is_refused(here, monkeypatch):
    from tmva_bench.methods import registry

    monkeypatch.setitem(registry.METHODS, "keras", registry.of("keras")._replace(evaluator=None))
    with pytest.raises(UserError, match="a run of keras, which cannot be applied .*boosting, linear.* can"):
        api.apply(here, "s1.root:t", "o.root")


def metadata(cut=None, pad=None, variables=(("a", "x"),), spectators=()):
    listed = [[{"name": name, "expression": text} for name, text in one] for one in (variables, spectators)]
    return {
        "variables": [name for name, _ in variables],
        "selection": {
            "variables": listed[0],
            "spectators": listed[1],
            "pad": pad,
            "cut": {"signal": cut, "background": cut},
        },
    }


def test_chunks_change_nothing(here, monkeypatch):
    told = metadata(cut="Jet_pt[0] > 20", variables=(("a", "x"), ("b", "Jet_pt[1]")), spectators=(("event", "event"),))
    texts = ["s1.root:t", "s2.root:t"]
    whole = list(application.Trees(told, texts).chunks())
    monkeypatch.setattr(application, "_MOST", 1000)
    monkeypatch.setattr("tmva_bench.events.sources.Table.steps", lambda table, names, most: [(0, 100), (100, 101)])
    monkeypatch.setattr(
        "tmva_bench.events.sources._FileTable.steps",
        lambda table, names, most: [(i, min(i + 7, table.events)) for i in range(0, table.events, 7)],
    )
    parts = list(application.Trees(told, texts).chunks())
    assert len(parts) > 50 > len(whole)
    for pick in (lambda c: c.events, lambda c: c.columns["event"], lambda c: c.columns["passes"]):
        first, second = (numpy.concatenate([pick(chunk) for chunk in chunks]) for chunks in (whole, parts))
        assert numpy.array_equal(first, second, equal_nan=True)
    # What is not there is NaN, in its place.
    jets = numpy.concatenate([awkward.num(uproot.open(name)["t"]["Jet_pt"].array()) for name in ("s1.root", "s2.root")])
    assert numpy.array_equal(numpy.isnan(numpy.concatenate([chunk.events for chunk in parts])[:, 1]), jets < 2)


def test_what_a_tree_lacks_beside_the_variables_is_left_out_and_told(here):
    trees = application.Trees(
        metadata(cut="truth > 0", spectators=(("w", "genWeight"), ("event", "event"))), ["s1.root:t"]
    )
    assert trees.types == {"event": "int64"}
    assert [note.partition("; ")[2] for note in trees.notes] == [
        "the spectator w is left out",
        "the cut passes is left out",
    ]


def in_child(code, *arguments):
    child = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={"KERAS_BACKEND": "jax", "JAX_ENABLE_X64": "1", "PYTHONPATH": str(Path(__file__).parents[2]), "PATH": ""},
    )
    assert child.returncode == 0, child.stderr
    return child.stdout.split()


def test_the_network_of_tmva_gives_the_scores_that_tmva_gave(tmp_path):
    from tmva_bench.running import replay

    (tmp_path / "dataset" / "weights").mkdir(parents=True)
    shutil.copy(replay.SHIPPED / "job_Method.weights.xml", tmp_path / "dataset" / "weights" / "job_Method.weights.xml")
    code = """
        import sys
        from pathlib import Path
        import keras, numpy
        from tmva_bench.basis.config import Point
        from tmva_bench.engines import tmva_files, tmva_weights
        from tmva_bench.methods import Trained, registry
        run, output = map(Path, sys.argv[1:])
        score = registry.of("tmva-dnn").evaluator(Trained(Point(), run, None, "jax"))
        names = [variable.internal for variable in
                 tmva_weights.parse(run / "dataset/weights/job_Method.weights.xml").variables]
        test = tmva_files.read_sample(str(output), "TestTree", names, "Method")
        print(len(test.scores), numpy.abs(score(test.variables) - test.scores).max())
    """
    number, difference = in_child(code, tmp_path, replay.SHIPPED / "TMVA.root")
    assert int(number) > 100
    assert float(difference) < TOLERANCE


@pytest.mark.parametrize("suffix", ["keras", "h5"])
@pytest.mark.parametrize("loss", ["cross_entropy", "sum_of_squares"])
def test_the_model_of_pykeras_is_evaluated(tmp_path, suffix, loss):
    code = """
        import sys
        from pathlib import Path
        import keras, numpy
        from tmva_bench.basis import mapping
        from tmva_bench.basis.config import Point
        from tmva_bench.engines import keras_network, tmva_weight_file
        from tmva_bench.events import inputs, transforms
        from tmva_bench.methods import Trained, registry
        run, suffix, loss = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
        point = Point(neurons=5, layers=2, transformations="N,D", loss=loss, activation="gauss")
        draw = numpy.random.default_rng(1)
        x = draw.normal(size=(500, 3)).astype("f4") @ numpy.array([[1, 0.5, 0], [0, 1, 0], [0, 0, 3]], "f4")
        weights, signal = numpy.ones(500), numpy.arange(500) % 2 == 0
        model = keras_network.build_for_pykeras(keras, mapping.training(point), 3)
        model.save(str(run / f"trained.{suffix}"))
        pairs = keras_network.get_weights(model)[:3]
        (run / "dataset" / "weights").mkdir(parents=True)
        tmva_weight_file.write(run / "dataset/weights/job_Method.weights.xml", point, ["a", "b", "c"], x, weights,
                               signal, pairs, "6.40/00")
        data = inputs.InputFile("", ["a", "b", "c"], {}, {}, {})
        ours = registry.of("pykeras").evaluator(Trained(point, run, data, "jax"))(x)
        theirs = model.predict(transforms.Chain(["N", "D"], x, weights)(x), verbose=0)[:, 0]
        exported = registry.of("pykeras").scoring(Trained(point, run, data)).evaluate(x)
        print(numpy.abs(ours - theirs).max(), numpy.abs(exported - theirs).max(), theirs.std())
    """
    difference, of_export, spread = in_child(code, tmp_path, suffix, loss)
    assert max(float(difference), float(of_export)) < TOLERANCE < 0.001 < float(spread)


def test_a_model_with_code_in_it_runs_nothing(tmp_path):
    code = """
        import sys
        from pathlib import Path
        import keras
        from tmva_bench.engines import tmva_evaluation
        from tmva_bench.errors import UserError
        folder = Path(sys.argv[1])
        layers = [keras.Input((2,)), keras.layers.Lambda(lambda x: x), keras.layers.Dense(1)]
        keras.Sequential(layers).save(folder / "lambda.keras")
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        keras.models.load_model = None
        tmva_evaluation.load_weights(model, folder / "lambda.keras")
        other = keras.Sequential([keras.Input((2,)), keras.layers.Dense(7)])
        for path in (folder / "lambda.keras", folder / "none.keras", Path(__import__("tmva_bench").__file__)):
            try:
                tmva_evaluation.load_weights(other, path)
            except UserError as error:
                print(len(str(error).splitlines()))
    """
    assert in_child(code, tmp_path) == ["1", "1", "1"]


def test_spectators_stand_beside_the_scores_of_the_run(here):
    with uproot.open("input.root") as file, uproot.open(here / "scores.root") as run:
        for tree in inputs.TREES:
            assert set(run[tree].keys()) == {"score", "event", "r"}
            for name in ("event", "r"):
                theirs = file[inputs.SPECTATOR_TREES[tree]][name].array(library="np")
                assert numpy.array_equal(run[tree][name].array(library="np"), theirs)
