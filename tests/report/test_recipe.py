"""The command that makes an input file again makes the same file."""

import shlex

import numpy
import pytest
import uproot
from click.testing import CliRunner

from tmva_bench import api, cli
from tmva_bench.events import inputs
from tmva_bench.report import recipe

BASE = {
    "signal": {"ggH": "s1.root:t", "VBF": ["s2.root:t"]},
    "background": "b.root:t",
    "variables": ["x", "product=x*y", "l[0]"],
}
CHANGES = [
    {},
    {"cut": "x > -1 && y < 2", "signal_cut": "x > -2", "weight": "1 + 0.1*y", "scale": {"VBF": "0.5"}, "seed": 3},
    {"split": "event % 3 > 0", "spectators": "event, z=x+y", "pad": 0.125, "normalise": True},
    {"split": 0.25, "background_weight": "2"},
    {"fold": "2/3", "name": "folded"},
    {"train_signal": 40, "test_signal": 30, "test_background": 20},
    {"test_signal": {"T": "t1.root:t"}, "test_background": "t2.root:t", "train_background": 50},
    {"signal": "s*.root:t", "background": None, "label": "event % 2 == 0"},
]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(("s1", "s2", "b", "t1", "t2")):
        draw = numpy.random.default_rng(number)
        with uproot.recreate(f"{name}.root") as file:
            file["t"] = {
                "x": draw.normal(size=300),
                "y": draw.normal(size=300),
                "l": draw.normal(size=(300, 2)),
                "event": numpy.arange(300) + 1000 * number,
            }


@pytest.mark.parametrize("changes", CHANGES, ids=lambda changes: ",".join(changes) or "plain")
def test_the_command_makes_the_same_file(here, changes):
    asked = {**BASE, **changes}
    metadata = api.convert("first.root", **asked)
    words = shlex.split(recipe.command(metadata, "second.root"))
    assert words[0] == "tmva-bench"
    answer = CliRunner().invoke(cli.main, words[1:])
    assert answer.exit_code == 0, answer.output
    again = inputs.read("second.root").metadata
    assert again["digest"] == metadata["digest"]
    assert again["sample"] == metadata["sample"]
    for key in ("variables", "spectators", "cut", "weight", "split", "counts", "numbers", "pad", "normalise"):
        assert again["selection"][key] == metadata["selection"][key]


def test_no_command_makes_generated_events_or_a_scripts_arrays(here):
    generated = api.generate("g.root", train_signal=10, train_background=10, test_signal=10, test_background=10)
    assert recipe.command(generated, "x.root") == ""
    draw = numpy.random.default_rng(1)
    arrays = {"x": draw.normal(size=100)}
    assert recipe.command(api.convert("a.root", arrays, "b.root:t", "x"), "x.root") == ""
