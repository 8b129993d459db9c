"""DICOM files byte by byte (PS3.5 7.1, PS3.10 7.1), independent of every library, so that it can also lie.

A data set is a dictionary of keyword to value: text, a number, a sequence of either, bytes for samples, or a
list of data sets for a sequence. `RawElement` puts in what no dictionary would: a wrong length, an unknown VR.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

DataSet = Mapping[str, Any]
UNDEFINED_LENGTH = 0xFFFFFFFF
_LONG_VRS = frozenset(("OB", "OW", "OF", "OD", "OL", "SQ", "UN", "UT", "UC", "UR"))
_BINARY = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d"}
_DECIMAL_STRING = 16

# Tag and VR by keyword, DICOM PS3.6.
TAGS: dict[str, tuple[int, str]] = {
    "SpecificCharacterSet": (0x00080005, "CS"),
    "ImageType": (0x00080008, "CS"),
    "SOPClassUID": (0x00080016, "UI"),
    "SOPInstanceUID": (0x00080018, "UI"),
    "StudyDate": (0x00080020, "DA"),
    "StudyTime": (0x00080030, "TM"),
    "AccessionNumber": (0x00080050, "SH"),
    "Modality": (0x00080060, "CS"),
    "Manufacturer": (0x00080070, "LO"),
    "ReferringPhysicianName": (0x00080090, "PN"),
    "StudyDescription": (0x00081030, "LO"),
    "SeriesDescription": (0x0008103E, "LO"),
    "ReferencedSeriesSequence": (0x00081115, "SQ"),
    "ReferencedSOPClassUID": (0x00081150, "UI"),
    "ReferencedSOPInstanceUID": (0x00081155, "UI"),
    "PatientName": (0x00100010, "PN"),
    "PatientID": (0x00100020, "LO"),
    "PatientBirthDate": (0x00100030, "DA"),
    "PatientSex": (0x00100040, "CS"),
    "PatientComments": (0x00104000, "LT"),
    "SliceThickness": (0x00180050, "DS"),
    "SpacingBetweenSlices": (0x00180088, "DS"),
    "GantryDetectorTilt": (0x00181120, "DS"),
    "TriggerTime": (0x00181060, "DS"),
    "PatientPosition": (0x00185100, "CS"),
    "StudyInstanceUID": (0x0020000D, "UI"),
    "SeriesInstanceUID": (0x0020000E, "UI"),
    "StudyID": (0x00200010, "SH"),
    "SeriesNumber": (0x00200011, "IS"),
    "AcquisitionNumber": (0x00200012, "IS"),
    "InstanceNumber": (0x00200013, "IS"),
    "ImagePositionPatient": (0x00200032, "DS"),
    "ImageOrientationPatient": (0x00200037, "DS"),
    "FrameOfReferenceUID": (0x00200052, "UI"),
    "TemporalPositionIdentifier": (0x00200100, "IS"),
    "NumberOfTemporalPositions": (0x00200105, "IS"),
    "SliceLocation": (0x00201041, "DS"),
    "StackID": (0x00209056, "SH"),
    "InStackPositionNumber": (0x00209057, "UL"),
    "FrameContentSequence": (0x00209111, "SQ"),
    "PlanePositionSequence": (0x00209113, "SQ"),
    "PlaneOrientationSequence": (0x00209116, "SQ"),
    "TemporalPositionIndex": (0x00209128, "UL"),
    "DimensionIndexValues": (0x00209157, "UL"),
    "SamplesPerPixel": (0x00280002, "US"),
    "PhotometricInterpretation": (0x00280004, "CS"),
    "PlanarConfiguration": (0x00280006, "US"),
    "NumberOfFrames": (0x00280008, "IS"),
    "Rows": (0x00280010, "US"),
    "Columns": (0x00280011, "US"),
    "PixelSpacing": (0x00280030, "DS"),
    "BitsAllocated": (0x00280100, "US"),
    "BitsStored": (0x00280101, "US"),
    "HighBit": (0x00280102, "US"),
    "PixelRepresentation": (0x00280103, "US"),
    "WindowCenter": (0x00281050, "DS"),
    "WindowWidth": (0x00281051, "DS"),
    "RescaleIntercept": (0x00281052, "DS"),
    "RescaleSlope": (0x00281053, "DS"),
    "RescaleType": (0x00281054, "LO"),
    "PixelMeasuresSequence": (0x00289110, "SQ"),
    "PixelValueTransformationSequence": (0x00289145, "SQ"),
    "ReferencedFrameOfReferenceSequence": (0x30060010, "SQ"),
    "StructureSetLabel": (0x30060002, "SH"),
    "StructureSetROISequence": (0x30060020, "SQ"),
    "ROINumber": (0x30060022, "IS"),
    "ROIName": (0x30060026, "LO"),
    "ROIContourSequence": (0x30060039, "SQ"),
    "ContourSequence": (0x30060040, "SQ"),
    "ContourGeometricType": (0x30060042, "CS"),
    "NumberOfContourPoints": (0x30060046, "IS"),
    "ContourData": (0x30060050, "DS"),
    "ReferencedROINumber": (0x30060084, "IS"),
    "ValueType": (0x0040A040, "CS"),
    "ConceptNameCodeSequence": (0x0040A043, "SQ"),
    "ContinuityOfContent": (0x0040A050, "CS"),
    "TextValue": (0x0040A160, "UT"),
    "NumericValue": (0x0040A30A, "DS"),
    "MeasuredValueSequence": (0x0040A300, "SQ"),
    "RelationshipType": (0x0040A010, "CS"),
    "ContentSequence": (0x0040A730, "SQ"),
    "CodeValue": (0x00080100, "SH"),
    "CodingSchemeDesignator": (0x00080102, "SH"),
    "CodeMeaning": (0x00080104, "LO"),
    "SegmentSequence": (0x00620002, "SQ"),
    "SegmentNumber": (0x00620004, "US"),
    "SegmentLabel": (0x00620005, "LO"),
    "SegmentAlgorithmType": (0x00620008, "CS"),
    "SegmentationType": (0x00620001, "CS"),
    "SegmentIdentificationSequence": (0x0062000A, "SQ"),
    "ReferencedSegmentNumber": (0x0062000B, "US"),
    "DerivationImageSequence": (0x00089124, "SQ"),
    "FileSetID": (0x00041130, "CS"),
    "OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity": (0x00041200, "UL"),
    "OffsetOfTheLastDirectoryRecordOfTheRootDirectoryEntity": (0x00041202, "UL"),
    "FileSetConsistencyFlag": (0x00041212, "US"),
    "DirectoryRecordSequence": (0x00041220, "SQ"),
    "OffsetOfTheNextDirectoryRecord": (0x00041400, "UL"),
    "RecordInUseFlag": (0x00041410, "US"),
    "OffsetOfReferencedLowerLevelDirectoryEntity": (0x00041420, "UL"),
    "DirectoryRecordType": (0x00041430, "CS"),
    "ReferencedFileID": (0x00041500, "CS"),
    "ReferencedSOPClassUIDInFile": (0x00041510, "UI"),
    "ReferencedSOPInstanceUIDInFile": (0x00041511, "UI"),
    "ReferencedTransferSyntaxUIDInFile": (0x00041512, "UI"),
    "SharedFunctionalGroupsSequence": (0x52009229, "SQ"),
    "PerFrameFunctionalGroupsSequence": (0x52009230, "SQ"),
    "PixelData": (0x7FE00010, "OW"),
}


class Syntax(StrEnum):
    """Transfer syntaxes that need no codec."""

    IMPLICIT_LITTLE = "1.2.840.10008.1.2"
    EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
    DEFLATED = "1.2.840.10008.1.2.1.99"
    EXPLICIT_BIG = "1.2.840.10008.1.2.2"


@dataclass(frozen=True)
class RawElement:
    """An element as it comes, under any keyword of a data set.

    Parameters
    ----------
    length : int or None
        What its header claims; None for the truth.
    """

    tag: int
    vr: str
    payload: bytes
    length: int | None = None


def decimal(value: float) -> str:
    """Write a number in at most 16 characters, as DICOM's decimal strings allow, as exactly as they can.

    >>> decimal(-123.456789012345678)
    '-123.45678901235'
    """
    for digits in range(17, 0, -1):
        text = f"{value:.{digits}g}"
        if len(text) <= _DECIMAL_STRING:
            return text
    raise ValueError(f"{value} does not fit into {_DECIMAL_STRING} characters")


def encode_file(dataset: DataSet, syntax: str = Syntax.EXPLICIT_LITTLE) -> bytes:
    """Encode a whole file: preamble, file meta information, data set (not deflated).

    Samples are swapped for big-endian files where they are given as an array.
    """
    return preamble(dataset, syntax) + encode(dataset, syntax)


def preamble(dataset: DataSet, syntax: str) -> bytes:
    """Encode what stands before the data set, which is always explicit little endian."""
    meta = b"".join(
        _element(tag, vr, payload, None, Syntax.EXPLICIT_LITTLE)
        for tag, vr, payload in (
            (0x00020001, "OB", b"\0\1"),
            (0x00020002, "UI", _padded(str(dataset.get("SOPClassUID", "")).encode(), "UI")),
            (0x00020003, "UI", _padded(str(dataset.get("SOPInstanceUID", "")).encode(), "UI")),
            (0x00020010, "UI", _padded(str(syntax).encode(), "UI")),
            (0x00020012, "UI", _padded(b"1.2.826.0.1.3680043.8.498.99", "UI")),
        )
    )
    group_length = _element(0x00020000, "UL", struct.pack("<I", len(meta)), None, Syntax.EXPLICIT_LITTLE)
    return b"\0" * 128 + b"DICM" + group_length + meta


def encode(dataset: DataSet, syntax: str = Syntax.EXPLICIT_LITTLE) -> bytes:
    """Encode a data set in the order of its tags."""
    elements = []
    for keyword, value in dataset.items():
        if isinstance(value, RawElement):
            elements.append((value.tag, value.vr, value.payload, value.length))
        else:
            tag, vr = TAGS[keyword]
            elements.append((tag, vr, _payload(vr, value, syntax), None))
    return b"".join(_element(*one, syntax) for one in sorted(elements, key=lambda one: one[0]))


def encode_item(content: bytes, *, length: int | None = None) -> bytes:
    """Wrap bytes as an item of a little-endian sequence."""
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(content) if length is None else length) + content


def encapsulated(frames: Sequence[bytes]) -> RawElement:
    """Wrap packed frames as pixel data with an empty offset table (PS3.5 A.4)."""
    items = b"".join(encode_item(frame + b"\0" * (len(frame) % 2)) for frame in (b"", *frames))
    end = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    return RawElement(TAGS["PixelData"][0], "OB", items + end, UNDEFINED_LENGTH)


def write_file(path: Path, dataset: DataSet, syntax: str = Syntax.EXPLICIT_LITTLE) -> Path:
    """Write a file and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_file(dataset, syntax))
    return path


def _payload(vr: str, value: Any, syntax: str) -> bytes:
    order = ">" if syntax == Syntax.EXPLICIT_BIG else "<"
    if vr == "SQ":
        return b"".join(_item(encode(item, syntax), order) for item in value)
    if isinstance(value, bytes):
        return _padded(value, vr)
    if isinstance(value, np.ndarray):
        return _padded(value.astype(value.dtype.newbyteorder(order)).tobytes(), vr)
    many = [value] if isinstance(value, str) or not isinstance(value, Sequence) else list(value)
    if vr in _BINARY:
        return struct.pack(f"{order}{len(many)}{_BINARY[vr]}", *many)
    texts = [decimal(float(one)) if vr == "DS" and not isinstance(one, str) else str(one) for one in many]
    return _padded("\\".join(texts).encode("utf-8"), vr)


def _item(content: bytes, order: str) -> bytes:
    return struct.pack(f"{order}HHI", 0xFFFE, 0xE000, len(content)) + content


def _padded(payload: bytes, vr: str) -> bytes:
    filler = b"\0" if vr in ("UI", "OB", "OW", "UN") else b" "
    return payload + filler * (len(payload) % 2)


def _element(tag: int, vr: str, payload: bytes, length: int | None, syntax: str) -> bytes:
    order = ">" if syntax == Syntax.EXPLICIT_BIG else "<"
    claimed = len(payload) if length is None else length
    head = struct.pack(f"{order}HH", tag >> 16, tag & 0xFFFF)
    if syntax == Syntax.IMPLICIT_LITTLE:
        return head + struct.pack("<I", claimed) + payload
    if vr in _LONG_VRS:
        return head + vr.encode("latin-1") + b"\0\0" + struct.pack(f"{order}I", claimed) + payload
    return head + vr.encode("latin-1") + struct.pack(f"{order}H", claimed & 0xFFFF) + payload
