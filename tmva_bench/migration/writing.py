"""What :mod:`tmva_bench.migration.migrating` makes, written into a new folder."""

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tmva_bench.errors import UserError, of_system, short_path
from tmva_bench.migration import migrating
from tmva_bench.migration.migrating import Migration
from tmva_bench.results import forms
from tmva_bench.study import file as study_file
from tmva_bench.study.study import Study

STUDY, REPORT, MODEL = "study.toml", "report.md", "model.keras"


class Tools(NamedTuple):
    """What is done by rooms that this one does not know.

    Attributes:
        explain: what each parameter of a study is in TMVA and in Keras, for the end of a report.
        export: writes the network of a weight file as a model of Keras, and gives what it was checked against.
    """

    explain: Callable[[Study], forms.Document]
    export: Callable[[Path, Path], list[str]]


def write(sources: Sequence[Path], folder: Path, bookings: Sequence[str], tools: Tools) -> dict[str, Any]:
    """Writes a study, a report and scripts of each job; see :func:`tmva_bench.api.migrate`.

    Args:
        sources: what is carried over.
        folder: the folder to make.
        bookings: booking strings.
        tools: what other rooms do.

    Raises:
        UserError: nothing to carry over, or a folder that is there or cannot be written.
    """
    if os.path.lexists(folder):
        raise UserError(f"{short_path(folder)}: is there already; give the name of a new folder")
    if not sources and not bookings:
        raise UserError("nothing to carry over: give a macro, a script, a weight file, TMVA.root or --booking")
    migrations = migrating.migrate(sources, bookings)
    weights = {path.name: path for path in sources}
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=".", suffix=".partial", dir=folder.parent))
        try:
            files = []
            for one in migrations:
                at = Path() if len(migrations) == 1 else Path(one.name)
                (beside / at).mkdir(exist_ok=True)
                files += [folder / at / name for name in _fill(beside / at, one, weights, tools)]
            beside.chmod(0o777 & ~_umask())
            beside.rename(folder)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    except OSError as error:
        raise of_system(error, folder) from None
    return {"files": files, "overview": migrating.overview(migrations)}


def _fill(folder: Path, one: Migration, weights: Mapping[str, Path], tools: Tools) -> list[str]:
    """Writes what becomes of one job, and gives the names of the files."""
    (folder / STUDY).write_text(one.study, encoding="utf-8")
    scripts, said = dict(one.scripts), []
    if migrating.SCORE in scripts:
        try:
            said = tools.export(weights[one.job.source], folder / MODEL)
        except UserError as error:
            said = [f"no {MODEL}, nor {migrating.SCORE}: {error}"]
            scripts.pop(migrating.SCORE)
    for name, text in scripts.items():
        (folder / name).write_text(text, encoding="utf-8")
    mapping = tools.explain(study_file.read(folder / STUDY))
    texts = [forms.write(document, "md") for document in (migrating.document(one, said), mapping)]
    (folder / REPORT).write_text("\n\n".join(texts) + "\n", encoding="utf-8")
    return [STUDY, *scripts, *([MODEL] if migrating.SCORE in scripts else []), REPORT]


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
