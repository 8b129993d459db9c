"""Features around every voxel against SciPy's filters."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_medclf.engine.classic.features.pixelwise import PixelFeatures, blur


def test_blur_is_scipys() -> None:
    image = np.random.default_rng(0).normal(size=(19, 26))
    expected = ndimage.gaussian_filter(image, 1.5, mode="nearest", radius=4)  # 3 deviations, rounded
    np.testing.assert_allclose(blur(torch.from_numpy(image)[None, None], 1.5)[0, 0], expected, atol=1e-9)


@pytest.mark.parametrize("n_dims", [2, 3])
def test_scales_follow_one_another_like_one_gaussian(n_dims: int) -> None:
    image = np.random.default_rng(1).normal(size=(14, 19, 26)[3 - n_dims :]).astype(np.float32)
    features = PixelFeatures(n_dims, 1, (1, 2))
    found = dict(zip(features.names, features(torch.from_numpy(image)[None, None])[0].numpy(), strict=True))
    expected = ndimage.gaussian_filter(image, 2.0, mode="nearest", truncate=6)
    inner = (slice(6, -6),) * n_dims
    np.testing.assert_allclose(found["channel 0 smooth at 2"][inner], expected[inner], atol=0.02)
    assert len(features.names) == len(set(features.names))


def test_bright_line_is_a_ridge_across_and_none_along() -> None:
    image = torch.zeros(1, 1, 21, 30)
    image[..., 10, :] = 1
    features = PixelFeatures(2, 1, (1.5,))
    found = dict(zip(features.names, features(image)[0], strict=True))
    assert found["channel 0 ridge low at 1.5"][10, 15] < -0.15
    assert abs(found["channel 0 ridge high at 1.5"][10, 15]) < 1e-3
    assert found["channel 0 edge at 1.5"][8, 15] > found["channel 0 edge at 1.5"][10, 15]


def test_channels_are_described_one_by_one() -> None:
    features = PixelFeatures(2, 3, (1, 2))
    image = torch.rand(2, 3, 12, 15)
    assert features(image).shape == (2, len(features.names), 12, 15)
    assert len(features.names) == 3 * 13
