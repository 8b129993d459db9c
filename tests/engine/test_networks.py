"""Networks by name: the twins are MONAI's networks, and nothing else can be called."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import pytest
import torch

from napari_medclf.domain.card import NetworkSpec
from napari_medclf.domain.errors import BackendUnavailable, CardError
from napari_medclf.domain.monai_networks import NETWORKS
from napari_medclf.engine.nets import TWINS
from napari_medclf.engine.networks import build_network, count_parameters

_UNET = {"features": [4, 4, 6, 8, 10, 4]}
_RESNET = {"block": "basic", "layers": [1, 2, 1, 1], "block_inplanes": [4, 8, 8, 12], "num_classes": 3}
_RES_UNET = {"in_channels": 1, "out_channels": 3, "channels": [4, 6, 8, 10], "strides": [1, 2, 2], "num_res_units": 1}
_DENSE = {"out_channels": 3, "init_features": 6, "growth_rate": 4, "block_config": [2, 3], "bn_size": 2}
_SPECS: list[tuple[str, dict[str, Any], tuple[int, ...]]] = [
    ("BasicUNet", {**_UNET, "spatial_dims": 2, "in_channels": 3}, (2, 3, 40, 51)),
    ("BasicUNet", {**_UNET, "norm": "batch", "act": "relu", "bias": False}, (1, 1, 16, 33, 18)),
    ("BasicUNet", {**_UNET, "norm": ["group", {"num_groups": 2}], "dropout": 0.2}, (1, 1, 16, 16, 16)),
    ("UNet", {**_RES_UNET, "spatial_dims": 3, "norm": "instance"}, (1, 1, 8, 16, 12)),
    ("UNet", {**_RES_UNET, "spatial_dims": 2, "num_res_units": 2, "act": ["elu", {"alpha": 0.8}]}, (2, 1, 16, 24)),
    ("UNet", {**_RES_UNET, "spatial_dims": 2, "num_res_units": 0, "up_kernel_size": 5}, (1, 1, 16, 24)),
    ("UNet", {**_RES_UNET, "spatial_dims": 3, "strides": [[1, 2, 2], 2, 2], "bias": False}, (1, 1, 8, 16, 16)),
    ("UNet", {**_RES_UNET, "spatial_dims": 3, "norm": "batch", "dropout": 0.1}, (1, 1, 8, 8, 12)),
    ("ResNet", {**_RESNET, "spatial_dims": 2, "n_input_channels": 1, "conv1_t_size": 3}, (2, 1, 28, 28)),
    ("ResNet", {**_RESNET, "no_max_pool": True, "conv1_t_stride": 2, "widen_factor": 0.5}, (1, 3, 9, 12, 17)),
    ("ResNet", {**_RESNET, "block": "bottleneck", "spatial_dims": 2}, (2, 3, 28, 31)),
    ("ResNet", {**_RESNET, "block": "bottleneck", "no_max_pool": True}, (1, 3, 9, 12, 17)),
    ("DenseNet", {**_DENSE, "spatial_dims": 2, "in_channels": 1}, (2, 1, 40, 36)),
    ("DenseNet", {**_DENSE, "spatial_dims": 3, "in_channels": 2, "norm": "instance"}, (1, 2, 33, 36, 40)),
    ("DenseNet", {**_DENSE, "spatial_dims": 2, "in_channels": 1, "dropout_prob": 0.1, "act": "elu"}, (1, 1, 40, 36)),
    ("DenseNet121", {**_DENSE, "spatial_dims": 2, "in_channels": 3, "progress": False}, (1, 3, 32, 36)),
    ("ResNet", {**_RESNET, "bias_downsample": False, "act": "leakyrelu", "spatial_dims": 2}, (1, 3, 28, 28)),
]


@pytest.mark.parametrize(("name", "arguments", "shape"), _SPECS)
def test_twin_is_born_with_monais_weights_and_gives_its_output(
    name: str, arguments: dict[str, Any], shape: tuple[int, ...]
) -> None:
    from monai.networks import nets

    torch.manual_seed(5)
    twin = TWINS[name](**arguments)
    torch.manual_seed(5)
    original = getattr(nets, name)(**arguments)
    theirs = original.state_dict()
    assert list(twin.state_dict()) == list(theirs)
    assert all(torch.equal(value, theirs[key]) for key, value in twin.state_dict().items())
    x = torch.randn(shape)
    assert torch.equal(twin.eval()(x), original.eval()(x))
    if not (arguments.get("dropout") or arguments.get("dropout_prob")):
        assert torch.equal(twin.train()(x), original.train()(x))


def test_argument_unknown_to_the_twin_goes_to_monai() -> None:
    arguments = {**_UNET, "spatial_dims": 2, "upsample": "nontrainable"}
    network = build_network(NetworkSpec(target="monai.networks.nets.BasicUNet", arguments=arguments))
    assert type(network).__module__.startswith("monai.")
    assert network.eval()(torch.zeros(1, 1, 32, 32)).shape == (1, 2, 32, 32)


def test_every_name_on_the_list_is_a_network_of_monai() -> None:
    from monai.networks import nets

    assert [name for name in sorted(NETWORKS) if not callable(getattr(nets, name, None))] == []


def test_building_a_twin_loads_no_monai() -> None:
    code = (
        "import sys; from napari_medclf.domain.card import NetworkSpec;"
        "from napari_medclf.engine.networks import build_network;"
        "build_network(NetworkSpec(target='monai.networks.nets.BasicUNet'));"
        "print('monai' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("target", ["os.system", "monai.networks.nets.ResNetFeatures", "monai.bundle.run", ""])
def test_anything_off_the_list_is_refused(target: str) -> None:
    with pytest.raises(CardError, match="There is no network"):
        build_network(NetworkSpec(target=target))


def test_misspelt_network_names_the_nearest_one() -> None:
    with pytest.raises(CardError, match=r"Did you mean 'monai\.networks\.nets\.BasicUNet'"):
        build_network(NetworkSpec(target="monai.networks.nets.BasicUnet"))


def test_wrong_argument_is_a_sentence_with_its_name() -> None:
    spec = NetworkSpec(target="monai.networks.nets.BasicUNet", arguments={"depth": 4})
    with pytest.raises(CardError, match=r"BasicUNet cannot be built with .*depth"):
        build_network(spec)


@pytest.mark.skipif(find_spec("einops") is not None, reason="needs a place without einops")
def test_network_whose_package_is_absent_names_it() -> None:
    spec = NetworkSpec(target="monai.networks.nets.ViT", arguments={"in_channels": 1, "img_size": 16, "patch_size": 8})
    with pytest.raises(BackendUnavailable, match="ViT needs the package 'einops'"):
        build_network(spec)


def test_download_of_weights_is_refused() -> None:
    arguments = {"spatial_dims": 2, "in_channels": 1, "out_channels": 2, "pretrained": True}
    with pytest.raises(CardError, match="download weights"):
        build_network(NetworkSpec(target="monai.networks.nets.DenseNet121", arguments=arguments))


def test_parameters_are_counted() -> None:
    assert count_parameters(torch.nn.Linear(3, 5)) == 3 * 5 + 5
