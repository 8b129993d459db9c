"""The middle square of a picture, as TorchXRayVision cuts it."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.engine.grid.crop import square_box


@pytest.mark.parametrize("shape", [(1, 9, 4), (1, 4, 9), (3, 8, 5), (1, 5, 8), (2, 10, 4)])
def test_square_is_where_a_centre_crop_lies(shape: tuple[int, int, int]) -> None:
    image = np.arange(np.prod(shape)).reshape(shape)
    _, rows, columns = shape
    size = min(rows, columns)  # XRayCenterCrop, torchxrayvision 1.5.7
    startx, starty = columns // 2 - (size // 2), rows // 2 - (size // 2)
    expected = image[:, starty : starty + size, startx : startx + size]
    box = square_box(shape)
    assert box is not None
    assert np.array_equal(image[tuple(slice(*ends) for ends in box)], expected)


def test_square_picture_is_left_alone() -> None:
    assert square_box((4, 7, 7)) is None
