"""Matching of objects: by hand on small pictures."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.errors import GridError
from napari_medclf.engine.metrics.instances import measure_instances, score_instances
from napari_medclf.testing.phantoms import cells_phantom


def _bars(*spans: tuple[int, int]) -> np.ndarray:
    labels = np.zeros((1, 1, 40), dtype=np.int32)
    for number, (start, stop) in enumerate(spans, start=1):
        labels[0, 0, start:stop] = 7 * number  # numbers need not be without gaps
    return labels


def test_same_objects_under_other_numbers_are_perfect() -> None:
    truth = cells_phantom().truth.labels
    numbers = np.random.default_rng(0).permutation(np.arange(1, truth.max() + 1)) * 3
    scores = score_instances(truth, np.concatenate([[0], numbers])[truth])
    assert (scores.ap50, scores.f1_50, scores.pq, scores.aji, scores.foreground_dice) == (1, 1, 1, 1, 1)


def test_numbers_by_hand() -> None:
    # Two pairs: IoU 8/10, and 4/12 (too little); a third object is missed, none is invented.
    scores = score_instances(_bars((0, 10), (12, 20), (30, 34)), _bars((0, 8), (16, 24)))
    assert scores.ap50 == pytest.approx(1 / (1 + 1 + 2))
    assert scores.f1_50 == pytest.approx(2 / (2 + 1 + 2))
    assert scores.pq == pytest.approx(0.8 / (1 + 0.5 + 1))
    assert scores.aji == pytest.approx((8 + 4) / (10 + 12 + 4))
    assert scores.foreground_dice == pytest.approx(2 * 12 / (22 + 16))


def test_split_object_is_matched_once() -> None:
    scores = score_instances(_bars((0, 20)), _bars((0, 10), (10, 20)))
    assert scores.f1_50 == pytest.approx(2 / 3)
    assert scores.foreground_dice == 1


def test_merged_objects_fail_though_the_foreground_is_right() -> None:
    scores = score_instances(_bars((0, 10), (10, 20)), _bars((0, 20)))
    assert scores.foreground_dice == 1
    assert scores.aji == pytest.approx(0.5)  # 10 of 20, and the other object finds the same one again: 20 of 40


def test_pictures_without_objects_are_undefined_or_zero() -> None:
    empty, full = _bars(), _bars((3, 9))
    assert np.isnan(score_instances(empty, empty).f1_50)
    for scores in (score_instances(empty, full), score_instances(full, empty)):
        assert (scores.ap50, scores.pq, scores.aji, scores.foreground_dice) == (0, 0, 0, 0)


def test_cases_are_averaged_with_an_interval() -> None:
    cases = [score_instances(_bars((0, 10)), _bars((0, 10))), score_instances(_bars((0, 10)), _bars((20, 30)))]
    metrics = measure_instances(cases, ["p", "q"], n_resamples=50)
    assert metrics["f1_50"].value == pytest.approx(0.5)
    assert metrics["f1_50"].ci95 == pytest.approx((0, 1))


def test_other_shape_is_refused() -> None:
    with pytest.raises(GridError, match="cannot be compared"):
        score_instances(_bars(), np.zeros((1, 2, 40), dtype=np.int32))
