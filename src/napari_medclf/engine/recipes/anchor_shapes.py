"""Anchors that fit the boxes of the training data."""

from __future__ import annotations

import numpy as np

from napari_medclf.domain.arrays import FloatArray

N_SHAPES = 3
_N_ROUNDS = 50
_SMALLEST_VOX = 2.0


def choose_anchors(sizes_vox: FloatArray, n_levels: int, n_shapes: int = N_SHAPES) -> tuple[tuple[float, ...], ...]:
    """Choose the shapes of the first level, from which each further level has those of twice the size.

    Parameters
    ----------
    sizes_vox : (n, dims)
        Edges of training boxes on the model grid.
    n_levels : int
        Levels of the pyramid.

    Returns
    -------
    tuple of (dims,) float
        At most `n_shapes`, the smallest first; even numbers of voxels, as anchors are rounded.

    Notes
    -----
    Every box is divided by a power of two, so that it lies near the smallest ones; then k-means over the logarithms of
    its edges (YOLO9000 chooses its anchors by k-means, too; Redmon 2017).
    """
    logs = np.log2(np.maximum(sizes_vox, _SMALLEST_VOX))
    typical = logs.mean(axis=1)
    level = np.clip(np.round(typical - np.percentile(typical, 10)), 0, n_levels - 1)
    centres = _k_means(logs - level[:, np.newaxis], n_shapes)
    even = {tuple(float(max(2 * round(2**edge / 2), _SMALLEST_VOX)) for edge in one) for one in centres}
    return tuple(sorted(even, key=np.prod))


def _k_means(points: FloatArray, k: int) -> FloatArray:
    """Lloyd's rounds from points spread evenly over the sizes: the same points give the same centres."""
    order = np.argsort(points.sum(axis=1), kind="stable")
    centres = points[order[np.linspace(0, len(points) - 1, 2 * k + 1).round().astype(int)[1::2]]]
    for _ in range(_N_ROUNDS):
        nearest = ((points[:, np.newaxis] - centres) ** 2).sum(axis=2).argmin(axis=1)
        moved = np.array([points[nearest == n].mean(axis=0) if (nearest == n).any() else centres[n] for n in range(k)])
        if np.allclose(moved, centres):
            break
        centres = moved
    return np.asarray(centres)
