"""What a detector is made to lower: focal loss of the anchors' classes, and how far matched boxes are off."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

_ALPHA = 0.25
"""Weight of what is an object, beside 1 - alpha of what is none (Lin 2017)."""
_TINY = 1e-6

Match = Callable[[Tensor], Tensor]
"""Boxes (n, 2 * dims) to the number of each anchor's box (anchors,); below 0 for none."""


def detection_loss(
    rows: Tensor, targets: Sequence[Mapping[str, Tensor]], match: Match, n_classes: int, gamma: float
) -> Tensor:
    """Focal loss over all anchors, and 1 - GIoU over those with a box, by the number of the latter (Lin 2017).

    Parameters
    ----------
    rows : (N, anchors, n_classes + 2 * dims) float32
        A network's answer: class logits, then lowest and highest corners.
    targets : sequence of mapping
        Of each image: ``boxes`` (n, 2 * dims) and ``classes`` (n,) int64.
    match : callable
        Tells which box each anchor is to find.
    gamma : float
        How much easy anchors are weighted down.
    """
    logits, boxes = rows[..., :n_classes], rows[..., n_classes:]
    classes = torch.zeros_like(logits)
    wanted, found = [], []
    for number, target in enumerate(targets):
        if not len(target["boxes"]):
            continue
        matched = match(target["boxes"])
        is_matched = matched >= 0
        partners = matched[is_matched]
        classes[number, is_matched, target["classes"][partners]] = 1
        found.append(boxes[number, is_matched])
        wanted.append(target["boxes"][partners])
    n_matched = max(sum(len(one) for one in wanted), 1)
    focal = focal_loss(logits, classes, gamma).sum() / n_matched
    if not wanted:
        return focal
    return focal + (1 - generalised_iou(torch.cat(found), torch.cat(wanted))).sum() / n_matched


def focal_loss(logits: Tensor, truth: Tensor, gamma: float) -> Tensor:
    """Cross-entropy of every score, easy ones weighted down (Lin 2017); in the shape of `logits`."""
    probability = logits.sigmoid()
    entropy = binary_cross_entropy_with_logits(logits, truth, reduction="none")
    surprise = truth * (1 - probability) + (1 - truth) * probability
    weight = truth * _ALPHA + (1 - truth) * (1 - _ALPHA)
    return weight * surprise**gamma * entropy


def generalised_iou(boxes: Tensor, others: Tensor) -> Tensor:
    """GIoU of pairs of boxes (n, 2 * dims): from -1 (far apart) to 1 (the same); Rezatofighi 2019."""
    low, high = boxes.chunk(2, dim=1)
    other_low, other_high = others.chunk(2, dim=1)
    both = (torch.minimum(high, other_high) - torch.maximum(low, other_low)).clamp_min(0).prod(1)
    either = (high - low).clamp_min(0).prod(1) + (other_high - other_low).prod(1) - both
    around = (torch.maximum(high, other_high) - torch.minimum(low, other_low)).prod(1)
    return both / either.clamp_min(_TINY) - (around - either) / around.clamp_min(_TINY)
