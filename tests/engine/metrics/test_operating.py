"""The threshold keeps its promise, and its numbers are those of the confusion matrix."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.errors import DatasetError
from napari_medclf.engine.metrics.operating import measure_at, score_at, threshold_for_sensitivity


def _cases(n: int = 200, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.random(n) < 0.3
    return truth, (rng.normal(size=n) + 1.5 * truth).round(2)


@pytest.mark.parametrize("wanted", [0.5, 0.9, 0.95, 1.0])
def test_threshold_is_the_highest_that_finds_enough(wanted):
    from sklearn.metrics import roc_curve

    truth, scores = _cases()
    x, y, thresholds = roc_curve(truth, scores, drop_intermediate=False)
    expected = thresholds[np.flatnonzero(y >= wanted - 1e-12)[0]]
    found = threshold_for_sensitivity(truth, scores, wanted)
    assert found == pytest.approx(expected, abs=1e-9)
    at = score_at(truth, scores, found)
    assert at["sensitivity"] >= wanted - 1e-12
    assert at["specificity"] == pytest.approx(1 - x[thresholds == expected][0], abs=1e-9)


def test_numbers_equal_scikit_learn():
    from sklearn import metrics

    truth, scores = _cases(seed=4)
    said = scores >= 0.7
    at = score_at(truth, scores, 0.7)
    assert at["sensitivity"] == pytest.approx(metrics.recall_score(truth, said), abs=1e-9)
    assert at["specificity"] == pytest.approx(metrics.recall_score(~truth, ~said), abs=1e-9)
    assert at["precision"] == pytest.approx(metrics.precision_score(truth, said), abs=1e-9)
    assert at["npv"] == pytest.approx(metrics.precision_score(~truth, ~said), abs=1e-9)


def test_choice_on_the_same_cases_is_part_of_the_interval():
    truth, scores = _cases(seed=2)
    groups = [str(n) for n in range(len(truth))]
    threshold = threshold_for_sensitivity(truth, scores, 0.95)
    fixed = measure_at(truth, scores, groups, threshold=threshold, n_resamples=300)
    chosen = measure_at(truth, scores, groups, sensitivity=0.95, n_resamples=300)
    assert fixed["specificity"].value == chosen["specificity"].value
    widths = [one["specificity"].ci95[1] - one["specificity"].ci95[0] for one in (fixed, chosen)]
    assert widths[1] > 1.3 * widths[0]
    assert chosen["sensitivity"].ci95[0] >= 0.95


def test_class_that_nobody_has_and_impossible_wishes_are_sentences():
    with pytest.raises(DatasetError, match="No case has the class"):
        measure_at(np.zeros(4, dtype=bool), np.arange(4.0), list("abcd"))
    with pytest.raises(DatasetError, match=r"sensitivity of 1\.5"):
        threshold_for_sensitivity(np.ones(3, dtype=bool), np.arange(3.0), 1.5)
