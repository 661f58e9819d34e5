"""Events of users' own: trees in ROOT files, by name, glob, folder or list, and arrays; read in chunks, by branch.

A process is one kind of events of a class, in any number of files: ``ggH=ggH_*.root:Events``. What is read of a branch
are doubles, whole numbers of 64 bits or truth values, with a number or a list an event; see
:func:`tmva_bench.events.expressions.column`.
"""

import abc
import contextlib
import glob
import re
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

import numpy

from tmva_bench.errors import UserError, nearest, short, unknown
from tmva_bench.events import expressions, reading

# What TMVA's own TrainTree and TestTree tell the classes by, and the number of each.
CLASS_BRANCH = "classID"
CLASS_NUMBERS = {"signal": 0, "background": 1}
_REMOTE = re.compile(r"(?:[a-z][a-z0-9+.-]*)://[^/]*", re.IGNORECASE)
# The Python package behind each kind of address, and the program that copies such a file.
_PACKAGES = {"root": ("fsspec-xrootd", "xrdcp"), "http": ("aiohttp", "curl"), "https": ("aiohttp", "curl")}
_NAME = re.compile(r"([A-Za-z_][\w+.-]*)\s*=\s*(.+)", re.DOTALL)
_MOST_FILES, _LARGEST_LIST = 100_000, 2**24
# Signal and background, of training and of test.
_MOST_OPEN = 4
_Tree = Any


class Source(NamedTuple):
    """A tree in a file.

    Attributes:
        file: path or address.
        tree: its name.
        text: as the user wrote it, or ``FILE:TREE`` of what a glob, folder or list holds.
    """

    file: str
    tree: str
    text: str


class Arrays(NamedTuple):
    """Events that a script holds.

    Attributes:
        columns: arrays by name, or an RDataFrame.
        events: how many.
        text: what they are called in messages.
    """

    columns: Any
    events: int
    text: str


Part = Union[Source, Arrays]


class Process(NamedTuple):
    """Events of one class that belong together.

    Attributes:
        name: as the user called it; the class, where no name is given.
        parts: where they lie.
        friends: for each part the trees with more branches of the same events.
    """

    name: str
    parts: Tuple[Part, ...]
    friends: Tuple[Tuple[Source, ...], ...]


def parse(kind: str, text: str) -> Source:
    """A tree in a file from ``FILE:TREE``; the file may be an address, ``root://host//path/file.root``.

    Args:
        kind: what it is for, e.g. ``signal``, for messages.
        text: what the user wrote.

    Raises:
        UserError: no tree is named; the message holds those of the file.
    """
    file, tree = _divided(text)
    if not tree:
        raise UserError(f"{kind} = {text}: give a file and its tree as FILE:TREE{_trees_of(text)}")
    return Source(file, tree, text)


def _divided(text: str) -> Tuple[str, str]:
    """File and tree of ``FILE:TREE``; the tree is "" where none is named."""
    host = _REMOTE.match(text)
    start = host.end() if host else 0
    path, colon, tree = text[start:].rpartition(":")
    if not colon or not path.strip("/") or not tree or "\0" in text or (not host and Path(text).is_file()):
        return text, ""
    return text[:start] + path, tree


def processes(kind: str, asked: Any) -> Tuple[Process, ...]:
    """The processes of a class from what a user wrote or a script holds.

    Args:
        kind: ``signal`` and the like.
        asked: ``[NAME=]FILES:TREE``, or several; a mapping of names to such texts or to arrays; arrays: a mapping of
            names to NumPy arrays, a structured array, a DataFrame of pandas, records of awkward, an RDataFrame.
            ``FILES`` is a file, a glob, a folder (its ``*.root``), or ``@LIST``, a text file with one of these a line.

    Raises:
        UserError: none, one twice, no file that fits, or see :func:`parse`.
    """
    parts: Dict[str, List[Part]] = {}
    for name, one in _named(kind, asked):
        parts.setdefault(name, []).extend(expanded(kind, one) if isinstance(one, str) else [arrays(kind, one)])
    if not parts:
        raise UserError(f"{kind}: no tree given; give FILE:TREE")
    places: Dict[Tuple[str, str], str] = {}
    for part in (part for listed in parts.values() for part in listed):
        if isinstance(part, Source) and places.setdefault(identity(part), part.text) is not part.text:
            raise UserError(f"{kind} = {part.text}: stands twice; give each tree once")
    return tuple(Process(name, tuple(listed), ((),) * len(listed)) for name, listed in parts.items())


def _named(kind: str, asked: Any) -> Iterator[Tuple[str, Any]]:
    """Each source with the name of its process."""
    if isinstance(asked, str):
        name, text = process_of(asked)
        yield name or kind, text
    elif isinstance(asked, (list, tuple)) and all(isinstance(one, str) for one in asked):
        for text in asked:
            yield from _named(kind, text)
    elif isinstance(asked, Mapping) and all(map(_is_source, asked.values())):
        for name, one in asked.items():
            if not _NAME.fullmatch(f"{name}=x"):
                raise UserError(f"{kind}: {short(name)} is no name of a process; take letters, digits, _ + . -")
            for text in one if isinstance(one, (list, tuple)) else [one]:
                yield str(name), text
    else:
        yield kind, asked


def _is_source(value: Any) -> bool:
    """Whether this is the source of a process, not a column of numbers."""
    if isinstance(value, (list, tuple)):
        return bool(value) and all(isinstance(text, str) for text in value)
    is_records = bool(getattr(value, "fields", ())) or getattr(getattr(value, "dtype", None), "names", None)
    return isinstance(value, (str, Mapping)) or bool(is_records) or hasattr(value, "columns") or _is_dataframe(value)


def process_of(text: str) -> Tuple[str, str]:
    """Name and rest of ``NAME=FILES:TREE``; the name is "" where none is given."""
    match = _NAME.fullmatch(text)
    if not match or "\0" in text or Path(_divided(text)[0]).exists():
        return "", text
    return match.group(1), match.group(2)


def expanded(kind: str, text: str) -> List[Source]:
    """The trees that ``FILES:TREE`` stands for, those of a glob or folder in the order of their names.

    Raises:
        UserError: no file fits, or see :func:`parse`.
    """
    if text.startswith("@") and not Path(_divided(text)[0]).exists():
        return _of_list(kind, text)
    source = parse(kind, text)
    if _REMOTE.match(source.file):
        if glob.has_magic(source.file):
            raise UserError(f"{kind} = {text}: only files of this machine can be found by * and ?; list them, @LIST")
        return [source]
    path = Path(source.file)
    if path.is_dir():
        files = sorted(map(str, path.glob("*.root")))
    elif glob.has_magic(source.file) and not path.exists():
        files = sorted(glob.glob(source.file, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
    else:
        return [source]
    if not files:
        folder = path if path.is_dir() else path.parent
        names = sorted(one.name for one in folder.glob("*.root")) if folder.is_dir() else []
        raise UserError(f"{kind} = {text}: no file fits; in {folder}: {nearest(path.name, names)}")
    return [Source(file, source.tree, f"{file}:{source.tree}") for file in files[:_MOST_FILES]]


def _of_list(kind: str, text: str) -> List[Source]:
    """The trees of a text file with a file a line, as hadd takes it; empty lines and those with # say nothing."""
    file, tree = _divided(text[1:])
    try:
        if Path(file).stat().st_size > _LARGEST_LIST:
            raise UserError(
                f"{kind} = {text}: {file} is no list of files, it is too long; give a text with a file a line"
            )
        lines = [line.strip() for line in Path(file).read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no text"
        raise UserError(f"{kind} = {text}: the list {file} cannot be read ({reason}); correct the path") from None
    sources: List[Source] = []
    for line in lines:
        if line and not line.startswith(("#", "@")):
            sources.extend(expanded(kind, line if _divided(line)[1] or not tree else f"{line}:{tree}"))
    if not sources:
        raise UserError(f"{kind} = {text}: the list {file} names no file; write one a line")
    return sources


def identity(source: Source) -> Tuple[str, str]:
    """What is the same for all names of one tree."""
    remote = _REMOTE.match(source.file) or "\0" in source.file
    return (source.file if remote else str(Path(source.file).resolve())), source.tree.split(";")[0]


def with_friends(kind: str, process: Process, asked: Iterable[str]) -> Process:
    """A process whose events have more branches in other trees, file by file and entry by entry.

    Args:
        kind: for messages.
        process: the process.
        asked: ``FILES:TREE``, each with as many files as the process has.

    Raises:
        UserError: another number of files, or see :func:`expanded`.
    """
    friends = [list(one) for one in process.friends]
    for text in asked:
        sources = expanded(f"friend of {process.name}", text)
        if len(sources) != len(process.parts):
            raise UserError(
                f"friend = {text}: {len(sources)} files, and {kind} {process.name} has {len(process.parts)}; give a "
                "friend for each file, in the same order"
            )
        for beside, source in zip(friends, sources):
            beside.append(source)
    return process._replace(friends=tuple(map(tuple, friends)))


def _is_dataframe(value: Any) -> bool:
    return hasattr(value, "AsNumpy") and hasattr(value, "GetColumnNames")


def arrays(kind: str, asked: Any) -> Arrays:
    """Events that a script holds.

    Args:
        kind: what they are, for messages.
        asked: see :func:`processes`.

    Raises:
        UserError: something else, or columns of different lengths.
    """
    if _is_dataframe(asked):
        return Arrays(asked, int(asked.Count().GetValue()), f"{kind} (RDataFrame)")
    columns: Dict[str, Any] = {}
    if isinstance(asked, Mapping):
        columns = dict(asked)
    elif getattr(getattr(asked, "dtype", None), "names", None):
        columns = {name: asked[name] for name in asked.dtype.names}
    elif hasattr(asked, "columns"):
        columns = {str(name): asked[name].to_numpy() for name in asked.columns}
    elif getattr(asked, "fields", None):
        columns = {name: asked[name] for name in asked.fields}
    if not columns or not all(
        hasattr(values, "__len__") and not isinstance(values, str) for values in columns.values()
    ):
        raise UserError(
            f"{kind} = {short(asked)}: give FILE:TREE, arrays by name, a DataFrame, records of awkward or an RDataFrame"
        )
    lengths = {name: len(values) for name, values in columns.items()}
    first, events = next(iter(lengths.items()))
    for name, length in lengths.items():
        if length != events:
            raise UserError(f"{kind}: {length} events in {name!r}, and {events} in {first!r}; give one entry an event")
    return Arrays({str(name): values for name, values in columns.items()}, events, f"{kind} ({type(asked).__name__})")


@contextlib.contextmanager
def opened(file: str) -> Iterator[Any]:
    """Opens a ROOT file, also one behind an address; see :func:`tmva_bench.events.reading.opened`.

    Raises:
        UserError: it cannot be read, or the package for its kind of address is missing.
    """
    with _told(file), _open(file) as there:
        yield there


def _open(file: str) -> Any:
    if _REMOTE.match(file):
        return reading.opened_address(file)
    path = Path(file)
    if not path.exists() and path.parent.is_dir() and "\0" not in file:
        names = sorted(one.name for one in path.parent.glob("*.root"))
        if names:
            cure = f"correct the path; in {path.parent}: {nearest(path.name, names)}"
            raise UserError(f"{file}: no such file; {cure}")
    return reading.unguarded(file)


@contextlib.contextmanager
def _told(file: str) -> Iterator[None]:
    """Whatever fails in reading a file, or one behind an address, is told in one line."""
    host = _REMOTE.match(file)
    if not host:
        with reading.guarded(file):
            yield
        return
    package, copy = _PACKAGES.get(host.group().split(":")[0].lower(), ("fsspec", "a program for such addresses"))
    try:
        yield
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
    if source.tree.split(";")[0] not in classes:
        raise unknown(f"tree in {source.file}", source.tree, tree_names(file))
    tree = file[source.tree]
    if not isinstance(tree, (uproot.TTree, uproot.behaviors.RNTuple.RNTuple)):
        raise UserError(f"{kind} = {source.text}: {source.tree} is a {tree.classname}; name a TTree or an RNTuple")
    return tree


class Table(abc.ABC):
    """The events of one part of a process, open for reading."""

    def __init__(self, text: str, events: int) -> None:
        self.text = text
        self.events = events

    @abc.abstractmethod
    def names(self) -> List[str]:
        """The names of what can be read."""

    def has(self, name: str) -> bool:
        """Whether a name can be read."""
        return name in self.names()

    def unknown(self, name: str) -> UserError:
        """The error for a name that cannot be read."""
        return unknown(f"branch in {self.text}", name, self.names())

    def steps(self, names: Sequence[str], most: int) -> Iterator[Tuple[int, int]]:
        """First entry and end of chunks of the events."""
        for start in range(0, self.events, most):
            yield start, min(start + most, self.events)

    @abc.abstractmethod
    def raw(self, name: str, start: int, stop: int) -> Any:
        """The values of a branch, as they lie there."""

    def columns(self, names: Iterable[str], start: int, stop: int) -> Dict[str, Any]:
        """The values of branches in a range of entries, see :func:`tmva_bench.events.expressions.column`.

        Raises:
            UserError: one cannot be read, or holds no numbers.
        """
        columns = {}
        for name in names:
            values = self.raw(name, start, stop)
            column = expressions.column(values)
            if column is None:
                raise UserError(f"{self.text}, branch {name!r}: {_no_numbers(values)}")
            if len(column) != stop - start:
                raise UserError(
                    f"{self.text}, branch {name!r}: {len(column)} values for the entries {start} to {stop - 1}; the "
                    "file is damaged, write it again"
                )
            columns[name] = column
        return columns

    def is_unsigned(self, name: str) -> bool:
        """Whether a branch holds whole numbers of unsigned 64 bits."""
        return expressions.is_unsigned(self.raw(name, 0, min(self.events, 1)))

    def is_flat(self, name: str) -> bool:
        """Whether a branch holds one number an event."""
        values = expressions.column(self.raw(name, 0, min(self.events, 1)))
        return isinstance(values, numpy.ndarray)

    def kinds(self, names: Iterable[str], events: int) -> Dict[str, Any]:
        """As many values of branches, of which only the type need be that of the first events."""
        return self.columns(names, 0, events)


def _no_numbers(values: Any) -> str:
    import awkward

    values = awkward.Array(values)
    if values.fields:
        return f"several numbers an event; name one of its leaves ({nearest('', values.fields)})"
    return f"not one number an event ({' '.join(str(values.type.content).split())[:80]}); take another"


class _FileTable(Table):
    def __init__(self, kind: str, source: Source, trees: List[Tuple[Source, _Tree]]) -> None:
        super().__init__(source.text, trees[0][1].num_entries)
        self._trees = trees
        for friend, tree in trees[1:]:
            if tree.num_entries != self.events:
                raise UserError(
                    f"friend = {friend.text}: {tree.num_entries} entries, and {source.text} has {self.events}; a "
                    "friend has an entry for each event"
                )
        self._places: Dict[str, Optional[Tuple[int, str, str]]] = {}
        self._numbers: Dict[str, Optional[numpy.dtype]] = {}
        self._names = [
            [*dict.fromkeys([*tree.keys(full_paths=False), *tree.keys()])]  # noqa: SIM118 - trees are no mappings
            for _, tree in trees
        ]
        self._known = [set(names) for names in self._names]

    def names(self) -> List[str]:
        return [name for names in self._names for name in names]

    def has(self, name: str) -> bool:
        return self._place(name) is not None

    def _place(self, name: str) -> Optional[Tuple[int, str, str]]:
        """Tree, branch and leaf of a name; None for none."""
        if name not in self._places:
            self._places[name] = self._looked_up(name)
        return self._places[name]

    def _looked_up(self, name: str) -> Optional[Tuple[int, str, str]]:
        for number, known in enumerate(self._known):
            beside = f"{self._trees[number][0].tree}."
            if name in known:
                return number, name, ""
            if number and name.startswith(beside) and name[len(beside) :] in known:
                return number, name[len(beside) :], ""
        branch, dot, leaf = name.rpartition(".")
        for number, known in enumerate(self._known):
            if dot and branch in known:
                source, tree = self._trees[number]
                with _told(source.file):
                    fields = reading.column(tree, branch, library="ak", start=0, stop=0).fields
                if leaf in fields:
                    return number, branch, leaf
                if fields:
                    raise unknown(f"leaf of branch {branch} in {self.text}", leaf, fields)
        return None

    def unknown(self, name: str) -> UserError:
        error = super().unknown(name)
        if "TFriendElement" in self._trees[0][1].file.streamers and len(self._trees) == 1:
            return UserError(
                f"{error}; branches of a friend tree are not read by themselves: name it with --friend, or write one "
                "tree of both with RDataFrame::Snapshot"
            )
        return error

    def steps(self, names: Sequence[str], most: int) -> Iterator[Tuple[int, int]]:
        """Chunks that end where baskets of all branches do, as far as there are such places."""
        offsets = self._offsets(names)
        start = 0
        while start < self.events:
            stop = min(start + most, self.events)
            common = offsets[(offsets > start) & (offsets <= stop)]
            stop = int(common[-1]) if len(common) else stop
            yield start, stop
            start = stop

    def _offsets(self, names: Sequence[str]) -> numpy.ndarray:
        common: Optional[numpy.ndarray] = None
        for name in names:
            place = self._place(name)
            branch = self._trees[place[0]][1][place[1]] if place else None
            ends = numpy.asarray(getattr(branch, "entry_offsets", None) or [], numpy.int64)
            common = ends if common is None else numpy.intersect1d(common, ends)
        return numpy.asarray([], numpy.int64) if common is None else common

    def raw(self, name: str, start: int, stop: int) -> Any:
        place = self._place(name)
        if place is None:
            raise self.unknown(name)
        source, tree = self._trees[place[0]]
        library = "ak" if self._number(name) is None else "np"
        with _told(source.file):
            values = reading.column(tree, place[1], library=library, start=start, stop=stop)
            return values[place[2]] if place[2] else values

    def _number(self, name: str) -> Optional[numpy.dtype]:
        """The type of a branch with one number an event; None for another, and where that is not known unread."""
        if name not in self._numbers:
            place = self._place(name)
            self._numbers[name] = None
            if place and not place[2]:
                source, tree = self._trees[place[0]]
                with _told(source.file):
                    self._numbers[name] = reading.number_type(tree, place[1])
        return self._numbers[name]

    def is_flat(self, name: str) -> bool:
        return self._number(name) is not None or super().is_flat(name)

    def is_unsigned(self, name: str) -> bool:
        number = self._number(name)
        return super().is_unsigned(name) if number is None else bool(number == numpy.uint64)

    def kinds(self, names: Iterable[str], events: int) -> Dict[str, Any]:
        # Not one basket is read for what the type says.
        types = {name: self._number(name) for name in names}
        flat = {name: expressions.column(numpy.ones(events, dtype)) for name, dtype in types.items() if dtype}
        return {**flat, **self.columns([name for name in types if name not in flat], 0, events)}


class _ArrayTable(Table):
    def __init__(self, part: Arrays, wanted: Iterable[str]) -> None:
        super().__init__(part.text, part.events)
        self._frame = part.columns if _is_dataframe(part.columns) else None
        self._columns: Dict[str, Any] = {} if self._frame is not None else part.columns
        self._names = [str(name) for name in self._frame.GetColumnNames()] if self._frame else list(part.columns)
        self._load([name for name in wanted if name in self._names])

    def _load(self, names: List[str]) -> None:
        """Takes columns of an RDataFrame, with one loop over its events for all of them."""
        if self._frame is not None and names:
            for name, values in self._frame.AsNumpy(names).items():
                self._columns[name] = _lists(values)

    def names(self) -> List[str]:
        return self._names

    def raw(self, name: str, start: int, stop: int) -> Any:
        if name not in self._names:
            raise self.unknown(name)
        if name not in self._columns:
            self._load([name])
        values = self._columns[name][start:stop]
        if isinstance(values, numpy.ndarray) and values.dtype == object or isinstance(values, list):
            import awkward

            try:
                return awkward.from_iter(values)
            except (TypeError, ValueError) as error:
                raise UserError(f"{self.text}, {name!r}: no numbers ({' '.join(str(error).split())[:80]})") from None
        return values


def _lists(values: Any) -> Any:
    """Columns of RVec as lists of numbers."""
    return values if values.dtype != object else [numpy.asarray(one) for one in values]


@contextlib.contextmanager
def table(kind: str, part: Part, friends: Sequence[Source] = (), wanted: Iterable[str] = ()) -> Iterator[Table]:
    """Opens one part of a process.

    Args:
        kind: for messages.
        part: the part.
        friends: its friends.
        wanted: what will be read of an RDataFrame, at once.

    Raises:
        UserError: a file or tree that is not there or cannot be read, or a friend of another length.
    """
    if isinstance(part, Arrays):
        yield _ArrayTable(part, wanted)
        return
    with contextlib.ExitStack() as stack:
        trees = []
        for source in (part, *friends):
            with _told(source.file):
                file = stack.enter_context(_open(source.file))
                trees.append((source, _tree(kind, source, file)))
        with _told(part.file):
            opened_table = _FileTable(kind, part, trees)
        yield opened_table


class Tables:
    """Opens parts of processes; the last few stay open for who asks next, until they are closed.

    Opening a tree of many branches takes longer than reading some thousand events of it.
    """

    def __init__(self) -> None:
        self._open: Dict[Tuple[Source, Tuple[Source, ...]], Tuple[contextlib.ExitStack, Table]] = {}

    def close(self, left: int = 0) -> None:
        """Closes those that were not asked for the longest, all but some."""
        while len(self._open) > left:
            stack, _ = self._open.pop(next(iter(self._open)))
            stack.close()

    @contextlib.contextmanager
    def table(
        self, kind: str, part: Part, friends: Sequence[Source] = (), wanted: Iterable[str] = ()
    ) -> Iterator[Table]:
        """As :func:`table`; of one that is open no more is read than what is asked of it."""
        if isinstance(part, Arrays):
            with table(kind, part, friends, wanted) as loaded:
                yield loaded
            return
        key = part, tuple(friends)
        held = self._open.pop(key, None)
        if held is None:
            self.close(_MOST_OPEN - 1)
            stack = contextlib.ExitStack()
            held = stack, stack.enter_context(table(kind, part, friends))
        self._open[key] = held
        yield held[1]
