"""Tables that people read, made from benchmark rows."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tmva_bench.results import forms, naming
from tmva_bench.results.rows import RunRow


def benchmark_table(rows: Iterable[RunRow]) -> RenderableType:
    """The benchmark table, the best possible ROC area, and why some runs gave no result.

    Args:
        rows: rows of the tree ``benchmark``.
    """
    rows = list(rows)
    # Narrow enough for a terminal of 80 columns.
    same = "events" if any(map(naming.is_no_network, rows)) else "network and events"
    table = _table(f"The same {same} for every method", padding=0)
    for heading in ("method", "optimizer,\nrate"):
        table.add_column(Text(heading), overflow="fold")
    for heading in (
        "ROC area\n± error",
        "ROC\nintegral\nby TMVA",
        "CPU\ntrain\n[s]",
        "real\ntrain\n[s]",
        "real\nfit\n[s]",
    ):
        table.add_column(Text(heading), justify="right", overflow="fold")
    table.add_column("best\nepoch", justify="right", overflow="fold")
    for row in rows:
        rate = naming.value_label(row, "learning_rate")
        cells = [naming.method_name(row), " ".join(filter(None, (row.optimizer, rate))), *_cells(row)]
        table.add_row(*map(_text, cells))
    notes = naming.kinds(rows) + naming.clocks(rows) + naming.warnings(rows) + naming.one_sided(rows)
    notes += naming.unequal(rows) + naming.best_possible(rows) + naming.reasons(rows)
    return Group(table, Text(), *map(_text, notes))


def doctor_document(examined: Mapping[str, Any]) -> forms.Document:
    """What :func:`tmva_bench.running.doctor.examine` found, for people and programs."""
    machine, environment = examined["machine"], examined["environment"]
    versions = ", ".join(f"{name} {version}" for name, version in environment["versions"].items())
    head = [
        f"CPU: {machine['cpu_model']}, {examined['threads']} cores usable",
        f"GPU: {machine['gpu_model'] or 'none'}",
        f"Environment {environment['name']}: {versions}",
    ]
    rows = [
        [_method_name(method), method["backend_version"], "yes" if method["runs"] else "no", method["reason"]]
        for method in examined["methods"]
    ]
    headings = ["method", "version", "runs here", "why not, and the cure"]
    table = forms.Table(headings, rows, "Trained on a hundred events")
    fed = ", ".join(_method_name(method) for method in examined["methods"] if method["feeding"] == "root")
    foot = [forms.Notes([f"{fed}: batches by ROOT's own data loader (feeding = root)"])] if fed else []
    return forms.Document([forms.Notes(head), table, *foot], examined, examined["methods"])


def _method_name(tried: Mapping[str, Any]) -> str:
    series = naming.Series(tried["method"], tried["backend"], tried["architecture"], feeding=tried["feeding"])
    return naming.method_name(series)


def _text(text: str) -> Text:
    """A text as it stands: no markup, no control characters."""
    return Text(forms.plain(text))


def _table(title: str, padding: int | tuple[int, int, int, int]) -> Table:
    return Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, padding=padding)


def _cells(row: RunRow) -> list[str]:
    if row.status != "ok":
        return [row.status, "", "", "", "", ""]
    return [
        f"{row.roc_auc:.4f} ± {row.roc_auc_error:.4f}",
        naming.number(row.roc_integral, ".4f"),
        naming.number(row.cpu_time_train, ".2f"),
        naming.number(row.real_time_train, ".2f"),
        naming.number(row.real_time_fit, ".2f"),
        f"{row.best_epoch}/{row.epochs}",
    ]
