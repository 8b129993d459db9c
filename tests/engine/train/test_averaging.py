from __future__ import annotations

import pytest
import torch
from torch import nn

from napari_medclf.domain.recipe import AveragingSettings
from napari_medclf.engine.train.averaging import WeightAverage


def network_of(value: float) -> nn.Module:
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(value)
    return network


def first_weight(network: nn.Module) -> float:
    return network[0].weight.flatten()[0].item()


def ema(decay: float) -> AveragingSettings:
    return AveragingSettings(decay=decay)


def test_average_moves_by_its_part():
    average = WeightAverage(network_of(0.0), ema(0.9))
    average.after_step(network_of(1.0), n_steps=10_000)
    assert first_weight(average.network) == pytest.approx(0.1)


def test_first_steps_forget_the_start():
    average = WeightAverage(network_of(0.0), ema(0.999))
    average.after_step(network_of(1.0), n_steps=1)
    assert first_weight(average.network) > 0.8


def test_average_follows_statistics_and_counts_of_batch_norm():
    network = network_of(1.0)
    average = WeightAverage(network, ema(0.0))
    network(torch.ones(4, 1, 3, 3))
    average.after_step(network, n_steps=1)
    assert average.network[1].num_batches_tracked == 1
    assert torch.equal(average.network[1].running_mean, network[1].running_mean)


def test_network_keeps_its_own_weights():
    network = network_of(1.0)
    average = WeightAverage(network, ema(0.5))
    average.after_step(network_of(3.0), n_steps=100)
    assert first_weight(network) == 1.0
    assert not any(parameter.requires_grad for parameter in average.network.parameters())


def test_even_average_is_that_of_torch():
    ours = WeightAverage(network_of(0.0), AveragingSettings(kind="swa", start=0.5))
    theirs = torch.optim.swa_utils.AveragedModel(network_of(0.0), use_buffers=True)
    for epoch, value in enumerate((5.0, 1.0, 2.0, 6.0)):
        ours.after_step(network_of(value + 100), n_steps=epoch + 1)
        ours.after_epoch(network_of(value), progress=0.25 * (epoch + 1))
        if epoch >= 1:
            theirs.update_parameters(network_of(value))
    assert first_weight(ours.network) == pytest.approx(first_weight(theirs.module)) == 3.0


def test_before_the_even_average_begins_weights_are_taken_as_they_are():
    average = WeightAverage(network_of(0.0), AveragingSettings(kind="swa", start=0.7))
    for value in (4.0, 7.0):
        average.after_epoch(network_of(value), progress=0.2)
    assert first_weight(average.network) == 7.0


def test_no_average_follows_every_epoch_to_the_letter():
    average = WeightAverage(network_of(0.0), AveragingSettings(kind="none"))
    average.after_step(network_of(9.0), n_steps=1)
    average.after_epoch(network_of(0.3), progress=0.9)
    assert first_weight(average.network) == first_weight(network_of(0.3))
