"""The cases that workers have at the moment, and who is to blame when a worker dies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

_MOST_STRIKES = 2


@dataclass
class Flight:
    """A case that was given out.

    Parameters
    ----------
    number : int
        Of the case.
    future : distributed.Future
    workers : frozenset
        Addresses of those who may do it.
    begun_by : str
        Address of the worker that began it last; empty before.
    strikes : int
        How many workers died over it.
    n_given : int
        How often it was given out.
    """

    number: int
    future: Any
    workers: frozenset[str]
    begun_by: str = ""
    strikes: int = 0
    n_given: int = 0

    @property
    def is_deadly(self) -> bool:
        """Whether it must not be tried again."""
        return self.strikes >= _MOST_STRIKES


@dataclass
class Flights:
    """All cases that are out, in the order they were given out."""

    by_number: dict[int, Flight] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.by_number)

    def blame(self, worker: str) -> list[Flight]:
        """Strike the cases that a worker was busy with when it died.

        A worker that died so early that nothing was heard of it was busy with the case that it got first.
        """
        busy = [one for one in self.by_number.values() if one.begun_by == worker]
        for one in busy:
            one.strikes += 1
            one.begun_by = ""
        return busy

    def blame_first(self, keys: Iterable[str]) -> list[Flight]:
        """Strike the case that was given out first of those with these keys."""
        wanted = set(keys)
        for one in self.by_number.values():
            if one.future.key in wanted:
                one.strikes += 1
                return [one]
        return []

    def stranded(self, alive: Iterable[str]) -> list[Flight]:
        """List the cases that nobody who is there may do."""
        there = set(alive)
        return [one for one in self.by_number.values() if not one.workers & there]
