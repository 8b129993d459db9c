"""Whether strokes speak for a change of the whole image, or only for their own places."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.engine.instant.regression import Change, Rows, fit_change

_CELL_VOX = 3
_MOST_FOLDS, _FEWEST_FOLDS = 4, 2
_MOST_PAINTED, _MOST_ANCHORS = 800, 800
_NEEDED = 0.5
"""Part of the strokes that were wrong before, which those of other places must put right."""


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


def choose_strength(
    painted: Rows,
    anchors: Rows,
    groups: NDArray[np.int64],
    stiffness: float,
    start: Change,
    *,
    is_exclusive: bool,
) -> float:
    """Say which part of a change may be made everywhere, 0 to 1.

    Parameters
    ----------
    groups : (N,) int
        Which stroke each row of `painted` belongs to.

    Notes
    -----
    Strokes are left out in turn, and looked at with what the others teach. Where the network is wrong in one way all
    over the image (another scanner, another stain), others teach what is right there; where it is wrong here and there,
    they do not, and a change everywhere would only do harm. One stroke alone says nothing about other places.
    """
    names = np.unique(groups)
    n_folds = min(len(names), _MOST_FOLDS)
    if n_folds < _FEWEST_FOLDS:
        return 0.0
    rng = np.random.default_rng(0)
    kept = rng.permutation(len(painted))[:_MOST_PAINTED]
    painted, groups = painted.pick(kept), groups[kept]
    anchors = anchors.pick(rng.permutation(len(anchors))[:_MOST_ANCHORS]).times(
        len(anchors) / min(len(anchors), _MOST_ANCHORS)
    )
    gains = []
    fold_of = np.searchsorted(names, groups) % n_folds
    for fold in range(n_folds):
        held = fold_of == fold
        if held.all() or not held.any():
            continue
        rest = painted.pick(~held)
        rest = rest.times(float(painted.weight.sum() / max(rest.weight.sum(), 1e-9)))
        change = fit_change(rest + anchors, stiffness, is_exclusive=is_exclusive, start=start)
        left_out = painted.pick(held)
        before = _rightness(left_out, left_out.offset, is_exclusive)
        after = _rightness(left_out, left_out.offset + change.of(left_out.x), is_exclusive)
        for name in np.unique(groups[held]):
            mine = groups[held] == name
            gains.append(after[mine].mean() - before[mine].mean())
    mean = float(np.mean(gains)) if gains else 0.0
    return float(np.clip((mean - _NEEDED / 2) / (_NEEDED / 2), 0, 1))


def _rightness(rows: Rows, logits: FloatArray, is_exclusive: bool) -> FloatArray:
    """Whether each row is answered rightly, 0 or 1."""
    if is_exclusive:
        return np.asarray(logits.argmax(axis=1) == rows.target.argmax(axis=1), dtype=np.float32)
    is_known = rows.weight > 0
    is_right = ((logits > 0) == (rows.target > 0.5)) | ~is_known
    return is_right.all(axis=1).astype(np.float32)
