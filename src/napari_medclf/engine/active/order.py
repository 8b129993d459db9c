"""Orders of cases by what their embeddings and doubts tell."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Embeddings = NDArray[np.floating]
"""(n, f): a row a case."""
N_MOST = 200
"""Nobody works through more cases before the model is asked again."""
_NEIGHBOURS = 5
_MOST_COMPARED = 3000


def most_unsure(doubt: NDArray[np.floating], is_open: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Indices of the open cases, the most unsure first; equal ones keep their order."""
    chosen = np.flatnonzero(is_open)
    return chosen[np.argsort(-doubt[chosen], kind="stable")]


def core_set(embeddings: Embeddings, is_open: NDArray[np.bool_], n_most: int = N_MOST) -> NDArray[np.intp]:
    """Order the open cases so that each is the one farthest from all that came before it.

    Parameters
    ----------
    embeddings : (n, f)
        Of all cases; those that are not open are the first centres.
    n_most : int
        After so many, the rest comes by its distance at that moment.

    Returns
    -------
    (m,) int
        Indices of the open cases. Without a centre the case nearest to the mean begins.

    Notes
    -----
    The greedy 2-approximation of the k-centre problem (Sener & Savarese 2018, Active learning for convolutional neural
    networks: a core-set approach). O(n f) a pick.
    """
    rows = standardised(embeddings)
    waiting = np.array(is_open, dtype=bool)
    nearest = np.full(len(rows), np.inf)
    for centre in np.flatnonzero(~waiting):
        nearest = np.minimum(nearest, _distances(rows, rows[centre]))
    order: list[int] = []
    for _ in range(min(int(waiting.sum()), n_most)):
        is_first = waiting.all()
        wanted = -_distances(rows, rows.mean(axis=0)) if is_first else nearest
        pick = int(np.argmax(np.where(waiting, wanted, -np.inf)))
        order.append(pick)
        waiting[pick] = False
        nearest = np.minimum(nearest, _distances(rows, rows[pick]))
    return np.asarray([*order, *most_unsure(nearest, waiting)], dtype=np.intp)


def expected_gain(
    embeddings: Embeddings, doubt: NDArray[np.floating], is_open: NDArray[np.bool_], n_most: int = N_MOST
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Order the open cases by how much doubt of all open cases an answer is expected to take away.

    An answer is taken to settle the case itself, and others by their likeness to it: exp(-d^2 / (2 s^2)) at the
    distance d, with s the median distance of a case to its fifth nearest neighbour (a nearer one in a small set).
    What answered cases have settled does not count again.

    Parameters
    ----------
    doubt : (n,)
        From 0 to 1, of every case.
    n_most : int
        After so many, the rest comes by its gain at that moment.

    Returns
    -------
    order : (m,) int
        Indices of the open cases.
    gain : (m,) float64
        Doubt that each takes away at its turn, in sure cases; it never grows along the order.

    Notes
    -----
    Greedy maximisation of a facility-location function weighted by uncertainty (Wei, Iyer & Bilmes 2015, Submodularity
    in data subset selection and active learning), which is within 1 - 1/e of the best choice. Of more than 3000 open
    cases the 3000 most unsure are looked at; the others follow with a gain of 0.
    """
    looked_at, others = np.split(most_unsure(doubt, is_open), [_MOST_COMPARED])
    rows = standardised(embeddings)
    scale = _scale(rows[looked_at])
    likeness = _likeness(rows[looked_at], rows[looked_at], scale)
    weights = np.asarray(doubt, dtype=np.float64)[looked_at]
    settled = np.zeros(len(looked_at))
    for part in np.array_split(np.flatnonzero(~is_open), max(1, len(rows) // _MOST_COMPARED)):
        settled = np.maximum(settled, _likeness(rows[part], rows[looked_at], scale).max(axis=0, initial=0.0))
    waiting = np.ones(len(looked_at), dtype=bool)
    order: list[int] = []
    gains: list[float] = []
    for _ in range(min(len(looked_at), n_most)):
        gain = np.maximum(likeness - settled, 0.0) @ weights
        pick = int(np.argmax(np.where(waiting, gain, -np.inf)))
        order.append(pick)
        gains.append(float(gain[pick]))
        waiting[pick] = False
        settled = np.maximum(settled, likeness[pick])
    left = np.maximum(likeness - settled, 0.0) @ weights
    rest = most_unsure(left, waiting)
    turns = np.concatenate([looked_at[order], looked_at[rest], others]).astype(np.intp)
    return turns, np.concatenate([gains, left[rest], np.zeros(len(others))])


def standardised(embeddings: Embeddings) -> NDArray[np.float64]:
    """Give every column a mean of 0 and, unless it is constant, a standard deviation of 1."""
    rows = np.asarray(embeddings, dtype=np.float64)
    spread = rows.std(axis=0)
    return np.asarray((rows - rows.mean(axis=0)) / np.where(spread > 0, spread, 1.0))


def _distances(rows: NDArray[np.float64], centre: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.sqrt(((rows - centre) ** 2).sum(axis=1)))


def _scale(rows: NDArray[np.float64]) -> float:
    """Median distance to the fifth nearest neighbour, found on 500 rows of a large set."""
    if len(rows) < 2:
        return 1.0
    some = rows[:: max(1, len(rows) // 500)]
    n_neighbours = min(_NEIGHBOURS, max(len(rows) // 4, 1), len(rows) - 1)
    distances = np.sqrt(_squares(some, rows))
    return float(np.median(np.sort(distances, axis=1)[:, n_neighbours])) or 1.0


def _likeness(first: NDArray[np.float64], second: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    return np.asarray(np.exp(-_squares(first, second) / (2 * scale**2)))


def _squares(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Squared distances (len(first), len(second))."""
    apart = (first**2).sum(axis=1)[:, None] + (second**2).sum(axis=1)[None] - 2 * first @ second.T
    return np.asarray(np.maximum(apart, 0.0))
