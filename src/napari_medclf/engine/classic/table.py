"""Turn prepared cases into a table of features, and into what is to be learned from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.card import ModelCard, Task
from napari_medclf.domain.errors import DatasetError
from napari_medclf.domain.events import Job, Progress, Warned
from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.background import Worker, wait_for
from napari_medclf.engine.classic.heads.problem import Aim, Problem
from napari_medclf.engine.classic.standardise import Standardise
from napari_medclf.engine.train.cases import TrainCase

Flip = tuple[int, ...]
_BATCH_VOX = 2**21
"""Voxels of images between two places to stop."""


@dataclass(frozen=True, eq=False)
class Table:
    """Standardised features of the cases.

    Parameters
    ----------
    train : (flips * N, F) float32
        The cases in their order, then again for every flip.
    val : (N, flips, F) float32
        The cases in their order.
    standardise : Standardise
        Made from the training cases.
    """

    train: FloatArray
    val: FloatArray
    standardise: Standardise


class MeanOverFlips(nn.Module):
    """A head that answers for images by their features under each flip, as the model does in use.

    Parameters
    ----------
    head : nn.Module
        From features (N, F) to answers (N, K).
    """

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.head = head

    def forward(self, features: Tensor) -> Tensor:
        """Mean answer (N, K) over the flips of features (N, flips, F)."""
        return torch.stack([self.head(one) for one in features.unbind(1)]).mean(0)


def tabulate(learned: Tensor, validated: Tensor) -> Table:
    """Standardise features by those that are learned from.

    Parameters
    ----------
    learned, validated : (flips, N, F) float64
        What is flipped in use is learned flipped, too.
    """
    standardise = Standardise(learned.shape[2])
    standardise.fit(learned.flatten(0, 1))
    train, val = (torch.stack([standardise(one) for one in each]) for each in (learned, validated))
    return Table(train.flatten(0, 1).numpy(), val.transpose(0, 1).contiguous().numpy(), standardise)


def aim_of(draft: ModelCard) -> Aim:
    """What the answers of a card's model mean."""
    if draft.task is Task.REGRESS:
        return Aim.NUMBERS
    return Aim.ONE_CLASS if draft.output.activation == "softmax" else Aim.ANY_CLASSES


def problem_of(table: Table, cases: Sequence[TrainCase], draft: ModelCard, recipe: Recipe, seed: int) -> Job[Problem]:
    """Say what is to be learned from the training cases.

    Raises
    ------
    DatasetError
        If there is only one class, or nothing is known about any case.
    """
    targets = np.tile(_targets(cases, draft), (len(table.train) // len(cases), 1))
    is_known = np.asarray(np.isfinite(targets).all(1))
    if not is_known.all():
        n_unknown = int((~is_known[: len(cases)]).sum())
        yield Warned(f"{n_unknown} of {len(cases)} cases are left out: one of their numbers is not known.")
    known = targets[is_known]
    if not len(known) or (draft.task is not Task.REGRESS and (known == known[0]).all()):
        raise DatasetError("All training cases have the same answer, so that there is nothing to tell apart.")
    is_balanced = recipe.loss.class_weight == "balanced"
    return Problem(table.train[is_known], known, aim_of(draft), is_balanced, seed)


def at_most(problem: Problem, n_cases: int) -> Problem:
    """Take so many cases at random, each class in its part of them (one at least)."""
    if len(problem.features) <= n_cases:
        return problem
    random = np.random.default_rng(problem.seed)
    order = random.permutation(len(problem.features))
    if problem.aim is not Aim.ONE_CLASS:
        chosen = np.sort(order[:n_cases])
    else:
        part = n_cases / len(order)
        each = [order[problem.classes[order] == one] for one in np.unique(problem.classes)]
        chosen = np.sort(np.concatenate([found[: max(int(len(found) * part), 1)] for found in each]))
    return replace(problem, features=problem.features[chosen], targets=problem.targets[chosen])


def as_cases(cases: Sequence[TrainCase], features: FloatArray) -> list[TrainCase]:
    """The same cases with features in place of images: `MeanOverFlips` is a network of those."""
    return [replace(case, sample=replace(case.sample, image=row)) for case, row in zip(cases, features, strict=True)]


def describe_cases(describe: nn.Module, cases: Sequence[TrainCase], flips: Sequence[Flip], device: str) -> Job[Tensor]:
    """Count the features (flips, N, F) float64 of cases, on a thread of their own.

    Parameters
    ----------
    describe : nn.Module
        From images (N, C, *spatial) to features (N, F).
    flips : sequence of tuple of int
        Axes of (N, C, *spatial) that are flipped together.

    Yields
    ------
    Progress at least twice a second.
    """
    size = max(_BATCH_VOX // max(cases[0].sample.image.size, 1), 1)
    describe.to(device)
    worker = Worker()
    parts = []
    try:
        for start in range(0, len(cases), size):
            shown = Progress(start, len(cases), "Counting features")
            yield shown
            images = np.stack([case.sample.image for case in cases[start : start + size]])
            parts.append((yield from wait_for(worker.submit(partial(_run, describe, images, flips, device)), shown)))
    finally:
        worker.close()
        describe.to("cpu")
    return torch.cat(parts, 1)


def _run(describe: nn.Module, images: FloatArray, flips: Sequence[Flip], device: str) -> Tensor:
    given = torch.from_numpy(images).to(device)
    with torch.no_grad():
        return torch.stack([describe(given.flip(axes) if axes else given).cpu() for axes in flips])


def _targets(cases: Sequence[TrainCase], draft: ModelCard) -> FloatArray:
    """Answers (N, K) float32 that a perfect model would give, as `Problem` has them."""
    truth = np.stack([np.asarray(case.sample.target) for case in cases])
    if draft.task is Task.REGRESS:
        mean = np.array([one.mean for one in draft.output.quantities])
        sd = np.array([one.sd for one in draft.output.quantities])
        return ((truth - mean) / sd).astype(np.float32)
    if draft.output.activation == "ordinal":  # one step a class but the last (Cheng 2008)
        return (truth[:, None] > np.arange(len(draft.schema_) - 1)).astype(np.float32)
    if truth.ndim == 2:
        return truth.astype(np.float32)
    return (truth[:, None] == np.arange(len(draft.schema_))).astype(np.float32)
