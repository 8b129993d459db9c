from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import label

from napari_medclf.engine.augment.targets import BACKGROUND, BORDER, INTERIOR, interior_and_border


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
