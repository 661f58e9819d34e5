"""Commands that carry trained networks elsewhere."""

from pathlib import Path

import click

from tmva_bench import api
from tmva_bench.cli import common, shell
from tmva_bench.engines.exports import FORMATS
from tmva_bench.report import latency as report
from tmva_bench.report import progress
from tmva_bench.results import forms


@shell.command()
@click.argument("source", metavar="RUN|FILE", type=common.path)
@click.option("--format", "form", metavar=common.one_of(FORMATS), required=True, help="What to write.")
@click.option("-o", "--output", type=common.path, required=True, help="File to write.")
@common.force_option
def export(source: Path, form: str, output: Path, force: bool) -> None:
    """Write a trained network as ONNX, C++, for TMVA::Reader, Keras or RDataFrame.

    RUN is the folder of a run of tmva-dnn, pykeras, keras, torch or tmva-bdt, results/NAME/runs/ID; FILE a weight file
    of TMVA's DNN or BDT (*.weights.xml) or a model of Keras (.keras, .h5). Expressions and transformations are part of
    what is written, where the format holds them. It is checked first: where a score differs by more than 1e-5, nothing
    is written.
    """
    answer = api.export(source, form, output, force=force)
    for note in answer["notes"]:
        shell.say(f"Note: {note}", err=True)
    shell.say(f"{output}: {form}, takes {', '.join(map(forms.plain, answer['branches']))}")
    for against, difference in answer["checks"]:
        shell.say(f"largest difference {difference:.1e} from {against}")


@shell.command()
@click.argument("source", metavar="RUN|FILE", type=common.path)
@click.option("-o", "--output", type=common.path, help="ROOT file to write, for `tmva-bench plot`.")
@common.format_option
@common.force_option
def latency(source: Path, output: Path | None, form: str, force: bool) -> None:
    """Time an event of a trained network in C++, ONNX Runtime, Keras, TMVA::Reader and SOFIE.

    RUN and FILE are those of `export`. One thread on one core, a process each, with 1, 16, 256 and all events a call;
    an engine whose scores are not those of the network is not timed.
    """
    with progress.timing() as on_engine:
        rows = api.latency(source, output, force=force, on_engine=on_engine)
    common.say_document(report.document(rows), form)
    if output is not None:
        shell.say(f"Tree and figure: {output}; tmva-bench plot {output} draws it", err=True)
