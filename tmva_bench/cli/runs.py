"""Commands that run benchmarks, and say how far they are."""

import datetime
import json
import math
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from tmva_bench import api
from tmva_bench.basis import config, parsing
from tmva_bench.cli import common, shell
from tmva_bench.methods import registry, together_worker
from tmva_bench.report import progress, tables, terminal
from tmva_bench.results import naming, summary
from tmva_bench.results.folder import ResultsFolder
from tmva_bench.results.rows import Record, RunRow
from tmva_bench.running import batch, cluster, doctor, execution, runner
from tmva_bench.study import file as study_file
from tmva_bench.study import plan, requests
from tmva_bench.study import study as studies


@shell.command()
@click.argument("input_file", type=common.path)
@click.option("--method", metavar=common.one_of(registry.METHODS), required=True, help="What trains the network.")
@click.option(
    "--backend",
    metavar=common.one_of(dict.fromkeys(name for method in registry.METHODS.values() for name in method.backends)),
    help="Learning library under the method.  [default: the method's first]",
)
@click.option("--architecture", metavar=common.one_of(config.ARCHITECTURES), default="cpu", help="What to train on.")
@click.option("--preset", metavar=common.one_of(parsing.PRESETS), help="Start from a named table of parameters.")
@common.point_options
@click.option("--threads", type=int, default=1, help="Threads given to the run.")
@click.option(
    "--results", "folder", type=common.results, help="Results folder.  [default: results/ and the input's name]"
)
@click.option("--time-limit", type=float, metavar="SECONDS", help="End the run after this time.")
@click.option(
    "--memory-limit", type=float, metavar="MIB", help="End the run above this memory.  [default: 90% of free]"
)
@click.option("--rerun", metavar=common.one_of(execution.RERUN), help="Run again what ended this way.")
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
    point = parsing.point({name: value for name, value in parameters.items() if value is not None}, preset=preset)
    with progress.Bars() as bars:
        columns = api.run(
            input_file,
            method,
            backend=backend,
            architecture=architecture,
            point=point,
            threads=threads,
            folder=folder,
            limits=requests.limits(time_limit, memory_limit),
            rerun=rerun,
            listener=bars,
        )
    row = RunRow(**columns)
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(terminal.benchmark_table([row]))
    if not math.isnan(row.reconstruction_error):
        shell.say(
            f"Autoencoder: error {row.reconstruction_error:.4f}, principal components {row.pca_error:.4f} "
            "(mean square of the test events, in units of the variance)"
        )
    common.say_results(api.results_folder(input_file, folder))
    if row.status != "ok":
        shell.fail(f"{naming.series_name(row)}: {row.status}: {row.reason}", 1)


@shell.command()
@click.argument("file", type=common.file)
@click.option(
    "--results", "folder", type=common.results, help="Results folder.  [default: results/ and the study's name]"
)
@click.option("--set", "changes", multiple=True, metavar="NAME=VALUE,...", help="Change a parameter or an axis.")
@click.option("--only", multiple=True, metavar="NAME=VALUE,...", help="Do the runs that fit.")
@click.option("--limit", type=click.IntRange(min=0), help="Do at most so many runs.")
@click.option("--jobs", type=int, default=1, help="Runs side by side, on disjoint cores.")
@click.option("--rerun", metavar=common.one_of(execution.RERUN), help="Run again what ended this way.")
@click.option("--shard", metavar="I/N", help="Do the I-th of N parts, in a results folder of its own, to be merged.")
@click.option("--scheduler", metavar="ADDRESS", help="Do them on the workers of this Dask cluster, tcp://host:8786.")
@click.option(
    "--cluster", "system", metavar=common.one_of(cluster.SYSTEMS), help="Do them on a Dask cluster of their own."
)
@click.option("--workers", type=click.IntRange(min=1), help="Workers of --cluster, one run each at a time.")
@click.option("--dry-run", is_flag=True, help="Say what would run, and how long it will take.")
def study(
    file: str,
    folder: Path | None,
    changes: tuple[str, ...],
    only: tuple[str, ...],
    limit: int | None,
    jobs: int,
    rerun: str | None,
    shard: str | None,
    scheduler: str | None,
    system: str | None,
    workers: int | None,
    dry_run: bool,
) -> None:
    """Do the runs of a study that are not there yet.

    FILE is a study file or the name of a shipped study. Ctrl-C keeps what is finished; the same command goes on.
    """
    planned = study_file.read(file, changes)
    part = plan.parse_shard(shard) if shard else None
    results = api.study_folder(planned, folder, part)
    if dry_run:
        _say_plan(planned, results, only, rerun, limit, part)
        return
    for place in planned.environments.values():
        if place.python:
            shell.say(f"Environment {place.name} starts {place.python}, as the study says", err=True)
    with progress.Bars() as bars:
        columns = api.run_study(
            file,
            changes=changes,
            only=only,
            folder=folder,
            side_by_side=jobs,
            rerun=rerun,
            limit=limit,
            shard=shard,
            scheduler=scheduler,
            system=system,
            workers=workers,
            listener=bars,
        )
    rows = [RunRow(**row) for row in columns]
    common.say_document(tables.document(summary.groups(rows), notes=filter(None, [results.note])))
    common.say_results(results)
    statuses = {row.status for row in rows}
    if failed := statuses - {"ok", "unavailable"}:
        shell.fail(f"some runs gave no result ({', '.join(sorted(failed))}); the reasons stand under the table", 1)
    if rows and "ok" not in statuses:
        shell.fail("no method can run here; the reasons stand under the table", 1)


@shell.command()
@click.argument("file", type=common.file)
@click.option("--to", "system", metavar=common.one_of(batch.SYSTEMS), required=True, help="The batch system.")
@click.option("-o", "--output", type=common.path, required=True, help="Folder to write to, which workers share.")
@click.option(
    "--jobs", type=click.IntRange(min=1), help="Parts that the study is done in.  [default: [cluster], or 10]"
)
@click.option("--set", "changes", multiple=True, metavar="NAME=VALUE,...", help="Change a parameter or an axis.")
@common.force_option
def submit(file: str, system: str, output: Path, jobs: int | None, changes: tuple[str, ...], *, force: bool) -> None:
    """Write a submit file that does a study in parts on a batch system.

    FILE is a study file or the name of a shipped study; its table [cluster] says what a job may take. Nothing is
    submitted: the commands that do, and join the parts, are printed.
    """
    for line in batch.write(study_file.read(file, changes), system, output, jobs=jobs, force=force):
        shell.say(line)


@shell.command()
@click.option("--results", "folder", type=common.results, help="Results folder.  [default: results/quick]")
@click.option("--rerun", metavar=common.one_of(execution.RERUN), help="Run again what ended this way.")
@click.pass_context
def bench(context: click.Context, /, **options: Any) -> None:
    """Run the standard benchmark: the study "quick"."""
    context.invoke(study, file="quick", **options)


@shell.command()
@click.argument("file", type=common.file)
@click.option(
    "--results", "folder", type=common.results, help="Results folder.  [default: results/ and the study's name]"
)
@click.option("--set", "changes", multiple=True, metavar="NAME=VALUE,...", help="As given to the study.")
@click.option("--only", multiple=True, metavar="NAME=VALUE,...", help="As given to the study.")
def status(file: str, folder: Path | None, changes: tuple[str, ...], only: tuple[str, ...]) -> None:
    """Say how far a study is."""
    planned = study_file.read(file, changes)
    results = api.study_folder(planned, folder)
    records = results.load(curves=())
    jobs = api.study_jobs(planned, results, only, look=True)
    _, todo = execution.split(jobs, records, None)
    by_name = {record.row.run_id: record.row.status for record in records}
    counts = Counter(by_name[job.name] for job in jobs if job.name in by_name)
    shell.say(f"{results.path}: {results.holder() or 'no process is at work'}")
    done = ", ".join(f"{number} {ended}" for ended, number in sorted(counts.items())) or "none finished"
    shell.say(f"{len(jobs)} runs: {done}; {len(todo)} to do{_takes(todo, records)}")
    for partial in results.runs_under_way():
        shell.say(f"under way: {_run_under_way(partial)}")


@shell.command("doctor")
@common.format_option
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
def doctor_command(form: str, as_json: bool) -> None:
    """Say what can run here, and what is missing.

    Trains every method on a hundred events, each in a child process.
    """
    console = Console(stderr=True)
    with console.status("looking") as status:
        examined = doctor.examine(lambda name: status.update(f"training {name} on a hundred events"))
    common.say_document(terminal.doctor_document(examined), "json" if as_json else form)
    if not any(method["runs"] for method in examined["methods"]):
        shell.fail("no method can run here", 1)


def _say_plan(
    planned: studies.Study,
    folder: ResultsFolder,
    only: Iterable[str],
    rerun: str | None,
    limit: int | None,
    shard: plan.Shard | None,
) -> None:
    records = folder.load(curves=())
    jobs = api.study_jobs(planned, folder, only, look=True, shard=shard)
    kept, todo = execution.split(jobs, records, rerun)
    todo = todo[:limit]
    rows = {job.name: runner.planned_row(*job) for job in jobs}
    names = naming.varied(rows.values())
    common.say_options(rows[job.name] for job in todo)
    for job in todo:
        missing = f": {job.environment.missing}" if job.environment.missing else ""
        row = rows[job.name]
        shell.say(f"{naming.run_name(row, names[naming.series_name(row)])}{missing}")
    for place in {
        job.environment.name: job.environment
        for job in jobs
        if not job.environment.versions and not job.environment.missing
    }.values():
        shell.say(f"Environment {place.name}: what {place.python} holds is asked when the study runs")
    shell.say(f"{folder.path}: {len(kept)} runs are there, {len(todo)} to do{_takes(todo, records)}")


def _takes(todo: list[execution.Job], records: list[Record]) -> str:
    if not todo:
        return ""
    estimate = execution.estimate(todo, records)
    missing = f" no finished run tells how long {estimate.unknown} of them take" if estimate.unknown else ""
    if not estimate.seconds:
        return f";{missing}" if missing else ""
    text = f", about {str(datetime.timedelta(seconds=round(estimate.seconds)))} (h:mm:ss) one after the other"
    return f"{text};{missing}" if missing else text


def _run_under_way(partial: Path) -> str:
    """A run under way in words, from its folder, which may be renamed at any moment."""
    try:
        values = json.loads((partial / "task.json").read_text())
        log = (partial / "log.txt").read_text(errors="replace")
        seconds = time.time() - (partial / "task.json").stat().st_mtime
    except (OSError, ValueError):
        return partial.name
    tasks = values.get(together_worker.TASKS, [values])
    task, *_ = tasks
    reader = registry.of(task["method"]).read_epochs
    series = naming.Series(
        task["method"],
        task["backend"],
        task["architecture"],
        task["point"]["optimizer"],
        task["point"]["execution"],
        task["point"]["feeding"],
        together_worker.TASKS in values,
    )
    number = f" ({len(tasks)} trainings)" if series.together else ""
    epochs = f"epoch {len(reader(log))} of {task['point']['max_epochs']}"
    return f"{naming.series_name(series)}{number}: {epochs}, {seconds:.0f} s"


@shell.command()
@click.argument("run_folder", metavar="RUN", type=common.path)
@click.argument("events", nargs=-1, required=True, metavar="FILES:TREE...")
@click.option("-o", "--output", type=common.path, required=True, help="ROOT file to write.")
@click.option("--friend", multiple=True, metavar="FILES:TREE", help="More branches of the same events.")
@click.option(
    "--backend",
    metavar=common.one_of(config.BACKENDS),
    help="Keras backend that evaluates a network.  [default: the run's; tensorflow for TMVA's own]",
)
@common.force_option
def apply(
    run_folder: Path, events: tuple[str, ...], output: Path, friend: tuple[str, ...], backend: str | None, force: bool
) -> None:
    """Write the scores that a finished run gives to other events.

    RUN is the folder of a run, results/NAME/runs/ID. FILES is a file, an address, a glob, a folder, or @LIST, a text
    with a file a line. The output has a tree "scores" with an entry for every event, in the order of the trees: score,
    the spectators of the run's input file, and whether its cut holds.
    """
    answer = api.apply(run_folder, events, output, friend=friend, backend=backend, force=force)
    for note in answer["notes"]:
        shell.say(f"Note: {note}", err=True)
    passing = "".join(f", {number} with {branch}" for branch, number in answer["passing"].items())
    without = f", {answer['without_score']} without a score" if answer["without_score"] else ""
    shell.say(f"{output}: scores of {answer['events']} events{passing}{without}")
    shell.say(f"largest difference {answer['difference']:.1e} from the run's own scores of its test events")
