"""The command line: parsing and calling only."""

import contextlib
import datetime
import json
import logging
import math
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import click
import numpy
from rich.console import Console

import tmva_bench
from tmva_bench import (
    api,
    autoencoder,
    child,
    config,
    doctor,
    encoder,
    encoding,
    execution,
    explain,
    filters,
    inputs,
    mapping,
    progress,
    records,
    reference,
    replay,
    report,
    results,
    runner,
    samples,
    schema,
    summary,
    tables,
    tmva_files,
)
from tmva_bench import study as studies
from tmva_bench.errors import UserError, unknown

_PATH = click.Path(path_type=Path)


class _Commands(click.Group):
    """Ends an error that a user can cure in one line and exit code 2, Ctrl-C in 130."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Runs the command line; see ``click.Group.main``."""
        try:
            return super().main(*args, **{**kwargs, "standalone_mode": False})
        except UserError as error:
            _fail(str(error), 2)
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            sys.exit(error.exit_code)
        except click.ClickException as error:
            _fail(error.format_message(), error.exit_code)
        except (click.Abort, KeyboardInterrupt):
            _fail("interrupted; finished runs are kept, and the same command goes on from there", 130)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(tmva_bench.__version__)
def main() -> None:
    """TMVA's DNN, TMVA PyKeras and Keras itself on the same data and network."""
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.WARNING)


def _dashed(name: str) -> str:
    return "--" + name.replace("_", "-")


def _one_of(names: Iterable[str]) -> str:
    return f"[{'|'.join(names)}]"


def _count_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for name in reversed(config.COUNTS):
        what = config.PARAMETERS[name].help.split(" (")[0]
        command = click.option(_dashed(name), type=int, help=f"Number of {what}.")(command)
    return command


def _point_options(command: Callable[..., Any]) -> Callable[..., Any]:
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
        command = click.option(_dashed(name), metavar=kind, help=f"{text}  [default: {defaults[name]}]")(command)
    return command


@main.command()
@click.option("-o", "--output", type=_PATH, required=True, help="Input file to write.")
@click.option("--sample", metavar=_one_of(samples.SAMPLES), default="gauss", help="What to generate.")
@click.option("--variables", type=int, help="Number of input variables.")
@click.option("--correlation", type=float, help="Correlation of the Gaussians.")
@click.option("--separation", type=float, help="Distance of signal and background.")
@click.option("--weights", metavar=_one_of(samples.WEIGHTS), help="Event weights.")
@_count_options
@click.option("--seed", type=int, default=1, help="Makes the same events each time.")
def generate(output: Path, sample: str, **parameters: Any) -> None:
    """Write the common input file of a sample."""
    given = {name: value for name, value in parameters.items() if value is not None}
    _say_written(output, api.generate(output, sample, **given))


@main.command()
@click.option("-o", "--output", type=_PATH, required=True, help="Input file to write.")
@click.option("--signal", required=True, metavar="FILE:TREE", help="Signal events.")
@click.option("--background", required=True, metavar="FILE:TREE", help="Background events.")
@click.option("--variables", required=True, metavar="A,B,...", help="Branches to take, one number an event each.")
@click.option("--weight", help="Branch of the event weights.  [default: every event weighs 1]")
@_count_options
@click.option("--seed", type=int, default=1, help="Shuffles the events before they are split.")
def convert(output: Path, signal: str, background: str, variables: str, **parameters: Any) -> None:
    """Write the common input file of your own trees."""
    sample = samples.own(signal=signal, background=background, variables=variables.split(","), **parameters)
    _say_written(output, inputs.write(sample, output))


def _autoencoder_options(command: Callable[..., Any]) -> Callable[..., Any]:
    strategy = ",".join(f"{key}={value}" for key, value in autoencoder.STRATEGY.items() if value)
    for name, metavar, text in reversed(
        (
            ("Layout", "TEXT", "Layers as TMVA's DNN has them; k stands for the encoded variables."),
            ("TrainingStrategy", "TEXT", f"Keys as TMVA's DNN has them, over {strategy}."),
            ("WeightInitialization", _one_of(mapping.TMVA_INITIALIZERS.values()), "Initial weights, by TMVA's names."),
            ("ValidationSize", "TEXT", "Validation events: a percentage, a share or a number."),
            ("RandomSeed", "INTEGER", "Seed of initial weights, batches and corruption."),
        )
    ):
        dashed = "--" + re.sub("(?<!^)([A-Z])", r"-\1", name).lower()
        default = f"  [default: {autoencoder.OPTIONS[name]}]" if autoencoder.OPTIONS[name] else ""
        command = click.option(dashed, name, metavar=metavar, help=text + default)(command)
    return command


@main.command()
@click.argument("input_file", type=_PATH)
@click.option("-k", "k", type=int, help="Number of encoded variables.")
@click.option("-o", "--output", type=_PATH, required=True, help="Input file to write.")
@_autoencoder_options
@click.option("--tied", is_flag=True, help="The decoder's weights are the encoder's, transposed.")
@click.option("--pretraining", is_flag=True, help="Train level by level first.")
@click.option("--transformations", metavar="TEXT", help="Chain before the autoencoder, of I, N, D, P.  [default: N]")
@click.option("--class", "event_class", metavar=_one_of(autoencoder.CLASSES), help="Events to train on.")
@click.option("--backend", metavar=_one_of(config.BACKENDS), help="Keras backend.  [default: tensorflow]")
@click.option("--threads", type=int, help="Threads given to the training.  [default: 1]")
@click.option("--encoder", "stored", type=_PATH, help="Take the autoencoder of this encoded file.")
def encode(
    input_file: Path, k: int | None, output: Path, tied: bool, pretraining: bool, stored: Path | None, **given: Any
) -> None:
    """Write a file's events encoded in fewer variables by a deep autoencoder.

    It is trained on the training events and encodes all. The output is an input file for every method, and holds the
    autoencoder and its errors on the test events, beside those of principal components.
    """
    asked = {name: value for name, value in given.items() if value is not None}
    switches = {name: "True" for name, wanted in (("Tied", tied), ("Pretraining", pretraining)) if wanted}
    options = {name: str(asked.pop(name)) for name in autoencoder.OPTIONS if name in asked} | switches
    if stored:
        if k is not None or asked or options:
            raise UserError(f"--encoder {stored}: is trained already; leave -k and the options of the training out")
        metadata = encoding.encode_with(stored, input_file, output)
    elif k is None:
        raise UserError("-k: give the number of encoded variables, or an encoded file with --encoder")
    else:
        with progress.encoding() as on_epoch:
            metadata = encoding.encode(input_file, output, k, options=options, on_epoch=on_epoch, **asked)
    _say_written(output, metadata)
    click.echo(encoder.written(encoder.read_errors(output)))
    click.echo("Mean square of the test events, in units of the variance; PCA: as many principal components")
    if outside := encoder.read(output).outside(numpy.concatenate(list(inputs.read(input_file).events.values()))):
        click.echo(f"{100 * outside:.2g} % of the events lie outside the ranges that the autoencoder was trained on")


@main.command()
@click.argument("encoded_file", type=_PATH)
@click.option("-o", "--output", type=_PATH, required=True, help="Input file to write.")
def decode(encoded_file: Path, output: Path) -> None:
    """Write the events that an encoded file's autoencoder makes of its encoded ones."""
    _say_written(output, encoder.write_decoded(encoded_file, output))


@main.command()
@click.argument("input_file", type=_PATH)
@click.option("--method", metavar=_one_of(config.METHODS), required=True, help="What trains the network.")
@click.option(
    "--backend", metavar=_one_of(config.BACKENDS), help="Keras backend; dae takes tmva, too.  [default: tensorflow]"
)
@click.option("--architecture", metavar=_one_of(config.ARCHITECTURES), default="cpu", help="What to train on.")
@click.option("--preset", metavar=_one_of(config.PRESETS), help="Start from a named table of parameters.")
@_point_options
@click.option("--threads", type=int, default=1, help="Threads given to the run.")
@click.option("--results", "folder", type=_PATH, help="Results folder.  [default: results/ and the input's name]")
@click.option("--time-limit", type=float, metavar="SECONDS", help="End the run after this time.")
@click.option(
    "--memory-limit", type=float, metavar="MIB", help="End the run above this memory.  [default: 90% of free]"
)
@click.option("--rerun", metavar=_one_of(execution.RERUN), help="Run again what ended this way.")
def run(
    input_file: Path,
    method: str,
    backend: str | None,
    architecture: str,
    preset: str | None,
    threads: int,
    folder: Path | None,
    time_limit: float | None,
    memory_limit: float | None,
    rerun: str | None,
    **parameters: str | None,
) -> None:
    """Run one benchmark on an input file.

    It runs in a child process and leaves a folder under runs/ in the results folder, with its record, log and model,
    and a row in results.root. A run that is there is not run again.
    """
    point = config.point({name: value for name, value in parameters.items() if value is not None}, preset=preset)
    row = api.run(
        input_file,
        method,
        backend=backend,
        architecture=architecture,
        point=point,
        threads=threads,
        folder=folder,
        limits=child.limits(time_limit, memory_limit),
        rerun=rerun,
        listener=progress.Bars(),
    )
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(report.benchmark_table([row]))
    if not math.isnan(row["reconstruction_error"]):
        click.echo(
            f"Autoencoder: error {row['reconstruction_error']:.4f}, principal components {row['pca_error']:.4f} "
            "(mean square of the test events, in units of the variance)"
        )
    _say_results(api.results_folder(input_file, folder))
    if row["status"] != "ok":
        _fail(f"{report.series_name(row)}: {row['status']}: {row['reason']}", 1)


@main.command()
@click.argument("file")
@click.option("--results", "folder", type=_PATH, help="Results folder.  [default: results/ and the study's name]")
@click.option("--set", "changes", multiple=True, metavar="NAME=VALUE,...", help="Change a parameter or an axis.")
@click.option("--only", multiple=True, metavar="NAME=VALUE,...", help="Do the runs that fit.")
@click.option("--limit", type=click.IntRange(min=0), help="Do at most so many runs.")
@click.option("--jobs", type=int, default=1, help="Runs side by side, on disjoint cores.")
@click.option("--rerun", metavar=_one_of(execution.RERUN), help="Run again what ended this way.")
@click.option("--dry-run", is_flag=True, help="Say what would run, and how long it will take.")
def study(
    file: str,
    folder: Path | None,
    changes: tuple[str, ...],
    only: tuple[str, ...],
    limit: int | None,
    jobs: int,
    rerun: str | None,
    dry_run: bool,
) -> None:
    """Do the runs of a study that are not there yet.

    FILE is a study file or the name of a shipped study. Ctrl-C keeps what is finished; the same command goes on.
    """
    planned = studies.read(file, changes)
    folder = api.study_folder(planned, folder)
    if dry_run:
        _say_plan(planned, folder, only, rerun, limit)
        return
    rows = api.run_study(
        file,
        changes=changes,
        only=only,
        folder=folder,
        side_by_side=jobs,
        rerun=rerun,
        limit=limit,
        listener=progress.Bars(),
    )
    click.echo(tables.write(summary.groups(rows), "text"))
    _say_results(folder)
    statuses = {row["status"] for row in rows}
    if failed := statuses - {"ok", "unavailable"}:
        _fail(f"some runs gave no result ({', '.join(sorted(failed))}); the reasons stand under the table", 1)
    if rows and "ok" not in statuses:
        _fail("no method can run here; the reasons stand under the table", 1)


@main.command()
@click.option("--results", "folder", type=_PATH, help="Results folder.  [default: results/quick]")
@click.option("--rerun", metavar=_one_of(execution.RERUN), help="Run again what ended this way.")
@click.pass_context
def bench(context: click.Context, /, **options: Any) -> None:
    """Run the standard benchmark: the study "quick"."""
    context.invoke(study, file="quick", **options)


@main.command()
@click.argument("file")
@click.option("--results", "folder", type=_PATH, help="Results folder.  [default: results/ and the study's name]")
@click.option("--set", "changes", multiple=True, metavar="NAME=VALUE,...", help="As given to the study.")
@click.option("--only", multiple=True, metavar="NAME=VALUE,...", help="As given to the study.")
def status(file: str, folder: Path | None, changes: tuple[str, ...], only: tuple[str, ...]) -> None:
    """Say how far a study is."""
    planned = studies.read(file, changes)
    folder = api.study_folder(planned, folder)
    made = records.load(folder, curves=False)
    with _jobs(planned, folder, only) as jobs:
        _, todo = execution.split(jobs, made, None)
        by_name = {record["row"]["run_id"]: record["row"]["status"] for record in made}
        counts = Counter(by_name[job.name] for job in jobs if job.name in by_name)
    click.echo(f"{folder}: {records.holder(folder) or 'no process is at work'}")
    done = ", ".join(f"{number} {ended}" for ended, number in sorted(counts.items())) or "none finished"
    click.echo(f"{len(jobs)} runs: {done}; {len(todo)} to do{_takes(todo, made)}")
    for partial in records.runs_under_way(folder):
        click.echo(f"under way: {_run_under_way(partial)}")


@main.command()
@click.argument("file")
@click.option("--by", multiple=True, metavar="NAME", help="Order the rows by this column, e.g. neurons.")
@click.option("--format", "form", metavar=_one_of(tables.FORMATS), default="text", help="How to write it.")
def table(file: str, by: tuple[str, ...], form: str) -> None:
    """Print the means over repetitions.

    FILE is a results folder, a results.root, or a study.
    """
    if form not in tables.FORMATS:
        raise unknown("format", form, list(tables.FORMATS))
    known = [*schema.SERIES, *schema.POINT]
    names = [name for text in by for name in text.split(",")]
    for name in names:
        if name not in known:
            raise unknown("column", name, known)
    click.echo(tables.write(summary.groups(_rows(file)), form, names))


@main.command("differences")
@click.argument("file")
@click.option("--reference", metavar="NAME", help='Series to compare with, e.g. "keras jax sgd".  [default: the first]')
@click.option(
    "--quality",
    "share",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.9,
    help="Quality to reach: share of the way to the best validation loss.",
)
@click.option("--format", "form", metavar="[text|md|csv]", default="text", help="How to write it.")
def differences_command(file: str, reference: str | None, share: float, form: str) -> None:
    """Compare every series with one of them: ROC area and time with verdicts, time to quality.

    FILE is a results folder or a study.
    """
    from tmva_bench import differences  # its statistics take a second to load

    if form not in differences.FORMATS:
        raise unknown("format", form, list(differences.FORMATS))
    folder = _folder(file)
    found = differences.compare(_records(folder), folder, reference=reference, share=share)
    click.echo(differences.write(found, form))


@main.command("compare")
@click.argument("a")
@click.argument("b")
@click.option("--format", "form", metavar="[text|md|json]", default="text", help="How to write it.")
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

    A and B are results folders or studies. Times and memory are ratios B/A, the ROC area is the difference B - A.
    """
    from tmva_bench import comparison  # its statistics take a second to load

    if form not in comparison.FORMATS:
        raise unknown("format", form, list(comparison.FORMATS))
    parsed = comparison.parse_limits(limits)
    folders = _folder(a), _folder(b)
    found = comparison.compare(_records(folders[0]), _records(folders[1]), folders)
    click.echo(comparison.write(found, form))
    beyond = comparison.beyond(found, parsed)
    for line in beyond:
        click.echo(f"tmva-bench: {line}", err=True)
    if beyond:
        sys.exit(1)


@main.command("report")
@click.argument("file")
@click.option("-o", "--output", type=_PATH, help="HTML file to write.  [default: report.html in the results folder]")
def report_command(file: str, output: Path | None) -> None:
    """Write one HTML page to look at and to share: tables, interactive plots, and how to do it again.

    FILE is a results folder or a study. The page needs nothing beside it.
    """
    from tmva_bench import page  # statistics and plotting library take a second to load

    folder = _folder(file)
    output = output or folder / "report.html"
    page.write(_records(folder), folder, output)
    click.echo(f"Page: {output}")


@main.command()
@click.argument("file")
@click.option("--only", multiple=True, required=True, metavar="NAME=VALUE,...", help="Remove the runs that fit.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(file: str, only: tuple[str, ...], yes: bool) -> None:
    """Remove runs that are no longer wanted.

    FILE is a results folder or a study. A run fits that fits every --only, by any column of the results tree.
    """
    folder = _folder(file)
    if not folder.is_dir():
        raise UserError(f"{folder}: no such results folder")
    with records.held(folder):
        made = records.load(folder)
        wanted = filters.parse(only, [column.name for column in schema.BENCHMARK])
        gone = [record["row"] for record in made if filters.fits(record["row"], wanted)]
        names = report.varied(record["row"] for record in made)
        _say_options(gone)
        for row in gone:
            click.echo(f"{row['run_id']}: {report.run_name(row, names[report.series_name(row)])}: {report.result(row)}")
        if gone and (yes or click.confirm(f"Remove {len(gone)} of {len(made)} runs?")):
            records.remove(folder, [row["run_id"] for row in gone])
            results.write(records.load(folder), folder / "results.root")
    if not gone:
        click.echo(f"no run of {len(made)} fits")


@main.command("replay")
@click.argument("run_folder", metavar="[RUN]", type=_PATH, default=replay.SHIPPED)
@click.option("--backend", metavar=_one_of(config.BACKENDS), default="tensorflow", help="Keras backend.")
@click.option("--input", "input_file", type=_PATH, help="Common input file, for a RUN without TMVA's output file.")
@click.option("--tolerance", type=float, default=1e-4, help="Largest difference of a loss.")
def replay_command(run_folder: Path, backend: str, input_file: Path | None, tolerance: float) -> None:
    """Repeat a training of TMVA's DNN in Keras, epoch by epoch.

    RUN is the folder of a run of tmva-dnn, or any with TMVA's output file, weight file and log; by default a recorded
    one. The same start, batches and phases, in double precision. Exit code 0 where all epochs agree, 1 where not.
    """
    found = replay.run("replay", run_folder, backend=backend, input_file=input_file)
    click.echo(replay.table(found))
    if not replay.agrees(found, tolerance):
        _fail(f"{run_folder}: the losses differ by more than {tolerance:g}", 1)


@main.command("verify")
@click.argument("run_folder", metavar="[RUN]", type=_PATH, default=replay.SHIPPED)
@click.option("--backend", metavar=_one_of(config.BACKENDS), default="tensorflow", help="Keras backend.")
@click.option("--tolerance", type=float, default=1e-5, help="Largest difference of a score.")
def verify_command(run_folder: Path, backend: str, tolerance: float) -> None:
    """Evaluate the weights that TMVA's DNN kept in Keras, against TMVA's own scores.

    RUN as for replay. Exit code 0 where all scores agree, 1 where not.
    """
    found = replay.run("verify", run_folder, backend=backend)
    click.echo(f"{found['scores']} scores, largest difference {found['score_difference']:.1e}")
    if not found["score_difference"] <= tolerance:
        _fail(f"{run_folder}: the scores differ by more than {tolerance:g}", 1)


@main.command("explain")
@click.argument("file", required=False)
@click.option("--preset", metavar=_one_of(config.PRESETS), help="Start from a named table of parameters.")
@_point_options
@click.option("--format", "form", metavar=_one_of(explain.FORMATS), default="text", help="How to write it.")
def explain_command(file: str | None, preset: str | None, form: str, **parameters: str | None) -> None:
    """Say what each parameter is in TMVA and in Keras, and where the two are not equal.

    FILE is a study file or the name of a shipped study, which the parameters change; without it they make a point.
    """
    if form not in explain.FORMATS:
        raise unknown("format", form, list(explain.FORMATS))
    given = {name: value for name, value in parameters.items() if value is not None}
    changes = [f"{name}={value}" for name, value in given.items()]
    if file is None:
        title = ", ".join([f"preset {preset}" if preset else "the default point", *changes])
        explained = explain.of_point(config.point(given, preset=preset), title)
    elif preset:
        raise UserError(f"--preset {preset}: a study names its own; leave one of the two out")
    else:
        explained = explain.of_study(studies.read(file, changes))
    click.echo(explain.write(explained, form))


@main.command()
@click.option("--format", "form", metavar=_one_of(reference.FORMATS), default="text", help="How to write it.")
def keys(form: str) -> None:
    """List every table, key and parameter of a study file."""
    if form not in reference.FORMATS:
        raise unknown("format", form, list(reference.FORMATS))
    click.echo(reference.study_file(form))


@main.command()
@click.argument("sources", nargs=-1, required=True, type=_PATH)
@click.option("-o", "--output", type=_PATH, required=True, help="Results folder to bring the runs to.")
def merge(sources: tuple[Path, ...], output: Path) -> None:
    """Join the results of several machines.

    SOURCES are results folders. Runs that are equal are taken once; where two records of one run differ, nothing is
    merged.
    """
    with records.held(output):
        new, equal = records.merge(sources, output)
        results.write(records.load(output), output / "results.root")
    click.echo(f"{output}: {new} runs brought in, {equal} were there already")


@main.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor_command(as_json: bool) -> None:
    """Say what can run here, and what is missing.

    Trains every method on a hundred events, each in a child process.
    """
    console = Console(stderr=True)
    with console.status("looking") as status:
        found = doctor.examine(lambda name: status.update(f"training {name} on a hundred events"))
    if as_json:
        click.echo(json.dumps(found, indent=1))
    else:
        Console().print(report.doctor_table(found))
    if not any(method["runs"] for method in found["methods"]):
        _fail("no method can run here", 1)


@contextlib.contextmanager
def _jobs(planned: studies.Study, folder: Path, only: Iterable[str]) -> Iterator[list[execution.Job]]:
    """The runs of a study, for looking at them: where it has no results folder yet, none is made."""
    with contextlib.ExitStack() as stack:
        if not folder.exists():
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        yield api.study_jobs(planned, folder, only)


def _say_plan(planned: studies.Study, folder: Path, only: Iterable[str], rerun: str | None, limit: int | None) -> None:
    made = records.load(folder, curves=False)
    with _jobs(planned, folder, only) as jobs:
        kept, todo = execution.split(jobs, made, rerun)
        todo = todo[:limit]
        rows = {job.name: runner.planned_row(*job) for job in jobs}
        names = report.varied(rows.values())
        _say_options(rows[job.name] for job in todo)
        for job in todo:
            missing = f": {job.environment.missing}" if job.environment.missing else ""
            row = rows[job.name]
            click.echo(f"{report.run_name(row, names[report.series_name(row)])}{missing}")
    click.echo(f"{folder}: {len(kept)} runs are there, {len(todo)} to do{_takes(todo, made)}")


def _say_options(rows: Iterable[report.Row]) -> None:
    """What the short names of long options stand for."""
    for line in report.named_options(rows):
        click.echo(line)


def _takes(todo: list[execution.Job], made: list[records.Record]) -> str:
    if not todo:
        return ""
    found = execution.estimate(todo, made)
    missing = f" no finished run tells how long {found.unknown} of them take" if found.unknown else ""
    if not found.seconds:
        return f";{missing}" if missing else ""
    text = f", about {str(datetime.timedelta(seconds=round(found.seconds)))} (h:mm:ss) one after the other"
    return f"{text};{missing}" if missing else text


def _run_under_way(partial: Path) -> str:
    """A run under way in words, from its folder, which may be renamed at any moment."""
    try:
        values = json.loads((partial / "task.json").read_text())
        log = (partial / "log.txt").read_text(errors="replace")
        seconds = time.time() - (partial / "task.json").stat().st_mtime
    except (OSError, ValueError):
        return partial.name
    reader = tmva_files.keras_epoch_table if values["method"] == "pykeras" else tmva_files.epoch_table
    name = report.series_name({**values, "optimizer": values["point"]["optimizer"]})
    return f"{name}: epoch {len(reader(log))} of {values['point']['max_epochs']}, {seconds:.0f} s"


def _folder(file: str) -> Path:
    """The results folder that a user means: itself, or that of a study."""
    path = Path(file)
    if path.is_dir() or not (path.suffix == ".toml" or file in studies.shipped()):
        return path
    return api.study_folder(studies.read(file))


def _rows(file: str) -> list[dict[str, Any]]:
    path = _folder(file)
    if path.is_file():
        return results.rows_of(path)
    return [record["row"] for record in _records(path)]


def _records(folder: Path) -> list[records.Record]:
    made = records.load(folder)
    if not made:
        raise UserError(f"{folder}: no finished runs there; give a results folder or a study")
    return made


def _say_results(folder: Path) -> None:
    click.echo(f"Results tree: {folder / 'results.root'}")


def _say_written(path: Path, metadata: dict[str, Any]) -> None:
    best = metadata["roc_auc_best_possible"]
    known = "" if best is None else f", best possible ROC area {best:.4f}"
    click.echo(f"{path}: sample {metadata['sample']}, {sum(metadata['events'].values())} events{known}")


def _fail(message: str, exit_code: int) -> None:
    click.echo(f"tmva-bench: {' '.join(message.split())}", err=True)
    sys.exit(exit_code)


if __name__ == "__main__":
    main()
