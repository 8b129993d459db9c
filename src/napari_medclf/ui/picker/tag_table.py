"""What the header of a series says, without what names a patient."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qtpy.QtWidgets import QWidget

from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.listing import SeriesEntry
from napari_medclf.ui.lane import Lane
from napari_medclf.ui.tables import ResultsTable

_MOST_ROWS = 9


class TagTable(ResultsTable):
    """A table of tags, read in the background; hidden while no series is shown."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, most_rows=_MOST_ROWS)
        self._shown: SeriesEntry | None = None
        self._lane = Lane(self)
        self.hide()

    def show_entry(self, entry: SeriesEntry | None) -> None:
        """Show the tags of a series, None for nothing."""
        if entry is self._shown:
            return
        self._shown = entry
        self.setVisible(entry is not None)
        if entry is None:
            return
        self._show(entry, ())
        file = entry.first_file or entry.ref.path
        if entry.series_uid and file.is_file():
            self._lane.add("", lambda: _read(file), lambda tags: self._take(entry, tags), lambda message: None)

    def close_down(self) -> None:
        """Wait for what is being read."""
        self._lane.finish_all()

    def _take(self, entry: SeriesEntry, tags: Sequence[tuple[str, str]]) -> None:
        if entry is self._shown:
            self._show(entry, tags)

    def _show(self, entry: SeriesEntry, tags: Sequence[tuple[str, str]]) -> None:
        self.show_rows(["tag", "value"], [*(tags or _known(entry))])


def _known(entry: SeriesEntry) -> list[tuple[str, str]]:
    """List what was seen when the folder was looked through, for files without DICOM tags."""
    pairs = (
        ("Kind", entry.kind),
        ("Number", entry.series_number),
        ("Description", entry.description),
        ("Size", " × ".join(str(n) for n in entry.size)),
        ("Spacing (mm)", " × ".join(f"{step:.4g}" for step in entry.spacing_mm or ())),
        ("Files", str(entry.n_files)),
    )
    return [(name, value) for name, value in pairs if value]


def _read(file: Path) -> Job[tuple[tuple[str, str], ...]]:
    from napari_medclf.io.dicom.safe_tags import safe_tags

    yield Progress(0, 0)
    return safe_tags(file)
