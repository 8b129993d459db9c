"""Whether strokes speak for a change of the whole image, or only for their own places."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.engine.instant.regression import Change, Rows, fit_change

_CELL_VOX = 3
_MOST_FOLDS, _FEWEST_STROKES = 4, 3
_MOST_PAINTED, _MOST_ANCHORS = 800, 800
_NEEDED, _ENOUGH = 0.7, 0.85
"""Part of the strokes that were wrong before, which those of other places must put right: to be heard, to be obeyed."""


def group_strokes(index: NDArray[np.int64], values: LabelArray) -> NDArray[np.int64]:
    """Number painted voxels (N, 3) by stroke, from 0: those of one value that touch, nearly."""
    from scipy.ndimage import label

    cells = index // _CELL_VOX
    cells -= cells.min(axis=0)
    groups = np.zeros(len(index), np.int64)
    n_found = 0
    for value in np.unique(values):
        chosen = values == value
        marks = np.zeros(cells.max(axis=0) + 1, dtype=bool)
        marks[tuple(cells[chosen].T)] = True
        numbers, n = label(marks, structure=np.ones((3, 3, 3)))
        groups[chosen] = numbers[tuple(cells[chosen].T)] - 1 + n_found
        n_found += n
    return groups


_BORNE = 0.3
"""How many strokes may be broken for each one that is put right: what is near them keeps them right all the same."""


class Evidence:
    """Says which part of a change may be made everywhere, 0 to 1, from refit to refit.

    Parameters
    ----------
    anchors : Rows
        Unpainted voxels, which hold the network's own answer.

    Notes
    -----
    Strokes where the network itself was wrong are left out in turn, and looked at with what the others teach. Where it
    is wrong in one way all over the image (another scanner, another stain), others teach what is right there; where it
    is wrong here and there, they do not, and a change everywhere would only do harm. Fewer than three such strokes say
    nothing about other places. Once a change is made, a person goes on to paint where that is wrong: later strokes
    are no fair sample any more. So the first ones decide, for as long as they stand, unless the change cannot be
    brought together with what is painted later.
    """

    def __init__(self, anchors: Rows, stiffness: float, *, is_exclusive: bool) -> None:
        n_anchors = min(len(anchors), _MOST_ANCHORS)
        order = np.random.default_rng(0).permutation(len(anchors))[:n_anchors]
        self.anchors = anchors.pick(order).times(len(anchors) / n_anchors)
        """Some of them, which weigh as much."""
        self._stiffness, self._is_exclusive = stiffness, is_exclusive
        self._first: NDArray[np.int64] | None = None

    def weigh(self, painted: Rows, groups: NDArray[np.int64], places: NDArray[np.int64], full: Change) -> float:
        """Judge a change by the strokes that it was fitted to.

        Parameters
        ----------
        groups, places : (N,) int
            Which stroke each row of `painted` belongs to, and the number of its voxel.
        full : Change
            Fitted to all of them.
        """
        is_first = np.ones(len(painted), dtype=bool) if self._first is None else np.isin(places, self._first)
        kept = np.flatnonzero(is_first)
        kept = np.random.default_rng(0).permutation(kept)[:_MOST_PAINTED]
        score = self._agreement(painted.pick(kept), groups[kept], full) - self._broken(painted, groups, full)
        strength = float(np.clip((score - _NEEDED) / (_ENOUGH - _NEEDED), 0, 1))
        if strength == 0:
            self._first = None
        elif self._first is None:
            self._first = places.copy()
        return strength

    def _agreement(self, painted: Rows, groups: NDArray[np.int64], full: Change) -> float:
        """Which part of strokes that were wrong the others put right, 0 to 1; 0 where there are too few."""
        before = self._rightness(painted, Change.none(painted.x.shape[1], painted.offset.shape[1]))
        wrong = np.array([name for name, right in _means(before, groups).items() if right < 0.5])
        if len(wrong) < _FEWEST_STROKES:
            return 0.0
        fixed: list[float] = []
        rng = np.random.default_rng(0)
        for fold in np.array_split(rng.permutation(wrong), min(len(wrong), _MOST_FOLDS)):
            held = np.isin(groups, fold)
            rest = painted.pick(~held)
            rest = rest.times(float(painted.weight.sum() / max(rest.weight.sum(), 1e-9)))
            change = fit_change(rest + self.anchors, self._stiffness, is_exclusive=self._is_exclusive, start=full)
            after = self._rightness(painted.pick(held), change)
            fixed += _means(after - before[held], groups[held]).values()
        return float(np.mean(fixed))

    def _broken(self, painted: Rows, groups: NDArray[np.int64], full: Change) -> float:
        """How many strokes where the network was right are wrong with the change, for each one that it puts right."""
        before = _means(self._rightness(painted, Change.none(*full.slope.shape)), groups)
        after = _means(self._rightness(painted, full), groups)
        lost = sum(max(before[name] - after[name], 0) for name in before)
        won = sum(max(after[name] - before[name], 0) for name in before)
        return max(lost / max(won, 1.0) - _BORNE, 0)

    def _rightness(self, rows: Rows, change: Change) -> FloatArray:
        """Whether each row is answered rightly, 0 or 1."""
        logits = rows.offset + change.of(rows.x)
        if self._is_exclusive:
            return np.asarray(logits.argmax(axis=1) == rows.target.argmax(axis=1), dtype=np.float32)
        is_right = ((logits > 0) == (rows.target > 0.5)) | (rows.weight <= 0)
        return is_right.all(axis=1).astype(np.float32)


def _means(values: FloatArray, groups: NDArray[np.int64]) -> dict[int, float]:
    """Mean of each group."""
    return {int(name): float(values[groups == name].mean()) for name in np.unique(groups)}
