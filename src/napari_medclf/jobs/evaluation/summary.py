"""Sum up many cases as numbers with intervals, for one model or for two on the same cases."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from napari_medclf.domain.card import Metric, ModelCard, Task
from napari_medclf.domain.events import Job
from napari_medclf.jobs.evaluation.score_table import ScoreTable, score_table

if TYPE_CHECKING:
    from napari_medclf.engine.metrics.bootstrap import Statistic
    from napari_medclf.engine.metrics.delong import AreaComparison
    from napari_medclf.engine.metrics.paired import Difference
    from napari_medclf.jobs.compare import Comparison


def summarise(comparisons: Sequence[Comparison], card: ModelCard, *, is_exclusive: bool) -> Job[dict[str, Metric]]:
    """Sum up cases as numbers with 95 % intervals by group.

    Returns
    -------
    dict of str to Metric
        A number that no case defines is NaN; `undefined.reasons` says why.
    """
    from napari_medclf.engine.metrics.bootstrap import resample
    from napari_medclf.engine.metrics.certainty import widen_certain

    groups = [one.group_id for one in comparisons]
    statistic = statistic_of(comparisons, card, is_exclusive=is_exclusive)
    metrics = yield from resample(statistic, groups)
    if card.task is not Task.CLASSIFY:
        return metrics
    table = score_table(comparisons, card, is_exclusive=is_exclusive)
    return widen_certain(metrics, table.truth, table.decided, table.names, table.groups)


def differences(
    before: Sequence[Comparison], after: Sequence[Comparison], card: ModelCard, *, is_exclusive: bool
) -> Job[dict[str, Difference]]:
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
    from napari_medclf.engine.metrics.paired import resample_paired

    pairs = _pairs(before, after)
    first, second = (statistic_of([pair[n] for pair in pairs], card, is_exclusive=is_exclusive) for n in (0, 1))
    compared = yield from resample_paired(first, second, [one.group_id for one, _ in pairs])
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

    pairs = _pairs(before, after)
    if card.task is not Task.CLASSIFY or len({one.group_id for one, _ in pairs}) < len(pairs):
        return {}
    first, second = (score_table([pair[n] for pair in pairs], card, is_exclusive=True) for n in (0, 1))
    compared: dict[str, AreaComparison] = {}
    for column, name in enumerate(first.names):
        truth = first.truth[:, column]
        if 2 <= truth.sum() <= len(truth) - 2:
            scores = (table.probabilities[:, column] for table in (first, second))
            compared[name] = compare_areas(truth, *scores)
    return compared


def statistic_of(comparisons: Sequence[Comparison], card: ModelCard, *, is_exclusive: bool) -> Statistic:
    """Make the statistic that measures drawn cases, as the task has it."""
    from napari_medclf.engine.metrics.bootstrap import statistic_of_means
    from napari_medclf.engine.metrics.classification import statistic_of_classes
    from napari_medclf.engine.metrics.detection import statistic_of_boxes
    from napari_medclf.engine.metrics.instances import list_objects

    if card.task is Task.CLASSIFY:
        table = score_table(comparisons, card, is_exclusive=is_exclusive)
        classes = statistic_of_classes(
            table.truth, table.probabilities, table.decided, table.names, is_exclusive=is_exclusive
        )
        return _with_order(classes, table) if card.output.activation == "ordinal" else classes
    if card.task is Task.REGRESS:
        return _statistic_of_numbers(comparisons, card.schema_.names)
    if card.task is Task.DETECT:
        return statistic_of_boxes([one.boxes for one in comparisons if one.boxes is not None])
    if card.task is Task.INSTANCES:
        return statistic_of_means(list_objects([one.objects for one in comparisons if one.objects is not None]))
    return _statistic_of_labels(comparisons)


def _with_order(classes: Statistic, table: ScoreTable) -> Statistic:
    """Add how far off the decided classes are in their order."""
    from napari_medclf.engine.metrics.ordinal import grades_of, score_order

    truth, decided = grades_of(table.truth), grades_of(table.decided)
    n_classes = len(table.names)
    return lambda chosen: {**classes(chosen), **score_order(truth[chosen], decided[chosen], n_classes)}


def _statistic_of_numbers(comparisons: Sequence[Comparison], names: Sequence[str]) -> Statistic:
    from napari_medclf.engine.metrics.regression import statistic_of_numbers

    rows = [one.numbers for one in comparisons if one.numbers is not None]
    truth = np.array([[row[name].truth for name in names] for row in rows])
    found = np.array([[row[name].found for name in names] for row in rows])
    return statistic_of_numbers(truth, found, names)


def _statistic_of_labels(comparisons: Sequence[Comparison]) -> Statistic:
    """Means over cases of overlap and distance, and lesions summed over cases."""
    from napari_medclf.engine.metrics.bootstrap import statistic_of_means
    from napari_medclf.engine.metrics.lesions import statistic_of_lesions
    from napari_medclf.engine.metrics.segmentation import list_overlaps

    means = statistic_of_means(list_overlaps([one.overlaps or {} for one in comparisons]))
    lesions = statistic_of_lesions([one.lesions or {} for one in comparisons])
    return lambda chosen: {**means(chosen), **lesions(chosen)}


def _pairs(before: Sequence[Comparison], after: Sequence[Comparison]) -> list[tuple[Comparison, Comparison]]:
    found = {one.case_id: one for one in after}
    return [(one, found[one.case_id]) for one in before if one.case_id in found]
