"""Small images are padded evenly, and windows and answers find their place in them."""

from __future__ import annotations

import numpy as np
import torch

from napari_medclf.engine.sliding.padded import PaddedImage

_CPU = torch.device("cpu")


def test_small_axis_is_padded_on_both_sides_and_cut_off_again() -> None:
    data = np.arange(1, 1 + 2 * 3 * 5 * 4, dtype=np.float32).reshape(2, 3, 5, 4)
    image = PaddedImage(data, (6, 2, 9), _CPU)
    assert image.own_shape == (3, 5, 4)
    assert image.shape == (6, 5, 9)
    assert image.offset == (1, 0, 2)
    assert image.to_own((1, 3, 2)) == (0, 3, 0)
    (window,) = image.windows([(0, 3, 0)])
    assert window.shape == (2, 6, 2, 9)
    np.testing.assert_array_equal(window[:, 1:4, :, 2:6], data[:, :, 3:5])
    assert window.sum() == data[:, :, 3:5].sum()  # all else is zero


def test_own_part_keeps_all_of_the_axis_that_leaves() -> None:
    image = PaddedImage(np.ones((1, 3, 5, 4), dtype=np.float32), (6, 2, 9), _CPU)
    assert torch.zeros(7, 6, 5, 9)[image.own_box(axis=0)].shape == (7, 6, 5, 4)
    assert torch.zeros(7, 6, 5, 9)[image.own_box(axis=2)].shape == (7, 3, 5, 9)
