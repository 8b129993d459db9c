from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.errors import GridError
from napari_medclf.domain.stroke import Stroke, StrokeKind
from napari_medclf.domain.voxel_origin import VoxelOrigin
from napari_medclf.store.strokes.replay import Corrected

MODEL, PERSON, BOTH = VoxelOrigin.MODEL, VoxelOrigin.PERSON, VoxelOrigin.BOTH


def _stroke(kind: StrokeKind, voxels: list[int], before: list[int], after: list[int]) -> Stroke:
    return Stroke(kind, np.array(voxels), np.array(before), np.array(after))


@pytest.fixture
def corrected() -> Corrected:
    """A model's answer on 2 x 3 x 4 voxels, all of class 1."""
    labels = np.ones((2, 3, 4), np.uint8)
    return Corrected(labels, None, labels)


def test_painting_what_the_model_said_is_of_both(corrected):
    corrected.apply(_stroke(StrokeKind.PAINT, [3, 4], [1, 1], [1, 2]))
    assert corrected.origin.reshape(-1)[[3, 4, 5]].tolist() == [BOTH, PERSON, MODEL]
    assert corrected.labels.reshape(-1)[[3, 4, 5]].tolist() == [1, 2, 1]


def test_erasing_is_a_persons_word_too(corrected):
    corrected.apply(_stroke(StrokeKind.ERASE, [7], [1], [0]))
    assert corrected.origin.reshape(-1)[7] == PERSON


def test_without_a_model_all_is_the_persons():
    painted = Corrected(np.zeros((1, 2, 3), np.uint8))
    painted.apply(_stroke(StrokeKind.PAINT, [1], [0], [1]))
    assert painted.origin.reshape(-1).tolist() == [0, PERSON, 0, 0, 0, 0]


def test_undo_frees_the_voxels_again(corrected):
    corrected.apply(_stroke(StrokeKind.PAINT, [3, 4], [1, 1], [2, 2]))
    corrected.apply(_stroke(StrokeKind.UNDO, [3, 4], [2, 2], [1, 1]))
    assert not corrected.origin.any()
    assert (corrected.labels == 1).all()


def test_redo_locks_them_again(corrected):
    corrected.apply(_stroke(StrokeKind.PAINT, [3], [1], [2]))
    corrected.apply(_stroke(StrokeKind.UNDO, [3], [2], [1]))
    corrected.apply(_stroke(StrokeKind.REDO, [3], [1], [2]))
    assert corrected.origin.reshape(-1)[3] == PERSON
    corrected.apply(_stroke(StrokeKind.UNDO, [3], [2], [1]))
    assert corrected.origin.reshape(-1)[3] == MODEL


def test_undo_of_one_stroke_of_two_leaves_the_other_locked(corrected):
    corrected.apply(_stroke(StrokeKind.PAINT, [3], [1], [2]))
    corrected.apply(_stroke(StrokeKind.PAINT, [4], [1], [2]))  # of somebody else
    corrected.apply(_stroke(StrokeKind.UNDO, [3], [2], [1]))
    assert corrected.origin.reshape(-1)[[3, 4]].tolist() == [MODEL, PERSON]


def test_undo_of_a_models_change_leaves_the_voxels_free_and_its_word_as_before(corrected):
    corrected.apply(_stroke(StrokeKind.MODEL, [3], [1], [2]))
    assert corrected.model_labels.reshape(-1)[3] == 2
    corrected.apply(_stroke(StrokeKind.UNDO, [3], [2], [1]))
    assert corrected.origin.reshape(-1)[3] == MODEL
    assert corrected.model_labels.reshape(-1)[3] == 1


def test_unlock_gives_voxels_back_and_undo_locks_them(corrected):
    corrected.apply(_stroke(StrokeKind.PAINT, [3], [1], [2]))
    corrected.apply(_stroke(StrokeKind.UNLOCK, [3], [2], [2]))
    assert corrected.origin.reshape(-1)[3] == MODEL
    corrected.apply(_stroke(StrokeKind.UNDO, [3], [2], [2]))
    assert corrected.origin.reshape(-1)[3] == PERSON


def test_instance_number_above_255_widens_the_labels(corrected):
    corrected.apply(_stroke(StrokeKind.PAINT, [3], [1], [300]))
    assert corrected.labels.dtype == np.uint16
    assert corrected.labels.reshape(-1)[3] == 300


def test_callers_arrays_are_not_touched():
    labels = np.ones((1, 1, 4), np.uint8)
    Corrected(labels, None, labels).apply(_stroke(StrokeKind.MODEL, [0], [1], [5]))
    assert (labels == 1).all()


def test_stroke_outside_is_refused(corrected):
    with pytest.raises(GridError, match="outside"):
        corrected.apply(_stroke(StrokeKind.PAINT, [24], [0], [1]))
