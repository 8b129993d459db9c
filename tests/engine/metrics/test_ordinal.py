"""Numbers of ordered classes equal scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.engine.metrics.ordinal import quadratic_kappa, score_order


def test_quadratic_kappa_equals_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(0)
    for _ in range(20):
        truth = random.integers(5, size=40)
        decided = np.clip(truth + random.integers(-2, 3, size=40), 0, 4)
        expected = metrics.cohen_kappa_score(truth, decided, weights="quadratic", labels=range(5))
        assert quadratic_kappa(truth, decided, 5) == pytest.approx(expected, abs=1e-12)


def test_errors_are_counted_in_grades() -> None:
    scores = score_order(np.array([0, 1, 2, 3]), np.array([0, 2, 0, 3]), 4)
    assert scores["grade_error"] == 0.75
    assert scores["within_one"] == 0.75


def test_one_grade_alone_leaves_nothing_beyond_chance() -> None:
    assert np.isnan(quadratic_kappa(np.ones(5, int), np.ones(5, int), 3))
