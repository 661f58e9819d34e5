"""A network trained in Keras as a weight file of MethodDL, for ``TMVA::Reader`` (``TMVA.Types.kDL``).

The layout is that of ``MethodBase::WriteStateToXML``, ``MethodDL::AddWeightsXMLTo`` and the ``AttachXMLTo`` of the
transformations, as the recorded weight files have it.
"""

import itertools
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple
from xml.dom import minidom
from xml.etree import ElementTree

import numpy

from tmva_bench.basis import mapping
from tmva_bench.basis.config import Point
from tmva_bench.engines import tmva_weights
from tmva_bench.engines.keras_network import Weights
from tmva_bench.engines.scoring import Dense, Forest, Linear, Scoring, Step, Tables
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
    root = _root(root_version, len(events))
    _add_options(root, _options(point))
    ranges = zip(events.min(axis=0), events.max(axis=0))
    _add_variables(root, list(zip(variables, variables, variables, ranges)))
    _add_transformations(root, point.chain, variables, events, weights, signal)
    _add(root, "MVAPdfs")
    _add_network(root, point, network)
    _save(root, path)


def _save(root: Any, path: Path) -> None:
    path.write_text(minidom.parseString(ElementTree.tostring(root)).toprettyxml(indent="  "))


def _root(root_version: str, events: int) -> Any:
    """The file's root, with what it says of itself."""
    root = ElementTree.Element("MethodSetup", Method=f"DL::{mapping.METHOD_TITLE}")
    major, minor, patch = (int(part) for part in root_version.replace("/", ".").split("."))
    general = _add(root, "GeneralInfo")
    for name, value in {
        "TMVA Release": "4.2.1 [262657]",
        "ROOT Release": f"{major}.{minor:02}/{patch:02} [{major << 16 | minor << 8 | patch}]",
        "Creator": CREATOR,
        "Training events": str(events),
        "AnalysisType": "Classification",
    }.items():
        _add(general, "Info", name=name, value=value)
    return root


def _add_options(root: Any, values: Dict[str, str]) -> None:
    options = _add(root, "Options")
    for name, value in values.items():
        _add(options, "Option", name=name, modified="Yes").text = value


def _add_variables(root: Any, variables: Sequence[Tuple[str, str, str, Tuple[float, float]]]) -> None:
    """Expressions, labels, names and ranges of the variables, and the classes."""
    listed = _add(root, "Variables", NVar=len(variables))
    for index, (text, label, name, (low, high)) in enumerate(variables):
        named = {"Expression": text, "Label": label, "Title": label, "Unit": "", "Internal": name, "Type": "F"}
        _add(listed, "Variable", VarIndex=index, **named, Min=f"{low:.8e}", Max=f"{high:.8e}")
    _add(root, "Spectators", NSpec=0)
    classes = _add(root, "Classes", NClass=2)
    for index, name in enumerate(tmva_weights.CLASSES):
        _add(classes, "Class", Name=name, Index=index)


def write_scoring(path: Path, scored: Scoring, ranges: Sequence[Tuple[float, float]], root_version: str) -> None:
    """Writes a scoring function of its variables as a weight file of MethodDL.

    What is linear before the network stands as N or P, with the same numbers for every class, and what is linear
    within it as a layer; of a weight file of TMVA the transformations stay as they are.

    Args:
        path: the file.
        scored: the scoring function.
        ranges: smallest and largest value of each variable.
        root_version: version of ROOT, e.g. ``6.40.00``.

    Raises:
        UserError: a transformation U or G that is not of a weight file.
    """
    before = len(list(itertools.takewhile(lambda step: not isinstance(step, (Dense, Forest)), scored.steps)))
    transformations, layers = scored.steps[:before], [_as_layer(scored, step) for step in scored.steps[before:]]
    output = scored.output
    if layers[-1].activation == "sigmoid" and output == "linear":
        layers[-1], output = layers[-1]._replace(activation="linear"), "sigmoid"
    expressions = [variable.text for variable in scored.variables]
    labels = expressions if scored.file is None else [variable.label for variable in scored.file.variables]
    root = _root(root_version, 0)
    names = ["N" if isinstance(step, Linear) and step.scale is not None else "P" for step in transformations]
    layout = ",".join(f"DENSE|{len(layer.biases)}|{layer.activation.upper()}" for layer in layers)
    strategy = "TrainingStrategy=LearningRate=1e-3,BatchSize=1,MaxEpochs=1"
    booked = f"ErrorStrategy=CROSSENTROPY:WeightInitialization=XAVIER:Layout={layout}:{strategy}"
    options = {"VarTransform": ",".join(names) or "None", "Architecture": "CPU", "RandomSeed": "0"}
    options.update((name, value) for name, _, value in (option.partition("=") for option in booked.split(":")))
    _add_options(root, {**_DEFAULTS, "ValidationSize": "20%", **options})
    _add_variables(root, list(zip(expressions, labels, scored.names, ranges)))
    if scored.file is not None and before:
        root.append(scored.file.root.find("Transformations"))
    else:
        _add_linear(root, scored, transformations)
    _add(root, "MVAPdfs")
    first = len(layers[0].kernel)
    weights = _add_weights(root, len(layers), first, 1, "C", "X", 0, {"sigmoid": "S", "linear": "I"}[output], 0.0)
    for layer in layers:
        _add_layer(weights, layer.kernel, layer.biases, layer.activation)
    _save(root, path)


def _as_layer(scored: Scoring, step: Step) -> Dense:
    if isinstance(step, Linear):
        return Dense(step.matrix, -step.offset @ step.matrix, "linear")
    if isinstance(step, Tables):
        raise _no_tables(scored, step)
    if isinstance(step, Forest):
        left = "dataset/weights/*.weights.xml" if scored.file is None else scored.file.path
        raise UserError(
            f"{scored.source}: boosted trees, and weight files are written of networks alone; TMVA::Reader reads the "
            f"one that TMVA left, {left}; or export as header, onnx or rdataframe"
        )
    return step


def _no_tables(scored: Scoring, step: Tables) -> UserError:
    letter = "G" if step.normal else "U"
    return UserError(
        f"{scored.source}: transformation {letter} was not prepared by TMVA, whose histograms a weight file holds; "
        "export as header, onnx or rdataframe"
    )


def _add_linear(root: Any, scored: Scoring, steps: Sequence[Step]) -> None:
    transformations = _add(root, "Transformations", NTransformations=len(steps))
    names = [variable.text for variable in scored.variables]
    for step in steps:
        if not isinstance(step, Linear):
            raise _no_tables(scored, step) if isinstance(step, Tables) else TypeError(step)
        scale = step.scale
        transform = _add(transformations, "Transform", Name=_NAMES["P" if scale is None else "N"])
        _add_selection(transform, names)
        if scale is None:
            _add_principal_components(transform, [(step.matrix, -step.offset @ step.matrix)] * 3, step.offset)
        else:
            for index in range(3):
                _add_ranges(transform, index, step.offset - 1 / scale, step.offset + 1 / scale)


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
        _add_selection(transform, variables)
        for index, (matrix, shift) in enumerate(steps):
            if name == "N":
                scale = matrix.diagonal()
                _add_ranges(transform, index, -(1 + shift) / scale, (1 - shift) / scale)
            elif name == "D":
                _add(transform, "Matrix", Rows=len(matrix), Columns=len(matrix)).text = _numbers(matrix)
        if name == "P":
            _add_principal_components(transform, steps, None)


def _of_class(name: str, values: numpy.ndarray, weights: numpy.ndarray, every: Chain) -> Chain:
    """A class's own transformation, which no score needs; that of all events where the class alone has none."""
    try:
        return Chain([name], values, weights)
    except UserError:
        return every


def _add_selection(transform: Any, variables: Sequence[str]) -> None:
    selection = _add(transform, "Selection")
    for side in ("Input", "Output"):
        chosen = _add(selection, side, **{f"N{side}s": len(variables)})
        for variable in variables:
            _add(chosen, side, Type="Variable", Label=variable, Expression=variable)


def _add_ranges(transform: Any, index: int, lows: numpy.ndarray, highs: numpy.ndarray) -> None:
    ranges = _add(_add(transform, "Class", ClassIndex=index), "Ranges")
    for number, (low, high) in enumerate(zip(lows, highs)):
        _add(ranges, "Range", Index=number, Min=f"{low:.16e}", Max=f"{high:.16e}")


def _add_principal_components(transform: Any, steps: List[Any], mean: Optional[numpy.ndarray]) -> None:
    kinds = (*tmva_weights.CLASSES, "Combined")
    for index, (kind, (axes, shift)) in enumerate(zip(kinds, steps)):
        means = _add(transform, "Statistics", Class=kind, ClassIndex=index, NRows=len(axes))
        means.text = _numbers(-shift @ axes.T if mean is None else mean)
    for index, (kind, (axes, _)) in enumerate(zip(kinds, steps)):
        vectors = _add(transform, "Eigenvectors", Class=kind, ClassIndex=index, NRows=len(axes), NCols=len(axes))
        vectors.text = _numbers(axes)


def _add_network(root: Any, point: Point, network: Weights) -> None:
    training = mapping.training(point)
    weights = _add_weights(
        root,
        len(network),
        len(network[0][0]),
        point.batch_size,
        {"cross_entropy": "C", "sum_of_squares": "R"}[point.loss],
        _INITIALIZATIONS[point.initializer],
        {"none": 0, "l1": 1, "l2": 2}[point.regularization],
        "S",
        float(numpy.float32(point.weight_decay)),
    )
    for (kernel, biases), activation in zip(network, training.activations):
        _add_layer(weights, kernel, biases, activation)


def _add_weights(
    root: Any,
    depth: int,
    inputs: int,
    batch_size: int,
    loss: str,
    initialization: str,
    regularization: int,
    output: str,
    decay: float,
) -> Any:
    return _add(
        root,
        "Weights",
        NetDepth=depth,
        InputDepth=1,
        InputHeight=1,
        InputWidth=inputs,
        BatchSize=1,
        BatchDepth=1,
        BatchHeight=batch_size,
        BatchWidth=inputs,
        LossFunction=loss,
        Initialization=initialization,
        Regularization=regularization,
        OutputFunction=output,
        WeightDecay=f"{decay:.16e}",
    )


def _add_layer(weights: Any, kernel: numpy.ndarray, biases: numpy.ndarray, activation: str) -> None:
    code = tmva_weights.ACTIVATIONS.index(activation)
    layer = _add(weights, "DenseLayer", Width=len(biases), ActivationFunction=code)
    _add(layer, "Weights", Rows=kernel.shape[1], Columns=kernel.shape[0]).text = _numbers(kernel.T)
    _add(layer, "Biases", Rows=len(biases), Columns=1).text = _numbers(biases)


def _add(parent: Any, tag: str, /, **attributes: Any) -> Any:
    return ElementTree.SubElement(parent, tag, {key: str(value) for key, value in attributes.items()})


def _numbers(values: numpy.ndarray) -> str:
    return " ".join(f"{value:.16e}" for value in numpy.asarray(values, float).ravel())
