"""Samples of a study that are made of users' own trees."""

import inspect
import itertools
import logging
import shutil
from pathlib import Path

import numpy
import pytest
import uproot
from click.testing import CliRunner

from tmva_bench import api, cli
from tmva_bench.errors import UserError
from tmva_bench.events import conversion, inputs
from tmva_bench.results.folder import ResultsFolder
from tmva_bench.running import execution
from tmva_bench.study import file as study_file

SAMPLE = """
[sample]
name = "mine"
signal = {ggH = "s1.root:t", VBF = ["s2.root:t"]}
background = ["A=b1.root:t", "B=b2.root:t", "C=b3.root:t"]
variables = ["x", "z = x*y"]
spectators = "event"
cut = "x > -2"
weight = "1 + 0.01*y"
scale = {A = "2"}
split = "event % 2 == 0"
"""
REST = """
[point]
batch_size = 20
[[series]]
method = "keras"
[[series]]
method = "tmva-dnn"
"""


def write(name, events, seed):
    draw = numpy.random.default_rng(seed)
    with uproot.recreate(name) as file:
        columns = {"x": draw.normal(size=events), "y": draw.normal(size=events), "event": numpy.arange(events)}
        file.mktree("t", {one: values.dtype for one, values in columns.items()}).extend(columns)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(("s1", "s2", "b1", "b2", "b3")):
        write(f"{name}.root", 200 + 10 * number, number)
    return tmp_path


def study(text):
    Path("mine.toml").write_text(text)
    return study_file.read("mine.toml")


def jobs(text, only=(), *, look=False):
    return api.study_jobs(study(text), ResultsFolder("results/mine"), only, look=look)


def test_the_keys_are_the_arguments_of_convert():
    arguments = set(inspect.signature(api.convert).parameters) - {"path", "force", "listener"}
    assert study_file.KEYS["events"].keys() - {"axes", "folds"} == arguments


def test_a_study_trains_on_what_convert_makes(here):
    (data, *_) = {job.data.path: job.data for job in jobs(SAMPLE + REST)}.values()
    made = api.convert(
        "input.root",
        {"ggH": "s1.root:t", "VBF": "s2.root:t"},
        ["A=b1.root:t", "B=b2.root:t", "C=b3.root:t"],
        ["x", "z = x*y"],
        name="mine",
        spectators="event",
        cut="x > -2",
        weight="1 + 0.01*y",
        scale={"A": "2"},
        split="event % 2 == 0",
    )
    assert data.metadata["digest"] == made["digest"]
    assert data.metadata["selection"]["counts"] == made["selection"]["counts"]
    assert inputs.read_spectators(data).keys() == set(inputs.TREES)


def test_planning_writes_nothing_and_reads_no_event(here, monkeypatch):
    monkeypatch.setattr("tmva_bench.events.conversion._read_class", lambda *arguments: pytest.fail("events are read"))
    planned = jobs(SAMPLE + REST, look=True)
    assert [job.request.method for job in planned] == ["keras", "tmva-dnn"]
    answer = CliRunner().invoke(cli.main, ["study", "mine.toml", "--dry-run"])
    assert answer.exit_code == 0, answer.output
    assert "2 to do" in answer.output
    assert not Path("results").exists()


def test_a_plan_tells_numbers_of_events_apart(here):
    axes = "[axes]\ntrain_signal = [50, 60]\n"
    planned = jobs(SAMPLE + axes + REST, look=True)
    done = jobs(SAMPLE + axes + REST)
    assert [job.request for job in planned] == [job.request for job in done]
    assert len({job.name for job in planned}) == len(planned) == 4


def test_the_input_is_made_once(here):
    first = jobs(SAMPLE + REST)
    files = {path: path.stat().st_mtime_ns for path in Path("results/mine/inputs").iterdir()}
    assert [job.name for job in jobs(SAMPLE + REST)] == [job.name for job in first]
    assert [job.name for job in jobs(SAMPLE + REST, look=True)] == [job.name for job in first]
    assert {path: path.stat().st_mtime_ns for path in Path("results/mine/inputs").iterdir()} == files
    assert len(files) == 1


@pytest.mark.parametrize("look", [False, True])
@pytest.mark.parametrize("glob", [False, True])
def test_changed_sources_are_told(here, look, glob):
    text = SAMPLE.replace('["A=b1.root:t", "B=b2.root:t", "C=b3.root:t"]', '"b*.root:t"').replace("{A", "{background")
    text = (text if glob else SAMPLE) + REST
    jobs(text)
    before = Path("s1.root").read_bytes()
    if glob:
        write("b9.root", 50, 9)
    else:
        write("s1.root", 200, 77)
    with pytest.raises(UserError, match=r"sample mine: b9.root is one more" if glob else r"s1.root has changed"):
        jobs(text, look=look)
    # A copy of the same bytes is the same file.
    Path("b9.root").unlink(missing_ok=True)
    Path("s1.root").write_bytes(before)
    assert jobs(text, look=look)


def test_a_byte_changed_in_place_is_told(here):
    jobs(SAMPLE + REST)
    content = bytearray(Path("b2.root").read_bytes())
    content[len(content) // 2] ^= 1
    Path("b2.root").write_bytes(content)
    with pytest.raises(UserError, match=r"b2.root has changed since .*mine-\w{12}.root was made; .*--results"):
        jobs(SAMPLE + REST)


def test_a_results_folder_without_the_sources_goes_on(here, caplog):
    first = jobs(SAMPLE + REST)
    for path in here.glob("*.root"):
        path.unlink()
    shutil.move("results", "elsewhere")
    shutil.move("elsewhere", "results")
    with caplog.at_level(logging.WARNING):
        assert [job.name for job in jobs(SAMPLE + REST)] == [job.name for job in first]
    assert "5 are not there, s1.root among them; it is used as it is" in caplog.text


class Heard(execution.Silent):
    """Notes the events it is told of."""

    def __init__(self):
        self.events = []

    def reading(self, done, total):
        self.events.append((done, total))


def test_events_are_told_while_they_are_read_and_not_where_they_are_there(here):
    heard = Heard()
    api.study_jobs(study(SAMPLE + REST), ResultsFolder("results/mine"), listener=heard)
    assert heard.events and heard.events[-1][0] == heard.events[-1][1]
    again = Heard()
    api.study_jobs(study(SAMPLE + REST), ResultsFolder("results/mine"), listener=again)
    assert again.events == []


def test_folds_test_every_event_once(here):
    text = SAMPLE.replace('split = "event % 2 == 0"', "folds = 3").replace('cut = "x > -2"\n', "") + REST
    planned = jobs(text)
    names = [job.data.metadata["sample"] for job in planned[::2]]
    assert names == ["mine", "mine", "mine"]
    assert [conversion.fold(job.data.metadata) for job in planned[::2]] == [1, 2, 3]
    (job, _) = jobs(text, only=["fold=2"])
    assert job.data.path == planned[2].data.path
    test = [inputs.read_spectators(job.data)["TestB"]["event"] for job in planned[::2]]
    every = numpy.concatenate([numpy.arange(200 + 10 * number) for number in (2, 3, 4)])
    assert sorted(itertools.chain(*test)) == sorted(every)


def test_what_is_written_is_read_back(here):
    two = SAMPLE.replace("[sample]", "[[sample]]") + SAMPLE.replace("[sample]", "[[sample]]").replace("mine", "other")
    for text in (SAMPLE + REST, two.replace('split = "event % 2 == 0"', "folds = 2\nnormalise = true") + REST):
        read = study(text)
        Path("again.toml").write_text(study_file.text(read))
        again = study_file.read("again.toml")
        assert again.samples == read.samples


@pytest.mark.parametrize(
    ("before", "after", "line", "reason"),
    [
        ('variables = ["x", "z = x*y"]\n', "", 2, "variables: events of your own need it"),
        ('signal = {ggH = "s1.root:t", VBF = ["s2.root:t"]}\n', "", 2, "signal: events of your own need it"),
        ('background = ["A=b1.root:t", "B=b2.root:t", "C=b3.root:t"]\n', "", 2, "background: events of your own need"),
        ('cut = "x > -2"', "cut = 3", 8, "cut = 3: must be a text"),
        ('cut = "x > -2"', "cuts = 'x'", 8, r"unknown key 'cuts'; did you mean 'cut'\?"),
        ('["x", "z = x*y"]', '["x", 3]', 6, "variables = .* must be a text, or list of texts"),
        ('ggH = "s1.root:t"', "ggH = 3", 4, "signal must be a text, list of texts, or table"),
        ('split = "event % 2 == 0"', "folds = 1", 11, "folds = 1: give at least 2"),
        ('split = "event % 2 == 0"', 'folds = 3\nfold = "1/2"', 11, "folds = 3: .* no fold beside"),
        ('split = "event % 2 == 0"', "pad = true", 11, "pad = True: must be a number"),
        ('split = "event % 2 == 0"', "normalise = 1", 11, "normalise = 1: must be true or false"),
        ('split = "event % 2 == 0"', "test_signal = 1.5", 11, "test_signal must be a whole number"),
        ('"mine"', '"a b"', 3, "name = 'a b': letters"),
    ],
)
def test_what_cannot_be_is_told_with_its_line(here, before, after, line, reason):
    assert before in SAMPLE
    with pytest.raises(UserError, match=rf"mine.toml, line {line}: {reason}"):
        study(SAMPLE.replace(before, after) + REST)


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("s1.root:t", "s7.root:t", r"s7.root"),
        ("x > -2", "w > 2", r"unknown branch in s1.root:t 'w'"),
        ("z = x*y", "z = x*", "variables"),
        ('split = "', 'fold = "1/2"\nsplit = "', "split and fold: each says which events test"),
    ],
)
def test_what_the_trees_lack_is_told_before_anything_is_written(here, before, after, reason):
    # A plan does not look for branches in every file.
    for look in (True, False) if "w" not in after else (False,):
        with pytest.raises(UserError, match=reason):
            jobs(SAMPLE.replace(before, after) + REST, look=look)
    assert not list(Path().glob("results/*/inputs/*"))
