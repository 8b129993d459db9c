"""Which DICOM objects are not read as images, and what to say instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_medclf.domain.errors import ReadError
from napari_medclf.io.derived.classes import is_derived

_BASE = "1.2.840.10008.5.1.4.1.1."
_CONVERT = "Convert it to single-frame DICOM or to NIfTI."
_REASONS = {
    "77.1.6": ("is a whole-slide image, which this version does not read", "Export a region as TIFF."),
    "66.5": ("is a surface segmentation, not an image", ""),
    "66.1": ("is a spatial registration, not an image", ""),
    "481.2": ("is a radiotherapy dose, which this version does not read", ""),
    "481.5": ("is a radiotherapy plan, not an image", ""),
}
_DIRECTORY = "1.2.840.10008.1.3.10"
# Several frames of these follow each other in time; elsewhere they may be slices, whose place is not read yet.
_FILMS = frozenset(_BASE + one for one in ("3.1", "12.1", "12.1.1", "12.2", "12.2.1", "7", "7.1", "7.2", "7.3", "7.4"))


class DerivedObject(ReadError):
    """A file of labels, contours, reports or maps, which other readers take."""


def check_kind(path: Path, dataset: Any, *, has_pixels: bool) -> None:
    """Refuse what is not a plain image.

    Raises
    ------
    DerivedObject
        If it is for the readers of `io.derived`.
    ReadError
        Naming the kind of object, for all others.
    """
    uid = _class_uid(dataset)
    if uid == _DIRECTORY or "DirectoryRecordSequence" in dataset:
        raise ReadError(path, "is a DICOMDIR, an index of other files", "Open the folder with the files themselves.")
    if is_derived(uid):
        raise DerivedObject(path, f"holds what was derived from images ({_name(uid)}), not an image")
    reason, hint = _REASONS.get(uid.removeprefix(_BASE), ("", "")) if uid.startswith(_BASE) else ("", "")
    if reason:
        raise ReadError(path, reason, hint)
    if len(dataset) == 0:
        raise ReadError(path, "holds no DICOM elements; it is damaged or not DICOM")
    if not has_pixels:
        raise ReadError(path, f"holds no image samples ({_name(uid)})")


def check_film(path: Path, dataset: Any, n_frames: int) -> None:
    """Refuse several frames that tell neither their places nor that they follow each other in time.

    Raises
    ------
    ReadError
        With the number of frames and the kind of object.
    """
    uid = _class_uid(dataset)
    if n_frames > 1 and uid not in _FILMS and dataset.get("Modality") not in ("US", "XA", "RF", "ES"):
        raise ReadError(path, f"holds {n_frames} frames and does not tell their places ({_name(uid)})", _CONVERT)


def _class_uid(dataset: Any) -> str:
    meta = getattr(dataset, "file_meta", None)
    return str(dataset.get("SOPClassUID") or (meta.get("MediaStorageSOPClassUID") if meta is not None else "") or "")


def _name(uid: str) -> str:
    """Name a class; only names of the standard are shown, as anything else is text from the file."""
    if not uid:
        return "of no stated kind"
    from pydicom.uid import UID

    name = UID(uid, validation_mode=0).name  # 0: no warning that shows the text of a damaged one
    return "of a private kind" if name == uid else name
