"""One answer of several whole ones: scores, labels or boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

import numpy as np

from napari_medclf.domain.card import ModelCard, Task
from napari_medclf.domain.detection import Detection
from napari_medclf.domain.results import Classification, Prediction, Regression, Segmentation, UncertaintyMap


def combine_answers(
    answers: Sequence[Prediction], weights: Sequence[float], card: ModelCard, combine: str, *, is_doubt_wanted: bool
) -> Prediction:
    """Combine what the members said about one image.

    Parameters
    ----------
    combine : str
        ``mean``, ``weighted`` or ``vote``.
    is_doubt_wanted : bool
        Whether a map tells where the members' labels disagree.
    """
    first = replace(
        answers[0],
        uncertainty=None,
        warnings=tuple(dict.fromkeys(chain.from_iterable(one.warnings for one in answers))),
        violations=tuple(dict.fromkeys(chain.from_iterable(one.violations for one in answers))),
    )
    if card.task is Task.CLASSIFY:
        return replace(first, classification=_scores(answers, weights, card, combine))
    if card.task is Task.REGRESS:
        return replace(first, regression=_numbers(answers, weights, combine))
    if card.task is Task.DETECT:
        return replace(first, detection=_boxes(answers, weights, card, combine))
    segmentation, doubt = _labels(answers, weights, card, is_doubt_wanted=is_doubt_wanted)
    return replace(first, segmentation=segmentation, uncertainty=doubt)


def _scores(answers: Sequence[Prediction], weights: Sequence[float], card: ModelCard, combine: str) -> Classification:
    from napari_medclf.engine.decide import decide_classes

    said = [one.classification for one in answers if one.classification is not None]
    rows = [
        [float(name in one.decided) if combine == "vote" else one.scores[name] for name in card.schema_.names]
        for one in said
    ]
    # Thresholds of the members were chosen for their own scores.
    output = card.output.model_copy(update={"thresholds": {}})
    return decide_classes(np.average(rows, axis=0, weights=weights).tolist(), output, is_calibrated=False)


def _numbers(answers: Sequence[Prediction], weights: Sequence[float], combine: str) -> Regression:
    said = [one.regression for one in answers if one.regression is not None]
    rows = {name: [one.values[name] for one in said] for name in said[0].values}
    if combine == "vote":  # what most members can live with
        return replace(said[0], values={name: float(np.median(row)) for name, row in rows.items()})
    return replace(said[0], values={name: float(np.average(row, weights=weights)) for name, row in rows.items()})


def _boxes(answers: Sequence[Prediction], weights: Sequence[float], card: ModelCard, combine: str) -> Detection:
    from napari_medclf.engine.detection.found import Found
    from napari_medclf.engine.detection.fusion import fuse
    from napari_medclf.engine.detection.suppress import suppress

    said = [one.detection for one in answers if one.detection is not None]
    found = [Found.of(one) for one in said]
    if combine == "vote":
        kept = suppress(Found.joined(found), card.output.nms_iou)
    else:
        kept = fuse(found, weights, card.output.nms_iou)
    first = said[0]
    return kept.to_detection(first.geometry, card.schema_, source_digest=first.source_digest, name=card.name)


def _labels(
    answers: Sequence[Prediction], weights: Sequence[float], card: ModelCard, *, is_doubt_wanted: bool
) -> tuple[Segmentation, UncertaintyMap | None]:
    from napari_medclf.engine.ensemble.votes import disagreement, vote_labels

    said = [one.segmentation for one in answers if one.segmentation is not None]
    maps = [one.labels for one in said]
    labels = vote_labels(maps, weights, [0, *(one.value for one in card.schema_.foreground)])
    segmentation = replace(said[0], labels=labels, name=card.name)
    if not is_doubt_wanted:
        return segmentation, None
    return segmentation, UncertaintyMap(disagreement(maps, labels), segmentation.geometry, "disagreement")
