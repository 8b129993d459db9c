"""Each kind of derived object goes to its reader, and a listing tells what is in it without reading samples."""

from __future__ import annotations

from importlib import import_module

import pytest

from napari_medclf.domain.errors import ReadError
from napari_medclf.io.derived.classes import READER_OF, is_derived
from napari_medclf.io.derived.read import describe_derived, read_derived
from napari_medclf.io.dicom.keys import study_key

SEG = "1.2.840.10008.5.1.4.1.1.66.4"


@pytest.fixture
def write(tmp_path):
    """Give a function that writes a small data set and returns its path."""
    from pydicom.dataset import FileDataset, FileMetaDataset

    def save(edit=lambda dataset: None, sop_class=SEG):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = sop_class, "1.2.3.4"
        meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
        dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
        dataset.SOPClassUID, dataset.Modality, dataset.SeriesInstanceUID = sop_class, "SEG", "1.2.3"
        dataset.StudyInstanceUID, dataset.PatientName = "1.2", "SECRET^JANE"
        edit(dataset)
        dataset.save_as(tmp_path / "a.dcm", enforce_file_format=True)
        return tmp_path / "a.dcm"

    return save


def test_every_reader_that_is_named_exists():
    for module, name in set(READER_OF.values()):
        assert callable(getattr(import_module(f"napari_medclf.io.derived.{module}"), name))


def test_images_are_not_derived():
    assert is_derived(SEG)
    assert not is_derived("1.2.840.10008.5.1.4.1.1.2")
    assert not is_derived("")


def test_another_object_is_refused(write):
    with pytest.raises(ReadError, match="is no segmentation, contour set, report or parametric map"):
        read_derived(write(sop_class="1.2.840.10008.5.1.4.1.1.2"))


def test_the_class_may_stand_in_the_file_header_alone(write):
    with pytest.raises(ReadError, match="segmentation of no known type"):
        read_derived(write(lambda dataset: dataset.pop("SOPClassUID")))


def test_a_listing_names_the_series_it_refers_to_and_nobody(write):
    from pydicom.dataset import Dataset

    def refer(dataset):
        series = Dataset()
        series.SeriesInstanceUID = "1.2.9"
        dataset.ReferencedSeriesSequence = [series]
        dataset.NumberOfFrames, dataset.Rows, dataset.Columns = 3, 20, 28

    entry = describe_derived(write(refer))
    assert (entry.name, entry.kind, entry.series_uid, entry.refers_to) == ("a", "SEG", "1.2.3", "1.2.9")
    assert entry.size == (3, 20, 28)
    assert entry.study == study_key("1.2")
    assert "SECRET" not in repr(entry)


def test_a_file_that_is_no_dicom_is_refused(tmp_path):
    (tmp_path / "a.dcm").write_bytes(b"no DICOM at all")
    with pytest.raises(ReadError, match=r"a\.dcm"):
        describe_derived(tmp_path / "a.dcm")
