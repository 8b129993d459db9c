"""Do something that cannot be stopped, such as reading a file, in such a way that the job around it can."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from napari_medclf.domain.events import Job, Progress

Result = TypeVar("Result")
_WAIT_S = 0.2


class Background(Generic[Result]):
    """A call on a thread of its own; nobody has to wait for its end, not even the program's.

    Parameters
    ----------
    work : callable
        Without side effects that must be whole: the program may end in the middle of it.
    """

    def __init__(self, work: Callable[[], Result]) -> None:
        self._work = work
        self._ended = threading.Event()
        self._result: Result | None = None
        self._error: BaseException | None = None
        threading.Thread(target=self._run, daemon=True, name="medclf-background").start()

    def result(self) -> Result:
        """Wait for the end; gives what the call gave, or raises what it raised."""
        self._ended.wait()
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]  # without an error it is there

    def wait(self, timeout_s: float) -> bool:
        """Wait for the end for a while; tells whether it came."""
        return self._ended.wait(timeout_s)

    def _run(self) -> None:
        try:
            self._result = self._work()
        except BaseException as error:  # noqa: BLE001  (raised again where the result is asked for)
            self._error = error
        finally:
            self._ended.set()


def awaited(work: Callable[[], Result], progress: Progress) -> Job[Result]:
    """Do something on another thread, and tell the same progress until it ends; a stop does not wait for it."""
    background = Background(work)
    while not background.wait(_WAIT_S):
        yield progress
    return background.result()
