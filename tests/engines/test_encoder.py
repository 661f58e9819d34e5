"""A stored encoder: what it encodes, decodes and says of its errors; read back to the last bit, or refused."""

import json

import numpy
import pytest
import uproot

from tmva_bench.basis import autoencoder
from tmva_bench.engines import encoder
from tmva_bench.errors import UserError
from tmva_bench.events import inputs, samples

VARIABLES = 4
LINEAR = {"Layout": "LINEAR|k,LINEAR", "TrainingStrategy": "BatchSize=50"}
DEEP = {"Layout": "RELU|7,GAUSS|k,SOFTSIGN|5,SYMMRELU|3,SIGMOID", "TrainingStrategy": "BatchSize=50"}
EVENTS = {"train_signal": 400, "train_background": 300, "test_signal": 500, "test_background": 600}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("encoder") / "input.root"
    inputs.write(samples.gauss(variables=VARIABLES, weights="random", correlation=0.5, **EVENTS), path)
    return inputs.read(path)


def linear(data, k, **changes):
    """An encoder whose network is the principal components."""
    prepared = encoder.prepare(autoencoder.specification(k, LINEAR, **changes), data)
    axes = prepared.axes[:, :k]
    layers = [(axes, -prepared.mean @ axes), (axes.T, prepared.mean)]
    return prepared._replace(layers=[tuple(array.astype(numpy.float32) for array in pair) for pair in layers])


def deep(data, k=2, **changes):
    """An encoder whose network is any."""
    specification = autoencoder.specification(k, DEEP, **changes)
    random = numpy.random.default_rng(3)
    widths = (VARIABLES, *specification.training(VARIABLES).widths)
    layers = [
        (random.normal(size=shape).astype(numpy.float32), random.normal(size=shape[1]).astype(numpy.float32))
        for shape in zip(widths, widths[1:], strict=False)
    ]
    return encoder.prepare(specification, data)._replace(layers=layers)


def every(data, name="events", trees=("TestS", "TestB")):
    return numpy.concatenate([getattr(data, name)[tree] for tree in trees]).astype(float)


@pytest.mark.parametrize("k", [1, 3, VARIABLES])
@pytest.mark.parametrize("chain", ["I", "N", "N,P", "D"])
def test_principal_components_are_a_linear_network(data, k, chain):
    encoding = linear(data, k, transformations=chain)
    back = encoding.reconstruct(every(data))
    assert back.error == pytest.approx(back.pca_error, abs=1e-6)
    assert back.events == pytest.approx(back.pca, abs=1e-5)
    if k == VARIABLES:
        assert back.error == pytest.approx(0, abs=1e-9)
        assert back.events == pytest.approx(every(data), abs=1e-5)


def test_the_parts_of_a_reconstruction(data):
    encoding = deep(data)
    back = encoding.reconstruct(every(data))
    assert (back.encoded == encoding.encode(every(data))).all()
    assert (back.events == encoding.decode(back.encoded)).all()
    assert (back.error == encoding.error(every(data))).all()


def test_the_error_is_what_the_components_leave_out(data):
    """On the events trained on, the mean of the error is the share of the smallest eigenvalues."""
    encoding = linear(data, 2, transformations="I")
    trees = ("TrainS", "TrainB")
    events, weights = every(data, trees=trees), every(data, "weights", trees)
    eigenvalues = numpy.sort(numpy.linalg.eigvalsh(numpy.cov(events.T, aweights=weights, ddof=0)))
    mean = numpy.average(encoding.reconstruct(events).pca_error, weights=weights)
    assert mean == pytest.approx(eigenvalues[:2].sum() / eigenvalues.sum(), rel=1e-6)


def test_the_mean_in_place_of_every_event_has_the_error_1(data):
    encoding = linear(data, 1, transformations="I")
    nothing = encoding._replace(layers=[(kernel * 0, bias) for kernel, bias in encoding.layers])
    trees = ("TrainS", "TrainB")
    weights = every(data, "weights", trees)
    assert numpy.average(nothing.error(every(data, trees=trees)), weights=weights) == pytest.approx(1, rel=1e-6)


def test_error_table(data):
    encoding = deep(data)
    rows = encoder.error_table(encoding, data)
    assert [row["variable"] for row in rows] == [*data.variables, "total"]
    events, weights = every(data), every(data, "weights")
    squares = (events - encoding.decode(encoding.encode(events))) ** 2 / encoding.variances
    assert [row["error"] for row in rows[:-1]] == pytest.approx(numpy.average(squares, axis=0, weights=weights))
    # N stretches each variable, which changes no share of a variance.
    share = encoding.network_variances / encoding.network_variances.sum()
    assert rows[-1]["error"] == pytest.approx((share * [row["error"] for row in rows[:-1]]).sum(), rel=1e-5)
    sums = [weights[:500].sum(), weights[500:].sum()]
    for row in rows:
        both = numpy.average([row["pca_error_signal"], row["pca_error_background"]], weights=sums)
        assert row["pca_error"] == pytest.approx(both)
    text = encoder.written(rows).splitlines()
    assert text[0].split() == ["variable", "error", "PCA", "signal", "PCA", "background", "PCA"]
    assert text[-1].split()[:3] == ["total", f"{rows[-1]['error']:.4f}", f"{rows[-1]['pca_error']:.4f}"]


@pytest.mark.parametrize("make", [linear, deep])
def test_what_is_stored_is_read_back_to_the_last_bit(data, make):
    encoding = make(data, 2, transformations="N,P", event_class="Background")._replace(facts={"epochs": 3})
    back = encoder.loads(encoder.dumps(encoding), "here")
    assert back.specification == encoding.specification
    assert (back.variables, back.facts) == (encoding.variables, encoding.facts)
    events = every(data)
    assert (back.encode(events) == encoding.encode(events)).all()
    assert (back.decode(back.encode(events)) == encoding.decode(encoding.encode(events))).all()
    assert (back.reconstruct(events).pca == encoding.reconstruct(events).pca).all()
    assert (back.low == encoding.low).all()


def changed(encoding, **values):
    return json.dumps({**json.loads(encoder.dumps(encoding)), **values})


@pytest.mark.parametrize(
    "spoil",
    [
        lambda encoding: "no JSON",
        lambda encoding: "[]",
        lambda encoding: "{}",
        lambda encoding: changed(encoding, tmva_bench_encoder=2),
        lambda encoding: changed(encoding, layers=[]),
        lambda encoding: changed(encoding, variables=["one"]),
        lambda encoding: changed(encoding, low=[1, 2]),
        lambda encoding: changed(encoding, mean=[float("nan")] * VARIABLES),
        lambda encoding: changed(encoding, matrix="text"),
        lambda encoding: changed(encoding, specification={"k": 2}),
        lambda encoding: encoder.dumps(encoding).replace("RELU|7", "RELU|8"),
    ],
)
def test_what_is_no_encoder_is_refused(data, spoil):
    with pytest.raises(UserError, match="mine.root: no encoder that tmva-bench wrote") as error:
        encoder.loads(spoil(deep(data)), "mine.root")
    assert "\n" not in str(error.value)


def test_encoded_events_are_an_input_file(data, tmp_path):
    encoding = deep(data)
    path = tmp_path / "encoded.root"
    metadata = encoder.write_encoded(encoding, data, path)
    encoded = inputs.read(path)
    assert encoded.variables == metadata["variables"] == ["latent1", "latent2"]
    for tree, events in data.events.items():
        assert (encoded.events[tree] == encoding.encode(events)).all()
        assert (encoded.weights[tree] == data.weights[tree]).all()
    assert metadata["sample"] == "gauss encoded"
    assert metadata["roc_auc_best_possible"] is None
    said = metadata["encoded"]
    assert (said["from"], said["variables"]) == (data.metadata["digest"], data.variables)
    assert said["roc_auc_best_possible"] == data.metadata["roc_auc_best_possible"]
    assert (said["k"], said["class"], said["options"]["Layout"]) == (2, "AllClasses", DEEP["Layout"])
    assert encoder.dumps(encoder.read(path)) == encoder.dumps(encoding)
    assert encoder.read_errors(path) == encoder.error_table(encoding, data)
    with uproot.open(path) as file:
        for tree, letter in (("TestS", "S"), ("TestB", "B")):
            back = file[f"Reconstruction{letter}"].arrays(library="np")
            events = data.events[tree]
            assert (back["var3_input"] == events[:, 2]).all()
            assert (back["var3_reconstructed"] == encoding.decode(encoding.encode(events))[:, 2]).all()
            assert (back["error"] == encoding.error(events)).all()
            assert (back["pca_error"] == encoding.reconstruct(events).pca_error).all()


def test_decoded_events_have_the_variables_of_before(data, tmp_path):
    encoding = linear(data, VARIABLES)
    encoder.write_encoded(encoding, data, tmp_path / "encoded.root")
    metadata = encoder.write_decoded(tmp_path / "encoded.root", tmp_path / "decoded.root")
    decoded = inputs.read(tmp_path / "decoded.root")
    assert decoded.variables == data.variables
    for tree, events in data.events.items():
        assert decoded.events[tree] == pytest.approx(events, abs=1e-5)
        assert (decoded.weights[tree] == data.weights[tree]).all()
    assert metadata["sample"] == "gauss decoded"
    assert metadata["decoded"]["k"] == VARIABLES
    assert "encoded" not in metadata


def test_other_variables_are_refused(data, tmp_path):
    encoding = deep(data)
    for variables in (["var1", "var3", "var2", "var4"], ["var1", "var2", "var3", "pt"], ["var1"]):
        other = data._replace(variables=variables)
        with pytest.raises(UserError, match="names and order must be the same"):
            encoder.write_encoded(encoding, other, tmp_path / "encoded.root")
    assert not list(tmp_path.iterdir())


def test_files_without_an_encoder_are_refused(data, tmp_path):
    for read in (encoder.read, encoder.read_errors):
        with pytest.raises(UserError, match="give a file of tmva-bench encode"):
            read(data.path)
        with pytest.raises(UserError, match="no such file"):
            read(tmp_path / "nowhere.root")
    with pytest.raises(UserError, match="holds no encoder"):
        encoder.write_decoded(data.path, tmp_path / "decoded.root")


def test_an_encoded_variable_that_tells_nothing_is_refused(data, tmp_path):
    encoding = deep(data)
    dead = encoding._replace(layers=[(kernel * 0, bias) for kernel, bias in encoding.layers])
    with pytest.raises(UserError, match="latent1 is the same for every event: nothing was learnt"):
        encoder.write_encoded(dead, data, tmp_path / "encoded.root")


def test_events_that_nothing_can_be_trained_on_are_refused(data):
    with pytest.raises(UserError, match="k = 5: .*input.root has 4 variables"):
        linear(data, VARIABLES + 1)
    constant = {tree: events.copy() for tree, events in data.events.items()}
    constant["TrainB"][:, 1] = 3
    spoilt = data._replace(events=constant)
    linear(spoilt, 2)
    with pytest.raises(UserError, match="var2 is the same in all training events of Background; leave it out"):
        linear(spoilt, 2, event_class="Background")


def test_events_outside_the_ranges(data):
    encoding = linear(data, 2)
    inside = numpy.stack([encoding.low, (encoding.low + encoding.high) / 2, encoding.high])
    assert encoding.outside(inside) == 0
    assert encoding.outside(inside + [0, 0, 1e-3, 0]) == pytest.approx(1 / 3)


def test_spectators_are_carried_along(data, tmp_path):
    numbers = {tree: {"event": numpy.arange(len(values)) + 2**60} for tree, values in data.events.items()}
    trees = {inputs.SPECTATOR_TREES[tree]: inputs.Tree("spectators", columns) for tree, columns in numbers.items()}
    metadata = {**data.metadata, "spectators": ["event"]}
    inputs.store(data._replace(path=str(tmp_path / "in.root"), metadata=metadata), trees=trees)
    whole = inputs.read(tmp_path / "in.root")
    encoder.write_encoded(linear(data, 2), whole, tmp_path / "encoded.root")
    encoder.write_decoded(tmp_path / "encoded.root", tmp_path / "decoded.root")
    for name in ("encoded", "decoded"):
        carried = inputs.read_spectators(inputs.read(tmp_path / f"{name}.root"))
        for tree, columns in numbers.items():
            assert numpy.array_equal(carried[tree]["event"], columns["event"])
