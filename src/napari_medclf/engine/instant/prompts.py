"""Clicks, boxes and scribbles as corrections of a head."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import LabelArray
from napari_medclf.domain.errors import GridError
from napari_medclf.domain.geometry import Geometry, Shape3
from napari_medclf.engine.grid.crop import Box
from napari_medclf.engine.instant.corrections import Corrections
from napari_medclf.engine.instant.label_head import LabelHead
from napari_medclf.engine.instant.part import grown
from napari_medclf.engine.instant.refit import Refit

_MIDDLE = 0.5
"""Part of a box, along each axis, in which the object is looked for."""


@dataclass(frozen=True)
class Click:
    """A place that belongs to a class, or to none.

    Parameters
    ----------
    index : (k, j, i)
        On the image's own grid.
    value : int
        Label value of the class for a positive click; 0 for a negative one.
    radius : float
        Of the ball that is meant, in mm (px where the image has none); only the voxel itself below half a voxel.
    """

    index: Shape3
    value: int
    radius: float = 0.0

    def corrections(self, head: LabelHead) -> Corrections:
        """Say which voxels that is."""
        geometry = head.scene.image.geometry
        voxels = _ball(np.array([self.index], dtype=np.float64), self.radius, geometry)
        return Corrections(voxels, np.full(len(voxels), self.value, np.int64))


@dataclass(frozen=True)
class Scribble:
    """A line drawn over a class, or over what is background.

    Parameters
    ----------
    points : sequence of (k, j, i)
        On the image's own grid, joined by straight lines.
    value, radius : int, float
        As of a `Click`.
    """

    points: Sequence[tuple[float, float, float]]
    value: int
    radius: float = 0.0

    def corrections(self, head: LabelHead) -> Corrections:
        """Say which voxels that is."""
        voxels = _ball(_along(np.array(self.points, dtype=np.float64)), self.radius, head.scene.image.geometry)
        return Corrections(voxels, np.full(len(voxels), self.value, np.int64))


@dataclass(frozen=True)
class BoxPrompt:
    """A box that holds an object of a class, tightly; around it there is none.

    Parameters
    ----------
    box : three (start, stop)
        On the image's own grid, axes (k, j, i).
    value : int
        Label value of the class.

    Notes
    -----
    What the model itself labels outside of the box, but touching it, is said to be background in a rim of two voxels;
    inside, in the middle half of the box along each axis, the half that the model finds likeliest is said to be of the
    class (as GrabCut begins with a box, Rother 2004, with the model in the place of colours).
    """

    box: Box
    value: int

    def corrections(self, head: LabelHead) -> Corrections:
        """Say which voxels that is."""
        shape = head.scene.image.geometry.shape
        rim = tuple(0 if n == 1 else 2 for n in shape)
        outer = _clipped(grown(self.box, (rim[0], rim[1], rim[2]), shape), head.region)
        labels = head.labels_in(outer)
        outside = np.ones(labels.shape, dtype=bool)
        outside[tuple(slice(a - o, b - o) for (a, b), (o, _) in zip(self.box, outer, strict=True))] = False
        start = np.array([a for a, _ in outer])
        wrong = np.argwhere(outside & (labels == self.value)) + start
        middle = _middle(self.box)
        inner = np.stack(np.meshgrid(*(np.arange(a, b) for a, b in middle), indexing="ij"), axis=-1).reshape(-1, 3)
        chance = head.chance_at(inner, self.value)
        right = inner[chance >= np.median(chance)]
        values = np.concatenate([np.zeros(len(wrong), np.int64), np.full(len(right), self.value, np.int64)])
        return Corrections(np.concatenate([wrong, right]), values)


Prompt = Click | Scribble | BoxPrompt


@dataclass(frozen=True, eq=False)
class PromptAnswer:
    """What a head answers to a prompt.

    Parameters
    ----------
    corrections : Corrections
        All so far, with those of the prompt; to be handed in with the next one.
    box : three (start, stop)
        Around the prompt, as far as it reaches.
    labels : (K, J, I) integer
        Of the box's extent.
    """

    corrections: Corrections
    box: Box
    labels: LabelArray
    refit: Refit


def answer_prompt(head: LabelHead, prompt: Prompt, said: Corrections | None = None) -> PromptAnswer:
    """Refit a head to a prompt, and label what lies around it.

    Parameters
    ----------
    said : Corrections or None
        What was said of this image before; later words win.

    Raises
    ------
    GridError
        If the prompt does not lie in the head's region.
    SchemaError
        If it names a value that is no class of the model.
    """
    new = prompt.corrections(head)
    if not len(new):
        raise GridError("The prompt lies outside of the image.")
    corrections = new if said is None else said + new
    refit = head.refit(corrections)
    low, high = new.voxels.min(axis=0), new.voxels.max(axis=0) + 1
    k, j, i = ((int(a), int(b)) for a, b in zip(low, high, strict=True))
    around: Box = (k, j, i) if not isinstance(prompt, BoxPrompt) else prompt.box
    box = _clipped(grown(around, head.reach_vox, head.scene.image.geometry.shape), head.region)
    return PromptAnswer(corrections, box, head.labels_in(box), refit)


def _ball(places: NDArray[np.float64], radius: float, geometry: Geometry) -> NDArray[np.int64]:
    """List the voxels (N, 3) of an image within a radius of places (M, 3), each once."""
    spacing = np.array(geometry.spacing)
    reach = np.floor(radius / spacing + 1e-9).astype(int)
    if geometry.is_flat:
        reach[0] = 0
    offsets = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in reach), indexing="ij"), axis=-1).reshape(-1, 3)
    offsets = offsets[((offsets * spacing) ** 2).sum(axis=1) <= radius**2 + 1e-9]
    voxels = (np.rint(places).astype(np.int64)[:, np.newaxis] + offsets).reshape(-1, 3)
    is_inside = ((voxels >= 0) & (voxels < np.array(geometry.shape))).all(axis=1)
    return np.unique(voxels[is_inside], axis=0)


def _along(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Walk along a line in steps of at most half a voxel."""
    walked = [points[:1]]
    for start, end in itertools.pairwise(points):
        n = max(int(np.ceil(2 * np.abs(end - start).max())), 1)
        walked.append(start + (end - start) * np.arange(1, n + 1)[:, np.newaxis] / n)
    return np.concatenate(walked)


def _middle(box: Box) -> Box:
    ends = []
    for a, b in box:
        margin = int((b - a) * (1 - _MIDDLE) / 2)
        ends.append((a + margin, b - margin))
    return (ends[0], ends[1], ends[2])


def _clipped(box: Box, region: Box) -> Box:
    """Give the part of a box that lies in a region.

    Raises
    ------
    GridError
        If there is none.
    """
    k, j, i = ((max(a, c), min(b, d)) for (a, b), (c, d) in zip(box, region, strict=True))
    if any(a >= b for a, b in (k, j, i)):
        raise GridError(f"The prompt at {box} does not lie in the region {region} that is kept for quick answers.")
    return (k, j, i)
