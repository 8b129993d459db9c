"""Clicks are drawn where they were made, 1 in the middle, and cut off at the edge."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_medclf.engine.clicks.draw import draw_clicks


@pytest.mark.parametrize("shape", [(30, 41), (20, 24, 33)])
def test_a_click_is_a_gaussian_of_the_wanted_width(shape) -> None:
    place = [n // 2 - 1 for n in shape]
    drawn = draw_clicks(shape, np.array([place]), np.array([1]), 3, 1.5)
    point = np.zeros(shape)
    point[tuple(place)] = 1
    blurred = gaussian_filter(point, 1.5, truncate=5)
    np.testing.assert_allclose(drawn[1], blurred / blurred.max(), atol=0.02)
    assert drawn.dtype == np.float32
    assert not drawn[[0, 2]].any()
    assert drawn[(1, *place)] == 1


def test_two_clicks_of_a_class_do_not_add_up_and_edges_cut() -> None:
    drawn = draw_clicks((12, 20), np.array([[0, 0], [0, 2], [11, 19], [-40, 3]]), np.array([0, 0, 1, 1]), 2, 2.0)
    assert drawn.max() == 1
    assert drawn[0, 0, 1] == pytest.approx(np.exp(-1 / 8))
    assert drawn[1, 11, 19] == 1
    assert not drawn[1, :4].any()
