"""Thresholds have the best F1 on validation, and none is made of too few cases."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.engine.train.thresholds import best_f1_threshold, choose_thresholds


def _f1(truth: np.ndarray, said: np.ndarray) -> float:
    return float(2 * (truth & said).sum() / (truth.sum() + said.sum()))


def test_no_other_threshold_has_a_better_f1() -> None:
    random = np.random.default_rng(0)
    for _ in range(20):
        truth = random.random(60) < 0.3
        probabilities = np.round(np.clip(random.normal(0.3 + 0.2 * truth, 0.2), 0, 1), 2)
        chosen = best_f1_threshold(truth, probabilities)
        best = max(_f1(truth, probabilities >= one) for one in np.unique(probabilities))
        assert _f1(truth, probabilities >= chosen) == pytest.approx(best)


def test_threshold_lies_between_the_cases_that_it_parts() -> None:
    truth = np.array([True, True, False, False])
    assert best_f1_threshold(truth, np.array([0.9, 0.5, 0.3, 0.1])) == pytest.approx(0.4)


def test_classes_with_few_cases_keep_the_half() -> None:
    truth = np.zeros((40, 3), dtype=bool)
    truth[:10, 0] = truth[:4, 1] = truth[:37, 2] = True
    probabilities = np.random.default_rng(0).random((40, 3))
    assert list(choose_thresholds(truth, probabilities, ["common", "rare", "nearly all"])) == ["common"]
