"""What the child runs: one task in, one outcome out: ``python -m tmva_bench.worker FOLDER PARENT``.

The folder holds ``task.json`` and ``cpus.json``; the worker leaves ``outcome.json``, ``scores.root`` and the method's
own files there. It says how the run ended, whatever went wrong; where it cannot, its parent does. It ends when the
process numbered ``PARENT``, which started it, ends.
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
from typing import Any, Callable, Dict, Union

import numpy

from tmva_bench.config import Point
from tmva_bench.errors import TrainingFailed, Unavailable, UserError
from tmva_bench.methods import Outcome, Task

MODULES = {"tmva-dnn": "tmva_dnn", "pykeras": "pykeras", "keras": "keras_direct", "dae": "dae"}


def run(folder: Path) -> Dict[str, Any]:
    """Runs the task in ``folder`` and leaves ``scores.root`` there.

    Returns:
        What goes into ``outcome.json``: ``status``, ``reason``, and for a finished run the measured values.
    """
    task = read_task(folder)
    try:
        # ROOT first: it does not bear TensorFlow loaded before it (root-project/root issue 15970).
        try:
            import ROOT
        except ImportError as error:
            raise Unavailable(f"no ROOT here ({error})", "make env, or install root from conda-forge") from None
        ROOT.gROOT.GetVersion()
        ROOT.gROOT.SetBatch(True)
        from tmva_bench.stopwatch import Stopwatch

        watch = Stopwatch()
        outcome: Outcome = importlib.import_module(f"tmva_bench.methods.{MODULES[task.method]}").run(task, watch)
        check(outcome)
        _write_scores(folder / "scores.root", outcome.scores)
    except Unavailable as error:
        return {"status": "unavailable", "reason": str(error)}
    except (TrainingFailed, UserError) as error:
        return {"status": "failed", "reason": str(error)}
    except MemoryError as error:
        traceback.print_exc()
        return {"status": "out_of_memory", "reason": _one_line(error)}
    except Exception as error:  # whatever a library throws costs this run only
        traceback.print_exc()
        return {"status": "failed", "reason": _one_line(error)}
    first = outcome.history[0].real_time if outcome.history else math.nan
    return {
        "status": "ok",
        "reason": "",
        "device": outcome.device,
        "roc_integral": outcome.roc_integral,
        "real_time_fit": outcome.real_time_fit,
        "real_time_first_epoch": first,
        "epochs": len(outcome.history),
        "best_epoch": outcome.best_epoch,
        "validation_loss": outcome.validation_loss,
        "untrained_loss": outcome.untrained_loss,
        "initial_weights_spread": outcome.initial_weights_spread,
        "parameters": outcome.parameters,
        **outcome.membership,
        "versions": outcome.versions,
        "history": [list(epoch) for epoch in outcome.history],
        **{name: value for name, value in watch.seconds.items() if name.split("_time_")[1] in _PHASES},
    }


_PHASES = ("prepare", "train", "test")


def read_task(folder: Path) -> Task:
    """The task that the parent wrote."""
    values = json.loads((folder / "task.json").read_text())
    values["point"] = Point(**values["point"])
    return Task(**values)


def check(outcome: Outcome) -> None:
    """Refuses scores that are no classification.

    Raises:
        TrainingFailed: scores are not finite, or the same for every test event.
    """
    for tree, scores in outcome.scores.items():
        bad = int((~numpy.isfinite(scores)).sum())
        if bad:
            raise TrainingFailed(f"{bad} scores of {tree} are not finite; try a smaller learning_rate")
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
    found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    return int(found.group(1)) / 1024 if found else 0.0


def end_with(parent: int) -> None:
    """Has the system end this process when its parent ends, however that happens: an orphan would go on for hours.

    Args:
        parent: the number of the process that started it.
    """
    set_death_signal = 1  # PR_SET_PDEATHSIG of <sys/prctl.h>
    ctypes.CDLL(None).prctl(set_death_signal, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the parent has ended")


def answer(work: Callable[[], None]) -> None:
    """Does what a child is there for, ROOT loaded first, and ends the process.

    Where it cannot be done, the exit code is 1 and the last line of the output says why.

    Args:
        work: what to do.
    """
    try:
        import ROOT

        ROOT.gROOT.GetVersion()
        work()
    except ImportError as error:
        sys.exit(f"no ROOT here ({error}); make env")
    except (Unavailable, UserError, TrainingFailed) as error:
        sys.exit(str(error))
    except Exception as error:  # whatever a library throws, the log of the child is not the user's
        sys.exit(f"{type(error).__name__}: {' '.join(str(error).split())[:300]}")
    sys.stdout.flush()
    os._exit(0)


def main() -> None:
    """Runs the task in the folder named on the command line."""
    folder = Path(sys.argv[1])
    end_with(int(sys.argv[2]))
    # Affinity is the one thing that confines JAX; set before a library counts its threads.
    cpus = json.loads((folder / "cpus.json").read_text())
    if cpus:
        os.sched_setaffinity(0, cpus)
    outcome = run(folder)
    # The whole process, imports too; libraries unloading afterwards are not part of the run.
    outcome["cpu_time_total"] = time.process_time()
    outcome["peak_memory"] = peak_memory()
    sys.stdout.flush()
    sys.stderr.flush()
    ctypes.CDLL(None).fflush(None)
    beside = folder / "outcome.json.partial"
    beside.write_text(json.dumps(outcome))
    beside.rename(folder / "outcome.json")
    # ROOT and TensorFlow can crash while they unload each other; everything is written by now.
    os._exit(0)


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
