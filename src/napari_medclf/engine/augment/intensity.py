"""Random changes of brightness, contrast, sharpness and content, on whole batches at once, wherever they lie."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor
from torch.nn.functional import conv2d, conv3d, pad

from napari_medclf.domain.recipe import AugmentSettings
from napari_medclf.engine.augment.artefacts import add_artefacts
from napari_medclf.engine.augment.draw import normal, uniform


def change_intensity(images: Tensor, settings: AugmentSettings, generator: Generator) -> Tensor:
    """Change samples (N, C, *spatial) as a scanner, a lamp or a stain would; every image on its own.

    Returns
    -------
    (N, C, *spatial) float32
        A new tensor; what is outside the recipe's settings stays exactly as it was.
    """
    images = add_artefacts(images, settings, generator)
    if settings.blur_vox > 0:
        images = _blur(images, uniform((len(images),), 0, settings.blur_vox, generator))
    if settings.gamma > 0:
        images = _bend_tones(images, settings.gamma, generator)
    images = _scale_and_shift(images, settings, generator)
    if settings.invert_probability > 0:
        images = _invert(images, settings.invert_probability, generator)
    if settings.noise_sd > 0:
        images = normal(images, generator).mul_(_draw(images, 0, settings.noise_sd, generator)).add_(images)
    if settings.cutout > 0:
        images = _cut_out(images, settings.cutout, generator)
    return images


def _draw(images: Tensor, low: float, high: float, generator: Generator, *, per_channel: bool = False) -> Tensor:
    """Draw a number for every image, or for every channel of it, shaped to be mixed with the batch."""
    shape = (len(images), images.shape[1] if per_channel else 1, *([1] * (images.dim() - 2)))
    return uniform(shape, low, high, generator, images.device)


def _scale_and_shift(images: Tensor, settings: AugmentSettings, generator: Generator) -> Tensor:
    for largest, per_channel in ((settings.gain, False), (settings.channel_gain, True)):
        if largest > 0:
            gain = 1 + _draw(images, -largest, largest, generator, per_channel=per_channel)
            middle = images.mean(dim=tuple(range(2, images.dim())), keepdim=True)
            images = torch.addcmul(middle * (1 - gain), images, gain)
    if settings.channel_gain > 0:
        spread = settings.channel_gain / 2 * images.std()
        images = images + _draw(images, -1, 1, generator, per_channel=True) * spread
    if settings.bias > 0:
        images = images + _draw(images, -settings.bias, settings.bias, generator)
    return images


def _bend_tones(images: Tensor, largest: float, generator: Generator) -> Tensor:
    axes = tuple(range(1, images.dim()))
    low, high = images.amin(axes, keepdim=True), images.amax(axes, keepdim=True)
    span = (high - low).clamp_min(1e-6)
    exponents = (_draw(images, -1, 1, generator) * math.log1p(largest)).exp()
    return torch.addcmul(low, ((images - low) / span).clamp_(0, 1).pow_(exponents), span)


def _invert(images: Tensor, probability: float, generator: Generator) -> Tensor:
    axes = tuple(range(1, images.dim()))
    total = images.amin(axes, keepdim=True) + images.amax(axes, keepdim=True)
    return torch.where(_draw(images, 0, 1, generator) < probability, total - images, images)


def _blur(images: Tensor, sd_vox: Tensor) -> Tensor:
    reach = max(int(float(sd_vox.max()) * 2 + 0.5), 1)
    distance = torch.arange(-reach, reach + 1).float()
    kernels = torch.exp(-0.5 * (distance / sd_vox.clamp_min(1e-3)[:, None]) ** 2)
    kernels = (kernels / kernels.sum(1, keepdim=True)).repeat_interleave(images.shape[1], 0).to(images.device)
    n_dims = images.dim() - 2
    convolve = conv2d if n_dims == 2 else conv3d
    folded = images.reshape(1, -1, *images.shape[2:])
    for axis in range(n_dims):
        shape = [len(kernels), 1, *([1] * n_dims)]
        shape[2 + axis] = 2 * reach + 1
        margins = [0] * (2 * n_dims)
        margins[2 * (n_dims - 1 - axis)] = margins[2 * (n_dims - 1 - axis) + 1] = reach
        folded = convolve(pad(folded, margins, mode="replicate"), kernels.view(shape), groups=len(kernels))
    return folded.reshape(images.shape)


def _cut_out(images: Tensor, largest: float, generator: Generator) -> Tensor:
    # DeVries 2017; the box takes the image's mean, so that it brings no new brightness.
    shape = (len(images), *([1] * (images.dim() - 1)))
    is_erased = torch.ones(shape, dtype=torch.bool)
    for axis, size in enumerate(images.shape[2:], start=2):
        half = uniform(shape, 0, largest / 2, generator) * size
        centre = uniform(shape, 0, 1, generator) * size
        along = [1] * images.dim()
        along[axis] = size
        is_erased = is_erased & ((torch.arange(size).view(along) + 0.5 - centre).abs() < half)
    middle = images.mean(dim=tuple(range(2, images.dim())), keepdim=True)
    return torch.where(is_erased.to(images.device), middle, images)
