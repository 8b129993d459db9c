"""Draw the next batches while the network learns from this one."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from queue import Empty, Full, Queue
from typing import Generic, TypeVar

import torch

Item = TypeVar("Item")
_POLL_S = 0.1


def has_spare_core(device: str) -> bool:
    """Whether another thread can work beside the network: on a GPU always, on a CPU with a core that torch leaves."""
    if not device.startswith("cpu"):
        return True
    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return n_cores > torch.get_num_threads()


class Ahead(Generic[Item]):
    """Run an iterator on a thread of its own, a few items ahead of who takes them.

    Parameters
    ----------
    items : iterator
        Used by that thread alone; what it raises is raised where the item is taken.
    n_ahead : int
        How many items wait at most.

    Notes
    -----
    To be used in a ``with`` statement, at whose end the thread stops.
    """

    def __init__(self, items: Iterator[Item], n_ahead: int = 2) -> None:
        self._items = items
        self._ready: Queue[tuple[bool, Item | BaseException | None]] = Queue(n_ahead)
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="medclf-batches", daemon=True)

    def __enter__(self) -> Iterator[Item]:
        self._thread.start()
        return self._take()

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _work(self) -> None:
        try:
            for item in self._items:
                if not self._put((True, item)):
                    return
            self._put((False, None))
        except BaseException as error:  # noqa: BLE001  (told where the item is taken)
            self._put((False, error))

    def _put(self, entry: tuple[bool, Item | BaseException | None]) -> bool:
        while not self._is_over.is_set():
            try:
                self._ready.put(entry, timeout=_POLL_S)
            except Full:
                continue
            return True
        return False

    def _take(self) -> Iterator[Item]:
        while True:
            try:
                is_item, content = self._ready.get(timeout=_POLL_S)
            except Empty:
                continue
            if is_item:
                yield content  # type: ignore[misc]  # the flag says so
            elif content is None:
                return
            else:
                raise content  # type: ignore[misc]
