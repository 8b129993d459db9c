"""Who is sending what study to us just now, and who left before the end; survives a kill of this program."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

from napari_medclf.atomic import make_folder, sync_folder

_MARK, _MOVED_ON = ".under-way-", ".moved-on-"


class Left(StrEnum):
    """How a study was left by senders that did not say that this was all."""

    WHOLE = ""
    """None of them, or that was made good."""
    MOVED_ON = "moved on"
    """The sender went on to another study, and broke off there: this one may well be complete."""
    BROKE_OFF = "broke off"


class UnderWay:
    """Marks studies that may be incomplete by a small file in each one's folder.

    The mark is on the disk before the sender's first object is, and goes when the sender says that this was all. A
    mark whose sender is not at work was left by one that broke off, or by a kill of this program.

    Parameters
    ----------
    folder : Path
        Holds one folder a study.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._live: set[tuple[str, str]] = set()
        self._last: dict[str, str] = {}
        self._guard = threading.Lock()

    def begin(self, study: str, sender: str) -> None:
        """Note that a sender is at work on a study; once more does nothing.

        Raises
        ------
        OSError
            If it cannot be written down.
        """
        with self._guard:
            self._last[sender] = study
            if (study, sender) in self._live:
                return
            make_folder(self._folder / study)
            self._mark(study, sender).touch()
            sync_folder(self._folder / study)
            self._live.add((study, sender))

    def end(self, sender: str, *, is_whole: bool) -> tuple[str, ...]:
        """Note that a sender is gone; gives the studies it had begun.

        Parameters
        ----------
        is_whole : bool
            Whether it said that this was all. That makes good what others of the same study broke off before, for a
            sender that failed sends the rest, or everything, once more.
        """
        with self._guard:
            studies = tuple(sorted(study for study, one in self._live if one == sender))
            self._live.difference_update((study, sender) for study in studies)
            last = self._last.pop(sender, "")
            for study in studies:
                with suppress(OSError):  # it only makes us wait longer
                    if is_whole:
                        self._forget(study)
                    elif study != last:
                        os.replace(self._mark(study, sender), self._folder / study / f"{_MOVED_ON}{sender}")
            return studies

    def is_busy(self, study: str) -> bool:
        """Whether a sender is at work on a study now."""
        with self._guard:
            return any(one == study for one, _ in self._live)

    def how_left(self, study: str) -> Left:
        """How senders that are gone left a study."""
        with self._guard:
            if self._left(study):
                return Left.BROKE_OFF
            has_moved_on = any((self._folder / study).glob(f"{_MOVED_ON}*"))
            return Left.MOVED_ON if has_moved_on else Left.WHOLE

    def _mark(self, study: str, sender: str) -> Path:
        return self._folder / study / f"{_MARK}{sender}"

    def _left(self, study: str) -> list[Path]:
        live = {self._mark(study, one) for name, one in self._live if name == study}
        return [mark for mark in (self._folder / study).glob(f"{_MARK}*") if mark not in live]

    def _forget(self, study: str) -> None:
        for mark in (*self._left(study), *(self._folder / study).glob(f"{_MOVED_ON}*")):
            mark.unlink()
