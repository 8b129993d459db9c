import struct

import numpy as np
import pytest

from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.image import ChannelKind
from napari_medclf.io.dicom.read import read_stack, scan_files
from napari_medclf.io.dicom.series.csa import read_csa

N_SLICES, ROWS, COLUMNS = 7, 6, 5


def csa_header(**values):
    """Write a CSA2 header of decimal strings; nibabel wants the matrix too."""
    tags = b""
    values = {"AcquisitionMatrixText": ["6*5"], **values}
    for name, numbers in values.items():
        items = [
            (one if isinstance(one, str) else f"{one:.8f}".removesuffix(".00000000")).encode() + b"\0"
            for one in numbers
        ]
        vr = b"SH" if isinstance(numbers[0], str) else b"IS" if len(numbers) == 1 else b"FD"
        tags += struct.pack("<64si4s3i", name.encode(), len(items), vr, 4, len(items), 77)
        for item in items:
            tags += struct.pack("<4i", len(item), len(item), 77, len(item)) + item + b"\0" * (-len(item) % 4)
    return b"SV10\4\3\2\1" + struct.pack("<2I", len(values), 77) + tags


def write_mosaic(path, time=0, sign=1, edit=None):
    """Write slices whose samples are their own index as tiles of 3 x 3."""
    from pydicom.dataset import Dataset, FileDataset, FileMetaDataset

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.1.2.1"
    meta.MediaStorageSOPInstanceUID = f"1.2.3.{time + 1}"
    dataset = FileDataset("", Dataset(), file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.Modality = "1.2.9", "1.2.8", "MR"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]
    dataset.AcquisitionTime = f"1000{2 * time:02d}.5"
    row, column = np.array([0.8, 0.6, 0]), np.array([0, 0, -1.0])
    dataset.ImageOrientationPatient = [*row, *column]
    dataset.ImagePositionPatient, dataset.PixelSpacing = [10, 20, 30], [2.0, 3.0]
    dataset.SliceThickness, dataset.SpacingBetweenSlices = 4, 4.5
    dataset.Rows, dataset.Columns = 3 * ROWS, 3 * COLUMNS
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    samples = np.zeros((3 * ROWS, 3 * COLUMNS), np.uint16)
    codes = np.arange(N_SLICES * ROWS * COLUMNS).reshape(N_SLICES, ROWS, COLUMNS) + 1000 * time
    for n, code in enumerate(codes):
        top, left = n // 3 * ROWS, n % 3 * COLUMNS
        samples[top : top + ROWS, left : left + COLUMNS] = code
    dataset.PixelData = samples.tobytes()
    normal = sign * np.cross(row, column)
    block = dataset.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
    block.add_new(0x10, "OB", csa_header(NumberOfImagesInMosaic=[N_SLICES], SliceNormalVector=normal))
    if edit is not None:
        edit(dataset, block)
    dataset.save_as(path, enforce_file_format=True)
    return path


@pytest.mark.filterwarnings("ignore:The DICOM readers are highly experimental:UserWarning")
@pytest.mark.parametrize("sign", [1, -1])
def test_every_voxel_of_a_mosaic_lies_where_nibabel_puts_it(tmp_path, sign):
    from nibabel.nicom.dicomwrappers import wrapper_from_file

    path = write_mosaic(tmp_path / "mosaic.dcm", sign=sign)
    (stack,) = scan_files([path]).stacks
    image = read_stack(stack)
    wrapper = wrapper_from_file(path)
    theirs = np.asarray(wrapper.get_data())  # [row, column, slice]; its affine goes to LPS
    assert image.data.shape == (N_SLICES, ROWS, COLUMNS)
    for index in np.ndindex(theirs.shape):
        place = wrapper.affine @ [*index, 1]
        k, j, i = np.rint(image.geometry.to_index(place[:3])).astype(int)
        assert np.abs(image.geometry.to_world(np.array([k, j, i])) - place[:3]).max() <= 1e-4
        assert image.data[k, j, i] == theirs[index]
    assert any("cut out of a Siemens mosaic" in text for text in image.warnings)


def test_mosaics_of_several_times_are_one_image(tmp_path):
    files = [write_mosaic(tmp_path / f"{9 - time}.dcm", time) for time in range(3)]
    (stack,) = scan_files(files).stacks
    image = read_stack(stack)
    assert image.channel_kind is ChannelKind.TIME
    assert image.data.shape == (3, N_SLICES, ROWS, COLUMNS)
    assert (image.channel_values, image.channel_unit) == ((0.0, 2.0, 4.0), "s")
    assert image.data[:, 0, 0, 0].tolist() == [0, 1000, 2000]
    assert len(image.source.sop_instance_uids) == N_SLICES


def without_csa(dataset, block):
    del block[0x10]


def other_count(dataset, block):
    block[0x10].value = csa_header(NumberOfImagesInMosaic=[20], SliceNormalVector=[0, 0, 1])


def other_normal(dataset, block):
    block[0x10].value = csa_header(NumberOfImagesInMosaic=[7], SliceNormalVector=[0, 0, 1])


@pytest.mark.parametrize(
    ("edit", "reason"),
    [(without_csa, "no readable CSA"), (other_count, "the normal"), (other_normal, "normal in its CSA header is not")],
)
def test_mosaic_that_is_not_certain_is_refused_by_name(tmp_path, edit, reason):
    (refusal,) = scan_files([write_mosaic(tmp_path / "mosaic.dcm", edit=edit)]).refusals
    assert "is a Siemens mosaic that cannot be taken apart" in refusal.reason
    assert reason in refusal.reason


def test_damaged_csa_headers_give_nothing():
    good = csa_header(SliceNormalVector=[0, 0, 1])
    assert read_csa(good, ("SliceNormalVector",)) == {"SliceNormalVector": [0, 0, 1]}
    for bad in (b"", good[:40], good[:8] + b"\xff\xff\xff\x7f" + good[12:], b"XX" + good):
        assert read_csa(bad, ("SliceNormalVector",)) is None
    with pytest.raises(ReadError, match="Siemens mosaic"):
        raise ReadError("x", "is a Siemens mosaic")
