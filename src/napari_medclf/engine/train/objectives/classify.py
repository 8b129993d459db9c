"""Learn the class of an image, or several classes that exclude nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Generator, Tensor, nn

from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.errors import OptionError, unknown_choice
from napari_medclf.domain.events import Job
from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.augment.sampler import ImageSampler, balanced_chances
from napari_medclf.engine.train.batch import Batch
from napari_medclf.engine.train.calibration import fit_temperature
from napari_medclf.engine.train.cases import TrainCase
from napari_medclf.engine.train.losses.classes import class_loss
from napari_medclf.engine.train.losses.targets import balanced_weights, soft_targets
from napari_medclf.engine.train.objectives.base import SCORE, device_of, float_answers
from napari_medclf.engine.train.validate import class_logits, score_classifier, unmirrored

_KINDS = ("auto", "ce", "focal")


class Classify:
    """One class a case.

    Parameters
    ----------
    train, val : sequence of TrainCase
        Their target is the class's position in the schema.

    Raises
    ------
    OptionError
        If the recipe's loss is none for exclusive classes.
    """

    def __init__(self, recipe: Recipe, train: Sequence[TrainCase], val: Sequence[TrainCase], n_classes: int) -> None:
        if recipe.loss.kind not in _KINDS:
            raise OptionError(unknown_choice("loss for one class a case", recipe.loss.kind, _KINDS))
        self._recipe = recipe
        self._val = val
        classes = torch.from_numpy(np.array([int(case.sample.target) for case in train]))
        truth = soft_targets(classes, n_classes, 0)
        targets = soft_targets(classes, n_classes, recipe.loss.label_smoothing)
        self._class_weight = balanced_weights(truth.sum(0)) if recipe.loss.class_weight == "balanced" else None
        self._sampler = ImageSampler(train, recipe, targets, balanced_chances(truth, recipe.balance))

    def n_batches(self) -> int:
        """Batches an epoch."""
        return self._sampler.n_batches()

    def batches(self, generator: Generator) -> Iterator[Batch]:
        """Draw whole images, changed at random."""
        return self._sampler.batches(generator)

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Cross-entropy."""
        assert isinstance(batch.targets, Tensor)
        answer = float_answers(network, batch.images)[0]
        return class_loss(answer, batch.targets, self._recipe.loss, class_weight=self._class_weight)

    def validate(self, network: nn.Module) -> Job[dict[str, float]]:
        """Loss, accuracy and AUC; the AUC decides, and the loss between equal ones."""
        logits, classes = yield from class_logits(network, self._val, unmirrored(self._recipe), str(device_of(network)))
        values = score_classifier(logits, classes)
        # The AUC of a small validation set is often exactly 1.
        values[SCORE] = values.get("val/auc", values["val/accuracy"]) - 1e-3 * values["val/loss"]
        return values

    def finish(self, network: nn.Module, card: ModelCard) -> Job[ModelCard]:
        """Calibrate the probabilities."""
        logits, classes = yield from class_logits(network, self._val, self._recipe, str(device_of(network)))
        output = card.output.model_copy(update={"temperature": fit_temperature(logits, classes)})
        return card.model_copy(update={"output": output, "is_calibrated": True})
