"""What can go wrong for a user: one error type a kind, each carrying one clear line."""

import difflib
import errno
import os
from typing import Iterable

# The longest value or name that a message holds, in characters.
_LONG = 120


class UserError(Exception):
    """Something the user did wrong or can cure; the command line prints it as one line, exit code 2.

    Args:
        message: the line; what no terminal shows, as names from a damaged file may have, is replaced.
        display: lines that show the place that it is about, printed before it.
    """

    def __init__(self, message: str, display: "Iterable[str]" = ()) -> None:
        self.display = tuple(display)
        super().__init__(
            "".join(letter if letter.isprintable() else " " if letter.isspace() else "?" for letter in message)
        )


class Unavailable(Exception):
    """A method cannot run in this environment.

    Attributes:
        reason: why it cannot run, one line.
        cure: what the user can do about it, one line.
    """

    def __init__(self, reason: str, cure: str) -> None:
        super().__init__(f"{reason}; {cure}")
        self.reason = reason
        self.cure = cure


class TrainingFailed(Exception):
    """A method ran, but gave nothing that may be called a result; the text is the reason, one line."""


# So many known names are told; of more, the nearest.
_TOLD = 8
_CURES = {
    errno.EACCES: "ask for permission to it, or give another path",
    errno.EPERM: "ask for permission to it, or give another path",
    errno.EROFS: "give a path where you may write",
    errno.ENAMETOOLONG: "give a shorter name",
    errno.ENOSPC: "free some space, or give a path on another disk",
    errno.EDQUOT: "free some space, or give a path on another disk",
    errno.ENOTDIR: "a part of the path before its end is no folder; correct it",
    errno.EISDIR: "give a file, not a folder",
    errno.ELOOP: "its links lead to each other; correct them",
    errno.ENOENT: "correct the path",
    errno.EMFILE: "too many files are open; raise `ulimit -n`",
}


def unknown(kind: str, value: object, known: "Iterable[str]") -> UserError:
    """The error for a name that is not known, with the nearest known one, whatever the case.

    Args:
        kind: what the name stands for, e.g. ``"method"``.
        value: what the user wrote.
        known: the names that exist.
    """
    names = list(known)
    by_case = {name.lower(): name for name in names}
    near = difflib.get_close_matches(str(value)[:_LONG].lower(), list(by_case), n=1)
    hint = f"; did you mean {by_case[near[0]]!r}?" if near else ""
    return UserError(f"unknown {kind} {short(value)}{hint} (known: {nearest(value, names)})")


def nearest(value: object, known: "Iterable[str]") -> str:
    """The known names, for a message: all where they are few, else those nearest to what the user wrote.

    Args:
        value: what the user wrote.
        known: the names that exist.
    """
    names = [str(name) for name in known]
    if len(names) > _TOLD:
        text = str(value)[:_LONG].lower()
        by_case = {name.lower(): name for name in names}
        near = [by_case[name] for name in difflib.get_close_matches(text, list(by_case), n=_TOLD, cutoff=0.5)]
        told = near or names[:_TOLD]
        return f"{', '.join(name[:_LONG] for name in told)} and {len(names) - len(told)} more"
    return ", ".join(name[:_LONG] for name in names) or "none"


def short(value: object) -> str:
    """What a user wrote, for a message: no longer than a line can hold."""
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 4 * _LONG:
        return f"a number of {value.bit_length()} bits"  # Python refuses to write it out
    try:
        text = repr(value)
    except (RecursionError, ValueError):
        return f"a {type(value).__name__}"
    return text if len(text) <= _LONG else f"{text[: _LONG - 20]}... ({len(text)} characters)"


def of_system(error: OSError, path: object = "") -> UserError:
    """The error of a system call in one line: the file, the reason, and the cure that fits.

    Args:
        error: what the system said.
        path: the file, where the system does not name it.
    """
    where = error.filename if error.filename is not None else path
    if isinstance(where, bytes):
        where = os.fsdecode(where)
    name = f"{short_path(where)}: " if where not in ("", None) else ""
    cure = _CURES.get(error.errno or 0, "")
    return UserError(f"{name}{error.strerror or error}{f'; {cure}' if cure else ''}")


def short_path(path: object) -> str:
    """A path for a message: the middle of a very long one is left out."""
    text = str(path)
    return text if len(text) <= 2 * _LONG else f"{text[:_LONG]}...{text[-20:]}"
