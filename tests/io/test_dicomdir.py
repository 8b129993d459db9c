import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset

from napari_medclf.domain.errors import ReadError
from napari_medclf.io.dicomdir import list_files
from napari_medclf.io.read import read, read_image
from napari_medclf.testing.phantoms import MARKED_HU, MARKED_VOXEL


def write_dicomdir(path, *names):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = "1.2.840.10008.1.3.10", "1.2.3"
    meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    directory = Dataset()
    directory.file_meta = meta
    directory.preamble = b"\0" * 128
    directory.FileSetID = "DISC"
    records = []
    for parts in names:
        record = Dataset()
        record.DirectoryRecordType, record.ReferencedFileID = "IMAGE", list(parts)
        records.append(record)
    directory.DirectoryRecordSequence = records
    directory.save_as(path, enforce_file_format=True)
    return path


def test_dicomdir_opens_the_files_it_names_whatever_their_case(tmp_path, phantom, write_series):
    files = sorted(write_series(tmp_path / "dicom", phantom).iterdir())
    path = write_dicomdir(tmp_path / "DICOMDIR", *(("DICOM", file.name.upper()) for file in files))
    image = read_image(path)
    assert image.geometry.same_grid(phantom.geometry)
    assert image.data[MARKED_VOXEL] == MARKED_HU


def test_folder_with_a_dicomdir_is_read_as_a_folder(tmp_path, phantom, write_series):
    write_series(tmp_path / "dicom", phantom)
    write_dicomdir(tmp_path / "DICOMDIR", ("DICOM", "ABSENT"))
    report = read([tmp_path])
    assert len(report.images) == 1
    assert report.refusals == ()


def test_missing_files_are_named_and_the_others_are_read(tmp_path, phantom, write_series):
    files = sorted(write_series(tmp_path / "dicom", phantom).iterdir())
    path = write_dicomdir(tmp_path / "DICOMDIR", ("DICOM", "ABSENT"), *(("DICOM", one.name) for one in files))
    report = read([path])
    assert [refusal.path.name for refusal in report.refusals] == ["ABSENT"]
    assert np.array_equal(report.images[0].data, phantom.data)


@pytest.mark.parametrize("parts", [("..", "secret"), ("", "etc", "passwd"), ("a/../../secret",), ("/etc/passwd",)])
def test_dicomdir_cannot_lead_out_of_its_folder(tmp_path, parts):
    (tmp_path / "disc").mkdir()
    (tmp_path / "secret").write_bytes(b"x")
    found, refusals = list_files(write_dicomdir(tmp_path / "disc" / "DICOMDIR", parts))
    assert found == ()
    assert len(refusals) == 1


def test_link_out_of_the_folder_is_not_followed(tmp_path):
    (tmp_path / "disc").mkdir()
    (tmp_path / "secret").write_bytes(b"x")
    (tmp_path / "disc" / "A").symlink_to(tmp_path / "secret")
    assert list_files(write_dicomdir(tmp_path / "disc" / "DICOMDIR", ("A",)))[0] == ()


def test_damaged_dicomdir_is_one_sentence(tmp_path):
    path = write_dicomdir(tmp_path / "DICOMDIR")
    with pytest.raises(ReadError, match="names no files"):
        list_files(path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ReadError, match=r"DICOMDIR: "):
        list_files(path)
