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
    from napari_medclf.engine.metrics.bootstrap import Statistic
    from napari_medclf.engine.metrics.delong import AreaComparison
    from napari_medclf.engine.metrics.instances import InstanceScores
    from napari_medclf.engine.metrics.paired import Difference
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
    from napari_medclf.engine.metrics.bootstrap import bootstrap

    groups = [one.group_id for one in comparisons]
    metrics = bootstrap(_statistic_of(comparisons, card, is_exclusive=is_exclusive), groups)
    return {name: metric for name, metric in metrics.items() if not math.isnan(metric.value)}


def differences(
    before: Sequence[Comparison], after: Sequence[Comparison], card: ModelCard, *, is_exclusive: bool
) -> dict[str, Difference]:
    """Compare two models on the cases that both could be measured on, number by number.

    Parameters
    ----------
    before, after : sequence of Comparison
        Of the one and of the other model.
    card : ModelCard
        Of either; both must have the same classes.

    Raises
    ------
    DatasetError
        If there is no case that both have.
    """
    from napari_medclf.engine.metrics.paired import compare_paired

    found = {one.case_id: one for one in after}
    pairs = [(one, found[one.case_id]) for one in before if one.case_id in found]
    first, second = (_statistic_of([pair[n] for pair in pairs], card, is_exclusive=is_exclusive) for n in (0, 1))
    groups = [one.group_id for one, _ in pairs]
    compared = compare_paired(first, second, groups)
    return {name: one for name, one in compared.items() if not math.isnan(one.value)}


def areas(before: Sequence[Comparison], after: Sequence[Comparison], card: ModelCard) -> dict[str, AreaComparison]:
    """Test by class whether two classifiers have the same area under the curve (DeLong 1988).

    Returns
    -------
    dict
        Empty where patients have several cases, as the test takes cases for independent, and for models that do not
        classify; without classes that have fewer than two cases on either side.
    """
    from napari_medclf.engine.metrics.delong import compare_areas

    found = {one.case_id: one for one in after}
    pairs = [(one, found[one.case_id]) for one in before if one.case_id in found]
    if card.task is not Task.CLASSIFY or len({one.group_id for one, _ in pairs}) < len(pairs):
        return {}
    compared: dict[str, AreaComparison] = {}
    for name in card.schema_.names:
        truth = np.array([name in {card.schema_.named(one).name for one in pair[0].classes} for pair in pairs])
        if 2 <= np.count_nonzero(truth) <= len(truth) - 2:
            first, second = (np.array([_score(pair[n], name) for pair in pairs]) for n in (0, 1))
            compared[name] = compare_areas(truth, first, second)
    return compared


def _score(comparison: Comparison, name: str) -> float:
    assert comparison.classification is not None  # the task is to classify
    return comparison.classification.scores[name]


def _statistic_of(comparisons: Sequence[Comparison], card: ModelCard, *, is_exclusive: bool) -> Statistic:
    from napari_medclf.engine.metrics.bootstrap import statistic_of_means
    from napari_medclf.engine.metrics.instances import list_objects
    from napari_medclf.engine.metrics.segmentation import list_overlaps

    if card.task is Task.CLASSIFY:
        return _statistic_of_classes(comparisons, card, is_exclusive=is_exclusive)
    if card.task is Task.INSTANCES:
        return statistic_of_means(list_objects([one.objects for one in comparisons if one.objects is not None]))
    return statistic_of_means(list_overlaps([one.overlaps for one in comparisons if one.overlaps is not None]))


def _statistic_of_classes(comparisons: Sequence[Comparison], card: ModelCard, *, is_exclusive: bool) -> Statistic:
    from napari_medclf.engine.metrics.classification import statistic_of_classes

    names = card.schema_.names
    said = [one.classification for one in comparisons if one.classification is not None]
    truth = [{card.schema_.named(name).name for name in one.classes} for one in comparisons]
    return statistic_of_classes(
        np.array([[name in one for name in names] for one in truth]),
        np.array([[one.scores[name] for name in names] for one in said]),
        np.array([[name in one.decided for name in names] for one in said]),
        names,
        is_exclusive=is_exclusive,
    )
