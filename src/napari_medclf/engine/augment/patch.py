"""Take one patch of an image with its labels and weights, by the cheapest way that gives the same numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from napari_medclf.engine.augment.warp import sampling_grid, take


@dataclass(frozen=True, eq=False)
class LabelledImage:
    """An image with what is known of each voxel.

    Parameters
    ----------
    image : (C, *spatial) float32
    labels : (*spatial) uint8
        Index of the network's output channel.
    weight : (*spatial) float32 or None
        How much each voxel counts; None counts all alike.
    """

    image: Tensor
    labels: Tensor
    weight: Tensor | None = None


Patch = tuple[Tensor, Tensor, Tensor]
"""Image (C, *patch), labels (*patch) uint8 and weight (*patch) float32."""


def take_patch(
    source: LabelledImage, centre: Tensor, matrix: Tensor, patch: Sequence[int], bend: Tensor | None = None
) -> Patch:
    """Take a patch; beyond the image all three are 0.

    Parameters
    ----------
    centre : (d,)
        Image position, in voxels, of the patch voxel at index ``size // 2``.
    matrix : (d, d)
        From offsets in the patch to offsets in the image.
    bend : (*patch, d) or None
        Displacements, in voxels of the image.

    Notes
    -----
    Flips and quarter turns are copied voxel by voxel. Other patches are interpolated in the box of the image that they
    come from, so that the size of the image costs nothing.
    """
    if bend is None and _is_on_voxels(centre, matrix):
        return _copy(source, centre, matrix, patch)
    return _interpolate(source, centre, matrix, patch, bend)


def _is_on_voxels(centre: Tensor, matrix: Tensor) -> bool:
    is_axis = matrix.abs() == 1
    return bool(((matrix == 0) | is_axis).all() and (is_axis.sum(0) == 1).all() and (centre == centre.round()).all())


def _copy(source: LabelledImage, centre: Tensor, matrix: Tensor, patch: Sequence[int]) -> Patch:
    patch_axis = matrix.abs().argmax(1).tolist()
    image, labels, weight = source.image, source.labels, source.weight
    inside = torch.ones((1,) * labels.dim(), device=labels.device)
    for axis, along in enumerate(patch_axis):
        size = source.labels.shape[axis]
        steps = torch.arange(patch[along]) - patch[along] // 2
        index = (centre[axis] + matrix[axis, along] * steps).long().to(labels.device)
        kept = index.clamp(0, size - 1)
        index = kept if size == 1 else index  # as `sampling_grid` has it
        image, labels = image.index_select(axis + 1, kept), labels.index_select(axis, kept)
        weight = None if weight is None else weight.index_select(axis, kept)
        inside = inside * (index == kept).view([-1 if one == axis else 1 for one in range(labels.dim())])
    order = [patch_axis.index(along) for along in range(len(patch))]
    image = (image * inside).permute(0, *(1 + axis for axis in order))
    labels = (labels * inside.to(labels.dtype)).permute(order)
    weight = (inside if weight is None else weight * inside).permute(order)
    return image, labels, weight


def _interpolate(
    source: LabelledImage, centre: Tensor, matrix: Tensor, patch: Sequence[int], bend: Tensor | None
) -> Patch:
    box = _box(centre, matrix, patch, bend, source.labels.shape)
    labels = source.labels[box]
    start = torch.tensor([one.start for one in box], dtype=torch.float32)
    grid = sampling_grid(
        (centre - start)[None], matrix[None], patch, labels.shape, None if bend is None else bend[None]
    )
    image = take(source.image[(slice(None), *box)][None], grid)[0]
    # One above the label, so that what lies beyond the image (0) is told from background in the same pass.
    marks = take((labels.float() + 1)[None, None], grid, is_nearest=True)[0, 0]
    weight = (marks > 0).float()
    if source.weight is not None:
        weight = weight * take(source.weight[box][None, None], grid, is_nearest=True)[0, 0]
    return image, (marks - 1).clamp_min_(0).to(labels.dtype), weight


def _box(
    centre: Tensor, matrix: Tensor, patch: Sequence[int], bend: Tensor | None, shape: Sequence[int]
) -> tuple[slice, ...]:
    """Give the box of the image that a patch looks at: two voxels at least, for one has no extent to count in."""
    ends = [torch.tensor([-(size // 2), size - 1 - size // 2], dtype=torch.float32) for size in patch]
    corners = torch.cartesian_prod(*ends) @ matrix.mT + centre
    reach = 0.0 if bend is None else float(bend.abs().max())
    low = (corners.amin(0) - reach).floor().long().tolist()
    high = (corners.amax(0) + reach).ceil().long().tolist()
    box = []
    for first, last, size in zip(low, high, shape, strict=True):
        start = min(max(first, 0), max(size - 2, 0))
        box.append(slice(start, max(min(last + 1, size), min(start + 2, size))))
    return tuple(box)
