"""Training without choices to make, within a time: try several recipes, keep those that help, stack the classic one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.card import ModelCard, Task
from napari_medclf.domain.events import Job, Noted
from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.auto.join import join
from napari_medclf.engine.auto.members import MemberPlan, fit_members
from napari_medclf.engine.auto.select import Choice, best_mean, choose_members, log_losses, share_of_classic
from napari_medclf.engine.networks import build_network
from napari_medclf.engine.train.cases import TrainCase
from napari_medclf.engine.train.fit import Fitted
from napari_medclf.engine.train.settings import FitSettings

_DEFAULT_MINUTES = 20.0
_MOST_MEMBERS = 5
_FEWEST_EPOCHS = 40
"""A member that sees every case less often than this is better than another member."""
_CLASSIC_SHARE = 0.2
"""Part of the time that the classic models may take together."""
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


def learn_auto(
    draft: ModelCard,
    portfolio: Portfolio,
    train: Sequence[TrainCase],
    val: Sequence[TrainCase],
    settings: FitSettings,
) -> Job[Fitted]:
    """Try recipes within a time and make one model of those that help, judged on the validation cases.

    Notes
    -----
    The classic models come first: they cost little, and where they are enough, that is said.
    """
    started = time.perf_counter()
    minutes = settings.max_minutes or _DEFAULT_MINUTES
    classic: list[tuple[Fitted, FloatArray]] = []
    if portfolio.has_classic:
        own = replace(settings, max_minutes=minutes * _CLASSIC_SHARE)
        classic = yield from _fit_classic(draft, portfolio.deep[0], train, val, own)
    left = replace(settings, max_minutes=max(minutes - (time.perf_counter() - started) / 60, minutes / 2))
    plans = plan_trials(portfolio, train, val, left, draft)
    deep = yield from fit_members(draft, plans, left)
    if draft.task is not Task.CLASSIFY or draft.output.activation == "ordinal":
        return join(draft, deep, [1 / len(deep)] * len(deep))
    truth = truth_of(val, draft)
    said = []
    for plan, member in zip(plans, deep, strict=True):
        probabilities = yield from probabilities_of(member, plan.recipe, val, settings.device)
        said.append(probabilities)
        yield Noted(f"{plan.name}: loss {log_losses(probabilities, truth).mean():.3f} on the validation cases.")
    shares, sentence = weigh([one for _, one in classic], said, truth)
    yield Noted(sentence)
    return join(draft, [*(fitted for fitted, _ in classic), *deep], shares)


def plan_trials(
    portfolio: Portfolio,
    train: Sequence[TrainCase],
    val: Sequence[TrainCase],
    settings: FitSettings,
    draft: ModelCard,
) -> list[MemberPlan]:
    """Plan as many networks as learn enough within the time."""
    assert settings.max_minutes is not None
    epoch_minutes = seconds_an_epoch(portfolio.deep[0], len(train), draft) / 60
    n_deep = int(np.clip(settings.max_minutes / (_FEWEST_EPOCHS * epoch_minutes), 1, _MOST_MEMBERS))
    plans = []
    for number in range(n_deep):
        recipe = portfolio.deep[number % len(portfolio.deep)]
        name = f"{recipe.family or 'network'}-{number + 1}"
        seed = settings.seed * _MOST_MEMBERS + number
        plans.append(MemberPlan(name, recipe, train, val, seed, share_of_time=1 / n_deep))
    return plans


def _fit_classic(
    draft: ModelCard, recipe: Recipe, train: Sequence[TrainCase], val: Sequence[TrainCase], settings: FitSettings
) -> Job[list[tuple[Fitted, FloatArray]]]:
    """Fit every kind of classic model; returns each with its probabilities of the validation cases."""
    from napari_medclf.engine.classic.lineup import line_up

    lined_up = yield from line_up(draft, recipe, train, val, settings)
    truth = truth_of(val, draft)
    found = []
    for entrant in lined_up.entrants:
        fitted = yield from lined_up.finish(entrant)
        probabilities = _activated(lined_up.answers(entrant), fitted.card)
        found.append((fitted, probabilities))
        yield Noted(f"{entrant.family}: loss {log_losses(probabilities, truth).mean():.3f} on the validation cases.")
    return found


def weigh(classic: Sequence[FloatArray], deep: Sequence[FloatArray], truth: FloatArray) -> tuple[list[float], str]:
    """Say how much each candidate counts, and why, in a sentence.

    Parameters
    ----------
    classic, deep : sequence of (n_cases, n_classes)
        Calibrated probabilities on the same validation cases.

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


def probabilities_of(member: Fitted, recipe: Recipe, val: Sequence[TrainCase], device: str) -> Job[FloatArray]:
    """Run a member over cases as it is used: mean over its flips, temperature, activation; (n_cases, n_classes)."""
    from napari_medclf.engine.train.validate import class_logits

    network = build_network(member.card.network)
    network.load_state_dict(member.state_dict)
    logits, _ = yield from class_logits(network.eval().to(device), val, recipe, device)
    return _activated(logits.numpy(), member.card)


def _activated(logits: FloatArray, card: ModelCard) -> FloatArray:
    from napari_medclf.engine.decide import activate

    probabilities = np.ascontiguousarray(logits.T, dtype=np.float32)  # class first, as a network's answer
    activate(probabilities, card.output)
    return probabilities.T.astype(np.float64)


def truth_of(cases: Sequence[TrainCase], draft: ModelCard) -> FloatArray:
    """The classes of cases as 0 and 1, (n_cases, n_classes)."""
    targets = np.array([case.sample.target for case in cases])
    if targets.ndim == 2:  # independent classes
        return targets.astype(np.float64)
    return np.eye(len(draft.schema_))[targets.astype(int)]


def seconds_an_epoch(recipe: Recipe, n_train: int, draft: ModelCard) -> float:
    """Measure one step of a recipe's network on random numbers, and count the steps of an epoch."""
    card = draft.model_copy(update={"network": recipe.network, "input": recipe.input})
    with torch.random.fork_rng(devices=[]):
        network = build_network(card.network).train()
        images = torch.randn(recipe.batch, len(recipe.input.channels), *recipe.input.patch_vox)
        _step(network, images, recipe.precision)
        started = time.perf_counter()
        _step(network, images, recipe.precision)
        elapsed_s = time.perf_counter() - started
    n_steps = -(-(recipe.samples_per_epoch or n_train) // recipe.batch)
    return elapsed_s * n_steps * _OVERHEAD


def _step(network: nn.Module, images: torch.Tensor, precision: str) -> None:
    with torch.autocast(images.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
        answer = network(images)
    first = answer[0] if isinstance(answer, (list, tuple)) else answer
    first.float().square().mean().backward()


def _count(choice: Choice) -> int:
    return sum(weight > 0 for weight in choice.weights)


def _mean(probabilities: Sequence[FloatArray], choice: Choice) -> FloatArray:
    return np.asarray(np.tensordot(np.array(choice.weights), np.asarray(probabilities), axes=1))
