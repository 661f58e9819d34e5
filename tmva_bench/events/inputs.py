"""The common ROOT input file that every method reads: written, checked, read, shortened.

TTrees ``TrainS``, ``TrainB``, ``TestS`` and ``TestB`` hold one branch a variable and the event ``weight``.
Beside them lie ``metadata``, a JSON string that says how the events were made, and, for generated samples,
the trees ``LikelihoodRatioS`` and ``LikelihoodRatioB``: the log likelihood ratio of each test event. Spectators, which
no method is trained on, lie in ``SpectatorsTrainS``, ``SpectatorsTrainB``, ``SpectatorsTestS`` and ``SpectatorsTestB``,
event by event; ``spectators`` in the metadata names them.
"""

import hashlib
import json
import math
import os
import re
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

import numpy

from tmva_bench.basis import autoencoder, mapping
from tmva_bench.basis.config import Point
from tmva_bench.errors import UserError, nearest
from tmva_bench.events import output, reading, roc

TREES = {
    "TrainS": "training events, signal",
    "TrainB": "training events, background",
    "TestS": "test events, signal",
    "TestB": "test events, background",
}
WEIGHT = "weight"
_RATIO_TREES = {"TestS": "LikelihoodRatioS", "TestB": "LikelihoodRatioB"}
_RATIO = "log_likelihood_ratio"
# The trees of the spectators, and what the metadata call them.
SPECTATOR_TREES = {tree: f"Spectators{tree}" for tree in TREES}
_SPECTATORS = "spectators"
_METADATA = "metadata"
_UNMADE = "unmade"
# Events in which almost every variable differs.
_SOME = 1000
# How many test events are equal to training events, by tree; told where a file is made of users' own events.
_REPEATED = "repeated"
# Checksums of the other texts in the file, and of the metadata without this one.
_SUMS, _SUM = "checksums", "checksum"


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def _is_area(value: Any) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < math.inf)


def _is_encoding(value: Any) -> bool:
    """Whether this is what an encoded file says of its autoencoder; None for a file that is not encoded."""
    if value is None:
        return True
    training = value.get("training") if isinstance(value, dict) else None
    times = (
        [training.get(f"{clock}_time_encode", 0.0) for clock in ("cpu", "real")] if isinstance(training, dict) else []
    )
    return bool(times) and isinstance(value.get("from"), str) and all(isinstance(seconds, float) for seconds in times)


# What the metadata hold, and whether a value is of that kind.
_KEYS: Dict[str, Callable[[Any], bool]] = {
    "sample": lambda value: isinstance(value, str) and value.isprintable() and 0 < len(value) <= 200,
    "parameters": lambda value: isinstance(value, dict),
    "seed": lambda value: value is None or _is_whole(value),
    "variables": lambda value: isinstance(value, list),
    "original_names": lambda value: isinstance(value, dict),
    "events": lambda value: isinstance(value, dict) and all(map(_is_whole, value.values())),
    "digest": lambda value: isinstance(value, str),
    "roc_auc_best_possible": _is_area,
    "encoded": _is_encoding,
    _SPECTATORS: lambda value: value is None or (isinstance(value, list) and all(isinstance(n, str) for n in value)),
    "selection": lambda value: value is None or isinstance(value, dict),
}
# Branches that TMVA's TestTree has beside the variables.
_RESERVED = (WEIGHT, "classID", "className", mapping.METHOD_TITLE)
# More variables than anybody trains on; a network's first layer and the covariance grow with them.
MOST_VARIABLES = 2000
_MAKE = "make one with `tmva-bench generate`"


class Tree(NamedTuple):
    """A tree that a file holds beside the events.

    Attributes:
        title: what it is.
        columns: arrays of numbers or lists of texts by branch, equally long.
    """

    title: str
    columns: Mapping[str, Any]


class InputFile(NamedTuple):
    """A common input file in memory; dictionaries are keyed by tree name.

    Attributes:
        path: where it was read.
        variables: the input variables, in the order of the branches.
        events: float32, shape ``(events, variables)``.
        weights: event weights, float32, shape ``(events,)``.
        metadata: ``sample``, ``parameters``, ``seed``, ``variables``, ``original_names``, ``events`` (how many
            by tree), ``digest`` and ``roc_auc_best_possible`` (None where the likelihood ratio is not known).
    """

    path: str
    variables: List[str]
    events: Dict[str, numpy.ndarray]
    weights: Dict[str, numpy.ndarray]
    metadata: Dict[str, Any]


class Sample(NamedTuple):
    """Training and test events of signal and background.

    Attributes:
        name: name of the sample.
        variables: the input variables, as C identifiers.
        original_names: the name that each variable had before.
        trees: ``TrainS``, ``TrainB``, ``TestS``, ``TestB``, each with an array (float32, one entry an event)
            for every variable and for ``weight``.
        parameters: all that made the sample, but for the seed.
        seed: the seed.
        log_likelihood_ratio: logarithm of signal over background density of the events in ``TestS`` and
            ``TestB`` (float64), None where it is not known.
        sources: the files that the events are taken from.
        spectators: by tree and name, what is carried along and not trained on.
        selection: how they were selected, see :mod:`tmva_bench.events.conversion`; None for generated ones.
    """

    name: str
    variables: List[str]
    original_names: Dict[str, str]
    trees: Dict[str, Dict[str, numpy.ndarray]]
    parameters: Dict[str, Any]
    seed: int
    log_likelihood_ratio: Optional[Dict[str, numpy.ndarray]]
    sources: Sequence[str] = ()
    spectators: Optional[Dict[str, Dict[str, numpy.ndarray]]] = None
    selection: Optional[Dict[str, Any]] = None


class Block(NamedTuple):
    """Some events of a tree.

    Attributes:
        events: float32, shape ``(events, variables)``.
        weights: float32.
        spectators: float64, int64 or uint64, by name.
    """

    events: numpy.ndarray
    weights: numpy.ndarray
    spectators: Mapping[str, numpy.ndarray]


class Stream(NamedTuple):
    """What a common input file is to hold, block by block.

    Attributes:
        variables: the input variables.
        metadata: all but what follows from the events.
        events: their number by tree.
        spectators: type by name.
        blocks: gives the blocks of a tree, in order.
        sources: the files that the events are taken from.
    """

    variables: List[str]
    metadata: Dict[str, Any]
    events: Dict[str, int]
    spectators: Dict[str, numpy.dtype]
    blocks: Callable[[str], Iterator[Block]]
    sources: Sequence[str]


def write(sample: Sample, path: Union[str, Path], *, force: bool = False) -> Dict[str, Any]:
    """Writes a sample as the common input file, complete or not at all; one that holds just this is kept as it is.

    Args:
        sample: the events.
        path: the file.
        force: whether to write over a file that holds something else.

    Returns:
        The metadata that the file holds.

    Raises:
        UserError: see :func:`store`.
    """
    return store(
        of_sample(sample, path),
        sample.log_likelihood_ratio,
        trees=_spectator_trees(sample.spectators or {}),
        sources=sample.sources,
        force=force,
    )


def of_sample(sample: Sample, path: Union[str, Path]) -> InputFile:
    """A sample as the input file that :func:`write` makes of it, in memory.

    Args:
        sample: the events.
        path: where the file would lie.

    Raises:
        UserError: events that no method may be given (see :func:`read`).
    """
    events = {tree: _columns([sample.trees[tree][name] for name in sample.variables]) for tree in TREES}
    weights = {tree: _float32(sample.trees[tree][WEIGHT]) for tree in TREES}
    metadata = {
        "sample": sample.name,
        "parameters": sample.parameters,
        "seed": sample.seed,
        "variables": sample.variables,
        "original_names": sample.original_names,
    }
    if sample.selection is not None:
        metadata["selection"] = sample.selection
    if sample.spectators:
        metadata[_SPECTATORS] = list(sample.spectators["TrainS"])
    return _completed(InputFile(str(path), sample.variables, events, weights, metadata), sample.log_likelihood_ratio)


def read(path: Union[str, Path]) -> InputFile:
    """Reads and checks a common input file.

    A file without ``metadata``, as one made by hand, is accepted; its metadata are then filled in from the
    events, with the file's stem as name of the sample.

    Args:
        path: the file.

    Raises:
        UserError: a file that is missing, no ROOT file or damaged; trees that are missing or differ in their
            branches; no event weights; branches that are no single numbers or whose names TMVA would read as
            formulas; no events, NaN or infinite values, weights whose sum is not positive, variables that are
            constant in training; events that are not those of the stored digest.
    """
    input_file = read_unchecked(path)
    check(input_file)
    if "digest" not in input_file.metadata:
        input_file.metadata.update(_derived(input_file, None))
    return input_file


def read_unchecked(path: Union[str, Path]) -> InputFile:
    """Reads a common input file whose events no method may be given, so that what is wrong can be told.

    Args:
        path: the file.

    Returns:
        What it holds; the metadata of a file made by hand lack what follows from the events.

    Raises:
        UserError: see :func:`read`, but for the values.
    """
    columns: Dict[str, Dict[str, numpy.ndarray]] = {}
    with reading.opened(path) as file:
        names = _branch_names(str(path), file)
        for tree in TREES:
            held = file[tree]
            columns[tree] = {name: reading.column(held, name) for name in names}
        stored = str(file[_METADATA]) if _METADATA in file else None
    variables = [name for name in names if name != WEIGHT]
    return InputFile(
        path=str(path),
        variables=variables,
        events={tree: _columns([columns[tree][name] for name in variables]) for tree in TREES},
        weights={tree: _float32(columns[tree][WEIGHT]) for tree in TREES},
        metadata=_by_hand(Path(path), variables) if stored is None else _parse_metadata(str(path), stored),
    )


def check(input_file: InputFile) -> None:
    """Refuses events that no method may be given.

    Args:
        input_file: of :func:`read_unchecked`.

    Raises:
        UserError: see :func:`read`.
    """
    _check_events(input_file)
    if "digest" in input_file.metadata and input_file.metadata["digest"] != _digest(input_file):
        raise UserError(
            f"{input_file.path}: the events are not those that its stored digest was made of; the file was changed or "
            "damaged after it was written, generate it again"
        )


def read_metadata(path: Union[str, Path]) -> Dict[str, Any]:
    """What a common input file says of itself, without a look at its events; nothing for a file made by hand.

    Raises:
        UserError: it cannot be read, or says what the package does not write.
    """
    with reading.opened(path) as file:
        stored = str(file[_METADATA]) if _METADATA in file else None
    return {} if stored is None else _parse_metadata(str(path), stored)


def take(
    path_in: Union[str, Path],
    path_out: Union[str, Path],
    *,
    train_signal: int = 0,
    train_background: int = 0,
    test_signal: int = 0,
    test_background: int = 0,
    force: bool = False,
) -> Dict[str, Any]:
    """Writes a common input file with the first events of each tree of another.

    Args:
        path_in: the file to take events of.
        path_out: the file to write.
        train_signal: training events, signal; 0 takes all.
        train_background: training events, background; 0 takes all.
        test_signal: test events, signal; 0 takes all.
        test_background: test events, background; 0 takes all.
        force: whether to write over a file that holds something else.

    Returns:
        The metadata that the new file holds: those of the other, with ``taken_from``, the other's digest, and
        the best possible area of the events taken.

    Raises:
        UserError: a tree holds fewer events than asked for, or see :func:`read` and :func:`write`.
    """
    numbers = (train_signal, train_background, test_signal, test_background)
    whole = read(path_in)
    part, ratio = _first(whole, path_out, numbers)
    spectators = {
        tree: {name: values[: len(part.weights[tree])] for name, values in columns.items()}
        for tree, columns in read_spectators(whole).items()
    }
    return store(part, ratio, trees=_spectator_trees(spectators), sources=[path_in], force=force)


def first(whole: InputFile, path: Union[str, Path], numbers: Sequence[int]) -> InputFile:
    """The first events of each tree as the input file that :func:`take` makes of them, in memory.

    Args:
        whole: the file to take events of.
        path: where the new file would lie.
        numbers: of the events of each tree, in the order of :data:`TREES`; 0 takes all.

    Raises:
        UserError: a tree holds fewer events than asked for.
    """
    return _completed(*_first(whole, path, numbers))


def _first(
    whole: InputFile, path: Union[str, Path], numbers: Sequence[int]
) -> Tuple[InputFile, Optional[Dict[str, numpy.ndarray]]]:
    wanted = dict(zip(TREES, numbers))
    parameters = dict(zip(TREES, ("train_signal", "train_background", "test_signal", "test_background")))
    for tree, number in wanted.items():
        held = len(whole.weights[tree])
        if not 0 <= number <= held:
            raise UserError(
                f"{parameters[tree]} = {number}: {whole.path} holds {held} events in {tree}; "
                f"ask for at most {held} (0: all), or generate more"
            )
    ends = {tree: number or None for tree, number in wanted.items()}
    ratio = _read_ratio(whole) if Path(whole.path).exists() else None
    part = InputFile(
        path=str(path),
        variables=whole.variables,
        events={tree: values[: ends[tree]] for tree, values in whole.events.items()},
        weights={tree: values[: ends[tree]] for tree, values in whole.weights.items()},
        metadata={
            **{name: value for name, value in whole.metadata.items() if name != _REPEATED},
            "taken_from": whole.metadata["digest"],
        },
    )
    return part, ratio and {tree: values[: ends[tree]] for tree, values in ratio.items()}


def unmade(
    path: Union[str, Path], sample: str, variables: List[str], recipe: str, numbers: Sequence[int] = (0, 0, 0, 0)
) -> InputFile:
    """What stands for a common input file in a plan before its events are read: it has none.

    Args:
        path: where it is to lie.
        sample: name of the sample.
        variables: the input variables.
        recipe: in place of the digest of its events.
        numbers: of the events that are asked for, in the order of :data:`TREES`; 0 where all are.
    """
    events = dict(zip(TREES, numbers))
    metadata = {
        "sample": sample,
        "parameters": {},
        "seed": None,
        "variables": variables,
        "original_names": {},
        "events": events,
        "digest": recipe,
        "roc_auc_best_possible": None,
        _UNMADE: True,
    }
    # Of any number, without memory for them.
    weights = {tree: numpy.broadcast_to(numpy.float32(1), (number,)) for tree, number in events.items()}
    none = {tree: numpy.broadcast_to(numpy.float32(0), (number, len(variables))) for tree, number in events.items()}
    return InputFile(str(path), variables, none, weights, metadata)


def is_made(input_file: InputFile) -> bool:
    """Whether it holds events; see :func:`unmade`."""
    return _UNMADE not in input_file.metadata


def store(
    input_file: InputFile,
    ratio: Optional[Dict[str, numpy.ndarray]] = None,
    *,
    trees: Optional[Mapping[str, Tree]] = None,
    texts: Optional[Mapping[str, str]] = None,
    sources: Iterable[Union[str, Path]] = (),
    force: bool = False,
) -> Dict[str, Any]:
    """Writes events as a common input file, complete or not at all; one that holds just this is kept as it is.

    Args:
        input_file: the events; ``path`` is where they go, ``metadata`` is completed by what follows from the events.
        ratio: log likelihood ratio of the test events, None where it is not known.
        trees: what else the file holds, by name.
        texts: likewise.
        sources: the files that it is made of, none of which is written over.
        force: whether to write over a file that holds something else.

    Returns:
        The metadata that the file holds.

    Raises:
        UserError: events that no method may be given (see :func:`read`), a file that is there and holds something else
            or that is one of ``sources``, or one that cannot be written.
    """
    import uproot

    path = output.check(input_file.path, sources)
    metadata = _sealed(_completed(input_file, ratio).metadata, texts or {})
    if holds(path, metadata):
        return metadata
    output.refuse_existing(path, force=force)
    with output.beside(path) as beside, beside.open("w+b") as raw, uproot.recreate(raw) as file:
        _fill(file, input_file, ratio)
        for name, tree in (trees or {}).items():
            types = {
                branch: values.dtype if isinstance(values, numpy.ndarray) else "string"
                for branch, values in tree.columns.items()
            }
            file.mktree(name, types, title=tree.title).extend(tree.columns)
        for name, text in {**(texts or {}), _METADATA: json.dumps(metadata)}.items():
            file[name] = text
    return metadata


def store_stream(path: Union[str, Path], stream: Stream, *, force: bool = False) -> Dict[str, Any]:
    """Writes events as they come as a common input file, in bounded memory; else as :func:`store`.

    Args:
        path: the file.
        stream: what it is to hold.
        force: whether to write over a file that holds something else.

    Returns:
        The metadata that the file holds.

    Raises:
        UserError: see :func:`store`.
    """
    import uproot

    path = output.check(path, stream.sources)
    check_names(str(path), stream.variables)
    metadata = dict(stream.metadata)
    if stream.spectators:
        metadata[_SPECTATORS] = list(stream.spectators)
    if Path(path).exists() and not _may_hold(path, metadata):
        output.refuse_existing(path, force=force)
    with output.unnamed(path) as raw:
        digest = _Digest(stream.variables)
        # uproot closes the file that it is given, and one without a name would be gone.
        with os.fdopen(os.dup(raw.fileno()), "w+b") as copy, uproot.recreate(copy) as file:
            ranges: List[numpy.ndarray] = []
            numbers = {}
            for tree, title in TREES.items():
                digest.begin(tree, stream.events[tree])
                reach, numbers[tree] = _fill_tree(file, str(path), tree, title, stream, digest)
                ranges += [reach] if tree.startswith("Train") else []
                if tree == "TrainB":
                    _check_constant(str(path), stream.variables, *_range(ranges))
            again = {tree: repeated(numbers[tree], numbers[f"Train{tree[-1]}"]) for tree in _RATIO_TREES}
            derived = {
                "repeated": again,
                "events": stream.events,
                "digest": digest.end(),
                "roc_auc_best_possible": None,
            }
            metadata = _sealed({**metadata, **derived}, {})
            file[_METADATA] = json.dumps(metadata)
        if _may_hold(path, metadata) and holds(path, metadata):
            return metadata
        output.refuse_existing(path, force=force)
        output.name(raw, path)
    return metadata


def refuse_other(path: Union[str, Path], metadata: Mapping[str, Any], selection: Mapping[str, Any]) -> None:
    """Refuses an output that holds something else than what is asked for, before its events are read.

    Args:
        path: the file to write.
        metadata: what is known of its metadata.
        selection: what is known of their ``selection``.

    Raises:
        UserError: it is there, and was not made by this recipe.
    """
    try:
        stored = read_metadata(path) if Path(path).is_file() else {}
    except UserError:
        stored = {}
    wanted = json.loads(json.dumps({"metadata": metadata, "selection": selection}))
    told = stored.get("selection") or {}
    if not _has(stored, wanted["metadata"]) or not _has(told, wanted["selection"]):
        output.refuse_existing(path)


def _has(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return all(name in stored and stored[name] == value for name, value in wanted.items())


def _may_hold(path: Path, metadata: Mapping[str, Any]) -> bool:
    """Whether what a file says of itself is what these metadata say, without a look at its events."""
    if not path.is_file():
        return False
    try:
        with reading.opened(path) as file:
            stored = json.loads(str(file[_METADATA])) if _METADATA in file else {}
    except (UserError, ValueError, RecursionError):
        return False
    wanted = json.loads(json.dumps(metadata))
    return isinstance(stored, dict) and _has(stored, wanted)


def _fill_tree(
    file: Any, path: str, tree: str, title: str, stream: Stream, digest: "_Digest"
) -> Tuple[numpy.ndarray, numpy.ndarray]:
    """Writes the blocks of a tree, and those of its spectators; gives the ends of the variables and the numbers."""
    if not stream.events[tree]:
        raise UserError(f"{path}: tree {tree} has no events; every tree needs some")
    branches = dict.fromkeys([*stream.variables, WEIGHT], numpy.float32)
    written = file.mktree(tree, branches, title=title)
    aside = None
    if stream.spectators:
        title = _spectator_title(tree)
        aside = file.mktree(SPECTATOR_TREES[tree], stream.spectators, title=title)
    numbers, filled = numpy.empty(stream.events[tree], numpy.uint64), 0
    low = numpy.full(len(stream.variables), numpy.inf)
    high, total = -low, 0.0
    for block in stream.blocks(tree):
        # What is done by variable is done on one stretch of memory each.
        columns = numpy.ascontiguousarray(block.events.T)
        written.extend({**dict(zip(stream.variables, columns)), WEIGHT: block.weights})
        if aside is not None:
            aside.extend(dict(block.spectators))
        digest.add(block.events, block.weights)
        numbers[filled : filled + len(block.events)] = row_numbers(columns.T)
        filled += len(block.events)
        low, high = numpy.minimum(low, columns.min(axis=1)), numpy.maximum(high, columns.max(axis=1))
        total += float(block.weights.sum(dtype=numpy.float64))
    _check_total(path, tree, total)
    return numpy.stack([low, high]), numbers


class _Digest:
    """SHA-256 over the trees' names, sizes and branches, and the events' bytes, as they come."""

    def __init__(self, variables: List[str]) -> None:
        self._variables = variables
        self._digest = hashlib.sha256()
        self._weights: List[bytes] = []

    def begin(self, tree: str, events: int) -> None:
        self._flush()
        self._digest.update(json.dumps([tree, events, self._variables + [WEIGHT]]).encode())

    def add(self, events: numpy.ndarray, weights: numpy.ndarray) -> None:
        self._digest.update(numpy.ascontiguousarray(events, "<f4").data)
        self._weights.append(weights.astype("<f4").tobytes())

    def _flush(self) -> None:
        for weights in self._weights:
            self._digest.update(weights)
        self._weights = []

    def end(self) -> str:
        self._flush()
        return self._digest.hexdigest()


def _spectator_title(tree: str) -> str:
    return f"spectators of {tree}, event by event"


def _spectator_trees(spectators: Mapping[str, Mapping[str, numpy.ndarray]]) -> Dict[str, Tree]:
    return {SPECTATOR_TREES[tree]: Tree(_spectator_title(tree), columns) for tree, columns in spectators.items()}


def read_spectators(input_file: InputFile) -> Dict[str, Dict[str, numpy.ndarray]]:
    """The spectators of a common input file.

    Args:
        input_file: of :func:`read`.

    Returns:
        float64, int64 or uint64, by tree and name, in the order of the events; empty where it has none.

    Raises:
        UserError: they cannot be read, or are not one an event.
    """
    names = input_file.metadata.get(_SPECTATORS) or []
    if not names:
        return {}
    spectators = {}
    with reading.opened(input_file.path) as file:
        for tree, aside in SPECTATOR_TREES.items():
            if aside not in file.classnames(recursive=False, cycle=False):
                raise UserError(f"{input_file.path}: no tree {aside}, which its metadata name; make the file again")
            spectators[tree] = {name: reading.numbers(file[aside], name) for name in names}
            for name, values in spectators[tree].items():
                if len(values) != len(input_file.weights[tree]):
                    raise UserError(
                        f"{input_file.path}: tree {aside}, branch {name!r}: {len(values)} entries, and {tree} has "
                        f"{len(input_file.weights[tree])}; make the file again"
                    )
    return spectators


def spectator_trees(input_file: InputFile) -> Dict[str, Tree]:
    """The trees of the spectators of a common input file, for another of the same events.

    Raises:
        UserError: see :func:`read_spectators`.
    """
    return _spectator_trees(read_spectators(input_file))


def _completed(input_file: InputFile, ratio: Optional[Dict[str, numpy.ndarray]]) -> InputFile:
    """With the metadata that follow from the events, which are checked."""
    _check_events(input_file)
    return input_file._replace(metadata=dict(input_file.metadata, **_derived(input_file, ratio)))


def holds(path: Union[str, Path], metadata: Mapping[str, Any]) -> bool:
    """Whether a file is a whole common input file with just this metadata, and so made by the same recipe.

    Args:
        path: the file.
        metadata: what :func:`write` would store.
    """
    if not Path(path).is_file():
        return False
    try:
        return bool(read(path).metadata == json.loads(json.dumps(metadata)))
    except UserError:
        return False


def membership(training: numpy.ndarray, validating: int, test: numpy.ndarray) -> Dict[str, str]:
    """Digests of the events that a network is trained on, validated on and tested on, whatever their order.

    Args:
        training: the training vector, float32, shape (events, variables); its last events validate.
        validating: number of validation events.
        test: the test events.

    Returns:
        ``training_digest``, ``validation_digest``, ``test_digest``.
    """
    parts = {
        "training_digest": training[: len(training) - validating],
        "validation_digest": training[len(training) - validating :],
        "test_digest": test,
    }
    return {name: _order_free_digest(events) for name, events in parts.items()}


def _order_free_digest(events: numpy.ndarray) -> str:
    ordered = events.astype(numpy.float32)[numpy.lexsort(events.T)]
    return hashlib.sha256(numpy.ascontiguousarray(ordered).tobytes()).hexdigest()[:16]


def row_numbers(events: numpy.ndarray) -> numpy.ndarray:
    """A number of 64 bits for each event, the same for equal events, and for others with all but certainty not.

    Args:
        events: float32, shape (events, variables).
    """
    mixed = numpy.zeros(len(events), numpy.uint64)
    for column in numpy.ascontiguousarray(events.T, numpy.float32):
        mixed ^= (column + numpy.float32(0)).view(numpy.uint32)  # -0 is 0
        mixed *= numpy.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> numpy.uint64(32)
    return mixed


def repeated(test: numpy.ndarray, training: numpy.ndarray) -> int:
    """How many of some events are among others.

    Args:
        test: their numbers, see :func:`row_numbers`.
        training: those of the others.
    """
    # Few events of either are among the other, and only those few are put in order.
    test = test[_may_be_among(test, training)]
    training = numpy.sort(training[_may_be_among(training, test)])
    if not len(training):
        return 0
    number, step = 0, 2**18
    for start in range(0, len(test), step):
        part = numpy.sort(test[start : start + step])  # the search goes through memory in order
        places = numpy.minimum(numpy.searchsorted(training, part), len(training) - 1)
        number += int((training[places] == part).sum())
    return number


def _may_be_among(numbers: numpy.ndarray, others: numpy.ndarray) -> numpy.ndarray:
    """Which numbers share their last bits with one of the others, as all do that are among them."""
    # Sixteen places for each, as far as they fit in a few MiB.
    last = numpy.uint64(2 ** min(24, (16 * len(others)).bit_length()) - 1)
    taken = numpy.zeros(int(last) + 1, bool)
    taken[(others & last).astype(numpy.intp)] = True
    return numpy.asarray(taken[(numbers & last).astype(numpy.intp)])


def check_batches(input_file: InputFile, point: Point) -> None:
    """Refuses a batch that the training or the validation events cannot fill: there TMVA stops.

    Args:
        input_file: the events.
        point: gives the batch size and the share of validation events, and the autoencoder's, if it has one.

    Raises:
        UserError: ``batch_size`` is larger than either part, a part is empty, or the autoencoder cannot be trained on
            the events.
    """
    if point.encoding:
        wanted, _ = autoencoder.of_chain(point.encoding, point.seed)
        held = {kind: len(input_file.weights[f"Train{kind[0]}"]) for kind in ("Signal", "Background")}
        wanted.check(input_file.path, len(input_file.variables), held.get(wanted.event_class, sum(held.values())))
    total = len(input_file.weights["TrainS"]) + len(input_file.weights["TrainB"])
    validation = mapping.training(point).validation_events(total)
    parts = {"training": total - validation, "validation": validation}
    smallest = min(parts, key=lambda part: parts[part])
    if not parts[smallest]:
        raise UserError(
            f"validation_fraction = {point.validation_fraction:g}: nothing is left for the {smallest} part of the "
            f"{total} training events of {input_file.path}; use another one or more training events"
        )
    if parts[smallest] < point.batch_size:
        raise UserError(
            f"batch_size = {point.batch_size}: larger than the {smallest} part, {parts[smallest]} of the {total} "
            f"training events of {input_file.path} with validation_fraction = {point.validation_fraction:g}; "
            "use a smaller batch_size or more training events"
        )


def check_names(where: str, variables: List[str]) -> None:
    """Refuses names of variables that TMVA would read as formulas or that its output has already.

    Args:
        where: the file or tree, for the message.
        variables: the names.

    Raises:
        UserError: a name is no C identifier, is reserved, or stands twice.
    """
    for name in variables:
        if plain_name(name) != name:
            raise UserError(f"{where}: variable {name!r} is read as a formula by TMVA; call it {plain_name(name)!r}")
        if name in _RESERVED:
            raise UserError(f"{where}: variable {name!r} has a name that TMVA's output uses itself; rename it")
        if variables.count(name) > 1:
            raise UserError(f"{where}: two variables would be called {name!r}; rename one")


def plain_name(name: str) -> str:
    """The C identifier nearest to a branch name, e.g. ``jet1_b_tag`` for ``jet1_b-tag``."""
    plain = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return plain if re.match(r"[A-Za-z_]", plain) else f"_{plain}"


def _branch_names(path: str, file: Any) -> List[str]:
    kinds = file.classnames(recursive=False, cycle=False)
    for tree in TREES:
        if tree not in kinds:
            raise UserError(f"{path}: no tree {tree} (found: {nearest(tree, sorted(kinds))}); {_cure_of(path, file)}")
        if not reading.is_tree(file[tree]):
            raise UserError(f"{path}: {tree} is a {kinds[tree]}; write a TTree (with uproot: mktree and extend)")
    names: List[str] = file["TrainS"].keys(recursive=False)
    for tree in TREES:
        held = file[tree]
        there = held.keys(recursive=False)
        for name in names + there:
            if (name in names) != (name in there):
                lacks, has = (tree, "TrainS") if name in names else ("TrainS", tree)
                raise UserError(
                    f"{path}: tree {lacks} has no branch {name!r}, but {has} has one; "
                    "all four trees need the same branches"
                )
        for name in names:
            _check_branch(f"{path}: tree {tree}, branch {name!r}", held[name])
    if WEIGHT not in names:
        raise UserError(f"{path}: the trees have no branch {WEIGHT!r}; add one with the event weight, 1 where none")
    if names == [WEIGHT]:
        raise UserError(f"{path}: the trees have no variables, only {WEIGHT!r}; add a branch for each variable")
    check_names(path, [name for name in names if name != WEIGHT])
    return names


def _cure_of(path: str, file: Any) -> str:
    """What to do with a file that is no common input file: a user's own trees are to be converted."""
    kinds = file.classnames(cycle=False)
    trees = [name for name, kind in kinds.items() if kind in ("TTree", "TNtuple") or "RNTuple" in kind]
    if not trees:
        return _MAKE
    return (
        f"of your own trees ({nearest('', trees)}) `tmva-bench convert --signal {path}:{trees[0]} --background ...` "
        "makes one"
    )


def _check_branch(where: str, branch: Any) -> None:
    if not reading.is_number(branch):
        raise UserError(f"{where}: not one number an event ({branch.typename}); leave it out")


def _check_events(input_file: InputFile) -> None:
    path, variables = input_file.path, input_file.variables
    check_names(path, variables)
    for tree in TREES:
        events, weights = input_file.events[tree], input_file.weights[tree]
        if not len(weights):
            raise UserError(f"{path}: tree {tree} has no events; every tree needs some")
        if not numpy.isfinite(events).all():
            entry, column = numpy.argwhere(~numpy.isfinite(events))[0]
            raise UserError(
                f"{path}: tree {tree}, branch {variables[column]!r}: NaN or infinite at entry {entry}; "
                "remove such events or give them a value"
            )
        if not numpy.isfinite(weights).all():
            entry = numpy.argmin(numpy.isfinite(weights))
            raise UserError(f"{path}: tree {tree}, branch {WEIGHT!r}: NaN or infinite at entry {entry}; correct it")
        _check_total(path, tree, float(numpy.sum(weights, dtype=numpy.float64)))
    training = [input_file.events[tree] for tree in ("TrainS", "TrainB")]
    # What differs among the first events need not be looked for in all.
    low, high = _range([events[:_SOME] for events in training])
    if (low == high).any():
        _check_constant(path, variables, *_range(training))


def _check_total(path: str, tree: str, total: float) -> None:
    if not total > 0:
        raise UserError(f"{path}: tree {tree}, branch {WEIGHT!r}: the sum is {total:g}; it must be positive")


def _range(parts: Sequence[numpy.ndarray]) -> Tuple[numpy.ndarray, numpy.ndarray]:
    """The lowest and the highest value of each variable in all parts."""
    low = numpy.minimum.reduce([events.min(axis=0) for events in parts])
    return low, numpy.maximum.reduce([events.max(axis=0) for events in parts])


def _check_constant(path: str, variables: List[str], low: numpy.ndarray, high: numpy.ndarray) -> None:
    """Refuses a variable that is the same in all training events, by the ranges there."""
    for column in numpy.flatnonzero(low == high):
        raise UserError(
            f"{path}: trees TrainS and TrainB, branch {variables[column]!r}: the same value, {low[column]:g}, "
            "in all events; leave it out"
        )


def check_text(path: Union[str, Path], metadata: Mapping[str, Any], name: str, text: str) -> None:
    """Refuses a text of a common input file that is not the one that was stored.

    Args:
        path: the file.
        metadata: its metadata; those of earlier versions have no checksums.
        name: the text's name in the file.
        text: what stands there.

    Raises:
        UserError: the two differ.
    """
    sums = metadata.get(_SUMS)
    if isinstance(sums, dict) and name in sums and sums[name] != _sha256(text):
        raise UserError(f"{path}: {name!r} was changed or damaged after it was written; make the file again")


def _sealed(metadata: Mapping[str, Any], texts: Mapping[str, str]) -> Dict[str, Any]:
    """Metadata with the checksums of the file's texts and of themselves."""
    others = {name: value for name, value in metadata.items() if name not in (_SUMS, _SUM)}
    if texts:
        others[_SUMS] = {name: _sha256(text) for name, text in texts.items()}
    return {**others, _SUM: _sum(others)}


def _sum(metadata: Mapping[str, Any]) -> str:
    return _sha256(json.dumps({name: value for name, value in metadata.items() if name != _SUM}, sort_keys=True))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def _parse_metadata(path: str, text: str) -> Dict[str, Any]:
    try:
        metadata = json.loads(text)
    except (ValueError, RecursionError):
        metadata = None
    if not isinstance(metadata, dict) or not all(fits(metadata.get(name)) for name, fits in _KEYS.items()):
        raise UserError(f"{path}: {_METADATA!r} is not what tmva-bench writes; generate the file again or delete that")
    if _SUM in metadata and metadata[_SUM] != _sum(metadata):
        raise UserError(f"{path}: {_METADATA!r} was changed or damaged after it was written; make the file again")
    return metadata


def _by_hand(path: Path, variables: List[str]) -> Dict[str, Any]:
    return {
        # A name in another encoding has what is no text.
        "sample": "".join(letter if letter.isprintable() else "_" for letter in path.stem),
        "parameters": {},
        "seed": None,
        "variables": variables,
        "original_names": {name: name for name in variables},
    }


def _derived(input_file: InputFile, ratio: Optional[Dict[str, numpy.ndarray]]) -> Dict[str, Any]:
    """The part of the metadata that follows from the events."""
    best = None
    if ratio is not None:
        weights = input_file.weights
        best = roc.auc(ratio["TestS"], ratio["TestB"], weights["TestS"], weights["TestB"])
    return {
        "events": {tree: len(weights) for tree, weights in input_file.weights.items()},
        "digest": _digest(input_file),
        "roc_auc_best_possible": best,
    }


def _digest(input_file: InputFile) -> str:
    digest = _Digest(input_file.variables)
    for tree in TREES:
        digest.begin(tree, len(input_file.weights[tree]))
        digest.add(input_file.events[tree], input_file.weights[tree])
    return digest.end()


def _read_ratio(input_file: InputFile) -> Optional[Dict[str, numpy.ndarray]]:
    if input_file.metadata["roc_auc_best_possible"] is None:
        return None
    ratio = {}
    with reading.opened(input_file.path) as file:
        for tree, name in _RATIO_TREES.items():
            ratio[tree] = reading.column(file[name], _RATIO)
    return ratio


def _fill(file: Any, input_file: InputFile, ratio: Optional[Dict[str, numpy.ndarray]]) -> None:
    for tree, title in TREES.items():
        events, weights = input_file.events[tree], input_file.weights[tree]
        columns = {name: events[:, column] for column, name in enumerate(input_file.variables)}
        columns[WEIGHT] = weights
        file.mktree(tree, dict.fromkeys(columns, numpy.float32), title=title).extend(columns)
    for tree, values in (ratio or {}).items():
        branches = {_RATIO: values.astype(numpy.float64)}
        title = f"log likelihood ratio of the events of {tree}"
        file.mktree(_RATIO_TREES[tree], dict.fromkeys(branches, numpy.float64), title=title).extend(branches)


def _columns(columns: List[numpy.ndarray]) -> numpy.ndarray:
    events = numpy.empty((len(columns[0]), len(columns)), numpy.float32)
    with numpy.errstate(over="ignore"):  # see _float32
        for number, column in enumerate(columns):
            events[:, number] = column
    return events


def _float32(values: numpy.ndarray) -> numpy.ndarray:
    with numpy.errstate(over="ignore"):  # what overflows turns infinite, and is refused as such
        return numpy.asarray(values).astype(numpy.float32)
