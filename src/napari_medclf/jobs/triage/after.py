"""What is kept of every answer of a run for triage: doubts, traits, and a small picture."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.domain.triage import DoubtKind

if TYPE_CHECKING:
    from napari_medclf.domain.image import MedImage
    from napari_medclf.domain.results import Prediction

_log = logging.getLogger(__name__)
_GRAVE = frozenset({"modality", "photometric", "window", "channels"})
"""Clauses of a card whose breach makes any answer doubtful; others do so by half."""


@dataclass(frozen=True)
class AfterAnswer:
    """What a `CaseRecord` keeps for triage; both are empty where an answer could not be described."""

    doubts: dict[str, float] = field(default_factory=dict)
    traits: dict[str, float] = field(default_factory=dict)


def after_answer(
    image: MedImage, prediction: Prediction, out: Path, case_id: str, *, is_drawn: bool = True
) -> AfterAnswer:
    """Describe an answer, and draw it small into the run's folder where that is wanted.

    Never raises: an answer that cannot be described, or a picture that cannot be written, costs no result.
    """
    from napari_medclf.engine.triage.traits import traits_of
    from napari_medclf.jobs.triage.thumbnail import thumbnail_path, write_thumbnail

    found = AfterAnswer()
    try:
        found = AfterAnswer(_short(doubts_of(prediction)), _short(traits_of(image, prediction)))
        if is_drawn and out.is_dir():  # a run's folder that is gone is not made again
            write_thumbnail(image, prediction, thumbnail_path(out, case_id))
    except Exception:  # noqa: BLE001  (nothing that only helps to look may cost a result)
        _log.debug("%s could not be described", case_id, exc_info=True)
    return found


def doubts_of(prediction: Prediction) -> dict[str, float]:
    """Say how unsure the model is, and how far the image is from what the model's card promises; 0 to 1."""
    from napari_medclf.engine.active.doubt import map_doubt, score_entropy

    doubts = dict(prediction.doubts)
    said, doubted, scores = prediction.segmentation, prediction.uncertainty, prediction.classification
    if said is not None and doubted is not None:
        doubts[doubted.kind] = map_doubt(doubted.values, said.labels)
    if scores is not None and len(scores.scores) > 1 and "entropy" not in doubts:
        is_exclusive = abs(sum(scores.scores.values()) - 1) < 1e-3
        doubts["entropy"] = score_entropy(scores.scores, is_exclusive=is_exclusive)
    if prediction.violations:
        doubts[DoubtKind.UNFIT.value] = max(1.0 if one.clause in _GRAVE else 0.5 for one in prediction.violations)
    return doubts


def _short(numbers: dict[str, float]) -> dict[str, float]:
    """Keep five digits of what is finite: ledgers of many cases stay small."""
    return {name: float(f"{value:.5g}") for name, value in numbers.items() if math.isfinite(value)}
