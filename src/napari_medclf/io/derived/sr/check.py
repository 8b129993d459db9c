"""Is a report that was written what was meant: every number, unit, code, name and reference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from napari_medclf.domain.authorship import Authorship
from napari_medclf.domain.derived import MeasurementGroup
from napari_medclf.domain.image import MedImage
from napari_medclf.io.derived.open_file import open_derived
from napari_medclf.io.derived.patient_study import taken_over
from napari_medclf.io.derived.reference import items
from napari_medclf.io.derived.sr.read import read_sr
from napari_medclf.io.derived.sr.tree import Node, read_tree
from napari_medclf.io.dicom import tags

_ALGORITHM, _VERSION, _PARAMETERS = "111001", "111003", "111002"
_UNLIKE = {"VerificationFlag": "UNVERIFIED", "PreliminaryFlag": "PRELIMINARY"}


def difference(
    written: Path, groups: Sequence[MeasurementGroup], image: MedImage, evidence: Any, authorship: Authorship
) -> str:
    """Read a report again and say in a sentence where it first differs; empty where nowhere."""
    dataset = open_derived(written, with_samples=True)
    report, root = read_sr(written), read_tree(written, dataset)
    return (
        _header_difference(dataset, evidence)
        or _group_difference(groups, report.groups)
        or _reference_difference(dataset, root, groups, image)
        or _algorithm_difference(root, authorship)
        or _digits_difference(root)
    )


def _header_difference(dataset: Any, evidence: Any) -> str:
    for keyword in taken_over():
        if tags.text(dataset, keyword) != tags.text(evidence, keyword):
            return f"{keyword} came back changed."
    wrong = [keyword for keyword, value in _UNLIKE.items() if tags.text(dataset, keyword) != value]
    return f"{wrong[0]} came back as {tags.text(dataset, wrong[0])!r}." if wrong else ""


def _group_difference(meant: Sequence[MeasurementGroup], found: Sequence[MeasurementGroup]) -> str:
    if len(meant) != len(found):
        return f"{len(found)} groups came back, and {len(meant)} were written."
    for number, (one, other) in enumerate(zip(meant, found, strict=True), start=1):
        wrong = [part.name for part in fields(one) if getattr(one, part.name) != getattr(other, part.name)]
        if wrong:
            return (
                f"group {number} came back different in its {wrong[0].replace('_', ' ')}{_which(one, other, wrong[0])}."
            )
    return ""


def _which(meant: MeasurementGroup, found: MeasurementGroup, part: str) -> str:
    """Name the first measurement that differs."""
    if part != "measurements" or len(meant.measurements) != len(found.measurements):
        return ""
    pairs = zip(meant.measurements, found.measurements, strict=True)
    one, other = next((one, other) for one, other in pairs if one != other)
    return f": {one.name.meaning} {one.value:g} {one.unit} became {other.value:g} {other.unit}"


def _reference_difference(dataset: Any, root: Node, groups: Sequence[MeasurementGroup], image: MedImage) -> str:
    """Compare what is listed and what is referred to with the slices of the image, and with the segmentation."""
    slices = list(dict.fromkeys(image.source.sop_instance_uids))
    listed: dict[str, list[str]] = {}
    for study in items(dataset, "CurrentRequestedProcedureEvidenceSequence"):
        for series in items(study, "ReferencedSeriesSequence"):
            listed.setdefault(tags.text(series, "SeriesInstanceUID"), []).extend(_instances(series))
    if listed.pop(image.source.series_uid, []) != slices:
        return "the slices it names are not those of the image."
    segmentations = {group.segmentation_uid for group in groups if group.segment_number is not None}
    if {uid for uids in listed.values() for uid in uids} != segmentations:
        return "the segmentation it names is not the one that was measured."
    referred = [uid for node in root.walk() if node.value_type == "IMAGE" for uid in _instances(node.item)]
    n_whole = sum(group.segment_number is None for group in groups)
    if sorted(uid for uid in referred if uid not in segmentations) != sorted(slices * n_whole):
        return "its measurements do not refer to each slice of the image."
    return ""


def _instances(item: Any) -> list[str]:
    return [tags.text(one, "ReferencedSOPInstanceUID") for one in items(item, "ReferencedSOPSequence")]


def _algorithm_difference(root: Node, authorship: Authorship) -> str:
    """Make sure that each measurement names the model that made it."""
    meant = (authorship.model, _parameters(authorship))
    is_told = all(_named(node) == meant for node in root.walk() if node.value_type == "NUM")
    return "" if is_told else "a measurement came back without its algorithm."


def _digits_difference(root: Node) -> str:
    """Compare the decimal string, which most readers take, with the binary number beside it."""
    for node in root.walk():
        for value in items(node.item, "MeasuredValueSequence"):
            exact = tags.number(value, "FloatingPointValue", math.nan)
            if not math.isclose(tags.number(value, "NumericValue", math.nan), exact, rel_tol=1e-9, abs_tol=1e-300):
                return "a measurement came back as two different numbers."
    return ""


def _named(node: Node) -> tuple[str, set[str]]:
    name = node.find(_ALGORITHM)
    parameters = {tags.text(one.item, "TextValue") for one in node.children if one.is_named(_PARAMETERS)}
    return ("" if name is None else tags.text(name.item, "TextValue")), parameters


def _parameters(authorship: Authorship) -> set[str]:
    if not authorship.model:
        return set()
    told = {f"{name}={value}" for name, value in authorship.parameters}
    return told | ({f"weights_sha256={authorship.weights_sha256}"} if authorship.weights_sha256 else set())
