"""One number that makes probabilities honest: temperature scaling (Guo 2017)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

_LOWEST, _HIGHEST = 0.05, 20.0


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """Find the temperature with the lowest cross-entropy of ``logits / temperature``.

    Parameters
    ----------
    logits : (N, n_classes)
        Of validation cases, never of training or test cases.
    labels : (N,) int64

    Returns
    -------
    float
        Between 0.05 and 20; the order of the scores, and so the AUC, does not change.

    Notes
    -----
    The cross-entropy is convex in the inverse temperature, so a golden-section search finds it.
    """
    return search_temperature(lambda inverse: negative_log_likelihood(logits * inverse, labels))


def search_temperature(loss_at: Callable[[float], float]) -> float:
    """Find the temperature, from 0.05 to 20, whose inverse has the lowest loss; the loss is convex in the inverse."""
    low, high = 1 / _HIGHEST, 1 / _LOWEST
    shrink = (5**0.5 - 1) / 2
    for _ in range(60):
        left, right = high - shrink * (high - low), low + shrink * (high - low)
        if loss_at(left) < loss_at(right):
            high = right
        else:
            low = left
    return 2 / (low + high)


def negative_log_likelihood(logits: Tensor, labels: Tensor) -> float:
    """Mean cross-entropy in nats."""
    return float(torch.nn.functional.cross_entropy(logits.double(), labels))
