"""DICOM status codes in words; a server's own comments are left out, for they may name a patient."""

from __future__ import annotations

_WORDS = {
    0x0110: "processing failed there",
    0x0111: "it has this object already",
    0x0117: "the object's UID is not valid to it",
    0x0122: "it does not store this kind of object",
    0x0124: "it does not allow this to us",
    0x0211: "it does not know the operation",
    0xA702: "it could not send the objects on",
    0xA801: "it does not know our AE title as a place to send to",
    0xC122: "it does not take this transfer syntax",
    0xFE00: "it cancelled",
}
_RANGES = (
    (0xA700, 0xA7FF, "it is out of resources"),
    (0xA900, 0xA9FF, "the object does not match its kind"),
    (0xC000, 0xCFFF, "it cannot process this"),
)


def status_words(code: int) -> str:
    """Say a failure of PS3.4 and PS3.7 in words, with its number.

    >>> status_words(0xA801)
    'it does not know our AE title as a place to send to (0xA801)'
    """
    words = _WORDS.get(code) or next((text for low, high, text in _RANGES if low <= code <= high), "it failed there")
    return f"{words} (0x{code:04X})"
