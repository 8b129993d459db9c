"""How far people agree with each other beyond chance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Grades = NDArray[np.integer]
"""Positions of classes, one a case."""


def cohen_kappa(first: Grades, second: Grades, n_classes: int) -> float:
    """Agreement of two readers beyond chance (Cohen 1960); NaN where both gave every case the same one class.

    Parameters
    ----------
    first, second : (N,) int
        What each said, from 0 to n_classes - 1.

    >>> cohen_kappa(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), 2)
    0.5
    """
    table = np.zeros((n_classes, n_classes))
    np.add.at(table, (first, second), 1)
    table /= max(len(first), 1)
    by_chance = float(table.sum(axis=1) @ table.sum(axis=0))
    observed = float(np.trace(table))
    return (observed - by_chance) / (1 - by_chance) if by_chance < 1 else float("nan")


def fleiss_kappa(counts: NDArray[np.integer]) -> float:
    """Agreement of several readers beyond chance (Fleiss 1971); NaN where every reader gave one class only.

    Parameters
    ----------
    counts : (N, n_classes) int
        How many readers gave each case each class. Cases that fewer than two people read are left out; where the
        number of readers differs between cases, each counts with its own (Fleiss 1981, chapter 13).
    """
    table = np.asarray(counts, dtype=np.float64)
    n_readers = table.sum(axis=1)
    table, n_readers = table[n_readers > 1], n_readers[n_readers > 1]
    if not len(table):
        return float("nan")
    share = table.sum(axis=0) / table.sum()
    by_chance = float((share**2).sum())
    pairs_agreeing = ((table**2).sum(axis=1) - n_readers) / (n_readers * (n_readers - 1))
    return (float(pairs_agreeing.mean()) - by_chance) / (1 - by_chance) if by_chance < 1 else float("nan")


def dice_of(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    """Overlap of two masks of one shape; NaN where both are empty, which says nothing."""
    total = int(np.count_nonzero(first)) + int(np.count_nonzero(second))
    return 2 * int(np.count_nonzero(first & second)) / total if total else float("nan")
