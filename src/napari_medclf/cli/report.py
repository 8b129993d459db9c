"""Tell a person on stderr how a job goes: a bar with the time left on a terminal, lines elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from napari_medclf.domain.events import CaseDone, CaseFailed, EpochDone, JobEvent, Noted, Previewed, Progress, Warned
from napari_medclf.jobs.json_text import printable

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

_SECONDS_BETWEEN_LINES = 10.0


class Reporter:
    """Gets the events of a job and writes them to stderr; used as a context manager."""

    def __init__(self, *, is_quiet: bool = False, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._is_quiet = is_quiet
        self._bar = None if is_quiet or not self._stream.isatty() else _open_bar()
        self._task: TaskID | None = None
        self._last_note = ""
        self._started_s = self._last_line_s = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, event: JobEvent) -> None:
        """Tell one event."""
        if isinstance(event, Progress):
            self._on_progress(event)
        elif not (isinstance(event, Noted) and event.message == self._last_note):
            self.say(describe(event), is_important=isinstance(event, Warned | CaseFailed))
            self._last_note = event.message if isinstance(event, Noted) else self._last_note

    def say(self, line: str, *, is_important: bool = False) -> None:
        """Write one line; quiet reporters write only the important ones."""
        if self._is_quiet and not is_important:
            return
        line = printable(line)
        if self._bar is not None:
            self._bar.console.print(line, markup=False, highlight=False)
        else:
            self._stream.write(line + "\n")
            self._stream.flush()

    def _on_progress(self, event: Progress) -> None:
        if self._bar is not None:
            if self._task is None:
                self._task = self._bar.add_task(event.message, total=None)
            self._bar.update(
                self._task, completed=event.done, total=event.total or None, description=_one_line(event.message)
            )
            return
        now_s = time.monotonic()
        if now_s - self._last_line_s >= _SECONDS_BETWEEN_LINES:
            self._last_line_s = now_s
            self.say(describe_progress(event, now_s - self._started_s))


def describe(event: JobEvent) -> str:
    """Say an event in one line."""
    if isinstance(event, Warned):
        return f"warning: {event.message}"
    if isinstance(event, CaseFailed):
        return ": ".join(part for part in ("failed", event.case_id, event.reason) if part)
    if isinstance(event, CaseDone):
        return f"done: {event.case_id}"
    if isinstance(event, EpochDone):
        numbers = "  ".join(f"{name} {value:.4g}" for name, value in event.values.items())
        return f"epoch {event.epoch}/{event.n_epochs}  {numbers}{'  best' if event.is_best else ''}"
    if isinstance(event, Noted):
        return event.message
    if isinstance(event, Previewed):
        return f"slice {event.index} of axis {event.axis} is there"
    return describe_progress(event, 0.0)


def describe_progress(event: Progress, elapsed_s: float) -> str:
    """Say how far a job is and, when it can be told, how long it still takes."""
    if event.total <= 0:
        return event.message
    share = min(event.done / event.total, 1.0)
    left = f", {format_seconds(elapsed_s / share - elapsed_s)} left" if share > 0 and elapsed_s > 0 else ""
    return f"{share:4.0%} {_one_line(event.message)}{left}"


def format_seconds(seconds: float) -> str:
    """Write a duration as people say it.

    >>> format_seconds(75)
    '1 min 15 s'
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _one_line(text: str) -> str:
    return " ".join(text.split())[:70]


def _open_bar() -> Bar:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    bar.start()
    return bar
