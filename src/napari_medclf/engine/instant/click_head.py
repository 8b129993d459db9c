"""A network that was trained to take clicks, on one image: it is asked again around them."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.domain.errors import CardError, SchemaError
from napari_medclf.domain.events import Job
from napari_medclf.domain.geometry import Shape3
from napari_medclf.domain.image import MedImage
from napari_medclf.engine.clicks.draw import draw_clicks
from napari_medclf.engine.clicks.person import middle_of
from napari_medclf.engine.grid.crop import Box
from napari_medclf.engine.instant.cache import FeatureCache
from napari_medclf.engine.instant.corrections import Corrections
from napari_medclf.engine.instant.kept_voxels import KeptVoxels
from napari_medclf.engine.instant.learner import Learned
from napari_medclf.engine.instant.part import grown
from napari_medclf.engine.instant.refit import Refit
from napari_medclf.engine.instant.regression import Change
from napari_medclf.engine.instant.scene import Scene, open_scene
from napari_medclf.engine.instant.settings import InstantSettings
from napari_medclf.engine.instant.shown import Shown, SliceAnswer
from napari_medclf.engine.model import LoadedModel
from napari_medclf.engine.planning.plan import PlanError, in_gb
from napari_medclf.engine.restore.whole import WholeLogits
from napari_medclf.free_memory import available_bytes

_DEFAULT_SETTINGS = InstantSettings()
_USABLE = 0.4
"""Part of the free memory that logits and clicks may take."""
_MOST_CLICKS = 20
"""Of one class; smaller strokes than these are left out."""


class ClickHead:
    """A model with `InputSpec.clicks` on one image, or a part of it; made by `begin`.

    Every connected stroke counts as a click at its innermost voxel. Not to be used by two threads at once.
    """

    def __init__(self, scene: Scene, region: Box, logits: FloatArray) -> None:
        self._region, self._part = region, scene.part(region)
        self._scene, self._own = scene, logits
        self._shown = self._show(logits)

    @staticmethod
    def begin(
        model: LoadedModel,
        image: MedImage,
        region: Box | None = None,
        settings: InstantSettings = _DEFAULT_SETTINGS,
    ) -> Job[ClickHead]:
        """Ask the network for its answer without clicks.

        Parameters
        ----------
        region : three (start, stop) or None
            Box of the image's own grid, axes (k, j, i); None takes the whole image.

        Raises
        ------
        CardError
            If the network takes no clicks, or the image cannot be fed to it.
        PlanError
            If there is no memory for the answers.
        GridError
            If the region does not lie in the image.
        """
        if not model.card.input.clicks:
            raise CardError(f"{model.card.name} takes no clicks; ask its last layer (InstantHead).")
        scene = yield from open_scene(model, image, settings.is_mirrored)
        chosen = region or scene.whole
        _check_memory(scene, chosen)
        part = scene.part(chosen)
        return ClickHead(scene, chosen, (yield from _ask(scene, part.box)))

    @property
    def region(self) -> Box:
        """The box of the image, axes (k, j, i), that labels are given for."""
        return self._region

    @property
    def scene(self) -> Scene:
        """The prepared image, without clicks."""
        return self._scene

    @property
    def reach_vox(self) -> Shape3:
        """How far a click reaches, in voxels of the image along (k, j, i): half a window of the network."""
        grid, patch = self._scene.grid, self._window_vox
        reach_mm = max(n * step for n, step in zip(patch, grid.model.spacing, strict=True)) / 2
        geometry = self._scene.image.geometry
        reach = np.minimum(np.ceil(reach_mm / np.array(geometry.spacing)), geometry.shape).astype(int)
        k, j, i = reach.tolist()
        return (0, j, i) if geometry.is_flat else (k, j, i)

    def refit(self, corrections: Corrections) -> Refit:
        """Ask the network again around all that was said of this image.

        Raises
        ------
        SchemaError
            If a value is none that the network takes clicks of.
        """
        started = time.perf_counter()
        places, channels = self._clicks(corrections)
        if len(places):
            self._shown = self._show(_drain(self._answer(places, channels)))
        else:
            self._shown = self._show(self._own)
        return Refit(len(places), 0.0, time.perf_counter() - started)

    def slice_labels(self, axis: int, index: int) -> SliceAnswer:
        """Label one slice of the region; see `InstantHead.slice_labels`."""
        return self._shown.slice_labels(axis, index)

    def labels(self) -> LabelArray:
        """Label the region: (K, J, I) of its extent on the image's own grid."""
        return self._shown.labels()

    def labels_in(self, box: Box) -> LabelArray:
        """Label a box of the region; see `InstantHead.labels_in`."""
        return self._shown.labels_in(box)

    def chance_at(self, voxels: NDArray[np.int64], value: int) -> FloatArray:
        """Give the probability (N,) of a label value at voxels (N, 3) of the image; 0 outside of the region."""
        return self._shown.chance_at(voxels, value)

    @property
    def _window_vox(self) -> Shape3:
        """A window of the network on the model grid; one slice for networks of slices."""
        patch = self._scene.model.card.input.patch_vox
        k, j, i = (1,) * (3 - len(patch)) + tuple(patch)
        return k, j, i

    def _show(self, logits: FloatArray) -> Shown:
        features = np.zeros((0, *logits.shape[1:]), np.float16)
        voxels = KeptVoxels(FeatureCache(self._scene, self._region, self._part, logits, features, ()), 0)
        return Shown(voxels, Learned(Change.none(0, voxels.n_learned)))

    def _clicks(self, corrections: Corrections) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Make one click (index in the part, channel) of every connected group of voxels with one value."""
        index, is_inside = self._shown.voxels.locate(corrections.voxels)
        values = corrections.values[is_inside]
        if not len(index):
            return np.zeros((0, 3), np.int64), np.zeros(0, np.int64)
        corner = index.min(axis=0)
        said = np.full(tuple(index.max(axis=0) - corner + 1), -1, np.int32)
        said[tuple((index - corner).T)] = values  # the later one counts
        known = list(self._scene.model.card.input.clicks)
        places: list[tuple[int, ...]] = []
        channels: list[int] = []
        for value in np.unique(values).tolist():
            if value not in known:
                raise SchemaError(f"{self._scene.model.card.name} takes clicks of {known}, and not of {value}.")
            found = _middles(said == value)
            places += found
            channels += [known.index(value)] * len(found)
        return np.array(places, np.int64) + corner, np.array(channels, np.int64)

    def _answer(self, places: NDArray[np.int64], channels: NDArray[np.int64]) -> Job[FloatArray]:
        """Give the logits of the part, asked anew as far as the clicks reach."""
        spec, half = self._scene.model.card.input, tuple(n // 2 for n in self._window_vox)
        shape, start = self._scene.grid.shape, np.array([a for a, _ in self._part.box])
        at = places + start
        drawn = _draw(shape, at, channels, spec.spatial_dims, len(spec.clicks), spec.click_sigma_vox)
        k, j, i = ((int(low), int(high) + 1) for low, high in zip(at.min(axis=0), at.max(axis=0), strict=True))
        box = _within(grown((k, j, i), (half[0], half[1], half[2]), shape), self._part.box)
        prepared = replace(self._scene.prepared, data=np.concatenate([self._scene.prepared.data, drawn]))
        fresh = yield from _ask(replace(self._scene, prepared=prepared), box)
        logits = self._own.copy()
        inner = (slice(a - first, b - first) for (a, b), (first, _) in zip(box, self._part.box, strict=True))
        logits[(slice(None), *inner)] = fresh
        return logits


def _ask(scene: Scene, box: Box) -> Job[FloatArray]:
    """Run the network over a box of the model grid, and what lies around it: logits (C, K, J, I) of the box."""
    k, j, i = (stop - start for start, stop in box)
    whole = WholeLogits((k, j, i), scene.axis_of(box))
    half = tuple(n // 2 for n in scene.window.tile)
    wide = grown(box, (half[0], half[1], half[2]), scene.grid.shape)
    yield from scene.run(scene.model.network, box, wide, whole)
    return scene.channels.logits(whole.finish())


def _draw(
    shape: Shape3, places: NDArray[np.int64], channels: NDArray[np.int64], dims: int, n: int, sigma_vox: float
) -> FloatArray:
    """Draw clicks (n, K, J, I) as in training: of a network of slices on their own slice alone."""
    if dims == 3:
        return draw_clicks(shape, places, channels, n, sigma_vox)
    drawn = np.zeros((n, *shape), np.float32)
    for k in np.unique(places[:, 0]).tolist():
        there = places[:, 0] == k
        drawn[:, k] = draw_clicks(shape[1:], places[there, 1:], channels[there], n, sigma_vox)
    return drawn


def _middles(said: NDArray[np.bool_]) -> list[tuple[int, ...]]:
    """Find the innermost voxel of every connected group, or of the largest ones."""
    parts, _ = ndimage.label(said, np.ones((3, 3, 3)))
    boxes = ndimage.find_objects(parts)
    out = []
    for number in np.argsort(-np.bincount(parts.ravel())[1:], kind="stable")[:_MOST_CLICKS].tolist():
        box = boxes[number]
        inside = middle_of(np.pad(parts[box] == number + 1, 1))
        out.append(tuple(at - 1 + one.start for at, one in zip(inside, box, strict=True)))
    return out


def _within(box: Box, outer: Box) -> Box:
    k, j, i = ((max(a, c), min(b, d)) for (a, b), (c, d) in zip(box, outer, strict=True))
    return k, j, i


def _check_memory(scene: Scene, region: Box) -> None:
    part, spec = scene.part(region), scene.model.card.input
    n_vox, n_whole = int(np.prod(part.shape)), int(np.prod(scene.grid.shape))
    wanted = 4 * (3 * len(spec.clicks) * n_vox + (len(spec.channels) + 2 * len(spec.clicks)) * n_whole)
    if wanted > _USABLE * available_bytes():
        raise PlanError(
            f"To follow clicks here takes {in_gb(wanted)}, and {in_gb(available_bytes())} are free. Choose a smaller "
            "region."
        )


def _drain(job: Job[FloatArray]) -> FloatArray:
    """Run a job to its end."""
    while True:
        try:
            next(job)
        except StopIteration as end:
            found: FloatArray = end.value
            return found
