"""Who drew what, as a layer over the labels: the model, the person, or both."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QTimer, Signal

from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.voxel_origin import VoxelOrigin
from napari_medclf.ui import notify
from napari_medclf.ui.correct.drawn_layer import add_hidden
from napari_medclf.ui.layer_book import same_layer

if TYPE_CHECKING:
    from napari_medclf.ui.correct.label_state import LabelState
    from napari_medclf.ui.session import Session

# Unlike the colours of classes, and of different lightness, so that the colour-blind tell them apart
COLOURS = {"model": "#8A8F98", "you": "#EE3377", "both": "#F7E463"}
_SHOWN = {"model": 1, "you": 2, "both": 3}
_COUNT_AFTER_MS = 400


@dataclass(frozen=True)
class OriginCounts:
    """Voxels by who they are from; of the model's only those that have a label."""

    model: int
    person: int
    both: int

    @property
    def locked(self) -> int:
        """Voxels that no model may change."""
        return self.person + self.both


class OriginLayer(QObject):
    """Keeps the layer in step with the labels that are meant, and counts.

    Signals
    -------
    counted : OriginCounts, or None where there are no labels.
    """

    counted = Signal(object)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._labels: Any = None
        self._layer: Any = None
        self._is_wanted = False
        self._is_counting = False
        self._is_drawing = False
        self._is_stale = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_COUNT_AFTER_MS)
        self._timer.timeout.connect(self._count)
        session.painting.stroked.connect(lambda layer, stroke: self._redraw(layer, stroke.voxels))
        session.painting.joined.connect(self._redraw)
        session.viewer.layers.events.removed.connect(self._on_removed)

    @property
    def is_shown(self) -> bool:
        """Whether the layer is wanted on the labels that are meant."""
        return self._is_wanted

    def show(self, is_wanted: bool) -> None:
        """Add the layer over the labels that are meant, or take it away."""
        self._is_wanted = is_wanted
        self._take_away()
        self.follow()

    def follow(self) -> None:
        """Move to the labels that are meant now."""
        labels = self._session.labels_layer
        if not same_layer(labels, self._labels):
            self._take_away()
            self._labels = labels
            self._timer.start()
        state = self._session.painting.state(labels)
        if self._is_wanted and self._layer is None and state is not None and not self._is_drawing:
            self._is_drawing = True
            self._session.lane.add("", partial(_shown_job, state), partial(self._add, labels), self._on_not_drawn)

    def remove(self) -> None:
        """Let go of the viewer."""
        self._timer.stop()
        self._session.viewer.layers.events.removed.disconnect(self._on_removed)
        self._is_wanted = False
        self._take_away()
        self._labels = None

    def _add(self, labels: Any, shown: NDArray[np.uint8]) -> None:
        is_meant = same_layer(labels, self._session.labels_layer)
        if not (self._is_wanted and is_meant) or self._is_stale:
            self._end_drawing()
            return
        colours: dict[int | None, str] = {None: "transparent", 0: "transparent"}
        colours |= {_SHOWN[name]: colour for name, colour in COLOURS.items()}
        layer = self._layer = add_hidden(self._session.viewer, labels, f"{labels.name}: who", colours, opacity=0.9)
        QTimer.singleShot(0, lambda: self._fill(layer, shown))

    def _fill(self, layer: Any, shown: NDArray[np.uint8]) -> None:
        if same_layer(layer, self._layer):
            if self._is_stale:
                self._take_away()
            else:
                layer.data = shown
                layer.visible = True
        self._end_drawing()

    def _end_drawing(self) -> None:
        self._is_drawing = self._is_stale = False  # after the layer came, which makes everybody follow
        self.follow()  # other labels may be meant by now, or there was a stroke meanwhile

    def _take_away(self) -> None:
        layer, self._layer = self._layer, None
        if layer is not None and layer in self._session.viewer.layers:
            self._session.viewer.layers.remove(layer)

    def _on_removed(self, event: Any) -> None:
        if self._layer is not None and same_layer(event.value, self._layer):
            self._layer = None  # the person took it away
            self._is_wanted = False
            self.counted.emit(None)
            self._timer.start()

    def _redraw(self, layer: Any, voxels: NDArray[np.int64]) -> None:
        if not same_layer(layer, self._session.labels_layer):
            return
        self._timer.start()
        self._is_stale = self._is_drawing
        state = self._session.painting.state(layer)
        if self._layer is None or self._is_drawing or state is None or not same_layer(layer, self._labels):
            return
        values = _values(state.origin.reshape(-1)[voxels], state.labels.reshape(-1)[voxels])
        shown = state.info.frame.from_display(self._layer.data)
        shown[np.unravel_index(voxels, shown.shape)] = values
        self._layer.refresh(extent=False, thumbnail=False)

    def _count(self) -> None:
        state = self._session.painting.state(self._session.labels_layer)
        if state is None:
            self.counted.emit(None)
        elif not self._is_counting:
            self._is_counting = True
            self._session.lane.add("", partial(_count_job, state), self._on_counted, self._on_not_counted)
        else:  # it may have passed the newest stroke already
            self._timer.start()

    def _on_counted(self, counts: OriginCounts) -> None:
        self._is_counting = False
        self.counted.emit(counts)

    def _on_not_counted(self, message: str) -> None:
        self._is_counting = False

    def _on_not_drawn(self, message: str) -> None:
        self._is_drawing = False
        notify.complain(message)


def _values(origin: NDArray[np.uint8], labels: NDArray[Any]) -> NDArray[np.uint8]:
    """What the layer shows: a person's erasing counts, a model's background does not."""
    by_origin = np.array([_SHOWN["model"], _SHOWN["you"], _SHOWN["both"]], dtype=np.uint8)
    shown = by_origin[origin]
    shown[(origin == VoxelOrigin.MODEL) & (labels == 0)] = 0
    return shown


def _shown_job(state: LabelState) -> Job[NDArray[np.uint8]]:
    yield Progress(0, 0)
    values = _values(state.origin, state.labels)
    return np.array(state.info.frame.to_display(values), order="C")


def _count_job(state: LabelState) -> Job[OriginCounts]:
    yield Progress(0, 0)
    person = int(np.count_nonzero(state.origin == VoxelOrigin.PERSON))
    both = int(np.count_nonzero(state.origin == VoxelOrigin.BOTH))
    model = int(np.count_nonzero((state.origin == VoxelOrigin.MODEL) & (state.labels != 0)))
    return OriginCounts(model, person, both)
