"""The command line: parsing and calling only."""

import functools
import json
import logging
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

import tmva_bench
from tmva_bench import api, bench, config, doctor, inputs, records, report, results, runner, samples
from tmva_bench.errors import UserError
from tmva_bench.methods import Epoch

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
        **vars(config.Point()),
        "learning_rate": ", ".join(f"{optimizer} {rate:g}" for optimizer, rate in config.LEARNING_RATES.items()),
        "factory_string": "those of TMVA's classification, without colours and progress bar",
    }
    for name, parameter in reversed(config.PARAMETERS.items()):
        text = f"{parameter.help[0].upper()}{parameter.help[1:].split(' (')[0]}."
        if parameter.codes:
            numbered = (f"{code} {value}" if parameter.coded else value for code, value in enumerate(parameter.codes))
            text += f" [{', '.join(numbered)}]"
        kind = "NAME" if parameter.codes else {int: "INTEGER", float: "NUMBER", str: "TEXT"}[parameter.type]
        default = "all of the file" if name in config.COUNTS else defaults[name]
        command = click.option(_dashed(name), metavar=kind, help=f"{text}  [default: {default}]")(command)
    return command


@main.command()
@click.option("-o", "--output", type=_PATH, required=True, help="Input file to write.")
@click.option("--sample", metavar=_one_of(api.SAMPLES), default="gauss", help="What to generate.")
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


@main.command()
@click.argument("input_file", type=_PATH)
@click.option("--method", metavar=_one_of(config.METHODS), required=True, help="What trains the network.")
@click.option("--backend", metavar=_one_of(config.BACKENDS), help="Keras backend.  [default: tensorflow]")
@click.option("--architecture", metavar=_one_of(config.ARCHITECTURES), default="cpu", help="What to train on.")
@click.option("--preset", metavar=_one_of(config.PRESETS), help="Start from a named table of parameters.")
@_point_options
@click.option("--threads", type=int, default=1, help="Threads given to the run.")
@click.option("--results", "folder", type=_PATH, help="Results folder.  [default: results/ and the input's name]")
@click.option("--time-limit", type=float, metavar="SECONDS", help="End the run after this time.")
@click.option(
    "--memory-limit", type=float, metavar="MIB", help="End the run above this memory.  [default: 90% of free]"
)
@click.option("--rerun", metavar=_one_of(api.RERUN), help="Run again what ended this way.")
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
    request = api.make_request(point, method, backend, architecture=architecture, threads=threads)
    folder = api.results_folder(input_file, folder)
    data = api.prepare_input(inputs.read(input_file), point, folder)
    record = _run([request], data, folder, limits=runner.limits(time_limit, memory_limit), rerun=rerun)[0]
    _report([record], folder)
    if record["row"]["status"] != "ok":
        _fail(f"{report.series_name(record['row'])}: {record['row']['status']}: {record['row']['reason']}", 1)


@main.command("bench")
@click.option("--threads", type=int, default=1, help="Threads given to each run.")
@click.option("--results", "folder", type=_PATH, default=Path("results/bench"), help="Results folder.")
@click.option("--rerun", metavar=_one_of(api.RERUN), help="Run again what ended this way.")
def bench_command(threads: int, folder: Path, rerun: str | None) -> None:
    """Run the standard benchmark.

    The slides' network, on generated events, through every method, backend and optimizer. Runs that are there are not
    run again.
    """
    requests = bench.requests(threads)
    path = bench.input_file(folder)
    if not path.exists():
        records.make_folder(folder)
        _say_written(path, api.generate(path, "gauss", **bench.EVENTS))
    made = _run(requests, inputs.read(path), folder, limits=runner.Limits(), rerun=rerun)
    _report(made, folder)
    statuses = {record["row"]["status"] for record in made}
    failed = statuses - {"ok", "unavailable"}
    if failed:
        _fail(f"some runs gave no result ({', '.join(sorted(failed))}); the reasons stand under the table", 1)
    if "ok" not in statuses:
        _fail("no method can run here; the reasons stand under the table", 1)


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


def _run(
    requests: list[runner.Request],
    data: inputs.InputFile,
    folder: Path,
    *,
    limits: runner.Limits,
    rerun: str | None,
) -> list[records.Record]:
    """Runs what has no record yet: a bar a run on a terminal, a line a run elsewhere."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description:24}"),
        BarColumn(bar_width=12),
        MofNCompleteColumn(),
        TextColumn("{task.fields[says]:16}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    made = []
    # Drawing takes time from what is measured.
    with Progress(*columns, console=console, disable=not console.is_terminal, refresh_per_second=2) as progress:
        for request in requests:
            name = report.series_name({**request._asdict(), "optimizer": request.point.optimizer})
            bar = progress.add_task(name, total=request.point.max_epochs, says="")
            on_epoch = functools.partial(_show_epoch, progress, bar)
            record = api.run_once(request, data, folder, limits=limits, rerun=rerun, on_epoch=on_epoch)
            made.append(record)
            says = report.result(record["row"])
            if not console.is_terminal:
                console.print(f"{name}: {says}", highlight=False)
            progress.update(bar, completed=record["row"]["epochs"], says=says)
            progress.stop_task(bar)
    return made


def _show_epoch(progress: Progress, bar: TaskID, epoch: Epoch) -> None:
    progress.update(bar, completed=epoch.epoch, says=f"val. loss {epoch.validation_loss:.4f}")


def _report(made: list[records.Record], folder: Path) -> None:
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(report.benchmark_table([record["row"] for record in made]))
    path = folder / "results.root"
    results.write(records.load(folder), path)
    console.print(f"Results tree: {path}", highlight=False, soft_wrap=True)


def _say_written(path: Path, metadata: dict[str, Any]) -> None:
    best = metadata["roc_auc_best_possible"]
    known = "" if best is None else f", best possible ROC area {best:.4f}"
    click.echo(f"{path}: sample {metadata['sample']}, {sum(metadata['events'].values())} events{known}")


def _fail(message: str, exit_code: int) -> None:
    click.echo(f"tmva-bench: {' '.join(message.split())}", err=True)
    sys.exit(exit_code)


if __name__ == "__main__":
    main()
