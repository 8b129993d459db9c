"""Anchors fit the boxes they are chosen from."""

from __future__ import annotations

import numpy as np

from napari_medclf.engine.recipes.anchor_shapes import choose_anchors


def _best_fit(sizes: np.ndarray, anchors, n_levels: int) -> np.ndarray:
    """Overlap of each box with its best anchor, both centred on one point."""
    every = np.array([np.array(one) * 2**level for one in anchors for level in range(n_levels)])
    both = np.minimum(sizes[:, None], every).prod(axis=2)
    return (both / (sizes.prod(axis=1)[:, None] + every.prod(axis=1) - both)).max(axis=1)


def test_every_box_has_an_anchor_of_about_its_shape():
    random = np.random.default_rng(0)
    kinds = np.array([[16, 16], [30, 60], [60, 30], [90, 100]])
    sizes = kinds[random.integers(4, size=200)] * random.uniform(0.85, 1.15, (200, 2))
    anchors = choose_anchors(sizes, 3)
    assert len(anchors) == 3
    assert np.percentile(_best_fit(sizes, anchors, 3), 10) > 0.5


def test_one_kind_of_box_needs_one_anchor():
    assert choose_anchors(np.full((20, 3), 12.0), 3) == ((12.0, 12.0, 12.0),)


def test_one_box_alone_is_enough():
    assert choose_anchors(np.array([[10.0, 22.0]]), 2) == ((10.0, 22.0),)
