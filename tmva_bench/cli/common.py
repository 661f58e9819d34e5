"""What the commands share: errors, options, and what is said."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from tmva_bench import api
from tmva_bench.basis import config
from tmva_bench.errors import UserError
from tmva_bench.report import reference
from tmva_bench.results import naming, records, tree_file
from tmva_bench.results.folder import ResultsFolder
from tmva_bench.study import file as study_file

PATH = click.Path(path_type=Path)


class Commands(click.Group):
    """Ends an error that a user can cure in one line and exit code 2, Ctrl-C in 130."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Runs the command line; see ``click.Group.main``."""
        try:
            return super().main(*args, **{**kwargs, "standalone_mode": False})
        except UserError as error:
            fail(str(error), 2)
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            sys.exit(error.exit_code)
        except click.ClickException as error:
            fail(error.format_message(), error.exit_code)
        except (click.Abort, KeyboardInterrupt):
            fail("interrupted; finished runs are kept, and the same command goes on from there", 130)


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


def say_options(rows: Iterable[naming.Row]) -> None:
    """What the short names of long options stand for."""
    for line in naming.named_options(rows):
        click.echo(line)


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
    folder = folder_of(file)
    if folder.path.is_file():
        return tree_file.rows_of(folder.path)
    return [record["row"] for record in finished_records(folder)]


def finished_records(folder: ResultsFolder) -> list[records.Record]:
    """The records of a results folder that has some."""
    made = folder.load()
    if not made:
        raise UserError(f"{folder.path}: no finished runs there; give a results folder or a study")
    return made


def say_results(folder: ResultsFolder) -> None:
    """Says where the results tree lies."""
    click.echo(f"Results tree: {folder.tree}")


def say_written(path: Path, metadata: dict[str, Any]) -> None:
    """Says what an input file holds."""
    best = metadata["roc_auc_best_possible"]
    known = "" if best is None else f", best possible ROC area {best:.4f}"
    click.echo(f"{path}: sample {metadata['sample']}, {sum(metadata['events'].values())} events{known}")


def fail(message: str, exit_code: int) -> None:
    """Ends the command with one line and an exit code."""
    click.echo(f"tmva-bench: {' '.join(message.split())}", err=True)
    sys.exit(exit_code)
