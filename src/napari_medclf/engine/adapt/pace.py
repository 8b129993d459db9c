"""Plan as many steps of learning as fit into the time that a person waits."""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import nn

from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.events import Job
from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.adapt.course import Course, recipe_of
from napari_medclf.engine.adapt.lessons import Teacher
from napari_medclf.engine.adapt.parts import learning
from napari_medclf.engine.adapt.settings import AdaptSettings
from napari_medclf.engine.train.cases import TrainCase

_TIMED = 2
"""Steps that are taken to time one; the first also makes what torch keeps for the others."""


def fitted_to_time(
    network: nn.Module, card: ModelCard, recipe: Recipe, cases: Sequence[TrainCase], settings: AdaptSettings
) -> Job[AdaptSettings]:
    """Fix the number of steps, one at least, so that the time is kept; the network stays as it is.

    Returns
    -------
    AdaptSettings
        Without a limit of time: they give the same weights again.
    """
    if settings.max_s is None:
        return settings
    begun = time.perf_counter()
    step_s = yield from _time_step(copy.deepcopy(network), card, recipe, cases, replace(settings, n_steps=_TIMED))
    left_s = settings.max_s - (time.perf_counter() - begun)
    n_steps = max(1, min(settings.n_steps, int(left_s / max(step_s, 1e-6))))
    return replace(settings, n_steps=n_steps, max_s=None)


def _time_step(
    pupil: nn.Module, card: ModelCard, recipe: Recipe, cases: Sequence[TrainCase], settings: AdaptSettings
) -> Job[float]:
    teacher = Teacher(card, recipe_of(recipe, card, settings), cases)
    torch.manual_seed(settings.seed)
    with learning(pupil, settings.part) as parameters:
        course = Course(pupil, teacher, parameters, settings)
        yield from course.run()
    return course.step_s
