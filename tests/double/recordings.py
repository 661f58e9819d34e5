"""The recorded runs: their files, and the one that equals a booking."""

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any, NamedTuple

import numpy
import uproot

from double.options import BDT, parse

FOLDER = Path(__file__).parents[1] / "data" / "recordings"
TREES = ("TrainS", "TrainB", "TestS", "TestB")
# What each recorded failure says when boiled down to one line.
_UNKNOWN = "The following options were specified, but could not be interpreted: '{}', please check!"
FAILURES = {
    "bdt-unknown-option": _UNKNOWN.format("Foo=1"),
    "fatal-constant-variable": "Dataset[dataset] : Variable constant is constant. Please remove the variable.",
    "fatal-factory-option": _UNKNOWN.format("Foo"),
    "fatal-lower-case-activation": '<TFormula::ProcessFormula>: "taxh" has not been matched in the formula expression',
    "fatal-missing-branch": "Expression nosuch could not be resolved to a valid formula.",
    "fatal-split-option": _UNKNOWN.format("Foo=3"),
    "fatal-unknown-activation": '<TFormula::ProcessFormula>: "FOO" has not been matched in the formula expression',
    "fatal-unknown-architecture": 'Option Architecture does not have predefined value: "TPU"',
    "fatal-unknown-init": 'Option WeightInitialization does not have predefined value: "HE"',
    "fatal-unknown-option": _UNKNOWN.format("Foo=3"),
    "fatal-unknown-transform": "Dataset[dataset] : <ProcessOptions> Variable transform 'Q' unknown.",
    "fatal-validation-below-batch": (
        "Number of samples in the datasets are train: (3900) test: (100). One of these is smaller than the batch size "
        "of 128. Please increase the batch size to be at least the same size as the smallest of them."
    ),
    "fatal-validation-zero": 'Validation size "0%" is zero.',
    "pykeras-missing-model": (
        "Failed to load Keras model from file: nosuch.h5 (OSError: No file or directory found at nosuch.h5)"
    ),
    "pykeras-one-output": (
        "Failed to train model (ValueError: `logits` and `labels` must have the same shape, received ((128, 1) vs "
        "(128, 2)).)"
    ),
    "pykeras-unknown-option": _UNKNOWN.format("Foo=1"),
    "same-title-twice": (
        "Booking failed since method with title <Method> already exists in with DataSet Name <dataset>"
    ),
}
Events = dict[str, dict[str, numpy.ndarray]]


class Booking(NamedTuple):
    """What decides the outcome of a run, beside the events."""

    variables: tuple[str, ...]
    split: str
    method: str
    options: str
    targets: tuple[str, ...] = ()


def case(name: str) -> dict[str, Any]:
    """``case.json`` of a recorded run."""
    return json.loads((FOLDER / name / "case.json").read_text())


def log(name: str) -> str:
    """All that a recorded run printed."""
    return (FOLDER / name / "stdout.log").read_text()


def weight_file(name: str) -> str:
    """Path of a recorded run's weight file."""
    return str(FOLDER / name / "dataset" / "weights" / "job_Method.weights.xml")


def input_file(name: str) -> Path:
    """Path of the input file that a recorded run read."""
    path = FOLDER / name / "input.root"
    return path if path.exists() else FOLDER / "input.root"


def booking(name: str) -> Booking:
    """What a recorded run booked last."""
    calls = case(name)["calls"]
    [split] = [call[2] for call in calls if call[0] == "PrepareTrainingAndTestTree"]
    method, options = [(call[2], call[4]) for call in calls if call[0] == "BookMethod"][-1]
    variables, targets = (tuple(call[1] for call in calls if call[0] == verb) for verb in ("AddVariable", "AddTarget"))
    return Booking(variables, split, method, options, targets)


def names(pattern: str = "*") -> list[str]:
    """Names of the recorded runs, e.g. of all ``dnn-*``."""
    return sorted(path.parent.name for path in FOLDER.glob(f"{pattern}/case.json"))


def find(wanted: Booking, events: Events) -> str | None:
    """The recorded run with an output file that did the same booking on the same events."""
    for path in sorted(FOLDER.glob("*/TMVA.root")):
        name = path.parent.name
        if _equal(booking(name), wanted, name) and _same(read_events(input_file(name), wanted.variables), events):
            return name
    return None


def _equal(recorded: Booking, wanted: Booking, name: str) -> bool:
    if "kBDT" not in (recorded.method, wanted.method):
        return recorded == wanted
    # More options are spelled out than in the recording, whose weight file tells the defaults that it had.
    if recorded._replace(options=wanted.options) != wanted:
        return False
    stored = ElementTree.parse(weight_file(name)).getroot().iterfind("Options/Option")
    known = {option.attrib["name"]: option.text or "" for option in stored}
    return all(_number(known[key]) == _number(value) for key, value in parse(wanted.options, BDT).items())


def _number(value: str) -> float | str:
    try:
        return float(value)
    except ValueError:
        return value.lower()


def read_events(path: Path, variables: tuple[str, ...], trees: tuple[str, ...] = TREES) -> Events:
    """Variables and weights of an input file's trees."""
    with uproot.open(path) as file:
        return {tree: file[tree].arrays([*variables, "weight"], library="np") for tree in trees}


def _same(left: Events, right: Events) -> bool:
    return left.keys() == right.keys() and all(
        numpy.array_equal(left[tree][name], right[tree][name]) for tree in left for name in left[tree]
    )
