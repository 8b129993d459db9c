"""Half precision where a recipe asks for it, and gradients that survive it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn, optim

from napari_medclf.engine.train.small_convolutions import SmallConvolutions


class Precision:
    """Runs forward passes in the recipe's precision and takes the optimiser's steps.

    Parameters
    ----------
    name : {"float32", "bfloat16", "float16"}
        bfloat16 becomes float16 on a GPU that does not know it. float16 has few exponents, so that the loss is
        multiplied before its gradient is taken (Micikevicius 2018).

    Attributes
    ----------
    n_left_out : int
        Steps that were left out so far, as their gradients were no numbers.
    """

    def __init__(self, name: str, device: str) -> None:
        self._kind = torch.device(device).type
        if name == "bfloat16" and self._kind == "cuda" and not torch.cuda.is_bf16_supported():
            name = "float16"
        self._dtype = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[name]
        self._scaler = torch.amp.GradScaler(self._kind, enabled=name == "float16")
        self.n_left_out = 0

    @contextmanager
    def autocast(self) -> Iterator[None]:
        """Context for a forward pass."""
        if self._dtype == torch.float32:
            yield
            return
        with torch.autocast(self._kind, self._dtype), SmallConvolutions():
            yield

    def backward(self, loss: Tensor) -> None:
        """Add a loss's gradients to the weights'."""
        self._scaler.scale(loss).backward()

    def step(self, optimiser: optim.Optimizer, clip_norm: float) -> None:
        """Move an optimiser's weights by their gradients, of which the norm is limited (0: it is not).

        Notes
        -----
        Half precision overflows now and then; such a step would ruin all weights, and is left out.
        """
        self._scaler.unscale_(optimiser)
        weights = [weight for group in optimiser.param_groups for weight in group["params"]]
        norm = nn.utils.clip_grad_norm_(weights, clip_norm or float("inf"))
        self.n_left_out += not norm.isfinite()
        if self._scaler.is_enabled():
            self._scaler.step(optimiser)
            self._scaler.update()
        elif norm.isfinite():
            optimiser.step()

    def state(self) -> dict[str, Any]:
        """All that `restore` needs."""
        return self._scaler.state_dict()

    def restore(self, state: dict[str, Any]) -> None:
        """Be where `state` was taken."""
        self._scaler.load_state_dict(state)
