"""Files that a user names as output: nothing is written over unasked, and nothing half-written remains."""

import contextlib
import os
import shutil
import stat
import uuid
from pathlib import Path
from typing import BinaryIO, Iterable, Iterator, Union

from tmva_bench.errors import UserError, of_system


def check(path: Union[str, Path], sources: Iterable[Union[str, Path]] = ()) -> Path:
    """Refuses an output that is none, or that is one of the inputs, whatever else is asked for.

    Args:
        path: the file to write.
        sources: the files that it is made of.

    Returns:
        The path.

    Raises:
        UserError: no path, a folder, device, pipe, link or read-only file, or one of ``sources`` (by any name, link or
            hard link).
    """
    if not str(path).strip() or "\0" in str(path):
        raise UserError(f"output {str(path)!r}: no path; give the file to write")
    path = Path(path)
    try:
        with contextlib.suppress(FileNotFoundError):
            kind = path.lstat().st_mode
            _check_sources(path, sources)
            _check_kind(path, kind)
    except OSError as error:
        raise of_system(error, path) from None
    return path


def refuse_existing(path: Union[str, Path], *, force: bool = False) -> None:
    """Refuses an output that exists.

    Args:
        path: the file to write, which holds something else.
        force: whether to write over it nevertheless.

    Raises:
        UserError: it exists.
    """
    if not force and os.path.lexists(path):
        raise UserError(
            f"{path}: is there already and holds something else; give another name, or write over it with --force "
            "(in Python force=True)"
        )


@contextlib.contextmanager
def beside(path: Union[str, Path]) -> Iterator[Path]:
    """A file of a random name beside ``path``, renamed to it where the block ends well, and removed where not.

    Raises:
        UserError: it cannot be written, here or in the block.
    """
    path = Path(path)
    partial = path.with_name(f".{uuid.uuid4().hex}.partial")
    try:
        try:
            yield partial
            with partial.open("rb") as written:
                os.fsync(written.fileno())
            partial.replace(path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                partial.unlink()
    except OSError as error:
        raise _unwritable(path, error) from error


@contextlib.contextmanager
def unnamed(path: Union[str, Path]) -> Iterator[BinaryIO]:
    """A file without a name in the folder of an output: nothing of it is left, even where the process is killed.

    Where the file system has no such files it lies beside ``path`` under a random name.

    Args:
        path: the output; :func:`name` brings the file there.

    Raises:
        UserError: it cannot be written, here or in the block.
    """
    path = Path(path)
    partial = path.with_name(f".{uuid.uuid4().hex}.partial")
    try:
        try:
            flags = os.O_RDWR | os.O_CLOEXEC
            try:
                descriptor = os.open(str(path.parent), flags | os.O_TMPFILE, 0o666)
            except OSError:
                descriptor = os.open(str(partial), flags | os.O_CREAT | os.O_EXCL, 0o666)
            with os.fdopen(descriptor, "w+b") as file:
                yield file
        finally:
            with contextlib.suppress(FileNotFoundError):
                partial.unlink()
    except OSError as error:
        raise _unwritable(path, error) from error


def name(file: BinaryIO, path: Union[str, Path]) -> None:
    """Brings a whole file of :func:`unnamed` to the output's place, in one step.

    Args:
        file: the file.
        path: the output, which :func:`check` and :func:`refuse_existing` have let pass.

    Raises:
        OSError: it cannot be written; :func:`unnamed` tells it.
    """
    path = Path(path)
    file.flush()
    os.fsync(file.fileno())
    source = f"/proc/self/fd/{file.fileno()}"
    partial = path.with_name(f".{uuid.uuid4().hex}.partial")
    try:
        if os.fstat(file.fileno()).st_nlink:
            Path(os.readlink(source)).replace(path)
        else:
            os.link(source, str(partial), src_dir_fd=file.fileno(), follow_symlinks=True)  # linkat, which follows
            partial.replace(path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            partial.unlink()


def _unwritable(path: Path, error: OSError) -> UserError:
    return UserError(
        f"{path}: cannot be written ({error.strerror or error}); give a path in a folder that is there, "
        "may be written and has room"
    )


def write_text(
    path: Union[str, Path], text: str, sources: Iterable[Union[str, Path]] = (), *, force: bool = False
) -> bool:
    """Writes a text as UTF-8, complete or not at all.

    Args:
        path: the file to write.
        text: what it is to hold.
        sources: the files that it is made of.
        force: whether to write over a file that holds something else.

    Returns:
        Whether it was written; False where it holds the text already.

    Raises:
        UserError: see :func:`check` and :func:`refuse_existing`, or it cannot be written.
    """
    path, content = check(path, sources), text.encode("utf-8", "backslashreplace")
    with contextlib.suppress(OSError):
        if path.stat().st_size == len(content) and path.read_bytes() == content:
            return False
    refuse_existing(path, force=force)
    with beside(path) as partial:
        partial.write_bytes(content)
    return True


def put(whole: Path, path: Union[str, Path]) -> None:
    """Brings a finished file to the output's place, on whatever disk that is.

    Args:
        whole: the file; it is gone afterwards.
        path: the output, which :func:`check` and :func:`refuse_existing` have let pass.

    Raises:
        UserError: it cannot be written.
    """
    with beside(path) as partial:
        shutil.copyfile(str(whole), str(partial))
    whole.unlink()


def _check_sources(path: Path, sources: Iterable[Union[str, Path]]) -> None:
    if not path.exists():
        return
    file = path.stat()
    for source in sources:
        if Path(source).exists() and os.path.samestat(file, Path(source).stat()):
            raise UserError(f"{path}: is an input of this command ({source}); give the output another name")


def _check_kind(path: Path, mode: int) -> None:
    kinds = (
        (stat.S_ISLNK, "a link"),
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
    )
    for is_kind, name in kinds:
        if is_kind(mode):
            where = f" to {os.readlink(str(path))}" if name == "a link" else ""
            raise UserError(f"{path}: is {name}{where}; give the name of a file")
    if not mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH):
        raise UserError(f"{path}: is read-only; give another name, or permission with chmod u+w")
