"""The installation as a device, known by a number that names neither the computer nor a person."""

from __future__ import annotations

import hashlib
import platform
import uuid
from pathlib import Path

_SERIAL_DIGITS = 16


def device_uid() -> str:
    """Give a UID that stays the same for one installation on one computer (DICOM PS3.5 B.2)."""
    return f"2.25.{uuid.UUID(hex=_fingerprint()[:32], version=4).int}"


def device_serial_number() -> str:
    """Give the same fingerprint in short."""
    return _fingerprint()[:_SERIAL_DIGITS]


def _fingerprint() -> str:
    """Hash where this package lies on which computer."""
    return hashlib.sha256(f"{platform.node()}|{Path(__file__).resolve()}".encode()).hexdigest()
