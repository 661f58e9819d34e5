"""Verdicts on differences: how often equal series are called different, and what is not judged."""

import dataclasses
import math

import numpy
import pytest
import uproot
from made_up_rows import row
from scipy import stats

from tmva_bench.compare import verdict
from tmva_bench.errors import UserError
from tmva_bench.events import inputs, roc
from tmva_bench.results import placements, summary
from tmva_bench.results.folder import ResultsFolder


def timed(times, **values):
    """A group whose repetitions took these times to train; None is a repetition that failed."""
    rows = [
        row(repetition=n, status="failed", **values)
        if time is None
        else row(repetition=n, real_time_train=time, **values)
        for n, time in enumerate(times, 1)
    ]
    return summary.groups(rows)[0]


def side_of(runs):
    placed = [(n, roc.placements(*map(numpy.asarray, scores))) for n, scores in enumerate(runs, 1)]
    return verdict.side(placed, *map(numpy.ones_like, placed[0][1]))


def optimal_scores(generator, events):
    return generator.normal(1.2, 1.0, events), generator.normal(0.0, 1.0, events)


def trained(generator, optimal, repetitions, worse=0.0):
    """Trainings on the way to the optimal score: each spoils it by an amount of its own, and each event by noise."""
    for _ in range(repetitions):
        noise = math.hypot(0.2, worse + abs(0.4 * generator.normal()))
        yield tuple(scores + noise * generator.normal(size=len(scores)) for scores in optimal)


@pytest.mark.parametrize("repetitions", [2, 3, 10])
def test_equal_series_are_seldom_called_different(repetitions):
    generator = numpy.random.default_rng(31)
    different = by_delong_alone = 0
    for _ in range(200):
        optimal = optimal_scores(generator, 400)
        judged = verdict.compare_areas(
            side_of(trained(generator, optimal, repetitions)), side_of(trained(generator, optimal, repetitions))
        )
        different += judged.verdict == verdict.DIFFERENT
        by_delong_alone += abs(judged.difference) > 1.96 * judged.test_error
    assert different / 200 <= 0.08
    # Why the spread of trainings must be in the error.
    assert by_delong_alone / 200 > 0.3


def test_a_worse_series_is_found():
    generator = numpy.random.default_rng(32)
    judged = 0
    for _ in range(50):
        optimal = optimal_scores(generator, 400)
        better, worse = (side_of(trained(generator, optimal, 5, worse=spoilt)) for spoilt in (0.0, 0.8))
        compared = verdict.compare_areas(worse, better)
        judged += compared.verdict == verdict.DIFFERENT and compared.high < 0
    assert judged / 50 > 0.85


def test_parts_of_the_error_by_hand():
    generator = numpy.random.default_rng(33)
    optimal = optimal_scores(generator, 500)
    ours, theirs = list(trained(generator, optimal, 3)), list(trained(generator, optimal, 4, worse=0.3))
    judged = verdict.compare_areas(side_of(ours), side_of(theirs))
    areas = [[roc.auc(*scores) for scores in some] for some in (ours, theirs)]
    assert judged.difference == pytest.approx(numpy.mean(areas[0]) - numpy.mean(areas[1]))
    parts = [numpy.var(some, ddof=1) / len(some) for some in areas]
    assert judged.training_error == pytest.approx(math.sqrt(sum(parts)))
    assert judged.error == pytest.approx(math.hypot(judged.training_error, judged.test_error))
    freedom = judged.error**4 / (parts[0] ** 2 / 2 + parts[1] ** 2 / 3)
    assert judged.degrees_of_freedom == pytest.approx(freedom)
    assert (judged.low, judged.high) == pytest.approx(stats.t.interval(0.95, freedom, judged.difference, judged.error))
    assert judged.p_value == pytest.approx(2 * stats.t.sf(abs(judged.difference) / judged.error, freedom))
    # The test part is that of the mean placements: with one repetition each, DeLong's own.
    single = verdict.compare_areas(side_of(ours[:1]), side_of(theirs[:1]))
    assert single.test_error == pytest.approx(roc.auc_difference(*ours[0], *theirs[0]).error)
    assert judged.test_error < single.test_error


def test_without_an_error_of_the_test_events_it_is_welchs_test():
    generator = numpy.random.default_rng(34)
    optimal = optimal_scores(generator, 300)
    ours, theirs = (side_of(trained(generator, optimal, n)) for n in (4, 6))
    # The same placements on both sides: nothing that other test events could change.
    judged = verdict.compare_areas(ours, theirs._replace(placements=ours.placements))
    assert judged.test_error == 0.0
    welch = stats.ttest_ind(ours.areas, theirs.areas, equal_var=False)
    difference = numpy.mean(ours.areas) - numpy.mean(theirs.areas)
    assert judged.training_error == pytest.approx(difference / welch.statistic)
    assert judged.degrees_of_freedom == pytest.approx(welch.df)


def test_the_interval_covers_the_true_difference():
    generator = numpy.random.default_rng(42)

    def true_area(worse):
        noise = numpy.hypot(0.2, worse + abs(0.4 * generator.normal(size=100_000)))
        return stats.norm.cdf(1.2 / numpy.sqrt(2 * (1 + noise**2))).mean()

    true = true_area(0.0) - true_area(0.3)
    covered = 0
    for _ in range(200):
        optimal = optimal_scores(generator, 400)
        ours, theirs = (side_of(trained(generator, optimal, 5, worse=worse)) for worse in (0.0, 0.3))
        judged = verdict.compare_areas(ours, theirs)
        covered += judged.low <= true <= judged.high
    assert covered / 200 > 0.92


@pytest.mark.parametrize("repetitions", [2, 3, 10])
def test_equal_series_on_other_test_events_are_seldom_called_different(repetitions):
    generator = numpy.random.default_rng(43)
    different = by_spread_alone = 0
    for _ in range(200):
        ours, theirs = (
            side_of(trained(generator, optimal_scores(generator, events), repetitions)) for events in (400, 300)
        )
        judged = verdict.compare_areas(ours, theirs, same_start=True, same_events=False)
        assert not judged.paired
        different += judged.verdict == verdict.DIFFERENT
        by_spread_alone += stats.ttest_ind(ours.areas, theirs.areas, equal_var=False).pvalue < 0.05
    assert different / 200 <= 0.08
    assert different < by_spread_alone


def test_a_worse_series_on_other_test_events_is_found():
    generator = numpy.random.default_rng(44)
    judged = 0
    for _ in range(50):
        better, worse = (
            side_of(trained(generator, optimal_scores(generator, 2000), 5, worse=spoilt)) for spoilt in (0.0, 0.8)
        )
        compared = verdict.compare_areas(worse, better, same_events=False)
        judged += compared.verdict == verdict.DIFFERENT and compared.high < 0
    assert judged / 50 > 0.85


def test_errors_of_other_test_events_are_added():
    generator = numpy.random.default_rng(45)
    ours, theirs = (list(trained(generator, optimal_scores(generator, events), 1)) for events in (500, 200))
    judged = verdict.compare_areas(side_of(ours), side_of(theirs), same_events=False)
    assert judged.difference == pytest.approx(roc.auc(*ours[0]) - roc.auc(*theirs[0]))
    assert judged.test_error == pytest.approx(math.hypot(roc.auc_error(*ours[0]), roc.auc_error(*theirs[0])))


def test_one_repetition_with_another_start_gives_no_verdict():
    generator = numpy.random.default_rng(35)
    optimal = optimal_scores(generator, 300)
    one, two = (side_of(trained(generator, optimal, n)) for n in (1, 2))
    for judged in (verdict.compare_areas(one, two), verdict.compare_areas(two, one), verdict.compare_areas(one, one)):
        assert judged.verdict == verdict.NO_VERDICT
        assert "one repetition on a side" in judged.note
        assert math.isnan(judged.error)
        assert not math.isnan(judged.test_error)


def test_no_run_on_a_side_gives_no_verdict():
    none = verdict.side([], numpy.ones(3), numpy.ones(3))
    judged = verdict.compare_areas(none, none)
    assert (judged.verdict, judged.note) == (verdict.NO_VERDICT, "no finished run on one of the sides")


def test_too_few_test_events_give_no_verdict():
    one_event = [(numpy.array([n]), numpy.array([1.0, 2.0])) for n in (0.0, 1.5)]
    judged = verdict.compare_areas(side_of(one_event), side_of(one_event))
    assert (judged.verdict, judged.note) == (verdict.NO_VERDICT, "too few test events for an error; give more")


def test_same_starts_are_compared_pair_by_pair():
    generator = numpy.random.default_rng(36)
    optimal = optimal_scores(generator, 2000)
    ours = list(trained(generator, optimal, 4))
    # Another engine: the same trainings but for a little, and a little worse.
    theirs = [tuple(scores + 0.1 * generator.normal(size=len(scores)) for scores in run) for run in ours]
    apart = verdict.compare_areas(side_of(ours), side_of(theirs))
    paired = verdict.compare_areas(side_of(ours), side_of(theirs), same_start=True)
    assert (apart.verdict, apart.paired) == (verdict.NOT_TOLD_APART, False)
    assert (paired.verdict, paired.paired) == (verdict.DIFFERENT, True)
    differences = [roc.auc(*a) - roc.auc(*b) for a, b in zip(ours, theirs, strict=True)]
    assert paired.training_error == pytest.approx(stats.sem(differences))
    # Other repetitions on the other side are no pairs.
    assert not verdict.compare_areas(side_of(ours), side_of(theirs[:3]), same_start=True).paired


def test_one_pair_with_the_same_start_is_judged_by_the_test_events_alone():
    generator = numpy.random.default_rng(37)
    run = optimal_scores(generator, 300)
    other = tuple(scores + 0.5 * generator.normal(size=300) for scores in run)
    judged = verdict.compare_areas(side_of([run]), side_of([other]), same_start=True)
    assert (judged.difference, judged.error, judged.p_value) == pytest.approx(roc.auc_difference(*run, *other))
    assert math.isnan(judged.training_error)
    assert "from the same start" in judged.note
    same = verdict.compare_areas(side_of([run]), side_of([run]), same_start=True)
    assert (same.difference, same.error, same.verdict) == (0.0, 0.0, verdict.NOT_TOLD_APART)


def results_folder(tmp_path, runs):
    """Runs with their scores on disk, the group of their rows, and the input file."""
    weights = {tree: numpy.linspace(0.5, 1.5, 50, dtype=numpy.float32) for tree in inputs.TREES}
    for run_id, (signal, background) in runs.items():
        folder = tmp_path / "runs" / run_id
        folder.mkdir(parents=True)
        with uproot.recreate(folder / "scores.root") as file:
            for tree, scores in (("TestS", signal), ("TestB", background)):
                file.mktree(tree, {"score": numpy.float64}).extend({"score": scores})
    rows = [row(run_id=run_id, repetition=n, input_digest="a" * 64) for n, run_id in enumerate(runs, 1)]
    data = inputs.InputFile("input.root", [], {}, weights, {"digest": "a" * 64})
    return summary.groups(reversed(rows))[0], data


def test_scores_are_read_with_the_weights_of_the_input_file(tmp_path):
    generator = numpy.random.default_rng(38)
    runs = {f"run{n}": optimal_scores(generator, 50) for n in (1, 2)}
    group, data = results_folder(tmp_path, runs)
    judged = verdict.read_side(group, ResultsFolder(tmp_path), data)
    weights = data.weights["TestS"], data.weights["TestB"]
    assert judged.repetitions == [1, 2]
    assert judged.areas == pytest.approx([roc.auc(*scores, *weights) for scores in runs.values()])


def test_placements_that_were_kept_are_those_of_the_scores(tmp_path):
    """Where they have the run's area: others, of whatever origin, are passed over."""
    generator = numpy.random.default_rng(40)
    runs = {f"run{n}": optimal_scores(generator, 50) for n in (1, 2)}
    group, data = results_folder(tmp_path, runs)
    folder, weights = ResultsFolder(tmp_path), (data.weights["TestS"], data.weights["TestB"])
    of_scores = verdict.read_side(group, folder, data)
    areas = dict(zip(of_scores.repetitions, of_scores.areas, strict=True))
    rows = [dataclasses.replace(row, roc_auc=areas[row.repetition]) for row in group.rows]
    placed = {run_id: roc.placements(*scores, *weights) for run_id, scores in runs.items()}
    for run_id, of_run in placed.items():
        placements.write(folder.run_folder(run_id), of_run)
        folder.scores(run_id).rename(tmp_path / run_id)
    kept = verdict.read_side(group._replace(rows=rows), folder, data)
    assert kept.areas == of_scores.areas
    assert all(map(numpy.array_equal, kept.placements, of_scores.placements))
    placements.write(folder.run_folder("run2"), roc.Placements(placed["run2"].signal, placed["run1"].background))
    with pytest.raises(verdict.Missing, match="run2/scores.root: no scores there"):
        verdict.read_side(group._replace(rows=rows), folder, data)
    (tmp_path / "run2").rename(folder.scores("run2"))
    for values in ([numpy.nan] * 50, [1e300] * 50, placed["run1"].signal):
        placements.write(folder.run_folder("run2"), roc.Placements(numpy.array(values), placed["run2"].background))
        assert verdict.read_side(group._replace(rows=rows), folder, data).areas == of_scores.areas


def test_scores_that_are_not_those_of_the_events_are_refused(tmp_path):
    group, data = results_folder(tmp_path, {"run1": optimal_scores(numpy.random.default_rng(39), 50)})
    with pytest.raises(UserError, match="input.root: not the events of these runs"):
        verdict.read_side(group, ResultsFolder(tmp_path), data._replace(metadata={"digest": "b" * 64}))
    fewer = data._replace(weights={tree: weights[:40] for tree, weights in data.weights.items()})
    with pytest.raises(UserError, match="50 scores in TestS, input.root has 40 events"):
        verdict.read_side(group, ResultsFolder(tmp_path), fewer)
    path = tmp_path / "runs" / "run1" / "scores.root"
    path.write_text("torn")
    with pytest.raises(UserError, match="no readable scores.*to run it again"):
        verdict.read_side(group, ResultsFolder(tmp_path), data)
    path.unlink()
    with pytest.raises(verdict.Missing, match="no scores there.*to run it again"):
        verdict.read_side(group, ResultsFolder(tmp_path), data)


def test_ratio_is_the_median_over_pairs():
    judged = verdict.compare_times(timed([1.0, 2.0, 4.0, None]), timed([2.2, 4.0, 7.6, 1.0]))
    assert (judged.ratio, judged.pairs, judged.interval) == (pytest.approx(0.5), 3, "Student's t")
    assert judged.low < 1 / 2.2 < 1 / 1.9 < judged.high
    assert judged.verdict == "2 times faster"
    back = verdict.compare_times(timed([2.2, 4.0, 7.6]), timed([1.0, 2.0, 4.0]))
    assert back.verdict == "2 times slower"
    assert (back.low, back.high) == pytest.approx((1 / judged.high, 1 / judged.low))


def test_pairs_that_disagree_are_not_told_apart():
    assert verdict.compare_times(timed([1.0, 2.0, 3.0]), timed([1.1, 1.8, 3.0])).verdict == verdict.NOT_TOLD_APART
    # All of three ratios above 1 are no proof: of equal series one in four gives three on one side.
    assert verdict.compare_times(timed([1.0, 1.0, 1.0]), timed([1.01, 1.3, 1.9])).verdict == verdict.NOT_TOLD_APART


def test_many_pairs_are_resampled_alike_each_time():
    generator = numpy.random.default_rng(40)
    ours, theirs = timed(generator.uniform(0.9, 1.1, 12)), timed(generator.uniform(1.8, 2.2, 12))
    judged = verdict.compare_times(ours, theirs)
    assert judged.interval == "bootstrap"
    assert judged.low < judged.ratio < judged.high
    assert judged.verdict == f"{1 / judged.ratio:.3g} times faster"
    assert verdict.compare_times(ours, theirs) == judged


@pytest.mark.parametrize(
    ("ours", "theirs", "note"),
    [
        ([1.0, 2.0], [1.0, 2.0], "fewer than 3 pairs"),
        ([1.0, 2.0, math.nan], [1.0, None, 2.0], "fewer than 3 pairs"),
        ([0.0, 0.0, 0.0], [1.0, 2.0, 3.0], "no repetition with real_time_train on both sides"),
    ],
)
def test_times_that_give_no_verdict(ours, theirs, note):
    judged = verdict.compare_times(timed(ours), timed(theirs))
    assert judged.verdict == verdict.NO_VERDICT
    assert note in judged.note
    assert math.isnan(judged.low)


def test_times_of_different_processors_are_not_compared():
    judged = verdict.compare_times(timed([1.0] * 3, cpu_model="one"), timed([1.0] * 3, cpu_model="other"))
    assert (judged.verdict, judged.note) == (verdict.NO_VERDICT, "timed on different processors; time both on one")


@pytest.mark.parametrize("pairs", [3, 5, 9, 12])
def test_equally_fast_series_are_seldom_told_apart(pairs):
    generator = numpy.random.default_rng(41)
    told = 0
    for _ in range(200):
        load = generator.uniform(1.0, 2.0, pairs)  # of the machine, the same for both of a round
        ours, theirs = (timed(load * generator.lognormal(0.0, 0.05, pairs)) for _ in range(2))
        told += verdict.compare_times(ours, theirs).verdict != verdict.NOT_TOLD_APART
    assert told / 200 <= 0.08


@pytest.mark.parametrize("repetitions", [(2, 2), (3, 3), (3, 5), (10, 10)])
def test_equal_times_of_two_machines_are_seldom_told_apart(repetitions):
    generator = numpy.random.default_rng(46)
    told = 0
    for _ in range(400):
        ours, theirs = (timed(generator.lognormal(0.0, 0.1, count)) for count in repetitions)
        told += verdict.ratio_of(ours, theirs, "real_time_train").verdict != verdict.NOT_TOLD_APART
    assert told / 400 <= 0.08


def test_a_ratio_is_that_of_the_geometric_means_with_welchs_interval():
    ours, theirs = [2.0, 2.2, 1.9, 2.4], [1.0, 1.3, 0.9]
    judged = verdict.ratio_of(
        timed(ours, cpu_model="one"), timed([*theirs, None], cpu_model="other"), "real_time_train"
    )
    assert judged.ratio == pytest.approx(stats.gmean(ours) / stats.gmean(theirs))
    welch = stats.ttest_ind(numpy.log(ours), numpy.log(theirs), equal_var=False).confidence_interval()
    assert (judged.low, judged.high) == pytest.approx((math.exp(welch.low), math.exp(welch.high)))
    assert judged.verdict == f"{judged.ratio:.3g} times slower"
    back = verdict.ratio_of(timed(theirs), timed(ours), "real_time_train")
    assert (back.low, back.high) == pytest.approx((1 / judged.high, 1 / judged.low))
    assert back.verdict == f"{judged.ratio:.3g} times faster"


@pytest.mark.parametrize(
    ("ours", "theirs", "ratio", "note"),
    [
        ([1.0], [2.0, 2.1, 2.2], 0.4766, "one repetition on a side does not tell"),
        ([1.0, 1.0, 1.0], [2.0, 2.0, 2.0], 0.5, "repetitions equal to the clock's tick"),
        ([0.0, 0.0], [1.0, 2.0], math.nan, "no repetition with real_time_train on one of the sides"),
    ],
)
def test_ratios_that_give_no_verdict(ours, theirs, ratio, note):
    judged = verdict.ratio_of(timed(ours), timed(theirs), "real_time_train")
    assert (judged.ratio, judged.verdict) == (pytest.approx(ratio, abs=1e-4, nan_ok=True), verdict.NO_VERDICT)
    assert note in judged.note
    assert math.isnan(judged.low)


def test_infinite_times_are_none():
    judged = verdict.compare_times(timed([math.inf] * 3), timed([1.0, 1.1, 0.9]))
    assert (judged.pairs, judged.verdict) == (0, verdict.NO_VERDICT)
