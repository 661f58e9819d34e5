"""How the input file of users' own events is made again: the command line of ``tmva-bench convert``."""

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

# The options that hold one text or number each, as the metadata have them.
_PLAIN = (
    "label",
    "pad",
    "cut",
    "signal_cut",
    "background_cut",
    "weight",
    "signal_weight",
    "background_weight",
    "split",
    "fold",
)
# What stands for the events of a script in place of FILE:TREE.
_ARRAYS = re.compile(r"(test_)?(signal|background) \(\w+\)")


def command(metadata: Mapping[str, Any], output: str) -> str:
    """The command that makes an input file of trees again, "" for one that was made otherwise.

    Args:
        metadata: those of the input file.
        output: the file to write.
    """
    selection, parameters = metadata.get("selection"), metadata.get("parameters", {})
    if not isinstance(selection, dict) or "encoded" in metadata or "decoded" in metadata:
        return ""
    texts = [text for parts in selection["sources"].values() for listed in parts.values() for text in listed]
    if any(_ARRAYS.fullmatch(text) for text in texts):
        return ""
    options = [("-o", output), ("--name", str(metadata["sample"]))]
    for name in ("signal", "background", "friend"):
        options += [(f"--{name}", text) for text in _listed(parameters.get(name))]
    for kind in ("test_signal", "test_background"):
        for process, listed in selection["sources"].get(kind, {}).items():
            options += [(_dashed(kind), text if process == kind else f"{process}={text}") for text in listed]
    for name in ("variables", "spectators"):
        options += [(f"--{name}", _variable(one)) for one in selection[name]]
    options += [(_dashed(name), str(parameters[name])) for name in _PLAIN if parameters.get(name) is not None]
    options += [("--scale", text) for text in _listed(parameters.get("scale"))]
    for kind, numbers in selection["numbers"].items():
        halves = zip(("train", "test"), numbers, strict=True)
        options += [(f"--{half}-{kind}", str(number)) for half, number in halves if number is not None]
    options.append(("--seed", str(metadata["seed"])))
    normalise = " --normalise" if parameters.get("normalise") else ""
    return "tmva-bench convert " + " ".join(f"{name} {shlex.quote(text)}" for name, text in options) + normalise


def _dashed(name: str) -> str:
    return "--" + name.replace("_", "-")


def _variable(variable: Mapping[str, str]) -> str:
    name, expression = variable["name"], variable["expression"]
    return name if name == expression else f"{name}={expression}"


def _listed(value: Any) -> Iterator[str]:
    """Texts as the command line takes them, from a text, a list, or a table by process."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from (f"{name}={text}" for text in _listed(one))
    else:
        for one in value or ():
            yield from _listed(one)
