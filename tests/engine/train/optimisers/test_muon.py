from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from napari_medclf.engine.train.optimisers.muon import Muon, orthogonal


@pytest.mark.parametrize("shape", [(3, 8), (8, 3), (5, 5)])
def test_directions_stay_and_all_become_about_as_strong(shape):
    matrix = np.random.default_rng(0).normal(size=shape)
    left, _, right = np.linalg.svd(matrix, full_matrices=False)
    found = orthogonal(torch.tensor(matrix)).numpy()
    strengths = np.diag(left.T @ found @ right.T)
    assert strengths.min() > 0.6
    assert strengths.max() < 1.3
    np.testing.assert_allclose(left @ np.diag(strengths) @ right, found, atol=1e-6)


@pytest.mark.parametrize("size", [0.1, 1.0, 100.0])
def test_step_is_a_part_of_the_weights_own_size_whatever_the_gradients(size):
    torch.manual_seed(0)
    weight = nn.Parameter(torch.randn(16, 8, 3, 3) * size)
    before = weight.detach().clone()
    weight.grad = torch.randn(16, 8, 3, 3) * 1e-6
    Muon([weight], lr=0.02).step()
    moved = float((weight.detach() - before).norm())
    assert moved == pytest.approx(0.02 * float(before.norm()), rel=0.25)


def test_weight_that_is_zero_can_leave_it():
    weight = nn.Parameter(torch.zeros(4, 6))
    weight.grad = torch.randn(4, 6)
    Muon([weight], lr=0.02).step()
    assert float(weight.detach().norm()) > 1e-3


def test_vectors_move_as_adam_moves_them():
    torch.manual_seed(0)
    mine, theirs = (nn.Parameter(torch.linspace(-1, 1, 5)) for _ in range(2))
    muon, adam = Muon([mine], lr=0.02), torch.optim.Adam([theirs], lr=0.003)
    for _ in range(7):
        gradient = torch.randn(5)
        mine.grad, theirs.grad = gradient.clone(), gradient.clone()
        muon.step()
        adam.step()
    torch.testing.assert_close(mine, theirs)


def test_state_goes_on_where_it_was():
    torch.manual_seed(0)
    gradients = torch.randn(6, 3, 4)
    start = torch.randn(3, 4)

    def steps(optimiser, weight, some):
        for gradient in some:
            weight.grad = gradient.clone()
            optimiser.step()

    whole, parted = nn.Parameter(start.clone()), nn.Parameter(start.clone())
    steps(Muon([whole]), whole, gradients)
    first = Muon([parted])
    steps(first, parted, gradients[:3])
    second = Muon([parted])
    second.load_state_dict(first.state_dict())
    steps(second, parted, gradients[3:])
    assert torch.equal(whole, parted)


def test_ill_conditioned_problem_is_solved_sooner_than_by_adam():
    """Two directions of very different strength: the weak one is what the others wait for."""

    def left_over(make):
        torch.manual_seed(0)
        strengths = torch.logspace(0, -2, 12)
        turn = torch.linalg.qr(torch.randn(12, 12))[0]
        images, truth = torch.randn(256, 12) * strengths @ turn, torch.randn(12, 12)
        weight = nn.Parameter(torch.randn(12, 12))
        optimiser = make(weight)
        for step in range(40):
            for group in optimiser.param_groups:
                group["lr"] = group["initial"] * (1 - step / 40)
            optimiser.zero_grad()
            (images @ (weight - truth).T).square().mean().backward()
            optimiser.step()
        return float((weight - truth).detach().norm())

    muon = left_over(lambda weight: Muon([{"params": [weight], "initial": 0.05}]))
    adam = min(
        left_over(lambda weight, lr=lr: torch.optim.Adam([{"params": [weight], "initial": lr}])) for lr in (0.01, 0.1)
    )
    assert muon < adam
