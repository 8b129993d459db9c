"""The formats that results are written in, and which of them fit a task."""

from __future__ import annotations

from collections.abc import Sequence

from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import OptionError

LABEL_FILES = {
    "nifti": "segmentation.nii.gz",
    "nrrd": "segmentation.nrrd",
    "mha": "segmentation.mha",
    "png": "segmentation.png",
    "tiff": "segmentation.tif",
    "dicom-seg": "segmentation.dcm",
    "dicom-labelmap": "labelmap.dcm",
    "rtstruct": "contours.dcm",
    "overlay": "overlay.png",
}
"""Format to file, of those that hold labels."""
REPORT_FILES = {"dicom-sr": "report.dcm", "csv": "measurements.csv"}
"""Format to file, of those that hold numbers."""
FORMATS = ("auto", *LABEL_FILES, *REPORT_FILES)
DICOM_FORMATS = ("dicom-seg", "dicom-labelmap", "rtstruct", "dicom-sr")
"""These need the DICOM series that the image came from."""


def check_formats(task: Task, formats: Sequence[str]) -> None:
    """Refuse a format that a task has nothing to put into.

    Raises
    ------
    OptionError
        Naming the format.
    """
    if task is not Task.CLASSIFY:
        return
    unfit = [name for name in formats if name in LABEL_FILES]
    if unfit:
        raise OptionError(
            f"A model to classify has no labels to write as {', '.join(unfit)}. Its scores are always written as JSON; "
            f"also {', '.join(REPORT_FILES)} are possible."
        )
