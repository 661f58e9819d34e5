"""A booking as series of a study: what of its network and training one point can have."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tmva_bench.basis import parsing
from tmva_bench.basis.config import ACTIVATIONS, LEARNING_RATES
from tmva_bench.basis.training import Phase
from tmva_bench.errors import UserError
from tmva_bench.migration import booking
from tmva_bench.migration.booking import Booked, Job, Layer, Network, Option, Place
from tmva_bench.migration.verdicts import CONDITION, EQUAL, NOT, Row

# The methods of this bench that a booking is carried over to.
_METHODS = {
    booking.DL: ("tmva-dnn", "keras"),
    booking.DNN: ("tmva-dnn", "keras"),
    booking.MLP: ("keras",),
    booking.PYKERAS: ("pykeras", "keras"),
    booking.BDT: ("tmva-bdt", "boosting"),
}
# What stands for MaxEpochs where a method has none: MethodDL's default.
_MOST_EPOCHS = 2000
# How TMVA spells options that may be left out.
_SPELLED = {
    name.lower(): name
    for name in (
        *("RandomSeed", "ValidationSize", "VarTransform", "WeightInitialization", "ErrorStrategy", "Layout", "NTrees"),
        *("TrainingStrategy", "BoostType", "Shrinkage", "EstimatorType", "NeuronType", "HiddenLayers", "NCycles"),
        *("TrainingMethod", "LearningRate", "NumEpochs", "BatchSize", "TriesEarlyStopping", "FilenameModel"),
        *("ConvergenceTests", "DropConfig", "MinNodeSize", "UseBaggedBoost", "BaggedSampleFraction"),
    )
}
# Where each parameter of a training stands, by the method.
_OF_PHASE = {
    "optimizer": "Optimizer",
    "learning_rate": "LearningRate",
    "batch_size": "BatchSize",
    "max_epochs": "MaxEpochs",
    "convergence_steps": "ConvergenceSteps",
    "momentum": "Momentum",
    "regularization": "Regularization",
    "weight_decay": "WeightDecay",
}
_OF_MLP = {"learning_rate": "learningrate", "max_epochs": "ncycles", "convergence_steps": "convergencetests"}
_OF_PYKERAS = {"batch_size": "batchsize", "max_epochs": "numepochs", "convergence_steps": "triesearlystopping"}
# Options that change nothing of what is trained.
_TALK = (
    *("v", "h", "verbositylevel", "verbose", "createmvapdfs", "gpuoptions", "numthreads", "tensorboard", "inputlayout"),
    *("batchlayout", "tf.keras", "tfkeras", "filenametrainedmodel", "epochmonitoring", "doboostmonitor", "testrate"),
    *("nbinsmvapdf", "pdfinterpolmvapdf", "nsmoothmvapdf"),
)
_KERAS_LOSSES = {
    **dict.fromkeys(("categorical_crossentropy", "CategoricalCrossentropy"), "cross_entropy"),
    **dict.fromkeys(("binary_crossentropy", "BinaryCrossentropy"), "cross_entropy"),
    **dict.fromkeys(("mean_squared_error", "mse", "MeanSquaredError"), "sum_of_squares"),
}
# What mapping.bdt_options books, by option in lower case.
_BDT = {
    "maxdepth": "3",
    "minnodesize": "2.5%",
    "ncuts": "20",
    "boosttype": "Grad",
    "usebaggedboost": "True",
    "baggedsamplefraction": "0.5",
    "negweighttreatment": "Pray",
    "separationtype": "GiniIndex",
    "nodepuritylimit": "0.5",
    "userandomisedtrees": "False",
    "usefishercuts": "False",
    "dopreselection": "False",
    "sigtobkgfraction": "1.0",
    "prunemethod": "NoPruning",
}


def of_booking(booked: Booked, job: Job) -> tuple[list[dict[str, Any]], list[Row]]:
    """The series of a booking.

    Args:
        booked: the booking.
        job: its events.

    Returns:
        Tables ``[[series]]``, none where nothing of it can be had; and what becomes of what is stated.
    """
    rows: list[Row] = []
    if booked.kind == booking.OTHER:
        why = f"{booked.type[:40]}: the bench has networks, boosted trees and logistic regression"
        return [], [Row(booked.place, "", NOT, why)]
    if booked.kind == booking.BDT:
        values = _bdt(booked, rows)
    elif booked.network is None:
        reason = booked.remarks[-1].text if booked.remarks else "its network could not be told"
        return [], [Row(booked.place, "", NOT, reason)]
    else:
        values = _of_network(booked, booked.network, job, rows)
    values["transformations"] = _chain(booked, rows)
    rows += [_other(option, booked) for name, option in booked.options.items() if not _is_told(option, rows, name)]
    try:
        parsing.point(values)
    except UserError as error:
        return [], [*rows, Row(booked.place, "", NOT, str(error))]
    tables = []
    for method in _METHODS[booked.kind]:
        table = {"method": method, **values}
        if method == "tmva-dnn" and _value(booked, "architecture").upper() in ("GPU", "CUDNN"):
            table["architecture"] = "gpu"
        tables.append(table)
    return tables, rows


def _is_told(option: Option, rows: Sequence[Row], name: str) -> bool:
    """Whether a row tells of an option, or of the keys in it."""
    return name in ("trainingstrategy", "vartransform") or any(row.place == option.place for row in rows)


def _other(option: Option, booked: Booked) -> Row:
    name = option.name.lower()
    if name in _TALK:
        return Row(option.place, "", EQUAL, "changes nothing of what is trained")
    if name == "architecture":
        gpu = option.value.upper() in ("GPU", "CUDNN")
        why = "a ROOT without CUDA trains on the CPU instead, and says so in its log" if gpu else "the CPU"
        return Row(option.place, f"architecture = {'gpu' if gpu else 'cpu'}", CONDITION if gpu else EQUAL, why)
    if not option.value:
        return Row(option.place, "", EQUAL, "is not given")
    if name == "savebestonly" and option.value.lower() in ("true", "t", "1"):
        return Row(option.place, "", EQUAL, "the weights of the lowest validation loss are kept here, too")
    if option.value == "False" and booked.kind != booking.BDT:
        return Row(option.place, "", EQUAL, "is off here, too")
    return Row(option.place, "", NOT, "no parameter of the bench")


def _value(booked: Booked, name: str) -> str:
    option = booked.options.get(name)
    return "" if option is None else option.value.strip()


def _place(booked: Booked, *names: str) -> Place:
    """Where the first of some options stands; of none that is there the default is meant."""
    for name in names:
        if name in booked.options:
            return booked.options[name].place
    return Place(booked.place.file, booked.place.line, f"{_SPELLED.get(names[0], names[0])} (its default)")


def _chain(booked: Booked, rows: list[Row]) -> str:
    letters = [re.match("[A-Z]", name) for name in booked.chain]
    plain = ",".join(letter[0] for letter in letters if letter) or "I"
    place = _place(booked, "vartransform")
    if plain.split(",") == list(booked.chain) or not booked.chain:
        rows.append(Row(place, f"transformations = {plain}", EQUAL, "prepared on the training events of all classes"))
    else:
        why = "of all classes and all variables here; a class is lost when TMVA reads the method back for testing"
        rows.append(Row(place, f"transformations = {plain}", NOT, why))
    return plain


def _of_network(booked: Booked, network: Network, job: Job, rows: list[Row]) -> dict[str, Any]:
    dense = [layer for layer in network.layers if layer.kind == "dense"]
    if booked.kind == booking.PYKERAS and [layer.units for layer in dense[-2:]] == [1, 2]:
        dense = dense[:-1]  # the second output is the first one's complement
    values = _layers(booked, dense, rows)
    if any(layer.kind == "batch_normalization" for layer in network.layers):
        place = _place(booked, *_first(booked, "layout", "hiddenlayers"))
        rows.append(Row(_short(place, "batch normalization"), "", NOT, "the bench's networks have none"))
    values.update(_loss(booked, network, dense[-1], rows))
    values.update(_start(booked, network, dense, rows))
    values.update(_validation(booked, network, job, rows))
    values.update(_phase(booked, network, rows))
    values.update(_dropout(booked, network, len(dense) - 1, rows))
    return values


def _layers(booked: Booked, dense: Sequence[Layer], rows: list[Row]) -> dict[str, Any]:
    hidden = dense[:-1]
    widths = list(dict.fromkeys(layer.units for layer in hidden))
    kinds = list(dict.fromkeys(layer.activation for layer in hidden))
    activation = next((kind for kind in kinds if kind in ACTIVATIONS), "tanh")
    values = {"layers": len(hidden), "neurons": max(widths, default=1), "activation": activation}
    place = _place(booked, *_first(booked, "layout", "hiddenlayers"))
    text = f"layers = {len(hidden)}, neurons = {values['neurons']}, activation = {activation}"
    if dense[-1].units not in ((1, 2) if booked.kind == booking.PYKERAS else (1,)):
        why = f"an output of {dense[-1].units} units; a classification has one, and two in a model of Keras"
        rows.append(Row(_short(place, "the output"), "1 unit", NOT, why))
    if len(widths) < 2 and kinds in ([], [activation]):
        rows.append(Row(place, text, EQUAL, "the same layers"))
    else:
        what = f"widths {', '.join(map(str, widths[:8]))}" if len(widths) > 1 else f"activations {', '.join(kinds[:8])}"
        why = f"{what}: all hidden layers of a study are alike; the widest and the first are taken"
        rows.append(Row(place, text, NOT, why))
    return values


def _loss(booked: Booked, network: Network, last: Layer, rows: list[Row]) -> dict[str, Any]:
    place = _place(booked, *_first(booked, "errorstrategy", "estimatortype"))
    loss = _KERAS_LOSSES.get(network.loss, network.loss)
    if loss not in ("cross_entropy", "sum_of_squares"):
        rows.append(Row(place, "loss = cross_entropy", NOT, f"loss {network.loss[:40] or 'that could not be told'}"))
        return {"loss": "cross_entropy", "last_activation": "sigmoid"}
    if loss == "cross_entropy":
        verdict, why = _of_logit(booked.kind == booking.PYKERAS, last.activation)
        rows.append(Row(place, "loss = cross_entropy, last_activation = sigmoid", verdict, why))
        return {"loss": loss, "last_activation": "sigmoid"}
    output = last.activation if last.activation in ("sigmoid", "linear") else "sigmoid"
    verdict = EQUAL if output == last.activation else NOT
    why = "the sum of squares" if verdict == EQUAL else f"output {last.activation}: sigmoid or linear can be had"
    rows.append(Row(place, f"loss = sum_of_squares, last_activation = {output}", verdict, why))
    return {"loss": loss, "last_activation": output}


def _of_logit(of_keras: bool, activation: str) -> tuple[str, str]:
    """Verdict and reason of an output under cross entropy."""
    if of_keras and activation in ("sigmoid", "softmax", "linear"):
        return CONDITION, "one logit here; two outputs are the same function with twice the output weights"
    if activation == "linear" and not of_keras:
        return EQUAL, "cross entropy of the sigmoid of one logit"
    why = "is given a second sigmoid by TMVA; here there is one" if not of_keras else "one logit here"
    return NOT, f"output {activation.upper()} under cross entropy: {why}"


def _start(booked: Booked, network: Network, dense: Sequence[Layer], rows: list[Row]) -> dict[str, Any]:
    initializer = network.initializer
    place = _place(booked, "weightinitialization", "filenamemodel", "neurontype")
    if initializer == "keras":
        initializer = "xavier_uniform"
        drawn = {layer.initializer or "GlorotUniform" for layer in dense}
        same = drawn <= {"GlorotUniform", "glorot_uniform"}
        why = (
            "Keras' GlorotUniform is TMVA's XAVIERUNIFORM"
            if same
            else f"the model draws from {', '.join(sorted(drawn))[:60]}"
        )
        rows.append(Row(place, "initializer = xavier_uniform", EQUAL if same else NOT, why))
    elif booked.kind == booking.MLP:
        rows.append(Row(place, "initializer = xavier_uniform", NOT, "kMLP draws its weights flat in -2 to 2"))
    else:
        rows.append(
            Row(place, f"initializer = {initializer}", EQUAL, "the distribution that TMVA draws from, biases zero")
        )
    seed = network.seed or 1
    verdict, why = CONDITION, "no seed is told: TMVA starts otherwise each time"
    if network.seed:
        exact = booked.kind == booking.DL
        verdict, why = (EQUAL, "the same numbers of TMVA's generator") if exact else (NOT, "of another generator")
    rows.append(Row(_place(booked, "randomseed"), f"seed = {seed}", verdict, why))
    return {"initializer": initializer, "seed": seed}


def _validation(booked: Booked, network: Network, job: Job, rows: list[Row]) -> dict[str, Any]:
    place = _place(booked, "validationsize")
    text = network.validation
    match = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{0,12})?|\.[0-9]{1,12})(%?)", text)
    share = float(match[1]) / (100 if match[2] else 1) if match else 0.0
    if share >= 1 and not (match and match[2]):
        numbers = [job.split.get(f"ntrain_{kind}") for kind in (booking.SIGNAL, booking.BACKGROUND)]
        total = sum(int(one.value) for one in numbers if one is not None and one.value.strip().isdecimal())
        known = all(one is not None and one.value.strip() not in ("", "0") for one in numbers)
        share = share / total if known and total else 0.0
    if not 0 < share < 1:
        rows.append(Row(place, "validation_fraction = 0.2", NOT, "no share of the training events; write it as one"))
        return {"validation_fraction": 0.2}
    where = "the last of the training events"
    if booked.kind == booking.MLP:
        rows.append(Row(place, f"validation_fraction = {share:g}", NOT, "kMLP has none, it looks at the test events"))
    else:
        rows.append(Row(place, f"validation_fraction = {share:g}", EQUAL, where))
    return {"validation_fraction": share}


def _phase(booked: Booked, network: Network, rows: list[Row]) -> dict[str, Any]:
    """The training of the first phase."""
    place = _place(booked, *_first(booked, "trainingstrategy", "trainingmethod"))
    phase = network.phases[0]
    if len(network.phases) > 1:
        why = f"{len(network.phases)} phases one after the other; a study has one, the first is taken"
        rows.append(Row(_short(place, "phases"), "one phase", NOT, why))
    values: dict[str, Any] = {
        "optimizer": phase.optimizer,
        "learning_rate": phase.learning_rate or LEARNING_RATES[phase.optimizer],
        "batch_size": phase.batch_size,
        "max_epochs": _MOST_EPOCHS if booked.kind == booking.DNN else min(max(phase.max_epochs, 1), 10**6),
        "convergence_steps": min(max(phase.convergence_steps, 1), 10**6),
    }
    if phase.momentum and phase.optimizer == "sgd":
        values["momentum"] = phase.momentum
    if phase.regularization != "none" and phase.weight_decay:
        values["regularization"], values["weight_decay"] = phase.regularization, phase.weight_decay
    penalties = {(layer.l1, layer.l2) for layer in network.layers if layer.kind == "dense"} - {(0.0, 0.0)}
    if penalties:
        l1, l2 = next(iter(penalties))
        values["regularization"], values["weight_decay"] = ("l2", l2) if l2 else ("l1", l1)
    exact = booked.kind == booking.DL
    for name, value in values.items():
        verdict, why = _told_of(name, phase, exact, booked.kind)
        rows.append(Row(_of_key(booked, name), f"{name} = {value}", verdict, why))
    if phase.test_repetitions != 1:
        why = "the validation loss is looked at in every epoch here, so the stop and the best epoch may differ"
        rows.append(Row(_key(booked, "TestRepetitions", place), "", CONDITION, why))
    if not network.keep_best:
        rows.append(
            Row(_short(place, "the last weights"), "", NOT, "the weights of the lowest validation loss are kept here")
        )
    return values


def _told_of(name: str, phase: Phase, exact: bool, kind: str) -> tuple[str, str]:
    if kind == booking.MLP:
        return NOT, "kMLP trains by BP event by event, BFGS or GA, none of which can be had; what comes nearest"
    if kind == booking.DNN and name == "max_epochs":
        return NOT, "kDNN has none and trains on until it converges; MethodDL's default is taken"
    if name == "convergence_steps":
        return (EQUAL if exact else CONDITION), "stops after more than so many epochs without a better validation loss"
    if name == "batch_size":
        return (EQUAL if exact else CONDITION), "what does not fill a batch is left out, as in MethodDL"
    if name == "max_epochs":
        return EQUAL, "the largest number of epochs"
    return (EQUAL if kind != booking.DNN else CONDITION), "the same step, with TMVA's constants"


def _first(booked: Booked, of_deep: str, of_mlp: str) -> tuple[str, ...]:
    """The option that says something, by the kind of method."""
    return (of_mlp if booked.kind == booking.MLP else "filenamemodel" if booked.kind == booking.PYKERAS else of_deep,)


def _of_key(booked: Booked, name: str) -> Place:
    """Where a parameter of the training is stated."""
    if booked.kind == booking.MLP:
        return _place(booked, _OF_MLP.get(name, "trainingmethod"))
    if booked.kind == booking.PYKERAS:
        return _place(booked, _OF_PYKERAS.get(name, "filenamemodel"))
    return _key(booked, _OF_PHASE[name], _place(booked, "trainingstrategy"))


def _key(booked: Booked, name: str, place: Place) -> Place:
    """Where a key of the first phase stands; of one that does not, where the strategy does."""
    option = booked.strategy[0].get(name.lower()) if booked.strategy else None
    return _short(place, f"{name} (its default)") if option is None else option.place


def _short(place: Place, text: str) -> Place:
    return Place(place.file, place.line, f"{place.text.partition('=')[0]}: {text}")


def _dropout(booked: Booked, network: Network, hidden: int, rows: list[Row]) -> dict[str, Any]:
    place = _key(booked, "DropConfig", _place(booked, *_first(booked, "trainingstrategy", "trainingmethod")))
    drop = list(network.phases[0].drop)
    rates = [layer.rate for layer in network.layers if layer.kind == "dropout"]
    if not any(drop) and not rates:
        return {}
    whole = [*drop, *[0.0] * (hidden + 1 - len(drop))][: hidden + 1]
    rate = max([*drop, *rates])
    if (not rates and whole == [0.0] + [rate] * hidden) or (rates == [rate] * hidden and not any(drop)):
        why = "MethodDL on the CPU leaves the mask out of the backward pass; dropout_rule = tmva does so in Keras"
        rows.append(Row(place, f"dropout = {rate:g}", CONDITION, why))
        return {"dropout": rate}
    why = "not the same after each hidden layer and none before the first, as a study has it; the largest is taken"
    rows.append(Row(place, f"dropout = {rate:g}", NOT, why))
    return {"dropout": rate}


def _bdt(booked: Booked, rows: list[Row]) -> dict[str, Any]:
    options: Mapping[str, Option] = booked.options
    trees = _value(booked, "ntrees")
    rate = _value(booked, "shrinkage")
    is_told = not trees or bool(re.fullmatch("[1-9][0-9]{0,5}", trees))
    values: dict[str, Any] = {"max_epochs": int(trees) if trees and is_told else 800}
    why = "the number of trees" if is_told else "the number of trees could not be told; MethodBDT's default is taken"
    place = _place(booked, "ntrees")
    rows.append(Row(place, f"max_epochs = {values['max_epochs']}", EQUAL if is_told else NOT, why))
    if not rate and _value(booked, "boosttype").lower() == "grad":
        rate = "1.0"
    if re.fullmatch(r"[0-9.]{1,20}([eE][-+]?[0-9]{1,3})?", rate) and _is_positive(rate):
        values["learning_rate"] = float(rate)
        rows.append(Row(_place(booked, "shrinkage"), f"learning_rate = {float(rate):g}", EQUAL, "Shrinkage"))
    if "boosttype" not in options:
        why = "AdaBoost is MethodBDT's default; gradient boosting alone can be had"
        rows.append(Row(_place(booked, "boosttype"), "gradient boosting", NOT, why))
    for name, option in options.items():
        if name in _BDT:
            same = option.value.strip().rstrip("%").lower() == _BDT[name].rstrip("%").lower() or _equal(
                option.value, _BDT[name]
            )
            why = "as tmva-bdt books it" if same else f"tmva-bdt books {option.name}={_BDT[name]}"
            rows.append(Row(option.place, f"{option.name}={_BDT[name]}", EQUAL if same else NOT, why))
    rows += _bdt_defaults(booked)
    return values


def _bdt_defaults(booked: Booked) -> list[Row]:
    """Options that are left out and whose default in MethodBDT (``DeclareOptions``) is not what tmva-bdt books."""
    options = booked.options
    bags = _value(booked, "usebaggedboost").lower() in ("true", "t", "1") or "usebaggedgrad" in options
    rows = []
    for name, default, is_meant in (
        ("minnodesize", "5%", "neventsmin" not in options),
        ("usebaggedboost", "False", "usebaggedgrad" not in options),
        ("baggedsamplefraction", "0.6", bags and "gradbaggingfraction" not in options),
    ):
        if is_meant and name not in options:
            place = _place(booked, name)
            books = f"{_SPELLED[name]}={_BDT[name]}"
            rows.append(Row(place, books, NOT, f"MethodBDT's default is {default}, tmva-bdt books {_BDT[name]}"))
    return rows


def _equal(one: str, other: str) -> bool:
    try:
        return float(one.rstrip("%")) == float(other.rstrip("%"))
    except ValueError:
        return False


def _is_positive(text: str) -> bool:
    try:
        return float(text) > 0
    except ValueError:
        return False
