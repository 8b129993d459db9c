"""Anchors are MONAI's."""

from __future__ import annotations

import pytest
import torch

from napari_medclf.engine.detection.anchors import anchor_halves, level_anchors


@pytest.mark.parametrize(
    ("shapes", "window"), [(((8, 6), (12, 20)), (48, 64)), (((6, 8, 4), (10, 10, 6)), (32, 48, 16))]
)
def test_anchors_equal_monais(shapes, window):
    from monai.apps.detection.utils.anchor_utils import AnchorGeneratorWithAnchorShape

    levels = [[size // stride for size in window] for stride in (4, 8)]
    maps = [torch.zeros(1, 1, *level) for level in levels]
    expected = AnchorGeneratorWithAnchorShape((1, 2), shapes)(torch.zeros(1, 1, *window), maps)[0]
    parts = []
    for half, level in zip(anchor_halves((1, 2), shapes), levels, strict=True):
        centres, sizes = level_anchors(half, level, window)
        parts.append(torch.cat([centres - sizes / 2, centres + sizes / 2], 1))
    assert torch.allclose(torch.cat(parts), expected)
