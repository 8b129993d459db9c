"""Train a network: epochs, validation, checkpoints, and the best state at the end."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from napari_medclf.domain.card import Metric, ModelCard
from napari_medclf.domain.events import EpochDone, Job, Warned
from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.train.cases import TrainCase, check_cases
from napari_medclf.engine.train.checkpoint import CheckpointFolder
from napari_medclf.engine.train.objectives.base import SCORE
from napari_medclf.engine.train.objectives.choose import choose_objective
from napari_medclf.engine.train.settings import FitSettings
from napari_medclf.engine.train.trainer import Trainer

_SMALLEST_GAIN = 1e-6
"""A better score by less than this is noise, and does not let a training go on."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """What a training made.

    Parameters
    ----------
    state_dict : dict
        Weights of the averaged network, on the CPU.
    card : ModelCard
        The draft with the temperature (classification) and the validation metrics; fingerprint and
        digest of the weights belong to whoever writes the package.
    history : tuple of dict
        The values of every epoch.
    best_epoch : int
        Number of the epoch, from 1, whose weights these are.
    """

    state_dict: dict[str, Tensor]
    card: ModelCard
    history: tuple[dict[str, float], ...]
    best_epoch: int
    val_metrics: dict[str, float]
    elapsed_s: float


def fit(
    draft: ModelCard, recipe: Recipe, train: Sequence[TrainCase], val: Sequence[TrainCase], settings: FitSettings
) -> Job[Fitted]:
    """Train the draft's network by a recipe.

    Parameters
    ----------
    draft : ModelCard
        Task, classes, input and network of the model to be.

    Yields
    ------
    Progress at least every second, EpochDone after each epoch, Warned.

    Raises
    ------
    DatasetError
        If the cases cannot be learned from, the loss is no longer a number, or `resume` meets the
        checkpoints of another training.
    """
    check_cases(train, val, draft.input.spatial_dims, len(draft.input.channels))
    objective = choose_objective(draft, recipe, train, val)
    trainer = Trainer(objective, recipe, seed=settings.seed, device=settings.device)
    if settings.init_state is not None:
        yield from _start_from(trainer, settings.init_state)
    folder = CheckpointFolder(settings.checkpoint_dir, _digest(draft, recipe, train, val, settings.seed))
    history = _History()
    if settings.resume:
        history = yield from _resumed(trainer, folder)
    else:
        folder.clear()
    history = yield from _epochs(trainer, folder, recipe, history, settings.max_minutes)
    best = folder.load_best() if recipe.keep == "best" else None
    n_epoch = len(history.epochs) if best is None else history.best_epoch
    if best is not None:
        trainer.restore(best["trainer"])
    card = yield from objective.finish(trainer.averaged, _with_metrics(draft, history.epochs[n_epoch - 1]))
    metrics = {name: metric.value for name, metric in card.metrics.items() if name in history.epochs[n_epoch - 1]}
    return Fitted(trainer.weights(), card, history.epochs, n_epoch, metrics, history.elapsed_s)


@dataclass(frozen=True)
class _History:
    epochs: tuple[dict[str, float], ...] = ()
    best_epoch: int = 0
    best_score: float = float("-inf")
    elapsed_s: float = 0.0

    def add(self, values: dict[str, float], score: float, elapsed_s: float) -> _History:
        history = replace(self, epochs=(*self.epochs, values), elapsed_s=elapsed_s)
        if score < self.best_score + _SMALLEST_GAIN:
            return history
        return replace(history, best_epoch=len(history.epochs), best_score=score)

    @property
    def is_best(self) -> bool:
        return self.best_epoch == len(self.epochs)

    def to_state(self) -> dict[str, Any]:
        return {
            "epochs": list(self.epochs),
            "best_epoch": self.best_epoch,
            "best_score": self.best_score,
            "elapsed_s": self.elapsed_s,
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> _History:
        return cls(tuple(state["epochs"]), state["best_epoch"], state["best_score"], state["elapsed_s"])


def _epochs(
    trainer: Trainer, folder: CheckpointFolder, recipe: Recipe, history: _History, max_minutes: float | None
) -> Job[_History]:
    limit_s = None if max_minutes is None else max_minutes * 60
    started = time.perf_counter() - history.elapsed_s
    while len(history.epochs) < recipe.epochs and not _is_over(history, recipe, limit_s):
        values = yield from trainer.train_epoch(len(history.epochs), started, limit_s)
        values |= yield from trainer.validate()
        score = values.pop(SCORE)
        history = history.add(values, score, time.perf_counter() - started)
        state = {"trainer": trainer.state(), "history": history.to_state()}
        folder.save(state, is_best=history.is_best)
        yield EpochDone(len(history.epochs), recipe.epochs, values, is_best=history.is_best)
    return history


def _is_over(history: _History, recipe: Recipe, limit_s: float | None) -> bool:
    if limit_s is not None and history.epochs and history.elapsed_s >= limit_s:
        return True
    return 0 < recipe.patience <= len(history.epochs) - history.best_epoch


def _resumed(trainer: Trainer, folder: CheckpointFolder) -> Job[_History]:
    state, warnings = folder.load()
    for warning in warnings:
        yield Warned(warning)
    if state is None:
        return _History()
    trainer.restore(state["trainer"])
    return _History.from_state(state["history"])


def _start_from(trainer: Trainer, weights: Mapping[str, Tensor]) -> Job[None]:
    unused = trainer.take_over(weights)
    if unused:
        yield Warned(
            f"{len(unused)} of {len(weights)} weights of the model to start from do not fit, such as {unused[0]}; "
            "these parts start at random."
        )


def _with_metrics(draft: ModelCard, values: Mapping[str, float]) -> ModelCard:
    metrics = {
        name: Metric(value=value) for name, value in values.items() if name.startswith("val/") and name != "val/loss"
    }
    return draft.model_copy(update={"metrics": {**draft.metrics, **metrics}})


def _digest(draft: ModelCard, recipe: Recipe, train: Sequence[TrainCase], val: Sequence[TrainCase], seed: int) -> str:
    parts = [draft.task.value, draft.output.model_dump_json(), recipe.model_dump_json(), str(seed)]
    parts += [case.case_id for case in train] + ["|"] + [case.case_id for case in val]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
