"""What a command tells, as text, Markdown, CSV, JSON or LaTeX; what comes from a file is nothing but text in any."""

import csv
import html
import io
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import tabulate

FORMS = ("text", "md", "csv", "json", "latex")
# Lines of a wrapped row need something between them and the next row.
_TABULATE = {"text": "simple", "md": "pipe", "latex": "latex_raw"}
_WRAPPED = "simple_grid"
_BETWEEN = {"simple": 2, _WRAPPED: 3}
# No column is made narrower than its longest word, or than this [characters].
_NARROWEST = 20
_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    **{character: f"\\{character}" for character in "{}$&#_%"},
}
# A spreadsheet takes a text that begins so for a formula.
_FORMULA = tuple("=+-@\t\r")


class Formula(str):
    """A text with a form of its own in LaTeX.

    Attributes:
        latex: that form.
    """

    latex: str

    def __new__(cls, text: str, latex: str) -> "Formula":
        """A text, and what it is in LaTeX."""
        formula = super().__new__(cls, text)
        formula.latex = latex
        return formula


class Code(str):
    """A text that is code: an option, an argument, a name."""


class Heading(NamedTuple):
    """What stands over the parts that follow.

    Attributes:
        text: in words.
        level: 1 for the whole, 2 for a part of it.
    """

    text: str
    level: int = 2


class Table(NamedTuple):
    """A table of texts.

    Attributes:
        headings: of the columns.
        rows: the texts of each line.
        title: what it shows.
        widths: the most characters of a column in text, by heading.
    """

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    title: str = ""
    widths: Mapping[str, int] = {}


class Notes(NamedTuple):
    """Lines of their own, e.g. under a table."""

    lines: Sequence[str]


class Quotation(NamedTuple):
    """A text as it stands, e.g. a string that TMVA is given.

    Attributes:
        of: what it is.
        text: the text.
    """

    of: str
    text: str


Part = str | Heading | Table | Notes | Quotation


class Document(NamedTuple):
    """What a command tells.

    Attributes:
        parts: for people, in their order; a text alone is a paragraph.
        values: for programs, as JSON has it; without, the tables and notes of ``parts``.
        lines: one table of values, as CSV has it; without, the tables of ``parts`` one after the other.
    """

    parts: Sequence[Part]
    values: Mapping[str, Any] | None = None
    lines: Sequence[Mapping[str, Any]] | None = None


def write(document: Document, form: str, width: int | None = None) -> str:
    """A document in one of the forms.

    Args:
        document: what to write.
        form: one of :data:`FORMS`.
        width: characters of a line, for tables in text; None for as many as they need.
    """
    if form == "json":
        values = _tabled(document.parts) if document.values is None else document.values
        return json.dumps(_finite(values), indent=1, ensure_ascii=False)
    if form == "csv":
        return csv_text(_stacked(document.parts) if document.lines is None else document.lines)
    return "\n\n".join(filter(None, (_part(part, form, width) for part in document.parts)))


def _part(part: Part, form: str, width: int | None) -> str:
    if isinstance(part, Heading):
        return _heading(part, form)
    if isinstance(part, Table):
        title = _heading(Heading(part.title, 3), form) if part.title else ""
        return "\n\n".join(filter(None, (title, _table(part, form, width))))
    if isinstance(part, Notes):
        start = {"md": "- ", "latex": "% "}.get(form, "")
        return "\n".join(f"{start}{_line(line, form)}" for line in part.lines)
    if isinstance(part, Quotation):
        return _quotation(part, form)
    return escaped(part, form)


def _heading(heading: Heading, form: str) -> str:
    if form == "latex":
        return _comment(heading.text)
    mark = "#" * heading.level if form == "md" and heading.level < 3 else ""
    return f"{mark} {escaped(heading.text, form)}".strip()


def _quotation(part: Quotation, form: str) -> str:
    if form == "latex":
        return _comment(f"{part.of}: {part.text}")
    if form == "md":
        return f"{escaped(part.of, form)}:\n\n```\n{plain(part.text)}\n```"
    return f"{escaped(part.of, form)}\n  {plain(part.text)}"


def _comment(text: str) -> str:
    return f"% {plain(text)}"


def _line(text: str, form: str) -> str:
    return plain(text) if form == "latex" else escaped(text, form)


def _table(table: Table, form: str, width: int | None) -> str:
    rows = [[escaped(text, form) for text in row] for row in table.rows]
    headings = [escaped(text, form) for text in table.headings]
    if form != "text":
        return str(tabulate.tabulate(rows, headings, tablefmt=_TABULATE[form], disable_numparse=True))
    columns = [[heading, *cells] for heading, *cells in zip(headings, *rows, strict=True)]
    natural = [max(map(len, column)) for column in columns]
    widths = [min(wide, table.widths.get(heading, wide)) for wide, heading in zip(natural, headings, strict=True)]
    if width is not None and sum(widths) + _BETWEEN["simple"] * (len(widths) - 1) > width:
        _narrow(widths, columns, width - _BETWEEN[_WRAPPED] * len(widths) - 1)
    look = "simple" if widths == natural else _WRAPPED
    return str(
        tabulate.tabulate(
            rows, headings, tablefmt=look, maxcolwidths=widths, maxheadercolwidths=widths, disable_numparse=True
        )
    )


def _narrow(widths: list[int], columns: list[list[str]], width: int) -> None:
    """Makes the widest columns narrower until all fit, but none narrower than its words."""
    words = [max((len(word) for text in column for word in text.split()), default=0) for column in columns]
    least = [min(longest, _NARROWEST) for longest in words]
    while sum(widths) > width:
        spare = [n for n in range(len(widths)) if widths[n] > least[n]]
        if not spare:
            return
        widths[max(spare, key=widths.__getitem__)] -= 1


def _tabled(parts: Iterable[Part]) -> dict[str, Any]:
    """The tables and notes of a document as values."""
    parts = list(parts)
    return {
        "tables": [
            {"title": part.title, "rows": [dict(zip(part.headings, row, strict=True)) for row in part.rows]}
            for part in parts
            if isinstance(part, Table)
        ],
        "notes": [line for part in parts if isinstance(part, Notes) for line in part.lines],
    }


def _stacked(parts: Iterable[Part]) -> list[dict[str, str]]:
    """The lines of all tables, with the title of each where there are several."""
    tables = [part for part in parts if isinstance(part, Table)]
    return [
        {**({"table": table.title} if len(tables) > 1 else {}), **dict(zip(table.headings, row, strict=True))}
        for table in tables
        for row in table.rows
    ]


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity."""
    if isinstance(value, Mapping):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def csv_text(lines: Iterable[Mapping[str, Any]]) -> str:
    """Values as CSV; a text that a spreadsheet would take for a formula is marked as text by an apostrophe.

    Args:
        lines: the values by column; what a line lacks is left empty.
    """
    lines = list(lines)
    columns = list(dict.fromkeys(name for line in lines for name in line))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(line.get(column, "")) for column in columns] for line in lines)
    return out.getvalue().rstrip("\n")


def escaped(text: str, form: str) -> str:
    """A text so that it reads the same in a form, and does nothing there.

    Args:
        text: the text.
        form: ``text``, ``md`` or ``latex``.
    """
    if form == "latex":
        return text.latex if isinstance(text, Formula) else "".join(_LATEX.get(c, c) for c in plain(text))
    is_code = isinstance(text, Code) and text
    text = plain(text)
    if form == "md" and is_code:
        # Some show the backslash before a pipe in a code span.
        return f"`{text}`" if not set("|`") & set(text) else _marked(html.escape(text, quote=False))
    if form == "md":
        text = text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("`", "\\`")
        return re.sub(r"\]([(\[])", r"]\\\1", text)  # no link, no picture
    return text


def _marked(text: str) -> str:
    return f"<code>{text.replace('|', '&#124;').replace('`', '&#96;')}</code>"


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
