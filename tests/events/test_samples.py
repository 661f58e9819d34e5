import importlib.util
import subprocess
import sys

import numpy
import pytest
import uproot
from scipy.stats import multivariate_normal

from tmva_bench.errors import UserError
from tmva_bench.events import inputs, roc, samples

SMALL = {"train_signal": 200, "train_background": 300, "test_signal": 400, "test_background": 500}
needs_root = pytest.mark.skipif(importlib.util.find_spec("ROOT") is None, reason="needs ROOT")


def matrix(sample, tree):
    return numpy.stack([sample.trees[tree][name] for name in sample.variables], axis=1).astype(float)


def best_area(sample):
    ratio, weight = sample.log_likelihood_ratio, {tree: sample.trees[tree]["weight"] for tree in ("TestS", "TestB")}
    return roc.auc(ratio["TestS"], ratio["TestB"], weight["TestS"], weight["TestB"])


def linear_area(sample):
    """Area of Fisher's discriminant, trained on the training events."""
    signal, background = matrix(sample, "TrainS"), matrix(sample, "TrainB")
    direction = numpy.linalg.solve(
        numpy.atleast_2d(numpy.cov(signal.T) + numpy.cov(background.T)), signal.mean(axis=0) - background.mean(axis=0)
    )
    return roc.auc(matrix(sample, "TestS") @ direction, matrix(sample, "TestB") @ direction)


def same_events(one, other):
    return all(
        one.trees[tree][name].tobytes() == other.trees[tree][name].tobytes()
        for tree in inputs.TREES
        for name in [*one.variables, "weight"]
    )


@pytest.mark.parametrize("make", [samples.gauss, samples.rings, samples.swissroll])
def test_toy_says_what_it_holds(make):
    sample = make(**SMALL, variables=3, weights="random", seed=5)
    assert sample.name == make.__name__
    assert sample.variables == ["var1", "var2", "var3"]
    assert list(sample.trees) == list(inputs.TREES)
    for events, columns in zip(SMALL.values(), sample.trees.values(), strict=True):
        assert list(columns) == ["var1", "var2", "var3", "weight"]
        assert {(column.dtype, column.shape) for column in columns.values()} == {(numpy.dtype("f4"), (events,))}
        assert 0.5 <= columns["weight"].min() < 0.52
        assert 1.48 < columns["weight"].max() <= 1.5
    assert {**SMALL, "variables": 3, "weights": "random"}.items() <= sample.parameters.items()
    assert sample.seed == 5
    assert {tree: len(ratio) for tree, ratio in sample.log_likelihood_ratio.items()} == {"TestS": 400, "TestB": 500}


def test_defaults_are_those_of_the_benchmark():
    for sample, variables in ((samples.gauss(), 4), (samples.rings(), 2), (samples.swissroll(), 3)):
        assert len(sample.variables) == variables
        numbers = {tree: len(columns["weight"]) for tree, columns in sample.trees.items()}
        assert numbers == {"TrainS": 20000, "TrainB": 20000, "TestS": 50000, "TestB": 50000}
        assert all((columns["weight"] == 1).all() for columns in sample.trees.values())


@pytest.mark.parametrize("make", [samples.gauss, samples.rings, samples.swissroll])
def test_seed_makes_the_same_bits(make):
    assert same_events(make(**SMALL, weights="random", seed=3), make(**SMALL, weights="random", seed=3))
    assert not same_events(make(**SMALL, seed=3), make(**SMALL, seed=4))


@pytest.mark.parametrize("make", [samples.gauss, samples.rings, samples.swissroll])
def test_fewer_events_are_the_first_of_more(make):
    few, many = make(**SMALL, weights="random"), make(**{n: 7 * k for n, k in SMALL.items()}, weights="random")
    for tree, columns in few.trees.items():
        for name, values in columns.items():
            assert values.tobytes() == many.trees[tree][name][: len(values)].tobytes()


def test_trees_do_not_share_events():
    sample = samples.gauss(**dict.fromkeys(SMALL, 100))
    assert len({tuple(columns["var1"]) for columns in sample.trees.values()}) == 4


@pytest.mark.parametrize(
    ("make", "bits"),
    [
        (samples.gauss, "0f2e92b3de83e1e61c25a2e04ca786b388799af7ed4d3e018a62821bcf6cfb0a"),
        (samples.rings, "129d5362e6758dbe52b651f74ea923ff7672115055f5694dd615ccc47f8b5ba5"),
    ],
)
def test_bits_are_the_same_on_every_machine(make, bits, tmp_path):
    metadata = inputs.write(make(**SMALL, weights="random", seed=7), tmp_path / "input.root")
    assert metadata["digest"] == bits


@pytest.mark.parametrize(("variables", "correlation"), [(1, -0.7), (2, 0.9), (4, 0.4), (4, -0.3), (6, 0.0)])
def test_gauss_has_the_densities_that_its_ratio_says(variables, correlation):
    sample = samples.gauss(
        variables=variables, correlation=correlation, separation=1.2, test_signal=20000, test_background=20000
    )
    index = numpy.arange(variables)
    mean = 0.6 * (index + 1) / variables
    signal = numpy.where(index[:, None] == index, 1.0, correlation)
    background = (-correlation) ** abs(index[:, None] - index)
    for tree, sign, covariance in (("TestS", 1, signal), ("TestB", -1, background)):
        events = matrix(sample, tree)
        assert events.mean(axis=0) == pytest.approx(sign * mean, abs=0.03)
        assert numpy.atleast_2d(numpy.cov(events.T)) == pytest.approx(covariance, abs=0.05)
        ratio = multivariate_normal(mean, signal).logpdf(events) - multivariate_normal(-mean, background).logpdf(events)
        assert sample.log_likelihood_ratio[tree] == pytest.approx(ratio, abs=1e-9)


@pytest.mark.parametrize(
    "sample",
    [samples.gauss(), samples.rings(), samples.rings(variables=5, separation=1.0), samples.swissroll(separation=1.0)],
    ids=["gauss", "rings", "shells", "swissroll"],
)
def test_ratio_is_that_of_the_events(sample):
    """In every bin of the ratio, so many times more signal than background events as the ratio says."""
    signal, background = sample.log_likelihood_ratio["TestS"], sample.log_likelihood_ratio["TestB"]
    edges = numpy.linspace(-2.0, 2.0, 21)
    above, below = numpy.histogram(signal, edges)[0], numpy.histogram(background, edges)[0]
    # The mean of the ratio over a bin's background events is what the two contents must differ by.
    expected = numpy.histogram(background, edges, weights=numpy.exp(background))[0]
    held = below > 0  # the ratio of swissroll ends at 4
    assert not above[~held].any()
    pull = (above - expected)[held] / numpy.sqrt(above + expected**2 / numpy.maximum(below, 1))[held]
    assert (pull**2).sum() < 45.0  # chi-squared of 20 bins, 0.1 %


def test_gauss_overlaps_and_needs_more_than_a_plane():
    sample = samples.gauss()
    assert 0.8 < best_area(sample) < 0.95
    assert linear_area(sample) < best_area(sample) - 0.05
    assert best_area(samples.gauss(weights="random")) == pytest.approx(best_area(sample), abs=0.005)


def test_gauss_without_difference_cannot_be_separated():
    assert best_area(samples.gauss(correlation=0.0, separation=0.0)) == pytest.approx(0.5, abs=1e-9)


@pytest.mark.parametrize("variables", [2, 5])
def test_rings_cannot_be_separated_by_a_plane(variables):
    sample = samples.rings(variables=variables)
    assert linear_area(sample) == pytest.approx(0.5, abs=0.02)
    assert best_area(sample) == pytest.approx(0.898, abs=0.005)


@pytest.mark.parametrize(("separation", "area"), [(0.0, 0.5), (1.0, 20 / 27), (2.0, 27 / 32)])
def test_swissroll_has_the_area_of_its_sheet(separation, area):
    """-log(uv) is a gamma variable of shape 2 in both classes, 1 + separation times as wide in background."""
    sample = samples.swissroll(separation=separation)
    assert best_area(sample) == pytest.approx(area, abs=0.005)
    if separation:
        assert linear_area(sample) < area - 0.01


@pytest.mark.parametrize("variables", [3, 10])
def test_swissroll_lies_on_a_sheet(variables):
    events = matrix(samples.swissroll(variables=variables, test_background=2000), "TestB")
    radius = numpy.hypot(events[:, 0], events[:, 2])
    assert (radius > 0.5 - 1e-6).all()
    assert (radius < 1.5 + 1e-6).all()
    angle = numpy.arctan2(events[:, 2], events[:, 0])
    assert numpy.cos(angle - 3 * numpy.pi * radius) == pytest.approx(1.0, abs=1e-9)
    a, b = 2 * radius - 2, events[:, 1]
    p2, p3 = numpy.polynomial.legendre.Legendre.basis(2), numpy.polynomial.legendre.Legendre.basis(3)
    curved = numpy.stack([a * b, p2(a), p2(b), p2(a) * b, a * p2(b), p3(a), p3(b)], axis=1)
    assert events[:, 3:] == pytest.approx(curved[:, : variables - 3], abs=1e-5)
    # No variable is a linear function of the others: neither is the covariance singular.
    eigenvalues = numpy.linalg.eigvalsh(numpy.corrcoef(events.T))
    assert eigenvalues[0] > 0.1


@pytest.mark.parametrize(
    ("make", "parameter", "value", "message"),
    [
        (samples.gauss, "variables", 0, "variables = 0: .*at least 1"),
        (samples.gauss, "variables", 2.5, "variables = 2.5: .*whole number"),
        (samples.gauss, "correlation", 1.0, "correlation = 1: .*below 1"),
        (samples.gauss, "correlation", -1 / 3, "correlation = -0.333333: .*above -0.333333"),
        (samples.gauss, "correlation", numpy.nan, "correlation = nan"),
        (samples.gauss, "separation", -1.0, "separation = -1: .*at least 0"),
        (samples.gauss, "weights", "randon", "unknown weights 'randon'; did you mean 'random'"),
        (samples.gauss, "train_signal", 0, "train_signal = 0: .*at least 1"),
        (samples.gauss, "seed", -1, "seed = -1: .*at least 0"),
        (samples.rings, "variables", 1, "variables = 1: .*at least 2"),
        (samples.rings, "separation", numpy.inf, "separation = inf: .*finite"),
        (samples.rings, "test_background", True, "test_background = True"),
        (samples.swissroll, "variables", 2, "variables = 2: .*at least 3"),
        (samples.swissroll, "variables", 11, "variables = 11: .*at most 10"),
    ],
)
def test_impossible_parameters_are_refused(make, parameter, value, message):
    with pytest.raises(UserError, match=message):
        make(**{**SMALL, parameter: value})


@pytest.fixture(scope="module")
def own_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("own") / "events: mine.root"
    number = numpy.arange(100.0)
    bad = number.copy()
    bad[17] = numpy.nan
    branches = {"jet_b-tag": number, "n": number.astype("i4"), "w": number / 100, "bad": bad, "huge": bad * 0 + 1e300}
    branches["matrix"] = numpy.zeros((100, 2))
    with path.open("w+b") as raw, uproot.recreate(raw) as file:
        for tree, sign in (("sig", 1), ("bkg", -1)):
            signed = {name: sign * values for name, values in branches.items()}
            signed["w"] = branches["w"]
            file.mktree(tree, {name: (v.dtype, v.shape[1:]) for name, v in signed.items()}).extend(signed)
        file.mktree("jagged", {"x": "var * float64"}).extend({"x": [[1.0], [2.0, 3.0]]})
        file["columns"] = {"jet_b-tag": number, "text": ["a"] * 100}
        file["note"] = "no tree"
    return path


def from_own(path, **changes):
    settings = {"signal": f"{path}:sig", "background": f"{path}:bkg", "variables": ["jet_b-tag", "n"]}
    return samples.own(**{**settings, **changes})


def test_own_trees_are_split_in_halves_that_share_no_event(own_file):
    sample = from_own(own_file, weight="w")
    assert sample.name == "own"
    assert sample.variables == ["jet_b_tag", "n"]
    assert sample.original_names == {"jet_b_tag": "jet_b-tag", "n": "n"}
    assert sample.log_likelihood_ratio is None
    for letter, sign in (("S", 1), ("B", -1)):
        train, test = sample.trees[f"Train{letter}"], sample.trees[f"Test{letter}"]
        assert len(train["n"]) == len(test["n"]) == 50
        assert sorted(numpy.concatenate([train["n"], test["n"]]) * sign) == list(range(100))
        assert sorted(train["n"] * sign) != list(range(50))
        for columns in (train, test):
            assert {values.dtype for values in columns.values()} == {numpy.dtype("f4")}
            assert (columns["jet_b_tag"] == columns["n"]).all()
            assert columns["weight"] == pytest.approx(abs(columns["n"]) / 100)


def test_own_trees_are_shuffled_by_the_seed(own_file):
    assert same_events(from_own(own_file, seed=2), from_own(own_file, seed=2))
    assert not same_events(from_own(own_file, seed=2), from_own(own_file, seed=3))


def test_own_numbers_of_events(own_file):
    numbers = {"train_signal": 10, "test_signal": 20, "train_background": 90}
    sample = from_own(own_file, **numbers)
    assert {tree: len(c["weight"]) for tree, c in sample.trees.items()} == {
        "TrainS": 10,
        "TrainB": 90,
        "TestS": 20,
        "TestB": 10,
    }
    assert {**numbers, "test_background": 10}.items() <= sample.parameters.items()
    assert (sample.trees["TrainS"]["weight"] == 1).all()
    assert len(from_own(own_file, test_signal=30).trees["TrainS"]["weight"]) == 70
    with pytest.raises(UserError, match="train_signal = 60 and test_signal = 50: .*:sig holds 100 events"):
        from_own(own_file, train_signal=60, test_signal=50)
    with pytest.raises(UserError, match="train_background = 100 and test_background = 0"):
        from_own(own_file, train_background=100)


def test_own_rntuple(own_file):
    sample = from_own(own_file, signal=f"{own_file}:columns", variables=["jet_b-tag"])
    assert sample.trees["TrainS"]["jet_b_tag"].min() >= 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"signal": "nowhere.root:sig"}, "nowhere.root: no such file"),
        ({"signal": "sig"}, "signal = sig: .*FILE:TREE"),
        ({"signal": "{path}:sgi"}, "unknown tree in .*mine.root 'sgi'; did you mean 'sig'"),
        ({"background": "{path}:note"}, "background = .*note is a TObjString"),
        ({"variables": []}, "variables: none"),
        ({"variables": ["jet_btag"]}, "unknown branch in .*:sig 'jet_btag'; did you mean 'jet_b-tag'"),
        ({"weight": "weights"}, "unknown branch in .*:sig 'weights'"),
        ({"variables": ["n", "n"]}, "two variables would be called 'n'"),
        ({"signal": "{path}:jagged", "variables": ["x"]}, "mine.root:jagged, branch 'x': not one number an event"),
        ({"variables": ["matrix"]}, "mine.root:sig, branch 'matrix': not one number an event"),
        ({"signal": "{path}:columns", "variables": ["text"]}, ":columns, branch 'text': not one number an event"),
        ({"variables": ["bad"]}, "mine.root:sig, branch 'bad': NaN or infinite at entry 17"),
        ({"variables": ["huge"]}, "mine.root:sig, branch 'huge': NaN or infinite at entry"),
        ({"weight": "bad"}, "mine.root:sig, branch 'bad': NaN or infinite at entry 17"),
        ({"seed": -1}, "seed = -1"),
    ],
)
def test_own_trees_that_cannot_be_used_are_refused(own_file, changes, message):
    changes = {key: value.format(path=own_file) if isinstance(value, str) else value for key, value in changes.items()}
    with pytest.raises(UserError, match=message) as error:
        from_own(own_file, **changes)
    assert "\n" not in str(error.value)


@needs_root
def test_higgs_events_are_roots_own():
    sample = samples.higgs(seed=4)
    assert sample.name == "higgs"
    assert sample.log_likelihood_ratio is None
    assert len(sample.variables) == 28
    assert "Type" not in sample.variables
    assert sample.original_names["jet1_b_tag"] == "jet1_b-tag"
    assert {tree: len(columns["weight"]) for tree, columns in sample.trees.items()} == dict.fromkeys(inputs.TREES, 5000)
    script = "import ROOT; print(ROOT.gROOT.GetTutorialDir())"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    with uproot.open(f"{answer.stdout.split()[-1]}/machine_learning/data/Higgs_data.root") as file:
        for letter, tree in (("S", "sig_tree"), ("B", "bkg_tree")):
            mass = numpy.sort(file[tree]["m_bb"].array(library="np"))
            ours = [sample.trees[f"{half}{letter}"]["m_bb"] for half in ("Train", "Test")]
            assert (numpy.sort(numpy.concatenate(ours)) == mass).all()
    assert same_events(sample, samples.higgs(seed=4))


@needs_root
def test_more_higgs_events_than_there_are_are_refused():
    with pytest.raises(UserError, match="train_signal = 8000 and test_signal = 5000: .*holds 10000 events"):
        samples.higgs(train_signal=8000)


def fake_python(folder, answer):
    script = folder / "python"
    script.write_text(f"#!/bin/sh\n{answer}\n")
    script.chmod(0o755)
    return str(script)


def test_higgs_of_an_older_root(tmp_path):
    path = tmp_path / "tutorials" / "tmva" / "data" / "Higgs_data.root"
    path.parent.mkdir(parents=True)
    with uproot.recreate(path) as file:
        for tree in ("sig_tree", "bkg_tree"):
            columns = {"Type": numpy.ones(20, "f4"), "m_bb": numpy.arange(20, dtype="f4")}
            file.mktree(tree, dict.fromkeys(columns, "f4")).extend(columns)
    python = fake_python(tmp_path, f"echo a warning; echo {tmp_path}/tutorials")
    sample = samples.higgs(**dict.fromkeys(SMALL, 10), python=python)
    assert sample.variables == ["m_bb"]
    assert sample.parameters == {"file": "Higgs_data.root", **dict.fromkeys(SMALL, 10)}


def test_higgs_without_root_is_refused_with_a_cure(tmp_path):
    with pytest.raises(UserError, match="cannot import it; give the Python of an environment that has ROOT"):
        samples.higgs(python=fake_python(tmp_path, "exit 1"))
    with pytest.raises(UserError, match="cannot be started.*give the Python"):
        samples.higgs(python=str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match="no machine_learning/data/Higgs_data.root under"):
        samples.higgs(python=fake_python(tmp_path, f"echo {tmp_path}"))
