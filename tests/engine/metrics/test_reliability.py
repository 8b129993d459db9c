"""Calibration numbers equal SciPy's and come out as they were planted."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from napari_medclf.engine.metrics.reliability import (
    calibration_line,
    calibration_lines,
    reliability,
    wilson_interval,
    without_temperature,
)


def _honest(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    probabilities = 1 / (1 + np.exp(-rng.normal(0, 1.5, n)))
    return rng.random(n) < probabilities, probabilities


def _log_odds(probabilities: np.ndarray) -> np.ndarray:
    return np.log(probabilities) - np.log1p(-probabilities)


def test_line_has_the_largest_likelihood_that_scipy_finds():
    from scipy.optimize import minimize

    truth, probabilities = _honest(400)
    odds = _log_odds(probabilities)

    def loss(parameters, columns, offset):
        said = columns @ parameters + offset
        return np.logaddexp(0, said).sum() - said[truth].sum()

    both = np.stack([np.ones(400), odds], axis=1)
    slope = minimize(loss, [0, 1], (both, 0 * odds), method="BFGS", options={"gtol": 1e-10}).x
    alone = minimize(loss, [0], (both[:, :1], odds), method="BFGS", options={"gtol": 1e-10}).x
    assert calibration_line(truth, probabilities) == pytest.approx((slope[1], alone[0]), abs=1e-6)
    assert (
        loss(np.array([slope[0], calibration_line(truth, probabilities)[0]]), both, 0 * odds)
        <= loss(slope, both, 0 * odds) + 1e-9
    )


def test_many_draws_at_once_are_each_draw_alone():
    truth, probabilities = _honest(90)
    rng = np.random.default_rng(1)
    draws = [rng.integers(90, size=90) for _ in range(7)]
    slopes, intercepts = calibration_lines(
        truth, probabilities, np.stack([np.bincount(chosen, minlength=90) for chosen in draws]).astype(float)
    )
    for chosen, slope, intercept in zip(draws, slopes, intercepts, strict=True):
        alone = calibration_line(truth[chosen], probabilities[chosen])
        assert (slope, intercept) == pytest.approx(alone, abs=1e-9)


def test_planted_faults_are_found():
    truth, probabilities = _honest(20_000)
    assert calibration_line(truth, probabilities) == pytest.approx((1, 0), abs=0.06)
    too_sure = 1 / (1 + np.exp(-2 * _log_odds(probabilities)))
    assert calibration_line(truth, too_sure)[0] == pytest.approx(0.5, abs=0.03)
    too_often = 1 / (1 + np.exp(-_log_odds(probabilities) - 0.7))
    assert calibration_line(truth, too_often)[1] == pytest.approx(-0.7, abs=0.06)


def test_classes_that_are_parted_without_error_or_empty_have_no_slope():
    assert np.isnan(calibration_line(np.array([False, False, True, True]), np.array([0.1, 0.2, 0.8, 0.9]))[0])
    assert np.isnan(calibration_line(np.ones(4, dtype=bool), np.array([0.1, 0.2, 0.8, 0.9]))).all()


def test_bins_hold_every_case_once_and_keep_equal_probabilities_together():
    truth, probabilities = _honest(205, seed=3)
    probabilities = probabilities.round(1)
    bins = reliability(truth, probabilities, [str(n // 5) for n in range(205)])
    assert sum(one.n_cases for one in bins) == 205
    assert all(earlier.high < later.low for earlier, later in pairwise(bins))
    for one in bins:
        inside = (probabilities >= one.low) & (probabilities <= one.high)
        assert one.observed == pytest.approx(truth[inside].mean(), abs=1e-12)
        assert one.mean_probability == pytest.approx(probabilities[inside].mean(), abs=1e-12)
        assert one.ci95[0] <= one.observed <= one.ci95[1]


def test_bins_of_distinct_probabilities_equal_scikit_learn():
    from sklearn.calibration import calibration_curve

    truth, probabilities = _honest(200, seed=5)
    observed, said = calibration_curve(truth, probabilities, n_bins=10, strategy="quantile")
    bins = reliability(truth, probabilities, [str(n) for n in range(200)])
    np.testing.assert_allclose([one.observed for one in bins], observed, atol=1e-9)
    np.testing.assert_allclose([one.mean_probability for one in bins], said, atol=1e-9)


def test_wilson_equals_scipy():
    from scipy.stats import binomtest

    for n_right, n in ((0, 7), (3, 10), (50, 50)):
        theirs = binomtest(n_right, n).proportion_ci(0.95, method="wilson")
        assert wilson_interval(n_right / n, n) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


def test_temperature_can_be_undone():
    logits = np.random.default_rng(0).normal(0, 3, (20, 4))

    def softmax(values):
        return np.exp(values) / np.exp(values).sum(axis=1, keepdims=True)

    np.testing.assert_allclose(without_temperature(softmax(logits / 1.7), 1.7, is_exclusive=True), softmax(logits))
    independent = without_temperature(1 / (1 + np.exp(-logits / 0.6)), 0.6, is_exclusive=False)
    np.testing.assert_allclose(independent, 1 / (1 + np.exp(-logits)), atol=1e-6)
