"""Features of a part of an image, kept so that a last layer can be tried on them again and again."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.events import Job, Noted
from napari_medclf.domain.geometry import Shape3
from napari_medclf.engine.answers.checked import count_outputs
from napari_medclf.engine.background import in_background
from napari_medclf.engine.grid.crop import Box
from napari_medclf.engine.instant.features import FeatureNetwork, LastLayer, find_last_layers
from napari_medclf.engine.instant.part import Part, box_around, grown
from napari_medclf.engine.instant.scene import Scene
from napari_medclf.engine.instant.settings import InstantSettings
from napari_medclf.engine.planning.plan import PlanError, in_gb
from napari_medclf.free_memory import available_bytes

_USABLE = 0.4
"""Part of the free memory that features may take where nobody said how much."""
_LARGEST_HALF = 65504.0
_SMALLEST_REGION_VOX = 16


@dataclass(frozen=True, eq=False)
class FeatureCache:
    """Logits and features of a part of an image.

    Parameters
    ----------
    region : three (start, stop)
        The part, on the image's own grid.
    part : Part
        The same on the model grid, and the way home.
    logits : (C, K, J, I) float32
        What the network answers there, as logits of one member.
    features : (F, K, J, I) float16
        What its last layer makes them of.
    layers : tuple of LastLayer
        That layer; several of an ensemble, whose features follow each other; none where features are of the image.
    """

    scene: Scene
    region: Box
    part: Part
    logits: FloatArray
    features: NDArray[np.float16]
    layers: tuple[LastLayer, ...]

    @property
    def n_channels(self) -> int:
        """Channels of the network's answer."""
        return len(self.logits)

    @property
    def n_bytes(self) -> int:
        """What is kept in memory."""
        return self.logits.nbytes + self.features.nbytes


def fill_cache(scene: Scene, region: Box | None, settings: InstantSettings) -> Job[FeatureCache]:
    """Run a network once and keep its features.

    Parameters
    ----------
    region : three (start, stop) or None
        Of the image's grid; None takes all of it, or as much around the focus as there is memory for.

    Raises
    ------
    PlanError
        If there is no memory for a region that is worth it.
    GridError
        If the region does not lie in the image.
    """
    layers, n_features, n_channels = yield from in_background(partial(_probe, scene), "Looking for the last layer")
    per_vox = 4 * n_channels + 2 * n_features + 4 * (n_channels + n_features)
    chosen = _choose_region(scene, region, per_vox, settings)
    part = scene.part(chosen)
    note = "the whole image" if chosen == scene.whole else f"a part of {_size(chosen)} voxels"
    yield Noted(f"keeps {n_features} features of {note}: {in_gb(_bytes_of(part.shape, per_vox))}")
    sink = _Keep(scene, part.shape, n_channels, n_features, scene.axis_of(part.box))
    wide = grown(part.box, _halve(scene.window.tile), scene.grid.shape)
    yield from scene.run(FeatureNetwork(scene.model.network, layers), part.box, wide, sink)
    return FeatureCache(scene, chosen, part, sink.logits, sink.features, layers)


def _probe(scene: Scene) -> tuple[tuple[LastLayer, ...], int, int]:
    """Find the last layers, and count features and channels, on one small window."""
    window, spec = scene.window, scene.model.card.input
    n_channels = count_outputs(scene.model.card)
    generator = torch.Generator().manual_seed(0)
    for sizes in dict.fromkeys((_small(window.tile, spec.spatial_dims, window.divisible_by), window.tile)):
        inputs = torch.rand((1, len(spec.channels), *sizes[3 - spec.spatial_dims :]), generator=generator)
        inputs = inputs.to(scene.model.device)
        try:
            layers = find_last_layers(scene.model.network, inputs)
            answer = FeatureNetwork(scene.model.network, layers)(inputs)
        except Exception:  # noqa: BLE001, S112  (too small for its halvings, or of a fixed size)
            continue
        return layers, answer.shape[1] - n_channels * scene.model.card.output.n_members, n_channels
    raise PlanError(f"{scene.model.card.name} does not answer to a window of its own size.")


class _Keep:
    """A sink that keeps logits whole and features in half precision."""

    def __init__(self, scene: Scene, shape: Shape3, n_channels: int, n_features: int, axis: int) -> None:
        self.logits = np.empty((n_channels, *shape), np.float32)
        self.features = np.empty((n_features, *shape), np.float16)
        self._channels, self._n_members, self._axis = scene.channels, scene.model.card.output.n_members, axis

    def take(self, start: int, logits: FloatArray) -> None:
        """Take the next slab (members * C + F, K, J, I)."""
        n = len(self.logits) * self._n_members
        at: list[slice] = [slice(None)] * 4
        at[1 + self._axis] = slice(start, start + logits.shape[1 + self._axis])
        answer = logits[:n].reshape(self._n_members, -1, *logits.shape[1:]).mean(axis=0)
        self.logits[tuple(at)] = self._channels.logits(answer)
        self.features[tuple(at)] = np.clip(logits[n:], -_LARGEST_HALF, _LARGEST_HALF)


def _choose_region(scene: Scene, region: Box | None, per_vox: int, settings: InstantSettings) -> Box:
    free = settings.memory_bytes or int(_USABLE * available_bytes())
    wanted = scene.whole if region is None else region
    if _bytes_of(scene.part(wanted).shape, per_vox) <= free:
        return wanted
    if region is not None:
        raise PlanError(
            f"Features of this region take {in_gb(_bytes_of(scene.part(wanted).shape, per_vox))}, and {in_gb(free)} "
            "may be taken. Choose a smaller region, or close other programs."
        )
    shape = scene.image.geometry.shape
    focus = settings.focus or (shape[0] // 2, shape[1] // 2, shape[2] // 2)
    size = max(shape)
    while size > _SMALLEST_REGION_VOX:
        size = math.floor(size * 0.9)
        chosen = box_around(focus, (size, size, size), shape)
        if _bytes_of(scene.part(chosen).shape, per_vox) <= free:
            return chosen
    raise PlanError(f"There is no memory to keep features in: {in_gb(free)} may be taken. Close other programs.")


def _bytes_of(shape: Shape3, per_vox: int) -> int:
    return per_vox * math.prod(shape)


def _small(tile: Shape3, spatial_dims: int, divisible_by: int) -> Shape3:
    """A window that goes through a network in a moment."""
    step = max(divisible_by, 1)
    k, j, i = (min(n, math.ceil(32 / step) * step) for n in tile)
    return (1, j, i) if spatial_dims == 2 else (k, j, i)


def _halve(tile: Shape3) -> Shape3:
    return (tile[0] // 2, tile[1] // 2, tile[2] // 2)


def _size(box: Box) -> str:
    return " x ".join(str(stop - start) for start, stop in box)
