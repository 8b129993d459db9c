"""How far a case is from those that are most like it, and what is usual among these."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from napari_medclf.engine.triage.spread import FEWEST, LARGEST, Table

_AT_ONCE = 1000
_MOST_COMPARED = 1000


def neighbour_distance(apart: Table, part: float = 0.1, n_most: int = _MOST_COMPARED) -> NDArray[np.float64]:
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
    n = len(apart)
    if n < FEWEST or not apart.shape[1]:
        return np.full(n, np.nan)
    k = _n_neighbours(min(n, n_most), part)
    found = [np.partition(squares, k - 1, axis=1)[:, k - 1] for squares in _squares(apart, _chosen(n, n_most))]
    return np.asarray(np.sqrt(np.maximum(np.concatenate(found), 0) / apart.shape[1]))


def usual_among_neighbours(
    apart: Table, numbers: Table, part: float = 0.2, n_most: int = _MOST_COMPARED
) -> NDArray[np.float64]:
    """Medians (n, m) of numbers of the cases that are nearest to each case; NaN where there are too few cases.

    Parameters
    ----------
    apart : (n, t)
        As in `neighbour_distance`: by these numbers cases are near.
    numbers : (n, m)
        Whose medians are wanted; NaN is left out.
    """
    n = len(apart)
    if n < FEWEST or not apart.shape[1]:
        return np.full(numbers.shape, np.nan)
    chosen, k = _chosen(n, n_most), _n_neighbours(min(n, n_most), part)
    nearest = (chosen[np.argpartition(squares, k - 1, axis=1)[:, :k]] for squares in _squares(apart, chosen))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # where no neighbour has a number
        return np.concatenate([np.nanmedian(numbers[some], axis=1) for some in nearest])


def _n_neighbours(n: int, part: float) -> int:
    return min(max(round(part * n), round(30 * part)), round(250 * part), n - 1)


def _chosen(n: int, n_most: int) -> NDArray[np.intp]:
    """Places of the cases that the others are compared with."""
    return np.unique(np.linspace(0, n - 1, min(n, n_most)).astype(np.intp))


def _squares(apart: Table, chosen: NDArray[np.intp]) -> Iterator[Table]:
    """Squared distances of all cases, some at a time, to the chosen ones; infinite to a case itself."""
    rows = np.clip(np.nan_to_num(apart), -LARGEST, LARGEST)
    others = rows[chosen]
    place = np.full(len(rows), -1)
    place[chosen] = np.arange(len(chosen))
    for at in range(0, len(rows), _AT_ONCE):
        some, own = rows[at : at + _AT_ONCE], place[at : at + _AT_ONCE]
        squares = (some**2).sum(axis=1)[:, None] + (others**2).sum(axis=1)[None] - 2 * some @ others.T
        itself = np.flatnonzero(own >= 0)
        squares[itself, own[itself]] = np.inf
        yield squares
