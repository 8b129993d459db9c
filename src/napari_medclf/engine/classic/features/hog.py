"""Shape as directions of edges, cell by cell: histograms of oriented gradients (Dalal 2005)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from napari_medclf.engine.classic.features.counting import count_codes

_N_ANGLES = 9
_BLOCK = 2
_CLIP = 0.2
_TINY = 1e-5


def hog_names(n_dims: int, n_cells: int) -> tuple[str, ...]:
    """Say what `hog` counts, in its order."""
    n_blocks = n_cells - _BLOCK + 1
    views = ("",) if n_dims == 2 else (" along k", " along j", " along i")
    return tuple(
        f"HOG{view} block {j},{i} cell {b},{a} angle {angle}"
        for view in views
        for j in range(n_blocks)
        for i in range(n_blocks)
        for b in range(_BLOCK)
        for a in range(_BLOCK)
        for angle in range(_N_ANGLES)
    )


def hog(images: Tensor, n_cells: int) -> Tensor:
    """Describe where edges of which direction lie in gray images.

    Parameters
    ----------
    images : (N, *spatial) float64
        Volumes are seen as their mean projections along the three axes.
    n_cells : int
        Cells along each axis; what is left over at the far edge is left out.

    Returns
    -------
    (N, len(hog_names(n_dims, n_cells))) float64
        As scikit-image's ``hog`` with 9 directions without sign, blocks of 2 x 2 cells and the norm ``L2-Hys``;
        zeros where an axis has fewer pixels than cells.
    """
    if images.dim() == 3:
        return _hog(images, n_cells)
    return torch.cat([_hog(images.mean(axis), n_cells) for axis in (1, 2, 3)], 1)


def _hog(images: Tensor, n_cells: int) -> Tensor:
    n, height, width = images.shape
    cell = (height // n_cells, width // n_cells)
    if min(cell) == 0:
        return torch.zeros(n, len(hog_names(2, n_cells)), dtype=images.dtype, device=images.device)
    down, right = _gradient(images, 1), _gradient(images, 2)
    strength = (down.square() + right.square()).sqrt()
    angle = torch.atan2(down, right) % math.pi
    bins = (angle * (_N_ANGLES / math.pi)).long().clamp_(0, _N_ANGLES - 1)
    kept = (slice(None), slice(cell[0] * n_cells), slice(cell[1] * n_cells))
    cells = _cell_numbers(cell, n_cells, images.device)
    counts = count_codes((cells * _N_ANGLES + bins[kept]).flatten(1), n_cells**2 * _N_ANGLES, strength[kept].flatten(1))
    return _blocks(counts.reshape(n, n_cells, n_cells, _N_ANGLES) / (cell[0] * cell[1]))


def _gradient(images: Tensor, axis: int) -> Tensor:
    """Differences of the two neighbours along an axis; 0 at the border."""
    gradient = torch.zeros_like(images)
    size = images.shape[axis]
    if size > 2:
        inner = images.narrow(axis, 2, size - 2) - images.narrow(axis, 0, size - 2)
        gradient.narrow(axis, 1, size - 2).copy_(inner)
    return gradient


def _cell_numbers(cell: tuple[int, int], n_cells: int, device: torch.device) -> Tensor:
    rows = torch.arange(cell[0] * n_cells, device=device) // cell[0]
    columns = torch.arange(cell[1] * n_cells, device=device) // cell[1]
    return rows[:, None] * n_cells + columns[None, :]


def _blocks(cells: Tensor) -> Tensor:
    """Normalise blocks of cells that overlap, clip them and normalise again."""
    blocks = cells.unfold(1, _BLOCK, 1).unfold(2, _BLOCK, 1)  # (N, blocks, blocks, angles, 2, 2)
    flat = blocks.permute(0, 1, 2, 4, 5, 3).flatten(3)
    for clipped in (True, False):
        flat = flat / (flat.square().sum(3, keepdim=True) + _TINY**2).sqrt()
        flat = flat.clamp_max(_CLIP) if clipped else flat
    return flat.flatten(1)
