"""TorchXRayVision's DenseNet: MONAI's network under other names, with scores that are moved to their thresholds."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from napari_medclf.domain.errors import CardError
from napari_medclf.engine.nets.densenet import DenseNet

_LAYER = re.compile(r"(features\.denseblock\d+\.denselayer\d+\.)(?!layers\.)")
_THRESHOLDS = "op_threshs"


class XRayClassifier(nn.Module):
    """Scores in [0, 1] of the outputs that mean something, 0.5 at each one's operating point.

    Parameters
    ----------
    network : nn.Module
        (N, 1, J, I) in -1024..1024 to logits (N, outputs).
    chosen : sequence of int
        Outputs that are kept.
    thresholds : sequence of float or None
        Operating point of each kept output; None leaves its probability as it is.

    Notes
    -----
    TorchXRayVision's ``op_norm``: below the threshold t, p / 2t; above, 1 - (1 - p) / 2(1 - t).
    """

    def __init__(self, network: nn.Module, chosen: Sequence[int], thresholds: Sequence[float | None]) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("chosen", torch.tensor(chosen, dtype=torch.int64), persistent=False)
        points = torch.tensor([0.5 if value is None else value for value in thresholds], dtype=torch.float32)
        self.register_buffer("points", points, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return scores (N, kept outputs)."""
        probabilities = torch.sigmoid(self.network(x)).index_select(1, self.get_buffer("chosen"))
        points = self.get_buffer("points")
        below = probabilities / (2 * points)
        above = 1 - (1 - probabilities) / (2 * (1 - points))
        return torch.where(probabilities < points, below, above)


def build_densenet(state: Mapping[str, Tensor], name: str) -> tuple[DenseNet, dict[str, Tensor]]:
    """Build the network that weights were made for, and give them MONAI's names.

    Raises
    ------
    CardError
        If they are no DenseNet's.
    """
    renamed = {_LAYER.sub(r"\1layers.", key): value for key, value in state.items() if key != _THRESHOLDS}
    renamed = {re.sub(r"^classifier\.", "class_layers.out.", key): value for key, value in renamed.items()}
    try:
        first = renamed["features.conv0.weight"]
        growth = renamed["features.denseblock1.denselayer1.layers.conv2.weight"]
        n_outputs = len(renamed["class_layers.out.bias"])
    except KeyError as error:
        raise CardError(f"{name}: holds no DenseNet of TorchXRayVision; {error} is missing.") from error
    blocks = [
        _count(renamed, f"features.denseblock{number}.denselayer") for number in range(1, _count_blocks(renamed) + 1)
    ]
    network = DenseNet(
        2, first.shape[1], n_outputs, len(first), len(growth), blocks, bn_size=max(growth.shape[1] // len(growth), 1)
    )
    return network, renamed


def _count_blocks(names: Mapping[str, Tensor]) -> int:
    return _count(names, "features.denseblock")


def _count(names: Mapping[str, Tensor], prefix: str) -> int:
    """How many numbers follow a prefix, from 1 on."""
    found = {int(match[1]) for name in names if (match := re.match(rf"{re.escape(prefix)}(\d+)\.", name))}
    return len(found)
