"""Networks that see the same windows, as one network that answers with the mean of their probabilities."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from napari_medclf.domain.card import ModelCard, Task
from napari_medclf.domain.output_spec import OutputSpec

_PROBABILITIES = {"flows": 1, "hover": 2}
"""Kinds of instances whose further channels are no probabilities; their plain mean is taken."""


class MeanNetwork:
    """Answers with the weighted mean of members' probabilities (N, classes, *spatial).

    Parameters
    ----------
    members : sequence of (network, output)
        What each network's answer means: `OutputSpec.activation`, temperature, `n_members`.
    weights : sequence of float
        Positive; only their ratios count.
    n_probabilities : int or None
        How many leading channels are probabilities; None for all.
    """

    def __init__(
        self,
        members: Sequence[tuple[Callable[[Tensor], Tensor], OutputSpec]],
        weights: Sequence[float],
        n_probabilities: int | None = None,
    ) -> None:
        self._members = tuple(members)
        self._weights = [weight / sum(weights) for weight in weights]
        self._n_probabilities = n_probabilities

    def __call__(self, windows: Tensor) -> Tensor:
        """Run every member on (N, C, *spatial) windows."""
        total: Tensor | None = None
        for (network, output), weight in zip(self._members, self._weights, strict=True):
            answer = network(windows)
            first: Tensor = answer[0] if isinstance(answer, (tuple, list)) else answer
            mean = activated(first, output, self._n_probabilities) * weight
            total = mean if total is None else total.add_(mean)
        assert total is not None  # an ensemble has members
        return total


def activated(logits: Tensor, output: OutputSpec, n_probabilities: int | None = None) -> Tensor:
    """Turn logits (N, classes, *spatial) into probabilities; of parts that follow each other the mean is taken before.

    Channels from `n_probabilities` on stay as they are.
    """
    logits = logits.float()
    if output.n_members > 1:
        logits = logits.reshape(len(logits), output.n_members, -1, *logits.shape[2:]).mean(dim=1)
    if output.is_activated:
        return logits.clone()
    n_chosen = logits.shape[1] if n_probabilities is None else n_probabilities
    scaled = logits[:, :n_chosen] / output.temperature
    is_exclusive = output.activation == "softmax" and n_chosen > 1
    return torch.cat([scaled.softmax(dim=1) if is_exclusive else scaled.sigmoid(), logits[:, n_chosen:]], dim=1)


def count_probabilities(card: ModelCard) -> int | None:
    """How many leading channels of a card's network are probabilities; None for all."""
    return _PROBABILITIES.get(card.output.instances) if card.task is Task.INSTANCES else None


def mean_card(card: ModelCard, first: ModelCard) -> ModelCard:
    """Describe a `MeanNetwork` of members that are like `first`: it answers with probabilities."""
    output = first.output.model_copy(update={"is_activated": True, "n_members": 1, "temperature": 1.0})
    return card.model_copy(update={"input": first.input, "output": output})
