from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.errors import GridError
from napari_medclf.domain.stroke import Stroke, StrokeKind
from napari_medclf.domain.voxel_origin import VoxelOrigin
from napari_medclf.engine.correct.lock import disagreements, merge, origin_after

SHAPE = (12, 20, 28)


def no_origin(shape: tuple[int, ...]) -> np.ndarray:
    return np.zeros(shape, dtype=np.uint8)


def flat(*places: tuple[int, int, int]) -> np.ndarray:
    return np.ravel_multi_index(np.array(places).T, SHAPE).astype(np.int64)


def stroke(kind: StrokeKind, voxels: np.ndarray, before: int, after: int) -> Stroke:
    values = np.ones(len(voxels), dtype=np.uint8)
    return Stroke(kind, voxels, values * before, values * after)


def test_model_never_changes_what_a_person_painted_or_erased() -> None:
    rng = np.random.default_rng(0)
    current = rng.integers(0, 4, SHAPE).astype(np.uint8)
    prediction = rng.integers(0, 4, SHAPE).astype(np.uint8)
    origin = rng.integers(0, 3, SHAPE).astype(np.uint8)
    merged = merge(prediction, current, origin)
    assert (merged.labels[origin != 0] == current[origin != 0]).all()
    assert (merged.labels[origin == 0] == prediction[origin == 0]).all()
    assert (merged.change.applied(current) == merged.labels).all()
    assert not origin.reshape(-1)[merged.change.voxels].any()


def test_a_region_changes_nothing_outside_of_it() -> None:
    current = np.zeros(SHAPE, dtype=np.uint8)
    box = (slice(2, 5), slice(3, 9), slice(20, 27))
    prediction = np.full((3, 6, 7), 2, dtype=np.uint8)
    origin = no_origin(SHAPE)
    origin[3, 4, 21] = VoxelOrigin.PERSON
    merged = merge(prediction, current, origin, box=box)
    expected = current.copy()
    expected[box] = 2
    expected[3, 4, 21] = 0
    assert (merged.labels == expected).all()
    assert [one.place for one in merged.disagreements] == [(3, 4, 21)]
    assert (merged.disagreements[0].model_value, merged.disagreements[0].person_value) == (2, 0)


def test_disagreements_are_counted_in_pieces_largest_first() -> None:
    current, prediction = np.zeros(SHAPE, dtype=np.uint8), np.zeros(SHAPE, dtype=np.uint8)
    origin = no_origin(SHAPE)
    origin[1:4] = VoxelOrigin.PERSON
    prediction[2, 5:8, 10:15] = 1  # against an erased place
    prediction[2, 5:8, 15] = 3  # touches it, but says something else
    prediction[3, 18, 2] = 1
    prediction[9, 9, 9] = 1  # free
    found = disagreements(prediction, current, origin)
    assert [(one.n_vox, one.model_value, one.person_value) for one in found] == [(15, 1, 0), (3, 3, 0), (1, 1, 0)]
    assert found[0].place == (2, 6, 12)
    assert found[0].box == (slice(2, 3), slice(5, 8), slice(10, 15))


def test_agreement_with_the_person_is_no_disagreement() -> None:
    current = np.ones(SHAPE, dtype=np.uint8)
    origin = np.full(SHAPE, VoxelOrigin.PERSON, dtype=np.uint8)
    assert merge(current.copy(), current, origin).disagreements == ()


def test_a_models_objects_take_the_numbers_of_the_persons_objects() -> None:
    current = np.zeros((1, 20, 28), dtype=np.uint16)
    current[0, 2:8, 2:8] = 7  # painted by a person
    origin = np.zeros(current.shape, dtype=np.uint8)
    origin[0, 2:8, 2:8] = VoxelOrigin.PERSON
    prediction = np.zeros(current.shape, dtype=np.int32)
    prediction[0, 2:8, 2:10] = 1  # the same object, larger
    prediction[0, 12:16, 12:16] = 7  # another one, by chance with the person's number
    merged = merge(prediction, current, origin, is_instances=True)
    assert merged.labels[0, 5, 5] == merged.labels[0, 5, 9] == 7
    assert merged.labels[0, 13, 13] == 8
    assert merged.disagreements == ()


def test_an_object_that_only_touches_the_persons_stays_another_one() -> None:
    current = np.zeros((1, 20, 28), dtype=np.uint16)
    current[0, 2:8, 2:8] = 3
    origin = (current > 0).astype(np.uint8)
    prediction = np.zeros_like(current)
    prediction[0, 2:8, 7:14] = 3
    merged = merge(prediction, current, origin, is_instances=True)
    assert merged.labels[0, 5, 10] == 4
    assert [(one.model_value, one.person_value) for one in merged.disagreements] == [(0, 3), (4, 3)]


def test_objects_beyond_the_numbers_of_the_type_are_refused() -> None:
    current = np.zeros((1, 4, 4), dtype=np.uint8)
    current[0, 0, 0] = 255
    prediction = np.zeros_like(current)
    prediction[0, 3, 3] = 1
    with pytest.raises(GridError, match="uint8"):
        merge(prediction, current, np.zeros_like(current), is_instances=True)


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(GridError, match="origin map"):
        merge(np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8), np.zeros((1, 2, 3), np.uint8))


def test_origin_tells_the_person_from_both() -> None:
    model = np.zeros(SHAPE, dtype=np.uint8)
    model[4, 4, 4] = 2
    voxels = flat((4, 4, 4), (4, 4, 5))
    painted = Stroke(StrokeKind.PAINT, voxels, np.array([2, 0]), np.array([2, 2]))
    origin = origin_after(no_origin(SHAPE), painted, model)
    assert origin[4, 4, 4] == VoxelOrigin.BOTH
    assert origin[4, 4, 5] == VoxelOrigin.PERSON
    assert (origin_after(no_origin(SHAPE), painted, None).reshape(-1)[voxels] == VoxelOrigin.PERSON).all()


def test_unlocking_frees_and_locking_confirms() -> None:
    model = np.zeros(SHAPE, dtype=np.uint8)
    voxels = flat((1, 2, 3), (11, 19, 27))
    locked = origin_after(no_origin(SHAPE), stroke(StrokeKind.LOCK, voxels, 0, 0), model)
    assert (locked.reshape(-1)[voxels] == VoxelOrigin.BOTH).all()
    assert np.count_nonzero(locked) == 2
    assert not origin_after(locked, stroke(StrokeKind.UNLOCK, voxels, 0, 0), model).any()


def test_a_person_may_give_in_to_the_model_piece_by_piece() -> None:
    current = np.zeros(SHAPE, dtype=np.uint8)
    current[2, 3:6, 4:8] = 1
    prediction = np.where(current == 1, np.uint8(2), current)
    origin = (current > 0).astype(np.uint8)
    (piece,) = merge(prediction, current, origin).disagreements
    assert not piece.is_settled(current, origin)
    assert (piece.taken(current).applied(current) == prediction).all()
    assert piece.is_settled(prediction, origin)
    assert piece.is_settled(current, no_origin(SHAPE))
