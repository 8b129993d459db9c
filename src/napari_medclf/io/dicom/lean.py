"""The few elements that headers need, straight from the bytes of a clean file; all others are left to pydicom.

Listing a folder of thousands of files is mostly the parsing of elements that nobody asks for. Here they are
stepped over. Whatever is not plain (odd order, odd values, other encodings, sequences that matter) gives None,
and the caller asks pydicom: so nothing is read here that pydicom would read otherwise.
"""

from __future__ import annotations

import struct
from typing import Any, BinaryIO

_PREAMBLE = 132
_FIRST_BYTES, _MOST_BYTES = 2**14, 2**20
_IMPLICIT = "1.2.840.10008.1.2"
_NOT_LITTLE = ("1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99")
_UNDEFINED = 0xFFFFFFFF
_CHARACTER_SET = 0x00080005
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_PIXELS = (0x7FE00008, 0x7FE00009, 0x7FE00010)
_DEEPEST = 16
_SHORT_VRS = frozenset(b"AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split())
_LONG_VRS = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_FORMATS = {b"US": "H", b"SS": "h", b"UL": "I", b"FD": "d", b"FL": "f"}
# Tag, keyword, VR.
_WANTED_TEXT = """
00080008 ImageType CS|00080016 SOPClassUID UI|00080018 SOPInstanceUID UI|0020000D StudyInstanceUID UI
0020000E SeriesInstanceUID UI|00200011 SeriesNumber IS|0008103E SeriesDescription LO|00080060 Modality CS
00100020 PatientID LO|00200052 FrameOfReferenceUID UI|00200032 ImagePositionPatient DS
00200037 ImageOrientationPatient DS|00280030 PixelSpacing DS|00181164 ImagerPixelSpacing DS
00182010 NominalScannedPixelSpacing DS|00180088 SpacingBetweenSlices DS|00180050 SliceThickness DS
00281053 RescaleSlope DS|00281052 RescaleIntercept DS|00281054 RescaleType LO|00281050 WindowCenter DS
00281051 WindowWidth DS|00180086 EchoNumbers IS|00180081 EchoTime DS|00189082 EffectiveEchoTime FD
00189087 DiffusionBValue FD|00189089 DiffusionGradientOrientation FD|00180082 InversionTime DS
00181314 FlipAngle DS|00209056 StackID SH|00200012 AcquisitionNumber IS|00209156 FrameAcquisitionNumber US
00200100 TemporalPositionIdentifier IS|00209128 TemporalPositionIndex UL|0020930D TemporalPositionTimeOffset FD
00181060 TriggerTime DS|00209153 NominalCardiacTriggerDelayTime FD|00541300 FrameReferenceTime DS
00189074 FrameAcquisitionDateTime DT|00189151 FrameReferenceDateTime DT|0008002A AcquisitionDateTime DT
00080032 AcquisitionTime TM|00080022 AcquisitionDate DA|00209161 ConcatenationUID UI
00209162 InConcatenationNumber US|00209163 InConcatenationTotalNumber US|00181065 FrameTimeVector DS
00181063 FrameTime DS|00180040 CineRate IS|00082144 RecommendedDisplayFrameRate IS|00280010 Rows US
00280011 Columns US|00280100 BitsAllocated US|00280101 BitsStored US|00280102 HighBit US
00280002 SamplesPerPixel US|00280004 PhotometricInterpretation CS|00280103 PixelRepresentation US
00281056 VOILUTFunction CS|00209241 NominalPercentageOfCardiacPhase FD|00180060 KVP DS|00181210 ConvolutionKernel SH
00280008 NumberOfFrames IS|00280006 PlanarConfiguration US|00180015 BodyPartExamined CS|00080021 SeriesDate DA
00080031 SeriesTime TM
"""
_WANTED = {
    int(tag, 16): (keyword, vr.encode())
    for tag, keyword, vr in (line.split() for line in _WANTED_TEXT.replace("|", "\n").strip().splitlines())
}
_META = {
    0x00020002: "MediaStorageSOPClassUID",
    0x00020003: "MediaStorageSOPInstanceUID",
    0x00020010: "TransferSyntaxUID",
}
# Sequences, and objects that need elements which are not listed above: DICOMDIR, modality and VOI LUT, functional
# groups, calibrated ultrasound regions.
_LEFT_TO_PYDICOM = frozenset((0x00041220, 0x00283000, 0x00283010, 0x52009229, 0x52009230, 0x00186011))
_KEYWORDS = frozenset(keyword for keyword, _ in _WANTED.values())
_ABSENT = frozenset(
    (
        "DirectoryRecordSequence",
        "ModalityLUTSequence",
        "VOILUTSequence",
        "SharedFunctionalGroupsSequence",
        "PerFrameFunctionalGroupsSequence",
        "SequenceOfUltrasoundRegions",
    )
)


def is_overlay(group: int) -> bool:
    """Whether a group of elements is one of the sixteen for overlays, PS3.5 7.6."""
    return 0x6000 <= group <= 0x601E


class NotLean(Exception):
    """Something that is left to pydicom."""


class LeanNumber(float):
    """A number that shows as it was written."""

    __slots__ = ("text",)
    text: str

    @classmethod
    def of(cls, text: str) -> LeanNumber:
        """Parse a decimal string."""
        number = cls(text)
        number.text = text
        return number

    def __str__(self) -> str:
        return self.text


class LeanDataset:
    """Answers like a pydicom data set that stopped at its samples, for the elements that headers ask for."""

    preamble = b"\0"

    def __init__(
        self, file_meta: dict[str, Any], is_implicit: bool, elements: dict[str, Any], *, has_overlay: bool = False
    ) -> None:
        self.file_meta = file_meta
        self.has_overlay = has_overlay
        self.original_encoding = (is_implicit, True)
        self._elements = elements

    def get(self, keyword: str, default: Any = None) -> Any:
        """Value of an element, or `default`."""
        value = self._elements.get(keyword)
        if value is None:
            if keyword not in _KEYWORDS and keyword not in _ABSENT:
                raise NotLean
            return default
        return value

    def __contains__(self, keyword: str) -> bool:
        return self.get(keyword) is not None

    def __len__(self) -> int:
        return len(self._elements)


def read_lean(file: BinaryIO) -> LeanDataset | None:
    """Read the listed elements of a file, and leave it at the tag of its samples; None for pydicom's part."""
    for n_bytes in (_FIRST_BYTES, _MOST_BYTES):
        file.seek(0)
        data = file.read(n_bytes)
        try:
            found = _parse(data)
        except (struct.error, IndexError):  # cut by the end of what was read
            if len(data) < n_bytes:
                break
            continue
        except (NotLean, ValueError):
            break
        file.seek(found[1])
        return found[0]
    file.seek(0)
    return None


def _parse(data: bytes) -> tuple[LeanDataset, int]:
    if data[_PREAMBLE - 4 : _PREAMBLE] != b"DICM":
        raise NotLean
    meta, position = _read_meta(data)
    syntax = meta.get("TransferSyntaxUID", "")
    if not syntax or syntax in _NOT_LITTLE:
        raise NotLean
    is_implicit = syntax == _IMPLICIT
    elements: dict[str, Any] = {}
    last, has_overlay = 0, False
    while True:
        tag, vr, length, start = _head(data, position, is_implicit)
        if tag in _PIXELS:
            break
        if tag <= last or tag in _LEFT_TO_PYDICOM or tag >= _PIXELS[0]:
            raise NotLean
        last = tag
        has_overlay = has_overlay or is_overlay(tag >> 16)
        if length == _UNDEFINED:
            position = _after_sequence(data, start, is_implicit, 0)
            continue
        position = start + length
        if position > len(data):
            raise IndexError
        if tag == _CHARACTER_SET and b"\0" in data[start:position].rstrip(b" \0"):
            raise NotLean
        if tag in _WANTED:
            keyword, expected = _WANTED[tag]
            if vr not in (expected, b""):
                raise NotLean
            elements[keyword] = _value(data[start:position], expected)
    if elements.get("Modality") in ("PT", "NM") or "MOSAIC" in elements.get("ImageType", ()):
        raise NotLean
    return LeanDataset(meta, is_implicit, elements, has_overlay=has_overlay), position


def _read_meta(data: bytes) -> tuple[dict[str, Any], int]:
    tag, vr, length, start = _head(data, _PREAMBLE, is_implicit=False)
    if tag != 0x00020000 or vr != b"UL" or length != 4:
        raise NotLean
    position = start + 4
    end = position + int.from_bytes(data[start:position], "little")
    meta = {}
    while position < end:
        tag, vr, length, start = _head(data, position, is_implicit=False)
        if tag >> 16 != 2:
            raise NotLean
        position = start + length
        if tag in _META:
            meta[_META[tag]] = _text(data[start:position])
    if position != end:
        raise NotLean
    return meta, end


_IMPLICIT_HEAD = struct.Struct("<HHI")
_EXPLICIT_HEAD = struct.Struct("<HH2sH")


def _head(data: bytes, position: int, is_implicit: bool) -> tuple[int, bytes, int, int]:
    """Tag, VR (empty where implicit), length and where the value starts."""
    if is_implicit:
        group, element, length = _IMPLICIT_HEAD.unpack_from(data, position)
        return group << 16 | element, b"", length, position + 8
    group, element, vr, length = _EXPLICIT_HEAD.unpack_from(data, position)
    if vr in _SHORT_VRS:
        return group << 16 | element, vr, length, position + 8
    if vr not in _LONG_VRS:
        raise NotLean
    return group << 16 | element, vr, int.from_bytes(data[position + 8 : position + 12], "little"), position + 12


def _after_sequence(data: bytes, position: int, is_implicit: bool, depth: int) -> int:
    """Where a sequence of undefined length ends."""
    if depth > _DEEPEST:
        raise NotLean
    while True:
        group, element, length = _IMPLICIT_HEAD.unpack_from(data, position)
        tag, position = group << 16 | element, position + 8
        if tag == _SEQUENCE_END:
            return position
        if tag != _ITEM:
            raise NotLean
        if length != _UNDEFINED:
            position += length
            continue
        position = _after_item(data, position, is_implicit, depth)


def _after_item(data: bytes, position: int, is_implicit: bool, depth: int) -> int:
    while True:
        group, element, length = _IMPLICIT_HEAD.unpack_from(data, position)
        if group << 16 | element == _ITEM_END:
            return position + 8
        _, vr, length, start = _head(data, position, is_implicit)
        if length != _UNDEFINED:
            position = start + length
        elif vr == b"UN":  # its items are implicit, PS3.5 6.2.2
            position = _after_sequence(data, start, True, depth + 1)
        else:
            position = _after_sequence(data, start, is_implicit, depth + 1)


def _value(raw: bytes, vr: bytes) -> Any:
    if vr in _FORMATS:
        numbers = struct.unpack(f"<{len(raw) // struct.calcsize(_FORMATS[vr])}{_FORMATS[vr]}", raw)
        return numbers[0] if len(numbers) == 1 else (list(numbers) or "")
    text = _text(raw)
    if vr == b"LO" and "\\" in text:
        raise NotLean
    if vr in (b"DS", b"IS"):
        numbers_of = [LeanNumber.of(one.strip()) for one in text.split("\\")] if text else []
        if vr == b"IS" and not all(one.is_integer() for one in numbers_of):
            raise NotLean
        return numbers_of[0] if len(numbers_of) == 1 else (numbers_of or "")
    return text.split("\\") if "\\" in text else text


def _text(raw: bytes) -> str:
    """Text of plain letters; what needs a character set (ISO 2022 starts it with an escape) is left to pydicom."""
    if b"\x1b" in raw:
        raise NotLean
    return raw.decode("ascii").rstrip(" \0")
