"""What stands apart is found, what varies is left alone."""

from __future__ import annotations

import numpy as np

from napari_medclf.engine.quality.unusual import find_unusual


def test_planted_value_is_found_and_natural_spread_is_not():
    values = np.random.default_rng(1).lognormal(0, 0.1, 200)

    assert find_unusual(values.tolist()).tolist() == []
    values[17] = 30
    assert find_unusual(values.tolist()).tolist() == [17]


def test_among_equal_values_the_rare_other_one_is_unusual():
    assert find_unusual([28.0] * 60 + [224.0]).tolist() == [60]
    assert find_unusual([28.0] * 60 + [224.0] * 30).tolist() == []


def test_few_images_tell_nothing():
    assert find_unusual([1.0, 1.0, 1.0, 500.0]).tolist() == []


def test_differences_count_where_values_may_be_negative():
    values = [-1000.0 + n for n in range(20)] + [400.0]

    assert find_unusual(values, is_ratio=False).tolist() == [20]
