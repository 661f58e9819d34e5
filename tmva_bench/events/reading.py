"""ROOT files read with uproot: the one module that opens them and reads their branches.

Branches are read by their exact name. A name that is no branch is never handed to uproot's ``arrays`` and the like,
which evaluate it as Python, with aliases that stand in the file.
"""

import contextlib
import lzma
import zlib
from pathlib import Path
from typing import Any, Iterator, List, Optional, Union

from tmva_bench.errors import TrainingFailed, Unavailable, UserError

MAKE_ONE = "make one with `tmva-bench generate` or correct the path"
_REWRITE = "if ROOT can, rewrite it there: ROOT.RDataFrame(TREE, FILE).Snapshot(TREE, NEW_FILE); else write it again"


class BranchError(Exception):
    """A branch that is not there, or holds something else; :func:`opened` names the file."""


@contextlib.contextmanager
def opened(path: Union[str, Path], cure: str = "") -> Iterator[Any]:
    """Opens a ROOT file with uproot; whatever fails in reading it, here or in the block, is the user's to cure.

    Args:
        path: the file.
        cure: what to do where it cannot be read; by default what fits a file of events.

    Raises:
        UserError: the file is missing, no ROOT file, truncated or damaged, or one that uproot cannot read.
    """
    with guarded(path, cure), unguarded(path, cure) as file:
        yield file


def unguarded(path: Union[str, Path], cure: str = "") -> Any:
    """Opens a ROOT file; what fails in reading it is told by :func:`guarded`, about each step that reads.

    Args:
        path: the file.
        cure: see :func:`opened`.

    Raises:
        UserError: the file is missing, no ROOT file or truncated.
        Exception: whatever uproot raises.
    """
    import uproot

    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such file; {cure or MAKE_ONE}")
    raw = path.open("rb")
    try:
        if raw.read(4) != b"root":
            raise UserError(f"{path}: not a ROOT file; {cure or MAKE_ONE}")
        # Without the threads that uproot has for remote files, many small files take a quarter less.
        # Nor is any array read twice: none is kept.
        file = uproot.open(raw, use_threads=False, array_cache=None)
    except BaseException:  # uproot leaves a file open that it cannot read
        raw.close()
        raise
    if file.file.fEND > path.stat().st_size:
        file.close()
        raise UserError(
            f"{path}: truncated, {path.stat().st_size} of {file.file.fEND} bytes; {cure or 'write it again'}"
        )
    return file


@contextlib.contextmanager
def guarded(path: Union[str, Path], cure: str = "") -> Iterator[None]:
    """Whatever fails in the block is told as what fails in reading a file.

    Args:
        path: the file.
        cure: see :func:`opened`.

    Raises:
        UserError: see :func:`opened`.
    """
    try:
        yield
    except (UserError, TrainingFailed, Unavailable):
        raise
    except BranchError as error:
        raise UserError(f"{path}: {error}; {cure or 'correct it'}") from None
    except Exception as error:  # uproot meets what it cannot read with errors of many kinds, OSError too
        if isinstance(error, OSError) and error.strerror:
            raise UserError(f"{path}: cannot be read ({error.strerror}); check the file") from error
        reason = f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else 'no text'}"
        if _is_damage(error):
            raise UserError(f"{path}: damaged ({reason[:200]}); {cure or 'write it again'}") from error
        raise UserError(f"{path}: uproot cannot read it ({reason[:200]}); {cure or _REWRITE}") from error


def opened_address(address: str) -> Any:
    """Opens a ROOT file behind an address, e.g. ``root://host//path``; raises what the libraries for it do."""
    import uproot

    return uproot.open(address, array_cache=None)


def column(
    tree: Any, name: str, library: str = "np", *, start: Optional[int] = None, stop: Optional[int] = None
) -> Any:
    """The values of one branch, one an entry.

    Args:
        tree: a TTree or an RNTuple of uproot.
        name: the exact name of the branch, with or without those of the branches that it lies in.
        library: ``np`` for an array of numpy, ``ak`` for one of awkward.
        start: the first entry; by default that of the tree.
        stop: the entry after the last; by default that of the tree.

    Raises:
        BranchError: no such branch.
    """
    return _branch(tree, name).array(entry_start=start, entry_stop=stop, library=library)


def has(tree: Any, name: str) -> bool:
    """Whether a tree has a branch of just this name."""
    return name in tree.keys(full_paths=False) or name in tree.keys()  # noqa: SIM118 - trees have no __contains__


def numbers(tree: Any, name: str) -> Any:
    """The values of a branch with one number an entry, as an array of numpy.

    Args:
        tree: a TTree of uproot.
        name: the exact name of the branch.

    Raises:
        BranchError: no such branch, or one of something else.
    """
    branch = _branch(tree, name)
    if not is_number(branch):
        raise BranchError(f"tree {tree.name}, branch {name!r}: not one number an event ({branch.typename})")
    return branch.array(library="np")


def _branch(tree: Any, name: str) -> Any:
    if is_tree(tree) and "/" not in name:
        with contextlib.suppress(KeyError):
            return tree[name]
    # A path leads to a branch in several spellings: that of the tree's keys alone is its name.
    elif has(tree, name):
        return tree[name]
    raise BranchError(f"tree {tree.name} has no branch {name!r}")


def number_type(tree: Any, name: str) -> Any:
    """The type of numpy of a branch of a TTree with one number an entry; None for another, and in an RNTuple.

    Args:
        tree: a TTree or an RNTuple of uproot.
        name: the exact name of the branch.

    Raises:
        BranchError: no such branch.
    """
    branch = _branch(tree, name)
    return branch.interpretation.to_dtype if is_tree(tree) and is_number(branch) else None


def is_number(branch: Any) -> bool:
    """Whether a branch of a TTree holds one number an entry."""
    import uproot

    interpretation = branch.interpretation
    return (
        isinstance(interpretation, uproot.AsDtype)
        and interpretation.to_dtype.shape == ()
        and interpretation.to_dtype.kind in "biuf"
    )


def is_tree(thing: Any) -> bool:
    """Whether an object of a file is a TTree."""
    import uproot

    return isinstance(thing, uproot.TTree)


def tree_names(file: Any) -> List[str]:
    """The paths of all TTrees in a file, without cycles."""
    kinds = file.classnames(recursive=True, cycle=False)
    return [name for name, kind in kinds.items() if kind == "TTree"]


def _is_damage(error: Exception) -> bool:
    """Whether bytes are not those that were written; what uproot lacks a reader for is another thing."""
    if isinstance(error, (zlib.error, lzma.LZMAError)):
        return True
    return type(error).__module__.startswith("cramjam") or "checksum" in str(error)
