import json
import math
import re
from pathlib import Path

import numpy
import pytest
import uproot
from double import recordings
from hypothesis import given
from hypothesis import strategies as st

from tmva_bench.basis import mapping
from tmva_bench.engines import keras_training, tmva_files, tmva_weights
from tmva_bench.errors import TrainingFailed, UserError
from tmva_bench.events import inputs, transforms

VARIABLES = ["var1", "var2", "var3", "var4"]
OUTPUTS = [path.parent.name for path in sorted(recordings.FOLDER.glob("*/TMVA.root"))]
WITH_OUTPUT = [name for name in OUTPUTS if not recordings.booking(name).targets]
WITH_WEIGHTS = [path.parts[-4] for path in sorted(recordings.FOLDER.glob("*/dataset/weights/*.xml"))]
TRAINED_DL = [name for name in WITH_WEIGHTS if recordings.booking(name).method == "kDL" and name != "silent-factory"]


@pytest.mark.parametrize("name", recordings.FAILURES)
def test_failure_is_tmvas_own_reason(name: str) -> None:
    assert tmva_files.failure(recordings.log(name)) == recordings.FAILURES[name]


def test_every_recorded_failure_is_tested() -> None:
    failed = {name for name in recordings.names() if "failed_in" in recordings.case(name)}
    assert failed == set(recordings.FAILURES)


@pytest.mark.parametrize("name", ["dnn-seed-preset", "pykeras-seed-preset", "quiet-nothing-improves"])
def test_no_failure_in_the_log_of_a_run_that_went_through(name: str) -> None:
    assert tmva_files.failure(recordings.log(name)) is None


def test_epoch_table() -> None:
    assert [epoch[:4] for epoch in tmva_files.epoch_table(recordings.log("dnn-seed-preset"))] == [
        (1, 0.542063, 0.498132, 0.00670619),
        (2, 0.480593, 0.517293, 0.00972121),
        (3, 0.482657, 0.495917, 0.00938273),
        (4, 0.470911, 0.492136, 0.00955379),
        (5, 0.46215, 0.498235, 0.00938567),
    ]


@pytest.mark.parametrize("title", ["Method", "DNN for Test", "A|B (1)"])
def test_sections_of_a_job_with_several_methods(title: str) -> None:
    log = recordings.log("dnn-seed-preset")
    assert tmva_files.section("no training here", title) == "no training here"
    renamed = log.replace("Train method: Method for", f"Train method: {title} for")
    others = log.replace("Train method: Method for", "Train method: Other for").replace("0.5", "0.7")
    table = tmva_files.epoch_table(log)
    assert tmva_files.epoch_table(tmva_files.section(others + renamed + others, title)) == table
    # A job that was run anew into the same log.
    assert tmva_files.epoch_table(tmva_files.section(renamed.replace("0.5", "0.6") + renamed, title)) == table
    assert tmva_files.section(others, title) == ""


def test_epoch_table_reads_losses_that_are_not_finite() -> None:
    table = tmva_files.epoch_table(recordings.log("quiet-nothing-improves"))
    assert [(epoch.training_loss, epoch.validation_loss) for epoch in table] == [(math.inf, math.inf)] * 3
    [epoch] = tmva_files.epoch_table("   :   7 |    -nan    nan  1.2e-05  3e+02  1.5e+06    0\n")
    assert epoch.epoch == 7
    assert math.isnan(epoch.training_loss)
    assert epoch.real_time == 1.2e-05


def test_epoch_table_of_a_coloured_log_with_a_progress_bar() -> None:
    lines = recordings.log("dnn-seed-preset").splitlines()
    coloured = "".join(f"[>....] 12%\r\x1b[1;31m{line}\x1b[0m\r\n" for line in lines)
    assert tmva_files.epoch_table(coloured) == tmva_files.epoch_table(recordings.log("dnn-seed-preset"))
    assert tmva_files.architecture(coloured) == "cpu"
    assert tmva_files.best_epoch(coloured) == 4


@pytest.mark.parametrize("name", TRAINED_DL)
def test_epoch_table_adds_up_to_what_tmva_says(name: str) -> None:
    log = recordings.log(name)
    table = tmva_files.epoch_table(log)
    for history, losses in (
        ("trainingError", [epoch.training_loss for epoch in table]),
        ("valError", [epoch.validation_loss for epoch in table]),
    ):
        total = re.search(rf"TrainingHistory_Method_{history}, Entries= 0, Total sum= (\S+)", log)
        assert total
        assert sum(losses) == pytest.approx(float(total.group(1)), rel=1e-5)


@pytest.mark.parametrize("name", TRAINED_DL)
def test_best_epoch_is_the_one_with_the_lowest_validation_loss(name: str) -> None:
    log = recordings.log(name)
    best = 0 if name == "quiet-nothing-improves" else tmva_files.lowest(tmva_files.epoch_table(log)).epoch
    assert tmva_files.best_epoch(log) == best


def test_lowest_passes_over_nan() -> None:
    history = [tmva_files.Epoch(i, 0.0, loss, 0.0) for i, loss in enumerate([math.nan, 3.0, 2.0, 2.0], 1)]
    assert tmva_files.lowest(history).epoch == 3


@pytest.mark.parametrize("name", TRAINED_DL)
def test_architecture_is_the_one_that_trained(name: str) -> None:
    assert tmva_files.architecture(recordings.log(name)) == "cpu"


def test_architecture_of_other_logs() -> None:
    assert tmva_files.architecture("   : Start of deep neural network training on GPU.\n") == "gpu"
    assert tmva_files.architecture("   : Start of deep neural network training on the STANDARD architecture") == (
        "standard"
    )
    assert tmva_files.architecture(recordings.log("silent-factory")) is None


@pytest.mark.parametrize("name", WITH_OUTPUT)
def test_sample_is_the_recorded_one(name: str) -> None:
    sample = tmva_files.read_sample(str(recordings.FOLDER / name / "TMVA.root"), "TestTree", VARIABLES, "Method")
    rows = json.loads((recordings.FOLDER / name / "scores.json").read_text())
    ends = numpy.r_[0:50, len(sample.scores) - 50 : len(sample.scores)]
    assert sample.class_id[ends].tolist() == rows["classID"]
    assert sample.scores[ends] == pytest.approx(rows["Method"], rel=1e-6)
    assert sample.weights[ends] == pytest.approx(rows["weight"], rel=1e-6)
    for column, variable in enumerate(VARIABLES):
        assert sample.variables[ends, column] == pytest.approx(rows[variable], rel=1e-6)


@pytest.mark.parametrize(("tree", "title"), [("NoTree", "Method"), ("TestTree", "NoTitle")])
def test_sample_that_is_not_there(tree: str, title: str) -> None:
    with pytest.raises(TrainingFailed, match="lacks dataset/NoTree|has no branch 'NoTitle'"):
        tmva_files.read_sample(str(recordings.FOLDER / "dnn-seed-preset" / "TMVA.root"), tree, VARIABLES, title)


def test_scores_where_the_network_gave_nan(tmp_path) -> None:
    with uproot.recreate(tmp_path / "TMVA.root") as file:
        columns = {"classID": numpy.int32([0, 1]), "x": numpy.float32([1, 2]), "weight": numpy.float32([1, 1])}
        columns["Method"] = numpy.float32([0.25, -999])
        file.mktree("dataset/TestTree", {name: column.dtype for name, column in columns.items()}).extend(columns)
    scores = tmva_files.read_sample(str(tmp_path / "TMVA.root"), "TestTree", ["x"], "Method").scores
    assert scores[0] == 0.25
    assert math.isnan(scores[1])


def test_history_of_dl() -> None:
    history = tmva_files.read_history(str(recordings.FOLDER / "dnn-seed-preset" / "TMVA.root"), "Method")
    table = tmva_files.epoch_table(recordings.log("dnn-seed-preset"))
    assert history["trainingError"] == pytest.approx([epoch.training_loss for epoch in table], rel=2e-6)
    assert history["valError"] == pytest.approx([epoch.validation_loss for epoch in table], rel=2e-6)


def test_history_of_pykeras_has_names_without_quotes() -> None:
    history = tmva_files.read_history(str(recordings.FOLDER / "pykeras-early-stop" / "TMVA.root"), "Method")
    assert set(history) == {"loss", "val_loss", "accuracy", "val_accuracy"}
    assert history["val_loss"][:6] == pytest.approx(
        [0.482125, 0.482852, 0.481637, 0.487209, 0.486383, 0.489944], abs=1e-6
    )
    assert not history["val_loss"][6:].any()
    assert len(history["val_loss"]) == 60


def test_history_in_the_other_folder_layout(tmp_path) -> None:
    edges = numpy.linspace(0.5, 2.5, 3)
    with uproot.recreate(tmp_path / "TMVA.root") as file:
        file["dataset/Method_Method/Method/TrainingHistory_Method_valError"] = (numpy.array([0.5, 0.25]), edges)
    assert tmva_files.read_history(str(tmp_path / "TMVA.root"), "Method")["valError"].tolist() == [0.5, 0.25]


def test_network() -> None:
    network = tmva_weights.network(tmva_weights.parse(recordings.weight_file("dnn-all-activations")))
    assert [layer.activation for layer in network] == [
        "linear",
        "relu",
        "tanh",
        "sigmoid",
        "softsign",
        "symmrelu",
        "gauss",
        "linear",
    ]
    assert [layer.weights.shape for layer in network] == [(6, 4)] + [(6, 6)] * 6 + [(1, 6)]
    assert [layer.biases.shape for layer in network] == [(6,)] * 7 + [(1,)]
    assert tmva_weights.parameters(network) == 6 * 5 + 6 * 6 * 7 + 7


def test_network_gives_the_recorded_scores() -> None:
    events = json.loads((recordings.FOLDER / "transform-N" / "transformed.json").read_text())
    rows = json.loads((recordings.FOLDER / "transform-N" / "scores.json").read_text())
    assert [event["in"][0] for event in events[:50]] == rows["var1"][:50]
    [layer] = tmva_weights.network(tmva_weights.parse(recordings.weight_file("transform-N")))
    logits = numpy.array([event["out"] for event in events[:50]]) @ layer.weights[0] + layer.biases[0]
    assert 1 / (1 + numpy.exp(-logits)) == pytest.approx(rows["Method"][:50], abs=1e-6)


def named(declared: str, encoding: str, creator: str = "Jörg") -> bytes:
    """A recorded weight file with names that are not ASCII, in an encoding and the one that its first line declares."""
    text = Path(recordings.weight_file("dnn-adam")).read_text()
    text = text.replace('Creator" value="user"', f'Creator" value="{creator}"').replace("DL::Method", f"DL::{creator}")
    if declared:
        text = text.replace('version="1.0"?', f'version="1.0" encoding="{declared}"?')
    return text.encode(encoding)


@pytest.mark.parametrize(
    ("declared", "encoding", "creator"),
    [
        ("", "utf-8", "Jörg"),
        ("UTF-8", "utf-8-sig", "Jörg"),
        # As TMVA writes the names of a source in Latin-1.
        ("", "latin-1", "Jörg"),
        ("ISO-8859-1", "latin-1", "Jörg"),
        ("windows-1251", "windows-1251", "Юрий"),
        ("Shift_JIS", "shift_jis", "日本"),
        ("UTF-16", "utf-16", "日本"),
        ("UTF-16LE", "utf-16-le", "日本"),
    ],
)
def test_a_weight_file_is_read_in_the_encoding_that_it_declares(
    declared: str, encoding: str, creator: str, tmp_path: Path
) -> None:
    path = tmp_path / "job.weights.xml"
    path.write_bytes(named(declared, encoding, creator))
    file = tmva_weights.parse(path)
    assert file.info["Creator"] == file.title == creator
    assert tmva_weights.header(path) == ("DL", creator)
    of_recording = tmva_weights.network(tmva_weights.parse(recordings.weight_file("dnn-adam")))
    assert all((a.weights == b.weights).all() for a, b in zip(tmva_weights.network(file), of_recording, strict=True))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (named("UTF-8", "latin-1"), "declared as UTF-8, which it is not .*; write the true encoding in its first line"),
        (named("foo-8", "latin-1"), "declares the encoding foo-8, which is not known here; save it as UTF-8"),
        (named("rot13", "latin-1"), "declares the encoding rot13, which is not known here; save it as UTF-8"),
        (named("UTF-16", "utf-16").replace("DL".encode("utf-16-le"), b"\0\xdc\0\xdc"), "declared as utf-16, which it"),
        # Hidden from who looks at the bytes.
        ('<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><MethodSetup/>'.encode("utf-16"), "a document type"),
    ],
)
def test_a_weight_file_in_no_encoding_is_one_line_with_the_cure(content: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / "job.weights.xml").write_bytes(content)
    with pytest.raises(UserError, match=reason) as error:
        tmva_weights.parse(tmp_path / "job.weights.xml")
    assert "\n" not in str(error.value)


def test_bins_of_equal_width_are_not_written_out(tmp_path) -> None:
    text = Path(recordings.weight_file("transform-U")).read_text()
    path = tmp_path / "job.weights.xml"
    path.write_text(re.sub(r"<HistogramBinning.*?</HistogramBinning>", "", text, flags=re.DOTALL))
    [(letter, step)] = tmva_weights.transformations(tmva_weights.parse(path))
    assert letter == "U"
    x = numpy.linspace(-2, 2, 50, dtype=numpy.float32)[:, None].repeat(4, axis=1)
    for column, histogram in enumerate(re.findall(r'cls2_original" ([^>]*)>([^<]*)<', text)):
        low, high = (float(re.search(f'{name}="([^"]*)"', histogram[0]).group(1)) for name in ("XMin", "XMax"))
        contents = numpy.array(histogram[1].split(), float)
        alone = transforms.Flat([(numpy.linspace(low, high, len(contents) + 1), contents)])
        assert step(x)[:, column].tolist() == alone(x[:, [column]])[:, 0].tolist()
        # The middles of the bins have their contents.
        middles = low + (high - low) * (numpy.arange(1, len(contents), 40) + 0.5) / len(contents)
        assert alone(middles[:, None])[:, 0] == pytest.approx(contents[1::40], abs=2e-3)


def test_network_of_zeros() -> None:
    network = tmva_weights.network(tmva_weights.parse(recordings.weight_file("quiet-nothing-improves")))
    assert not any(layer.weights.any() or layer.biases.any() for layer in network)


@pytest.mark.parametrize("name", WITH_WEIGHTS)
def test_training_time_is_the_logs(name: str) -> None:
    said = re.search(r"Elapsed time for training with \d+ events: (\S+) sec", recordings.log(name))
    if said:
        assert tmva_weights.training_time(recordings.weight_file(name)) == pytest.approx(float(said.group(1)), rel=5e-3)
    else:
        assert name == "silent-factory"


def test_training_time_that_is_not_stored(tmp_path) -> None:
    (tmp_path / "weights.xml").write_text("<MethodSetup><GeneralInfo/></MethodSetup>")
    assert math.isnan(tmva_weights.training_time(str(tmp_path / "weights.xml")))


def norm_mode(name: str) -> str:
    """The project's name of the ``NormMode`` that a recorded run booked."""
    [theirs] = re.findall("NormMode=([A-Za-z]+)", recordings.booking(name).split)
    return next(ours for ours, tmvas in mapping.TMVA_NORM_MODES.items() if tmvas == theirs)


@pytest.mark.parametrize("name", WITH_WEIGHTS)
def test_norm_mode_in_the_log(name: str) -> None:
    told = tmva_files.norm_mode(recordings.log(name))
    assert told == norm_mode(name) or (told == "" and name in ("norm-num", "silent-factory"))


def test_weights_of_another_norm_mode(recorded_input) -> None:
    name = "norm-equal-unequal-classes"
    data, path = inputs.read(recorded_input(name)), str(recordings.FOLDER / name / "TMVA.root")
    with pytest.raises(TrainingFailed, match="the weights of the signal events of TMVA's TrainTree .* as booked"):
        tmva_files.scores(path, "Method", data, "none")


@pytest.mark.parametrize("name", WITH_OUTPUT)
def test_scores_in_the_order_of_the_input_file(name: str, recorded_input) -> None:
    data = inputs.read(recorded_input(name))
    path = str(recordings.FOLDER / name / "TMVA.root")
    scores = tmva_files.scores(path, "Method", data, norm_mode(name))
    sample = tmva_files.read_sample(path, "TestTree", VARIABLES, "Method")
    by_event = {event.tobytes(): score for event, score in zip(sample.variables, sample.scores, strict=True)}
    for tree in ("TestS", "TestB"):
        assert scores[tree].tolist() == [by_event[event.tobytes()] for event in data.events[tree]]


def test_scores_of_another_input_file(recorded_input) -> None:
    data = inputs.read(recorded_input("unequal-classes"))
    with pytest.raises(TrainingFailed, match="2000 signal events of TMVA's TrainTree, where the input file has 1200"):
        tmva_files.scores(str(recordings.FOLDER / "dnn-seed-preset" / "TMVA.root"), "Method", data, "none")


@given(st.integers(1, 40), st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_scores_find_their_events_in_any_order(events: int, variables: int, seed: int) -> None:
    random = numpy.random.default_rng(seed)
    # Few values, so that equal events are there; a score follows from the event and its weight.
    x = random.integers(-1, 2, (events, variables)).astype(numpy.float32)
    x[x == 0] *= random.choice([-1, 1], (x == 0).sum())
    w = random.integers(1, 3, events).astype(numpy.float32)
    scores = (x @ numpy.arange(1, variables + 1) + 100 * w).astype(float)
    order = random.permutation(events)
    sample = tmva_files.Sample("TestTree", numpy.zeros(events, int), x[order], w[order], scores[order])
    assert tmva_files.in_file_order(sample, 0, x, w).tolist() == scores.tolist()


def _sample(x: list[list[float]], w: list[float]) -> tmva_files.Sample:
    return tmva_files.Sample(
        "TrainTree", numpy.ones(len(w), int), numpy.float32(x), numpy.float32(w), numpy.arange(float(len(w)))
    )


def test_events_that_differ() -> None:
    with pytest.raises(TrainingFailed, match="the background events of TMVA's TrainTree are not those"):
        tmva_files.in_file_order(_sample([[1], [2]], [1, 1]), 1, numpy.float32([[1], [3]]), numpy.float32([1, 1]))


def test_weights_that_differ() -> None:
    with pytest.raises(TrainingFailed, match="the weights of the background events of TMVA's TrainTree"):
        tmva_files.in_file_order(_sample([[1], [2]], [1, 2]), 1, numpy.float32([[1], [2]]), numpy.float32([1, 1]))


@pytest.mark.parametrize("name", ["dnn-seed-preset", "unequal-classes"])
def test_tmva_trained_validated_and_tested_on_the_events_that_we_take(name: str, recorded_input) -> None:
    pytest.importorskip("ROOT")
    from points import recorded

    from tmva_bench.basis import mapping

    data = inputs.read(recorded_input(name))
    training = mapping.training(recorded(name))
    theirs = tmva_files.membership(str(recordings.FOLDER / name / "TMVA.root"), "Method", VARIABLES, training)
    ours = keras_training.training_vector(data, 100, "none").x
    test = numpy.concatenate([data.events["TestS"], data.events["TestB"]])
    assert theirs == inputs.membership(ours, training.validation_events(len(ours)), test)
    # In whatever order, but of no other event.
    assert theirs["test_digest"] == inputs.membership(ours, 100, test[::-1])["test_digest"]
    assert theirs["test_digest"] != inputs.membership(ours, 100, test[1:])["test_digest"]
    assert theirs["validation_digest"] != inputs.membership(ours, 100, test)["validation_digest"]
