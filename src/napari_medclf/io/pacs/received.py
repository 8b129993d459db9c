"""Whether what a server sent is the whole DICOM object that it was asked for."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.pacs import InstanceRow
from napari_medclf.io.dicom import tags
from napari_medclf.io.dicom.layout import check_inflated
from napari_medclf.io.dicom.pixels.syntax import DEFLATED
from napari_medclf.io.dicom.quiet import quiet
from napari_medclf.io.preflight import refusing

_PREAMBLE = 132
_LARGE_VALUE = 2**14
_META_GROUP, _SOP_UID = 0x0002, 0x00080018
_IMPLICIT, _BIG_ENDIAN = "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"
_UNDEFINED = 0xFFFFFFFF


def told_uid(head: bytes) -> str:
    """Find the SOP Instance UID in the first bytes of a DICOM file; empty where there is none.

    It is taken from the object itself: real files exist whose file header (PS3.10 7.1) names another.
    """
    if head[128:_PREAMBLE] != b"DICM":
        return ""
    from pydicom.filereader import read_dataset

    file = io.BytesIO(head[_PREAMBLE:])
    try:
        with quiet():
            meta = read_dataset(file, False, True, stop_when=lambda tag, vr, length: tag >> 16 != _META_GROUP)
            syntax = tags.text(meta, "TransferSyntaxUID")
            if syntax == DEFLATED:
                return tags.text(meta, "MediaStorageSOPInstanceUID")
            start = read_dataset(file, syntax == _IMPLICIT, syntax != _BIG_ENDIAN, stop_when=_is_past_uid)
            return tags.text(start, "SOPInstanceUID")
    except Exception:  # noqa: BLE001  (a foreign file may raise anything, and then has no UID)
        return ""


def check_received(path: Path, wanted: InstanceRow) -> None:
    """Refuse a file that is damaged, cut short, or another object than the one asked for.

    Raises
    ------
    ReadError
        With the reason; it quotes nothing of the file.
    """
    size = os.stat(path).st_size
    with path.open("rb") as file, refusing(path, "is damaged", with_text=False), quiet():
        check_inflated(path, file)
        from pydicom import dcmread

        file.seek(0)
        # Large values are skipped, not read: a value that ends behind the file's end shows that it is cut short.
        dataset = dcmread(file, defer_size=_LARGE_VALUE)
        is_cut = file.tell() > size or _ends_short(dataset)
        uids = [tags.text(dataset, f"{level}InstanceUID") for level in ("SOP", "Series", "Study")]
    if is_cut:
        raise ReadError(path, f"was cut short after {size} bytes")
    if uids[0] != wanted.sop_uid:
        raise ReadError(path, "is another object than the one asked for")
    if uids[1:] != [wanted.series_uid, wanted.study_uid]:
        raise ReadError(path, "belongs to another series than the one asked for")


def _is_past_uid(tag: int, vr: str | None, length: int) -> bool:
    return tag > _SOP_UID


def _ends_short(dataset: Any) -> bool:
    """Whether the last value is shorter than it says; pydicom keeps what is there and tells nobody."""
    last = max(dataset.keys(), default=None)
    raw = None if last is None else dataset.get_item(last)
    value, length = getattr(raw, "value", None), getattr(raw, "length", None)
    return isinstance(value, bytes) and isinstance(length, int) and len(value) < length < _UNDEFINED
