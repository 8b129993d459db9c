from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.stroke import Stroke, StrokeKind
from napari_medclf.store.strokes.codec import decode, encode


def _same(one: Stroke, other: Stroke) -> bool:
    arrays = ("voxels", "before", "after")
    words = ("kind", "author", "at", "tool")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in arrays) and all(
        getattr(one, name) == getattr(other, name) for name in words
    )


@pytest.mark.parametrize("n_vox", [0, 1, 2, 7, 1000])
@pytest.mark.parametrize("most_label", [1, 3, 300, 70_000, 2**40])
def test_stroke_comes_back_to_the_bit(n_vox, most_label):
    generator = np.random.default_rng(n_vox)
    voxels = np.sort(generator.choice(10**9, n_vox, replace=False)).astype(np.int64)
    before, after = generator.integers(0, most_label + 1, (2, n_vox))
    stroke = Stroke(StrokeKind.TOOL, voxels, before, after, author="Zoë 病", at="2026-11-21", tool="watershed")
    assert _same(decode(encode(stroke)), stroke)


def test_voxels_far_beyond_32_bits_come_back():
    voxels = np.array([0, 2**33, 2**40 + 1, 2**40 + 2])
    stroke = Stroke(StrokeKind.FILL, voxels, np.zeros(4, int), np.ones(4, int))
    assert _same(decode(encode(stroke)), stroke)


def test_negative_values_come_back():
    stroke = Stroke(StrokeKind.PAINT, np.arange(3), np.array([-1, 0, 5]), np.array([5, -300, 2**40]))
    assert _same(decode(encode(stroke)), stroke)


def test_unsorted_voxels_keep_their_values():
    stroke = Stroke(StrokeKind.PAINT, np.array([9, 2, 5]), np.array([1, 2, 3]), np.array([4, 5, 6]))
    again = decode(encode(stroke))
    assert again.voxels.tolist() == [2, 5, 9]
    assert again.before.tolist() == [2, 3, 1]
    assert again.after.tolist() == [5, 6, 4]


def test_brush_stroke_takes_less_than_a_byte_a_voxel():
    rows, columns = np.mgrid[:512, :512]
    voxels = np.flatnonzero((rows - 200) ** 2 + (columns - 300) ** 2 <= 40**2)
    stroke = Stroke(StrokeKind.PAINT, voxels, np.zeros(len(voxels), np.uint8), np.ones(len(voxels), np.uint8))
    assert len(encode(stroke)) < len(voxels) / 8
