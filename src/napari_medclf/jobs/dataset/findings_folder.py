"""The folder of findings: for programs, for spreadsheets, for the eye, and the list of cases to leave out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_medclf.domain.errors import MedclfError
from napari_medclf.domain.events import Job, Progress

if TYPE_CHECKING:
    from napari_medclf.domain.arrays import PixelArray
    from napari_medclf.domain.dataset import Dataset, FileRef
    from napari_medclf.domain.quality import Finding
    from napari_medclf.jobs.case_reader import CaseReader
    from napari_medclf.jobs.dataset.check_report import CheckReport

_PICTURES = "pictures"
_MOST_PICTURES = 500
_MOST_BESIDE = 3
_GAP_PX = 4


def write_findings(folder: Path, report: CheckReport, dataset: Dataset, *, with_pictures: bool) -> Job[CheckReport]:
    """Write ``check.json``, ``findings.csv``, ``exclude.json`` and a picture for each of the first 500 findings.

    ``exclude.json`` names the cases of all errors; `train`, `evaluate` and the window take it, and a person may edit
    it.

    Returns
    -------
    CheckReport
        Whose findings know their pictures.
    """
    from napari_medclf.atomic import atomic_write
    from napari_medclf.jobs.dataset.findings_page import findings_page
    from napari_medclf.jobs.json_text import json_text
    from napari_medclf.jobs.tables import table_csv
    from napari_medclf.store.datasets import EXCLUDE_FILE, write_exclusions

    if with_pictures:
        report = replace(report, findings=(yield from _draw_all(folder / _PICTURES, report.findings, dataset)))
    atomic_write(folder / "findings.csv", table_csv(_table(report.findings)))
    atomic_write(folder / "findings.html", findings_page(report))
    write_exclusions(folder / EXCLUDE_FILE, report.exclude)
    atomic_write(folder / "check.json", json_text(document_of(report)) + "\n")
    return report


def document_of(report: CheckReport) -> dict[str, Any]:
    """Lay the report out as ``check.json`` has it."""
    return {
        "schema_version": 1,
        "data": report.name,
        "n_cases": report.n_cases,
        "n_errors": report.n_errors,
        "counts": report.counts,
        "warnings": report.warnings,
        "findings": [_row(one) for one in report.findings],
    }


def _row(finding: Finding) -> dict[str, Any]:
    return {
        "kind": finding.kind,
        "severity": finding.severity,
        "cases": finding.cases,
        "sentence": finding.sentence,
        "exclude": finding.exclude,
        "slice": finding.at,
        "picture": finding.picture,
    }


def _table(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    return [
        {
            "severity": str(one.severity),
            "kind": str(one.kind),
            "cases": " ".join(one.cases),
            "exclude": " ".join(one.exclude),
            "sentence": one.sentence,
            "picture": one.picture,
        }
        for one in findings
    ]


def _draw_all(folder: Path, findings: Sequence[Finding], dataset: Dataset) -> Job[tuple[Finding, ...]]:
    from napari_medclf.jobs.case_reader import CaseReader

    reader = CaseReader(dataset)
    loose = {one.name: one.ref for one in dataset.left_out}
    drawn: list[Finding] = []
    for position, finding in enumerate(findings):
        yield Progress(position, len(findings), f"drawing {finding.kind}")
        picture = picture_of(reader, finding, loose) if position < _MOST_PICTURES else None
        if picture is None:
            drawn.append(finding)
            continue
        name = f"{position + 1:03d}-{finding.kind}.png"
        _save(folder / name, picture)
        drawn.append(replace(finding, picture=f"{_PICTURES}/{name}"))
    return tuple(drawn)


def picture_of(reader: CaseReader, finding: Finding, loose: Mapping[str, FileRef]) -> PixelArray | None:
    """Draw the cases of a finding beside each other, gray (rows, columns) uint8; None where none can be read.

    Parameters
    ----------
    loose : dict
        Name to file of what did not become a case.
    """
    cases = {case.case_id: case for case in reader.dataset.cases}
    drawn = []
    for name in finding.cases[:_MOST_BESIDE]:
        try:
            image = reader.image(cases[name]) if name in cases else reader.open(loose[name])
        except (MedclfError, KeyError):
            continue
        drawn.append(_slice_of(image, finding.at if name == finding.cases[0] else None))
    return _beside(drawn) if drawn else None


def _slice_of(image: Any, k: int | None) -> PixelArray:
    from napari_medclf.io.thumbnail import small_picture

    if k is not None and 0 <= k < image.geometry.shape[0]:
        one = image.geometry.cropped((k, 0, 0), (1, *image.geometry.shape[1:]))
        image = replace(image, data=image.data[..., k : k + 1, :, :], geometry=one)
    return small_picture(image)


def _beside(pictures: Sequence[PixelArray]) -> PixelArray:
    height = max(len(one) for one in pictures)
    parts = [np.pad(one, ((0, height - len(one)), (0, _GAP_PX))) for one in pictures]
    return np.concatenate(parts, axis=1)[:, :-_GAP_PX]


def _save(path: Path, picture: PixelArray) -> None:
    import io

    from PIL import Image

    from napari_medclf.atomic import atomic_write

    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG")
    atomic_write(path, buffer.getvalue())
