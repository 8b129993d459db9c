"""How far off the classes are where they have an order."""

from __future__ import annotations

import numpy as np

from napari_medclf.domain.arrays import BoolArray, LabelArray


def score_order(truth: LabelArray, decided: LabelArray, n_classes: int) -> dict[str, float]:
    """Compare grades (N,), which are positions of classes in their order.

    Returns
    -------
    dict of str to float
        ``grade_error``: mean distance in grades; ``within_one``: part of the cases off by one grade at most;
        ``kappa_quadratic``: Cohen's kappa with quadratic weights (Cohen 1968), NaN where all have one grade.
    """
    distance = np.abs(truth.astype(np.int64) - decided)
    return {
        "grade_error": float(distance.mean()),
        "within_one": float((distance <= 1).mean()),
        "kappa_quadratic": quadratic_kappa(truth, decided, n_classes),
    }


def quadratic_kappa(truth: LabelArray, decided: LabelArray, n_classes: int) -> float:
    """Agreement beyond chance, where an error counts by the square of its distance (Cohen 1968).

    Raises
    ------
    IndexError
        If a grade is no position of a class.
    """
    table = np.zeros((n_classes, n_classes))
    np.add.at(table, (truth, decided), 1)
    grades = np.arange(n_classes)
    cost = (grades[:, np.newaxis] - grades) ** 2
    by_chance = np.outer(table.sum(axis=1), table.sum(axis=0)) / max(len(truth), 1)
    expected = float((cost * by_chance).sum())
    return 1 - float((cost * table).sum()) / expected if expected else float("nan")


def grades_of(is_class: BoolArray) -> LabelArray:
    """Give the position of each row's only class (N, C).

    >>> grades_of(np.array([[False, True, False]])).tolist()
    [1]
    """
    return np.asarray(is_class.argmax(axis=1))
