"""Look at many files one after the other, and at several at once where the disk is far away."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from functools import partial
from typing import TypeVar

from napari_medclf.io.background import begin

Item = TypeVar("Item")
Found = TypeVar("Found")
Error = TypeVar("Error", bound=Exception)

_SLOW_S = 0.02
_N_SLOW = 3
_N_AT_ONCE = 32


class LookAhead:
    """Looks at things in their order, and remembers whether that mostly means to wait.

    Looks of a local disk take microseconds of computing, and threads would make them slower. Once three looks on end
    have waited for 20 ms each, as on a share of a far server, 32 are under way at once.
    """

    def __init__(self) -> None:
        self._n_slow = 0

    @property
    def is_slow(self) -> bool:
        """Whether several looks are under way at once from now on."""
        return self._n_slow >= _N_SLOW

    def each(
        self, look: Callable[[Item], Found], items: Iterable[Item], error: type[Error]
    ) -> Iterator[tuple[Item, Found | Error]]:
        """Give every item in its order with what was found, or with the error of a kind that looks may raise.

        Parameters
        ----------
        look : callable
            Called from any thread; reads only. When nobody takes further results, looks that were begun end unseen.
        """
        trying = partial(_try, look, error)
        begun: deque[tuple[Item, Future[Found | Error]]] = deque()
        for item in items:
            if not self.is_slow:
                yield item, self._timed(trying, item)
                continue
            begun.append((item, begin(partial(trying, item))))
            if len(begun) == _N_AT_ONCE:
                yield _oldest(begun)
        while begun:
            yield _oldest(begun)

    def _timed(self, look: Callable[[Item], Found], item: Item) -> Found:
        began_s, cpu_s = time.perf_counter(), time.thread_time()
        found = look(item)
        waited_s = time.perf_counter() - began_s - (time.thread_time() - cpu_s)
        self._n_slow = self._n_slow + 1 if waited_s > _SLOW_S else 0
        return found


def _try(look: Callable[[Item], Found], error: type[Error], item: Item) -> Found | Error:
    try:
        return look(item)
    except error as raised:
        return raised


def _oldest(begun: deque[tuple[Item, Future[Found | Error]]]) -> tuple[Item, Found | Error]:
    item, future = begun.popleft()
    return item, future.result()
