"""The nearest training cases vote: k nearest neighbours on principal components (Cover 1967)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from napari_medclf.engine.classic.heads.problem import Aim, Problem, logits_of

_MOST_COMPONENTS = 64
"""In more dimensions all distances become alike."""


class NeighboursHead(nn.Module):
    """Mean of what is known about the nearest cases, weighted by the inverse of the distance.

    Parameters
    ----------
    n_components, n_cases : int
        Size of the table that is searched.
    n_neighbours : int
        How many vote; a case at distance 0 outvotes all others.
    """

    centre: Tensor
    components: Tensor
    cases: Tensor
    targets: Tensor

    def __init__(
        self, n_features: int, n_outputs: int, aim: Aim, n_components: int, n_cases: int, n_neighbours: int
    ) -> None:
        super().__init__()
        self._aim, self._n_neighbours = aim, n_neighbours
        self.sizes = {"n_components": n_components, "n_cases": n_cases, "n_neighbours": n_neighbours}
        self.register_buffer("centre", torch.zeros(n_features))
        self.register_buffer("components", torch.zeros(n_components, n_features))
        self.register_buffer("cases", torch.zeros(n_cases, n_components))
        self.register_buffer("targets", torch.zeros(n_cases, n_outputs))

    def forward(self, features: Tensor) -> Tensor:
        """Answer (N, K) float64 from features (N, F)."""
        return logits_of(self.votes(features), self._aim)

    def votes(self, features: Tensor) -> Tensor:
        """Weighted mean (N, K) float64 of the neighbours' targets."""
        distances = torch.cdist(
            self.project(features).double(), self.cases.double(), compute_mode="donot_use_mm_for_euclid_dist"
        )
        nearest = distances.topk(self._n_neighbours, largest=False)
        is_same = nearest.values == 0
        weights = torch.where(is_same.any(1, keepdim=True), is_same.double(), 1 / nearest.values.clamp_min(1e-300))
        weights = weights / weights.sum(1, keepdim=True)
        return (weights[:, :, None] * self.targets.double()[nearest.indices]).sum(1)

    def project(self, features: Tensor) -> Tensor:
        """Principal components (N, P) float32."""
        return ((features.double() - self.centre.double()) @ self.components.double().T).float()


def fit_neighbours(problem: Problem, n_neighbours: int) -> NeighboursHead:
    """Keep the training cases; there is nothing else to fit."""
    from sklearn.decomposition import PCA

    n_cases, n_features = problem.features.shape
    n_components = min(_MOST_COMPONENTS, n_features, n_cases)
    axes = PCA(n_components, svd_solver="covariance_eigh" if n_features <= n_cases else "full")
    axes.fit(problem.features.astype(np.float64))
    n_votes = min(n_neighbours, n_cases)
    head = NeighboursHead(n_features, problem.n_outputs, problem.aim, n_components, n_cases, n_votes)
    head.centre.copy_(torch.from_numpy(axes.mean_))
    head.components.copy_(torch.from_numpy(axes.components_))
    head.cases.copy_(head.project(torch.from_numpy(problem.features)))
    head.targets.copy_(torch.from_numpy(problem.targets))
    return head
