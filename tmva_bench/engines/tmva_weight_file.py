"""A network trained in Keras as a weight file of MethodDL, for ``TMVA::Reader`` (``TMVA.Types.kDL``).

The layout is that of ``MethodBase::WriteStateToXML``, ``MethodDL::AddWeightsXMLTo`` and the ``AttachXMLTo`` of the
transformations, as the recorded weight files have it.
"""

from pathlib import Path
from typing import Any, Dict, List
from xml.dom import minidom
from xml.etree import ElementTree

import numpy

from tmva_bench.basis import mapping
from tmva_bench.basis.config import Point
from tmva_bench.engines import tmva_weights
from tmva_bench.engines.keras_network import Weights
from tmva_bench.errors import UserError
from tmva_bench.events.transforms import Chain, affine

CREATOR = "tmva_bench"
# The transformations that are a matrix and a shift; U and G are tables, which are not written.
WRITTEN = ("N", "D", "P")
_NAMES = {"N": "Normalize", "D": "Decorrelation", "P": "PCA"}
_INITIALIZATIONS = {"gauss": "G", "uniform": "U", "identity": "I", "zero": "Z", "xavier": "X", "xavier_uniform": "F"}
# What MethodDL adds to a booking of ours, with its defaults.
_DEFAULTS = {
    "VerbosityLevel": "Default",
    "CreateMVAPdfs": "False",
    "IgnoreNegWeightsInTraining": "False",
    "InputLayout": "0|0|0",
    "BatchLayout": "0|0|0",
}


def write(
    path: Path,
    point: Point,
    variables: List[str],
    events: numpy.ndarray,
    weights: numpy.ndarray,
    signal: numpy.ndarray,
    network: Weights,
    root_version: str,
) -> None:
    """Writes the weight file.

    Args:
        path: the file.
        point: the benchmark point; its transformations are among :data:`WRITTEN`.
        variables: names of the input variables.
        events: all training events before the transformations, shape (events, variables).
        weights: their weights, shape (events,).
        signal: which of them are signal, bool, shape (events,).
        network: weights (inputs x outputs) and biases of each layer.
        root_version: version of ROOT, e.g. ``6.40.00``.
    """
    root = ElementTree.Element("MethodSetup", Method=f"DL::{mapping.METHOD_TITLE}")
    major, minor, patch = (int(part) for part in root_version.replace("/", ".").split("."))
    general = _add(root, "GeneralInfo")
    for name, value in {
        "TMVA Release": "4.2.1 [262657]",
        "ROOT Release": f"{major}.{minor:02}/{patch:02} [{major << 16 | minor << 8 | patch}]",
        "Creator": CREATOR,
        "Training events": str(len(events)),
        "AnalysisType": "Classification",
    }.items():
        _add(general, "Info", name=name, value=value)
    options = _add(root, "Options")
    for name, value in _options(point).items():
        _add(options, "Option", name=name, modified="Yes").text = value
    listed = _add(root, "Variables", NVar=len(variables))
    for index, (name, values) in enumerate(zip(variables, events.T)):
        named = {"Expression": name, "Label": name, "Title": name, "Unit": "", "Internal": name, "Type": "F"}
        _add(listed, "Variable", VarIndex=index, **named, Min=f"{values.min():.8e}", Max=f"{values.max():.8e}")
    _add(root, "Spectators", NSpec=0)
    classes = _add(root, "Classes", NClass=2)
    for index, name in enumerate(tmva_weights.CLASSES):
        _add(classes, "Class", Name=name, Index=index)
    _add_transformations(root, point.chain, variables, events, weights, signal)
    _add(root, "MVAPdfs")
    _add_network(root, point, network)
    text = minidom.parseString(ElementTree.tostring(root)).toprettyxml(indent="  ")
    path.write_text(text)


def _options(point: Point) -> Dict[str, str]:
    """The options of the same training by MethodDL, by name."""
    options = dict(_DEFAULTS)
    for option in mapping.dl_options(point, "cpu").split(":"):
        name, equals, value = option.partition("=")
        options[name.lstrip("!")] = value if equals else str(not name.startswith("!"))
    return options


def _add_transformations(
    root: Any,
    names: List[str],
    variables: List[str],
    events: numpy.ndarray,
    weights: numpy.ndarray,
    signal: numpy.ndarray,
) -> None:
    """Each transformation with its numbers for signal, background and all events; the last ones are those applied."""
    values = events
    transformations = _add(root, "Transformations", NTransformations=len(names))
    for name in names:
        every = Chain([name], values, weights)
        steps = [
            affine(_of_class(name, values[chosen], weights[chosen], every).steps[0], len(variables))
            for chosen in (signal, ~signal)
        ]
        steps.append(affine(every.steps[0], len(variables)))
        values = every(values)
        transform = _add(transformations, "Transform", Name=_NAMES[name])
        selection = _add(transform, "Selection")
        for side in ("Input", "Output"):
            chosen = _add(selection, side, **{f"N{side}s": len(variables)})
            for variable in variables:
                _add(chosen, side, Type="Variable", Label=variable, Expression=variable)
        for index, (matrix, shift) in enumerate(steps):
            if name == "N":
                ranges = _add(_add(transform, "Class", ClassIndex=index), "Ranges")
                scale = matrix.diagonal()
                for i, (low, high) in enumerate(zip(-(1 + shift) / scale, (1 - shift) / scale)):
                    _add(ranges, "Range", Index=i, Min=f"{low:.16e}", Max=f"{high:.16e}")
            elif name == "D":
                _add(transform, "Matrix", Rows=len(matrix), Columns=len(matrix)).text = _numbers(matrix)
        if name == "P":
            _add_principal_components(transform, steps)


def _of_class(name: str, values: numpy.ndarray, weights: numpy.ndarray, every: Chain) -> Chain:
    """A class's own transformation, which no score needs; that of all events where the class alone has none."""
    try:
        return Chain([name], values, weights)
    except UserError:
        return every


def _add_principal_components(transform: Any, steps: List[Any]) -> None:
    kinds = (*tmva_weights.CLASSES, "Combined")
    for index, (kind, (axes, shift)) in enumerate(zip(kinds, steps)):
        means = _add(transform, "Statistics", Class=kind, ClassIndex=index, NRows=len(axes))
        means.text = _numbers(-shift @ axes.T)
    for index, (kind, (axes, _)) in enumerate(zip(kinds, steps)):
        vectors = _add(transform, "Eigenvectors", Class=kind, ClassIndex=index, NRows=len(axes), NCols=len(axes))
        vectors.text = _numbers(axes)


def _add_network(root: Any, point: Point, network: Weights) -> None:
    training = mapping.training(point)
    decay = numpy.float32(point.weight_decay)
    weights = _add(
        root,
        "Weights",
        NetDepth=len(network),
        InputDepth=1,
        InputHeight=1,
        InputWidth=len(network[0][0]),
        BatchSize=1,
        BatchDepth=1,
        BatchHeight=point.batch_size,
        BatchWidth=len(network[0][0]),
        LossFunction={"cross_entropy": "C", "sum_of_squares": "R"}[point.loss],
        Initialization=_INITIALIZATIONS[point.initializer],
        Regularization={"none": 0, "l1": 1, "l2": 2}[point.regularization],
        OutputFunction="S",
        WeightDecay=f"{decay:.16e}",
    )
    for (kernel, biases), activation in zip(network, training.activations):
        code = tmva_weights.ACTIVATIONS.index(activation)
        layer = _add(weights, "DenseLayer", Width=len(biases), ActivationFunction=code)
        _add(layer, "Weights", Rows=kernel.shape[1], Columns=kernel.shape[0]).text = _numbers(kernel.T)
        _add(layer, "Biases", Rows=len(biases), Columns=1).text = _numbers(biases)


def _add(parent: Any, tag: str, /, **attributes: Any) -> Any:
    return ElementTree.SubElement(parent, tag, {key: str(value) for key, value in attributes.items()})


def _numbers(values: numpy.ndarray) -> str:
    return " ".join(f"{value:.16e}" for value in numpy.asarray(values, float).ravel())
