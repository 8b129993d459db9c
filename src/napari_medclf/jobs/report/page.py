"""The page of an evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_medclf.domain.card import ModelCard
    from napari_medclf.domain.dataset import Dataset
    from napari_medclf.jobs.evaluation.watch import WorstCase


@dataclass(frozen=True, eq=False)
class Reported:
    """What a page is made of.

    Parameters
    ----------
    document : dict
        As ``metrics.json`` has it.
    rows : sequence of dict
        The numbers of every case, as ``cases.csv`` has them.
    """

    document: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]]
    card: ModelCard
    dataset: Dataset
    worst: Sequence[WorstCase] = ()


def evaluation_page(reported: Reported) -> str:
    """Write ``report.html``: one file with everything in it."""
    from napari_medclf.jobs.report_html import report_html

    return report_html(reported.document, reported.rows)
