"""Batches to learn from: patches of labelled images, or whole images with a class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Generator, Tensor

from napari_medclf.domain.recipe import AugmentSettings, Recipe
from napari_medclf.domain.results import Sample
from napari_medclf.engine.augment.draw import uniform
from napari_medclf.engine.augment.intensity import change_intensity
from napari_medclf.engine.augment.mix import mix_images, paste_objects
from napari_medclf.engine.augment.patch import LabelledImage, take_patch
from napari_medclf.engine.augment.warp import random_affine, random_bend, sampling_grid, take
from napari_medclf.engine.train.batch import Batch
from napari_medclf.engine.train.cases import TrainCase

_MAX_REMEMBERED_VOX = 20_000


class PatchSampler:
    """Draw patches from labelled images.

    Every case comes equally often. A part of the patches is centred on a foreground voxel, each
    class as often as the others, so that small structures are seen.

    Parameters
    ----------
    places : sequence of lists of (n, d) int64 or None
        For each case the kinds of voxels to centre patches on, each kind as often as the others; None takes the
        foreground by class.
    """

    def __init__(
        self, cases: Sequence[TrainCase], recipe: Recipe, places: Sequence[list[Tensor]] | None = None
    ) -> None:
        self._recipe = recipe
        self._sources = [_labelled(case.sample) for case in cases]
        self._foreground = places or [places_by_class(source.labels) for source in self._sources]
        self._spacing = recipe.input.spacing_mm or (1.0,) * recipe.input.spatial_dims

    def n_batches(self) -> int:
        """Steps an epoch."""
        return -(-(self._recipe.samples_per_epoch or len(self._sources)) // self._recipe.batch)

    def batches(self, generator: Generator) -> Iterator[Batch]:
        """Draw one epoch; the same generator state gives the same epoch."""
        augment = self._recipe.augment
        n_samples = self.n_batches() * self._recipe.batch
        for chosen in shuffled_rounds(len(self._sources), n_samples, generator).split(self._recipe.batch):
            images, labels, weight = self._draw(chosen.tolist(), generator)
            images = change_intensity(images, augment, generator)
            if augment.copy_paste_probability > 0:
                images, labels, weight = paste_objects(
                    images, labels, weight, augment.copy_paste_probability, generator
                )
            yield Batch(images, labels.long(), weight)

    def _draw(self, chosen: list[int], generator: Generator) -> tuple[Tensor, Tensor, Tensor]:
        augment, patch = self._recipe.augment, self._recipe.input.patch_vox
        centres = [self._centre(index, generator) for index in chosen]
        matrices = random_affine(len(chosen), augment, self._spacing, generator)
        bend = random_bend(len(chosen), patch, augment.elastic_vox, generator)
        taken = [
            take_patch(self._sources[index], centre, matrices[n], patch, None if bend is None else bend[n])
            for n, (index, centre) in enumerate(zip(chosen, centres, strict=True))
        ]
        images, labels, weights = (torch.stack(parts) for parts in zip(*taken, strict=True))
        return images, labels, weights

    def _centre(self, index: int, generator: Generator) -> Tensor:
        shape, patch = self._sources[index].labels.shape, self._recipe.input.patch_vox
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
    """Draw whole images of one size with what is right for them, from one stacked array.

    Parameters
    ----------
    targets : (n_cases, n) float32
        Probabilities of classes, or numbers.
    chances : (n_cases,) float32 or None
        How often each case is drawn beside the others, such as `balanced_chances`; None draws all alike.
    """

    def __init__(
        self, cases: Sequence[TrainCase], recipe: Recipe, targets: Tensor, chances: Tensor | None = None
    ) -> None:
        self._recipe = recipe
        self._images = torch.from_numpy(np.stack([case.sample.image for case in cases]))
        self._targets = targets
        self._chances = chances

    def n_batches(self) -> int:
        """Steps an epoch."""
        return -(-(self._recipe.samples_per_epoch or len(self._images)) // self._recipe.batch)

    def batches(self, generator: Generator) -> Iterator[Batch]:
        """Draw one epoch; the same generator state gives the same epoch."""
        for chosen in self._order(generator).split(self._recipe.batch):
            images = move_images(self._images[chosen], self._recipe.augment, generator)
            images = change_intensity(images, self._recipe.augment, generator)
            yield Batch(*mix_images(images, self._targets[chosen], self._recipe, generator))

    def _order(self, generator: Generator) -> Tensor:
        n_samples = self.n_batches() * self._recipe.batch
        if self._chances is not None:
            return torch.multinomial(self._chances, n_samples, replacement=True, generator=generator)
        return shuffled_rounds(len(self._images), n_samples, generator)


def balanced_chances(targets: Tensor, balance: float) -> Tensor | None:
    """Say how often cases are drawn, so that rare classes come more often.

    Parameters
    ----------
    targets : (N, n_classes)
        Above 0.5 where a class is present; a case with several counts as its rarest, one with none as a class of its
        own.
    balance : float
        Classes are drawn in proportion to frequency**(1 - balance).

    Returns
    -------
    (N,) float32, or None where `balance` is 0
    """
    if balance == 0:
        return None
    is_present = targets > 0.5
    is_present = torch.cat([is_present, ~is_present.any(1, keepdim=True)], 1)
    weight = is_present.sum(0).clamp_min(1).float() ** -balance
    return (is_present * weight).amax(1)


def shuffled_rounds(n: int, n_samples: int, generator: Generator) -> Tensor:
    """Number samples so that each comes once before any comes twice: (n_samples,) int64."""
    n_rounds = -(-n_samples // n)
    return torch.cat([torch.randperm(n, generator=generator) for _ in range(n_rounds)])[:n_samples]


def move_images(images: Tensor, settings: AugmentSettings, generator: Generator) -> Tensor:
    """Turn, zoom, shear, shift, bend and flip whole images (N, C, *spatial); beyond them their edges go on."""
    size = images.shape[2:]
    middle = torch.tensor([length // 2 for length in size]).float()
    reach = torch.tensor(size).float() * settings.shift
    centres = middle + uniform((len(images), len(size)), -1, 1, generator) * reach
    matrices = random_affine(len(images), settings, (1.0,) * len(size), generator)
    bend = random_bend(len(images), size, settings.elastic_vox, generator)
    return take(images, sampling_grid(centres, matrices, size, size, bend), outside="border")


def _labelled(sample: Sample) -> LabelledImage:
    weight = None if sample.weight is None else torch.from_numpy(np.ascontiguousarray(sample.weight, np.float32))
    return LabelledImage(
        torch.from_numpy(np.ascontiguousarray(sample.image)),
        torch.from_numpy(np.ascontiguousarray(sample.target, np.uint8)),
        weight,
    )


def places_by_class(labels: Tensor) -> list[Tensor]:
    """List the voxels of each class above 0 that is there, thinned out where they are many: (n, d) int64 each."""
    places = []
    for value in labels.unique().tolist():
        found = (labels == value).nonzero()
        if value > 0:
            places.append(found[:: max(len(found) // _MAX_REMEMBERED_VOX, 1)])
    return places
