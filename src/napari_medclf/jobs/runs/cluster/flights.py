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

    def blame(self, worker: str, unfinished: Iterable[str]) -> list[Flight]:
        """Strike the cases that a worker was busy with when it died.

        A case that it had finished is not to blame, though its result is lost with the worker. A worker that died so
        early that nothing was heard of its case was busy with the one that it got first.

        Parameters
        ----------
        worker : str
            Address of the dead.
        unfinished : iterable of str
            Keys of the tasks that it had and had not finished.
        """
        keys = set(unfinished)
        theirs = [one for one in self.by_number.values() if one.begun_by == worker]
        for one in theirs:
            one.begun_by = ""
        busy = [one for one in theirs if one.future.key in keys]
        busy = busy or [one for one in self.by_number.values() if one.future.key in keys][:1]
        for one in busy:
            one.strikes += 1
        return busy

    def stranded(self, alive: Iterable[str]) -> list[Flight]:
        """List the cases that nobody who is there may do."""
        there = set(alive)
        return [one for one in self.by_number.values() if not one.workers & there]
