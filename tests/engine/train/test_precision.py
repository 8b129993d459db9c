from __future__ import annotations

import pytest
import torch
from torch import nn

from napari_medclf.engine.train.precision import Precision


def learn(name: str, n_steps: int = 5, spoiled: int | None = None) -> nn.Linear:
    torch.manual_seed(0)
    network, images = nn.Linear(8, 4), torch.randn(6, 8)
    optimiser, precision = torch.optim.SGD(network.parameters(), lr=0.1), Precision(name, "cpu")
    for step in range(n_steps):
        optimiser.zero_grad()
        with precision.autocast():
            answer = network(images)
        precision.backward(answer.float().square().mean() * (float("inf") if step == spoiled else 1.0))
        precision.step(optimiser, clip_norm=1.0)
    return network


@pytest.mark.parametrize("name", ["bfloat16", "float16"])
def test_half_precision_learns_nearly_the_same(name):
    torch.testing.assert_close(learn(name).weight, learn("float32").weight, atol=5e-3, rtol=0)


@pytest.mark.parametrize("name", ["float32", "bfloat16", "float16"])
def test_step_whose_gradient_overflowed_is_left_out(name):
    assert torch.equal(learn(name, 3, spoiled=2).weight, learn(name, 2).weight)


@pytest.mark.parametrize("name", ["float32", "bfloat16", "float16"])
def test_steps_that_are_left_out_are_counted(name):
    network, precision = nn.Linear(2, 1), Precision(name, "cpu")
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1)
    for factor in (1.0, float("inf"), float("nan"), 1.0):
        optimiser.zero_grad()
        precision.backward(network(torch.ones(3, 2)).sum() * factor)
        precision.step(optimiser, clip_norm=0.0)
    assert precision.n_left_out == 2


def test_small_gradients_of_float16_are_not_lost():
    torch.manual_seed(0)
    weight = nn.Parameter(torch.ones(1, dtype=torch.float32))
    precision = Precision("float16", "cpu")
    precision.backward((weight.half() * 1e-4).float().sum() * 1e-4)
    precision.step(torch.optim.SGD([weight], lr=1.0), clip_norm=0.0)
    assert weight.grad.item() == pytest.approx(1e-8, rel=0.01)


def test_state_keeps_the_scale():
    one, other = Precision("float16", "cpu"), Precision("float16", "cpu")
    network = nn.Linear(1, 1)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1)
    one.backward(network(torch.ones(1, 1)).sum() * float("inf"))
    one.step(optimiser, 0.0)
    other.restore(one.state())
    assert other.state()["scale"] == one.state()["scale"] == 2.0**15
