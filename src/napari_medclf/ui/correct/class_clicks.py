"""Classes that a person gave to images by a key, on the disk before the key press is over."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

from napari_medclf.domain.errors import MedclfError, WriteError
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.mark import Mark
from napari_medclf.domain.results import Scope
from napari_medclf.store.authorship import now_utc
from napari_medclf.store.strokes.history import StrokeHistory, strokes_folder
from napari_medclf.store.strokes.journal import StrokeJournal
from napari_medclf.ui import notify

_log = logging.getLogger(__name__)
_LAYER = "classes"
"""Clicks on the image as a whole are kept apart from strokes on its labels."""


class ClassClicks:
    """Appends clicks to the journals of images; one journal is open at a time.

    Parameters
    ----------
    writer_id : str
        Of this window.
    """

    def __init__(self, writer_id: str) -> None:
        self._writer_id = writer_id
        self._key: tuple[Path, str] = (Path(), "")
        self._journal: StrokeJournal | None = None

    def keep(self, image: MedImage, project: Path, classes: tuple[str, ...], author: str, reader: str = "") -> None:
        """Write down the classes of an image; where the disk refuses, the person is told.

        Parameters
        ----------
        reader : str
            A blind reader; see `find_clicked`.
        """
        mark = Mark(case_id=image.name, scope=Scope.IMAGE, classes=classes, author=author, created=now_utc())
        try:
            self._opened(image, project, reader).append_mark(mark)
        except (WriteError, OSError) as error:
            notify.complain(f"Your class is only in memory until you accept it (N): {error}")

    def mark_saved(self, image: MedImage, project: Path, reader: str = "") -> None:
        """Write down that the classes are an answer now; nothing where none was clicked."""
        if self._journal is None or self._key != (project, _name(reader) + _digest(image)):
            return
        try:
            self._journal.append_saved("")
        except WriteError as error:
            _log.warning("%s", error)

    def close(self) -> None:
        """Let go of the journal's file."""
        if self._journal is not None:
            self._journal.close()
        self._journal, self._key = None, (Path(), "")

    def _opened(self, image: MedImage, project: Path, reader: str) -> StrokeJournal:
        key = (project, _name(reader) + _digest(image))
        if self._journal is None or self._key != key:
            self.close()
            self._journal = StrokeJournal.open(project, _digest(image), f"{self._writer_id}-classes", _name(reader))
            self._key = key
        return self._journal


def find_clicked(image: MedImage, projects: Iterable[Path], reader: str = "") -> tuple[str, ...] | None:
    """Find the classes that were clicked last and not saved as an answer; None where there are none.

    Parameters
    ----------
    image : MedImage
        With its digest.
    reader : str
        A blind reader, whose clicks are kept apart; empty for everybody else.
    """
    found = []
    for folder in dict.fromkeys(projects):
        if not strokes_folder(folder, image.source.digest, _name(reader)).is_dir():
            continue
        history = StrokeHistory(folder, image.source.digest, _name(reader))
        try:
            if history.is_unsaved():
                found.append(list(history.marks())[-1])
        except (MedclfError, OSError) as error:  # the image itself must open
            _log.warning("Clicks in %s were left alone: %s", folder.name, error)
    newest = max(found, key=lambda one: one.moment, default=None)
    return None if newest is None else newest.mark.classes


def _name(reader: str) -> str:
    return f"{_LAYER}-blind-{reader}" if reader else _LAYER


def _digest(image: MedImage) -> str:
    from napari_medclf.io.digest import with_digest

    return with_digest(image).source.digest
