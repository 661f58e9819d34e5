"""What :mod:`tmva_bench.migration.migrating` makes, written into a new folder."""

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tmva_bench.errors import UserError, of_system, short_path
from tmva_bench.migration import migrating
from tmva_bench.migration.migrating import Migration
from tmva_bench.results import forms
from tmva_bench.study import file as study_file
from tmva_bench.study.study import Study

STUDY, REPORT = "study.toml", "report.md"


def write(
    sources: Sequence[Path], folder: Path, bookings: Sequence[str], explained: Callable[[Study], forms.Document]
) -> dict[str, Any]:
    """Writes a study and a report of each job; see :func:`tmva_bench.api.migrate`.

    Args:
        sources: what is carried over.
        folder: the folder to make.
        bookings: booking strings.
        explained: what each parameter of a study is in TMVA and in Keras, for the end of the report.

    Raises:
        UserError: nothing to carry over, or a folder that is there or cannot be written.
    """
    if os.path.lexists(folder):
        raise UserError(f"{short_path(folder)}: is there already; give the name of a new folder")
    if not sources and not bookings:
        raise UserError("nothing to carry over: give a macro, a script, a weight file, TMVA.root or --booking")
    migrations = migrating.migrate(sources, bookings)
    files: list[Path] = []
    for one in migrations:
        at = Path() if len(migrations) == 1 else Path(one.name)
        files += [at / STUDY, at / REPORT]
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=".", suffix=".partial", dir=folder.parent))
        try:
            _fill(beside, migrations, files, explained)
            beside.chmod(0o777 & ~_umask())
            beside.rename(folder)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    except OSError as error:
        raise of_system(error, folder) from None
    return {"files": [folder / path for path in files], "overview": migrating.overview(migrations)}


def _fill(
    folder: Path, migrations: Sequence[Migration], files: Sequence[Path], explained: Callable[[Study], forms.Document]
) -> None:
    for one, study, report in zip(migrations, files[::2], files[1::2], strict=True):
        (folder / study).parent.mkdir(exist_ok=True)
        (folder / study).write_text(one.study, encoding="utf-8")
        mapping = explained(study_file.read(folder / study))
        texts = [forms.write(document, "md") for document in (migrating.document(one), mapping)]
        (folder / report).write_text("\n\n".join(texts) + "\n", encoding="utf-8")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
