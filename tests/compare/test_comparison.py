"""Two results compared: what is matched, what is judged how, what is told of the rest, and the limits of a CI."""

import json
import math
import shutil

import pytest
from click.testing import CliRunner
from made_up_rows import changed
from made_up_runs import BAD, EVENTS, TMVA, Folder

from tmva_bench import cli
from tmva_bench.compare import comparison, verdict
from tmva_bench.errors import UserError
from tmva_bench.events import inputs, samples
from tmva_bench.results import forms, schema
from tmva_bench.results.folder import ResultsFolder


@pytest.fixture
def first(tmp_path):
    return Folder(tmp_path / "a", starts=71)


@pytest.fixture
def second(tmp_path):
    """Other trainings on the same events."""
    return Folder(tmp_path / "b", starts=72)


@pytest.fixture
def elsewhere(tmp_path):
    """Other trainings on other events of the same kind."""
    return Folder(tmp_path / "c", events=2, starts=73)


def compare(first, second):
    return comparison.compare(
        first.records(), second.records(), (ResultsFolder(first.path), ResultsFolder(second.path))
    )


def invoke(*arguments):
    return CliRunner().invoke(cli.main, ["compare", *map(str, arguments)])


def note_of(compared, start):
    (note,) = (note for note in compared.notes if note.startswith(start))
    return note


def test_points_are_matched_wherever_they_ran(first, second):
    for neurons in (20, 5):
        first.add(neurons=neurons, installation="old", cpu_model="slow", environment="venv", root_version="6.36")
    for neurons in (5, 20):
        second.add(neurons=neurons, installation="new", cpu_model="fast", environment="conda", root_version="6.40")
    compared = compare(first, second)
    assert compared.axes == ["neurons"]
    assert [match.second.row.neurons for match in compared.matches] == [5, 20]
    assert all(match.first.point == match.second.point for match in compared.matches)
    assert all(match.areas.verdict == verdict.NOT_TOLD_APART for match in compared.matches)
    told = {place.column: (place.first, place.second) for place in compared.places}
    assert told["root_version"] == (["6.36"], ["6.40"])
    assert set(told) == {"root_version", "environment", "installation", "cpu_model"}
    assert forms.write(comparison.document(compared), "text").count("root_version: 6.36 in A, 6.40 in B\n") == 1


@pytest.mark.parametrize("column", ["neurons", "threads", "sample", "optimizer", "architecture"])
def test_what_is_no_match(first, second, column):
    values = {"neurons": 7, "threads": 2, "sample": "rings", "optimizer": "adam", "architecture": "gpu"}
    first.add(repetitions=1)
    first.add(repetitions=1, backend="torch")
    second.add(repetitions=1, backend="torch")
    second.add(repetitions=2, **{column: values[column]})
    compared = compare(first, second)
    assert [match.first.row.backend for match in compared.matches] == ["torch"]
    assert [[group.row.backend for group in side] for side in compared.only] == [["jax"], ["jax"]]
    text = forms.write(comparison.document(compared), "text")
    assert "only in A: keras jax sgd, 1 point (1 run)" in text
    assert ", 1 point (2 runs)" in text


def test_of_several_runs_of_one_point_those_of_one_place_go_together(first, second):
    for environment, cpu in (("one", "old"), ("two", "old"), ("two", "new")):
        first.add(environment=environment, cpu_model=cpu)
    for environment, cpu in (("two", "new"), ("other", "old"), ("two", "old")):
        second.add(environment=environment, cpu_model=cpu)
    compared = compare(first, second)
    groups = [group for match in compared.matches for group in (match.first, match.second)]
    places = [(group.row.environment, group.row.cpu_model) for group in groups]
    assert places == [("one", "old"), ("other", "old"), *[("two", "old")] * 2, *[("two", "new")] * 2]
    assert compared.axes == ["environment", "cpu_model"]


def test_a_broken_net_is_found_on_the_same_events_and_on_others(first, second, elsewhere):
    first.add()
    for other in (second, elsewhere):
        other.add(shift=BAD)
        (match,) = compare(first, other).matches
        assert match.areas.verdict == verdict.DIFFERENT
        assert match.areas.high < 0
        assert match.same_events is (other is second)


def test_the_same_seeds_on_the_same_events_are_compared_pair_by_pair(first, second, elsewhere):
    for folder in (first, second, elsewhere):
        folder.add()
    assert compare(first, second).matches[0].areas.paired
    assert not compare(first, elsewhere).matches[0].areas.paired


@pytest.mark.parametrize("values", [{"start": "keras"}, {"training_digest": "others"}, {"seed": 9}])
def test_other_starts_are_not_paired(first, second, values):
    common = {"start": values["start"]} if "start" in values else {}
    first.add(**common)
    second.add(**values)
    (match,) = compare(first, second).matches
    assert not match.areas.paired
    assert match.areas.verdict == verdict.NOT_TOLD_APART
    assert any("trained on other events" in remark for remark in match.remarks) == ("training_digest" in values)


def test_single_runs_of_different_starts_have_no_verdict(first, second):
    first.add(repetitions=1, start="keras")
    second.add(repetitions=1, start="keras")
    compared = compare(first, second)
    (match,) = compared.matches
    assert match.areas.verdict == verdict.NO_VERDICT
    assert match.ratios["real_time_train"].verdict == verdict.NO_VERDICT
    assert match.ratios["real_time_train"].ratio == pytest.approx(1)
    assert "run 3 or more of each" in note_of(compared, "no verdict on the area")
    assert "ROC area: 1 point, 0 higher in B, 0 lower, 0 not told apart, 1 without" in forms.write(
        comparison.document(compared), "text"
    )


def test_other_test_events_add_both_errors(first, elsewhere):
    first.add(start="keras")
    elsewhere.add(start="keras")
    compared = compare(first, elsewhere)
    (match,) = compared.matches
    assert match.areas.test_error == pytest.approx(0.02, rel=0.3)
    assert note_of(compared, "other test events in A and in B").endswith(": all points")
    assert match.areas.verdict == verdict.NOT_TOLD_APART


def test_the_same_test_events_beside_other_training_events_are_known(first, second):
    sample = samples.gauss(seed=1, **EVENTS)
    sample.trees["TrainS"] = {name: values[::-1] for name, values in sample.trees["TrainS"].items()}
    inputs.write(sample, second.input, force=True)
    second.digest = inputs.read(second.input).metadata["digest"]
    assert first.digest != second.digest
    first.add()
    second.add()
    (match,) = compare(first, second).matches
    assert (match.same_events, match.areas.paired) == (True, False)


@pytest.mark.parametrize("by_hand", [False, True])
def test_input_files_of_one_name_that_may_be_two_samples_have_no_verdict(tmp_path, first, by_hand):
    """One was written anew under the same name, or nothing says what either holds."""
    other = Folder(tmp_path / "other", events=2)
    for folder, seed in ((first, None), (other, 1 if not by_hand else None)):
        data = inputs.read(folder.input)
        data.metadata["seed"] = seed if by_hand else inputs.read(first.input).metadata["seed"]
        inputs.store(data, force=True)
    first.add()
    other.add(shift=BAD)
    compared = compare(first, other)
    assert compared.matches[0].areas.verdict == verdict.NO_VERDICT
    assert note_of(compared, "no verdict on the area, input files of one name whose events differ")


def test_a_sample_of_other_parameters_has_no_verdict(tmp_path, first):
    other = Folder(tmp_path / "other", separation=2.0)
    first.add()
    other.add(shift=BAD)
    compared = compare(first, other)
    assert compared.matches[0].areas.verdict == verdict.NO_VERDICT
    assert math.isnan(compared.matches[0].areas.high)
    assert note_of(compared, "no verdict on the area, samples of other parameters: separation = 1.0 and 2.0")


def test_the_very_same_runs_do_not_agree_they_are_the_same(tmp_path, first):
    first.add()
    first.add(neurons=5)
    copy = tmp_path / "copy"
    shutil.copytree(first.path, copy)
    compared = comparison.compare(first.records(), first.records(), (ResultsFolder(first.path), ResultsFolder(copy)))
    match = compared.matches[0]
    assert (match.areas.verdict, match.areas.difference) == (comparison.SAME_RUN, 0.0)
    assert match.ratios["real_time_train"].verdict == comparison.SAME_RUN
    assert comparison.verdicts(compared)["roc_auc"]["same_run"] == 2
    assert comparison.verdicts(compared)["roc_auc"]["expected_by_chance"] == 0
    assert "the same runs in A and in B, which say nothing of their agreement: all points" in compared.notes
    # Done again, with equal scores: the times are others.
    again = [changed(record, start_time="later") for record in first.records()]
    compared = comparison.compare(first.records(), again, (ResultsFolder(first.path), ResultsFolder(copy)))
    assert compared.matches[0].areas.verdict == comparison.SAME_RUN
    assert compared.matches[0].ratios["real_time_train"].verdict == verdict.NOT_TOLD_APART


def test_times_are_ratios_of_b_over_a_and_busy_runs_are_marked(first, second):
    for n in range(1, 4):
        values = {"repetition": n, "seed": n}
        first.add(repetitions=1, real_time_train=1.0 + n / 100, peak_memory=100.0 + n, **values)
        second.add(repetitions=1, real_time_train=2.0 + n / 50, peak_memory=50.0 + n, busy=int(n < 3), **values)
    compared = compare(first, second)
    ratios = compared.matches[0].ratios
    assert set(ratios) == set(comparison.RATIOS)
    assert ratios["real_time_train"].ratio == pytest.approx(2)
    assert ratios["real_time_train"].low < 2 < ratios["real_time_train"].high
    assert ratios["real_time_train"].verdict == "2 times slower"
    assert ratios["peak_memory"].verdict == "1.96 times less"
    assert ratios["real_time_test"].verdict == verdict.NO_VERDICT
    text = forms.write(comparison.document(compared), "text")
    (line,) = (line for line in text.splitlines() if "2 times slower" in line)
    assert line.endswith("0, 2")
    assert "warning: timed on a busy machine, at least in part (B): all points" in compared.notes
    assert "real time to train: 1 point, 1 slower in B, 0 faster, 0 not told apart" in text


def test_lost_gained_and_in_one_only(first, second):
    for neurons in (5, 20):
        first.add(neurons=neurons)
        second.add(neurons=neurons)
        first.add(backend="torch", neurons=neurons)
        second.add(backend="torch", neurons=neurons, status="failed", reason="the scores are constant")
        first.add(**TMVA, neurons=neurons, status="unavailable", reason="no TMVA", installation="")
        second.add(**TMVA, neurons=neurons)
        first.add(backend="theano", neurons=neurons, status="unavailable", reason="no Theano")
        second.add(backend="theano", neurons=neurons, status="unavailable", reason="no Theano")
    first.add(neurons=100)
    second.add(method="pykeras", backend="tensorflow", status="failed")
    compared = compare(first, second)
    text = forms.write(comparison.document(compared), "text")
    assert "lost (a result in A, none in B): keras torch sgd, 6 runs: failed: the scores are constant" in text
    assert "gained (a result in B, none in A): tmva-dnn sgd, 6 runs: unavailable: no TMVA" in text
    assert "only in A: keras jax sgd, 1 point (3 runs)" in text
    assert "only in B: pykeras tensorflow sgd, 1 point (3 runs, 0 with a result)" in text
    assert "Theano" not in text
    assert len(compared.matches) == 2


def test_a_repetition_that_failed_is_lost_and_one_of_an_earlier_try_is_not(first, second):
    first.add(repetitions=3)
    second.add(repetitions=2, status="unavailable", reason="not yet installed", installation="before")
    second.add(repetitions=2)
    second.add(repetitions=1, repetition=3, seed=3, status="timeout", reason="too slow")
    compared = compare(first, second)
    assert [(change.repetitions, change.status) for change in compared.lost] == [([3], "timeout")]
    assert compared.only == ([], [])


def test_nothing_in_common_is_said_with_what_differs(first, second):
    first.add(max_epochs=5)
    second.add(max_epochs=10)
    with pytest.raises(
        UserError, match=r"no point in common: they differ in max_epochs \(5 and 10\); .*a/results has k"
    ):
        compare(first, second)


def test_no_result_on_one_side_is_said_with_the_reason(first, second):
    first.add()
    second.add(status="unavailable", reason="no jax here")
    with pytest.raises(
        UserError, match=r"no point has a result in A and in B; .*b/results: unavailable: keras jax sgd: no"
    ):
        compare(first, second)


def test_expected_by_chance_is_a_twentieth_of_what_is_judged(first, second):
    for neurons in range(5, 9):
        first.add(neurons=neurons)
        second.add(neurons=neurons, shift=BAD if neurons == 5 else 1.2)
    counts = comparison.verdicts(compare(first, second))["roc_auc"]
    assert counts["expected_by_chance"] == pytest.approx(0.2)
    assert (counts["matches"], counts["lower"], counts["no_verdict"]) == (4, 1, 0)
    assert sum(counts[name] for name in ("higher", "lower", "not_told_apart")) == 4


@pytest.mark.parametrize(
    ("limit", "beyond"),
    [
        ("real_time_train > 1.9", True),
        ("real_time_train>1.9", True),
        ("real_time_train > 1.999", False),  # within the interval
        ("real_time_train < 2.1", True),
        ("real_time_fit > 1.1", True),  # no interval: the value
        ("real_time_fit > 1.3", False),
        ("peak_memory >= 1", True),
        ("peak_memory > 1", False),
        ("roc_auc < -0.005", True),
        ("roc_auc > -0.005", False),
        ("lost > 0", True),
        ("lost > 3", False),
    ],
)
def test_limits(first, second, limit, beyond):
    common = {"peak_memory": 100.0}
    for n in range(1, 4):
        values = {"repetition": n, "seed": n, **common}
        fit = {"real_time_fit": 1.0} if n == 1 else {}
        first.add(repetitions=1, real_time_train=1.0 + n / 100, **values, **fit)
        fit = {"real_time_fit": 1.2} if n == 1 else {}
        second.add(repetitions=1, shift=BAD, real_time_train=2.0 + n / 49, **values, **fit)
    first.add(backend="torch")
    second.add(backend="torch", status="killed", reason="out of memory")
    lines = comparison.beyond(compare(first, second), comparison.parse_limits([limit]))
    assert len(lines) == beyond
    assert all(line.startswith("lost = 3" if "lost" in limit else "keras jax sgd: ") for line in lines)


def test_a_limit_on_what_no_point_has_is_refused(first, second):
    first.add()
    second.add()
    with pytest.raises(UserError, match="--fail-if 'real_time_fit > 1': no point has real_time_fit in A and in B"):
        comparison.beyond(compare(first, second), comparison.parse_limits(["real_time_fit > 1"]))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("real_time_trian > 1", "unknown quantity 'real_time_trian'; did you mean 'real_time_train'"),
        ("real_time_train == 1", "unknown operator '=='"),
        ("real_time_train => 1", "unknown operator '=>'"),
        ("real_time_train > much", "'much' is no number; write e.g. 'real_time_train > 1.1'"),
        ("real_time_train > nan", "'nan' is no limit"),
        ("real_time_train", "give QUANTITY OP NUMBER"),
        ("> 1.1", "give QUANTITY OP NUMBER"),
        ("", "give QUANTITY OP NUMBER"),
    ],
)
def test_wrong_limits_are_refused(text, message):
    with pytest.raises(UserError) as raised:
        comparison.parse_limits([text])
    assert message in str(raised.value)


def test_json_has_every_number_and_is_json(first, second):
    first.add()
    first.add(neurons=5)
    second.add(shift=BAD)
    compared = compare(first, second)

    def refuse(constant):
        raise AssertionError(constant)

    everything = json.loads(forms.write(comparison.document(compared), "json"), parse_constant=refuse)
    assert list(everything) == [
        *("a", "b", "axes", "matches", "lost", "gained", "only_in_a", "only_in_b", "differs", "verdicts", "notes"),
    ]
    (match,) = everything["matches"]
    areas = compared.matches[0].areas
    for name in ("difference", "training_error", "test_error", "error", "low", "high", "p_value", "verdict", "paired"):
        assert match["roc_auc"][name] == getattr(areas, name)
    assert match["ratios"]["real_time_train"]["ratio"] == compared.matches[0].ratios["real_time_train"].ratio
    assert match["ratios"]["real_time_fit"]["ratio"] is None
    assert match["a"]["means"]["real_time_train"]["value"] == pytest.approx(1.02)
    assert match["point"]["neurons"] == 100
    assert set(schema.POINT) <= set(match["point"])
    assert everything["verdicts"]["roc_auc"]["lower"] == 1
    assert everything["only_in_a"][0]["point"]["neurons"] == 5


def test_damaged_scores_are_named(first, second):
    first.add()
    second.add()
    (second.path / "runs" / "run001" / "scores.root").write_bytes(b"root")
    with pytest.raises(UserError, match=r"b/results/runs/run001/scores\.root: no readable scores"):
        compare(first, second)


def test_the_command(first, second, tmp_path):
    first.add()
    second.add(shift=BAD)
    answer = invoke(first.path, second.path)
    assert (answer.exit_code, answer.stderr) == (0, "")
    assert answer.stdout.splitlines()[:2] == [f"A: {first.path}", f"B: {second.path}"]
    assert "ROC area: 1 point, 0 higher in B, 1 lower" in answer.stdout
    markdown = invoke(first.path, second.path, "--format", "md").stdout
    assert markdown.startswith(f"- A: {first.path}\n")
    assert "| series" in markdown
    fine = invoke(first.path, second.path, "--fail-if", "real_time_train > 1.1", "--fail-if", "lost > 0")
    assert (fine.exit_code, fine.stderr) == (0, "")
    failed = invoke(
        first.path, second.path, "--format", "json", "--fail-if", "roc_auc < -0.005", "--fail-if", "lost > 0"
    )
    assert failed.exit_code == 1
    (line,) = failed.stderr.splitlines()
    assert line.startswith("tmva-bench: keras jax sgd: roc_auc -0.")
    assert line.endswith(", limit roc_auc < -0.005")
    assert json.loads(failed.stdout)["a"] == str(first.path)


def test_errors_of_the_command_are_one_line(first, tmp_path):
    first.add()
    for arguments, words in (
        ((first.path, tmp_path / "nothing"), "nothing: no finished runs there"),
        ((tmp_path / "nothing", first.path), "nothing: no finished runs there"),
        ((first.path, first.path, "--format", "html"), "unknown format 'html'"),
        ((first.path, first.path, "--fail-if", "roc_acu < 0"), "did you mean 'roc_auc'"),
    ):
        answer = invoke(*arguments)
        assert (answer.exit_code, answer.stdout) == (2, "")
        (line,) = answer.stderr.splitlines()
        assert words in line


def test_what_is_no_number_any_more_is_beyond_every_limit(tmp_path, first):
    second = Folder(tmp_path / "b")
    first.add(real_time_fit=1.0)
    first.add(neurons=20, real_time_fit=1.0)
    second.add(real_time_fit=math.nan)
    second.add(neurons=20, real_time_fit=1.0)
    compared = compare(first, second)
    (limit,) = comparison.parse_limits(["real_time_fit > 1e9"])
    assert comparison.beyond(compared, [limit]) == [
        "keras jax sgd, neurons=100: real_time_fit is known in A and not in B, limit real_time_fit > 1e+09"
    ]
