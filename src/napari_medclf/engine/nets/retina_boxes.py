"""A RetinaNet with its anchors, answering with boxes (Lin 2017), as MONAI's detection decodes them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from napari_medclf.engine.detection.anchors import anchor_halves, level_anchors

# torchvision's and MONAI's limit on how far a box may grow over its anchor: exp would overflow.
_LARGEST_LOG_SCALE = math.log(1000.0 / 16)


class RetinaBoxes(nn.Module):
    """Turn a RetinaNet's maps into one row a box.

    Parameters
    ----------
    network : nn.Module
        ``monai.apps.detection.networks.retinanet_network.RetinaNet``: (N, C, *spatial) to a dict of two lists of maps,
        one map a level: (N, anchors * classes, *level) and (N, anchors * 2 * dims, *level).
    feature_map_scales, base_anchor_shapes
        Of ``AnchorGeneratorWithAnchorShape``: level s has an anchor of ``scales[s] * shape`` voxels for every shape.
    """

    def __init__(
        self, network: nn.Module, feature_map_scales: Sequence[float], base_anchor_shapes: Sequence[Sequence[float]]
    ) -> None:
        super().__init__()
        self.network = network
        self._n_shapes = len(base_anchor_shapes)
        self._dims = len(base_anchor_shapes[0])
        for level, half in enumerate(anchor_halves(feature_map_scales, base_anchor_shapes)):
            self.register_buffer(f"_anchors_{level}", half, persistent=False)
        self._n_levels = len(feature_map_scales)

    def forward(self, x: Tensor) -> Tensor:
        """Find boxes in windows (N, C, *spatial).

        Returns
        -------
        (N, boxes, classes + 2 * dims) float32
            Class logits, then the lowest and the highest corner in the order of the window's axes, as positions on its
            grid (a voxel's centre lies at its index).
        """
        scores, codes = _maps_of(self.network(x))
        if len(scores) != self._n_levels:
            raise ValueError(f"{len(scores)} feature maps for the anchors of {self._n_levels}")
        found = [self._decode(level, *maps, x.shape[2:]) for level, maps in enumerate(zip(scores, codes, strict=True))]
        return torch.cat(found, dim=1)

    def _decode(self, level: int, scores: Tensor, codes: Tensor, window: Sequence[int]) -> Tensor:
        logits = self._rows(scores)
        offsets, growth = self._rows(codes).float().split(self._dims, dim=2)
        anchors: Tensor = getattr(self, f"_anchors_{level}")
        centres, sizes = level_anchors(anchors, scores.shape[2:], window)
        middle = offsets * sizes + centres
        half = growth.clamp(max=_LARGEST_LOG_SCALE).exp() * sizes / 2
        return torch.cat((logits.float(), middle - half, middle + half), dim=2)

    def _rows(self, maps: Tensor) -> Tensor:
        """(N, anchors * values, *level) to (N, voxels of the level * anchors, values)."""
        split = maps.unflatten(1, (self._n_shapes, -1))
        return split.flatten(3).permute(0, 3, 1, 2).flatten(1, 2)


def _maps_of(answer: object) -> tuple[list[Tensor], list[Tensor]]:
    """The two lists of a RetinaNet's answer: a dict of lists, or one list with the halves after each other."""
    if isinstance(answer, dict):
        scores, codes = answer["classification"], answer["box_regression"]
        return list(scores), list(codes)
    if isinstance(answer, (list, tuple)) and len(answer) % 2 == 0:
        half = len(answer) // 2
        return list(answer[:half]), list(answer[half:])
    raise ValueError("the network answers with no maps of scores and boxes")
