"""Where a person would click: into the middle of what is wrong."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import BoolArray, LabelArray


def clicks_on_errors(
    answer: LabelArray, truth: LabelArray, counts: BoolArray, n: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Click into the largest regions where an answer is wrong, each at the voxel farthest from its edge.

    Parameters
    ----------
    answer, truth : (*spatial) integer
        Class of every voxel.
    counts : (*spatial) bool
        Where the truth is known.
    n : int
        Clicks at most.

    Returns
    -------
    places : (N, axes) int64
    classes : (N,) int64
        The right class of each; the largest region first.

    Notes
    -----
    A region holds voxels of one right class that touch; the simulated user of Xu 2016 clicks like that.
    """
    wrong = (answer != truth) & counts
    found = [one for value in np.unique(truth[wrong]).tolist() for one in _middles(wrong & (truth == value), value, n)]
    found.sort(key=lambda one: -one[0])
    places = np.array([place for _, place, _ in found[:n]], np.int64).reshape(-1, truth.ndim)
    return places, np.array([value for _, _, value in found[:n]], np.int64)


def middle_of(region: BoolArray) -> tuple[int, ...]:
    """Find the voxel of a region that is farthest from its edge; the border of the array is none."""
    from scipy.ndimage import distance_transform_edt

    return tuple(int(at) for at in np.unravel_index(distance_transform_edt(region).argmax(), region.shape))


def _middles(region: BoolArray, value: int, n: int) -> list[tuple[int, tuple[int, ...], int]]:
    """Size, middle and class of the largest parts of a region."""
    from scipy.ndimage import find_objects, label

    parts, _ = label(region)
    sizes = np.bincount(parts.ravel())[1:]
    boxes = find_objects(parts)
    largest = np.argsort(-sizes, kind="stable")[:n].tolist()
    out = []
    for number in largest:
        box = boxes[number]
        inside = middle_of(np.pad(parts[box] == number + 1, 1))
        place = tuple(at - 1 + one.start for at, one in zip(inside, box, strict=True))
        out.append((int(sizes[number]), place, value))
    return out
