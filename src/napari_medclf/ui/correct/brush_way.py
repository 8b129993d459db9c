"""Where napari's own brush went, so that what it painted over unchanged counts as confirmed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QTimer

from napari_medclf.domain.stroke import Stroke, StrokeKind
from napari_medclf.engine.correct.brush import Brush, paint
from napari_medclf.ui import viewer_link
from napari_medclf.ui.layer_book import LayerBook
from napari_medclf.ui.overlays import source_index

if TYPE_CHECKING:
    from napari_medclf.bridge.layer_info import LayerInfo
    from napari_medclf.domain.arrays import FloatArray
    from napari_medclf.ui.correct.label_state import LabelState

_KINDS = {"paint": StrokeKind.PAINT, "erase": StrokeKind.ERASE}


@dataclass(frozen=True, eq=False)
class _Way:
    """One drag of a brush: places (k, j, i) on the image's grid, the brush, and what it paints."""

    places: list[FloatArray]
    brush: Brush
    value: int
    kind: StrokeKind


class BrushWays(QObject):
    """Follows napari's brush on labels layers.

    napari 0.9 tells only of voxels that became different, and of nothing where none did; but a person who paints
    over what a model had right has said that it is right.

    Parameters
    ----------
    state_of : callable
        The state of a layer, as `Painting.state`.
    confirm : callable
        Makes a stroke of (layer, voxels, value, kind), as `Painting.apply`; called after a drag that changed nothing.
    """

    def __init__(
        self,
        state_of: Callable[[Any], LabelState | None],
        confirm: Callable[[Any, NDArray[np.int64], int, StrokeKind], object],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._state_of, self._confirm = state_of, confirm
        self._ways: LayerBook[_Way] = LayerBook()

    def watch(self, layer: Any) -> None:
        """Follow the brush on a labels layer of ours from now on."""
        layer.mouse_drag_callbacks.insert(0, self._on_drag)  # before napari's, which tells of the stroke at its end

    def let_go(self, layer: Any) -> None:
        """Follow it no longer."""
        self._ways.forget(layer)
        if self._on_drag in layer.mouse_drag_callbacks:
            layer.mouse_drag_callbacks.remove(self._on_drag)

    def widened(self, layer: Any, stroke: Stroke) -> Stroke:
        """Add to a stroke that is about to be made what its brush went over and found right."""
        way, state = self._take(layer), self._state_of(layer)
        if way is None or state is None or stroke.kind is not way.kind:
            return stroke
        found = np.setdiff1d(_right_under(state, way), stroke.voxels, assume_unique=True)
        voxels = np.concatenate([stroke.voxels, found])
        order = np.argsort(voxels, kind="stable")
        same = np.full(len(found), way.value)
        return replace(
            stroke,
            voxels=voxels[order],
            before=np.concatenate([stroke.before, same])[order],
            after=np.concatenate([stroke.after, same])[order],
        )

    def _on_drag(self, layer: Any, event: Any) -> Iterator[None]:
        info, kind = viewer_link.info_of(layer), _KINDS.get(str(layer.mode))
        if event.button != 1 or info is None or kind is None or len(event.dims_displayed) != 2:
            return
        value = 0 if kind is StrokeKind.ERASE else int(layer.selected_label)
        way = _Way([_place(layer, info, event)], _brush_of(layer, info, event), value, kind)
        self._ways.put(layer, way)
        yield
        while event.type == "mouse_move":
            way.places.append(_place(layer, info, event))
            yield
        QTimer.singleShot(0, lambda: self._after(layer, way))

    def _after(self, layer: Any, way: _Way) -> None:
        """Make a stroke of a drag that napari told nothing of."""
        state = self._state_of(layer)
        if self._ways.get(layer) is not way or state is None:
            return
        self._ways.forget(layer)
        voxels = _right_under(state, way)
        if len(voxels):
            self._confirm(layer, voxels, way.value, way.kind)

    def _take(self, layer: Any) -> _Way | None:
        way = self._ways.get(layer)
        self._ways.forget(layer)
        return way


def _right_under(state: LabelState, way: _Way) -> NDArray[np.int64]:
    """The voxels on the way that already had its value."""
    change = paint(state.labels, way.places, way.brush, way.value)
    return change.voxels[change.before == change.after]


def _brush_of(layer: Any, info: LayerInfo, event: Any) -> Brush:
    """The brush of napari, half a voxel smaller: what is confirmed was surely under it."""
    above = len(event.position) - layer.ndim  # axes of other layers, such as time
    shown = [at - above for at in event.dims_displayed]
    is_ball = layer.n_edit_dimensions > len(shown)
    steps = np.abs(np.asarray(layer.scale))
    step = float(steps.min() if is_ball else steps[shown].min())
    axis = None
    if not is_ball:
        axis = 0 if info.frame.is_flat else info.frame.order[({0, 1, 2} - set(shown)).pop()]
    radius = max(0.5 * step * (float(layer.brush_size) - 1), 0.01 * step)
    return Brush(radius, info.geometry.spacing, axis)


def _place(layer: Any, info: LayerInfo, event: Any) -> FloatArray:
    return source_index(layer, info, np.asarray(event.position, dtype=np.float64))
