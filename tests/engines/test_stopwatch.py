"""Times by TStopwatch, whatever happens to the clock of the day."""

import sys
import types

import pytest
from fake_clock import FakeClock

from tmva_bench.engines import stopwatch


@pytest.mark.parametrize(
    ("told", "passed", "kept"),
    [(3.0, 3.02, 3.0), (-3600.0, 3.0, 3.0), (3603.0, 3.0, 3.0), (100.0, 100.9, 100.0), (0.0, 0.01, 0.0)],
    ids=["no change", "set back", "set forward", "within a percent", "too short to tell"],
)
def test_a_clock_set_meanwhile_changes_no_time(monkeypatch, told, passed, kept):
    class Watch:
        Start = Stop = lambda self: None

        def CpuTime(self):  # noqa: N802
            return 2.0

        def RealTime(self):  # noqa: N802
            return told

    monkeypatch.setitem(sys.modules, "ROOT", types.SimpleNamespace(TStopwatch=Watch))
    monkeypatch.setattr(stopwatch, "time", FakeClock(passed))
    watch = stopwatch.Stopwatch()
    with watch.phase("train"):
        pass
    assert watch.seconds == {"cpu_time_train": 2.0, "real_time_train": pytest.approx(kept)}


def test_a_phase_that_raises_has_no_time():
    pytest.importorskip("ROOT")
    watch = stopwatch.Stopwatch()
    with pytest.raises(KeyError), watch.phase("train"):
        raise KeyError
    assert watch.seconds == {}
