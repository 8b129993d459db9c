"""Learn which classes an image shows, where it may show several or none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.errors import OptionError, unknown_choice
from napari_medclf.domain.events import Job
from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.augment.sampler import ImageSampler, balanced_chances
from napari_medclf.engine.train.batch import Batch
from napari_medclf.engine.train.calibration import search_temperature
from napari_medclf.engine.train.cases import TrainCase
from napari_medclf.engine.train.losses.classes import class_loss
from napari_medclf.engine.train.losses.targets import balanced_positive_weights
from napari_medclf.engine.train.objectives.base import SCORE, device_of, float_answers
from napari_medclf.engine.train.thresholds import choose_thresholds
from napari_medclf.engine.train.validate import score_labels, whole_answers

_KINDS = ("auto", "bce", "focal")


class MultiLabel:
    """A yes or no for each class.

    Parameters
    ----------
    train, val : sequence of TrainCase
        Their target is (n_classes,) of 0 and 1, in the schema's order.

    Raises
    ------
    OptionError
        If the recipe's loss is none for classes that exclude nothing.
    """

    def __init__(self, recipe: Recipe, train: Sequence[TrainCase], val: Sequence[TrainCase]) -> None:
        if recipe.loss.kind not in _KINDS:
            raise OptionError(unknown_choice("loss for several classes a case", recipe.loss.kind, _KINDS))
        self._recipe = recipe
        self._val = val
        self._truth = _vectors(val)
        present = _vectors(train)
        smoothing = recipe.loss.label_smoothing
        targets = present * (1 - smoothing) + smoothing / 2
        is_balanced = recipe.loss.class_weight == "balanced"
        self._class_weight = balanced_positive_weights(present) if is_balanced else None
        self._sampler = ImageSampler(train, recipe, targets, balanced_chances(present, recipe.balance))

    def n_batches(self) -> int:
        """Batches an epoch."""
        return self._sampler.n_batches()

    def batches(self, generator: Generator) -> Iterator[Batch]:
        """Draw whole images, changed at random."""
        return self._sampler.batches(generator)

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Cross-entropy of each class."""
        assert isinstance(batch.targets, Tensor)
        answer, settings = float_answers(network, batch.images)[0], self._recipe.loss
        return class_loss(answer, batch.targets, settings, is_exclusive=False, class_weight=self._class_weight)

    def validate(self, network: nn.Module) -> Job[dict[str, float]]:
        """Loss, accuracy and the mean AUC of the classes; that decides, and the loss between equal ones."""
        values = score_labels((yield from self._answers(network)), self._truth)
        values[SCORE] = values.get("val/auc", values["val/accuracy"]) - 1e-3 * values["val/loss"]
        return values

    def finish(self, network: nn.Module, card: ModelCard) -> Job[ModelCard]:
        """Calibrate the probabilities, and choose from which one on a class is said to be there."""
        logits = (yield from self._answers(network)).double()
        truth = self._truth.double()
        temperature = search_temperature(
            lambda inverse: float(binary_cross_entropy_with_logits(logits * inverse, truth))
        )
        probabilities = (logits / temperature).sigmoid().numpy()
        thresholds = choose_thresholds(truth.numpy() > 0.5, probabilities, card.schema_.names)
        output = card.output.model_copy(update={"temperature": temperature, "thresholds": thresholds})
        return card.model_copy(update={"output": output, "is_calibrated": True})

    def _answers(self, network: nn.Module) -> Job[Tensor]:
        return (yield from whole_answers(network, self._val, self._recipe, str(device_of(network))))


def _vectors(cases: Sequence[TrainCase]) -> Tensor:
    return torch.from_numpy(np.stack([case.sample.target for case in cases]).astype(np.float32))
