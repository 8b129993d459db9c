"""Learn a class for every voxel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Generator, Tensor, nn

from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.errors import OptionError, unknown_choice
from napari_medclf.domain.events import Job
from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.augment.sampler import PatchSampler
from napari_medclf.engine.train.batch import Batch
from napari_medclf.engine.train.cases import TrainCase
from napari_medclf.engine.train.losses.segment import deep_loss, segmentation_loss
from napari_medclf.engine.train.losses.targets import balanced_weights, label_counts
from napari_medclf.engine.train.objectives.base import SCORE, device_of, float_answers
from napari_medclf.engine.train.validate import score_segmenter

_KINDS = ("auto", "ce", "focal")


class Segment:
    """Exclusive classes of voxels, channel 0 being background.

    Parameters
    ----------
    train, val : sequence of TrainCase
        Their target is the index of the network's output channel, for every voxel.
    names : sequence of str
        Of the channels after background.

    Raises
    ------
    OptionError
        If the recipe's loss is none for exclusive classes.
    """

    def __init__(
        self, recipe: Recipe, train: Sequence[TrainCase], val: Sequence[TrainCase], names: Sequence[str]
    ) -> None:
        if recipe.loss.kind not in _KINDS:
            raise OptionError(unknown_choice("loss for label images", recipe.loss.kind, _KINDS))
        self._recipe = recipe
        self._val = val
        self._names = names
        self._class_weight = _weights(train, len(names) + 1) if recipe.loss.class_weight == "balanced" else None
        self._sampler = PatchSampler(train, recipe)

    def n_batches(self) -> int:
        """Batches an epoch."""
        return self._sampler.n_batches()

    def batches(self, generator: Generator) -> Iterator[Batch]:
        """Draw patches, changed at random."""
        return self._sampler.batches(generator)

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Cross-entropy of voxels, overlap of regions and distance of edges, on one scale or on all."""
        assert isinstance(batch.targets, Tensor)
        assert batch.weight is not None
        answers, settings = float_answers(network, batch.images), self._recipe.loss
        if settings.is_deeply_supervised:
            return deep_loss(answers, batch.targets, batch.weight, settings, self._class_weight)
        return segmentation_loss(answers[0], batch.targets, batch.weight, settings, self._class_weight)

    def validate(self, network: nn.Module) -> Job[dict[str, float]]:
        """Loss and Dice; the mean Dice decides, and the loss between equal ones."""
        values = yield from score_segmenter(network, self._val, self._recipe, self._names, str(device_of(network)))
        values[SCORE] = values["val/dice"] - 1e-3 * values["val/loss"]
        return values

    def finish(self, network: nn.Module, card: ModelCard) -> Job[ModelCard]:
        """Leave the card as it is."""
        yield from ()
        return card


def _weights(cases: Sequence[TrainCase], n_classes: int) -> Tensor:
    maps = [torch.from_numpy(case.sample.target.astype("int64")) for case in cases]
    return balanced_weights(label_counts(maps, n_classes))
