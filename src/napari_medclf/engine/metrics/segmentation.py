"""How well labels match a reference: overlap and the distance of surfaces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from napari_medclf.domain.arrays import BoolArray, FloatArray
from napari_medclf.domain.card import Metric
from napari_medclf.domain.errors import GridError
from napari_medclf.domain.geometry import Unit
from napari_medclf.domain.results import Segmentation
from napari_medclf.engine.metrics.bootstrap import bootstrap_means, mean_of_defined

_NOT_DEFINED = float("nan")


@dataclass(frozen=True)
class ClassScores:
    """How well one class of one case matches.

    Parameters
    ----------
    dice : float
        2 |A and B| / (|A| + |B|).
    iou : float
        |A and B| / |A or B|, also called the Jaccard index.
    nsd : float
        Normalised surface distance (Nikolov 2021): part of both surfaces within the tolerance.
    hd95 : float
        The larger of the two directed 95 % percentiles of surface distance, in `unit`.
    assd : float
        Average symmetric surface distance: the mean over all voxels of both surfaces, in `unit`.
    volume_error : float
        Difference of both volumes over that of the reference, without its sign; NaN where the reference has none.

    Notes
    -----
    Where neither reference nor prediction has the class, all are NaN and left out of averages. Where
    only one has it, dice, iou and nsd are 0 and hd95 and assd are the diagonal of the image.
    """

    dice: float
    iou: float
    nsd: float
    hd95: float
    assd: float
    volume_error: float
    unit: Unit = Unit.MILLIMETRE

    def as_dict(self) -> dict[str, float]:
        """Return the numbers by name; distances end in ``_mm`` or ``_px``."""
        return {
            "dice": self.dice,
            "iou": self.iou,
            "nsd": self.nsd,
            f"hd95_{self.unit}": self.hd95,
            f"assd_{self.unit}": self.assd,
            "volume_error": self.volume_error,
        }


def score_segmentation(
    reference: Segmentation, predicted: Segmentation, *, tolerance: float = 1.0
) -> dict[str, ClassScores]:
    """Compare labels class by class, matched by name.

    Parameters
    ----------
    tolerance : float
        For nsd, in the unit of the image (mm, or pixels without a scale).

    Raises
    ------
    GridError
        If both do not lie on the same grid.
    SchemaError
        If the prediction lacks a class of the reference.
    """
    difference = reference.geometry.explain_difference(predicted.geometry)
    if difference:
        raise GridError(f"Reference and prediction cannot be compared: {difference}.")
    unit, spacing = reference.geometry.unit, reference.geometry.spacing
    return {
        one.name: score_mask(
            reference.labels == one.value,
            predicted.labels == predicted.schema.named(one.name).value,
            spacing,
            tolerance=tolerance,
            unit=unit,
        )
        for one in reference.schema.foreground
    }


def score_mask(
    reference: BoolArray,
    predicted: BoolArray,
    spacing: Sequence[float],
    *,
    tolerance: float = 1.0,
    unit: Unit = Unit.MILLIMETRE,
) -> ClassScores:
    """Compare two masks of the same shape; axes of length 1 have no surface."""
    sums = int(np.count_nonzero(reference)), int(np.count_nonzero(predicted))
    if sums == (0, 0):
        return ClassScores(_NOT_DEFINED, _NOT_DEFINED, _NOT_DEFINED, _NOT_DEFINED, _NOT_DEFINED, _NOT_DEFINED, unit)
    if 0 in sums:
        extents = [n * step for n, step in zip(reference.shape, spacing, strict=True)]
        diagonal = float(np.linalg.norm(extents))
        return ClassScores(0.0, 0.0, 0.0, diagonal, diagonal, 1.0 if sums[0] else _NOT_DEFINED, unit)
    n_both = int(np.count_nonzero(reference & predicted))
    dice, iou = 2 * n_both / sum(sums), n_both / (sum(sums) - n_both)
    to_predicted, to_reference = _surface_distances(reference, predicted, spacing)
    n_near = np.count_nonzero(to_predicted <= tolerance) + np.count_nonzero(to_reference <= tolerance)
    nsd = float(n_near) / (len(to_predicted) + len(to_reference))
    hd95 = max(float(np.percentile(to_predicted, 95)), float(np.percentile(to_reference, 95)))
    assd = float(np.concatenate([to_predicted, to_reference]).mean())
    return ClassScores(dice, iou, nsd, hd95, assd, abs(sums[1] - sums[0]) / sums[0], unit)


def measure_segmentation(
    cases: Sequence[Mapping[str, ClassScores]], groups: Sequence[str], *, n_resamples: int = 1000, seed: int = 0
) -> dict[str, Metric]:
    """Average cases, with 95 % intervals by group: ``dice/<class>`` and so on, and ``dice`` over classes."""
    return bootstrap_means(list_overlaps(cases), groups, n_resamples=n_resamples, seed=seed)


def list_overlaps(cases: Sequence[Mapping[str, ClassScores]]) -> dict[str, list[float]]:
    """Give the numbers of each case by name: ``dice/<class>`` and so on, and ``dice`` over its classes."""
    values: dict[str, list[float]] = {}
    for scores in cases:
        per_class = {name: one.as_dict() for name, one in scores.items()}
        for metric in dict.fromkeys(key for one in per_class.values() for key in one):
            values.setdefault(metric, []).append(mean_of_defined([one[metric] for one in per_class.values()]))
            for name, one in per_class.items():
                values.setdefault(f"{metric}/{name}", []).append(one[metric])
    return values


def _surface_distances(
    reference: BoolArray, predicted: BoolArray, spacing: Sequence[float]
) -> tuple[FloatArray, FloatArray]:
    """Distances from each surface to the other, one number a surface voxel."""
    from scipy.ndimage import binary_erosion, distance_transform_edt

    box = _bounding_box(reference | predicted)
    step = [size for size, n in zip(spacing, reference.shape, strict=True) if n > 1] or [1.0]
    masks = [np.atleast_1d(np.squeeze(mask[box], axis=_flat_axes(mask))) for mask in (reference, predicted)]
    edges = [mask & ~binary_erosion(mask) for mask in masks]
    distances = [distance_transform_edt(~edge, sampling=step) for edge in edges]
    return distances[1][edges[0]], distances[0][edges[1]]


def _bounding_box(mask: BoolArray) -> tuple[slice, ...]:
    box = []
    for axis in range(mask.ndim):
        others = tuple(other for other in range(mask.ndim) if other != axis)
        found = np.flatnonzero(mask.any(axis=others))
        box.append(slice(int(found[0]), int(found[-1]) + 1))
    return tuple(box)


def _flat_axes(mask: BoolArray) -> tuple[int, ...]:
    return tuple(axis for axis, n in enumerate(mask.shape) if n == 1)
