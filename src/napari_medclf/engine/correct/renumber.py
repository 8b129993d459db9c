"""Give a model's objects the numbers that the person's objects have, so that both can stand in one image."""

from __future__ import annotations

import numpy as np

from napari_medclf.domain.arrays import LabelArray
from napari_medclf.domain.errors import GridError
from napari_medclf.engine.correct.change import Box


def renumbered(prediction: LabelArray, current: LabelArray, box: Box) -> LabelArray:
    """Name a model's objects anew.

    An object takes the number of the object it lies on, if they share more than half of the smaller one; the largest
    overlap first, each number once. What matches nothing gets a number that no object has.

    Parameters
    ----------
    prediction : integer
        Numbers of objects, 0 between them; of the box's shape.
    current : (K, J, I) integer
        The labels that are being corrected.

    Raises
    ------
    GridError
        If the labels' type has too few numbers.
    """
    found = np.unique(prediction)
    found = found[found != 0]
    if not len(found):
        return prediction
    numbers = _matches(prediction, current[box])
    fresh = int(current.max()) + 1
    for one in found.tolist():
        if one not in numbers:
            numbers[one], fresh = fresh, fresh + 1
    if fresh - 1 > np.iinfo(current.dtype).max:
        raise GridError(f"There are more objects than labels of {current.dtype} can number.")
    names = np.array([numbers[one] for one in found.tolist()], dtype=current.dtype)
    places = np.minimum(np.searchsorted(found, prediction), len(found) - 1)
    return np.asarray(np.where(prediction == 0, current.dtype.type(0), names[places]))


def _matches(said: LabelArray, kept: LabelArray) -> dict[int, int]:
    """Map a model's numbers to the person's."""
    size_said, size_kept = _sizes(said), _sizes(kept)
    both = (said != 0) & (kept != 0)
    shared, counts = np.unique(np.stack([said[both], kept[both]], axis=1).astype(np.int64), axis=0, return_counts=True)
    matched: dict[int, int] = {}
    for index in np.lexsort((shared[:, 1], shared[:, 0], -counts)):
        one, other = (int(number) for number in shared[index])
        is_same = 2 * counts[index] > min(size_said[one], size_kept[other])
        if is_same and one not in matched and other not in matched.values():
            matched[one] = other
    return matched


def _sizes(labels: LabelArray) -> dict[int, int]:
    numbers, counts = np.unique(labels, return_counts=True)
    return dict(zip(numbers.tolist(), counts.tolist(), strict=True))
