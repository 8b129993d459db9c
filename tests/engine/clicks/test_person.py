"""A person clicks into the middle of the largest mistakes, and says what is right there."""

from __future__ import annotations

import numpy as np

from napari_medclf.engine.clicks.person import clicks_on_errors, middle_of

_ALL = np.ones((20, 28), bool)


def test_the_largest_mistake_is_clicked_first_in_its_middle() -> None:
    truth = np.zeros((20, 28), int)
    truth[3:12, 5:14] = 1
    answer = truth.copy()
    answer[4:11, 6:13] = 0  # a hole of 7 x 7 in what is right
    answer[15:18, 20:23] = 1  # 3 x 3 too much
    places, classes = clicks_on_errors(answer, truth, _ALL, 4)
    assert places.tolist() == [[7, 9], [16, 21]]
    assert classes.tolist() == [1, 0]
    assert clicks_on_errors(answer, truth, _ALL, 1)[0].tolist() == [[7, 9]]


def test_nothing_is_clicked_where_all_is_right_or_unknown() -> None:
    truth = np.zeros((20, 28), int)
    assert clicks_on_errors(truth, truth, _ALL, 3)[0].shape == (0, 2)
    wrong = truth + 1
    is_known = ~_ALL
    is_known[2:5, 3:6] = True
    places, classes = clicks_on_errors(wrong, truth, is_known, 3)
    assert places.tolist() == [[3, 4]]
    assert classes.tolist() == [0]


def test_a_click_lies_in_its_region_even_where_that_is_bent() -> None:
    ring = np.hypot(*(np.mgrid[:31, :31] - 15)) // 1
    region = (ring > 8) & (ring < 13)
    assert region[middle_of(region)]
    truth = region.astype(int)
    ((j, i),), _ = clicks_on_errors(np.zeros_like(truth), truth, np.ones_like(region), 1)
    assert region[j, i]
