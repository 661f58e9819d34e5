"""Commands on TMVA's own trainings, and on what its parameters are in Keras."""

from pathlib import Path

import click

from tmva_bench.basis import config, parsing
from tmva_bench.cli import common, shell
from tmva_bench.errors import UserError
from tmva_bench.report import explain, reference
from tmva_bench.running import replay
from tmva_bench.study import file as study_file

_TITLE = "Title of the method, where RUN has several."
_TOLERANCE = click.FloatRange(0, 1)


@shell.command("replay")
@click.argument("run_folder", metavar="[RUN]", type=common.path, default=replay.SHIPPED)
@click.option("--backend", metavar=common.one_of(config.BACKENDS), default="tensorflow", help="Keras backend.")
@click.option(
    "--input", "input_file", type=common.path, help="Common input file, for a RUN without TMVA's output file."
)
@click.option("--title", default="", help=_TITLE)
@click.option(
    "--execution", metavar=common.one_of(config.EXECUTIONS), default="batch", help="What one compiled call trains."
)
@click.option("--tolerance", type=_TOLERANCE, default=1e-4, help="Largest difference of a loss or a score.")
def replay_command(
    run_folder: Path, backend: str, input_file: Path | None, title: str, execution: str, tolerance: float
) -> None:
    """Repeat a training of TMVA's DNN in Keras, epoch by epoch.

    RUN is the folder of a run of tmva-dnn, or any with TMVA's output file, weight file and log (without a log, TMVA's
    output file tells the losses), or the output file or weight file itself; by default a recorded one. The same start,
    batches and phases, in double precision. Exit code 0 where all epochs and the scores agree, 1 where not.
    """
    answer = replay.run_replay(
        "replay", run_folder, backend=backend, input_file=input_file, title=title, execution=execution
    )
    shell.say(replay.table(answer))
    _say_notes(answer["notes"])
    if difference := replay.difference(answer, tolerance):
        shell.fail(f"{run_folder}: {difference}", 1)


@shell.command("verify")
@click.argument("run_folder", metavar="[RUN]", type=common.path, default=replay.SHIPPED)
@click.option("--backend", metavar=common.one_of(config.BACKENDS), default="tensorflow", help="Keras backend.")
@click.option("--title", default="", help=_TITLE)
@click.option("--tolerance", type=_TOLERANCE, default=1e-5, help="Largest difference of a score.")
def verify_command(run_folder: Path, backend: str, title: str, tolerance: float) -> None:
    """Evaluate the weights that TMVA's DNN kept in Keras, against TMVA's own scores.

    RUN as for replay; no log is needed, no seed, and the older kDNN (DNN) will do as well. Exit code 0 where all scores
    agree, 1 where not.
    """
    answer = replay.run_replay("verify", run_folder, backend=backend, title=title)
    shell.say(f"{answer['scores']} scores, largest difference {answer['score_difference']:.1e}")
    _say_notes(answer["notes"])
    if difference := replay.score_difference(answer, tolerance):
        shell.fail(f"{run_folder}: {difference}", 1)


def _say_notes(notes: list[str]) -> None:
    for note in notes:
        shell.say(f"Note: {note}")


@shell.command("explain")
@click.argument("file", type=common.file, required=False)
@click.option("--preset", metavar=common.one_of(parsing.PRESETS), help="Start from a named table of parameters.")
@common.point_options
@common.format_option
def explain_command(file: str | None, preset: str | None, form: str, **parameters: str | None) -> None:
    """Say what each parameter is in TMVA and in Keras, and where the two are not equal.

    FILE is a study file, the name of a shipped study, or "example"; the parameters change it. Without it they make a
    point.
    """
    values = {name: value for name, value in parameters.items() if value is not None}
    changes = [f"{name}={value}" for name, value in values.items()]
    if file is None:
        title = ", ".join([f"preset {preset}" if preset else "the default point", *changes])
        explained = explain.of_point(parsing.point(values, preset=preset), title)
    elif preset:
        raise UserError(f"--preset {preset}: a study names its own; leave one of the two out")
    else:
        explained = explain.of_study(study_file.read(common.study_of(file), changes))
    common.say_document(explain.document(explained), form)


@shell.command()
@common.format_option
def keys(form: str) -> None:
    """List every table, key and parameter of a study file."""
    common.say_document(reference.study_file(), form)
