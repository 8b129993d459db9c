"""Hashes that tell patients and studies apart without naming anybody."""

from __future__ import annotations

import hashlib
import unicodedata


def patient_key(patient_id: str) -> str:
    """Hash a patient's identifier after evening out case, blanks and Unicode forms; empty stays empty."""
    plain = unicodedata.normalize("NFC", patient_id).strip().casefold()
    return hashlib.sha256(plain.encode()).hexdigest() if plain else ""


def study_key(study_uid: str, length: int = 8) -> str:
    """Give a short hash that tells studies apart; empty stays empty."""
    return hashlib.sha256(study_uid.encode()).hexdigest()[:length] if study_uid else ""
