"""Losses of single samples or voxels: cross-entropy for classes that exclude each other or not, and focal loss."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid

from napari_medclf.domain.recipe import LossSettings


def class_loss(
    logits: Tensor,
    truth: Tensor,
    settings: LossSettings,
    *,
    is_exclusive: bool = True,
    weight: Tensor | None = None,
    class_weight: Tensor | None = None,
) -> Tensor:
    """Weighted mean over samples or voxels.

    Parameters
    ----------
    logits, truth : (N, C, *spatial)
        `truth` holds probabilities: of exclusive classes with a sum of 1, of others each from 0 to 1.
    settings : LossSettings
        Its `kind` says whether easy samples are weighted down.
    weight : (N, *spatial) or None
        How much each sample or voxel counts.
    class_weight : (C,) or None
        How much each class counts; for classes that exclude nothing, how much its presence does.
    """
    per_class = _exclusive if is_exclusive else _independent
    wide = None if class_weight is None else class_weight.to(logits.device).view(-1, *[1] * (logits.dim() - 2))
    gamma = settings.focal_gamma if settings.kind == "focal" else 0.0
    values = per_class(logits, truth, gamma, wide)
    counted = (truth * wide).sum(1) if is_exclusive and wide is not None else None
    if weight is None and counted is None:
        return values.mean()
    amount = weight if counted is None else counted if weight is None else counted * weight
    assert amount is not None
    return (values if weight is None else values * weight).sum() / amount.sum().clamp_min(1e-6)


def _exclusive(logits: Tensor, truth: Tensor, gamma: float, class_weight: Tensor | None) -> Tensor:
    """Cross-entropy of the softmax (N, *spatial); focal as in Lin 2017, with (1 - p)**gamma."""
    log_probabilities = logits.log_softmax(1)
    terms = truth * log_probabilities
    if gamma > 0:
        terms = terms * (1 - log_probabilities.exp()).clamp_min(1e-7) ** gamma  # the slope of 0**0.5 is infinite
    return -(terms if class_weight is None else terms * class_weight).sum(1)


def _independent(logits: Tensor, truth: Tensor, gamma: float, class_weight: Tensor | None) -> Tensor:
    """Mean over classes of the cross-entropy of each sigmoid, (N, *spatial)."""
    terms = binary_cross_entropy_with_logits(logits, truth, reduction="none", pos_weight=class_weight)
    if gamma > 0:
        # log(1 - p_t), where p_t is the probability given to what is right
        terms = terms * (logsigmoid(-logits * (truth * 2 - 1)) * gamma).exp()
    return terms.mean(1)
