"""Try classic models on one set of cases: features are counted once, heads are fitted and judged."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.card import Metric, ModelCard, NetworkSpec
from napari_medclf.domain.errors import DatasetError
from napari_medclf.domain.events import EpochDone, Job, Warned
from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.background import in_background
from napari_medclf.engine.classic.classifier import ClassicClassifier
from napari_medclf.engine.classic.counted import Counted
from napari_medclf.engine.classic.encoder import FrozenEncoder
from napari_medclf.engine.classic.heads.kinds import candidates, kind_named
from napari_medclf.engine.classic.heads.problem import Aim, Problem
from napari_medclf.engine.classic.table import (
    Flip,
    MeanOverFlips,
    Table,
    as_cases,
    at_most,
    describe_cases,
    problem_of,
    tabulate,
)
from napari_medclf.engine.networks import build_network
from napari_medclf.engine.sliding.window import Window
from napari_medclf.engine.train.cases import TrainCase, check_cases
from napari_medclf.engine.train.fit import Fitted
from napari_medclf.engine.train.objectives.base import SCORE, Objective
from napari_medclf.engine.train.objectives.choose import choose_objective
from napari_medclf.engine.train.settings import FitSettings


@dataclass(frozen=True, eq=False)
class Try:
    """One fitted head: of which kind and with which settings, and how good it is on validation."""

    kind: str
    head: nn.Module
    settings: Mapping[str, Any]
    values: Mapping[str, float]

    @property
    def score(self) -> float:
        """What decides; higher is better."""
        return self.values[SCORE]

    @property
    def shown(self) -> dict[str, float]:
        """Numbers for the history: those of the validation, and the settings."""
        numbers = {name: float(value) for name, value in self.settings.items() if isinstance(value, (int, float))}
        return {**{name: value for name, value in self.values.items() if name != SCORE}, **numbers}


@dataclass(frozen=True, eq=False)
class Bench:
    """Cases whose features are known; made by `set_up`.

    Parameters
    ----------
    network : ClassicClassifier
        Of the draft: it knows the features, not yet what follows from them.
    objective : Objective
        Judges heads on the features of the validation cases.
    """

    draft: ModelCard
    network: ClassicClassifier
    table: Table
    problem: Problem
    objective: Objective

    def try_kind(self, kind: str, settings: Mapping[str, Any], deadline_s: float) -> Job[list[Try]]:
        """Fit a kind of model with each of its settings, until the time is over; one try at least.

        Parameters
        ----------
        deadline_s : float
            On the clock of `time.perf_counter`.

        Yields
        ------
        Progress, EpochDone after each try, Warned.

        Raises
        ------
        DatasetError
            If the kind cannot do the task.
        """
        one = kind_named(kind)
        if self.problem.aim is Aim.NUMBERS and not one.can_estimate_numbers:
            raise DatasetError(f"The model {kind!r} tells classes apart and cannot estimate numbers. Choose another.")
        fewer = at_most(self.problem, one.most_cases)
        if fewer is not self.problem:
            n_all = len(self.problem.features)
            yield Warned(f"The model {kind!r} learns from {len(fewer.features)} of {n_all} cases, chosen by lot.")
        todo = candidates(kind, settings)
        done: list[Try] = []
        for chosen in todo:
            if done and time.perf_counter() > deadline_s:
                break
            head = yield from in_background(partial(one.fit, fewer, **chosen), f"Fitting {kind}")
            done.append(Try(kind, head, chosen, (yield from self.objective.validate(MeanOverFlips(head)))))
            is_best = done[-1] is max(done, key=lambda each: each.score)
            yield EpochDone(len(done), len(todo), done[-1].shown, is_best=is_best)
        return done

    def answers(self, one: Try) -> FloatArray:
        """What a head says of the validation cases: (N, K), before temperature and activation."""
        with torch.no_grad():
            found: FloatArray = MeanOverFlips(one.head)(torch.from_numpy(self.table.val)).numpy()
        return found

    def answers_to(self, one: Try, features: Tensor) -> FloatArray:
        """What a head says of other cases, by their features (flips, N, F) as they were counted: (N, K)."""
        scaled = torch.stack([self.table.standardise(each) for each in features], 1)
        with torch.no_grad():
            found: FloatArray = MeanOverFlips(one.head)(scaled).numpy()
        return found

    def finish(self, best: Try, history: Sequence[Try], elapsed_s: float) -> Job[Fitted]:
        """Make a network of features and head, calibrate it and write its card."""
        spec = self._spec(best)
        state = {name: one.detach().contiguous().clone() for name, one in self._assembled(spec, best).items()}
        card = self.draft.model_copy(update={"network": spec, "metrics": _metrics(self.draft, best)})
        card = yield from self.objective.finish(MeanOverFlips(best.head), card)
        metrics = {name: metric.value for name, metric in card.metrics.items() if name in best.values}
        return Fitted(
            state, card, tuple(one.shown for one in history), list(history).index(best) + 1, metrics, elapsed_s
        )

    def _spec(self, best: Try) -> NetworkSpec:
        """The network's description with what was chosen and found, so that it can be built for these buffers."""
        known = self.draft.network
        others = kind_named(str(known.arguments["kind"])).settings
        kept = {name: value for name, value in known.arguments.items() if name not in others}
        sizes = {"n_features": self.problem.features.shape[1], **best.head.sizes}  # type: ignore[dict-item]
        found = {"kind": best.kind, "aim": self.problem.aim.value, "sizes": sizes, **best.settings}
        if isinstance(self.network.features, FrozenEncoder):
            found["layer"] = self.network.features.layer
        return known.model_copy(update={"arguments": {**kept, **found}})

    def _assembled(self, spec: NetworkSpec, best: Try) -> Mapping[str, Any]:
        """State of the whole network."""
        parts = {"features": self.network.features, "standardise": self.table.standardise, "head": best.head}
        state = {f"{part}.{name}": one for part, module in parts.items() for name, one in module.state_dict().items()}
        network = build_network(spec)
        network.load_state_dict(state)
        return network.state_dict()


def set_up(
    draft: ModelCard,
    recipe: Recipe,
    train: Sequence[TrainCase],
    val: Sequence[TrainCase],
    settings: FitSettings,
    counted: Counted | None = None,
) -> Job[Bench]:
    """Count the features of all cases, which takes most of the time, unless they are known.

    Parameters
    ----------
    counted : Counted or None
        The features that the draft's network would count.

    Raises
    ------
    DatasetError
        If the cases cannot be learned from, or the network that is listened to is not given.
    """
    check_cases(train, val, draft.input.spatial_dims, len(draft.input.channels))
    network = build_network(draft.network)
    assert isinstance(network, ClassicClassifier)
    if isinstance(network.features, FrozenEncoder):
        if settings.init_state is None:
            raise DatasetError("A model on frozen embeddings needs a trained network. Name its model with --init.")
        network.features.network.load_state_dict(dict(settings.init_state))
    if counted is not None:
        table = tabulate(counted.of(train), counted.of(val))
    else:
        found = yield from describe_cases(network.features, (*train, *val), flips_of(recipe), settings.device)
        table = tabulate(found[:, : len(train)], found[:, len(train) :])
    problem = yield from problem_of(table, train, draft, recipe, settings.seed)
    # The flips are in the features already, and nothing is drawn from the objective.
    plain = recipe.model_copy(update={"mirror_axes": ()})
    seen = as_cases(val, table.val)
    return Bench(draft, network, table, problem, choose_objective(draft, plain, seen, seen))


def flips_of(recipe: Recipe) -> list[Flip]:
    """Under which flips images are described, as they are shown in use."""
    return Window(recipe.input.patch_vox, mirror_axes=recipe.mirror_axes).flips


def _metrics(draft: ModelCard, best: Try) -> dict[str, Metric]:
    values = {name: value for name, value in best.values.items() if name.startswith("val/") and name != "val/loss"}
    return {**draft.metrics, **{name: Metric(value=value) for name, value in values.items()}}
