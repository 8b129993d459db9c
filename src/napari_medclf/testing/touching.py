"""Touching discs and balls with known numbers, for what tells objects apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_medclf.domain.arrays import LabelArray

Ball = tuple[tuple[float, ...], float]
"""Centre in voxels, radius in units of the spacing."""


def paint_balls(shape: Sequence[int], balls: Sequence[Ball], spacing: Sequence[float] | None = None) -> LabelArray:
    """Number the voxels from 1 by the ball that they lie in deepest; 0 where they lie in none."""
    steps = np.ones(len(shape)) if spacing is None else np.asarray(spacing)
    places = np.moveaxis(np.indices(tuple(shape)), 0, -1) * steps
    depth = np.stack([radius - np.linalg.norm(places - np.array(c) * steps, axis=-1) for c, radius in balls])
    return np.where(depth.max(axis=0) > 0, depth.argmax(axis=0) + 1, 0).astype(np.int32)


TOUCHING_DISCS: list[Ball] = [
    ((20.0, 20.0), 10.0),
    ((20.0, 37.0), 9.0),
    ((36.0, 28.0), 8.5),
    ((60.0, 24.0), 12.0),
    ((64.0, 60.0), 6.0),
    ((66.0, 70.5), 6.5),
    ((30.0, 66.0), 11.0),
]
"""A chain of three, a disc alone, a pair, and another one alone: seven on 80 x 90 pixels."""
DISCS_SHAPE = (80, 90)


def count_matches(found: LabelArray, truth: LabelArray, smallest_iou: float = 0.8) -> int:
    """Count the true objects that a found one covers with this intersection over union or more."""
    n = 0
    for number in range(1, int(truth.max()) + 1):
        mask = truth == number
        other = np.bincount(found[mask]).argmax()
        n += int(other > 0 and (mask & (found == other)).sum() >= smallest_iou * (mask | (found == other)).sum())
    return n
