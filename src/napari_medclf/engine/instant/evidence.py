"""Whether strokes speak for a change of the whole image, or only for their own places."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.engine.instant.regression import Change, Rows, fit_change

_CELL_VOX = 3
_MOST_FOLDS, _FEWEST_STROKES = 4, 3
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
    full: Change,
    *,
    is_exclusive: bool,
) -> float:
    """Say which part of a change may be made everywhere, 0 to 1.

    Parameters
    ----------
    groups : (N,) int
        Which stroke each row of `painted` belongs to.
    full : Change
        Fitted to all of them.

    Notes
    -----
    Strokes where the network itself was wrong are left out in turn, and looked at with what the others teach. Where it
    is wrong in one way all over the image (another scanner, another stain), others teach what is right there; where it
    is wrong here and there, they do not, and a change everywhere would only do harm. Fewer than three such strokes say
    nothing about other places. Strokes where the network was right, but the change is wrong, speak against it.
    """
    rng = np.random.default_rng(0)
    kept = rng.permutation(len(painted))[:_MOST_PAINTED]
    painted, groups = painted.pick(kept), groups[kept]
    before = _rightness(painted, painted.offset, is_exclusive)
    share = _means(before, groups)
    wrong = np.array([name for name, right in share.items() if right < 0.5])
    if len(wrong) < _FEWEST_STROKES:
        return 0.0
    n_anchors = min(len(anchors), _MOST_ANCHORS)
    anchors = anchors.pick(rng.permutation(len(anchors))[:n_anchors]).times(len(anchors) / n_anchors)
    fixed: list[float] = []
    for fold in np.array_split(rng.permutation(wrong), min(len(wrong), _MOST_FOLDS)):
        held = np.isin(groups, fold)
        rest = painted.pick(~held)
        rest = rest.times(float(painted.weight.sum() / max(rest.weight.sum(), 1e-9)))
        change = fit_change(rest + anchors, stiffness, is_exclusive=is_exclusive, start=full)
        left_out = painted.pick(held)
        after = _rightness(left_out, left_out.offset + change.of(left_out.x), is_exclusive)
        gained = _means(after - before[held], groups[held])
        fixed += gained.values()
    now = _means(_rightness(painted, painted.offset + full.of(painted.x), is_exclusive), groups)
    broken = [share[name] - now[name] for name in share if share[name] >= 0.5]
    score = float(np.mean(fixed)) - float(sum(broken)) / len(wrong)
    return float(np.clip((score - _NEEDED / 2) / (_NEEDED / 2), 0, 1))


def _means(values: FloatArray, groups: NDArray[np.int64]) -> dict[int, float]:
    """Mean of each group."""
    return {int(name): float(values[groups == name].mean()) for name in np.unique(groups)}


def _rightness(rows: Rows, logits: FloatArray, is_exclusive: bool) -> FloatArray:
    """Whether each row is answered rightly, 0 or 1."""
    if is_exclusive:
        return np.asarray(logits.argmax(axis=1) == rows.target.argmax(axis=1), dtype=np.float32)
    is_known = rows.weight > 0
    is_right = ((logits > 0) == (rows.target > 0.5)) | ~is_known
    return is_right.all(axis=1).astype(np.float32)
