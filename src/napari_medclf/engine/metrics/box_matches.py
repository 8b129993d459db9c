"""Which boxes of one case are right: one with one by their overlap, and by where their centres lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from napari_medclf.domain.arrays import BoolArray, FloatArray, LabelArray
from napari_medclf.domain.detection import Detection
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.engine.detection.suppress import iou

IOU_THRESHOLDS = (0.1, *(round(0.5 + 0.05 * step, 2) for step in range(10)))
"""0.1 as nnDetection has it for lesions (Baumgartner 2021), then COCO's ten (Lin 2014)."""
MOST_BOXES = 100
"""Of a class in a case, best first, as COCO has it."""
_NONE: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, eq=False)
class ClassMatches:
    """Boxes of one class in one case.

    Parameters
    ----------
    scores : (n,) float64
        Of the found boxes, best first.
    is_right : (IOU_THRESHOLDS, n) bool
        Whether each box has a reference of its own at every threshold.
    hits : (n,) integer
        The reference in which the centre of each box lies; -1 for none.
    n_reference : int
    threshold : float
        The score from which a box counts, where no curve is drawn.
    """

    scores: FloatArray
    is_right: BoolArray
    hits: LabelArray
    n_reference: int
    threshold: float = 0.5

    def counts(self) -> dict[str, int]:
        """Count references, those that were found, and false boxes, at the threshold and an IoU of 0.5."""
        is_said = self.scores >= self.threshold
        n_found = int(np.count_nonzero(self.is_right[IOU_THRESHOLDS.index(0.5)] & is_said))
        return {"reference": self.n_reference, "found": n_found, "false": int(np.count_nonzero(is_said)) - n_found}

    @property
    def hit_scores(self) -> FloatArray:
        """Highest score of a box whose centre lies in each reference (n_reference,); -1 for those that were missed."""
        best = np.full(self.n_reference, -1.0)
        is_hit = self.hits >= 0
        np.maximum.at(best, self.hits[is_hit], self.scores[is_hit])
        return best

    @property
    def false_scores(self) -> FloatArray:
        """Scores of the boxes whose centre lies in no reference."""
        return self.scores[self.hits < 0]


def match_boxes(
    reference: Detection, found: Detection, thresholds: Mapping[str, float] = _NONE
) -> Mapping[str, ClassMatches]:
    """Compare the boxes of a case class by class; both lie on the grid of the same image.

    Parameters
    ----------
    found : Detection
        All boxes, also those with low scores.
    thresholds : dict
        Class to the score from which its boxes count; 0.5 without an entry.

    Notes
    -----
    A found box takes the reference with the largest overlap that no better box has, as COCO has it (Lin 2014). For
    FROC it hits where its centre lies inside of a reference (of several, the one with the nearest centre); further
    boxes in the same reference are no false alarms (Setio 2017).
    """
    known = {name.casefold(): value for name, value in thresholds.items()}
    mine, theirs = (_by_class(one, reference.schema) for one in (found, reference))
    return {
        name: replace(_match_class(*boxes, theirs[name][0]), threshold=known.get(name.casefold(), 0.5))
        for name, boxes in mine.items()
    }


def _by_class(detection: Detection, schema: LabelSchema) -> dict[str, tuple[FloatArray, FloatArray]]:
    given = np.array([name.casefold() for name in detection.names], dtype=object)
    chosen = {name: np.flatnonzero(given == name.casefold()) for name in schema.names}
    return {name: (detection.boxes[rows], detection.scores[rows]) for name, rows in chosen.items()}


def _match_class(boxes: FloatArray, scores: FloatArray, reference: FloatArray) -> ClassMatches:
    order = np.argsort(-scores, kind="stable")[:MOST_BOXES]
    boxes, scores = boxes[order], scores[order].astype(np.float64)
    return ClassMatches(scores, _overlapping(boxes, reference), _hits(boxes, reference), len(reference))


def _overlapping(boxes: FloatArray, reference: FloatArray) -> BoolArray:
    is_right = np.zeros((len(IOU_THRESHOLDS), len(boxes)), dtype=bool)
    if not len(reference):
        return is_right
    rows = np.arange(len(IOU_THRESHOLDS))
    is_taken = np.zeros((len(IOU_THRESHOLDS), len(reference)), dtype=bool)
    for number, box in enumerate(boxes):
        overlap = np.where(is_taken, -1.0, iou(box, reference))
        best = overlap.argmax(axis=1)
        is_right[:, number] = overlap[rows, best] >= IOU_THRESHOLDS
        is_taken[rows, best] |= is_right[:, number]
    return is_right


def _hits(boxes: FloatArray, reference: FloatArray) -> LabelArray:
    if not len(reference):
        return np.full(len(boxes), -1)
    centres = boxes.mean(axis=1)[:, np.newaxis]
    is_inside = ((centres >= reference[:, 0]) & (centres <= reference[:, 1])).all(axis=2)
    sizes = reference[:, 1] - reference[:, 0]
    distance = (((centres - reference.mean(axis=1)) / sizes) ** 2).sum(axis=2)
    return np.where(is_inside.any(axis=1), np.where(is_inside, distance, np.inf).argmin(axis=1), -1)
