"""One name, place and colour of a series, whoever shows it."""

from classifiers import absent
from hypothesis import given
from hypothesis import strategies as st
from made_up_rows import row
from made_up_runs import TMVA, Folder

from tmva_bench.basis import config
from tmva_bench.compare import differences
from tmva_bench.report import page, tables
from tmva_bench.results import naming, summary, tree_file
from tmva_bench.results.folder import ResultsFolder
from tmva_bench.results.rows import STATUSES, RunRow

ROWS = st.lists(
    st.builds(
        RunRow,
        method=st.sampled_from(["tmva-dnn", "pykeras", "keras", "dae", "a method of tomorrow"]),
        backend=st.sampled_from(["tmva", "tensorflow", "jax", "torch", "theano", "mlx"]),
        architecture=st.sampled_from(["cpu", "gpu"]),
        optimizer=st.sampled_from(["sgd", "adam", "adagrad", "lion"]),
        status=st.sampled_from(STATUSES),
    ),
    max_size=12,
)


@given(ROWS)
def test_series_stand_as_they_first_finished(rows: list[RunRow]) -> None:
    named = naming.identified(rows)
    finished = [row.series for row in named if row.status == "ok"]
    order = {row.series: row.series_order for row in named}
    assert sorted(order.values()) == list(range(len(order)))
    assert sorted(dict.fromkeys(finished), key=lambda name: order[name]) == list(dict.fromkeys(finished))
    assert all(order[name] < len(set(finished)) for name in finished)
    # names of different series differ in figures, too
    assert len({row.label for row in named}) == len(order)
    assert naming.identified(named) == named


@given(st.lists(st.integers(0, 5), max_size=12))
def test_no_two_series_of_a_figure_have_one_colour(places: list[int]) -> None:
    colours = naming.colours(places, 6)
    assert len(set(colours)) == len(colours)
    for place in set(places):
        assert colours[places.index(place)] == place  # whatever else is drawn


def test_table_trees_differences_and_page_call_a_series_alike(tmp_path) -> None:
    results = Folder(tmp_path / "made")
    results.add(repetitions=1, status="failed", **TMVA)
    for neurons in (20, 5):
        results.add(backend="torch", neurons=neurons)
        results.add(**TMVA, neurons=neurons)
    results.add(backend="theano", status="unavailable")
    records = results.records()
    rows = [record.row for record in records]
    names = sorted(naming.series_order(rows), key=naming.series_order(rows).__getitem__)
    assert names == ["keras torch sgd", "tmva-dnn sgd", "keras theano sgd"]
    trees = tree_file.tables(records)
    for tree in ("benchmark", "summary"):
        pairs = zip(trees[tree]["series_order"], trees[tree]["series"], strict=True)
        assert dict(pairs) == dict(enumerate(names))
    plots = page.make(records, ResultsFolder(results.path)).plots
    assert plots["series"] == names[:2]
    assert plots["colours"] == [0, 1]
    assert results.compare().reference == names[0]
    assert {row[0] for row in tables.make(summary.groups(rows)).rows} <= set(names)
    assert differences.tables(results.compare())[1].title == f"Time to train: the series over {names[0]}"


def test_classifiers_that_are_no_networks_come_after_them_and_are_told() -> None:
    rows = [
        row(method="linear", backend="sklearn", **absent("linear")),
        row(method="boosting", backend="sklearn", **absent("boosting")),
        row(),
        row(method="pykeras", backend="tensorflow"),
        row(backend="torch", start="keras"),
    ]
    assert list(naming.series_order(rows)) == [
        "keras jax sgd", "pykeras tensorflow sgd", "keras torch sgd", "linear", "boosting sklearn",
    ]  # fmt: skip
    assert [naming.series_label(one) for one in rows[:2]] == ["Logistic regression", "Boosted trees, scikit-learn"]
    assert [naming.spoken(one) for one in rows[:2]] == ["Logistic regression", "Boosted trees on scikit-learn"]
    assert naming.kinds(rows) == [
        "the same training by other engines: keras jax sgd; the same network, otherwise trained: pykeras tensorflow "
        "sgd, keras torch sgd; other classifiers: linear, boosting sklearn"
    ]
    assert naming.kinds(rows[:2]) == naming.kinds(rows[2:3]) == []
    assert naming.clocks(rows[:2]) == [
        "compilation in the times of training and fit: none for linear, boosting sklearn; real_time_epochs is without "
        "it for all"
    ]


@given(st.sampled_from(["boosting", "linear"]), st.sampled_from(sorted(config.PARAMETERS)))
def test_what_a_method_lacks_is_no_part_of_a_runs_name(method: str, name: str) -> None:
    one = row(method=method, backend="sklearn", **absent(method))
    assert (naming.value_label(one, name) == "-") == (name in absent(method))
    assert (f"{name}=" in naming.run_name(one, [name])) == (name not in absent(method))
