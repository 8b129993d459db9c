"""Training without choices to make, within a time: try several recipes, keep those that help, stack the classic one."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from napari_medclf.atomic import atomic_write
from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.card import ModelCard, Task
from napari_medclf.domain.events import Job, Noted
from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.auto.candidates import Answered, Candidate, ask, make_candidate, truth_of
from napari_medclf.engine.auto.join import join
from napari_medclf.engine.auto.members import MemberPlan, fit_members
from napari_medclf.engine.auto.parts import Part, is_whole, judged_by, plan_parts
from napari_medclf.engine.auto.select import Choice, best_mean, choose_members, share_of_classic
from napari_medclf.engine.auto.unseen import with_unseen
from napari_medclf.engine.networks import build_network
from napari_medclf.engine.train.cases import TrainCase
from napari_medclf.engine.train.fit import Fitted
from napari_medclf.engine.train.settings import FitSettings

_DEFAULT_MINUTES = 20.0
_MOST_MEMBERS = 10
_ENOUGH_SAMPLES, _FEWEST_EPOCHS, _ENOUGH_EPOCHS = 100_000, 20, 60
"""A member that sees fewer images is better than another member."""
_PLANNED = "networks.txt"
_CLASSIC_SHARE = 0.2
"""Part of the time that the classic models may take together."""
_PROBE_S = 3.0
"""For so long steps are timed before networks are planned."""
_OVERHEAD = 1.3
"""Time of an epoch over that of its forward and backward passes: augmentation, validation."""


@dataclass(frozen=True)
class Portfolio:
    """What may be tried; all recipes share one input.

    Parameters
    ----------
    deep : tuple of Recipe
        Taken in turns, with other seeds, as often as the time allows.
    has_classic : bool
        Whether classic models are tried, too.
    """

    deep: tuple[Recipe, ...]
    has_classic: bool = False


@dataclass(frozen=True, eq=False)
class Trial:
    """A network to be trained: for which part, in which round."""

    part: int
    recipe: int
    plan: MemberPlan


def learn_auto(
    draft: ModelCard,
    portfolio: Portfolio,
    train: Sequence[TrainCase],
    val: Sequence[TrainCase],
    settings: FitSettings,
) -> Job[Fitted]:
    """Try recipes within a time and make one model of those that help.

    Notes
    -----
    Where the time is enough for three networks, the training and validation cases are split into folds: each network is
    judged on cases that it has not learned from, all of these judgements together choose and calibrate, and the model
    has learned from every case.
    """
    started = time.perf_counter()
    minutes = settings.max_minutes or _DEFAULT_MINUTES
    is_judged = draft.task is Task.CLASSIFY and draft.output.activation != "ordinal"
    n_networks = _planned_networks(settings, lambda: count_networks(portfolio, len(train), minutes, draft))
    parts = plan_parts(train, val, n_networks, settings.seed) if is_judged else [Part(train, val)]
    classic: list[Candidate] = []
    if portfolio.has_classic:
        from napari_medclf.engine.auto.classic import fit_classic_candidates

        own = replace(settings, max_minutes=minutes * _CLASSIC_SHARE)
        classic = yield from fit_classic_candidates(draft, portfolio.deep[0], parts, own)
    left = replace(settings, max_minutes=max(minutes - (time.perf_counter() - started) / 60, minutes / 2))
    trials = plan_trials(portfolio, parts, n_networks, settings.seed)
    networks = yield from fit_members(draft, [trial.plan for trial in trials], left)
    if not is_judged:
        return join(draft, networks, [1 / len(networks)] * len(networks))
    deep = yield from _deep_candidates(draft, portfolio, parts, trials, networks, settings.device)
    return (yield from _choose(draft, parts, classic, deep, val))


def _planned_networks(settings: FitSettings, count: Callable[[], int]) -> int:
    """Take up how many networks an unfinished training had planned: folds must stay as they were."""
    path = settings.checkpoint_dir / _PLANNED
    if settings.resume and path.is_file():
        return int(path.read_text())
    found = count()
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, str(found))
    return found


def count_networks(portfolio: Portfolio, n_train: int, minutes: float, draft: ModelCard) -> int:
    """Say how many networks can see enough images within the time."""
    recipe = portfolio.deep[0]
    n_epochs = float(np.clip(_ENOUGH_SAMPLES / n_train, _FEWEST_EPOCHS, _ENOUGH_EPOCHS))
    epoch_minutes = seconds_an_epoch(recipe, n_train, draft) / 60
    return int(np.clip(minutes / (n_epochs * epoch_minutes), 1, _MOST_MEMBERS))


def plan_trials(portfolio: Portfolio, parts: Sequence[Part], n_networks: int, seed: int) -> list[Trial]:
    """Plan a network for every part, round after round, as many as learn enough within the time."""
    n_rounds = max(n_networks // len(parts), 1)
    trials = []
    for number in range(n_rounds):
        chosen = number % len(portfolio.deep)
        recipe = portfolio.deep[chosen]
        for position, part in enumerate(parts):
            count = number * len(parts) + position
            name = f"{recipe.family or 'network'}-{count + 1}"
            share = 1 / (n_rounds * len(parts))
            plan = MemberPlan(name, recipe, part.learned, part.held, seed * _MOST_MEMBERS + count, share)
            trials.append(Trial(position, chosen, plan))
    return trials


def _deep_candidates(
    draft: ModelCard,
    portfolio: Portfolio,
    parts: Sequence[Part],
    trials: Sequence[Trial],
    networks: Sequence[Fitted],
    device: str,
) -> Job[list[Candidate]]:
    """Gather the networks of each recipe."""
    truth = truth_of(judged_by(parts), draft)
    candidates = []
    for chosen, recipe in enumerate(portfolio.deep):
        found: list[list[Answered]] = [[] for _ in parts]
        for trial, network in zip(trials, networks, strict=True):
            if trial.recipe == chosen:
                found[trial.part].append((yield from ask(network, recipe, parts[trial.part], device)))
        if found[0]:
            candidates.append((yield from make_candidate(recipe.family or "network", found, truth, draft)))
    return candidates


def _choose(
    draft: ModelCard,
    parts: Sequence[Part],
    classic: Sequence[Candidate],
    deep: Sequence[Candidate],
    val: Sequence[TrainCase],
) -> Job[Fitted]:
    judged = judged_by(parts)
    truth = truth_of(judged, draft)
    shares, sentence = weigh([one.both for one in classic], [one.both for one in deep], truth)
    yield Noted(sentence)
    everyone = [*classic, *deep]
    members = [member for one in everyone for member in one.members]
    each = [share / len(one.members) for one, share in zip(everyone, shares, strict=True) for _ in one.members]
    offsets = [one.offsets for one in everyone for _ in one.members]
    fitted = join(draft, members, each, offsets)
    if not is_whole(parts):
        return fitted
    mean = np.tensordot(np.array(shares), np.stack([one.probabilities for one in everyone]), axes=1)
    return (yield from with_unseen(fitted, mean, judged, val))


def weigh(classic: Sequence[FloatArray], deep: Sequence[FloatArray], truth: FloatArray) -> tuple[list[float], str]:
    """Say how much each candidate counts, and why, in a sentence.

    Parameters
    ----------
    classic, deep : sequence of (n_cases, n_classes) or (n_views, n_cases, n_classes)
        Calibrated probabilities of the same cases, which were held back.

    Returns
    -------
    shares, sentence
        Classic models first; the shares sum to 1.
    """
    ours = choose_members(deep, truth)
    told = f"{_count(ours)} of {len(deep)} networks answer together"
    if not classic:
        return list(ours.weights), f"{told}."
    others = best_mean(classic, truth)
    share = share_of_classic(_mean(classic, others), _mean(deep, ours), truth)
    shares = [weight * share for weight in others.weights] + [weight * (1 - share) for weight in ours.weights]
    if share == 1:
        return shares, "The classic models alone are better than the networks: deep learning is not needed here."
    if share == 0:
        return shares, f"{told}; classic models add nothing to them."
    return shares, f"{told}, and {_count(others)} of {len(classic)} classic models count {share:.0%}."


def seconds_an_epoch(recipe: Recipe, n_train: int, draft: ModelCard) -> float:
    """Measure some steps of a recipe's network on random numbers, and count the steps of an epoch.

    Notes
    -----
    By the clock, as other programs may run beside; one step alone is often much slower or faster than the rest.
    """
    card = draft.model_copy(update={"network": recipe.network, "input": recipe.input})
    with torch.random.fork_rng(devices=[]):
        network = build_network(card.network).train()
        images = torch.randn(recipe.batch, len(recipe.input.channels), *recipe.input.patch_vox)
        _step(network, images, recipe.precision)
        started, n_measured = time.perf_counter(), 0
        while n_measured == 0 or time.perf_counter() - started < _PROBE_S:
            _step(network, images, recipe.precision)
            n_measured += 1
        step_s = (time.perf_counter() - started) / n_measured
    n_steps = -(-(recipe.samples_per_epoch or n_train) // recipe.batch)
    return step_s * n_steps * _OVERHEAD


def _step(network: nn.Module, images: torch.Tensor, precision: str) -> None:
    with torch.autocast(images.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
        answer = network(images)
    first = answer[0] if isinstance(answer, (list, tuple)) else answer
    first.float().square().mean().backward()


def _count(choice: Choice) -> int:
    return sum(weight > 0 for weight in choice.weights)


def _mean(probabilities: Sequence[FloatArray], choice: Choice) -> FloatArray:
    return np.asarray(np.tensordot(np.array(choice.weights), np.asarray(probabilities), axes=1))
