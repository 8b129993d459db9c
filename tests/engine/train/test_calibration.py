from __future__ import annotations

import pytest
import torch

from napari_medclf.engine.train.calibration import fit_temperature, negative_log_likelihood


def make_overconfident(factor: float):
    """Logits whose true temperature is `factor`: labels are drawn from the honest probabilities."""
    random = torch.Generator().manual_seed(0)
    honest = torch.randn(4000, 3, generator=random) * 2
    labels = torch.multinomial(honest.softmax(1), 1, generator=random)[:, 0]
    return honest * factor, labels


@pytest.mark.parametrize("factor", [0.4, 1.0, 3.0])
def test_temperature_is_found(factor):
    logits, labels = make_overconfident(factor)
    assert fit_temperature(logits, labels) == pytest.approx(factor, rel=0.08)


def test_temperature_improves_the_likelihood_and_keeps_the_order():
    logits, labels = make_overconfident(3.0)
    temperature = fit_temperature(logits, labels)
    assert negative_log_likelihood(logits / temperature, labels) < negative_log_likelihood(logits, labels) - 0.1
    assert torch.equal((logits / temperature).argsort(1), logits.argsort(1))


def test_perfect_scores_give_a_bounded_temperature():
    logits = torch.tensor([[9.0, -9.0], [-9.0, 9.0]])
    assert 0.05 <= fit_temperature(logits, torch.tensor([0, 1])) <= 20
