"""Series beside a reference: what is compared with what, which verdicts there are, and what is said instead."""

import csv
import math
import shutil

import numpy
import pytest
from classifiers import absent
from made_up_runs import BAD, TMVA, Folder

from tmva_bench.compare import differences, verdict
from tmva_bench.errors import UserError
from tmva_bench.events import inputs
from tmva_bench.results import forms, summary
from tmva_bench.results.folder import ResultsFolder


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def by_name(compared):
    return {row.group.row.backend: row for row in compared.rows}


def test_every_series_beside_the_first_that_finished(folder):
    folder.add(**TMVA, status="failed", reason="why")
    folder.add(backend="jax")
    folder.add(backend="torch", shift=BAD, real_time_train=3.0)
    folder.add(backend="tensorflow", start="keras")
    compared = folder.compare()
    assert compared.reference == "keras jax sgd"
    rows = by_name(compared)
    assert rows["jax"].reference is rows["jax"].group
    assert rows["jax"].areas is None
    worse = rows["torch"].areas
    means = [numpy.mean([folder.area(f"run{n:03d}") for n in runs]) for runs in ((3, 4, 5), (6, 7, 8))]
    assert worse.difference == pytest.approx(means[1] - means[0])
    assert (worse.verdict, worse.high < 0) == (verdict.DIFFERENT, True)
    assert rows["torch"].times["real_time_train"].verdict == "2.94 times slower"
    assert rows["torch"].times["cpu_time_train"].verdict == verdict.NOT_TOLD_APART
    assert rows["tensorflow"].areas.verdict == verdict.NOT_TOLD_APART
    assert "failed: tmva-dnn sgd: why" in compared.notes


def test_another_reference_turns_the_difference_round(folder):
    folder.add(backend="jax")
    folder.add(backend="torch", shift=BAD)
    one = by_name(folder.compare())["torch"]
    other = by_name(folder.compare(reference="keras torch sgd"))["jax"]
    assert other.areas.difference == pytest.approx(-one.areas.difference)
    with pytest.raises(UserError, match="unknown series 'keras jx sgd'; did you mean 'keras jax sgd'"):
        folder.compare(reference="keras jx sgd")


def test_series_are_compared_at_the_same_point_only(folder):
    for neurons in (20, 5):
        folder.add(**TMVA, neurons=neurons)
        folder.add(neurons=neurons, shift=BAD)
    folder.add(neurons=50)
    compared = folder.compare()
    assert compared.axes == ["neurons"]
    assert [row.group.row.neurons for row in compared.rows] == [5, 5, 20, 20, 50]
    assert all(row.reference.row.neurons == row.group.row.neurons for row in compared.rows[:4])
    assert compared.rows[4].reference is None
    assert "no run of tmva-dnn sgd at this point to compare with: keras jax sgd, neurons=50" in compared.notes


def test_what_one_side_alone_has_does_not_part_the_sides(folder):
    folder.add(**TMVA)
    folder.add(start="tmva")
    folder.add(start="keras")
    compared = folder.compare()
    assert compared.axes == ["start"]
    assert [row.reference.row.method for row in compared.rows] == ["tmva-dnn"] * 3
    # The other way round the two are points of their own.
    compared = folder.compare(reference="keras jax sgd")
    assert sum(row.reference is row.group for row in compared.rows) == 2


def test_the_same_start_is_compared_pair_by_pair(folder):
    folder.add(**TMVA)
    folder.add(backend="jax")
    folder.add(backend="torch", start="keras")
    rows = by_name(folder.compare())
    assert rows["jax"].areas.paired
    assert not rows["torch"].areas.paired
    assert rows["jax"].areas.training_error < rows["torch"].areas.training_error / 2


@pytest.mark.parametrize(
    ("values", "same"),
    [
        ({}, True),
        ({"start": "keras"}, False),
        ({"method": "pykeras"}, False),
        ({"optimizer": "adam"}, False),
        ({"learning_rate": 0.2}, False),
        ({"seed": 7}, False),
        ({"dropout": 0.5}, False),
        ({"threads": 2}, False),
    ],
    ids=lambda values: next(iter(values), "equal") if isinstance(values, dict) else "",
)
def test_what_is_the_same_start(folder, values, same):
    folder.add(repetitions=1, **TMVA)
    folder.add(repetitions=1, **values)
    group, other = (row.group for row in folder.compare().rows)
    assert differences.same_start(group, other) is same


def test_dropout_by_one_rule_on_both_sides_is_the_same_start(folder):
    folder.add(repetitions=1, dropout=0.5, **TMVA)
    folder.add(repetitions=1, dropout=0.5, dropout_rule="tmva")
    folder.add(repetitions=1, dropout=0.5, dropout_rule="keras", backend="torch")
    folder.add(repetitions=1, dropout=0.5, architecture="gpu", **TMVA)
    compared = folder.compare()
    reference, *others = (row.group for row in compared.rows)
    assert [differences.same_start(group, reference) for group in others] == [True, False, False]
    assert any(note.startswith("not equal: dropout by TMVA's rule") for note in compared.notes)
    assert any(note.startswith("on one side only: dropout_rule = tmva") for note in compared.notes)


def test_one_repetition_of_different_starts_gives_no_verdict_and_says_so(folder):
    folder.add(repetitions=1, **TMVA)
    folder.add(repetitions=1, backend="jax")
    folder.add(repetitions=1, backend="torch", start="keras")
    compared = folder.compare()
    rows = by_name(compared)
    assert rows["torch"].areas.verdict == verdict.NO_VERDICT
    assert rows["jax"].areas.verdict != verdict.NO_VERDICT
    told = "no verdict on the area, one repetition on a side does not tell how much trainings differ"
    (note,) = (note for note in compared.notes if note.startswith(told))
    assert note.endswith("run 3 or more of each: keras torch sgd")
    line = next(
        line
        for line in forms.write(differences.document(compared), "text").splitlines()
        if line.startswith("keras torch sgd")
    )
    assert line.endswith(verdict.NO_VERDICT)


def test_what_differs_beside_the_engine_is_said(folder):
    folder.add(**TMVA)
    folder.add(batch_size=64, threads=2)
    assert "differs from the reference in batch_size, threads, too: keras jax sgd" in folder.compare().notes


def test_environments_of_one_series_are_told_apart(folder):
    folder.add(environment="one")
    folder.add(environment="two")
    compared = folder.compare()
    assert compared.axes == ["environment"]
    assert compared.rows[1].reference.row.environment == "one"


def test_the_reference_on_the_same_processor_is_taken(folder):
    for cpu in ("old", "new"):
        folder.add(cpu_model=cpu, **TMVA)
    folder.add(cpu_model="new", real_time_train=0.5)
    row = folder.compare().rows[2]
    assert row.reference.row.cpu_model == "new"
    assert row.times["real_time_train"].verdict == "2.04 times faster"


def test_time_to_quality_counts_the_runs_that_never_get_there(folder):
    folder.add(backend="jax", losses=(0.6, 0.5, 0.42, 0.4))
    folder.add(backend="torch", losses=(0.6, 0.41), repetitions=2)
    folder.add(backend="torch", losses=(0.6, 0.55), repetitions=1)
    folder.add(backend="theano", losses=(0.6, 0.59))
    rows = by_name(folder.compare(share=0.9))
    assert rows["jax"].target == pytest.approx(0.42)
    assert str(rows["jax"].reached["real_time"]) == "3 s (3 of 3 runs)"
    assert str(rows["torch"].reached["real_time"]) == "2 s (2 of 3 runs)"
    assert str(rows["theano"].reached["real_time"]) == "not reached (0 of 3 runs)"
    assert [rows[name].reached["cpu_time"].median for name in ("jax", "torch", "theano")] == [4.5, 3.0, math.inf]


def test_no_time_to_quality_is_explained(folder):
    folder.add(losses=(0.5, 0.6))
    compared = folder.compare()
    assert compared.rows[0].reached == {}
    assert any(note.startswith("no time to quality: the best validation loss") for note in compared.notes)


def test_losses_with_a_regularization_term_are_not_compared(folder):
    folder.add(regularization="l2", weight_decay=0.1)
    compared = folder.compare()
    assert compared.rows[0].reached == {}
    assert any(note.startswith("no time to quality with regularization") for note in compared.notes)


def test_the_input_file_moved_into_the_results_folder_is_found(folder):
    folder.add()
    folder.add(backend="torch")
    (folder.path / "inputs").mkdir()
    shutil.move(folder.input, folder.path / "inputs" / "input.root")
    assert folder.compare().rows[1].areas is not None
    (folder.path / "inputs" / "input.root").unlink()
    with pytest.raises(UserError, match=r"inputs/input\.root: not there, or not the events of digest \w{12}; put"):
        folder.compare()
    (folder.path / "runs" / "run000" / "task.json").write_text("{}")
    with pytest.raises(UserError, match=r"run000/task\.json: does not name the input file; remove the folder"):
        folder.compare()


def test_runs_without_their_scores_are_told_and_the_others_compared(folder):
    for neurons in (5, 20, 100):
        folder.add(neurons=neurons)
        folder.add(backend="torch", neurons=neurons)
    whole = folder.compare()
    runs = folder.path / "runs"
    for record in folder.records():
        if (record.row.backend, record.row.neurons) in (("torch", 5), ("jax", 20)):
            (runs / record.row.run_id / "scores.root").unlink()
    compared = folder.compare()
    assert [row.areas for row in compared.rows] == [None] * 5 + [whole.rows[5].areas]
    assert [row.times for row in compared.rows] == [row.times for row in whole.rows]
    areas, times, _ = differences.tables(compared)
    assert (len(areas.rows), len(times.rows)) == (1, 3)
    assert f"{differences.MISSING}: keras torch sgd, neurons=5; keras torch sgd, neurons=20" in compared.notes


def test_the_note_of_the_folder_stands_first(folder):
    folder.add()
    (folder.path / "note.txt").write_text("Of another\nTMVA.\n")
    assert folder.compare().notes[0] == "Of another TMVA."


def test_nothing_finished(folder):
    folder.add(status="unavailable")
    with pytest.raises(UserError, match="no finished run with a result"):
        folder.compare()


def test_tables_for_people(folder):
    folder.add(**TMVA)
    folder.add(backend="torch", shift=BAD, start="keras", real_time_train=9.0)
    compared = folder.compare()
    text = forms.write(differences.document(compared), "text")
    assert [line for line in text.splitlines() if line.startswith(("ROC", "Time "))] == [
        "ROC area less that of tmva-dnn sgd",
        "Time to train: the series over tmva-dnn sgd",
        "Time to 90 % of the way to the best validation loss",
    ]
    row = compared.rows[1]
    (line,) = (line for line in text.splitlines() if "different at" in line)
    assert f"{row.areas.difference:+.4f}" in line
    assert "8.82 times slower" in text
    markdown = forms.write(differences.document(compared), "md")
    assert "| series" in markdown
    assert markdown.splitlines()[-1].startswith("- ")


def test_csv_has_a_line_a_series_and_every_number(folder):
    folder.add(**TMVA)
    folder.add(backend="torch", shift=BAD)
    compared = folder.compare()
    lines = list(csv.DictReader(forms.write(differences.document(compared), "csv").splitlines()))
    assert [line["series"] for line in lines] == ["tmva-dnn sgd", "keras torch sgd"]
    assert lines[0]["roc_auc_difference"] == ""
    areas = compared.rows[1].areas
    assert float(lines[1]["roc_auc_training_error"]) == areas.training_error
    assert float(lines[1]["roc_auc_test_error"]) == areas.test_error
    assert lines[1]["real_time_train_verdict"] == verdict.NOT_TOLD_APART
    assert float(lines[1]["real_time_to_quality_median"]) == 3.0


def test_runs_on_other_events_are_not_compared(folder):
    folder.add(training_digest="one", backend="tensorflow")
    folder.add(training_digest="another")
    with pytest.raises(UserError, match="keras tensorflow sgd and keras jax sgd were not trained on the same events"):
        folder.compare()


def test_runs_of_unlike_networks_or_starts_are_not_compared(folder, tmp_path):
    folder.add(backend="tensorflow", parameters=9, initial_weights_spread=0.2, untrained_loss=0.7)
    folder.add(parameters=9, initial_weights_spread=0.2, untrained_loss=0.7, start="keras")
    folder.add(parameters=9, initial_weights_spread=0.2 * (1 + 1e-6), learning_rate=0.01)
    folder.add(parameters=9, backend="torch", initial_weights_spread=0.3, untrained_loss=0.8, start="keras")
    folder.add(parameters=9, **TMVA)
    assert len(folder.compare().rows) == 5
    for name, values in (("spread", {"initial_weights_spread": 0.3}), ("loss", {"untrained_loss": 0.72})):
        (tmp_path / name).mkdir()
        other = Folder(tmp_path / name)
        other.add(**{"backend": "tensorflow", "initial_weights_spread": 0.2, "untrained_loss": 0.7})
        other.add(**values)
        with pytest.raises(UserError, match=f"keras tensorflow sgd and keras jax sgd did not start alike, .*{name} 0"):
            other.compare()
    folder.add(parameters=8, backend="theano")
    with pytest.raises(UserError, match="did not train the same network, 9 and 8 parameters"):
        folder.compare()


def test_split_seed_is_an_axis_of_its_own(folder):
    """Other events validate: another point, and nothing is averaged or compared over both."""
    for backend in ("jax", "torch"):
        folder.add(backend=backend, split_seed=1, validation_digest="one")
        folder.add(backend=backend, split_seed=2, validation_digest="two", losses=(0.8, 0.7, 0.6))
    compared = folder.compare()
    assert compared.axes == ["split_seed"]
    places = [(row.group.row.split_seed, row.reference.row.split_seed, row.target) for row in compared.rows]
    assert places == [(1, 1, pytest.approx(0.42))] * 2 + [(2, 2, pytest.approx(0.62))] * 2


def encoded(k, **values):
    parameters = {"transformations": f"N,A(k={k})", "encoded_variables": k, "encoded_digest": f"encoded {k}"}
    return {**parameters, "training_digest": f"encoded {k}", **values}


def test_runs_on_encoded_events_and_autoencoders_stand_beside_the_others(folder):
    folder.add(parameters=9, training_digest="all")
    for k in (14, 2):
        for backend in ("jax", "torch"):
            folder.add(backend=backend, **encoded(k, parameters=k))
        folder.add(**encoded(k, method="dae", parameters=30 + k, training_digest="all", losses=(0.1 * k, 0.05 * k)))
    folder.add(
        **encoded(2, method="dae", parameters=32, training_digest="background", losses=(0.1, 0.05))
        | {"transformations": "N,A(k=2)_Background"}
    )
    compared = folder.compare(reference="keras jax sgd")
    chains = ["N,A(k=2)", "N,A(k=2)_Background", "N,A(k=14)", "N,D"]
    assert list(dict.fromkeys(row.group.row.transformations for row in compared.rows)) == chains
    at = {(row.group.row.method, row.group.row.backend, row.group.row.transformations): row for row in compared.rows}
    torch = at["keras", "torch", "N,A(k=2)"]
    assert torch.areas is not None
    assert torch.reference is at["keras", "jax", "N,A(k=2)"].group
    # An autoencoder's loss is measured against its own; those of classifiers of the same events against each other.
    assert at["dae", "jax", "N,A(k=2)"].target == pytest.approx(0.11)
    assert at["dae", "jax", "N,A(k=14)"].target == pytest.approx(0.77)
    assert torch.target == at["keras", "jax", "N,D"].target
    folder.add(backend="theano", **encoded(2, training_digest="other"))
    with pytest.raises(UserError, match="were not trained on the same events"):
        folder.compare()


def test_autoencoders_are_compared_with_what_they_have_in_common(folder):
    """Validation parts, classes that TMVA prepares alone, and starts that a pre-training left are their own."""
    chain = "N,A(k=2{})_Background"
    dae = {"method": "dae", "loss": "sum_of_squares", "losses": (0.5, 0.4), "encoded_variables": 2}
    folder.add(**dae, transformations=chain.format(""), validation_digest="a fifth", untrained_loss=0.7)
    folder.add(**dae | {"losses": (5.0, 4.0)}, backend="tmva", transformations=chain.format(""))
    other = chain.format(":ValidationSize=30%")
    folder.add(**dae, transformations=other, validation_digest="three tenths")
    for backend, loss in (("jax", 0.1), ("torch", 0.102)):
        pretrained = chain.format(":Pretraining")
        folder.add(**dae, backend=backend, transformations=pretrained, untrained_loss=loss, validation_digest="a fifth")
    targets = {(row.group.row.backend, row.group.row.transformations): row.target for row in folder.compare().rows}
    assert targets["jax", chain.format("")] == pytest.approx(0.41)
    assert targets["tmva", chain.format("")] == pytest.approx(4.1)
    folder.add(**dae, backend="torch", transformations=chain.format(""), untrained_loss=0.8)
    with pytest.raises(UserError, match="did not start alike, untrained_loss"):
        folder.compare()


def test_what_sample_and_transformations_decide_tells_no_points_apart(folder):
    """An autoencoder's own learning rate does not part it from the classifier on the same encoded events."""
    for k, rate in ((2, 0.01), (4, 0.001)):
        folder.add(**encoded(k, learning_rate=0.1))
        folder.add(**encoded(k, method="dae", learning_rate=rate, training_digest="all", untrained_loss=k / 10))
    compared = folder.compare()
    assert compared.axes == ["transformations"]
    assert all(row.reference.row.transformations == row.group.row.transformations for row in compared.rows)
    folder.add(**encoded(2, learning_rate=0.3))
    assert folder.compare().axes == ["learning_rate", "transformations"]


def test_an_encoded_file_has_the_weights_of_its_events(folder):
    folder.add(**encoded(2))
    (group,) = summary.groups(record.row for record in folder.records())
    data = inputs.read(folder.input)
    digest = data.metadata["digest"]
    assert verdict.read_side(
        group, ResultsFolder(folder.path), data._replace(metadata={"digest": "its own", "encoded": {"from": digest}})
    )
    with pytest.raises(UserError, match="not the events of these runs"):
        verdict.read_side(group, ResultsFolder(folder.path), data._replace(metadata={"digest": "its own"}))


def test_engines_that_compile_inside_and_before_the_clock_are_compared_by_their_epochs(folder):
    epochs = {"real_time_epochs": 2.0}
    folder.add(backend="jax", real_time_train=8.0, **epochs)
    folder.add(backend="theano", real_time_train=2.0, real_time_epochs=4.0)
    folder.add(**TMVA, real_time_train=2.0, **epochs)
    compared = folder.compare()
    rows = {row.group.row.backend: row for row in compared.rows}
    theano, tmva = rows["theano"].times, rows["tmva"].times
    assert [theano[name].verdict for name in ("real_time_train", "cpu_time_train")] == [verdict.NO_VERDICT] * 2
    assert theano["real_time_train"].ratio == 0.25
    assert theano["real_time_epochs"].verdict == "2 times slower"
    assert tmva["real_time_train"].verdict == "4 times faster"
    assert any(
        "one side compiles inside the training" in note and note.endswith("keras theano sgd") for note in compared.notes
    )
    assert any(
        note.startswith("compilation in the times of training and fit: inside for keras jax; outside")
        for note in compared.notes
    )
    (table,) = [table for table in differences.tables(compared) if table.title.startswith("Time to train")]
    assert "epochs' time ratio" in table.headings


def test_epochs_that_no_side_timed_are_no_column(folder):
    folder.add(backend="jax")
    folder.add(backend="torch")
    compared = folder.compare()
    assert not [h for table in differences.tables(compared) for h in table.headings if "epochs'" in h]
    assert not [note for note in compared.notes if "no repetition with real_time_epochs" in note]


def test_what_is_doubtful_stands_under_the_verdicts(folder):
    folder.add(backend="jax")
    folder.add(backend="torch", warnings="first doubt; second doubt")
    assert [note for note in folder.compare().notes if note.startswith("warning: ") and "doubt" in note] == [
        "warning: first doubt: keras torch sgd",
        "warning: second doubt: keras torch sgd",
    ]


def test_input_files_of_one_name_and_size_are_told_apart(folder):
    """Of three, two differ in numbers of events and two do not."""
    for digest, events in (("a" * 64, 100), ("b" * 64, 100), ("c" * 64, 200)):
        folder.add(input_digest=digest, train_signal=events)
    axes = differences.telling(summary.groups(record.row for record in folder.records()))
    assert axes == ["input_digest", "train_signal"]
    folder.add(input_digest="d" * 64, sample="rings")
    assert "input_digest" in differences.telling(summary.groups(record.row for record in folder.records()))


BOOSTING = {"method": "boosting", "backend": "sklearn", **absent("boosting")}


def test_a_method_without_the_scanned_parameter_stands_beside_every_point_of_the_reference(folder):
    folder.add(**BOOSTING, shift=BAD, parameters=1000)
    for neurons in (5, 20):
        folder.add(neurons=neurons, parameters=neurons)
        folder.add(backend="torch", neurons=neurons, parameters=neurons)
    folder.add(method="linear", backend="sklearn", **absent("linear"), parameters=5)
    compared = folder.compare()
    assert compared.reference == "keras jax sgd"
    assert [row.place["neurons"] for row in compared.rows] == [5] * 4 + [20] * 4
    trees = [row for row in compared.rows if row.group.row.method == "boosting"]
    assert [row.reference.row.neurons for row in trees] == [5, 20]
    assert all(row.areas.verdict == verdict.DIFFERENT and not row.areas.paired for row in trees)
    texts = {table.title: table.rows for table in differences.tables(compared)}
    areas, times, quality = texts.values()
    assert [line[:2] for line in areas if line[0] == "boosting sklearn"] == [
        ["boosting sklearn", "5"],
        ["boosting sklearn", "20"],
    ]
    assert [line[:2] for line in quality if line[0] == "boosting sklearn"] == [["boosting sklearn", "-"]]
    assert len(times) == len(areas) == 6
    lines = forms.write(differences.document(compared), "csv").splitlines()
    assert sum(line.startswith("boosting sklearn,") for line in lines) == 2


def test_a_reference_without_the_scanned_parameter_is_that_of_every_point(folder):
    folder.add(**BOOSTING, shift=BAD)
    for neurons in (5, 20):
        folder.add(neurons=neurons)
    compared = folder.compare(reference="boosting sklearn")
    networks = [row for row in compared.rows if row.group.row.method == "keras"]
    assert [row.place["neurons"] for row in networks] == [5, 20]
    assert all(row.reference.row.method == "boosting" and row.areas for row in networks)
    (own,) = (row for row in compared.rows if row.group.row.method == "boosting")
    assert own.reference is own.group
    assert differences.places(own, compared.axes) == {"neurons": "-"}
