"""How the benchmarks measure: rounds in which all ways take turns, and children by what the system says of them."""

import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from tmva_bench.compare.performance import Measurement


class Cost(NamedTuple):
    """What a child took.

    Attributes:
        cpu: CPU time, with that of its own children [s].
        real: real time [s].
        memory: resident memory at most, of the largest of its processes [MiB].
    """

    cpu: float
    real: float
    memory: float


# The system counts a child's memory from that of the process which starts it: a small one.
_SMALL = """
import json, os, subprocess, sys, time
start = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, used = os.wait4(process.pid, 0)
code, cpu = os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime
print(json.dumps([code, cpu, time.perf_counter() - start, used.ru_maxrss / 1024]))
"""


def child(*command: str | Path, cwd: Path | None = None) -> Cost:
    """Runs a command to its end.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    done = subprocess.run([sys.executable, "-c", _SMALL, *command], cwd=cwd, capture_output=True, text=True, check=True)
    code, *cost = json.loads(done.stdout)
    if code:
        raise subprocess.CalledProcessError(code, command, stderr=done.stderr)
    return Cost(*cost)


def tool(*arguments: str | Path, cwd: Path | None = None) -> Cost:
    """Runs a command of tmva-bench."""
    return child(sys.executable, "-m", "tmva_bench.cli", *arguments, cwd=cwd)


def cpu(call: Callable[[], Any]) -> float:
    """CPU time of a call [s]."""
    start = time.process_time()
    call()
    return time.process_time() - start


def real(call: Callable[[], Any]) -> float:
    """Real time of a call [s]."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def rounds(ways: dict[str, Callable[[], float]], number: int) -> dict[str, list[float]]:
    """What each way took, all in turn within a round."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(number):
        for name, way in ways.items():
            taken[name].append(way())
    return taken


def say(
    group: str, name: str, size: int, values: list[float], *, unit: str = "s CPU", target: float = float("nan")
) -> None:
    """Says a measurement, as a line for ``perf.py``."""
    one = Measurement(group, name, size, unit, statistics.median(values), min(values), max(values), target)
    sys.stdout.write(json.dumps(one) + "\n")
    sys.stdout.flush()


def say_ratios(
    group: str, taken: dict[str, list[float]], reference: str, size: int, targets: dict[str, float], unit: str = "s CPU"
) -> None:
    """Says what each way took, and over the reference, round by round."""
    for name, values in taken.items():
        say(group, name, size, values, unit=unit)
    for name, values in taken.items():
        if name != reference:
            ratios = [one / other for one, other in zip(values, taken[reference], strict=True)]
            target = targets.get(name, float("nan"))
            say(group, f"{name} / {reference}", size, ratios, unit="ratio", target=target)


def cpu_of_children() -> float:
    """CPU time of the children that have ended [s]."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
