"""Compare what a model said about a case with what is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_medclf.domain.dataset import Case
    from napari_medclf.domain.image import MedImage
    from napari_medclf.domain.results import Classification, Prediction, Regression, Segmentation
    from napari_medclf.engine.metrics.box_matches import ClassMatches
    from napari_medclf.engine.metrics.instances import InstanceScores
    from napari_medclf.engine.metrics.lesions import LesionCount
    from napari_medclf.engine.metrics.segmentation import ClassScores
    from napari_medclf.jobs.case_reader import CaseReader

NSD_TOLERANCE = 1.0
"""In mm, or in pixels for pictures without a scale."""
_NONE: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True)
class NumberPair:
    """A number that is known, and what the model estimated."""

    truth: float
    found: float


@dataclass(frozen=True)
class Comparison:
    """One case, measured; which of the measurements are there follows from the task.

    Parameters
    ----------
    facts : dict
        What else is known of the case, such as sex or site: the groups that a report tells apart.
    """

    case_id: str
    group_id: str
    classes: tuple[str, ...] = ()
    classification: Classification | None = None
    overlaps: Mapping[str, ClassScores] | None = None
    lesions: Mapping[str, LesionCount] | None = None
    objects: InstanceScores | None = None
    numbers: Mapping[str, NumberPair] | None = None
    boxes: Mapping[str, ClassMatches] | None = None
    facts: Mapping[str, str] = field(default_factory=dict)

    def as_row(self) -> dict[str, Any]:
        """Return the numbers by column name, for a table."""
        known = {f"fact:{name}": value for name, value in self.facts.items()}
        row: dict[str, Any] = {"case_id": self.case_id, "group_id": self.group_id} | known
        if self.classification is not None:
            scores = {f"score:{name}": score for name, score in self.classification.scores.items()}
            return row | {
                "truth": " ".join(self.classes), "decided": " ".join(self.classification.decided), **scores
            }  # fmt: skip
        if self.objects is not None:
            return row | asdict(self.objects)
        for name, pair in (self.numbers or {}).items():
            row |= {f"truth:{name}": pair.truth, f"found:{name}": pair.found, f"error:{name}": pair.found - pair.truth}
        for name, matches in (self.boxes or {}).items():
            row |= {f"{what}:{name}": count for what, count in matches.counts().items()}
        overlaps = self.overlaps or {}
        row |= {f"{metric}:{name}": value for name, one in overlaps.items() for metric, value in one.as_dict().items()}
        for name, one in (self.lesions or {}).items():
            row |= {f"lesions:{name}": one.n_reference, f"found:{name}": one.n_found, f"false:{name}": one.n_false}
        return row


def compare(
    reader: CaseReader, case: Case, image: MedImage, prediction: Prediction, thresholds: Mapping[str, float] = _NONE
) -> Comparison:
    """Measure one prediction against the dataset's answer.

    Parameters
    ----------
    thresholds : dict
        Detection: class to the score from which its boxes count; see `evaluation.all_boxes`.

    Raises
    ------
    DatasetError
        If the case has no answer, or it lies on another grid.
    """
    from napari_medclf.engine.metrics.box_matches import match_boxes

    known = Comparison(case.case_id, case.group_id, case.classes, prediction.classification, facts=case.facts)
    if prediction.regression is not None:
        return replace(known, numbers=_pair_numbers(case, prediction.regression))
    if prediction.detection is not None:
        return replace(known, boxes=match_boxes(reader.boxes(case, image), prediction.detection, thresholds))
    if prediction.segmentation is None:
        return known
    return replace(known, **_score_labels(reader.reference(case, image), prediction.segmentation))


def _pair_numbers(case: Case, regression: Regression) -> dict[str, NumberPair]:
    return {name: NumberPair(case.values.get(name, float("nan")), found) for name, found in regression.values.items()}


def _score_labels(reference: Segmentation, predicted: Segmentation) -> dict[str, Any]:
    from napari_medclf.engine.metrics.instances import score_instances
    from napari_medclf.engine.metrics.lesions import count_lesions
    from napari_medclf.engine.metrics.segmentation import score_segmentation

    if predicted.is_instances:
        return {"objects": score_instances(reference.labels, predicted.labels)}
    overlaps = score_segmentation(reference, predicted, tolerance=NSD_TOLERANCE)
    lesions = {
        one.name: count_lesions(
            reference.labels == one.value, predicted.labels == predicted.schema.named(one.name).value
        )
        for one in reference.schema.foreground
    }
    return {"overlaps": overlaps, "lesions": lesions}
