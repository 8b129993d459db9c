"""The human lock: a model's new labels go everywhere but where a person has spoken."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import BoolArray, LabelArray
from napari_medclf.domain.errors import GridError
from napari_medclf.domain.voxel_origin import OriginMap
from napari_medclf.engine.correct.change import Box, Change, box_around, change_between, paint_where, whole
from napari_medclf.engine.correct.origin import origin_after
from napari_medclf.engine.correct.renumber import renumbered

__all__ = ["Disagreement", "Merged", "disagreements", "merge", "origin_after"]


@dataclass(frozen=True)
class Disagreement:
    """A connected piece of what a person painted, of which a model says something else.

    Parameters
    ----------
    place : (k, j, i)
        The voxel of the piece that is nearest to its centre.
    box : (slice, slice, slice)
        The smallest box around it.
    n_vox : int
        Its size.
    model_value, person_value : int
        The label that the model would give it, and the one that it keeps.
    mask : bool
        Which voxels of the box belong to it.
    """

    place: tuple[int, ...]
    box: Box
    n_vox: int
    model_value: int
    person_value: int
    mask: BoolArray = field(repr=False, compare=False)

    def taken(self, labels: LabelArray) -> Change:
        """The change by which a person gives in: the model's value for all of the piece that still has theirs."""
        mask = self.mask & (labels[self.box] == self.person_value)
        return paint_where(labels, self.box, mask, self.model_value)

    def is_settled(self, labels: LabelArray, origin: OriginMap) -> bool:
        """Whether nothing of the piece is both locked and as the person had it."""
        is_open = self.mask & (origin[self.box] != 0) & (labels[self.box] == self.person_value)
        return not is_open.any()


@dataclass(frozen=True, eq=False)
class Merged:
    """A model's labels with the person's kept.

    Parameters
    ----------
    labels : (K, J, I) integer
        Of the type of the labels that were there.
    disagreements : tuple of Disagreement
        Where the model contradicts the person, the largest first.
    change : Change
        What becomes different; only free voxels. One stroke of the kind MODEL.
    """

    labels: LabelArray
    disagreements: tuple[Disagreement, ...]
    change: Change


def merge(
    prediction: LabelArray,
    current: LabelArray,
    origin: OriginMap,
    *,
    box: Box | None = None,
    is_instances: bool = False,
) -> Merged:
    """Take a model's labels wherever no person has spoken.

    Parameters
    ----------
    prediction : integer
        What the model says now; (K, J, I), or of the box's shape where only a part was asked for.
    current : (K, J, I) integer
        The labels that are being corrected.
    origin : (K, J, I) uint8
        What is not 0 is kept.
    box : (slice, slice, slice) or None
        Where the prediction lies; None for everywhere. Outside of it nothing changes.
    is_instances : bool
        Values are numbers of objects. Those of a model mean nothing from one answer to the next, so its objects
        are first given the numbers of the person's objects that they lie on, and new numbers else.

    Returns
    -------
    Merged
        Neither input is changed.

    Raises
    ------
    GridError
        If the shapes do not fit.
    """
    box = whole(current.shape) if box is None else box
    here, is_locked = current[box], origin[box] != 0
    _check_shapes(prediction, current, origin, box)
    if is_instances:
        prediction = renumbered(prediction, current, box)
    labels = np.array(current)
    labels[box] = np.where(is_locked, here, prediction.astype(current.dtype, copy=False))
    found = disagreements(prediction, here, is_locked, offset=tuple(part.start for part in box))
    return Merged(labels, found, change_between(current, labels[box], box))


def disagreements(
    prediction: LabelArray, current: LabelArray, is_locked: BoolArray, *, offset: tuple[int, ...] | None = None
) -> tuple[Disagreement, ...]:
    """List where a model contradicts what is locked, in connected pieces, the largest first.

    Parameters
    ----------
    prediction, current : (K, J, I) integer
    is_locked : (K, J, I) bool
        Also an origin map: what is not 0.
    offset : (k, j, i) or None
        Added to the places, for arrays cut out of larger ones.

    Notes
    -----
    Voxels belong together where they touch, be it by a corner, and both sides say the same of them.
    """
    differs = (np.asarray(is_locked) != 0) & (prediction != current)
    box = box_around(differs)
    if box is None:
        return ()
    start = (0,) * current.ndim if offset is None else offset
    corner = tuple(part.start + first for part, first in zip(box, start, strict=True))
    found = _pieces(prediction[box], current[box], differs[box], corner)
    return tuple(sorted(found, key=lambda one: (-one.n_vox, one.place)))


def _pieces(said: LabelArray, kept: LabelArray, differs: BoolArray, corner: tuple[int, ...]) -> list[Disagreement]:
    from scipy import ndimage
    from skimage.measure import label

    pairs = np.stack([said[differs], kept[differs]], axis=1).astype(np.int64)
    _, kind = np.unique(pairs, axis=0, return_inverse=True)
    kinds = np.zeros(said.shape, dtype=np.int64)
    kinds[differs] = kind.ravel() + 1
    numbers = label(kinds, background=0, connectivity=said.ndim)
    boxes = ndimage.find_objects(numbers)
    return [_piece(numbers[box] == number, box, said, kept, corner) for number, box in enumerate(boxes, start=1)]


def _piece(mask: BoolArray, box: Box, said: LabelArray, kept: LabelArray, corner: tuple[int, ...]) -> Disagreement:
    places = np.argwhere(mask)
    nearest = places[np.argmin(_squared(places - places.mean(axis=0)))]
    inner = tuple(int(index) + part.start for index, part in zip(nearest, box, strict=True))
    return Disagreement(
        place=tuple(index + first for index, first in zip(inner, corner, strict=True)),
        box=tuple(slice(part.start + first, part.stop + first) for part, first in zip(box, corner, strict=True)),
        n_vox=len(places),
        model_value=int(said[inner]),
        person_value=int(kept[inner]),
        mask=mask,
    )


def _squared(offsets: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((offsets**2).sum(axis=1))


def _check_shapes(prediction: LabelArray, current: LabelArray, origin: OriginMap, box: Box) -> None:
    if origin.shape != current.shape:
        raise GridError(f"The origin map of {origin.shape} does not fit labels of {current.shape}.")
    if prediction.shape != current[box].shape:
        raise GridError(f"The model's labels of {prediction.shape} do not fit {current[box].shape}.")
