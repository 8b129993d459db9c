"""Labels as the contours of an RT structure set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from napari_medclf.domain.arrays import LabelArray
from napari_medclf.domain.authorship import Authorship
from napari_medclf.domain.errors import WriteError
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.labels import LabelClass
from napari_medclf.domain.results import Segmentation
from napari_medclf.io.derived.acquired import to_acquired
from napari_medclf.io.derived.evidence import read_evidence
from napari_medclf.io.derived.patient_study import RESEARCH_ONLY, begin_result, person_name
from napari_medclf.io.derived.rtstruct.check import difference
from napari_medclf.io.derived.rtstruct.contour_data import set_points
from napari_medclf.io.derived.rtstruct.contour_trace import trace_mask
from napari_medclf.io.derived.rtstruct.planes import SlicePlane, read_planes
from napari_medclf.io.derived.save_checked import save_checked
from napari_medclf.io.dicom import tags
from napari_medclf.io.dicom.quiet import quiet

_SOP_CLASS = "1.2.840.10008.5.1.4.1.1.481.3"
# DICOM PS3.3 C.8.8.5 wants a class here and its Detached Study Management was retired; every program writes it.
_STUDY_CLASS = "1.2.840.10008.3.1.2.3.1"
_IMPLICIT = "1.2.840.10008.1.2"
_LONGEST_NAME = 64


def write_rtstruct(segmentation: Segmentation, image: MedImage, authorship: Authorship, path: Path) -> str:
    """Write each class, or each object, as a region with one closed contour a part and slice.

    The contours run along the edges of pixels in the planes of the acquired slices, so that filling them gives
    the same voxels; holes are reached by keyholes (see `trace_mask`). The region's number is the label value.
    Before the file takes its name it is read again, filled by another program's rules, and compared.

    Parameters
    ----------
    image : MedImage
        What was labelled, read from DICOM files that are still there.

    Returns
    -------
    str
        SOP instance UID of the structure set.

    Raises
    ------
    WriteError
        If the image has no place in a patient, the grids differ, the disk does not take it, or what was read
        again differs; the sentence names region and slice.

    Notes
    -----
    RT Structure Set IOD, DICOM PS3.3 A.19. Written in Implicit VR Little Endian: in explicit syntaxes a
    contour may hold at most 65,534 characters (PS3.5 7.1.2), which is some 2,000 points.
    """
    evidence = read_evidence(image)
    planes = read_planes(image.name, image.source, evidence)
    labels = _acquired_labels(segmentation, image, len(planes))
    regions = _regions(segmentation)
    with quiet():
        dataset = _header(evidence[0], planes, authorship)
        _add_regions(dataset, regions, labels, planes, authorship)
    save_checked(dataset, Path(path), lambda written: difference(written, image, evidence, labels, regions, authorship))
    return str(dataset.SOPInstanceUID)


def _acquired_labels(segmentation: Segmentation, image: MedImage, n_planes: int) -> LabelArray:
    unlike = image.geometry.explain_difference(segmentation.geometry)
    if unlike:
        raise WriteError(f"{segmentation.name}: its labels do not lie on the grid of {image.name}: {unlike}.")
    labels = to_acquired(segmentation.labels, image.source)
    if len(labels) != n_planes:
        raise WriteError(f"{image.name}: {n_planes} slices were acquired, and labels lie on {len(labels)}.")
    return labels


def _regions(segmentation: Segmentation) -> tuple[LabelClass, ...]:
    """Give what becomes a region of its own: every class, or every object with its number."""
    if not segmentation.is_instances:
        found = segmentation.schema.foreground
    else:
        (one,) = segmentation.schema.foreground
        numbers = [int(number) for number in np.unique(segmentation.labels) if number > 0]
        found = tuple(one.model_copy(update={"value": n, "name": f"{one.name} {n}"}) for n in numbers)
    for one in found:
        if len(one.name) > _LONGEST_NAME or "\\" in one.name or not one.name.isprintable():
            raise WriteError(f"The name of class {one.value} has no room in DICOM: 64 plain characters, no backslash.")
    return found


def _header(evidence: Any, planes: Sequence[SlicePlane], authorship: Authorship) -> Any:
    dataset = begin_result(evidence, _SOP_CLASS, "RTSTRUCT", f"{RESEARCH_ONLY}: contours")
    dataset.file_meta.TransferSyntaxUID = _IMPLICIT
    dataset.OperatorsName = person_name(authorship.author)
    dataset.StructureSetLabel = "MEDCLF"
    dataset.StructureSetName = (authorship.model or "Drawn by hand")[:_LONGEST_NAME]
    dataset.StructureSetDescription = f"{RESEARCH_ONLY}. {_maker(authorship)}"[:1024]
    dataset.StructureSetDate, dataset.StructureSetTime = dataset.SeriesDate, dataset.SeriesTime
    dataset.ApprovalStatus = "UNAPPROVED"
    frame_of_reference_uid = tags.text(evidence, "FrameOfReferenceUID")
    if not frame_of_reference_uid:
        raise WriteError("The images have no frame of reference, so contours have no place. Save as NIfTI instead.")
    dataset.FrameOfReferenceUID = frame_of_reference_uid
    dataset.PositionReferenceIndicator = tags.text(evidence, "PositionReferenceIndicator")
    dataset.ReferencedFrameOfReferenceSequence = [_frame_of_reference(evidence, planes)]
    return dataset


def _frame_of_reference(evidence: Any, planes: Sequence[SlicePlane]) -> Any:
    from pydicom.dataset import Dataset

    series, study, frame = Dataset(), Dataset(), Dataset()
    series.SeriesInstanceUID = evidence.SeriesInstanceUID
    uids = dict.fromkeys((plane.sop_class_uid, plane.sop_instance_uid) for plane in planes)
    series.ContourImageSequence = [_image_reference(*one) for one in uids]
    study.ReferencedSOPClassUID = _STUDY_CLASS
    study.ReferencedSOPInstanceUID = evidence.StudyInstanceUID
    study.RTReferencedSeriesSequence = [series]
    frame.FrameOfReferenceUID = evidence.FrameOfReferenceUID
    frame.RTReferencedStudySequence = [study]
    return frame


def _image_reference(sop_class_uid: str, sop_instance_uid: str, frame: int | None = None) -> Any:
    from pydicom.dataset import Dataset

    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class_uid, sop_instance_uid
    if frame is not None:
        item.ReferencedFrameNumber = frame
    return item


def _add_regions(
    dataset: Any,
    regions: Sequence[LabelClass],
    labels: LabelArray,
    planes: Sequence[SlicePlane],
    authorship: Authorship,
) -> None:
    from pydicom.dataset import Dataset

    dataset.StructureSetROISequence, dataset.ROIContourSequence = [], []
    dataset.RTROIObservationsSequence = []
    for number, one in enumerate(regions, start=1):
        declared, drawn, observed = Dataset(), Dataset(), Dataset()
        declared.ROINumber = drawn.ReferencedROINumber = observed.ReferencedROINumber = one.value
        declared.ReferencedFrameOfReferenceUID = dataset.FrameOfReferenceUID
        declared.ROIName = one.name
        declared.ROIGenerationAlgorithm = str(authorship.making)
        declared.ROIGenerationDescription = _maker(authorship)[:_LONGEST_NAME]
        drawn.ROIDisplayColor = [int(one.colour[at : at + 2], 16) for at in (1, 3, 5)]
        contours = _contours(one.value, labels, planes)
        if contours:
            drawn.ContourSequence = contours
        observed.ObservationNumber = number
        observed.RTROIInterpretedType, observed.ROIInterpreter = "", person_name(authorship.author)
        if one.code is not None:
            observed.RTROIIdentificationCodeSequence = [_code(one)]
        dataset.StructureSetROISequence.append(declared)
        dataset.ROIContourSequence.append(drawn)
        dataset.RTROIObservationsSequence.append(observed)


def _contours(value: int, labels: LabelArray, planes: Sequence[SlicePlane]) -> list[Any]:
    from pydicom.dataset import Dataset

    found: list[Any] = []
    for plane, slice_labels in zip(planes, labels, strict=True):
        for polygon in trace_mask(slice_labels == value):
            item = Dataset()
            item.ContourImageSequence = [_image_reference(plane.sop_class_uid, plane.sop_instance_uid, plane.frame)]
            item.ContourGeometricType = "CLOSED_PLANAR"
            item.NumberOfContourPoints = len(polygon)
            item.ContourNumber = len(found) + 1
            set_points(item, plane.to_world(polygon))
            found.append(item)
    return found


def _code(one: LabelClass) -> Any:
    from pydicom.dataset import Dataset

    item = Dataset()
    if one.code is not None:
        setattr(item, "CodeValue" if len(one.code.value) <= 16 else "LongCodeValue", one.code.value)
        item.CodingSchemeDesignator = one.code.scheme
        item.CodeMeaning = one.code.meaning[:_LONGEST_NAME]
    return item


def _maker(authorship: Authorship) -> str:
    """Say who made it, in one line."""
    if not authorship.model:
        return "Drawn by a person"
    made = f"{authorship.model} {authorship.model_version}".strip()
    return f"{made}, weights {authorship.weights_sha256[:12]}" if authorship.weights_sha256 else made
