"""Networks made fast and placed answer in float32 as their plain selves do in double precision."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from napari_medclf.engine.faster import make_faster, place_for_use
from napari_medclf.engine.nets.from_plans import build_from_plans

CPU = torch.device("cpu")
_PLANS = {
    "n_stages": 3, "features_per_stage": [4, 6, 8], "kernel_sizes": [[3, 3, 3]] * 3,
    "conv_op": "torch.nn.modules.conv.Conv3d",
    "strides": [[1, 1, 1], [2, 2, 2], [1, 2, 2]], "n_conv_per_stage_decoder": [2, 2], "conv_bias": True,
    "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d", "norm_op_kwargs": {"eps": 1e-5, "affine": True},
    "dropout_op": None, "dropout_op_kwargs": None, "nonlin": "torch.nn.LeakyReLU", "nonlin_kwargs": {"inplace": True},
}  # fmt: skip
_ARCHITECTURES = "dynamic_network_architectures.architectures.unet."


def monai(name: str, **arguments: Any) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        from monai.networks import nets

        return getattr(nets, name)(**arguments)

    return make


def plans(name: str, **arguments: Any) -> Callable[[], nn.Module]:
    return lambda: build_from_plans(_ARCHITECTURES + name, {**_PLANS, **arguments}, 1, 3)


NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "DenseNet121": (
        monai("DenseNet121", spatial_dims=2, in_channels=1, out_channels=3, growth_rate=4, init_features=8), (1, 40, 36)
    ),
    "DenseNet121 3D": (
        monai("DenseNet121", spatial_dims=3, in_channels=1, out_channels=3, growth_rate=4, init_features=8),
        (1, 33, 36, 40),
    ),
    "UNet": (
        monai("UNet", spatial_dims=3, in_channels=1, out_channels=3, channels=(4, 6, 8), strides=(2, 2)),
        (1, 16, 20, 12),
    ),
    "UNet 2D": (
        monai("UNet", spatial_dims=2, in_channels=1, out_channels=3, channels=(4, 6, 8), strides=(2, 2), norm="batch"),
        (1, 24, 36),
    ),
    "BasicUNet": (
        monai("BasicUNet", spatial_dims=3, in_channels=2, out_channels=3, features=(4, 4, 6, 8, 10, 4)), (2, 16, 32, 18)
    ),
    "SegResNet": (
        monai(
            "SegResNet", spatial_dims=3, in_channels=1, out_channels=3, init_filters=8, blocks_down=(1, 2),
            blocks_up=(1,),
        ),
        (1, 16, 24, 20),
    ),
    "DynUNet": (
        monai(
            "DynUNet", spatial_dims=3, in_channels=1, out_channels=3, kernel_size=(3, 3, 3), strides=(1, 2, (1, 2, 2)),
            upsample_kernel_size=(2, (1, 2, 2)), filters=(4, 6, 8), res_block=True,
        ),
        (1, 16, 24, 20),
    ),
    "PlainConvUNet": (plans("PlainConvUNet", n_conv_per_stage=[2, 2, 2]), (1, 16, 24, 20)),
    "ResidualEncoderUNet": (plans("ResidualEncoderUNet", n_blocks_per_stage=[1, 2, 2]), (1, 16, 24, 20)),
}  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("n", [1, 2])
def test_answer_stays_within_rounding_of_double_precision(name: str, n: int) -> None:
    make, shape = NETWORKS[name]
    torch.manual_seed(4)
    plain = make().eval().requires_grad_(False)
    x = torch.randn(n, *shape)
    quick = place_for_use(make_faster(copy.deepcopy(plain)), CPU, len(shape) - 1)
    with torch.inference_mode():
        expected = plain.double()(x.double())
        found = quick(x).double()
    assert found.shape == expected.shape
    torch.testing.assert_close(found, expected, atol=2e-5 * max(1.0, float(expected.abs().max())), rtol=0)


@pytest.mark.parametrize("name", NETWORKS)
def test_names_and_weights_stay(name: str) -> None:
    make, _ = NETWORKS[name]
    torch.manual_seed(4)
    plain = make()
    before = copy.deepcopy(plain.state_dict())
    after = make_faster(plain).state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(value, before[key]) for key, value in after.items())


def test_layer_with_two_names_stays_one() -> None:
    shared = nn.Conv3d(1, 1, 3)
    network = nn.ModuleDict({"one": shared, "other": nn.Sequential(shared)})
    quick = make_faster(network)
    assert quick["one"] is quick["other"][0]
    assert quick["one"] is not shared
