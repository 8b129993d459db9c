"""Overlap and suppression agree with MONAI's, in millimetres, also where slices are thick."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.data import box_utils

from napari_medclf.engine.detection.found import Found
from napari_medclf.engine.detection.suppress import iou, suppress


def _random_boxes(n: int, seed: int, extent: float = 4.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    low = rng.uniform(0, extent, (n, 3))
    return np.stack([low, low + rng.uniform(4, 9, (n, 3))], axis=1)


def _found(n: int, seed: int, n_classes: int = 1) -> Found:
    rng = np.random.default_rng(seed + 100)
    return Found(_random_boxes(n, seed), rng.uniform(0, 1, n), rng.integers(0, n_classes, n))


@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0, 1.0), (5.0, 0.7, 0.6)])
def test_overlap_is_monais_of_boxes_in_millimetres(spacing_mm: tuple[float, float, float]) -> None:
    boxes = _random_boxes(40, 1)
    in_mm = torch.from_numpy((boxes * spacing_mm).reshape(-1, 6))
    expected = box_utils.box_iou(in_mm, in_mm).numpy()
    ours = np.stack([iou(one, boxes) for one in boxes])
    assert (expected > 0.1).sum() > 80
    np.testing.assert_allclose(ours, expected, atol=1e-6)


def test_boxes_that_only_touch_or_are_empty_do_not_overlap() -> None:
    one = np.array([[0.0, 0, 0], [2, 2, 2]])
    assert iou(one, one[np.newaxis] + np.array([2.0, 0, 0])).tolist() == [0.0]
    assert iou(np.zeros((2, 3)), np.zeros((1, 2, 3))).tolist() == [0.0]


@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0, 1.0), (5.0, 0.7, 0.6)])
@pytest.mark.parametrize("largest_iou", [0.1, 0.3, 0.6])
def test_suppression_is_monais_class_by_class(spacing_mm: tuple[float, float, float], largest_iou: float) -> None:
    found = _found(200, 2, n_classes=3)
    in_mm = torch.from_numpy((found.boxes * spacing_mm).reshape(-1, 6))
    expected = box_utils.batched_nms(
        in_mm, torch.from_numpy(found.scores), torch.from_numpy(found.classes), largest_iou
    ).numpy()
    kept = suppress(found, largest_iou)
    assert 4 < len(expected) < 190
    np.testing.assert_array_equal(kept.boxes, found.boxes[expected])
    np.testing.assert_array_equal(kept.scores, found.scores[expected])
    np.testing.assert_array_equal(kept.classes, found.classes[expected])


def test_only_so_many_are_kept_best_first() -> None:
    kept = suppress(_found(100, 3), 0.9, most=7)
    assert len(kept) == 7
    assert (np.diff(kept.scores) <= 0).all()


def test_nothing_stays_nothing() -> None:
    assert len(suppress(Found.nothing(), 0.3)) == 0


def test_box_that_a_window_cut_gives_way_to_the_whole_one() -> None:
    boxes = np.array([[[0.0, 0, 0], [3, 10, 10]], [[0.0, 0, 0], [10, 10, 10]]])
    found = Found(boxes, np.array([0.9, 0.8]), np.zeros(2, dtype=int), np.array([True, False]))
    assert suppress(found, 0.5).scores.tolist() == [0.8]
    alone = Found(boxes[:1], np.array([0.9]), np.zeros(1, dtype=int), np.array([True]))
    assert suppress(alone, 0.5).scores.tolist() == [0.9]
