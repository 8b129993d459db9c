"""Threads that do one stage of every case, more of them where they mostly wait for a disk or a server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Generic, TypeVar

Item = TypeVar("Item")

_BUSY = 0.8
"""Processors that a crew keeps busy from which on more threads would only wait for each other."""
_N_AT_FIRST, _TIMES = 4, 4


class Crew(Generic[Item]):
    """Threads that take items from a queue, work on them, and put what comes of it into an inbox.

    Parameters
    ----------
    work : callable
        Never raises; what it returns goes into the inbox.
    most : int
        Threads. It begins with four, or as many.

    Notes
    -----
    The threads hold no program up at its end: a file that does not answer must not do that.
    """

    def __init__(self, name: str, work: Callable[[Item], object], inbox: SimpleQueue[object], most: int) -> None:
        self._name, self._work, self._inbox, self._most = name, work, inbox, most
        self._todo: SimpleQueue[Item | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._n_at_work = 0
        self._is_closed = False
        self._measure_anew()
        self._add_threads(min(_N_AT_FIRST, most))

    @property
    def n_threads(self) -> int:
        """How many there are."""
        return len(self._threads)

    @property
    def n_open(self) -> int:
        """Items that were not begun yet."""
        return self._todo.qsize()

    def put(self, item: Item) -> None:
        """Give something to do."""
        self._todo.put(item)

    def grow_if_it_pays(self) -> bool:
        """Take four times the threads if all are at work and mostly wait; asked when the next stage stands idle.

        Returns
        -------
        bool
            Whether all are at work, and more threads would only wait for each other: they compute.
        """
        with self._lock:
            is_all_at_work = self._n_at_work == self.n_threads and self.n_open > 0
            if not is_all_at_work or self._n_done < self.n_threads:
                return False
            busy = self._cpu_s / max(time.perf_counter() - self._since_s, 1e-6)
            if busy < _BUSY:
                self._add_threads(min((_TIMES - 1) * self.n_threads, self._most - self.n_threads))
            self._measure_anew()
            return busy >= _BUSY

    def resize(self, most: int) -> None:
        """Let so many threads work, if there are fewer, and never more."""
        with self._lock:
            self._most = most
            self._add_threads(max(most - self.n_threads, 0))

    def close(self, wait_s: float = 0.0) -> None:
        """Take no more work; what was begun may end within a time, and is left to itself after that."""
        self._is_closed = True
        for _ in self._threads:
            self._todo.put(None)
        until_s = time.perf_counter() + wait_s
        for thread in self._threads:
            thread.join(max(until_s - time.perf_counter(), 0.0))

    def _add_threads(self, n: int) -> None:
        for _ in range(n):
            thread = threading.Thread(target=self._run, daemon=True, name=f"medclf-{self._name}-{self.n_threads}")
            self._threads.append(thread)
            thread.start()

    def _measure_anew(self) -> None:
        self._cpu_s, self._n_done, self._since_s = 0.0, 0, time.perf_counter()

    def _run(self) -> None:
        while not self._is_closed:
            item = self._todo.get()
            if item is None:
                return
            with self._lock:
                self._n_at_work += 1
            before_s = time.thread_time()
            self._inbox.put(self._work(item))
            del item  # an image must not be kept while this waits for the next one
            with self._lock:
                self._n_at_work -= 1
                self._n_done += 1
                self._cpu_s += time.thread_time() - before_s
