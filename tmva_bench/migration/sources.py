"""Macros in C++ and PyROOT scripts, read as text."""

from collections.abc import Sequence
from pathlib import Path

from tmva_bench.errors import UserError, of_system, short_path
from tmva_bench.events import reading
from tmva_bench.migration import cpp, python, values
from tmva_bench.migration.booking import Job, Remark
from tmva_bench.migration.calls import Jobs
from tmva_bench.migration.evaluation import Evaluation, TooLong

CPP = (".c", ".cc", ".cpp", ".cxx", ".c++", ".h", ".hh", ".hpp", ".hxx", ".icc")
_LARGEST = 2**21  # bytes
_MOST_SCRIPTS = 20


def script(path: Path) -> list[Job]:
    """The jobs of a macro or script.

    Args:
        path: C++ (``.C``, ``.cxx``, ...) or Python (``.py``).

    Raises:
        UserError: it cannot be read.
    """
    return of_text(path.name, text_of(path), path.parent, is_cpp=path.suffix.lower() in CPP)


def text_of(path: Path) -> str:
    """What a text file holds.

    Raises:
        UserError: it cannot be read, or is too long for what somebody wrote.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise UserError(
                f"{short_path(path)}: larger than {_LARGEST >> 20} MiB, the limit here; give the macro alone"
            )
        return path.read_bytes().decode("utf-8", "replace")
    except OSError as error:
        raise of_system(error, path) from None


def of_text(name: str, text: str, folder: Path, *, is_cpp: bool) -> list[Job]:
    """The jobs of a macro's or script's text.

    Args:
        name: what places call it.
        text: the text.
        folder: where relative paths in it begin, besides the current one.
        is_cpp: whether it is C++, else Python.
    """
    jobs = _followed(name, text, folder, is_cpp=is_cpp)
    for inner in jobs.scripts[:_MOST_SCRIPTS]:
        jobs.take_models(_followed(name, inner, folder, is_cpp=False))
    return jobs.jobs()


def _followed(name: str, text: str, folder: Path, *, is_cpp: bool) -> Jobs:
    program = (cpp if is_cpp else python).program(name, values.without_holes(text).replace("\r\n", "\n"))
    jobs = Jobs(name, folder, lambda file, tree: branches(folder, file, tree))
    evaluation = Evaluation(program, jobs, is_cpp=is_cpp)
    jobs.follow(evaluation, evaluation.holes)
    try:
        evaluation.run()
    except TooLong:
        jobs.remarks.append(Remark("takes too long to be followed to its end", program.statements[0].place))
    except RecursionError:
        raise UserError(f"{name}: nested too deep to be followed; give the part with the booking alone") from None
    for place in evaluation.passed_over():
        jobs.remarks.append(Remark(f"{place.text[:80]}: no way through the text leads here, so it is left out", place))
    jobs.remarks += [Remark(f"could not be read: {place.text[:80]}", place) for place in program.unread]
    return jobs


def branches(folder: Path, file: str, tree: str) -> Sequence[str]:
    """The branches of a tree that hold one number an event; none where the file is not there or cannot be read.

    Args:
        folder: where a relative path begins, besides the current one.
        file: the file as the source has it.
        tree: the tree's name.
    """
    for path in (Path(file), folder / file):
        try:
            if not path.is_file():
                continue
            with reading.opened(str(path)) as opened:
                if tree in reading.tree_names(opened):
                    events = opened[tree]
                    return [name for name in events.keys(recursive=False) if reading.has(events, name)]
        except (UserError, OSError, ValueError):
            continue
    return ()
