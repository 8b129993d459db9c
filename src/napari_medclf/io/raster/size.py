"""How large a picture is, from its first bytes alone."""

from __future__ import annotations

import struct
from pathlib import Path

from napari_medclf.domain.geometry import Shape3
from napari_medclf.io.preflight import read_head
from napari_medclf.io.sniff import Kind

_HEAD_BYTES = 2**16
"""Of a JPEG: what cameras put before the picture (a preview, a colour profile) seldom takes more."""
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""JPEG's markers that begin a frame, ITU-T T.81 table B.1; the three left out are tables."""


def picture_size(path: Path, kind: Kind) -> Shape3 | None:
    """Read (1, rows, columns) of a PNG, BMP or JPEG; None where the first bytes do not tell.

    Raises
    ------
    ReadError
        If the file cannot be opened.
    """
    head = read_head(path, _HEAD_BYTES if kind is Kind.JPEG else 32)
    try:
        columns, rows = _READERS[kind](head)
    except (struct.error, IndexError, KeyError):
        return None
    return (1, abs(rows), columns) if rows and columns > 0 else None


def _png(head: bytes) -> tuple[int, int]:
    found: tuple[int, int] = struct.unpack_from(">II", head, 16)
    return found


def _bmp(head: bytes) -> tuple[int, int]:
    found: tuple[int, int] = struct.unpack_from("<ii", head, 18)  # rows are negative where the first is on top
    return found


def _jpeg(head: bytes) -> tuple[int, int]:
    position = 2
    while True:
        mark, marker = head[position], head[position + 1]
        if mark != 0xFF:
            return 0, 0
        if marker == 0xFF:  # fill bytes may stand before a marker
            position += 1
        elif marker in _FRAMES:
            rows, columns = struct.unpack_from(">HH", head, position + 5)
            return columns, rows
        else:
            position += 2 + int(struct.unpack_from(">H", head, position + 2)[0])


_READERS = {Kind.PNG: _png, Kind.BMP: _bmp, Kind.JPEG: _jpeg}
