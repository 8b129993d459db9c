"""Malformed DICOM images: cut, lying, nested, with odd geometry and odd packing."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from napari_medclf.testing.bombs import deflate_bomb
from napari_medclf.testing.coded_series import PLANTED_ID, PLANTED_NAME
from napari_medclf.testing.dicom_bytes import (
    TAGS,
    UNDEFINED_LENGTH,
    RawElement,
    Syntax,
    decimal,
    encapsulated,
    encode,
    encode_file,
    encode_item,
    preamble,
)
from napari_medclf.testing.malformed import (
    REFERENCE_ORIGIN_MM,
    REFERENCE_SPACING_MM,
    Allowed,
    MalformedCase,
    as_file,
    reference_samples,
)
from napari_medclf.testing.malformed_values import GEOMETRY, LYING, VALUES, Table

_CT = "1.2.840.10008.5.1.4.1.1.2"
_ROOT = "1.2.826.0.1.3680043.8.498.78"
_JPEG_2000, _JPEG_LS, _JPEG, _RLE = (
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.5",
)
_UNREADABLE, _WARNED, _RIGHT = Allowed.NOTHING, Allowed.WARNED, Allowed.REFERENCE


def sound(k: int = 0, **changes: Any) -> dict[str, Any]:
    """Data set of slice k of the reference, with changes; a value of None takes an element away."""
    step_mm, row_mm, column_mm = REFERENCE_SPACING_MM
    x, y, z = REFERENCE_ORIGIN_MM
    dataset: dict[str, Any] = {
        "SOPClassUID": _CT,
        "SOPInstanceUID": f"{_ROOT}.1.{k + 1}",
        "StudyInstanceUID": f"{_ROOT}.2",
        "SeriesInstanceUID": f"{_ROOT}.3",
        "FrameOfReferenceUID": f"{_ROOT}.4",
        "Modality": "CT",
        "PatientName": PLANTED_NAME,
        "PatientID": PLANTED_ID,
        "PatientComments": f"{PLANTED_NAME} {PLANTED_ID}",
        "ReferringPhysicianName": PLANTED_NAME,
        "SeriesDescription": "odd",
        "SeriesNumber": 5,
        "InstanceNumber": k + 1,
        "SliceThickness": step_mm,
        "ImagePositionPatient": [x, y, z + k * step_mm],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "PixelSpacing": [row_mm, column_mm],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": 7,
        "Columns": 5,
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 0,
        "RescaleSlope": 1,
        "RescaleIntercept": 0,
        "PixelData": reference_samples()[k],
    }
    return {name: value for name, value in (dataset | changes).items() if value is not None}


def nested(depth: int, *, is_closed: bool = True, has_lengths: bool = False) -> RawElement:
    """Build a sequence within a sequence within a sequence (ReferencedSeriesSequence)."""
    tag = TAGS["ReferencedSeriesSequence"][0]
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + b"SQ\0\0"
    if has_lengths:
        content = b""
        for _ in range(depth):
            item = encode_item(content)
            content = head + struct.pack("<I", len(item)) + item
        return RawElement(tag, "SQ", encode_item(content))
    opening = encode_item(b"", length=UNDEFINED_LENGTH)
    closing = struct.pack("<HHIHHI", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0)
    inner = (head + struct.pack("<I", UNDEFINED_LENGTH) + opening) * depth
    return RawElement(tag, "SQ", opening + inner + closing * (depth + 1) * is_closed, UNDEFINED_LENGTH)


def cases() -> Iterator[MalformedCase]:
    """Every case of a DICOM image."""
    yield from _cut()
    yield from _no_dicom()
    yield from _of_values("lying header", LYING)
    yield from _of_values("value", VALUES)
    yield from _of_values("geometry", GEOMETRY)
    yield from _nested()
    yield from _packed()
    yield from _encoded()
    yield from _in_series()


def _file(name: str, group: str, content: Callable[[], bytes], allowed: Allowed = _UNREADABLE) -> MalformedCase:
    return as_file(f"dicom {name}", f"DICOM {group}", content, ".dcm", allowed)


def _cut() -> Iterator[MalformedCase]:
    whole = encode_file(sound())
    for n_bytes in (0, 1, 100, 131, 132, 136, 150, 200, 300, 400):
        yield _file(f"cut at byte {n_bytes}", "truncated", lambda n=n_bytes: whole[:n])  # type: ignore[misc]
    for percent in (55, 65, 75, 85, 90, 93, 95, 97):
        yield _file(f"cut at {percent} %", "truncated", lambda p=percent: whole[: len(whole) * p // 100])  # type: ignore[misc]
    yield _file("cut by one byte", "truncated", lambda: whole[:-1])
    yield _file("cut by one row", "truncated", lambda: whole[:-10])
    yield _file("cut before its samples", "truncated", lambda: encode_file(sound(PixelData=None)))


def _no_dicom() -> Iterator[MalformedCase]:
    whole = encode_file(sound())
    noise = random.Random(3).randbytes(5000)
    yield _file("noise", "no DICOM", lambda: noise)
    yield _file("noise after a preamble", "no DICOM", lambda: bytes(128) + b"DICM" + noise)
    yield _file("zeros after a preamble", "no DICOM", lambda: bytes(128) + b"DICM" + bytes(3000))
    yield _file("text", "no DICOM", lambda: f"{PLANTED_NAME} was here\n".encode() * 50)
    yield _file("an error page", "no DICOM", lambda: b"<!DOCTYPE html><html><body>404 Not Found</body></html>" * 5)
    yield _file("JSON", "no DICOM", lambda: b'{"00100010": {"vr": "PN", "Value": [{"Alphabetic": "SECRET^JANE"}]}}' * 9)
    yield _file("trailing noise", "no DICOM", lambda: whole + noise[:256], _RIGHT)
    yield _file("trailing zeros", "no DICOM", lambda: whole + bytes(256), _RIGHT)
    yield _file("preamble twice", "no DICOM", lambda: whole[:132] + whole)
    yield _file("bytes swapped in pairs", "no DICOM", lambda: bytes(np.frombuffer(whole, "<u2").byteswap().tobytes()))


def _of_values(group: str, table: Table) -> Iterator[MalformedCase]:
    for name, changes, allowed in table:
        yield _file(name, group, lambda changes=changes: encode_file(sound(**changes)), allowed)  # type: ignore[misc]


def _nested() -> Iterator[MalformedCase]:
    group = "nested"
    for depth in (40, 1000, 10_000):
        yield _file(f"nested {depth}", group, lambda n=depth: encode_file(sound(a=nested(n))), _RIGHT)  # type: ignore[misc]
        yield _file(f"nested {depth}, open", group, lambda n=depth: encode_file(sound(a=nested(n, is_closed=False))))  # type: ignore[misc]
    yield _file("nested 2000 with lengths", group, lambda: encode_file(sound(a=nested(2000, has_lengths=True))), _RIGHT)
    empty_items = RawElement(0x00081115, "SQ", encode_item(b"") * 100_000)
    yield _file("100000 empty items", group, lambda: encode_file(sound(a=empty_items)), _RIGHT)
    endless = RawElement(0x00081115, "SQ", encode_item(b"", length=0x7FFFFFFF), UNDEFINED_LENGTH)
    yield _file("item longer than the file", group, lambda: encode_file(sound(a=endless)))
    stray = RawElement(0x00081115, "SQ", struct.pack("<HHI", 0xFFFE, 0xE00D, 0))
    yield _file("item end without an item", group, lambda: encode_file(sound(a=stray)), _RIGHT)
    in_item = encode_item(encode({"PatientName": PLANTED_NAME, "Rows": 3, "Columns": 3}))
    yield _file(
        "other rows in a sequence", group, lambda: encode_file(sound(a=RawElement(0x00081115, "SQ", in_item))), _RIGHT
    )


def _packed() -> Iterator[MalformedCase]:
    group = "packed"
    body = encode(sound(PixelData=None), Syntax.DEFLATED)
    lead = preamble(sound(), Syntax.DEFLATED)
    tail = encode({"PixelData": RawElement(0x7FE00010, "OW", b"", 0x7FFFFFFE)})
    yield _file("deflated 3 GiB", group, lambda: lead + deflate_bomb(body + tail, 3072))
    private = encode({"a": RawElement(0x00091010, "UT", b"", 0x7FFFFFFE)})
    yield _file("deflated 3 GiB before its samples", group, lambda: lead + deflate_bomb(private, 3072))
    yield _file("deflated noise", group, lambda: lead + random.Random(4).randbytes(3000))
    yield _file("deflated, cut", group, lambda: lead + deflate_bomb(body, 0)[:-40])
    junk = random.Random(5).randbytes(600)
    for name, syntax in (("JPEG 2000", _JPEG_2000), ("JPEG-LS", _JPEG_LS), ("JPEG", _JPEG), ("RLE", _RLE)):
        yield _file(f"{name} of noise", group, lambda s=syntax: _packed_file(s, [junk]))  # type: ignore[misc]
        yield _file(f"{name} without frames", group, lambda s=syntax: _packed_file(s, []))  # type: ignore[misc]
    yield _file("JPEG 2000 of 65535 x 65535", group, lambda: _packed_file(_JPEG_2000, [_jpeg_2000_head(65535)]))
    yield _file("JPEG 2000 of 2^31 x 2^31", group, lambda: _packed_file(_JPEG_2000, [_jpeg_2000_head(2**31)]))
    yield _file("JPEG of 65535 x 65535", group, lambda: _packed_file(_JPEG, [jpeg_head(65535, 65535)]))
    yield _file("RLE of 255 segments", group, lambda: _packed_file(_RLE, [struct.pack("<I", 255) + bytes(60)]))
    far = struct.pack("<16I", 2, 64, 0xFFFFFFF0, *[0] * 13) + bytes(40)
    yield _file("RLE segment beyond the file", group, lambda: _packed_file(_RLE, [far]))
    yield _file(
        "RLE too short", group, lambda: _packed_file(_RLE, [struct.pack("<16I", 2, 64, 66, *[0] * 13) + b"\0\1" * 2])
    )
    beyond = RawElement(0x7FE00010, "OB", encode_item(b"") + encode_item(b"ab", length=0x7FFFFFF0), UNDEFINED_LENGTH)
    yield _file("fragment longer than the file", group, lambda: encode_file(sound(PixelData=beyond), _JPEG_2000))
    table = encode_item(struct.pack("<3I", 0, 0xFFFFFF00, 8)) + encode_item(junk[:40])
    wrong = RawElement(0x7FE00010, "OB", table + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0), UNDEFINED_LENGTH)
    yield _file("offset table that lies", group, lambda: encode_file(sound(PixelData=wrong), _RLE))


def _packed_file(syntax: str, frames: list[bytes]) -> bytes:
    return encode_file(sound(PixelData=encapsulated(frames)), syntax)


def _jpeg_2000_head(size: int) -> bytes:
    """Start of a code stream (ISO 15444-1 A.5.1) of one component and one tile as large as the image."""
    siz = struct.pack(">HH8IH3B", 41, 0, size, size, 0, 0, size, size, 0, 0, 1, 15, 1, 1)
    cod = struct.pack(">HBBHBBBBBB", 12, 0, 0, 1, 0, 5, 4, 4, 0, 1)
    qcd = b"\xff\x5c" + struct.pack(">HB", 19, 0x40) + bytes(16)
    tile = b"\xff\x90" + struct.pack(">HHIBB", 10, 0, 0, 0, 1) + b"\xff\x93" + bytes(30) + b"\xff\xd9"
    return b"\xff\x4f\xff\x51" + siz + b"\xff\x52" + cod + qcd + tile


def jpeg_head(height: int, width: int) -> bytes:
    """Start of a baseline JPEG (ISO 10918-1 B.2) of one component, with next to no scan."""
    tables = b"\xff\xdb\0\x43\0" + bytes([1] * 64)
    frame = b"\xff\xc0" + struct.pack(">HBHHB3B", 11, 8, height, width, 1, 1, 0x11, 0)
    codes = b"\xff\xc4\0\x14\0" + bytes([1] + [0] * 15) + b"\0" + b"\xff\xc4\0\x14\x10" + bytes([1] + [0] * 15) + b"\0"
    return (
        b"\xff\xd8"
        + tables
        + frame
        + codes
        + b"\xff\xda"
        + struct.pack(">HB2BBBB", 8, 1, 1, 0, 0, 63, 0)
        + bytes(20)
        + b"\xff\xd9"
    )


def _encoded() -> Iterator[MalformedCase]:
    group = "transfer syntax"
    whole = encode_file(sound())
    lead, body = preamble(sound(), Syntax.EXPLICIT_LITTLE), encode(sound())
    yield _file("unknown transfer syntax", group, lambda: encode_file(sound(), "1.2.3.4"), _RIGHT)
    yield _file("transfer syntax that names somebody", group, lambda: encode_file(sound(), "SECRET^JANE"), _RIGHT)
    yield _file("transfer syntax MPEG-4", group, lambda: encode_file(sound(), "1.2.840.10008.1.2.4.102"))
    for declared, real in (
        (Syntax.IMPLICIT_LITTLE, Syntax.EXPLICIT_LITTLE),
        (Syntax.EXPLICIT_LITTLE, Syntax.IMPLICIT_LITTLE),
        (Syntax.EXPLICIT_LITTLE, Syntax.EXPLICIT_BIG),
        (Syntax.EXPLICIT_BIG, Syntax.EXPLICIT_LITTLE),
    ):
        yield _file(
            f"declared {declared.name}, and {real.name}",
            group,
            lambda d=declared, r=real: preamble(sound(), d) + encode(sound(), r),  # type: ignore[misc]
            _RIGHT,
        )
    yield _file("no preamble", group, lambda: body, _RIGHT)
    yield _file("no preamble, implicit", group, lambda: encode(sound(), Syntax.IMPLICIT_LITTLE), _RIGHT)
    yield _file("no preamble, cut", group, lambda: body[:-20])
    yield _file("group length of 4 GiB", group, lambda: whole[:140] + b"\xff\xff\xff\xff" + whole[144:], _RIGHT)
    yield _file("group length 0", group, lambda: whole[:140] + bytes(4) + whole[144:], _RIGHT)
    yield _file("data set twice", group, lambda: lead + body + body, _RIGHT)
    yield _file("header alone", group, lambda: lead)


def _in_series() -> Iterator[MalformedCase]:
    def series(name: str, changes: dict[str, Any], allowed: Allowed) -> MalformedCase:
        def build(folder: Path) -> Path:
            (folder / "a").write_bytes(encode_file(sound(0)))
            (folder / "b").write_bytes(encode_file(sound(1, **changes)))
            return folder

        return MalformedCase(f"series {name}", "DICOM series", build, allowed)

    x, y, z = REFERENCE_ORIGIN_MM
    yield series("sound", {}, Allowed.READ)
    yield series("of two patients", {"PatientID": "SECRET-2"}, _UNREADABLE)
    yield series("at one place", {"ImagePositionPatient": [x, y, z]}, _WARNED)
    yield series("of two sizes", {"Rows": 5, "Columns": 7}, _WARNED)
    yield series("with one instance twice, differing", {"SOPInstanceUID": f"{_ROOT}.1.1"}, _WARNED)
    yield series("with a slice whose position is missing", {"ImagePositionPatient": None}, _WARNED)
    yield series("with a slice at 1e300", {"ImagePositionPatient": f"{decimal(x)}\\{decimal(y)}\\1e300"}, _WARNED)
    yield series("with a slice cut", {"PixelData": RawElement(0x7FE00010, "OW", bytes(20), 70)}, _UNREADABLE)
    yield series("with a slice in colour", {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}, _WARNED)
    yield series("with a slice of another frame", {"FrameOfReferenceUID": f"{_ROOT}.9"}, _WARNED)
    yield series("with another slope", {"RescaleSlope": "SECRET^JANE"}, _WARNED)
