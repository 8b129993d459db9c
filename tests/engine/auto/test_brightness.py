from __future__ import annotations

import numpy as np

from napari_medclf.engine.auto.brightness import brightness_tells


def test_one_of_three_classes_that_is_darker_is_seen():
    random = np.random.default_rng(0)
    names = ["lung", "bone", "air"] * 20
    means = [random.normal(20 if name == "air" else 120, 15) for name in names]
    assert brightness_tells(means, [(name,) for name in names])


def test_brightness_that_differs_as_exposures_do_tells_nothing():
    random = np.random.default_rng(1)
    names = ["well", "ill"] * 30
    means = [random.normal(100 if name == "ill" else 108, 15) for name in names]
    assert not brightness_tells(means, [(name,) for name in names])


def test_classes_that_exclude_nothing_are_looked_at_one_by_one():
    classes = [("a", "b"), ("a",), ("b",), ()] * 5
    assert brightness_tells([100.0 if "b" in each else 10.0 for each in classes], classes)
    assert not brightness_tells([50.0] * 20, classes)
