"""One HTML page of a results folder: tables and interactive plots in one file that needs nothing beside it."""

import functools
import itertools
import math
import os
import shlex
from collections.abc import Collection, Iterable, Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import numpy
from markupsafe import Markup
from plotly import offline

import tmva_bench
from tmva_bench.basis import config, parsing
from tmva_bench.compare import differences, headlines
from tmva_bench.errors import UserError
from tmva_bench.events import inputs, output
from tmva_bench.events.correlations import correlations
from tmva_bench.methods import registry
from tmva_bench.report import explain, recipe, tables
from tmva_bench.results import naming, schema, summary
from tmva_bench.results.figures.curves import progress
from tmva_bench.results.folder import Missing, ResultsFolder
from tmva_bench.results.rows import STATUSES, Record, RunRow, Scores
from tmva_bench.results.summary import Group
from tmva_bench.study import file as study_file
from tmva_bench.study import requests

# Quantities that can be scanned: the means of the tree "summary", and means of working points.
_QUANTITIES = (*schema.QUANTITIES, *schema.EFFICIENCIES.values(), *schema.REJECTIONS.values())
_COLUMNS = {column.name: column for column in schema.BENCHMARK}
# What people call a quantity where its column's name does not say it.
_NAMES = {"roc_auc": "ROC area", "roc_integral": "ROC integral by TMVA"}
# What one row of the table of machines and versions holds.
_INSTALLED = (
    "environment",
    "python_version",
    "root_version",
    "keras_version",
    "backend",
    "backend_version",
    "tmva_bench_version",
    "host",
    "cpu_model",
    "device",
    "threads",
)
# Tables of more lines are folded, and can be sorted.
_LONG = 15
# Points of all curves together: more would make the page of a large study large.
_POINTS = 20_000
_FEWEST, _MOST = 20, 100
# Curves of fewer points have their histograms' bins in pairs.
_ALL_BINS = 40


class Table(NamedTuple):
    """A table of texts.

    Attributes:
        title: its caption.
        headings: of the columns.
        rows: the texts.
        best: row and column of the texts that are marked.
    """

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    best: Collection[tuple[int, int]] = ()

    @property
    def long(self) -> bool:
        """Whether it is folded."""
        return len(self.rows) > _LONG


class Page(NamedTuple):
    """What the page shows.

    Attributes:
        title: its heading.
        note: what must be known of all numbers on it, "" for nothing.
        sentences: the verdicts in short.
        facts: where and when, a line each.
        headline: means over repetitions.
        headline_notes: what stands under them, a line each.
        verdicts: differences from the reference series.
        verdict_notes: what stands under them, or why there are none, a line each.
        mapping: every parameter in TMVA and in Keras.
        strings: what TMVA is given: to what, and the string.
        versions: machines and libraries.
        stopped: what gave no result and why, a line each.
        events: where the events lie, a line each.
        commands: how to do it again.
        study: the study file; "" where the results folder holds none.
        parameters: the parameters of the runs, where there is no study file.
        plots: what the plots are drawn from, as JSON can hold it.
    """

    title: str
    note: str
    sentences: list[str]
    facts: list[str]
    headline: Table
    headline_notes: list[str]
    verdicts: list[Table]
    verdict_notes: list[str]
    mapping: Table
    strings: list[tuple[str, str]]
    versions: Table
    stopped: list[str]
    events: list[str]
    commands: list[str]
    study: str
    parameters: Table
    plots: dict[str, Any]


def make(records: list[Record], folder: ResultsFolder) -> Page:
    """The page of finished runs.

    Args:
        records: finished runs with their histories, at least one.
        folder: the results folder that holds them, for their curves.

    Raises:
        UserError: the study file in the folder is damaged.
    """
    rows = [record.row for record in records]
    groups = summary.groups(rows)
    headline = tables.make(groups)
    study = folder.study
    name = study_file.read(study).name if study.exists() else folder.path.resolve().name
    compared: differences.Differences | None = None
    try:
        compared = differences.compare(records, folder)
        verdicts = [Table(table.title, table.headings, table.rows) for table in differences.tables(compared)]
        verdict_notes = [note for note in compared.notes if note not in (*headline.notes, folder.note)]
    except UserError as error:
        verdicts, verdict_notes = [], [f"none: {error}"]
    explained = explain.of_rows(rows, name)
    return Page(
        title=name,
        note=folder.note,
        sentences=headlines.sentences(compared) if compared else [],
        facts=_facts(rows),
        headline=Table("Means over repetitions", headline.headings, headline.rows, frozenset(headline.best)),
        headline_notes=headline.notes,
        verdicts=verdicts,
        verdict_notes=verdict_notes,
        mapping=Table("Each common parameter in TMVA and in Keras", *explain.table(explained)),
        strings=[(f"{use} ({', '.join(names)})" if names else use, string) for use, string, names in explained.strings],
        versions=_versions(rows),
        stopped=naming.reasons(rows),
        events=_events(groups, folder),
        commands=_commands(rows, folder, name),
        study=study.read_text(encoding="utf-8") if study.exists() else "",
        parameters=_parameters(rows),
        plots=_plots(records, groups, compared, folder),
    )


def render(page: Page) -> str:
    """The page as HTML.

    Args:
        page: what it shows; every text in it is escaped.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tmva_bench.report", "page_files"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "allow_nan": False}
    return environment.get_template("page.html.j2").render(
        page=page,
        version=tmva_bench.__version__,
        library=Markup(offline.get_plotlyjs()),
        script=Markup(_file("words.js") + _file("page.js")),
        style=Markup(_file("page.css")),
    )


def write(records: list[Record], folder: ResultsFolder, path: Path, *, force: bool = False) -> bool:
    """Writes the page, complete or not at all.

    Args:
        records: see :func:`make`.
        folder: see there.
        path: the file.
        force: whether to write over a file that holds something else.

    Returns:
        Whether it was written; False where the file holds this page already.

    Raises:
        UserError: it cannot be written, or see :func:`make`.
    """
    return output.write_text(path, render(make(records, folder)), _files_of(folder), force=force)


def _files_of(folder: ResultsFolder) -> Iterator[str]:
    """What the page is made of."""
    for place, _, names in os.walk(folder.path):
        yield from (f"{place}/{name}" for name in names if not name.endswith(".html"))


def _file(name: str) -> str:
    return resources.files("tmva_bench.report").joinpath("page_files", name).read_text(encoding="utf-8")


def _facts(rows: list[RunRow]) -> list[str]:
    times = sorted(row.start_time for row in rows)
    counts = {status: sum(row.status == status for row in rows) for status in STATUSES}
    hosts = dict.fromkeys(f"{row.host} ({row.cpu_model})" for row in rows)
    events = dict.fromkeys(f"{row.sample}, {row.variables} variables" for row in rows)
    return [
        f"{len(rows)} runs: {', '.join(f'{number} {status}' for status, number in counts.items() if number)}",
        f"Started from {_minute(times[0])} to {_minute(times[-1])} UTC",
        f"On {naming.some(list(hosts))}",
        f"Sample {naming.some(list(events))}",
    ]


def _minute(time: str) -> str:
    return time[:16].replace("T", " ")


def _versions(rows: Iterable[RunRow]) -> Table:
    finished = [row for row in rows if row.status == "ok"]
    counted: dict[tuple[str, ...], int] = {}
    for row in finished:
        line = tuple(str(row.value(name)) for name in _INSTALLED)
        counted[line] = counted.get(line, 0) + 1
    headings = [name.replace("_version", "").replace("_", " ") for name in _INSTALLED]
    headings[headings.index("backend") + 1] = "backend version"
    lines = [[*(text or "-" for text in line), str(number)] for line, number in counted.items()]
    return Table("What the finished runs ran on", [*headings, "runs"], lines)


def _parameters(rows: list[RunRow]) -> Table:
    lines, columns = [], [vars(row) for row in rows]
    for name, parameter in config.PARAMETERS.items():
        of_methods = dict.fromkeys((of_run["method"], of_run[name]) for of_run in columns)
        values = dict.fromkeys(naming.short(value) for method, value in of_methods if not naming.lacks(method, name))
        if values:
            lines.append([name, ", ".join(values), parameter.help])
    return Table("Parameters of the runs", ["parameter", "values", "meaning"], lines)


def _events(groups: Iterable[Group], folder: ResultsFolder) -> list[str]:
    """Which events the runs were given, and where in the results folder they lie: the first of each group tells."""
    firsts = [group.row for group in groups]
    files = naming.gathered(((row.sample, row.input_digest[:12]), folder.input_name(row.run_id)) for row in firsts)
    lines = []
    for (sample, digest), names in files.items():
        lines.append(f"Sample {sample}, digest {digest or 'not kept'}: {', '.join(names)} in the results folder")
        lines += _recipe_of(folder.path / names[0], names[0])
    return lines


def _recipe_of(path: Path, name: str) -> list[str]:
    """How an input file of users' own events is made again, a line each."""
    try:
        metadata = inputs.read_metadata(path)
    except UserError:
        return []
    command = recipe.command(metadata, name)
    if not command:
        return []
    return [f"Its events are {'the first of those ' if 'taken_from' in metadata else ''}made by: {command}"]


def _commands(rows: Iterable[RunRow], folder: ResultsFolder, name: str) -> list[str]:
    """How to do the study again; without its file, the first run of each series that has a result."""
    if folder.study.exists():
        file = f"{name}.toml"
        return [f"tmva-bench study {file} --dry-run", f"tmva-bench study {file}", f"tmva-bench report {file}"]
    first: dict[str, RunRow] = {}
    for row in rows:
        if row.status == "ok":
            first.setdefault(naming.series_name(row), row)
    return [_run_command(row, folder.input_name(row.run_id)) for row in first.values()]


def _run_command(row: RunRow, input_file: str) -> str:
    method = registry.of(row.method)
    usual = {
        **vars(parsing.point(requests.known_to(method, {"optimizer": row.optimizer}))),
        "backend": "tmva",
        "architecture": "cpu",
        "threads": 1,
    }
    shown = ["backend", "architecture", "threads", *config.PARAMETERS]
    named = [
        name for name in shown if config.ONE_SIDED.get(name, method.side) == method.side and name not in method.absent
    ]
    values = {"method": row.method, **requests.known_to(method, {"optimizer": row.optimizer})}
    values |= {name: row.value(name) for name in named if row.value(name) != usual[name]}
    options = (f"--{name.replace('_', '-')} {shlex.quote(naming.short(value))}" for name, value in values.items())
    return f"tmva-bench run {shlex.quote(input_file)} {' '.join(options)} --results ."


def _plots(
    records: list[Record], groups: list[Group], compared: differences.Differences | None, folder: ResultsFolder
) -> dict[str, Any]:
    """What the plots need: series, axes and runs by number, floats of few digits."""
    finished = [group for group in groups if group.rows]
    telling = differences.telling(finished)
    axes = [name for name in telling if name in schema.POINT]
    apart = [name for name in telling if name not in axes]
    whole = [_standing(group, axes) for group in finished if not _absent(group, axes)]
    shown = [(group, place) for group in finished for place in _places(group, whole, axes)]
    names = [_series(group, apart) for group, _ in shown]
    order = naming.series_order(record.row for record in records)
    places = {name: order[naming.series_name(group.row)] for (group, _), name in zip(shown, names, strict=True)}
    series = sorted(places, key=lambda name: places[name])
    values = {axis: _values(place[axis] for _, place in shown) for axis in axes}
    quantities = [name for name in _QUANTITIES if any(_measured(row.value(name)) for g in finished for row in g.rows)]
    digits = {name: 5 if name.startswith("roc_") else 4 for name in quantities}
    curves = functools.cache(lambda run_id: _curves(folder.read(run_id), points))  # once for all places of a group
    points = min(max(_POINTS // max(len(shown), 1), _FEWEST), _MOST)
    reached = {(row.group.series, row.group.point): row for row in compared.rows} if compared else {}
    described: list[dict[str, Any]] = []
    runs: list[dict[str, Any]] = []
    for number, ((group, place), name) in enumerate(zip(shown, names, strict=True)):
        means = summary.means([row.value(quantity) for quantity in quantities] for row in group.rows)
        one = {
            "s": series.index(name),
            "p": [values[axis].index(place[axis]) for axis in axes],
            "n": len(group.rows),
            "m": [_short(mean.value, digits[quantity]) for quantity, mean in zip(quantities, means, strict=True)],
            "e": [_short(mean.error, 2) for mean in means],
            "best": _short(summary.best_possible(group), 5),
            "run": len(runs),
            **curves(group.row.run_id),
        }
        if row := reached.get((group.series, group.point)):
            one["q"] = _quality(row)
        described.append(one)
        runs += [
            {
                "g": number,
                "id": row.run_id,
                "r": row.repetition,
                "v": [_short(float(row.value(quantity)), digits[quantity]) for quantity in quantities],
            }
            for row in group.rows
        ]
    return {
        "series": series,
        "palette": naming.COLOURS,
        "colours": naming.colours((places[name] for name in series), len(order)),
        "axes": [{"name": axis, "title": _COLUMNS[axis].title, "values": _labelled(values[axis])} for axis in axes],
        "quantities": [{"name": name, "label": _label(name), "title": _COLUMNS[name].title} for name in quantities],
        "groups": described,
        "runs": runs,
        "share": compared.share if compared else None,
        "correlations": _correlations(folder, records[0].row),
    }


def _places(group: Group, whole: list[dict[str, Any]], axes: list[str]) -> list[dict[str, Any]]:
    """The values of the axes where a group is shown: of what its method does not have, wherever others stand.

    Args:
        group: the repetitions of one series at one point.
        whole: where those stand whose methods have all that is scanned.
        axes: what is scanned.
    """
    standing = _standing(group, axes)
    if not (absent := _absent(group, axes)):
        return [standing]
    places = [{**standing, **{axis: other[axis] for axis in absent}} for other in whole] or [standing]
    return list({tuple(place.values()): place for place in places}.values())


def _standing(group: Group, axes: list[str]) -> dict[str, Any]:
    return {axis: group.row.value(axis) for axis in axes}


def _absent(group: Group, axes: list[str]) -> list[str]:
    """What is scanned and a group's method does not have."""
    return [axis for axis in axes if naming.lacks(group.row.method, axis)]


def _label(name: str) -> str:
    """A quantity as people call it."""
    return _NAMES.get(name, name.replace("_", " ").replace("cpu", "CPU"))


def _series(group: Group, places: Iterable[str]) -> str:
    """A series in words, with what tells it from others of its name."""
    return naming.run_name(differences.facts(group), places)


def _values(values: Iterable[Any]) -> list[Any]:
    distinct = list(dict.fromkeys(values))
    return distinct if isinstance(distinct[0], str) else sorted(distinct)


def _labelled(values: list[Any]) -> list[Any]:
    return [naming.label(value) if isinstance(value, str) else value for value in values]


def _measured(value: float) -> bool:
    return not math.isnan(value)


def _short(value: float, digits: int) -> float | int | None:
    """A number of so many digits, None for none."""
    if not math.isfinite(value):
        return None
    short = float(f"{value:.{digits}g}")
    return int(short) if short.is_integer() else short


def _shorts(values: Iterable[float], digits: int) -> list[float | int | None]:
    return [_short(value, digits) for value in values]


def _quality(row: differences.Row) -> dict[str, Any]:
    if not row.reached:
        return {}
    reached = row.reached["real_time"]
    times = (reached.median, reached.low, reached.high)
    return {"target": _short(row.target, 5), "times": _shorts(times, 4), "text": str(reached)}


def _curves(record: Record, points: int) -> dict[str, Any]:
    """ROC curve, history and scores of one run, of at most so many points each."""
    row, curves = record.row, dict[str, Any]()
    if len(record.roc):
        kept = _kept(len(record.roc), points)
        passing = (1 - record.roc.background_rejection[n] for n in kept)
        efficiency = (record.roc.signal_efficiency[n] for n in kept)
        curves["roc"] = {"x": _shorts(efficiency, 4), "y": _shorts(passing, 3)}
    if len(record.history):
        kept = _kept(len(record.history), points)
        times, best = progress(record.history.columns())
        curves["history"] = {
            "epoch": [record.history.epoch[n] for n in kept],
            "training": _shorts((record.history.training_loss[n] for n in kept), 4),
            "validation": _shorts((record.history.validation_loss[n] for n in kept), 4),
            "time": _shorts(times[kept], 4),
            "best": _shorts(best[kept], 4),
        }
    if len(record.scores):
        curves["scores"] = _scores(record.scores, 1 if points >= _ALL_BINS else 2)
        curves["scores"]["kolmogorov"] = _shorts((row.overtraining_signal, row.overtraining_background), 2)
    return curves


def _kept(length: int, points: int) -> list[int]:
    """Which of a curve's points stay: evenly, the first and the last among them."""
    kept: list[int] = numpy.unique(numpy.linspace(0, length - 1, min(length, points)).round().astype(int)).tolist()
    return kept


def _scores(scores: Scores, together: int) -> dict[str, Any]:
    """The histograms of training and test scores, in ``unit``; ``together`` bins make one."""
    unit = _short(max(scores.density) / 9999, 4)
    histograms: dict[str, Any] = {"unit": unit}
    for sample, event_class in itertools.product(("test", "train"), ("signal", "background")):
        bins = [
            n
            for n, both in enumerate(zip(scores.sample, scores.event_class, strict=True))
            if both == (sample, event_class)
        ]
        density = numpy.array([scores.density[n] for n in bins], dtype=float).reshape(-1, together)
        error = numpy.array([scores.density_error[n] for n in bins], dtype=float).reshape(-1, together)
        histograms[f"{sample}_{event_class}"] = _whole(density.mean(axis=1) / unit)
        if sample == "train":
            histograms[f"{sample}_{event_class}_error"] = _whole(numpy.sqrt((error**2).sum(axis=1)) / together / unit)
        histograms["range"] = _shorts((scores.low[bins[0]], scores.high[bins[-1]]), 5)
    return histograms


def _whole(values: numpy.ndarray) -> list[int]:
    whole: list[int] = values.round().astype(int).tolist()
    return whole


def _correlations(folder: ResultsFolder, row: RunRow) -> dict[str, Any]:
    """Linear correlations of the input variables, of the weighted training events, or why there are none.

    Of the file that the folder's link leads to; where there is no link, of the first run's.
    """
    try:
        linked = folder.input.exists()
        data = inputs.read(folder.input) if linked else folder.read_input(row.run_id, row.input_digest)
    except Missing:
        return {"missing": f"The input file is not there ({folder.input.name} in the results folder)."}
    except UserError as error:
        return {"missing": str(error)}
    shown: dict[str, Any] = {"sample": data.metadata["sample"], "variables": data.variables}
    for name, tree in (("signal", "TrainS"), ("background", "TrainB")):
        shown[name] = [_shorts(line, 2) for line in correlations(data.events[tree], data.weights[tree])]
    return shown
