"""Tables and notes as text, Markdown, LaTeX and CSV; what comes from a file is nothing but text in any of them."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

import tabulate

_TABULATE = {"text": "simple", "md": "pipe", "latex": "latex_raw"}
_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{character: f"\\{character}" for character in "{}$&#_%"},
}
# A spreadsheet takes a text that begins so for a formula.
_FORMULA = tuple("=+-@\t\r")


class Formula(str):
    """A text that is LaTeX already."""


def table(rows: Iterable[Sequence[str]], headings: Sequence[str], form: str) -> str:
    """A table of texts.

    Args:
        rows: the texts of each line.
        headings: of the columns.
        form: ``text``, ``md`` or ``latex``.
    """
    lines = [[escaped(text, form) for text in row] for row in rows]
    heads = [escaped(text, form) for text in headings]
    return str(tabulate.tabulate(lines, heads, tablefmt=_TABULATE[form], disable_numparse=True))


def notes(lines: Iterable[str], form: str) -> str:
    """What stands under a table, a line each: items in Markdown, comments in LaTeX."""
    start = {"md": "- ", "latex": "% "}.get(form, "")
    return "\n".join(start + (plain(line) if form == "latex" else escaped(line, form)) for line in lines)


def csv_text(columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> str:
    """Values as CSV; a text that a spreadsheet would take for a formula is marked as text by an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue().rstrip("\n")


def escaped(text: str, form: str) -> str:
    """A text so that it reads the same in a form, and does nothing there.

    Args:
        text: the text.
        form: ``text``, ``md`` or ``latex``.
    """
    if form == "latex":
        return str(text) if isinstance(text, Formula) else "".join(_LATEX.get(c, c) for c in plain(text))
    text = plain(text)
    if form == "md":
        text = text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("`", "\\`")
        return re.sub(r"\]([(\[])", r"]\\\1", text)  # no link, no picture
    return text


def plain(text: str) -> str:
    """A text of one line: line ends, control characters and those that turn the direction are written out."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _cell(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = plain(value)
    if len(text) > 1 and text.startswith(_FORMULA) and not _is_number(text):
        return f"'{text}"
    return text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
