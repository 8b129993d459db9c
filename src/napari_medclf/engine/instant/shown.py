"""What is shown of a learned answer: labels of a slice or a box, and chances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.domain.errors import GridError
from napari_medclf.engine.grid.crop import Box
from napari_medclf.engine.instant.kept_voxels import KeptVoxels
from napari_medclf.engine.instant.learner import Learned
from napari_medclf.engine.instant.part import Part
from napari_medclf.engine.instant.restore import chance_of, labels_home, probability_home


class SliceAnswer(NamedTuple):
    """Labels of one slice of the region, and how probable they are (0 to 1, float32)."""

    labels: LabelArray
    probability: FloatArray


@dataclass(frozen=True, eq=False)
class Shown:
    """The answer of a network after what was learned."""

    voxels: KeptVoxels
    learned: Learned

    def slice_labels(self, axis: int, index: int) -> SliceAnswer:
        """Label one slice; see `InstantHead.slice_labels`."""
        cache = self.voxels.cache
        ends = list(cache.region)
        if not ends[axis][0] <= index < ends[axis][1]:
            raise GridError(f"The slice {index} of axis {axis} is not in the region, which has {ends[axis]}.")
        ends[axis] = (index, index + 1)
        part, card = cache.scene.part((ends[0], ends[1], ends[2])), cache.scene.logits_card
        logits = self._logits(part)
        labels = labels_home(logits, part.grid, card, part.grid.order.index(axis))
        probability = probability_home(logits, labels, part.grid, card)
        if labels.shape[axis] != 1:  # a grid that leans has no parts
            labels, probability = np.take(labels, [index], axis=axis), np.take(probability, [index], axis=axis)
        return SliceAnswer(labels.squeeze(axis), probability.squeeze(axis))

    def labels(self) -> LabelArray:
        """Label the region: (K, J, I) of its extent on the image's own grid."""
        region = self.voxels.cache.region
        return self._labels_of(region, is_whole=region == self.voxels.cache.scene.whole)

    def labels_in(self, box: Box) -> LabelArray:
        """Label a box of the region; see `InstantHead.labels_in`."""
        region = self.voxels.cache.region
        if not all(a <= c < d <= b for (a, b), (c, d) in zip(region, box, strict=True)):
            raise GridError(f"The box {box} is not in the region {region}.")
        return self._labels_of(box, is_whole=False)

    def chance_at(self, voxels: NDArray[np.int64], value: int) -> FloatArray:
        """Give the probability (N,) of a label value at voxels (N, 3) of the image; 0 outside of the region."""
        index, is_inside = self.voxels.locate(voxels)
        found = np.zeros(len(voxels), np.float32)
        x, logits = self.voxels.rows_at(index)
        logits += self.learned.change.of(x)
        if self.learned.near is not None:
            logits += self.learned.near.shift(self.voxels.places(index), x)
        chances = self.voxels.probabilities(logits)
        found[is_inside] = chance_of(chances, value, self.voxels.cache.scene.logits_card)
        return found

    def _labels_of(self, box: Box, *, is_whole: bool) -> LabelArray:
        scene = self.voxels.cache.scene
        part = scene.part(box)
        order = part.grid.order.index(0)
        return labels_home(self._logits(part), part.grid, scene.logits_card, order, is_whole=is_whole)

    def _logits(self, part: Part) -> FloatArray:
        """Give the changed logits (C, K, J, I) of a part of the image."""
        cache = self.voxels.cache
        start = [a - b for (a, _), (b, _) in zip(part.box, cache.part.box, strict=True)]
        box = tuple(slice(max(a, 0), a + n) for a, n in zip(start, part.shape, strict=True))
        logits = cache.logits[(slice(None), *box)].copy()
        if not self.learned.change.is_none:
            self._add_change(logits, cache.features[(slice(None), *box)])
        if self.learned.near is not None:
            self._add_near(logits, np.array([one.start for one in box]))
        return logits

    def _add_change(self, logits: FloatArray, features: NDArray[np.float16]) -> None:
        raw = self.voxels.unscaled_change(self.learned.change)
        flat = logits.reshape(len(logits), -1)
        flat[: self.voxels.n_learned] += (
            raw.slope.T @ features.reshape(len(features), -1).astype(np.float32) + raw.shift[:, np.newaxis]
        )

    def _add_near(self, logits: FloatArray, corner: NDArray[np.int64]) -> None:
        """Add what holds near strokes to a part whose first voxel is `corner` of the cache."""
        near, voxels = self.learned.near, self.voxels
        assert near is not None
        k, j, i = (int(one) for one in corner)
        marked = near.mark(logits.shape[1:], (k, j, i), voxels.steps)
        index = np.argwhere(marked) + corner
        if len(index):
            x = voxels.features_at(index)
            flat = logits.reshape(len(logits), -1)
            flat[: voxels.n_learned, marked.ravel()] += near.shift(voxels.places(index), x).T
