"""The strip at the foot of the dock: what runs, how far it is, how long it will take, and Cancel."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from napari_medclf.domain.events import EpochDone, FinishReason, JobEvent, Outcome, Progress, Warned
from napari_medclf.ui import notify
from napari_medclf.ui.elided import ElidedLabel
from napari_medclf.ui.worker import JobFactory, JobWorker

_STEPS = 1000


class JobBar(QWidget):
    """Runs one job at a time for all panels.

    Signals
    -------
    running_changed : bool
        When a job starts and after it ended.
    """

    running_changed = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._worker: JobWorker | None = None
        self._title = ""
        self._tells_warnings = True
        self._asks_for: type[BaseException] | None = None
        self._resting_text = "Ready"
        self._started = 0.0
        self._on_event: Callable[[JobEvent], None] = lambda event: None
        self._on_result: Callable[[Any], None] = lambda result: None
        self._on_end: Callable[[Outcome[Any]], None] = lambda outcome: None
        self._build()

    def start(
        self,
        title: str,
        factory: JobFactory,
        on_result: Callable[[Any], None],
        *,
        on_event: Callable[[JobEvent], None] = lambda event: None,
        on_end: Callable[[Outcome[Any]], None] = lambda outcome: None,
        tells_warnings: bool = True,
        asks_for: type[BaseException] | None = None,
    ) -> bool:
        """Run a job in the background; False, with a notification, while another one runs.

        Parameters
        ----------
        title : str
            What the person reads, such as "Running retina-vessels".
        factory : callable
            Makes the job, on the worker's thread.
        on_result : callable
            Gets the result, on the GUI thread, when the job completed.
        on_event : callable
            Gets every event, on the GUI thread.
        on_end : callable
            Gets the outcome, however the job ended, after `on_result`.
        tells_warnings : bool
            Notify of warnings; False where the panel itself shows them.
        asks_for : type of exception or None
            A failure that `on_end` asks the person about, so that it is not told as an error.
        """
        if self._worker is not None:
            notify.warn(f"{self._title} is still going on. Wait for it, or press Esc to cancel it.")
            return False
        self._title, self._on_event, self._on_result, self._on_end = title, on_event, on_result, on_end
        self._tells_warnings, self._asks_for = tells_warnings, asks_for
        self._started = time.monotonic()
        worker = JobWorker(factory, self)
        worker.reported.connect(self._show_event)
        worker.ended.connect(self._finish)
        self._worker = worker
        self._show_running(title)
        worker.start()
        self.running_changed.emit(True)
        return True

    @property
    def is_running(self) -> bool:
        """Whether a job is under way."""
        return self._worker is not None

    @property
    def text(self) -> str:
        """What the bar says."""
        return self._message.full_text()

    def cancel(self) -> None:
        """Stop the job at its next safe place."""
        if self._worker is not None:
            self._worker.cancel()
            self._cancel.setEnabled(False)
            self._message.setText(f"{self._title}: stopping …")

    def show_note(self, text: str) -> None:
        """Say what small thing goes on, while no job runs; empty takes it away."""
        if self._worker is None:
            self._message.setText(f"{text} …" if text else self._resting_text)

    def close_down(self, timeout_s: float = 3.0) -> None:
        """Cancel and wait, for when the window closes."""
        if self._worker is not None:
            self._on_event, self._on_result, self._on_end = _ignore, _ignore, _ignore
            self._worker.cancel()
            self._worker.wait(timeout_s)

    def _build(self) -> None:
        self._message = ElidedLabel("Ready", self, Qt.TextElideMode.ElideMiddle)  # what it says ends with how it went
        self._eta = QLabel("", self)
        self._bar = QProgressBar(self)
        self._bar.setTextVisible(False)
        self._bar.setFixedHeight(8)
        self._bar.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._cancel = QPushButton("Cancel", self)
        self._cancel.setToolTip("Stop what is running (Esc)")
        self._cancel.clicked.connect(self.cancel)
        self._cancel.setEnabled(False)
        text = QHBoxLayout()
        text.addWidget(self._message, 1)
        text.addWidget(self._eta, 0, Qt.AlignmentFlag.AlignRight)
        left = QVBoxLayout()
        left.setSpacing(3)
        left.addLayout(text)
        left.addWidget(self._bar)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 4, 8, 6)
        row.addLayout(left, 1)
        row.addWidget(self._cancel)

    def _show_running(self, title: str) -> None:
        self._message.setText(f"{title} …")
        self._eta.setText("")
        self._bar.setRange(0, 0)
        self._cancel.setEnabled(True)

    def _show_event(self, event: JobEvent) -> None:
        if isinstance(event, Progress):
            self._show_progress(event)
        elif isinstance(event, EpochDone):
            self._show_progress(Progress(event.epoch, event.n_epochs, f"epoch {event.epoch} of {event.n_epochs}"))
        elif isinstance(event, Warned) and self._tells_warnings:
            notify.warn(event.message)
        self._on_event(event)

    def _show_progress(self, progress: Progress) -> None:
        said = f"{progress.message[:1].lower()}{progress.message[1:]}"
        message = f"{self._title}: {said}" if said else f"{self._title} …"
        if self._cancel.isEnabled():
            self._message.setText(message)
        if progress.total <= 0:
            self._bar.setRange(0, 0)
            self._eta.setText("")
            return
        share = min(max(progress.done / progress.total, 0.0), 1.0)
        self._bar.setRange(0, _STEPS)
        self._bar.setValue(round(_STEPS * share))
        elapsed_s = time.monotonic() - self._started
        self._eta.setText(f"{100 * share:.0f} %{remaining_text(elapsed_s, share)}")

    def _finish(self, outcome: Outcome[Any]) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.deleteLater()
        self._bar.setRange(0, _STEPS)
        self._bar.setValue(_STEPS if outcome.reason is FinishReason.COMPLETED else 0)
        self._eta.setText("")
        self._cancel.setEnabled(False)
        is_question = self._asks_for is not None and isinstance(outcome.error, self._asks_for)
        self._resting_text = f"{self._title}: waits for your word" if is_question else _ending(self._title, outcome)
        self._message.setText(self._resting_text)
        if outcome.reason is FinishReason.FAILED and not is_question:
            notify.complain(outcome.message)
        on_result, on_end = self._on_result, self._on_end
        self.running_changed.emit(False)
        if outcome.reason is FinishReason.COMPLETED:
            on_result(outcome.result)
        on_end(outcome)


def _ignore(heard: Any) -> None:
    """Hear what nobody waits for any more."""


def remaining_text(elapsed_s: float, share: float) -> str:
    """Guess the remaining time from the share that is done; empty while it is too early to say.

    >>> remaining_text(30.0, 0.25)
    ', 2 min left'
    """
    if elapsed_s < 1.0 or share < 0.01 or share >= 1.0:
        return ""
    left_s = elapsed_s * (1 - share) / share
    if left_s < 90:
        return f", {max(1, round(left_s))} s left"
    if left_s < 5400:
        return f", {round(left_s / 60)} min left"
    return f", {left_s / 3600:.1f} h left"


def _ending(title: str, outcome: Outcome[Any]) -> str:
    if outcome.reason is FinishReason.COMPLETED:
        failed = f", {len(outcome.failures)} failed" if outcome.failures else ""
        return f"{title}: done in {seconds_text(outcome.elapsed_s)}{failed}"
    if outcome.reason is FinishReason.CANCELED:
        return f"{title}: canceled"
    return outcome.message


def seconds_text(elapsed_s: float) -> str:
    """Write a duration as people say it.

    >>> seconds_text(0.034), seconds_text(12.3), seconds_text(600)
    ('34 ms', '12.3 s', '10.0 min')
    """
    if elapsed_s < 1:
        return f"{1000 * elapsed_s:.0f} ms"
    return f"{elapsed_s:.1f} s" if elapsed_s < 90 else f"{elapsed_s / 60:.1f} min"
