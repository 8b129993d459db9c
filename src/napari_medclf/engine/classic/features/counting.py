"""Histograms of a batch at once."""

from __future__ import annotations

import torch
from torch import Tensor


def count_codes(codes: Tensor, n_codes: int, weights: Tensor | None = None) -> Tensor:
    """Count how often each code comes in each row.

    Parameters
    ----------
    codes : (N, V) int64
        From 0 to n_codes - 1.
    weights : (N, V) float64 or None
        Added up in place of ones.

    Returns
    -------
    (N, n_codes) float64
    """
    counts = torch.zeros(len(codes), n_codes, dtype=torch.float64, device=codes.device)
    added = torch.ones(1, dtype=torch.float64, device=codes.device).expand(codes.shape) if weights is None else weights
    return counts.scatter_add_(1, codes, added)
