"""Which part of a network shall learn, how fast and for how many steps: tried on lessons that are held back."""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Generator, nn

from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.adapt.course import Course, recipe_of
from napari_medclf.engine.adapt.lessons import Teacher
from napari_medclf.engine.adapt.parts import learning
from napari_medclf.engine.adapt.settings import AdaptSettings, Way
from napari_medclf.engine.train.cases import TrainCase

_HELD_BACK = 4
"""Every so many cases one is held back; with fewer cases nothing is tried."""
_ASKED = 8
"""Batches of held-back lessons that a way is asked about."""
_SHARE = 0.5
"""Steps of a try, as a part of all."""


@dataclass(frozen=True)
class _Tried:
    """A way, how wrong the network was after it, and what a step of it takes."""

    way: Way
    loss: float
    step_s: float


def choose_way(
    network: nn.Module, card: ModelCard, recipe: Recipe, cases: Sequence[TrainCase], settings: AdaptSettings
) -> Job[AdaptSettings]:
    """Fix what moves, how fast and for how many steps, so that the time is kept.

    Each way learns for half of the steps from three quarters of the cases, and is asked about the rest, where all
    voxels count alike: what was painted lies where the model was wrong, and would praise a way that overshoots. The
    network stays as it is; the same values give the same choice, unless the time cuts the steps.

    Returns
    -------
    AdaptSettings
        Without rivals and without a limit of time.
    """
    begun = time.perf_counter()
    if settings.rivals and len(cases) >= _HELD_BACK:
        tried = yield from _try_all(network, card, recipe, cases, settings)
        best = min(tried, key=lambda one: one.loss)
        left_s = None if settings.max_s is None else settings.max_s - (time.perf_counter() - begun)
        chosen = replace(settings, part=best.way.part, lr=best.way.lr)
        return _fitting(chosen, left_s, best.step_s)
    if settings.max_s is None:
        return replace(settings, rivals=())
    step_s = (yield from _try(network, card, recipe, cases, replace(settings, n_steps=2)))[1]
    return _fitting(settings, settings.max_s, step_s)


def _try_all(
    network: nn.Module, card: ModelCard, recipe: Recipe, cases: Sequence[TrainCase], settings: AdaptSettings
) -> Job[list[_Tried]]:
    held_back = [_plain(one) for one in cases[_HELD_BACK - 1 :: _HELD_BACK]]
    learned = [one for position, one in enumerate(cases) if position % _HELD_BACK != _HELD_BACK - 1]
    asked = replace(settings, n_steps=_ASKED)
    examiner = Teacher(card, recipe_of(recipe, card, asked), held_back)
    ways = (Way(settings.part, settings.lr), *settings.rivals)
    tried = []
    for way in ways:
        shorter = yield from _shorter(network, card, recipe, learned, _going(settings, way), len(ways))
        pupil, step_s = yield from _try(network, card, recipe, learned, shorter)
        loss = yield from _ask(pupil, examiner, settings)
        tried.append(_Tried(way, loss, step_s))
    return tried


def _going(settings: AdaptSettings, way: Way) -> AdaptSettings:
    return replace(settings, part=way.part, lr=way.lr, n_steps=max(1, round(settings.n_steps * _SHARE)))


def _shorter(
    network: nn.Module,
    card: ModelCard,
    recipe: Recipe,
    cases: Sequence[TrainCase],
    settings: AdaptSettings,
    n_ways: int,
) -> Job[AdaptSettings]:
    """Cut a try's steps, where there is a limit: all ways together shall take half of the time."""
    if settings.max_s is None:
        return settings
    step_s = (yield from _try(network, card, recipe, cases, replace(settings, n_steps=2)))[1]
    return _fitting(settings, settings.max_s * _SHARE / n_ways, step_s)


def _try(
    network: nn.Module, card: ModelCard, recipe: Recipe, cases: Sequence[TrainCase], settings: AdaptSettings
) -> Job[tuple[nn.Module, float]]:
    """Let a copy learn; returns it, and what its last step took."""
    pupil = copy.deepcopy(network)
    teacher = Teacher(card, recipe_of(recipe, card, settings), cases)
    torch.manual_seed(settings.seed)
    with learning(pupil, settings.part) as parameters:
        course = Course(pupil, teacher, parameters, settings)
        yield from course.run()
    return pupil, course.step_s


def _ask(pupil: nn.Module, examiner: Teacher, settings: AdaptSettings) -> Job[float]:
    """Mean loss over batches that are the same for every way."""
    losses = []
    for number, batch in enumerate(examiner.batches(Generator().manual_seed(settings.seed))):
        yield Progress(number, _ASKED, "comparing ways to learn")
        with torch.no_grad():
            losses.append(float(examiner.loss(pupil, batch.to(settings.device, torch.contiguous_format))))
    return float(np.mean(losses))


def _plain(case: TrainCase) -> TrainCase:
    return replace(case, sample=replace(case.sample, weight=None))


def _fitting(settings: AdaptSettings, seconds: float | None, step_s: float) -> AdaptSettings:
    """Plan as many of the steps as fit into some seconds, one at least."""
    fixed = replace(settings, rivals=(), max_s=None)
    if seconds is None:
        return fixed
    return replace(fixed, n_steps=max(1, min(settings.n_steps, int(seconds / max(step_s, 1e-6)))))
