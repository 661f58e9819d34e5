"""Keras model files as numbers: read without Keras, so that nothing in them is run, and written of standard layers."""

import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Tuple

import numpy

from tmva_bench.engines.scoring import Dense, Forest, Linear, Scoring, Step, Tables
from tmva_bench.errors import UserError, short

_ACTIVATIONS = ("linear", "relu", "tanh", "sigmoid", "softsign", "softmax")
# Layers that are no dense ones: an activation each, what is not there in an evaluation, what stands before.
_ALONE = {"ReLU": "relu", "Softmax": "softmax", "SymmRelu": "symmrelu", "Gauss": "gauss"}
_NOTHING = ("InputLayer", "Dropout", "GaussianNoise", "GaussianDropout", "AlphaDropout")
_LARGEST = 2**29  # bytes


def read(path: Path) -> List[Step]:
    """What a model file does with its inputs; the last layer may have the activation ``softmax``.

    Args:
        path: ``.keras``, or HDF5 of Keras 2.

    Raises:
        UserError: it cannot be read, or has layers other than dense ones in a row, activations, normalisations and
            dropout.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise UserError(f"{path}: larger than {_LARGEST >> 20} MiB, the limit here; no such network needs so much")
        return _steps(path, *_contents(path))
    except UserError:
        raise
    except (OSError, KeyError, TypeError, ValueError, IndexError, AttributeError, zipfile.BadZipFile) as error:
        reason = " ".join(str(error).split())[:120]
        raise UserError(f"{path}: cannot be read as a model of Keras ({reason}); take another copy") from None


def architecture(path: Path) -> Tuple[List[Dict[str, Any]], Dict[str, Any]]:
    """The layers of a model file, and what it was compiled with, as Keras describes them; its weights are not read.

    Args:
        path: ``.keras``, or HDF5.

    Returns:
        A description of each layer (``class_name``, ``config``), and one of ``optimizer`` and ``loss``, empty where the
        model is not compiled.

    Raises:
        UserError: it cannot be read, or has layers that are not in a row.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise UserError(f"{path}: larger than {_LARGEST >> 20} MiB, the limit here; no such network needs so much")
        if zipfile.is_zipfile(str(path)):
            with zipfile.ZipFile(str(path)) as archive:
                if archive.getinfo("config.json").file_size > _LARGEST:
                    raise UserError(f"{path}: unpacks to more than {_LARGEST >> 20} MiB, the limit here")
                described = json.loads(archive.read("config.json"))
            compiled = described.get("compile_config")
        else:
            described, compiled = _attributes(path)
        layers = _in_a_row(path, described)
        for layer in layers:
            if not isinstance(layer["config"], dict):
                raise ValueError("a layer without its settings")
        return layers, compiled if isinstance(compiled, dict) else {}
    except UserError:
        raise
    except ImportError:
        raise UserError(f"{path}: h5py is needed to read it; pip install h5py") from None
    except (
        OSError,
        KeyError,
        TypeError,
        ValueError,
        IndexError,
        AttributeError,
        RecursionError,
        zipfile.BadZipFile,
    ) as error:
        reason = " ".join(str(error).split())[:120]
        raise UserError(f"{path}: cannot be read as a model of Keras ({reason}); take another copy") from None


def _attributes(path: Path) -> Tuple[Any, Any]:
    """Model and compilation in a file of HDF5."""
    import h5py

    with h5py.File(str(path), "r") as stored:
        texts = [stored.attrs.get(name) for name in ("model_config", "training_config")]
    described, compiled = (json.loads(text) if text is not None else None for text in texts)
    if compiled is not None and "optimizer_config" in compiled:
        compiled["optimizer"] = compiled["optimizer_config"]
    return described, compiled


Weights = Callable[[Dict[str, Any]], List[numpy.ndarray]]


def _contents(path: Path) -> Tuple[List[Dict[str, Any]], Weights]:
    """The layers' descriptions, and what gives the weights of each."""
    import h5py

    if zipfile.is_zipfile(str(path)):
        with zipfile.ZipFile(str(path)) as archive:
            if sum(member.file_size for member in archive.infolist()) > _LARGEST:
                raise UserError(f"{path}: unpacks to more than {_LARGEST >> 20} MiB, the limit here")
            described = json.loads(archive.read("config.json"))
            stored = h5py.File(io.BytesIO(archive.read("model.weights.h5")), "r")
        layers = _in_a_row(path, described)
        return layers, _of_archive(layers, stored)
    stored = h5py.File(str(path), "r")
    text = stored.attrs["model_config"]
    layers = _in_a_row(path, json.loads(text if isinstance(text, str) else text.decode()))

    def of_layer(layer: Dict[str, Any]) -> List[numpy.ndarray]:
        group = stored["model_weights"][_name(layer)]
        return [numpy.array(group[name], float) for name in group.attrs["weight_names"]]

    return layers, of_layer


def _of_archive(layers: List[Dict[str, Any]], stored: Any) -> Weights:
    """Weights lie under the names of classes, counted in the order of the layers."""
    root = stored["layers"] if "layers" in stored else stored["_layer_checkpoint_dependencies"]
    counts: Dict[str, int] = {}
    places: Dict[str, str] = {}
    for layer in layers:
        plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", _class(layer)).lower()
        number = counts.setdefault(plain, 0)
        places[_name(layer)] = f"{plain}_{number}" if number else plain
        counts[plain] += 1

    def of_layer(layer: Dict[str, Any]) -> List[numpy.ndarray]:
        variables = root[places[_name(layer)]]["vars"]
        return [numpy.array(variables[str(number)], float) for number in range(len(variables))]

    return of_layer


def _class(layer: Dict[str, Any]) -> str:
    return str(layer["class_name"]).rpartition(">")[2]


def _name(layer: Dict[str, Any]) -> str:
    return str(layer["config"]["name"])


def _in_a_row(path: Path, described: Dict[str, Any]) -> List[Dict[str, Any]]:
    """The layers of a model in which each takes what the one before gives."""
    if described["class_name"] not in ("Sequential", "Functional", "Model"):
        raise UserError(f"{path}: a model of class {short(described['class_name'])}; give one of layers in a row")
    layers: List[Dict[str, Any]] = described["config"]["layers"]
    names = [_name(layer) for layer in layers]
    if described["class_name"] != "Sequential":
        for number, layer in enumerate(layers):
            sources = [text for text in _texts(layer.get("inbound_nodes", [])) if text in names]
            if sources != names[max(number - 1, 0) : number]:
                raise UserError(
                    f"{path}: layer {short(names[number])} does not take what the one before gives; give a model of "
                    "layers in a row"
                )
    return layers


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)


def _steps(path: Path, layers: List[Dict[str, Any]], weights: Weights) -> List[Step]:
    steps: List[Step] = []
    for layer in layers:
        kind, config = _class(layer), layer["config"]
        if kind == "Dense":
            kernel, *biases = weights(layer)
            steps.append(Dense(kernel, biases[0] if biases else numpy.zeros(kernel.shape[1]), "linear"))
            _activate(path, steps, config.get("activation", "linear"))
        elif kind in ("Activation", *_ALONE):
            if kind == "ReLU" and (config.get("max_value") is not None or config.get("negative_slope")):
                raise UserError(
                    f"{path}: layer {short(_name(layer))} is a ReLU with options; only a plain one is known"
                )
            _activate(path, steps, _ALONE.get(kind) or config["activation"])
        elif kind in ("Normalization", "BatchNormalization", "Rescaling"):
            _scale(steps, *_scaling(kind, config, weights(layer) if kind != "Rescaling" else []))
        elif kind not in _NOTHING:
            raise UserError(
                f"{path}: layer {short(_name(layer))} is a {short(kind)}; dense layers in a row can be exported, with "
                "activations, normalisation, rescaling and dropout"
            )
    if not any(isinstance(step, Dense) for step in steps):
        raise UserError(f"{path}: no dense layer in it; give a network")
    return steps


def _activate(path: Path, steps: List[Step], name: Any) -> None:
    if name is None or name == "linear":
        return
    if not isinstance(name, str) or name not in (*_ACTIVATIONS, "symmrelu", "gauss"):
        raise UserError(f"{path}: activation {short(name)}; known here are {', '.join(_ACTIVATIONS)}")
    last = steps[-1] if steps else None
    if not isinstance(last, Dense) or last.activation != "linear":
        raise UserError(f"{path}: an activation {name} that no dense layer stands before")
    steps[-1] = last._replace(activation=name)


def _scaling(
    kind: str, config: Dict[str, Any], stored: List[numpy.ndarray]
) -> Tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray]:
    """Offset, scale and shift of (x - offset) scale + shift."""
    if kind == "Rescaling":
        return numpy.zeros(1), numpy.atleast_1d(config["scale"]).astype(float), numpy.atleast_1d(config["offset"])
    if kind == "Normalization":
        told: List[Any] = [config["mean"], config["variance"]] if config.get("mean") is not None else stored[:2]
        mean, variance = (numpy.ravel(value).astype(float) for value in told)
        scale = 1 / numpy.maximum(numpy.sqrt(variance), 1e-7)  # keras.backend.epsilon
        return mean, (1 / scale if config.get("invert") else scale), numpy.zeros(1)
    rows = list(stored)
    gamma = rows.pop(0) if config.get("scale", True) else numpy.ones(1)
    beta = rows.pop(0) if config.get("center", True) else numpy.zeros(1)
    mean, variance = rows
    return mean, gamma / numpy.sqrt(variance + config["epsilon"]), beta


def _scale(steps: List[Step], offset: numpy.ndarray, scale: numpy.ndarray, shift: numpy.ndarray) -> None:
    if not offset.any() and not shift.any() and (scale == 1).all():
        return
    last = next((step for step in reversed(steps) if isinstance(step, Dense)), None)
    size = last.kernel.shape[1] if last is not None else max(len(offset), len(scale), len(shift))
    offset, scale, shift = (numpy.broadcast_to(values, size).astype(float) for values in (offset, scale, shift))
    if last is None and (scale != 0).all() and size > 1:
        steps.append(Linear(offset - shift / scale, numpy.diag(scale)))
    else:
        steps.append(Dense(numpy.diag(scale), shift - offset * scale, "linear"))


def model(keras: Any, scored: Scoring) -> Any:
    """A model of standard layers, which Keras stores and loads without this package; it takes the variables.

    Args:
        keras: the Keras module.
        scored: the scoring function.

    Raises:
        UserError: a transformation that no layer of Keras does.
    """
    inputs = keras.Input(shape=(len(scored.variables),), name="variables")
    values = inputs
    weights: List[Tuple[Any, List[numpy.ndarray]]] = []
    for step in scored.steps:
        if isinstance(step, Tables):
            letter = "G" if step.normal else "U"
            raise UserError(
                f"{scored.source}: transformation {letter} is a table look-up, which no layer of Keras is; export as "
                "header, onnx or rdataframe"
            )
        if isinstance(step, Forest):
            raise UserError(
                f"{scored.source}: boosted trees, which no layer of Keras is; export as header, onnx or rdataframe"
            )
        if isinstance(step, Linear):
            values = _normalised(keras, step, values, weights)
        else:
            layer = keras.layers.Dense(len(step.biases), activation=_plain(step.activation))
            values = layer(values)
            weights.append((layer, [step.kernel, step.biases]))
            values = _activated(keras, step.activation, values)
    whole = keras.Model(inputs, keras.layers.Activation(scored.output, name="score")(values))
    for layer, numbers in weights:
        layer.set_weights(numbers)
    return whole


def _plain(activation: str) -> str:
    return "linear" if activation in ("symmrelu", "gauss") else activation


def _normalised(keras: Any, step: Linear, values: Any, weights: List[Tuple[Any, List[numpy.ndarray]]]) -> Any:
    """The offset is taken off first, as TMVA does: in float32 the other way would lose digits."""
    scale = step.scale
    positive = scale is not None and bool((scale > 0).all())
    variance = 1 / scale**2 if positive and scale is not None else numpy.ones(len(step.offset))
    values = keras.layers.Normalization(mean=step.offset.tolist(), variance=variance.tolist())(values)
    if not positive:
        layer = keras.layers.Dense(step.matrix.shape[1], use_bias=False, trainable=False)
        values = layer(values)
        weights.append((layer, [step.matrix]))
    return values


def _activated(keras: Any, activation: str, values: Any) -> Any:
    """The activations of TMVA that Keras lacks, of its layers."""
    negative = keras.layers.Rescaling(-1.0)
    if activation == "symmrelu":
        return keras.layers.Add()([keras.layers.ReLU()(values), keras.layers.ReLU()(negative(values))])
    if activation == "gauss":
        square = keras.layers.Multiply()([values, values])
        return keras.layers.Activation("exponential")(negative(square))
    return values
