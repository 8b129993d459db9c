"""Where things arrive: a folder that others write to, and a folder that a receiver of ours writes to."""

from __future__ import annotations

import os
import queue
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from napari_medclf.domain.events import JobEvent, Warned
from napari_medclf.jobs.json_text import printable
from napari_medclf.jobs.watch.waiting import Stamp, Waiting

if TYPE_CHECKING:
    from napari_medclf.io.pacs.depot import Depot
    from napari_medclf.io.pacs.dimse.reception import Told

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

    def how_left(self, unit: str) -> str:
        """How somebody who sent a unit stopped before saying that this was all, as `Left`; empty where nobody did."""


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
    _known: dict[str, tuple[Stamp, str]] = field(default_factory=dict)
    _next_s: float = 0.0
    _is_missing: bool = False

    def look(self, waiting: Waiting, now_s: float) -> list[JobEvent]:
        """Look through the folder, if it is time to."""
        import time

        if now_s < self._next_s:
            return []
        began_s = time.perf_counter()
        try:
            stamps = {str(path): stamp for path, stamp in self._walk(self.folder)}
        except OSError as error:
            return self._not_there(error)
        finally:
            took_s = time.perf_counter() - began_s
            self._next_s = now_s + max(self.every_s, took_s / _WALK_SHARE)
        self._is_missing = False
        for place in self._known.keys() - stamps.keys():
            waiting.lost(self._known.pop(place)[1], Path(place), now_s)
        changed = [place for place, stamp in stamps.items() if self._known.get(place, (None,))[0] != stamp]
        for place in sorted(changed):
            self._saw(place, stamps[place], waiting, now_s)
        return []

    def _saw(self, place: str, stamp: Stamp, waiting: Waiting, now_s: float) -> None:
        from napari_medclf.io.arrived import note_file

        note = note_file(Path(place))
        before = self._known.get(place)
        if before is not None and before[1] != note.unit:
            waiting.lost(before[1], note.path, now_s)
        if not waiting.is_open(note.unit):
            for other, (known, unit) in self._known.items():
                if unit == note.unit and other != place:
                    waiting.saw(note_file(Path(other)), known, now_s)
        self._known[place] = (stamp, note.unit)
        waiting.saw(note, stamp, now_s)

    def is_open(self, unit: str) -> bool:
        """Never: who writes files does not say so."""
        return False

    def how_left(self, unit: str) -> str:
        """Nothing: who writes files does not say when that was all."""
        return ""

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
            for study in self.depot.studies():
                self._open(study, waiting, now_s)
        while not self.told.empty():
            events += self._hear(self.told.get(), waiting, now_s)
        return events

    def is_open(self, unit: str) -> bool:
        """Whether a sender of it is still there."""
        return self.depot.under_way.is_busy(unit)

    def how_left(self, unit: str) -> str:
        """How a sender of it left before the end, which a kill of this program makes all of them do."""
        return self.depot.under_way.how_left(unit)

    def _hear(self, told: Told, waiting: Waiting, now_s: float) -> list[JobEvent]:
        from napari_medclf.io.pacs.dimse.reception import Ended, Stored, TurnedAway

        if isinstance(told, Stored):
            if told.taken.path is not None:
                self._open(told.taken.study, waiting, now_s)
                if waiting.is_open(told.taken.study):
                    note(told.taken.path, waiting, now_s)
            else:
                return self._once(told.sender, f"An object of {told.sender} was not taken: {told.taken.reason}.")
        elif isinstance(told, Ended):
            for study in told.studies:
                self._open(study, waiting, now_s)
                waiting.touch(study, now_s)
            if not told.is_whole:
                return [Warned(printable(f"{told.sender} broke off before it said that this was all."))]
        elif isinstance(told, TurnedAway):
            sentence = f"{told.sender} at {told.address} was turned away: {told.reason}."
            return self._once(f"{told.sender}@{told.address}", sentence)
        return []

    def _open(self, study: str, waiting: Waiting, now_s: float) -> None:
        """Tell all that is here of a study, unless it waits already or is as it was dealt with."""
        if waiting.is_open(study):
            return
        stamps = dict(stamped(self.depot.files(study)))
        if not waiting.is_handled(study, stamps):
            for path in stamps:
                note(path, waiting, now_s)

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


def note(path: Path, waiting: Waiting, now_s: float) -> None:
    """Tell what a file is; one that is gone is passed over."""
    from napari_medclf.io.arrived import note_file

    for _, stamp in stamped([path]):
        waiting.saw(note_file(path), stamp, now_s)
