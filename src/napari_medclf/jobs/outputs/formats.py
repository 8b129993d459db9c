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
BOX_FILES = {"boxes": "boxes.json"}
"""Format to file, of those that hold boxes; a table ``boxes.csv`` stands beside it. Of labels they hold the parts."""
UNCERTAINTY_FILE = "uncertainty.nii.gz"
"""Written beside the labels whenever a map of uncertainty was asked for."""
REPORT_FILES = {"dicom-sr": "report.dcm", "csv": "measurements.csv"}
"""Format to file, of those that hold numbers."""
FORMATS = ("auto", *LABEL_FILES, *BOX_FILES, *REPORT_FILES)
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
