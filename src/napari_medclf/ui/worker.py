"""Runs a job on its own thread and tells the window about it, without ever blocking it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QObject, QTimer, Signal

from napari_medclf.domain.events import FinishReason, Job, JobEvent, Outcome, Progress
from napari_medclf.jobs.drive import drive

JobFactory = Callable[[], Job[Any]]
_DRAIN_EVERY_MS = 30


class JobWorker(QObject):
    """One run of one job; make a new one for every run.

    Signals
    -------
    reported : JobEvent
        On the GUI thread, in order; of several progress reports within 30 ms only the last.
    ended : Outcome
        On the GUI thread, exactly once, after the last event and after the thread is done.

    Notes
    -----
    The thread is Python's and touches no Qt object: what it says waits in a queue that the GUI
    thread empties. So a flood of progress cannot choke the event loop, and a window that closes
    under a running job takes no living QThread with it (Qt aborts the process for that).
    napari's ``thread_worker`` (0.9.2) is no way out: it swallows every RuntimeError of a generator.
    """

    reported = Signal(object)
    ended = Signal(object)

    def __init__(self, factory: JobFactory, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._work = _Work(factory)
        self._timer = QTimer(self)
        self._timer.setInterval(_DRAIN_EVERY_MS)
        self._timer.timeout.connect(self._poll)
        stop = self._work.stop
        self.destroyed.connect(lambda: stop.set())

    def start(self) -> None:
        """Begin; the job is made and run on the worker's thread, imports included."""
        self._work.start()
        self._timer.start()

    def cancel(self) -> None:
        """Ask the job to stop at its next safe place; `ended` says when it did."""
        self._work.stop.set()

    @property
    def is_running(self) -> bool:
        """Whether the thread still works."""
        return self._work.is_alive()

    def wait(self, timeout_s: float) -> bool:
        """Block until the thread is done, for closing windows; False when it still runs."""
        self._work.join(timeout_s)
        return not self.is_running

    def _poll(self) -> None:
        is_over = not self.is_running
        self._drain()
        if is_over and self._timer.isActive():
            self._timer.stop()
            self.ended.emit(self._work.outcome)

    def _drain(self) -> None:
        latest: Progress | None = None
        while self._work.events:
            event = self._work.events.popleft()
            if isinstance(event, Progress):
                latest = event
            else:
                self.reported.emit(event)
        if latest is not None:
            self.reported.emit(latest)


class _Work(threading.Thread):
    def __init__(self, factory: JobFactory) -> None:
        super().__init__(name="medclf-job", daemon=True)
        self._factory = factory
        self.stop = threading.Event()
        self.events: deque[JobEvent] = deque()
        self.outcome: Outcome[Any] = Outcome(FinishReason.FAILED, message="The worker stopped without a result.")

    def run(self) -> None:
        self.outcome = drive(_from_factory(self._factory), self.events.append, self.stop.is_set)


def _from_factory(factory: JobFactory) -> Job[Any]:
    """Call the factory inside the job, so that what it raises becomes an outcome too."""
    result = yield from factory()
    return result
