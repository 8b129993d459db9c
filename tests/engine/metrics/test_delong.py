"""The variance of an area equals DeLong's double sum, and its interval holds what it promises."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.errors import DatasetError
from napari_medclf.engine.metrics.classification import area_under_curve
from napari_medclf.engine.metrics.delong import area_interval, area_interval_by_group, compare_areas


def _cases(n: int, rng: np.random.Generator, gain: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    truth = rng.random(n) < 0.4
    truth[:4] = (True, True, False, False)
    return truth, (rng.normal(size=n) + gain * truth).round(1)  # ties


def _double_sum(truth: np.ndarray, first: np.ndarray, second: np.ndarray) -> float:
    """Covariance of two areas, written as in the paper: every pair of cases."""

    def parts(scores):
        positive, negative = scores[truth][:, None], scores[~truth][None]
        kernel = (positive > negative) + 0.5 * (positive == negative)
        return kernel.mean(axis=1), kernel.mean(axis=0)

    (a, b), (c, d) = parts(first), parts(second)
    n_positive, n_negative = truth.sum(), (~truth).sum()
    over_positive = ((a - a.mean()) * (c - c.mean())).sum() / (n_positive - 1) / n_positive
    over_negative = ((b - b.mean()) * (d - d.mean())).sum() / (n_negative - 1) / n_negative
    return over_positive + over_negative


def test_variance_equals_the_double_sum_of_the_paper():
    rng = np.random.default_rng(5)
    truth, first = _cases(120, rng)
    second = first + rng.normal(size=120).round(1)

    found = compare_areas(truth, first, second)

    variance = _double_sum(truth, first, first) + _double_sum(truth, second, second)
    variance -= 2 * _double_sum(truth, first, second)
    low, high = found.difference_ci95
    assert (high - low) / 2 == pytest.approx(1.959963984540054 * variance**0.5, rel=1e-9)
    assert found.first == pytest.approx(area_under_curve(truth, first), abs=1e-12)
    assert found.second == pytest.approx(area_under_curve(truth, second), abs=1e-12)
    area, (low, high) = area_interval(truth, first)
    assert (high - area) == pytest.approx(1.959963984540054 * _double_sum(truth, first, first) ** 0.5, rel=1e-9)


def test_interval_covers_the_true_area_as_often_as_it_says():
    from math import erf

    true_area = 0.5 * (1 + erf(1.0 / 2))  # two normals one standard deviation apart
    rng = np.random.default_rng(0)
    n_covered = 0
    for _ in range(400):
        truth = rng.random(150) < 0.5
        low, high = area_interval(truth, rng.normal(size=150) + truth)[1]
        n_covered += low <= true_area <= high

    assert 0.92 <= n_covered / 400 <= 0.975


def test_one_case_a_patient_is_the_plain_interval():
    truth, scores = _cases(90, np.random.default_rng(2))
    by_patient = area_interval_by_group(truth, scores, [str(n) for n in range(90)])
    assert by_patient[1] == pytest.approx(area_interval(truth, scores)[1], abs=1e-9)


def test_interval_by_patient_covers_where_the_plain_one_does_not():
    """Four images of a patient share most of what makes them look ill."""
    from math import erf

    n_patients, n_images, spread = 40, 4, 0.8
    true_area = 0.5 * (1 + erf(1.0 / 2))  # patients differ as cases do: two normals one standard deviation apart
    groups = [str(n // n_images) for n in range(n_patients * n_images)]
    n_covered = {"plain": 0, "by patient": 0}
    for seed in range(300):
        rng = np.random.default_rng(seed)
        truth = np.repeat(np.arange(n_patients) % 2 == 0, n_images)
        shared = np.repeat(rng.normal(size=n_patients) * spread**0.5, n_images)
        scores = shared + rng.normal(size=len(truth)) * (1 - spread) ** 0.5 + truth
        for name, interval in (
            ("plain", area_interval(truth, scores)[1]),
            ("by patient", area_interval_by_group(truth, scores, groups)[1]),
        ):
            n_covered[name] += interval[0] <= true_area <= interval[1]

    assert n_covered["by patient"] / 300 >= 0.90
    assert n_covered["plain"] / 300 <= 0.80


def test_same_model_does_not_differ_from_itself_and_a_better_one_does():
    rng = np.random.default_rng(1)
    truth, scores = _cases(300, rng)

    assert compare_areas(truth, scores, scores).p_value == 1.0
    better = compare_areas(truth, scores, scores + 2 * truth)
    assert better.difference > 0.1
    assert better.p_value < 1e-6


def test_too_few_cases_of_a_class_are_refused():
    with pytest.raises(DatasetError, match="1 cases with the class and 3 without it"):
        area_interval(np.array([True, False, False, False]), np.arange(4.0))
    with pytest.raises(DatasetError, match="1 patients with the class and 2 without it"):
        area_interval_by_group(np.array([True, True, False, False]), np.arange(4.0), ["p", "p", "q", "r"])
