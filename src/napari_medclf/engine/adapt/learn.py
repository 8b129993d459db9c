"""Move a network's weights a few steps towards what a person said."""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Generator, Tensor, nn

from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.errors import DatasetError
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.recipe import Recipe
from napari_medclf.domain.recipe.optimiser_settings import ScheduleSettings
from napari_medclf.engine.adapt.lessons import Lessons, Teacher
from napari_medclf.engine.adapt.parts import count_numbers, learning
from napari_medclf.engine.adapt.settings import AdaptSettings
from napari_medclf.engine.background import Worker, wait_for
from napari_medclf.engine.train.batch import Batch
from napari_medclf.engine.train.cases import TrainCase
from napari_medclf.engine.train.heap import kept_heap
from napari_medclf.engine.train.precision import Precision
from napari_medclf.engine.train.schedule import rate_factor
from napari_medclf.engine.train.trainer import memory_layout, repeatable

Net = nn.Module
"""A network that can learn, for those who do not know torch."""
_CLIP_NORM = 1.0
_SCHEDULE = ScheduleSettings(kind="cosine", warmup=0.1, lowest=0.02)
_WHOLE_IMAGES = 16
"""Images a step where a whole image is one answer: batches of a training are made for thousands of images."""


@dataclass(frozen=True, eq=False)
class Adapted:
    """What an adaptation made.

    Parameters
    ----------
    state_dict : dict of Tensor
        All weights, on the CPU, named as before.
    n_moved : int
        Numbers that were free to move.
    losses : tuple of float
        Of every step.
    elapsed_s : float
        Seconds it took, without reading the cases.
    """

    state_dict: dict[str, Tensor]
    n_moved: int
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
        settings = yield from _within_time(pupil, card, recipe, cases, settings)
        teacher = Teacher(card, _recipe_of(recipe, card, settings), cases)
        torch.manual_seed(settings.seed)  # adapters begin at random, dropout draws
        with learning(pupil, settings.part) as parameters:
            n_moved = count_numbers(parameters)
            losses = yield from _Course(pupil, teacher, parameters, settings).run()
    learned = pupil.state_dict()
    state = {name: learned[name].detach().cpu().contiguous().clone() for name in network.state_dict()}
    return Adapted(state, n_moved, losses, time.perf_counter() - started)


def _within_time(
    network: nn.Module, card: ModelCard, recipe: Recipe, cases: Sequence[TrainCase], settings: AdaptSettings
) -> Job[AdaptSettings]:
    """Plan as many steps as the time allows, by a try of two on a copy; the first one warms up."""
    if settings.max_s is None:
        return settings
    tried = copy.deepcopy(network)
    two = replace(settings, n_steps=2)
    teacher = Teacher(card, _recipe_of(recipe, card, two), cases)
    with learning(tried, settings.part) as parameters:
        course = _Course(tried, teacher, parameters, two)
        yield from course.run()
    n_steps = int(settings.max_s / max(course.step_s, 1e-6))
    return replace(settings, n_steps=max(1, min(settings.n_steps, n_steps)))


class _Course:
    """Steps of one adaptation."""

    def __init__(
        self, network: nn.Module, teacher: Teacher, parameters: list[nn.Parameter], settings: AdaptSettings
    ) -> None:
        self._teacher, self._parameters, self._settings = teacher, parameters, settings
        self._layout = memory_layout(network, settings.device, teacher.spatial_dims)
        self._network = network.to(memory_format=self._layout)  # type: ignore[call-overload]  # not in torch's stubs
        self._precision = Precision(teacher.precision, settings.device)
        self.step_s = 0.0
        is_fused = settings.device.startswith(("cpu", "cuda"))
        self._optimiser = torch.optim.AdamW(parameters, lr=settings.lr, weight_decay=0.0, fused=is_fused)

    def run(self) -> Job[tuple[float, ...]]:
        """Take all steps."""
        settings = self._settings
        losses: list[float] = []
        self._network.train()
        generator = Generator().manual_seed(settings.seed)
        with closing(Worker()) as worker:
            for batch in self._teacher.batches(generator):
                rate = settings.lr * rate_factor(len(losses) / settings.n_steps, _SCHEDULE)
                shown = Progress(len(losses), settings.n_steps, "learning from corrections")
                yield shown
                begun = time.perf_counter()
                losses.append((yield from wait_for(worker.submit(partial(self._step, batch, rate)), shown)))
                self.step_s = time.perf_counter() - begun
        self._network.eval()
        return tuple(losses)

    def _step(self, batch: Batch, rate: float) -> float:
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        self._optimiser.zero_grad()
        with self._precision.autocast():
            loss = self._teacher.loss(self._network, batch.to(self._settings.device, self._layout))
        if not bool(loss.detach().isfinite()):
            raise DatasetError("The loss is no longer a number. Look for damaged images among the corrections.")
        self._precision.backward(loss)
        self._precision.step(self._optimiser, _CLIP_NORM)
        return float(loss.detach())


def _recipe_of(recipe: Recipe, card: ModelCard, settings: AdaptSettings) -> Recipe:
    """Make one epoch of the wanted steps; what is drawn is what the card's model takes."""
    batch = settings.batch or (_WHOLE_IMAGES if card.task.is_of_whole_image else recipe.batch)
    changes = {
        "batch": batch,
        "samples_per_epoch": batch * settings.n_steps,
        "input": card.input,
        "mixup_alpha": 0.0,
        "cutmix_alpha": 0.0,
    }
    return recipe.model_copy(update=changes)
