from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import label

from napari_medclf.engine.augment.targets import (
    BACKGROUND,
    BORDER,
    INTERIOR,
    interior_and_border,
    is_between_objects,
)


def test_touching_objects_come_apart():
    instances = np.zeros((20, 28), np.int32)
    instances[4:14, 3:12] = 1
    instances[4:14, 12:20] = 2
    target = interior_and_border(instances)
    assert label(instances > 0)[1] == 1
    assert label(target == INTERIOR)[1] == 2
    assert (target[5:13, 11:13] == BORDER).all()


@pytest.mark.parametrize("shape", [(20, 28), (12, 20, 28)])
def test_object_is_interior_and_border_and_nothing_else_is(shape):
    instances = np.zeros(shape, np.uint16)
    instances[(slice(3, 9),) * len(shape)] = 7
    target = interior_and_border(instances)
    assert np.array_equal(target == BACKGROUND, instances == 0)
    assert (target[(slice(4, 8),) * len(shape)] == INTERIOR).all()


def test_only_voxels_near_two_objects_lie_between_them():
    instances = np.zeros((9, 20), np.uint16)
    instances[2:7, 2:8] = 3
    instances[2:7, 9:15] = 5  # one column of background in between
    between = is_between_objects(instances, reach_vox=2)
    assert between[4].nonzero()[0].tolist() == [7, 8, 9]
    assert not between[:, 12:].any()


def test_one_object_alone_has_nothing_between():
    instances = np.zeros((6, 8, 10), np.int32)
    instances[1:5, 2:6, 3:8] = 4
    assert not is_between_objects(instances).any()
