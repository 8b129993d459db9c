"""What is right, as numbers that a loss can use; and how much each class counts."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import one_hot


def soft_targets(indices: Tensor, n_classes: int, smoothing: float) -> Tensor:
    """Class indices (N,) as probabilities (N, n_classes), a part of them spread over all classes (Szegedy 2016)."""
    return one_hot(indices, n_classes).float() * (1 - smoothing) + smoothing / n_classes


def one_hot_map(labels: Tensor, n_classes: int) -> Tensor:
    """Class indices (N, *spatial) as probabilities (N, n_classes, *spatial) float32."""
    return one_hot(labels, n_classes).movedim(-1, 1).float()


def balanced_weights(counts: Tensor) -> Tensor:
    """Weigh exclusive classes by the inverse of how often they come, with a mean of 1 over the samples.

    >>> balanced_weights(torch.tensor([30, 10])).tolist()
    [0.6666666865348816, 2.0]
    """
    return counts.sum() / (len(counts) * counts.clamp_min(1)).float()


def balanced_positive_weights(targets: Tensor) -> Tensor:
    """Weigh the positive cases of independent classes so that they count as much as the negative ones.

    Parameters
    ----------
    targets : (N, n_classes) float32
        Above 0.5 where a class is present.
    """
    n_positive = (targets > 0.5).sum(0)
    return (len(targets) - n_positive).clamp_min(1) / n_positive.clamp_min(1).float()


def label_counts(maps: list[Tensor], n_classes: int) -> Tensor:
    """Count the voxels of each class in label images: (n_classes,) int64."""
    return torch.stack([torch.bincount(one.flatten().long(), minlength=n_classes) for one in maps]).sum(0)
