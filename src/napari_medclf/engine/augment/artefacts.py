"""What scanners do to images: coarse voxels, uneven coils, ghosts, another window; on whole batches at once."""

from __future__ import annotations

import torch
from torch import Generator, Tensor
from torch.nn.functional import interpolate

from napari_medclf.domain.recipe import AugmentSettings
from napari_medclf.engine.augment.draw import uniform

_FIELD_KNOTS = 4
"""Values along each axis between which a coil's field is interpolated."""
_MOST_GHOSTS = 6
_KEPT_CENTRE = 0.02
"""Part of k-space in the middle, the image's brightness and coarse shape, in which no line is lost."""


def add_artefacts(images: Tensor, settings: AugmentSettings, generator: Generator) -> Tensor:
    """Change some images of a batch (N, C, *spatial), each artefact with the settings' probability of its own."""
    wanted = (
        (settings.mr_bias, bias_field),
        (settings.ghosting, ghost),
        (settings.low_resolution, coarsen),
        (settings.window_jitter, jitter_window),
    )
    for largest, change in wanted:
        if largest == 0:
            continue
        is_chosen = torch.rand(len(images), generator=generator) < settings.artefact_probability
        if bool(is_chosen.any()):
            chosen = is_chosen.to(images.device)
            images = images.index_put((chosen,), change(images[chosen], largest, generator))
    return images


def bias_field(images: Tensor, largest: float, generator: Generator) -> Tensor:
    """Multiply brightness, counted from each image's darkest voxel, by a smooth field.

    Parameters
    ----------
    largest : float
        Of the logarithm of the field.
    """
    n_dims = images.dim() - 2
    knots = uniform((len(images), 1, *([_FIELD_KNOTS] * n_dims)), -largest, largest, generator, images.device)
    mode = "bicubic" if n_dims == 2 else "trilinear"
    field = interpolate(knots, size=images.shape[2:], mode=mode, align_corners=True).exp()
    darkest = images.amin(tuple(range(1, images.dim())), keepdim=True)
    return (images - darkest) * field + darkest


def ghost(images: Tensor, largest: float, generator: Generator) -> Tensor:
    """Weaken every n-th line of k-space along one axis, drawn for the batch, which repeats the image n times along it.

    Parameters
    ----------
    largest : float
        Part of a line that is lost at most.
    """
    axis = 2 + int(torch.randint(images.dim() - 2, (), generator=generator))
    n_ghosts = int(torch.randint(2, _MOST_GHOSTS + 1, (), generator=generator))
    size = images.shape[axis]
    frequency = (torch.fft.fftfreq(size) * size).abs().round()
    is_weak = (frequency % n_ghosts == 0) & (frequency > _KEPT_CENTRE * size / 2)
    along = [1] * images.dim()
    along[axis] = size
    lost = uniform((len(images), *([1] * (images.dim() - 1))), 0, largest, generator)
    kept = (1 - lost * is_weak.view(along)).to(images.device)
    return torch.fft.ifft(torch.fft.fft(images, dim=axis) * kept, dim=axis).real.contiguous()


def coarsen(images: Tensor, largest: float, generator: Generator) -> Tensor:
    """Average into larger voxels, along all axes or along one, and interpolate back; one size for the batch.

    Parameters
    ----------
    largest : float
        Relative growth of a voxel at most.
    """
    n_dims = images.dim() - 2
    factor = 1 + float(uniform((), 0, largest, generator))
    axis = int(torch.randint(2 * n_dims, (), generator=generator))  # beyond the axes: all of them
    size = list(images.shape[2:])
    coarse = [
        max(round(n / factor), 1) if axis in (one, *range(n_dims, 2 * n_dims)) else n for one, n in enumerate(size)
    ]
    small = interpolate(images, size=coarse, mode="area")
    return interpolate(small, size=size, mode="bilinear" if n_dims == 2 else "trilinear", align_corners=False)


def jitter_window(images: Tensor, largest: float, generator: Generator) -> Tensor:
    """Show images, whose window is 0 to 1, in a window with other edges.

    Parameters
    ----------
    largest : float
        Move of each edge at most.
    """
    shape = (len(images), *([1] * (images.dim() - 1)))
    low = uniform(shape, -largest, largest, generator, images.device)
    high = 1 + uniform(shape, -largest, largest, generator, images.device)
    return ((images - low) / (high - low)).clamp(0, 1)
