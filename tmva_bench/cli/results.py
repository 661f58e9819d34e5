"""Commands on what runs have left."""

import sys
from pathlib import Path

import click

from tmva_bench.cli import common, shell
from tmva_bench.errors import UserError, unknown
from tmva_bench.report import figures, tables
from tmva_bench.results import naming, schema, summary
from tmva_bench.results.folder import ResultsFolder, make_folder
from tmva_bench.study import filters


@shell.command()
@click.argument("file", type=common.file)
@click.option("--by", multiple=True, metavar="NAME", help="Order the rows by this column, e.g. neurons.")
@common.format_option
def table(file: str, by: tuple[str, ...], form: str) -> None:
    """Print the means over repetitions.

    FILE is a results folder, a results.root, a study, or "example": results of a real TMVA that come along.
    """
    known = [*schema.SERIES, *schema.POINT]
    names = [name for text in by for name in text.split(",")]
    for name in names:
        if name not in known:
            raise unknown("column", name, known)
    groups = summary.groups(common.rows_of(file))
    common.say_document(tables.document(groups, names, notes=common.notes_of(file)), form)


@shell.command("differences")
@click.argument("file", type=common.file)
@click.option("--reference", metavar="NAME", help='Series to compare with, e.g. "keras jax sgd".  [default: the first]')
@click.option(
    "--quality",
    "share",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.9,
    help="Quality to reach: share of the way to the best validation loss.",
)
@common.format_option
def differences_command(file: str, reference: str | None, share: float, form: str) -> None:
    """Compare every series with one of them: ROC area and time with verdicts, time to quality.

    FILE is a results folder, a study, or "example".
    """
    from tmva_bench.compare import differences  # its statistics take a second to load

    folder = common.folder_of(file)
    compared = differences.compare(
        common.finished_records(folder, curves=("history",)), folder, reference=reference, share=share
    )
    common.say_document(differences.document(compared), form)


@shell.command("compare")
@click.argument("a", type=common.file)
@click.argument("b", type=common.file)
@common.format_option
@click.option(
    "--fail-if",
    "limits",
    multiple=True,
    metavar="'QUANTITY OP NUMBER'",
    help="Exit code 1 where a point is beyond this for sure, e.g. 'real_time_train > 1.1', 'roc_auc < -0.005', "
    "'lost > 0'.",
)
def compare_command(a: str, b: str, form: str, limits: tuple[str, ...]) -> None:
    """Compare two results, B with A: another machine, another ROOT, before and after a change.

    A and B are results folders, studies, or "example". Times and memory are ratios B/A, the ROC area is the difference
    B - A.

    Of two files perf.root, which make perf leaves, the measurements are compared.
    """
    from tmva_bench.compare import comparison, performance  # its statistics take a second to load

    files = Path(a), Path(b)
    if all(path.name == performance.FILE and path.is_file() for path in files):
        if limits:
            raise UserError(f"--fail-if {limits[0]}: is for results; leave it out to compare {a} and {b}")
        common.say_document(performance.compared(*map(performance.read, files)), form)
        return
    parsed = comparison.parse_limits(limits)
    folders = common.folder_of(a), common.folder_of(b)
    compared = comparison.compare(common.finished_records(folders[0]), common.finished_records(folders[1]), folders)
    common.say_document(comparison.document(compared), form)
    beyond = comparison.beyond(compared, parsed)
    for line in beyond:
        shell.say(f"tmva-bench: {line}", err=True)
    if beyond:
        sys.exit(1)


@shell.command("report")
@click.argument("file", type=common.file)
@click.option(
    "-o",
    "--output",
    type=common.path,
    help="HTML file to write.  [default: report.html in the results folder; example: results/example/report.html]",
)
@common.force_option
def report_command(file: str, output: Path | None, force: bool) -> None:
    """Write one HTML page to look at and to share: tables, interactive plots, and how to do it again.

    FILE is a results folder, a study, or "example". The page needs nothing beside it.
    """
    from tmva_bench.report import page  # statistics and plotting library take a second to load

    folder = common.folder_of(file)
    path = output or folder.report
    if folder.example and output is None:
        path = Path("results") / common.EXAMPLE / folder.report.name
        make_folder(path.parent)
    # The page in the results folder is made anew each time, as results.root is.
    anew = output is None and not folder.example
    written = page.write(common.finished_records(folder, curves=("history",)), folder, path, force=force or anew)
    shell.say(f"Page: {path}{'' if written else ' (is there already, kept)'}")


@shell.command("plot")
@click.argument("file", metavar="RESULTS", type=common.file)
@click.option(
    "-o", "--output", type=common.path, default="figures", help="Folder of the figures; made where it is not there."
)
@click.option("--only", metavar="NAME,...", multiple=True, help=f"These figures alone: {', '.join(figures.NAMES)}.")
@click.option("--caption", is_flag=True, help="Every parameter that the runs share under each figure.")
def plot_command(file: str, output: Path, only: tuple[str, ...], caption: bool) -> None:
    """Draw the figures, each as PNG and PDF, by the ROOT macros of the package.

    RESULTS is a results folder, a study, or a file of `latency`; nothing in it is changed. Exit code 1 where a figure
    could not be drawn.
    """
    names = [name for text in only for name in text.split(",")]
    drawn = figures.draw(common.folder_of(file), output, only=names, caption=caption)
    for line in drawn.notes:
        shell.say(line)
    for line in drawn.failures:
        shell.say(f"tmva-bench: {line}", err=True)
    pictures = [path for path in drawn.paths if path.suffix == ".png"]
    if pictures:
        shell.say(f"Figures: {len(pictures)} in {output}, as PNG and PDF; the first to open: {_first(pictures)}")
    if drawn.failures:
        sys.exit(1)


def _first(pictures: list[Path]) -> Path:
    """The figure that tells most: a scan of the ROC area, or the areas and times."""
    return min(pictures, key=lambda path: (not path.stem.startswith("scan_roc_auc"), path.stem != "bars"))


@shell.command()
@click.argument("file", type=common.file)
@click.option("--only", multiple=True, required=True, metavar="NAME=VALUE,...", help="Remove the runs that fit.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(file: str, only: tuple[str, ...], yes: bool) -> None:
    """Remove runs that are no longer wanted.

    FILE is a results folder or a study. A run fits that fits every --only, by any column of the results tree.
    """
    folder = common.folder_of(file)
    if not folder.runs.is_dir():
        raise UserError(f"{folder.path}: no such results folder")
    with folder.held():
        records = folder.load(curves=())
        wanted = filters.parse(only, [column.name for column in schema.BENCHMARK])
        gone = [record.row for record in records if filters.fits(record.row.columns(), wanted)]
        names = naming.varied(record.row for record in records)
        common.say_options(gone)
        for row in gone:
            shell.say(f"{row.run_id}: {naming.run_name(row, names[naming.series_name(row)])}: {naming.result(row)}")
        if gone and (yes or click.confirm(f"Remove {len(gone)} of {len(records)} runs?")):
            folder.remove([row.run_id for row in gone])
            folder.rebuild()
    if not gone:
        shell.say(f"no run of {len(records)} fits")


@shell.command()
@click.argument("sources", nargs=-1, required=True, type=common.file)
@click.option("-o", "--output", type=common.results, required=True, help="Results folder to bring the runs to.")
def merge(sources: tuple[str, ...], output: Path) -> None:
    """Join the results of several machines.

    SOURCES are results folders, studies, or "example". Runs that are equal are taken once; where two records of one run
    differ, nothing is merged.
    """
    folder = ResultsFolder(output)
    with folder.held():
        new, equal = folder.merge(map(common.folder_of, sources))
        folder.rebuild()
    shell.say(f"{output}: {new} runs brought in, {equal} were there already")


@shell.command("check-results")
@click.argument("file", type=common.file)
def check_results(file: str) -> None:
    """List the runs whose files are no longer as they were written.

    FILE is a results folder, a study, or "example". Exit code 0 where all are, 1 where not.
    """
    folder = common.folder_of(file)
    problems = folder.problems()
    for name, problem in problems.items():
        shell.say(f"{name}: {problem}")
    number = len(folder.names())
    if not number:
        raise UserError(f"{folder.path}: no finished runs there; give a results folder or a study")
    if problems:
        shell.fail(f"{folder.path}: {len(problems)} of {number} runs are not as they were written", 1)
    shell.say(f"{folder.path}: {number} runs are as they were written")
