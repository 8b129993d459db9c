"""Bring the most probable class home without bringing every class home."""

from __future__ import annotations

import numpy as np

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.engine.grid.grid_map import GridMap
from napari_medclf.engine.grid.home_axis import Index
from napari_medclf.engine.restore.between import Room, decide_many, decide_pairs
from napari_medclf.engine.restore.candidates import Logits, find_alive, find_pairs, list_alive
from napari_medclf.engine.restore.cells import Cells, find_cells, span_labels
from napari_medclf.engine.restore.dense import first_largest
from napari_medclf.engine.restore.rank import Ranking, label_type, rank
from napari_medclf.engine.restore.stream import LayerSink

# Logits at corners that are looked at together.
_BATCH_VALUES = 2**20
_CANDIDATE_STEPS = np.array([2, 3, 4, 6, 8, 12, 16, 24, 40, 80])
# A half-precision number is at most this part of itself away from what was rounded, on both sides of a comparison.
_HALF_SLACK = 2.0**-9
# Work on a cell's corner and on one of its new voxels, a class, over that on a voxel where all classes are
# interpolated row by row (measured on one core).
_CORNER_COST, _VOXEL_COST = 6.0, 2.0


class ArgmaxHome(LayerSink):
    """The most probable class of every voxel, on the source grid.

    Parameters
    ----------
    grid : GridMap
        The way home.
    n_classes : int
        Channels of the logits.
    axis : int
        Model axis along which slabs follow each other; source slices are written in one piece where it is theirs.
    is_half : bool
        Round what was interpolated to half precision before it is compared, as nnU-Net does: ties go to the first
        class.

    Notes
    -----
    `finish` gives the index of the class, uint8 or uint16: that of interpolating the logits of every class (trilinear,
    half-pixel centres, edges repeated) and taking the arg-max. An interpolated logit is a mean of those at the corners
    of the model cell around it. Where one class is the largest at all corners, it is so everywhere between: only cells
    whose corners disagree are interpolated, and of their classes only those that can win. Logits must be finite.
    """

    def __init__(self, grid: GridMap, n_classes: int, axis: int = 0, *, is_half: bool = False) -> None:
        super().__init__(grid, n_classes, axis, label_type(n_classes))
        self._is_half = is_half
        self._slack = _HALF_SLACK if is_half else 0.0

    def fill(self, planes: FloatArray, first_layer: int, n_layers: int) -> None:
        """Label the new voxels that lie in some layers."""
        new = self.axes[0].span(first_layer, n_layers)
        with self.landing.open(new) as block:
            if not any(axis.is_between for axis in self.axes):
                self._copy(block, first_largest(planes), first_layer)
                return
            ranking = rank(planes)
            span = span_labels(ranking.best, self.axes)
            self._copy(block, span[0], first_layer)
            undecided = np.flatnonzero(span[0] != span[1])
            if len(undecided) == 0:
                return
            cells = find_cells(undecided, span[0].shape, first_layer, self.axes, planes.shape[2:])
            room = Room(block, new.start, self.axes)
            pair = (span[0].reshape(-1)[undecided], span[1].reshape(-1)[undecided])
            rest = self._decide_pairs(room, planes, ranking, cells, pair)
            if self._is_dense_faster(planes, ranking, cells, rest, block.size):
                self._interpolate_all(room, planes, first_layer, n_layers)
                return
            n_cells = max(1, _BATCH_VALUES // (len(planes) * len(cells.corner)))
            for start in range(0, len(rest), n_cells):
                self._decide_some(room, planes, ranking, cells.some(rest[start : start + n_cells]))

    def _copy(self, block: LabelArray, labels: LabelArray, first_layer: int) -> None:
        """Give every new voxel the class of its cell."""
        along, rows, columns = self.axes
        wide = labels.take(columns.cell, axis=2)
        new = along.span(first_layer, len(labels))
        for plane, cell in zip(block, along.cell[new], strict=True):
            wide[cell - first_layer].take(rows.cell, axis=0, out=plane, mode="clip")

    def _decide_pairs(
        self, room: Room, planes: FloatArray, ranking: Ranking, cells: Cells, pair: tuple[LabelArray, LabelArray]
    ) -> Index:
        """Label cells in which two classes compete; give the others."""
        is_pair, low, high = find_pairs(Logits.of(planes), cells.corner, pair, ranking, slack=self._slack)
        chosen = np.flatnonzero(is_pair)
        few, low, high = cells.some(chosen), low[:, chosen], high[:, chosen]
        names = (pair[0][chosen], pair[1][chosen])
        if self._is_half:
            decide_many(room, few, np.stack(names), np.stack([low, high]), is_half=True)
        else:
            decide_pairs(room, few, names, high - low)
        return np.flatnonzero(~is_pair)

    def _decide_some(self, room: Room, planes: FloatArray, ranking: Ranking, cells: Cells) -> None:
        values = self._values(planes, cells)
        alive = find_alive(values, ranking.best.reshape(-1)[cells.corner], slack=self._slack)
        group = np.searchsorted(_CANDIDATE_STEPS, alive.sum(axis=0))
        for number in np.unique(group):
            chosen = np.flatnonzero(group == number)
            classes = list_alive(alive, chosen)
            corners = np.arange(len(cells.corner))[:, np.newaxis]
            few = values[classes[:, np.newaxis], corners, chosen]
            decide_many(room, cells.some(chosen), classes, few, is_half=self._is_half)

    def _values(self, planes: FloatArray, cells: Cells) -> FloatArray:
        classes = np.arange(len(planes)).reshape(-1, 1, 1)
        return Logits.of(planes).take(classes, cells.corner)

    def _is_dense_faster(self, planes: FloatArray, ranking: Ranking, cells: Cells, rest: Index, n_new_vox: int) -> bool:
        """Estimate the work from some of the cells."""
        if len(rest) * len(cells.corner) * _CORNER_COST < n_new_vox / 2:
            return False
        few = cells.some(rest[:: len(rest) // 256 + 1])
        alive = find_alive(self._values(planes, few), ranking.best.reshape(-1)[few.corner], slack=self._slack)
        voxels = few.count[0] * few.count[1] * few.count[2]
        work = len(planes) * len(few.corner) * _CORNER_COST + float((alive.sum(axis=0) * voxels).mean()) * _VOXEL_COST
        return len(rest) * work > n_new_vox * len(planes)

    def _interpolate_all(self, room: Room, planes: FloatArray, first_layer: int, n_layers: int) -> None:
        for plane, rows, values in self.dense.iter_rows(planes, first_layer, n_layers):
            room.labels[plane - room.first_plane, rows] = first_largest(
                values.astype(np.float16) if self._is_half else values
            )
