from __future__ import annotations

import pytest
import torch
from torch import nn

from napari_medclf.engine.train.ema import WeightAverage


def network_of(value: float) -> nn.Module:
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(value)
    return network


def test_average_moves_by_its_part():
    network = network_of(0.0)
    average = WeightAverage(network, decay=0.9)
    with torch.no_grad():
        network[0].weight.fill_(1.0)
    average.update(network, n_steps=10_000)
    assert average.network[0].weight.flatten()[0].item() == pytest.approx(0.1)


def test_first_steps_forget_the_start():
    network = network_of(0.0)
    average = WeightAverage(network, decay=0.999)
    with torch.no_grad():
        network[0].weight.fill_(1.0)
    average.update(network, n_steps=1)
    assert average.network[0].weight.flatten()[0].item() > 0.8


def test_average_follows_statistics_and_counts_of_batch_norm():
    network = network_of(1.0)
    average = WeightAverage(network, decay=0.0)
    network(torch.ones(4, 1, 3, 3))
    average.update(network, n_steps=1)
    assert average.network[1].num_batches_tracked == 1
    assert torch.equal(average.network[1].running_mean, network[1].running_mean)


def test_network_keeps_its_own_weights():
    network = network_of(1.0)
    average = WeightAverage(network, decay=0.5)
    average.update(network_of(3.0), n_steps=100)
    assert network[0].weight.flatten()[0].item() == 1.0
    assert not any(parameter.requires_grad for parameter in average.network.parameters())
