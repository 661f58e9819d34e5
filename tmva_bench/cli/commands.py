"""The group of all commands; what a command imports is loaded when it is called."""

import importlib
import logging

import click

import tmva_bench
from tmva_bench.cli import shell

# Module and name of each command, and what it does.
COMMANDS = {
    "generate": ("events", "generate", "Write the common input file of a sample."),
    "convert": ("events", "convert", "Write the common input file of your own events."),
    "describe": ("events", "describe", "Say what a common input file holds, and what of it looks wrong."),
    "encode": ("events", "encode", "Write a file's events encoded in fewer variables by a deep autoencoder."),
    "decode": ("events", "decode", "Write the events that an encoded file's autoencoder makes of its encoded ones."),
    "run": ("runs", "run", "Run one benchmark on an input file."),
    "study": ("runs", "study", "Do the runs of a study that are not there yet."),
    "bench": ("runs", "bench", 'Run the standard benchmark: the study "quick".'),
    "submit": ("runs", "submit", "Write a submit file that does a study in parts on a batch system."),
    "status": ("runs", "status", "Say how far a study is."),
    "table": ("results", "table", "Print the means over repetitions."),
    "differences": (
        "results",
        "differences_command",
        "Compare every series with one of them: ROC area and time with verdicts, time to quality.",
    ),
    "compare": (
        "results",
        "compare_command",
        "Compare two results, B with A: another machine, another ROOT, before and after a change.",
    ),
    "report": (
        "results",
        "report_command",
        "Write one HTML page to look at and to share: tables, interactive plots, and how to do it again.",
    ),
    "plot": (
        "results",
        "plot_command",
        "Draw the figures, each as PNG and PDF, by the ROOT macros of the package.",
    ),
    "remove": ("results", "remove", "Remove runs that are no longer wanted."),
    "merge": ("results", "merge", "Join the results of several machines."),
    "check-results": ("results", "check_results", "List the runs whose files are no longer as they were written."),
    "replay": ("tmva", "replay_command", "Repeat a training of TMVA's DNN in Keras, epoch by epoch."),
    "verify": (
        "tmva",
        "verify_command",
        "Evaluate the weights that TMVA's DNN kept in Keras, against TMVA's own scores.",
    ),
    "explain": (
        "tmva",
        "explain_command",
        "Say what each parameter is in TMVA and in Keras, and where the two are not equal.",
    ),
    "keys": ("tmva", "keys", "List every table, key and parameter of a study file."),
    "apply": ("runs", "apply", "Write the scores that a finished run gives to other events."),
    "migrate": ("migrating", "migrate", "Carry TMVA's macros, scripts and weight files over to a study of this bench."),
    "export": ("exports", "export", "Write a trained network as ONNX, C++, for TMVA::Reader, Keras or RDataFrame."),
    "latency": (
        "exports",
        "latency",
        "Time an event of a trained network in C++, ONNX Runtime, Keras, TMVA::Reader and SOFIE.",
    ),
    "doctor": ("runs", "doctor_command", "Say what can run here, and what is missing."),
}


class _OnDemand(shell.Commands):
    """Lists the commands without loading them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names, in the order of the alphabet."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One command, loaded."""
        if cmd_name not in COMMANDS:
            return None
        module, name, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(f"tmva_bench.cli.{module}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes what they do into the help."""
        with formatter.section("Commands"):
            width = formatter.width - 6 - max(map(len, COMMANDS))
            formatter.write_dl([(name, _short(COMMANDS[name][2], width)) for name in self.list_commands(ctx)])


def _short(text: str, width: int) -> str:
    return click.Command(None, help=text).get_short_help_str(width)


@click.group(cls=_OnDemand, context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(tmva_bench.__version__)
def main() -> None:
    """TMVA's DNN, TMVA PyKeras and Keras itself on the same data and network."""
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.WARNING)
