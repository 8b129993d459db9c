from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.stroke import StrokeKind
from napari_medclf.testing.simulated_person import Hand, apply_stroke, next_stroke


@pytest.fixture
def truth():
    labels = np.zeros((5, 40, 48), dtype=np.uint8)
    labels[1:4, 8:30, 10:40] = 1
    labels[2, 32:36, 4:44] = 2
    return labels


def corrected(truth, labels, hand):
    n_strokes = 0
    while (stroke := next_stroke(truth, labels, hand)) is not None:
        assert (truth.ravel()[stroke.voxels] == stroke.after).all()
        labels = apply_stroke(labels, stroke)
        n_strokes += 1
    return labels, n_strokes


def test_strokes_lead_to_the_truth(truth):
    labels, n_strokes = corrected(truth, np.zeros_like(truth), Hand())
    assert (labels != truth).sum() < 4 * len(truth) * 3
    assert 10 < n_strokes < 200


def test_a_longer_stroke_and_a_thicker_brush_need_fewer(truth):
    blank = np.zeros_like(truth)
    counts = [corrected(truth, blank, hand)[1] for hand in (Hand(2, 4), Hand(2, 30), Hand(5, 30))]
    assert counts == sorted(counts, reverse=True)


def test_the_worst_slice_comes_first_and_what_is_too_much_is_erased(truth):
    labels = truth.copy()
    labels[4, :20, :20] = 2
    labels[2, 10, 12:18] = 0
    stroke = next_stroke(truth, labels, Hand())
    assert stroke.kind is StrokeKind.ERASE
    assert set((stroke.voxels // truth[0].size).tolist()) == {4}


def test_nothing_is_done_where_all_is_right(truth):
    assert next_stroke(truth, truth.copy(), Hand()) is None
