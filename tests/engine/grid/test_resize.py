"""Resizing over the same box: by area where an axis shrinks, linear where it grows."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_medclf.engine.grid.axis_map import AxisMap
from napari_medclf.engine.grid.resize import pick_nearest, resize_samples


def _samples(*shape: int) -> np.ndarray:
    return np.random.default_rng(2).random(shape, dtype=np.float32)


def test_whole_cells_are_averaged() -> None:
    samples = _samples(2, 4, 6, 8)
    expected = samples.reshape(2, 2, 2, 2, 3, 4, 2).mean(axis=(2, 4, 6))
    np.testing.assert_allclose(resize_samples(samples, (2, 2, 4)), expected, atol=1e-6)


def test_part_of_a_sample_counts_by_the_part() -> None:
    line = np.array([0, 6, 12], dtype=np.float32).reshape(1, 1, 3)
    np.testing.assert_allclose(resize_samples(line, (1, 1, 2)).ravel(), (2, 10), atol=1e-6)


@pytest.mark.parametrize("shape", [(7, 13, 12), (5, 6, 19), (9, 11, 12)])
def test_growing_equals_trilinear_interpolation(shape: tuple[int, int, int]) -> None:
    samples = _samples(3, 5, 6, 12)
    expected = torch.nn.functional.interpolate(torch.from_numpy(samples)[None], shape, mode="trilinear")[0]
    np.testing.assert_allclose(resize_samples(samples, shape), expected.numpy(), atol=1e-6)


def test_mean_stays_when_some_axes_shrink_and_some_grow() -> None:
    samples = _samples(2, 9, 10, 11)
    np.testing.assert_allclose(resize_samples(samples, (13, 3, 7)).mean(), samples.mean(), rtol=0.02)
    assert resize_samples(np.ones((4, 5, 6), dtype=np.float32), (9, 2, 6)) == pytest.approx(1)


def test_nearest_takes_the_label_at_the_centre() -> None:
    labels = np.arange(5, dtype=np.uint8).reshape(1, 1, 5)
    for n_new, expected in ((10, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]), (3, [0, 2, 4])):
        index = [AxisMap.between_edges(old, new).forward_nearest() for old, new in ((1, 1), (1, 1), (5, n_new))]
        assert pick_nearest(labels, index).ravel().tolist() == expected
