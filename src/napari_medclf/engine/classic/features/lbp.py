"""Texture as patterns of brighter and darker neighbours: local binary patterns (Ojala 2002)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from napari_medclf.engine.classic.features.counting import count_codes

_N_NEIGHBOURS = 8
_N_PATTERNS = _N_NEIGHBOURS + 2
RADII_VOX = (1, 2)
_SAME = 1e-6
"""Samples that differ by less are equal: interpolation between equal ones must not look like a texture."""


def lbp_names(n_dims: int) -> tuple[str, ...]:
    """Say what `lbp` counts, in its order."""
    planes = ("",) if n_dims == 2 else (" in plane ji", " in plane ki", " in plane kj")
    return tuple(
        f"LBP {pattern}{plane}, radius {radius}"
        for plane in planes
        for radius in RADII_VOX
        for pattern in range(_N_PATTERNS)
    )


def lbp(images: Tensor) -> Tensor:
    """Count uniform, turn-invariant local binary patterns of gray images.

    Parameters
    ----------
    images : (N, *spatial) float64
        Volumes are seen in all slices of three orthogonal planes (Zhao 2007).

    Returns
    -------
    (N, len(lbp_names(n_dims))) float64
        Parts of the pixels (those whose whole neighbourhood is inside) with each of 10 patterns: 0 to 8 brighter
        neighbours in one run, or any other pattern; for circles of radius 1 and 2 with 8 points.
    """
    if images.dim() == 3:
        return torch.cat([_patterns(images[:, None], radius) for radius in RADII_VOX], 1)
    planes = (images, images.transpose(1, 2), images.movedim(3, 1))
    return torch.cat([_patterns(plane, radius) for plane in planes for radius in RADII_VOX], 1)


def _patterns(slices: Tensor, radius: int) -> Tensor:
    """Histograms (N, 10) over the slices (N, S, J, I); zeros where they are smaller than the circle."""
    n, _, height, width = slices.shape
    if min(height, width) <= 2 * radius:
        return torch.zeros(n, _N_PATTERNS, dtype=slices.dtype, device=slices.device)
    centre = slices[..., radius : height - radius, radius : width - radius]
    is_brighter = [_neighbour(slices, radius, number) - centre >= -_SAME for number in range(_N_NEIGHBOURS)]
    n_brighter = torch.zeros(centre.shape, dtype=torch.int64, device=slices.device)
    n_changes = torch.zeros_like(n_brighter)
    for number, one in enumerate(is_brighter):
        n_brighter += one
        n_changes += one != is_brighter[number - 1]
    patterns = torch.where(n_changes <= 2, n_brighter, _N_NEIGHBOURS + 1).flatten(1)
    return count_codes(patterns, _N_PATTERNS) / patterns.shape[1]


def _neighbour(slices: Tensor, radius: int, number: int) -> Tensor:
    """The image at a point of the circle around every inner pixel, interpolated between the four pixels around it."""
    angle = 2 * math.pi * number / _N_NEIGHBOURS
    j, i = round(-radius * math.sin(angle), 5), round(radius * math.cos(angle), 5)
    low_j, low_i = math.floor(j), math.floor(i)
    part_j, part_i = j - low_j, i - low_i
    parts = []
    for step_j, weight_j in ((0, 1 - part_j), (1, part_j)):
        for step_i, weight_i in ((0, 1 - part_i), (1, part_i)):
            if weight_j * weight_i > 0:
                parts.append(weight_j * weight_i * _moved(slices, radius, low_j + step_j, low_i + step_i))
    return torch.stack(parts).sum(0)


def _moved(slices: Tensor, radius: int, j: int, i: int) -> Tensor:
    height, width = slices.shape[-2:]
    return slices[..., radius + j : height - radius + j, radius + i : width - radius + i]
