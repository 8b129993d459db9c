import numpy as np
import pytest

from napari_medclf.io.dicom.read import read_stack, scan_files

SHAPE = (6, 5, 4)


def write_tomogram(path, step_mm, edit=None):
    """Write a reconstructed tomogram whose samples are their own flat index."""
    from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
    from pydicom.sequence import Sequence

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = "1.2.840.10008.5.1.4.1.1.20", "1.2.840.10008.1.2.1"
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    dataset = FileDataset("", Dataset(), file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID, dataset.Modality = meta.MediaStorageSOPClassUID, "1.2.3", "NM"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.9", "1.2.8"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "RECON TOMO", "EMISSION"]
    dataset.NumberOfFrames, dataset.FrameIncrementPointer = SHAPE[0], 0x00540080
    dataset.SliceVector = list(range(1, SHAPE[0] + 1))
    dataset.Rows, dataset.Columns = SHAPE[1:]
    dataset.PixelSpacing, dataset.SliceThickness, dataset.SpacingBetweenSlices = [2.5, 2.0], 4, step_mm
    detector = Dataset()
    detector.ImagePositionPatient = [10, 20, 30]
    detector.ImageOrientationPatient = [0.8, 0.6, 0, 0, 0, -1]
    dataset.DetectorInformationSequence = Sequence([detector])
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 0
    dataset.PixelData = np.arange(np.prod(SHAPE), dtype="<u2").tobytes()
    if edit is not None:
        edit(dataset)
    dataset.save_as(path, enforce_file_format=True)
    return path


@pytest.mark.parametrize("step_mm", [4.5, -4.5])
def test_every_voxel_of_a_tomogram_lies_along_the_signed_normal(tmp_path, step_mm):
    (stack,) = scan_files([write_tomogram(tmp_path / "nm.dcm", step_mm)]).stacks
    image = read_stack(stack)
    assert image.data.shape == SHAPE
    row, column = np.array([0.8, 0.6, 0]), np.array([0, 0, -1.0])
    for k, j, i in np.ndindex(SHAPE):
        number, rest = divmod(int(image.data[k, j, i]), SHAPE[1] * SHAPE[2])
        at_row, at_column = divmod(rest, SHAPE[2])
        true = np.array([10, 20, 30]) + number * step_mm * np.cross(row, column)
        true = true + at_row * 2.5 * column + at_column * 2.0 * row
        assert np.abs(image.geometry.to_world(np.array([k, j, i])) - true).max() <= 1e-9


def gated(dataset):
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "RECON GATED TOMO", "EMISSION"]


def two_detectors(dataset):
    dataset.DetectorInformationSequence.append(dataset.DetectorInformationSequence[0])


def without_distance(dataset):
    del dataset.SpacingBetweenSlices


@pytest.mark.parametrize("edit", [gated, two_detectors, without_distance])
def test_frames_that_are_not_surely_slices_are_refused_by_name(tmp_path, edit):
    (refusal,) = scan_files([write_tomogram(tmp_path / "nm.dcm", 4.5, edit)]).refusals
    assert "6 frames and does not tell their places (Nuclear Medicine Image Storage)" in refusal.reason
