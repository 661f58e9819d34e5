"""Commands and what they say: errors in one line, Ctrl-C, closed and full outputs."""

import codecs
import contextlib
import errno
import functools
import gc
import io
import os
import signal
import sys
import threading
import time
from types import FrameType
from typing import Any

import click

from tmva_bench.errors import UserError, of_system

# Where the output's encoding lacks a character: what people read for it.
_ASCII = {"±": "+-", "×": "x", "–": "-", "—": "-", "…": "...", "→": "->", "≥": ">=", "≤": "<=", "−": "-", "σ": "sigma"}
# Control characters but for line ends and tabs, and those that turn the direction of text: they change the terminal.
_CONTROLS = {
    code: f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
    for code in (
        *range(9),
        *range(11, 32),
        *range(127, 160),
        0x2028,
        0x2029,
        *range(0x202A, 0x202F),
        *range(0x2066, 0x206A),
    )
}
# The second Ctrl-C of one impatient hand comes within this time [s].
_TWICE = 1.0
# The longest line that an error makes; of a longer one the middle is left out.
_LONGEST = 1500
_CLOSED = 128 + signal.SIGPIPE
# Objects made between two searches for circles of references.
_ALLOCATIONS = 200_000


class Command(click.Command):
    """A command whose options stand once, but for those that are lists: the last of two would silently win."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuses a repeated option; see ``click.Command.parse_args``."""
        _, _, order = self.make_parser(ctx).parse_args(list(args))
        for option in order:
            single = isinstance(option, click.Option) and not (option.multiple or option.count or option.is_eager)
            if single and sum(other is option for other in order) > 1:
                raise click.UsageError(f"{option.opts[-1]} is given twice; give it once", ctx)
        return super().parse_args(ctx, args)


command = functools.partial(click.command, cls=Command)


class Commands(click.Group):
    """Ends an error that a user can cure in one line and exit code 2, Ctrl-C in 130."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Runs the command line; see ``click.Group.main``."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors=_WRITABLE)
        _end_in_order()
        # Ten thousand records hold no circles of references: looking for some took a quarter of the time.
        usual = gc.get_threshold()
        gc.set_threshold(_ALLOCATIONS)
        try:
            answer = super().main(*args, **{**kwargs, "standalone_mode": False})
            if sys.stdout is not None:
                sys.stdout.flush()
            return answer
        except UserError as error:
            for line in error.display:
                say(line, err=True)
            fail(str(error), 2)
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            sys.exit(error.exit_code)
        except click.ClickException as error:
            fail(error.format_message(), error.exit_code)
        except (click.Abort, KeyboardInterrupt):
            fail("interrupted; finished runs are kept, and the same command goes on from there", 130)
        except OSError as error:
            fail(str(of_system(error)), 2)
        finally:
            gc.set_threshold(*usual)


def _end_in_order() -> None:
    """The first Ctrl-C ends the command in order, a second with it says nothing more, a later one ends it at once."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return  # ignored (nohup), or in somebody else's hands
    if threading.current_thread() is not threading.main_thread():
        return
    first: list[float] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        if not first:
            first.append(time.monotonic())
            raise KeyboardInterrupt
        if time.monotonic() - first[0] > _TWICE:
            os._exit(130)

    signal.signal(signal.SIGINT, interrupt)


def _drop_output() -> None:
    """What is left of the output would fail again at the end."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.close(nowhere)


def _writable(error: UnicodeError) -> tuple[str, int]:
    """What is written in place of characters that the output's encoding lacks."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(_ASCII.get(c) or c.encode("ascii", "backslashreplace").decode() for c in text), error.end


_WRITABLE = "tmva_bench_writable"
codecs.register_error(_WRITABLE, _writable)


def say(text: str, *, err: bool = False) -> None:
    """Prints lines; control characters in them, which may come from a file, are written out."""
    stream = sys.stderr if err else sys.stdout
    if stream is None:  # closed by the shell
        return
    try:
        # Not by click, which writes UTF-8 where ASCII is asked for.
        stream.write(f"{text.translate(_CONTROLS)}\n")
        stream.flush()
    except OSError as error:
        _drop_output()
        reason = (
            "closed before all was written" if error.errno == errno.EPIPE else f"{error.strerror}; not all is there"
        )
        fail(f"standard output: {reason}", _CLOSED if error.errno == errno.EPIPE else 2)


def fail(message: str, exit_code: int) -> None:
    """Ends the command with one line and an exit code."""
    line = " ".join(message.split())
    if len(line) > _LONGEST:
        line = f"{line[: _LONGEST // 2]} ... {line[-_LONGEST // 2 :]}"
    with contextlib.suppress(OSError, AttributeError):
        sys.stderr.write(f"tmva-bench: {line.translate(_CONTROLS)}\n")
        sys.stderr.flush()
    sys.exit(exit_code)
