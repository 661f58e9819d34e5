"""The study file, every table, key and parameter with limits and defaults, written from what reads it."""

import inspect
import re
import sys
from collections.abc import Iterable

import tabulate

from tmva_bench.basis import config, parsing
from tmva_bench.events import samples
from tmva_bench.methods import registry
from tmva_bench.study.file import KEYS, Key

FORMATS = ("text", "md")
# The columns that hold sentences, as wide as they may be in text.
_WIDTHS = {"values": 34, "default": 30, "meaning": 60}
_TYPES = {int: "whole number", float: "number", str: "text"}


def defaults() -> dict[str, str]:
    """The default of every common parameter, as a text."""
    rates = ", ".join(f"{optimizer} {rate:g}" for optimizer, rate in config.LEARNING_RATES.items())
    found = {name: str(value) for name, value in vars(config.Point()).items()}
    return {**found, "learning_rate": rates, **dict.fromkeys(config.COUNTS, "all of the file")}


def study_file(form: str) -> str:
    """The reference of the study file.

    Args:
        form: one of :data:`FORMATS`.
    """
    common = [name for name in config.PARAMETERS if name not in config.ONE_SIDED]
    parts = [
        _head("The study file", form, 1),
        "Every table and key of a study file, as the program reads it. What else stands in one is refused.",
        *_section("Top of the file", KEYS[""], form),
        *_section("[sample]", KEYS["sample"], form),
    ]
    for name in samples.SAMPLES:
        parts += _section(f'[sample], name = "{name}"', _sample(name), form)
    parts += [
        _head("[point], [axes] and [[series]]: the common parameters", form, 2),
        "One value each under [point] and [[series]], a list of values under [axes]; those of a series stand over "
        "those of the point. Where a name has a number, the number does as well: the study's integer code.",
        _parameters(common, form),
        "What does not belong together is refused, too: mutual_exclusive, which needs an output a class; a "
        "last_activation that the loss cannot use; momentum with another optimizer than sgd; weight_decay without "
        "regularization; a batch larger than the training or validation part.",
        *_section("[[series]]: beside parameters of its own", KEYS["series"], form),
    ]
    for side in dict.fromkeys(config.ONE_SIDED.values()):
        names = [name for name, its in config.ONE_SIDED.items() if its == side]
        methods = " and ".join(registry.of_side(side))
        parts += [_head(f"[only.{side}]: {methods} alone", form, 2), _parameters(names, form)]
    parts += [
        *_section("[limits]", KEYS["limits"], form),
        *_section("[environments.NAME]", KEYS["environments"], form),
    ]
    for name, values in parsing.PRESETS.items():
        parts.append(_head(f'preset = "{name}"', form, 2))
        parts.append(_table(["parameter", "value"], ([key, _value(key, value)] for key, value in values.items()), form))
    return "\n\n".join(parts)


def _head(text: str, form: str, level: int) -> str:
    return f"{'#' * level} {text}" if form == "md" else text


def _section(title: str, keys: dict[str, Key], form: str) -> list[str]:
    lines = ([name, key.type, key.default, key.help] for name, key in keys.items())
    return [_head(title, form, 2), _table(["key", "type", "default", "meaning"], lines, form)]


def _parameters(names: Iterable[str], form: str) -> str:
    own, lines = defaults(), []
    for name in names:
        parameter = config.PARAMETERS[name]
        values = ", ".join(
            f"{code} {value}" if parameter.coded else value for code, value in enumerate(parameter.codes)
        )
        if name == "transformations":
            values = f"{', '.join(config.TRANSFORMATIONS)}, in a chain"
        kind = _TYPES[parameter.type]
        lines.append([name, kind, values or config.limits(parameter), own[name], parameter.help])
    return _table(["parameter", "type", "values", "default", "meaning"], lines, form)


def _value(name: str, value: int | float | str) -> str:
    parameter = config.PARAMETERS[name]
    coded = parameter.coded and isinstance(value, int)
    return f"{value} ({parameter.codes[int(value)]})" if coded else str(value)


def _sample(name: str) -> dict[str, Key]:
    """The parameters of a sample; what they mean stands in its docstring."""
    sample = samples.SAMPLES[name]
    arguments = (inspect.getdoc(sample) or "").partition("Args:\n")[2].partition("\n\n")[0]
    helps = dict(re.findall(r"^    (\w+): (.*?)(?=\n    \w|\Z)", arguments, re.DOTALL | re.MULTILINE))
    keys = {}
    for parameter in inspect.signature(sample, eval_str=True).parameters.values():
        default = "the one in use" if parameter.default is sys.executable else str(parameter.default)
        text = " ".join(helps[parameter.name].replace("``", "").rstrip(".").split())
        keys[parameter.name] = Key(_TYPES[parameter.annotation], default, text)
    return keys


def _table(headings: list[str], lines: Iterable[list[str]], form: str) -> str:
    rows = [list(line) for line in lines]
    if form == "md":
        rows = [[f"`{row[0]}`", *(text.replace("|", "\\|") for text in row[1:])] for row in rows]
        return str(tabulate.tabulate(rows, headings, tablefmt="pipe", disable_numparse=True))
    widths = [_WIDTHS.get(name) for name in headings]
    return str(tabulate.tabulate(rows, headings, tablefmt="simple", maxcolwidths=widths, disable_numparse=True))
