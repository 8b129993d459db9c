"""Check that bytes are a whole safetensors file, without loading a tensor."""

from __future__ import annotations

import json
import struct
from pathlib import Path

from napari_medclf.domain.errors import CardError

_MAX_HEADER_BYTES = 100_000_000  # the limit of the format's own reader
_LENGTH_BYTES = 8


def check_safetensors(source: Path | bytes) -> None:
    """Compare the header's offsets with the length of the file.

    Raises
    ------
    CardError
        If it is cut short, longer than it says, or something else.
    """
    what = "The weights" if isinstance(source, bytes) else f"{source}: the file"
    try:
        if isinstance(source, bytes):
            size, start = len(source), source
        else:
            size = source.stat().st_size
            with source.open("rb") as file:
                start = file.read(min(size, _MAX_HEADER_BYTES + _LENGTH_BYTES)) if size < _LENGTH_BYTES else b""
                if not start:
                    start = file.read(_LENGTH_BYTES)
                    start += file.read(min(_length(start), _MAX_HEADER_BYTES))
    except OSError as error:
        raise CardError(f"{what} cannot be read ({error.strerror or error}).") from error
    if size < _LENGTH_BYTES or _length(start) > min(size - _LENGTH_BYTES, _MAX_HEADER_BYTES):
        raise CardError(f"{what} is no safetensors file, or it is cut short.")
    header = _header(start[_LENGTH_BYTES : _LENGTH_BYTES + _length(start)], what)
    ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
    expected = _LENGTH_BYTES + _length(start) + max(ends, default=0)
    if size != expected:
        raise CardError(f"{what} has {size} bytes, but its header speaks of {expected}; it is damaged or cut short.")


def _length(start: bytes) -> int:
    return int(struct.unpack("<Q", start[:_LENGTH_BYTES])[0])


def _header(content: bytes, what: str) -> dict[str, dict[str, list[int]]]:
    try:
        header = json.loads(content)
        _ = [entry["data_offsets"][1] + 0 for name, entry in header.items() if name != "__metadata__"]
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise CardError(f"{what} is no safetensors file: its header is not understood.") from error
    else:
        return dict(header)
