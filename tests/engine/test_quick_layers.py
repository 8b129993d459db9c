"""Quick layers give what torch's own give in double precision, in both memory layouts."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from napari_medclf.engine.faster import make_faster
from napari_medclf.engine.quick_layers import BlockwiseGroupNorm, SinglePatchTransposed3d

LAYOUTS = {4: torch.channels_last, 5: torch.channels_last_3d}


def in_layout(x: torch.Tensor, *, is_last: bool) -> torch.Tensor:
    return x.contiguous(memory_format=LAYOUTS[x.ndim]) if is_last else x


def swapped(layer: nn.Module) -> nn.Module:
    return make_faster(nn.Sequential(copy.deepcopy(layer)))[0]


@pytest.mark.parametrize("is_last", [False, True])
@pytest.mark.parametrize("shape", [(1, 6, 9, 14, 20), (3, 6, 5, 8, 6), (2, 6, 40, 33)])
@pytest.mark.parametrize("groups", [1, 2, 6])
@pytest.mark.parametrize("affine", [False, True])
def test_normalisation_is_that_of_double_precision(shape, groups, affine, is_last) -> None:
    torch.manual_seed(0)
    layer = nn.GroupNorm(groups, 6, affine=affine).requires_grad_(False)
    if affine:
        layer.weight.uniform_(0.5, 2)
        layer.bias.normal_()
    x = in_layout(torch.randn(shape) + 3, is_last=is_last)
    found = swapped(layer)
    with torch.inference_mode():
        expected = copy.deepcopy(layer).double()(x.double())
        assert isinstance(found, BlockwiseGroupNorm)
        torch.testing.assert_close(found(x).double(), expected, atol=2e-6, rtol=1e-6)


def test_large_sums_keep_their_precision_where_torch_loses_it() -> None:
    torch.manual_seed(0)
    layer = nn.GroupNorm(16, 16)
    x = in_layout(torch.randn(1, 16, 48, 64, 64) + 3, is_last=True)
    with torch.inference_mode():
        expected = copy.deepcopy(layer).double()(x.double())
        assert (layer(x).double() - expected).abs().max() > 1e-4  # when this fails, torch was mended: drop ours
        assert (swapped(layer)(x).double() - expected).abs().max() < 5e-6


@pytest.mark.parametrize("is_last", [False, True])
@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize(
    "arguments",
    [
        {"kernel_size": 2, "stride": 2},
        {"kernel_size": 3, "stride": 2, "padding": 1, "output_padding": 1},
        {"kernel_size": (1, 2, 2), "stride": (1, 2, 2), "bias": False},
        {"kernel_size": 3, "stride": (1, 2, 2), "padding": 1, "output_padding": (0, 1, 1), "groups": 2},
        {"kernel_size": 3, "dilation": 2},
    ],
)
def test_transposed_convolution_is_torchs(arguments, n, is_last) -> None:
    torch.manual_seed(0)
    layer = nn.ConvTranspose3d(4, 6, **arguments).requires_grad_(False)
    if is_last:
        layer = layer.to(memory_format=torch.channels_last_3d)
    x = in_layout(torch.randn(n, 4, 5, 6, 9), is_last=is_last)
    found = swapped(layer)
    assert isinstance(found, SinglePatchTransposed3d)
    with torch.inference_mode():
        torch.testing.assert_close(found(x), layer(x), atol=1e-5, rtol=1e-5)


def test_gradients_flow_through_swapped_layers() -> None:
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Conv3d(1, 4, 3), nn.GroupNorm(2, 4), nn.ConvTranspose3d(4, 2, 2, 2))
    quick = make_faster(copy.deepcopy(plain))
    x = torch.randn(1, 1, 6, 7, 8)
    for network in (plain, quick):
        network(x).square().mean().backward()
    pairs = zip(plain.parameters(), quick.parameters(), strict=True)
    assert all(torch.allclose(a.grad, b.grad, atol=1e-5) for a, b in pairs)


def test_layer_of_another_class_is_kept() -> None:
    class Own(nn.GroupNorm):
        pass

    network = nn.Sequential(Own(1, 2))
    assert type(make_faster(network)[0]) is Own
