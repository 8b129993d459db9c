"""Boxes around the separate parts of a segmentation, such as lung nodules to look at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_medclf.domain.arrays import BoolArray, FloatArray, LabelArray
from napari_medclf.domain.detection import Detection
from napari_medclf.domain.errors import GridError, OptionError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Segmentation
from napari_medclf.engine.detection.found import Found


@dataclass(frozen=True)
class CandidateOptions:
    """Which parts count as candidates.

    Parameters
    ----------
    smallest_mm, largest_mm : float
        Limits of a box's longest edge; in pixels where the image has no scale.
    score : str
        ``mean`` or ``max`` of the probability inside the part.
    """

    smallest_mm: float = 0.0
    largest_mm: float = float("inf")
    score: str = "mean"

    def __post_init__(self) -> None:
        if self.score not in ("mean", "max"):
            raise OptionError(f"The score is {self.score!r}, and 'mean' or 'max' was expected.")
        if not 0 <= self.smallest_mm <= self.largest_mm:
            raise OptionError(f"The limits {self.smallest_mm:g} to {self.largest_mm:g} mm hold nothing.")


_EVERY = CandidateOptions()


def candidates_from_labels(
    segmentation: Segmentation, probability: FloatArray | None = None, options: CandidateOptions = _EVERY
) -> Detection:
    """Draw a box around every connected part of every class, or around every object.

    Parameters
    ----------
    probability : (K, J, I) or None
        Of being what the labels say, from which the scores come; 1 for all without it.

    Returns
    -------
    Detection
        Boxes along the outer edges of voxels, on the grid of the labels. Voxels that share a corner belong together.

    Raises
    ------
    GridError
        If the probability lies on another grid.
    """
    if probability is not None and probability.shape != segmentation.labels.shape:
        raise GridError(f"A probability of shape {probability.shape} does not fit {segmentation.labels.shape} labels.")
    position = {one.value: number for number, one in enumerate(segmentation.schema.classes)}
    parts: list[Found] = []
    for one in segmentation.schema.foreground[: 1 if segmentation.is_instances else None]:
        numbers = segmentation.labels if segmentation.is_instances else _number(segmentation.labels == one.value)
        parts.append(_boxes(numbers, probability, segmentation.geometry, options, position[one.value]))
    return Found.joined(parts).to_detection(
        segmentation.geometry,
        segmentation.schema,
        source_digest=segmentation.source_digest,
        name=f"{segmentation.name} boxes",
    )


def candidates_from_map(
    probability: FloatArray,
    geometry: Geometry,
    schema: LabelSchema,
    *,
    threshold: float = 0.5,
    options: CandidateOptions = _EVERY,
) -> Detection:
    """Draw a box around every connected part in which a probability (K, J, I) reaches a threshold.

    The schema's first foreground class names the boxes.
    """
    value = schema.foreground[0].value
    labels = np.where(probability >= threshold, value, 0).astype(np.uint16)
    return candidates_from_labels(Segmentation(labels, geometry, schema), probability, options)


def _number(is_class: BoolArray) -> LabelArray:
    from scipy import ndimage

    return np.asarray(ndimage.label(is_class, structure=np.ones((3, 3, 3)))[0])


def _boxes(
    numbers: LabelArray, probability: FloatArray | None, geometry: Geometry, options: CandidateOptions, position: int
) -> Found:
    from scipy import ndimage

    boxes: list[FloatArray] = []
    scores: list[float] = []
    for number, cut in enumerate(ndimage.find_objects(numbers), start=1):
        if cut is None:
            continue
        box = np.array([[one.start - 0.5 for one in cut], [one.stop - 0.5 for one in cut]])
        longest_mm = float(((box[1] - box[0]) * geometry.spacing)[_real_axes(geometry)].max())
        if options.smallest_mm <= longest_mm <= options.largest_mm:
            boxes.append(box)
            scores.append(_score(probability, numbers, number, cut, options))
    n = len(boxes)
    return Found(np.reshape(boxes, (n, 2, 3)).astype(np.float64), np.array(scores), np.full(n, position))


def _real_axes(geometry: Geometry) -> list[int]:
    """A picture's thickness is nobody's size."""
    return [1, 2] if geometry.is_flat else [0, 1, 2]


def _score(
    probability: FloatArray | None,
    numbers: LabelArray,
    number: int,
    cut: tuple[slice, slice, slice],
    options: CandidateOptions,
) -> float:
    if probability is None:
        return 1.0
    inside = probability[cut][numbers[cut] == number]
    return float(inside.max() if options.score == "max" else inside.mean(dtype=np.float64))
