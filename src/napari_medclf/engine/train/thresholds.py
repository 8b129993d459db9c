"""From which probability on an independent class is said to be present: chosen on validation cases."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_medclf.domain.arrays import BoolArray, FloatArray

FEWEST_CASES = 5
"""With fewer cases on either side a threshold would follow single cases; 0.5 is kept."""


def choose_thresholds(truth: BoolArray, probabilities: FloatArray, names: Sequence[str]) -> dict[str, float]:
    """Choose for every class the probability with the best F1 (Lipton 2014).

    Parameters
    ----------
    truth, probabilities : (N, C)
        Of validation cases, never of training or test cases; the probabilities are calibrated.

    Returns
    -------
    dict of str to float
        Half-way between the two neighbouring probabilities; without classes of which validation has fewer than
        `FEWEST_CASES` cases with, or without them.
    """
    chosen = {}
    for position, name in enumerate(names):
        is_there = np.asarray(truth[:, position], dtype=bool)
        n_there = int(np.count_nonzero(is_there))
        if min(n_there, len(is_there) - n_there) >= FEWEST_CASES:
            chosen[name] = best_f1_threshold(is_there, probabilities[:, position])
    return chosen


def best_f1_threshold(truth: BoolArray, probabilities: FloatArray) -> float:
    """Find the threshold in [0, 1] with the highest F1 of ``probabilities >= threshold``; the highest of equal ones.

    Parameters
    ----------
    truth, probabilities : (N,)
    """
    order = np.argsort(-probabilities, kind="stable")
    ranked = probabilities[order].astype(np.float64)
    n_found = np.cumsum(truth[order])
    n_said = np.arange(1, len(ranked) + 1)
    f1 = 2 * n_found / (n_said + np.count_nonzero(truth))
    is_cut = np.append(np.diff(ranked) != 0, True)  # cases of one probability are said together
    best = int(np.argmax(np.where(is_cut, f1, -1)))
    below = ranked[best + 1] if best + 1 < len(ranked) else 0.0
    return float((ranked[best] + below) / 2)
