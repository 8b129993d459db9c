"""Which DICOM classes are labels, contours, reports or maps, and which reader each one is for."""

from __future__ import annotations

_BASE = "1.2.840.10008.5.1.4.1.1."
_SEG = ("seg.read", "read_seg")
_SR = ("sr.read", "read_sr")
READER_OF = {
    _BASE + "66.4": _SEG,
    _BASE + "66.7": _SEG,
    _BASE + "481.3": ("rtstruct.read", "read_rtstruct"),
    _BASE + "30": ("parametric_map", "read_parametric_map"),
    **dict.fromkeys((_BASE + f"88.{n}" for n in (11, 22, 33, 34, 35)), _SR),
}
"""SOP class to module below `io.derived` and function."""


def is_derived(sop_class_uid: str) -> bool:
    """Tell whether objects of a class are labels, contours, reports or maps that are read here."""
    return sop_class_uid in READER_OF
