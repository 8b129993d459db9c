"""Mix the images of a batch with each other, and what is right for them."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.augment.draw import beta, uniform


def mix_images(images: Tensor, targets: Tensor, recipe: Recipe, generator: Generator) -> tuple[Tensor, Tensor]:
    """Mix a batch of whole images as the recipe says: by `mix_up`, by `cut_mix`, by either of both, or not at all."""
    is_cut = recipe.cutmix_alpha > 0
    if is_cut and recipe.mixup_alpha > 0:
        is_cut = float(torch.rand((), generator=generator)) < 0.5
    if is_cut:
        return cut_mix(images, targets, recipe.cutmix_alpha, generator)
    if recipe.mixup_alpha > 0:
        return mix_up(images, targets, recipe.mixup_alpha, generator)
    return images, targets


def mix_up(images: Tensor, targets: Tensor, alpha: float, generator: Generator) -> tuple[Tensor, Tensor]:
    """Blend every image and its target with another one of the batch (Zhang 2018).

    Parameters
    ----------
    targets : (N, n) float32
        Probabilities of classes, or numbers.
    alpha : float
        The blend is drawn from Beta(alpha, alpha), and the first image's part is the larger one.
    """
    part = beta(alpha, len(images), generator)
    part = torch.maximum(part, 1 - part)
    order = torch.randperm(len(images), generator=generator)
    kept = part.view(len(images), *([1] * (images.dim() - 1))).to(images.device)
    mixed = images * kept + images[order.to(images.device)] * (1 - kept)
    return mixed, _blend(targets, order, part)


def cut_mix(images: Tensor, targets: Tensor, alpha: float, generator: Generator) -> tuple[Tensor, Tensor]:
    """Paste a box of another image of the batch into every image, and mix targets by its size (Yun 2019).

    Parameters
    ----------
    targets : (N, n) float32
    alpha : float
        The part of the image that stays is drawn from Beta(alpha, alpha); boxes are cut off at the image's border.
    """
    n_dims = images.dim() - 2
    side = (1 - beta(alpha, len(images), generator)) ** (1 / n_dims)
    is_pasted = torch.ones(len(images), 1, *([1] * n_dims), dtype=torch.bool)
    for axis, size in enumerate(images.shape[2:], start=2):
        along = [1] * images.dim()
        along[axis] = size
        centre = uniform((len(images),), 0, size, generator).view(is_pasted.shape[0], *([1] * (n_dims + 1)))
        half = (side * size / 2).view_as(centre)
        is_pasted = is_pasted & ((torch.arange(size).view(along) + 0.5 - centre).abs() < half)
    part = 1 - is_pasted.flatten(1).float().mean(1)
    order = torch.randperm(len(images), generator=generator)
    others = images[order.to(images.device)]
    return torch.where(is_pasted.to(images.device), others, images), _blend(targets, order, part)


def paste_objects(
    images: Tensor, labels: Tensor, weight: Tensor, probability: float, generator: Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Paste what is labelled in one patch of a batch into another one (Ghiasi 2021).

    Parameters
    ----------
    images : (N, C, *patch)
    labels, weight : (N, *patch)
        Wherever labels are not 0, image, labels and weight are pasted together.
    probability : float
        How often a patch gets the objects of another one.

    Returns
    -------
    images, labels, weight
        The same tensors where the batch has one patch only.
    """
    n = len(images)
    if n == 1:
        return images, labels, weight
    shift = int(torch.randint(1, n, (), generator=generator))
    is_chosen = (torch.rand(n, generator=generator) < probability).view(n, *([1] * (labels.dim() - 1)))
    donors = (torch.arange(n) + shift) % n
    is_pasted = (labels[donors] > 0) & is_chosen.to(labels.device)
    return (
        torch.where(is_pasted[:, None], images[donors], images),
        torch.where(is_pasted, labels[donors], labels),
        torch.where(is_pasted, weight[donors], weight),
    )


def _blend(targets: Tensor, order: Tensor, part: Tensor) -> Tensor:
    part = part[:, None].to(targets.device)
    return targets * part + targets[order.to(targets.device)] * (1 - part)
