"""What a network is made to lower: cross-entropy and soft Dice, with a weight for every voxel."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import one_hot


def soft_targets(indices: Tensor, n_classes: int, smoothing: float) -> Tensor:
    """Class indices (N,) as probabilities (N, n_classes), a part of them spread over all classes."""
    return one_hot(indices, n_classes).float() * (1 - smoothing) + smoothing / n_classes


def classification_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy with probabilities as targets; both (N, n_classes)."""
    return -(targets * logits.log_softmax(1)).sum(1).mean()


def segmentation_loss(
    logits: Tensor, labels: Tensor, weight: Tensor, *, dice_weight: float, smoothing: float
) -> Tensor:
    """Weighted sum of cross-entropy and soft Dice (Drozdzal 2016; Isensee 2021).

    Parameters
    ----------
    logits : (N, C, *spatial)
    labels : (N, *spatial) int64
        Index of the output channel.
    weight : (N, *spatial) float32
        0 leaves a voxel out of both parts.
    """
    log_probabilities = logits.log_softmax(1)
    truth = one_hot(labels, logits.shape[1]).movedim(-1, 1).float()
    smooth = truth * (1 - smoothing) + smoothing / logits.shape[1]
    total = weight.sum().clamp_min(1e-6)
    cross_entropy = -((smooth * log_probabilities).sum(1) * weight).sum() / total
    if dice_weight == 0:
        return cross_entropy
    return (1 - dice_weight) * cross_entropy + dice_weight * _dice_loss(log_probabilities.exp(), truth, weight)


def _dice_loss(probabilities: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    # Summed over the batch: a patch without a class says little about it.
    axes = [0, *range(2, probabilities.dim())]
    weighted = weight.unsqueeze(1)
    both = (probabilities * truth * weighted).sum(axes)[1:]
    either = ((probabilities + truth) * weighted).sum(axes)[1:]
    return 1 - ((2 * both + 1e-5) / (either + 1e-5)).mean()
