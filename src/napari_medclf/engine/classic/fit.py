"""Fit a classic model: features once, then one try for each setting, the best on validation kept."""

from __future__ import annotations

import time
from collections.abc import Sequence

from napari_medclf.domain.card import ModelCard, NetworkSpec
from napari_medclf.domain.events import Job
from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.classic.bench import set_up
from napari_medclf.engine.classic.heads.kinds import kind_named
from napari_medclf.engine.train.cases import TrainCase
from napari_medclf.engine.train.fit import Fitted
from napari_medclf.engine.train.settings import FitSettings


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
    deadline_s = float("inf") if settings.max_minutes is None else started + 60 * settings.max_minutes
    bench = yield from set_up(draft, recipe, train, val, settings)
    kind, chosen = _kind_of(draft.network)
    tries = yield from bench.try_kind(kind, chosen, deadline_s)
    best = max(tries, key=lambda one: one.score)
    return (yield from bench.finish(best, tries, time.perf_counter() - started))


def _kind_of(network: NetworkSpec) -> tuple[str, dict[str, object]]:
    kind = str(network.arguments["kind"])
    known = kind_named(kind).settings
    return kind, {name: value for name, value in network.arguments.items() if name in known}
