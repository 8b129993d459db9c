"""Learn how bright hidden parts of an image are, voxel by voxel: masked modelling (Bao 2022; He 2022)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import cross_entropy, interpolate

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.recipe import AugmentSettings, Recipe
from napari_medclf.engine.augment.sampler import PatchSampler
from napari_medclf.engine.train.batch import Batch
from napari_medclf.engine.train.cases import TrainCase
from napari_medclf.engine.train.objectives.base import SCORE, device_of, float_answers

LEVELS = ("darkest", "dark", "bright", "brightest")
"""Classes of brightness, each a quarter of all samples; the first is the network's channel 0."""
_HIDDEN_PART = 0.5
_BLOCKS = 8
"""Along each side of a patch; a hidden block is larger than the texture that would betray it."""
_SMALLEST_BLOCK_VOX = 4
_WEIGHT_OF_SEEN = 0.1
_MOST_SAMPLES = 1_000_000


class Masked:
    """Hide blocks of patches; the network says for every voxel in which quarter of brightness it lies.

    Parameters
    ----------
    train, val : sequence of TrainCase
        From `with_levels`.
    """

    def __init__(self, recipe: Recipe, train: Sequence[TrainCase], val: Sequence[TrainCase]) -> None:
        self._sampler = PatchSampler(train, recipe)
        plain = {"augment": AugmentSettings(), "samples_per_epoch": 2 * len(val)}
        self._val = PatchSampler(val, recipe.model_copy(update=plain))

    def n_batches(self) -> int:
        """Batches an epoch."""
        return self._sampler.n_batches()

    def batches(self, generator: Generator) -> Iterator[Batch]:
        """Draw patches and hide half of each."""
        for batch in self._sampler.batches(generator):
            yield hide(batch, generator)

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Cross-entropy of the brightness, that of hidden voxels ten times as much."""
        return _loss(float_answers(network, batch.images)[0], batch)

    def validate(self, network: nn.Module) -> Job[dict[str, float]]:
        """Loss, and the part of hidden voxels whose brightness is told rightly."""
        generator = torch.Generator().manual_seed(0)  # the same blocks in every epoch
        losses, right = [], []
        for number, drawn in enumerate(self._val.batches(generator)):
            yield Progress(number, self._val.n_batches(), "Validating")
            batch = hide(drawn, generator).to(device_of(network))
            with torch.no_grad():
                answers = float_answers(network, batch.images)[0]
            losses.append(float(_loss(answers, batch)))
            assert isinstance(batch.targets, Tensor)
            assert batch.weight is not None
            is_hidden = batch.weight == 1
            right.append(float((answers.argmax(1) == batch.targets)[is_hidden].float().mean()))
        loss = float(np.mean(losses))
        return {"val/loss": loss, "val/hidden_accuracy": float(np.nanmean(right)), SCORE: -loss}

    def finish(self, network: nn.Module, card: ModelCard) -> Job[ModelCard]:
        """Leave the card as it is."""
        yield from ()
        return card


def with_levels(cases: Sequence[TrainCase], edges: FloatArray) -> list[TrainCase]:
    """Take the quarter of brightness of every voxel as what is to be told.

    Parameters
    ----------
    edges : (3,) float32
        From `level_edges`.
    """
    return [
        replace(case, sample=replace(case.sample, target=np.digitize(case.sample.image.mean(0), edges)))
        for case in cases
    ]


def level_edges(cases: Sequence[TrainCase]) -> FloatArray:
    """Brightness (3,) between the quarters of all samples; evenly spaced where most samples are alike."""
    each = max(_MOST_SAMPLES // len(cases), 1)
    thinned = [case.sample.image.mean(0).ravel() for case in cases]
    samples = np.concatenate([one[:: max(one.size // each, 1)] for one in thinned])
    edges = np.quantile(samples, (0.25, 0.5, 0.75))
    if np.min(np.diff(edges)) < 1e-6:
        low, high = np.quantile(samples, (0.01, 0.99))
        edges = np.linspace(low, max(high, low + 1e-3), 5)[1:-1]
    return edges.astype(np.float32)


def hide(batch: Batch, generator: Generator) -> Batch:
    """Give blocks the mean of their image; the weight is 1 where a voxel is hidden, and less where it is seen."""
    size = batch.images.shape[2:]
    blocks = [max(min(_BLOCKS, length // _SMALLEST_BLOCK_VOX), 1) for length in size]
    drawn = torch.rand(len(batch.images), 1, *blocks, generator=generator) < _HIDDEN_PART
    is_hidden = interpolate(drawn.float(), size=list(size), mode="nearest") > 0
    middle = batch.images.mean(dim=tuple(range(2, batch.images.dim())), keepdim=True)
    weight = torch.where(is_hidden[:, 0], 1.0, _WEIGHT_OF_SEEN)
    return replace(batch, images=torch.where(is_hidden, middle, batch.images), weight=weight)


def _loss(answers: Tensor, batch: Batch) -> Tensor:
    assert isinstance(batch.targets, Tensor)
    assert batch.weight is not None
    each = cross_entropy(answers, batch.targets, reduction="none")
    return (each * batch.weight).sum() / batch.weight.sum()
