"""Learn numbers of an image."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import huber_loss, l1_loss, mse_loss

from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.errors import OptionError, unknown_choice
from napari_medclf.domain.events import Job
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.augment.sampler import ImageSampler
from napari_medclf.engine.metrics.regression import score_regression
from napari_medclf.engine.train.batch import Batch
from napari_medclf.engine.train.cases import TrainCase
from napari_medclf.engine.train.objectives.base import SCORE, device_of, float_answers
from napari_medclf.engine.train.validate import unmirrored, whole_answers

_LOSSES: dict[str, Callable[..., Tensor]] = {"auto": mse_loss, "mse": mse_loss, "mae": l1_loss, "huber": huber_loss}


class Regress:
    """Numbers, each on the scale of its own spread over the training cases, so that all weigh alike.

    Parameters
    ----------
    output : OutputSpec
        Names of the numbers, and how an answer is read: answer * sd + mean.
    train, val : sequence of TrainCase
        Their target is (n,) numbers in their units, NaN where one is not known.

    Raises
    ------
    OptionError
        If the recipe's loss is none for numbers.
    """

    def __init__(
        self, recipe: Recipe, output: OutputSpec, train: Sequence[TrainCase], val: Sequence[TrainCase]
    ) -> None:
        if recipe.loss.kind not in _LOSSES:
            raise OptionError(unknown_choice("loss for numbers", recipe.loss.kind, _LOSSES))
        self._recipe, self._val = recipe, val
        self._names = output.schema_.names
        self._mean = torch.tensor([one.mean for one in output.quantities])
        self._sd = torch.tensor([one.sd for one in output.quantities])
        self._truth = _numbers(val)
        self._sampler = ImageSampler(train, recipe, self._scaled(_numbers(train)))

    def n_batches(self) -> int:
        """Batches an epoch."""
        return self._sampler.n_batches()

    def batches(self, generator: Generator) -> Iterator[Batch]:
        """Draw whole images, changed at random."""
        return self._sampler.batches(generator)

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Error of the numbers that are known, in standard deviations: squared, absolute, or Huber's (1964)."""
        assert isinstance(batch.targets, Tensor)
        return number_loss(float_answers(network, batch.images)[0], batch.targets, self._recipe.loss.kind)

    def validate(self, network: nn.Module) -> Job[dict[str, float]]:
        """Loss, mean absolute error in units, and R2; the loss decides."""
        answers = yield from whole_answers(network, self._val, unmirrored(self._recipe), str(device_of(network)))
        loss = float(number_loss(answers, self._scaled(self._truth), self._recipe.loss.kind))
        found = (answers * self._sd + self._mean).double().numpy()
        scores = score_regression(self._truth.double().numpy(), found, self._names)
        shown = {name: value for name, value in scores.items() if name.partition("/")[0] in ("mae", "r2")}
        return {f"val/{name}": value for name, value in shown.items() if value == value} | {
            "val/loss": loss,
            SCORE: -loss,
        }

    def finish(self, network: nn.Module, card: ModelCard) -> Job[ModelCard]:
        """Leave the card as it is."""
        yield from ()
        return card

    def _scaled(self, numbers: Tensor) -> Tensor:
        return (numbers - self._mean) / self._sd


def number_loss(answers: Tensor, targets: Tensor, kind: str) -> Tensor:
    """Mean error (N, n) over what is known: targets that are NaN count for nothing.

    Parameters
    ----------
    kind : str
        As `LossSettings.kind`: ``mse`` (also ``auto``), ``mae`` or ``huber``.
    """
    is_known = ~targets.isnan()
    errors = _LOSSES[kind](answers, torch.where(is_known, targets, answers.detach()), reduction="none")
    return (errors * is_known).sum() / is_known.sum().clamp_min(1)


def _numbers(cases: Sequence[TrainCase]) -> Tensor:
    return torch.from_numpy(np.stack([case.sample.target for case in cases]).astype(np.float32))
