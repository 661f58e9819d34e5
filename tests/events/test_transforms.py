import json
import re
import xml.etree.ElementTree
from collections.abc import Sequence

import numpy
import pytest
from double import recordings
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.special import erf

from tmva_bench.basis import config
from tmva_bench.errors import UserError

pytest.importorskip("ROOT")
from tmva_bench.engines import tmva_random
from tmva_bench.events import transforms

VARIABLES = ("var1", "var2", "var3", "var4")
# Those with a class suffix are refused in a point; TMVA loses the suffix when it reads the method back.
CHAINS = [name for name in recordings.names("transform-*") if "_" not in name]


@pytest.fixture(scope="module")
def training() -> tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray]:
    """Variables, weights and class (0 signal, 1 background) of TMVA's training vector in the recorded runs."""
    events = recordings.read_events(recordings.FOLDER / "input.root", VARIABLES)
    trees = ["TrainS", "TrainB"]
    variables = numpy.concatenate([numpy.stack([events[tree][name] for name in VARIABLES], axis=1) for tree in trees])
    weights = numpy.concatenate([events[tree]["weight"] for tree in trees])
    counts = {count: len(events[tree]["weight"]) for count, tree in config.COUNTS.items()}
    order, _ = tmva_random.event_orders(**counts, split_seed=100)
    return variables[order], weights[order], (order >= counts["train_signal"]).astype(int)


def made_up(events: int = 500, variables: int = 3) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Correlated variables off zero, with weights."""
    random = numpy.random.default_rng(1)
    mixed = random.normal(size=(events, variables)) @ random.normal(size=(variables, variables)) + 3
    return mixed.astype(numpy.float32), random.uniform(0.5, 1.5, events).astype(numpy.float32)


def weighted_covariance(x: numpy.ndarray, w: numpy.ndarray) -> numpy.ndarray:
    return numpy.cov(x.T, aweights=w, bias=True).reshape(x.shape[1], -1)


@pytest.mark.parametrize("name", CHAINS)
def test_chain_gives_tmvas_values_from_the_training_events_alone(
    name: str, training: tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray]
) -> None:
    variables, weights, _ = training
    names = recordings.booking(name).options.split("VarTransform=")[1].split(":")[0].split(",")
    events = json.loads((recordings.FOLDER / name / "transformed.json").read_text())
    before, after = (numpy.array([event[key] for event in events]) for key in ("in", "out"))

    ours = transforms.Chain(names, variables, weights)(before)
    if names[-1] == "P":
        # The sign of each axis is free.
        ours *= numpy.sign((ours * after).sum(axis=0))
    assert len(events) == 100
    assert numpy.abs(ours - after).max() < 1e-5


@pytest.mark.parametrize("class_id", [0, 1, 2], ids=["signal", "background", "all"])
def test_cumulative_distributions_are_those_of_the_weight_file(
    class_id: int, training: tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray]
) -> None:
    """Over the whole range: TMVA stores the edges and the contents for each class and for all events."""
    variables, weights, classes = training
    chosen = classes == class_id if class_id < 2 else classes >= 0
    ours = transforms.Chain(["U"], variables[chosen], weights[chosen])(variables[chosen])
    tree = xml.etree.ElementTree.parse(recordings.weight_file("transform-U"))
    stored = tree.getroot().findall(f"Transformations/Transform/Variable/CumulativePDF_cls{class_id}/PDF")
    assert len(stored) == len(VARIABLES)
    for index, pdf in enumerate(stored):
        contents, edges = (numpy.array(pdf.findtext(tag).split(), float) for tag in ("Histogram", "HistogramBinning"))
        width = (edges[-1] - edges[0]) / 10000
        centres = edges[0] + (numpy.arange(10000) + 0.5) * width
        table = numpy.interp(centres, 0.5 * (edges[1:] + edges[:-1]), contents)
        x = variables[chosen, index]
        inside = (x > centres[0]) & (x < 0.5 * (edges[-1] + edges[-2]))
        assert inside.sum() > 0.99 * len(x)
        assert numpy.abs(ours[inside, index] - numpy.interp(x[inside], centres, table)).max() < 1e-5


def test_order_in_the_chain_matters() -> None:
    x, w = made_up()
    assert numpy.abs(transforms.Chain(["D", "G"], x, w)(x) - transforms.Chain(["G", "D"], x, w)(x)).max() > 0.1


@pytest.mark.parametrize("second", "NDPGU")
@pytest.mark.parametrize("first", "NDPGU")
def test_each_is_prepared_on_the_output_of_the_one_before(first: str, second: str) -> None:
    x, w = made_up()
    between = transforms.Chain([first], x, w)(x)
    at_once = transforms.Chain([first, second], x, w)
    assert len(at_once.steps) == 2
    assert numpy.array_equal(at_once(x), transforms.Chain([second], between, w)(between))


def test_empty_chain_changes_nothing() -> None:
    x, w = made_up()
    assert numpy.array_equal(transforms.Chain([], x, w)(x), x)


@pytest.mark.parametrize("name", "NDPGU")
def test_float32_of_the_same_shape_and_the_input_left_alone(name: str) -> None:
    x, w = made_up()
    kept = x.copy()
    chain = transforms.Chain([name], x, w)
    assert chain(x).dtype == numpy.float32
    assert chain(x.astype(float)[:7]).shape == (7, 3)
    assert chain(x[:0]).shape == (0, 3)
    assert numpy.array_equal(x, kept)


def test_n_spans_minus_one_to_one() -> None:
    x, w = made_up()
    y = transforms.Chain(["N"], x, w)(x)
    assert numpy.allclose([y.min(axis=0), y.max(axis=0)], [[-1] * 3, [1] * 3], atol=1e-6)


def test_d_makes_the_weighted_covariance_one_and_keeps_the_means() -> None:
    x, w = made_up()
    chain = transforms.Chain(["D"], x, w)
    y = chain(x).astype(float)
    assert numpy.allclose(weighted_covariance(y, w), numpy.eye(3), atol=1e-5)
    # No mean is subtracted, and the matrix is symmetric.
    assert numpy.allclose(chain(numpy.zeros((1, 3))), 0)
    matrix = chain(numpy.eye(3))
    assert numpy.allclose(matrix, matrix.T, atol=1e-6)


def test_p_gives_uncorrelated_variables_in_falling_order() -> None:
    x, w = made_up()
    y = transforms.Chain(["P"], x, w)(x).astype(float)
    covariance = numpy.cov(y.T)
    assert numpy.allclose(y.mean(axis=0), 0, atol=1e-5)
    assert numpy.allclose(covariance, numpy.diag(numpy.diag(covariance)), atol=1e-5 * covariance.max())
    assert (numpy.diff(numpy.diag(covariance)) < 0).all()


def test_u_is_flat_and_g_normal() -> None:
    x, w = made_up(20000)
    u = transforms.Chain(["U"], x, w)(x).astype(float)
    for column in range(3):
        order = numpy.argsort(x[:, column])
        cumulated = numpy.cumsum(w[order]) / w.sum()
        assert numpy.abs(u[order, column] - cumulated).max() < 0.002
    g = transforms.Chain(["G"], x, w)(x).astype(float)
    assert numpy.abs(weighted_covariance(g, w).diagonal() - 1).max() < 0.02
    assert numpy.abs((1 + erf(g / 2**0.5)) / 2 - u).max() < 1e-6


def test_u_and_g_stay_in_their_range_outside_the_training_events() -> None:
    x, w = made_up()
    far = numpy.array([[-1e6] * 3, [1e6] * 3], numpy.float32)
    assert numpy.allclose(transforms.Chain(["U"], x, w)(far), [[1e-9] * 3, [1] * 3])
    g = transforms.Chain(["G"], x, w)(far)
    assert numpy.allclose(numpy.abs(g), 5.73, atol=0.01)
    assert (g[0] < 0).all() and (g[1] > 0).all()


@pytest.mark.parametrize("name", "NP")
def test_weights_do_not_matter_to_n_and_p(name: str) -> None:
    x, w = made_up()
    assert numpy.array_equal(transforms.Chain([name], x, w)(x), transforms.Chain([name], x, numpy.ones(500))(x))


@pytest.mark.parametrize("name", "DUG")
def test_weights_matter_to_d_u_and_g(name: str) -> None:
    x, _ = made_up()
    heavy = numpy.where(x[:, 0] > 3, 5.0, 1.0).astype(numpy.float32)
    plain = transforms.Chain([name], x, numpy.ones(500))(x)
    assert numpy.abs(transforms.Chain([name], x, heavy)(x) - plain).max() > 0.05


def test_an_event_of_weight_two_is_two_events_to_d() -> None:
    x, _ = made_up()
    w = numpy.ones(500)
    w[:100] = 2
    twice = numpy.concatenate([x, x[:100]])
    assert numpy.allclose(
        transforms.Chain(["D"], x, w)(x), transforms.Chain(["D"], twice, numpy.ones(600))(x), atol=1e-5
    )


def test_equal_weights_give_bins_of_as_many_events_as_float32_sums_say() -> None:
    """Ten weights of 0.7 add up to less than ten times 0.7 in float32, so that TMVA takes eleven events."""
    weights = numpy.full(1000, 0.7, numpy.float32)
    assert numpy.cumsum(weights[:10])[-1] < numpy.float32(10) * weights[0] < numpy.cumsum(weights[:11])[-1]
    x = numpy.arange(1000, dtype=numpy.float32)
    assert numpy.allclose(numpy.diff(transforms._edges(x, weights))[2:-1], 11)
    assert numpy.allclose(numpy.diff(transforms._edges(x, numpy.ones(1000, numpy.float32)))[2:-1], 10)


@pytest.mark.parametrize("name", "NDPGU")
def test_a_single_variable(name: str) -> None:
    x, w = made_up(variables=1)
    y = transforms.Chain([name], x, w)(x)
    assert y.shape == (500, 1)
    order = numpy.argsort(x[:, 0])
    steps = numpy.diff(y[order, 0])
    assert (steps >= 0).all() or (name == "P" and (steps <= 0).all())
    assert y.max() > y.min()


def test_u_of_three_values_by_hand() -> None:
    """30 events of 0, 50 of 1, 20 of 2: edges -0.0001, 0, 1, 2 and, for events left over, 2 again."""
    import ROOT

    contents = numpy.array([0, 30, 50, 0.0])
    ROOT.TH1.SmoothArray(4, contents, 1)
    cumulated = numpy.cumsum(contents) / contents.sum()
    x = numpy.repeat([0, 1, 2], [30, 50, 20]).astype(numpy.float32)[:, None]
    chain = transforms.Chain(["U"], x, numpy.ones(100))
    asked = numpy.array([0, 0.25, 0.5, 1, 1.3, 1.9])
    expected = numpy.interp(asked, [-0.00005, 0.5, 1.5, 2], cumulated)
    assert numpy.allclose(chain(asked[:, None])[:, 0], expected, atol=1e-3)


def test_u_of_two_values_is_constant_as_in_tmva() -> None:
    """Smoothing takes the medians of neighbouring bins and so empties the one bin between the values."""
    x = numpy.repeat([0, 1], [30, 70]).astype(numpy.float32)[:, None]
    assert numpy.allclose(transforms.Chain(["U"], x, numpy.ones(100))(x), 1e-9, rtol=1e-6, atol=0)


columns = arrays.arrays(numpy.float32, st.integers(30, 200), elements=st.integers(-5, 20))


@settings(deadline=None)
@given(columns, st.sampled_from([1e-3, 1.0, 1e6]), st.booleans(), st.sampled_from("UG"))
def test_ties_stay_ties_and_the_order_stays(column: numpy.ndarray, unit: float, weighted: bool, name: str) -> None:
    if len(set(column)) < 2:
        return
    x = (column * numpy.float32(unit))[:, None]
    w = numpy.random.default_rng(1).uniform(0.1, 2, len(x)) if weighted else numpy.ones(len(x))
    y = transforms.Chain([name], x, w)(x)[:, 0]
    assert numpy.isfinite(y).all()
    order = numpy.argsort(column, kind="stable")
    assert (numpy.diff(y[order]) >= -1e-6).all()
    assert (numpy.diff(y[order])[numpy.diff(column[order]) == 0] == 0).all()


@settings(deadline=None)
@given(columns, st.sampled_from([1e-3, 1.0, 1e6]))
def test_fill_is_th1s(column: numpy.ndarray, unit: float) -> None:
    import ROOT

    values = column * numpy.float32(unit)
    weights = numpy.linspace(0.5, 1.5, len(values), dtype=numpy.float32)
    edges = numpy.unique(transforms._edges(values, weights))
    if len(edges) < 2:
        return
    histogram = ROOT.TH1F("", "", len(edges) - 1, edges)
    histogram.SetDirectory(ROOT.nullptr)
    histogram.FillN(len(values), values.astype(float), weights.astype(float))
    theirs = [histogram.GetBinContent(i) for i in range(1, len(edges))]
    assert numpy.array_equal(transforms._fill(edges, values, weights), numpy.array(theirs, numpy.float32))


# Variables that D and P cannot take apart.

NAMES = [f"x{number}" for number in range(12)]


def check(chain: list[str], variables: Sequence[str], x: numpy.ndarray, weights: numpy.ndarray) -> None:
    transforms.Chain(chain, x, weights, variables=variables)


@given(
    st.integers(0, 2**32 - 1),
    st.integers(2, 8),
    st.floats(-30, 30),
    st.floats(-1, 4),
    st.sampled_from(["D", "P", "N,D", "N,P", "P,N"]),
    st.booleans(),
)
@settings(deadline=None)
def test_a_sum_of_others_is_named_with_them(
    seed: int, variables: int, scale: float, offset: float, chain: str, weighted: bool
) -> None:
    random = numpy.random.default_rng(seed)
    x = random.normal(size=(400, variables)) * 2.0**scale
    some = random.choice(variables, random.integers(1, variables + 1), replace=False)
    x[:, some] += 10**offset * 2.0**scale  # far off zero, where float32 has fewer digits
    of = numpy.concatenate([x, (x[:, some] @ random.choice([-2, -1, 1, 0.5], len(some)))[:, None]], axis=1)
    place = random.integers(0, variables + 1)
    mixed = numpy.insert(of[:, :-1], place, of[:, -1], axis=1)
    dependent = {NAMES[n + (n >= place)] for n in some} | {NAMES[place]}
    weights = random.uniform(0.1, 3, 400) if weighted else numpy.ones(400)
    with pytest.raises(UserError, match=f"transformations = {chain}: [DP] cannot be computed, .*leave one of") as error:
        check(chain.split(","), NAMES[: variables + 1], mixed, weights)
    named = set(re.findall(r"x\d+", str(error.value)))
    assert named == dependent
    assert "\n" not in str(error.value)


@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.floats(1e-3, 1), st.sampled_from(["D", "P", "N,D", "G,D"]))
@settings(deadline=None)
def test_what_varies_by_itself_is_taken_apart(seed: int, variables: int, part: float, chain: str) -> None:
    random = numpy.random.default_rng(seed)
    x = random.normal(size=(400, variables))
    x = numpy.concatenate([x, x.sum(axis=1, keepdims=True) + part * random.normal(size=(400, 1))], axis=1)
    check(chain.split(","), NAMES[: variables + 1], x, numpy.ones(400))


def test_categories_one_column_each_depend_on_each_other() -> None:
    kind = numpy.random.default_rng(1).integers(0, 3, 300)
    x = numpy.concatenate([numpy.random.default_rng(2).normal(size=(300, 1)), numpy.eye(3)[kind]], axis=1)
    with pytest.raises(UserError, match="D cannot be computed, b, c and d depend on each other"):
        check(["N", "D"], "abcd", x, numpy.ones(300))
    check(["N", "D"], "abc", x[:, :3], numpy.ones(300))
    check(["N"], "abcd", x, numpy.ones(300))


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        # a, b, c vary by themselves.
        ((0, 1, 2, (0, 1), (2, 2)), "a, b and d depend .* from the others; c and e do so, too: leave d and e out,"),
        ((0, (0, 0), 1, (0, 0), 2), "a and b depend .*; a and d do so, too: leave b and d out,"),
        ((None, 0, 1, (0, 1), 2), "computed, a is the same in all .*; b, c and d depend .*: leave a and d out,"),
        ((None, 0, None, 1, 2), "computed, a and c are the same in all training events there: leave a and c out,"),
        ((None, 0, 1, 2), "computed, a is the same in all training events there: leave a out,"),
        ((0, 1, 2, (0, 1)), "computed, a, b and d depend .* from the others: leave one of them out,"),
    ],
)
@pytest.mark.parametrize("chain", ["D", "P"])
def test_all_that_depend_are_named_at_once_and_without_them_it_can_be_computed(
    columns: tuple[object, ...], said: str, chain: str
) -> None:
    x = numpy.random.default_rng(4).normal(size=(500, 3))
    made = numpy.stack(
        [numpy.ones(500) if one is None else 3 + x[:, numpy.atleast_1d(one)].sum(axis=1) for one in columns], axis=1
    )
    with pytest.raises(UserError, match=said) as error:
        check([chain], "abcde"[: len(columns)], made, numpy.ones(500))
    out = re.search("leave (.*) out", str(error.value))[1].split(" and ")
    left = [number for number in range(len(columns)) if "abcde"[number] not in ("d" if "one of" in out[0] else out)]
    check([chain], [*"abcde"], made[:, left], numpy.ones(500))


def test_many_variables_that_depend_are_named_in_no_time() -> None:
    x = numpy.random.default_rng(5).normal(size=(1000, 120))
    groups = transforms.dependent_groups(numpy.concatenate([x, x[:, :6]], axis=1), numpy.ones(1000))
    assert groups == [[number, 120 + number] for number in range(6)]


def test_negative_weights_that_leave_no_variance_are_to_blame() -> None:
    random = numpy.random.default_rng(3)
    x = random.normal(size=(400, 2))
    x[:, 0] *= 10
    weights = numpy.where(numpy.abs(x[:, 0]) > 8, -1.0, 1.0)
    with pytest.raises(UserError, match="D cannot be computed, negative weights leave no variance to x0"):
        check(["D"], NAMES[:2], x, weights)
    check(["P"], NAMES[:2], x, weights)


@pytest.mark.parametrize("chain", [[], ["P"]])
def test_values_beyond_any_scale_are_the_reason(chain: list[str]) -> None:
    x = made_up()[0].astype(float)
    x[7, 1] = 1e25
    with pytest.raises(UserError, match="values of .* are as large as .*which no network trains on"):
        transforms.Chain(chain, x, numpy.ones(len(x)))
    transforms.Chain(["N"], x, numpy.ones(len(x)))


def test_values_that_are_no_numbers_are_the_reason() -> None:
    x = made_up()[0]
    x[:, 2] = 5
    with pytest.raises(UserError, match="transformations = N: after N values of c are NaN"):
        transforms.Chain(["N"], x, numpy.ones(len(x)), variables="abc")
