from __future__ import annotations

import pytest
import torch

from napari_medclf.domain.card import NetworkSpec
from napari_medclf.domain.errors import CardError
from napari_medclf.engine.networks import build_network

RESNET = {
    "target": "monai.networks.nets.ResNet",
    "arguments": {
        "block": "basic", "layers": [1, 1, 1, 1], "block_inplanes": [4, 4, 8, 8], "spatial_dims": 2,
        "n_input_channels": 1, "num_classes": 3, "conv1_t_size": 3, "conv1_t_stride": 1, "no_max_pool": True,
    },
}  # fmt: skip
DENSE = {
    "target": "monai.networks.nets.DenseNet",
    "arguments": {
        "spatial_dims": 2, "in_channels": 1, "out_channels": 3, "init_features": 4, "growth_rate": 4,
        "block_config": [1, 1],
    },
}  # fmt: skip
UNET = {
    "target": "monai.networks.nets.BasicUNet",
    "arguments": {"spatial_dims": 3, "in_channels": 2, "out_channels": 4, "features": [4, 4, 4, 4, 4, 4]},
}


def committee(**arguments):
    torch.manual_seed(3)
    return build_network(NetworkSpec(target="napari_medclf.engine.nets.Committee", arguments=arguments)).eval()


def test_answer_is_the_weighted_mean_of_calibrated_probabilities():
    network = committee(members=[RESNET, DENSE], shares=[3, 1], temperatures=[2.0, 0.5])
    x = torch.randn(5, 1, 20, 28)
    with torch.no_grad():
        first, second = (member(x) for member in network.members)
        expected = 0.75 * (first / 2).softmax(1) + 0.25 * (second / 0.5).softmax(1)
        assert torch.allclose(network(x).softmax(1), expected, atol=1e-6)


def test_segmenters_answer_together_voxel_by_voxel():
    network = committee(members=[UNET, UNET])
    x = torch.randn(1, 2, 16, 32, 16)
    with torch.no_grad():
        expected = torch.stack([member(x).softmax(1) for member in network.members]).mean(0)
        assert torch.allclose(network(x).softmax(1), expected, atol=1e-6)


def test_independent_classes_are_averaged_one_by_one():
    network = committee(members=[RESNET, RESNET], activation="sigmoid")
    x = torch.randn(2, 1, 20, 28)
    with torch.no_grad():
        expected = torch.stack([member(x).sigmoid() for member in network.members]).mean(0)
        assert torch.allclose(network(x).sigmoid(), expected, atol=1e-6)


def test_certain_members_still_give_finite_logits():
    network = committee(members=[RESNET], temperatures=[1e-4])
    with torch.no_grad():
        assert network(torch.randn(2, 1, 20, 28) * 100).isfinite().all()


def test_members_weights_come_back_from_a_state_dict():
    first, second = committee(members=[RESNET, DENSE]), committee(members=[RESNET, DENSE])
    for parameter in second.parameters():
        torch.nn.init.zeros_(parameter)
    second.load_state_dict(first.state_dict())
    x = torch.randn(2, 1, 20, 28)
    with torch.no_grad():
        assert torch.equal(first(x), second(x))


def test_a_committee_of_nobody_is_refused():
    with pytest.raises(CardError, match="needs a member"):
        committee(members=[])


def test_a_member_outside_of_the_list_is_refused():
    with pytest.raises(CardError, match=r"os\.system"):
        committee(members=[{"target": "os.system", "arguments": {"command": "true"}}])
