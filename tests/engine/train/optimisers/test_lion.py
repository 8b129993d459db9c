from __future__ import annotations

import numpy as np
import torch

from napari_medclf.engine.train.optimisers.lion import Lion


def lion_of_the_paper(weight, gradients, lr, beta1, beta2, decay):
    """Algorithm 2 of Chen 2023, line by line, in NumPy."""
    momentum = np.zeros_like(weight)
    for gradient in gradients:
        c = beta1 * momentum + (1 - beta1) * gradient
        weight = weight - lr * (np.sign(c) + decay * weight)
        momentum = beta2 * momentum + (1 - beta2) * gradient
    return weight


def test_steps_are_those_of_the_paper():
    random = np.random.default_rng(0)
    start, gradients = random.normal(size=(3, 4)), random.normal(size=(7, 3, 4))
    weight = torch.tensor(start, requires_grad=True)
    optimiser = Lion([weight], lr=0.03, betas=(0.9, 0.99), weight_decay=0.2)
    for gradient in gradients:
        weight.grad = torch.tensor(gradient)
        optimiser.step()
    expected = lion_of_the_paper(start, gradients, 0.03, 0.9, 0.99, 0.2)
    np.testing.assert_allclose(weight.detach().numpy(), expected, rtol=1e-12)


def test_weight_without_gradient_stays():
    weight = torch.ones(2, requires_grad=True)
    Lion([weight], lr=0.1, weight_decay=0.5).step()
    assert weight.tolist() == [1.0, 1.0]


def test_state_goes_on_where_it_was():
    def steps(optimiser, weight, n):
        for _ in range(n):
            optimiser.zero_grad()
            (weight - 3).square().sum().backward()
            optimiser.step()

    whole, cut = torch.zeros(2, requires_grad=True), torch.zeros(2, requires_grad=True)
    steps(Lion([whole], lr=0.1), whole, 6)
    first = Lion([cut], lr=0.1)
    steps(first, cut, 3)
    second = Lion([cut], lr=0.5)
    second.load_state_dict(first.state_dict())
    steps(second, cut, 3)
    assert torch.equal(whole, cut)
