"""The part of an image that a mark is about, as an image of its own at its true place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from napari_medclf.domain.arrays import LabelArray
from napari_medclf.domain.errors import GridError
from napari_medclf.domain.geometry import Shape3
from napari_medclf.domain.image import MedImage, Source

_ORDERS: tuple[Shape3, ...] = ((0, 1, 2), (1, 0, 2), (2, 0, 1))
"""Axes of a slice's picture: the one it was cut along comes first."""


def cut_slice(image: MedImage, axis: int, index: int) -> MedImage:
    """Take one slice out of an image; it becomes a picture, with axis `axis` first.

    Raises
    ------
    GridError
        If there is no such slice.
    """
    shape = image.geometry.shape
    if not 0 <= index < shape[axis]:
        raise GridError(f"{image.name}: there is no slice {index} along axis {axis} of {shape[axis]}.")
    start, size = [0, 0, 0], list(shape)
    start[axis], size[axis] = index, 1
    order = _ORDERS[axis]
    part = _cut(image, start, size)
    lead = part.data.ndim - 3
    data = np.transpose(part.data, (*range(lead), *(lead + one for one in order)))
    return replace(part, data=data, geometry=part.geometry.permuted(order, (False, False, False)))


def cut_object(image: MedImage, objects: LabelArray, number: int, side_vox: int) -> MedImage:
    """Take the surroundings of an object: a box of `side_vox` around its middle, moved inside of the image.

    Raises
    ------
    GridError
        If there is no such object.
    """
    places = np.argwhere(objects == number)
    if not len(places):
        raise GridError(f"{image.name}: there is no object {number}.")
    middle = np.rint(places.mean(0)).astype(int)
    shape = image.geometry.shape
    size = [min(side_vox, length) for length in shape]
    start = [
        int(np.clip(at - part // 2, 0, length - part)) for at, part, length in zip(middle, size, shape, strict=True)
    ]
    return _cut(image, start, size)


def usual_side_vox(objects: LabelArray) -> int:
    """Say how wide a box holds nine of ten objects twice over."""
    numbers = np.unique(objects[objects > 0])
    if not len(numbers):
        return 1
    from scipy.ndimage import find_objects

    boxes = [box for box in find_objects(objects) if box is not None]
    sides = [max(part.stop - part.start for part in box) for box in boxes]
    return int(np.ceil(2 * np.quantile(sides, 0.9)))


def _cut(image: MedImage, start: Sequence[int], shape: Sequence[int]) -> MedImage:
    k, j, i = (slice(first, first + length) for first, length in zip(start, shape, strict=True))
    data = np.asarray(image.data[..., k, j, i])
    return replace(
        image,
        data=data,
        geometry=image.geometry.cropped((start[0], start[1], start[2]), (shape[0], shape[1], shape[2])),
        source=Source(image.source.path, patient_key=image.source.patient_key),
    )
