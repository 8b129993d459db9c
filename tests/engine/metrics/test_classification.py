"""Numbers of a classifier equal those of scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.errors import DatasetError
from napari_medclf.engine.metrics.classification import (
    area_under_curve,
    calibration_error,
    measure_classification,
    one_hot,
    score_classification,
)


def _case(n: int, n_classes: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.integers(n_classes, size=n)
    logits = rng.normal(size=(n, n_classes)) + 1.2 * one_hot(truth, n_classes)
    logits = logits.round(1)  # ties
    return truth, np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


@pytest.mark.parametrize("n_classes", [2, 4])
def test_exclusive_classes_equal_scikit_learn(n_classes: int) -> None:
    from sklearn import metrics

    truth, probabilities = _case(300, n_classes)
    names = [f"class {n}" for n in range(n_classes)]
    decided = probabilities.argmax(axis=1)
    scores = score_classification(one_hot(truth, n_classes), probabilities, one_hot(decided, n_classes), names)
    curve = probabilities[:, 1] if n_classes == 2 else probabilities
    assert scores["auc"] == pytest.approx(metrics.roc_auc_score(truth, curve, multi_class="ovr"), abs=1e-9)
    assert scores["accuracy"] == pytest.approx(metrics.accuracy_score(truth, decided), abs=1e-9)
    assert scores["balanced_accuracy"] == pytest.approx(metrics.balanced_accuracy_score(truth, decided), abs=1e-9)
    assert scores["f1"] == pytest.approx(metrics.f1_score(truth, decided, average="macro"), abs=1e-9)
    assert scores["mcc"] == pytest.approx(metrics.matthews_corrcoef(truth, decided), abs=1e-9)
    assert scores["kappa"] == pytest.approx(metrics.cohen_kappa_score(truth, decided), abs=1e-9)
    assert scores["precision"] == pytest.approx(metrics.precision_score(truth, decided, average="macro"), abs=1e-9)
    for number, name in enumerate(names):
        has, says = truth == number, decided == number
        area = metrics.average_precision_score(has, probabilities[:, number])
        assert scores[f"average_precision/{name}"] == pytest.approx(area, abs=1e-9)
        assert scores[f"mcc/{name}"] == pytest.approx(metrics.matthews_corrcoef(has, says), abs=1e-9)
        (n_left, n_false), (n_missed, n_right) = metrics.confusion_matrix(has, says)
        assert scores[f"sensitivity/{name}"] == pytest.approx(n_right / (n_right + n_missed), abs=1e-9)
        assert scores[f"specificity/{name}"] == pytest.approx(n_left / (n_left + n_false), abs=1e-9)
        assert scores[f"f1/{name}"] == pytest.approx(metrics.f1_score(has, says), abs=1e-9)
        if n_classes > 2:
            curve = metrics.roc_auc_score(has, probabilities[:, number])
            assert scores[f"auc/{name}"] == pytest.approx(curve, abs=1e-9)
        brier = metrics.brier_score_loss(has, probabilities[:, number])
        assert scores[f"brier/{name}"] == pytest.approx(brier, abs=1e-9)


def test_independent_classes_equal_scikit_learn() -> None:
    from sklearn import metrics

    rng = np.random.default_rng(3)
    truth = rng.random((200, 3)) < (0.2, 0.5, 0.7)
    probabilities = np.clip(rng.normal(0.3, 0.2, truth.shape) + 0.4 * truth, 0, 1)
    decided = probabilities >= 0.5
    scores = score_classification(truth, probabilities, decided, ["a", "b", "c"], is_exclusive=False)
    assert scores["auc"] == pytest.approx(metrics.roc_auc_score(truth, probabilities, average="macro"), abs=1e-9)
    assert scores["accuracy"] == pytest.approx(metrics.accuracy_score(truth, decided), abs=1e-9)
    assert scores["f1"] == pytest.approx(metrics.f1_score(truth, decided, average="macro"), abs=1e-9)
    balanced = [metrics.balanced_accuracy_score(truth[:, n], decided[:, n]) for n in range(3)]
    assert scores["balanced_accuracy"] == pytest.approx(np.mean(balanced), abs=1e-9)


def test_calibration_error_of_honest_probabilities_is_small() -> None:
    rng = np.random.default_rng(5)
    probabilities = rng.random(20_000)
    assert calibration_error(rng.random(20_000) < probabilities, probabilities) < 0.02
    assert calibration_error(rng.random(20_000) < probabilities**2, probabilities) == pytest.approx(1 / 6, abs=0.01)


def test_calibration_error_by_hand() -> None:
    truth = np.array([False, True, True, True])
    error = calibration_error(truth, np.array([0.1, 0.3, 0.8, 0.6]), n_bins=2)
    assert error == pytest.approx((2 * abs(0.2 - 0.5) + 2 * abs(0.7 - 1)) / 4)


def test_curve_without_a_positive_case_is_undefined() -> None:
    assert np.isnan(area_under_curve(np.zeros(4, dtype=bool), np.arange(4.0)))


def test_absent_class_does_not_spoil_the_average() -> None:
    truth, probabilities = _case(60, 3)
    probabilities, keep = probabilities[truth < 2], truth[truth < 2]
    scores = score_classification(
        one_hot(keep, 3), probabilities, one_hot(probabilities.argmax(axis=1), 3), ["a", "b", "c"]
    )
    assert np.isnan(scores["auc/c"])
    assert scores["auc"] == pytest.approx((scores["auc/a"] + scores["auc/b"]) / 2)


def test_interval_holds_the_value() -> None:
    truth, probabilities = _case(120, 2)
    decided = one_hot(probabilities.argmax(axis=1), 2)
    groups = [str(n // 2) for n in range(120)]
    metrics = measure_classification(one_hot(truth, 2), probabilities, decided, ["a", "b"], groups, n_resamples=200)
    for name in ("auc", "accuracy", "sensitivity/a", "brier"):
        low, high = metrics[name].ci95
        assert low < metrics[name].value < high


def test_arrays_that_do_not_fit_are_refused() -> None:
    with pytest.raises(DatasetError, match=r"probabilities has shape \(3, 3\), expected \(3, 2\)"):
        measure_classification(one_hot([0, 1, 1], 2), np.ones((3, 3)), one_hot([0, 1, 1], 2), ["a", "b"], list("pqr"))
