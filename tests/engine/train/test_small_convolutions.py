"""Layers that see images hardly larger than their kernel must learn from right gradients in half precision."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv3d, conv_transpose3d

from napari_medclf.engine.train.precision import Precision


def _weight_gradient(layer: nn.Conv3d, images: Tensor, precision: str) -> Tensor:
    layer.zero_grad()
    with Precision(precision, "cpu").autocast():
        answer = layer(images)
    answer.float().square().sum().backward()
    return layer.weight.grad.clone()


def _spoil_free_memory(layer: nn.Conv3d) -> None:
    """Leave NaN where the next arrays of the sizes of the layer's weight will lie."""
    n = layer.weight.numel()
    spoilt = [torch.full((size,), float("nan")) for size in (n // 2, n, 2 * n) for _ in range(8)]
    del spoilt


@pytest.mark.parametrize("size", [(2, 3, 2), (2, 4, 4), (2, 9, 7), (1, 4, 3)])
def test_gradient_of_a_shallow_layer_is_that_of_single_precision(size: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    layer, images = nn.Conv3d(32, 32, 3, padding=1), torch.randn(2, 32, *size)
    truth = _weight_gradient(layer, images, "float32")
    for _ in range(3):
        _spoil_free_memory(layer)
        found = _weight_gradient(layer, images, "bfloat16")
        assert float((found - truth).norm() / truth.norm()) < 0.03


def test_small_images_are_computed_in_single_precision_and_others_in_half() -> None:
    weight = torch.randn(4, 4, 3, 3, 3)
    with Precision("bfloat16", "cpu").autocast():
        assert conv3d(torch.randn(1, 4, 2, 8, 8), weight, padding=1).dtype == torch.float32
        assert conv3d(torch.randn(1, 4, 3, 8, 8).bfloat16(), weight, padding=1).dtype == torch.float32
        assert conv3d(torch.randn(1, 4, 4, 8, 8), weight, padding=1).dtype == torch.bfloat16
        assert conv3d(torch.randn(1, 4, 2, 8, 8), weight[:, :, :1], padding=(0, 1, 1)).dtype == torch.bfloat16
        assert conv2d(torch.randn(1, 4, 3, 9), weight[:, :, 0], bias=torch.zeros(4), padding=1).dtype == torch.float32
        assert conv_transpose3d(torch.randn(1, 4, 1, 5, 6), weight, stride=2).dtype == torch.float32


def test_single_precision_is_left_as_it_is() -> None:
    layer, images = nn.Conv3d(2, 2, 3), torch.randn(1, 2, 3, 4, 5)
    with Precision("float32", "cpu").autocast():
        assert torch.equal(layer(images), conv3d(images, layer.weight, layer.bias))
