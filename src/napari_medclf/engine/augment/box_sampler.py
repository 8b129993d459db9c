"""Batches to learn boxes from: windows of images, with the boxes that lie in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Generator, Tensor

from napari_medclf.domain.recipe import AugmentSettings, Recipe
from napari_medclf.engine.augment.draw import uniform
from napari_medclf.engine.augment.intensity import change_intensity
from napari_medclf.engine.augment.sampler import shuffled_rounds
from napari_medclf.engine.augment.warp import random_affine, sampling_grid, take
from napari_medclf.engine.train.batch import Batch
from napari_medclf.engine.train.cases import TrainCase

_KEPT_PART = 0.4
"""A box of which less lies in the window is not learned: nobody could tell what it is."""
_STILL = AugmentSettings()


class BoxSampler:
    """Draw windows of images with boxes.

    Every case comes equally often. A part of the windows (`Recipe.foreground`) is centred near a box, each class as
    often as the others. Targets are one mapping an image: ``boxes`` (n, 2 * dims), the lowest and the highest corner as
    positions in the window, and ``classes`` (n,) int64.

    Parameters
    ----------
    cases : sequence of TrainCase
        With targets as `domain.results.Sample` has them for detection.
    """

    def __init__(self, cases: Sequence[TrainCase], recipe: Recipe) -> None:
        self._recipe = recipe
        self._images = [torch.from_numpy(np.ascontiguousarray(case.sample.image)) for case in cases]
        rows = [torch.from_numpy(np.asarray(case.sample.target, dtype=np.float32)) for case in cases]
        self._boxes = [one[:, :-1] for one in rows]
        self._classes = [one[:, -1].long() for one in rows]
        self._spacing = recipe.input.spacing_mm or (1.0,) * recipe.input.spatial_dims

    def n_batches(self) -> int:
        """Steps an epoch."""
        return -(-(self._recipe.samples_per_epoch or len(self._images)) // self._recipe.batch)

    def batches(self, generator: Generator) -> Iterator[Batch]:
        """Draw one epoch; the same generator state gives the same epoch."""
        n_samples = self.n_batches() * self._recipe.batch
        for chosen in shuffled_rounds(len(self._images), n_samples, generator).split(self._recipe.batch):
            centres = torch.stack([self._centre(index, generator) for index in chosen.tolist()])
            batch = self._windows(chosen.tolist(), centres, self._recipe.augment, generator)
            yield Batch(change_intensity(batch.images, self._recipe.augment, generator), batch.targets)

    def fixed(self, generator: Generator) -> Iterator[Batch]:
        """Draw one window of every case as it is, to validate on: the same ones for the same generator state."""
        for chosen in torch.arange(len(self._images)).split(self._recipe.batch):
            centres = torch.stack([self._centre(index, generator) for index in chosen.tolist()])
            yield self._windows(chosen.tolist(), centres, _STILL, generator)

    def _windows(self, chosen: list[int], centres: Tensor, settings: AugmentSettings, generator: Generator) -> Batch:
        patch = self._recipe.input.patch_vox
        matrices = random_affine(len(chosen), settings, self._spacing, generator)
        images, targets = [], []
        for index, centre, matrix in zip(chosen, centres, matrices, strict=True):
            image = self._images[index]
            grid = sampling_grid(centre[None], matrix[None], patch, image.shape[1:])
            images.append(take(image[None], grid)[0])
            boxes, is_kept = move_boxes(self._boxes[index], centre, matrix, patch)
            targets.append({"boxes": boxes[is_kept], "classes": self._classes[index][is_kept]})
        return Batch(torch.stack(images), targets)

    def _centre(self, index: int, generator: Generator) -> Tensor:
        """Choose the middle of a window; where the image is smaller than it, the image begins with the window."""
        patch = torch.tensor(self._recipe.input.patch_vox)
        shape = torch.tensor(self._images[index].shape[1:])
        low = (patch // 2).float()
        high = torch.maximum(shape - (patch - patch // 2), patch // 2).float()
        classes = self._classes[index]
        if len(classes) and float(torch.rand((), generator=generator)) < self._recipe.foreground:
            present = classes.unique()
            one = present[int(torch.randint(len(present), (), generator=generator))]
            rows = (classes == one).nonzero()[:, 0]
            box = self._boxes[index][rows[int(torch.randint(len(rows), (), generator=generator))]]
            jitter = uniform((len(shape),), -0.25, 0.25, generator) * patch
            return (box.view(2, -1).mean(0) + jitter).round().clamp(low, high)
        return (low + uniform((len(shape),), 0, 1, generator) * (high - low)).round()


def move_boxes(boxes: Tensor, centre: Tensor, matrix: Tensor, patch: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Bring boxes of an image into a window that was moved as `random_affine` says.

    Parameters
    ----------
    boxes : (n, 2 * dims)
        Lowest and highest corners in the image.
    centre : (dims,)
        Image position of the window's voxel at index ``size // 2``.
    matrix : (dims, dims)
        Maps offsets in the window to offsets in the image.

    Returns
    -------
    boxes : (n, 2 * dims)
        In the window, cut off at its edges; around a turned box, the smallest one.
    is_kept : (n,) bool
        Of which boxes enough is in the window.
    """
    back = torch.linalg.inv(matrix)
    low, high = boxes.split(len(patch), dim=1)
    size = torch.tensor(patch, dtype=boxes.dtype)
    middle = ((low + high) / 2 - centre) @ back.mT + size.div(2, rounding_mode="floor")
    half = (high - low) / 2 @ back.abs().mT
    whole = torch.cat([middle - half, middle + half], 1)
    ends = (size - 0.5).repeat(2)
    cut = whole.clamp(min=-0.5).minimum(ends)
    is_kept = _volumes(cut) >= _KEPT_PART * _volumes(whole)
    return cut, is_kept & (_volumes(cut) > 0)


def _volumes(boxes: Tensor) -> Tensor:
    low, high = boxes.chunk(2, dim=1)
    return (high - low).clamp_min(0).prod(1)
