"""How far a case is from those that are most like it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.engine.triage.spread import FEWEST, LARGEST, Table

_AT_ONCE = 1000


def neighbour_distance(apart: Table, part: float = 0.1, n_most: int = 1000) -> NDArray[np.float64]:
    """How far a case is from the nearest part of the others, (n,), in spreads a number.

    Cohorts of several kinds of images (two scanners, two stains) have several centres; a case of each has neighbours.

    Parameters
    ----------
    apart : (n, t)
        Spreads from the usual; NaN counts as usual.
    part : float
        Of the cases so many are neighbours: by default a tenth, at least 3, and at most 25. Failures that are all
        alike are each other's neighbours until there are more of them.
    n_most : int
        Of more cases so many, evenly spread, are compared with; a case is never its own neighbour.
    """
    rows = np.clip(np.nan_to_num(apart), -LARGEST, LARGEST)
    n = len(rows)
    if n < FEWEST or not rows.shape[1]:
        return np.full(n, np.nan)
    chosen = np.unique(np.linspace(0, n - 1, min(n, n_most)).astype(np.intp))
    place = np.full(n, -1)
    place[chosen] = np.arange(len(chosen))
    fewest, most = round(30 * part), round(250 * part)
    k = min(max(round(part * len(chosen)), fewest), most, len(chosen) - 1)
    starts = range(0, n, _AT_ONCE)
    parts = [_kth_nearest(rows[at : at + _AT_ONCE], rows[chosen], place[at : at + _AT_ONCE], k) for at in starts]
    return np.asarray(np.sqrt(np.concatenate(parts) / rows.shape[1]))


def _kth_nearest(rows: Table, others: Table, own: NDArray[np.integer[Any]], k: int) -> NDArray[np.float64]:
    """Squared distance of every row to the k-th nearest of the others; `own` is its place among them, or -1."""
    squares = (rows**2).sum(axis=1)[:, None] + (others**2).sum(axis=1)[None] - 2 * rows @ others.T
    itself = np.flatnonzero(own >= 0)
    squares[itself, own[itself]] = np.inf
    return np.asarray(np.maximum(np.partition(squares, k - 1, axis=1)[:, k - 1], 0))
