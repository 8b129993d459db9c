"""Losses of whole regions: soft Dice (Drozdzal 2016), Tversky (Salehi 2017), focal Tversky (Abraham 2019)."""

from __future__ import annotations

from torch import Tensor

from napari_medclf.domain.recipe import LossSettings

_SMOOTH = 1e-5
"""A class that is nowhere, and found nowhere, is no error."""
_FOCAL_POWER = 0.75
"""Abraham 2019: gamma = 4/3, used as its inverse."""


def region_loss(probabilities: Tensor, truth: Tensor, weight: Tensor, settings: LossSettings) -> Tensor:
    """One minus the overlap, averaged over the classes after background.

    Parameters
    ----------
    probabilities, truth : (N, C, *spatial)
    weight : (N, *spatial)
        0 leaves a voxel out.

    Notes
    -----
    Summed over the batch: a patch without a class says little about it.
    """
    axes = [0, *range(2, probabilities.dim())]
    wide = weight.unsqueeze(1)
    both = (probabilities * truth * wide).sum(axes)[1:]
    found, there = (probabilities * wide).sum(axes)[1:], (truth * wide).sum(axes)[1:]
    if settings.region == "dice":
        return 1 - ((2 * both + _SMOOTH) / (found + there + _SMOOTH)).mean()
    wrong = settings.tversky_alpha * (found - both) + settings.tversky_beta * (there - both)
    missing = 1 - (both + _SMOOTH) / (both + wrong + _SMOOTH)
    if settings.region == "tversky":
        return missing.mean()
    return (missing.clamp_min(1e-7) ** _FOCAL_POWER).mean()
