"""A lop-sided image, and people who paint on it at random."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from napari_medclf.domain.stroke import Stroke, StrokeKind
from napari_medclf.store.strokes.bases import BaseInfo

SHAPE = (3, 11, 17)
DIGEST = "5e" * 32


@pytest.fixture
def base_info() -> BaseInfo:
    """Empty labels."""
    return BaseInfo(shape=SHAPE, dtype="uint8", is_empty=True)


@pytest.fixture
def strokes() -> Callable[..., Iterator[Stroke]]:
    """Make n random strokes of a person, the same for the same seed."""

    def make(n: int, seed: int = 0, author: str = "ada") -> Iterator[Stroke]:
        generator = np.random.default_rng(seed)
        labels = np.zeros(np.prod(SHAPE), dtype=np.uint8)
        for _ in range(n):
            voxels = np.sort(generator.choice(labels.size, generator.integers(1, 40), replace=False))
            after = np.full(len(voxels), generator.integers(1, 4), dtype=np.uint8)
            yield Stroke(StrokeKind.PAINT, voxels, labels[voxels], after, author=author, at="2026-11-21T10:00:00.000Z")
            labels[voxels] = after

    return make
