"""Learn to know an image again after it was changed: contrastive learning (SimCLR, Chen 2020)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.augment.intensity import change_intensity
from napari_medclf.engine.augment.sampler import move_images, shuffled_rounds
from napari_medclf.engine.train.batch import Batch
from napari_medclf.engine.train.cases import TrainCase
from napari_medclf.engine.train.objectives.base import SCORE, device_of, float_answers

TEMPERATURE = 0.2
"""How sharply twins are told from others; SimCLR's choice for small batches lies between 0.1 and 0.5."""


class Contrast:
    """Two changed copies of an image, twins, shall get answers that point the same way, and no others.

    Parameters
    ----------
    train, val : sequence of TrainCase
        Their targets are not looked at.
    """

    def __init__(self, recipe: Recipe, train: Sequence[TrainCase], val: Sequence[TrainCase]) -> None:
        self._recipe = recipe
        self._images = _stacked(train)
        self._val = _stacked(val)

    def n_batches(self) -> int:
        """Batches an epoch; each holds every image of it twice."""
        return -(-(self._recipe.samples_per_epoch or len(self._images)) // self._recipe.batch)

    def batches(self, generator: Generator) -> Iterator[Batch]:
        """Draw images and make twins of them."""
        n_samples = self.n_batches() * self._recipe.batch
        for chosen in shuffled_rounds(len(self._images), n_samples, generator).split(self._recipe.batch):
            yield self._twins(self._images[chosen], generator)

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Cross-entropy of finding the twin among all others of the batch."""
        return twin_loss(float_answers(network, batch.images)[0])

    def validate(self, network: nn.Module) -> Job[dict[str, float]]:
        """Loss, and how often the nearest answer is the twin's, on images that are not learned from."""
        generator = torch.Generator().manual_seed(0)  # the same twins in every epoch
        losses, found, counts = [], [], []
        for number, images in enumerate(self._val.split(self._recipe.batch)):
            yield Progress(number * len(images), len(self._val), "Validating")
            batch = self._twins(images, generator).to(device_of(network))
            with torch.no_grad():
                answers = network(batch.images).float()
            losses.append(float(twin_loss(answers)))
            found.append(float(is_twin_nearest(answers).float().mean()))
            counts.append(len(images))
        loss = float(np.average(losses, weights=counts))
        return {"val/loss": loss, "val/twin_found": float(np.average(found, weights=counts)), SCORE: -loss}

    def finish(self, network: nn.Module, card: ModelCard) -> Job[ModelCard]:
        """Leave the card as it is."""
        yield from ()
        return card

    def _twins(self, images: Tensor, generator: Generator) -> Batch:
        # Twins stand side by side, so that processes that share a batch never part them.
        doubled = images.repeat_interleave(2, 0)
        moved = move_images(doubled, self._recipe.augment, generator)
        changed = change_intensity(moved, self._recipe.augment, generator)
        return Batch(changed, torch.arange(len(images)).repeat_interleave(2))


def twin_loss(answers: Tensor) -> Tensor:
    """Normalised, temperature-scaled cross-entropy (NT-Xent) of answers (2N, K), twins side by side."""
    return cross_entropy(_likeness(answers), _twin_of(len(answers), answers.device))


def is_twin_nearest(answers: Tensor) -> Tensor:
    """Whether the answer that is most alike is the twin's: (2N,) bool."""
    return _likeness(answers).argmax(1) == _twin_of(len(answers), answers.device)


def _likeness(answers: Tensor) -> Tensor:
    directions = normalize(answers, dim=1)
    likeness = directions @ directions.T / TEMPERATURE
    return likeness.masked_fill(torch.eye(len(answers), dtype=torch.bool, device=answers.device), float("-inf"))


def _twin_of(n: int, device: torch.device) -> Tensor:
    return torch.arange(n, device=device) ^ 1


def _stacked(cases: Sequence[TrainCase]) -> Tensor:
    return torch.from_numpy(np.stack([case.sample.image for case in cases]))
