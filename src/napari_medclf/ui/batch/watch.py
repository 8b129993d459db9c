"""Follows a run's folder while somebody looks at it, whoever writes there."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from qtpy.QtCore import QObject, QTimer, Signal

from napari_medclf.ui.batch.reading import RunReader, RunSeen
from napari_medclf.ui.lane import Lane

_EVERY_MS, _RESTING_MS, _SOON_MS = 1000, 3000, 100
_REST = 10
"""A reading that takes long is followed by a pause so many times as long."""
_PACE_OF_S = 300.0
_LEAST_S = 4.0


class Pace:
    """How fast cases end, from what was seen lately.

    >>> pace = Pace()
    >>> for second in range(11):
    ...     pace.see(3 * second, float(second))
    >>> pace.left_s(60)
    20.0
    """

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def see(self, n_ended: int, now_s: float) -> None:
        """Note how many cases have ended."""
        if self._seen and n_ended < self._seen[-1][1]:
            self._seen.clear()
        self._seen.append((now_s, n_ended))
        while now_s - self._seen[0][0] > _PACE_OF_S:
            self._seen.popleft()

    def left_s(self, n_left: int) -> float | None:
        """Guess how long the rest takes; None while that is too early to say."""
        if len(self._seen) < 2:
            return None
        (began_s, n_before), (now_s, n_now) = self._seen[0], self._seen[-1]
        if now_s - began_s < _LEAST_S or n_now <= n_before:
            return None
        return n_left * (now_s - began_s) / (n_now - n_before)


class RunWatch(QObject):
    """Reads one folder about once a second while it is followed, on a lane of its own.

    Signals
    -------
    seen : RunSeen
        Something is new.
    failed : str
        Why the folder cannot be read; one that could be read before is tried again.
    """

    seen = Signal(object)
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.lane = Lane(self)
        self.pace = Pace()
        self._reader: RunReader | None = None
        self._began_s = 0.0
        self._is_shown, self._is_led, self._waits, self._is_due = True, False, False, False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._read)

    @property
    def folder(self) -> Path | None:
        """What is followed."""
        return None if self._reader is None else self._reader.folder

    @property
    def is_own(self) -> bool:
        """Whether this window runs what is followed."""
        return self._waits

    def follow(self, folder: Path, project_of: Callable[[str], Path]) -> None:
        """Read a run from now on, in place of the one before."""
        self._reader, self.pace, self._waits = RunReader(folder, project_of), Pace(), False
        self._read()

    def wait_for(self, folder: Path, project_of: Callable[[str], Path]) -> None:
        """Follow a run that this window begins; until it has, nothing that is missing counts as a failure."""
        self._reader, self.pace, self._waits = RunReader(folder, project_of), Pace(), True
        self._timer.start(_EVERY_MS)

    def end_waiting(self) -> None:
        """Read at once: the run that was begun here is over."""
        self._waits = False
        self._timer.stop()
        self._read()

    def show_to_person(self, is_shown: bool) -> None:
        """Rest while nobody looks."""
        self._is_shown = is_shown
        if is_shown and self._reader is not None and not self._timer.isActive():
            self._read()

    def close_down(self) -> None:
        """Read no more, and wait for what is being read."""
        self._timer.stop()
        self._reader = None
        self.lane.finish_all()

    def _read(self) -> None:
        reader = self._reader
        if reader is None:
            return
        self._is_due = self.lane.is_busy
        if self._is_due:
            self._timer.start(_SOON_MS)
            return
        self._began_s = time.monotonic()
        self.lane.add(
            "", reader.read, lambda seen: self._take(reader, seen), lambda message: self._fail(reader, message)
        )

    def _take(self, reader: RunReader, seen: RunSeen | None) -> None:
        if reader is not self._reader:
            self._read()
            return
        now_s = time.monotonic()
        if seen is not None:
            self.pace.see(len(seen.rows) - seen.n_left, now_s)
            self.seen.emit(seen)
        self._is_led = self._is_led if seen is None else seen.is_led
        self._read_later(_EVERY_MS if self._is_led else _RESTING_MS, now_s - self._began_s)

    def _read_later(self, wait_ms: int, taken_s: float = 0.0) -> None:
        if self._is_due:  # somebody asked while it was read: what was read may be old
            self._timer.start(_SOON_MS)
        elif self._is_shown:
            self._timer.start(max(wait_ms, round(1000 * _REST * taken_s)))

    def _fail(self, reader: RunReader, message: str) -> None:
        if reader is not self._reader:
            self._read()
        elif self._waits:
            self._read_later(_EVERY_MS)
        else:
            self.failed.emit(message)
            if reader.has_read:  # a network share comes back
                self._read_later(_RESTING_MS)
