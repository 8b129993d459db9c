"""Labels that change stroke by stroke, with who each voxel comes from."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import LabelArray
from napari_medclf.domain.errors import GridError
from napari_medclf.domain.origin_rule import origins_after
from napari_medclf.domain.stroke import Stroke, StrokeKind
from napari_medclf.domain.voxel_origin import OriginMap, VoxelOrigin

_MOST_UNDO = 100  # napari keeps as many


@dataclass(frozen=True, eq=False)
class _Done:
    """A stroke that can be taken back, with what its voxels were before it."""

    stroke: Stroke
    origin: NDArray[np.uint8]
    model: NDArray[Any] | None


class Corrected:
    """Labels under correction: their values, who each voxel comes from, and what the newest model says.

    The window applies every stroke to one of these as it is made, a replay applies the journal's: both end the same.

    Parameters
    ----------
    labels : (K, J, I) integer
        What painting begins with; copied.
    origin : (K, J, I) uint8 or None
        Values of `VoxelOrigin`; None for labels nobody touched.
    model_labels : (K, J, I) integer or None
        What the model says; None where no model has spoken. Copied.
    """

    def __init__(
        self, labels: LabelArray, origin: OriginMap | None = None, model_labels: LabelArray | None = None
    ) -> None:
        self.labels: NDArray[Any] = np.array(labels, order="C")
        self.origin: OriginMap = _copy_of(origin, self.labels.shape)
        self.model_labels = None if model_labels is None else np.array(model_labels, order="C")
        self._done: deque[_Done] = deque(maxlen=_MOST_UNDO)
        self._undone: deque[_Done] = deque(maxlen=_MOST_UNDO)

    def apply(self, stroke: Stroke) -> None:
        """Make one stroke; values that do not fit the labels' type widen it. A model's leaves locked voxels alone.

        Raises
        ------
        GridError
            If it lies outside of the labels.
        """
        voxels = stroke.voxels
        if len(stroke) and not 0 <= int(voxels.min()) <= int(voxels.max()) < self.labels.size:
            raise GridError(f"A stroke lies outside of the labels of shape {self.labels.shape}.")
        self._make_room(stroke.after)
        done = self._state_at(stroke)
        if stroke.kind is StrokeKind.MODEL:  # its window may not have seen yet what a person painted in another one
            is_free = done.origin == VoxelOrigin.MODEL
            self.labels.reshape(-1)[voxels[is_free]] = stroke.after[is_free]
        else:
            self.labels.reshape(-1)[voxels] = stroke.after
        self._set_origin(stroke, done)

    def hear(self, said: Stroke) -> None:
        """Remember what a model says now at some voxels; labels and origins stay.

        Where no model had spoken, it said 0 everywhere else.
        """
        if self.model_labels is None:
            self.model_labels = np.zeros_like(self.labels)
        self._make_room(said.after)
        self.model_labels.reshape(-1)[said.voxels] = said.after

    def _set_origin(self, stroke: Stroke, now: _Done) -> None:
        if stroke.kind is StrokeKind.UNDO and (earlier := _taken_back(stroke, self._done)):
            self._bring_back(earlier, now, self._undone)
            return
        if stroke.kind is StrokeKind.REDO and (earlier := _taken_back(stroke, self._undone)):
            self._bring_back(earlier, now, self._done)
            return
        if stroke.kind is StrokeKind.MODEL and self.model_labels is not None:
            self.model_labels.reshape(-1)[stroke.voxels] = stroke.after
        said = None if self.model_labels is None else self.model_labels.reshape(-1)[stroke.voxels]
        self.origin.reshape(-1)[stroke.voxels] = origins_after(stroke, now.origin, said)
        self._done.append(now)
        self._undone.clear()

    def _bring_back(self, earlier: _Done, now: _Done, others: deque[_Done]) -> None:
        self.origin.reshape(-1)[earlier.stroke.voxels] = earlier.origin
        if self.model_labels is not None and earlier.model is not None:
            self.model_labels.reshape(-1)[earlier.stroke.voxels] = earlier.model
        others.append(now)

    def _state_at(self, stroke: Stroke) -> _Done:
        said = None if self.model_labels is None else self.model_labels.reshape(-1)[stroke.voxels]
        return _Done(stroke, self.origin.reshape(-1)[stroke.voxels], said)

    def _make_room(self, values: NDArray[np.integer[Any]]) -> None:
        """Widen the labels for an instance number that a small type cannot hold."""
        needed = int(values.max(initial=0))
        for name in ("labels", "model_labels"):
            array = getattr(self, name)
            if array is not None and needed > np.iinfo(array.dtype).max:
                setattr(self, name, array.astype(np.min_scalar_type(needed)))


def _taken_back(undo: Stroke, history: deque[_Done]) -> _Done | None:
    """Take out the newest stroke whose voxels this one sets back to what they were.

    It need not be the last one: another person's stroke may have come between.
    """
    for one in reversed(history):
        if _takes_back(undo, one.stroke):
            history.remove(one)
            return one
    return None


def _takes_back(undo: Stroke, done: Stroke) -> bool:
    if len(undo) != len(done):
        return False
    return np.array_equal(undo.voxels, done.voxels) and np.array_equal(undo.after, done.before)


def _copy_of(origin: OriginMap | None, shape: tuple[int, ...]) -> OriginMap:
    if origin is None:
        return np.zeros(shape, dtype=np.uint8)
    if origin.shape != shape:
        raise GridError(f"The origins have the shape {origin.shape}, the labels {shape}.")
    return np.array(origin, dtype=np.uint8, order="C")
