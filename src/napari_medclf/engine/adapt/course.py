"""Steps of an optimiser that move a part of a network towards lessons."""

from __future__ import annotations

import time
from contextlib import closing
from functools import partial

import torch
from torch import Generator, nn

from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.errors import DatasetError
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.recipe import Recipe
from napari_medclf.domain.recipe.optimiser_settings import ScheduleSettings
from napari_medclf.engine.adapt.lessons import Teacher
from napari_medclf.engine.adapt.settings import AdaptSettings, Stepper
from napari_medclf.engine.background import Worker, wait_for
from napari_medclf.engine.train.batch import Batch
from napari_medclf.engine.train.optimisers.muon import Muon
from napari_medclf.engine.train.precision import Precision
from napari_medclf.engine.train.schedule import rate_factor
from napari_medclf.engine.train.trainer import memory_layout

_CLIP_NORM = 1.0
_SCHEDULE = ScheduleSettings(kind="cosine", warmup=0.1, lowest=0.02)
_WHOLE_IMAGES = 16
"""Images a step where a whole image is one answer: batches of a training are made for thousands of images."""


class Course:
    """Steps of one adaptation; `step_s` is what the last one took."""

    def __init__(
        self, network: nn.Module, teacher: Teacher, parameters: list[nn.Parameter], settings: AdaptSettings
    ) -> None:
        self._teacher, self._parameters, self._settings = teacher, parameters, settings
        self._layout = memory_layout(network, settings.device, teacher.spatial_dims)
        self._network = network.to(memory_format=self._layout)  # type: ignore[call-overload]  # not in torch's stubs
        self._precision = Precision(teacher.precision, settings.device)
        self.step_s = 0.0
        self._optimiser = _optimiser_of(parameters, settings)

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


def _optimiser_of(parameters: list[nn.Parameter], settings: AdaptSettings) -> torch.optim.Optimizer:
    if settings.stepper is Stepper.MUON:
        return Muon(parameters, lr=settings.lr)
    is_fused = settings.device.startswith(("cpu", "cuda"))
    return torch.optim.AdamW(parameters, lr=settings.lr, weight_decay=0.0, fused=is_fused)


def recipe_of(recipe: Recipe, card: ModelCard, settings: AdaptSettings) -> Recipe:
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
