"""A table with one row an object: what a classifier of objects learns from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.domain.errors import GridError
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import MedImage
from napari_medclf.engine.background import in_background
from napari_medclf.engine.objects.form import centres, form, form_names
from napari_medclf.engine.objects.look import (
    BRIGHTNESS_NAMES,
    NEIGHBOUR_NAMES,
    TEXTURE_NAMES,
    brightness,
    neighbours,
    ring_around,
    texture,
)
from napari_medclf.engine.objects.voxels import ObjectVoxels


@dataclass(frozen=True, eq=False)
class ObjectTable:
    """What every object looks like.

    Parameters
    ----------
    numbers : (N,) int
        Values of the objects in the labels.
    names : tuple of str
        Of the features.
    features : (N, F) float32
    centres_mm : (N, 3) float64
        Centre of mass, LPS.
    """

    numbers: LabelArray
    names: tuple[str, ...]
    features: FloatArray
    centres_mm: FloatArray = field(repr=False)

    def __len__(self) -> int:
        return len(self.numbers)

    def row_of(self, number: int) -> int:
        """Position of an object in the table.

        Raises
        ------
        GridError
            If there is no such object.
        """
        row = int(np.searchsorted(self.numbers, number))
        if row == len(self.numbers) or self.numbers[row] != number:
            raise GridError(f"There is no object {number} in these labels.")
        return row


def describe_objects(
    image: MedImage, objects: LabelArray, *, maps: Mapping[str, FloatArray] | None = None
) -> Job[ObjectTable]:
    """Count the features of all objects of an image.

    Parameters
    ----------
    objects : (K, J, I) integer
        On the image's grid; 0 is no object.
    maps : dict
        More numbers of each voxel (K, J, I) by name, such as channels of a network; their mean over an object is a
        feature.

    Raises
    ------
    GridError
        If labels and image lie on different grids.
    """
    if objects.shape != image.geometry.shape:
        raise GridError(f"{image.name}: labels of {objects.shape} do not lie on its grid of {image.geometry.shape}.")
    yield Progress(0, 0, "Describing the objects")
    return (yield from in_background(partial(_describe, image, objects, maps or {}), "Describing the objects"))


def _describe(image: MedImage, objects: LabelArray, maps: Mapping[str, FloatArray]) -> ObjectTable:
    voxels = ObjectVoxels.of(objects)
    spacing = image.geometry.spacing
    names = [*form_names(image.is_flat), *NEIGHBOUR_NAMES]
    middles = centres(voxels)
    if not len(voxels):
        return ObjectTable(voxels.numbers, tuple(names), np.zeros((0, len(names)), np.float32), middles)
    columns = [form(objects, voxels, spacing), neighbours(middles, spacing)]
    ring = ring_around(objects)
    for name, samples in _channels(image).items():
        columns += [brightness(samples, voxels, ring), texture(samples, voxels)]
        names += [f"{name}{feature}" for feature in (*BRIGHTNESS_NAMES, *TEXTURE_NAMES)]
    for name, values in maps.items():
        columns.append(voxels.mean(values.ravel()[voxels.at].astype(np.float64))[:, None])
        names.append(name)
    features = np.nan_to_num(np.concatenate(columns, 1)).astype(np.float32)
    return ObjectTable(voxels.numbers, tuple(names), features, _world(image.geometry, middles))


def _world(geometry: Geometry, index: FloatArray) -> FloatArray:
    return np.asarray(geometry.to_world(index))


def _channels(image: MedImage) -> dict[str, FloatArray]:
    """Samples of each channel as float32; the name stays empty where there is one."""
    data = np.asarray(image.data, dtype=np.float32)
    if data.ndim == 3:
        return {"": data}
    names = image.channel_names or tuple(f"channel {number}" for number in range(1, len(data) + 1))
    return {f"{name} ": channel for name, channel in zip(names, data, strict=True)}
