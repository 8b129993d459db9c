"""Everything that is said of measured cases beyond their main numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_medclf.domain.card import ModelCard, Task
from napari_medclf.domain.events import Job

if TYPE_CHECKING:
    from napari_medclf.jobs.evaluation.measured import Measured
    from napari_medclf.jobs.evaluation.score_table import ScoreTable


@dataclass(frozen=True, eq=False)
class AnalysisSettings:
    """What an analysis needs to know beside the cases.

    Parameters
    ----------
    is_exclusive : bool
        Whether every case has exactly one class.
    sensitivity : float
        For the operating points.
    chosen_on : (name, Measured) or None
        Other cases on which thresholds are chosen.
    """

    is_exclusive: bool
    sensitivity: float = 0.95
    chosen_on: tuple[str, Measured] | None = None


def analyse(measured: Measured, card: ModelCard, settings: AnalysisSettings) -> Job[dict[str, Any]]:
    """Give the parts of the document that say more: subgroups; of classifiers also curves, calibration and so on.

    Returns
    -------
    dict
        With ``undefined``: the reasons for what is not there, beside those of `Measured`.
    """
    from napari_medclf.jobs.evaluation.subgroups import subgroups_of
    from napari_medclf.jobs.evaluation.task_curves import bland_altman_of, froc_of

    undefined = dict(measured.undefined)
    subgroups, reasons = yield from subgroups_of(measured.comparisons, card, is_exclusive=settings.is_exclusive)
    parts: dict[str, Any] = {"subgroups": subgroups}
    undefined |= reasons
    if card.task is Task.CLASSIFY:
        parts |= yield from _analyse_scores(measured, card, settings, undefined)
    elif card.task is Task.DETECT:
        parts["froc_curves"] = froc_of(measured)
    elif card.task is Task.REGRESS:
        parts["bland_altman"] = bland_altman_of(measured)
    return parts | {"undefined": undefined}


def _analyse_scores(
    measured: Measured, card: ModelCard, settings: AnalysisSettings, undefined: dict[str, str]
) -> Job[dict[str, Any]]:
    from napari_medclf.jobs.evaluation.calibration import calibration_of
    from napari_medclf.jobs.evaluation.confusion import confusion_of
    from napari_medclf.jobs.evaluation.curves import areas_of, curves_of
    from napari_medclf.jobs.evaluation.operating import operating_points

    table = _table(measured, card, settings)
    chosen_on = None
    if settings.chosen_on is not None:
        chosen_on = (settings.chosen_on[0], _table(settings.chosen_on[1], card, settings))
    areas, without_area = areas_of(table)
    points, without_point = yield from operating_points(table, settings.sensitivity, chosen_on)
    calibration, without_line = yield from calibration_of(table, card)
    curves = yield from curves_of(table)
    undefined |= {**without_area, **without_point, **without_line}
    return {
        "auc_delong": areas,
        "curves": curves,
        "confusion": confusion_of(table),
        "operating_points": points,
        "calibration": calibration,
    }


def _table(measured: Measured, card: ModelCard, settings: AnalysisSettings) -> ScoreTable:
    from napari_medclf.jobs.evaluation.score_table import score_table

    return score_table(measured.comparisons, card, is_exclusive=settings.is_exclusive)
