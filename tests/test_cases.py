"""Small inputs after public reports, made by the scripts in ``../shared/cases``; without these nothing is tried."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import command_line

CASES = Path(__file__).parents[2] / "shared" / "cases"
pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="needs the folder of cases beside the checkout")
needs_jax = pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="needs jax")
KERAS = ("--method", "keras", "--backend", "jax", "--neurons", 10, "--layers", 1, "--max-epochs", 5, "--batch-size", 50)


@pytest.fixture
def case(tmp_path):
    """Makes the files of a case; gives a command line in their folder: exit code, and all that it said."""

    def make(number):
        (script,) = CASES.glob(f"{number}-*.py")
        environment = {**os.environ, "PYTHONPATH": str(CASES)}
        commands = subprocess.run(
            [sys.executable, str(script)], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert commands.returncode == 0, commands.stderr

        def say(*arguments):
            done = command_line(tmp_path, *arguments)
            assert "Traceback" not in done.stderr
            return done.returncode, done.stdout + done.stderr

        say.printed = commands.stdout
        return say

    return make


def both(stem, variables, *more, tree="t"):
    """``convert`` of a pair of files, one a class."""
    sources = ("--signal", f"{stem}_s.root:{tree}", "--background", f"{stem}_b.root:{tree}")
    return ("convert", "-o", "o.root", *sources, "--variables", variables, *more)


def refused(answer, *words):
    code, said = answer
    assert code == 2, said
    assert said.count("\n") == 1
    for word in words:
        assert word in said


def works(answer, *words):
    code, said = answer
    assert code == 0, said
    for word in words:
        assert word in said


def row_of(folder):
    """The row of the one run."""
    (path,) = folder.glob("results/o/runs/*/record.json")
    return json.loads(path.read_text())["row"]


@pytest.mark.parametrize(
    ("number", "runs"),
    [
        ("01", ["rs0", "rs7"]),
        ("02", ["expr"]),
        ("03", ["several"]),
        ("04", ["loader"]),
        ("05", ["opt_all", "opt_formula", "opt_ident", "opt_long", "opt_zero"]),
    ],
)
def test_verify_reads_jobs_of_others(case, number, runs):
    say = case(number)
    for run in runs:
        code, said = say("verify", run)
        assert code == 0, said
        assert float(said.split("largest difference ")[1].split()[0]) < 1e-6
    if number == "01":
        refused(say("replay", "rs0"), "RandomSeed = 0")


@pytest.mark.parametrize(
    ("number", "command", "words"),
    [
        ("10", both("dep", "x0,x1,x2,sum"), ("4000 events",)),
        ("16", both("arr", "one[0],x,jet_pt[0],p.x"), ("4000 events",)),
        ("17", both("few", "x0,x1,x2"), ("80 events",)),
        ("18", both("unb", "x0,x1,x2,x3"), ("20060 events",)),
        ("20", both("many", ",".join(f"x{n}" for n in range(300))), ("3000 events",)),
    ],
)
def test_taken(case, number, command, words):
    works(case(number)(*command), *words)


@pytest.mark.parametrize(
    ("number", "command", "words"),
    [
        ("14", both("val", "x0,huge"), ("'huge'", "beyond float32")),
        ("14", both("val", "x0,eventNumber"), ("'eventNumber'", "beyond float32")),
        ("14", both("val", "x0,off"), ("'off'", "beyond float32")),
        ("17", both("empty", "x0,x1,x2"), ("empty_s.root:t", "0 events")),
        ("17", both("nan", "x0,n"), ("nan_s.root:t, branch 'n'", "entry 5")),
        ("23", both("wide", "b7x"), ("'b7x'", "and 1492 more")),
        ("35", both("fr", "x,y"), ("'y'", "friend")),
        ("13", both("cancel", "x0,x1,x2", "--weight", "w"), ("weight", "sum")),
    ],
)
def test_refused_in_one_line(case, number, command, words):
    answer = case(number)(*command)
    refused(answer, *words)
    assert len(answer[1]) < 600


def test_weights_of_one_class_alone(case):
    say = case("06")
    convert = ("convert", "-o", "o.root", "--signal", "one.root:TreeS", "--background", "one.root:TreeB")
    refused(say(*convert, "--variables", "x0,x1", "--weight", "weight"), "--background-weight")
    works(say(*convert, "--variables", "x0,x1", "--background-weight", "weight"), "2000 events")


def test_an_old_compression_is_not_called_damage(case):
    pytest.importorskip("ROOT")
    say = case("07")
    path = say.printed.split()[-1]
    command = ("convert", "-o", "o.root", "--signal", f"{path}:sig_filtered", "--background", f"{path}:bg_filtered")
    code, said = say(*command, "--variables", "ptsumf,qelep")
    assert code == 2
    assert "uproot cannot read it" in said
    assert "Snapshot" in said
    assert "damaged" not in said


def test_an_output_that_is_an_input(case, tmp_path):
    say = case("21")
    before = (tmp_path / "own_b.root").read_bytes()
    command = ("convert", "-o", "own_b.root", "--signal", "own_s.root:t", "--background", "own_b.root:t")
    for more in ((), ("--force",)):
        refused(say(*command, "--variables", "x0,x1", *more), "is an input of this command")
    assert (tmp_path / "own_b.root").read_bytes() == before


def test_two_background_files_are_both_taken(case):
    backgrounds = ("--background", "bkgA.root:t", "--background", "bkgB.root:t")
    works(case("22")("convert", "-o", "o.root", "--signal", "sig.root:t", *backgrounds, "--variables", "x0,x1"), "2500")


def test_classes_by_class_id(case):
    tree = "job/TMVA.root:dataset/TrainTree"
    works(
        case("27")("convert", "-o", "o.root", "--signal", tree, "--background", tree, "--variables", "a,b,c"), "events"
    )


def test_made_anew_under_the_same_name(case):
    say = case("32")
    works(say(*both("twice", "good0,good1")), "8000 events")
    works(say(*both("twice", "good0,good1")))
    refused(say(*both("twice", "x0,x1")), "holds something else", "--force")


@needs_jax
def test_input_files_by_hand(case):
    say = case("15")
    works(say("run", "types.root", *KERAS), "ROC area")
    refused(say("run", "types1.root", *KERAS), "'arr'", "not one number an event")
    refused(say("run", "typestr.root", *KERAS), "'label'", "not one number an event")
    works(case("19")("run", "d32.root", *KERAS), "ROC area")


@needs_jax
def test_dependent_variables_are_named_before_training(case):
    say = case("10")
    works(say(*both("dep", "x0,x1,x2,sum")))
    code, said = say("run", "o.root", *KERAS)
    assert code == 1
    assert "x0, x1 and sum depend on each other" in " ".join(said.split())
    works(say(*both("dep", "x0,x1,x2,sum,copy=2*x2", "--force")))
    code, said = say("run", "o.root", *KERAS)
    assert code == 1
    assert "x2 and copy do so, too: leave sum and copy out" in " ".join(said.split())
    works(say("run", "o.root", *KERAS, "--transformations", "N"), "ROC area")


@needs_jax
@pytest.mark.parametrize(("number", "stem", "variables"), [("12", "tiny", "x0,x1,x2,x3"), ("09", "kw", "pass,in,is")])
def test_trains(case, tmp_path, number, stem, variables):
    say = case(number)
    weights = ("--weight", "w") if number == "12" else ()
    works(say(*both(stem, variables, *weights)))
    works(say("run", "o.root", *KERAS))
    assert row_of(tmp_path)["roc_auc"] > 0.6


@needs_jax
@pytest.mark.parametrize(
    ("number", "stem", "variables"),
    [("11", "neg", "x0,x1"), ("33", "strong", "x0,x1,x2"), ("34", "sub", "x0,x1"), ("13", "zero", "x0,x1")],
)
def test_no_area_outside_0_to_1_without_a_word(case, tmp_path, number, stem, variables):
    say = case(number)
    works(say(*both(stem, variables, "--weight", "w")))
    code, said = say("run", "o.root", *KERAS)
    row = row_of(tmp_path)
    if row["status"] != "ok":
        assert code == 1
        assert "negative weights" in row["reason"]
    elif not 0 <= row["roc_auc"] <= 1:
        assert "outside 0 to 1" in row["warnings"]
        assert "outside 0 to 1" in " ".join(said.split())


@needs_jax
def test_an_axis_of_events_stands_in_the_table(case):
    code, said = case("24")("study", "curve.toml")
    assert code == 0, said
    assert "train_signal" in said
    assert not any(len(word) == 64 for word in said.split())


@needs_jax
def test_two_selections_of_one_ntuple_have_names(case):
    say = case("25")
    sources = ("--signal", "sel_s.root:t", "--background", "sel_b.root:t")
    for name, variables in (("selA", "x0,x1"), ("selB", "x2,x3")):
        works(say("convert", "-o", f"{name}.root", *sources, "--variables", variables, "--name", name))
    code, said = say("study", "own2.toml")
    assert code == 0, said
    assert "selA" in said
    assert "selB" in said
