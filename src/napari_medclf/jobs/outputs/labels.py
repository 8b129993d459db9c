"""Write labels of an image in any of the formats that hold them, or as pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.jobs.outputs.formats import PICTURE_FILES

if TYPE_CHECKING:
    from napari_medclf.domain.authorship import Authorship
    from napari_medclf.domain.image import MedImage
    from napari_medclf.domain.results import Segmentation


def write_labels(segmentation: Segmentation, image: MedImage, authorship: Authorship, path: Path, format_: str) -> str:
    """Write labels of an image in one of `formats.LABEL_FILES`; re-opened and compared before it counts.

    Returns
    -------
    str
        SOP instance UID of a DICOM segmentation, empty for everything else.

    Raises
    ------
    WriteError
        If it cannot be written, or came back different.
    """
    write = _WRITERS.get(format_)
    if write is not None:
        return write(segmentation, image, authorship, path) or ""
    from napari_medclf.io.write import write_segmentation

    write_segmentation(segmentation, path)
    return ""


def write_pictures(segmentation: Segmentation, image: MedImage, folder: Path, format_: str) -> tuple[Path, ...]:
    """Draw labels over their image in one of `formats.PICTURE_FILES`; returns what was written.

    Raises
    ------
    WriteError
        If it cannot be written.
    """
    from napari_medclf.io.montage import write_montage
    from napari_medclf.io.overlay import write_overlay, write_overlays

    path = folder / PICTURE_FILES[format_]
    if format_ == "overlays":
        return write_overlays(image, segmentation, path)
    draw = write_montage if format_ == "montage" else write_overlay
    draw(image, segmentation, path)
    return (path,)


def _write_seg(segmentation: Segmentation, image: MedImage, authorship: Authorship, path: Path) -> str:
    from napari_medclf.io.derived.seg.write import write_seg

    return write_seg(segmentation, image, authorship, path)


def _write_labelmap(segmentation: Segmentation, image: MedImage, authorship: Authorship, path: Path) -> str:
    from napari_medclf.io.derived.seg.write import write_seg

    return write_seg(segmentation, image, authorship, path, form="labelmap")


def _write_contours(segmentation: Segmentation, image: MedImage, authorship: Authorship, path: Path) -> None:
    from napari_medclf.io.derived.rtstruct.write import write_rtstruct

    write_rtstruct(segmentation, image, authorship, path)


_WRITERS: dict[str, Callable[[Segmentation, MedImage, Authorship, Path], str | None]] = {
    "dicom-seg": _write_seg,
    "dicom-labelmap": _write_labelmap,
    "rtstruct": _write_contours,
}
