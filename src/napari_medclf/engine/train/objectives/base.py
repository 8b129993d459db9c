"""What the trainer asks of a task: batches, a loss, a validation, and what a card gains at the end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import torch
from torch import Generator, Tensor, nn

from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.events import Job
from napari_medclf.engine.train.batch import Batch

SCORE = "score"
"""Name of the validation's number that decides which epoch is the best: the higher, the better."""


class Objective(Protocol):
    """Something to learn, with the cases it is learned from.

    The trainer knows no task: it draws batches, lowers the loss, and keeps the epoch with the best score.
    """

    def n_batches(self) -> int:
        """Batches an epoch."""
        ...

    def batches(self, generator: Generator) -> Iterator[Batch]:
        """Draw the batches of one epoch, on the CPU; the same generator state gives the same epoch.

        Notes
        -----
        Called on a thread of its own, ahead of the network.
        """
        ...

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Run the network in training mode and say how wrong it is: a scalar, float32.

        Notes
        -----
        The batch is on the network's device, and the call may run in autocast: `float_answers` brings the network's
        answers back to float32. Use nothing of the network but its call, so that processes can share a batch.
        """
        ...

    def validate(self, network: nn.Module) -> Job[dict[str, float]]:
        """Measure a network in use on the validation cases.

        Returns
        -------
        dict
            Numbers named ``val/...``, among them ``val/loss``, and `SCORE`.
        """
        ...

    def finish(self, network: nn.Module, card: ModelCard) -> Job[ModelCard]:
        """Put into the card what only the trained network can tell: a temperature, thresholds."""
        ...


def float_answers(network: nn.Module, images: Tensor) -> list[Tensor]:
    """Run a network and return its answers in float32, the finest scale first.

    Notes
    -----
    Networks with deep supervision answer in training with a list, or as MONAI's DynUNet with one tensor
    (N, scales, C, *spatial).
    """
    answers = network(images)
    if isinstance(answers, (tuple, list)):
        return [one.float() for one in answers if isinstance(one, Tensor)]  # ViT's second answer is a list
    if answers.dim() == images.dim() + 1:
        return [one.float() for one in answers.unbind(1)]
    return [answers.float()]


def device_of(network: nn.Module) -> torch.device:
    """Where a network's weights are; the CPU for one without any."""
    weight = next(network.parameters(), None)
    return torch.device("cpu") if weight is None else weight.device
