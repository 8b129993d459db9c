"""DICOM series made from the oblique phantom, to be spoiled one way a test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_medclf.domain.image import MedImage
from napari_medclf.testing.phantoms import oblique_phantom

SERIES_UID = "1.2.826.0.1.3680043.8.498.1"
FRAME_UID = "1.2.826.0.1.3680043.8.498.2"


@pytest.fixture
def phantom() -> MedImage:
    return oblique_phantom()


@pytest.fixture(scope="session")
def write_series() -> Callable[..., Path]:
    """Give a function that writes an image as one CT file a slice, last slice first.

    `edit(dataset, k)` may change a slice before it is saved, or return False to leave it out.
    """
    return _write_series


def _write_series(folder: Path, image: MedImage, edit=None, syntax: str = "1.2.840.10008.1.2.1") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    n_slices = image.geometry.shape[0]
    for k in reversed(range(n_slices)):
        dataset = _slice(image, k)
        if edit is not None and edit(dataset, k) is False:
            continue
        dataset.file_meta.TransferSyntaxUID = syntax
        dataset.save_as(
            folder / f"file{(k * 7) % n_slices:02d}-{k}", enforce_file_format=True, little_endian=None, implicit_vr=None
        )
    return folder


def _slice(image: MedImage, k: int):
    from pydicom.dataset import Dataset, FileDataset, FileMetaDataset

    affine = image.geometry.affine
    step_mm, row_mm, column_mm = image.geometry.spacing
    uid = f"{SERIES_UID}.{k + 1}"
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", uid
    dataset = FileDataset("", Dataset(), file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", uid
    dataset.SeriesInstanceUID, dataset.StudyInstanceUID = SERIES_UID, SERIES_UID + ".0"
    dataset.FrameOfReferenceUID = FRAME_UID
    dataset.Modality, dataset.SeriesNumber, dataset.SeriesDescription = "CT", 4, "Thorax 3.5"
    dataset.PatientName, dataset.PatientID = "SECRET^JANE", " mrn-0077 "
    dataset.InstanceNumber = 100 - k
    dataset.ImagePositionPatient = [f"{x:.10g}" for x in image.geometry.to_world(np.array([k, 0, 0]))]
    row, column = affine[:3, 2] / column_mm, affine[:3, 1] / row_mm
    dataset.ImageOrientationPatient = [f"{x:.12f}" for x in (*row, *column)]
    dataset.PixelSpacing, dataset.SliceThickness = [row_mm, column_mm], step_mm
    dataset.Rows, dataset.Columns = image.geometry.shape[1:]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType = 1, -1024, "HU"
    dataset.WindowCenter, dataset.WindowWidth = [40, 300], [400, 1500]
    dataset.PixelData = (image.data[k] + 1024).astype("<u2").tobytes()
    return dataset
