"""What a packed frame declares about itself, read from its first bytes before any decoder sees it."""

from __future__ import annotations

from dataclasses import dataclass

_SOC_SIZ = b"\xff\x4f\xff\x51"
_SOI = b"\xff\xd8"
_JP2 = b"\x00\x00\x00\x0cjP  "
_COD = b"\xff\x52"
_FRAME_HEADERS = frozenset((*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0), 0xF7))
_ALONE = frozenset((0x01, *range(0xD0, 0xD9)))
_ADOBE = b"Adobe"


@dataclass(frozen=True)
class Stream:
    """What a frame's own header says.

    Parameters
    ----------
    levels : int
        How often JPEG 2000 can halve its size while decoding.
    is_mixed : bool
        Whether JPEG 2000 mixed red, green and blue, which its decoder undoes.
    transform : int or None
        Adobe's mark: 0 for RGB, 1 for luminance and chrominance.
    component_ids : tuple of int
        Of JPEG; some writers mark red, green and blue by their letters.
    """

    rows: int
    columns: int
    n_samples: int
    bits: int
    is_signed: bool = False
    levels: int = 0
    is_mixed: bool = False
    transform: int | None = None
    component_ids: tuple[int, ...] = ()


def read_stream(data: bytes) -> Stream | None:
    """Read the header of a JPEG, JPEG-LS or JPEG 2000 frame; None where it is none or damaged."""
    if data[:8] == _JP2:
        start = data.find(_SOC_SIZ, 0, 2**16)
        return _read_jpeg_2000(data[start:]) if start >= 0 else None
    if data[:4] == _SOC_SIZ:
        return _read_jpeg_2000(data)
    return _read_jpeg(data) if data[:2] == _SOI else None


def _read_jpeg_2000(data: bytes) -> Stream | None:
    """ISO/IEC 15444-1 A.5.1 and A.6.1."""
    if len(data) < 43:
        return None
    right, bottom, left, top = (int.from_bytes(data[at : at + 4], "big") for at in (8, 12, 16, 20))
    first = data[42]
    is_mixed, levels = _coding_style(data, 4 + int.from_bytes(data[4:6], "big"))
    return Stream(
        rows=bottom - top,
        columns=right - left,
        n_samples=int.from_bytes(data[40:42], "big"),
        bits=(first & 0x7F) + 1,
        is_signed=bool(first & 0x80),
        levels=levels,
        is_mixed=is_mixed,
    )


def _coding_style(data: bytes, at: int) -> tuple[bool, int]:
    """Whether colours are mixed, and how often the wavelet halved the picture; of the main header from `at`."""
    while at + 10 <= len(data) and data[at] == 0xFF and data[at + 1] != 0x90:
        if data[at : at + 2] == _COD:
            return data[at + 8] == 1, data[at + 9]
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return False, 0


def _read_jpeg(data: bytes) -> Stream | None:
    """ISO/IEC 10918-1 B.2.2, and 14495-1 C.2.2 for JPEG-LS."""
    at, transform = 2, None
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF or marker in _ALONE:
            at += 1 if marker == 0xFF else 2
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        body = data[at + 4 : at + 2 + length]
        if marker in _FRAME_HEADERS:
            return _of_frame_header(body, transform)
        if marker == 0xEE and body[:5] == _ADOBE and len(body) >= 12:
            transform = body[11]
        at += 2 + length
    return None


def _of_frame_header(body: bytes, transform: int | None) -> Stream | None:
    if len(body) < 6:
        return None
    return Stream(
        rows=int.from_bytes(body[1:3], "big"),
        columns=int.from_bytes(body[3:5], "big"),
        n_samples=body[5],
        bits=body[0],
        transform=transform,
        component_ids=tuple(body[6::3][: body[5]]),
    )
