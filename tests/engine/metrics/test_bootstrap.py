"""Intervals by group: repeatable, and as wide as the number of patients allows."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.errors import DatasetError
from napari_medclf.engine.metrics.bootstrap import bootstrap, bootstrap_means, percentiles


def test_interval_of_a_mean_is_that_of_the_normal_distribution() -> None:
    values = np.random.default_rng(1).normal(0.7, 0.1, size=400)
    metric = bootstrap_means({"dice": values.tolist()}, [str(n) for n in range(400)])["dice"]
    assert metric.value == pytest.approx(values.mean())
    half_width = 1.96 * values.std() / np.sqrt(400)
    assert metric.ci95 == pytest.approx((values.mean() - half_width, values.mean() + half_width), abs=0.0015)


def test_images_of_one_patient_do_not_count_as_many_patients() -> None:
    per_patient = np.random.default_rng(1).normal(0.7, 0.1, size=20)
    values = np.repeat(per_patient, 20).tolist()
    by_image = bootstrap_means({"dice": values}, [str(n) for n in range(400)])["dice"].ci95
    by_patient = bootstrap_means({"dice": values}, [str(n // 20) for n in range(400)])["dice"].ci95
    assert by_image is not None
    assert by_patient is not None
    assert (by_patient[1] - by_patient[0]) > 3 * (by_image[1] - by_image[0])


def test_same_seed_gives_the_same_interval() -> None:
    values = {"a": np.random.default_rng(0).random(40).tolist()}
    groups = [str(n) for n in range(40)]
    assert bootstrap_means(values, groups, seed=3) == bootstrap_means(values, groups, seed=3)
    assert bootstrap_means(values, groups, seed=3) != bootstrap_means(values, groups, seed=4)


def test_single_group_has_no_interval() -> None:
    assert bootstrap_means({"a": [0.1, 0.3]}, ["p", "p"])["a"].ci95 is None


def test_undefined_cases_are_left_out() -> None:
    metrics = bootstrap_means({"a": [0.2, float("nan"), 0.4], "b": [float("nan")] * 3}, ["p", "q", "r"])
    assert metrics["a"].value == pytest.approx(0.3)
    assert metrics["a"].ci95 == pytest.approx((0.2, 0.4))
    assert np.isnan(metrics["b"].value)
    assert metrics["b"].ci95 is None


def test_cases_of_a_drawn_group_come_together() -> None:
    draws: list[tuple[int, ...]] = []

    def statistic(chosen: np.ndarray) -> dict[str, float]:
        draws.append(tuple(chosen.tolist()))
        return {"n": float(len(chosen))}

    bootstrap(statistic, ["p", "q", "p"], n_resamples=50)
    assert set(draws[1:]) == {(0, 2, 1), (1, 0, 2), (0, 2, 0, 2), (1, 1)}


def test_percentiles_are_those_of_hesterberg_and_plain_ones_for_many_groups() -> None:
    from scipy.stats import norm, t

    for n in (5, 20, 100):
        expected = 100 * norm.cdf(-((n / (n - 1)) ** 0.5) * t.ppf(0.975, n - 1))
        assert percentiles(n) == pytest.approx((expected, 100 - expected), abs=1e-9)
    assert percentiles(100_000) == pytest.approx((2.5, 97.5), abs=0.001)


@pytest.mark.parametrize("n_images", [1, 4])
def test_interval_by_patient_covers_the_true_mean_about_as_often_as_it_says(n_images: int) -> None:
    """Half of the spread is shared by the images of a patient; 25 patients a study."""
    n_covered = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        shared = np.repeat(rng.normal(0.8, 0.07, size=25), n_images)
        values = shared + rng.normal(0, 0.07, size=25 * n_images)
        groups = [str(n // n_images) for n in range(25 * n_images)]
        interval = bootstrap_means({"dice": values.tolist()}, groups, n_resamples=150, seed=seed)["dice"].ci95
        assert interval is not None
        n_covered += interval[0] <= 0.8 <= interval[1]
    assert 0.90 <= n_covered / 150 <= 0.99


def test_no_cases_are_a_sentence() -> None:
    with pytest.raises(DatasetError, match="no cases to measure on"):
        bootstrap_means({"dice": []}, [])
