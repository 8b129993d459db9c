"""Move a network's weights a few steps towards what a person said."""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.adapt.course import Course, recipe_of
from napari_medclf.engine.adapt.lessons import Lessons, Teacher
from napari_medclf.engine.adapt.pace import fitted_to_time
from napari_medclf.engine.adapt.parts import count_numbers, learning
from napari_medclf.engine.adapt.settings import AdaptSettings, Way
from napari_medclf.engine.train.heap import kept_heap
from napari_medclf.engine.train.trainer import repeatable

Net = nn.Module
"""A network that can learn, for those who do not know torch."""


@dataclass(frozen=True, eq=False)
class Adapted:
    """What an adaptation made.

    Parameters
    ----------
    state_dict : dict of Tensor
        All weights, on the CPU, named as before.
    n_moved : int
        Numbers that were free to move.
    way : Way or None
        What moved, and how fast; None where the weights were solved for.
    losses : tuple of float
        Of every step.
    elapsed_s : float
        Seconds it took, without reading the cases.
    """

    state_dict: dict[str, Tensor]
    n_moved: int
    way: Way | None
    losses: tuple[float, ...]
    elapsed_s: float

    @property
    def n_steps(self) -> int:
        """How many steps were done."""
        return len(self.losses)


def adapt_network(
    network: nn.Module, card: ModelCard, recipe: Recipe, lessons: Lessons, settings: AdaptSettings
) -> Job[Adapted]:
    """Let a copy of a network learn from lessons; the same values give the same weights on one computer.

    Parameters
    ----------
    network : nn.Module
        In use; it is left as it is.
    recipe : Recipe
        How its kind is trained: loss, augmentation and patch are taken over.

    Yields
    ------
    Progress at least twice a second; closing the generator there is safe.

    Raises
    ------
    DatasetError
        If there is nothing to learn from, or the loss is no longer a number.
    CardError
        If the network has no weights.
    """
    started = time.perf_counter()
    cases = lessons.drawn(settings.seed)
    yield Progress(0, settings.n_steps, "drawing patches around the corrections")
    pupil = copy.deepcopy(network).to(settings.device)
    with torch.random.fork_rng(devices=[]), kept_heap(), repeatable():
        settings = yield from fitted_to_time(pupil, card, recipe, cases, settings)
        teacher = Teacher(card, recipe_of(recipe, card, settings), cases)
        torch.manual_seed(settings.seed)  # adapters begin at random, dropout draws
        with learning(pupil, settings.part) as parameters:
            n_moved = count_numbers(parameters)
            losses = yield from Course(pupil, teacher, parameters, settings).run()
    learned = pupil.state_dict()
    state = {name: learned[name].detach().cpu().contiguous().clone() for name in network.state_dict()}
    way = Way(settings.part, settings.lr)
    return Adapted(state, n_moved, way, losses, time.perf_counter() - started)
