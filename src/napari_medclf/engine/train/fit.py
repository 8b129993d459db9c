"""Train a network: epochs, validation, checkpoints, and the best state at the end."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.card import Metric, ModelCard
from napari_medclf.domain.events import Job, Noted, Warned
from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.train.cases import TrainCase, check_cases
from napari_medclf.engine.train.checkpoint import CheckpointFolder
from napari_medclf.engine.train.course import Course
from napari_medclf.engine.train.heap import kept_heap
from napari_medclf.engine.train.objectives.base import Objective
from napari_medclf.engine.train.objectives.choose import choose_objective
from napari_medclf.engine.train.processes import joined
from napari_medclf.engine.train.settings import FitSettings
from napari_medclf.engine.train.trainer import Trainer, repeatable
from napari_medclf.engine.train.transfer import TransferReport

_STATE_VERSION = "2"
"""Of what checkpoints hold; states of another version are not taken up."""


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
    transfer : TransferReport or None
        What was taken over from the model to start from.
    unseen : (n_val, n_classes) float array or None
        Probabilities of the validation cases by those parts of the model that have not learned from them, where other
        parts have: the card then holds numbers that are made of them.
    """

    state_dict: dict[str, Tensor]
    card: ModelCard
    history: tuple[dict[str, float], ...]
    best_epoch: int
    val_metrics: dict[str, float]
    elapsed_s: float
    transfer: TransferReport | None = None
    unseen: FloatArray | None = None


def fit(
    draft: ModelCard,
    recipe: Recipe,
    train: Sequence[TrainCase],
    val: Sequence[TrainCase],
    settings: FitSettings,
    objective: Objective | None = None,
) -> Job[Fitted]:
    """Train the draft's network by a recipe.

    Parameters
    ----------
    draft : ModelCard
        Task, classes, input and network of the model to be.
    objective : Objective or None
        What is learned; None takes what the card's task and output ask for.

    Yields
    ------
    Progress at least every second, EpochDone after each epoch, Noted and Warned.

    Raises
    ------
    DatasetError
        If the cases cannot be learned from, the loss is no longer a number, or `resume` meets the
        checkpoints of another training.
    OptionError
        If the recipe's settings do not go together.

    Notes
    -----
    Under ``torchrun`` all processes call this with the same values; the first one's result is the model.
    """
    check_cases(train, val, draft.input.spatial_dims, len(draft.input.channels))
    if objective is None:
        objective = choose_objective(draft, recipe, train, val)
    digest = _digest(draft, recipe, train, val, settings.seed)
    with joined(settings.device) as processes, kept_heap(), repeatable():
        processes.check_batch(recipe.batch)
        trainer = Trainer(objective, recipe, seed=settings.seed, device=processes.device, processes=processes)
        folder = CheckpointFolder(settings.checkpoint_dir, digest) if processes.is_first else None
        course = Course(trainer, recipe, processes, folder, settings.max_minutes)
        report = None
        if settings.init_state is not None:
            report = trainer.start_from(settings.init_state)
            yield Noted(report.sentence) if report.is_whole else Warned(report.sentence)
        history = yield from course.run(is_resumed=settings.resume)
        n_epoch = course.go_to_best(history)
        values = history.epochs[n_epoch - 1]
        card = _with_metrics(draft, values)
        if processes.is_first:
            card = yield from objective.finish(trainer.averaged, card)
    metrics = {name: metric.value for name, metric in card.metrics.items() if name in values}
    return Fitted(trainer.weights(), card, history.epochs, n_epoch, metrics, history.elapsed_s, report)


def _with_metrics(draft: ModelCard, values: Mapping[str, float]) -> ModelCard:
    metrics = {
        name: Metric(value=value) for name, value in values.items() if name.startswith("val/") and name != "val/loss"
    }
    return draft.model_copy(update={"metrics": {**draft.metrics, **metrics}})


def _digest(draft: ModelCard, recipe: Recipe, train: Sequence[TrainCase], val: Sequence[TrainCase], seed: int) -> str:
    parts = [_STATE_VERSION, draft.task.value, draft.output.model_dump_json(), recipe.model_dump_json(), str(seed)]
    parts += [case.case_id for case in train] + ["|"] + [case.case_id for case in val]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
