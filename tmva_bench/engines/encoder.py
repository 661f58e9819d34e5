"""A trained autoencoder as numbers: encodes, decodes, tells its reconstruction error; stored whole and read back.

No learning library is needed. Beside the network stand the principal components of the same training events, the best
that a linear map can do with as many variables. An error is a mean square in units of the variance over the events
trained on: 0 for a perfect reconstruction, 1 for the mean in place of every event.
"""

import json
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Optional, Tuple, Union

import numpy
import tabulate

from tmva_bench.basis import autoencoder
from tmva_bench.basis.autoencoder import Specification
from tmva_bench.errors import UserError
from tmva_bench.events import inputs, output, reading, transforms

VERSION = 1
TOTAL = "total"
# The trees of training events by class.
TRAINING_TREES = {"AllClasses": ("TrainS", "TrainB"), "Signal": ("TrainS",), "Background": ("TrainB",)}
_TEXT = "encoder"
_TREE = "ReconstructionError"
_TEST_TREES = {"TestS": "ReconstructionS", "TestB": "ReconstructionB"}
# What an encoded file says of the file that it was made of.
_KEPT = ("sample", "variables", "original_names", "roc_auc_best_possible")
_CLASSES = {"": ("TestS", "TestB"), "_signal": ("TestS",), "_background": ("TestB",)}


def _sigmoid(x: numpy.ndarray) -> numpy.ndarray:
    from scipy.special import expit

    return numpy.asarray(expit(x))


# What each activation of a layer makes of its sums.
ACTIVATIONS: Dict[str, Callable[[numpy.ndarray], numpy.ndarray]] = {
    "linear": lambda x: x,
    "relu": lambda x: numpy.maximum(x, 0),
    "tanh": numpy.tanh,
    "sigmoid": _sigmoid,
    "softsign": lambda x: x / (1 + abs(x)),
    "symmrelu": abs,
    "gauss": lambda x: numpy.exp(-x * x),
}
Row = Dict[str, Any]


class Encoder(NamedTuple):
    """A trained autoencoder. What stands before the network is a matrix and a shift: network inputs z = x M + s.

    Attributes:
        variables: names of the input variables.
        specification: what was trained.
        matrix: M, shape (variables, variables).
        shift: s, shape (variables,).
        low: smallest value of each variable in the events trained on.
        high: largest value.
        variances: variance of each variable over these events, weighted.
        network_variances: the same of z.
        mean: mean of z over these events, weighted.
        axes: principal components of z as columns, largest variance first.
        layers: weights (inputs x outputs) and biases of each layer, float32.
        facts: how it was trained: digest of the input file, backend, versions, epochs, validation loss, and the times
            of training and encoding [s].
    """

    variables: List[str]
    specification: Specification
    matrix: numpy.ndarray
    shift: numpy.ndarray
    low: numpy.ndarray
    high: numpy.ndarray
    variances: numpy.ndarray
    network_variances: numpy.ndarray
    mean: numpy.ndarray
    axes: numpy.ndarray
    layers: List[Tuple[numpy.ndarray, numpy.ndarray]]
    facts: Dict[str, Any]

    def network_inputs(self, events: numpy.ndarray) -> numpy.ndarray:
        """z of events, float64."""
        z: numpy.ndarray = events.astype(float) @ self.matrix + self.shift
        return z

    def encode(self, events: numpy.ndarray) -> numpy.ndarray:
        """The encoded variables, float32, shape (events, k)."""
        end = self.specification.bottleneck + 1
        return _float32(self._through(slice(0, end), self.network_inputs(events)))

    def decode(self, encoded: numpy.ndarray) -> numpy.ndarray:
        """Events of encoded ones, float32, shape (events, variables)."""
        return _float32(self._events(self._decoded(encoded)))

    def error(self, events: numpy.ndarray) -> numpy.ndarray:
        """The error of each event, float64, shape (events,).

        The square is that of z, of which the network and the principal components make the sum over variables small.
        """
        z = self.network_inputs(events)
        return self._error(z, self._decoded(self.encode(events)))

    def reconstruct(self, events: numpy.ndarray) -> "Reconstruction":
        """What becomes of events, by the autoencoder and by as many principal components."""
        z, encoded = self.network_inputs(events), self.encode(events)
        mine, linear = self._decoded(encoded), self._projected(z)
        return Reconstruction(
            encoded,
            _float32(self._events(mine)),
            _float32(self._events(linear)),
            self._error(z, mine),
            self._error(z, linear),
        )

    def outside(self, events: numpy.ndarray) -> float:
        """Share of events with a variable outside its range in the events trained on."""
        return float(((events < self.low) | (events > self.high)).any(axis=1).mean())

    def _error(self, z: numpy.ndarray, back: numpy.ndarray) -> numpy.ndarray:
        error: numpy.ndarray = ((z - back) ** 2).sum(axis=1) / self.network_variances.sum()
        return error

    def _decoded(self, encoded: numpy.ndarray) -> numpy.ndarray:
        return self._through(slice(self.specification.bottleneck + 1, None), encoded.astype(float))

    def _projected(self, z: numpy.ndarray) -> numpy.ndarray:
        axes = self.axes[:, : self.specification.encoded]
        projected: numpy.ndarray = (z - self.mean) @ axes @ axes.T + self.mean
        return projected

    def _events(self, z: numpy.ndarray) -> numpy.ndarray:
        events: numpy.ndarray = numpy.linalg.solve(self.matrix.T, (z - self.shift).T).T
        return events

    def _through(self, part: slice, values: numpy.ndarray) -> numpy.ndarray:
        activations = self.specification.activations[part]
        for (kernel, bias), activation in zip(self.layers[part], activations):
            values = ACTIVATIONS[activation](values @ kernel.astype(float) + bias)
        return values


class Reconstruction(NamedTuple):
    """Events, encoded and given back.

    Attributes:
        encoded: the encoded variables, float32, shape (events, k).
        events: what the autoencoder gives back, float32, shape (events, variables).
        pca: what principal components give back, likewise.
        error: the autoencoder's error of each event, float64, shape (events,).
        pca_error: that of the principal components.
    """

    encoded: numpy.ndarray
    events: numpy.ndarray
    pca: numpy.ndarray
    error: numpy.ndarray
    pca_error: numpy.ndarray


def prepare(specification: Specification, data: inputs.InputFile, *, chain_of_class: bool = False) -> Encoder:
    """All of an encoder but its layers, from the training events.

    Args:
        specification: what is to be trained.
        data: the common input file.
        chain_of_class: prepare the transformations before it on the events of its class, and not on all.

    Raises:
        UserError: too few events, too few variables, or a variable that is constant in the events of the class.
    """
    whole, every = (_joined(values, TRAINING_TREES["AllClasses"]) for values in (data.events, data.weights))
    events, weights = (
        _joined(values, TRAINING_TREES[specification.event_class]) for values in (data.events, data.weights)
    )
    specification.check(data.path, len(data.variables), len(events))
    variances = _covariance(events, weights)[1].diagonal()
    for name, variance in zip(data.variables, variances):
        if not variance > 0:
            raise UserError(
                f"{data.path}: {name} is the same in all training events of {specification.event_class}; leave it out"
            )
    matrix, shift = numpy.eye(len(data.variables)), numpy.zeros(len(data.variables))
    taken = (events, weights) if chain_of_class else (whole, every)
    for step in transforms.Chain(list(specification.chain), *taken, variables=data.variables).steps:
        next_matrix, next_shift = transforms.affine(step, len(data.variables))
        matrix, shift = matrix @ next_matrix, shift @ next_matrix + next_shift
    mean, covariance = _covariance(events.astype(float) @ matrix + shift, weights)
    return Encoder(
        variables=data.variables,
        specification=specification,
        matrix=matrix,
        shift=shift,
        low=events.min(axis=0),
        high=events.max(axis=0),
        variances=variances,
        network_variances=covariance.diagonal(),
        mean=mean,
        axes=numpy.linalg.eigh(covariance)[1][:, ::-1],
        layers=[],
        facts={"input_digest": data.metadata["digest"]},
    )


def error_table(encoder: Encoder, data: inputs.InputFile) -> List[Row]:
    """The mean errors of the test events: one row a variable, and the total.

    Args:
        encoder: the encoder.
        data: events with its variables.

    Returns:
        Rows with ``variable``, ``error`` and ``pca_error`` of all test events, and of each class
        (``error_signal``, ...). A variable's error is that of its value; the total that of z.
    """
    return _error_table(encoder, data, {tree: encoder.reconstruct(data.events[tree]) for tree in _TEST_TREES})


def written(rows: List[Row]) -> str:
    """The errors as a text table.

    Args:
        rows: see :func:`error_table`.
    """
    names = [name + suffix for suffix in _CLASSES for name in ("error", "pca_error")]
    headings = ["variable", "error", "PCA", "signal", "PCA", "background", "PCA"]
    cells = [[row["variable"], *(f"{row[name]:.4f}" for name in names)] for row in rows]
    text: str = tabulate.tabulate(
        cells, headings, tablefmt="simple", disable_numparse=True, colalign=("left", *["right"] * len(names))
    )
    return text


def write_encoded(
    encoder: Encoder,
    data: inputs.InputFile,
    path: Union[str, Path],
    *,
    sources: Iterable[Union[str, Path]] = (),
    force: bool = False,
) -> Dict[str, Any]:
    """Writes the encoded events as a common input file, with the encoder and its errors.

    The file holds the variables ``latent1``, ..., the event weights as they were, the tree ``ReconstructionError``
    (see :func:`error_table`), the trees ``ReconstructionS`` and ``ReconstructionB`` (variables, their reconstruction
    and the error of each test event), and the encoder.

    Args:
        encoder: the encoder.
        data: events with its variables.
        path: the file to write.
        sources: files beside that of the events which it is made of; none of them is written over.
        force: whether to write over a file that holds something else.

    Returns:
        The metadata that the file holds.

    Raises:
        UserError: variables that are not the encoder's, an encoded variable that tells nothing, or a file that cannot
            be written.
    """
    output.check(path, [data.path, *sources])
    check_variables(encoder, data)
    variables = [f"latent{number + 1}" for number in range(encoder.specification.encoded)]
    back = {tree: encoder.reconstruct(data.events[tree]) for tree in _TEST_TREES}
    events = {tree: back[tree].encoded if tree in back else encoder.encode(data.events[tree]) for tree in inputs.TREES}
    training = _joined(events, ("TrainS", "TrainB"))
    for name, low, high in zip(variables, training.min(axis=0), training.max(axis=0)):
        if not low < high:
            raise UserError(f"{data.path}: {name} is the same for every event: nothing was learnt; train otherwise")
    metadata = {
        **data.metadata,
        "sample": f"{data.metadata['sample']} encoded",
        "variables": variables,
        "original_names": {name: name for name in variables},
        "encoded": {
            "from": data.metadata["digest"],
            **{name: data.metadata[name] for name in _KEPT},
            **_described(encoder.specification),
            "training": encoder.facts,
        },
    }
    table = _columns(_error_table(encoder, data, back))
    trees = {_TREE: inputs.Tree("mean error of the test events, in units of the variance", table)}
    for tree, name in _TEST_TREES.items():
        columns = {f"{n}_input": values for n, values in zip(data.variables, data.events[tree].T)}
        columns.update((f"{n}_reconstructed", values) for n, values in zip(data.variables, back[tree].events.T))
        columns.update(error=back[tree].error, pca_error=back[tree].pca_error)
        trees[name] = inputs.Tree(f"reconstruction of the events of {tree}", columns)
    trees.update(inputs.spectator_trees(data))
    encoded = inputs.InputFile(str(path), variables, events, data.weights, metadata)
    texts = {_TEXT: dumps(encoder)}
    return inputs.store(encoded, trees=trees, texts=texts, sources=[data.path, *sources], force=force)


def write_decoded(path_in: Union[str, Path], path_out: Union[str, Path], *, force: bool = False) -> Dict[str, Any]:
    """Writes the events that encoded ones give back, as a common input file with the variables of before.

    Args:
        path_in: a file of :func:`write_encoded`.
        path_out: the file to write.
        force: whether to write over a file that holds something else.

    Returns:
        The metadata that the file holds.

    Raises:
        UserError: a file that holds no encoder or other variables, or one that cannot be read or written.
    """
    data, encoder = inputs.read(path_in), read(path_in)
    before = data.metadata.get("encoded", {})
    if len(data.variables) != encoder.specification.encoded or not before:
        raise UserError(
            f"{path_in}: its events are not those that its encoder encoded; give a file of tmva-bench encode"
        )
    metadata = {
        **{name: value for name, value in data.metadata.items() if name != "encoded"},
        "sample": f"{before['sample']} decoded",
        "variables": encoder.variables,
        "original_names": before["original_names"],
        "decoded": {**before, "from": data.metadata["digest"]},
    }
    events = {tree: encoder.decode(values) for tree, values in data.events.items()}
    decoded = inputs.InputFile(str(path_out), encoder.variables, events, data.weights, metadata)
    return inputs.store(decoded, trees=inputs.spectator_trees(data), sources=[path_in], force=force)


def made_of(
    path: Union[str, Path], data: inputs.InputFile, specification: Specification, backend: str, norm_mode: str
) -> bool:
    """Whether a file holds these events, encoded by an autoencoder trained on them to this specification.

    Args:
        path: the file.
        data: the events.
        specification: what would be trained.
        backend: the Keras backend.
        norm_mode: what the weights of the training events would be scaled by.
    """
    try:
        encoded = inputs.read(path).metadata.get("encoded")
    except UserError:
        return False
    wanted = {"from": data.metadata["digest"], **_described(specification)}
    return (
        isinstance(encoded, dict)
        and isinstance(encoded.get("training"), dict)
        and all(encoded.get(name) == value for name, value in wanted.items())
        and encoded["training"].get("backend") == backend
        and encoded["training"].get("norm_mode") == norm_mode
        and encoded["training"].get("input_digest") == data.metadata["digest"]
    )


def check_variables(encoder: Encoder, data: inputs.InputFile) -> None:
    """Refuses events whose variables are not the encoder's, in name and order.

    Raises:
        UserError: they differ.
    """
    if data.variables != encoder.variables:
        raise UserError(
            f"{data.path}: has the variables {', '.join(data.variables)}, and the encoder was trained on "
            f"{', '.join(encoder.variables)}; names and order must be the same"
        )


def dumps(encoder: Encoder) -> str:
    """The encoder as JSON, exact to the last bit."""
    numbers = ("matrix", "shift", "low", "high", "variances", "network_variances", "mean", "axes")
    return json.dumps(
        {
            "tmva_bench_encoder": VERSION,
            "variables": encoder.variables,
            "specification": _described(encoder.specification),
            **{name: getattr(encoder, name).astype(float).tolist() for name in numbers},
            "layers": [[array.astype(float).tolist() for array in pair] for pair in encoder.layers],
            "facts": encoder.facts,
        }
    )


def loads(text: str, where: str) -> Encoder:
    """The encoder of :func:`dumps`.

    Args:
        text: the JSON text.
        where: where it was read, for the message.

    Raises:
        UserError: not what :func:`dumps` writes.
    """
    try:
        values = json.loads(text)
        if values["tmva_bench_encoder"] != VERSION:
            raise ValueError(f"version {values['tmva_bench_encoder']}")
        described = values["specification"]
        specification = autoencoder.specification(
            described["k"],
            described["options"],
            transformations=described["transformations"],
            event_class=described["class"],
        )
        count = len(values["variables"])
        vectors = ("shift", "low", "high", "variances", "network_variances", "mean")
        widths = (count, *specification.training(count).widths)
        if len(values["layers"]) != len(widths) - 1:
            raise ValueError("a layer is missing")
        return Encoder(
            variables=[str(name) for name in values["variables"]],
            specification=specification,
            **{name: _array(values[name], (count,)) for name in vectors},
            **{name: _array(values[name], (count, count)) for name in ("matrix", "axes")},
            layers=[
                (_array(kernel, shape).astype(numpy.float32), _array(bias, shape[1:]).astype(numpy.float32))
                for (kernel, bias), shape in zip(values["layers"], zip(widths, widths[1:]))
            ],
            facts=dict(values["facts"]),
        )
    except (KeyError, TypeError, ValueError, UserError) as error:
        raise UserError(f"{where}: no encoder that tmva-bench wrote ({error}); encode again") from None


def read(path: Union[str, Path]) -> Encoder:
    """The encoder that a file of :func:`write_encoded` holds.

    Raises:
        UserError: a file that cannot be read, or without an encoder.
    """
    with reading.opened(path) as file:
        text: Optional[str] = str(file[_TEXT]) if _TEXT in file else None
    if text is None:
        raise UserError(f"{path}: holds no encoder; give a file of tmva-bench encode")
    inputs.check_text(path, inputs.read(path).metadata, _TEXT, text)
    return loads(text, str(path))


def read_errors(path: Union[str, Path]) -> List[Row]:
    """The rows of :func:`error_table` that a file of :func:`write_encoded` holds.

    Raises:
        UserError: a file that cannot be read, or without them.
    """
    with reading.opened(path) as file:
        if _TREE not in file or not reading.is_tree(file[_TREE]):
            raise UserError(f"{path}: no tree {_TREE}; give a file of tmva-bench encode")
        tree = file[_TREE]
        columns = {name: reading.column(tree, name) for name in tree.keys(recursive=False)}
    return [dict(zip(columns, values)) for values in zip(*(column.tolist() for column in columns.values()))]


def _array(values: Any, shape: Tuple[int, ...]) -> numpy.ndarray:
    array = numpy.array(values, float)
    if array.shape != shape or not numpy.isfinite(array).all():
        raise ValueError(f"shape {array.shape} in place of {shape}, or not finite")
    return array


def _error_table(encoder: Encoder, data: inputs.InputFile, back: Dict[str, Reconstruction]) -> List[Row]:
    rows: List[Row] = [{"variable": name} for name in [*encoder.variables, TOTAL]]
    for suffix, trees in _CLASSES.items():
        events, weights = (_joined(values, trees) for values in (data.events, data.weights))
        for name, given_back, error in (("error", "events", "error"), ("pca_error", "pca", "pca_error")):
            squares = (events - _joined(_field(back, given_back), trees).astype(float)) ** 2
            means = [*numpy.average(squares, axis=0, weights=weights) / encoder.variances]
            total = numpy.average(_joined(_field(back, error), trees), weights=weights)
            for row, mean in zip(rows, [*means, total]):
                row[name + suffix] = float(mean)
    return rows


def _columns(rows: List[Row]) -> Dict[str, Any]:
    numbers = {name: numpy.array([row[name] for row in rows]) for name in rows[0] if name != "variable"}
    return {"variable": [row["variable"] for row in rows], **numbers}


def _covariance(events: numpy.ndarray, weights: numpy.ndarray) -> Tuple[numpy.ndarray, numpy.ndarray]:
    """Weighted mean and covariance."""
    mean = numpy.average(events.astype(float), axis=0, weights=weights)
    centred = events - mean
    return mean, (centred.T * weights.astype(float)) @ centred / weights.sum(dtype=float)


def _described(specification: Specification) -> Dict[str, Any]:
    return {
        "k": specification.encoded,
        "options": autoencoder.options_of(specification),
        "transformations": ",".join(specification.chain) or "I",
        "class": specification.event_class,
    }


def _float32(values: numpy.ndarray) -> numpy.ndarray:
    with numpy.errstate(over="ignore"):  # what overflows turns infinite, and is refused as such
        return values.astype(numpy.float32)


def _field(back: Dict[str, Reconstruction], name: str) -> Dict[str, numpy.ndarray]:
    return {tree: getattr(one, name) for tree, one in back.items()}


def _joined(parts: Dict[str, numpy.ndarray], trees: Tuple[str, ...]) -> numpy.ndarray:
    return numpy.concatenate([parts[tree] for tree in trees])
