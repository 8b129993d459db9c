"""Muon: moves a layer's weight along all its directions alike, by a part of the weight's own size (Jordan 2024)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

_MOMENTUM = 0.9
_BETAS = (0.9, 0.999)
_SMALL = 1e-8
_ROUNDS = 5
_QUINTIC = (3.4445, -4.7750, 2.0315)
"""Of Jordan 2024: five rounds bring all singular values near 1, between 0.7 and 1.2."""
_VECTOR_RATE = 0.15
"""A vector's rate as a part of a matrix's: with 2e-2 for matrices, norm layers and biases move at 3e-3."""
_LEAST_SIZE = 0.1
"""Of a fresh layer's size: what begins at 0 must be able to leave it."""


class Muon(Optimizer):
    """Momentum made orthogonal for what has two axes and more, Adam (Kingma 2015) for vectors such as norm layers'.

    Parameters
    ----------
    lr : float
        By which part of its own size (Frobenius) a weight moves in a step; it means the same for every network.

    Notes
    -----
    Gradients of a convolution have few strong directions, which Adam and gradient descent follow; made orthogonal, the
    step moves weak ones as far. A convolution's weight is seen as a matrix of its first axis against all others.
    """

    def __init__(self, params: Iterable[Tensor] | Iterable[dict[str, Any]], lr: float = 2e-2) -> None:
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move all weights that have a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    move = self._move_matrix if weight.ndim > 1 else self._move_vector
                    move(weight, weight.grad, group["lr"])
        return loss

    def _move_matrix(self, weight: Tensor, gradient: Tensor, lr: float) -> None:
        momentum = self.state[weight].setdefault("momentum", torch.zeros_like(weight))
        momentum.lerp_(gradient, 1 - _MOMENTUM)
        direction = orthogonal(gradient.lerp(momentum, _MOMENTUM).flatten(1)).view(weight.shape)
        size = max(float(weight.norm()), _LEAST_SIZE * weight.shape[0] ** 0.5)
        weight.add_(direction, alpha=-lr * size / min(direction.flatten(1).shape) ** 0.5)

    def _move_vector(self, weight: Tensor, gradient: Tensor, lr: float) -> None:
        state = self.state[weight]
        mean = state.setdefault("mean", torch.zeros_like(weight)).lerp_(gradient, 1 - _BETAS[0])
        square = state.setdefault("square", torch.zeros_like(weight)).lerp_(gradient.square(), 1 - _BETAS[1])
        state["n_steps"] = n_steps = state.get("n_steps", 0) + 1
        mean, square = mean / (1 - _BETAS[0] ** n_steps), square / (1 - _BETAS[1] ** n_steps)
        weight.addcdiv_(mean, square.sqrt() + _SMALL, value=-lr * _VECTOR_RATE)


def orthogonal(matrix: Tensor) -> Tensor:
    """Keep a matrix's directions and bring its singular values near 1, by Newton and Schulz's iteration."""
    is_tall = matrix.shape[0] > matrix.shape[1]
    wide = matrix.T if is_tall else matrix
    wide = wide / (wide.norm() + _SMALL)
    first, third, fifth = _QUINTIC
    for _ in range(_ROUNDS):
        inner = wide @ wide.T
        wide = first * wide + (third * inner + fifth * inner @ inner) @ wide
    return wide.T if is_tall else wide
