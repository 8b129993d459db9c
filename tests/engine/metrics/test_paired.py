"""A difference between two models is told by the cases that both saw."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.verdict import Judgement
from napari_medclf.engine.metrics.bootstrap import bootstrap_means, statistic_of_means
from napari_medclf.engine.metrics.paired import compare_paired


def _dice(n: int, seed: int = 0) -> np.ndarray:
    """Cases that differ much more from each other than the models do."""
    return np.random.default_rng(seed).uniform(0.3, 0.8, n)


def test_small_gain_on_every_case_is_seen_though_the_intervals_overlap():
    first = _dice(30)
    second = first + np.random.default_rng(1).normal(0.02, 0.01, 30)
    groups = [str(n) for n in range(30)]

    found = compare_paired(statistic_of_means({"dice": first}), statistic_of_means({"dice": second}), groups)["dice"]

    assert found.judgement is Judgement.BETTER
    assert found.value == pytest.approx(second.mean() - first.mean(), abs=1e-12)
    alone = [bootstrap_means({"dice": values.tolist()}, groups)["dice"].ci95 for values in (first, second)]
    assert alone[0][1] > alone[1][0]  # unpaired, nothing could be said


@pytest.mark.parametrize(
    ("name", "step", "verdict"),
    [
        ("dice", -0.05, Judgement.WORSE),
        ("hd95_mm", -0.05, Judgement.BETTER),
        ("ece/sick", 0.05, Judgement.WORSE),
        ("dice", 0.0, Judgement.SAME),
    ],
)
def test_less_of_an_error_is_better(name, step, verdict):
    first = _dice(40)

    found = compare_paired(
        statistic_of_means({name: first}), statistic_of_means({name: first + step}), [str(n) for n in range(40)]
    )

    assert found[name].judgement is verdict


def test_images_of_one_patient_are_not_many_patients():
    first = _dice(40)
    second = first + np.repeat(np.random.default_rng(3).normal(0.01, 0.05, 4), 10)
    values = statistic_of_means({"dice": first}), statistic_of_means({"dice": second})

    by_image = compare_paired(*values, [str(n) for n in range(40)])["dice"].ci95
    by_patient = compare_paired(*values, [str(n // 10) for n in range(40)])["dice"].ci95

    assert by_patient[1] - by_patient[0] > 2 * (by_image[1] - by_image[0])


def test_with_one_patient_nothing_is_claimed():
    first = _dice(3)

    found = compare_paired(statistic_of_means({"dice": first}), statistic_of_means({"dice": first + 0.2}), ["p"] * 3)

    assert (found["dice"].ci95, found["dice"].judgement) == (None, Judgement.SAME)


def test_no_difference_is_called_one_about_as_often_as_promised():
    n_called = 0
    for seed in range(100):
        noise = np.random.default_rng(seed).normal(0, 0.02, (2, 40)) + _dice(40, seed)
        first, second = (statistic_of_means({"dice": row}) for row in noise)
        found = compare_paired(first, second, [str(n) for n in range(40)], n_resamples=200)
        n_called += found["dice"].judgement is not Judgement.SAME

    assert n_called <= 13
