"""The transformer: MONAI's arithmetic, and torch's own attention."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from napari_medclf.engine.nets.layers import NotSupported
from napari_medclf.engine.nets.vit import ViT

_SMALL: dict[str, Any] = {
    "in_channels": 1, "hidden_size": 12, "mlp_dim": 20, "num_layers": 2, "num_heads": 3, "classification": True,
}  # fmt: skip


@pytest.mark.parametrize(
    "more",
    [
        {"spatial_dims": 2, "img_size": [16, 24], "patch_size": 8},
        {"spatial_dims": 3, "img_size": 16, "patch_size": [8, 4, 8], "post_activation": "none", "qkv_bias": True},
    ],
)
def test_weights_of_monais_network_give_its_answer(more):
    pytest.importorskip("einops", reason="MONAI's own ViT needs einops")
    from monai.networks.nets import ViT as MonaiViT

    torch.manual_seed(0)
    original = MonaiViT(**_SMALL, **more).eval()
    twin = ViT(**_SMALL, **more).eval()
    assert list(twin.state_dict()) == list(original.state_dict())
    twin.load_state_dict(original.state_dict())
    size = (16, 24) if more["spatial_dims"] == 2 else (16, 16, 16)
    x = torch.rand(2, 1, *size)
    torch.testing.assert_close(twin(x)[0], original(x)[0])


def test_attention_is_torchs_own():
    torch.manual_seed(0)
    ours = ViT(**_SMALL, spatial_dims=2, img_size=16, patch_size=8, qkv_bias=True).blocks[0].attn.eval()
    theirs = torch.nn.MultiheadAttention(12, 3, batch_first=True).eval()
    theirs.in_proj_weight.data, theirs.in_proj_bias.data = ours.qkv.weight.data, ours.qkv.bias.data
    theirs.out_proj.load_state_dict(ours.out_proj.state_dict())
    x = torch.rand(2, 5, 12)
    torch.testing.assert_close(ours(x), theirs(x, x, x, need_weights=False)[0])


def test_place_of_a_patch_counts():
    torch.manual_seed(0)
    network = ViT(**_SMALL, spatial_dims=2, img_size=16, patch_size=8).eval()
    x = torch.zeros(1, 1, 16, 16)
    x[..., :8, :8] = 1
    assert not torch.allclose(network(x)[0], network(x.flip(2))[0], atol=1e-6)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [({"proj_type": "perceptron"}, NotSupported), ({"patch_size": 32}, ValueError), ({"num_heads": 5}, ValueError)],
)
def test_unknown_and_impossible_arguments_are_told_apart(wrong, error):
    with pytest.raises(error):
        ViT(**(_SMALL | {"spatial_dims": 2, "img_size": 16, "patch_size": 8} | wrong))
