"""Batches to learn from: patches of labelled images, or whole images with a class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Generator, Tensor

from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.augment.intensity import change_intensity, mix_up
from napari_medclf.engine.augment.warp import is_inside, patch_positions, random_affine, take, uniform
from napari_medclf.engine.train.batch import Batch
from napari_medclf.engine.train.cases import TrainCase
from napari_medclf.engine.train.losses import soft_targets

_MAX_REMEMBERED_VOX = 20_000


class PatchSampler:
    """Draw patches from labelled images.

    Every case comes equally often. A part of the patches is centred on a foreground voxel, each
    class as often as the others, so that small structures are seen.
    """

    def __init__(self, cases: Sequence[TrainCase], recipe: Recipe) -> None:
        self._recipe = recipe
        self._images = [torch.from_numpy(np.ascontiguousarray(case.sample.image)) for case in cases]
        self._labels = [torch.from_numpy(np.ascontiguousarray(case.sample.target, np.uint8)) for case in cases]
        self._weights = [
            None if case.sample.weight is None else torch.from_numpy(np.ascontiguousarray(case.sample.weight))
            for case in cases
        ]
        self._foreground = [_places_by_class(labels) for labels in self._labels]
        self._spacing = recipe.input.spacing_mm or (1.0,) * recipe.input.spatial_dims

    def n_batches(self) -> int:
        """Steps an epoch."""
        return -(-(self._recipe.samples_per_epoch or len(self._images)) // self._recipe.batch)

    def batches(self, generator: Generator) -> Iterator[Batch]:
        """Draw one epoch; the same generator state gives the same epoch."""
        n_samples = self.n_batches() * self._recipe.batch
        n_rounds = -(-n_samples // len(self._images))
        order = torch.cat([torch.randperm(len(self._images), generator=generator) for _ in range(n_rounds)])
        for chosen in order[:n_samples].split(self._recipe.batch):
            images, labels, weight = self._draw(chosen.tolist(), generator)
            yield Batch(change_intensity(images, self._recipe.augment, generator), labels, weight)

    def _draw(self, chosen: list[int], generator: Generator) -> tuple[Tensor, Tensor, Tensor]:
        augment, patch = self._recipe.augment, self._recipe.input.patch_vox
        centres = torch.stack([self._centre(index, generator) for index in chosen])
        matrices = random_affine(len(chosen), augment, self._spacing, generator)
        positions = patch_positions(centres, matrices, patch, augment.elastic_vox, generator)
        taken = [self._take(index, where) for index, where in zip(chosen, positions, strict=True)]
        images, labels, weights = (torch.stack(parts) for parts in zip(*taken, strict=True))
        return images, labels.long(), weights

    def _take(self, index: int, positions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        weight = is_inside(positions, self._labels[index].shape).float()
        own_weight = self._weights[index]
        if own_weight is not None:
            weight = weight * take(own_weight[None, None], positions[None], is_nearest=True)[0, 0]
        labels = take(self._labels[index][None, None], positions[None], is_nearest=True)[0, 0]
        return take(self._images[index][None], positions[None])[0], labels, weight

    def _centre(self, index: int, generator: Generator) -> Tensor:
        shape, patch = self._labels[index].shape, self._recipe.input.patch_vox
        places = self._foreground[index]
        ends = [sorted((n // 2, size - (n - n // 2))) for size, n in zip(shape, patch, strict=True)]
        low, high = torch.tensor(ends).float().T
        if places and float(torch.rand((), generator=generator)) < self._recipe.foreground:
            of_class = places[int(torch.randint(len(places), (), generator=generator))]
            place = of_class[int(torch.randint(len(of_class), (), generator=generator))].float()
            # The place may be anywhere in the patch's middle half, as it is in use.
            place = place + (uniform((len(shape),), -0.25, 0.25, generator) * torch.tensor(patch)).round()
            return place.clamp(low, high)
        return (low + uniform((len(shape),), 0, 1, generator) * (high - low)).round()


class ImageSampler:
    """Draw whole images of one size with their class, from one stacked array."""

    def __init__(self, cases: Sequence[TrainCase], recipe: Recipe, n_classes: int) -> None:
        self._recipe = recipe
        self._n_classes = n_classes
        self._images = torch.from_numpy(np.stack([case.sample.image for case in cases]))
        self._classes = torch.tensor([int(case.sample.target) for case in cases])
        counts = torch.bincount(self._classes, minlength=n_classes).float()
        self._chance = counts[self._classes] ** -recipe.balance

    def n_batches(self) -> int:
        """Steps an epoch."""
        return -(-(self._recipe.samples_per_epoch or len(self._images)) // self._recipe.batch)

    def batches(self, generator: Generator) -> Iterator[Batch]:
        """Draw one epoch; the same generator state gives the same epoch."""
        for chosen in self._order(generator).split(self._recipe.batch):
            images = self._move(self._images[chosen], generator)
            images = change_intensity(images, self._recipe.augment, generator)
            targets = soft_targets(self._classes[chosen], self._n_classes, self._recipe.loss.label_smoothing)
            if self._recipe.mixup_alpha > 0:
                images, targets = mix_up(images, targets, self._recipe.mixup_alpha, generator)
            yield Batch(images, targets)

    def _order(self, generator: Generator) -> Tensor:
        n_samples = self.n_batches() * self._recipe.batch
        if self._recipe.balance > 0:
            return torch.multinomial(self._chance, n_samples, replacement=True, generator=generator)
        n_rounds = -(-n_samples // len(self._images))
        order = [torch.randperm(len(self._images), generator=generator) for _ in range(n_rounds)]
        return torch.cat(order)[:n_samples]

    def _move(self, images: Tensor, generator: Generator) -> Tensor:
        augment, size = self._recipe.augment, images.shape[2:]
        middle = torch.tensor([length // 2 for length in size]).float()
        reach = torch.tensor(size).float() * augment.shift
        centres = middle + uniform((len(images), len(size)), -1, 1, generator) * reach
        matrices = random_affine(len(images), augment, (1.0,) * len(size), generator)
        positions = patch_positions(centres, matrices, size, augment.elastic_vox, generator)
        return take(images, positions, outside="border")


def _places_by_class(labels: Tensor) -> list[Tensor]:
    places = []
    for value in labels.unique().tolist():
        found = (labels == value).nonzero()
        if value > 0:
            places.append(found[:: max(len(found) // _MAX_REMEMBERED_VOX, 1)])
    return places
