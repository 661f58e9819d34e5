"""What a common input file holds, as text, Markdown, CSV, JSON or LaTeX."""

from collections.abc import Mapping
from typing import Any

from tmva_bench.events import describing
from tmva_bench.events.describing import Description
from tmva_bench.report import recipe
from tmva_bench.results import forms


def document(path: str, described: Description) -> forms.Document:
    """What there is to tell of an input file.

    Args:
        path: the file.
        described: see :func:`tmva_bench.events.describing.describe`.
    """
    processes = _processes(described.metadata)
    notes = [*([f"no method takes it: {described.refused}"] if described.refused else []), *described.doubts]
    notes += [
        f"{tree.tree}: {tree.repeated} of {tree.events} test events are equal to training events in all variables; if "
        "these are one event twice, as in copies of a file, the ROC area says too much"
        for tree in described.trees
        if tree.repeated
    ]
    parts: list[forms.Part] = [
        forms.Heading(path, 1),
        f"Sample {described.metadata['sample']}, {len(described.variables)} variables.",
        _table("Events", [_told(tree) for tree in described.trees], "repeated"),
    ]
    if processes:
        parts.append(_table("By process", [_short(process) for process in processes]))
    parts.append(_table("Variables", [_told(variable) for variable in described.variables]))
    if notes:
        parts.append(forms.Notes(notes))
    if command := recipe.command(described.metadata, path):
        taken = "The first of the events of this" if "taken_from" in described.metadata else "Made by"
        parts.append(forms.Quotation(taken, command))
    values = {
        "file": path,
        "sample": described.metadata["sample"],
        "trees": [tree._asdict() for tree in described.trees],
        "processes": processes,
        "variables": [variable._asdict() for variable in described.variables],
        "notes": notes,
        "command": command,
    }
    return forms.Document(parts, values, values["variables"])


def _processes(metadata: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What was read and taken of each process when the file was made of users' own events."""
    selection = metadata.get("selection")
    if not isinstance(selection, dict):
        return []
    lines = []
    for kind, processes in selection["counts"].items():
        for name, counts in processes.items():
            train, test = (sum(n for tree, n in counts.items() if tree.startswith(half)) for half in ("Train", "Test"))
            squares = counts["sum_of_squares"]
            lines.append(
                {
                    "class": kind.replace("_", " "),
                    "process": name,
                    "read": counts["read"],
                    "passed": counts["passed"],
                    "training": train,
                    "test": test,
                    "negative": counts["negative"],
                    "sum_of_weights": counts["sum_of_weights"],
                    "effective": counts["sum_of_weights"] ** 2 / squares if squares else 0.0,
                }
            )
    return lines


def _told(one: describing.Tree | describing.Variable) -> dict[str, Any]:
    return _short(one._asdict())


def _short(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name.replace("_", " "): f"{value:.5g}" if isinstance(value, float) else value for name, value in values.items()
    }


def _table(title: str, lines: list[dict[str, Any]], *left_out: str) -> forms.Table:
    headings = [name for name in lines[0] if name not in left_out]
    return forms.Table(headings, [[str(line[name]) for name in headings] for line in lines], title)
