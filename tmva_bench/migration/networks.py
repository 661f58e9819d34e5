"""The networks that TMVA's methods build of their options, and how they train them.

After ``DeclareOptions``, ``ProcessOptions`` and ``Train`` of MethodDL, MethodDNN, MethodMLP (with MethodANNBase) and
MethodPyKeras.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping

from tmva_bench.basis import mapping
from tmva_bench.basis.config import ACTIVATIONS, OPTIMIZERS
from tmva_bench.basis.training import Phase
from tmva_bench.engines import tmva_options
from tmva_bench.errors import UserError
from tmva_bench.migration import booking
from tmva_bench.migration.booking import Layer, Network, Place, Remark
from tmva_bench.migration.values import Text, has_hole

_NEVER_READ = ("repetitions", "droprepetitions", "multithreading")
# Constants of the optimizers, which newer versions of ROOT read, with what all versions take without.
_CONSTANTS = {
    "adam_beta1": 0.9,
    "adam_beta2": 0.999,
    "adam_eps": 1e-7,
    "adagrad_eps": 1e-8,
    "rmsprop_eps": 1e-7,
    "rmsprop_rho": 0.9,
    "adadelta_eps": 1e-8,
    "adadelta_rho": 0.95,
}
_NEVER = 10**6  # epochs
_NAMES = {name.upper(): name for name in ACTIVATIONS}


@dataclasses.dataclass(frozen=True)
class Context:
    """What else a string of options depends on.

    Attributes:
        variables: names of the input variables; empty where they are not known.
        keeps_suffix: whether the Factory leaves methods as they are after the training (``!ModelPersistence``).
        model: the network in a file of Keras by its name, with what must be said of it; None where it is not there.
    """

    variables: tuple[str, ...]
    keeps_suffix: bool = False
    model: Callable[[str], tuple[Network, list[str]] | None] = lambda name: None


def _plain(parts: Mapping[str, Text], name: str, default: str) -> Text:
    """The value of an option, or its default."""
    return parts.get(name.lower(), Text(default, (0,), (Place(""),)))


def _dl(parts: Mapping[str, Text], context: Context, remarks: list[Remark], place: Place) -> Network | None:
    if "layout" not in parts or "trainingstrategy" not in parts:
        missing = "Layout" if "layout" not in parts else "TrainingStrategy"
        remarks.append(Remark(f"no {missing}: the default of MethodDL depends on the version of ROOT; give one", place))
        return None
    loss = _known(parts, "ErrorStrategy", "CROSSENTROPY", mapping.TMVA_LOSSES, remarks)
    initializer = _known(parts, "WeightInitialization", "XAVIER", mapping.TMVA_INITIALIZERS, remarks)
    if not loss or not initializer:
        return None
    text = parts["layout"]
    layers = _layers(text, context)
    _check_layout(text, layers[-1].activation, loss, remarks)
    phases = _phases(parts["trainingstrategy"], remarks)
    if any(phase.batch_size != phases[0].batch_size for phase in phases):
        remarks.append(
            Remark(
                "TrainingStrategy has phases of different BatchSize: TMVA stops at the first that differs, and "
                "keeps what "
                "the earlier ones reached",
                parts["trainingstrategy"].place(),
            )
        )
        differs = next(n for n, phase in enumerate(phases) if phase.batch_size != phases[0].batch_size)
        phases = phases[:differs]
    return Network(
        layers=layers,
        loss=loss,
        initializer=initializer,
        seed=_seed(parts, remarks, place),
        validation=str(_plain(parts, "ValidationSize", "20%")).strip(),
        phases=phases,
    )


def _variables(text: str, context: Context) -> int:
    """Number of input variables; it must be known where a width is a formula of it."""
    names = context.variables
    if (not names or any("*" in name for name in names)) and re.search(r"(?<![A-Za-z])[Nnx](?![A-Za-z])", text):
        raise UserError(f"{text[:60]}: N is the number of input variables, which could not be told")
    return len(names)


def _known(parts: Mapping[str, Text], name: str, default: str, names: Mapping[str, str], remarks: list[Remark]) -> str:
    value = _plain(parts, name, default)
    by_theirs = {theirs: ours for ours, theirs in names.items()}
    text = str(value).strip()
    if text in by_theirs:
        return by_theirs[text]
    if text.upper() in by_theirs:
        reason = f"is accepted, but compared with {text.upper()} letter by letter, so it is not what is taken"
    elif text == "MUTUALEXCLUSIVE":
        reason = "needs one output a class, which cannot be had here; CROSSENTROPY is the same for two classes"
    else:
        reason = "is no value that MethodDL has, and TMVA ends with FATAL"
    remarks.append(Remark(f"{name}={text[:40]}: {reason}", value.place()))
    return ""


def _layers(text: Text, context: Context) -> tuple[Layer, ...]:
    """The layers of MethodDL's ``Layout``; ``BNORM|momentum|epsilon`` is batch normalization."""
    layers = []
    for part in text.split(","):
        if part.strip().split("|")[0].strip().upper() == "BNORM":
            layers.append(Layer("batch_normalization"))
        else:
            widths, activations = tmva_options.layout(part.strip(), _variables(part, context))
            layers.append(Layer("dense", widths[0], activations[0]))
    if layers[-1].kind != "dense":
        raise UserError(f"Layout {text[-60:]}: ends with no dense layer, which gives the output")
    return tuple(layers)


def _check_layout(text: Text, last: str, loss: str, remarks: list[Remark]) -> None:
    for layer in text.split(","):
        if layer.count("|") > 2:
            remarks.append(
                Remark(
                    f"Layout {layer.strip()[:60]}: one layer for TMVA, which takes the first width and the last "
                    f"activation; "
                    "layers are separated by a comma",
                    text.place(),
                )
            )
    if loss == "cross_entropy" and last != "linear":
        remarks.append(
            Remark(
                f"Layout ends with {last.upper()}: CROSSENTROPY and the evaluation apply a sigmoid "
                f"to it once "
                "more, so scores are a sigmoid of it; LINEAR is what gives a probability",
                text.place(text.rfind(",") + 1),
            )
        )


def _seed(parts: Mapping[str, Text], remarks: list[Remark], place: Place) -> int:
    text = str(_plain(parts, "RandomSeed", "0")).strip()
    seed = int(text) if re.fullmatch("[0-9]{1,9}", text) else 0
    if seed == 0 and not has_hole(text):
        where = parts["randomseed"].place() if "randomseed" in parts else place
        remarks.append(
            Remark("RandomSeed=0, the default: TMVA starts otherwise each time, so nothing can be repeated", where)
        )
    return seed


def _phases(text: Text, remarks: list[Remark], *, strips: bool = True, optimizer: str = "") -> tuple[Phase, ...]:
    """The phases of a ``TrainingStrategy``.

    Args:
        text: the option.
        remarks: where what TMVA does otherwise is told.
        strips: whether blanks before a key are no part of it (MethodDL, not MethodDNN).
        optimizer: that of a method which has one alone.
    """
    phases, start = [], 0
    for block in text.split("|"):
        if block.strip():
            part = text.part(start, start + len(block))
            phases.append(_phase(part, remarks, strips, optimizer))
        start += len(block) + 1
    if not phases:
        raise UserError("TrainingStrategy is empty")
    return tuple(phases)


def _phase(text: Text, remarks: list[Remark], strips: bool, optimizer: str) -> Phase:
    keys: dict[str, str] = {}
    start = 0
    for pair in text.split(","):
        place = text.place(start + len(pair) - len(pair.lstrip()))
        start += len(pair) + 1
        if pair.strip():
            _take(keys, pair, place, remarks, strips)
    if optimizer:
        keys["optimizer"] = optimizer
    elif "optimizer" in keys and keys["optimizer"] not in {name.upper() for name in OPTIMIZERS}:
        asked = keys["optimizer"]
        remarks.append(
            Remark(f"Optimizer={asked[:40]}: TMVA knows it by upper case only, and trains with ADAM", text.place())
        )
    taken = ("NONE", "None", "none", "L1", "L2")
    if keys.get("regularization", "None") not in taken:
        remarks.append(
            Remark(
                f"Regularization={keys['regularization'][:40]}: TMVA knows L1 and L2 alone; there is none", text.place()
            )
        )
    return tmva_options.phase(",".join(f"{key}={value}" for key, value in keys.items()))


def _take(keys: dict[str, str], pair: str, place: Place, remarks: list[Remark], strips: bool) -> None:
    """Adds a key of a phase, unless it stands there already; of what is not read there is a remark."""
    key, equals, value = pair.partition("=")
    name, shown = key.strip().lower(), pair.strip()[:60]
    if name in _CONSTANTS:
        if not _is_number(value, _CONSTANTS[name]):
            why = f"read by newer ROOT alone; {_CONSTANTS[name]:g} is what is taken here"
            remarks.append(Remark(f"TrainingStrategy: {shown}: {why}", place))
    elif not equals or (name not in tmva_options.STRATEGY and name not in _NEVER_READ):
        remarks.append(Remark(f"TrainingStrategy: {shown}: no key that TMVA reads; it is ignored", place))
    elif not strips and key != key.lstrip():
        why = f"a blank before {key.strip()}: MethodDNN does not find the key, and has its default"
        remarks.append(Remark(f"TrainingStrategy: {why}", place))
    elif name in tmva_options.STRATEGY and value.strip():
        keys.setdefault(name, _read(key.strip(), value.replace(" ", ""), place, remarks))


def _is_number(text: str, number: float) -> bool:
    try:
        return float(text) == number
    except ValueError:
        return False


def _read(key: str, value: str, place: Place, remarks: list[Remark]) -> str:
    """The value as ``atoi`` and ``atof`` read it, up to what is no part of a number."""
    if key.lower() in ("optimizer", "regularization"):
        return value
    pattern = r"[-+]?\d+" if key.lower() in tmva_options.WHOLE else r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?"
    if key.lower() == "dropconfig":
        pattern = r"[-+.\deE]+"
    match = re.match(pattern, value)
    number = match[0] if match else "0"
    if number != value:
        remarks.append(Remark(f"{key}={value[:60]}: TMVA reads {number} and leaves the rest out", place))
    return number


def _dnn(parts: Mapping[str, Text], context: Context, remarks: list[Remark], place: Place) -> Network | None:
    text = _plain(parts, "Layout", "SOFTSIGN|(N+100)*2,LINEAR")
    layers = []
    for layer in str(text).split(","):
        tokens = [token.strip() for token in layer.split("|")]
        width = tokens[1] if len(tokens) > 1 else "0"
        if tokens[0] not in _NAMES:
            remarks.append(
                Remark(
                    f"Layout {layer.strip()[:60]}: MethodDNN has no activation {tokens[0][:40]}, and takes TANH",
                    text.place(),
                )
            )
        widths, _ = tmva_options.layout(f"TANH|{width}", _variables(layer, context))
        layers.append(Layer("dense", widths[0], _NAMES.get(tokens[0], "tanh")))
    if layers[-1].activation != "linear" or layers[-1].units != 1:
        remarks.append(
            Remark(
                "MethodDNN makes the last layer one LINEAR unit, whatever Layout says", text.place(text.rfind(",") + 1)
            )
        )
    loss = _known(parts, "ErrorStrategy", "CROSSENTROPY", mapping.TMVA_LOSSES, remarks)
    if not loss or "trainingstrategy" not in parts:
        if loss:
            remarks.append(Remark("no TrainingStrategy: give one", place))
        return None
    drawn = str(_plain(parts, "WeightInitialization", "XAVIER")).strip()
    phases = _phases(parts["trainingstrategy"], remarks, strips=False, optimizer="SGD")
    remarks.append(
        Remark(
            "kDNN, the forerunner of kDL, is gone from newer ROOT: it trains with SGD, draws another start each "
            "time, and has no "
            "MaxEpochs; kDL trains the same network",
            place,
        )
    )
    return Network(
        layers=(*layers[:-1], Layer("dense", 1, "linear")),
        loss=loss,
        initializer="uniform" if drawn == "XAVIERUNIFORM" else "gauss",
        seed=0,
        validation=str(_plain(parts, "ValidationSize", "20%")).strip(),
        phases=tuple(phase._replace(max_epochs=_NEVER) for phase in phases),
    )


def _mlp(parts: Mapping[str, Text], context: Context, remarks: list[Remark], place: Place) -> Network | None:
    text = _plain(parts, "HiddenLayers", "N,N-1")
    count = _variables(str(text), context)
    hidden = []
    for spec in str(text).split(","):
        match = re.fullmatch(r"\s*([Nn]?)\s*([-+]?\d{0,6})\s*", spec)
        if not match or not (match[1] or match[2]):
            raise UserError(f"HiddenLayers={text[:60]}: {spec.strip()[:40]!r} is no number of units")
        # atoi makes 0 of a sign alone.
        hidden.append((count if match[1] else 0) + (int(match[2]) if match[2].strip("+-") else 0))
    kind = str(_plain(parts, "NeuronType", "sigmoid")).strip()
    activation = {"sigmoid": "sigmoid", "tanh": "tanh", "linear": "linear", "ReLU": "relu"}.get(kind)
    if activation is None or min(hidden) < 1:
        what = f"NeuronType={kind[:40]}" if activation is None else f"HiddenLayers={text[:60]}"
        remarks.append(Remark(f"{what}: a network that cannot be had here", place))
        return None
    how = str(_plain(parts, "TrainingMethod", "BP")).strip()
    remarks.append(
        Remark(
            f"TrainingMethod={how}: "
            + {
                "BP": "event by event, with a rate that decays by DecayRate; SGD on batches is what comes nearest",
                "BFGS": "a quasi-Newton step on all events, which no optimizer of kDL or Keras takes; Adam is "
                "what is put in its place",
            }.get(how, "a genetic algorithm, which cannot be had; Adam is what is put in its place"),
            place,
        )
    )
    if str(_plain(parts, "EstimatorType", "CE")).strip() != "CE":
        remarks.append(Remark("EstimatorType: of a classification TMVA takes CE, whatever stands there", place))
    rate = float(_read("LearningRate", str(_plain(parts, "LearningRate", "0.02")).strip(), place, remarks))
    by_events = how == "BP"
    phase = Phase(
        optimizer="sgd" if by_events else "adam",
        learning_rate=rate if by_events else 0.001,
        momentum=0.0,
        batch_size=32,
        convergence_steps=_NEVER,
        test_repetitions=1,
        max_epochs=max(int(_read("MaxEpochs", str(_plain(parts, "NCycles", "500")).strip(), place, remarks)), 1),
        regularization="none",
        weight_decay=0.0,
        drop=(),
    )
    layers = (*(Layer("dense", units, activation) for units in hidden), Layer("dense", 1, "linear"))
    # MethodANNBase::ProcessOptions sets CE for every classification.
    return Network(layers, "cross_entropy", "xavier_uniform", _seed_of_mlp(parts), "20%", (phase,), keep_best=False)


def _seed_of_mlp(parts: Mapping[str, Text]) -> int:
    text = str(_plain(parts, "RandomSeed", "1")).strip()
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else 1


def _pykeras(parts: Mapping[str, Text], context: Context, remarks: list[Remark], place: Place) -> Network | None:
    name = str(_plain(parts, "FilenameModel", "")).strip()
    model = context.model(name) if name else None
    if model is None:
        remarks.append(
            Remark(f"FilenameModel={name[:80]}: the model is not there to be read, so its layers are not known", place)
            if name
            else Remark("no FilenameModel, without which MethodPyKeras ends with FATAL", place)
        )
        return None
    network, notes = model
    remarks += [Remark(note, place) for note in notes]
    epochs = max(_count(parts, "NumEpochs", 10), 1)
    tries = _count(parts, "TriesEarlyStopping", -1)
    if parts.get("learningrateschedule", "").strip():
        remarks.append(
            Remark(
                "LearningRateSchedule: cannot be had here, and is broken with TensorFlow up to ROOT 6.36",
                parts["learningrateschedule"].place(),
            )
        )
    phase = network.phases[0]._replace(
        max_epochs=epochs,
        batch_size=max(_count(parts, "BatchSize", 100), 1),
        convergence_steps=tries - 1 if tries >= 1 else epochs,
    )
    best = str(_plain(parts, "SaveBestOnly", "True")).strip().lower() in ("true", "1", "t")
    validation = str(_plain(parts, "ValidationSize", "20%")).strip()
    return Network(network.layers, network.loss, network.initializer, 0, validation, (phase,), keep_best=best)


def _count(parts: Mapping[str, Text], name: str, default: int) -> int:
    match = re.match(r"\s*(-?\d{1,9})", str(parts.get(name.lower(), default)))
    return int(match[1]) if match else default


READERS = {booking.DL: _dl, booking.DNN: _dnn, booking.MLP: _mlp, booking.PYKERAS: _pykeras}
