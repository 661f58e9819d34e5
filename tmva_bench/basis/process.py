"""How this package starts another Python: apart from the folder that the user happens to be in."""

import os
from pathlib import Path
from typing import Any, Dict, Mapping, Optional


def isolated(variables: Optional[Mapping[str, str]] = None) -> Dict[str, Any]:
    """Arguments for :mod:`subprocess` that keep modules of the current folder out of a child.

    "-c" and "-m" look for modules in the current folder before the standard library: a ``json.py`` there would be run.
    So the child starts in a folder without any, and a Python from 3.11 on does not look there at all. Relative and
    empty entries of ``PYTHONPATH`` mean the current folder, too.

    Args:
        variables: the child's environment variables; by default those of this process.

    Returns:
        ``cwd`` and ``env``.
    """
    environment = dict(os.environ if variables is None else variables)
    path = [entry for entry in environment.pop("PYTHONPATH", "").split(os.pathsep) if entry]
    if path:
        environment["PYTHONPATH"] = os.pathsep.join(str(Path(entry).absolute()) for entry in path)
    environment["PYTHONSAFEPATH"] = "1"
    return {"cwd": os.sep, "env": environment}


def executable(python: str) -> str:
    """A Python executable from whatever folder it is started: a path is one from the current folder, a name is on PATH.

    Not resolved: a virtual environment's Python is a link.
    """
    return str(Path(python).absolute()) if os.sep in python else python
