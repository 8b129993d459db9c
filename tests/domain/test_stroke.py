from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.errors import GridError
from napari_medclf.domain.stroke import Stroke, StrokeKind


def test_stroke_of_a_person_locks_and_one_of_a_model_does_not():
    voxels = np.array([3, 4])
    made = {kind: Stroke(kind, voxels, voxels * 0, voxels * 0 + 1) for kind in StrokeKind}
    assert not made[StrokeKind.MODEL].is_of_person
    assert not made[StrokeKind.UNLOCK].is_of_person
    assert sum(one.is_of_person for one in made.values()) == len(StrokeKind) - 2


def test_stroke_of_unequal_arrays_is_refused():
    with pytest.raises(GridError, match="one length"):
        Stroke(StrokeKind.PAINT, np.array([1, 2]), np.array([0]), np.array([1, 1]))
