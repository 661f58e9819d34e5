"""What is written for TMVA::Reader has the structure and the numbers of the weight files that TMVA wrote."""

import xml.etree.ElementTree as ElementTree

import numpy
import pytest
from double import recordings
from points import recorded

from tmva_bench.basis import parsing
from tmva_bench.engines import keras_training, tmva_options, tmva_weight_file, tmva_weights
from tmva_bench.errors import UserError
from tmva_bench.events import inputs

pytest.importorskip("ROOT")

# Recorded runs whose points a common input file and one point express.
CASES = {
    "dnn-seed-preset": recorded("dnn-seed-preset"),
    "dnn-momentum-l2": recorded("dnn-momentum-l2"),
    "dnn-sum-of-squares": recorded("dnn-sum-of-squares"),
    "transform-P": parsing.point({"norm_mode": "none", "layers": 0, "max_epochs": 1, "transformations": "P"}),
    "transform-N-P": parsing.point({"norm_mode": "none", "layers": 0, "max_epochs": 1, "transformations": "N,P"}),
    "transform-D": parsing.point({"norm_mode": "none", "layers": 0, "max_epochs": 1, "transformations": "D"}),
}


@pytest.fixture
def both(request, recorded_input, tmp_path):
    """The recorded weight file of a case and ours of the same network, parsed."""
    name = request.param
    (theirs,) = (recordings.FOLDER / name).rglob("*.weights.xml")
    data = inputs.read(recorded_input("dnn-seed-preset"))
    events = keras_training.training_vector(data, 100, CASES[name].norm_mode)
    network = [(layer.weights.T, layer.biases) for layer in tmva_weights.network(tmva_weights.parse(str(theirs)))]
    ours = tmp_path / "ours.weights.xml"
    signal = events.y[:, 0] == 1
    tmva_weight_file.write(ours, CASES[name], data.variables, events.x, events.w, signal, network, "6.40.00")
    return ElementTree.parse(theirs).getroot(), ElementTree.parse(ours).getroot(), ours


def structure(element, path=""):
    """Every element with the names of its attributes, in order; the free entries are left out."""
    path = f"{path}/{element.tag}"
    if element.tag in ("GeneralInfo", "Options"):
        return [path]
    return [(path, tuple(element.attrib)), *(line for child in element for line in structure(child, path))]


def numbers(root, path):
    return [numpy.array(element.text.split(), float) for element in root.findall(path)]


def agrees(first, second, tolerance):
    return len(first) == len(second) and all(
        abs(one - two).max() < tolerance for one, two in zip(first, second, strict=True)
    )


every_case = pytest.mark.parametrize("both", CASES, indirect=True)


@every_case
def test_structure_and_attributes(both):
    theirs, ours, _ = both
    assert structure(ours) == structure(theirs)
    assert ours.find("Weights").attrib == theirs.find("Weights").attrib
    assert [entry.attrib for entry in ours.iter("Variable")] == [entry.attrib for entry in theirs.iter("Variable")]
    said = {entry.attrib["name"]: entry.text for entry in theirs.iter("Option")}
    for entry in ours.iter("Option"):
        if entry.attrib["name"] not in ("TrainingStrategy", "VarTransform", "Layout"):
            assert entry.text == said[entry.attrib["name"]], entry.attrib["name"]
    release = {info.attrib["name"]: info.attrib["value"] for info in ours.iter("Info")}
    assert release["ROOT Release"] == "6.40/00 [403456]"


@every_case
def test_numbers_of_the_transformations(both):
    theirs, ours, _ = both
    ranges = [
        numpy.array([[float(r.attrib["Min"]), float(r.attrib["Max"])] for r in root.iter("Range")] or [[0, 0]])
        for root in (theirs, ours)
    ]
    assert agrees(*([values] for values in ranges), 1e-5)
    for path in ("Transformations/Transform/Matrix", "Transformations/Transform/Statistics"):
        assert agrees(numbers(theirs, path), numbers(ours, path), 2e-5)
    for their, our in zip(
        numbers(theirs, "Transformations/Transform/Eigenvectors"),
        numbers(ours, "Transformations/Transform/Eigenvectors"),
        strict=True,
    ):
        a, b = their.reshape(4, 4), our.reshape(4, 4)
        assert abs(a - b * numpy.sign((a * b).sum(axis=0))).max() < 1e-5


@every_case
def test_the_network_is_read_back(both):
    theirs, _, path = both
    network = tmva_weights.network(tmva_weights.parse(str(path)))
    (recorded_file,) = [numbers(theirs, "Weights/DenseLayer/Weights")]
    assert agrees([layer.weights.ravel() for layer in network], recorded_file, 1e-12)
    written = [layer.attrib["ActivationFunction"] for layer in ElementTree.parse(path).iter("DenseLayer")]
    assert written == [layer.attrib["ActivationFunction"] for layer in theirs.iter("DenseLayer")]


@pytest.mark.parametrize("both", ["dnn-seed-preset"], indirect=True)
def test_it_does_not_pass_for_a_training_of_tmva(both):
    with pytest.raises(UserError, match="written by tmva_bench for a network of Keras"):
        tmva_options.read(tmva_weights.parse(both[2]))


@pytest.mark.parametrize("chain", ["N", "D", "N,D", "P"])
def test_a_variable_that_one_class_does_not_vary(chain, tmp_path):
    """No score needs a class's own numbers: a training is not lost for them."""
    x = numpy.random.default_rng(1).normal(size=(100, 2)).astype(numpy.float32)
    signal = numpy.arange(100) < 50
    x[signal, 1] = 3
    point, path = parsing.point({"layers": 0, "transformations": chain}), tmp_path / "one.weights.xml"
    network = [(numpy.ones((2, 1)), numpy.zeros(1))]
    tmva_weight_file.write(path, point, ["a", "b"], x, numpy.ones(100), signal, network, "6.40.00")
    assert "nan" not in path.read_text()
