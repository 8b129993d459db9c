"""The threshold between what suits the cases at hand and what suits any prevalence, where the truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm
from tiny_trainings import classify_recipe, draft_of

from napari_medclf.domain.card import Task
from napari_medclf.engine.auto.operating_point import threshold_between, with_operating_point

CARD = draft_of(Task.CLASSIFY, classify_recipe())
PREVALENCE, BLUR = 0.2, 0.5
"""The model is told half of the log odds: it is less sure than it could be."""
BEST = 0.5 * np.log(PREVALENCE / (1 - PREVALENCE))
"""Half of the log odds that belong to the prevalence half-way between the cases' and an even one."""


def _cases(n_cases, seed):
    """Cases whose log-likelihood ratio is normal, 2 or -2 in the mean and of variance 4, as it must be for both."""
    random = np.random.default_rng(seed)
    is_there = random.random(n_cases) < PREVALENCE
    ratio = random.normal(np.where(is_there, 2.0, -2.0), 2.0)
    return _told(ratio), is_there


def _told(ratio):
    return 1 / (1 + np.exp(-BLUR * (ratio + np.log(PREVALENCE / (1 - PREVALENCE)))))


def _ratio(threshold):
    return np.log(threshold / (1 - threshold)) / BLUR - np.log(PREVALENCE / (1 - PREVALENCE))


def _accuracy(ratio, prevalence):
    return prevalence * norm.cdf((2 - ratio) / 2) + (1 - prevalence) * norm.cdf((ratio + 2) / 2)


def test_the_known_threshold_is_found_through_a_wrong_temperature():
    found = threshold_between(*_cases(100_000, 0))
    assert _ratio(found) == pytest.approx(-BEST, abs=0.05)


def test_few_cases_move_it_less_than_they_move_the_highest_count():
    ours, counted = [], []
    for seed in range(60):
        told, is_there = _cases(80, seed)
        ours.append(_ratio(threshold_between(told, is_there)))
        cuts = np.sort(told)
        counted.append(_ratio(cuts[np.argmax([np.mean((told >= cut) == is_there) for cut in cuts])]))
    assert np.std(ours) < 0.7 * np.std(counted)
    assert np.mean(ours) == pytest.approx(-BEST, abs=0.2)


def test_the_largest_loss_from_this_prevalence_to_an_even_one_is_lower_than_at_either_end():
    found = _ratio(threshold_between(*_cases(100_000, 1)))

    def largest_loss(ratio):
        each = np.linspace(PREVALENCE, 0.5, 31)
        return max(_accuracy(np.log((1 - one) / one), one) - _accuracy(ratio, one) for one in each)

    at_ends = [largest_loss(np.log((1 - one) / one)) for one in (PREVALENCE, 0.5)]
    assert largest_loss(found) < 0.5 * min(at_ends)


def test_classes_that_are_alike_common_are_decided_at_one_half():
    scores = np.linspace(0.05, 0.95, 40)
    assert threshold_between(scores, scores > 0.5) == pytest.approx(0.5, abs=0.01)


def test_the_card_names_the_rarer_class():
    told, is_there = _cases(200, 3)
    rarer_last, rarer_first = np.stack([1 - told, told], 1), np.stack([told, 1 - told], 1)
    names = CARD.schema_.names
    for both, name in ((rarer_last, names[1]), (rarer_first, names[0])):
        truth = np.eye(2)[is_there.astype(int)] if name == names[1] else np.eye(2)[1 - is_there.astype(int)]
        found = with_operating_point(CARD, both, truth).output.thresholds
        assert found == {name: pytest.approx(threshold_between(told, is_there))}


def test_too_few_cases_and_more_classes_leave_the_card_as_it_is():
    few = np.eye(2)[[0] * 20 + [1] * 4]
    assert with_operating_point(CARD, few, few) is CARD
    three = np.eye(3)[np.arange(60) % 3]
    assert with_operating_point(CARD, three, three) is CARD
