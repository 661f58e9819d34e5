"""A results folder: every path in it, its lock, and the one way in which anything is written, merged or taken away."""

import contextlib
import dataclasses
import datetime
import fcntl
import hashlib
import json
import logging
import os
import platform
import shutil
import sys
import uuid
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

from tmva_bench.errors import UserError
from tmva_bench.events import inputs
from tmva_bench.results import doubts, naming, placements, records, schema, tree_file
from tmva_bench.results.rows import Record, RunRow

_logger = logging.getLogger(__name__)
# Comes with the package.
_EXAMPLE = Path(__file__).parents[1] / "example"
_PARTIAL = ".partial"
_OLD = ".old"
# The longest note that is shown.
_NOTE = 1000
# Less than this on the disk: what failed, failed for want of space.
_FULL = 2**20


class Holder(NamedTuple):
    """The process that holds a results folder.

    Attributes:
        pid: its number.
        host: its machine.
        start_time: since when, UTC, ISO 8601.
        command: its command line.
    """

    pid: int
    host: str
    start_time: str
    command: str

    def __str__(self) -> str:
        """In words."""
        return f"process {self.pid} on {self.host} since {self.start_time} ({self.command})"


class DiskFull(UserError):
    """No space for a run's files; what finished before is kept."""


class Missing(UserError):
    """A run's input file or scores are not in the results folder; what does not need them goes on."""


class ResultsFolder:
    """The folder of a study's or an input file's results, e.g. ``results/quick``.

    Nothing in it names a place on this machine: it can be moved or copied whole.

    Attributes:
        path: the folder; it need not exist.
        runs: the folder of the runs, one folder each.
        inputs: the folder of the input files.
        tree: the results trees, made from the records.
        study: the study as it was last run, ``--set`` and all.
        environments: what the environments of the study held then.
        input: a link to the input file of the study's first sample.
        report: the page.
        example: whether it is the one that comes with the package, which is only read.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.runs = self.path / "runs"
        self.inputs = self.path / "inputs"
        self.tree = self.path / "results.root"
        self.study = self.path / "study.toml"
        self.environments = self.path / "environments.json"
        self.input = self.path / "input.root"
        self.report = self.path / "report.html"
        self.example = self.path == _EXAMPLE
        self._stamp = self.runs / ".results.json"
        self._lock_file = self.runs / ".lock"

    @property
    def note(self) -> str:
        """What ``note.txt`` says must be known of all numbers here, on one line; "" where there is none."""
        path = self.path / "note.txt"
        try:
            text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        except OSError as error:
            return f"{path}: cannot be read ({error.strerror})"
        return " ".join(text.split())[:_NOTE]

    def run_folder(self, name: str) -> Path:
        """The folder of a finished run."""
        return self.runs / name

    def scores(self, name: str) -> Path:
        """The scores of a finished run, by tree of the input file."""
        return self.run_folder(name) / "scores.root"

    def placements(self, name: str) -> Path:
        """The placements of the test events in a finished run."""
        return self.run_folder(name) / placements.FILE

    def load(self, *, curves: Collection[str] = schema.CURVES) -> list[Record]:
        """All records, by start time; one that cannot be read is told in a warning and left out.

        Args:
            curves: the trees whose rows are wanted beside those of ``benchmark``, see :func:`records.read`.

        Raises:
            UserError: a record of a newer version than this program knows.
        """
        readable = self._records(curves=curves)
        named = naming.identified(record.row for record in readable)
        return [dataclasses.replace(record, row=row) for record, row in zip(readable, named, strict=True)]

    def read(self, name: str) -> Record:
        """The record of a finished run with its curves; a row alone, and a warning, where those cannot be read.

        Args:
            name: of a run whose row can be read.

        Raises:
            UserError: its row cannot be read any more.
        """
        folder = self.run_folder(name)
        try:
            return records.read(folder)
        except records.Damaged as error:
            _logger.warning("without its curves: %s", error)
            return records.read(folder, curves=())

    def names(self) -> list[str]:
        """Names of the finished runs, whether or not they can be read."""
        return [folder.name for folder in self._folders()]

    def problems(self) -> dict[str, str]:
        """What is wrong with the files of finished runs, by the run's name; empty where nothing is."""
        problems = {}
        for folder in self._folders():
            try:
                self._readable(folder, schema.CURVES)
            except UserError as error:
                problems[folder.name] = str(error)
                continue
            if changed := records.altered(folder):
                problems[folder.name] = f"changed, gone or added after the run was finished: {', '.join(changed)}"
            elif not records.has_sums(folder):
                problems[folder.name] = "cannot be checked: without checksums, as those of earlier versions"
        return problems

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Holds the folder: one process at a time writes there. What killed runs left is tidied up.

        Records that cannot be read are moved to ``set-aside/``, so that their runs can be done again.

        Raises:
            UserError: another process holds it, it is the example, or it cannot be written.
        """
        if self.example:
            raise UserError(
                f"example: comes with tmva-bench and is only read; copy the folder {self.path}, or give another"
            )
        make_folder(self.runs)
        with contextlib.ExitStack() as stack:
            with self._writing():
                lock = stack.enter_context(self._lock_file.open("a+"))
                _take(lock, self.path)
                self._tidy()
            yield

    def holder(self) -> Holder | None:
        """Who holds the folder at this moment, or None."""
        try:
            with self._lock_file.open() as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    return _read_holder(lock)
        except OSError:
            pass
        return None

    @contextlib.contextmanager
    def under_way(self, name: str) -> Iterator[Path]:
        """A fresh folder for a run under way, which :meth:`finish` turns into the folder of a finished run.

        Only for who holds the results folder, see :meth:`held`.

        Args:
            name: the run's name.

        Raises:
            UserError: something cannot be written, here or in the block.
        """
        folder = self.runs / f".{name}{_PARTIAL}"
        with self._writing():
            folder.mkdir(parents=True)
            try:
                yield folder
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise

    def runs_under_way(self) -> list[Path]:
        """Folders of the runs under way, by name."""
        return sorted(self.runs.glob(f".*{_PARTIAL}"))

    def finish(self, folder: Path, record: Record) -> None:
        """Writes the record into the folder of the run under way and renames the folder to its run's name.

        A record that was there under that name is replaced only after the new one is complete and was read back.

        Raises:
            UserError: the record cannot be read back.
            OSError: it cannot be written.
        """
        records.write(folder, record)
        final = self.run_folder(record.row.run_id)
        old = self.runs / f".{final.name}{_OLD}"
        if final.exists():
            final.rename(old)
        folder.rename(final)
        if old.exists():
            shutil.rmtree(old)

    def remove(self, names: Iterable[str]) -> None:
        """Removes the folders of finished runs; for who holds the results folder.

        Raises:
            UserError: a folder cannot be removed.
        """
        with self._writing():
            for name in names:
                # Renamed first: a kill in the middle leaves a whole run or none.
                gone = self.runs / f".{name}{_PARTIAL}"
                self.run_folder(name).rename(gone)
                shutil.rmtree(gone)

    def is_full(self) -> bool:
        """Whether the disk has no space left that a run could use."""
        return shutil.disk_usage(self.path).free < _FULL

    def rebuild(self) -> list[Record]:
        """Makes the results trees from the records, where they are not those already; for who holds the folder.

        Returns:
            All records, with their curves where the trees were made.

        Raises:
            UserError: the trees cannot be written; the records are not touched.
        """
        current = self.is_current()
        readable = self.load(curves=() if current else schema.CURVES)
        if not current:
            self.write_tree(readable, self.tree)
            self.write_text(self._stamp, json.dumps(self._state()))
        return readable

    def write_tree(self, readable: list[Record], path: Path) -> None:
        """Writes results trees of records, with the folder's note.

        Args:
            readable: the records, with their curves.
            path: the file, in this folder or elsewhere.

        Raises:
            UserError: it cannot be written.
        """
        tree_file.write(readable, path, note=self.note)

    def is_current(self) -> bool:
        """Whether the results trees are those made of the records as they are now."""
        try:
            return bool(json.loads(self._stamp.read_text(encoding="utf-8")) == self._state())
        except (OSError, ValueError):
            return False

    def write_text(self, path: Path, text: str) -> None:
        """Writes a file of the folder, whole or not at all.

        Raises:
            UserError: it cannot be written.
        """
        with self._writing(), _beside(path) as partial:
            partial.write_text(text, encoding="utf-8")

    def keep_input(self, data: inputs.InputFile) -> str:
        """Has an input file lie under ``inputs/``; for who holds the folder.

        A user's file is there as a hard link, so that it goes wherever the folder goes; where the file system has no
        such links, as a symbolic one.

        Args:
            data: the input file.

        Returns:
            Its name there.

        Raises:
            UserError: the folder cannot be written.
        """
        path = Path(data.path)
        if path.resolve().parent == self.inputs.resolve():
            return path.name
        kept = self.inputs / f"{path.stem}-{data.metadata['digest'][:12]}.root"
        make_folder(self.inputs)
        with self._writing():
            if not (kept.exists() and kept.samefile(path)):
                with _beside(kept) as partial:
                    try:
                        os.link(path.resolve(), partial)
                    except OSError:
                        partial.symlink_to(path.resolve())
        return kept.name

    def link_input(self, name: str) -> None:
        """Makes ``input.root`` a link to a file under ``inputs/``; for who holds the folder.

        Raises:
            UserError: the folder cannot be written.
        """
        with self._writing(), _beside(self.input) as partial:
            partial.symlink_to(Path(self.inputs.name) / name)

    def read_input(self, run_id: str, digest: str) -> inputs.InputFile:
        """The input file that a run was given, found by name and digest.

        Args:
            run_id: a finished run.
            digest: of the events that it was given.

        Raises:
            Missing: it is not in the folder, with the way to put it back.
        """
        named = self._input_of(run_id)
        # Earlier versions named the place on the machine that did the run.
        for place in (self.inputs / named.name, self.run_folder(run_id) / named):
            if place.is_file():
                data = inputs.read(place)
                # Of a run on encoded events, earlier versions named the encoded file.
                if digest in (data.metadata["digest"], data.metadata.get("encoded", {}).get("from")):
                    return data
        raise Missing(
            f"{self.inputs / named.name}: not there, or not the events of digest {digest[:12]}; put the input file "
            "there under that name"
        )

    def encoded_input(self, digest: str) -> Path:
        """The file of the events that an autoencoder encoded before a run.

        Args:
            digest: of the encoded events, as the run's row has it.

        Raises:
            Missing: it is not in the folder.
        """
        for path in sorted(self.inputs.glob("encoded-*.root")):
            if inputs.read_metadata(path).get("digest") == digest:
                return path
        raise Missing(
            f"{self.inputs}: no encoded-*.root with the encoded events of digest {digest[:12]}; put the file there, or "
            "run it again"
        )

    def input_name(self, run_id: str) -> str:
        """The path in the folder of the input file that a run was given, ``input.root`` where it does not say."""
        try:
            named = self.inputs / self._input_of(run_id).name
        except Missing:
            return self.input.name
        return f"{self.inputs.name}/{named.name}" if named.exists() else self.input.name

    def _input_of(self, run_id: str) -> Path:
        """The input file of a run, as its task names it."""
        path = self.run_folder(run_id) / "task.json"
        try:
            return Path(json.loads(path.read_text(encoding="utf-8"))["input_file"])
        except (OSError, ValueError, KeyError, TypeError):
            raise Missing(
                f"{path}: does not name the input file; remove the folder {path.parent} to run it again"
            ) from None

    def merge(self, sources: Iterable["ResultsFolder"]) -> tuple[int, int]:
        """Joins the runs of several results folders, and their input files; for who holds this folder.

        Returns:
            Runs brought in, and runs that were there already, equal.

        Raises:
            UserError: a record is newer, or two records of one run differ; nothing is copied then.
        """
        by_name: dict[str, tuple[ResultsFolder, RunRow]] = {}
        equal = 0
        for source in (self, *sources):
            whole = source._whole()
            if source is not self and not whole:
                raise UserError(f"{source.path}: no finished runs there; give results folders, e.g. results/quick")
            for row in whole:
                name = row.run_id
                kept, kept_row = by_name.setdefault(name, (source, row))
                if kept is source:
                    continue
                if not records.same(kept.run_folder(name), source.run_folder(name)):
                    raise UserError(
                        f"{source.path}: run {name} differs from the one in {kept.path} (started "
                        f"{row.start_time} and {kept_row.start_time}); remove one of the two, or "
                        "keep the results apart"
                    )
                equal += 1
        new = {name: source for name, (source, _) in by_name.items() if source is not self}
        with self._writing():
            for name, source in new.items():
                self._bring(source.run_folder(name), self.run_folder(name))
            for source in dict.fromkeys(new.values()):
                self._join_inputs(source)
                self._join_environments(source)
        return len(new), equal

    def _bring(self, folder: Path, final: Path) -> None:
        partial = self.runs / f".{final.name}{_PARTIAL}"
        try:
            # Links stay links: what they lead to is not of the results.
            shutil.copytree(folder, partial, symlinks=True)
            partial.rename(final)
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def _join_environments(self, source: "ResultsFolder") -> None:
        """What environments held, for a study to be looked at without starting them; what stands here stays."""
        joined = {**read_environments(source.environments), **read_environments(self.environments)}
        if joined:
            self.write_text(self.environments, json.dumps(joined, indent=1))

    def _join_inputs(self, source: "ResultsFolder") -> None:
        """Copies the input files of another results folder; their names tell their contents."""
        for path in sorted(source.inputs.glob("[!.]*.root")):
            copy = self.inputs / path.name
            if copy.exists() or not path.is_file():
                continue
            make_folder(copy.parent)
            with _beside(copy) as partial:
                shutil.copy2(path, partial, follow_symlinks=False)
        if self.input.is_symlink() or self.input.exists():
            return
        if source.input.is_symlink():
            self.link_input(source.input.readlink().name)
        elif source.input.is_file():  # a link once, before it was copied from another machine
            shutil.copy2(source.input, self.input)

    def _whole(self) -> list[RunRow]:
        """The rows of the runs whose curves can be read, too; the others are told in a warning."""
        rows = []
        for record in self._records(curves=()):
            folder = self.run_folder(record.row.run_id)
            if records.is_whole(folder):
                rows.append(record.row)
            else:
                _logger.warning("left out: %s: its curves cannot be read; remove the folder to run it again", folder)
        return rows

    def _records(self, *, curves: Collection[str]) -> list[Record]:
        readable = []
        for folder in self._folders():
            try:
                readable.append(self._checked(folder, curves))
            except records.Damaged as error:
                _logger.warning("left out: %s", error)
        return sorted(readable, key=lambda record: (record.row.start_time, record.row.run_id))

    def _folders(self) -> list[Path]:
        return sorted(self.runs.glob("[!.]*"))

    def _readable(self, folder: Path, curves: Collection[str]) -> Record:
        if folder.is_symlink() or not folder.is_dir():
            raise records.Damaged(f"{folder}: no folder of a run; remove it")
        return records.read(folder, curves=curves)

    def _checked(self, folder: Path, curves: Collection[str]) -> Record:
        record = self._readable(folder, curves)
        if records.row_altered(folder):
            _logger.warning("%s: changed after it was written; tmva-bench check-results lists such records", folder)
            warnings = doubts.SEPARATOR.join(filter(None, (record.row.warnings, doubts.ALTERED)))
            return dataclasses.replace(record, row=dataclasses.replace(record.row, warnings=warnings))
        return record

    def _state(self) -> dict[str, str]:
        digest = hashlib.sha256(f"{schema.VERSION} {schema.TREES}\n".encode())
        for folder in self._folders():
            digest.update(f"{folder.name} {records.fingerprint(folder)}\n".encode(errors="surrogateescape"))
        digest.update(self.note.encode())
        with self.tree.open("rb") as file:
            return {"records": digest.hexdigest(), "tree": hashlib.file_digest(file, "sha256").hexdigest()}

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = error.strerror or error
            raise UserError(
                f"{self.path}: cannot be written ({reason}); free some space or choose another results folder"
            ) from error

    def _tidy(self) -> None:
        for old in self.runs.glob(f".*{_OLD}"):
            final = old.with_name(old.name[1:].removesuffix(_OLD))
            if final.exists():
                shutil.rmtree(old)
            else:
                old.rename(final)
        for partial in self.runs_under_way():
            shutil.rmtree(partial)
        for folder in self._folders():
            try:
                self._readable(folder, ())
                if not records.is_whole(folder):
                    raise records.Damaged(f"{folder}: its curves cannot be read")
            except records.Damaged as error:
                aside = self.path / "set-aside" / f"{folder.name}-{uuid.uuid4().hex[:8]}"
                make_folder(aside.parent)
                folder.rename(aside)
                _logger.warning("moved to %s: %s", aside, error)


def example() -> ResultsFolder:
    """The results of a real TMVA that come with the package, to look at; their ``note.txt`` says of which TMVA."""
    return ResultsFolder(_EXAMPLE)


def read_environments(path: Path) -> dict[str, dict[str, str]]:
    """Versions by Python executable, as a study's last run left them; empty where none are left.

    Args:
        path: :attr:`ResultsFolder.environments`.
    """
    try:
        left = json.loads(path.read_text()) if path.is_file() else {}
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(left, dict):
        return {}
    return {
        python: versions
        for python, versions in left.items()
        if isinstance(versions, dict) and all(isinstance(version, str) for version in versions.values())
    }


def make_folder(folder: Path) -> None:
    """Makes a folder, and those above it, where it does not exist yet.

    Raises:
        UserError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder}: cannot be made ({error.strerror}); choose another results folder") from None


@contextlib.contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A name beside a file or link of the folder, renamed to it where the block ends well, and removed where not."""
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _take(lock: IO[str], results: Path) -> None:
    """Takes the lock, which the system frees however the process ends."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UserError(
            f"{results}: held by {_read_holder(lock) or 'another process'}; wait for its end or choose another folder"
        ) from None
    except OSError as error:
        _logger.warning("%s: cannot be locked (%s); start no second run there", results, error.strerror)
    start = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])
    lock.truncate(0)
    json.dump(Holder(os.getpid(), platform.node(), start, command)._asdict(), lock)
    lock.flush()


def _read_holder(lock: IO[str]) -> Holder | None:
    lock.seek(0)
    try:
        return Holder(**json.load(lock))
    except (ValueError, TypeError):  # it has not written its name yet
        return None
