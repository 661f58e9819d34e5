"""One ROOT session for many tests: to start ROOT and to compile a macro takes most of a test's time.

As a program it is that session: ``python root_session.py``, one request a line on standard input.
"""

import ctypes
import json
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

MACROS = Path(__file__).parent.parent / "macros"


class Answer(NamedTuple):
    """What a request gave.

    Attributes:
        value: what the code left in ``value``.
        stdout: what was printed meanwhile.
        stderr: likewise.
    """

    value: Any
    stdout: str
    stderr: str


class RootSession:
    """A session with all macros loaded."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._streams = {name: Path(self._folder.name, name) for name in ("stdout", "stderr")}
        with self._streams["stdout"].open("wb") as out, self._streams["stderr"].open("wb") as err:
            answers, replies = os.pipe()
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(replies)],
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=err,
                pass_fds=[replies],
                text=True,
            )
        os.close(replies)
        self._answers = os.fdopen(answers)

    def run(self, code: str, arguments: Any) -> Answer:
        """Runs Python code that finds ``ROOT``, ``call(macro, ...)`` and ``arguments``, and leaves ``value``.

        Raises:
            AssertionError: the code raised, with its traceback, or the session ended.
        """
        before = {name: path.stat().st_size for name, path in self._streams.items()}
        assert self._process.stdin
        self._process.stdin.write(json.dumps([code, arguments]) + "\n")
        self._process.stdin.flush()
        line = self._answers.readline()
        printed = {name: path.read_bytes()[before[name] :].decode() for name, path in self._streams.items()}
        assert line, f"the session ended: {printed['stderr'][-2000:]}"
        value, error = json.loads(line)
        assert not error, error + printed["stderr"]
        return Answer(value, **printed)

    def close(self) -> None:
        """Ends the session."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(60)
        self._answers.close()
        self._folder.cleanup()


def _serve(requests: Iterable[str], replies: int) -> None:
    import ROOT

    ROOT.gROOT.SetBatch(True)
    for macro in sorted(MACROS.glob("*.C")):
        ROOT.gROOT.LoadMacro(str(macro))

    def call(macro: str, *rest: str) -> int:
        return int(getattr(ROOT, macro)(*rest))

    with os.fdopen(replies, "w") as answers:
        for line in requests:
            code, arguments = json.loads(line)
            names = {"ROOT": ROOT, "call": call, "arguments": arguments, "value": None}
            error = ""
            try:
                exec(code, names)
            except Exception:
                error = traceback.format_exc()
            ROOT.std.cout.flush()
            sys.stdout.flush()
            ctypes.CDLL(None).fflush(None)
            answers.write(json.dumps([names["value"], error]) + "\n")
            answers.flush()


if __name__ == "__main__":
    _serve(sys.stdin, int(sys.argv[1]))
