"""The loss of label images: single voxels, regions and edges, on every scale that a network answers on."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn.functional import interpolate

from napari_medclf.domain.recipe import LossSettings
from napari_medclf.engine.train.losses.classes import class_loss
from napari_medclf.engine.train.losses.edges import edge_loss
from napari_medclf.engine.train.losses.regions import region_loss
from napari_medclf.engine.train.losses.targets import one_hot_map


def segmentation_loss(
    logits: Tensor, labels: Tensor, weight: Tensor, settings: LossSettings, class_weight: Tensor | None = None
) -> Tensor:
    """Weighted sum of a term for voxels and one for regions (Isensee 2021), and of one for edges.

    Parameters
    ----------
    logits : (N, C, *spatial)
    labels : (N, *spatial) int64
        Index of the output channel.
    weight : (N, *spatial) float32
        0 leaves a voxel out of all parts.
    class_weight : (C,) or None
        How much a voxel of each class counts in the term for voxels.
    """
    truth = one_hot_map(labels, logits.shape[1])
    smooth = truth * (1 - settings.label_smoothing) + settings.label_smoothing / logits.shape[1]
    part = 0.0 if settings.region == "none" else settings.region_weight
    loss = logits.new_zeros(())
    if part < 1:
        loss = (1 - part) * class_loss(logits, smooth, settings, weight=weight, class_weight=class_weight)
    if part > 0:
        loss = loss + part * region_loss(logits.softmax(1), truth, weight, settings)
    if settings.edge != "none" and settings.edge_weight > 0:
        loss = loss + settings.edge_weight * edge_loss(logits.softmax(1), truth, weight, settings)
    return loss


def deep_loss(
    answers: Sequence[Tensor],
    labels: Tensor,
    weight: Tensor,
    settings: LossSettings,
    class_weight: Tensor | None = None,
) -> Tensor:
    """Mean of `segmentation_loss` over scales, each counting half of the finer one before it (Isensee 2021).

    Parameters
    ----------
    answers : sequence of (N, C, *spatial)
        The finest first; a coarser one is compared with every second, fourth ... voxel of the labels.
    """
    parts = [0.5**scale for scale in range(len(answers))]
    total = labels.new_zeros((), dtype=answers[0].dtype)
    for answer, part in zip(answers, parts, strict=True):
        coarse_labels = _at_size(labels.float(), answer).long()
        loss = segmentation_loss(answer, coarse_labels, _at_size(weight, answer), settings, class_weight)
        total = total + part / sum(parts) * loss
    return total


def _at_size(values: Tensor, answer: Tensor) -> Tensor:
    size = answer.shape[2:]
    return values if values.shape[1:] == size else interpolate(values[:, None], size=size, mode="nearest-exact")[:, 0]
