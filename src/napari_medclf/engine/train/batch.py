"""What one step learns from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

Targets = Tensor | Sequence[Mapping[str, Tensor]]
"""What is right: one tensor, or in detection a mapping of tensors for every image."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Images with what is right for them.

    Parameters
    ----------
    images : (N, C, *patch) float32
    targets :
        (N, *patch) int64 channel indices in segmentation, (N, n_classes) probabilities in classification, (N, n)
        numbers in regression, boxes and classes of every image in detection.
    weight : (N, *patch) float32 or None
        How much each voxel counts; None counts all alike.
    """

    images: Tensor
    targets: Targets
    weight: Tensor | None = None

    def to(self, device: str | torch.device, layout: torch.memory_format = torch.contiguous_format) -> Batch:
        """Bring everything to a device, the images in the memory layout of the network."""
        images = self.images.to(device, memory_format=layout, non_blocking=True)
        weight = None if self.weight is None else self.weight.to(device, non_blocking=True)
        return replace(self, images=images, targets=_moved(self.targets, device), weight=weight)


def _moved(targets: Targets, device: str | torch.device) -> Targets:
    if isinstance(targets, Tensor):
        return targets.to(device, non_blocking=True)
    return [{name: value.to(device, non_blocking=True) for name, value in one.items()} for one in targets]
