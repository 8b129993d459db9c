from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import log_loss

from napari_medclf.engine.auto.select import best_mean, choose_members, log_losses, share_of_classic, share_of_other


def said(truth: np.ndarray, sharpness: float, seed: int) -> np.ndarray:
    """Probabilities of a model that knows so much of the truth."""
    noise = np.random.default_rng(seed).normal(0, 1, truth.shape)
    logits = truth * sharpness + noise
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


@pytest.fixture
def truth() -> np.ndarray:
    return np.eye(3)[np.random.default_rng(0).integers(0, 3, 200)]


def test_losses_are_scikit_learns(truth):
    probabilities = said(truth, 2.0, 1)
    assert log_losses(probabilities, truth).mean() == pytest.approx(log_loss(truth, probabilities), abs=1e-12)


def test_losses_of_independent_classes_are_scikit_learns():
    truth = np.array([[1, 1], [0, 0], [1, 0], [0, 1]])
    scores = np.array([[0.9, 0.6], [0.2, 0.4], [0.7, 0.3], [0.1, 0.8]])
    expected = np.mean([log_loss(truth[:, n], scores[:, n]) for n in (0, 1)])
    assert log_losses(scores, truth).mean() == pytest.approx(expected, abs=1e-12)


def test_a_member_that_knows_nothing_is_left_out(truth):
    candidates = [said(truth, 3.0, 1), said(truth, 3.0, 2), said(truth, 0.0, 3)]
    assert choose_members(candidates, truth).weights == (0.5, 0.5, 0.0)


def test_members_that_are_equally_good_count_alike(truth):
    candidates = [said(truth, 3.0, seed) for seed in (1, 2, 3, 4)]
    choice = choose_members(candidates, truth)
    assert choice.weights == (0.25,) * 4
    assert choice.loss < np.mean([log_losses(one, truth).mean() for one in candidates])


def test_another_kind_of_model_counts_as_much_as_it_helps(truth):
    ours, other = said(truth, 4.0, 2), said(truth, 4.0, 4)
    assert share_of_other(ours, ours, truth) == 0.0
    assert share_of_other(ours, said(truth, 0.0, 5), truth) == 0.0
    ours[:100], other[100:] = 1 / 3, 1 / 3  # each knows the half that the other does not
    assert 0.2 <= share_of_other(ours, other, truth) <= 0.8
    assert share_of_other(said(truth, 0.0, 1), said(truth, 5.0, 5), truth) >= 0.8


def test_a_poorer_model_that_errs_on_other_cases_counts_a_little():
    random = np.random.default_rng(6)
    is_there = random.random(2000) < 0.5

    def honest(knowledge: float) -> np.ndarray:
        """Probabilities by evidence of its own, a log-likelihood ratio."""
        ratio = random.normal(np.where(is_there, knowledge, -knowledge), np.sqrt(2 * knowledge))
        there = 1 / (1 + np.exp(-ratio))
        return np.stack([1 - there, there], 1)

    ours, other, truth = honest(2.0), honest(1.0), np.eye(2)[is_there.astype(int)]
    share = share_of_other(ours, other, truth)
    assert 0 < share < 0.5
    beside = [log_losses((1 - one) * ours + one * other, truth).mean() for one in (share - 0.1, share, share + 0.1)]
    assert beside[1] <= min(beside[0], beside[2])


def test_two_views_of_a_case_are_one_case(truth):
    ours, other = said(truth, 4.0, 2), said(truth, 4.0, 4)
    both = log_losses(np.stack([ours, other]), truth)
    assert both == pytest.approx((log_losses(ours, truth) + log_losses(other, truth)) / 2)
    for better in (said(truth, one, 9) for one in np.linspace(4.0, 6.0, 9)):  # twice the same is no more sure
        twice = [np.stack([one, one]) for one in (ours, better)]
        assert share_of_classic(*twice, truth) == share_of_classic(ours, better, truth)
        assert choose_members(twice, truth) == choose_members([ours, better], truth)


def test_kinds_that_are_about_as_good_count_half_each(truth):
    ours, other = said(truth, 4.0, 2), said(truth, 4.0, 4)
    assert share_of_classic(other, ours, truth) == 0.5
    assert share_of_classic(said(truth, 0.0, 5), ours, truth) == 0.0
    assert share_of_classic(ours, said(truth, 0.0, 5), truth) == 1.0


def test_poor_kinds_do_not_join_the_mean_of_good_ones(truth):
    candidates = [said(truth, 0.5, 5), said(truth, 3.0, 2), said(truth, 3.0, 4)]
    choice = best_mean(candidates, truth)
    assert choice.weights[0] == 0
    assert choice.loss <= min(log_losses(one, truth).mean() for one in candidates)
