"""A capture shows the very pixels, in the study of the image that it shows, or is not saved."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest

from napari_medclf.domain.errors import WriteError
from napari_medclf.io.derived import capture
from napari_medclf.io.derived.capture import write_capture
from napari_medclf.io.read import read


@pytest.fixture
def image(tmp_path, phantom, write_series):
    return read([write_series(tmp_path / "series", phantom)]).images[0]


def _picture(*shape):
    return np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)


@pytest.mark.parametrize("shape", [(20, 28), (21, 27), (3, 20, 28), (3, 5, 7)])
def test_pydicom_and_itk_see_the_same_pixels(shape, tmp_path, image, assert_conforms):
    import SimpleITK as sitk

    rgb = _picture(*shape)
    uid = write_capture(rgb, image, tmp_path / "sc.dcm")
    dataset = pydicom.dcmread(tmp_path / "sc.dcm")
    assert dataset.SOPInstanceUID == uid
    assert np.array_equal(dataset.pixel_array, rgb)
    assert np.array_equal(sitk.GetArrayFromImage(sitk.ReadImage(tmp_path / "sc.dcm")).reshape(rgb.shape), rgb)
    assert_conforms(tmp_path / "sc.dcm")


def test_it_belongs_to_the_study_and_names_the_slice_it_shows(tmp_path, image):
    write_capture(_picture(20, 28), image, tmp_path / "sc.dcm", k=4)
    dataset = pydicom.dcmread(tmp_path / "sc.dcm")
    source = pydicom.dcmread(image.source.files[4])
    assert dataset.StudyInstanceUID == source.StudyInstanceUID
    assert dataset.SeriesInstanceUID != source.SeriesInstanceUID
    assert dataset.PatientName == "SECRET^JANE"
    assert [one.ReferencedSOPInstanceUID for one in dataset.SourceImageSequence] == [source.SOPInstanceUID]
    assert dataset.ConversionType == "WSD"
    assert "Research use only" in dataset.SeriesDescription
    assert list(dataset.ImageType) == ["DERIVED", "SECONDARY"]


def test_without_a_slice_it_names_all_of_them(tmp_path, image):
    write_capture(_picture(4, 5), image, tmp_path / "sc.dcm")
    named = [one.ReferencedSOPInstanceUID for one in pydicom.dcmread(tmp_path / "sc.dcm").SourceImageSequence]
    assert tuple(named) == image.source.sop_instance_uids


@pytest.mark.parametrize(
    ("told", "modality", "stated"),
    [("", "CT", "NO"), ("", "US", "YES"), ("NO", "US", "NO"), ("YES", "CT", "YES"), ("", "", "YES")],
)
def test_text_in_the_picture_is_ruled_out_only_where_it_can_be(told, modality, stated):
    header = pydicom.Dataset()
    header.Modality = modality
    if told:
        header.BurnedInAnnotation = told
    assert capture.burned_in(header) == stated


FAULTS = {
    "rows flipped": (lambda d, rgb: setattr(d, "PixelData", rgb[::-1].tobytes()), r"pixel \(row 1, column 1\)"),
    "columns flipped": (lambda d, rgb: setattr(d, "PixelData", rgb[:, ::-1].tobytes()), "came back changed"),
    "red and blue swapped": (lambda d, rgb: setattr(d, "PixelData", rgb[..., ::-1].tobytes()), "came back changed"),
    "another layout": (lambda d, _: setattr(d, "PlanarConfiguration", 1), "came back changed"),
    "rows and columns swapped": (lambda d, _: d.update({"Rows": 28, "Columns": 20}), r"came back as \(3, 1, 28, 20\)"),
    "another slice": (
        lambda d, _: setattr(d.SourceImageSequence[0], "ReferencedSOPInstanceUID", "1.2.3"),
        "the images it names",
    ),
    "another patient": (lambda d, _: setattr(d, "PatientID", "other"), "PatientID came back changed"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_what_was_written_stops_the_save(fault, tmp_path, image, monkeypatch):
    edit, sentence = FAULTS[fault]
    save = capture.save_checked
    rgb = _picture(20, 28)

    def spoil(dataset, path, check):
        edit(dataset, rgb)
        save(dataset, path, check)

    monkeypatch.setattr(capture, "save_checked", spoil)
    (tmp_path / "out").mkdir()
    with pytest.raises(WriteError, match=sentence) as caught:
        write_capture(rgb, image, tmp_path / "out" / "sc.dcm")
    assert "SECRET" not in str(caught.value)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("rgb", [np.zeros((4, 5), np.uint8), np.zeros((4, 5, 3)), np.zeros((0, 5, 3), np.uint8)])
def test_what_is_no_picture_is_refused(rgb, tmp_path, image):
    with pytest.raises(WriteError, match="a colour picture of 8 bits"):
        write_capture(rgb, image, tmp_path / "sc.dcm")


def test_a_slice_that_is_not_there_is_refused(tmp_path, image):
    with pytest.raises(WriteError, match="has 12 slices, and slice 13"):
        write_capture(_picture(4, 5), image, tmp_path / "sc.dcm", k=12)
