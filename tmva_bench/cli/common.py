"""What the commands share: options, and what is meant by a file or a folder."""

import os
import shutil
import sys
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any

import click

from tmva_bench.basis import config
from tmva_bench.cli import shell
from tmva_bench.errors import UserError, unknown
from tmva_bench.report import reference
from tmva_bench.results import folder as results_folder
from tmva_bench.results import forms, naming, tree_file
from tmva_bench.results.folder import ResultsFolder
from tmva_bench.results.rows import Record, RunRow
from tmva_bench.study import file as study_file

# The results that come with the package, unless something in the current directory is called so.
EXAMPLE = "example"


def _checked(value: str | Path) -> str:
    text = os.fsdecode(value)
    if not text.strip():
        raise click.BadParameter("an empty path; give a file or a folder")
    if "\0" in text:
        raise click.BadParameter(f"{text!r}: a path holds no NUL byte; correct it")
    if "://" in text:
        raise click.BadParameter(
            f"{text}: an address, and this takes files of this machine; copy the file here (`tmva-bench convert` reads "
            "trees of your own from addresses)"
        )
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


def _known_form(context: click.Context, option: click.Parameter, value: str) -> str:
    if value not in forms.FORMS:
        raise unknown("format", value, list(forms.FORMS))
    return value


format_option = click.option(
    "--format", "form", metavar=one_of(forms.FORMS), default="text", callback=_known_form, help="How to write it."
)
force_option = click.option("--force", is_flag=True, help="Write over a file that is there and holds something else.")


def say_document(document: forms.Document, form: str = "text") -> None:
    """Prints what a command tells, in a terminal no wider than that.

    Args:
        document: what to print.
        form: one of :data:`tmva_bench.results.forms.FORMS`.
    """
    width = shutil.get_terminal_size().columns if sys.stdout is not None and sys.stdout.isatty() else None
    shell.say(forms.write(document, form, width))


def say_options(rows: Iterable[RunRow]) -> None:
    """What the short names of long options stand for."""
    for line in naming.named_options(rows):
        shell.say(line)


def folder_of(file: str) -> ResultsFolder:
    """The results folder that a user means: itself, that of its ``results.root`` or of a study, or the example."""
    path = Path(file)
    if _is_example(file):
        return results_folder.example()
    if path.name == ResultsFolder(path.parent).tree.name and ResultsFolder(path.parent).runs.is_dir():
        return ResultsFolder(path.parent)
    if path.is_dir() or not (path.suffix == ".toml" or file in study_file.shipped()):
        return ResultsFolder(path)
    from tmva_bench import api  # more than a folder of results needs

    return api.study_folder(study_file.read(file))


def study_of(file: str) -> str | Path:
    """The study file that a user means, that of the example among them."""
    return results_folder.example().study if _is_example(file) else file


def _is_example(file: str) -> bool:
    return file == EXAMPLE and not Path(file).exists()


def rows_of(file: str) -> list[RunRow]:
    """The rows of the tree ``benchmark`` that a user means: of a results folder, a results file or a study."""
    if Path(file).is_file() and Path(file).suffix == ".root":
        return tree_file.rows_of(Path(file))
    return [record.row for record in finished_records(folder_of(file))]


def finished_records(folder: ResultsFolder, *, curves: Collection[str] = ()) -> list[Record]:
    """The records of a results folder that has some.

    Args:
        folder: the results folder.
        curves: see :meth:`ResultsFolder.load`.
    """
    records = folder.load(curves=curves)
    if not records:
        raise UserError(f"{folder.path}: no finished runs there; give a results folder or a study")
    return records


def notes_of(file: str) -> list[str]:
    """What must be said wherever the numbers of these results are shown."""
    path = Path(file)
    of_tree = path.is_file() and path.suffix == ".root"
    note = (ResultsFolder(path.parent) if of_tree else folder_of(file)).note
    return [note] if note else []


def say_results(folder: ResultsFolder) -> None:
    """Says where the results tree lies."""
    shell.say(f"Results tree: {folder.tree}")


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
    shell.say(f"{path}: sample {metadata['sample']}, {sum(metadata['events'].values())} events{known}{kept}")


def _state(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns
