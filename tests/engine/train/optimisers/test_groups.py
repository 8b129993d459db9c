from __future__ import annotations

import pytest
import torch
from torch import nn

from napari_medclf.engine.train.optimisers.groups import RATE_FACTOR, block_depths, parameter_groups


def three_blocks() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.BatchNorm2d(2), nn.Linear(2, 3))


def test_biases_and_norms_do_not_decay():
    network = three_blocks()
    decayed, others = parameter_groups(network, weight_decay=0.1)
    assert [id(one) for one in decayed["params"]] == [id(network[0].weight), id(network[3].weight)]
    assert (decayed["weight_decay"], others["weight_decay"]) == (0.1, 0.0)
    assert sum(len(group["params"]) for group in (decayed, others)) == 6


def test_blocks_further_from_the_head_learn_slower():
    network = three_blocks()
    factor = {id(one): group[RATE_FACTOR] for group in parameter_groups(network, 0.1, 0.5) for one in group["params"]}
    assert factor[id(network[3].weight)] == factor[id(network[3].bias)] == 1
    assert factor[id(network[2].weight)] == 0.5
    assert factor[id(network[0].weight)] == factor[id(network[0].bias)] == 0.25


def test_network_that_wraps_another_has_the_inner_ones_blocks():
    wrapped = nn.ModuleDict({"model": three_blocks()})
    assert block_depths(wrapped) == {f"model.{name}": depth for name, depth in block_depths(three_blocks()).items()}


def test_parameter_of_the_network_itself_lies_at_its_input():
    class WithToken(nn.Module):
        def __init__(self):
            super().__init__()
            self.token = nn.Parameter(torch.zeros(3))
            self.body, self.head = nn.Linear(3, 3), nn.Linear(3, 2)

    assert block_depths(WithToken())["token"] == 1


@pytest.mark.parametrize("layer_decay", [1.0, 0.7])
def test_every_parameter_is_in_one_group(layer_decay):
    network = three_blocks()
    found = [id(one) for group in parameter_groups(network, 0.1, layer_decay) for one in group["params"]]
    assert sorted(found) == sorted(id(one) for one in network.parameters())
