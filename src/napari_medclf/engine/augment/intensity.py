"""Random changes of brightness, contrast, sharpness and content, on whole batches at once."""

from __future__ import annotations

import torch
from torch import Generator, Tensor
from torch.nn.functional import conv2d, conv3d, pad

from napari_medclf.domain.recipe import AugmentSettings
from napari_medclf.engine.augment.warp import uniform


def change_intensity(images: Tensor, settings: AugmentSettings, generator: Generator) -> Tensor:
    """Change samples (N, C, *spatial) as a scanner, a lamp or a stain would; every image on its own.

    Returns
    -------
    (N, C, *spatial) float32
        A new tensor; what is outside the recipe's settings stays exactly as it was.
    """
    if settings.blur_vox > 0:
        images = _blur(images, uniform((len(images),), 0, settings.blur_vox, generator))
    if settings.gamma > 0:
        images = _bend_tones(images, settings.gamma, generator)
    images = _scale_and_shift(images, settings, generator)
    if settings.invert_probability > 0:
        images = _invert(images, settings.invert_probability, generator)
    if settings.noise_sd > 0:
        sd = uniform(_one_each(images), 0, settings.noise_sd, generator)
        images = images + torch.randn(images.shape, generator=generator) * sd
    if settings.cutout > 0:
        images = _cut_out(images, settings.cutout, generator)
    return images


def mix_up(images: Tensor, targets: Tensor, alpha: float, generator: Generator) -> tuple[Tensor, Tensor]:
    """Blend every image and its target with another one of the batch (Zhang 2018).

    Parameters
    ----------
    targets : (N, n_classes) float32
    alpha : float
        The blend is drawn from Beta(alpha, alpha), and the first image's part is the larger one.
    """
    shape = (len(images), *([1] * (images.dim() - 1)))
    part = _beta(alpha, len(images), generator)
    part = torch.maximum(part, 1 - part)
    order = torch.randperm(len(images), generator=generator)
    mixed = images * part.view(shape) + images[order] * (1 - part).view(shape)
    return mixed, targets * part[:, None] + targets[order] * (1 - part)[:, None]


def _one_each(images: Tensor, *, per_channel: bool = False) -> tuple[int, ...]:
    return (len(images), images.shape[1] if per_channel else 1, *([1] * (images.dim() - 2)))


def _scale_and_shift(images: Tensor, settings: AugmentSettings, generator: Generator) -> Tensor:
    for largest, per_channel in ((settings.gain, False), (settings.channel_gain, True)):
        if largest > 0:
            gain = 1 + uniform(_one_each(images, per_channel=per_channel), -largest, largest, generator)
            middle = images.mean(dim=list(range(2, images.dim())), keepdim=True)
            images = (images - middle) * gain + middle
    if settings.channel_gain > 0:
        spread = settings.channel_gain / 2 * images.std()
        images = images + uniform(_one_each(images, per_channel=True), -1, 1, generator) * spread
    if settings.bias > 0:
        images = images + uniform(_one_each(images), -settings.bias, settings.bias, generator)
    return images


def _bend_tones(images: Tensor, largest: float, generator: Generator) -> Tensor:
    axes = list(range(1, images.dim()))
    low, high = images.amin(axes, keepdim=True), images.amax(axes, keepdim=True)
    span = (high - low).clamp_min(1e-6)
    logs = uniform(_one_each(images), -1, 1, generator) * torch.log1p(torch.tensor(largest))
    return ((images - low) / span).clamp(0, 1) ** logs.exp() * span + low


def _invert(images: Tensor, probability: float, generator: Generator) -> Tensor:
    axes = list(range(1, images.dim()))
    total = images.amin(axes, keepdim=True) + images.amax(axes, keepdim=True)
    is_chosen = uniform(_one_each(images), 0, 1, generator) < probability
    return torch.where(is_chosen, total - images, images)


def _blur(images: Tensor, sd_vox: Tensor) -> Tensor:
    reach = max(int(float(sd_vox.max()) * 2 + 0.5), 1)
    distance = torch.arange(-reach, reach + 1).float()
    kernels = torch.exp(-0.5 * (distance / sd_vox.clamp_min(1e-3)[:, None]) ** 2)
    kernels = (kernels / kernels.sum(1, keepdim=True)).repeat_interleave(images.shape[1], 0)
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
    is_erased = torch.ones(_one_each(images), dtype=torch.bool)
    for axis, size in enumerate(images.shape[2:], start=2):
        shape = [len(images), *([1] * (images.dim() - 1))]
        half = uniform(shape, 0, largest / 2, generator) * size
        centre = uniform(shape, 0, 1, generator) * size
        along = [1] * images.dim()
        along[axis] = size
        is_erased = is_erased & ((torch.arange(size).view(along) + 0.5 - centre).abs() < half)
    middle = images.mean(dim=list(range(1, images.dim())), keepdim=True)
    return torch.where(is_erased, middle, images)


def _beta(alpha: float, n: int, generator: Generator) -> Tensor:
    # torch draws Beta numbers from the global state only; two Gamma numbers make one (Joehnk 1964
    # serves alpha <= 1, where mixup lives).
    accepted = torch.full((n,), float("nan"))
    while bool(accepted.isnan().any()):
        first = torch.rand(n, generator=generator) ** (1 / alpha)
        second = torch.rand(n, generator=generator) ** (1 / alpha)
        total = first + second
        fits = accepted.isnan() & (total <= 1) & (total > 0)
        accepted = torch.where(fits, first / total.clamp_min(1e-30), accepted)
    return accepted
