"""How many lesions are found: connected objects of a class, one with one, whatever their size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import BoolArray, FloatArray
from napari_medclf.domain.errors import GridError
from napari_medclf.engine.metrics.bootstrap import Statistic, mean_of_defined

SMALLEST_IOU = 0.1
"""An object is found from this overlap on, as in PI-CAI (Saha 2024) and nnDetection (Baumgartner 2021)."""


@dataclass(frozen=True)
class LesionCount:
    """Connected objects of one class in one case.

    Parameters
    ----------
    n_reference, n_predicted : int
        Objects in the reference and in the prediction.
    n_found : int
        Pairs, one with one.
    """

    n_reference: int
    n_predicted: int
    n_found: int

    @property
    def n_missed(self) -> int:
        """Objects of the reference that were not found."""
        return self.n_reference - self.n_found

    @property
    def n_false(self) -> int:
        """Objects of the prediction that match none of the reference."""
        return self.n_predicted - self.n_found


def count_lesions(reference: BoolArray, predicted: BoolArray, *, smallest_iou: float = SMALLEST_IOU) -> LesionCount:
    """Part both masks into connected objects (voxels that share a corner belong together) and match them.

    As many pairs are made as can be (and among those ways the one with the largest summed overlap): an object of
    the prediction that covers two lesions finds one of them.

    Raises
    ------
    GridError
        If the shapes differ.
    """
    from scipy.ndimage import label
    from scipy.optimize import linear_sum_assignment

    if reference.shape != predicted.shape:
        raise GridError(f"A mask of shape {predicted.shape} cannot be compared with one of {reference.shape}.")
    corners = np.ones((3,) * reference.ndim)
    (rows, n_reference), (columns, n_predicted) = (label(mask, corners) for mask in (reference, predicted))
    overlaps = _overlaps(rows, columns, n_reference, n_predicted)
    is_pair = overlaps >= smallest_iou
    chosen = linear_sum_assignment(np.where(is_pair, -1 - overlaps / (n_reference + 1), 0))
    return LesionCount(n_reference, n_predicted, int(np.count_nonzero(is_pair[chosen])))


def statistic_of_lesions(cases: Sequence[Mapping[str, LesionCount]]) -> Statistic:
    """Make the statistic that sums lesions over the drawn cases.

    Returns
    -------
    callable
        To ``lesion_sensitivity``, ``lesion_precision``, ``lesion_f1`` and ``false_lesions`` (a case) of
        each class (``.../<class>``), and without a class their means over classes. NaN where no drawn case has
        such an object.
    """
    names = list(dict.fromkeys(name for one in cases for name in one))
    nothing = LesionCount(0, 0, 0)
    counts = {name: np.array([_counted(one.get(name, nothing)) for one in cases], dtype=np.float64) for name in names}

    def statistic(chosen: NDArray[np.intp]) -> Mapping[str, float]:
        scores = {name: _rates(table[chosen].sum(axis=0), len(chosen)) for name, table in counts.items()}
        kinds = list(next(iter(scores.values()), {}))
        means = {kind: mean_of_defined([one[kind] for one in scores.values()]) for kind in kinds}
        return means | {f"{kind}/{name}": value for name, one in scores.items() for kind, value in one.items()}

    return statistic


def _counted(one: LesionCount) -> tuple[int, int, int]:
    return one.n_reference, one.n_predicted, one.n_found


def _rates(sums: FloatArray, n_cases: int) -> dict[str, float]:
    n_reference, n_predicted, n_found = sums.tolist()
    return {
        "lesion_sensitivity": _ratio(n_found, n_reference),
        "lesion_precision": _ratio(n_found, n_predicted),
        "lesion_f1": _ratio(2 * n_found, n_reference + n_predicted),
        "false_lesions": (n_predicted - n_found) / n_cases,
    }


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


def _overlaps(rows: NDArray[np.int32], columns: NDArray[np.int32], n_reference: int, n_predicted: int) -> FloatArray:
    """Intersection over union (n_reference, n_predicted) of numbered objects."""
    is_any = (rows > 0) | (columns > 0)
    pairs = rows[is_any].astype(np.int64) * (n_predicted + 1) + columns[is_any]
    both = np.bincount(pairs, minlength=(n_reference + 1) * (n_predicted + 1))
    table = both.reshape(n_reference + 1, n_predicted + 1).astype(np.float64)
    sizes = table.sum(axis=1)[1:, np.newaxis] + table.sum(axis=0)[np.newaxis, 1:]
    return np.asarray(table[1:, 1:] / np.maximum(sizes - table[1:, 1:], 1))
