"""Weights give away the one network of MONAI that they fit, or are refused."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from napari_medclf.domain.card import NetworkSpec
from napari_medclf.domain.errors import CardError
from napari_medclf.engine.networks import build_network
from napari_medclf.engine.stock.infer import infer_network
from napari_medclf.engine.weights import fill

_DYN = {
    "spatial_dims": 3,
    "in_channels": 2,
    "out_channels": 3,
    "kernel_size": [[1, 3, 3], [3, 3, 3], [3, 3, 3]],
    "strides": [[1, 1, 1], [1, 2, 2], [2, 2, 2]],
    "upsample_kernel_size": [[1, 2, 2], [2, 2, 2]],
    "filters": [4, 6, 8],
}
_UNET = {"spatial_dims": 3, "in_channels": 1, "out_channels": 4, "channels": [4, 6, 8, 10], "strides": [2, 2, 2]}
_CASES: list[tuple[str, dict[str, Any], tuple[int, ...]]] = [
    ("BasicUNet", {"spatial_dims": 2, "in_channels": 3, "features": [4, 4, 6, 8, 10, 4]}, (1, 3, 32, 48)),
    ("BasicUNet", {"features": [4, 4, 6, 8, 10, 6], "out_channels": 5, "norm": "batch"}, (1, 1, 16, 16, 32)),
    ("UNet", {**_UNET, "num_res_units": 2}, (1, 1, 16, 24, 8)),
    ("UNet", {**_UNET, "num_res_units": 0, "norm": "batch"}, (1, 1, 16, 24, 8)),
    ("UNet", {**_UNET, "num_res_units": 1, "strides": [2, 2, 1], "up_kernel_size": 5}, (1, 1, 16, 24, 8)),
    ("UNet", {"spatial_dims": 2, **{k: v for k, v in _UNET.items() if k != "spatial_dims"}}, (1, 1, 16, 24)),
    ("DynUNet", _DYN, (1, 2, 8, 16, 24)),
    ("DynUNet", {**_DYN, "res_block": True, "deep_supervision": True, "deep_supr_num": 1}, (1, 2, 8, 16, 24)),
    ("SegResNet", {"init_filters": 8, "in_channels": 4, "out_channels": 3}, (1, 4, 16, 16, 24)),
    ("SegResNet", {"init_filters": 8, "blocks_down": (1, 2, 2), "blocks_up": (1, 1)}, (1, 1, 16, 16, 24)),
    ("SegResNet", {"spatial_dims": 2, "init_filters": 8, "upsample_mode": "deconv"}, (1, 1, 16, 24)),
    ("DenseNet121", {"spatial_dims": 2, "in_channels": 1, "out_channels": 5}, (1, 1, 64, 64)),
    ("ResNet", {"block": "basic", "layers": [1, 2, 1, 1], "block_inplanes": [4, 8, 8, 12]}, (1, 3, 16, 24, 24)),
    (
        "ResNet",
        {"block": "bottleneck", "layers": [2, 1, 1, 1], "block_inplanes": [4, 6, 8, 8], "spatial_dims": 2},
        (1, 3, 64, 48),
    ),
]


def _made(name: str, arguments: dict[str, Any]) -> Any:
    torch.manual_seed(2)
    return build_network(NetworkSpec(target=f"monai.networks.nets.{name}", arguments=arguments)).eval()


@pytest.mark.parametrize(("name", "arguments", "shape"), _CASES)
def test_network_is_found_by_its_weights_and_answers_the_same(
    name: str, arguments: dict[str, Any], shape: tuple[int, ...]
) -> None:
    original = _made(name, arguments)
    spec, sentence = infer_network(original.state_dict(), "weights")
    assert spec.target.rpartition(".")[2] in name
    assert "was inferred from its weights" in sentence
    twin = build_network(spec).eval()
    fill(twin, original.state_dict(), "weights")
    x = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        torch.testing.assert_close(twin(x), original(x))


def test_what_weights_do_not_show_can_be_given() -> None:
    arguments = {"block": "basic", "layers": [1, 1, 1, 1], "block_inplanes": [4, 4, 4, 4], "spatial_dims": 2}
    original = _made("ResNet", {**arguments, "conv1_t_stride": 2})
    spec, _ = infer_network(original.state_dict(), "weights", {"conv1_t_stride": 2})
    assert spec.arguments["conv1_t_stride"] == 2


@pytest.mark.parametrize("fault", ["missing", "unknown", "shape"])
def test_weights_that_fit_in_part_belong_to_no_network(fault: str) -> None:
    state = dict(_made("UNet", {**_UNET, "num_res_units": 2}).state_dict())
    if fault == "missing":
        del state["model.2.1.conv.unit0.conv.bias"]
    elif fault == "unknown":
        state["extra.weight"] = torch.ones(3)
    else:
        state["model.1.submodule.0.conv.unit1.conv.bias"] = torch.ones(7)
    with pytest.raises(CardError, match=r"cannot be inferred \(none .* UNet comes near, but 1 "):
        infer_network(state, "weights")


def test_weights_of_no_stock_network_are_refused() -> None:
    with pytest.raises(CardError, match="name it in the card's network"):
        infer_network({"layer.weight": torch.ones(2, 3)}, "weights")
