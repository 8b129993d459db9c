"""What is learned from strokes: how the last layer changes everywhere, as far as they speak for it, and near them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.domain.errors import GridError
from napari_medclf.engine.instant.across import Lesson
from napari_medclf.engine.instant.corrections import Corrections
from napari_medclf.engine.instant.evidence import Evidence, group_strokes
from napari_medclf.engine.instant.kept_voxels import KeptVoxels
from napari_medclf.engine.instant.near import Near, Strokes
from napari_medclf.engine.instant.regression import Change, Rows, fit_change
from napari_medclf.engine.instant.settings import InstantSettings
from napari_medclf.engine.instant.targets import ChannelTargets

_MOST_ANCHORS, _MOST_ROWS, _MOST_LESSON_VOX = 3000, 4000, 6000


@dataclass(frozen=True, eq=False)
class Learned:
    """What a refit leaves behind.

    Parameters
    ----------
    change : Change
        Of the last layer, everywhere in the image; for features on the common scale.
    near : Near or None
        What else holds near the strokes.
    n_corrections : int
        Voxels that it was learned from.
    strength : float
        From 0 (nothing changes everywhere) to 1 (the last layer is the refitted one).
    """

    change: Change
    near: Near | None = None
    n_corrections: int = 0
    strength: float = 0.0

    @property
    def is_none(self) -> bool:
        """Whether the network's own answer stays as it is."""
        return self.change.is_none and self.near is None


class Learner:
    """Learns from corrections of one image; begins each time where the last one ended."""

    def __init__(self, voxels: KeptVoxels, settings: InstantSettings) -> None:
        self._voxels, self._settings = voxels, settings
        self._full = self.nothing.change

    @property
    def nothing(self) -> Learned:
        """What is learned from no corrections."""
        return Learned(Change.none(len(self._voxels.cache.features), self._voxels.n_learned))

    def prepare(self) -> None:
        """Do ahead what the first refit would have to do, so that a person need not wait for it."""
        if self._settings.reach != "near":
            few = self._evidence.anchors  # learning nothing of them loads what learning needs
            fit_change(few, self._settings.stiffness, is_exclusive=self._voxels.is_exclusive)

    def learn(self, corrections: Corrections) -> Learned:
        """Learn from all corrections of the image; those outside of the region are left out.

        Raises
        ------
        SchemaError
            If a value is no class of the model.
        """
        voxels, settings = self._voxels, self._settings
        index, values = self._corrected(corrections)
        if not len(index):
            return self.nothing
        x, logits = voxels.rows_at(index)
        targets = voxels.cache.scene.channels.targets(values, logits)
        strength = self._learn_everywhere(self._stroke_rows(x, logits, targets, values), index, values)
        change = self._full.times(strength)
        strokes = Strokes(voxels.places(index), x, logits + change.of(x), targets)
        near = Near(strokes, settings.near_vox, settings.likeness, settings.margin, voxels.is_exclusive)
        return Learned(change, near, len(index), strength)

    def lesson(self, labels: LabelArray) -> Lesson:
        """Take a sample of the image, whose labels (K, J, I) are all right; see `InstantHead.lesson`."""
        cache = self._voxels.cache
        shape = cache.scene.image.geometry.shape
        if labels.shape != shape:
            raise GridError(f"Labels of {labels.shape} voxels do not fit an image of {shape}.")
        right = cache.scene.grid.forward_labels(labels)[cache.part.slices].ravel()
        index, share = _sample_by_value(right, self._settings.seed)
        places = np.stack(np.unravel_index(index, cache.part.shape), axis=1)
        x, logits = self._voxels.rows_at(places)
        targets = cache.scene.channels.targets(right[index], logits)
        weight = share[:, np.newaxis] * targets.is_known
        return Lesson(Rows(self._voxels.unscaled(x), logits, targets.right, weight), cache.layers)

    def _corrected(self, corrections: Corrections) -> tuple[NDArray[np.int64], LabelArray]:
        """Find corrected voxels of the cache, each once: index (N, 3) and values (N,)."""
        index, is_inside = self._voxels.locate(corrections.voxels)
        values = corrections.values[is_inside]
        if not len(index):
            return index, values
        flat = np.ravel_multi_index(tuple(index.T), self._voxels.cache.part.shape)
        _, last = np.unique(flat[::-1], return_index=True)  # the later one counts
        chosen = len(flat) - 1 - last
        return index[chosen], values[chosen]

    def _stroke_rows(self, x: FloatArray, logits: FloatArray, targets: ChannelTargets, values: LabelArray) -> Rows:
        weight = np.ones(len(values), np.float32)
        if self._settings.is_class_balanced:
            _, kind, counts = np.unique(values, return_inverse=True, return_counts=True)
            weight = (1 / counts[kind] / len(counts)).astype(np.float32)
        else:
            weight /= len(values)
        return Rows(x, logits, targets.right, weight[:, np.newaxis] * targets.is_known)

    def _learn_everywhere(self, painted: Rows, index: NDArray[np.int64], values: LabelArray) -> float:
        """Refit the last layer, and say how much of that the strokes themselves speak for."""
        settings = self._settings
        if settings.reach == "near":
            self._full = self.nothing.change
            return 0.0
        groups = group_strokes(index, values)
        places = np.ravel_multi_index(tuple(index.T), self._voxels.cache.part.shape)
        if len(painted) > _MOST_ROWS:
            chosen = np.random.default_rng(settings.seed).permutation(len(painted))[:_MOST_ROWS]
            painted, groups, places = painted.pick(chosen), groups[chosen], places[chosen]
        start = None if self._full.is_none else self._full
        rows, is_exclusive = painted + self._anchors, self._voxels.is_exclusive
        self._full = fit_change(rows, settings.stiffness, is_exclusive=is_exclusive, start=start)
        if settings.reach == "image":
            return 1.0
        return self._evidence.weigh(painted, groups, places, self._full)

    @cached_property
    def _evidence(self) -> Evidence:
        return Evidence(self._anchors, self._settings.stiffness, is_exclusive=self._voxels.is_exclusive)

    @cached_property
    def _anchors(self) -> Rows:
        """Unpainted voxels with the model's own answer, as many of each class as there are."""
        voxels, cache = self._voxels, self._voxels.cache
        winners = cache.logits[: voxels.n_learned].argmax(axis=0).ravel()
        rng = np.random.default_rng(self._settings.seed)
        each = _MOST_ANCHORS // voxels.n_learned
        picks = []
        for channel in range(voxels.n_learned):
            there = np.flatnonzero(winners == channel)
            picks.append(rng.choice(there, min(each, len(there)), replace=False))
        index = np.stack(np.unravel_index(np.concatenate(picks), cache.part.shape), axis=1)
        x, logits = voxels.rows_at(index)
        weight = np.full(logits.shape, self._settings.anchor / len(x), np.float32)
        return Rows(x, logits, voxels.probabilities(logits), weight)


def _sample_by_value(values: LabelArray, seed: int) -> tuple[NDArray[np.intp], FloatArray]:
    """Choose voxels of every value, and say which part of all voxels each stands for."""
    rng = np.random.default_rng(seed)
    kinds = np.unique(values)
    picks, shares = [], []
    for value in kinds:
        there = np.flatnonzero(values == value)
        n = min(len(there), _MOST_LESSON_VOX // len(kinds))
        picks.append(rng.choice(there, n, replace=False))
        shares.append(np.full(n, len(there) / n / len(values), np.float32))
    return np.concatenate(picks), np.concatenate(shares)
