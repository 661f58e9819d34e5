"""What the child runs: one task in, one outcome out: ``python -m tmva_bench.methods.worker FOLDER PARENT``.

The folder holds ``task.json`` and ``cpus.json``; the worker leaves ``outcome.json``, ``scores.root`` and the method's
own files there. Every child of the package lives as it does, see :func:`answer`: it says how its task ended, whatever
went wrong, and where it cannot, its parent does. It ends when the process numbered ``PARENT``, which started it, ends.
"""

import ctypes
import importlib
import json
import math
import os
import re
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any, Callable, Dict, Tuple, Union

import numpy

from tmva_bench.basis.config import Point
from tmva_bench.basis.training import epochs_time
from tmva_bench.errors import TrainingFailed, Unavailable, UserError
from tmva_bench.methods import Outcome, Task, read_input

OUTCOME_FILE = "outcome.json"


def carry_out(folder: Path) -> Dict[str, Any]:
    """Runs the task in ``folder`` and leaves ``scores.root`` there.

    Returns:
        The measured values.

    Raises:
        Unavailable: the method cannot run here.
        TrainingFailed: it ran and gave no result.
        UserError: the input cannot be used.
    """
    from tmva_bench.engines.stopwatch import Stopwatch
    from tmva_bench.methods import registry

    task = read_task(folder)
    watch = Stopwatch()
    before = _state(task.input_file)
    outcome = registry.METHODS[task.method].run(task, watch)
    if _state(task.input_file) != before:
        read_input(task.input_file, task.input_digest)  # TMVA may have read another one
    times = {name: value for name, value in watch.seconds.items() if name.split("_time_")[1] in _PHASES}
    return {**measured(outcome, folder), **times}


def measured(outcome: Outcome, folder: Path) -> Dict[str, Any]:
    """What a run gave, but for the clock's times; leaves ``scores.root`` in its folder.

    Raises:
        TrainingFailed: it is no result, see :func:`check`.
    """
    check(outcome)
    _write_scores(folder / "scores.root", outcome.scores)
    first = outcome.history[0].real_time if outcome.history else math.nan
    return {
        "device": outcome.device,
        "roc_integral": outcome.roc_integral,
        "real_time_fit": outcome.real_time_fit,
        "real_time_epochs": epochs_time(outcome.history),
        "real_time_first_epoch": first,
        "epochs": len(outcome.history),
        "best_epoch": outcome.best_epoch,
        "validation_loss": outcome.validation_loss,
        "untrained_loss": outcome.untrained_loss,
        "initial_weights_spread": outcome.initial_weights_spread,
        "parameters": outcome.parameters,
        "compilation": outcome.compilation,
        **outcome.membership,
        "versions": outcome.versions,
        "history": [list(epoch) for epoch in outcome.history],
    }


def _state(path: str) -> Tuple[int, ...]:
    """What changes where a file is replaced or written."""
    try:
        status = Path(path).stat()
    except OSError:
        return ()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


_PHASES = ("prepare", "compile", "train", "feed", "test")


def read_task(folder: Path) -> Task:
    """The task that the parent wrote."""
    return task_of(json.loads((folder / "task.json").read_text()))


def task_of(values: Dict[str, Any]) -> Task:
    """The task in what a file says of it."""
    return Task(**{**values, "point": Point(**values["point"])})


def check(outcome: Outcome) -> None:
    """Refuses scores that are no classification.

    Raises:
        TrainingFailed: scores are not finite, or the same for every test event, or a time is negative.
    """
    for tree, scores in outcome.scores.items():
        bad = int((~numpy.isfinite(scores)).sum())
        if bad:
            raise TrainingFailed(f"{bad} scores of {tree} are not finite; try a smaller learning_rate")
    for seconds in (outcome.real_time_fit, *(epoch.real_time for epoch in outcome.history)):
        if seconds < 0:
            raise TrainingFailed(f"a time of {seconds:g} s: the clock was set back during the run; run it again")
    test = numpy.concatenate([outcome.scores["TestS"], outcome.scores["TestB"]])
    if test.min() == test.max():
        raise TrainingFailed(f"every test event has the score {test[0]:g}: nothing was learnt")


def peak_memory(process: Union[int, str] = "self") -> float:
    """The largest resident memory of a process so far [MiB]; 0 for one that has ended.

    ``ru_maxrss`` is no substitute: it counts the memory that the parent had when it started the process.

    Args:
        process: its number; by default this one.
    """
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    match = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    return int(match.group(1)) / 1024 if match else 0.0


def end_with(parent: int) -> None:
    """Has the system end this process when its parent ends, however that happens: an orphan would go on for hours.

    Args:
        parent: the number of the process that started it.
    """
    set_death_signal = 1  # PR_SET_PDEATHSIG of <sys/prctl.h>
    ctypes.CDLL(None).prctl(set_death_signal, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the parent has ended")


def attempt(work: Callable[[Path], Dict[str, Any]], folder: Path) -> Dict[str, Any]:
    """Does what a child is there for, ROOT loaded first, and says how that ended, whatever went wrong.

    Args:
        work: what to do in a folder; gives what there is to tell.
        folder: the child's folder.

    Returns:
        ``status``, ``reason``, and where it was done what ``work`` gave.
    """
    try:
        # ROOT first: it does not bear TensorFlow loaded before it (root-project/root issue 15970).
        try:
            import ROOT
        except ImportError as error:
            raise Unavailable(f"no ROOT here ({error})", "make env, or install root from conda-forge") from None
        ROOT.gROOT.GetVersion()
        ROOT.gROOT.SetBatch(True)
        # Loaded where they are needed; here before any clock starts.
        for library in ("scipy.special", "uproot"):
            importlib.import_module(library)
        # A debugger's stack trace takes minutes, and the signal is told anyway.
        ROOT.gEnv.SetValue("Root.Stacktrace", 0)
        return {"status": "ok", "reason": "", **work(folder)}
    except Unavailable as error:
        return {"status": "unavailable", "reason": str(error)}
    except (TrainingFailed, UserError) as error:
        return {"status": "failed", "reason": str(error)}
    except MemoryError as error:
        traceback.print_exc()
        return {"status": "out_of_memory", "reason": _one_line(error)}
    except Exception as error:  # whatever a library throws costs this child only
        traceback.print_exc()
        return {"status": "failed", "reason": _one_line(error)}


def answer(work: Callable[[Path], Dict[str, Any]]) -> None:
    """The life of a child of :func:`tmva_bench.running.child.run_child`: leaves ``outcome.json`` and ends the process.

    Args:
        work: see :func:`attempt`.
    """
    folder = Path(sys.argv[1])
    end_with(int(sys.argv[2]))
    del sys.argv[1:]  # ROOT before 6.22 would take them for its own
    # Affinity is the one thing that confines JAX; set before a library counts its threads.
    cpus = json.loads((folder / "cpus.json").read_text())
    if cpus:
        os.sched_setaffinity(0, cpus)
    outcome = attempt(work, folder)
    # The whole process, imports too; libraries unloading afterwards are not part of the run.
    outcome["cpu_time_total"] = time.process_time()
    outcome["peak_memory"] = peak_memory()
    sys.stdout.flush()
    sys.stderr.flush()
    ctypes.CDLL(None).fflush(None)
    beside = folder / f"{OUTCOME_FILE}.partial"
    beside.write_text(json.dumps(outcome))
    beside.rename(folder / OUTCOME_FILE)
    # ROOT and TensorFlow can crash while they unload each other; everything is written by now.
    os._exit(0)


def main() -> None:
    """Runs the task in the folder named on the command line."""
    answer(carry_out)


def _write_scores(path: Path, scores: Dict[str, numpy.ndarray]) -> None:
    import uproot

    with uproot.recreate(str(path)) as file:
        for tree, values in scores.items():
            file.mktree(tree, {"score": "float64"}).extend({"score": values})


def _one_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[-1] if lines else 'no text'}"[:500]


if __name__ == "__main__":
    main()
