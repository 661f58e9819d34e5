"""TStopwatch around named phases of a run."""

import contextlib
import time
from typing import Any, Dict, Iterator


class Stopwatch:
    """CPU and real time of named phases, by ROOT's ``TStopwatch``.

    Attributes:
        seconds: ``{"cpu_time_<phase>": s, "real_time_<phase>": s}`` of the phases that ended.
    """

    def __init__(self) -> None:
        import ROOT

        self._watch_class: Any = ROOT.TStopwatch
        self.seconds: Dict[str, float] = {}

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Times the block it surrounds; a phase that raises is not recorded."""
        watch = self._watch_class()
        start = time.monotonic()
        watch.Start()
        yield
        watch.Stop()
        self.seconds[f"cpu_time_{name}"] = watch.CpuTime()
        self.seconds[f"real_time_{name}"] = _real_time(watch.RealTime(), time.monotonic() - start)


def _real_time(seconds: float, monotonic: float) -> float:
    """The real time of TStopwatch; where the clock of the day, which it reads, was set meanwhile, the monotonic one."""
    return seconds if abs(seconds - monotonic) <= 0.1 + 0.01 * monotonic else monotonic
