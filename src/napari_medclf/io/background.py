"""Begin a call on a thread that nobody has to wait for, not even the end of the program."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

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
