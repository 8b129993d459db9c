"""Boxes that several networks drew around one object become one, by weight and score."""

from __future__ import annotations

import numpy as np

from napari_medclf.engine.detection.found import Found
from napari_medclf.engine.detection.fusion import fuse


def _found(*boxes: tuple[float, float, float], number: int = 0) -> Found:
    """Boxes of 10 x 10 x 10 that begin at (0, 0, start), with a score each: (start, score, class)."""
    low = np.array([(0.0, 0.0, start) for start, _, _ in boxes]).reshape(-1, 3)
    corners = np.stack([low, low + 10], axis=1)
    return Found(corners, np.array([s for _, s, _ in boxes]), np.array([int(c) for _, _, c in boxes], dtype=int))


def test_one_object_of_two_networks_is_one_box_between_them() -> None:
    fused = fuse([_found((0, 0.8, 0)), _found((2, 0.4, 0))], (1.0, 1.0), 0.5)
    assert len(fused) == 1
    # by hand: corners are (0 * 0.8 + 2 * 0.4) / 1.2, the score is the mean
    np.testing.assert_allclose(fused.boxes[0, 0, 2], 2 / 3)
    np.testing.assert_allclose(fused.scores, [0.6])


def test_weights_count_in_corners_and_scores() -> None:
    fused = fuse([_found((0, 0.8, 0)), _found((2, 0.4, 0))], (1.0, 3.0), 0.5)
    np.testing.assert_allclose(fused.boxes[0, 0, 2], (0 * 0.8 + 2 * 1.2) / 2.0)
    # Solovyev's implementation: mean of score * weight, times min(boxes, networks) / sum of weights
    np.testing.assert_allclose(fused.scores, [(0.8 + 1.2) / 2 * 2 / 4])


def test_object_that_one_network_of_three_saw_has_a_third_of_its_score() -> None:
    fused = fuse([_found((0, 0.9, 0)), _found(), _found()], (1.0, 1.0, 1.0), 0.5)
    np.testing.assert_allclose(fused.scores, [0.3])


def test_other_classes_and_far_boxes_stay_apart() -> None:
    fused = fuse([_found((0, 0.8, 0), (50, 0.7, 0)), _found((0, 0.6, 1))], (1.0, 1.0), 0.5)
    assert sorted(fused.classes.tolist()) == [0, 0, 1]


def test_networks_that_saw_nothing_make_nothing() -> None:
    assert len(fuse([Found.nothing(), Found.nothing()], (1.0, 1.0), 0.5)) == 0
