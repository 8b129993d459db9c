"""Which DICOM objects are not read as images, and what to say instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_medclf.domain.errors import ReadError

_BASE = "1.2.840.10008.5.1.4.1.1."
_ENHANCED = "is an enhanced multi-frame object ({name}), which this version does not read"
_CONVERT = "Convert it to single-frame DICOM or to NIfTI."
_REASONS = {
    **dict.fromkeys(
        ("2.1", "2.2", "4.1", "4.3", "4.4", "6.2", "12.1.1", "12.2.1", "13.1.1", "13.1.2", "13.1.3", "128.1", "130"),
        (_ENHANCED, _CONVERT),
    ),
    "77.1.5.4": (_ENHANCED, _CONVERT),
    "77.1.6": ("is a whole-slide image, which this version does not read", "Export a region as TIFF."),
    "66.4": ("is a segmentation, not an image", "Convert it to NIfTI to use its labels."),
    "66.7": ("is a segmentation (label map), not an image", "Convert it to NIfTI to use its labels."),
    "66.5": ("is a surface segmentation, not an image", ""),
    "66.1": ("is a spatial registration, not an image", ""),
    "481.2": ("is a radiotherapy dose, which this version does not read", ""),
    "481.3": ("is a set of radiotherapy contours, not an image", "Convert it to a NIfTI label image."),
    "481.5": ("is a radiotherapy plan, not an image", ""),
    "30": ("is a parametric map, which this version does not read", "Convert it to NIfTI."),
}
_DIRECTORY = "1.2.840.10008.1.3.10"
# Several frames of these follow each other in time; elsewhere they may be slices, whose place is not read yet.
_FILMS = frozenset((_BASE + "3.1", _BASE + "12.1", _BASE + "12.2", _BASE + "7.1", _BASE + "7.2", _BASE + "7.3"))


def check_kind(path: Path, dataset: Any, *, has_pixels: bool) -> None:
    """Refuse what is not a plain image.

    Raises
    ------
    ReadError
        Naming the kind of object.
    """
    meta = getattr(dataset, "file_meta", None)
    uid = str(dataset.get("SOPClassUID") or (meta.get("MediaStorageSOPClassUID") if meta is not None else "") or "")
    if uid == _DIRECTORY or "DirectoryRecordSequence" in dataset:
        raise ReadError(path, "is a DICOMDIR, an index of other files", "Open the folder with the files themselves.")
    reason, hint = _REASONS.get(uid.removeprefix(_BASE), ("", "")) if uid.startswith(_BASE) else ("", "")
    if reason:
        raise ReadError(path, reason.format(name=_name(uid)), hint)
    if len(dataset) == 0:
        raise ReadError(path, "holds no DICOM elements; it is damaged or not DICOM")
    if not has_pixels:
        raise ReadError(path, f"holds no image samples ({_name(uid)})")
    n_frames = int(dataset.get("NumberOfFrames") or 1)
    if n_frames > 1 and uid not in _FILMS and dataset.get("Modality") not in ("US", "XA", "RF", "ES"):
        raise ReadError(path, f"holds {n_frames} frames whose places are not read ({_name(uid)})", _CONVERT)


def _name(uid: str) -> str:
    """Name a class; only names of the standard are shown, as anything else is text from the file."""
    if not uid:
        return "of no stated kind"
    from pydicom.uid import UID

    name = UID(uid).name
    return "of a private kind" if name == uid else name
