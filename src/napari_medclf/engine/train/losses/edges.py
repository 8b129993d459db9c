"""Losses of edges: how far from the true outline a network errs."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from napari_medclf.domain.arrays import BoolArray, FloatArray
from napari_medclf.domain.recipe import LossSettings


def edge_loss(probabilities: Tensor, truth: Tensor, weight: Tensor, settings: LossSettings) -> Tensor:
    """Hausdorff or boundary loss over the classes after background.

    Parameters
    ----------
    probabilities, truth : (N, C, *spatial)
    weight : (N, *spatial)
        A voxel of weight 0 counts as answered rightly.
    """
    probabilities = torch.where(weight.unsqueeze(1) > 0, probabilities, truth)
    if settings.edge == "hausdorff":
        from monai.losses import LogHausdorffDTLoss

        loss: Tensor = LogHausdorffDTLoss(include_background=False)(probabilities, truth)
        return loss
    return boundary_loss(probabilities, truth)


def boundary_loss(probabilities: Tensor, truth: Tensor) -> Tensor:
    """Mean of each probability times its distance from the true outline, negative inside (Kervadec 2019).

    Parameters
    ----------
    probabilities, truth : (N, C, *spatial)
        Distances are in voxels; a class that is nowhere, or everywhere, in a sample adds nothing.
    """
    is_there = (truth[:, 1:] > 0.5).cpu().numpy()
    distances = np.stack([[signed_distance(one) for one in sample] for sample in is_there])
    return (probabilities[:, 1:] * torch.from_numpy(distances).to(probabilities.device)).mean()


def signed_distance(is_inside: BoolArray) -> FloatArray:
    """Distance in voxels to the nearest voxel of a region, or inside it minus the distance to its rim; float32.

    >>> signed_distance(np.array([False, False, True, True, True])).tolist()
    [2.0, 1.0, 0.0, -1.0, -2.0]
    """
    from scipy.ndimage import distance_transform_edt

    if not is_inside.any() or is_inside.all():
        return np.zeros(is_inside.shape, np.float32)
    outside = distance_transform_edt(~is_inside)
    inside = distance_transform_edt(is_inside)
    return np.where(is_inside, 1 - inside, outside).astype(np.float32)
