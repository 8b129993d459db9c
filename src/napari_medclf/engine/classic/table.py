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

_BATCH_VOX = 2**21
"""Voxels of images between two places to stop."""


@dataclass(frozen=True, eq=False)
class Table:
    """Standardised features of the cases.

    Parameters
    ----------
    train, val : (N, F) float32
        In the order of the cases.
    standardise : Standardise
        Made from the training cases.
    """

    train: FloatArray
    val: FloatArray
    standardise: Standardise


def tabulate(describe: nn.Module, train: Sequence[TrainCase], val: Sequence[TrainCase], device: str) -> Job[Table]:
    """Count the features of all cases, on a thread of their own.

    Parameters
    ----------
    describe : nn.Module
        From images (N, C, *spatial) to features (N, F).

    Yields
    ------
    Progress at least twice a second.
    """
    counted = yield from _describe(describe, (*train, *val), device)
    standardise = Standardise(counted.shape[1])
    standardise.fit(counted[: len(train)])
    scaled = standardise(counted).numpy()
    return Table(scaled[: len(train)], scaled[len(train) :], standardise)


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
    targets = _targets(cases, draft)
    is_known = np.isfinite(targets).all(1)
    if not is_known.all():
        yield Warned(f"{int((~is_known).sum())} of {len(cases)} cases are left out: one of their numbers is not known.")
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
    """The same cases with rows of features in place of images: a head is a network of those."""
    return [replace(case, sample=replace(case.sample, image=row)) for case, row in zip(cases, features, strict=True)]


def _describe(describe: nn.Module, cases: Sequence[TrainCase], device: str) -> Job[Tensor]:
    size = max(_BATCH_VOX // max(cases[0].sample.image.size, 1), 1)
    describe.to(device)
    worker = Worker()
    parts = []
    try:
        for start in range(0, len(cases), size):
            shown = Progress(start, len(cases), "Counting features")
            yield shown
            images = np.stack([case.sample.image for case in cases[start : start + size]])
            parts.append((yield from wait_for(worker.submit(partial(_run, describe, images, device)), shown)))
    finally:
        worker.close()
        describe.to("cpu")
    return torch.cat(parts)


def _run(describe: nn.Module, images: FloatArray, device: str) -> Tensor:
    with torch.no_grad():
        return describe(torch.from_numpy(images).to(device)).cpu()


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
