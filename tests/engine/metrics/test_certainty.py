"""All right is not never wrong."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.engine.metrics.certainty import is_without_width, widen_certain
from napari_medclf.engine.metrics.classification import measure_classification, one_hot


def _measured(groups: list[str]):
    truth = one_hot([0] * 12 + [1] * 8, 2)
    probabilities = np.where(truth, 0.9, 0.1)
    metrics = measure_classification(truth, probabilities, truth, ["a", "b"], groups, n_resamples=100)
    return metrics, widen_certain(metrics, truth, truth, ["a", "b"], groups)


def test_interval_of_all_right_is_the_exact_one_of_scipy():
    from scipy.stats import binomtest

    before, after = _measured([str(n) for n in range(20)])
    assert is_without_width(before["accuracy"])
    for name, n in (("accuracy", 20), ("sensitivity/a", 12), ("specificity/a", 8), ("npv/a", 8)):
        theirs = binomtest(n, n).proportion_ci(0.95, method="exact")
        assert after[name].ci95 == pytest.approx((theirs.low, 1.0), abs=1e-9)
    assert after["sensitivity"].ci95 == after["sensitivity/b"].ci95  # the smaller class
    assert after["brier"] == before["brier"]


def test_images_of_one_patient_are_one_trial():
    _, after = _measured([str(n // 4) for n in range(20)])
    assert after["accuracy"].ci95[0] == pytest.approx(0.025 ** (1 / 5))
