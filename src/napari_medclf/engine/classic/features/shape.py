"""Form of what is bright in an image: size, place, axes, surface and thickness."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d, max_pool3d

from napari_medclf.engine.classic.features.counting import count_codes

_BINS = 256
_EROSIONS = 3


def shape_names(n_dims: int) -> tuple[str, ...]:
    """Say what `shape` counts, in its order."""
    axes = ("k", "j", "i")[3 - n_dims :]
    return (
        "shape fraction",
        *(f"shape centre {axis}" for axis in axes),
        *(f"shape axis length {number}" for number in range(1, n_dims + 1)),
        *(f"shape axis ratio {number}" for number in range(2, n_dims + 1)),
        "shape surface",
        "shape compactness",
        "shape extent",
        *(f"shape left after erosion {number}" for number in range(1, _EROSIONS + 1)),
        *(f"asymmetry {axis}" for axis in axes),
    )


def shape(images: Tensor) -> Tensor:
    """Describe the form of the samples above Otsu's threshold.

    Parameters
    ----------
    images : (N, *spatial) float64

    Returns
    -------
    (N, len(shape_names(n_dims))) float64
        All without unit: lengths are relative to the image's sides, the surface (faces between bright and dark voxels)
        to all voxels, compactness is the volume's (d - 1)/d-th power over the surface, and what erosion leaves is a
        part of the volume. Lengths of the axes are those of the ellipsoid with the same second moments (4 standard
        deviations in 2D; in 3D sqrt(20) of them). Asymmetry is the mean difference to the mirrored image over the
        standard deviation.
    """
    is_bright = images > threshold_otsu(images).reshape(-1, *([1] * (images.dim() - 1)))
    mask = is_bright.to(images.dtype)
    volume = mask.flatten(1).sum(1)
    centre, lengths = _moments(mask)
    surface = _faces(is_bright)
    n_dims, n_voxels = mask.dim() - 1, mask[0].numel()
    columns = [
        (volume / n_voxels)[:, None],
        centre,
        lengths,
        lengths[:, 1:] / lengths[:, :1].clamp_min(1e-9),
        (surface / n_voxels)[:, None],
        (volume ** ((n_dims - 1) / n_dims) / surface.clamp_min(1))[:, None],
        (volume / _box(is_bright).clamp_min(1))[:, None],
        _left_after_erosions(mask) / volume.clamp_min(1)[:, None],
        _asymmetry(images),
    ]
    return torch.cat(columns, 1)


def threshold_otsu(images: Tensor) -> Tensor:
    """Threshold (N,) between dark and bright samples (Otsu 1979), on 256 bins between smallest and largest.

    A constant image gets its own value, so that nothing is above it.
    """
    flat = images.flatten(1)
    low, high = flat.amin(1), flat.amax(1)
    width = (high - low) / _BINS
    bins = ((flat - low[:, None]) / width.clamp_min(1e-300)[:, None]).long().clamp_(0, _BINS - 1)
    counts = count_codes(bins, _BINS)
    centres = low[:, None] + width[:, None] * (torch.arange(_BINS, dtype=flat.dtype, device=flat.device) + 0.5)
    below, above = counts.cumsum(1), counts.flip(1).cumsum(1).flip(1)
    mean_below = (counts * centres).cumsum(1) / below.clamp_min(1)
    mean_above = (counts * centres).flip(1).cumsum(1).flip(1) / above.clamp_min(1)
    between = below[:, :-1] * above[:, 1:] * (mean_below[:, :-1] - mean_above[:, 1:]).square()
    best = between.argmax(1)
    return torch.where(high > low, centres.gather(1, best[:, None])[:, 0], high)


def _moments(mask: Tensor) -> tuple[Tensor, Tensor]:
    """Centre (N, d) and lengths of the axes (N, d), longest first, both relative to the sides."""
    n_dims = mask.dim() - 1
    axes = [torch.arange(size, dtype=mask.dtype, device=mask.device) for size in mask.shape[1:]]
    places = [(axis + 0.5) / len(axis) for axis in axes]
    grid = torch.stack([one.flatten() for one in torch.meshgrid(*places, indexing="ij")], 1)
    flat = mask.flatten(1)
    weight = flat.sum(1).clamp_min(1)[:, None]
    centre = flat @ grid / weight
    products = (grid[:, :, None] * grid[:, None, :]).flatten(1)
    second = (flat @ products / weight).reshape(-1, n_dims, n_dims)
    covariance = second - centre[:, :, None] * centre[:, None, :]
    deviations = torch.linalg.eigvalsh(covariance).flip(1).clamp_min(0).sqrt()
    return centre, deviations * (4.0 if n_dims == 2 else 20**0.5)


def _faces(is_bright: Tensor) -> Tensor:
    """Faces (N,) between bright and dark voxels; beyond the image all is dark."""
    total = torch.zeros(len(is_bright), dtype=torch.float64, device=is_bright.device)
    for axis in range(1, is_bright.dim()):
        size = is_bright.shape[axis]
        changes = is_bright.narrow(axis, 1, size - 1) != is_bright.narrow(axis, 0, size - 1)
        ends = is_bright.select(axis, 0).flatten(1).sum(1) + is_bright.select(axis, size - 1).flatten(1).sum(1)
        total += changes.flatten(1).sum(1) + ends
    return total


def _box(is_bright: Tensor) -> Tensor:
    """Voxels (N,) of the box around what is bright."""
    sides = []
    for axis in range(1, is_bright.dim()):
        others = [one for one in range(1, is_bright.dim()) if one != axis]
        is_used = is_bright.sum(others) > 0
        size = is_used.shape[1]
        number = torch.arange(size, device=is_bright.device)
        last = torch.where(is_used, number, -1).amax(1)
        first = torch.where(is_used, number, size).amin(1)
        sides.append((last - first + 1).clamp_min(0))
    return torch.stack(sides).prod(0).to(torch.float64)


def _left_after_erosions(mask: Tensor) -> Tensor:
    pool = max_pool2d if mask.dim() == 3 else max_pool3d
    dark = (1 - mask.to(torch.float32))[:, None]
    left = []
    for _ in range(_EROSIONS):
        dark = pool(dark, 3, stride=1, padding=1)
        left.append((1 - dark).flatten(1).sum(1))
    return torch.stack(left, 1).to(mask.dtype)


def _asymmetry(images: Tensor) -> Tensor:
    sd = images.flatten(1).std(1, correction=0).clamp_min(1e-6)
    apart = [(images - images.flip(axis)).abs().flatten(1).mean(1) / sd for axis in range(1, images.dim())]
    return torch.stack(apart, 1)
