"""Swapped layers change the time, not the answer."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from napari_medclf.domain.card import NetworkSpec
from napari_medclf.engine.faster import make_faster, place_for_use
from napari_medclf.engine.nets import TWINS
from napari_medclf.engine.networks import build_network
from napari_medclf.engine.quick_layers import SinglePatchConv3d

_UNET = {"in_channels": 1, "out_channels": 3, "channels": [4, 6, 8], "strides": [1, 2], "num_res_units": 1}


@pytest.mark.parametrize("norm", ["instance", ["instance", {"affine": True}], "batch"])
@pytest.mark.parametrize(("spatial_dims", "shape"), [(3, (1, 1, 8, 14, 12)), (3, (2, 1, 8, 8, 8)), (2, (1, 1, 16, 12))])
def test_answer_and_gradient_stay(norm: object, spatial_dims: int, shape: tuple[int, ...]) -> None:
    arguments = {**_UNET, "spatial_dims": spatial_dims, "norm": norm}
    torch.manual_seed(2)
    plain = TWINS["UNet"](**arguments)
    torch.manual_seed(2)
    faster = build_network(NetworkSpec(target="monai.networks.nets.UNet", arguments=arguments))
    assert list(faster.state_dict()) == list(plain.state_dict())
    assert not any(isinstance(layer, (nn.InstanceNorm2d, nn.InstanceNorm3d)) for layer in faster.modules())
    x = torch.randn(shape)
    for one in (plain, faster):
        one(x).square().mean().backward()
    gradients = zip(plain.parameters(), faster.parameters(), strict=True)
    assert all(torch.allclose(a.grad, b.grad, atol=1e-4) for a, b in gradients)
    with torch.inference_mode():
        torch.testing.assert_close(faster.eval()(x), plain.eval()(x), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(("spatial_dims", "shape"), [(3, (1, 1, 8, 14, 12)), (2, (2, 1, 16, 12))])
def test_other_memory_layout_gives_the_same_answer(spatial_dims: int, shape: tuple[int, ...]) -> None:
    arguments = {**_UNET, "spatial_dims": spatial_dims}
    network = build_network(NetworkSpec(target="monai.networks.nets.UNet", arguments=arguments)).eval()
    x = torch.randn(shape)
    with torch.inference_mode():
        expected = network(x)
        placed = place_for_use(network, torch.device("cpu"), spatial_dims)
        torch.testing.assert_close(placed(x), expected, atol=1e-5, rtol=1e-4)


def test_remembering_norm_and_unusual_padding_are_left_alone() -> None:
    layers = nn.Sequential(
        nn.InstanceNorm3d(2, track_running_stats=True),
        nn.Conv3d(2, 2, 3, padding="same"),
        nn.Conv3d(2, 2, 3, padding=1, padding_mode="reflect"),
    )
    kinds = [type(layer) for layer in layers]
    assert [type(layer) for layer in make_faster(layers)] == kinds


def test_swapped_layer_keeps_its_mode() -> None:
    network = make_faster(nn.Sequential(nn.InstanceNorm2d(2), nn.Conv3d(1, 1, 3)).eval())
    assert not any(layer.training for layer in network.modules())
    assert isinstance(network[1], SinglePatchConv3d)


def test_network_that_sees_volumes_through_flat_layers_is_placed() -> None:
    arguments = {"in_channels": 1, "out_channels": 2, "channels": [4, 4, 6, 8], "size": 16}
    network = build_network(NetworkSpec(target="napari_medclf.engine.nets.MultiView", arguments=arguments)).eval()
    x = torch.randn(1, 1, 9, 12, 10)
    with torch.inference_mode():
        expected = network(x)
        placed = place_for_use(network, torch.device("cpu"), 3)
        torch.testing.assert_close(placed(x.contiguous(memory_format=torch.channels_last_3d)), expected)
