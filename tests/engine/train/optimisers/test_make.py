from __future__ import annotations

import pytest
import torch
from torch import nn, optim

from napari_medclf.domain.recipe import OptimiserSettings
from napari_medclf.engine.train.optimisers.make import make_optimiser, set_rate

# torch's own, one parameter after the other: neither fused nor grouped.
PLAIN = {"foreach": False}
REFERENCES = {
    "adamw": lambda p: optim.AdamW(p, lr=0.01, weight_decay=0.1, betas=(0.8, 0.999), **PLAIN),
    "adam": lambda p: optim.Adam(p, lr=0.01, weight_decay=0.1, betas=(0.8, 0.999), **PLAIN),
    "nadam": lambda p: optim.NAdam(
        p, lr=0.01, weight_decay=0.1, betas=(0.8, 0.999), decoupled_weight_decay=True, **PLAIN
    ),
    "sgd": lambda p: optim.SGD(p, lr=0.01, weight_decay=0.1, momentum=0.8, nesterov=True, **PLAIN),
    "rmsprop": lambda p: optim.RMSprop(p, lr=0.01, weight_decay=0.1, momentum=0.8, **PLAIN),
}


def learn(network: nn.Module, optimiser: optim.Optimizer) -> torch.Tensor:
    images = torch.randn(5, 4, generator=torch.Generator().manual_seed(1))
    for _ in range(6):
        optimiser.zero_grad()
        network(images).square().mean().backward()
        optimiser.step()
    return network.weight.detach()


def network() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(4, 3, bias=False)


@pytest.mark.parametrize("kind", REFERENCES)
def test_weights_go_where_torch_takes_them(kind):
    settings = OptimiserSettings(kind=kind, lr=0.01, weight_decay=0.1, momentum=0.8)
    ours, theirs = network(), network()
    found = learn(ours, make_optimiser(ours, settings))
    expected = learn(theirs, REFERENCES[kind](theirs.parameters()))
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("kind", [*REFERENCES, "lion"])
def test_every_kind_learns_at_the_rate_of_the_step(kind):
    one = network()
    optimiser = make_optimiser(one, OptimiserSettings(kind=kind, lr=0.01, momentum=0.0))
    set_rate(optimiser, 0.0)
    before = one.weight.detach().clone()
    assert torch.equal(learn(one, optimiser), before)
    set_rate(optimiser, 0.01)
    assert not torch.equal(learn(one, optimiser), before)


def test_rate_of_a_block_is_its_part():
    blocks = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    optimiser = make_optimiser(blocks, OptimiserSettings(), layer_decay=0.1)
    set_rate(optimiser, 0.5)
    assert sorted({group["lr"] for group in optimiser.param_groups}) == pytest.approx([0.05, 0.5])
