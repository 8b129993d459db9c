"""How well scores tell classes apart, and how far they can be taken as probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import BoolArray, FloatArray
from napari_medclf.domain.card import Metric
from napari_medclf.domain.errors import DatasetError
from napari_medclf.engine.metrics.bootstrap import Statistic, bootstrap, mean_of_defined

N_CALIBRATION_BINS = 15
_PER_CLASS = (
    "auc", "average_precision", "sensitivity", "specificity", "precision", "npv", "f1", "mcc", "ece", "brier"
)  # fmt: skip


def measure_classification(
    truth: BoolArray,
    probabilities: FloatArray,
    decided: BoolArray,
    names: Sequence[str],
    groups: Sequence[str],
    *,
    is_exclusive: bool = True,
    n_resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Metric]:
    """Measure a classifier on a set, with 95 % intervals by group.

    Parameters
    ----------
    truth, decided : (N, C) bool
        Which classes each case has, and which the model said; see `one_hot`.
    probabilities : (N, C)
        In [0, 1].
    groups : sequence of str
        Patient of each case.
    is_exclusive : bool
        Whether every case has exactly one class.

    Returns
    -------
    dict of str to Metric
        As `score_classification`.

    Raises
    ------
    DatasetError
        If the arrays do not fit together.
    """
    if len(truth) != len(groups):
        raise DatasetError(f"truth has shape {truth.shape}, expected {(len(groups), len(names))} (cases, classes).")
    statistic = statistic_of_classes(truth, probabilities, decided, names, is_exclusive=is_exclusive)
    return bootstrap(statistic, groups, n_resamples=n_resamples, seed=seed)


def statistic_of_classes(
    truth: BoolArray, probabilities: FloatArray, decided: BoolArray, names: Sequence[str], *, is_exclusive: bool = True
) -> Statistic:
    """Make the statistic that scores the drawn cases; arguments as for `measure_classification`.

    Raises
    ------
    DatasetError
        If the arrays do not fit together.
    """
    shape = (len(truth), len(names))
    for what, array in (("truth", truth), ("probabilities", probabilities), ("decided", decided)):
        if array.shape != shape:
            raise DatasetError(f"{what} has shape {array.shape}, expected {shape} (cases, classes).")

    def statistic(chosen: NDArray[np.intp]) -> Mapping[str, float]:
        return score_classification(
            truth[chosen], probabilities[chosen], decided[chosen], names, is_exclusive=is_exclusive
        )

    return statistic


def score_classification(
    truth: BoolArray, probabilities: FloatArray, decided: BoolArray, names: Sequence[str], *, is_exclusive: bool = True
) -> dict[str, float]:
    """Compute every number once, without intervals.

    Returns
    -------
    dict of str to float
        ``auc``, ``average_precision``, ``sensitivity``, ``specificity``, ``precision``, ``npv`` (negative predictive
        value), ``f1``, ``brier`` are macro averages, and ``auc/<class>`` and so on those of one class against the
        rest. ``accuracy`` is the part of cases that are right in every class; ``balanced_accuracy`` the mean
        sensitivity over exclusive classes, else the mean of sensitivity and specificity. ``mcc`` (Matthews) and
        ``kappa`` (Cohen) are of all classes
        together where they are exclusive, else ``mcc`` is the macro average and there is no kappa. ``ece`` is of the
        most probable class where classes are exclusive, else the macro average. A number without a case to measure
        it on is NaN.
    """
    scores: dict[str, float] = {"accuracy": float((truth == decided).all(axis=1).mean())}
    for position, name in enumerate(names):
        one = _score_class(truth[:, position], probabilities[:, position], decided[:, position])
        scores.update({f"{metric}/{name}": value for metric, value in one.items()})
    if is_exclusive and len(names) == 2:  # one curve; rounding of 1 - p must not break its ties in another way
        scores[f"auc/{names[0]}"] = scores[f"auc/{names[1]}"]
    for metric in _PER_CLASS:
        scores[metric] = mean_of_defined([scores[f"{metric}/{name}"] for name in names])
    scores["balanced_accuracy"] = scores["sensitivity"]
    if is_exclusive:
        top = probabilities.argmax(axis=1)
        rows = np.arange(len(top))
        scores["ece"] = calibration_error(truth[rows, top], probabilities[rows, top])
        scores["mcc"], scores["kappa"] = _agreement(truth, decided)
    else:
        scores["balanced_accuracy"] = (scores["sensitivity"] + scores["specificity"]) / 2
    return scores


def one_hot(indices: Sequence[int], n_classes: int) -> BoolArray:
    """Turn class indices (N,) into (N, n_classes) bool.

    >>> one_hot([1, 0], 2).tolist()
    [[False, True], [True, False]]
    """
    return np.asarray(indices)[:, np.newaxis] == np.arange(n_classes)


def area_under_curve(truth: BoolArray, scores: FloatArray) -> float:
    """Probability that a case with the class scores above one without; ties count half (Hanley 1982)."""
    positive, negative = scores[truth], np.sort(scores[~truth])
    if not positive.size or not negative.size:
        return float("nan")
    n_below = np.searchsorted(negative, positive, side="left").sum(dtype=np.float64)
    n_not_above = np.searchsorted(negative, positive, side="right").sum(dtype=np.float64)
    return float((n_below + n_not_above) / 2 / (positive.size * negative.size))


def average_precision(truth: BoolArray, scores: FloatArray) -> float:
    """Precision averaged over the steps of recall, cases of one score taken together (as scikit-learn does)."""
    n_positive = int(np.count_nonzero(truth))
    if not n_positive:
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    is_last_of_score = np.append(np.diff(scores[order]) != 0, True)
    n_found = np.cumsum(truth[order])[is_last_of_score]
    n_said = np.flatnonzero(is_last_of_score) + 1
    gains = np.diff(n_found, prepend=0) / n_positive
    return float((gains * n_found / n_said).sum())


def calibration_error(truth: BoolArray, probabilities: FloatArray, n_bins: int = N_CALIBRATION_BINS) -> float:
    """Expected calibration error with bins of equal mass (Nguyen & O'Connor 2015)."""
    order = np.argsort(probabilities, kind="stable")
    surplus = np.concatenate([[0.0], np.cumsum((probabilities - truth)[order], dtype=np.float64)])
    size, n_larger = divmod(len(truth), n_bins)
    edges = np.cumsum([0] + [size + 1] * n_larger + [size] * (n_bins - n_larger))
    return float(np.abs(np.diff(surplus[edges])).sum() / len(truth))


def _score_class(truth: BoolArray, probabilities: FloatArray, decided: BoolArray) -> dict[str, float]:
    n_right = int(np.count_nonzero(truth & decided))
    n_missed = int(np.count_nonzero(truth & ~decided))
    n_false = int(np.count_nonzero(~truth & decided))
    n_left = len(truth) - n_right - n_missed - n_false
    return {
        "auc": area_under_curve(truth, probabilities),
        "average_precision": average_precision(truth, probabilities),
        "sensitivity": _ratio(n_right, n_right + n_missed),
        "specificity": _ratio(n_left, n_left + n_false),
        "precision": _ratio(n_right, n_right + n_false),
        "npv": _ratio(n_left, n_left + n_missed),
        "mcc": _matthews(n_right, n_missed, n_false, n_left),
        "f1": _ratio(2 * n_right, 2 * n_right + n_missed + n_false),
        "ece": calibration_error(truth, probabilities),
        "brier": float(((probabilities - truth) ** 2).mean()),
    }


def _matthews(n_right: int, n_missed: int, n_false: int, n_left: int) -> float:
    margins = (n_right + n_false) * (n_right + n_missed) * (n_left + n_false) * (n_left + n_missed)
    return _ratio(n_right * n_left - n_false * n_missed, float(margins) ** 0.5)


def _agreement(truth: BoolArray, decided: BoolArray) -> tuple[float, float]:
    """Matthews' coefficient (Gorodkin 2004) and Cohen's kappa (1960) of exclusive classes; NaN where not defined."""
    table = truth.T.astype(np.float64) @ decided.astype(np.float64)
    n, n_right = table.sum(), np.trace(table)
    have, said = table.sum(axis=1), table.sum(axis=0)
    by_chance = float(have @ said)
    spread = float(n**2 - said @ said) * float(n**2 - have @ have)
    return _ratio(float(n_right * n) - by_chance, spread**0.5), _ratio(
        float(n_right * n) - by_chance, float(n**2) - by_chance
    )


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
