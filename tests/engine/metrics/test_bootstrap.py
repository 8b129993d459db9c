"""Intervals by group: repeatable, and as wide as the number of patients allows."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.errors import DatasetError
from napari_medclf.engine.metrics.bootstrap import bootstrap, bootstrap_means


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
    values = {"a": [0.1, 0.5, 0.9, 0.4]}
    groups = ["p", "q", "r", "s"]
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


def test_no_cases_are_a_sentence() -> None:
    with pytest.raises(DatasetError, match="no cases to measure on"):
        bootstrap_means({"dice": []}, [])
