"""Compute on a thread of its own while a job goes on yielding, so that a stop never waits for it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

from napari_medclf.domain.events import Job, Progress

Found = TypeVar("Found")
# A stop is looked for this often; a person must never wait for more than 2 s.
_POLL_S = 0.4


class Worker:
    """One thread for long computations; OpenMP keeps its own for each thread, so that one is used for a whole run."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="medclf-compute")

    def submit(self, work: Callable[[], Found]) -> Future[Found]:
        """Begin to compute."""
        return self._pool.submit(work)

    def close(self) -> None:
        """Take no more work; what still computes is left to end by itself."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def wait_for(future: Future[Found], shown: Progress) -> Job[Found]:
    """Yield `shown` until the result is there, and return it; raises what the computation raises."""
    while not wait([future], timeout=_POLL_S).done:
        yield shown
    return future.result()


def in_background(work: Callable[[], Found], message: str) -> Job[Found]:
    """Run one long computation as a job that can be left at any time.

    Notes
    -----
    After a stop the computation goes on unseen until it ends, and its result is dropped.
    """
    worker = Worker()
    shown = Progress(0, 0, message)
    try:
        yield shown
        return (yield from wait_for(worker.submit(work), shown))
    finally:
        worker.close()
