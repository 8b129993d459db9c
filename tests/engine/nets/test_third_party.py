"""Networks of other people's weights: their parameter names, their arithmetic, and the real files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from napari_medclf.domain.card import NetworkSpec
from napari_medclf.domain.errors import CardError
from napari_medclf.engine.networks import build_network, count_parameters
from napari_medclf.engine.weights import fill, read_tensors


def _made(name: str, **arguments: Any) -> Any:
    torch.manual_seed(6)
    network = build_network(NetworkSpec(target=f"napari_medclf.engine.nets.{name}", arguments=arguments))
    for key, value in network.state_dict().items():
        if "running" in key:  # as if it had been trained
            value.copy_(torch.rand_like(value) + 0.5)
    return network.eval()


def test_unknown_network_names_those_there_are() -> None:
    with pytest.raises(CardError, match=r"napari_medclf\.engine\.nets\.WNet"):
        _made("WNett")


@pytest.mark.parametrize(
    ("norm", "act", "bias"), [("none", "elu", True), ("none", "relu", True), ("group", "gelu", False)]
)
def test_meshnet_is_its_convolutions_one_after_the_other(norm: str, act: str, bias: bool) -> None:
    dilations = [1, 4, 2, 1]
    network = _made(
        "MeshNet",
        channels=[1, 5, 5, 6, 3],
        dilations=dilations,
        kernel_sizes=[3, 3, 3, 1],
        norm=norm,
        act=act,
        bias=bias,
    )
    x = torch.randn(1, 1, 10, 13, 9)
    kernels = [value for value in network.state_dict().values() if value.ndim == 5]
    biases = [value for value in network.state_dict().values() if value.ndim == 1]
    expected = x
    for layer, (kernel, dilation) in enumerate(zip(kernels, dilations, strict=True)):
        is_last = layer == len(kernels) - 1
        offset = biases[layer] if bias else biases[0] if is_last else None
        expected = F.conv3d(expected, kernel, offset, padding=dilation * (kernel.shape[-1] // 2), dilation=dilation)
        if is_last:
            break
        if norm == "group":
            mean, var = expected.mean((2, 3, 4), keepdim=True), expected.var((2, 3, 4), unbiased=False, keepdim=True)
            expected = (expected - mean) / (var + 1e-5).sqrt()
        expected = {"elu": F.elu, "relu": F.relu, "gelu": F.gelu}[act](expected)
    with torch.inference_mode():
        torch.testing.assert_close(network(x), expected, atol=1e-5, rtol=1e-4)


def test_linear_unet_names_each_layer_twice_and_shares_it() -> None:
    network = _made("LinearUNet", out_channels_first_layer=4)
    state = network.state_dict()
    twice = [key for key in state if ".conv_layer." in key]
    assert twice
    for key in twice:
        assert state[key].data_ptr() == state[key.replace("conv_layer", "block.0")].data_ptr()
    assert network(torch.randn(1, 1, 8, 12, 4)).shape == (1, 2, 8, 12, 4)


def _layer(state: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    """One layer of ``unet.UNet``, by its weights alone."""
    kernel = state[f"{name}.conv_layer.weight"]
    x = F.conv3d(x, kernel, state.get(f"{name}.conv_layer.bias"), padding=kernel.shape[-1] // 2)
    if f"{name}.norm_layer.weight" in state:
        values = [state[f"{name}.norm_layer.{key}"] for key in ("running_mean", "running_var", "weight", "bias")]
        x = F.batch_norm(x, *values)
    slope = state.get(f"{name}.activation_layer.weight")
    return x if slope is None else F.prelu(x, slope)


def test_linear_unet_is_what_its_weights_say() -> None:
    network = _made("LinearUNet", out_channels_first_layer=4)
    state = dict(network.state_dict())
    x = torch.randn(1, 1, 8, 12, 4)
    skips, y = [], x
    for name in ("encoder.encoding_blocks.0", "encoder.encoding_blocks.1"):
        skips.append(_layer(state, f"{name}.conv2", _layer(state, f"{name}.conv1", y)))
        y = F.max_pool3d(skips[-1], 2)
    y = _layer(state, "bottom_block.conv2", _layer(state, "bottom_block.conv1", y))
    for level in range(2):
        y = torch.cat([skips.pop(), F.interpolate(y, scale_factor=2, mode="trilinear", align_corners=False)], dim=1)
        name = f"decoder.decoding_blocks.{level}"
        y = _layer(state, f"{name}.conv2", _layer(state, f"{name}.conv1", y))
    with torch.inference_mode():
        torch.testing.assert_close(network(x), _layer(state, "classifier", y), atol=1e-5, rtol=1e-4)


def test_wnet_shows_the_second_network_what_the_first_said() -> None:
    network = _made("WNet", out_channels=2)
    x = torch.randn(1, 3, 16, 24)
    with torch.inference_mode():
        first = network.unet1(x)
        torch.testing.assert_close(network(x), network.unet2(torch.cat([x, first], 1)))
        assert not torch.allclose(network(x), first)


def test_pooled_cnn_takes_any_size() -> None:
    network = _made("PooledCNN", out_channels=3, channels=[4, 6])
    assert network(torch.randn(2, 1, 28, 28)).shape == (2, 3)
    assert network(torch.randn(2, 1, 40, 33)).shape == (2, 3)


_LARGE = {"out_channels": 4, "features": [8, 16, 32, 64]}


@pytest.mark.parametrize(
    ("file", "name", "arguments", "n_parameters"),
    [
        ("lwnet/wnet_drive/model_checkpoint.pth", "WNet", {}, 68_482),
        (
            "lwnet/big_wnet_drive_av/model_checkpoint.pth",
            "WNet",
            {"out_channels": 4, "features": [8, 16, 32, 64]},
            279_464,
        ),
        ("torchio_unet/whole_images_epoch_5.pth", "LinearUNet", {}, 246_156),
        ("medmnist_small/breastmnist_cnn.pth", "PooledCNN", {}, 92_801),
        ("medmnist_small/bloodmnist_cnn.pth", "PooledCNN", {"in_channels": 3, "out_channels": 8}, 94_280),
    ],
)
def test_real_files_fill_every_parameter(
    shared_data: Path, file: str, name: str, arguments: dict[str, Any], n_parameters: int
) -> None:
    path = shared_data.parent / "weights" / file
    if not path.is_file():
        pytest.skip("the folder of real weights, ../shared/weights beside the repository, is not here")
    network = _made(name, **arguments)
    fill(network, read_tensors(path), file)
    assert count_parameters(network) == n_parameters


def test_breast_pictures_are_told_apart_as_their_manifest_says(shared_data: Path) -> None:
    path = shared_data.parent / "weights" / "medmnist_small" / "breastmnist_cnn.pth"
    if not path.is_file():
        pytest.skip("the folder of real weights, ../shared/weights beside the repository, is not here")
    network = _made("PooledCNN")
    fill(network, read_tensors(path), "breast")
    with np.load(shared_data / "medmnist" / "breastmnist.npz") as content:
        pictures, labels = content["test_images"][:, None] / np.float32(255), content["test_labels"][:, 0]
    with torch.inference_mode():
        is_benign = network(torch.from_numpy(pictures))[:, 0].numpy() > 0
    assert round(float((is_benign == labels).mean()), 3) == 0.923
