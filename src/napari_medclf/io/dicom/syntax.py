"""Transfer syntaxes: how samples are packed, and which of them can be unpacked here."""

from __future__ import annotations

import re
from pathlib import Path

from napari_medclf.domain.errors import ReadError

_BASE = "1.2.840.10008.1.2"
NATIVE = ("", _BASE, f"{_BASE}.1", f"{_BASE}.2")
"""Samples lie in the file as they are: bare data sets, implicit, explicit, big-endian."""
DEFLATED = f"{_BASE}.1.99"
JPEG_LOSSLESS = (f"{_BASE}.4.57", f"{_BASE}.4.70")
JPEG_EXTENDED = f"{_BASE}.4.51"
BY_IMAGECODECS = (JPEG_EXTENDED, *JPEG_LOSSLESS)
"""What pydicom's freely licensed decoders leave out."""
_BY_PYDICOM = (
    f"{_BASE}.5",  # RLE
    *(f"{_BASE}.4.{n}" for n in (50, 80, 81, 90, 91, 201, 202, 203)),  # JPEG, JPEG-LS, JPEG 2000, HTJ2K
)
_VIDEO = tuple(f"{_BASE}.4.{n}" for n in range(100, 109))
_READABLE = frozenset((*NATIVE, DEFLATED, *BY_IMAGECODECS, *_BY_PYDICOM))


def check_syntax(path: Path, uid: str) -> None:
    """Refuse a packing that cannot be undone, before any sample is asked for.

    Raises
    ------
    ReadError
        Naming the transfer syntax.
    """
    if uid in _VIDEO:
        raise ReadError(path, f"is a video ({syntax_name(uid)}), which is not read", "Export single frames.")
    if uid not in _READABLE:
        raise ReadError(
            path,
            f"is packed as {syntax_name(uid)}, which cannot be decoded",
            "Have it sent uncompressed, as JPEG 2000 or as JPEG-LS.",
        )


def syntax_name(uid: str) -> str:
    """Name a transfer syntax; what is no UID is text from a damaged file and not shown."""
    if not re.fullmatch(r"[0-9.]{1,64}", uid):
        return "an unknown transfer syntax"
    from pydicom.uid import UID

    name = UID(uid).name
    return f"{name}, {uid}" if name != uid else uid
