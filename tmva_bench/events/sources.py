"""Events of users' own trees, as they lie in ROOT files: named as FILE:TREE, read branch by branch as float32."""

import contextlib
import re
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

import numpy

from tmva_bench.errors import UserError, nearest, unknown
from tmva_bench.events import inputs, reading

# What TMVA's own TrainTree and TestTree tell the classes by, and the number of each.
CLASS_BRANCH = "classID"
CLASS_NUMBERS = {"signal": 0, "background": 1}
# Rounding may move values by this share of their spread.
_ROUNDING = 1e-3
_REMOTE = re.compile(r"(?:[a-z][a-z0-9+.-]*)://[^/]*", re.IGNORECASE)
# The Python package behind each kind of address, and the program that copies such a file.
_PACKAGES = {"root": ("fsspec-xrootd", "xrdcp"), "http": ("aiohttp", "curl"), "https": ("aiohttp", "curl")}
_ELEMENT = re.compile(r"(.+?)((?:\[\d+\])+)")
_Tree = Any


class Source(NamedTuple):
    """A tree in a file.

    Attributes:
        file: path or address.
        tree: its name.
        text: as the user wrote it.
    """

    file: str
    tree: str
    text: str


def parse(kind: str, text: str) -> Source:
    """A tree in a file from ``FILE:TREE``; the file may be an address, ``root://host//path/file.root``.

    Args:
        kind: ``signal`` or ``background``, for messages.
        text: what the user wrote.

    Raises:
        UserError: no tree is named; the message holds those of the file.
    """
    host = _REMOTE.match(text)
    start = host.end() if host else 0
    path, colon, tree = text[start:].rpartition(":")
    if not colon or not path.strip("/") or not tree or "\0" in text or (not host and Path(text).is_file()):
        raise UserError(f"{kind} = {text}: give a file and its tree as FILE:TREE{_trees_of(text)}")
    return Source(text[:start] + path, tree, text)


@contextlib.contextmanager
def opened(file: str) -> Iterator[Any]:
    """Opens a ROOT file, also one behind an address; see :func:`tmva_bench.events.reading.opened`.

    Raises:
        UserError: it cannot be read, or the package for its kind of address is missing.
    """
    host = _REMOTE.match(file)
    if not host:
        with reading.opened(file) as there:
            yield there
        return
    package, copy = _PACKAGES.get(host.group().split(":")[0].lower(), ("fsspec", "a program for such addresses"))
    try:
        with reading.opened_address(file) as there:
            yield there
    except UserError:
        raise
    except ImportError:
        raise UserError(
            f"{file}: reading it needs the Python package {package}; install it, or copy the file here with {copy}"
        ) from None
    except Exception as error:  # whatever the network and the libraries for it throw
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            f"{file}: cannot be read ({type(error).__name__}: {reason}); check the address, or copy the file here "
            f"with {copy}"
        ) from None


def tree_names(file: Any) -> List[str]:
    """Names of the TTrees and RNTuples of an open file."""
    kinds = file.classnames(cycle=False)
    return [name for name, kind in kinds.items() if kind in ("TTree", "TNtuple", "TNtupleD") or "RNTuple" in kind]


def read(kind: str, source: Source, branches: Mapping[str, str], weight: Optional[str]) -> Dict[str, numpy.ndarray]:
    """The events of a tree, as float32, and their weights.

    Args:
        kind: ``signal`` or ``background``, for messages.
        source: the tree.
        branches: branch by the name that its variable gets: a branch, an element of an array, ``jet_pt[0]``, or a leaf
            of a branch of several, ``p.x``.
        weight: branch of the event weights, None for 1 each.

    Returns:
        Arrays by name, and by ``weight``.

    Raises:
        UserError: file, tree or branch is not there, is no number an event, or holds what float32 cannot.
    """
    with opened(source.file) as file:
        tree = _tree(kind, source, file)
        columns = {name: _column(tree, source, branch) for name, branch in branches.items()}
        columns = {
            name: _single(f"{source.text}, branch {branches[name]!r}", values) for name, values in columns.items()
        }
        if weight is None:
            columns[inputs.WEIGHT] = numpy.ones(tree.num_entries, numpy.float32)
        else:
            where = f"{source.text}, branch {weight!r}"
            columns[inputs.WEIGHT] = _finite(where, _numbers(where, _weights(tree, source, weight, kind)))
    return columns


def read_shared(
    kind: str, source: Source, branches: Mapping[str, str], weight: Optional[str]
) -> Dict[str, numpy.ndarray]:
    """As :func:`read`, the events of one class of a tree that holds both, as TMVA's TrainTree and TestTree do.

    Raises:
        UserError: the tree has no ``classID``, or see :func:`read`.
    """
    with opened(source.file) as file:
        tree = _tree(kind, source, file)
        if CLASS_BRANCH not in tree.keys(full_paths=False):  # noqa: SIM118
            raise UserError(
                f"{source.text}: the tree of signal and of background, without a branch {CLASS_BRANCH} that tells them "
                "apart; give each class a tree of its own"
            )
        chosen = _column(tree, source, CLASS_BRANCH) == CLASS_NUMBERS[kind]
    return {name: values[chosen] for name, values in read(kind, source, branches, weight).items()}


def _trees_of(file: str) -> str:
    """The trees of a file for a message; nothing where it cannot be read."""
    try:
        with opened(file) as there:
            names = tree_names(there)
    except (UserError, OSError, ValueError):
        return ""
    return f"; its trees: {nearest('', names)}"


def _tree(kind: str, source: Source, file: Any) -> _Tree:
    import uproot

    classes = file.classnames(cycle=False)
    if source.tree not in classes:
        raise unknown(f"tree in {source.file}", source.tree, tree_names(file))
    tree = file[source.tree]
    if not isinstance(tree, (uproot.TTree, uproot.behaviors.RNTuple.RNTuple)):
        raise UserError(f"{kind} = {source.text}: {source.tree} is a {tree.classname}; name a TTree or an RNTuple")
    return tree


def _weights(tree: _Tree, source: Source, weight: str, kind: str) -> Any:
    try:
        return _column(tree, source, weight)
    except UserError as error:
        other = "background" if kind == "signal" else "signal"
        raise UserError(f"{error}; where the {other} alone has weights, name them with --{other}-weight") from None


def _column(tree: _Tree, source: Source, name: str) -> Any:
    """The values of a branch, of an element of an array, or of a leaf; looked up among what there is."""
    known = tree.keys(full_paths=False)
    paths = set(known) | set(tree.keys())
    if name in paths:
        return reading.column(tree, name, library="ak")
    element = _ELEMENT.fullmatch(name)
    if element and element.group(1) != name:
        values = _column(tree, source, element.group(1))
        for index in re.findall(r"\d+", element.group(2)):
            values = _element(f"{source.text}, branch {element.group(1)!r}", values, int(index))
        return values
    branch, dot, leaf = name.rpartition(".")
    if dot and branch in paths:
        values = reading.column(tree, branch, library="ak")
        if leaf in values.fields:
            return values[leaf]
        raise unknown(f"leaf of branch {branch} in {source.text}", leaf, values.fields)
    if "TFriendElement" in tree.file.streamers:
        raise UserError(
            f"{unknown(f'branch in {source.text}', name, known)}; branches of a friend tree are not read: write one "
            "tree of both with RDataFrame::Snapshot"
        )
    raise unknown(f"branch in {source.text}", name, known)


def _element(where: str, values: Any, index: int) -> Any:
    import awkward

    if values.ndim < 2:
        raise UserError(f"{where}: one number an event, no array; leave [{index}] out")
    lengths = awkward.num(values, axis=1)
    if awkward.min(lengths) is not None and awkward.min(lengths) <= index:
        entry = int(awkward.argmin(lengths))
        raise UserError(
            f"{where}: entry {entry} has no element {index}, it holds {int(lengths[entry])}; take events that have it, "
            "or another element"
        )
    return values[:, index]


def _numbers(where: str, values: Any) -> numpy.ndarray:
    import awkward

    values = awkward.Array(values)
    if values.fields:
        raise UserError(f"{where}: several numbers an event; name one of its leaves ({nearest('', values.fields)})")
    layout = values.layout
    if values.ndim != 1 or not isinstance(layout, awkward.contents.NumpyArray):
        cure = "name an element, [0]" if values.ndim > 1 else "take another"
        raise UserError(f"{where}: not one number an event ({values.type.content}); {cure}")
    numbers: numpy.ndarray = values.to_numpy()
    if numbers.dtype.kind not in "biuf":
        raise UserError(f"{where}: not a number ({numbers.dtype}); take another branch")
    return numbers


def _finite(where: str, numbers: numpy.ndarray) -> numpy.ndarray:
    with numpy.errstate(over="ignore"):
        single = numbers.astype(numpy.float32)
    if not numpy.isfinite(numbers).all():
        entry = numpy.argmin(numpy.isfinite(numbers))
        raise UserError(f"{where}: NaN or infinite at entry {entry}; remove such events or give them a value")
    if not numpy.isfinite(single).all():
        entry = numpy.argmin(numpy.isfinite(single))
        raise UserError(
            f"{where}: {numbers[entry]:g} at entry {entry} is beyond float32, in which TMVA and Keras take events; "
            "scale the branch, or give such events another value"
        )
    return single


def _single(where: str, values: Any) -> numpy.ndarray:
    """A variable as float32; what it would blur to uselessness is refused."""
    numbers = _numbers(where, values)
    single = _finite(where, numbers)
    if not len(numbers) or numbers.dtype == numpy.float32:
        return single
    if numbers.dtype.kind in "iu":
        moved = numpy.flatnonzero(single.astype(numpy.float64) != numbers.astype(numpy.float64))
        if len(moved):
            raise UserError(
                f"{where}: beyond float32, which makes {single[moved[0]]:.0f} of {numbers[moved[0]]} at entry "
                f"{moved[0]}; an event number or the like is no variable, leave it out"
            )
        return single
    wide = numbers.astype(numpy.float64)
    largest, spread = numpy.abs(wide).max(), wide.std()
    moved_by = numpy.abs(wide - single).max()
    if 0 < largest < numpy.finfo(numpy.float32).tiny or (spread > 0 and moved_by > _ROUNDING * spread):
        raise UserError(
            f"{where}: beyond float32, in which TMVA and Keras take events: rounding moves values by up to "
            f"{moved_by:.2g}, and their spread is {spread:.2g}; subtract an offset, or scale the branch"
        )
    return single


def listed(kind: str, texts: Union[str, Sequence[str]]) -> Tuple[Source, ...]:
    """The trees of a class from what a user wrote: one ``FILE:TREE`` or several, each once.

    Raises:
        UserError: none, one twice, or see :func:`parse`.
    """
    expressions = tuple(parse(kind, text) for text in ([texts] if isinstance(texts, str) else texts))
    if not expressions:
        raise UserError(f"{kind}: no tree given; give FILE:TREE")
    for number, source in enumerate(expressions):
        if source in expressions[:number]:
            raise UserError(f"{kind} = {source.text}: stands twice; give each tree once")
    return expressions
