from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.voxel_origin import VoxelOrigin
from napari_medclf.engine.correct.interpolate import interpolate_slices, painted_slices

SHAPE = (13, 48, 60)
SPACING = (4.0, 1.0, 1.5)


def tube(radius_mm, shift_mm: float = 0.0, axis: int = 0) -> np.ndarray:
    """A round tube along an axis of `SHAPE`, its radius and centre depending on the slice."""
    place = np.stack(np.indices(SHAPE), axis=-1) * np.asarray(SPACING)
    centre = place.mean(axis=(0, 1, 2))
    offset = place - centre
    along = np.indices(SHAPE)[axis] / (SHAPE[axis] - 1)
    across = [at for at in range(3) if at != axis]
    first = offset[..., across[0]] - shift_mm * (along - 0.5)
    return first**2 + offset[..., across[1]] ** 2 <= radius_mm(along) ** 2


def dice(found: np.ndarray, truth: np.ndarray) -> float:
    return float(2 * (found & truth).sum() / (found.sum() + truth.sum()))


def from_slices(truth: np.ndarray, step: int, axis: int = 0) -> tuple[np.ndarray, np.ndarray]:
    known = np.moveaxis(np.zeros(SHAPE, dtype=np.uint8), axis, 0)
    known[::step] = 2 * np.moveaxis(truth, axis, 0)[::step]
    labels = np.ascontiguousarray(np.moveaxis(known, 0, axis))
    return labels, interpolate_slices(labels, 2, axis, SPACING).applied(labels) == 2


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slices_between_follow_a_cone(axis: int) -> None:
    truth = tube(lambda along: 5 + 8 * along, axis=axis)
    _, found = from_slices(truth, 4, axis)
    last = (SHAPE[axis] - 1) // 4 * 4 + 1
    assert dice(found.take(range(last), axis), truth.take(range(last), axis)) > 0.95


def test_oblique_tube_stays_whole_where_its_slices_do_not_overlap() -> None:
    truth = tube(lambda along: np.full_like(along, 4.0), shift_mm=30.0)
    assert not (truth[0] & truth[6]).any()
    _, found = from_slices(truth, 6)
    assert found.any(axis=(1, 2)).all()
    assert dice(found, truth) > 0.9


def test_given_slices_are_not_touched_and_nothing_beyond_them() -> None:
    truth = tube(lambda along: 5 + 8 * along)
    labels = np.zeros(SHAPE, dtype=np.uint8)
    labels[3], labels[9] = truth[3], truth[9]
    change = interpolate_slices(labels, 1, 0, SPACING)
    touched = np.unravel_index(change.voxels, SHAPE)[0]
    assert touched.min() == 4
    assert touched.max() == 8


def test_what_the_model_drew_between_is_replaced_and_other_classes_are_kept() -> None:
    truth = tube(lambda along: np.full_like(along, 6.0))
    labels = truth.astype(np.uint8)
    labels[6] = 1  # the model spilled
    labels[6, 0, :5] = 7
    found = interpolate_slices(labels, 1, 0, SPACING, slices=(3, 9)).applied(labels)
    assert dice(found[6] == 1, truth[6]) > 0.99
    assert (found[6, 0, :5] == 7).all()


def test_slices_that_a_person_painted_are_the_ones_to_go_by() -> None:
    labels = tube(lambda along: np.full_like(along, 6.0)).astype(np.uint8)
    origin = np.zeros(SHAPE, dtype=np.uint8)
    assert painted_slices(labels, origin, 1, 0) == tuple(range(13))
    origin[2, 24, 30] = VoxelOrigin.PERSON
    origin[8, 24, 30] = VoxelOrigin.BOTH
    origin[11, 0, 0] = VoxelOrigin.PERSON  # erased: of no class
    assert painted_slices(labels, origin, 1, 0) == (2, 8)


def test_one_slice_is_not_enough() -> None:
    labels = np.zeros(SHAPE, dtype=np.uint8)
    labels[4, 10:20, 10:20] = 1
    with pytest.raises(OptionError, match="two slices"):
        interpolate_slices(labels, 1, 0, SPACING)
    labels[5, 10:20, 10:20] = 1
    with pytest.raises(OptionError, match="nothing between"):
        interpolate_slices(labels, 1, 0, SPACING)
