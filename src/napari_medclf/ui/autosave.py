"""Keeps a working copy of painted labels on disk, 300 ms after the last stroke."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QTimer, Signal

from napari_medclf.bridge.layer_info import layer_info
from napari_medclf.bridge.layers import segmentation_from_layer
from napari_medclf.domain.events import FinishReason, Job, Progress
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.results import Segmentation
from napari_medclf.jobs.drive import drive
from napari_medclf.ui import notify
from napari_medclf.ui.lane import Lane
from napari_medclf.ui.layer_book import LayerBook
from napari_medclf.ui.working_copy import WorkingCopies, WorkingCopy

_DEBOUNCE_MS = 300


@dataclass(frozen=True, eq=False)
class PaintedLabels:
    """A copy of a labels layer's data, taken on the GUI thread and read on a worker."""

    data: NDArray[Any]
    metadata: Mapping[str, Any]

    @classmethod
    def copy_of(cls, layer: Any) -> PaintedLabels:
        """Copy the labels as they are now."""
        return cls(np.array(layer.data), dict(layer.metadata))

    def read(self) -> Segmentation:
        """Bring the labels to their grid.

        Raises
        ------
        SchemaError
            If a value was painted that belongs to no class.
        """
        return segmentation_from_layer(self.data, self.metadata)

    def working_copy(self) -> WorkingCopy:
        """Read the labels, with the answer they began with."""
        info = layer_info(self.metadata)
        return WorkingCopy(self.read(), None if info is None else info.prediction)


class Autosave(QObject):
    """Watches labels layers; a stroke marks one dirty, and a moment later a worker writes its copy.

    Parameters
    ----------
    folder : Path
        Of the working copies.
    lane : Lane
        Where the writing is queued.

    Signals
    -------
    became_dirty
        With the first stroke on a layer.
    """

    became_dirty = Signal()

    def __init__(self, folder: Path, lane: Lane, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.copies = WorkingCopies(folder)
        self._lane = lane
        self._images: LayerBook[MedImage] = LayerBook()
        self._dirty: LayerBook[bool] = LayerBook()
        self._pending: LayerBook[MedImage] = LayerBook()
        self._has_complained = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_DEBOUNCE_MS)
        self._timer.timeout.connect(self.flush)

    def watch(self, layer: Any, image: MedImage) -> None:
        """Keep a copy of this labels layer from its first stroke on."""
        self._images.put(layer, image)
        layer.events.paint.connect(lambda event: self._on_stroke(layer))
        layer.events.labels_update.connect(lambda event: self._on_undo(layer))

    def is_dirty(self, layer: Any) -> bool:
        """Whether a person painted on a layer since it was made or accepted."""
        return layer in self._dirty

    def mark_dirty(self, layer: Any) -> None:
        """Treat a layer as painted, because its painting was restored."""
        self._dirty.put(layer, True)

    def forget(self, image: MedImage) -> None:
        """Treat the labels of an image as accepted."""
        for layer, watched in self._images.items():
            if watched is image:
                self._dirty.forget(layer)
                self._pending.forget(layer)

    def let_go(self, layer: Any) -> None:
        """Queue what is pending of a layer that was taken out of the viewer, and watch it no longer."""
        if layer in self._pending:
            self.flush()
        self._images.forget(layer)
        self._dirty.forget(layer)

    def flush(self) -> None:
        """Queue the writing of what is pending, without waiting."""
        for image, painted in self._take_pending():
            self._lane.add("", partial(_save, self.copies, image, painted), on_failure=self._complain)

    def flush_now(self) -> None:
        """Write what is pending before returning, for when the window closes."""
        for image, painted in self._take_pending():
            outcome = drive(_save(self.copies, image, painted))
            if outcome.reason is FinishReason.FAILED:
                self._complain(outcome.message)

    def _on_stroke(self, layer: Any) -> None:
        if not self.is_dirty(layer):
            self._dirty.put(layer, True)
            self.became_dirty.emit()
        self._schedule(layer)

    def _on_undo(self, layer: Any) -> None:
        if self.is_dirty(layer):  # napari 0.9 tells undo and redo by this event only
            self._schedule(layer)

    def _schedule(self, layer: Any) -> None:
        image = self._images.get(layer)
        if image is not None:
            self._pending.put(layer, image)
            self._timer.start()

    def _take_pending(self) -> list[tuple[MedImage, PaintedLabels]]:
        return [(image, PaintedLabels.copy_of(layer)) for layer, image in self._pending.take_all()]

    def _complain(self, message: str) -> None:
        if not self._has_complained:  # once; a full disk would else tell it at every stroke
            self._has_complained = True
            notify.complain(f"Your painting is only in memory until you accept it (N): {message}")


def _save(copies: WorkingCopies, image: MedImage, painted: PaintedLabels) -> Job[None]:
    yield Progress(0, 0)
    copies.save(image, painted.working_copy())
