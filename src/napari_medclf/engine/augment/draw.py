"""Random numbers that follow from one generator on the CPU, for batches on any device."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor


def uniform(
    shape: Sequence[int], low: float, high: float, generator: Generator, device: torch.device | None = None
) -> Tensor:
    """Draw uniform numbers on the CPU, so that every device sees the same ones."""
    return (torch.rand(tuple(shape), generator=generator) * (high - low) + low).to(device or "cpu")


def normal(like: Tensor, generator: Generator) -> Tensor:
    """Draw a standard normal number for every sample of a batch, where the batch lies.

    Notes
    -----
    So many are drawn on the batch's own device, from a seed that the generator gives: the same generator gives the same
    numbers on every device of a kind.
    """
    if like.device.type == "cpu":
        return torch.randn(like.shape, generator=generator)
    seed = int(torch.randint(2**62, (), generator=generator))
    return torch.randn(like.shape, generator=Generator(like.device).manual_seed(seed), device=like.device)


def beta(alpha: float, n: int, generator: Generator) -> Tensor:
    """Draw n numbers from Beta(alpha, alpha).

    Notes
    -----
    torch draws them from the global state only. Joehnk's method (1964) serves alpha <= 1, where mixing lives; it gets
    slow far above.
    """
    accepted = torch.full((n,), float("nan"))
    while bool(accepted.isnan().any()):
        first = torch.rand(n, generator=generator) ** (1 / alpha)
        second = torch.rand(n, generator=generator) ** (1 / alpha)
        total = first + second
        fits = accepted.isnan() & (total <= 1) & (total > 0)
        accepted = torch.where(fits, first / total.clamp_min(1e-30), accepted)
    return accepted
