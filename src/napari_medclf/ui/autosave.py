"""Keeps a working copy of painted labels where their strokes cannot be written: a full disk, a read-only project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QTimer

from napari_medclf.bridge.layer_info import layer_info
from napari_medclf.bridge.layers import segmentation_from_layer
from napari_medclf.domain.events import FinishReason, Job, Progress
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.results import Segmentation
from napari_medclf.domain.voxel_origin import OriginMap
from napari_medclf.jobs.drive import drive
from napari_medclf.ui import notify
from napari_medclf.ui.correct.label_state import LabelState
from napari_medclf.ui.lane import Lane
from napari_medclf.ui.layer_book import LayerBook
from napari_medclf.ui.working_copy import WorkingCopies, WorkingCopy

_DEBOUNCE_MS = 300


@dataclass(frozen=True, eq=False)
class PaintedLabels:
    """A copy of a labels layer's data, taken on the GUI thread and read on a worker."""

    data: NDArray[Any]
    metadata: Mapping[str, Any]
    voxel_origins: OriginMap | None = None
    n_strokes: int = 0
    n_commits: int = 0
    """Of the layer's state then: more later means that somebody painted on."""

    @classmethod
    def copy_of(cls, layer: Any, state: LabelState | None = None) -> PaintedLabels:
        """Copy the labels as they are now, with who each voxel comes from where that is known."""
        data, metadata = np.array(layer.data), dict(layer.metadata)
        if state is None:
            return cls(data, metadata)
        return cls(data, metadata, state.origin.copy(), state.n_strokes, state.n_commits)

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
    """Keeps a copy of painted labels in the user's folder while the journal of strokes cannot be written.

    Parameters
    ----------
    folder : Path
        Of the working copies.
    lane : Lane
        Where the writing is queued.
    """

    def __init__(self, folder: Path, lane: Lane, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.copies = WorkingCopies(folder)
        self._lane = lane
        self._pending: LayerBook[MedImage] = LayerBook()
        self._has_complained = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_DEBOUNCE_MS)
        self._timer.timeout.connect(self.flush)

    def keep(self, layer: Any, image: MedImage) -> None:
        """Copy a labels layer in a moment; strokes until then go into the same copy."""
        self._pending.put(layer, image)
        self._timer.start()

    def let_go(self, layer: Any) -> None:
        """Queue what is pending of a layer that was taken out of the viewer."""
        if layer in self._pending:
            self.flush()

    def forget(self, layer: Any) -> None:
        """Copy a layer no more, because its labels were accepted."""
        self._pending.forget(layer)

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

    def _take_pending(self) -> list[tuple[MedImage, PaintedLabels]]:
        return [(image, PaintedLabels.copy_of(layer)) for layer, image in self._pending.take_all()]

    def _complain(self, message: str) -> None:
        if not self._has_complained:  # once; a full disk would else tell it at every stroke
            self._has_complained = True
            notify.complain(f"Your painting is only in memory until you accept it (N): {message}")


def _save(copies: WorkingCopies, image: MedImage, painted: PaintedLabels) -> Job[None]:
    yield Progress(0, 0)
    copies.save(image, painted.working_copy())
