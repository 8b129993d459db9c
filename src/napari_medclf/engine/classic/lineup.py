"""All kinds of classic model one after the other, the cheapest first, within a time."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.card import ModelCard, NetworkSpec
from napari_medclf.domain.events import Job
from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.classic.bench import Bench, Try, flips_of, set_up
from napari_medclf.engine.classic.counted import Counted, choose_kinds, count_features
from napari_medclf.engine.classic.features.collect import KINDS as FEATURES
from napari_medclf.engine.classic.heads.kinds import KINDS
from napari_medclf.engine.classic.heads.problem import Aim
from napari_medclf.engine.recipes.classic import CLASSIC
from napari_medclf.engine.train.cases import TrainCase, check_cases
from napari_medclf.engine.train.fit import Fitted
from napari_medclf.engine.train.settings import FitSettings

FAMILIES: Mapping[str, str] = MappingProxyType(
    {"logistic": "linear", "knn": "knn", "tree": "tree", "boosting": "boosting", "forest": "forest", "svm": "svm"}
)
"""Name of a recipe's family to the kind of model behind it, the cheapest first."""
_MOST_CASES = 10_000
_FEWEST_CASES = 500
_MOST_VOX = 2**26
"""Of all training images together."""
_SHARE_OF_FEATURES = 0.5
"""Part of the time that may go by before anything is fitted."""


@dataclass(frozen=True, eq=False)
class Entrant:
    """One kind of model, fitted.

    Parameters
    ----------
    family : str
        Name of its recipe.
    tries : tuple of Try
        One a setting.
    """

    family: str
    tries: tuple[Try, ...]
    elapsed_s: float

    @property
    def best(self) -> Try:
        """The try that is best on validation."""
        return max(self.tries, key=lambda one: one.score)


@dataclass(frozen=True, eq=False)
class LineUp:
    """What was fitted on one set of features.

    Parameters
    ----------
    entrants : tuple of Entrant
        In the order in which they were fitted.
    left_out : dict
        Name of a family to why it was not fitted.
    n_train : int
        Cases that were learned from.
    elapsed_s : float
        In all, the features included.
    """

    bench: Bench
    entrants: tuple[Entrant, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)
    n_train: int = 0
    elapsed_s: float = 0.0

    @property
    def best(self) -> Entrant:
        """The entrant that is best on validation."""
        return max(self.entrants, key=lambda one: one.best.score)

    def answers(self, entrant: Entrant) -> FloatArray:
        """What an entrant says of the validation cases: (N, K), before temperature and activation."""
        return self.bench.answers(entrant.best)

    def finish(self, entrant: Entrant) -> Job[Fitted]:
        """Make a model of one of them."""
        return (yield from self.bench.finish(entrant.best, entrant.tries, entrant.elapsed_s))


def line_up(
    draft: ModelCard,
    recipe: Recipe,
    train: Sequence[TrainCase],
    val: Sequence[TrainCase],
    settings: FitSettings,
    encoder: NetworkSpec | None = None,
    counted: Counted | None = None,
) -> Job[LineUp]:
    """Fit every kind of classic model; the first one always, the others while there is time.

    Parameters
    ----------
    draft : ModelCard
        Of any model for the task: it says what is learned, and on which input.
    settings : FitSettings
        `max_minutes` for all of them; with an encoder, `init_state` holds its weights.
    encoder : NetworkSpec or None
        A network whose embedding is the features; None counts them.
    counted : Counted or None
        The features, where they are known already.

    Raises
    ------
    DatasetError
        If the cases cannot be learned from.
    """
    started = time.perf_counter()
    deadline_s = float("inf") if settings.max_minutes is None else started + 60 * settings.max_minutes
    fewer = few_enough(train, settings.seed)
    if encoder is None and counted is None and settings.max_minutes is not None:
        check_cases(fewer, val, draft.input.spatial_dims, len(draft.input.channels))
        counted = yield from _count(recipe, (*fewer, *val), settings)
    kinds = tuple(FEATURES) if counted is None else counted.kinds
    asking = draft.model_copy(update={"network": classic_network(draft, encoder, kinds)})
    bench = yield from set_up(asking, recipe, fewer, val, settings, counted)
    entrants: list[Entrant] = []
    left_out: dict[str, str] = {}
    for family, kind in FAMILIES.items():
        begun = time.perf_counter()
        if bench.problem.aim is Aim.NUMBERS and not KINDS[kind].can_estimate_numbers:
            left_out[family] = "it cannot estimate numbers"
        elif entrants and begun > deadline_s:
            left_out[family] = "there was no time left"
        else:
            tries = yield from bench.try_kind(kind, {}, deadline_s)
            entrants.append(Entrant(family, tuple(tries), time.perf_counter() - begun))
    return LineUp(bench, tuple(entrants), left_out, len(fewer), time.perf_counter() - started)


def _count(recipe: Recipe, cases: Sequence[TrainCase], settings: FitSettings) -> Job[Counted]:
    """Count the features that a part of the time is enough for."""
    assert settings.max_minutes is not None
    flips = flips_of(recipe)
    limit_s = 60 * settings.max_minutes * _SHARE_OF_FEATURES
    kinds = yield from choose_kinds(cases, len(cases), len(flips), limit_s)
    return (yield from count_features(kinds, cases, flips, settings.device))


def classic_network(
    draft: ModelCard, encoder: NetworkSpec | None = None, features: Sequence[str] = tuple(FEATURES)
) -> NetworkSpec:
    """Describe a classic model for a card's task and input."""
    n_steps = 1 if draft.output.activation == "ordinal" else 0
    arguments: dict[str, Any] = {
        "kind": "linear",
        "spatial_dims": draft.input.spatial_dims,
        "in_channels": len(draft.input.channels),
        "out_channels": len(draft.schema_) - n_steps,
    }
    if encoder is None:
        arguments["features"] = list(features)
    else:
        arguments["encoder"] = encoder.model_dump(mode="json")
    return NetworkSpec(target=CLASSIC, arguments=arguments)


def few_enough(cases: Sequence[TrainCase], seed: int) -> Sequence[TrainCase]:
    """Take as many cases as can be described in a short time, chosen by lot."""
    n_cases = max(min(_MOST_CASES, _MOST_VOX // max(cases[0].sample.image[0].size, 1)), _FEWEST_CASES)
    if len(cases) <= n_cases:
        return cases
    chosen = np.sort(np.random.default_rng(seed).permutation(len(cases))[:n_cases])
    return [cases[number] for number in chosen]
