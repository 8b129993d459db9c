"""Which weights may move, and that adapters leave a network of the same names and shapes."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from napari_medclf.domain.errors import CardError
from napari_medclf.engine.adapt.parts import count_numbers, head_of, learning
from napari_medclf.engine.adapt.settings import Part


def _network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(2, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.ConvTranspose2d(6, 5, 2, 2), nn.Conv2d(5, 3, 1)
    )


def _moved(part: Part) -> set[str]:
    network = _network()
    with learning(network, part):
        return {name for name, one in network.named_parameters() if one.requires_grad}


def test_each_part_lets_more_move() -> None:
    assert _moved(Part.HEAD) == {"4.weight", "4.bias"}
    assert _moved(Part.NORM_AND_HEAD) == {"1.weight", "1.bias", "4.weight", "4.bias"}
    assert len(_moved(Part.ALL)) == len(list(_network().parameters()))
    adapters = _moved(Part.ADAPTERS) - _moved(Part.NORM_AND_HEAD)
    assert {name.partition(".")[0] for name in adapters} == {"0", "3"}
    assert all(name.endswith(("narrow", "wide")) for name in adapters)


def test_adapters_begin_without_a_change_and_are_folded_in_at_the_end() -> None:
    network, same = _network().eval(), _network().eval()
    image = torch.randn(1, 2, 7, 5)
    with learning(network, Part.ADAPTERS) as parameters:
        assert torch.equal(network(image), same(image))
        optimiser = torch.optim.SGD(parameters, lr=0.1)
        for _ in range(2):  # the wide matrix begins at 0, so that the narrow one moves at the second step
            optimiser.zero_grad()
            network(image).square().mean().backward()
            optimiser.step()
        answer = network(image).detach()
    assert network.state_dict().keys() == same.state_dict().keys()
    assert torch.allclose(network(image), answer, atol=1e-6)
    change = (network[0].weight - same[0].weight).flatten(1)
    assert 0 < torch.linalg.matrix_rank(change, rtol=1e-3) <= 4
    assert not any(one.requires_grad for one in network.parameters())


def test_few_numbers_move_in_adapters() -> None:
    network = nn.Sequential(nn.Conv2d(64, 64, 3), nn.BatchNorm2d(64), nn.Conv2d(64, 2, 1))
    with learning(network, Part.ADAPTERS) as parameters:
        assert count_numbers(parameters) == 4 * (64 + 64 * 9) + 2 * 64 + 2 * 64 + 2


def test_head_is_the_last_layer_with_weights() -> None:
    network = _network()
    assert head_of(network) is network[4]
    with pytest.raises(CardError, match="no weights"):
        head_of(nn.ReLU())
