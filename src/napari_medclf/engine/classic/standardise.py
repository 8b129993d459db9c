"""Bring features to one scale."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_MOST_DEVIATIONS = 6.0
"""A feature further off than this says no more than that it is far off."""


class Standardise(nn.Module):
    """Subtract the mean of the training cases and divide by their standard deviation; far values are cut.

    Parameters
    ----------
    n_features : int
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, n_features: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(n_features))
        self.register_buffer("scale", torch.ones(n_features))

    def fit(self, features: Tensor) -> None:
        """Take mean and deviation of features (N, F); one that never changes stays at 0."""
        deviation = features.double().std(0, correction=0)
        self.mean.copy_(features.double().mean(0))
        self.scale.copy_(torch.where(deviation > 1e-9, deviation, 1e9))

    def forward(self, features: Tensor) -> Tensor:
        """Standardised features (N, F) float32."""
        apart = (features.double() - self.mean.double()) / self.scale.double()
        return apart.clamp(-_MOST_DEVIATIONS, _MOST_DEVIATIONS).float()
