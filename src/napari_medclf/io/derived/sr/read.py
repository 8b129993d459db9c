"""Structured reports of measurements (TID 1500), read by walking their tree."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from napari_medclf.domain.derived import Measurement, MeasurementGroup, MeasurementReport
from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.labels import CodedConcept
from napari_medclf.domain.results import Scope
from napari_medclf.io.derived.codes import PRIVATE_SCHEME
from napari_medclf.io.derived.open_file import open_derived
from napari_medclf.io.derived.origin import source_of
from napari_medclf.io.derived.reference import items, read_reference
from napari_medclf.io.derived.source_grid import SourceGrid
from napari_medclf.io.derived.sr.code import read_code
from napari_medclf.io.derived.sr.tree import Node, read_tree
from napari_medclf.io.dicom import tags
from napari_medclf.io.dicom.quiet import quiet
from napari_medclf.io.preflight import refusing
from napari_medclf.io.sniff import name_of

SCOPE = CodedConcept(value="SCOPE", scheme=PRIVATE_SCHEME, meaning="What this is about")
"""How this program writes down that something is said about a study, slice or object."""
# Codes of DICOM's scheme (PS3.16 annex D).
_MEASUREMENTS, _GROUP = "126010", "125007"
_TRACKING_ID, _TRACKING_UID, _FINDING = "112039", "112040", "121071"
_SEGMENT, _SEGMENT_FRAME, _DERIVATION = "121191", "121214", "121401"
_ALGORITHM, _ALGORITHM_VERSION = "111001", "111003"
_REGIONS = ("111030", "121231")
# Titles of the reports that hospitals have most, by their codes: what a title says in a file is free text.
_TITLES = {
    ("126000", "DCM"): "Imaging Measurement Report",
    ("113701", "DCM"): "X-Ray Radiation Dose Report",
    ("111036", "DCM"): "Mammography CAD Report",
    ("112000", "DCM"): "Chest CAD Report",
    ("111400", "DCM"): "Breast Imaging Report",
    ("125200", "DCM"): "Adult Echocardiography Procedure Report",
    ("125000", "DCM"): "OB-GYN Ultrasound Procedure Report",
    ("125100", "DCM"): "Vascular Ultrasound Procedure Report",
    ("18748-4", "LN"): "Diagnostic Imaging Report",
    ("11528-7", "LN"): "Radiology Report",
    ("18782-3", "LN"): "Radiology Study Observation",
}


def read_sr(path: Path, grids: Sequence[SourceGrid] = ()) -> MeasurementReport:
    """Read the scores and measurements of a report.

    Parameters
    ----------
    grids : sequence of SourceGrid
        Not needed: a report has no samples to place.

    Raises
    ------
    ReadError
        If it is damaged, or a report of another kind than TID 1500 (DICOM PS3.16).
    """
    dataset = open_derived(path, with_samples=True)
    with refusing(path, "has a content tree that cannot be understood", with_text=False), quiet():
        root = read_tree(path, dataset)
        measurements = root.find(_MEASUREMENTS)
        if measurements is None:
            raise ReadError(path, f"is a structured report, {_kind(dataset, root)}, and only TID 1500 is read")
        warnings: list[str] = []
        groups = [child for child in measurements.children if child.is_named(_GROUP)]
        return MeasurementReport(
            name=name_of(path),
            title=_title(root),
            groups=tuple(_group(one, number, warnings) for number, one in enumerate(groups, start=1)),
            source=source_of(path, dataset),
            reference=read_reference(dataset),
            algorithm=_algorithm(root),
            warnings=tuple(warnings),
        )


def _title(root: Node) -> str:
    return "" if root.name is None else _TITLES.get((root.name.value, root.name.scheme), "")


def _kind(dataset: Any, root: Node) -> str:
    """Name a report by its codes alone."""
    title = _title(root)
    named = f'a "{title}"' if title else "of an unknown title"
    templates = items(dataset, "ContentTemplateSequence")
    template = tags.text(templates[0], "TemplateIdentifier") if templates else ""
    return f"{named} (template {template})" if template.isalnum() and len(template) <= 16 else named


def _group(group: Node, number: int, warnings: list[str]) -> MeasurementGroup:
    segment = group.find(_SEGMENT) or group.find(_SEGMENT_FRAME)
    uid, segment_number = ("", None) if segment is None else _segment(segment)
    measurements = [_measurement(one) for one in group.of_type("NUM")]
    n_empty = measurements.count(None)
    if n_empty:
        warnings.append(f"Group {number} has {n_empty} measurements without a finite value, a name or a unit.")
    codes = [(one.name, read_code(one.item, "ConceptCodeSequence")) for one in group.of_type("CODE")]
    said = [(name, value) for name, value in codes if name is not None and value is not None]
    return MeasurementGroup(
        tracking_id=_text(group.find(_TRACKING_ID), "TextValue"),
        tracking_uid=_text(group.find(_TRACKING_UID), "UID"),
        finding=next((value for name, value in said if (name.value, name.scheme) == (_FINDING, "DCM")), None),
        scope=_scope(group, said, is_segment=segment is not None),
        measurements=tuple(one for one in measurements if one is not None),
        statements=tuple(one for one in said if one[0] != SCOPE and (one[0].value, one[0].scheme) != (_FINDING, "DCM")),
        segment_number=segment_number,
        segmentation_uid=uid,
    )


def _scope(group: Node, said: list[tuple[CodedConcept, CodedConcept]], *, is_segment: bool) -> Scope:
    told = next((value.value.casefold() for name, value in said if name == SCOPE), "")
    if told in {str(one) for one in Scope}:
        return Scope(told)
    is_region = any(group.find(code) is not None for code in _REGIONS)
    return Scope.OBJECT if is_segment or is_region else Scope.IMAGE


def _segment(node: Node) -> tuple[str, int | None]:
    named = items(node.item, "ReferencedSOPSequence")
    if not named:
        return "", None
    number = int(tags.number(named[0], "ReferencedSegmentNumber", 0))
    return tags.text(named[0], "ReferencedSOPInstanceUID"), number if number > 0 else None


def _measurement(node: Node) -> Measurement | None:
    values = items(node.item, "MeasuredValueSequence")
    if not values or node.name is None:
        return None
    number = tags.number(values[0], "FloatingPointValue", math.nan)  # more digits than the decimal string has
    number = tags.number(values[0], "NumericValue", math.nan) if math.isnan(number) else number
    unit = read_code(values[0], "MeasurementUnitsCodeSequence")
    if unit is None or not math.isfinite(number):
        return None
    derivation = node.find(_DERIVATION)
    derived = None if derivation is None else read_code(derivation.item, "ConceptCodeSequence")
    return Measurement(node.name, number, unit.value, derived)


def _algorithm(root: Node) -> str:
    """Name and version of the first algorithm that anything was measured with (TID 4019)."""
    for node in root.walk():
        name = node.find(_ALGORITHM)
        if name is not None:
            return f"{_text(name, 'TextValue')} {_text(node.find(_ALGORITHM_VERSION), 'TextValue')}".strip()
    return ""


def _text(node: Node | None, keyword: str) -> str:
    return "" if node is None else tags.text(node.item, keyword)
