"""Codes in DICOM: a value, the scheme it comes from, and its meaning in words."""

from __future__ import annotations

from typing import Any

from napari_medclf.domain.labels import CodedConcept
from napari_medclf.io.derived.reference import items
from napari_medclf.io.dicom import tags

_VALUES = ("CodeValue", "LongCodeValue", "URNCodeValue")


def read_code(item: Any, keyword: str) -> CodedConcept | None:
    """Read the first code of a code sequence; None where there is no whole one.

    Notes
    -----
    A value of more than 16 characters stands in Long Code Value, an address in URN Code Value (DICOM PS3.3 8.8).
    """
    for code in items(item, keyword)[:1]:
        value = next((text for name in _VALUES if (text := tags.text(code, name))), "")
        scheme = tags.text(code, "CodingSchemeDesignator")
        if value and (scheme or "URNCodeValue" in code):
            return CodedConcept(value=value, scheme=scheme, meaning=tags.text(code, "CodeMeaning"))
    return None
