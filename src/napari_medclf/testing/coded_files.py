"""Coded series as DICOM files: one a slice, or one enhanced multi-frame object."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from napari_medclf.testing.coded_series import (
    COLUMNS,
    PLANTED_ID,
    PLANTED_NAME,
    ROWS,
    STEP_MM,
    UID_ROOT,
    CodedSeries,
    Plane,
)
from napari_medclf.testing.dicom_bytes import write_file

CT, ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1"
_SHUFFLE = 7  # a step that visits every one of n names where 7 does not divide n


def write_coded(series: CodedSeries, folder: Path) -> Path:
    """Write a series into a folder, which is made, and return the folder.

    Tags that a reader must not place slices by are wrong on purpose: instance number, slice location and
    slice thickness contradict the positions.
    """
    if series.is_enhanced:
        write_file(folder / "enhanced.dcm", enhanced_dataset(series), series.syntax)
        return folder
    n = len(series.planes)
    for index in range(n):
        name = f"IM{(index * _SHUFFLE) % n if series.is_shuffled and n % _SHUFFLE else index:04d}"
        write_file(folder / name, slice_dataset(series, index), series.syntax)
    for index in series.copies:
        write_file(folder / f"copy{index}", slice_dataset(series, index), series.syntax)
    return folder


def uid_of(series: CodedSeries, *parts: int) -> str:
    """Make the same identifier for the same series and parts every time."""
    number = sum((position + 1) * code for position, code in enumerate(series.name.encode()))
    return ".".join([UID_ROOT, str(number), *(str(part) for part in parts)])


def slice_dataset(series: CodedSeries, index: int) -> dict[str, Any]:
    """Data set of one plane."""
    plane = series.planes[index]
    dataset = _common(series, CT, uid_of(series, 1, index + 1))
    dataset |= {
        "InstanceNumber": len(series.planes) - index,
        "SliceLocation": 3.0 * (index % 4),
        "PixelData": series.stored(index),
        **_pixel_description(series),
        **_rescale(series),
    }
    if plane.time:
        is_number = series.tells_time_by.endswith("Identifier")
        dataset[series.tells_time_by] = plane.time if is_number else 120.0 * plane.time
    if series.has_place:
        dataset |= {"PixelSpacing": [plane.row_mm, plane.column_mm]} | _position(plane) | _orientation(series, plane)
    return dataset


def enhanced_dataset(series: CodedSeries) -> dict[str, Any]:
    """Data set of all planes as frames of one object."""
    n = len(series.planes)
    order = [(index * _SHUFFLE) % n if series.is_shuffled else index for index in range(n)]
    frames = [_frame(series, index) for index in order]
    shared: dict[str, Any] = {} if _has_own_measures(series) else _measures(series.planes[0])
    shared["PixelValueTransformationSequence"] = [_rescale(series) | {"RescaleType": "US"}]
    return _common(series, ENHANCED_CT, uid_of(series, 2)) | {
        "InstanceNumber": 1,
        "NumberOfFrames": n,
        "SharedFunctionalGroupsSequence": [shared],
        "PerFrameFunctionalGroupsSequence": frames,
        "PixelData": np.stack([series.stored(index) for index in order]),
        **_pixel_description(series),
    }


def _frame(series: CodedSeries, index: int) -> dict[str, Any]:
    plane = series.planes[index]
    same_stack = [one for one in series.planes if (one.stack, one.time) == (plane.stack, plane.time)]
    content: dict[str, Any] = {
        "StackID": str(plane.stack + 1),
        "InStackPositionNumber": len(same_stack) - same_stack.index(plane),
    }
    if plane.time:
        content["TemporalPositionIndex"] = plane.time
    return (_measures(plane) if _has_own_measures(series) else {}) | {
        "FrameContentSequence": [content],
        "PlanePositionSequence": [_position(plane)],
        "PlaneOrientationSequence": [_orientation(series, plane)],
    }


def _measures(plane: Plane) -> dict[str, Any]:
    return {"PixelMeasuresSequence": [{"SliceThickness": 1.0, "PixelSpacing": [plane.row_mm, plane.column_mm]}]}


def _has_own_measures(series: CodedSeries) -> bool:
    return len({(plane.row_mm, plane.column_mm) for plane in series.planes}) > 1


def _common(series: CodedSeries, sop_class: str, uid: str) -> dict[str, Any]:
    return {
        "SOPClassUID": sop_class,
        "SOPInstanceUID": uid,
        "StudyInstanceUID": uid_of(series, 3),
        "SeriesInstanceUID": uid_of(series, 4),
        "FrameOfReferenceUID": uid_of(series, 5),
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "StudyDate": "20260102",
        "StudyTime": "101112",
        "AccessionNumber": "",
        "Modality": "CT",
        "Manufacturer": "",
        "ReferringPhysicianName": PLANTED_NAME,
        "SeriesDescription": "coded",
        "PatientName": PLANTED_NAME,
        "PatientID": PLANTED_ID,
        "PatientComments": f"phone {PLANTED_NAME}",
        "PatientBirthDate": "19600102",
        "PatientSex": "F",
        "PatientPosition": "HFS",
        "StudyID": "1",
        "SeriesNumber": 3,
        "AcquisitionNumber": 1,
        "SliceThickness": 1.0,
        # Readers warn about this lie, so series that must be warned about for another reason tell the truth.
        "SpacingBetweenSlices": STEP_MM if series.needs_warning else STEP_MM + 0.5,
    }


def _pixel_description(series: CodedSeries) -> dict[str, Any]:
    return {
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": ROWS,
        "Columns": COLUMNS,
        "BitsAllocated": series.bits,
        "BitsStored": series.bits,
        "HighBit": series.bits - 1,
        "PixelRepresentation": int(series.offset < 0),
    }


def _rescale(series: CodedSeries) -> dict[str, Any]:
    return {"RescaleSlope": series.slope, "RescaleIntercept": series.intercept}


def _position(plane: Plane) -> dict[str, Any]:
    return {"ImagePositionPatient": list(plane.corner)}


def _orientation(series: CodedSeries, plane: Plane) -> dict[str, Any]:
    length = 1 + series.direction_error
    return {"ImageOrientationPatient": [one * length for one in (*plane.row, *plane.column)]}
