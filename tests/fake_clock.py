"""A clock that a test sets, in place of the module ``time``: nobody waits for it."""

from collections.abc import Callable


class FakeClock:
    """Goes on by a step at each look.

    Args:
        step: seconds from one look to the next.
        starts: whether the time has begun; before, the clock stands.
    """

    def __init__(self, step: float, starts: Callable[[], bool] = lambda: True) -> None:
        self._now, self._step, self._starts = 0.0, step, starts

    def monotonic(self) -> float:
        """The seconds that passed."""
        self._now += self._step * self._starts()
        return self._now
