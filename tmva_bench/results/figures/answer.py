"""What a macro asks for where the tree ``figures`` has it not: ``python -m tmva_bench.results.figures.answer FILE``.

``FILE`` holds a line each: macro, file of events or of results trees, selection, and two arguments of the macro, "" for
none. Where there is a selection the names of the runs that it leaves follow, a line each. The answer, in the same file,
has the columns of the tree ``figures``, a line a row, with tabs between.
"""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from tmva_bench.errors import UserError
from tmva_bench.events import reading
from tmva_bench.results import schema, tree_file
from tmva_bench.results.figures import events, tree
from tmva_bench.results.figures.marks import Mark, NotDrawn

_EVENTS = {"inputs": events.inputs, "autoencoder": events.anomaly}
_CURE = "the command that wrote it makes it anew from its records"


def marks(macro: str, path: str, selection: str, arguments: Sequence[str], runs: Iterable[str]) -> list[Mark]:
    """The marks of a macro's figures.

    Args:
        macro: its name.
        path: results trees, or events.
        selection: a formula, "" for none.
        arguments: of the macro.
        runs: names of those that the selection leaves.
    """
    if macro in _EVENTS:
        return _EVENTS[macro](path)
    names = tree.CURVES[macro]
    rows = [row.columns() for row in tree_file.rows_of(Path(path))]
    with reading.opened(path, _CURE) as file:
        curves = {
            name: {one.name: reading.column(file[name], one.name) for one in schema.TREES[name]} for name in names
        }
    chosen = set(runs)
    of = tree.trees(rows, curves)
    selected = [row for row in rows if row["run_id"] in chosen] if selection else rows
    return tree.of_macro(macro, arguments, of, selected, selection)


def write(marks: Iterable[Mark], path: Path) -> None:
    """Writes marks as text, a line each, in the order of the columns of the tree."""
    names = [column.name for column in schema.FIGURES]
    lines = ("\t".join(_cell(getattr(mark, name)) for name in names) for mark in marks)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", errors="surrogateescape")


def _cell(value: object) -> str:
    if isinstance(value, str):
        # A caption has lines of its own.
        return value.replace("\\", "\\\\").replace("\t", " ").replace("\n", "\\n")
    return f"{value:.17g}" if isinstance(value, float) else str(value)


def main() -> None:
    """Reads the question and writes the answer, the argument of the command line."""
    path = Path(sys.argv[1])
    question = path.read_text(encoding="utf-8", errors="surrogateescape").split("\n")
    macro, file, selection, *arguments = question[:5]
    try:
        drawn = marks(macro, file, selection, arguments, question[5:])
    except NotDrawn as error:
        drawn = [Mark("failed", text=str(error))]
    except UserError as error:
        drawn = [Mark("error", text=str(error))]
    write(drawn, path)


if __name__ == "__main__":
    main()
