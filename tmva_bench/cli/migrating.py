"""The command that carries sources of TMVA over."""

from pathlib import Path

import click

from tmva_bench import api
from tmva_bench.cli import common, shell


@shell.command()
@click.argument("sources", metavar="[SOURCE]...", type=common.path, nargs=-1)
@click.option(
    "--booking", "bookings", multiple=True, metavar="TITLE:TYPE:OPTIONS", help="A booking string; may be repeated."
)
@click.option("-o", "--output", type=common.path, required=True, help="Folder to write, which is not there yet.")
def migrate(sources: tuple[Path, ...], bookings: tuple[str, ...], output: Path) -> None:
    """Carry TMVA's macros, scripts and weight files over to a study of this bench.

    SOURCE is a macro in C++ (.C, .cxx, .cpp), a PyROOT script (.py), a weight file (*.weights.xml) or TMVA.root with
    its log beside. It is read as text: nothing of it is run. The folder gets study.toml and report.md, which says of
    everything stated where it stands, what becomes of it, and whether that is equal; of several jobs a folder each.
    """
    answer = api.migrate(sources, output, bookings=bookings)
    common.say_document(answer["overview"])
    for path in answer["files"]:
        shell.say(str(path))
