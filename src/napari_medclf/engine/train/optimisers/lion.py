"""Lion: moves every weight by the same step, in the direction of the sign of a momentum (Chen 2023)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer


class Lion(Optimizer):
    """Evolved sign momentum, algorithm 2 of Chen 2023, "Symbolic discovery of optimization algorithms".

    Parameters
    ----------
    lr : float
        A third to a tenth of what AdamW takes, as every weight moves by all of it.
    betas : (float, float)
        What of the momentum counts in the direction of a step, and what of it stays.
    weight_decay : float
        Apart from the gradient (Loshchilov 2019), and so three to ten times AdamW's for the same effect.
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

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
                    self._move(weight, weight.grad, group)
        return loss

    def _move(self, weight: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[weight]
        if not state:
            state["momentum"] = torch.zeros_like(weight, memory_format=torch.preserve_format)
        momentum, (of_step, kept) = state["momentum"], group["betas"]
        weight.mul_(1 - group["lr"] * group["weight_decay"])
        weight.add_(momentum.lerp(gradient, 1 - of_step).sign_(), alpha=-group["lr"])
        momentum.lerp_(gradient, 1 - kept)
