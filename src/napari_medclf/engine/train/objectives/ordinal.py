"""Learn a class among classes in an order, such as grades of a disease."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, one_hot

from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.events import Job
from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.augment.sampler import ImageSampler, balanced_chances
from napari_medclf.engine.metrics.ordinal import score_order
from napari_medclf.engine.ordinal import classes_of_steps, median_class
from napari_medclf.engine.train.batch import Batch
from napari_medclf.engine.train.calibration import search_temperature
from napari_medclf.engine.train.cases import TrainCase
from napari_medclf.engine.train.objectives.base import SCORE, device_of, float_answers
from napari_medclf.engine.train.validate import class_logits, unmirrored


class Ordinal:
    """Steps between neighbouring classes: channel n learns whether a case lies above class n (Cheng 2008).

    Parameters
    ----------
    train, val : sequence of TrainCase
        Their target is the class's position in the schema, whose order is that of the grades.
    """

    def __init__(self, recipe: Recipe, train: Sequence[TrainCase], val: Sequence[TrainCase], n_classes: int) -> None:
        self._recipe, self._val, self._n_classes = recipe, val, n_classes
        classes = torch.tensor([int(case.sample.target) for case in train])
        chances = balanced_chances(one_hot(classes, n_classes).float(), recipe.balance)
        smoothing = recipe.loss.label_smoothing
        targets = steps_of(classes, n_classes) * (1 - smoothing) + smoothing / 2
        self._sampler = ImageSampler(train, recipe, targets, chances)

    def n_batches(self) -> int:
        """Batches an epoch."""
        return self._sampler.n_batches()

    def batches(self, generator: Generator) -> Iterator[Batch]:
        """Draw whole images, changed at random."""
        return self._sampler.batches(generator)

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Cross-entropy of every step."""
        assert isinstance(batch.targets, Tensor)
        return binary_cross_entropy_with_logits(float_answers(network, batch.images)[0], batch.targets)

    def validate(self, network: nn.Module) -> Job[dict[str, float]]:
        """Loss, accuracy, distance in grades and quadratic kappa; the kappa decides, then the loss."""
        logits, classes = yield from class_logits(network, self._val, unmirrored(self._recipe), str(device_of(network)))
        loss = self._loss_at(logits, classes, 1.0)
        probabilities = classes_of_steps(logits.sigmoid().double().numpy().T).T
        decided = torch.tensor([median_class(one) for one in probabilities])
        scores = score_order(classes.numpy(), decided.numpy(), self._n_classes)
        values = {f"val/{name}": value for name, value in scores.items() if value == value}
        values |= {"val/loss": loss, "val/accuracy": float((decided == classes).float().mean())}
        values[SCORE] = values.get("val/kappa_quadratic", values["val/accuracy"]) - 1e-3 * loss
        return values

    def finish(self, network: nn.Module, card: ModelCard) -> Job[ModelCard]:
        """Calibrate the probabilities of the steps with one temperature."""
        logits, classes = yield from class_logits(network, self._val, self._recipe, str(device_of(network)))
        temperature = search_temperature(lambda inverse: self._loss_at(logits, classes, inverse))
        output = card.output.model_copy(update={"temperature": temperature})
        return card.model_copy(update={"output": output, "is_calibrated": True})

    def _loss_at(self, logits: Tensor, classes: Tensor, inverse: float) -> float:
        steps = steps_of(classes, self._n_classes).double()
        return float(binary_cross_entropy_with_logits(logits.double() * inverse, steps))


def steps_of(classes: Tensor, n_classes: int) -> Tensor:
    """Say of positions (N,) which classes they lie above: (N, n_classes - 1) float32 of 0 and 1.

    >>> steps_of(torch.tensor([0, 2]), 3).tolist()
    [[0.0, 0.0], [1.0, 1.0]]
    """
    return (classes[:, None] > torch.arange(n_classes - 1)).float()
