"""The weight files of TMVA's networks and boosted trees: read and evaluated.

They are MethodDL's (``kDL``), those of the older MethodDNN (``kDNN``), MethodMLP's, and MethodBDT's (``kBDT``).

Pure functions without ROOT. The layout is that of ``MethodBase::WriteStateToXML``, of ``AddWeightsXMLTo`` of these
classes (MethodANNBase's for MethodMLP), and of ``AttachXMLTo`` of the transformations. What is evaluated are the
numbers in the file, as by ``TMVA::Reader``; where they contradict each other, the file is refused. ``TMVA::Reader``
computes MethodMLP's tanh and sigmoid by approximations that are right to 1e-4; here they are exact.
"""

import codecs
import re
import xml.etree.ElementTree
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Tuple, Union

import numpy

from tmva_bench.engines.trees import Ensemble, Tree
from tmva_bench.errors import UserError
from tmva_bench.events import transforms

# TMVA's EActivationFunction by number, in the project's names; the last is a fast tanh.
ACTIVATIONS = ("linear", "relu", "sigmoid", "tanh", "symmrelu", "softsign", "gauss", "tanh")
CLASSES = ("Signal", "Background")
# EInitialization, by the letter that MethodDL writes.
INITIALIZATIONS = {"G": "gauss", "U": "uniform", "I": "identity", "Z": "zero", "X": "xavier", "F": "xavier_uniform"}
# The names that CreateVariableTransforms takes for each transformation, and those in a weight file.
TRANSFORMATIONS = {
    "I": ("Ident", "Identity"),
    "D": ("Deco", "Decorrelate", "Decorrelation"),
    "P": ("PCA",),
    "U": ("Uniform",),
    "G": ("Gauss",),
    "N": ("Norm", "Normalise", "Normalize"),
}
DEEP = ("DL", "DNN")
# All whose network is read here.
NETWORKS = (*DEEP, "MLP")
# MethodANNBase's neurons, in the project's names; of "radial" there is none.
_NEURONS = {"sigmoid": "sigmoid", "tanh": "tanh", "linear": "linear", "ReLU": "relu"}

_LETTERS = {name: letter for letter, names in TRANSFORMATIONS.items() for name in (letter, *names)}
_LARGEST = 2**29  # bytes
# MethodDNN of ROOT 6.08 wrote an activation as the character of that number, which no XML may hold.
_RAW_ACTIVATION = re.compile('ActivationFunction="([\x00-\x08]?)"')
_DECLARED = re.compile(rb"""<\?xml[^>]{0,100}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
# What a file begins with that is in none of the encodings that hold ASCII as it is.
_WIDE = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    ("<?".encode("utf-16-le"), "utf-16-le"),
    ("<?".encode("utf-16-be"), "utf-16-be"),
)


class Variable(NamedTuple):
    """An input variable by the names that it has in a weight file.

    Attributes:
        expression: the formula that was booked.
        label: its label, by default the formula.
        title: its title.
        internal: the label as a C identifier, the name of the branch in TMVA's trees.
    """

    expression: str
    label: str
    title: str
    internal: str


class Layer(NamedTuple):
    """One dense layer.

    Attributes:
        activation: one of :data:`tmva_bench.basis.config.ACTIVATIONS`.
        weights: shape (outputs, inputs).
        biases: shape (outputs,).
    """

    activation: str
    weights: numpy.ndarray
    biases: numpy.ndarray


class OfSome:
    """A transformation of some of the variables; the others stay as they are.

    Attributes:
        chosen: indices of those that it takes.
        step: what it does with them.
    """

    def __init__(self, chosen: List[int], step: transforms.Transformation) -> None:
        self.chosen, self.step = chosen, step

    def __call__(self, values: numpy.ndarray) -> numpy.ndarray:
        """The transformed events, float64."""
        changed = values.astype(float)
        changed[:, self.chosen] = self.step(values[:, self.chosen])
        return changed


class Header(NamedTuple):
    """Which method a weight file is of."""

    method: str
    title: str


class WeightFile(NamedTuple):
    """What a weight file says.

    Attributes:
        path: the file.
        method: ``DL``, ``DNN``, ``BDT``, ...
        title: the method's title.
        info: general information, e.g. ``Creator``, ``Host``, by name.
        options: the booking, by name.
        variables: the input variables.
        root: the parsed file.
    """

    path: str
    method: str
    title: str
    info: Dict[str, str]
    options: Dict[str, str]
    variables: List[Variable]
    root: Any


def header(path: Union[str, Path]) -> Header:
    """Method and title in the first lines of a weight file, which may be of any method and long.

    Raises:
        UserError: no weight file of TMVA.
    """
    try:
        with Path(path).open("rb") as file:
            start = _text(path, file.read(4096), whole=False)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); check the file") from None
    match = re.search(r'<MethodSetup\s+Method="([^":]*)::([^"]*)"', start)
    if not match:
        raise UserError(f"{path}: no weight file of TMVA (no <MethodSetup Method=...> in its first lines)")
    return Header(match.group(1), _unescaped(match.group(2)))


def parse(path: Union[str, Path]) -> WeightFile:
    """Reads a weight file of any method.

    Raises:
        UserError: no weight file of TMVA, or a damaged one.
    """
    root = _xml(path)
    method, colons, title = root.attrib.get("Method", "").partition("::")
    if root.tag != "MethodSetup" or not colons:
        raise UserError(f"{path}: no weight file of TMVA (it begins with <{root.tag[:40]}>)")
    try:
        variables = [
            Variable(*(entry.attrib.get(name, "") for name in ("Expression", "Label", "Title", "Internal")))
            for entry in root.findall("Variables/Variable")
        ]
        return WeightFile(
            str(path),
            method,
            title,
            {entry.attrib["name"]: entry.attrib["value"] for entry in root.findall("GeneralInfo/Info")},
            {entry.attrib["name"]: (entry.text or "").strip() for entry in root.findall("Options/Option")},
            variables,
            root,
        )
    except KeyError as error:
        raise UserError(f"{path}: a damaged weight file (an entry without {error}); take another copy") from None


def network(file: WeightFile) -> List[Layer]:
    """The dense layers of a network.

    Raises:
        UserError: a network with other layers, or numbers that contradict each other.
    """
    weights = _child(file, file.root, "Weights")
    if file.method == "MLP":
        return _perceptron(file, weights)
    tag = "Layer" if file.method == "DNN" else "DenseLayer"
    depth = "Depth" if file.method == "DNN" else "NetDepth"
    others = sorted({str(layer.tag) for layer in weights if layer.tag != tag})
    if others:
        raise UserError(f"{file.path}: the network has a {others[0][:40]}; only dense layers can be evaluated here")
    layers = [_layer(file, element) for element in weights]
    if not layers:
        raise _contradiction(file, "no layer")
    for name, number in ((depth, len(layers)), ("InputWidth", layers[0].weights.shape[1])):
        if _whole(file, weights, name) != number:
            raise _contradiction(file, f"{name} = {weights.attrib[name]}, and the layers make it {number}")
    for first, second in zip(layers, layers[1:]):
        if len(first.biases) != second.weights.shape[1]:
            raise _contradiction(file, f"{second.weights.shape[1]} inputs after {len(first.biases)} units")
    return layers


def classifier(file: WeightFile) -> List[Layer]:
    """The dense layers of a deep network that tells signal from background: its one output makes the score.

    Raises:
        UserError: a regression, a network of several classes or of other layers, or a damaged file.
    """
    layers = network(file)
    kind, outputs = file.info.get("AnalysisType", "Classification"), len(layers[-1].biases)
    if kind != "Classification" or outputs != 1:
        what = {"Regression": "a regression", "Multiclass": "a network of several classes"}.get(kind, "a network")
        raise UserError(
            f"{file.path}: {what} of {outputs} output{'' if outputs == 1 else 's'}, and a score is the one output of a "
            "classification; give the weight file of a classification of signal and background"
        )
    if layers[0].weights.shape[1] != len(file.variables):
        raise _contradiction(file, f"{layers[0].weights.shape[1]} inputs for {len(file.variables)} variables")
    return layers


def output_function(file: WeightFile) -> str:
    """``sigmoid`` or ``linear``, which the method applies to the network's output.

    Raises:
        UserError: another one.
    """
    if file.method == "MLP":
        return "sigmoid" if file.options.get("EstimatorType") == "CE" else "linear"
    letter = _child(file, file.root, "Weights").attrib.get("OutputFunction", "")
    if letter not in ("S", "I"):
        raise UserError(f"{file.path}: OutputFunction = {letter[:20]!r}; only S (sigmoid) and I (none) are known here")
    return {"S": "sigmoid", "I": "linear"}[letter]


def chain(text: str) -> List[str]:
    """The letters of a chain of transformations as ``CreateVariableTransforms`` reads it, without ``I``.

    Long names are read, and ``_AllClasses`` is none; the suffix of one class stays (``N_Signal``), and so does a
    selection of variables (``N(a,b)``).

    Args:
        text: the option ``VarTransform``.

    Raises:
        UserError: a name that TMVA does not know.
    """
    names: List[str] = []
    if text in ("", "None"):
        return names
    for part in re.split(r"[,+](?![^()]*\))", text):
        name, bracket, selection = part.strip().partition("(")
        name, _, suffix = name.partition("_")
        if name not in _LETTERS:
            raise UserError(f"VarTransform = {text[:80]}: TMVA has no transformation {name[:40]!r}")
        if _LETTERS[name] != "I":
            suffix = "" if suffix in ("", "AllClasses") else f"_{suffix}"
            names.append(f"{_LETTERS[name]}{suffix}{bracket}{selection}")
    return names


def transformations(file: WeightFile) -> List[Tuple[str, transforms.Transformation]]:
    """The transformations that stand in a weight file, each with its numbers of all classes, as applied in testing.

    Returns:
        For each its letter and the function that applies it to events of shape (events, variables).

    Raises:
        UserError: an unknown one, or numbers that do not fit.
    """
    parent = file.root.find("Transformations")
    elements = [] if parent is None else list(parent)
    if parent is not None and _whole(file, parent, "NTransformations") != len(elements):
        raise _contradiction(file, f"NTransformations = {parent.attrib['NTransformations']}, and {len(elements)} there")
    functions = []
    for element in elements:
        name = element.attrib.get("Name", "")
        letter = _LETTERS.get(name, "")
        if name == "Gauss" and element.attrib.get("FlatOrGauss") == "Flat":
            letter = "U"
        if not letter:
            raise UserError(f"{file.path}: a transformation {name[:40]!r}, which is not known here")
        if letter != "I":
            chosen = _selection(file, element)
            step = _READERS[letter](file, element, len(chosen))
            functions.append((letter, _on(chosen, len(file.variables), step)))
    return functions


def principal_axes(file: WeightFile) -> List[numpy.ndarray]:
    """The eigenvectors, as columns, of each transformation ``P``, of the class that it was booked for.

    Raises:
        UserError: numbers that do not fit.
    """
    booked = [name for name in chain(file.options.get("VarTransform", "")) if name[0] == "P"]
    axes = []
    for name, transform in zip(booked, file.root.findall("Transformations/Transform[@Name='PCA']")):
        wanted = name.partition("_")[2] or "Combined"
        for vectors in transform.findall("Eigenvectors"):
            if vectors.attrib.get("Class") == wanted:
                axes.append(_matrix(file, vectors, "NRows", "NCols"))
    return axes


def training_time(path: Union[str, Path]) -> float:
    """Real time of the training alone [s], as in the log's ``Elapsed time for training``; NaN where not stored.

    Args:
        path: weight file of any method.
    """
    for info in _xml(path).findall("GeneralInfo/Info"):
        if info.attrib.get("name") == "TrainingTime":
            return float(info.attrib["value"])
    return float("nan")


def leaves(path: Union[str, Path]) -> int:
    """Number of leaves of all trees of a BDT.

    Args:
        path: weight file of MethodBDT.
    """
    return sum(node.find("Node") is None for node in _xml(path).iterfind("Weights//Node"))


def forest(file: WeightFile) -> Ensemble:
    """The trees of a BDT with gradient boosting; ``MethodBDT::GetGradBoostMVA`` is the tanh of their sum.

    Cuts and values are in single precision, and an event on a cut goes to the right
    (``DecisionTreeNode::GoesRight`` of TMVA 4.2, ROOT 6).

    Args:
        file: its trees take transformed variables, as float32.

    Raises:
        UserError: no BDT, one that is boosted, cut or used otherwise, or a damaged file.
    """
    options = {name: file.options.get(name, "") for name in ("BoostType", "DoPreselection")}
    kind = file.info.get("AnalysisType", "Classification")
    if file.method != "BDT" or options["BoostType"] != "Grad":
        what = f"a {file.method[:40]}" + f" with BoostType = {options['BoostType'][:40]}" * (file.method == "BDT")
        raise UserError(f"{file.path}: {what}; give the weight file of a BDT with BoostType=Grad")
    if kind != "Classification" or options["DoPreselection"] == "True":
        what = "DoPreselection" if kind == "Classification" else f"AnalysisType {kind[:40]}"
        raise UserError(f"{file.path}: a BDT with {what}; give one of a classification without preselection")
    weights = _child(file, file.root, "Weights")
    trees = [_tree(file, _child(file, tree, "Node")) for tree in weights]
    if _whole(file, weights, "NTrees") != len(trees) or not trees:
        raise _contradiction(file, f"NTrees = {weights.attrib['NTrees']}, and {len(trees)} trees")
    return Ensemble(0.0, trees)


def parameters(layers: List[Layer]) -> int:
    """Number of weights and biases."""
    return sum(layer.weights.size + layer.biases.size for layer in layers)


def _xml(path: Union[str, Path]) -> Any:
    """The root element of a file that declares no entities."""
    path = Path(path)
    try:
        if not path.is_file():
            raise UserError(f"{path}: no such file; correct the path")
        if path.stat().st_size > _LARGEST:
            raise UserError(f"{path}: larger than {_LARGEST >> 20} MiB, the limit here; no deep network needs so much")
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); check the file") from None
    text = _text(path, content)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise UserError(f"{path}: no weight file of TMVA (it declares a document type, as TMVA's never do)")
    if 'Method="DNN::' in text[:4096]:
        text = _RAW_ACTIVATION.sub(lambda raw: f'ActivationFunction="{ord(raw.group(1) or chr(0))}"', text)
    try:
        return xml.etree.ElementTree.fromstring(text)
    except (xml.etree.ElementTree.ParseError, ValueError) as error:
        raise UserError(f"{path}: no weight file of TMVA ({error}); take another copy") from None


def _text(path: Union[str, Path], content: bytes, *, whole: bool = True) -> str:
    """The text of a file, or of its start, in the encoding that it declares.

    TMVA declares none and writes the bytes of names as it was given them: what is not UTF-8 is then read as Latin-1,
    which has a character for every byte.

    Raises:
        UserError: it declares an encoding that is not known here, or is not in it.
    """
    declared = _DECLARED.match(content)
    name = next((wide for start, wide in _WIDE if content.startswith(start)), declared and declared.group(1).decode())
    try:
        "x".encode(name or "utf-8")  # LookupError, too, by a codec of something else than text
        return codecs.getincrementaldecoder(name or "utf-8")().decode(content, whole)
    except LookupError:
        raise UserError(f"{path}: declares the encoding {name}, which is not known here; save it as UTF-8") from None
    except UnicodeError as error:
        if name:
            raise UserError(
                f"{path}: declared as {name}, which it is not ({error}); write the true encoding in its first line, "
                'as <?xml version="1.0" encoding="ISO-8859-1"?>'
            ) from None
        return content.decode("latin-1")


def _layer(file: WeightFile, element: Any) -> Layer:
    names = ("rows", "cols") if file.method == "DNN" else ("Rows", "Columns")
    weights, biases = (_matrix(file, _child(file, element, name), *names) for name in ("Weights", "Biases"))
    number = _whole(file, element, "ActivationFunction")
    if number >= len(ACTIVATIONS):
        raise _contradiction(file, f"ActivationFunction = {number}, which TMVA does not have")
    if biases.shape != (len(weights), 1):
        raise _contradiction(file, f"biases of shape {biases.shape} for {len(weights)} units")
    if file.method != "DNN" and _whole(file, element, "Width") != len(weights):
        raise _contradiction(file, f"Width = {element.attrib['Width']}, and {len(weights)} rows of weights")
    return Layer(ACTIVATIONS[number], weights, biases.ravel())


def _tree(file: WeightFile, root: Any) -> Tree:
    """The nodes below one, each after the one that leads to it."""
    nodes, rows = [root], []
    for node in nodes:  # which grows
        if node.attrib.get("nType") != "0":
            rows.append((-1, 0.0, 0, 0, _single(file, node, "res")))
            continue
        children = {child.attrib.get("pos"): child for child in node.findall("Node")}
        variable = _whole(file, node, "IVar")
        if set(children) != {"l", "r"} or variable >= len(file.variables):
            raise _contradiction(file, "a node of a tree without two others below, or of no variable")
        if node.attrib.get("NCoef", "0") != "0":
            raise UserError(f"{file.path}: a BDT with UseFisherCuts; give one without")
        # Left of it are the values below the cut: those up to the number before.
        below = float(numpy.nextafter(numpy.float32(_single(file, node, "Cut")), numpy.float32(-numpy.inf)))
        left, right = len(nodes), len(nodes) + 1
        if _whole(file, node, "cType") == 0:
            left, right = right, left
        nodes += [children["l"], children["r"]]
        rows.append((variable, below, left, right, 0.0))
    return Tree(*(numpy.array(column) for column in zip(*rows)))


def _single(file: WeightFile, element: Any, name: str) -> float:
    """An attribute as a ``Float_t`` holds it."""
    value = _number(file, element.attrib.get(name, ""))
    if not abs(value) <= float(numpy.finfo(numpy.float32).max):
        raise _contradiction(file, f"{name} = {value}")
    return float(numpy.float32(value))


def _perceptron(file: WeightFile, weights: Any) -> List[Layer]:
    """The layers of a MethodMLP: each neuron has its weights to those of the next layer, the last one is the bias."""
    kind, summed = file.options.get("NeuronType", ""), file.options.get("NeuronInputType", "sum")
    if kind not in _NEURONS or summed != "sum":
        raise UserError(
            f"{file.path}: neurons of type {kind[:20]!r} that take the {summed[:20]!r} of their inputs; known are "
            f"{', '.join(_NEURONS)} that take the sum"
        )
    layout = weights.find("Layout")
    columns = [_synapses(file, layer) for layer in (weights if layout is None else layout).findall("Layer")]
    if len(columns) < 2:
        raise _contradiction(file, f"{len(columns)} layers")
    layers = []
    for number, (rows, following) in enumerate(zip(columns, columns[1:])):
        last = number == len(columns) - 2
        wanted = len(following) - (0 if last else 1)
        if any(len(row) != wanted for row in rows) or not rows or not wanted:
            raise _contradiction(file, f"weights of layer {number} to {wanted} neurons of the next")
        # As MethodANNBase reads them.
        matrix = numpy.array(rows, numpy.float32).astype(float)
        layers.append(Layer("linear" if last else _NEURONS[kind], matrix[:-1].T, matrix[-1]))
    if len(columns[0]) - 1 != len(file.variables):
        raise _contradiction(file, f"{len(columns[0]) - 1} inputs for {len(file.variables)} variables")
    return layers


def _synapses(file: WeightFile, layer: Any) -> List[numpy.ndarray]:
    """The weights of each neuron of a layer to those of the next; of the last layer's none."""
    rows = [_numbers(file, neuron) for neuron in layer.findall("Neuron")]
    counts = [_whole(file, neuron, "NSynapses") for neuron in layer.findall("Neuron")]
    if _whole(file, layer, "NNeurons") != len(rows) or [len(row) for row in rows] != counts:
        raise _contradiction(file, f"neurons of layer {layer.attrib.get('Index', '')[:9]} and their weights")
    return rows


def _selection(file: WeightFile, element: Any) -> List[int]:
    """Which variables a transformation takes, all of them where it does not say."""
    labels = [variable.label for variable in file.variables]
    inputs = element.findall("Selection/Input/Input")
    chosen = []
    for entry in inputs:
        label = entry.attrib.get("Label", "")
        if entry.attrib.get("Type") != "Variable" or label not in labels:
            raise _contradiction(file, f"a transformation of {label[:40]!r}, which is no input variable")
        chosen.append(labels.index(label))
    outputs = [entry.attrib.get("Label") for entry in element.findall("Selection/Output/Output")]
    if outputs != [entry.attrib.get("Label") for entry in inputs] or len(set(chosen)) != len(chosen):
        raise _contradiction(file, "a transformation whose outputs are not its inputs")
    return chosen or list(range(len(labels)))


def _on(chosen: List[int], variables: int, step: transforms.Transformation) -> transforms.Transformation:
    """A transformation of some of the variables."""
    if chosen == list(range(variables)):
        return step
    return OfSome(chosen, step)


def _normalise(file: WeightFile, element: Any, size: int) -> transforms.Transformation:
    classes = element.findall("Class")
    ranges = classes[-1].findall("Ranges/Range") if classes else []
    if [_whole(file, entry, "Index") for entry in ranges] != list(range(size)):
        raise _contradiction(file, f"{len(ranges)} ranges to normalise {size} variables")
    low, high = (
        numpy.array([_number(file, entry.attrib.get(name, "")) for entry in ranges]) for name in ("Min", "Max")
    )
    return transforms.normalised(low, high)


def _decorrelate(file: WeightFile, element: Any, size: int) -> transforms.Transformation:
    matrices = element.findall("Matrix")
    if not matrices:
        raise _contradiction(file, "a decorrelation without its matrix")
    matrix = _matrix(file, matrices[-1], "Rows", "Columns")
    if matrix.shape != (size, size):
        raise _contradiction(file, f"a matrix of shape {matrix.shape} to decorrelate {size} variables")
    return lambda values: values @ matrix.T


def _principal_components(file: WeightFile, element: Any, size: int) -> transforms.Transformation:
    means, vectors = element.findall("Statistics"), element.findall("Eigenvectors")
    if not means or not vectors:
        raise _contradiction(file, "principal components without their numbers")
    mean = _numbers(file, means[-1])
    axes = _matrix(file, vectors[-1], "NRows", "NCols")
    if mean.shape != (size,) or axes.shape != (size, size):
        raise _contradiction(file, f"axes of shape {axes.shape} for the principal components of {size} variables")
    return lambda values: (values - mean) @ axes


def _uniform(file: WeightFile, element: Any, size: int) -> transforms.Flat:
    tables = []
    for variable in element.findall("Variable"):
        of_classes = [child for child in variable if str(child.tag).startswith("CumulativePDF")]
        histogram = of_classes[-1].find("PDF/Histogram") if of_classes else None
        if histogram is None:
            raise _contradiction(file, "a cumulative distribution without its histogram")
        contents = _numbers(file, histogram)
        edges = _edges(file, histogram, of_classes[-1].find("PDF/HistogramBinning"))
        if len(edges) != len(contents) + 1 or not (numpy.diff(edges) >= 0).all():
            raise _contradiction(file, f"{len(edges)} edges of {len(contents)} bins, or out of order")
        tables.append((edges, contents))
    if len(tables) != size:
        raise _contradiction(file, f"{len(tables)} cumulative distributions for {size} variables")
    return transforms.Flat(tables)


def _edges(file: WeightFile, histogram: Any, binning: Any) -> numpy.ndarray:
    """The edges of a histogram's bins, which are written out only where they differ in width."""
    bins = len(_numbers(file, histogram))
    if _whole(file, histogram, "NBins") != bins:
        raise _contradiction(file, f"NBins = {histogram.attrib['NBins']}, and {bins} contents")
    if binning is not None:
        return _numbers(file, binning)
    low, high = (_number(file, histogram.attrib.get(name, "")) for name in ("XMin", "XMax"))
    return numpy.linspace(low, high, bins + 1)


def _gauss(file: WeightFile, element: Any, size: int) -> transforms.Transformation:
    return transforms.Normal(_uniform(file, element, size))


_READERS: Dict[str, Callable[[WeightFile, Any, int], transforms.Transformation]] = {
    "N": _normalise,
    "D": _decorrelate,
    "P": _principal_components,
    "U": _uniform,
    "G": _gauss,
}


def _child(file: WeightFile, element: Any, tag: str) -> Any:
    child = element.find(tag)
    if child is None:
        raise _contradiction(file, f"no <{tag}> in <{element.tag}>")
    return child


def _numbers(file: WeightFile, element: Any) -> numpy.ndarray:
    try:
        return numpy.array((element.text or "").split(), dtype=float)
    except ValueError as error:
        raise _contradiction(file, f"in <{element.tag}> {str(error)[:80]}") from None


def _number(file: WeightFile, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise _contradiction(file, f"{text[:40]!r} where a number stands") from None


def _matrix(file: WeightFile, element: Any, rows: str, columns: str) -> numpy.ndarray:
    values = _numbers(file, element)
    shape = _whole(file, element, rows), _whole(file, element, columns)
    if values.size != shape[0] * shape[1] or not values.size:
        raise _contradiction(file, f"{values.size} numbers in a matrix of {shape[0]} x {shape[1]}")
    return values.reshape(shape)


def _whole(file: WeightFile, element: Any, name: str) -> int:
    text = element.attrib.get(name, "")
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise _contradiction(file, f"{name} = {text[:40]!r}, which is no whole number")
    return int(text)


def _contradiction(file: WeightFile, what: str) -> UserError:
    return UserError(f"{file.path}: a damaged weight file ({what}); take another copy")


def _unescaped(text: str) -> str:
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&amp;", "&")):
        text = text.replace(entity, character)
    return text
