"""Transfer syntaxes: how samples are packed, and which of them can be unpacked here."""

from __future__ import annotations

import re
from pathlib import Path

from napari_medclf.domain.errors import ReadError

_BASE = "1.2.840.10008.1.2"
NATIVE = ("", _BASE, f"{_BASE}.1", f"{_BASE}.2")
"""Samples lie in the file as they are: bare data sets, implicit, explicit, big-endian."""
DEFLATED = f"{_BASE}.1.99"
DEFLATED_FRAMES = (f"{_BASE}.8.1",)
RLE = (f"{_BASE}.5",)
JPEG = tuple(f"{_BASE}.4.{n}" for n in (50, 51, 53, 55, 57, 70))
"""Baseline, extended, spectral selection and full progression of 8 and 12 bits, lossless."""
JPEG_LOSSLESS = JPEG[-2:]
JPEG_LS = tuple(f"{_BASE}.4.{n}" for n in (80, 81))
JPEG_2000 = tuple(f"{_BASE}.4.{n}" for n in (90, 91, 201, 202, 203))
"""JPEG 2000 and high-throughput JPEG 2000."""
JPEG_XL = tuple(f"{_BASE}.4.{n}" for n in (110, 111, 112))
# Named in DICOM since 2023 and 2024, and not yet in pydicom 3.0.
_NEW_NAMES = {
    DEFLATED_FRAMES[0]: "Deflated Image Frame Compression",
    JPEG_XL[0]: "JPEG XL Lossless",
    JPEG_XL[1]: "JPEG XL JPEG Recompression",
    JPEG_XL[2]: "JPEG XL",
}
_VIDEO = tuple(f"{_BASE}.4.{n}" for n in range(100, 109))
_READABLE = frozenset((*NATIVE, DEFLATED, *DEFLATED_FRAMES, *RLE, *JPEG, *JPEG_LS, *JPEG_2000, *JPEG_XL))


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
            f"is packed as {syntax_name(uid)}, and no package used here (imagecodecs) decodes that",
            "Have it sent uncompressed, as JPEG 2000 or as JPEG-LS.",
        )


def syntax_name(uid: str) -> str:
    """Name a transfer syntax; what is no UID is text from a damaged file and not shown."""
    if not uid:
        return "no compression"
    if not re.fullmatch(r"[0-9.]{1,64}", uid):
        return "an unknown transfer syntax"
    from pydicom.uid import UID

    name = _NEW_NAMES.get(uid) or UID(uid, validation_mode=0).name
    return f"{name}, {uid}" if name != uid else uid
