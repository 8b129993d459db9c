"""The formats that results are written in, and which of them fit a task and an image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import OptionError, WriteError

if TYPE_CHECKING:
    from napari_medclf.domain.image import MedImage

LABEL_FILES = {
    "nifti": "segmentation.nii.gz",
    "nrrd": "segmentation.nrrd",
    "mha": "segmentation.mha",
    "png": "segmentation.png",
    "tiff": "segmentation.tif",
    "dicom-seg": "segmentation.dcm",
    "dicom-labelmap": "labelmap.dcm",
    "rtstruct": "contours.dcm",
}
"""Format to file, of those that hold labels."""
PICTURE_FILES = {"overlay": "overlay.png", "montage": "montage.png", "overlays": "overlay-slice.png"}
"""Format to file, of those that show labels over the image: the slice with most of them; up to twelve slices in one
picture; a picture of every slice that has labels, ``overlay-slice-007.png`` for k = 7."""
BOX_FILES = {"boxes": "boxes.json"}
"""Format to file, of those that hold boxes; a table ``boxes.csv`` stands beside it. Of labels they hold the parts."""
UNCERTAINTY_FILE = "uncertainty.nii.gz"
"""Written beside the labels whenever a map of uncertainty was asked for."""
REPORT_FILES = {"dicom-sr": "report.dcm", "csv": "measurements.csv", "json": "measurements.json"}
"""Format to file, of those that hold numbers."""
FORMATS = ("auto", *LABEL_FILES, *PICTURE_FILES, *BOX_FILES, *REPORT_FILES)
_OF_DICOM = ("dicom-seg", "dicom-labelmap", "rtstruct", "dicom-sr")
_OF_SCORES = (
    "A model to classify has no labels to write as {unfit}. Its scores are always written as JSON; also {fitting} are "
    "possible."
)
_OF_BOXES = (
    "A model to detect has no labels to write as {unfit}. Its boxes are always written as JSON and CSV ({fitting})."
)
_OF_NUMBERS = (
    "A model of numbers has no labels to write as {unfit}. Its numbers are always written as JSON; also {fitting} are "
    "possible."
)


def check_formats(task: Task, formats: Sequence[str]) -> None:
    """Refuse a format that a task has nothing to put into.

    Raises
    ------
    OptionError
        Naming the format.
    """
    held = {
        Task.CLASSIFY: (_OF_SCORES, REPORT_FILES),
        Task.DETECT: (_OF_BOXES, BOX_FILES),
        Task.REGRESS: (_OF_NUMBERS, REPORT_FILES),
    }.get(task)
    if held is None:
        return
    sentence, fitting = held
    unfit = [name for name in formats if name != "auto" and name not in fitting]
    if unfit:
        raise OptionError(sentence.format(unfit=", ".join(unfit), fitting=", ".join(fitting)))


def fitting_formats(image: MedImage, formats: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Choose the formats that can hold an answer on this image.

    Returns
    -------
    fitting : tuple of str
        Each once; ``auto`` became PNG for a picture without a place in the patient, NIfTI for the rest.
    sentences : tuple of str
        Why the others are not written.

    Raises
    ------
    WriteError
        If formats were asked for, and none of them fits.
    """
    asked = tuple(dict.fromkeys(_resolved(name, image) for name in formats))
    sentences = tuple(_misfits(image, asked))
    unfit = {name for name in asked if _is_misfit(image, name)}
    fitting = tuple(name for name in asked if name not in unfit)
    if asked and not fitting:
        raise WriteError(" ".join(sentences))
    return fitting, sentences


def _resolved(format_: str, image: MedImage) -> str:
    if format_ != "auto":
        return format_
    return "png" if image.is_flat and image.geometry.unit.value == "px" else "nifti"


def _is_misfit(image: MedImage, format_: str) -> bool:
    return (format_ in _OF_DICOM and not _is_dicom(image)) or (format_ == "png" and not image.is_flat)


def _is_dicom(image: MedImage) -> bool:
    return bool(image.source.files) and any(image.source.sop_instance_uids)


def _misfits(image: MedImage, asked: Sequence[str]) -> Iterator[str]:
    of_dicom = [name for name in asked if name in _OF_DICOM]
    if of_dicom and not _is_dicom(image):
        yield f"Not written as {', '.join(of_dicom)}: that needs an image from DICOM files, and this one is from none."
    if "png" in asked and not image.is_flat:
        yield f"Not written as png: that holds one slice, and the image has {image.geometry.shape[0]}."
