"""All features together: names, batches, channels."""

from __future__ import annotations

import pytest
import torch

from napari_medclf.engine.classic.features.collect import KINDS, HandMadeFeatures


@pytest.mark.parametrize(("n_dims", "n_channels"), [(2, 1), (2, 3), (3, 1)])
def test_every_feature_has_one_name(n_dims: int, n_channels: int) -> None:
    features = HandMadeFeatures(n_dims, n_channels)
    images = torch.rand(2, n_channels, *(12, 17, 20)[3 - n_dims :])
    assert features(images).shape == (2, len(features.names))
    assert len(set(features.names)) == len(features.names)


def test_image_has_the_same_features_alone_and_in_a_batch() -> None:
    images = torch.rand(5, 1, 24, 31)
    features = HandMadeFeatures(2, 1)
    together = features(images)
    alone = torch.cat([features(image[None]) for image in images])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-12)


def test_colour_counts_beside_the_gray_mean() -> None:
    red = torch.zeros(1, 3, 16, 16)
    red[:, 0, 4:9, 5:11] = 1
    features = HandMadeFeatures(2, 3, ("first order",))
    green = red.roll(1, 1)
    assert not torch.equal(features(red), features(green))
    assert torch.equal(features(red)[:, -36:], features(green)[:, -36:])


def test_unknown_kind_of_feature_is_named() -> None:
    with pytest.raises(ValueError, match="glcm"):
        HandMadeFeatures(2, 1, ("glmc",))
    assert "glcm" in KINDS
