"""What the commands share: errors, options, and what is said."""

import codecs
import contextlib
import errno
import functools
import io
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType
from typing import Any

import click

from tmva_bench import api
from tmva_bench.basis import config
from tmva_bench.errors import UserError, of_system
from tmva_bench.report import reference
from tmva_bench.results import naming, records, tree_file
from tmva_bench.results.folder import ResultsFolder
from tmva_bench.study import file as study_file

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


def _checked(value: str | Path) -> str:
    text = os.fsdecode(value)
    if not text.strip():
        raise click.BadParameter("an empty path; give a file or a folder")
    if "\0" in text:
        raise click.BadParameter(f"{text!r}: a path holds no NUL byte; correct it")
    return text


def path(value: str | Path) -> Path:
    """The type of an option that names a path; what no file can be called is refused for all commands."""
    return Path(_checked(value))


def results(value: str | Path) -> Path:
    """The type of an option that names a results folder, or the ``results.root`` in it."""
    return _folder(path(value))


def _folder(path: Path) -> Path:
    return path.parent if path.name == tree_file.NAME and path.is_file() else path


def file(value: str) -> str:
    """The type of an argument that is a file, a folder or the name of a shipped study."""
    return _checked(value)


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
        try:
            answer = super().main(*args, **{**kwargs, "standalone_mode": False})
            if sys.stdout is not None:
                sys.stdout.flush()
            return answer
        except UserError as error:
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


def dashed(name: str) -> str:
    """The option of a parameter, e.g. ``--max-epochs``."""
    return "--" + name.replace("_", "-")


def one_of(names: Iterable[str]) -> str:
    """The names that an option takes, for its help."""
    return f"[{'|'.join(names)}]"


def count_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options for numbers of events."""
    for name in reversed(config.COUNTS):
        what = config.PARAMETERS[name].help.split(" (")[0]
        command = click.option(dashed(name), type=int, help=f"Number of {what}.")(command)
    return command


def point_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds an option for every parameter of a point."""
    defaults = {
        **reference.defaults(),
        "factory_string": "those of TMVA's classification, without colours and progress bar",
    }
    for name, parameter in reversed(config.PARAMETERS.items()):
        text = f"{parameter.help[0].upper()}{parameter.help[1:].split(' (')[0]}."
        if parameter.codes:
            numbered = (f"{code} {value}" if parameter.coded else value for code, value in enumerate(parameter.codes))
            text += f" [{', '.join(numbered)}]"
        kind = "NAME" if parameter.codes else {int: "INTEGER", float: "NUMBER", str: "TEXT"}[parameter.type]
        command = click.option(dashed(name), metavar=kind, help=f"{text}  [default: {defaults[name]}]")(command)
    return command


force_option = click.option("--force", is_flag=True, help="Write over a file that is there and holds something else.")


def say_options(rows: Iterable[naming.Row]) -> None:
    """What the short names of long options stand for."""
    for line in naming.named_options(rows):
        say(line)


def folder_of(file: str) -> ResultsFolder:
    """The results folder that a user means: itself, the one of its ``results.root``, or that of a study."""
    path = Path(file)
    if path.name == ResultsFolder(path.parent).tree.name and ResultsFolder(path.parent).runs.is_dir():
        return ResultsFolder(path.parent)
    if path.is_dir() or not (path.suffix == ".toml" or file in study_file.shipped()):
        return ResultsFolder(path)
    return api.study_folder(study_file.read(file))


def rows_of(file: str) -> list[dict[str, Any]]:
    """The rows of the tree ``benchmark`` that a user means: of a results folder, a results file or a study."""
    if Path(file).is_file() and Path(file).suffix == ".root":
        return tree_file.rows_of(Path(file))
    return [record["row"] for record in finished_records(folder_of(file))]


def finished_records(folder: ResultsFolder) -> list[records.Record]:
    """The records of a results folder that has some."""
    made = folder.load()
    if not made:
        raise UserError(f"{folder.path}: no finished runs there; give a results folder or a study")
    return made


def say_results(folder: ResultsFolder) -> None:
    """Says where the results tree lies."""
    say(f"Results tree: {folder.tree}")


def write_input(path: Path, make: Callable[[], dict[str, Any]]) -> None:
    """Makes an input file, and says what it holds, and whether it was there already.

    Args:
        path: the file.
        make: writes it, and gives its metadata.
    """
    before = _state(path)
    metadata = make()
    best = metadata["roc_auc_best_possible"]
    known = "" if best is None else f", best possible ROC area {best:.4f}"
    kept = " (is there already, kept)" if before is not None and before == _state(path) else ""
    say(f"{path}: sample {metadata['sample']}, {sum(metadata['events'].values())} events{known}{kept}")


def _state(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


def fail(message: str, exit_code: int) -> None:
    """Ends the command with one line and an exit code."""
    line = " ".join(message.split())
    if len(line) > _LONGEST:
        line = f"{line[: _LONGEST // 2]} ... {line[-_LONGEST // 2 :]}"
    with contextlib.suppress(OSError, AttributeError):
        sys.stderr.write(f"tmva-bench: {line.translate(_CONTROLS)}\n")
        sys.stderr.flush()
    sys.exit(exit_code)
