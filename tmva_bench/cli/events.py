"""Commands that make input files."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy

from tmva_bench import api
from tmva_bench.basis import autoencoder, config, mapping
from tmva_bench.cli import common, shell
from tmva_bench.engines import encoder
from tmva_bench.errors import UserError
from tmva_bench.events import describing, inputs, samples
from tmva_bench.report import description, progress
from tmva_bench.running import encoding


@shell.command()
@click.option("-o", "--output", type=common.path, required=True, help="Input file to write.")
@click.option("--sample", metavar=common.one_of(samples.SAMPLES), default="gauss", help="What to generate.")
@click.option("--variables", type=int, help="Number of input variables.")
@click.option("--correlation", type=float, help="Correlation of the Gaussians.")
@click.option("--separation", type=float, help="Distance of signal and background.")
@click.option("--weights", metavar=common.one_of(samples.WEIGHTS), help="Event weights.")
@common.count_options
@click.option("--seed", type=int, default=1, help="Makes the same events each time.")
@common.force_option
def generate(output: Path, sample: str, force: bool, **parameters: Any) -> None:
    """Write the common input file of a sample."""
    values = {name: value for name, value in parameters.items() if value is not None}
    common.write_input(output, lambda: api.generate(output, sample, force=force, **values))


_SOURCE = "[NAME=]FILES:TREE"


def _conversion_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of `convert` that hold one text each."""
    for name, metavar, text in reversed(
        (
            (
                "label",
                "EXPRESSION",
                "What holds for signal, where a tree has both classes; --background may be left out.",
            ),
            ("pad", "NUMBER", "What stands for an element that is not there.  [default: such an event is refused]"),
            ("cut", "EXPRESSION", "What must hold for an event to be taken."),
            ("signal_cut", "EXPRESSION", "Likewise, for signal besides."),
            ("background_cut", "EXPRESSION", "Likewise, for background besides."),
            ("weight", "EXPRESSION", "Event weights.  [default: every event weighs 1]"),
            ("signal_weight", "EXPRESSION", "The same of the signal alone."),
            ("background_weight", "EXPRESSION", "The same of the background alone."),
            ("split", "TEXT", "Training: a share, a number, or what holds for it.  [default: half]"),
            ("fold", "I/K", "The I-th of K parts tests, the others train."),
        )
    ):
        kind = float if name == "pad" else str
        command = click.option(common.dashed(name), name, type=kind, metavar=metavar, help=text)(command)
    return command


@shell.command()
@click.option("-o", "--output", type=common.path, required=True, help="Input file to write.")
@click.option("--signal", required=True, multiple=True, metavar=_SOURCE, help="Signal events; may be repeated.")
@click.option("--background", multiple=True, metavar=_SOURCE, help="Background events; may be repeated.")
@click.option("--friend", multiple=True, metavar="NAME=FILES:TREE", help="More branches of a process or class.")
@click.option(
    "--variables",
    required=True,
    multiple=True,
    metavar="A,B,...",
    help="Branches or name=expression, one number an event each; jet_pt[0], jet_pt[:3], p.x, Jet*_pt. May be repeated.",
)
@click.option("--spectators", multiple=True, metavar="A,B,...", help="Likewise; carried along, never trained on.")
@_conversion_options
@click.option("--scale", multiple=True, metavar="NAME=EXPRESSION", help="Factor of the weights of a process.")
@click.option("--normalise", is_flag=True, help="Scale the weights of each class to a mean of 1.")
@click.option("--train-signal", type=int, help="Number of training events, signal.")
@click.option("--train-background", type=int, help="Number of training events, background.")
@click.option("--test-signal", multiple=True, metavar=f"INTEGER or {_SOURCE}", help="Test events, signal.")
@click.option("--test-background", multiple=True, metavar=f"INTEGER or {_SOURCE}", help="Test events, background.")
@click.option("--name", default="own", help="What tables and figures call the sample.")
@click.option("--seed", type=int, default=1, help="Shuffles the events before they are split.")
@common.force_option
def convert(
    output: Path,
    signal: tuple[str, ...],
    background: tuple[str, ...],
    variables: tuple[str, ...],
    test_signal: tuple[str, ...],
    test_background: tuple[str, ...],
    force: bool,
    **parameters: Any,
) -> None:
    """Write the common input file of your own events.

    FILES is a file, an address, a glob, a folder, or @LIST, a text with a file a line; NAME the process.

    A tree that is given as signal and as background, as TMVA's TrainTree, is divided by --label, or by its branch
    classID.
    """

    asked: dict[str, Any] = {name: list(v) if isinstance(v, tuple) else v for name, v in parameters.items()}

    def write() -> dict[str, Any]:
        with progress.reading() as listener:
            metadata = api.convert(
                output,
                _one_or_several(signal),
                _one_or_several(background) if background else None,
                list(variables),
                test_signal=_number_or_sources("--test-signal", test_signal),
                test_background=_number_or_sources("--test-background", test_background),
                force=force,
                listener=listener,
                **asked,
            )
        for kind, processes in metadata["selection"]["counts"].items():
            for name, counts in processes.items():
                shell.say(f"{kind.replace('_', ' ')}{'' if name == kind else f' {name}'}: {_counted(counts)}", err=True)
        for tree, number in metadata["repeated"].items():
            if number:
                text = (
                    f"{tree}: {number} test events are equal to training events in all variables; are they there twice?"
                )
                shell.say(text, err=True)
        return metadata

    common.write_input(output, write)


@shell.command()
@click.argument("input_file", metavar="FILE", type=common.path)
@common.format_option
def describe(input_file: Path, form: str) -> None:
    """Say what a common input file holds, and what of it looks wrong.

    FILE may also be made by hand. Exit code 0, whatever is told.
    """
    described = describing.describe(inputs.read_unchecked(input_file))
    common.say_document(description.document(str(input_file), described), form)


def _counted(counts: dict[str, Any]) -> str:
    """What was taken of a process, in one line."""
    train, test = (sum(n for tree, n in counts.items() if tree.startswith(half)) for half in ("Train", "Test"))
    text = f"{counts['read']} events read, {counts['passed']} taken; {train} train, {test} test"
    if counts["negative"]:
        effective = counts["sum_of_weights"] ** 2 / counts["sum_of_squares"]
        text += f"; {counts['negative']} of negative weight, as good as {effective:.4g} of weight 1"
    return f"{text}; sum of weights {counts['sum_of_weights']:g}"


def _one_or_several(texts: tuple[str, ...]) -> str | list[str]:
    return texts[0] if len(texts) == 1 else list(texts)


def _number_or_sources(option: str, texts: tuple[str, ...]) -> int | str | list[str] | None:
    """A number of test events, or trees of them."""
    if len(texts) == 1 and re.fullmatch(r"[-+]?[0-9]{1,18}", texts[0]):
        return int(texts[0])
    if any(re.fullmatch(r"[-+]?[0-9]+", text) for text in texts):
        raise UserError(f"{option}: give one number of events, or trees")
    return _one_or_several(texts) if texts else None


def _autoencoder_options(command: Callable[..., Any]) -> Callable[..., Any]:
    strategy = ",".join(f"{key}={value}" for key, value in autoencoder.STRATEGY.items() if value)
    for name, metavar, text in reversed(
        (
            ("Layout", "TEXT", "Layers as TMVA's DNN has them; k stands for the encoded variables."),
            ("TrainingStrategy", "TEXT", f"Keys as TMVA's DNN has them, over {strategy}."),
            (
                "WeightInitialization",
                common.one_of(mapping.TMVA_INITIALIZERS.values()),
                "Initial weights, by TMVA's names.",
            ),
            ("ValidationSize", "TEXT", "Validation events: a percentage, a share or a number."),
            ("RandomSeed", "INTEGER", "Seed of initial weights, batches and corruption."),
        )
    ):
        dashed = "--" + re.sub("(?<!^)([A-Z])", r"-\1", name).lower()
        default = f"  [default: {autoencoder.OPTIONS[name]}]" if autoencoder.OPTIONS[name] else ""
        command = click.option(dashed, name, metavar=metavar, help=text + default)(command)
    return command


@shell.command()
@click.argument("input_file", type=common.path)
@click.option("-k", "k", type=int, help="Number of encoded variables.")
@click.option("-o", "--output", type=common.path, required=True, help="Input file to write.")
@_autoencoder_options
@click.option("--tied", is_flag=True, help="The decoder's weights are the encoder's, transposed.")
@click.option("--pretraining", is_flag=True, help="Train level by level first.")
@click.option("--transformations", metavar="TEXT", help="Chain before the autoencoder, of I, N, D, P.  [default: N]")
@click.option("--class", "event_class", metavar=common.one_of(autoencoder.CLASSES), help="Events to train on.")
@click.option("--backend", metavar=common.one_of(config.BACKENDS), help="Keras backend.  [default: tensorflow]")
@click.option("--threads", type=int, help="Threads given to the training.  [default: 1]")
@click.option("--encoder", "stored", type=common.path, help="Take the autoencoder of this encoded file.")
@common.force_option
def encode(
    input_file: Path,
    k: int | None,
    output: Path,
    tied: bool,
    pretraining: bool,
    stored: Path | None,
    force: bool,
    **parameters: Any,
) -> None:
    """Write a file's events encoded in fewer variables by a deep autoencoder.

    It is trained on the training events and encodes all. The output is an input file for every method, and holds the
    autoencoder and its errors on the test events, beside those of principal components.
    """
    asked = {name: value for name, value in parameters.items() if value is not None}
    switches = {name: "True" for name, wanted in (("Tied", tied), ("Pretraining", pretraining)) if wanted}
    options = {name: str(asked.pop(name)) for name in autoencoder.OPTIONS if name in asked} | switches
    if stored:
        if k is not None or asked or options:
            raise UserError(f"--encoder {stored}: is trained already; leave -k and the options of the training out")
        common.write_input(output, lambda: encoding.encode_with(stored, input_file, output, force=force))
    elif k is None:
        raise UserError("-k: give the number of encoded variables, or an encoded file with --encoder")
    else:

        def write() -> dict[str, Any]:
            with progress.encoding() as on_epoch:
                return encoding.encode(input_file, output, k, options=options, on_epoch=on_epoch, force=force, **asked)

        common.write_input(output, write)
    shell.say(encoder.written(encoder.read_errors(output)))
    shell.say("Mean square of the test events, in units of the variance; PCA: as many principal components")
    if outside := encoder.read(output).outside(numpy.concatenate(list(inputs.read(input_file).events.values()))):
        shell.say(f"{100 * outside:.2g} % of the events lie outside the ranges that the autoencoder was trained on")


@shell.command()
@click.argument("encoded_file", type=common.path)
@click.option("-o", "--output", type=common.path, required=True, help="Input file to write.")
@common.force_option
def decode(encoded_file: Path, output: Path, force: bool) -> None:
    """Write the events that an encoded file's autoencoder makes of its encoded ones."""
    common.write_input(output, lambda: encoder.write_decoded(encoded_file, output, force=force))
