"""Siemens' private CSA headers: the few numbers that a mosaic needs."""

from __future__ import annotations

import struct

_MAGIC = b"SV10"
_TAG = struct.Struct("<64si4s3i")
_ITEM = struct.Struct("<4i")
_MOST_TAGS, _MOST_ITEMS = 1024, 1024


def read_csa(data: bytes, wanted: tuple[str, ...]) -> dict[str, list[float]] | None:
    """Numbers of some tags of a CSA2 header; None where it is none, or damaged.

    Notes
    -----
    Laid out as nibabel's documentation "Siemens format DICOM with CSA header" (2008-2024) describes it.
    """
    if data[:4] != _MAGIC:
        return None
    try:
        return _read_tags(data, wanted)
    except (struct.error, ValueError):
        return None


def _read_tags(data: bytes, wanted: tuple[str, ...]) -> dict[str, list[float]]:
    (n_tags,) = struct.unpack_from("<I", data, 8)
    if n_tags > _MOST_TAGS:
        raise ValueError(n_tags)
    position, found = 16, {}
    for _ in range(n_tags):
        name, _, _, _, n_items, _ = _TAG.unpack_from(data, position)
        position += _TAG.size
        if not 0 <= n_items <= _MOST_ITEMS:
            raise ValueError(n_items)
        values = []
        for _ in range(n_items):
            _, length, _, _ = _ITEM.unpack_from(data, position)
            position += _ITEM.size
            if length < 0:
                raise ValueError(length)
            values.append(data[position : position + length])
            position += (length + 3) // 4 * 4
        keyword = name.partition(b"\0")[0].decode("latin-1")
        if keyword in wanted:
            texts = [value.partition(b"\0")[0].strip() for value in values]
            found[keyword] = [float(text) for text in texts if text]
    return found
