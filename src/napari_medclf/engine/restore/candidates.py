"""Which classes can win somewhere in a cell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_medclf.domain.arrays import BoolArray, FloatArray, LabelArray
from napari_medclf.engine.grid.home_axis import Index
from napari_medclf.engine.restore.rank import Ranking


@dataclass(frozen=True, eq=False)
class Logits:
    """Logits (C, P, J, I) of planes as a line in memory.

    Parameters
    ----------
    line : (n,) float32
        Class after class.
    step : int
        Samples from a class to the next.
    n_classes : int
        How many there are.
    """

    line: FloatArray
    step: int
    n_classes: int

    @classmethod
    def of(cls, logits: FloatArray) -> Logits:
        """Look at planes without copying them; each class must lie in one piece."""
        n_classes, step = len(logits), logits.strides[0] // logits.itemsize
        n = (n_classes - 1) * step + logits[0].size
        line = np.lib.stride_tricks.as_strided(logits, (n,), (logits.itemsize,), writeable=False)
        return cls(line, step, n_classes)

    def take(self, classes: LabelArray, voxels: Index) -> FloatArray:
        """Give the logits of a class at a voxel, for arrays of both that broadcast."""
        return np.asarray(self.line.take(np.multiply(classes, self.step, dtype=np.intp) + voxels))


def find_pairs(
    logits: Logits, corner: Index, pair: tuple[LabelArray, LabelArray], ranking: Ranking, *, slack: float
) -> tuple[BoolArray, FloatArray, FloatArray]:
    """Find cells in which only two classes can win.

    Parameters
    ----------
    corner : (n_corners, n) int
        Model voxels of each cell.
    pair : two (n,) integer
        Smallest and largest class among the best of the corners.
    slack : float
        How much larger the winner must be, as a part of itself.

    Returns
    -------
    (n,) bool, and the logits (n_corners, n) of both classes

    Notes
    -----
    What no corner prefers is at each of them not above the best value that the two leave over. If their mean (or one
    of them) exceeds it at all corners, it does so everywhere between, and then so does the larger of the two.
    """
    low, high = (logits.take(one, corner) for one in pair)
    best = ranking.best.reshape(-1).take(corner)
    is_pair = ((best == pair[0]) | (best == pair[1])).all(axis=0)
    second = ranking.second.reshape(-1).take(corner)
    left_over = np.where(np.minimum(low, high) == second, ranking.third.reshape(-1).take(corner), second)
    is_alone = np.zeros(is_pair.shape, dtype=np.bool_)
    for winner in ((low + high) * np.float32(0.5), low, high):
        is_alone |= _exceeds(winner, left_over, slack).all(axis=0)
    return is_pair & is_alone, low, high


def find_alive(values: FloatArray, best: LabelArray, *, slack: float) -> BoolArray:
    """Tell which classes (C, n) can win somewhere in a cell.

    Parameters
    ----------
    values : (C, n_corners, n) float32
        Logits at the corners.
    best : (n_corners, n) integer
        The best class of each corner.

    Notes
    -----
    A class is out where the mean of the corners' winners, or one of two winners, is larger at all corners: then it is
    larger everywhere between, and no mean exceeds the largest of what it is made of. Equal ones stay, so that
    the first of them is found as in an arg-max.
    """
    winners = np.take_along_axis(values, best[:, np.newaxis].astype(np.intp), axis=0)  # (n_corners, n_corners, n)
    alive: BoolArray = np.ones((len(values), values.shape[2]), dtype=np.bool_)
    for winner in (winners.mean(axis=0), winners[0], winners[-1]):
        alive &= ~_exceeds(winner, values, slack).all(axis=1)
    return alive


def list_alive(alive: BoolArray, chosen: Index) -> Index:
    """List the classes (K, m) left in the cells chosen (m,), in order, and the last one again where there are fewer."""
    count = alive[:, chosen].sum(axis=0)
    classes = np.nonzero(alive[:, chosen].T)[1]
    first = np.cumsum(count) - count
    rank = np.minimum(np.arange(count.max(initial=0))[:, np.newaxis], count - 1)
    return np.asarray(classes[first + rank], dtype=np.intp)


def _exceeds(larger: FloatArray, smaller: FloatArray, slack: float) -> BoolArray:
    if slack:
        larger = larger - np.abs(larger) * np.float32(slack)
    return np.asarray(larger > smaller)
