"""Small jobs one after the other (open, save), beside the long one that the job bar shows."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from qtpy.QtCore import QObject, Signal

from napari_medclf.domain.events import FinishReason, Outcome, Warned
from napari_medclf.ui import notify
from napari_medclf.ui.worker import JobFactory, JobWorker


@dataclass(frozen=True)
class _Errand:
    title: str
    factory: JobFactory
    on_result: Callable[[Any], None]
    on_failure: Callable[[str], None]


class Lane(QObject):
    """Runs errands in the order they came, each on a worker, so that correcting goes on while training runs.

    Signals
    -------
    busy : str
        Title of the errand that began; empty when the last one ended. Silent errands are not told.
    """

    busy = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._waiting: deque[_Errand] = deque()
        self._current: _Errand | None = None
        self._worker: JobWorker | None = None

    def add(
        self,
        title: str,
        factory: JobFactory,
        on_result: Callable[[Any], None] = lambda result: None,
        on_failure: Callable[[str], None] = notify.complain,
    ) -> None:
        """Queue a small job.

        Parameters
        ----------
        title : str
            Shown while it runs; empty for silent ones, such as keeping a working copy.
        on_result, on_failure : callable
            Called on the GUI thread with the result, or with the sentence of the error.
        """
        self._waiting.append(_Errand(title, factory, on_result, on_failure))
        self._next()

    @property
    def is_busy(self) -> bool:
        """Whether something runs or waits."""
        return self._current is not None or bool(self._waiting)

    def finish_all(self, timeout_s: float = 5.0) -> None:
        """Wait for the running errand and start no other, for when the window closes."""
        self._waiting.clear()
        self._current = None  # nobody is there to hear its result
        if self._worker is not None:
            self._worker.wait(timeout_s)

    def _next(self) -> None:
        if self._current is not None or not self._waiting:
            return
        errand = self._current = self._waiting.popleft()
        if errand.title:
            self.busy.emit(errand.title)
        self._worker = JobWorker(errand.factory, self)
        self._worker.reported.connect(self._on_event)
        self._worker.ended.connect(self._on_ended)
        self._worker.start()

    def _on_event(self, event: object) -> None:
        if isinstance(event, Warned):
            notify.warn(event.message)

    def _on_ended(self, outcome: Outcome[Any]) -> None:
        errand, self._current = self._current, None
        if self._worker is not None:
            self._worker.deleteLater()
            self._worker = None
        if errand is not None:
            if errand.title and not any(waiting.title for waiting in self._waiting):
                self.busy.emit("")
            if outcome.reason is FinishReason.COMPLETED:
                errand.on_result(outcome.result)
            elif outcome.reason is FinishReason.FAILED:
                errand.on_failure(outcome.message)
        self._next()
