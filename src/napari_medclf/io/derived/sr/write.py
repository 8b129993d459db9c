"""Scores and measurements as a DICOM structured report (TID 1500)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_medclf.domain.authorship import Authorship
from napari_medclf.domain.derived import MeasurementGroup, MeasurementReport
from napari_medclf.domain.errors import ReadError, WriteError
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.labels import CodedConcept
from napari_medclf.domain.results import Scope
from napari_medclf.io.derived.evidence import read_evidence
from napari_medclf.io.derived.open_file import open_derived
from napari_medclf.io.derived.patient_study import RESEARCH_ONLY, begin_result
from napari_medclf.io.derived.reference import items
from napari_medclf.io.derived.save_checked import save_checked
from napari_medclf.io.derived.sr.check import difference
from napari_medclf.io.derived.sr.content import SegmentFile, build_content
from napari_medclf.io.dicom import tags
from napari_medclf.io.dicom.quiet import quiet

_SOP_CLASS = "1.2.840.10008.5.1.4.1.1.88.33"
_EXPLICIT = "1.2.840.10008.1.2.1"
_LONGEST_MEANING = 64
_LONGEST_SCHEME = 16


def write_sr(
    report: MeasurementReport,
    image: MedImage,
    authorship: Authorship,
    path: Path,
    *,
    segmentation: Path | None = None,
) -> str:
    """Write a report that `read_sr` reads back as the same groups.

    Every measurement names its algorithm with version and settings; the report is unverified and preliminary, and
    its series is described as for research only. Before the file takes its name it is read again by a reader that
    shares no code with its writer, and each number, unit, code and UID is compared.

    Parameters
    ----------
    report : MeasurementReport
        Only its groups count; title and source are made here. Empty tracking ids are filled. What is said about a
        segment is of scope `Scope.OBJECT`.
    image : MedImage
        What was measured, read from DICOM files that are still there.
    segmentation : Path or None
        The DICOM segmentation that holds the segments of groups with a `segmentation_uid`.

    Returns
    -------
    str
        SOP instance UID of the report.

    Raises
    ------
    WriteError
        If there is nothing to say, a value is not finite or a code not whole, a segment is not in
        `segmentation`, the disk does not take it, or what was read again differs.

    Notes
    -----
    Comprehensive SR IOD, DICOM PS3.3 A.35.3, template TID 1500, PS3.16.
    """
    evidence = read_evidence(image)
    groups = tuple(_completed(group, number, image) for number, group in enumerate(report.groups, start=1))
    _check(groups)
    found = _read_segmentation(groups, segmentation)
    segment_file = None if found is None else _segment_file(found)
    with quiet():
        try:
            content = build_content(groups, authorship, _images(image, evidence), image.source.series_uid, segment_file)
        except (TypeError, ValueError) as error:  # highdicom's checks of codes, names and numbers
            raise WriteError(
                f"{path}: the report cannot be built from these values ({type(error).__name__})."
            ) from error
        dataset = _header(evidence[0], [*evidence, *([] if found is None else [found])])
        for element in content:
            dataset[element.tag] = element
    save_checked(dataset, Path(path), lambda written: difference(written, groups, image, evidence[0], authorship))
    return str(dataset.SOPInstanceUID)


def _completed(group: MeasurementGroup, number: int, image: MedImage) -> MeasurementGroup:
    from pydicom.uid import generate_uid

    meaning = group.finding.meaning if group.finding is not None else str(group.scope)
    is_segment = group.segment_number is not None
    return replace(
        group,
        tracking_id=group.tracking_id or f"{meaning} {number}",
        tracking_uid=group.tracking_uid or str(generate_uid(prefix=None)),
        scope=Scope.OBJECT if is_segment else group.scope,
    )


def _check(groups: Sequence[MeasurementGroup]) -> None:
    if not groups:
        raise WriteError("There are no scores and no measurements, so there is nothing to report.")
    for number, group in enumerate(groups, start=1):
        odd = [one.name.meaning for one in group.measurements if not math.isfinite(one.value) or not one.unit]
        if odd:
            raise WriteError(f"Group {number}: {odd[0]!r} has no finite value or no unit, and a report needs both.")
        for concept in _concepts(group):
            if not 0 < len(concept.meaning) <= _LONGEST_MEANING or not 0 < len(concept.scheme) <= _LONGEST_SCHEME:
                raise WriteError(
                    f"Group {number}: the code {concept.value!r} needs a meaning of 1 to {_LONGEST_MEANING} characters "
                    f"and a scheme of 1 to {_LONGEST_SCHEME}."
                )


def _concepts(group: MeasurementGroup) -> list[CodedConcept]:
    found = [concept for statement in group.statements for concept in statement]
    for one in group.measurements:
        found += [one.name] + ([one.derivation] if one.derivation is not None else [])
    return found + ([group.finding] if group.finding is not None else [])


def _read_segmentation(groups: Sequence[MeasurementGroup], path: Path | None) -> Any:
    """Open the segmentation and make sure that it is the one, and has the segments."""
    named = {group.segmentation_uid for group in groups if group.segment_number is not None}
    if not named:
        return None
    if path is None:
        raise WriteError("Measurements of segments need the DICOM segmentation that holds them; save it first.")
    try:
        dataset = open_derived(path)
    except ReadError as error:
        raise WriteError(f"The segmentation that measurements are about cannot be read: {error}") from error
    if named != {tags.text(dataset, "SOPInstanceUID")}:
        raise WriteError(f"{path} is not the segmentation that the measurements are about.")
    there = {int(tags.number(item, "SegmentNumber", 0)) for item in items(dataset, "SegmentSequence")}
    missing = sorted({group.segment_number for group in groups if group.segment_number is not None} - there)
    if missing:
        raise WriteError(f"{path} has no segment {missing[0]}, which a measurement is about.")
    return dataset


def _segment_file(dataset: Any) -> SegmentFile:
    return SegmentFile(
        tags.text(dataset, "SOPClassUID"), tags.text(dataset, "SOPInstanceUID"), tags.text(dataset, "SeriesInstanceUID")
    )


def _images(image: MedImage, evidence: Sequence[Any]) -> list[tuple[str, str, tuple[int, ...]]]:
    frames = image.source.frame_numbers
    return [(tags.text(one, "SOPClassUID"), tags.text(one, "SOPInstanceUID"), frames) for one in evidence]


def _header(evidence: Any, referenced: Sequence[Any]) -> Any:
    dataset = begin_result(evidence, _SOP_CLASS, "SR", f"{RESEARCH_ONLY}: findings")
    dataset.file_meta.TransferSyntaxUID = _EXPLICIT
    dataset.ContentDate, dataset.ContentTime = dataset.SeriesDate, dataset.SeriesTime
    dataset.CompletionFlag, dataset.PreliminaryFlag, dataset.VerificationFlag = "PARTIAL", "PRELIMINARY", "UNVERIFIED"
    dataset.ReferencedPerformedProcedureStepSequence, dataset.PerformedProcedureCodeSequence = [], []
    dataset.CurrentRequestedProcedureEvidenceSequence = [_evidence(evidence, referenced)]
    return dataset


def _evidence(evidence: Any, referenced: Sequence[Any]) -> Any:
    """List every instance that is referenced, by series (Hierarchical SOP Instance Reference, PS3.3 C.17.2.1)."""
    from pydicom.dataset import Dataset

    by_series: dict[str, list[Any]] = {}
    for one in referenced:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = one.SOPClassUID, one.SOPInstanceUID
        by_series.setdefault(str(one.SeriesInstanceUID), []).append(item)
    study, study.ReferencedSeriesSequence = Dataset(), []
    study.StudyInstanceUID = evidence.StudyInstanceUID
    for series_uid, instances in by_series.items():
        series = Dataset()
        series.SeriesInstanceUID, series.ReferencedSOPSequence = series_uid, instances
        study.ReferencedSeriesSequence.append(series)
    return study
