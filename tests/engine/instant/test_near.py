"""A stroke moves what is near it and like it, by what it needed."""

from __future__ import annotations

import itertools

import numpy as np

from napari_medclf.engine.instant.near import Near, Strokes
from napari_medclf.engine.instant.targets import ChannelTargets


def _strokes(places, x, logits, right, is_known=None):
    right = np.array(right, np.float32)
    known = np.ones(right.shape, bool) if is_known is None else np.array(is_known)
    return Strokes(np.array(places, np.float32), np.array(x, np.float32), np.array(logits, np.float32),
                   ChannelTargets(right, known))  # fmt: skip


_WRONG = _strokes([[5, 5, 5]], [[1.0, 0.0]], [[3.0, 0.0]], [[0, 1]])


def _at(near, place, x=(1.0, 0.0)):
    return near.shift(np.array([place], np.float32), np.array([x], np.float32))[0]


def test_the_painted_voxel_itself_is_put_right_or_nearly():
    moved = _at(Near(_WRONG, 4, 1, 1, True), (5, 5, 5))
    np.testing.assert_allclose(moved, [0, 4 / 1.1], atol=1e-5)


def test_farther_and_less_alike_is_moved_less_and_beyond_reach_not_at_all():
    near = Near(_WRONG, 4, 1, 1, True)
    along = [_at(near, (5, 5, 5 + d))[1] for d in (0, 4, 8, 11)]
    assert all(a > b > 0 for a, b in itertools.pairwise(along))
    assert _at(near, (5, 5, 17.5))[1] == 0
    assert _at(near, (5, 5, 5), (1.0, 2.0))[1] < along[0]
    assert _at(near, (5, 5, 5), (1.0, 9.0))[1] == 0


def test_what_was_right_when_painted_over_keeps_its_neighbours():
    right = _strokes([[5, 5, 5], [5, 5, 7]], [[1, 0], [1, 0]], [[3, 0], [0, 5]], [[0, 1], [0, 1]])
    assert _at(Near(right, 4, 1, 1, True), (5, 5, 8))[1] < _at(Near(_WRONG, 4, 1, 1, True), (5, 5, 8))[1]


def test_independent_classes_rise_and_fall():
    strokes = _strokes([[0, 0, 0]], [[0.0, 0.0]], [[-2.0, 2.0, 0.5]], [[1, 0, 0]], [[True, True, False]])
    moved = _at(Near(strokes, 4, 1, 1, False), (0, 0, 0), (0.0, 0.0))
    np.testing.assert_allclose(moved * 1.1, [3, -3, 0], atol=1e-5)


def test_marked_voxels_hold_all_that_are_moved():
    near = Near(_WRONG, 1.5, 1, 1, True)
    shape, start, step = (8, 9, 10), (1, 0, 2), (2.0, 1.0, 1.0)
    index = np.argwhere(np.ones(shape, bool))
    places = (index + start) * step
    moved = near.shift(places.astype(np.float32), np.tile(np.float32([1, 0]), (len(index), 1))).any(axis=1)
    marks = near.mark(shape, start, step)
    assert moved.any()
    assert marks[tuple(index[moved].T)].all()
    assert marks.sum() < marks.size
