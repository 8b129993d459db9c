"""Open a TIFF by the tables of TIFF 6.0 and BigTIFF: pages of strips, each a zlib stream."""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.io.reopen.found import Found, ReopenError

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _DESCRIPTION, _STRIPS, _CHANNELS, _SIZES = 256, 257, 258, 259, 270, 273, 277, 279
_PLANAR, _PREDICTOR, _FORMAT = 284, 317, 339
_TYPES = {1: "B", 2: "B", 3: "H", 4: "I", 12: "d", 16: "Q"}
_KINDS = {1: "u", 2: "i", 3: "f"}
_DEFLATE = (8, 32946)
_Tags = dict[int, tuple[int, ...]]


def reopen(path: Path) -> Found:
    """Read all pages and the physical size of what `write_picture` writes.

    Raises
    ------
    ReopenError
        If it is packed in another way or holds other pages than its OME description says.
    """
    raw = path.read_bytes()
    is_big = raw[2:4] == b"+\0"
    if raw[:2] != b"II":
        raise ReopenError("it is not a little-endian TIFF")
    pages: list[NDArray[Any]] = []
    description = ""
    (offset,) = struct.unpack_from("<Q" if is_big else "<I", raw, 8 if is_big else 4)
    while offset:
        tags, offset = _directory(raw, offset, is_big)
        if not pages:
            description = bytes(tags.get(_DESCRIPTION, ())).decode("utf-8", "replace")
        pages.append(_page(raw, tags))
    return _arranged(np.stack(pages), description)


def _directory(raw: bytes, offset: int, is_big: bool) -> tuple[_Tags, int]:
    count_code, entry_bytes, inline = ("<Q", 20, 8) if is_big else ("<H", 12, 4)
    (n_entries,) = struct.unpack_from(count_code, raw, offset)
    start = offset + struct.calcsize(count_code)
    tags: _Tags = {}
    for n in range(n_entries):
        place = start + n * entry_bytes
        tag, kind, count = struct.unpack_from("<HHQ" if is_big else "<HHI", raw, place)
        if kind not in _TYPES:
            continue
        code = f"<{count}{_TYPES[kind]}"
        at = place + (12 if is_big else 8)
        if struct.calcsize(code) > inline:
            (at,) = struct.unpack_from("<Q" if is_big else "<I", raw, at)
        tags[tag] = struct.unpack_from(code, raw, at)
    (following,) = struct.unpack_from("<Q" if is_big else "<I", raw, start + n_entries * entry_bytes)
    return tags, following


def _page(raw: bytes, tags: _Tags) -> NDArray[Any]:
    (rows,), (columns,) = tags[_HEIGHT], tags[_WIDTH]
    (n_channels,) = tags.get(_CHANNELS, (1,))
    dtype = np.dtype(f"<{_KINDS[tags.get(_FORMAT, (1,))[0]]}{tags[_BITS][0] // 8}")
    if tags[_COMPRESSION][0] not in _DEFLATE or tags.get(_PREDICTOR, (1,)) != (1,) or tags.get(_PLANAR, (1,)) != (1,):
        raise ReopenError("its pages are packed in another way than they were written")
    strips = zip(tags[_STRIPS], tags[_SIZES], strict=True)
    content = b"".join(zlib.decompress(raw[start : start + size]) for start, size in strips)
    return np.frombuffer(content, dtype).reshape(rows, columns, n_channels)


def _arranged(pages: NDArray[Any], description: str) -> Found:
    """(page, j, i, sample) to (k, j, i) or (C, k, j, i), with the sizes that the OME description tells."""
    sizes = {axis: int(_attribute(description, f"Size{axis}") or 1) for axis in "ZCT"}
    steps = [_attribute(description, f"PhysicalSize{axis}") for axis in "ZYX"]
    units = {_attribute(description, f"PhysicalSize{axis}Unit") for axis in "ZYX"}
    if any(steps) and units != {"mm"}:
        raise ReopenError(f"its lengths are in {units}")
    spacing = (float(steps[0] or 0), float(steps[1] or 0), float(steps[2] or 0)) if all(steps) else None
    n_channels = pages.shape[-1]
    if n_channels > 1:
        return Found(np.moveaxis(pages, -1, 0), spacing_mm=spacing)
    flat = pages[..., 0]
    n_leading = max(sizes["C"], sizes["T"])
    if len(flat) != sizes["Z"] * n_leading:
        raise ReopenError(f"it holds {len(flat)} pages, and {sizes['Z'] * n_leading} were expected")
    is_nested = sizes["C"] > 1 or sizes["T"] > 1
    return Found(flat.reshape(n_leading, sizes["Z"], *flat.shape[1:]) if is_nested else flat, spacing_mm=spacing)


def _attribute(description: str, name: str) -> str:
    found = re.search(rf'\b{name}="([^"]*)"', description)
    return found.group(1) if found else ""
