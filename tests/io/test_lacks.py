"""Is a study complete? What is missing is found, and what is there is not called missing."""

from __future__ import annotations

import pytest
from pydicom import dcmread

from napari_medclf.io.arrived import note_file
from napari_medclf.io.discover import discover_files
from napari_medclf.io.lacks import find_lacks


@pytest.fixture
def series(tmp_path, phantom, write_series):
    """Twelve slices in the order of their places."""
    folder = write_series(tmp_path / "ct", phantom)
    return sorted(folder.iterdir(), key=lambda path: -dcmread(path).InstanceNumber)


def lacks_of(paths):
    return find_lacks([note_file(path) for path in paths], discover_files(paths))


def edit(paths, **values):
    for path in paths:
        dataset = dcmread(path)
        for keyword, value in values.items():
            setattr(dataset, keyword, value)
        dataset.save_as(path, enforce_file_format=True)


def test_whole_series_lacks_nothing(series):
    assert lacks_of(series) == ()


def test_gap_between_slices_is_surely_missing(series):
    sure = [lack for lack in lacks_of([*series[:5], *series[7:]]) if lack.is_sure]
    assert ["missing slices: 2" in lack.sentence for lack in sure] == [True]
    assert sure[0].series == note_file(series[0]).series


def test_every_second_slice_leaves_no_gap_and_is_seen_by_the_numbers(series):
    (lack,) = lacks_of(series[::2])
    assert "5 instance numbers" in lack.sentence
    assert not lack.is_sure


def test_fewer_objects_than_announced_are_surely_missing(series):
    edit(series, NumberOfSeriesRelatedInstances=12)
    assert lacks_of(series) == ()
    (lack,) = lacks_of(series[:9])
    assert lack.sentence == "a series has 9 of 12 objects"
    assert lack.is_sure


def test_fewer_images_than_the_acquisition_had_are_worth_a_warning(series):
    edit(series, ImagesInAcquisition=12, AcquisitionNumber=1)
    assert lacks_of(series) == ()
    (lack,) = lacks_of(series[:9])
    assert "9 of 12 images" in lack.sentence
    assert not lack.is_sure


def test_slice_at_the_end_that_is_cut_short_is_missing_from_its_series(series):
    series[-1].write_bytes(series[-1].read_bytes()[:-200])
    assert any("truncated" in lack.sentence and lack.is_sure for lack in lacks_of(series))


def test_numbers_that_count_nothing_lack_nothing(series):
    edit(series, InstanceNumber=1)
    assert lacks_of(series) == ()


def test_objects_that_are_no_images_lack_nothing(series, tmp_path):
    dataset = dcmread(series[0])
    del dataset.PixelData
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.11.1"  # a presentation state
    dataset.SeriesInstanceUID += ".9"
    dataset.SOPInstanceUID += ".9"
    dataset.save_as(tmp_path / "state.dcm", enforce_file_format=True)
    assert lacks_of([*series, tmp_path / "state.dcm"]) == ()


def test_file_that_is_no_dicom_has_a_unit_with_its_samples(tmp_path):
    (tmp_path / "a.mhd").write_text("ObjectType = Image\n")
    (tmp_path / "a.raw").write_bytes(b"\0" * 64)
    (tmp_path / "b.mhd").write_text("ObjectType = Image\n")
    units = {name: note_file(tmp_path / name).unit for name in ("a.mhd", "a.raw", "b.mhd")}
    assert units["a.mhd"] == units["a.raw"] != units["b.mhd"]


def test_study_is_told_apart_by_its_uid_and_not_by_its_place(series, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    moved = series[0].rename(tmp_path / "elsewhere" / "x")
    assert note_file(moved).unit == note_file(series[1]).unit
