"""A synthetic CT of a trunk, and a small U-Net whose weights all share; for benchmarks of whole segmentations."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

LOW_HU, HIGH_HU = -1000.0, 1000.0
OVERLAP = 0.25
MODEL_MM = 3.0
FEATURES = {"small": (16, 16, 32, 64, 128, 16), "large": (32, 32, 64, 128, 256, 32)}


@dataclass(frozen=True)
class Size:
    """What is segmented.

    Parameters
    ----------
    shape : (K, J, I)
        Of the CT.
    spacing_mm : (k, j, i)
        The model grid has 3 mm.
    n_classes : int
        Background counted.
    """

    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    n_classes: int
    window: tuple[int, int, int]
    network: str

    @classmethod
    def from_file(cls, path: Path) -> Size:
        """Read what `segment_ct.py` wrote."""
        given: dict[str, Any] = json.loads(path.read_text())
        tuples: dict[str, Any] = {name: tuple(one) for name, one in given.items() if isinstance(one, list)}
        return cls(**{**given, **tuples})

    @property
    def model_shape(self) -> tuple[int, int, int]:
        """Voxels of the model grid."""
        k, j, i = (round(n * mm / MODEL_MM) for n, mm in zip(self.shape, self.spacing_mm, strict=True))
        return (k, j, i)


def make_ct(size: Size) -> NDArray[np.int16]:
    """Make a trunk with one ellipsoid a class, each with its own Hounsfield units, in air, with noise."""
    draw = np.random.default_rng(7)
    _, j, i = size.shape
    ct = np.full(size.shape, -1000, dtype=np.int16)
    y, x = np.mgrid[:j, :i].astype(np.float32)
    body = ((y - j / 2) / (0.36 * j)) ** 2 + ((x - i / 2) / (0.42 * i)) ** 2 < 1
    ct[:, body] = round(level_of(0, size.n_classes))
    centres = draw.uniform((0.05, 0.25, 0.2), (0.95, 0.75, 0.8), (size.n_classes - 1, 3)) * size.shape
    radii = draw.uniform((0.04, 0.05, 0.05), (0.14, 0.13, 0.13), (size.n_classes - 1, 3)) * size.shape
    for index, (centre, radius) in enumerate(zip(centres, radii, strict=True), start=1):
        first, last = (np.clip(centre + sign * radius, 0, np.array(size.shape) - 1).astype(int) for sign in (-1, 1))
        place = tuple(slice(a, b + 1) for a, b in zip(first, last, strict=True))
        grid = np.ogrid[place]
        distance = sum(((axis - c) / r) ** 2 for axis, c, r in zip(grid, centre, radius, strict=True))
        ct[place][(distance < 1) & body[place[1:]]] = round(level_of(index, size.n_classes))
    for plane in ct:
        plane += draw.normal(0, 8, plane.shape).astype(np.int16)
    return ct


def level_of(index: int, n_classes: int) -> float:
    """Hounsfield units of a class; 0 is the tissue between organs."""
    return -180.0 + 1000.0 * index / n_classes


class Organs(nn.Module):
    """A U-Net with random weights beside a layer that knows each class's Hounsfield units.

    Random weights alone would label noise; so the class is decided by the image, with ragged borders by the U-Net, and
    the U-Net costs what it costs.
    """

    def __init__(self, unet: nn.Module, n_classes: int) -> None:
        super().__init__()
        self.unet = unet
        self.levels = nn.Conv3d(2, n_classes, 1)
        self.smooth = nn.AvgPool3d(3, stride=1, padding=1, count_include_pad=False)
        level = torch.tensor([level_of(index, n_classes) for index in range(n_classes)])
        scaled = ((level - LOW_HU) / (HIGH_HU - LOW_HU)).reshape(-1, 1)
        sharpness = 4000.0
        weight = torch.cat([2 * sharpness * scaled, torch.full_like(scaled, -sharpness)], dim=1)
        self.levels.weight.data = weight.reshape(n_classes, 2, 1, 1, 1)
        self.levels.bias = nn.Parameter(-sharpness * scaled.ravel() ** 2)

    def forward(self, x: Tensor) -> Tensor:
        """Answer (N, classes, K, J, I) logits."""
        smooth = self.smooth(x)
        logits: Tensor = self.unet(x)
        logits += self.levels(torch.cat([smooth, smooth * smooth], dim=1))
        return logits


def unet_arguments(size: Size) -> dict[str, object]:
    """Arguments of MONAI's ``BasicUNet``."""
    features = list(FEATURES[size.network])
    return {"spatial_dims": 3, "in_channels": 1, "out_channels": size.n_classes, "features": features}


def stock_network(size: Size) -> nn.Module:
    """The network as MONAI builds it; the same weights every time."""
    from monai.networks.nets import BasicUNet

    torch.manual_seed(3)
    return Organs(BasicUNet(**unet_arguments(size)), size.n_classes).eval().requires_grad_(False)


def n_parameters(network: nn.Module) -> int:
    """Count the weights."""
    return sum(one.numel() for one in network.parameters())
