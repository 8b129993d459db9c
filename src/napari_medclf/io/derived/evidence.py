"""Headers of the files an image was read from: what a result has to quote to belong to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_medclf.domain.errors import ReadError, WriteError
from napari_medclf.domain.image import MedImage, Source
from napari_medclf.io.derived.evidence_values import make_quotable
from napari_medclf.io.derived.open_file import open_derived
from napari_medclf.io.dicom import tags
from napari_medclf.io.dicom.quiet import quiet


def read_evidence(image: MedImage) -> list[Any]:
    """Read the headers an image came from, without samples.

    Returns
    -------
    list of pydicom.Dataset
        One an acquired slice, in the order of axis k; a single one for a multi-frame object. Values that no
        standard allows are left out (see `make_quotable`).

    Raises
    ------
    WriteError
        If the image did not come from DICOM, or its files are gone or are others by now.
    """
    source = image.source
    if not source.sop_instance_uids or not source.files:
        raise WriteError(
            f"{image.name} was not read from DICOM files, so that no DICOM result can refer to them. "
            "Save as NIfTI or NRRD, or open the DICOM series."
        )
    return [_read(image.name, path, uid) for path, uid in zip(source.files, _uids(source), strict=True)]


def _uids(source: Source) -> tuple[str, ...]:
    uids = source.sop_instance_uids
    if len(source.files) == 1:
        return uids[:1]
    if len(source.files) != len(uids):
        raise WriteError(f"The image has {len(uids)} DICOM instances in {len(source.files)} files; open it again.")
    return uids


def _read(name: str, path: Path, sop_instance_uid: str) -> Any:
    try:
        dataset = open_derived(path)
    except ReadError as error:
        raise WriteError(
            f"{name}: a file it was read from cannot be read any more ({error}). DICOM results quote it; bring it back."
        ) from error
    if tags.text(dataset, "SOPInstanceUID") != sop_instance_uid:
        raise WriteError(f"{name}: {path} holds another instance than when it was read. Open the series again.")
    with quiet():
        make_quotable(name, dataset)
    return dataset
