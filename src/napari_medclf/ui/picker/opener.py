"""What opening rows of the series list does: images in place of the last, labels and reports on theirs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from qtpy.QtCore import QObject

from napari_medclf.bridge.derived import fullest_plane, label_set_layers, report_layer
from napari_medclf.bridge.layers import image_layer
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.derived import LabelSet, MeasurementReport
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.listing import SeriesEntry
from napari_medclf.ui import notify
from napari_medclf.ui.picker.rows import Row, is_image
from napari_medclf.ui.session import Session
from napari_medclf.ui.tasks import Beside


class Opener(QObject):
    """Opens what a person selected, through the session's queue, so that all comes in order."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session

    def open_rows(self, rows: Sequence[Row]) -> None:
        """Open the first image in place of the one before, the others beside it, labels on top."""
        for row in rows:
            if row.is_refused and row.entry is not None:
                notify.warn(f"{row.title}: {row.entry.reason}. {row.entry.hint}".rstrip())
        places = [row.item for row in rows if row.item is not None]
        derived = [row.entry for row in rows if row.item is None and row.entry is not None and not row.entry.reason]
        if places:
            self._open_images(places)
        for entry in derived:
            if is_image(entry):
                self._session.open_new(entry.ref, entry.name)
            else:
                self._open_derived(entry, has_image=bool(places))

    def open_way(self, entry: SeriesEntry, way: FileRef) -> None:
        """Open a refused series in the way a person allowed."""
        self._session.open_new(way, entry.description or entry.name)

    def _open_images(self, places: Sequence[int]) -> None:
        session = self._session
        if places[0] != session.work.current or session.image is None:
            session.open_index(places[0])
        for place in places[1:]:
            item = session.work.items[place]
            self._add_beside(item.ref, item.name, ())

    def _open_derived(self, entry: SeriesEntry, *, has_image: bool) -> None:
        session = self._session
        place = self._place_of(entry.refers_to)
        beside: tuple[Path, ...] = ()
        if place is not None:
            beside = (session.work.items[place].ref.path,)
            if place != session.work.current and not has_image:
                session.open_index(place)
        self._add_beside(entry.ref, entry.name, beside)

    def _place_of(self, series_uid: str) -> int | None:
        """Where the images of a series stand in the work list."""
        refs = {entry.ref for entry in self._session.entries if series_uid and entry.series_uid == series_uid}
        items = self._session.work.items
        return next((place for place, item in enumerate(items) if item.ref in refs), None)

    def _add_beside(self, ref: FileRef, name: str, beside: tuple[Path, ...]) -> None:
        self._session.lane.add(f"Opening {name}", partial(_read_beside, ref, beside), self._session.show_beside)


def _read_beside(ref: FileRef, beside: tuple[Path, ...]) -> Job[Beside]:
    """Read an image, labels or a report, described for napari."""
    from napari_medclf.io.read import read_entry

    yield Progress(0, 0, f"opening {ref.path.name}")
    item = read_entry(ref, beside)
    if isinstance(item, LabelSet):
        layers = tuple(label_set_layers(item))
        return Beside(layers, item.warnings, item.name, plane=fullest_plane(layers))
    if isinstance(item, MeasurementReport):
        return Beside((report_layer(item),), item.warnings, item.name, item)
    return Beside((image_layer(item),), (), item.name)
