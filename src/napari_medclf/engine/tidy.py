"""Take objects away that are too small, or not the largest of their class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import BoolArray, LabelArray
from napari_medclf.domain.labels import LabelSchema


def remove_small_objects(labels: LabelArray, schema: LabelSchema, min_object_vox: float) -> None:
    """Set connected objects (faces touch) of fewer voxels to background, in place, class by class."""
    if min_object_vox <= 1:
        return
    for box, numbers, sizes in _iter_objects(labels, [one.value for one in schema.foreground], connectivity=1):
        is_small: BoolArray = sizes < min_object_vox
        _erase(box, numbers, is_small)


def keep_largest(labels: LabelArray, schema: LabelSchema, names: Sequence[str]) -> None:
    """Keep the largest object of each class named, in place; voxels that share a corner belong together.

    Notes
    -----
    MONAI's ``KeepLargestConnectedComponent(independent=True)``; of equally large ones the first stays.
    """
    values = [one.value for one in schema.foreground if one.name in names]
    for box, numbers, sizes in _iter_objects(labels, values, connectivity=3):
        is_other: BoolArray = np.ones(len(sizes), dtype=np.bool_)
        is_other[1 + int(sizes[1:].argmax())] = False
        _erase(box, numbers, is_other)


def _iter_objects(
    labels: LabelArray, values: Sequence[int], *, connectivity: int
) -> Iterator[tuple[LabelArray, NDArray[np.int32], NDArray[np.intp]]]:
    """Yield the box of each class that is there, its objects' numbers, and their sizes in voxels by number."""
    from scipy import ndimage

    structure = ndimage.generate_binary_structure(3, connectivity)
    boxes = ndimage.find_objects(labels, max_label=max(values, default=0)) if len(values) else []
    for value in values:
        if value > 0 and boxes[value - 1] is not None:
            box = labels[boxes[value - 1]]
            numbers, _ = ndimage.label(box == value, structure)
            yield box, numbers, np.bincount(numbers.ravel())


def _erase(box: LabelArray, numbers: NDArray[np.int32], is_erased: BoolArray) -> None:
    is_erased[0] = False
    if is_erased.any():
        box[is_erased[numbers]] = 0
