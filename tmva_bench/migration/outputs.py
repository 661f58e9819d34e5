"""What TMVA leaves, weight files and TMVA.root with its log, and booking strings, as jobs."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tmva_bench.engines import tmva_files, tmva_weights
from tmva_bench.errors import UserError, short, short_path
from tmva_bench.events import reading
from tmva_bench.migration import bookings, models, networks, sources
from tmva_bench.migration.booking import (
    BACKGROUND,
    SIGNAL,
    TEST,
    TRAINING,
    Booked,
    Input,
    Job,
    Network,
    Place,
    Remark,
    Variable,
)
from tmva_bench.migration.values import Holes, Text, joined

_BOOKING = re.compile(r"Booking method:\s*(?:\S*\[0?1?m)?(.+)")
_STRING = re.compile(r':\s+\.\.\.\s+"(.*)"\s*$')
_SET = re.compile(r':\s+(\w[\w.\[\]]*): "(.*?)" \[')
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
# Branches of TMVA's trees of events that are no variables.
_OTHERS = ("classID", "className", "weight")
# Tasks by the name in a weight file.
_CLASSIFICATION = "Classification"


def of_weight_file(path: Path) -> Job:
    """The job behind a weight file of any method: its variables, its options, the transformation.

    Raises:
        UserError: no weight file of TMVA, or a damaged one.
    """
    file = tmva_weights.parse(path)
    lines = _lines_of_options(path)
    variables = _variables(file.root.findall("Variables/Variable"), path.name)
    names = tuple(variable.name for variable in variables)
    parts = []
    for name, value in file.options.items():
        place = Place(path.name, lines.get(name, 0), f"{name}={value}")
        parts.append(Text(f"{name}={value}", (0,), (place,)))
    colon = Text(":", (0,), (Place(path.name),))
    options = joined([piece for part in parts for piece in (colon, part)][1:], Place(path.name))
    context = networks.Context(names, model=lambda name: _model(path, name))
    booking = bookings.Booking(f"k{file.method}", file.title, options, Place(path.name), is_stored=True)
    booked = bookings.booked(booking, context, Holes())
    remarks = []
    task = file.info.get("AnalysisType", "")
    if task != _CLASSIFICATION:
        remarks.append(
            Remark(f"AnalysisType {task[:40] or 'is not told'}: a classification alone can be had", Place(path.name))
        )
    remarks.append(Remark("a weight file tells no trees, cuts, weights and no split", Place(path.name)))
    return Job(
        source=path.name,
        variables=variables,
        spectators=_variables(file.root.findall("Spectators/Spectator"), path.name),
        methods=(_replaced(booked, weight_file=str(path)),),
        remarks=tuple(remarks),
        is_classification=task == _CLASSIFICATION,
    )


def _model(path: Path, name: str) -> tuple[Network, list[str]] | None:
    """The model of Keras that a weight file names, which lies where the job was started, two folders up."""
    places = [models.of_file(folder, name) for folder in list(path.resolve().parents)[:3]]
    return next((model for model in places if model is not None), None)


def _replaced(booked: Booked, **changes: Any) -> Booked:
    return Booked(**{**vars(booked), **changes})


def _lines_of_options(path: Path) -> dict[str, int]:
    """The line of each option in a weight file."""
    lines = {}
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if match := re.search(rb'<Option name="([^"]*)"', line):
                lines[match[1].decode(errors="replace")] = number
            if b"</Options>" in line:
                break
    return lines


def _variables(entries: Sequence[Any], name: str) -> tuple[Variable, ...]:
    return tuple(
        Variable(
            entry.attrib.get("Expression", ""),
            entry.attrib.get("Label", "") or entry.attrib.get("Expression", ""),
            entry.attrib.get("Type", "F"),
            Place(name, 0, entry.attrib.get("Label", "")),
        )
        for entry in entries
    )


def of_root(path: Path) -> list[Job]:
    """The jobs behind TMVA's output file, with what its log and its weight files beside it tell.

    Args:
        path: ``TMVA.root``.

    Raises:
        UserError: it cannot be read, or has no trees of events.
    """
    folders = tmva_files.loaders(str(path))
    if not folders:
        raise UserError(
            f"{short_path(path)}: has no TrainTree, so it is no output of TMVA; give TMVA.root, or the macro"
        )
    weights = {}
    for file in sorted(path.parent.glob("**/weights/*.weights.xml"))[:1000]:
        header = tmva_weights.header(file)
        weights[file.parent.parent.name, header.title] = file
    stated = _logged(path.parent)
    return [_of_folder(path, folder, weights, stated) for folder in folders]


def _of_folder(path: Path, folder: str, weights: dict[tuple[str, str], Path], stated: dict[str, Text]) -> Job:
    with reading.opened(str(path)) as file:
        keys = [str(key) for key in file.keys(recursive=True, cycle=False)]
    titles = {}
    for key in keys:
        match = re.fullmatch(r"(?:(.*)/)?Method_([^/]+)/([^/]+)", key)
        if match and (match[1] or "") == folder:
            titles[match[3]] = match[2]
    branches = tmva_files.sample_branches(str(path), folder)
    names = [name for name in branches.get("TrainTree", []) if name not in (*_OTHERS, *titles)]
    here = Place(path.name)
    holes = Holes()
    of_loader = {title: file for (loader, title), file in weights.items() if loader == folder}
    jobs = {title: of_weight_file(file) for title, file in of_loader.items() if title in titles}
    variables = next((job.variables for job in jobs.values()), tuple(Variable(name, name, "F", here) for name in names))
    context = networks.Context(tuple(variable.name for variable in variables))
    methods: list[Booked] = []
    remarks = []
    for title, kind in titles.items():
        if title in jobs:
            methods += jobs[title].methods
            continue
        options = stated.get(title)
        if options is None:
            remarks.append(
                Remark(f"{title}: no weight file lies beside, and no log tells its options (book with V)", here)
            )
            continue
        methods.append(bookings.booked(bookings.Booking(f"k{kind}", title, options, here), context, holes))
    trees = [(tree, use) for tree, use in (("TrainTree", TRAINING), ("TestTree", TEST)) if tree in branches]
    return Job(
        source=path.name,
        output=str(path),
        dataset=folder,
        variables=variables,
        inputs=tuple(
            Input(str(path), f"{folder}/{tree}" if folder else tree, kind, use, 1.0, here)
            for tree, use in trees
            for kind in (SIGNAL, BACKGROUND)
        ),
        methods=tuple(methods),
        remarks=(*remarks, Remark("events are TMVA's own, their weights of training those after NormMode", here)),
    )


def _logged(folder: Path) -> dict[str, Text]:
    """The strings of options that logs in a folder state, by title: whole, or option by option."""
    stated: dict[str, Text] = {}
    for path in sorted([*folder.glob("*.log"), *folder.glob("*.txt")])[:100]:
        title, by_user = "", False
        parts: dict[str, list[Text]] = {}
        for number, line in enumerate(_COLOUR.sub("", sources.text_of(path)).splitlines(), 1):
            place = Place(path.name, number, line.strip()[:200])
            if match := _BOOKING.search(line):
                title, by_user = match[1].strip(), False
            elif (match := _STRING.search(line)) and title:
                stated[title] = Text(match[1], (0,), (place,))
            elif "- By User:" in line or "- Default:" in line:
                by_user = "User" in line
            elif by_user and title and (match := _SET.search(line)):
                parts.setdefault(title, []).append(Text(f"{match[1]}={match[2]}:", (0,), (place,)))
        for name, texts in parts.items():
            stated.setdefault(name, joined(texts, Place(path.name)))
    return stated


def of_bookings(texts: Sequence[str]) -> Job:
    """The job of booking strings, ``TITLE: TYPE: OPTIONS`` or ``TYPE: OPTIONS`` each.

    Args:
        texts: e.g. ``DNN: kDL: H:V:Layout=TANH|50,LINEAR:TrainingStrategy=...``.

    Raises:
        UserError: no type of method in one.
    """
    methods = []
    for text in texts:
        words = text.split(":", 2)
        # A title may be called like a type (DNN:kDL:...), and an option, too (kFisher:Fisher).
        order = (0, 1) if words[0].strip().startswith("k") else (1, 0)
        at = next((n for n in order if n < len(words) and is_type(words[n].strip())), None)
        if at is None:
            raise UserError(
                f"--booking {short(text)}: no type of method; give TITLE:TYPE:OPTIONS, e.g. "
                "'DNN:kDL:Layout=TANH|50,LINEAR:...'"
            )
        title = words[0].strip() if at else words[at].strip().removeprefix("k")
        string = ":".join(text.split(":")[at + 1 :]).strip()
        place = Place("--booking", 0, string)
        booking = bookings.Booking(words[at].strip(), title, Text(string, (0,), (place,)), place)
        methods.append(bookings.booked(booking, networks.Context(()), Holes()))
    return Job(
        "--booking", methods=tuple(methods), remarks=(Remark("a booking alone tells no events", Place("--booking")),)
    )


def is_type(text: str) -> bool:
    """Whether a text names a type of TMVA's methods."""
    return bookings.TYPE.fullmatch(text) is not None


def read(path: Path) -> list[Job]:
    """The jobs of a source, by what it is.

    Raises:
        UserError: it cannot be read, or is none that is known.
    """
    name = path.name.lower()
    if not path.exists():
        raise UserError(f"{short_path(path)}: no such file; correct the path")
    if name.endswith(".xml"):
        return [of_weight_file(path)]
    if name.endswith(".root"):
        return of_root(path)
    if path.suffix.lower() in (*sources.CPP, ".py"):
        return sources.script(path)
    raise UserError(
        f"{short_path(path)}: unknown kind of source; give a macro (.C, .cxx, .cpp), a script (.py), a weight file "
        "(*.weights.xml) or TMVA.root"
    )
