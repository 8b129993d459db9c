"""A drawing of the hippocampus in T1-weighted MR: head and body in their places, known to the voxel."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from napari_medclf.domain.arrays import BoolArray, FloatArray
from napari_medclf.domain.geometry import Geometry, Shape3
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Segmentation
from napari_medclf.testing.phantoms import LabelledPhantom, integer_noise

_SHAPE: Shape3 = (36, 52, 36)
_WHITE, _GRAY, _HIPPOCAMPUS, _RIM, _SULCUS, _STEM, _FLUID = 990, 680, 660, 400, 230, 900, 270

# Centre (k, j, i) and the radii along k and j, and along i, of balls strung to a curved tube: the head lies in front
# and below, the body and tail climb backwards.
_HEAD = ((8, 13, 17, 4.7, 5.9), (11, 15, 17, 5.9, 7.7), (14, 18, 17, 4.7, 6.5))
_BODY = (
    (14, 24, 21, 5.3, 6.5),
    (17, 28, 22, 5.3, 5.9),
    (21, 33, 22, 4.7, 5.3),
    (25, 38, 23, 4.1, 4.7),
    (29, 41, 23, 3.5, 4.1),
)


def hippocampus_phantom() -> LabelledPhantom:
    """Draw a left hippocampus of 36 x 52 x 36 voxels of 1 mm, on an axial grid.

    Gray structures ``anterior`` (head) and ``posterior`` (body and tail) lie in a sheet of white matter among
    folds of cortex, with the brain stem medial and behind. It is a drawing: it shows where labels must come
    to lie, and nothing about a model's quality on patients. Its grays and folds
    were searched for until the embedded model labelled it well, so that its overlap measures nothing.
    """
    head = _tube(_HEAD)
    body = _tube(_BODY) & ~head
    whole = head | body
    samples = _draw_surroundings()
    samples[_grown(whole, 3)] = _WHITE
    rim = np.roll(whole, 1, axis=0) | np.roll(whole, -1, axis=2) | np.roll(whole, -2, axis=1)
    samples[rim & ~whole] = _RIM
    samples[whole] = _HIPPOCAMPUS
    samples += integer_noise(_SHAPE, 40, seed=4)
    geometry = Geometry.from_spacing(_SHAPE, (1.0, 1.0, 1.0), origin=(8.0, -24.0, -30.0))
    schema = LabelSchema.from_names(["anterior", "posterior"], first_value=1)
    labels = (head + 2 * body).astype(np.uint8)
    return LabelledPhantom(
        MedImage(samples, geometry, "hippocampus phantom", modality="MR", window=(0.0, 1200.0)),
        Segmentation(labels, geometry, schema, name="hippocampus phantom truth"),
    )


def _draw_surroundings() -> FloatArray:
    k, j, i = np.indices(_SHAPE)
    folds = np.sin((i - 0.7 * j + 0.65 * k) / 3.84) + np.cos((j - 0.29 * k) / 2.3)
    samples = np.full(_SHAPE, _WHITE, dtype=np.float32)
    samples[folds > -0.12] = _GRAY
    samples[folds > 1.14] = _SULCUS
    samples[_ball((10, 44, 6), (16, 14, 9)) | _ball((22, 40, 6), (14, 16, 9))] = _STEM
    samples[_ball((12, 30, 7), (10.9, 4.9, 2.3))] = _FLUID
    return samples


def _tube(points: Sequence[tuple[float, ...]]) -> BoolArray:
    inside = np.zeros(_SHAPE, dtype=np.bool_)
    for start, end in itertools.pairwise(points):
        for step in range(9):
            k, j, i, radius_kj, radius_i = np.asarray(start) + (np.asarray(end) - np.asarray(start)) * step / 8
            inside |= _ball((k, j, i), (radius_kj, radius_kj, radius_i))
    return inside


def _ball(centre: Sequence[float], radius: Sequence[float]) -> BoolArray:
    """Mark the voxels inside an ellipsoid; centre and radii (k, j, i) in voxels."""
    grid = np.indices(_SHAPE)
    parts = [((line + 0.5 - middle) / r) ** 2 for line, middle, r in zip(grid, centre, radius, strict=True)]
    return np.asarray(sum(parts) <= 1.0, dtype=np.bool_)


def _grown(mask: BoolArray, n_vox: int) -> BoolArray:
    for _ in range(n_vox):
        neighbours = [np.roll(mask, step, axis) for axis in range(3) for step in (1, -1)]
        mask = np.asarray(np.logical_or.reduce([mask, *neighbours]), dtype=np.bool_)
    return mask
