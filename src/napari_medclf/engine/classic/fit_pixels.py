"""Fit a pixel forest on voxels of training patches; validation chooses how rare classes are weighed."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.card import Metric, ModelCard, NetworkSpec
from napari_medclf.domain.errors import DatasetError
from napari_medclf.domain.events import EpochDone, Job, Progress
from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.background import in_background
from napari_medclf.engine.classic.heads.problem import Aim, Problem
from napari_medclf.engine.classic.heads.trees import fit_forest
from napari_medclf.engine.classic.pixel_forest import PixelForest
from napari_medclf.engine.networks import build_network
from napari_medclf.engine.train.cases import TrainCase, check_cases
from napari_medclf.engine.train.fit import Fitted
from napari_medclf.engine.train.objectives.base import SCORE, Objective
from napari_medclf.engine.train.objectives.choose import choose_objective
from napari_medclf.engine.train.settings import FitSettings


def fit_pixel_forest(
    draft: ModelCard, recipe: Recipe, train: Sequence[TrainCase], val: Sequence[TrainCase], settings: FitSettings
) -> Job[Fitted]:
    """Fit the draft's `PixelForest`; an epoch of the recipe's patches is what it learns from.

    Yields
    ------
    Progress, EpochDone after each validation.

    Raises
    ------
    DatasetError
        If the cases cannot be learned from.
    """
    started = time.perf_counter()
    deadline_s = started + 60 * (settings.max_minutes or math.inf)
    check_cases(train, val, draft.input.spatial_dims, len(draft.input.channels))
    objective = choose_objective(draft, recipe, train, val)
    network, problem = yield from _grown(draft, objective, settings)
    ratios = _ratios(problem, train)
    history = yield from _try_priors(network, ratios, _list(draft.network.arguments["prior"]), objective, deadline_s)
    best = max(range(len(history)), key=lambda number: history[number][SCORE])
    values = _shown(history[best])
    network.offset.copy_(values["prior"] * ratios)
    card = yield from objective.finish(network, _card(draft, network, values))
    metrics = {name: value for name, value in values.items() if name in card.metrics}
    state = {name: one.detach().contiguous().clone() for name, one in network.state_dict().items()}
    return Fitted(state, card, tuple(map(_shown, history)), best + 1, metrics, time.perf_counter() - started)


def _grown(draft: ModelCard, objective: Objective, settings: FitSettings) -> Job[tuple[PixelForest, Problem]]:
    """A network with its forest, and what that has learned from."""
    said = draft.network.arguments
    unfitted = build_network(draft.network)
    assert isinstance(unfitted, PixelForest)
    n_classes = int(said["out_channels"])
    problem = yield from _collect(unfitted.features, objective, n_classes, int(said["n_samples"]), settings)
    grow = partial(fit_forest, problem, int(said["n_trees"]), int(said["smallest_leaf"]), int(said["deepest"]))
    head = yield from in_background(grow, "Growing the forest")
    network = build_network(_with(draft.network, sizes=head.sizes)).eval()
    assert isinstance(network, PixelForest)
    assert network.head is not None
    network.head.load_state_dict(head.state_dict())
    return network, problem


def _with(network: NetworkSpec, **changes: Any) -> NetworkSpec:
    return network.model_copy(update={"arguments": {**network.arguments, **changes}})


def _card(draft: ModelCard, network: PixelForest, values: Mapping[str, float]) -> ModelCard:
    assert network.head is not None
    spec = _with(draft.network, sizes=network.head.sizes, prior=values["prior"])
    named = {name: Metric(value=value) for name, value in values.items() if name[:4] == "val/" and name != "val/loss"}
    return draft.model_copy(update={"network": spec, "metrics": {**draft.metrics, **named}})


def _shown(values: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in values.items() if name != SCORE}


def _collect(
    features: nn.Module, objective: Objective, n_classes: int, n_samples: int, settings: FitSettings
) -> Job[Problem]:
    """Draw voxels from the patches of one epoch, half of them anywhere and half from every class alike."""
    generator = torch.Generator().manual_seed(settings.seed)
    random = np.random.default_rng(settings.seed)
    n_batches = objective.n_batches()
    rows: list[FloatArray] = []
    classes: list[FloatArray] = []
    for number, batch in enumerate(objective.batches(generator)):
        yield Progress(number, n_batches, "Looking at voxels")
        assert isinstance(batch.targets, Tensor)
        with torch.no_grad():
            found = features(batch.images).movedim(1, -1).flatten(0, -2)
        labels = batch.targets.flatten().numpy()
        is_counted = np.ones(len(labels), bool) if batch.weight is None else batch.weight.flatten().numpy() > 0
        chosen = _draw(labels, np.flatnonzero(is_counted), n_samples // n_batches + 1, n_classes, random)
        rows.append(found[torch.from_numpy(chosen)].numpy())
        classes.append(labels[chosen])
    known = np.concatenate(classes)
    if len(np.unique(known)) < 2:
        raise DatasetError("The training patches show one class only, so that there is nothing to tell apart.")
    targets = np.eye(n_classes, dtype=np.float32)[known]
    return Problem(np.concatenate(rows), targets, Aim.ONE_CLASS, seed=settings.seed)


def _draw(labels: np.ndarray, places: np.ndarray, n: int, n_classes: int, random: np.random.Generator) -> np.ndarray:
    """Choose places; fewer where a class has not so many."""
    if not len(places):
        return places
    chosen = [random.choice(places, min(n // 2, len(places)), replace=False)]
    for one in range(n_classes):
        of_class = places[labels[places] == one]
        chosen.append(random.choice(of_class, min(n // (2 * n_classes), len(of_class)), replace=False))
    return np.unique(np.concatenate(chosen))


def _ratios(problem: Problem, train: Sequence[TrainCase]) -> Tensor:
    """Logarithm of how much rarer each class is in the images than among the voxels that were drawn."""
    drawn, n_classes = problem.targets.sum(0) + 1, problem.n_outputs
    counts = [np.bincount(case.sample.target.ravel().astype(int), minlength=n_classes) for case in train]
    there = np.sum(counts, axis=0)[:n_classes] + 1
    return torch.from_numpy(np.log(there / there.sum()) - np.log(drawn / drawn.sum())).float()


def _try_priors(
    network: PixelForest, ratios: Tensor, priors: Sequence[float], objective: Objective, deadline_s: float
) -> Job[list[dict[str, float]]]:
    done: list[dict[str, float]] = []
    for prior in priors:
        if done and time.perf_counter() > deadline_s:
            break
        network.offset.copy_(prior * ratios)
        values = yield from objective.validate(network)
        done.append({**values, "prior": prior})
        is_best = values[SCORE] == max(one[SCORE] for one in done)
        yield EpochDone(len(done), len(priors), _shown(done[-1]), is_best=is_best)
    return done


def _list(values: float | Sequence[float]) -> list[float]:
    return [float(values)] if isinstance(values, (int, float)) else [float(one) for one in values]
