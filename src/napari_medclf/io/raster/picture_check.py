"""Looks at PNG and JPEG files before a decoder fills in what is not there."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from napari_medclf.domain.errors import ReadError
from napari_medclf.io.preflight import check_declared

_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Samples a pixel of each PNG colour type."""
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
# Adam7: first column and row, step of columns and rows (ISO/IEC 15948, 8.2).
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_MOST_CHUNK = 2**31
_STEP = 2**20
_LARGE, _MOST_RATIO = 2**28, 300
"""Larger pictures that are packed better are bombs."""
_JPEG_FRAMES = frozenset((0xC0, 0xC1, 0xC2, 0xC3, 0xC9, 0xCA, 0xCB))
_SEQUENTIAL = frozenset((0xC0, 0xC1))
_BLOCK = 8
_FEWEST_BITS_A_BLOCK = 2
"""A Huffman code of one bit for the first coefficient, and one for the end of the block."""


def check_png(path: Path) -> int:
    """Refuse a PNG whose chunks are damaged or whose samples are fewer than its size asks for.

    Returns
    -------
    int
        Bits a sample.

    Raises
    ------
    ReadError
        Decoders show missing rows as black.
    """
    inflater = zlib.decompressobj()
    expected, n_inflated, bits = -1, 0, 0
    with path.open("rb") as file:
        if file.read(8) != _PNG_MAGIC:
            raise ReadError(path, "has no PNG signature")
        for name, content in _chunks(path, file):
            if name == b"IHDR":
                bits, expected = _png_bytes(path, content)
                check_declared(path, expected, path.stat().st_size, is_compressed=True)
                _check_ratio(path, expected)
            elif name == b"IDAT":
                n_inflated += _count_inflated(path, inflater, content, expected - n_inflated)
    if n_inflated < expected or expected < 0:
        raise ReadError(path, f"is truncated: it holds {n_inflated} of {expected} bytes of samples", "Fetch it again.")
    return bits


def check_jpeg(path: Path) -> int:
    """Refuse a JPEG without a picture, or whose scan is too short for its size.

    Returns
    -------
    int
        Bits a sample.

    Raises
    ------
    ReadError
        Decoders fill what is missing with gray.
    """
    raw = path.read_bytes()
    at, bits, n_blocks = 2, 0, 0
    while at + 4 <= len(raw):
        if raw[at] != 0xFF:
            raise ReadError(path, "has damaged JPEG segments", "Fetch the file again.")
        marker = raw[at + 1]
        if marker == 0xFF or marker in range(0xD0, 0xD8):
            at += 1 if marker == 0xFF else 2
            continue
        (length,) = struct.unpack_from(">H", raw, at + 2)
        if marker in _JPEG_FRAMES:
            bits, n_blocks = _jpeg_frame(path, raw[at + 4 : at + 2 + length], marker)
        if marker == 0xDA:
            n_bytes = len(raw) - (at + 2 + length)
            if not bits or 8 * n_bytes < _FEWEST_BITS_A_BLOCK * n_blocks:
                raise ReadError(path, f"is truncated: {n_bytes} bytes cannot hold {n_blocks} blocks", "Fetch it again.")
            return bits
        at += 2 + length
    raise ReadError(path, "is truncated: it holds no scan", "Fetch the file again.")


def _check_ratio(path: Path, expected: int) -> None:
    packed = path.stat().st_size
    if expected > _LARGE and expected > _MOST_RATIO * packed:
        raise ReadError(path, f"declares {expected} bytes of samples packed into {packed}, as no picture is")


def _count_inflated(path: Path, inflater: Any, content: bytes, most: int) -> int:
    """Count what a part unpacks to, in steps that are thrown away; stops behind `most`."""
    count = 0
    try:
        while content and count <= most and (step := inflater.decompress(content, _STEP)):
            count += len(step)
            content = inflater.unconsumed_tail
    except zlib.error as error:
        raise ReadError(path, "has damaged samples", "Fetch the file again.") from error
    return count


def _chunks(path: Path, file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    size = path.stat().st_size
    while True:
        head = file.read(8)
        if len(head) < 8:
            return
        length, name = struct.unpack(">I4s", head)
        if length > min(_MOST_CHUNK, size):
            raise ReadError(path, "is truncated: a part of it is cut off", "Fetch the file again.")
        content, checksum = file.read(length), file.read(4)
        is_critical = name[:1].isupper()
        if is_critical and (len(checksum) < 4 or zlib.crc32(name + content) != int.from_bytes(checksum, "big")):
            raise ReadError(path, "is damaged: a checksum in it is wrong", "Fetch the file again.")
        yield name, content
        if name == b"IEND":
            return


def _png_bytes(path: Path, head: bytes) -> tuple[int, int]:
    """Bits a sample, and how many bytes the lines take with their filter types."""
    if len(head) != 13:
        raise ReadError(path, "has a damaged PNG header")
    columns, rows, bits, colour_type, _, _, interlace = struct.unpack(">2I5B", head)
    if not columns or not rows or bits not in _DEPTHS.get(colour_type, ()) or interlace > 1:
        raise ReadError(path, f"declares {columns} x {rows} pixels of {bits} bits in colour type {colour_type}")
    bits_a_pixel = bits * _CHANNELS[colour_type]
    passes = _PASSES if interlace else ((0, 0, 1, 1),)
    n_bytes = 0
    for first_column, first_row, column_step, row_step in passes:
        width = -(-(columns - first_column) // column_step)
        height = -(-(rows - first_row) // row_step)
        if width > 0 and height > 0:
            n_bytes += height * (1 + -(-width * bits_a_pixel // 8))
    return bits, n_bytes


def _jpeg_frame(path: Path, head: bytes, marker: int) -> tuple[int, int]:
    """Bits a sample, and how many blocks a sequential scan must hold (0 for the other kinds)."""
    if len(head) < 6:
        raise ReadError(path, "has a damaged JPEG header")
    bits, rows, columns, n_components = struct.unpack_from(">BHHB", head)
    if not rows or not columns or not n_components or len(head) < 6 + 3 * n_components:
        raise ReadError(path, f"declares {columns} x {rows} pixels of {n_components} components")
    factors = [(head[7 + 3 * n] >> 4, head[7 + 3 * n] & 15) for n in range(n_components)]
    if min(min(pair) for pair in factors) < 1 or marker not in _SEQUENTIAL:
        return bits, 0
    widest, highest = (max(pair[axis] for pair in factors) for axis in (0, 1))
    units = -(-columns // (_BLOCK * widest)) * -(-rows // (_BLOCK * highest))
    return bits, units * sum(h * v for h, v in factors) if n_components > 1 else -(-columns // 8) * -(-rows // 8)
