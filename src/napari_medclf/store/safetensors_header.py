"""Check that bytes are a whole safetensors file, without loading a tensor."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import IO

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
    if isinstance(source, bytes):
        _check(io.BytesIO(source), len(source), "The weights:")
        return
    try:
        with source.open("rb") as file:
            _check(file, source.stat().st_size, f"{source}:")
    except OSError as error:
        raise CardError(f"{source}: cannot be read ({error.strerror or error}).") from error


def _check(file: IO[bytes], size: int, what: str) -> None:
    n_header = int.from_bytes(file.read(_LENGTH_BYTES), "little")
    if size < _LENGTH_BYTES or n_header > min(size - _LENGTH_BYTES, _MAX_HEADER_BYTES):
        raise CardError(f"{what} is no safetensors file, or it is cut short.")
    try:
        header = json.loads(file.read(n_header))
        ends = [int(entry["data_offsets"][1]) for name, entry in header.items() if name != "__metadata__"]
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise CardError(f"{what} is no safetensors file; its header is not understood.") from error
    expected = _LENGTH_BYTES + n_header + max(ends, default=0)
    if size != expected:
        raise CardError(f"{what} {size} bytes, but the header speaks of {expected}; it is damaged or cut short.")
