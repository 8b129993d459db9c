from __future__ import annotations

import pytest
import torch

from napari_medclf.engine.nets.residual_unet import ResidualUNet

_SMALL = {"channels": (4, 6, 8), "strides": (1, 2, 2), "blocks": (1, 1, 2)}


def test_scales_are_told_in_training_only_the_finest_first():
    network = ResidualUNet(3, 1, 2, is_deeply_supervised=True, **_SMALL)
    x = torch.rand(2, 1, 8, 16, 12)
    assert [one.shape[2:] for one in network(x)] == [(8, 16, 12), (4, 8, 6)]
    assert network.eval()(x).shape == (2, 2, 8, 16, 12)


def test_flat_voxels_are_halved_in_the_plane_first():
    network = ResidualUNet(
        3, 1, 2, channels=(4, 6, 8), strides=(1, (1, 2, 2), 2), kernels=((1, 3, 3), 3, 3), blocks=(1, 1, 1)
    )
    assert network.eval()(torch.rand(1, 1, 6, 16, 12)).shape == (1, 2, 6, 16, 12)


def test_pictures_are_taken_too():
    assert ResidualUNet(2, 3, 2, **_SMALL)(torch.rand(2, 3, 16, 24)).shape == (2, 2, 16, 24)


def test_gradients_reach_every_weight_with_deep_supervision():
    network = ResidualUNet(2, 1, 2, is_deeply_supervised=True, **_SMALL)
    sum(one.square().mean() for one in network(torch.rand(1, 1, 16, 24))).backward()
    assert all(one.grad is not None for one in network.parameters())


def test_levels_must_agree():
    with pytest.raises(ValueError, match="3 levels need as many"):
        ResidualUNet(2, 1, 2, channels=(4, 6, 8), strides=(1, 2), blocks=(1, 1, 1))
