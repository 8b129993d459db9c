"""Do something that cannot be stopped, such as reading a file, in such a way that the job around it can."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from napari_medclf.domain.events import Job, Progress
from napari_medclf.engine.background import wait_for

Result = TypeVar("Result")


def begin(work: Callable[[], Result]) -> Future[Result]:
    """Begin a call on a thread of its own; nobody has to wait for its end, not even the program's.

    Parameters
    ----------
    work : callable
        Without side effects that must be whole: the program may end in the middle of it.
    """
    future: Future[Result] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001  (raised again where the result is asked for)
            future.set_exception(error)

    # `engine.background.Worker` holds the program up at its end, for torch must not be cut off; a file that does not
    # answer must not do that.
    threading.Thread(target=run, daemon=True, name="medclf-background").start()
    return future


def awaited(work: Callable[[], Result], progress: Progress) -> Job[Result]:
    """Do something on another thread, and tell the same progress until it ends; a stop does not wait for it."""
    return (yield from wait_for(begin(work), progress))
