"""Sources of TMVA carried over: a study of the same, and a report of what is equal and what is not."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import tomli_w

from tmva_bench.errors import UserError
from tmva_bench.migration import booking, events, outputs, score_script, series, train_script
from tmva_bench.migration.booking import Job, Place, Remark
from tmva_bench.migration.verdicts import VERDICTS, Row
from tmva_bench.results import forms

TRAIN, SCORE = "train.py", "score.py"
# Characters of a text in the report.
_LONGEST = 160


class Migration(NamedTuple):
    """What becomes of one job.

    Attributes:
        job: what the source states.
        name: a folder's name for it.
        study: the text of a study file.
        tables: what becomes of what is stated, by what it is of: ``Events``, and the title of each method.
        scripts: texts of Python by the name of their file.
        missing: why there is no script of a network.
    """

    job: Job
    name: str
    study: str
    tables: dict[str, list[Row]]
    scripts: dict[str, str]
    missing: list[Remark]

    @property
    def counts(self) -> dict[str, int]:
        """How many things have each verdict."""
        rows = [row for table in self.tables.values() for row in table]
        return {verdict: sum(row.verdict == verdict for row in rows) for verdict in VERDICTS}


def migrate(paths: Iterable[Path], bookings: Sequence[str] = ()) -> list[Migration]:
    """What becomes of sources, one after the other.

    Args:
        paths: macros, scripts, weight files, TMVA.root.
        bookings: booking strings, see :func:`tmva_bench.migration.outputs.of_bookings`.

    Raises:
        UserError: a source that cannot be read, or in which nothing of TMVA is booked or stated.
    """
    jobs = [job for path in paths for job in _stating(path)]
    if bookings:
        jobs.append(outputs.of_bookings(bookings))
    migrations: list[Migration] = []
    for job in jobs:
        migrations.append(_of_job(job, [one.name for one in migrations]))
    return migrations


def _stating(path: Path) -> list[Job]:
    jobs = outputs.read(path)
    if not any(job.methods or job.variables or job.inputs for job in jobs):
        raise UserError(f"{path}: nothing of TMVA is booked in it that could be read; give the macro that books")
    return jobs


def _of_job(job: Job, taken: Sequence[str]) -> Migration:
    sample, of_events = events.sample(job)
    point, of_split = events.common(job)
    tables: dict[str, list[Row]] = {"Events": [*of_events, *of_split]}
    every: list[dict[str, Any]] = []
    for booked in job.methods:
        new, rows = series.of_booking(booked, job)
        every += [table for table in new if table not in every]
        title = booked.title
        while title in tables:
            title += "'"
        tables[title] = rows
    if not every:
        every = [{"method": "keras"}]
        tables["Events"].append(
            Row(Place(job.source), "method = keras, with its defaults", VERDICTS[2], "no booking could be carried over")
        )
    name = sample["name"]
    number = 2
    while name in taken:
        name, number = f"{sample['name']}-{number}", number + 1
    content = {"name": name, "sample": sample, **({"point": point} if point else {}), "series": every}
    head = f"# Made of {forms.plain(job.source)} by tmva-bench migrate; report.md says what is equal and what is not.\n"
    return Migration(job, name, head + tomli_w.dumps(content), tables, *_scripts(job))


def _scripts(job: Job) -> tuple[dict[str, str], list[Remark]]:
    """A training script of each network, and one that scores trees by the model of a weight file."""
    scripts: dict[str, str] = {}
    missing = []
    networks = [one for one in job.methods if one.kind not in (booking.BDT, booking.OTHER)]
    for booked in networks:
        title = re.sub(r"\W+", "_", booked.title, flags=re.ASCII)
        name = TRAIN if len(networks) == 1 else f"train_{title}.py"
        if name in scripts:
            name = f"train_{title}_{len(scripts) + 1}.py"
        try:
            scripts[name] = train_script.text(job, booked)
            if is_weight_file(job):
                scripts[SCORE] = score_script.text(job)
        except UserError as error:
            missing.append(Remark(f"no {name}: {error}", booked.place))
    return scripts, missing


def is_weight_file(job: Job) -> bool:
    """Whether a job is that of a weight file alone, whose network can be exported."""
    return job.source.endswith(".weights.xml")


def document(migration: Migration, model: Sequence[str] = ()) -> forms.Document:
    """The report on one job, row by row.

    Args:
        migration: what became of it.
        model: what is to be said of the model of Keras that was made of a weight file.
    """
    job = migration.job
    parts: list[forms.Part] = [forms.Heading(f"{job.source}: what becomes of it", 1), _summary(migration)]
    for title, rows in migration.tables.items():
        if rows:
            kind = next((f" ({one.type})" for one in job.methods if one.title == title), "")
            parts += [forms.Heading(f"{title}{kind}"), _table(rows)]
    if model:
        parts += [forms.Heading("The network in Keras"), *model]
    remarks = _remarks(migration)
    if remarks:
        parts += [
            forms.Heading("What to look at"),
            "What could not be told of the text, and what TMVA does otherwise than it says.",
            forms.Table(["where", "what"], [[str(one.place), one.text] for one in remarks], widths={"what": 80}),
        ]
    return forms.Document(parts)


def _remarks(migration: Migration) -> list[Remark]:
    job = migration.job
    every = [*job.remarks, *(remark for one in job.methods for remark in one.remarks), *migration.missing]
    return list(dict.fromkeys(every))


def _summary(migration: Migration) -> str:
    counts = ", ".join(f"{number} {verdict}" for verdict, number in migration.counts.items())
    return f"{counts}; {len(_remarks(migration))} to look at. Nothing of the source was run."


def _table(rows: Sequence[Row]) -> forms.Table:
    lines = [
        [str(row.place), forms.Code(_cut(row.place.text)), forms.Code(_cut(row.becomes)), row.verdict, row.why]
        for row in rows
    ]
    widths = {"the source says": 40, "here": 40, "why": 50}
    return forms.Table(["where", "the source says", "here", "verdict", "why"], lines, widths=widths)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def overview(migrations: Sequence[Migration]) -> forms.Document:
    """A short table of all jobs and their methods.

    Args:
        migrations: at least one.
    """
    lines = []
    for one in migrations:
        for title, rows in one.tables.items():
            method = next((method for method in one.job.methods if method.title == title), None)
            counts = [str(sum(row.verdict == verdict for row in rows)) for verdict in VERDICTS]
            lines.append([one.name, title, "" if method is None else method.type, *counts])
    return forms.Document([forms.Table(["name", "of", "type", *VERDICTS], lines)])
