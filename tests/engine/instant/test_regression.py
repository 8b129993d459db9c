"""The refit finds what scikit-learn and SciPy find, wherever it begins."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import check_grad
from sklearn.linear_model import LogisticRegression

from napari_medclf.engine.instant import regression
from napari_medclf.engine.instant.regression import Change, Rows, fit_change


def _rows(n_classes=3, seed=0, n=300, n_features=4):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, n_features)).astype(np.float32)
    classes = (x @ rng.normal(size=(n_features, n_classes)) + rng.gumbel(size=(n, n_classes))).argmax(1)
    target = np.eye(n_classes, dtype=np.float32)[classes]
    return Rows(x, np.zeros_like(target), target, np.ones_like(target)), classes


def test_softmax_regression_is_that_of_scikit_learn():
    rows, classes = _rows()
    ours = fit_change(rows, 1.0, is_exclusive=True)
    theirs = LogisticRegression(C=1.0, fit_intercept=False, tol=1e-8, max_iter=1000)
    theirs.fit(np.hstack([rows.x, np.ones((len(rows), 1))]), classes)
    found, expected = np.vstack([ours.slope, ours.shift]), theirs.coef_.T
    found, expected = (one - one.mean(1, keepdims=True) for one in (found, expected))
    np.testing.assert_allclose(found, expected, atol=5e-3)


def test_independent_classes_are_regressed_one_by_one():
    rows, _ = _rows()
    together = fit_change(rows, 0.5, is_exclusive=False)
    for channel in range(3):
        one = Rows(rows.x, *(part[:, [channel]] for part in (rows.offset, rows.target, rows.weight)))
        alone = fit_change(one, 0.5, is_exclusive=False)
        np.testing.assert_allclose(together.slope[:, channel], alone.slope[:, 0], atol=5e-3)


@pytest.mark.parametrize("is_exclusive", [True, False])
def test_the_gradient_is_that_of_the_loss(is_exclusive):
    rows, _ = _rows(n=40)
    problem = regression._Problem(rows, 0.3, is_exclusive)
    at = np.random.default_rng(1).normal(size=(5, 3))

    def value(flat):
        return problem.value(flat.reshape(5, 3))

    def gradient(flat):
        weights = flat.reshape(5, 3)
        return problem.gradient(weights, problem.probabilities(weights)).ravel()

    assert check_grad(value, gradient, at.ravel(), epsilon=1e-3) < 0.05 * np.abs(gradient(at.ravel())).max()


def test_both_solvers_and_all_beginnings_end_alike(monkeypatch):
    rows, _ = _rows()
    newton = fit_change(rows, 0.2, is_exclusive=True)
    started = fit_change(rows, 0.2, is_exclusive=True, start=Change(newton.slope + 3, newton.shift - 2))
    monkeypatch.setattr(regression, "_MOST_NEWTON", 0)
    other = fit_change(rows, 0.2, is_exclusive=True)
    np.testing.assert_allclose(started.of(rows.x), newton.of(rows.x), atol=0.05)
    np.testing.assert_allclose(other.of(rows.x), newton.of(rows.x), atol=0.05)


def test_what_is_right_already_changes_nothing():
    rows, _ = _rows()
    sure = Rows(rows.x, rows.target * 30, rows.target, rows.weight)
    change = fit_change(sure, 1.0, is_exclusive=True)
    assert np.abs(change.of(rows.x)).max() < 1e-3


def test_a_row_without_weight_teaches_nothing():
    rows, _ = _rows()
    wrong = Rows(rows.x, rows.offset, rows.target[:, ::-1].copy(), np.zeros_like(rows.weight))
    alone, both = fit_change(rows, 1.0, is_exclusive=True), fit_change(rows + wrong, 1.0, is_exclusive=True)
    np.testing.assert_allclose(alone.slope, both.slope, atol=1e-3)
