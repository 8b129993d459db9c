"""Numbers of regression equal independent ones, and say when they are not defined."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from napari_medclf.domain.errors import DatasetError
from napari_medclf.engine.metrics.regression import agreement, measure_regression, score_regression

# Shrout & Fleiss 1979, table 2: six targets, four judges.
_JUDGES = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float)


def _pairs(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    truth = random.normal(60, 12, (50, 1))
    return truth, 0.8 * truth + 9 + random.normal(0, 4, truth.shape)


def test_errors_equal_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    truth, found = _pairs()
    scores = score_regression(truth, found, ["age"])
    assert scores["mae/age"] == pytest.approx(metrics.mean_absolute_error(truth, found), abs=1e-9)
    assert scores["rmse/age"] == pytest.approx(metrics.root_mean_squared_error(truth, found), abs=1e-9)
    assert scores["median_error/age"] == pytest.approx(metrics.median_absolute_error(truth, found), abs=1e-9)
    assert scores["r2/age"] == pytest.approx(metrics.r2_score(truth, found), abs=1e-9)
    assert scores["pearson"] == pytest.approx(stats.pearsonr(truth[:, 0], found[:, 0]).statistic, abs=1e-9)


def test_agreement_equals_the_published_example() -> None:
    assert agreement(_JUDGES) == pytest.approx(0.29, abs=0.005)


def test_agreement_equals_a_slow_analysis_of_variance() -> None:
    n, k = _JUDGES.shape
    mean = _JUDGES.mean()
    rows = sum(k * (row.mean() - mean) ** 2 for row in _JUDGES) / (n - 1)
    columns = sum(n * (column.mean() - mean) ** 2 for column in _JUDGES.T) / (k - 1)
    total = sum((value - mean) ** 2 for row in _JUDGES for value in row)
    error = (total - rows * (n - 1) - columns * (k - 1)) / ((n - 1) * (k - 1))
    expected = (rows - error) / (rows + (k - 1) * error + k * (columns - error) / n)
    assert agreement(_JUDGES) == pytest.approx(expected, abs=1e-12)


def test_constant_offset_is_a_bias_and_costs_agreement_but_no_correlation() -> None:
    truth, _ = _pairs()
    scores = score_regression(truth, truth + 10, ["age"])
    assert scores["bias"] == pytest.approx(10)
    assert (scores["loa_low"], scores["loa_high"]) == pytest.approx((10, 10))
    assert scores["pearson"] == pytest.approx(1)
    assert scores["icc"] < 0.8


def test_limits_of_agreement_hold_19_of_20_errors() -> None:
    random = np.random.default_rng(3)
    truth = random.normal(0, 5, (4000, 1))
    found = truth + random.normal(1.5, 2, truth.shape)
    scores = score_regression(truth, found, ["age"])
    inside = ((found - truth > scores["loa_low"]) & (found - truth < scores["loa_high"])).mean()
    assert inside == pytest.approx(0.95, abs=0.01)


def test_cases_without_a_number_are_left_out_of_it_alone() -> None:
    truth = np.array([[1.0, np.nan], [2.0, 20.0], [4.0, 30.0]])
    found = np.array([[1.0, 99.0], [2.0, 21.0], [5.0, 31.0]])
    scores = score_regression(truth, found, ["one", "other"])
    assert scores["mae/one"] == pytest.approx(1 / 3)
    assert scores["mae/other"] == pytest.approx(1)
    assert "mae" not in scores
    assert scores["r2"] == pytest.approx((scores["r2/one"] + scores["r2/other"]) / 2)


def test_numbers_that_cannot_be_known_are_nan() -> None:
    alone = score_regression(np.array([[3.0]]), np.array([[4.0]]), ["age"])
    assert alone["mae"] == 1
    assert np.isnan([alone["r2"], alone["pearson"], alone["icc"], alone["loa_low"]]).all()
    nothing = score_regression(np.array([[np.nan]]), np.array([[4.0]]), ["age"])
    assert np.isnan(list(nothing.values())).all()


def test_intervals_hold_the_number_and_follow_patients() -> None:
    truth, found = _pairs()
    alone = measure_regression(truth, found, ["age"], [str(n) for n in range(50)], n_resamples=300)["mae"]
    together = measure_regression(truth, found, ["age"], [str(n // 10) for n in range(50)], n_resamples=300)["mae"]
    assert alone.ci95 is not None
    assert together.ci95 is not None
    assert alone.ci95[0] < alone.value < alone.ci95[1]


def test_arrays_that_do_not_fit_are_refused() -> None:
    with pytest.raises(DatasetError, match="expected \\(3, 1\\)"):
        measure_regression(np.zeros((3, 1)), np.zeros((2, 1)), ["age"], ["a", "b", "c"])
