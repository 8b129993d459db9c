"""Where things arrive: a folder that others write to, and a folder that a receiver of ours writes to."""

from __future__ import annotations

import os
import queue
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.events import JobEvent, Warned
from napari_medclf.jobs.json_text import printable
from napari_medclf.jobs.watch.waiting import Stamp, Waiting

if TYPE_CHECKING:
    from napari_medclf.io.pacs.depot import Depot
    from napari_medclf.io.pacs.dimse.receive import Told

LeaveOut = Callable[[Path, bool], str]
_WALK_SHARE = 0.1
"""Of the time at most that goes into looking through a folder, however large it is."""
_MOST_TOLD = 200


class Arrivals(Protocol):
    """Where things arrive."""

    @property
    def folder(self) -> Path:
        """Below which everything arrives."""

    def look(self, waiting: Waiting, now_s: float) -> list[JobEvent]:
        """Tell `waiting` what came, changed or went; gives what a person should know."""

    def is_open(self, unit: str) -> bool:
        """Whether somebody is still sending a unit."""

    def broke_off(self, unit: str) -> bool:
        """Whether somebody stopped sending a unit before the end."""


@dataclass
class FolderArrivals:
    """Files below a folder; sizes and times are compared at intervals, which works on network shares too.

    Parameters
    ----------
    every_s : float
        How often the folder is looked through, at most.
    leave_out : callable
        Tells why a file or folder is not wanted; empty for what is.
    """

    folder: Path
    every_s: float
    leave_out: LeaveOut
    _stamps: dict[Path, Stamp] = field(default_factory=dict)
    _next_s: float = 0.0
    _is_missing: bool = False

    def look(self, waiting: Waiting, now_s: float) -> list[JobEvent]:
        """Look through the folder, if it is time to."""
        import time

        if now_s < self._next_s:
            return []
        began_s = time.perf_counter()
        try:
            stamps = dict(self._walk(self.folder))
        except OSError as error:
            return self._not_there(error)
        finally:
            took_s = time.perf_counter() - began_s
            self._next_s = now_s + max(self.every_s, took_s / _WALK_SHARE)
        self._is_missing = False
        compare(self._stamps, stamps, waiting, now_s)
        self._stamps = stamps
        return []

    def is_open(self, unit: str) -> bool:
        """Never: who writes files does not say so."""
        return False

    def broke_off(self, unit: str) -> bool:
        """Never: who writes files does not say so."""
        return False

    def _not_there(self, error: OSError) -> list[JobEvent]:
        """A share that is away for a while is no reason to forget what was there."""
        if self._is_missing:
            return []
        self._is_missing = True
        reason = error.strerror or type(error).__name__
        return [Warned(f"{self.folder} cannot be looked through now ({reason}). It is tried again.")]

    def _walk(self, folder: Path) -> Iterator[tuple[Path, Stamp]]:
        from napari_medclf.atomic import is_temporary
        from napari_medclf.io.sniff import is_accompanying

        with os.scandir(folder) as entries:
            found = list(entries)
        for entry in found:
            path = Path(entry.path)
            is_folder = entry.is_dir(follow_symlinks=False)
            if entry.name.startswith(".") or is_temporary(path) or self.leave_out(path, is_folder):
                continue
            if is_folder:
                yield from self._walk_below(path)
            elif not is_accompanying(path):
                yield from stamped([path])

    def _walk_below(self, folder: Path) -> Iterator[tuple[Path, Stamp]]:
        try:
            yield from self._walk(folder)
        except (PermissionError, FileNotFoundError, NotADirectoryError):
            return  # another may open it, or it went meanwhile; the rest is looked through


@dataclass
class DepotArrivals:
    """Objects that a receiver takes; the folder is looked through once, and then only where something came."""

    depot: Depot
    told: queue.SimpleQueue[Told]
    _stamps: dict[Path, Stamp] = field(default_factory=dict)
    _has_looked: bool = False
    _turned_away: set[tuple[str, str]] = field(default_factory=set)

    @property
    def folder(self) -> Path:
        """Where the objects are."""
        return self.depot.folder

    def look(self, waiting: Waiting, now_s: float) -> list[JobEvent]:
        """Take what the receiver tells."""
        events: list[JobEvent] = []
        if not self._has_looked:
            self._has_looked = True
            self._note(self.depot.files(), waiting, now_s)
        while not self.told.empty():
            events += self._hear(self.told.get(), waiting, now_s)
        return events

    def is_open(self, unit: str) -> bool:
        """Whether a sender of it is still there."""
        return self.depot.under_way.is_busy(unit)

    def broke_off(self, unit: str) -> bool:
        """Whether a sender of it left before the end, or this program was killed meanwhile."""
        return self.depot.under_way.broke_off(unit)

    def _hear(self, told: Told, waiting: Waiting, now_s: float) -> list[JobEvent]:
        from napari_medclf.io.pacs.depot import Verdict
        from napari_medclf.io.pacs.dimse.receive import Ended, Stored, TurnedAway

        if isinstance(told, Stored):
            if told.taken.study:
                waiting.touch(told.taken.study, now_s)
            if told.taken.path is not None and told.taken.verdict is Verdict.TAKEN:
                self._note([told.taken.path], waiting, now_s)
            if told.taken.reason:
                return self._once(told.sender, f"An object of {told.sender} was not taken: {told.taken.reason}.")
        elif isinstance(told, Ended):
            for study in told.studies:
                waiting.touch(study, now_s)
            if not told.is_whole:
                return [Warned(f"{told.sender} broke off before it said that this was all.")]
        elif isinstance(told, TurnedAway):
            sentence = f"{told.sender} at {told.address} was turned away: {told.reason}."
            return self._once(f"{told.sender}@{told.address}", sentence)
        return []

    def _note(self, paths: Iterable[Path], waiting: Waiting, now_s: float) -> None:
        stamps = dict(stamped(paths))
        known = {path: self._stamps[path] for path in stamps if path in self._stamps}
        compare(known, stamps, waiting, now_s)
        self._stamps |= stamps

    def _once(self, who: str, sentence: str) -> list[JobEvent]:
        """Tell the same of the same sender once, so that nobody can fill the log."""
        if (who, sentence) in self._turned_away or len(self._turned_away) >= _MOST_TOLD:
            return []
        self._turned_away.add((who, sentence))
        return [Warned(printable(sentence))]


def stamped(paths: Iterable[Path]) -> Iterator[tuple[Path, Stamp]]:
    """Give each regular file its stamp; what is none, or is gone, is left out."""
    import stat

    for path in paths:
        try:
            info = path.stat()
        except (OSError, ValueError):
            continue
        if stat.S_ISREG(info.st_mode):
            yield path, Stamp(info.st_size, info.st_mtime_ns)


def compare(before: dict[Path, Stamp], after: dict[Path, Stamp], waiting: Waiting, now_s: float) -> None:
    """Tell what is new, was changed, or is gone."""
    from napari_medclf.io.arrived import note_file

    for path in before.keys() - after.keys():
        waiting.lost(path, now_s)
    for path, stamp in sorted(after.items(), key=lambda one: one[0]):
        if before.get(path) != stamp:
            try:
                waiting.saw(note_file(path), stamp, now_s)
            except ReadError:
                continue
