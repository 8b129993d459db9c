"""The instant head: strokes change a network's last layer in tens of milliseconds, on features that are kept."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import CardError, GridError
from napari_medclf.domain.events import Job
from napari_medclf.domain.geometry import Shape3
from napari_medclf.domain.image import MedImage
from napari_medclf.engine.grid.crop import Box
from napari_medclf.engine.instant.across import Lesson
from napari_medclf.engine.instant.adapted import adapt_model
from napari_medclf.engine.instant.cache import FeatureCache, fill_cache
from napari_medclf.engine.instant.corrections import Corrections
from napari_medclf.engine.instant.evidence import Evidence, group_strokes
from napari_medclf.engine.instant.near import REACH, Near, Strokes
from napari_medclf.engine.instant.part import Part, to_model
from napari_medclf.engine.instant.regression import Change, Rows, fit_change
from napari_medclf.engine.instant.restore import chance_of, labels_home, probability_home
from napari_medclf.engine.instant.scene import Scene, open_scene
from napari_medclf.engine.instant.settings import InstantSettings
from napari_medclf.engine.instant.targets import ChannelTargets
from napari_medclf.engine.model import LoadedModel

_DEFAULT_SETTINGS = InstantSettings()
_MOST_ANCHORS, _MOST_ROWS, _MOST_LESSON_VOX = 3000, 4000, 6000


@dataclass(frozen=True)
class Refit:
    """What a refit did.

    Parameters
    ----------
    n_corrections : int
        Voxels of the model's grid that a person spoke of, inside of the region.
    strength : float
        From 0 (only what lies near the strokes changes) to 1 (the last layer changes everywhere in the image).
    elapsed_s : float
        Wall time.
    """

    n_corrections: int
    strength: float
    elapsed_s: float


class SliceAnswer(NamedTuple):
    """Labels of one slice of the region, and how probable they are (0 to 1, float32)."""

    labels: LabelArray
    probability: FloatArray


@dataclass(frozen=True, eq=False)
class _Learned:
    """What the last refit left behind."""

    change: Change
    near: Near | None = None


class InstantHead:
    """A model's last layer on one image, or a part of it, that follows what a person paints; made by `begin`.

    Not to be used by two threads at once.
    """

    def __init__(self, cache: FeatureCache, settings: InstantSettings) -> None:
        self._cache, self._settings = cache, settings
        self._is_exclusive = cache.scene.channels.is_exclusive
        self._n_learned = cache.scene.channels.n_learned or cache.n_channels
        self._learned = _Learned(Change.none(len(cache.features), self._n_learned))
        self._full = self._learned.change
        self._mean, self._scale = _common_scale(cache.features, settings.seed)

    @staticmethod
    def begin(
        model: LoadedModel,
        image: MedImage,
        region: Box | None = None,
        settings: InstantSettings = _DEFAULT_SETTINGS,
    ) -> Job[InstantHead]:
        """Run the network once and keep what it computes before its last layer.

        Parameters
        ----------
        region : three (start, stop) or None
            Box of the image's own grid, axes (k, j, i); None takes the whole image, or, where memory is short, as much
            as there is room for around `InstantSettings.focus`.

        Raises
        ------
        CardError
            If the model labels no voxels, or the image cannot be fed to it.
        PlanError
            If there is no memory for the features.
        GridError
            If the region does not lie in the image.
        """
        if model.card.task not in (Task.SEGMENT, Task.INSTANCES):
            raise CardError(f"{model.card.name} is made to {model.card.task}; an instant head labels voxels.")
        scene = yield from open_scene(model, image, settings.is_mirrored)
        cache = yield from fill_cache(scene, region, settings)
        return InstantHead(cache, settings)

    @property
    def region(self) -> Box:
        """The box of the image, axes (k, j, i), that labels are given for."""
        return self._cache.region

    @property
    def n_bytes(self) -> int:
        """What is kept in memory."""
        return self._cache.n_bytes

    @property
    def scene(self) -> Scene:
        """The prepared image, for `local.reinfer`."""
        return self._cache.scene

    @property
    def is_of_last_layer(self) -> bool:
        """Whether features are those of the network's last layer; else they are of the image and the answer."""
        return bool(self._cache.layers)

    def refit(self, corrections: Corrections) -> Refit:
        """Learn from all corrections of this image so far; earlier refits only speed this up.

        Parameters
        ----------
        corrections : Corrections
            All of them, not only the last stroke's. Those outside of the region are left out; none brings the model's
            own answer back.

        Raises
        ------
        SchemaError
            If a value is no class of the model.
        """
        started = time.perf_counter()
        index, values = self._locate(corrections)
        if not len(index):
            self._learned = _Learned(Change.none(len(self._cache.features), self._n_learned))
            return Refit(0, 0.0, time.perf_counter() - started)
        x, logits = self._rows_at(index)
        targets = self._cache.scene.channels.targets(values, logits)
        painted = self._stroke_rows(x, logits, targets, values)
        strength = self._learn_everywhere(painted, group_strokes(index, values), index)
        change = self._full.times(strength)
        places = self._places(index)
        strokes = Strokes(places, x, logits + change.of(x), targets)
        settings = self._settings
        near = Near(strokes, settings.near_vox, settings.likeness, settings.margin, self._is_exclusive)
        self._learned = _Learned(change, near)
        return Refit(len(index), strength, time.perf_counter() - started)

    def slice_labels(self, axis: int, index: int) -> SliceAnswer:
        """Label one slice of the region.

        Parameters
        ----------
        axis : int
            0, 1 or 2 of the image's own grid (k, j, i).
        index : int
            On the image's own grid.

        Returns
        -------
        labels, probability
            2D arrays of the region's extent along the two other axes. Objects of an instance model are numbered on
            this slice alone.

        Raises
        ------
        GridError
            If the slice is not in the region.
        """
        ends = list(self.region)
        if not ends[axis][0] <= index < ends[axis][1]:
            raise GridError(f"The slice {index} of axis {axis} is not in the region, which has {ends[axis]}.")
        ends[axis] = (index, index + 1)
        part, card = self._part((ends[0], ends[1], ends[2])), self._cache.scene.logits_card
        logits = self._logits(part)
        labels = labels_home(logits, part.grid, card, part.grid.order.index(axis))
        probability = probability_home(logits, labels, part.grid, card)
        if labels.shape[axis] != 1:  # a grid that leans has no parts
            labels, probability = np.take(labels, [index], axis=axis), np.take(probability, [index], axis=axis)
        return SliceAnswer(labels.squeeze(axis), probability.squeeze(axis))

    def labels(self) -> LabelArray:
        """Label the region: (K, J, I) of its extent on the image's own grid."""
        return self._labels_of(self.region, is_whole=self.region == self._cache.scene.whole)

    def labels_in(self, box: Box) -> LabelArray:
        """Label a box of the region.

        Raises
        ------
        GridError
            If it is not in the region.
        """
        if not all(a <= c < d <= b for (a, b), (c, d) in zip(self.region, box, strict=True)):
            raise GridError(f"The box {box} is not in the region {self.region}.")
        return self._labels_of(box, is_whole=False)

    def chance_at(self, voxels: NDArray[np.int64], value: int) -> FloatArray:
        """Give the probability (N,) of a label value at voxels (N, 3) of the image; 0 outside of the region."""
        cache = self._cache
        index = to_model(cache.scene.grid, voxels) - np.array([a for a, _ in cache.part.box])
        is_inside = ((index >= 0) & (index < np.array(cache.part.shape))).all(axis=1)
        found = np.zeros(len(voxels), np.float32)
        x, logits = self._rows_at(index[is_inside])
        learned = self._learned
        logits += learned.change.of(x)
        if learned.near is not None:
            logits += learned.near.shift(self._places(index[is_inside]), x)
        chances = self._probabilities(logits)
        found[is_inside] = chance_of(chances, value, cache.scene.logits_card)
        return found

    @property
    def reach_vox(self) -> Shape3:
        """How far a stroke reaches, in voxels of the image along (k, j, i)."""
        scene = self._cache.scene
        finest = min(scene.grid.model.spacing) * self._settings.near_vox * REACH
        k, j, i = (int(np.ceil(finest / one)) for one in scene.image.geometry.spacing)
        return (0, j, i) if scene.image.geometry.is_flat else (k, j, i)

    def adapted_model(self) -> LoadedModel:
        """Give the model with what was learned for the whole image; what holds near strokes only is not in it."""
        return adapt_model(self._cache.scene.model, self._cache.layers, self._raw_change)

    def lesson(self, labels: LabelArray) -> Lesson:
        """Take a sample of an image whose labels are all right, for `learn_from`.

        Parameters
        ----------
        labels : (K, J, I) integer
            Of the whole image, as a person accepted them.

        Raises
        ------
        GridError
            If they are of another shape.
        SchemaError
            If a value is no class of the model.
        """
        shape = self._cache.scene.image.geometry.shape
        if labels.shape != shape:
            raise GridError(f"Labels of {labels.shape} voxels do not fit an image of {shape}.")
        box = self._cache.part.slices
        right = self._cache.scene.grid.forward_labels(labels)[box].ravel()
        index, share = _sample_by_value(right, self._settings.seed)
        places = np.stack(np.unravel_index(index, self._cache.part.shape), axis=1)
        x, logits = self._rows_at(places)
        targets = self._cache.scene.channels.targets(right[index], logits)
        rows = Rows(x * self._scale + self._mean, logits, targets.right, share[:, np.newaxis] * targets.is_known)
        return Lesson(rows, self._cache.layers)

    def _labels_of(self, box: Box, *, is_whole: bool) -> LabelArray:
        part, card = self._part(box), self._cache.scene.logits_card
        return labels_home(self._logits(part), part.grid, card, part.grid.order.index(0), is_whole=is_whole)

    def _part(self, box: Box) -> Part:
        return self._cache.scene.part(box)

    def _locate(self, corrections: Corrections) -> tuple[NDArray[np.int64], LabelArray]:
        """Find corrected voxels of the cache, each once: index (N, 3) and values (N,)."""
        box = np.array(self._cache.part.box)
        voxels = to_model(self._cache.scene.grid, corrections.voxels)
        is_inside = ((voxels >= box[:, 0]) & (voxels < box[:, 1])).all(axis=1)
        index, values = voxels[is_inside] - box[:, 0], corrections.values[is_inside]
        if not len(index):
            return index, values
        flat = np.ravel_multi_index(tuple(index.T), self._cache.part.shape)
        _, last = np.unique(flat[::-1], return_index=True)  # the later one counts
        chosen = len(flat) - 1 - last
        return index[chosen], values[chosen]

    def _rows_at(self, index: NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
        """Features on a common scale (N, F) and the network's own logits (N, C) at voxels (N, 3) of the cache."""
        at = (slice(None), *index.T)
        x = (self._cache.features[at].T.astype(np.float32) - self._mean) / self._scale
        return x, self._cache.logits[at].T[:, : self._n_learned].copy()

    def _stroke_rows(self, x: FloatArray, logits: FloatArray, targets: ChannelTargets, values: LabelArray) -> Rows:
        weight = np.ones(len(values), np.float32)
        if self._settings.is_class_balanced:
            _, kind, counts = np.unique(values, return_inverse=True, return_counts=True)
            weight = (1 / counts[kind] / len(counts)).astype(np.float32)
        else:
            weight /= len(values)
        return Rows(x, logits, targets.right, weight[:, np.newaxis] * targets.is_known)

    def _learn_everywhere(self, painted: Rows, groups: NDArray[np.int64], index: NDArray[np.int64]) -> float:
        """Refit the last layer, and say how much of that the strokes themselves speak for."""
        if self._settings.reach == "near":
            self._full = Change.none(painted.x.shape[1], self._n_learned)
            return 0.0
        places = np.ravel_multi_index(tuple(index.T), self._cache.part.shape)
        if len(painted) > _MOST_ROWS:
            chosen = np.random.default_rng(self._settings.seed).permutation(len(painted))[:_MOST_ROWS]
            painted, groups, places = painted.pick(chosen), groups[chosen], places[chosen]
        start = None if self._full.is_none else self._full
        rows, stiffness = painted + self._anchors, self._settings.stiffness
        self._full = fit_change(rows, stiffness, is_exclusive=self._is_exclusive, start=start)
        if self._settings.reach == "image":
            return 1.0
        return self._evidence.weigh(painted, groups, places, self._full)

    @cached_property
    def _evidence(self) -> Evidence:
        return Evidence(self._anchors, self._settings.stiffness, is_exclusive=self._is_exclusive)

    @cached_property
    def _anchors(self) -> Rows:
        """Unpainted voxels with the model's own answer, as many of each class as there are."""
        winners = self._cache.logits[: self._n_learned].argmax(axis=0).ravel()
        rng = np.random.default_rng(self._settings.seed)
        each = _MOST_ANCHORS // self._n_learned
        picks = []
        for channel in range(self._n_learned):
            there = np.flatnonzero(winners == channel)
            picks.append(rng.choice(there, min(each, len(there)), replace=False))
        index = np.stack(np.unravel_index(np.concatenate(picks), self._cache.part.shape), axis=1)
        x, logits = self._rows_at(index)
        weight = np.full(logits.shape, self._settings.anchor / len(x), np.float32)
        return Rows(x, logits, self._probabilities(logits), weight)

    def _probabilities(self, logits: FloatArray) -> FloatArray:
        if not self._is_exclusive:
            return np.asarray(1 / (1 + np.exp(-np.clip(logits, -80, 80))), dtype=np.float32)
        parts = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(parts / parts.sum(axis=1, keepdims=True))

    @property
    def _raw_change(self) -> Change:
        """The change as weights for features as the network gives them."""
        change = self._learned.change
        slope = change.slope / self._scale[:, np.newaxis]
        return Change(slope, change.shift - self._mean @ slope)

    @cached_property
    def _steps(self) -> tuple[float, float, float]:
        """How long a model voxel is along each axis, in voxels of the finest one."""
        spacing = self._cache.scene.grid.model.spacing
        k, j, i = (one / min(spacing) for one in spacing)
        return k, j, i

    def _places(self, index: NDArray[np.int64]) -> FloatArray:
        return np.asarray(index * np.array(self._steps), dtype=np.float32)

    def _logits(self, part: Part) -> FloatArray:
        """Give the changed logits (C, K, J, I) of a part of the image."""
        cache = self._cache
        start = [a - b for (a, _), (b, _) in zip(part.box, cache.part.box, strict=True)]
        box = tuple(slice(max(a, 0), a + n) for a, n in zip(start, part.shape, strict=True))
        logits = cache.logits[(slice(None), *box)].copy()
        learned, n = self._learned, self._n_learned
        if learned.change.is_none and learned.near is None:
            return logits
        features = cache.features[(slice(None), *box)]
        flat = logits.reshape(len(logits), -1)
        if not learned.change.is_none:
            raw = self._raw_change
            flat[:n] += raw.slope.T @ features.reshape(len(features), -1).astype(np.float32) + raw.shift[:, np.newaxis]
        if learned.near is not None:
            k, j, i = (one.start for one in box)
            marked = learned.near.mark(logits.shape[1:], (k, j, i), self._steps)
            index = np.argwhere(marked)
            if len(index):
                x = (features[(slice(None), *index.T)].T.astype(np.float32) - self._mean) / self._scale
                flat[:n, marked.ravel()] += learned.near.shift(self._places(index + np.array([k, j, i])), x).T
        return logits


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


def _common_scale(features: NDArray[np.float16], seed: int) -> tuple[FloatArray, FloatArray]:
    """Mean and deviation (F,) of each feature, from a sample of voxels."""
    flat = features.reshape(len(features), -1)
    chosen = np.random.default_rng(seed).integers(flat.shape[1], size=min(flat.shape[1], 20_000))
    sample = flat[:, chosen].astype(np.float32)
    deviation = sample.std(axis=1)
    return sample.mean(axis=1), np.where(deviation > 1e-6, deviation, 1).astype(np.float32)
