"""What a number usually is, and how far that varies: robust against the very cases that are looked for."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.float64]
"""(n, t): a row a case, a column a number; NaN where a case has it not."""
LARGEST = 8.0
"""Farther out than so many spreads, nothing is more unlike."""
FEWEST = 5
"""Fewer cases tell nothing of what is usual."""
_SMALLEST_SPREAD: Mapping[str, float] = {
    "look": 0.02,
    "feature": 0.02,
    "shape": 0.05,
    "fit": 0.1,
    "pieces": 0.3,
    "size": 0.1,
    "doubt": 0.1,
}
"""Of each kind of number: less than this is no difference that a person would see."""


def centre_and_spread(numbers: Table, names: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Median and robust standard deviation of every column; NaN where fewer than 5 cases have a number.

    Notes
    -----
    1.4826 times the median absolute deviation, widened where cases are few.
    """
    n_known = np.isfinite(numbers).sum(axis=0)
    floor = np.array([_SMALLEST_SPREAD.get(name.partition(":")[0], 0.05) for name in names])
    if not numbers.size:
        return np.full(len(names), np.nan), np.full(len(names), np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of columns that are all NaN
        centre, low, high = np.nanpercentile(numbers, (50, 2, 98), axis=0)
        deviation = 1.4826 * np.nanmedian(np.abs(numbers - centre), axis=0)
        clipped = np.nanstd(np.clip(numbers, low, high), axis=0)
    # Numbers that most cases share, such as one piece, have no median deviation.
    spread = np.maximum(np.maximum(deviation, 0.3 * clipped), floor) * (1 + 4 / np.maximum(n_known, 1))
    is_known = n_known >= FEWEST
    return np.where(is_known, centre, np.nan), np.where(is_known, spread, np.nan)
