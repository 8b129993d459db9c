"""Whether a server gives an object back as it was sent: every element, and the packing."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from napari_medclf.io.dicom import tags
from napari_medclf.io.dicom.quiet import quiet
from napari_medclf.io.preflight import refusing

_LISTED = 5
_PLAIN = frozenset(("1.2.840.10008.1.2", "1.2.840.10008.1.2.1"))
_PADDING = 0xFFFCFFFC


def explain_difference(sent: Path, returned: Path) -> str:
    """Name the elements that differ between two files, as a sentence; empty when all are the same.

    Elements are named by keyword and their values are not shown. The file header (group 2) belongs to
    whoever wrote the file and is not compared, save for the transfer syntax; group lengths and padding say
    nothing of the object (PS3.5 6.2, 7.2; PS3.10 7.2).

    Raises
    ------
    ReadError
        If a file is damaged.
    """
    first, second = _read(sent), _read(returned)
    if tags.meta_text(first, "TransferSyntaxUID") != tags.meta_text(second, "TransferSyntaxUID"):
        return "The server packed it in another transfer syntax."
    with quiet():
        changed = [_name(tag) for tag in _differences(first, second)]
    if not changed:
        return ""
    more = f" and {len(changed) - _LISTED} more" if len(changed) > _LISTED else ""
    return f"The server gives it back with other values of {', '.join(changed[:_LISTED])}{more}."


def is_same_object(first: Path, second: Path) -> bool:
    """Tell whether two files hold the same values, whether types of values are spelled out (PS3.5 7.1) or not.

    Raises
    ------
    ReadError
        If a file is damaged.
    """
    objects = _read(first), _read(second)
    syntaxes = {tags.meta_text(one, "TransferSyntaxUID") for one in objects}
    with quiet():
        return (len(syntaxes) == 1 or syntaxes <= _PLAIN) and not _differences(*objects)


def _read(path: Path) -> Any:
    with refusing(path, "is damaged", with_text=False), quiet():
        from pydicom import dcmread

        return dcmread(path)


def _differences(first: Any, second: Any) -> list[Any]:
    told = sorted(tag for tag in {*first.keys(), *second.keys()} if tag.element and tag != _PADDING)
    return [tag for tag in told if not _is_same(first, second, tag)]


def _is_same(first: Any, second: Any, tag: Any) -> bool:
    if tag not in first or tag not in second:
        return False
    raw = [getattr(one.get_item(tag), "value", None) for one in (first, second)]
    if isinstance(raw[0], bytes) and raw[0] == raw[1]:  # not parsed, and need not be
        return True
    try:
        mine, theirs = first[tag], second[tag]
    except Exception:  # noqa: BLE001  (pydicom raises anything on values that are none)
        return False
    if mine.VR == "SQ" and theirs.VR == "SQ":
        pairs = itertools.zip_longest(mine.value, theirs.value)
        return all(None not in pair and not _differences(*pair) for pair in pairs)
    if isinstance(mine.value, bytes) and isinstance(theirs.value, bytes):
        return _even(mine.value) == _even(theirs.value)
    return bool(mine == theirs)


def _even(value: bytes) -> bytes:
    return value + b"\0" * (len(value) % 2)


def _name(tag: Any) -> str:
    from pydicom.datadict import keyword_for_tag

    return keyword_for_tag(tag) or f"({tag.group:04X},{tag.element:04X})"
