from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.functional import group_norm

from napari_medclf.engine.faster import make_faster
from napari_medclf.engine.rows_norm import RowsNorm

LAYOUT = {4: torch.channels_last, 5: torch.channels_last_3d}


def samples_of(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    random = torch.Generator().manual_seed(0)
    samples = 2 + 3 * torch.randn(*shape, generator=random)
    return samples.to(dtype).to(memory_format=LAYOUT[len(shape)]).requires_grad_()


@pytest.mark.parametrize("n_groups", [1, 3, 6])
@pytest.mark.parametrize("shape", [(2, 6, 5, 7, 3), (3, 6, 9, 4)])
def test_values_and_gradients_are_those_of_torch_in_double_precision(shape, n_groups):
    samples, weight, bias = samples_of(*shape), torch.rand(6).requires_grad_(), torch.randn(6).requires_grad_()
    slope = torch.randn(shape)
    ours = RowsNorm.apply(samples, weight, bias, n_groups, 1e-5)
    theirs = group_norm(samples.double(), n_groups, weight.double(), bias.double(), 1e-5)
    torch.testing.assert_close(ours.double(), theirs, atol=2e-6, rtol=1e-5)
    found = torch.autograd.grad(ours, (samples, weight, bias), slope)
    expected = torch.autograd.grad(theirs, (samples, weight, bias), slope.double())
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


def test_without_weights_it_still_learns():
    samples = samples_of(2, 4, 6, 5)
    found = torch.autograd.grad(RowsNorm.apply(samples, None, None, 2, 1e-5).square().sum(), samples)[0]
    expected = torch.autograd.grad(group_norm(samples, 2).square().sum(), samples)[0]
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_bfloat16_is_as_near_as_its_rounding():
    samples, weight = samples_of(2, 4, 6, 5, 3, dtype=torch.bfloat16), torch.rand(4).requires_grad_()
    ours = RowsNorm.apply(samples, weight, None, 4, 1e-5)
    assert ours.dtype == torch.bfloat16
    torch.testing.assert_close(ours.float(), group_norm(samples.float(), 4, weight), atol=0.02, rtol=0.01)


def test_large_samples_are_read_in_blocks():
    samples = samples_of(1, 4, 40, 50, 60)
    ours = RowsNorm.apply(samples, None, None, 4, 1e-5)
    torch.testing.assert_close(ours, group_norm(samples.double(), 4).float(), atol=1e-5, rtol=1e-5)


def test_network_in_channels_last_learns_as_in_the_usual_layout():
    torch.manual_seed(0)
    network = make_faster(
        nn.Sequential(nn.Conv3d(1, 4, 3, padding=1), nn.InstanceNorm3d(4, affine=True), nn.ReLU(), nn.Conv3d(4, 2, 1))
    )
    images = torch.randn(2, 1, 6, 7, 5)
    gradients = []
    for layout in (torch.contiguous_format, torch.channels_last_3d):
        network.to(memory_format=layout).zero_grad()
        network(images.to(memory_format=layout)).square().mean().backward()
        gradients.append([parameter.grad.clone().contiguous() for parameter in network.parameters()])
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-4)
