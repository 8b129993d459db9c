"""Labels to a file of the kind that its name asks for, DICOM objects among them."""

from __future__ import annotations

from pathlib import Path

from napari_medclf.domain.authorship import Authorship
from napari_medclf.domain.errors import WriteError
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.results import Segmentation

CONTOURS = ".rtstruct.dcm"
LABELMAP = ".labelmap.dcm"
BINARY = ".dcm"


def save_segmentation(segmentation: Segmentation, image: MedImage | None, authorship: Authorship, path: Path) -> None:
    """Write labels as DICOM SEG, labelmap SEG, RTSTRUCT, NIfTI, NRRD, MetaImage, PNG or TIFF.

    Parameters
    ----------
    image : MedImage or None
        What was labelled; its samples are not looked at. DICOM objects cannot be written without it.
    path : Path
        ``.dcm`` gives a binary SEG, ``.labelmap.dcm`` a labelmap SEG, ``.rtstruct.dcm`` contours.

    Raises
    ------
    WriteError
        If what was written does not read back the same, or the image does not come from DICOM;
        nothing is left then.
    """
    name = path.name.lower()
    if not name.endswith(BINARY):
        from napari_medclf.io.write import write_segmentation

        write_segmentation(segmentation, path)
        return
    if image is None:
        raise WriteError(
            f"{path}: labels can only be saved as DICOM on a DICOM series, and the image of these is not known. "
            "Save them as .nii.gz or .nrrd."
        )
    if name.endswith(CONTOURS):
        from napari_medclf.io.derived.rtstruct.write import write_rtstruct

        write_rtstruct(segmentation, image, authorship, path)
        return
    from napari_medclf.io.derived.seg.write import write_seg

    write_seg(segmentation, image, authorship, path, form="labelmap" if name.endswith(LABELMAP) else "binary")
