"""Fit a classic model: features once, then one try for each setting, the best on validation kept."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import nn

from napari_medclf.domain.card import Metric, ModelCard, NetworkSpec
from napari_medclf.domain.errors import DatasetError
from napari_medclf.domain.events import EpochDone, Job, Warned
from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.background import in_background
from napari_medclf.engine.classic.classifier import ClassicClassifier
from napari_medclf.engine.classic.encoder import FrozenEncoder
from napari_medclf.engine.classic.heads.kinds import candidates, kind_named
from napari_medclf.engine.classic.heads.problem import Aim, Problem
from napari_medclf.engine.classic.table import Table, as_cases, at_most, problem_of, tabulate
from napari_medclf.engine.networks import build_network
from napari_medclf.engine.train.cases import TrainCase, check_cases
from napari_medclf.engine.train.fit import Fitted
from napari_medclf.engine.train.objectives.base import SCORE, Objective
from napari_medclf.engine.train.objectives.choose import choose_objective
from napari_medclf.engine.train.settings import FitSettings

_NOT_SETTINGS = (
    "kind", "spatial_dims", "in_channels", "out_channels", "features", "encoder", "layer", "aim", "sizes",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Try:
    """One fitted head: with which settings, and how good it is on validation."""

    head: nn.Module
    settings: Mapping[str, Any]
    values: Mapping[str, float]

    @property
    def score(self) -> float:
        """What decides; higher is better."""
        return self.values[SCORE]


def fit_classic(
    draft: ModelCard, recipe: Recipe, train: Sequence[TrainCase], val: Sequence[TrainCase], settings: FitSettings
) -> Job[Fitted]:
    """Fit the draft's classic model with scikit-learn and copy its numbers into a network's buffers.

    Parameters
    ----------
    draft : ModelCard
        Its network is a `ClassicClassifier`; what is a list among its settings is tried value by value.
    settings : FitSettings
        `init_state` holds the weights of the encoder, where there is one. Nothing is resumed: it takes seconds.

    Yields
    ------
    Progress, EpochDone after each try, Warned.

    Raises
    ------
    DatasetError
        If the cases cannot be learned from.
    """
    started = time.perf_counter()
    check_cases(train, val, draft.input.spatial_dims, len(draft.input.channels))
    network = build_network(draft.network)
    assert isinstance(network, ClassicClassifier)
    _fill_encoder(network.features, settings)
    table = yield from tabulate(network.features, train, val, settings.device)
    problem = yield from problem_of(table, train, draft, recipe, settings.seed)
    objective = choose_objective(draft, recipe, *[as_cases(val, table.val)] * 2)  # nothing is drawn from it
    kind = str(draft.network.arguments["kind"])
    tries = yield from try_all(kind, _settings_of(draft.network), problem, objective, _deadline(started, settings))
    best = max(tries, key=lambda one: one.score)
    spec = _fitted_spec(draft.network, network, best, table, problem)
    fitted = _assembled(spec, network, best, table)
    card = yield from objective.finish(best.head, _with_metrics(draft, best, spec))
    history = tuple(_shown(one) for one in tries)
    metrics = {name: metric.value for name, metric in card.metrics.items() if name in best.values}
    state = {name: value.detach().contiguous().clone() for name, value in fitted.state_dict().items()}
    return Fitted(state, card, history, tries.index(best) + 1, metrics, time.perf_counter() - started)


def try_all(
    kind: str, settings: Mapping[str, Any], problem: Problem, objective: Objective, deadline_s: float
) -> Job[list[Try]]:
    """Fit a kind of model with each of its settings, until the time is over; one try at least."""
    one = kind_named(kind)
    fewer = at_most(problem, one.most_cases)
    if fewer is not problem:
        yield Warned(f"The model {kind!r} learns from {len(fewer.features)} of {len(problem.features)} cases, by lot.")
    if problem.aim is Aim.NUMBERS and not one.can_estimate_numbers:
        raise DatasetError(f"The model {kind!r} tells classes apart and cannot estimate numbers. Choose another.")
    todo = candidates(kind, settings)
    done: list[Try] = []
    for chosen in todo:
        if done and time.perf_counter() > deadline_s:
            break
        head = yield from in_background(partial(one.fit, fewer, **chosen), f"Fitting {kind}")
        values = yield from objective.validate(head)
        done.append(Try(head, chosen, values))
        is_best = done[-1].score >= max(each.score for each in done)
        yield EpochDone(len(done), len(todo), _shown(done[-1]), is_best=is_best)
    return done


def _fill_encoder(features: nn.Module, settings: FitSettings) -> None:
    if not isinstance(features, FrozenEncoder):
        return
    if settings.init_state is None:
        raise DatasetError("A model on frozen embeddings needs a trained network. Name one of the models with --init.")
    features.network.load_state_dict(dict(settings.init_state))


def _settings_of(network: NetworkSpec) -> dict[str, Any]:
    return {name: value for name, value in network.arguments.items() if name not in _NOT_SETTINGS}


def _deadline(started: float, settings: FitSettings) -> float:
    return float("inf") if settings.max_minutes is None else started + 60 * settings.max_minutes


def _fitted_spec(
    spec: NetworkSpec, network: ClassicClassifier, best: Try, table: Table, problem: Problem
) -> NetworkSpec:
    """The network's description with what was chosen and found, so that it can be built for these buffers."""
    sizes = {"n_features": table.train.shape[1], **best.head.sizes}  # type: ignore[dict-item]  # a dict of every head
    found = {"aim": problem.aim.value, "sizes": sizes, **best.settings}
    if isinstance(network.features, FrozenEncoder):
        found["layer"] = network.features.layer
    return spec.model_copy(update={"arguments": {**spec.arguments, **found}})


def _assembled(spec: NetworkSpec, network: ClassicClassifier, best: Try, table: Table) -> nn.Module:
    fitted = build_network(spec)
    assert isinstance(fitted, ClassicClassifier)
    fitted.features.load_state_dict(network.features.state_dict())
    assert fitted.standardise is not None
    assert fitted.head is not None
    fitted.standardise.load_state_dict(table.standardise.state_dict())
    fitted.head.load_state_dict(best.head.state_dict())
    return fitted


def _with_metrics(draft: ModelCard, best: Try, spec: NetworkSpec) -> ModelCard:
    values = {name: value for name, value in _shown(best).items() if name.startswith("val/") and name != "val/loss"}
    metrics = {name: Metric(value=value) for name, value in values.items()}
    return draft.model_copy(update={"network": spec, "metrics": {**draft.metrics, **metrics}})


def _shown(one: Try) -> dict[str, float]:
    numbers = {name: float(value) for name, value in one.settings.items() if isinstance(value, (int, float))}
    return {**{name: value for name, value in one.values.items() if name != SCORE}, **numbers}
