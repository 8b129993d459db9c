"""A description cannot make a network take more memory than its weights fill."""

from __future__ import annotations

import pytest
import torch

from napari_medclf.domain.card import NetworkSpec
from napari_medclf.domain.errors import CardError
from napari_medclf.engine.bounded_build import AtMost
from napari_medclf.engine.networks import build_network

_SMALL = {"spatial_dims": 3, "in_channels": 1, "out_channels": 2, "channels": [4, 8], "strides": [2]}


@pytest.mark.parametrize("name", ["UNet", "SegResNet"])
def test_network_of_the_size_of_its_weights_is_built(name: str) -> None:
    arguments = _SMALL if name == "UNet" else {"spatial_dims": 3, "out_channels": 2}
    spec = NetworkSpec(target=f"monai.networks.nets.{name}", arguments=arguments)
    with AtMost(100_000, "weights.pt"):
        assert build_network(spec)


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("UNet", {"channels": [20_000, 40_000]}),
        ("UNet", {"out_channels": 1_000_000_000}),
        ("UNet", {"channels": [1000, 1000, 1000, 1000, 1000, 1000], "strides": [2, 2, 2, 2, 2]}),
        ("UNet", {"channels": [600, 600], "num_res_units": 100_000}),
        ("AttentionUnet", {"channels": [20_000, 40_000]}),
    ],
)
def test_larger_network_is_refused_before_it_takes_memory(name: str, changed: dict[str, object]) -> None:
    spec = NetworkSpec(target=f"monai.networks.nets.{name}", arguments=_SMALL | changed)
    with pytest.raises(CardError, match="far larger than its weights") as refusal, AtMost(100_000, "weights.pt"):
        build_network(spec)
    assert "\n" not in str(refusal.value)


def test_tensors_made_later_are_free() -> None:
    with AtMost(0, "weights.pt"):
        torch.empty(8)
    assert torch.empty(10_000, 10_000).numel() == 10**8
