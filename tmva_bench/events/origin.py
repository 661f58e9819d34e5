"""The files that a common input file was made of, and whether they still are what they were.

What was read stands in the metadata under ``files``: by file its size [bytes], its time of change [ns] and the SHA-256
of its bytes. A file behind an address has none of these.
"""

import hashlib
import re
from pathlib import Path
from typing import Any, Dict, Iterable, List, Mapping, Optional

from tmva_bench.errors import UserError, of_system, short_path

KEY = "files"
_CHUNK = 2**20
_REMOTE = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def states(files: Iterable[str]) -> Dict[str, Optional[Dict[str, Any]]]:
    """What there is to know of files before they are read.

    Args:
        files: paths and addresses.

    Returns:
        ``size``, ``time`` and ``sha256`` by file, None for an address.

    Raises:
        UserError: one cannot be read.
    """
    known: Dict[str, Optional[Dict[str, Any]]] = {}
    for file in files:
        if file not in known:
            known[file] = None if _REMOTE.match(file) else _state(Path(file))
    return known


def changes(metadata: Mapping[str, Any], files: Iterable[str]) -> List[str]:
    """What is no longer as it was when an input file was made of it; empty where all is.

    Files of the same size and time are not read again; a copy with another time is the same file.

    Args:
        metadata: those of the input file.
        files: the files that it would be made of now.

    Raises:
        UserError: one cannot be read.
    """
    before = metadata.get(KEY)
    if not isinstance(before, dict):
        return ["the files that it was made of are not told in it"]
    now = list(dict.fromkeys(files))
    changed = [f"{short_path(file)} is one more" for file in now if file not in before]
    changed += [f"{short_path(file)} is no longer among them" for file in before if file not in now]
    for file in now:
        state = before.get(file)
        if isinstance(state, dict) and not _is_as_before(Path(file), state):
            changed.append(f"{short_path(file)} has changed")
    return changed


def missing(metadata: Mapping[str, Any]) -> List[str]:
    """The files of this machine that an input file was made of and that are not there."""
    before = metadata.get(KEY)
    files = before if isinstance(before, dict) else {}
    return [file for file, state in files.items() if state is not None and not Path(file).exists()]


def _is_as_before(path: Path, before: Mapping[str, Any]) -> bool:
    try:
        status = path.stat()
        if status.st_size != before.get("size"):
            return False
        return status.st_mtime_ns == before.get("time") or _sha256(path) == before.get("sha256")
    except OSError as error:
        raise of_system(error, path) from None


def _state(path: Path) -> Dict[str, Any]:
    try:
        status = path.stat()
        return {"size": status.st_size, "time": status.st_mtime_ns, "sha256": _sha256(path)}
    except (OSError, ValueError) as error:
        if isinstance(error, OSError):
            raise of_system(error, path) from None
        raise UserError(f"{short_path(path)}: no name of a file; correct the path") from None


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(_CHUNK), b""):
            digest.update(block)
    return digest.hexdigest()
