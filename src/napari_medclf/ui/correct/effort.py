"""How long a person worked on an image."""

from __future__ import annotations

import time
from collections.abc import Callable

_LONGEST_GAP_S = 30.0


class Effort:
    """Counts seconds between a person's acts on one image; a longer gap than 30 s was a break, and does not count.

    Parameters
    ----------
    clock : callable
        Seconds that never go back.

    >>> times = iter([0.0, 5.0, 100.0, 103.0])
    >>> effort = Effort(lambda: next(times))
    >>> effort.act(), effort.act(), effort.act()
    (None, None, None)
    >>> effort.active_s
    8.0
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.begin()

    def begin(self) -> None:
        """Count anew, for the next image."""
        self.active_s = 0.0
        self._last = self._clock()

    def act(self) -> None:
        """A person did something."""
        now = self._clock()
        if now - self._last <= _LONGEST_GAP_S:
            self.active_s += now - self._last
        self._last = now
