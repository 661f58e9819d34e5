"""The command line: parsing and calling only, one module a group of commands."""

import os
import signal
import threading
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tmva_bench.cli.commands import main as main


def __getattr__(name: str) -> Any:
    # Loaded on demand: all that it imports takes a second, in which Ctrl-C is to end in one line, too.
    if name != "main":
        raise AttributeError(f"module 'tmva_bench.cli' has no attribute {name!r}")
    usual = signal.getsignal(signal.SIGINT)
    # Only the main thread may change it; what ignores Ctrl-C (nohup) goes on doing so.
    guarded = usual is signal.default_int_handler and threading.current_thread() is threading.main_thread()
    if guarded:
        signal.signal(signal.SIGINT, _end)
    try:
        from tmva_bench.cli.commands import main
    finally:
        if guarded:
            signal.signal(signal.SIGINT, usual)
    return main


def _end(number: int, frame: "FrameType | None") -> None:
    os.write(2, b"tmva-bench: interrupted before it began\n")
    os._exit(130)
