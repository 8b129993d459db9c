"""Learn a class for every voxel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import Generator, Tensor, nn

from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.events import Job
from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.augment.sampler import PatchSampler
from napari_medclf.engine.train.batch import Batch
from napari_medclf.engine.train.cases import TrainCase
from napari_medclf.engine.train.losses import segmentation_loss
from napari_medclf.engine.train.objectives.base import SCORE, device_of, float_answers
from napari_medclf.engine.train.validate import score_segmenter


class Segment:
    """Exclusive classes of voxels, channel 0 being background.

    Parameters
    ----------
    train, val : sequence of TrainCase
        Their target is the index of the network's output channel, for every voxel.
    names : sequence of str
        Of the channels after background.
    """

    def __init__(
        self, recipe: Recipe, train: Sequence[TrainCase], val: Sequence[TrainCase], names: Sequence[str]
    ) -> None:
        self._recipe = recipe
        self._val = val
        self._names = names
        self._sampler = PatchSampler(train, recipe)

    def n_batches(self) -> int:
        """Batches an epoch."""
        return self._sampler.n_batches()

    def batches(self, generator: Generator) -> Iterator[Batch]:
        """Draw patches, changed at random."""
        return self._sampler.batches(generator)

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Cross-entropy of voxels and overlap of regions."""
        assert isinstance(batch.targets, Tensor)
        assert batch.weight is not None
        settings = self._recipe.loss
        return segmentation_loss(
            float_answers(network, batch.images)[0],
            batch.targets,
            batch.weight,
            dice_weight=settings.region_weight,
            smoothing=settings.label_smoothing,
        )

    def validate(self, network: nn.Module) -> Job[dict[str, float]]:
        """Loss and Dice; the mean Dice decides, and the loss between equal ones."""
        values = yield from score_segmenter(network, self._val, self._recipe, self._names, str(device_of(network)))
        values[SCORE] = values["val/dice"] - 1e-3 * values["val/loss"]
        return values

    def finish(self, network: nn.Module, card: ModelCard) -> Job[ModelCard]:
        """Leave the card as it is."""
        yield from ()
        return card
