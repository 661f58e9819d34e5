"""The group of all commands."""

import logging

import click

import tmva_bench
from tmva_bench.cli import common, events, results, runs, tmva


@click.group(cls=common.Commands, context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(tmva_bench.__version__)
def main() -> None:
    """TMVA's DNN, TMVA PyKeras and Keras itself on the same data and network."""
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.WARNING)


for _command in (
    events.generate,
    events.convert,
    events.encode,
    events.decode,
    runs.run,
    runs.study,
    runs.bench,
    runs.status,
    results.table,
    results.differences_command,
    results.compare_command,
    results.report_command,
    results.plot_command,
    results.remove,
    results.merge,
    results.check_results,
    tmva.replay_command,
    tmva.verify_command,
    tmva.explain_command,
    tmva.keys,
    runs.doctor_command,
):
    main.add_command(_command)
