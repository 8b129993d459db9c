"""Malformed DICOM objects that were derived from images: segmentations, contours, reports."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from napari_medclf.testing.coded_series import PLANTED_NAME
from napari_medclf.testing.dicom_bytes import encode_file
from napari_medclf.testing.malformed import Allowed, MalformedCase, as_file
from napari_medclf.testing.malformed_dicom import sound

_SEG = "1.2.840.10008.5.1.4.1.1.66.4"
_RTSTRUCT = "1.2.840.10008.5.1.4.1.1.481.3"
_REPORT = "1.2.840.10008.5.1.4.1.1.88.33"
_CODE = {"CodeValue": "1", "CodingSchemeDesignator": "99X", "CodeMeaning": PLANTED_NAME}
_NOTHING, _WARNED = Allowed.NOTHING, Allowed.WARNED


def cases() -> Iterator[MalformedCase]:
    """Every case of a derived object; alone, without the images it is about."""
    for name, frames, changes, allowed in _SEGMENTATIONS:
        yield _case("SEG", name, _segmentation(frames, changes), allowed)
    for name, contours, changes in _CONTOURS:
        yield _case("RTSTRUCT", name, _structures(contours, changes), _WARNED)
    for name, content in _reports():
        yield _case("SR", name, _report(content), _WARNED)


def _case(group: str, name: str, dataset: dict[str, Any], allowed: Allowed) -> MalformedCase:
    return as_file(f"{group} {name}", group, lambda: encode_file(dataset), ".dcm", allowed)


def _frame(segment: int = 1, z: float | str = 104.5) -> dict[str, Any]:
    return {
        "SegmentIdentificationSequence": [{"ReferencedSegmentNumber": segment}],
        "PlanePositionSequence": [{"ImagePositionPatient": f"-31.25\\12.375\\{z}"}],
        "FrameContentSequence": [{"DimensionIndexValues": [1, 1]}],
    }


_TWO = (_frame(z=104.5), _frame(z=107.0))
_SEGMENTATIONS: tuple[tuple[str, tuple[dict[str, Any], ...], dict[str, Any], Allowed], ...] = (
    ("of 2 billion frames", _TWO, {"NumberOfFrames": 2_000_000_000}, _NOTHING),
    ("of 3 frames and 2 there", _TWO, {"NumberOfFrames": 3}, _NOTHING),
    ("of 0 frames", _TWO, {"NumberOfFrames": 0}, _WARNED),
    ("of 65535 rows", _TWO, {"Rows": 65535, "Columns": 65535}, _NOTHING),
    ("with more frames than places", _TWO[:1], {}, _NOTHING),
    ("with more places than frames", (*_TWO, _frame(z=110)), {}, _NOTHING),
    ("of segment 9 of 1", (_frame(9), _frame(9, 107.0)), {}, _WARNED),
    ("of segment 0", (_frame(0), _frame(0, 107.0)), {}, _WARNED),
    ("of segment 65535", (_frame(65535), _frame(65535, 107.0)), {}, _WARNED),
    ("with a place of NaN", (_frame(), _frame(z="NaN")), {}, _NOTHING),
    ("with a place of 1e300", (_frame(), _frame(z="1e300")), {}, _NOTHING),
    ("with a place of 1e8", (_frame(), _frame(z="1e8")), {}, _WARNED),
    ("without segments", _TWO, {"SegmentSequence": []}, _WARNED),
    ("without shared groups", _TWO, {"SharedFunctionalGroupsSequence": None}, _WARNED),
    ("without frame groups", (), {"PerFrameFunctionalGroupsSequence": None}, _NOTHING),
    ("of type SECRET", _TWO, {"SegmentationType": PLANTED_NAME}, _WARNED),
    ("of 16 bits", _TWO, {"BitsAllocated": 16, "BitsStored": 16, "HighBit": 15}, _NOTHING),
    ("without samples", _TWO, {"PixelData": None}, _NOTHING),
    ("cut by a frame", _TWO, {"PixelData": bytes(4)}, _NOTHING),
)


def _segmentation(frames: tuple[dict[str, Any], ...], changes: dict[str, Any]) -> dict[str, Any]:
    segment = {"SegmentNumber": 1, "SegmentLabel": PLANTED_NAME, "SegmentAlgorithmType": "MANUAL"}
    shared = {
        "PixelMeasuresSequence": [{"PixelSpacing": [0.75, 0.6], "SliceThickness": 2.5, "SpacingBetweenSlices": 2.5}],
        "PlaneOrientationSequence": [{"ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}],
    }
    bits = np.packbits(np.arange(70) % 3 == 0, bitorder="little").tobytes()
    dataset: dict[str, Any] = {
        "SOPClassUID": _SEG,
        "Modality": "SEG",
        "SegmentationType": "BINARY",
        "SegmentSequence": [segment],
        "SharedFunctionalGroupsSequence": [shared],
        "PerFrameFunctionalGroupsSequence": list(frames),
        "NumberOfFrames": 2,
        "BitsAllocated": 1,
        "BitsStored": 1,
        "HighBit": 0,
        "PixelData": bits,
        "ImagePositionPatient": None,
        "ImageOrientationPatient": None,
        "PixelSpacing": None,
    }
    return sound(0, **(dataset | changes))


_SQUARE = "-31\\12\\104.5\\-30\\12\\104.5\\-30\\14\\104.5\\-31\\14\\104.5"
_CONTOURS: tuple[tuple[str, list[dict[str, Any]], dict[str, Any]], ...] = (
    ("of a million points and 4 there", [{"ContourData": _SQUARE, "NumberOfContourPoints": 1_000_000}], {}),
    ("of half a point", [{"ContourData": _SQUARE + "\\5", "NumberOfContourPoints": 4}], {}),
    ("of NaN", [{"ContourData": "NaN\\0\\0\\1\\1\\0\\2\\0\\0", "NumberOfContourPoints": 3}], {}),
    ("at 1e300", [{"ContourData": "1e300\\0\\0\\1\\1\\0\\2\\0\\0", "NumberOfContourPoints": 3}], {}),
    ("of text", [{"ContourData": "SECRET^JANE\\0\\0", "NumberOfContourPoints": 1}], {}),
    ("without points", [{"ContourData": "", "NumberOfContourPoints": 0}], {}),
    ("without contours", [], {}),
    ("without regions", [], {"StructureSetROISequence": []}),
    ("without names", [{"ContourData": _SQUARE}], {"StructureSetROISequence": [{"ROINumber": 1}]}),
    ("about an unknown region", [{"ContourData": _SQUARE}], {"StructureSetROISequence": [{"ROINumber": 7}]}),
    ("about nobody", [{"ContourData": _SQUARE}], {"ROIContourSequence": None}),
)


def _structures(contours: list[dict[str, Any]], changes: dict[str, Any]) -> dict[str, Any]:
    drawn = [{"ContourGeometricType": "CLOSED_PLANAR", **contour} for contour in contours]
    dataset: dict[str, Any] = {
        "SOPClassUID": _RTSTRUCT,
        "Modality": "RTSTRUCT",
        "StructureSetLabel": PLANTED_NAME,
        "StructureSetROISequence": [{"ROINumber": 1, "ROIName": PLANTED_NAME}],
        "ROIContourSequence": [{"ReferencedROINumber": 1, "ContourSequence": drawn}],
    }
    return sound(0, **(dict.fromkeys(_IMAGE_ONLY) | dataset | changes))


def _reports() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    number = {"ValueType": "NUM", "RelationshipType": "CONTAINS", "ConceptNameCodeSequence": [_CODE]}
    yield "of nothing", []
    yield "of a number that is a name", [{**number, "MeasuredValueSequence": [{"NumericValue": PLANTED_NAME}]}]
    yield "of NaN", [{**number, "MeasuredValueSequence": [{"NumericValue": "NaN"}]}]
    yield "of a number without value", [{**number, "MeasuredValueSequence": []}]
    yield "of an unknown value type", [{**number, "ValueType": PLANTED_NAME}]
    yield "of items without codes", [{"ValueType": "TEXT", "TextValue": PLANTED_NAME}] * 50
    deep: list[dict[str, Any]] = []
    for _ in range(120):
        deep = [{"ValueType": "CONTAINER", "ConceptNameCodeSequence": [_CODE], "ContentSequence": deep}]
    yield "120 deep", deep


_IMAGE_ONLY = (
    "PixelData", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "SamplesPerPixel",
    "PhotometricInterpretation", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "RescaleSlope",
    "RescaleIntercept", "SliceThickness",
)  # fmt: skip


def _report(content: list[dict[str, Any]]) -> dict[str, Any]:
    dataset: dict[str, Any] = {
        "SOPClassUID": _REPORT,
        "Modality": "SR",
        "ValueType": "CONTAINER",
        "ConceptNameCodeSequence": [_CODE],
        "ContinuityOfContent": "SEPARATE",
        "ContentSequence": content,
    }
    return sound(0, **(dict.fromkeys(_IMAGE_ONLY) | dataset))
