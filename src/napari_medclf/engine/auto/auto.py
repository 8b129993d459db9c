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
from napari_medclf.engine.auto.select import Choice, choose_members, log_losses, share_of_classic
from napari_medclf.engine.networks import build_network
from napari_medclf.engine.train.cases import TrainCase
from napari_medclf.engine.train.fit import Fitted
from napari_medclf.engine.train.settings import FitSettings

_DEFAULT_MINUTES = 20.0
_MOST_MEMBERS = 5
_FEWEST_EPOCHS = 40
"""A member that sees every case less often than this is better than another member."""
_CLASSIC_SHARE = 0.05
"""Part of the time that each classic model may take."""
_OVERHEAD = 1.3
"""Time of an epoch over that of its forward and backward passes: augmentation, validation."""


@dataclass(frozen=True)
class Portfolio:
    """What may be tried; all recipes share one input.

    Parameters
    ----------
    deep : tuple of Recipe
        Taken in turns, with other seeds, as often as the time allows.
    classic : tuple of Recipe
        Each is fitted once.
    """

    deep: tuple[Recipe, ...]
    classic: tuple[Recipe, ...] = ()


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
    limit = replace(settings, max_minutes=settings.max_minutes or _DEFAULT_MINUTES)
    plans = plan_trials(portfolio, train, val, limit, draft)
    fitted = yield from fit_members(draft, plans, limit)
    n_classic = len(portfolio.classic)
    if draft.task is not Task.CLASSIFY or draft.output.activation == "ordinal":
        return join(draft, fitted, [1 / len(fitted)] * len(fitted))
    truth = truth_of(val, draft)
    said = []
    for plan, member in zip(plans, fitted, strict=True):
        probabilities = yield from probabilities_of(member, plan.recipe, val, settings.device)
        said.append(probabilities)
        yield Noted(f"{plan.name}: loss {log_losses(probabilities, truth).mean():.3f} on the validation cases.")
    shares, sentence = weigh(said[:n_classic], said[n_classic:], truth)
    yield Noted(sentence)
    return join(draft, fitted, shares)


def plan_trials(
    portfolio: Portfolio,
    train: Sequence[TrainCase],
    val: Sequence[TrainCase],
    settings: FitSettings,
    draft: ModelCard,
) -> list[MemberPlan]:
    """Plan the classic models, then as many deep ones as learn enough within the time."""
    assert settings.max_minutes is not None
    deep_minutes = settings.max_minutes * (1 - _CLASSIC_SHARE * len(portfolio.classic))
    epoch_minutes = seconds_an_epoch(portfolio.deep[0], len(train), draft) / 60
    n_deep = int(np.clip(deep_minutes / (_FEWEST_EPOCHS * epoch_minutes), 1, _MOST_MEMBERS))
    plans = [
        MemberPlan(recipe.family or f"classic-{number}", recipe, train, val, settings.seed, _CLASSIC_SHARE)
        for number, recipe in enumerate(portfolio.classic)
    ]
    share = (1 - _CLASSIC_SHARE * len(plans)) / n_deep
    for number in range(n_deep):
        recipe = portfolio.deep[number % len(portfolio.deep)]
        name = f"{recipe.family or 'network'}-{number + 1}"
        plans.append(MemberPlan(name, recipe, train, val, settings.seed * _MOST_MEMBERS + number, share))
    return plans


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
    others = choose_members(classic, truth)
    share = share_of_classic(_mean(classic, others), _mean(deep, ours), truth)
    shares = [weight * share for weight in others.weights] + [weight * (1 - share) for weight in ours.weights]
    if share == 1:
        return shares, "The classic models alone are better than the networks: deep learning is not needed here."
    if share == 0:
        return shares, f"{told}; classic models add nothing to them."
    return shares, f"{told}, and {_count(others)} of {len(classic)} classic models count {share:.0%}."


def probabilities_of(member: Fitted, recipe: Recipe, val: Sequence[TrainCase], device: str) -> Job[FloatArray]:
    """Run a member over cases as it is used: mean over its flips, temperature, activation; (n_cases, n_classes)."""
    from napari_medclf.engine.decide import activate
    from napari_medclf.engine.train.validate import class_logits

    network = build_network(member.card.network)
    network.load_state_dict(member.state_dict)
    logits, _ = yield from class_logits(network.eval().to(device), val, recipe, device)
    probabilities = np.ascontiguousarray(logits.numpy().T)  # class first, as the network's answer
    activate(probabilities, member.card.output)
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
        _step(network, images)
        started = time.perf_counter()
        _step(network, images)
        elapsed_s = time.perf_counter() - started
    n_steps = -(-(recipe.samples_per_epoch or n_train) // recipe.batch)
    return elapsed_s * n_steps * _OVERHEAD


def _step(network: nn.Module, images: torch.Tensor) -> None:
    answer = network(images)
    first = answer[0] if isinstance(answer, (list, tuple)) else answer
    first.float().square().mean().backward()


def _count(choice: Choice) -> int:
    return sum(weight > 0 for weight in choice.weights)


def _mean(probabilities: Sequence[FloatArray], choice: Choice) -> FloatArray:
    return np.asarray(np.tensordot(np.array(choice.weights), np.asarray(probabilities), axes=1))
