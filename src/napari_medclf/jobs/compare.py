"""Compare what a model said about a case with what is known, and sum up many cases."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_medclf.domain.card import Metric, ModelCard, Task

if TYPE_CHECKING:
    from napari_medclf.domain.dataset import Case
    from napari_medclf.domain.image import MedImage
    from napari_medclf.domain.results import Classification, Prediction
    from napari_medclf.engine.metrics.instances import InstanceScores
    from napari_medclf.engine.metrics.segmentation import ClassScores
    from napari_medclf.jobs.case_reader import CaseReader

NSD_TOLERANCE = 1.0
"""In mm, or in pixels for pictures without a scale."""


@dataclass(frozen=True)
class Comparison:
    """One case, measured; which of the last three is filled follows from the task."""

    case_id: str
    group_id: str
    classes: tuple[str, ...] = ()
    classification: Classification | None = None
    overlaps: Mapping[str, ClassScores] | None = None
    objects: InstanceScores | None = None

    def as_row(self) -> dict[str, Any]:
        """Return the numbers by column name, for a table."""
        row: dict[str, Any] = {"case_id": self.case_id, "group_id": self.group_id}
        if self.classification is not None:
            scores = {f"score:{name}": score for name, score in self.classification.scores.items()}
            return row | {
                "truth": " ".join(self.classes), "decided": " ".join(self.classification.decided), **scores
            }  # fmt: skip
        if self.objects is not None:
            return row | asdict(self.objects)
        overlaps = self.overlaps or {}
        return row | {
            f"{metric}:{name}": value for name, one in overlaps.items() for metric, value in one.as_dict().items()
        }


def compare(reader: CaseReader, case: Case, image: MedImage, prediction: Prediction) -> Comparison:
    """Measure one prediction against the dataset's answer.

    Raises
    ------
    DatasetError
        If the case has no answer, or it lies on another grid.
    """
    from napari_medclf.engine.metrics.instances import score_instances
    from napari_medclf.engine.metrics.segmentation import score_segmentation

    if prediction.segmentation is None:
        return Comparison(case.case_id, case.group_id, case.classes, prediction.classification)
    reference = reader.reference(case, image)
    if prediction.segmentation.is_instances:
        objects = score_instances(reference.labels, prediction.segmentation.labels)
        return Comparison(case.case_id, case.group_id, objects=objects)
    overlaps = score_segmentation(reference, prediction.segmentation, tolerance=NSD_TOLERANCE)
    return Comparison(case.case_id, case.group_id, overlaps=overlaps)


def summarise(comparisons: Sequence[Comparison], card: ModelCard, *, is_exclusive: bool) -> dict[str, Metric]:
    """Sum up cases as numbers with 95 % intervals by group; a number that no case defines is left out."""
    from napari_medclf.engine.metrics.instances import measure_instances
    from napari_medclf.engine.metrics.segmentation import measure_segmentation

    groups = [one.group_id for one in comparisons]
    if card.task is Task.CLASSIFY:
        metrics = _summarise_classes(comparisons, card, groups, is_exclusive=is_exclusive)
    elif card.task is Task.INSTANCES:
        metrics = measure_instances([one.objects for one in comparisons if one.objects is not None], groups)
    else:
        metrics = measure_segmentation([one.overlaps for one in comparisons if one.overlaps is not None], groups)
    return {name: metric for name, metric in metrics.items() if not math.isnan(metric.value)}


def _summarise_classes(
    comparisons: Sequence[Comparison], card: ModelCard, groups: Sequence[str], *, is_exclusive: bool
) -> dict[str, Metric]:
    from napari_medclf.engine.metrics.classification import measure_classification

    names = card.schema_.names
    said = [one.classification for one in comparisons if one.classification is not None]
    truth = [{card.schema_.named(name).name for name in one.classes} for one in comparisons]
    return measure_classification(
        np.array([[name in one for name in names] for one in truth]),
        np.array([[one.scores[name] for name in names] for one in said]),
        np.array([[name in one.decided for name in names] for one in said]),
        names,
        groups,
        is_exclusive=is_exclusive,
    )
