"""Cases that a person corrected or accepted, and the batches that a network learns from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Generator, Tensor, nn

from napari_medclf.domain.card import ModelCard, Task
from napari_medclf.domain.errors import DatasetError
from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.augment.sampler import PatchSampler, places_by_class
from napari_medclf.engine.augment.targets import interior_and_border
from napari_medclf.engine.train.batch import Batch
from napari_medclf.engine.train.cases import TrainCase
from napari_medclf.engine.train.objectives.base import Objective
from napari_medclf.engine.train.objectives.choose import choose_objective
from napari_medclf.engine.train.objectives.segment import Segment

_REPLAY = 1
"""Replayed cases a fresh one, so that what was learned before is not forgotten."""
_FEWEST_REPLAYED = 8


@dataclass(frozen=True)
class Lessons:
    """What there is to learn from.

    Parameters
    ----------
    fresh : tuple of TrainCase
        What the network has not learned from yet; `Sample.weight` is above 1 where a person painted.
    replayed : tuple of TrainCase
        What it has learned from before, or what a person only accepted.
    """

    fresh: tuple[TrainCase, ...]
    replayed: tuple[TrainCase, ...] = ()

    def drawn(self, seed: int) -> tuple[TrainCase, ...]:
        """Take all fresh cases and about as many of the others, chosen by the seed."""
        n_replayed = min(len(self.replayed), max(_REPLAY * len(self.fresh), _FEWEST_REPLAYED))
        chosen = np.random.default_rng(seed).permutation(len(self.replayed))[:n_replayed]
        return (*self.fresh, *(self.replayed[index] for index in sorted(chosen)))


class Teacher:
    """Draws batches of lessons and says how wrong a network is, by the objective of the task.

    Parameters
    ----------
    recipe : Recipe
        With `samples_per_epoch` and `batch` for the whole adaptation: it is one epoch.

    Raises
    ------
    DatasetError
        If there is nothing to learn from.
    """

    def __init__(self, card: ModelCard, recipe: Recipe, cases: Sequence[TrainCase]) -> None:
        if not cases:
            raise DatasetError("There are no corrected or accepted cases to learn from.")
        self.spatial_dims, self.precision = recipe.input.spatial_dims, recipe.precision
        if card.task is Task.INSTANCES:
            cases = [_with_border(case) for case in cases]
            self._objective: Objective = Segment(recipe, cases, cases, ("interior", "border"))
        else:
            self._objective = choose_objective(card, recipe, cases, cases)
        is_of_voxels = card.task in (Task.SEGMENT, Task.INSTANCES)
        self._sampler = PatchSampler(cases, recipe, [_places(case) for case in cases]) if is_of_voxels else None

    def n_batches(self) -> int:
        """How many steps there are."""
        return self._objective.n_batches()

    def batches(self, generator: Generator) -> Iterator[Batch]:
        """Draw all batches: patches around what was corrected and elsewhere, or whole images."""
        return (self._sampler or self._objective).batches(generator)

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Run the network and say how wrong it is: a scalar."""
        return self._objective.loss(network, batch)


def _with_border(case: TrainCase) -> TrainCase:
    return replace(case, sample=replace(case.sample, target=interior_and_border(case.sample.target)))


def _places(case: TrainCase) -> list[Tensor]:
    """List voxels to centre patches on: those of each class, and as often as one of these what a person painted."""
    by_class = places_by_class(torch.from_numpy(np.ascontiguousarray(case.sample.target, np.uint8)))
    weight = case.sample.weight
    if weight is None:
        return by_class
    painted = torch.from_numpy(np.argwhere(np.asarray(weight) > 1))
    return [*by_class, painted] if len(painted) else by_class
