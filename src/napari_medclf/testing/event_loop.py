"""Finds out whether our code keeps the event loop from turning, by looking at the main thread's stack."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass, field
from types import FrameType
from typing import Self

_EVERY_S = 0.004
_OURS, _THEIRS = "napari_medclf", ("/napari/", "/vispy/", "/qtpy/", "/superqt/", "/_pytest/", "/pytestqt/")


@dataclass(frozen=True)
class Gap:
    """One time in which our code ran on the main thread without giving it back.

    Parameters
    ----------
    cpu_s : float
        Of the main thread: what else the computer does is not in it.
    wall_s : float
        By the clock.
    where : str
        The function of ours that was innermost most of the time.
    """

    cpu_s: float
    wall_s: float
    where: str


@dataclass
class _Running:
    cpu_s: float
    wall_s: float
    seen: dict[str, int] = field(default_factory=dict)


class Watchdog:
    """Looks at the main thread every few milliseconds while it is used as a context.

    A time belongs to us while the innermost frame of the packages in question is ours: what napari or Qt do when we
    call them (slicing, drawing) is theirs, and so is a test's own code. NumPy and the like belong to who called them.

    Notes
    -----
    The length of a gap is taken in CPU seconds of the main thread, so that a busy machine does not count, and waiting
    (a lock, a disk) is bounded by the wall time, which is allowed to be longer.
    """

    def __init__(self) -> None:
        self.gaps: list[Gap] = []
        self.n_samples = 0
        self._main = threading.main_thread().ident or 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()

    def longest(self) -> Gap:
        """The longest gap; zeros where there was none."""
        return max(self.gaps, key=lambda one: one.cpu_s, default=Gap(0.0, 0.0, ""))

    def _watch(self) -> None:
        clock = time.pthread_getcpuclockid(self._main)
        running: _Running | None = None
        while not self._stop.is_set():
            self.n_samples += 1
            where = _of_ours(sys._current_frames().get(self._main))  # noqa: SLF001 - the documented way to it
            cpu_s, wall_s = time.clock_gettime(clock), time.monotonic()
            if where and running is None:
                running = _Running(cpu_s, wall_s)
            if where and running is not None:
                running.seen[where] = running.seen.get(where, 0) + 1
            if not where and running is not None:
                self.gaps.append(_ended(running, cpu_s, wall_s))
                running = None
            time.sleep(_EVERY_S)


def _ended(running: _Running, cpu_s: float, wall_s: float) -> Gap:
    return Gap(cpu_s - running.cpu_s, wall_s - running.wall_s, max(running.seen, key=lambda one: running.seen[one]))


def _of_ours(frame: FrameType | None) -> str:
    """Name the function of ours that runs; empty where it is somebody else's turn."""
    while frame is not None:
        path = frame.f_code.co_filename
        if any(part in path for part in _THEIRS) or "/tests/" in path:
            return ""
        if f"/{_OURS}/" in path:
            return f"{path.rpartition(_OURS)[2]}:{frame.f_code.co_name}"
        frame = frame.f_back
    return ""
