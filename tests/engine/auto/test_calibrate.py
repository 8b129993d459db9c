from __future__ import annotations

import numpy as np
import pytest
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression

from napari_medclf.engine.auto.calibrate import calibrate


@pytest.fixture
def rare():
    """Logits of a model that was shown both classes alike, and took 9 to 1 data for 1 to 1."""
    random = np.random.default_rng(0)
    is_rare = random.random(4000) < 0.1
    evidence = random.normal(np.where(is_rare, 1.0, -1.0), 1.0) * 2  # the log-likelihood ratio
    return np.stack([-evidence, evidence], 1) * 1.5, np.eye(2)[is_rare.astype(int)]


def test_probabilities_are_as_frequent_as_they_say(rare):
    logits, truth = rare
    found = calibrate(logits, truth).apply(logits)
    assert found[:, 1].mean() == pytest.approx(truth[:, 1].mean(), abs=1e-3)
    assert found.sum(1) == pytest.approx(1)


def test_found_values_are_those_of_a_logistic_regression(rare):
    logits, truth = rare
    known = calibrate(logits, truth)
    difference = logits[:, 1] - logits[:, 0]
    fitted = LogisticRegression(C=1e6).fit(difference[:, None], truth[:, 1])
    assert 1 / known.temperature == pytest.approx(fitted.coef_[0, 0], rel=0.01)
    assert known.offsets[1] - known.offsets[0] == pytest.approx(fitted.intercept_[0], rel=0.01)


def test_few_cases_cannot_move_the_classes_far():
    logits = np.zeros((2, 2))
    known = calibrate(logits, np.eye(2)[[1, 1]])
    assert 0.5 < known.apply(logits)[0, 1] < 0.9


def test_three_classes_lose_by_no_other_offsets():
    random = np.random.default_rng(1)
    truth = np.eye(3)[random.integers(0, 3, 300)]
    logits = truth * 2 + random.normal(0, 1, (300, 3)) + [1.0, 0.0, -1.0]

    def loss(temperature, offsets):
        return -(log_softmax(logits / temperature + offsets, 1) * truth).sum(1).mean()

    known = calibrate(logits, truth)
    best = loss(known.temperature, np.array(known.offsets))
    for moved in np.eye(3) * 0.1:
        assert best <= loss(known.temperature, np.array(known.offsets) + moved) + 1e-3
    assert best <= min(loss(known.temperature * factor, np.array(known.offsets)) for factor in (0.9, 1.1))
