"""What two tiles saw of one object is one object of the whole."""

from __future__ import annotations

import itertools

import numpy as np
from scipy import ndimage

from napari_medclf.engine.instances.stitch import stitch_tiles
from napari_medclf.testing.touching import DISCS_SHAPE, TOUCHING_DISCS, paint_balls


def _tiles(truth: np.ndarray, size: int, step: int):
    """Cut a map into overlapping tiles, each with numbers of its own from 1."""
    starts = [sorted({min(s, n - size) for s in range(0, n, step)} | {0}) for n in truth.shape[1:]]
    for j, i in itertools.product(*starts):
        part = truth[:, j : j + size, i : i + size]
        numbers = np.zeros_like(part)
        for new, old in enumerate(np.random.default_rng(j + i).permutation(np.unique(part[part > 0])), start=1):
            numbers[part == old] = new
        yield (0, j, i), numbers


def test_objects_across_tiles_are_one_again() -> None:
    truth = paint_balls(DISCS_SHAPE, TOUCHING_DISCS)[None]
    whole = stitch_tiles(_tiles(truth, 32, 20), truth.shape)
    assert whole.dtype == np.int32
    assert sorted(np.unique(whole)) == list(range(len(TOUCHING_DISCS) + 1))
    pairs = np.unique(np.stack([truth.ravel(), whole.ravel()]), axis=1)
    assert pairs.shape[1] == len(TOUCHING_DISCS) + 1  # one number for one


def test_neighbours_that_only_touch_stay_apart() -> None:
    left = np.zeros((1, 6, 8), dtype=np.int64)
    left[:, :, 2:5] = 1
    right = np.zeros((1, 6, 8), dtype=np.int64)
    right[:, :, 1:6] = 1  # begins where the other ends: columns 5 to 9 of the whole
    whole = stitch_tiles([((0, 0, 0), left), ((0, 0, 4), right)], (1, 6, 12))
    assert whole.max() == 2


def test_worms_through_many_tiles_stay_whole_in_3d() -> None:
    is_worm = np.zeros((6, 64, 64), dtype=bool)
    for k, row in ((1, 8), (4, 30), (2, 50)):
        is_worm[k, row : row + 3, 2:62] = True
    truth = ndimage.label(is_worm)[0]
    whole = stitch_tiles(_tiles(truth, 24, 14), truth.shape)
    np.testing.assert_array_equal(whole > 0, is_worm)
    assert whole.max() == 3


def test_no_objects_are_none() -> None:
    assert not stitch_tiles([((0, 0, 0), np.zeros((1, 4, 4), dtype=int))], (1, 4, 4)).any()
