"""Compare the numbers of many cases with each other, and with those of the cases a model was trained on."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.engine.triage.columns import Columns

Table = NDArray[np.float64]
"""(n, t): a row a case, a column a number; NaN where a case has it not."""
LARGEST = 8.0
"""Farther out than so many spreads, nothing is more unlike."""
_FEWEST = 5
_AT_ONCE = 1000
_FEWEST_TO_CORRELATE = 15
_CLIPPED = 4.0
_SHRINKAGE = 0.1
_SMALLEST_SPREAD: Mapping[str, float] = {
    "look": 0.02,
    "shape": 0.05,
    "fit": 0.1,
    "pieces": 0.3,
    "size": 0.1,
    "doubt": 0.1,
}
"""Of each kind of number: less than this is no difference that a person would see."""


@dataclass(frozen=True, eq=False)
class Figures:
    """What the numbers of a model's training cases are like.

    Parameters
    ----------
    n_cases : int
        How many there were.
    centres, spreads : dict
        Median of a number, and its robust standard deviation.
    looks : tuple of str
        Numbers of the image, whose correlations are known.
    correlations : (f, f) or None
        Of `looks`.
    """

    n_cases: int = 0
    centres: Mapping[str, float] = field(default_factory=dict)
    spreads: Mapping[str, float] = field(default_factory=dict)
    looks: tuple[str, ...] = ()
    correlations: Table | None = None


@dataclass(frozen=True, eq=False)
class Compared:
    """How far every number of every case is from what is usual.

    Parameters
    ----------
    numbers : (n, t)
        As they are.
    usual : (t,)
        What they are usually: the median of the cases, or of the training where there are too few cases.
    apart : (n, t)
        How many spreads a number is from the usual one; NaN where that cannot be said.
    """

    names: tuple[str, ...]
    numbers: Table
    usual: NDArray[np.float64]
    apart: Table

    def number(self, name: str, row: int) -> float:
        """A number of one case; NaN where it has none."""
        return float(self.numbers[row, self.names.index(name)]) if name in self.names else float("nan")

    def of_kind(self, kind: str) -> NDArray[np.intp]:
        """Columns whose name begins with a kind, such as ``shape``."""
        return np.flatnonzero([name.partition(":")[0] == kind for name in self.names])


def compare(rows: Columns | Iterable[Mapping[str, float]], figures: Figures | None = None) -> Compared:
    """Compare the cases of a run.

    Parameters
    ----------
    rows : Columns, or iterable of dict
        The numbers of each case, by ``kind:name``.
    figures : Figures or None
        Of the training cases. Where both are known, a number's distance is the mean of the one to the other cases and
        the one to the training.

    Notes
    -----
    Distances are in robust standard deviations (1.4826 times the median absolute deviation), widened where cases are
    few. With fewer than 5 cases that have a number, only the training tells what is usual.
    """
    columns = rows if isinstance(rows, Columns) else Columns(rows)
    names, numbers = columns.names, columns.table()
    centre, spread = centre_and_spread(numbers, names)
    apart = (numbers - centre) / spread
    if figures is not None and figures.n_cases:
        apart = _mean_of_both(apart, _from_training(numbers, names, figures))
        learned = np.array([figures.centres.get(name, np.nan) for name in names])
        centre = np.where(np.isfinite(centre), centre, learned)
    return Compared(names, numbers, centre, apart)


def figures_of(rows: Sequence[Mapping[str, float]]) -> Figures:
    """Sum up the numbers of training cases; numbers that fewer than 5 cases have are left out."""
    columns = Columns(rows)
    names = columns.names
    centre, spread = centre_and_spread(columns.table(), names)
    known = [(name, c, s) for name, c, s in zip(names, centre.tolist(), spread.tolist(), strict=True) if np.isfinite(s)]
    figures = Figures(len(rows), {name: c for name, c, _ in known}, {name: s for name, _, s in known})
    looks = tuple(name for name, _, _ in known if name.startswith("look:") and all(name in row for row in rows))
    if len(rows) < _FEWEST_TO_CORRELATE or not looks:
        return figures
    apart = np.clip(_from_training(columns.table(looks), looks, figures), -_CLIPPED, _CLIPPED)
    spreads = np.maximum(apart.std(axis=0), 1e-6)
    centred = (apart - apart.mean(axis=0)) / spreads
    return replace(figures, looks=looks, correlations=centred.T @ centred / len(rows))


def centre_and_spread(numbers: Table, names: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Median and robust standard deviation of every column; NaN where fewer than 5 cases have a number."""
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
    is_known = n_known >= _FEWEST
    return np.where(is_known, centre, np.nan), np.where(is_known, spread, np.nan)


def root_mean_square(apart: Table) -> NDArray[np.float64]:
    """How far a case is from the usual in all columns together, (n,); about 1 for a usual case, NaN without numbers."""
    squares = np.minimum(np.abs(apart), LARGEST) ** 2
    n_known = np.isfinite(squares).sum(axis=1)
    total = np.nansum(squares, axis=1)
    return np.where(n_known > 0, np.sqrt(total / np.maximum(n_known, 1)), np.nan)


def training_distance(compared: Compared, figures: Figures | None) -> NDArray[np.float64]:
    """How far an image is from those of the training, (n,), about 1 for one of them; NaN where that is not known.

    Notes
    -----
    The Mahalanobis distance over the square root of the number of columns, with a tenth of the identity in the
    correlations (Ledoit & Wolf 2004), and every number clipped at 8 spreads: columns that always go together tell, too,
    where they do not.
    """
    n = len(compared.numbers)
    if figures is None or figures.correlations is None or not set(figures.looks) <= set(compared.names):
        return np.full(n, np.nan)
    columns = [compared.names.index(name) for name in figures.looks]
    apart = np.clip(_from_training(compared.numbers[:, columns], figures.looks, figures), -LARGEST, LARGEST)
    shrunk = (1 - _SHRINKAGE) * figures.correlations + _SHRINKAGE * np.eye(len(columns))
    squares = (apart * np.linalg.solve(shrunk, apart.T).T).sum(axis=1)
    return np.asarray(np.sqrt(np.maximum(squares, 0) / len(columns)))


def neighbour_distance(apart: Table, n_most: int = 1000) -> NDArray[np.float64]:
    """How far a case is from the nearest tenth of the others (3 to 25 of them), (n,), in spreads a number.

    Cohorts of several kinds of images (two scanners, two stains) have several centres; a case of each has neighbours.

    Parameters
    ----------
    n_most : int
        Of more cases so many, evenly spread, are compared with; a case is never its own neighbour.
    """
    rows = np.clip(np.nan_to_num(apart), -LARGEST, LARGEST)
    n = len(rows)
    if n < _FEWEST or not rows.shape[1]:
        return np.full(n, np.nan)
    chosen = np.unique(np.linspace(0, n - 1, min(n, n_most)).astype(np.intp))
    place = np.full(n, -1)
    place[chosen] = np.arange(len(chosen))
    k = min(max(round(0.1 * len(chosen)), 3), 25, len(chosen) - 1)
    parts = [_kth_nearest(rows[at : at + _AT_ONCE], rows[chosen], place[at : at + _AT_ONCE], k) for at in _starts(n)]
    return np.asarray(np.sqrt(np.concatenate(parts) / rows.shape[1]))


def _kth_nearest(rows: Table, others: Table, own: NDArray[np.integer[Any]], k: int) -> NDArray[np.float64]:
    """Squared distance of every row to the k-th nearest of the others; `own` is its place among them, or -1."""
    squares = (rows**2).sum(axis=1)[:, None] + (others**2).sum(axis=1)[None] - 2 * rows @ others.T
    itself = np.flatnonzero(own >= 0)
    squares[itself, own[itself]] = np.inf
    return np.asarray(np.maximum(np.partition(squares, k - 1, axis=1)[:, k - 1], 0))


def _starts(n: int) -> range:
    return range(0, n, _AT_ONCE)


def _from_training(numbers: Table, names: Sequence[str], figures: Figures) -> Table:
    """(n, t) spreads from the training's medians."""
    centre = np.array([figures.centres.get(name, np.nan) for name in names])
    spread = np.array([figures.spreads.get(name, np.nan) for name in names])
    return (numbers - centre) / spread


def _mean_of_both(first: Table, second: Table) -> Table:
    mean = (first + second) / 2
    return np.where(np.isnan(first), second, np.where(np.isnan(second), first, mean))
