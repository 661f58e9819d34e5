"""The study file, every table, key and parameter with limits and defaults, written from what reads it."""

import inspect
import re
import sys
from collections.abc import Iterable

from tmva_bench.basis import config, parsing
from tmva_bench.events import samples
from tmva_bench.methods import registry
from tmva_bench.results import forms
from tmva_bench.study.file import KEYS, Key

# The columns that hold sentences, as wide as they may be in text.
_WIDTHS = {"values": 34, "default": 30, "meaning": 60}
_TYPES = {int: "whole number", float: "number", str: "text"}


def defaults() -> dict[str, str]:
    """The default of every common parameter, as a text."""
    rates = ", ".join(f"{optimizer} {rate:g}" for optimizer, rate in config.LEARNING_RATES.items())
    texts = {name: str(value) for name, value in vars(config.Point()).items()}
    return {**texts, "learning_rate": rates, **dict.fromkeys(config.COUNTS, "all of the file")}


def study_file() -> forms.Document:
    """The reference of the study file."""
    common = [name for name in config.PARAMETERS if name not in config.ONE_SIDED]
    parts: list[forms.Part] = [
        forms.Heading("The study file", 1),
        "Every table and key of a study file, as the program reads it. What else stands in one is refused.",
        *_section("Top of the file", KEYS[""]),
        *_section("[sample]", KEYS["sample"]),
    ]
    parts += _section("[sample] with signal: events of your own", KEYS["events"])
    for name in samples.SAMPLES:
        parts += _section(f'[sample], name = "{name}"', _sample(name))
    parts += [
        forms.Heading("[point], [axes] and [[series]]: the common parameters"),
        "One value each under [point] and [[series]], a list of values under [axes]; those of a series stand over "
        "those of the point. Where a name has a number, the number does as well: the study's integer code.",
        _parameters(common),
        "What does not belong together is refused, too: mutual_exclusive, which needs an output a class; a "
        "last_activation that the loss cannot use; momentum with another optimizer than sgd; weight_decay without "
        "regularization; a batch larger than the training or validation part.",
        *_section("[[series]]: beside parameters of its own", KEYS["series"]),
    ]
    for side in dict.fromkeys(config.ONE_SIDED.values()):
        names = [name for name, its in config.ONE_SIDED.items() if its == side]
        methods = " and ".join(registry.of_side(side))
        parts += [forms.Heading(f"[only.{side}]: {methods} alone"), _parameters(names)]
    for name in ("limits", "cluster"):
        parts += _section(f"[{name}]", KEYS[name])
    parts += _section("[environments.NAME]", KEYS["environments"])
    for name, values in parsing.PRESETS.items():
        parts.append(forms.Heading(f'preset = "{name}"'))
        parts.append(_table(["parameter", "value"], ([key, _value(key, value)] for key, value in values.items())))
    return _document(parts)


def _document(parts: list[forms.Part]) -> forms.Document:
    """With the tables as values, each under the heading that stands over it."""
    tables: dict[str, list[dict[str, str]]] = {}
    title = ""
    for part in parts:
        if isinstance(part, forms.Heading):
            title = part.text
        elif isinstance(part, forms.Table):
            tables[title] = [dict(zip(part.headings, row, strict=True)) for row in part.rows]
    lines = [
        {"table": title, **{"key" if name == "parameter" else name: text for name, text in row.items()}}
        for title, rows in tables.items()
        for row in rows
    ]
    return forms.Document(parts, {"tables": tables}, lines)


def _section(title: str, keys: dict[str, Key]) -> list[forms.Part]:
    lines = ([name, key.type, key.default, key.help] for name, key in keys.items())
    return [forms.Heading(title), _table(["key", "type", "default", "meaning"], lines)]


def _parameters(names: Iterable[str]) -> forms.Table:
    usual, lines = defaults(), []
    for name in names:
        parameter = config.PARAMETERS[name]
        values = ", ".join(
            f"{code} {value}" if parameter.coded else value for code, value in enumerate(parameter.codes)
        )
        if name == "transformations":
            values = f"{', '.join(config.TRANSFORMATIONS)}, in a chain"
        kind = _TYPES[parameter.type]
        lines.append([name, kind, values or config.limits(parameter), usual[name], parameter.help])
    return _table(["parameter", "type", "values", "default", "meaning"], lines)


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


def _table(headings: list[str], lines: Iterable[list[str]]) -> forms.Table:
    return forms.Table(headings, [[forms.Code(name), *others] for name, *others in lines], widths=_WIDTHS)
